"""The face sampler: a receiver beside the recorder that hands on frames of the customer's camera, and, while
somebody listens, what customer and agent say.

It lives where the media is, in one thread for all calls of the process, and decodes nothing: encoded
frames go to whoever has the models. Usually that is the newest keyframe every second or so; during a
challenge it is every frame and every packet of the customer's microphone; who listens to a call gets the
packets of customer and agent.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

import structlog
from prometheus_client import Counter

from contract.ids import CallId, SeatId
from contract.phases import Role, TrackKind, TrackSource
from contract.ports import Clock, ClockSample, Depacketiser, EncodedFrame, TrackInfo, TrackSink

_log = structlog.get_logger(__name__)
_DROPPED = Counter("teller_sampler_dropped_packets", "Packets that found no room before the face sampler")
_FAILED = Counter("teller_sampler_failures", "Tracks and frames that the face sampler gave up", ["what"])

Emit = Callable[[CallId, SeatId, str, Sequence[EncodedFrame]], None]
"""Takes call, seat, codec and frames, in order; called in the sampler's thread and must not wait."""

AskKeyframe = Callable[[CallId, SeatId], None]
"""Asks a seat's camera for a keyframe; called in the sampler's thread and must not wait."""

# Continuity needs a look a second to tell within three that somebody was away for two.
LOOK_EVERY_S = 1.0
# What the media path passes on of requests for keyframes: two a second.
LOOK_EVERY_MIN_S = 0.5
# Two gestures of 20 s; nobody is decoded continuously for longer.
CHALLENGE_MAX_S = 40.0
# Who listens asks again every ten seconds; sound that nobody asks for any more ends by itself.
LISTEN_MAX_S = 40.0
# During a challenge a keyframe comes this often: whoever decodes begins at the last one, and 100 frames of
# 640 x 480 before those that are new cost 60 ms. Each is 15 kB, so this takes 6 % of 500 kbit/s.
CHAIN_S = 4.0
# A look waits this long at most for the thread, and so do the frames of a challenge.
_TURN_S = 0.1
# A second of 8 Mbit/s, the best a camera sends; the thread comes by ten times in that second.
_PACKETS_MAX = 1_024
_BYTES_MAX = 1_500_000


class FaceSampler:
    """Implements ``contract.ports.MediaReceiver``; a context manager that runs the thread.

    Frames are ``emit``-ted; ``ask_keyframe`` is called when the newest keyframe is older than the looks of
    its call may be apart. Both may raise: what they were called for is then lost and counted.
    ``every_s`` is how far apart looks are where nobody said otherwise; None: there are none.
    """

    def __init__(
        self, emit: Emit, ask_keyframe: AskKeyframe, clock: Clock, every_s: float | None = LOOK_EVERY_S
    ) -> None:
        self._emit = emit
        self._ask_keyframe = ask_keyframe
        self._clock = clock
        self._every_s = every_s
        self._opened: deque[_Line] = deque()
        self._lines: list[_Line] = []
        self._every: dict[CallId, float] = {}
        self._challenges: dict[CallId, float] = {}
        self._listening: dict[CallId, float] = {}
        self._wake = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="face sampler", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped = True
        self._wake.set()
        self._thread.join()

    # --- from the event loop -------------------------------------------------------------------

    def open_track(self, track: TrackInfo, depacketiser: Depacketiser) -> TrackSink:
        """See ``contract.ports.MediaReceiver``; only the customer's camera and microphone count, and the
        microphone of the agent who leads.
        """
        if (track.role, track.kind, track.source) not in _TAKEN:
            return _DEAF
        sink = _Sink()
        self._opened.append(_Line(track, sink, depacketiser))
        self._wake.set()
        return sink

    def look_every(self, call: CallId, seconds: float) -> None:
        """Hand on keyframes so far apart until ``calm``, at least LOOK_EVERY_MIN_S, in whichever track."""
        self._every[call] = max(seconds, LOOK_EVERY_MIN_S)
        self._wake.set()

    def challenge(self, call: CallId, seconds: float = CHALLENGE_MAX_S) -> None:
        """For ``seconds``, CHALLENGE_MAX_S at most, hand on every frame from the next keyframe on, and the
        sound.
        """
        self._challenges[call] = self._clock.monotonic() + min(seconds, CHALLENGE_MAX_S)
        self._wake.set()

    def listen(self, call: CallId, seconds: float) -> None:
        """For ``seconds``, LISTEN_MAX_S at most, hand on what customer and agent say."""
        self._listening[call] = self._clock.monotonic() + min(seconds, LISTEN_MAX_S)
        self._wake.set()

    def calm(self, call: CallId) -> None:
        """End the challenge of a call and the listening, and look at it as at any other. Idempotent."""
        self._challenges.pop(call, None)
        self._listening.pop(call, None)
        self._every.pop(call, None)

    # --- in the thread -------------------------------------------------------------------------

    def turn(self) -> None:
        """Hand on what is due. Called by the thread, ten times a second while there is a track."""
        while self._opened:
            self._lines.append(self._opened.popleft())
        now = self._clock.monotonic()
        for line in self._lines:
            self._turn_line(line, now)
        self._lines = [line for line in self._lines if not line.done]
        for ends in (self._challenges, self._listening):
            for call, until in tuple(ends.items()):
                if until <= now:
                    ends.pop(call, None)

    def _turn_line(self, line: "_Line", now: float) -> None:
        call, seat = line.track.call, line.track.seat
        try:
            frames = line.take(
                now,
                challenged=self._challenges.get(call, now) > now,
                heard=self._listening.get(call, now) > now,
                every_s=self._every.get(call, self._every_s),
            )
        except Exception as error:
            _FAILED.labels("track").inc()
            _log.error("the face sampler gave a track up", track=line.track.track, exc_info=error)
            line.give_up()
            return
        if frames:
            self._guard("frames", lambda: self._emit(call, seat, line.track.codec, frames))
        if line.wants_keyframe(now):
            self._guard("request", lambda: self._ask_keyframe(call, seat))

    def _guard(self, what: str, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception as error:
            _FAILED.labels(what).inc()
            _log.error("the face sampler's work was lost", what=what, pii_error=repr(error))

    def _run(self) -> None:
        while not self._stopped:
            self._wake.wait(_TURN_S if self._lines else None)
            self._wake.clear()
            self.turn()


class _Sink:
    """Implements ``contract.ports.TrackSink``: keeps packets until the thread comes; the newest go when full.

    ``pushed`` belongs to the event loop and ``taken``, both in bytes, to the thread.
    """

    __slots__ = ("closed", "packets", "pushed", "taken")

    def __init__(self) -> None:
        self.packets: deque[tuple[bytes, float]] = deque()
        self.pushed = self.taken = 0
        self.closed = False

    def push_packet(self, packet: bytes, arrived_at: float) -> None:
        """See the port."""
        full = len(self.packets) >= _PACKETS_MAX or self.pushed - self.taken + len(packet) > _BYTES_MAX
        if self.closed or full:
            _DROPPED.inc()
            return
        self.pushed += len(packet)
        self.packets.append((packet, arrived_at))

    def push_clock(self, sample: ClockSample) -> None:
        """See the port; a look needs no other clock than its arrival."""

    def close(self) -> None:
        """See the port."""
        self.closed = True


class _Deaf:
    """Takes a track that nobody looks at."""

    __slots__ = ()

    def push_packet(self, packet: bytes, arrived_at: float) -> None:
        """See the port."""

    def push_clock(self, sample: ClockSample) -> None:
        """See the port."""

    def close(self) -> None:
        """See the port."""


_DEAF = _Deaf()


_TAKEN = frozenset(
    {
        (Role.CUSTOMER, TrackKind.VIDEO, TrackSource.CAMERA),
        (Role.CUSTOMER, TrackKind.AUDIO, TrackSource.MICROPHONE),
        (Role.AGENT, TrackKind.AUDIO, TrackSource.MICROPHONE),
    }
)


class _Line:
    """One camera or microphone, from its sink to those who look. Belongs to the thread."""

    def __init__(self, track: TrackInfo, sink: _Sink, depacketiser: Depacketiser) -> None:
        self.track = track
        self.done = False
        self._sound = track.kind is TrackKind.AUDIO
        self._sink = sink
        self._depacketiser = depacketiser
        self._newest: EncodedFrame | None = None
        self._every_s: float | None = None
        self._looked_at = self._keyframe_at = self._asked_at = float("-inf")
        # Whether every frame is handed on, whether the keyframe to begin with was there, and whether
        # something was lost since the last one.
        self._challenged = self._begun = self._broken = False

    def take(
        self, now: float, *, challenged: bool, heard: bool, every_s: float | None
    ) -> Sequence[EncodedFrame]:
        """Return the frames to hand on now; none where nobody looks or listens."""
        if challenged and not self._challenged:
            self._begun, self._asked_at = False, float("-inf")
        self._challenged, self._every_s = challenged, every_s
        frames = self._drain()
        if self._sound:
            own = self.track.role is Role.CUSTOMER
            return frames if heard or (challenged and own) else []
        for frame in frames:
            self._broken = not frame.keyframe and (self._broken or frame.after_loss)
        if any(frame.keyframe for frame in frames):
            self._keyframe_at = now
        if not challenged and every_s is None:
            self._newest = None
            return []
        return self._from_keyframe(frames) if challenged else self._look(frames, now)

    def wants_keyframe(self, now: float) -> bool:
        """Tell whether to ask for a keyframe now; True once for each request."""
        if (
            self.done
            or self._sound
            or not self._misses_keyframe(now)
            or now - self._asked_at < LOOK_EVERY_MIN_S
        ):
            return False
        self._asked_at = now
        return True

    def _misses_keyframe(self, now: float) -> bool:
        if self._challenged:
            return not self._begun or self._broken or now - self._keyframe_at >= CHAIN_S
        # Counted from when the last one was asked for, or what it takes to come would make looks rarer.
        answered = 0 <= self._keyframe_at - self._asked_at < LOOK_EVERY_S
        since = self._asked_at if answered else self._keyframe_at
        return self._every_s is not None and now - since >= self._every_s

    def give_up(self) -> None:
        """Take nothing more."""
        self.done = True
        self._sink.close()
        self._sink.packets.clear()

    def _drain(self) -> list[EncodedFrame]:
        sink, frames = self._sink, list[EncodedFrame]()
        # Asked first: what was pushed before the end is there when the end is seen.
        closed = sink.closed
        while sink.packets:
            packet, arrived_at = sink.packets.popleft()
            sink.taken += len(packet)
            frames += self._depacketiser.push(packet, arrived_at)
        if closed:
            frames += self._depacketiser.finish()
            self.done = True
        return frames

    def _from_keyframe(self, frames: list[EncodedFrame]) -> list[EncodedFrame]:
        if not self._begun:
            begin = next((n for n, frame in enumerate(frames) if frame.keyframe), None)
            if begin is None:
                return []
            self._begun, frames = True, frames[begin:]
        return frames

    def _look(self, frames: list[EncodedFrame], now: float) -> list[EncodedFrame]:
        self._newest = next((frame for frame in reversed(frames) if frame.keyframe), self._newest)
        # A keyframe that comes a little before its time is no reason to wait for another.
        every_s = self._every_s or LOOK_EVERY_S
        if self._newest is None or now - self._looked_at < 0.8 * every_s:
            return []
        self._looked_at, newest, self._newest = now, self._newest, None
        return [newest]
