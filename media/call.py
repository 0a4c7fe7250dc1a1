"""One call: who is connected, who hears whom, and the facts about it."""

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from traceback import format_exc

import structlog
from prometheus_client import Counter

from contract.errors import MediaError, StorageError
from contract.facts import (
    Fact,
    MediaConnected,
    MediaLost,
    MediaMissing,
    TrackEnded,
    TrackResumed,
    TrackStalled,
    TrackStarted,
)
from contract.ids import CallId, CaseId, SeatId, new_track_id
from contract.phases import TrackKind, TrackSource
from contract.ports import Clock, Journal, MediaReceiver, Party, SeatRoute, TrackInfo, TrackSink
from media.connection import Opens
from media.depacketiser import TrackDepacketiser
from media.leg import Leg
from media.peer import Peer
from media.publication import Publication
from media.routes import Arrangement
from media.settings import MediaSettings
from media.thinning import Allowance

_log = structlog.get_logger(__name__)
_lost_facts = Counter("teller_media_lost_facts", "Facts that could not be journaled", ["why"])
_stalls = Counter("teller_media_stalled_tracks", "Tracks that stood still while their peer lived", ["source"])

# A journal that refuses is tried again after this long; no fact is passed over by a later one.
_JOURNAL_RETRY_S = 1.0
# How often promises and silence are looked at: a tenth of the shortest promise anybody would set.
_TICK_S = 0.1
# Sound without speech still sends a packet each 400 ms, a camera that is covered sends pictures.
_STALL_S = 3.0
# Browsers send a screen that stands still again once a second; one that is no longer shared they do not.
_SHARE_OVER_S = 2.5


class Call:
    """A call's media. ``run`` owns everything until ``close``."""

    def __init__(
        self,
        case: CaseId,
        call: CallId,
        journal: Journal,
        clock: Clock,
        settings: MediaSettings,
        receivers: Sequence[MediaReceiver],
        endpoint: Opens,
    ) -> None:
        self.case, self.call = case, call
        self._journal, self._clock, self._settings = journal, clock, settings
        self._receivers, self._endpoint = receivers, endpoint
        self._gate_open = False
        self._arrangement = Arrangement()
        self._promised: dict[SeatId, dict[TrackSource, float]] = {}
        self._peers: dict[SeatId, Peer] = {}
        self._publishers: dict[Publication, Peer] = {}
        self._leavers: list[Peer] = []
        self._facts: asyncio.Queue[Fact | None] = asyncio.Queue(settings.fact_queue)
        self._changing = asyncio.Lock()
        self._started, self._closing, self._closed = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._tasks: asyncio.TaskGroup | None = None
        self._measured_at = clock.monotonic()

    # --- lifetime ------------------------------------------------------------------------------

    async def run(self) -> None:
        """Serve until ``close``. On return every sink is closed, every fact journaled or counted as lost."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._write_facts())
                try:
                    await self._serve()
                except* Exception:
                    self._closing.set()
                    _log.error("a call's media broke down", call=self.call, pii_error=format_exc())
                    for seat in self._peers:
                        self._note(MediaLost(self.call, seat, "internal_error"))
                await self._facts.put(None)
        finally:
            self._closing.set()
            self._closed.set()

    async def _serve(self) -> None:
        async with asyncio.TaskGroup() as self._tasks:
            supervisor = self._tasks.create_task(self._supervise())
            self._started.set()
            await self._closing.wait()
            supervisor.cancel()
            async with self._changing:
                for peer in (*self._peers.values(), *self._leavers):
                    await peer.close()

    async def close(self) -> None:
        """Close everything and wait for it. Idempotent."""
        self._closing.set()
        await self._closed.wait()

    async def wait_started(self) -> None:
        """Return when the call can be used."""
        await self._started.wait()

    # --- commands ------------------------------------------------------------------------------

    async def answer(self, party: Party, offer: str) -> str:
        """Answer an offer; the seat's former connection is closed when the new one is ready."""
        async with self._changing:
            if self._closing.is_set() or self._tasks is None:
                raise MediaError("the call is closing")
            peer = Peer(party, self._settings, self._clock, self, self._endpoint)
            answer = await peer.answer(offer, self._publishable(peer))
            self._tasks.create_task(peer.run())
            former = self._peers.get(party.seat)
            try:
                self._check_codecs(peer)
            except MediaError:
                await peer.close()
                raise
            self._peers[party.seat] = peer
            self._publishers |= dict.fromkeys(peer.publications, peer)
            if former is not None:
                await self._remove(former)
            self._rewire()
            return answer

    def open_gate(self) -> None:
        """Let media pass from now on, where the arrangement lets it. Idempotent."""
        self._gate_open = True
        self._rewire()

    def arrange(self, routes: Sequence[SeatRoute]) -> None:
        """Replace who sends what to whom, at once.

        Raises:
            MediaError: the call is closing, or these are no routes; the former arrangement stands.
        """
        if self._closing.is_set():
            raise MediaError("the call is closing")
        self._arrangement, former = Arrangement(routes), self._promised
        now = self._clock.monotonic()
        self._promised = {
            route.seat: {
                source: former.get(route.seat, {}).get(source, now)
                for source in self._arrangement.promises(route.seat)
            }
            for route in routes
        }
        self._rewire()

    async def drop_seat(self, seat: SeatId) -> None:
        """Close a seat's connection; unknown seats are ignored."""
        async with self._changing:
            peer = self._peers.pop(seat, None)
            if peer is not None:
                await self._remove(peer)
                self._rewire()

    def request_keyframe(self, seat: SeatId) -> None:
        """Ask a seat's camera for a keyframe; an unknown seat is ignored."""
        peer = self._peers.get(seat)
        camera = peer.publication(TrackSource.CAMERA) if peer is not None else None
        if camera is not None:
            camera.request_keyframe(time.monotonic())

    # --- what peers and publications report ----------------------------------------------------

    def wall_now(self) -> float:
        """Return seconds UTC."""
        return self._clock.now()

    def note_connected(self, peer: Peer) -> None:
        """Journal that a seat's connection is up."""
        self._note(MediaConnected(self.call, peer.party.seat))

    def note_lost(self, peer: Peer, reason: str) -> None:
        """Journal that a connection broke and let the supervisor take it away."""
        if self._peers.get(peer.party.seat) is peer:
            del self._peers[peer.party.seat]
            self._leavers.append(peer)
            if peer.connected_at is None:
                # The handshake is given up as late as the promise; whichever comes first, both are told.
                waited = self._clock.monotonic() - peer.answered_at
                self._note_missing(peer, dict.fromkeys(self._promised.get(peer.party.seat, ()), waited))
            self._note(MediaLost(self.call, peer.party.seat, reason))

    def start_track(self, publication: Publication, codec: str, clock_rate: int) -> TrackInfo:
        """Give a track its id and journal its start."""
        party = self._publishers[publication].party
        track = TrackInfo(
            case=self.case,
            call=self.call,
            track=new_track_id(),
            seat=party.seat,
            role=party.role,
            kind=publication.kind,
            source=publication.source,
            codec=codec,
            clock_rate=clock_rate,
        )
        self._note(
            TrackStarted(
                self.call, track.track, track.seat, track.role, track.kind, track.source, codec, clock_rate
            )
        )
        return track

    def open_sinks(self, track: TrackInfo) -> list[TrackSink]:
        """Return every receiver's sink; a receiver that raises goes without."""
        sinks = []
        for receiver in self._receivers:
            try:
                depacketiser = TrackDepacketiser(track.codec, track.clock_rate)
                sinks.append(receiver.open_track(track, depacketiser))
            except Exception as error:
                _log.error("a receiver refused a track", track=track.track, pii_error=repr(error))
        return sinks

    def end_track(self, track: TrackInfo, frames: int, lost: int) -> None:
        """Journal a track's end."""
        self._note(TrackEnded(self.call, track.track, frames, lost))

    # --- inside --------------------------------------------------------------------------------

    async def _remove(self, peer: Peer) -> None:
        for publication in peer.publications:
            publication.end()
            self._publishers.pop(publication, None)
        await peer.close()

    def _others(self, peer: Peer) -> list[Peer]:
        return [other for seat, other in self._peers.items() if seat != peer.party.seat]

    def _rewire(self) -> None:
        """Let every publication pass, and every leg be fed, as the arrangement and the gate say."""
        now = time.monotonic()
        legs: dict[Publication, list[Leg]] = {publication: [] for publication in self._publishers}
        observing: dict[Publication, list[tuple[Leg, Allowance]]] = {one: [] for one in self._publishers}
        for peer in self._peers.values():
            for leg in peer.legs:
                publication = self._feeding(peer, leg)
                if publication is None:
                    leg.connect(None)
                elif leg.kind is TrackKind.AUDIO or self._may_limit(peer, publication):
                    legs[publication].append(leg)
                else:
                    observing[publication].append((leg, peer.allowance))
        for publication, fed in legs.items():
            self._let_pass(publication, now)
            publication.feed(fed, now, observing[publication])

    def _may_limit(self, reader: Peer, publication: Publication) -> bool:
        return self._arrangement.may_limit(reader.party.seat, self._publishers[publication].party.seat)

    def _feeding(self, peer: Peer, leg: Leg) -> Publication | None:
        seat = self._arrangement.feeder(peer.party.seat, leg.media.line)
        feeder = self._peers.get(seat) if seat is not None else None
        return feeder.publication(leg.media.line.source) if feeder is not None else None

    def _let_pass(self, publication: Publication, now: float) -> None:
        peer = self._publishers[publication]
        seat = peer.party.seat
        if not self._arrangement.publishes(seat):
            publication.shut("not_allowed")
        elif not self._gate_open:
            publication.shut("gate")
        elif publication.open(self._arrangement.records(seat), now):
            publication.awaited_at = self._clock.monotonic()
            peer.noted_missing.discard(publication.source)

    def _publishable(self, peer: Peer) -> tuple[str, ...]:
        """Return the video codecs that everybody but ``peer`` can take; all of them while it is alone."""
        takers = [other.codecs(TrackSource.CAMERA, 0) for other in self._others(peer)]
        return tuple(codec for codec in self._settings.video_codecs if all(codec in t for t in takers))

    def _check_codecs(self, peer: Peer) -> None:
        """Refuse a peer that could not be seen by the others, or could not see them."""
        for other in self._others(peer):
            for sender, taker in ((peer, other), (other, peer)):
                offered = sender.codecs(TrackSource.CAMERA, None)
                if offered and offered[0] not in taker.codecs(TrackSource.CAMERA, 0):
                    raise MediaError(
                        f"{offered[0]} cannot be taken by the other side", code="no_common_codec"
                    )

    def _note(self, fact: Fact) -> None:
        try:
            self._facts.put_nowait(fact)
        except asyncio.QueueFull:
            _lost_facts.labels("queue_full").inc()
            _log.error("a fact is lost because the journal does not keep up", fact=type(fact).__name__)

    async def _write_facts(self) -> None:
        """Journal the facts in order; behind a journal that refuses, ``fact_queue`` facts wait."""
        while (fact := await self._facts.get()) is not None:
            while not await self._wrote(fact):
                if self._closing.is_set():
                    _lost_facts.labels("journal").inc()
                    break

    async def _wrote(self, fact: Fact) -> bool:
        try:
            await self._journal.append(self.case, fact)
        except StorageError as error:
            _log.error("a fact is not journaled yet", fact=type(fact).__name__, pii_error=str(error))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), _JOURNAL_RETRY_S)
            return False
        except Exception as error:
            _lost_facts.labels("journal").inc()
            _log.error("a fact could not be journaled", fact=type(fact).__name__, pii_error=str(error))
        return True

    async def _supervise(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            now = self._clock.monotonic()
            for peer in tuple(self._peers.values()):
                self._check_promises(peer, now)
            if now - self._measured_at >= self._settings.quality_interval_s:
                self._measured_at = now
                self._measure(now)
            if self._leavers:
                await self._take_away()

    def _check_promises(self, peer: Peer, now: float) -> None:
        missing = peer.missing(now, self._promised.get(peer.party.seat, {}))
        refused = {f"{leg.kind}_codec": now - peer.answered_at for leg in peer.legs if leg.refused_codec}
        self._note_missing(peer, missing or refused)
        self._check_stalls(peer, self._promised.get(peer.party.seat, {}), now)
        if peer.is_silent(now):
            self.note_lost(peer, "silent")

    def _note_missing(self, peer: Peer, waited: Mapping[str, float]) -> None:
        missing = tuple(what for what in waited if what not in peer.noted_missing)
        if missing:
            peer.noted_missing |= set(missing)
            longest = max(waited[what] for what in missing)
            self._note(MediaMissing(self.call, peer.party.seat, missing, round(longest, 3)))

    def _check_stalls(self, peer: Peer, promised: Mapping[TrackSource, float], now: float) -> None:
        """Tell of a promised device that stopped while its connection lives; end a share that is over."""
        for publication in peer.publications:
            still_s = time.monotonic() - publication.uplink.stats.heard_at
            if publication.track is None:
                publication.stalled = None
            elif publication.source is TrackSource.SCREEN:
                if still_s >= _SHARE_OVER_S:
                    publication.restarted()
            else:
                # Who switches a device on again is given the same time to send.
                promised_s = now - promised.get(publication.source, now)
                self._note_stall(publication, publication.track, min(still_s, promised_s))

    def _note_stall(self, publication: Publication, track: TrackInfo, still_s: float) -> None:
        stalls, stalled = still_s >= _STALL_S, publication.stalled == track
        publication.stalled = track if stalls else None
        if stalls and not stalled:
            _stalls.labels(track.source.value).inc()
            _log.warning("a track stands still", track=track.track, source=track.source)
            self._note(TrackStalled(self.call, track.track, track.seat, track.source, round(still_s, 3)))
        elif stalled and not stalls:
            self._note(TrackResumed(self.call, track.track, track.seat, track.source))

    def _measure(self, now: float) -> None:
        for peer in self._peers.values():
            if peer.connected_at is not None:
                self._note(peer.measure(self.call, now))

    async def _take_away(self) -> None:
        async with self._changing:
            while self._leavers:
                await self._remove(self._leavers.pop())
            self._rewire()
