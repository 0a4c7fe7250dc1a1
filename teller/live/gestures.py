"""Runs an active challenge: draws, asks, traces, judges, and lets the customer try again."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from contract.errors import UserError
from contract.identity_facts import ChallengeAsked, ChallengeDrawn, ChallengeEnded, ChallengeTried
from contract.phases import CheckVerdict
from kyc.calibration import Card
from kyc.challenge import (
    ELDER_PACE_S,
    PACE_S,
    SEED_BYTES,
    TRIES_MAX,
    Challenge,
    ChallengePhase,
    Draw,
    Order,
    Prompt,
    ask,
    draw,
    judged,
    passed_time,
)
from kyc.packs import Pack
from kyc.passive_verdict import PassiveFinding, passive_verdict
from kyc.registry import Task
from kyc.traces import Gesture, GestureFinding, JudgeStep, PassiveLook, Trace
from teller.live.looking import trace
from teller.live.run import Over, Run

# Long enough to read what will happen, or to fetch one's glasses.
READY_S = 120.0
# A challenge begins when frames come; what a phone in a poor network needs for its first keyframe, twice.
_FLOW_S = 5.0
# What may be asked of whoever cannot be heard.
SILENT = tuple(gesture for gesture in Gesture if gesture is not Gesture.SAY_DIGITS)
# A microphone that is on is heard within this, or is taken for none.
_SOUND_S = 1.0

JUDGES = (Task.DETECTION, Task.MESH, Task.GEOMETRY, Task.EYE, Task.PASSIVE)
"""What a trace and a passive look are made with."""


@dataclass(slots=True)
class _Try:
    """One try: all its traces, which only together show a loop that is longer than a step."""

    number: int
    drawn: Draw
    sound: bool
    traces: list[Trace] = field(default_factory=list)


async def run_gestures(run: Run) -> ChallengeEnded:
    """Run the challenge to its end. Raises Over."""
    challenge = Challenge(pace_s=ELDER_PACE_S if run.wanted.elder else PACE_S)
    former = [tuple(map(Gesture, order)) for order in run.wanted.former if set(order) <= set(Gesture)]
    looks: list[PassiveLook] = []
    while True:
        await run.until_ready(READY_S)
        await _until_frames_flow(run)
        sound = await _is_heard(run)
        now = _Try(len(challenge.tries) + 1, _drawn(run, former, tuple(Gesture) if sound else SILENT), sound)
        former.append(now.drawn.order)
        _note_draw(run, challenge, now)
        challenge = ask(challenge, now.drawn, run.clock.monotonic())
        while challenge.prompt is not None:
            challenge = await _step(run, challenge, challenge.prompt, now, looks)
        if challenge.phase is ChallengePhase.PASSED:
            return await _passed(run, now, looks)
        if challenge.phase is ChallengePhase.AGENT_DECIDES:
            return _ended(run, CheckVerdict.REVIEW, challenge.tries[-1].reason)


def _drawn(run: Run, former: Sequence[Order], pool: Sequence[Gesture]) -> Draw:
    try:
        return draw(run.random(SEED_BYTES), former, pool)
    except UserError as error:
        raise Over(error.code) from error


def _note_draw(run: Run, challenge: Challenge, now: _Try) -> None:
    run.note(
        ChallengeDrawn(
            call=run.wanted.call,
            check=run.wanted.check,
            attempt=now.number,
            steps=tuple(gesture.value for gesture in now.drawn.order),
            digits=now.drawn.digits,
            random_hex=now.drawn.seed.hex(),
            seconds_each=challenge.pace_s,
            tries=TRIES_MAX,
            sound=now.sound,
        )
    )


async def _until_frames_flow(run: Run) -> None:
    """Return when every frame comes: a gesture before that would not be seen."""
    await run.keep_flowing()
    run.reader.skip()
    until = run.clock.monotonic() + _FLOW_S
    while run.reader.next(0.0) is None and run.clock.monotonic() < until:
        await run.pause()


async def _is_heard(run: Run) -> bool:
    """Tell whether the customer can be asked to say something."""
    until = run.clock.monotonic() + _SOUND_S
    while run.microphone and not run.hearing.comes(run.clock.now()) and run.clock.monotonic() < until:
        await run.pause()
    return run.microphone and run.hearing.comes(run.clock.now())


async def _step(
    run: Run, challenge: Challenge, prompt: Prompt, now: _Try, looks: list[PassiveLook]
) -> Challenge:
    """Ask for one gesture and return the challenge when it was seen, or the try is over."""
    run.note(
        ChallengeAsked(
            call=run.wanted.call,
            check=run.wanted.check,
            attempt=now.number,
            step=prompt.gesture.value,
            index=prompt.step,
            of=prompt.steps,
            seconds=challenge.pace_s,
            digits=prompt.digits,
        )
    )
    run.reader.skip()
    step, traces, epoch, spoken_from = challenge.step, list[Trace](), run.reader.epoch, run.clock.now()
    last: GestureFinding | None = None
    while challenge.draw is not None and challenge.step == step:
        # What came in time counts, however long the models take.
        at = run.clock.monotonic()
        found = await trace(run)
        if found is not None:
            if found[0] != epoch:
                epoch, spoken_from = found[0], run.clock.now()
                traces.clear()
                now.traces.clear()
            traces += found[1].traces
            now.traces += found[1].traces
            looks += found[1].looks
            finding = await run.ask(_job(run, prompt.gesture, traces, spoken_from))
            if finding is not None:
                last, challenge = finding, judged(challenge, finding, at)
        challenge = passed_time(challenge, at, last.reason if last is not None else "")
    _note_step(run, challenge, prompt, now, last)
    return challenge


def _job(run: Run, gesture: Gesture, traces: Sequence[Trace], spoken_from: float) -> JudgeStep:
    if gesture is not Gesture.SAY_DIGITS:
        return JudgeStep(gesture, tuple(traces))
    sound, at = run.hearing.since(spoken_from)
    return JudgeStep(gesture, tuple(traces), sound, run.reader.time_of(at))


def _note_step(
    run: Run, challenge: Challenge, prompt: Prompt, now: _Try, last: GestureFinding | None
) -> None:
    seen = challenge.draw is not None or challenge.phase is ChallengePhase.PASSED
    reason = "" if seen else challenge.tries[-1].reason
    step = prompt.gesture.value
    spoken = last.spoken if last is not None else None
    run.note(ChallengeTried(run.wanted.call, run.wanted.check, now.number, step, seen, reason, spoken))


async def _passed(run: Run, now: _Try, looks: Sequence[PassiveLook]) -> ChallengeEnded:
    """Every gesture was seen; a loop that is longer than a step, or a flat face, is for a person."""
    whole = await run.ask(JudgeStep(now.drawn.order[-1], tuple(now.traces)))
    if whole is None:
        return _ended(run, CheckVerdict.REVIEW, "model_failed")
    return _ended(run, *concluded(whole, looks, run.models.pack))


def concluded(whole: GestureFinding, looks: Sequence[PassiveLook], pack: Pack) -> tuple[CheckVerdict, str]:
    """Return what a try comes to in which every gesture was seen, and the reason when that is not to pass.

    ``whole`` is what all its frames together show, ``looks`` are those of the whole challenge. With models
    for demos nothing passes.
    """
    if whole.reason == "repeats":
        return CheckVerdict.REVIEW, whole.reason
    card = pack.card(Task.PASSIVE)
    passive = passive_verdict([look.score for look in looks], [look.share for look in looks], card)
    if (
        passive.verdict is CheckVerdict.FAILED
        or passive.reason == "score_in_doubt"
        or _is_flat_anyway(passive, card)
    ):
        return CheckVerdict.REVIEW, passive.reason
    return (CheckVerdict.REVIEW, "demo_pack") if pack.demo_only else (CheckVerdict.PASSED, "")


def _is_flat_anyway(passive: PassiveFinding, card: Card | None) -> bool:
    """Tell whether a face of a size that was not measured scores like a picture of one all the same."""
    sizes = passive.reason in {"face_too_small", "face_too_large"}
    return sizes and card is not None and passive.median < card.point("accept").threshold


def _ended(run: Run, verdict: CheckVerdict, reason: str) -> ChallengeEnded:
    models = run.models.pack.used(*JUDGES)
    return ChallengeEnded(run.wanted.call, run.wanted.check, verdict, reason, models)
