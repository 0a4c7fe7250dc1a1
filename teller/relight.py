"""Judges a light challenge again from the recorded track, as an auditor may years later.

Everything but the pictures is in the journal, which is chained: the nonce, the second of the first colour,
which track the customer's camera was, and the hash and times of each of its segments.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from contract.errors import NotFound, TellerError
from contract.fact import Fact
from contract.facts import SegmentSealed, TrackStarted
from contract.identity_facts import LightDrawn, LightMeasured
from contract.phases import CheckVerdict, Role, TrackSource
from contract.ports import EncodedFrame
from kyc.light_sequence import (
    JudgeLight,
    LightFinding,
    LightSample,
    LightSequence,
    SampleLight,
    draw_sequence,
)
from kyc.pipes import Job
from recordings.segments import parse_frames

Fetch = Callable[[str], Awaitable[bytes]]
"""Returns a file of the record by its path relative to the case's folder. Raises NotFound, StorageError."""

# As much as the live check looks at before the first colour and after the last.
_BEFORE_S, _AFTER_S = 1.0, 0.8
# A camera sends a keyframe every four seconds while a challenge runs; twice that lies a decoder's beginning.
_KEYFRAME_S = 8.0
# A job of the model process takes less than its deadline by far: a second of frames.
_CHUNK_FRAMES = 25

# A run that somebody ended has no finding that could be made again.
_CUT_OFF = frozenset({"declined", "agent", "call_ended"})

_R = TypeVar("_R")


class Asked(Protocol):
    """The model process; see ``kyc.engine.Engine.ask``."""

    async def ask(self, job: Job[_R]) -> _R:
        """Do a job. Raises Busy, UserError, ModelError."""
        ...


@dataclass(frozen=True, slots=True)
class Relit:
    """A light challenge now. ``why`` says what kept it from being judged again, else empty."""

    verdict: CheckVerdict
    r: float | None
    why: str = ""


async def relight(
    facts: Sequence[Fact], was: LightMeasured, models: Asked, fetch: Fetch, *, demo_only: bool
) -> Relit:
    """Judge the challenge that ``was`` ends again, from the segments that ``fetch`` returns.

    Never raises for what is missing or altered: ``why`` is then the error's code. A run that was declined
    or ended is passed over with its own reason. With models for demos (``demo_only``) nothing passes.
    """
    if was.reason in _CUT_OFF:
        return Relit(was.verdict, None, was.reason)
    try:
        found = await _judged(facts, was, models, fetch)
    except TellerError as error:
        return Relit(was.verdict, None, error.code)
    passed_for_show = demo_only and found.verdict is CheckVerdict.PASSED
    return Relit(CheckVerdict.REVIEW if passed_for_show else found.verdict, found.r)


async def _judged(facts: Sequence[Fact], was: LightMeasured, models: Asked, fetch: Fetch) -> LightFinding:
    if was.started_at is None:
        raise NotFound("the first colour was never shown", code="not_shown")
    sequence = _sequence(facts, was)
    since, until = was.started_at - _BEFORE_S, was.started_at + sequence.seconds + _AFTER_S
    samples: list[LightSample] = []
    for track in _cameras(facts, was):
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
        # Another camera's times do not go on where this one's ended.
        samples = await _sampled(track.codec, shown, since, models) or samples
    if not samples:
        raise NotFound("nothing of this was recorded", code="not_recorded")
    return await models.ask(JudgeLight(sequence, tuple(samples), was.started_at))


def _sequence(facts: Sequence[Fact], was: LightMeasured) -> LightSequence:
    drawn = next((one for one in facts if isinstance(one, LightDrawn) and one.check == was.check), None)
    if drawn is None:
        raise NotFound("no nonce was journaled", code="no_nonce")
    sequence = draw_sequence(bytes.fromhex(drawn.nonce_hex), len(drawn.symbols))
    if (sequence.symbols, sequence.step_s) != (drawn.symbols, drawn.seconds_each):
        raise NotFound("the nonce gives other colours", code="other_colours")
    return sequence


def _cameras(facts: Sequence[Fact], was: LightMeasured) -> Iterator[TrackStarted]:
    for fact in facts:
        if not isinstance(fact, TrackStarted) or fact.source is not TrackSource.CAMERA:
            continue
        if (fact.call, fact.role) == (was.call, Role.CUSTOMER):
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


async def _sampled(
    codec: str, frames: Sequence[EncodedFrame], since: float, models: Asked
) -> list[LightSample]:
    """Sample the frames from ``since`` on, each chunk decoded from the keyframe before it."""
    keys = [number for number, frame in enumerate(frames) if frame.keyframe]
    start = next((n for n, frame in enumerate(frames) if frame.arrived_at >= since), len(frames))
    samples: list[LightSample] = []
    for begin in range(start, len(frames), _CHUNK_FRAMES):
        key = keys[max(0, bisect_right(keys, begin) - 1)] if keys else begin
        chunk = tuple(frames[key : begin + _CHUNK_FRAMES])
        if chunk:
            job = SampleLight(codec, chunk, frames[0].timestamp, frames[begin].timestamp)
            samples += (await models.ask(job)).samples
    return samples
