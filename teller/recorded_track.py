"""The customer's camera as it was recorded, stretch by stretch, for those who judge it again.

Everything but the pictures is in the journal, which is chained: which track was the camera, and the hash
and times of each of its segments.
"""

import hashlib
from bisect import bisect_right
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from contract.errors import NotFound
from contract.fact import Fact
from contract.facts import SegmentSealed, TrackStarted
from contract.ids import CallId
from contract.phases import Role, TrackSource
from contract.ports import EncodedFrame
from kyc.pipes import Job
from recordings.segments import parse_frames

Fetch = Callable[[str], Awaitable[bytes]]
"""Returns a file of the record by its path relative to the case's folder. Raises NotFound, StorageError."""

# A camera sends a keyframe every four seconds while a challenge runs; twice that lies a decoder's beginning.
_KEYFRAME_S = 8.0
# A job of the model process takes less than its deadline by far: a second of frames.
_CHUNK_FRAMES = 25

_R = TypeVar("_R")


class Asked(Protocol):
    """The model process; see ``kyc.engine.Engine.ask``."""

    async def ask(self, job: Job[_R]) -> _R:
        """Do a job. Raises Busy, UserError, ModelError."""
        ...


@dataclass(frozen=True, slots=True)
class Chunk:
    """About a second of frames behind the keyframe they need; a job's ``origin`` and ``since`` (RTP)."""

    codec: str
    frames: tuple[EncodedFrame, ...]
    origin: int
    since: int


async def recorded(
    facts: Sequence[Fact], call: CallId, since: float, until: float, fetch: Fetch
) -> AsyncIterator[tuple[Chunk, ...]]:
    """Yield what each camera of the customer sent from ``since`` to ``until``, both seconds UTC.

    Raises:
        NotFound: ``altered``, a segment is not what was journaled; or as ``fetch``.
    """
    for track in _cameras(facts, call):
        sealed = [
            fact for fact in facts
            if isinstance(fact, SegmentSealed) and fact.track == track.track
            and fact.last_at >= since - _KEYFRAME_S and fact.first_at <= until
        ]  # fmt: skip
        frames = [
            frame
            for segment in sorted(sealed, key=lambda one: one.index)
            for frame in _frames(track, segment, await _whole(segment, fetch))
        ]
        shown = [frame for frame in frames if frame.arrived_at <= until]
        yield tuple(_chunks(track.codec, shown, since))


def _cameras(facts: Sequence[Fact], call: CallId) -> Iterator[TrackStarted]:
    for fact in facts:
        if not isinstance(fact, TrackStarted) or fact.source is not TrackSource.CAMERA:
            continue
        if (fact.call, fact.role) == (call, Role.CUSTOMER):
            yield fact


async def _whole(segment: SegmentSealed, fetch: Fetch) -> bytes:
    data = await fetch(segment.file)
    if hashlib.sha256(data).hexdigest() != segment.sha256:
        raise NotFound("a segment is not what was journaled", code="altered")
    return data


def _frames(track: TrackStarted, segment: SegmentSealed, data: bytes) -> Iterator[EncodedFrame]:
    first: int | None = None
    for frame in parse_frames(data, track.codec, track.clock_rate):
        first = frame.timestamp if first is None else first
        arrived_at = segment.first_at + (frame.timestamp - first) / track.clock_rate
        yield EncodedFrame(frame.data, frame.timestamp, frame.keyframe, arrived_at)


def _chunks(codec: str, frames: Sequence[EncodedFrame], since: float) -> Iterator[Chunk]:
    """Yield the frames from ``since`` on, each chunk with what lies between it and the keyframe before."""
    keys = [number for number, frame in enumerate(frames) if frame.keyframe]
    start = next((n for n, frame in enumerate(frames) if frame.arrived_at >= since), len(frames))
    for begin in range(start, len(frames), _CHUNK_FRAMES):
        key = keys[max(0, bisect_right(keys, begin) - 1)] if keys else begin
        chunk = tuple(frames[key : begin + _CHUNK_FRAMES])
        if chunk:
            yield Chunk(codec, chunk, frames[0].timestamp, frames[begin].timestamp)
