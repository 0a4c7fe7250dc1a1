"""The customer's camera and microphone as they were recorded, for those who judge them again.

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
from teller.live.chain import STRETCH_S

Fetch = Callable[[str], Awaitable[bytes]]
"""Returns a file of the record by its path relative to the case's folder. Raises NotFound, StorageError."""

# A camera sends a keyframe every four seconds while a challenge runs; twice that lies a decoder's beginning.
_KEYFRAME_S = 8.0

_R = TypeVar("_R")


class Asked(Protocol):
    """The model process; see ``kyc.engine.Engine.ask``."""

    async def ask(self, job: Job[_R]) -> _R:
        """Do a job. Raises Busy, UserError, ModelError."""
        ...


@dataclass(frozen=True, slots=True)
class Chunk:
    """STRETCH_S of frames, as a live check takes them, behind the keyframe they need.

    ``origin`` and ``since`` are a job's, in RTP timestamps.
    """

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
    for track in _tracks(facts, call, TrackSource.CAMERA):
        shown = await _between(facts, track, since - _KEYFRAME_S, until, fetch)
        yield tuple(_chunks(track, shown, since))


async def heard(
    facts: Sequence[Fact], call: CallId, since: float, until: float, fetch: Fetch
) -> tuple[EncodedFrame, ...]:
    """Return what the customer's microphones sent from ``since`` to ``until``. Raises as ``recorded``."""
    return tuple(
        [
            packet
            for track in _tracks(facts, call, TrackSource.MICROPHONE)
            for packet in await _between(facts, track, since, until, fetch)
            if packet.arrived_at >= since
        ]
    )


async def _between(
    facts: Sequence[Fact], track: TrackStarted, since: float, until: float, fetch: Fetch
) -> list[EncodedFrame]:
    """Return the frames up to ``until`` of all segments that reach beyond ``since``."""
    sealed = [
        fact
        for fact in facts
        if isinstance(fact, SegmentSealed) and fact.track == track.track
        and fact.last_at >= since and fact.first_at <= until
    ]  # fmt: skip
    return [
        frame
        for segment in sorted(sealed, key=lambda one: one.index)
        for frame in _frames(track, segment, await _whole(segment, fetch))
        if frame.arrived_at <= until
    ]


def _tracks(facts: Sequence[Fact], call: CallId, source: TrackSource) -> Iterator[TrackStarted]:
    for fact in facts:
        if not isinstance(fact, TrackStarted) or fact.source is not source:
            continue
        if (fact.call, fact.role) == (call, Role.CUSTOMER):
            yield fact


async def _whole(segment: SegmentSealed, fetch: Fetch) -> bytes:
    data = await fetch(segment.file)
    if hashlib.sha256(data).hexdigest() != segment.sha256:
        raise NotFound("a segment is not what was journaled", code="altered")
    return data


def _frames(track: TrackStarted, segment: SegmentSealed, data: bytes) -> Iterator[EncodedFrame]:
    frames = list(parse_frames(data, track.codec, track.clock_rate))
    if not frames:
        return
    # A keyframe is large and often comes late: whichever of the two that are timed came quicker counts.
    ends = (segment.first_at, frames[0]), (segment.last_at, frames[-1])
    behind = min(at - frame.timestamp / track.clock_rate for at, frame in ends)
    for frame in frames:
        arrived_at = behind + frame.timestamp / track.clock_rate
        yield EncodedFrame(frame.data, frame.timestamp, frame.keyframe, arrived_at)


def _chunks(track: TrackStarted, frames: Sequence[EncodedFrame], since: float) -> Iterator[Chunk]:
    """Yield the frames from ``since`` on, each chunk with what lies between it and the keyframe before."""
    keys = [number for number, frame in enumerate(frames) if frame.keyframe]
    begin = next((n for n, frame in enumerate(frames) if frame.arrived_at >= since), len(frames))
    while begin < len(frames):
        due = frames[begin].timestamp + STRETCH_S * track.clock_rate
        end = next((n for n in range(begin, len(frames)) if frames[n].timestamp >= due), len(frames) - 1) + 1
        key = keys[max(0, bisect_right(keys, begin) - 1)] if keys else begin
        yield Chunk(track.codec, tuple(frames[key:end]), frames[0].timestamp, frames[begin].timestamp)
        begin = end
