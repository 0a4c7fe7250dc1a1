"""The newest frames of one camera, bounded, so that whoever decodes always begins at a keyframe."""

from collections import deque
from dataclasses import dataclass

from contract.ports import EncodedFrame

# Four seconds lie between keyframes during a challenge; thrice that at 30 frames a second and the best
# camera's 2 Mbit/s. Whoever reads is never so far behind.
FRAMES_MAX = 360
BYTES_MAX = 3_000_000
CLOCK_RATE = 90_000
# Ten seconds of a good camera: long enough for one frame that nothing held up.
_CLOCKED = 250
# A track's own clock and arrivals do not come apart so far; another track's clock begins anywhere.
_JUMP_S = 10.0


class FrameChain:
    """Frames in order from a keyframe on.

    ``epoch`` counts tracks: their times have nothing to do with each other.
    """

    def __init__(self) -> None:
        self.codec = ""
        self.epoch = 0
        self._frames: list[EncodedFrame] = []
        self._bytes = 0
        self._last: EncodedFrame | None = None
        self._behind: deque[float] = deque(maxlen=_CLOCKED)

    @property
    def behind_s(self) -> float:
        """Return how far arrivals are behind the track's clock, at least; 0 before the first frame."""
        return min(self._behind, default=0.0)

    @property
    def newest(self) -> EncodedFrame | None:
        """Return the newest frame that can be decoded."""
        return self._frames[-1] if self._frames else None

    def push(self, codec: str, frame: EncodedFrame) -> None:
        """Take the next frame; what can begin nothing is dropped."""
        if self._last is None or codec != self.codec or _jumps(self._last, frame):
            self._drop(len(self._frames))
            self.codec, self.epoch = codec, self.epoch + 1
            self._behind.clear()
        elif frame.timestamp <= self._last.timestamp:
            return
        self._last = frame
        self._behind.append(frame.arrived_at - frame.timestamp / CLOCK_RATE)
        if not self._frames and not frame.keyframe:
            return
        self._frames.append(frame)
        self._bytes += len(frame.data)
        while len(self._frames) > FRAMES_MAX or self._bytes > BYTES_MAX:
            self._drop(self._second_keyframe())

    def since(self, stamp: int) -> tuple[EncodedFrame, ...]:
        """Return all frames from the last keyframe at or before ``stamp`` on, else all."""
        return tuple(self._frames[self._keyframe_before(stamp) :])

    def forget(self, stamp: int) -> None:
        """Keep only what ``since(stamp)`` returns."""
        self._drop(self._keyframe_before(stamp))

    def _keyframe_before(self, stamp: int) -> int:
        places = range(len(self._frames) - 1, -1, -1)
        frames = self._frames
        return next((n for n in places if frames[n].keyframe and frames[n].timestamp <= stamp), 0)

    def _second_keyframe(self) -> int:
        places = range(1, len(self._frames))
        return next((n for n in places if self._frames[n].keyframe), len(self._frames))

    def _drop(self, count: int) -> None:
        self._bytes -= sum(len(frame.data) for frame in self._frames[:count])
        del self._frames[:count]


def _jumps(last: EncodedFrame, frame: EncodedFrame) -> bool:
    taken_s = (frame.timestamp - last.timestamp) / CLOCK_RATE
    return abs(taken_s - (frame.arrived_at - last.arrived_at)) > _JUMP_S


@dataclass(frozen=True, slots=True)
class Stretch:
    """Frames for a job of the model process; those before ``since`` are only decoded."""

    codec: str
    frames: tuple[EncodedFrame, ...]
    origin: int
    since: int

    @property
    def until(self) -> int:
        """Return the timestamp from which the next stretch begins."""
        return self.frames[-1].timestamp + 1

    @property
    def new(self) -> tuple[EncodedFrame, ...]:
        """Return the frames that are looked at."""
        return tuple(frame for frame in self.frames if frame.timestamp >= self.since)


# A second of 25 frames takes the models half a second, and no job may hold the others up for longer. Who is
# behind by more than twice that leaves frames out.
STRETCH_S, BEHIND_MAX_S = 0.8, 2.0


class Reader:
    """Reads a chain stretch by stretch; ``epoch`` as the chain's, times count from ``origin`` in each."""

    def __init__(self, chain: FrameChain) -> None:
        self.epoch = 0
        self._chain = chain
        self._origin = self._since = 0

    def time_of(self, arrived_at: float) -> float:
        """Return when it was in the reader's time, in seconds, that this was on the clock of arrivals."""
        return arrived_at - self._chain.behind_s - self._origin / CLOCK_RATE

    def skip(self) -> None:
        """Leave out what is there now."""
        self._meet()
        newest = self._chain.newest
        if newest is not None:
            self._since = max(self._since, newest.timestamp + 1)
            self._chain.forget(self._since)

    def next(self, least_s: float = STRETCH_S) -> Stretch | None:
        """Return the next stretch, None when less than ``least_s`` has come; ``done`` goes on behind it."""
        self._meet()
        newest = self._chain.newest
        if newest is None or newest.timestamp < self._since + least_s * CLOCK_RATE:
            return None
        self._since = max(self._since, newest.timestamp - round(BEHIND_MAX_S * CLOCK_RATE))
        return Stretch(self._chain.codec, self._chain.since(self._since), self._origin, self._since)

    def waits(self, stretch: Stretch) -> bool:
        """Tell whether what ``stretch`` holds is still to be looked at."""
        return stretch.origin == self._origin and self._since < stretch.until

    def done(self, stretch: Stretch) -> None:
        """Go on behind ``stretch``."""
        if stretch.origin == self._origin:
            self._since = stretch.until
            self._chain.forget(self._since)

    def _meet(self) -> None:
        frames = self._chain.since(0)
        if self.epoch != self._chain.epoch and frames:
            self.epoch = self._chain.epoch
            self._origin = self._since = frames[0].timestamp
