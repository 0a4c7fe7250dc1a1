"""A publication: what one person's m-line brings, handed to legs and sinks as far as it may pass."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Literal, Protocol

import structlog
from prometheus_client import Counter

from contract.phases import TrackKind, TrackSource
from contract.ports import ClockSample, TrackInfo, TrackSink
from media.answer import OfferedCodec
from media.leg import Leg
from media.payloads import begins_keyframe
from media.rtp_stats import ClockMap, from_ntp
from media.thinning import Allowance, Thinned
from media.uplink import Uplink

_log = structlog.get_logger(__name__)
_failed_sinks = Counter("teller_media_failed_sinks", "Sinks dropped because they raised")

# No packet has a higher unwrapped sequence number: no track has begun.
_NEVER = 1 << 62
_U32, _U31 = 0xFFFFFFFF, 0x80000000
# All observers together ask no more often: a keyframe is as large as ten frames, so at fifteen a second the
# picture pays an eighth of its bits for them at most, and only while the line of one of them fails for ever.
_SELDOM_S = 5.0


class Host(Protocol):
    """The call, as a publication sees it."""

    def wall_now(self) -> float:
        """Return seconds UTC."""
        ...

    def start_track(self, publication: "Publication", codec: str, clock_rate: int) -> TrackInfo:
        """Note that a track's first packet is there."""
        ...

    def open_sinks(self, track: TrackInfo) -> list[TrackSink]:
        """Return the sinks of everybody who records or watches."""
        ...

    def end_track(self, track: TrackInfo, frames: int, lost: int) -> None:
        """Note that no more packets of the track will come."""
        ...


class Publication:
    """One publishing m-line of one person.

    Everything is dropped until it may pass. While it is recorded, the first packet starts a track: for a
    picture that of a keyframe. Another codec, or another stream of the publisher's, starts another track.
    """

    def __init__(self, uplink: Uplink, host: Host) -> None:
        self.uplink = uplink
        self.kind: TrackKind = uplink.line.kind
        self.source: TrackSource = uplink.line.source
        self.track: TrackInfo | None = None
        self.stalled: TrackInfo | None = None
        # When it last was let begin, on the call's clock.
        self.awaited_at: float | None = None
        self._passes = self._recorded = False
        self._host, self._wall_now = host, host.wall_now
        self._legs: list[Leg | Thinned] = []
        self._asked_seldom_at = float("-inf")
        self._sinks: list[TrackSink] = []
        self._pushes: list[Callable[[bytes, float], None]] = []
        # From this sequence number on packets take the short way; up to the other one none is recorded.
        self._first, self._fence = _NEVER, -_NEVER
        self._type = -1
        self._frames = self._lost_before = 0
        # The marker bit ends a frame of a picture; every packet of sound is one.
        self._ends_frame = 0x80 if self.kind is TrackKind.VIDEO else 0
        self._stamp = 0
        self._ended = False

    # --- what a leg asks for -------------------------------------------------------------------

    @property
    def codecs(self) -> Mapping[int, OfferedCodec]:
        """The codecs by payload type."""
        return self.uplink.codecs

    @property
    def clock_map(self) -> ClockMap | None:
        """The publisher's last sender report."""
        return self.uplink.clock_map

    @property
    def highest(self) -> int:
        """The highest unwrapped sequence number so far."""
        return self.uplink.highest

    def packet(self, seq: int) -> bytes | None:
        """Return a packet that is still kept."""
        return self.uplink.packet(seq)

    def request_keyframe(self, now: float) -> None:
        """Ask the publisher for a keyframe, if anybody is to see it."""
        if self._passes:
            self.uplink.request_keyframe(now)

    def request_keyframe_seldom(self, now: float) -> None:
        """Ask for a keyframe for those who must not be noticed: now and then, and once."""
        if self._passes and now - self._asked_seldom_at >= _SELDOM_S:
            self._asked_seldom_at = now
            self.uplink.request_keyframe(now, tries=1)

    def limit_bitrate(self, who: object, bits_per_s: int | None) -> None:
        """Note how much ``who`` can take."""
        self.uplink.limit_bitrate(who, bits_per_s)

    # --- from the call -------------------------------------------------------------------------

    @property
    def begun(self) -> bool:
        """Tell whether something came of it since it may pass, and since it is recorded if it is."""
        return self.track is not None or (self._type >= 0 and not self._recorded)

    def shut(self, why: Literal["gate", "not_allowed"]) -> None:
        """Let nothing pass from now on."""
        self._passes = False
        self._record(False)
        self._type = -1
        self.uplink.shut(why)

    def open(self, recorded: bool, now: float) -> bool:
        """Let pass what comes from now on, to the sinks as well if ``recorded``.

        Returns whether it has to begin, or to begin anew for the sinks.
        """
        if self._ended or (self._passes and self._recorded is recorded):
            return False
        opens, self._passes = not self._passes, True
        if opens:
            self.restarted()
            self.uplink.open(self)
        self._record(recorded)
        if opens or recorded:
            self.uplink.request_keyframe(now)
        return opens or recorded

    def feed(self, legs: Sequence[Leg], now: float, observing: Sequence[tuple[Leg, Allowance]] = ()) -> None:
        """Feed these legs from now on, and no others; ``observing`` are those that must not be noticed."""
        if any(leg.source is not self for leg in legs):
            self.request_keyframe(now)
        for leg in legs:
            leg.connect(self)
        self._legs = [*legs, *(self._thinned(leg, allowance, now) for leg, allowance in observing)]

    def end(self) -> None:
        """No more packets will come. Idempotent."""
        self._ended = True
        self.shut("gate")
        for leg in self._legs:
            leg.leave(self)
        self._legs = []

    # --- from the uplink -----------------------------------------------------------------------

    def got_packet(self, packet: bytes, at: int, marked: int, seq: int, stamp: int, now: float) -> None:
        """Take a packet from the wire; see ``uplink.Taker``."""
        if seq < self._first or marked & 0x7F != self._type:
            self._begin(packet, at, marked, seq, stamp, now)
            return
        self._push(packet, marked)
        for leg in self._legs:
            leg.forward(packet, at, marked, seq, stamp, now)

    def got_clock(self, clock: ClockMap) -> None:
        """Take a sender report from the wire."""
        if self._sinks:
            stamp = self._stamp + ((clock.timestamp - self._stamp + _U31) & _U32) - _U31
            self._stamp = max(self._stamp, stamp)
            sample = ClockSample(from_ntp(clock.ntp), stamp, self._wall_now())
            for sink in tuple(self._sinks):
                self._guard(sink, sink.push_clock, sample)

    def restarted(self) -> None:
        """Begin another track with what comes next: its numbers jumped, or it is another share."""
        self._restart(self.uplink.highest)

    # --- inside --------------------------------------------------------------------------------

    def _begin(self, packet: bytes, at: int, marked: int, seq: int, stamp: int, now: float) -> None:
        payload_type = marked & 0x7F
        if self._first != _NEVER or payload_type != self._type >= 0:
            if seq < self.uplink.highest:
                return
            self._restart(seq - 1)
        self._type = payload_type
        if self._recorded:
            self._begin_track(packet, at, marked, seq, stamp, now)
        else:
            self._first = -_NEVER
        for leg in self._legs:
            leg.forward(packet, at, marked, seq, stamp, now)

    def _begin_track(self, packet: bytes, at: int, marked: int, seq: int, stamp: int, now: float) -> None:
        codec = self.uplink.codecs[self._type]
        if not begins_keyframe(codec.name, packet[at:]):
            self.request_keyframe(now)
            return
        if seq <= self._fence:
            return
        self._first, self._stamp = seq, stamp
        self._start(codec.name, codec.clock_rate)
        self._push(packet, marked)
        for later in range(seq + 1, self.uplink.highest + 1):
            kept = self.uplink.packet(later)
            if kept is not None and kept[1] & 0x7F == self._type:
                self._push(kept, kept[1])

    def _restart(self, fence: int) -> None:
        self._finish_track()
        self._type, self._fence = -1, fence
        for leg in self._legs:
            leg.restart(fence)

    def _thinned(self, leg: Leg, allowance: Allowance, now: float) -> Thinned:
        before = leg.source
        if isinstance(before, Thinned) and before.thins(self):
            return before
        thinned = Thinned(leg, self, allowance, now)
        leg.connect(thinned)
        return thinned

    def _record(self, recorded: bool) -> None:
        self._recorded = recorded
        self._finish_track()
        # What came before was not to be recorded, whenever it comes again.
        self._fence = self.uplink.highest

    def _start(self, codec: str, clock_rate: int) -> None:
        self._frames, self._lost_before = 0, self.uplink.stats.lost
        self.track = self._host.start_track(self, codec, clock_rate)
        self._sinks = self._host.open_sinks(self.track)
        self._pushes = [sink.push_packet for sink in self._sinks]
        if self.clock_map is not None:
            self.got_clock(self.clock_map)

    def _push(self, packet: bytes, marked: int) -> None:
        if marked >= self._ends_frame:
            self._frames += 1
        if self._pushes:
            arrived_at = self._wall_now()
            for push in self._pushes:
                try:
                    push(packet, arrived_at)
                except Exception as error:
                    self._drop(self._sinks[self._pushes.index(push)], error)

    def _finish_track(self) -> None:
        track, self.track = self.track, None
        self._first = _NEVER
        if track is None:
            return
        for sink in tuple(self._sinks):
            self._guard(sink, sink.close)
        self._sinks, self._pushes = [], []
        self._host.end_track(track, self._frames, self.uplink.stats.lost - self._lost_before)

    def _guard(self, sink: TrackSink, call: Callable[..., None], *args: object) -> None:
        """Call a sink; one that raises is dropped, whatever it raised, and the call goes on."""
        try:
            call(*args)
        except Exception as error:
            self._drop(sink, error)

    def _drop(self, sink: TrackSink, error: Exception) -> None:
        _failed_sinks.inc()
        _log.error("a sink failed and is dropped", sink=type(sink).__name__, pii_error=repr(error))
        self._sinks = [one for one in self._sinks if one is not sink]
        self._pushes = [one.push_packet for one in self._sinks]
        with suppress(Exception):
            sink.close()
