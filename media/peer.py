"""One seat's connection: its publications, its legs, and the tasks that serve them."""

import asyncio
import random
from collections.abc import Sequence
from traceback import format_exc
from typing import Protocol

import structlog

from contract.facts import QualityMeasured
from contract.ids import CallId
from contract.phases import Role, TrackKind, TrackSource
from contract.ports import Clock, Party
from media.aiortc_seam import Connection
from media.leg import Leg
from media.publication import Host, Publication
from media.quality import QualityMeter
from media.settings import MediaSettings

_log = structlog.get_logger(__name__)

# Who may be seen and heard; everybody else in a call only watches.
PUBLISHING_ROLES = frozenset({Role.CUSTOMER, Role.AGENT})
_PROMISED = (TrackSource.MICROPHONE, TrackSource.CAMERA)
# How long to wait before looking again at a socket that does not get rid of its packets.
_CONGESTION_PAUSE_S = 0.01


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

    def __init__(self, party: Party, settings: MediaSettings, clock: Clock, host: PeerHost) -> None:
        self.party = party
        self.publications: list[Publication] = []
        self.legs: list[Leg] = []
        self.answered_at = clock.monotonic()
        self.connected_at: float | None = None
        self.missing_noted = False
        self._settings, self._clock, self._host = settings, clock, host
        self._wake, self._ending, self._ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._connection = Connection(settings, clock, self._wake.set)
        self._meter: QualityMeter | None = None
        self._seen = (0, self.answered_at)

    @property
    def publishes(self) -> bool:
        """Tell whether others see and hear this person."""
        return self.party.role in PUBLISHING_ROLES

    async def answer(self, offer: str, publishable: Sequence[str]) -> str:
        """Answer the offer; publications and legs are there afterwards.

        ``publishable`` are the video codecs that everybody else can take, the preferred one first.

        Raises:
            ProtocolError: the offer is not the planned one.
            MediaError: no address to listen on.
        """
        try:
            answer = await self._connection.answer(offer, publishable)
        except BaseException:
            await self._connection.close()
            raise
        if self.publishes:
            self._publish()
        for out in self._connection.outs:
            bound = (
                self._settings.audio_queue if out.line.kind is TrackKind.AUDIO else self._settings.video_queue
            )
            leg = Leg(out, out.line.kind, bound, self._wake.set)
            out.tap = leg
            self.legs.append(leg)
        self._connection.on_state(self._note_state)
        return answer

    def _publish(self) -> None:
        for incoming in self._connection.ins:
            line = incoming.line
            publication = Publication(incoming, line.kind, line.source, self._host)
            incoming.tap = publication
            self.publications.append(publication)

    async def run(self) -> None:
        """Serve the connection until ``close``; then end its tracks and close it."""
        try:
            async with asyncio.TaskGroup() as tasks:
                serving = [tasks.create_task(self._pump()), tasks.create_task(self._report())]
                await self._ending.wait()
                for task in serving:
                    task.cancel()
        except* Exception:
            _log.error("a peer broke down", seat=self.party.seat, pii_error=format_exc())
            self._host.note_lost(self, "internal_error")
        finally:
            self._ending.set()
            for publication in self.publications:
                publication.end()
            for leg in self.legs:
                leg.connect(None)
            await self._connection.close()
            self._ended.set()

    async def close(self) -> None:
        """End, and return when everything of this peer is gone. Idempotent."""
        self._ending.set()
        await self._ended.wait()

    def codecs(self, source: TrackSource, other: int | None) -> tuple[str, ...]:
        """Return the codecs of one line, preferred first: own publication, or what ``other`` may send."""
        ends = self._connection.ins if other is None else self._connection.outs
        for end in ends:
            if end.line.source is source and (other is None or end.line.other == other):
                return end.codecs
        return ()

    def missing(self, now: float, gate_at: float | None) -> tuple[tuple[str, ...], float]:
        """Return what was promised and is overdue at ``now`` (monotonic), and how long was waited."""
        promised = self._settings.promise_s
        if self.connected_at is None:
            waited = now - self.answered_at
            return (tuple(_PROMISED) if waited >= promised else ()), waited
        if gate_at is None or not self.publishes:
            return (), 0.0
        waited = now - max(gate_at, self.connected_at)
        silent = [p.source for p in self.publications if p.source in _PROMISED and p.track is None]
        return (tuple(silent) if waited >= promised else ()), waited

    def is_silent(self, now: float) -> bool:
        """Tell whether a peer that sent media has sent nothing at all, not even RTCP, for too long."""
        count = self._connection.packets_received
        began = any(incoming.stats is not None for incoming in self._connection.ins)
        if not began or count != self._seen[0]:
            self._seen = (count, now)
        return now - self._seen[1] >= self._settings.silence_s

    def measure(self, call: CallId, now: float) -> QualityMeasured:
        """Return the quality since the last call of this."""
        if self._meter is None:
            self._meter = QualityMeter(call, self.party.seat, self.connected_at or now)
        ups = [end.stats for end in self._connection.ins if end.stats is not None]
        downs = [end.stats for end in self._connection.outs if end.ready]
        return self._meter.measure(now, ups, downs, sum(leg.dropped for leg in self.legs))

    def _note_state(self) -> None:
        state = self._connection.state
        if self._ending.is_set():
            return
        if state == "connected" and self.connected_at is None:
            self.connected_at = self._clock.monotonic()
            self._host.note_connected(self)
        elif state in ("failed", "closed"):
            self._host.note_lost(self, f"connection_{state}")

    async def _pump(self) -> None:
        """Send what legs and publications have ready, sound before pictures."""
        order = sorted(self.legs, key=lambda leg: leg.kind is TrackKind.VIDEO)
        while True:
            await self._wake.wait()
            self._wake.clear()
            for incoming in self._connection.ins:
                await incoming.send_feedback()
            for leg in order:
                while not self._connection.congested and await leg.send_next():
                    pass
            if self._connection.congested:
                await asyncio.sleep(_CONGESTION_PAUSE_S)
                self._wake.set()

    async def _report(self) -> None:
        """Send RTCP reports about once a second, at random distances (RFC 3550 section 6.3)."""
        while True:
            await asyncio.sleep(random.uniform(0.5, 1.5))
            for incoming in self._connection.ins:
                await incoming.send_report()
            for leg in self.legs:
                await leg.report()
