"""Sound of a merge: every microphone decoded, placed on one 48 kHz grid by its time, and summed.

The grid is the clock: a chunk that arrives where the one before it ended is appended, a small
discrepancy is worked off by resampling, and a large one becomes silence or a cut of exact length.
"""

from collections import deque
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import av
import av.error
import numpy as np
import structlog
from av.audio.codeccontext import AudioCodecContext
from numpy.typing import NDArray

from recordings.compose import Coded

Samples = NDArray[np.float32]

_Lane = TypeVar("_Lane", bound=Hashable)

_log = structlog.get_logger(__name__)

RATE = 48_000
# Less than one lost Opus packet of 20 ms, more than what sender reports jitter.
_JUMP = RATE * 15 // 1000
# Below 1 ms nothing is corrected.
_EASE = RATE // 1000
# At most 0.5 % longer or shorter: 9 cents of pitch, and 10,000 ppm is far above any crystal's drift.
_EASE_PARTS = 200


class SoundTrack:
    """Decodes one Opus track on demand and places it on the grid; mono, -1 to 1."""

    def __init__(self, frames: Iterable[Coded]) -> None:
        self._chunks = _decode(frames)
        self._placed: deque[tuple[int, Samples]] = deque()
        self._end: int | None = None
        self._done = False

    def add_to(self, block: Samples, start: int) -> None:
        """Add this track's samples ``start`` to ``start + len(block)``; calls must not go back."""
        stop = start + block.size
        while not self._done and (self._end is None or self._end < stop):
            self._pull()
        for first, samples in self._placed:
            low, high = max(first, start), min(first + samples.size, stop)
            if low < high:
                block[low - start : high - start] += samples[low - first : high - first]
        while self._placed and self._placed[0][0] + self._placed[0][1].size <= stop:
            self._placed.popleft()

    def _pull(self) -> None:
        chunk = next(self._chunks, None)
        if chunk is None:
            self._done = True
            return
        at, samples = chunk
        first = round(at * RATE)
        if self._end is not None:
            first, samples = join(self._end, first, samples)
        if samples.size:
            self._placed.append((first, samples))
            self._end = first + samples.size


def join(end: int, wanted: int, samples: Samples) -> tuple[int, Samples]:
    """Return where a chunk that belongs at ``wanted`` goes after sound that ends at ``end``.

    Far ahead it keeps its place, so that silence fills the gap; far behind its start is cut away, maybe
    all of it; in between it is appended and stretched or shortened a little towards its place.
    """
    off = wanted - end
    if off > _JUMP:
        return wanted, samples
    if off < -_JUMP:
        return end, samples[-off:]
    if abs(off) <= _EASE:
        return end, samples
    room = samples.size // _EASE_PARTS
    size = samples.size + max(-room, min(room, off))
    grid = np.linspace(0, samples.size - 1, size)
    return end, np.interp(grid, np.arange(samples.size), samples).astype(np.float32)


def blocks(lanes: Mapping[_Lane, Sequence[SoundTrack]], start: int, size: int) -> dict[_Lane, Samples]:
    """Return ``size`` samples of each lane from grid position ``start``, not clipped."""
    heard: dict[_Lane, Samples] = {}
    for lane, tracks in lanes.items():
        block = heard[lane] = np.zeros(size, np.float32)
        for track in tracks:
            track.add_to(block, start)
    return heard


def mix(heard: Iterable[Samples], size: int) -> Samples:
    """Return all that is ``heard`` together, ``size`` samples clipped to -1 to 1."""
    total: Samples = np.zeros(size, np.float32)
    for block in heard:
        total += block
    return np.clip(total, -1.0, 1.0, out=total)


def _decode(frames: Iterable[Coded]) -> Iterator[tuple[float, Samples]]:
    decoder = av.CodecContext.create("opus", "r")
    assert isinstance(decoder, AudioCodecContext)  # noqa: S101 - narrows the type for mypy
    # To the decoder an empty packet is the end of the stream.
    for coded in (frame for frame in frames if frame.data):
        try:
            decoded = decoder.decode(av.Packet(coded.data))
        except av.error.FFmpegError as error:
            _log.debug("packet does not decode", pii_error=str(error))
            continue
        at = coded.at
        for frame in decoded:
            samples = frame.to_ndarray().mean(axis=0, dtype=np.float32)
            yield at, samples
            at += samples.size / RATE
