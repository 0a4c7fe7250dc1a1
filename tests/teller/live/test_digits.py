"""Digits that are read aloud: asked of whoever can be heard, judged with what was said since."""

from itertools import permutations

import pytest

from contract.identity_facts import ChallengeAsked, ChallengeDrawn, ChallengeTried, SpokenScores
from contract.phases import CheckVerdict, LivenessKind
from kyc.challenge import draw
from kyc.traces import Gesture, GestureFinding, JudgeStep
from tests.teller.live.scripted import Scene, filmed_to_the_end, staged, verdict

# Every order but those that end with digits.
FORMER = tuple(order for order in permutations(Gesture, 2) if order[1] is not Gesture.SAY_DIGITS)
SCORES = SpokenScores(1.2, 4, 0.2, 0.8, 0.04)


def found(job: JudgeStep) -> GestureFinding:
    """Return that gestures are seen at once, and digits once a second of sound is there."""
    if job.asked is not Gesture.SAY_DIGITS:
        return GestureFinding(True, job.traces[-1].at, "")
    if len(job.sound) < 25:
        return GestureFinding(False, None, "no_voice")
    return GestureFinding(True, job.traces[-1].at, "", SCORES)


async def begun(scene: Scene, *, microphone: bool, former: object = FORMER) -> None:
    run = scene.run(LivenessKind.GESTURES, former=former)
    await scene.live.start(run)
    await scene.film(1)
    await scene.live.ready(scene.call, run.check, sound=microphone)


async def test_digits_are_judged_by_what_was_said_since() -> None:
    """The sound begins when they were asked for, on the clock of the traces; the scores are journaled."""
    async with staged() as scene:
        scene.models.finding, scene.speaks = found, True
        await begun(scene, microphone=True)
        await filmed_to_the_end(scene)
        assert verdict(scene) == (CheckVerdict.PASSED, "")
        (drawn,) = scene.of(ChallengeDrawn)
        again = draw(bytes.fromhex(drawn.random_hex), FORMER)
        assert (drawn.steps, drawn.digits, drawn.sound) == (tuple(again.order), again.digits, True)
        assert [fact.digits for fact in scene.of(ChallengeAsked)] == ["", drawn.digits]
        assert [fact.spoken for fact in scene.of(ChallengeTried)] == [None, SCORES]
        jobs = [job for job in scene.models.of(JudgeStep) if job.sound]
        assert jobs and {job.asked for job in jobs} == {Gesture.SAY_DIGITS}
        for job in jobs:
            assert job.sound_at == pytest.approx(job.traces[0].at, abs=0.1)
            said_s = (job.sound[-1].timestamp - job.sound[0].timestamp) / 48_000
            assert job.sound_at + said_s >= job.traces[-1].at


@pytest.mark.parametrize(("microphone", "speaks"), [(False, True), (True, False), (False, False)])
async def test_who_cannot_be_heard_is_not_asked_to_speak(microphone: bool, speaks: bool) -> None:
    """Neither with the microphone off, nor when no sound comes of one that is on."""
    async with staged() as scene:
        scene.models.finding, scene.speaks = found, speaks
        await begun(scene, microphone=microphone, former=())
        await filmed_to_the_end(scene)
        (drawn,) = scene.of(ChallengeDrawn)
        assert (drawn.digits, drawn.sound) == ("", False)
        assert verdict(scene) == (CheckVerdict.PASSED, "")


async def test_time_over_tells_why_digits_were_not_heard() -> None:
    """Reason and scores of the last finding stand in the journal."""
    async with staged() as scene:

        def still(job: JudgeStep) -> GestureFinding:
            if job.asked is not Gesture.SAY_DIGITS:
                return GestureFinding(True, job.traces[-1].at, "")
            return GestureFinding(False, None, "mouth_still", SCORES)

        scene.models.finding, scene.speaks = still, True
        await begun(scene, microphone=True)
        await scene.film(26)
        tried = scene.of(ChallengeTried)[-1]
        assert (tried.step, tried.seen, tried.reason) == ("say_digits", False, "mouth_still")
        assert tried.spoken == SCORES


async def test_sound_of_a_call_without_gestures_is_dropped() -> None:
    async with staged() as scene:
        scene.say()
        scene.speaks = True
        await scene.live.start(scene.run(LivenessKind.PASSIVE))
        await filmed_to_the_end(scene)
        scene.say()
        assert verdict(scene)[0] is CheckVerdict.PASSED
