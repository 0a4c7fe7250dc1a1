"""One seat's connection: its publications, its legs, and what is promised and measured of it."""

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from traceback import format_exc
from typing import Protocol

import structlog

from contract.facts import QualityMeasured
from contract.ids import CallId
from contract.phases import TrackSource
from contract.ports import Clock, Party
from media.connection import Connection, Opens
from media.leg import Leg
from media.publication import Host, Publication
from media.quality import QualityMeter
from media.settings import MediaSettings
from media.thinning import Allowance

_log = structlog.get_logger(__name__)


class PeerHost(Host, Protocol):
    """The call, as a peer sees it."""

    def note_connected(self, peer: "Peer") -> None:
        """The connection is up."""
        ...

    def note_lost(self, peer: "Peer", reason: str) -> None:
        """The connection broke without being asked to."""
        ...


class Peer:
    """A seat's connection. ``run`` owns it from the answer to the end."""

    def __init__(
        self, party: Party, settings: MediaSettings, clock: Clock, host: PeerHost, endpoint: Opens
    ) -> None:
        self.party = party
        self.publications: list[Publication] = []
        self.answered_at = clock.monotonic()
        self.connected_at: float | None = None
        self.noted_missing: set[str] = set()
        self._settings, self._clock, self._host = settings, clock, host
        self._ending, self._ended = asyncio.Event(), asyncio.Event()
        self._connection = Connection(endpoint, settings.video_codecs, self._note_state)
        self._meter: QualityMeter | None = None

    @property
    def legs(self) -> list[Leg]:
        """What this person sees and hears, in the order of the plan."""
        return self._connection.legs

    @property
    def allowance(self) -> Allowance:
        """What this person's line can take, as far as it is known."""
        return self._connection.allowance

    async def answer(self, offer: str, publishable: Sequence[str]) -> str:
        """Answer the offer; publications and legs are there afterwards.

        ``publishable`` are the video codecs that everybody else can take, the preferred one first.

        Raises:
            ProtocolError: the offer is not the planned one.
        """
        try:
            answer = self._connection.answer(offer, publishable)
        except BaseException:
            await self._connection.close()
            raise
        self.publications = [Publication(uplink, self._host) for uplink in self._connection.uplinks]
        return answer

    async def run(self) -> None:
        """Serve the connection until ``close``; then end its tracks and close it."""
        try:
            async with asyncio.TaskGroup() as tasks:
                reporting = tasks.create_task(self._report())
                self._connection.start(tasks)
                await self._ending.wait()
                reporting.cancel()
                await self._end()
        except* Exception:
            _log.error("a peer broke down", seat=self.party.seat, pii_error=format_exc())
            self._host.note_lost(self, "internal_error")
        finally:
            await self._end()
            self._ended.set()

    async def close(self) -> None:
        """End, and return when everything of this peer is gone. Idempotent."""
        self._ending.set()
        await self._ended.wait()

    async def _end(self) -> None:
        self._ending.set()
        for publication in self.publications:
            publication.end()
        for leg in self.legs:
            leg.connect(None)
        await self._connection.close()

    def codecs(self, source: TrackSource, other: int | None) -> tuple[str, ...]:
        """Return the codecs of one line, preferred first: own publication, or what ``other`` may send."""
        for uplink in self._connection.uplinks if other is None else ():
            if uplink.line.source is source:
                return tuple(codec.name for codec in uplink.codecs.values())
        for leg in self.legs if other is not None else ():
            if leg.media.line.source is source and leg.media.line.other == other:
                return leg.codecs
        return ()

    def missing(self, now: float, promised: Mapping[TrackSource, float]) -> dict[str, float]:
        """Return what is overdue at ``now`` (monotonic), and for how long each was waited.

        ``promised`` tells since when each source is. Until there is a connection it is awaited from the
        offer on, gate or no gate; then from when it may pass.
        """
        found: dict[str, float] = {}
        for source, at in promised.items():
            since = self._awaited_since(source)
            if since is not None and now - max(at, since) >= self._settings.promise_s:
                found[source] = now - max(at, since)
        return found

    def _awaited_since(self, source: TrackSource) -> float | None:
        if self.connected_at is None:
            return self.answered_at
        publication = self.publication(source)
        if publication is None or publication.begun or publication.awaited_at is None:
            return None
        return max(self.connected_at, publication.awaited_at)

    def publication(self, source: TrackSource) -> Publication | None:
        """Return the m-line by which this person sends ``source``."""
        return next((one for one in self.publications if one.source is source), None)

    def is_silent(self, now: float) -> bool:
        """Tell whether a connected peer has sent nothing at all for too long, not even a STUN check."""
        if self.connected_at is None:
            return False
        return now - max(self.connected_at, self._connection.heard_at) >= self._settings.silence_s

    def measure(self, call: CallId, now: float) -> QualityMeasured:
        """Return the quality since the last call of this."""
        if self._meter is None:
            self._meter = QualityMeter(call, self.party.seat, self.connected_at or now)
        ups = [uplink for uplink in self._connection.uplinks if uplink.stats.packets]
        limits = [limit for uplink in ups if (limit := uplink.limit) is not None]
        return self._meter.measure(
            now,
            [uplink.stats for uplink in ups],
            [leg.stats for leg in self.legs if leg.ready],
            sum(leg.dropped for leg in self.legs),
            sum(limits) if limits else None,
        )

    def _note_state(self, state: str) -> None:
        if self._ending.is_set():
            return
        if state == "connected" and self.connected_at is None:
            self.connected_at = self._clock.monotonic()
            self._host.note_connected(self)
        elif state in ("failed", "closed"):
            self._host.note_lost(self, f"connection_{state}")

    async def _report(self) -> None:
        """Send RTCP reports about once a second, at random distances (RFC 3550 section 6.3)."""
        while True:
            await asyncio.sleep(random.uniform(0.5, 1.5))
            self._connection.report(time.monotonic())
