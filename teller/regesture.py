"""Judges a gesture challenge again from the recorded camera and microphone.

The journal says what was asked from when to when; the frames of that time give traces again, stretch by
stretch as the live check takes them, and the same rules judge them. A step's frames are in memory at once,
encoded, and no more.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from contract.errors import NotFound, TellerError
from contract.facts import Entry
from contract.identity_facts import ChallengeAsked, ChallengeEnded, ChallengeTried, SpokenScores
from contract.phases import CheckVerdict
from contract.ports import EncodedFrame
from kyc.challenge import Challenge, ChallengePhase, Draw, ask, judged
from kyc.gestures import GAP_MAX_S
from kyc.packs import Pack
from kyc.registry import Task
from kyc.traces import Gesture, GestureFinding, JudgeStep, PassiveLook, Trace, TraceFrames
from teller.live.chain import CLOCK_RATE
from teller.live.gestures import concluded
from teller.live.hearing import Hearing
from teller.recorded_track import Asked, Chunk, Fetch, heard, recorded
from teller.relight import CUT_OFF

SEEN = "seen"
NOT_COVERED = "not_covered"
"""The track has a hole, or no sound, where something else is found now: what was seen then may be in it."""
FRAMES_MAY_DIFFER = "frames_may_differ"
"""Told beside a result that is another: which frames were traced that day is not kept."""

# What the models may need behind the end of a step's time; whatever the journal says, no more is loaded.
_LATE_S = 10.0


@dataclass(frozen=True, slots=True)
class StepAgain:
    """One gesture that was asked, then and now: ``seen`` or why not; of digits with their scores."""

    step: str
    then: str
    now: str
    then_spoken: SpokenScores | None = None
    now_spoken: SpokenScores | None = None


@dataclass(frozen=True, slots=True)
class Regestured:
    """A challenge now. ``reason`` as in ChallengeEnded; ``why`` says what kept it from being judged again."""

    verdict: CheckVerdict
    reason: str = ""
    steps: tuple[StepAgain, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Step:
    """A gesture that was asked, from when to when (seconds UTC), and what came of it then."""

    asked: ChallengeAsked
    since: float
    until: float
    tried: ChallengeTried | None

    @property
    def then(self) -> str:
        if self.tried is None:
            return ""
        return SEEN if self.tried.seen else self.tried.reason


@dataclass(slots=True)
class _Found:
    """What the frames of a step show; ``covered``: nothing of its time is missing."""

    result: str = ""
    spoken: SpokenScores | None = None
    traces: list[Trace] = field(default_factory=list)
    looks: list[PassiveLook] = field(default_factory=list)
    covered: bool = True

    def changes(self, step: _Step) -> bool:
        """Tell whether the gesture is seen now and was not, or was and is not."""
        return (self.result == SEEN) is not (step.then == SEEN)


async def regesture(
    entries: Sequence[Entry], was: ChallengeEnded, models: Asked, fetch: Fetch, pack: Pack
) -> Regestured:
    """Judge the challenge that ``was`` ends again with the models of ``pack``.

    Never raises for what is missing or altered: ``why`` is then the error's code. A run that was ended, or
    in which nothing was asked, is passed over with its own reason.
    """
    if was.reason in CUT_OFF:
        return Regestured(was.verdict, why=was.reason)
    try:
        return await _judged(entries, was, models, fetch, pack)
    except TellerError as error:
        return Regestured(was.verdict, why=error.code)


async def _judged(
    entries: Sequence[Entry], was: ChallengeEnded, models: Asked, fetch: Fetch, pack: Pack
) -> Regestured:
    steps = tuple(_steps(entries, was))
    if not steps:
        raise NotFound("no gesture was asked", code=was.reason or "not_asked")
    if not (pack.used(Task.MESH) and pack.used(Task.EYE)):
        raise NotFound("no model traces gestures", code="no_model")
    told: list[StepAgain] = []
    looks: list[PassiveLook] = []
    whole: GestureFinding | None = None
    covered = True
    for attempt in dict.fromkeys(step.asked.attempt for step in steps):
        asked = [step for step in steps if step.asked.attempt == attempt]
        found = [await _found(entries, step, models, fetch) for step in asked]
        told += [_told(step, one) for step, one in zip(asked, found, strict=True)]
        looks += [look for one in found for look in one.looks]
        covered = covered and all(
            one.covered or not one.changes(step) for step, one in zip(asked, found, strict=True)
        )
        if len(asked) == asked[-1].asked.of and all(one.result == SEEN for one in found):
            traces = tuple(trace for one in found for trace in one.traces)
            whole = await models.ask(JudgeStep(Gesture(asked[-1].asked.step), traces))
            break
    verdict, reason = (CheckVerdict.REVIEW, told[-1].now) if whole is None else concluded(whole, looks, pack)
    if not covered and verdict is not was.verdict:
        return Regestured(was.verdict, steps=tuple(told), why=NOT_COVERED)
    return Regestured(verdict, reason, tuple(told))


def _steps(entries: Sequence[Entry], was: ChallengeEnded) -> Iterator[_Step]:
    ended_at = next((entry.at for entry in entries if entry.fact is was), float("inf"))
    for number, entry in enumerate(entries):
        asked = entry.fact
        if not isinstance(asked, ChallengeAsked) or asked.check != was.check:
            continue
        behind = (later for later in entries[number:] if isinstance(later.fact, ChallengeTried))
        tried = next((later for later in behind if _answers(later.fact, asked)), None)
        until = min(tried.at if tried else ended_at, entry.at + asked.seconds + _LATE_S)
        fact = tried.fact if tried and isinstance(tried.fact, ChallengeTried) else None
        yield _Step(asked, entry.at, until, fact)


def _answers(fact: object, asked: ChallengeAsked) -> bool:
    key = asked.check, asked.attempt, asked.step
    return isinstance(fact, ChallengeTried) and (fact.check, fact.attempt, fact.step) == key


def _told(step: _Step, found: _Found) -> StepAgain:
    then = step.tried.spoken if step.tried else None
    return StepAgain(step.asked.step, step.then, found.result, then, found.spoken)


async def _found(entries: Sequence[Entry], step: _Step, models: Asked, fetch: Fetch) -> _Found:
    """Trace and judge a step's frames until it is over. Raises NotFound ``not_recorded``: there is none."""
    facts = [entry.fact for entry in entries]
    call, since, until = step.asked.call, step.since, step.until
    gesture = Gesture(step.asked.step)
    digits = gesture is Gesture.SAY_DIGITS
    said = await heard(facts, call, since, until, fetch) if digits else ()
    challenge = ask(Challenge(step.asked.seconds), Draw(b"", (gesture,), step.asked.digits), since)
    found, last, taken = _Found(), GestureFinding(False, None, ""), list[float]()
    async for chunks in recorded(facts, call, since, until, fetch):
        # Another camera's times do not go on where this one's ended.
        looking, found.traces = _Looking(gesture, said), []
        for chunk in chunks:
            if challenge.draw is not None:
                last = await looking.judge(chunk, models, found, taken)
                challenge = judged(challenge, last, chunk.frames[-1].arrived_at)
    if not taken:
        raise NotFound("nothing of this was recorded", code="not_recorded")
    over = challenge.draw is None
    times = (since, *taken, taken[-1] if over else until)
    found.covered = max(b - a for a, b in pairwise(times)) <= GAP_MAX_S and bool(said or not digits)
    found.spoken = last.spoken
    found.result = challenge.tries[-1].reason if over else last.reason
    if challenge.phase is ChallengePhase.PASSED:
        found.result = SEEN
    return found


class _Looking:
    """Looks at one camera in one step; ``said`` is the sound of the step."""

    def __init__(self, gesture: Gesture, said: Sequence[EncodedFrame]) -> None:
        self._gesture = gesture
        self._said = deque(said)
        self._hearing = Hearing()
        self._behind_s = self._spoken_from = float("inf")

    async def judge(self, chunk: Chunk, models: Asked, found: _Found, taken: list[float]) -> GestureFinding:
        """Return what the step's frames so far show; add them to ``found``, and their times to ``taken``."""
        traced = await models.ask(TraceFrames(chunk.codec, chunk.frames, chunk.origin, chunk.since))
        found.traces += traced.traces
        found.looks += traced.looks
        shown = [frame for frame in chunk.frames if frame.timestamp >= chunk.since]
        behind = (frame.arrived_at - frame.timestamp / CLOCK_RATE for frame in shown)
        self._behind_s = min(self._behind_s, *behind)
        self._spoken_from = min(self._spoken_from, shown[0].arrived_at)
        clock = self._behind_s + chunk.origin / CLOCK_RATE
        taken += (trace.at + clock for trace in traced.traces)
        sound, at = self._sound(shown[-1].arrived_at)
        return await models.ask(JudgeStep(self._gesture, tuple(found.traces), sound, at - clock))

    def _sound(self, until: float) -> tuple[tuple[EncodedFrame, ...], float]:
        """Return what had come ``until`` then, and when it was spoken."""
        while self._said and self._said[0].arrived_at <= until:
            self._hearing.push(self._said.popleft())
        return self._hearing.since(self._spoken_from)
