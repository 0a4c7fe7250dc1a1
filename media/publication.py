"""A publication: what one person's m-line brings, handed to legs and sinks once the gate is open."""

from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import structlog
from prometheus_client import Counter

from contract.phases import TrackKind, TrackSource
from contract.ports import ClockSample, EncodedFrame, TrackInfo, TrackSink
from media import payloads
from media.leg import Leg, Packed
from media.rtp_stats import ClockMap, from_ntp

_log = structlog.get_logger(__name__)
_failed_sinks = Counter("teller_media_failed_sinks", "Sinks dropped because they raised")


class Incoming(Protocol):
    """One publishing m-line as the seam offers it."""

    clock_map: ClockMap | None

    def request_keyframe(self) -> None:
        """Ask the publisher for a keyframe."""
        ...

    def limit_bitrate(self, who: object, bits_per_s: int | None) -> None:
        """Note how much ``who`` can take."""
        ...


class Host(Protocol):
    """The call, as a publication sees it."""

    @property
    def gate_open(self) -> bool:
        """Tell whether media may pass."""
        ...

    def wall_now(self) -> float:
        """Return seconds UTC."""
        ...

    def start_track(self, publication: "Publication", codec: str, clock_rate: int) -> TrackInfo:
        """Note that a track's first frame is there."""
        ...

    def open_sinks(self, track: TrackInfo) -> list[TrackSink]:
        """Return the sinks of everybody who records or watches."""
        ...

    def end_track(self, track: TrackInfo, frames: int) -> None:
        """Note that no more frames of the track will come."""
        ...


class Publication:
    """One publishing m-line of one person.

    While the gate is shut everything is dropped. A picture passes from a keyframe on, and again from a
    keyframe on after loss; sound passes at once. The first frame to pass starts the track, another codec
    starts another one.
    """

    def __init__(self, incoming: Incoming, kind: TrackKind, source: TrackSource, host: Host) -> None:
        self.kind, self.source = kind, source
        self.track: TrackInfo | None = None
        self.frames = 0
        self._incoming, self._host = incoming, host
        self._legs: list[Leg] = []
        self._sinks: list[TrackSink] = []
        self._awaits_keyframe = kind is TrackKind.VIDEO
        self._ended = False

    @property
    def clock_map(self) -> ClockMap | None:
        """The publisher's last sender report."""
        return self._incoming.clock_map

    def request_keyframe(self) -> None:
        """Ask the publisher for a keyframe; meaningless for sound."""
        if self.kind is TrackKind.VIDEO and not self._ended:
            self._incoming.request_keyframe()

    def limit_bitrate(self, who: object, bits_per_s: int | None) -> None:
        """Note how much ``who`` can take; None when it takes no more."""
        self._incoming.limit_bitrate(who, bits_per_s)

    def feed(self, legs: list[Leg]) -> None:
        """Hand frames to these legs from now on."""
        for leg in set(legs) - set(self._legs):
            leg.connect(self)
        self._legs = list(legs)

    def got_frame(self, codec: str, clock_rate: int, frame: EncodedFrame, after_loss: bool) -> None:
        """Take a whole frame from the wire."""
        if self._ended or not self._host.gate_open or not self._passes(codec, frame, after_loss):
            return
        if self.track is None:
            self._start(codec, clock_rate)
        self.frames += 1
        for sink in tuple(self._sinks):
            self._guard(sink, sink.push_frame, frame)
        if self._legs:
            parts = payloads.pack(codec, frame.data)
            packed = Packed(codec, clock_rate, parts, frame.timestamp, frame.keyframe, frame.arrived_at)
            for leg in self._legs:
                leg.push(packed)

    def got_clock(self, clock: ClockMap) -> None:
        """Take a sender report from the wire."""
        if self._sinks:
            sample = ClockSample(from_ntp(clock.ntp), clock.timestamp, self._host.wall_now())
            for sink in tuple(self._sinks):
                self._guard(sink, sink.push_clock, sample)

    def end(self) -> None:
        """No more frames will come. Idempotent."""
        self._ended = True
        self._finish_track()
        for leg in self._legs:
            if leg.source is self:
                leg.connect(None)
        self._legs = []

    def _passes(self, codec: str, frame: EncodedFrame, after_loss: bool) -> bool:
        if self.track is not None and self.track.codec != codec:
            self._finish_track()
            self._awaits_keyframe = self.kind is TrackKind.VIDEO
        if self.kind is TrackKind.AUDIO:
            return True
        self._awaits_keyframe = (self._awaits_keyframe or after_loss) and not frame.keyframe
        if self._awaits_keyframe:
            self.request_keyframe()
        return not self._awaits_keyframe

    def _start(self, codec: str, clock_rate: int) -> None:
        self.track = self._host.start_track(self, codec, clock_rate)
        self._sinks = self._host.open_sinks(self.track)
        if self.clock_map is not None:
            self.got_clock(self.clock_map)

    def _finish_track(self) -> None:
        track, self.track = self.track, None
        if track is None:
            return
        for sink in tuple(self._sinks):
            self._guard(sink, sink.close)
        self._sinks = []
        self._host.end_track(track, self.frames)
        self.frames = 0

    def _guard(self, sink: TrackSink, call: Callable[..., None], *args: object) -> None:
        """Call a sink; one that raises is dropped, whatever it raised, and the call goes on."""
        try:
            call(*args)
        except Exception as error:
            _failed_sinks.inc()
            _log.error("a sink failed and is dropped", sink=type(sink).__name__, pii_error=repr(error))
            if sink in self._sinks:
                self._sinks.remove(sink)
            with suppress(Exception):
                sink.close()
