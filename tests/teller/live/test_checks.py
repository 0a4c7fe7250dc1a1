"""Live checks with scripted models on a moved clock: every run ends with one fact, whatever comes."""

import asyncio
from itertools import pairwise

import pytest

from contract.errors import Busy, ModelError, WrongPhase
from contract.fact import Fact
from contract.facts import Entry
from contract.identity_facts import (
    ChallengeAsked,
    ChallengeDrawn,
    ChallengeEnded,
    ChallengeTried,
    LivenessMeasured,
    PersonWatched,
    SourceJudged,
    SourceSummed,
)
from contract.ids import CaseId, new_call_id, new_seat_id
from contract.phases import CheckVerdict, LivenessKind, WatchEvent
from kyc.challenge import draw
from kyc.pipes import Watch
from kyc.traces import GestureFinding, JudgeStep, TraceFrames
from teller.live import checks as live_checks
from teller.live import line as live_line
from teller.live import run as live_run
from teller.live.gestures import READY_S, SILENT
from tests.teller.live.scripted import (
    ENDS,
    ended,
    files,
    filmed_to_the_end,
    lost_model,
    pack_of,
    staged,
    until,
    verdict,
)

PASSED, REVIEW = CheckVerdict.PASSED, CheckVerdict.REVIEW


def seen_at_once(job: JudgeStep) -> GestureFinding:
    return GestureFinding(True, job.traces[-1].at, "")


# --- passive -----------------------------------------------------------------------------------


async def test_passive_measures_a_living_face() -> None:
    """A few seconds of frames, the card's thresholds, the models' digests; then only looks are wanted."""
    async with staged() as scene:
        await scene.live.start(scene.run(LivenessKind.PASSIVE))
        await filmed_to_the_end(scene)
        (end,) = scene.of(LivenessMeasured)
        assert (end.verdict, end.reason, end.median, end.threshold) == (PASSED, "", 0.9, 0.5)
        assert end.frames >= 12 and files(end)[1:] == ["MiniFASNetV2.onnx", "MiniFASNetV1SE.onnx"]
        assert scene.wishes[1][2] > 0 and scene.wishes[-1][2] == 0
        # Stretches follow each other without a gap, and nothing is looked at twice.
        jobs = scene.models.of(TraceFrames)
        assert all(job.frames[0].keyframe for job in jobs)
        assert all(job.since == before.frames[-1].timestamp + 1 for before, job in pairwise(jobs))


@pytest.mark.parametrize(("score", "found"), [(0.1, CheckVerdict.FAILED), (0.3, REVIEW)])
async def test_passive_follows_the_scores(score: float, found: CheckVerdict) -> None:
    async with staged() as scene:
        scene.models.score = score
        await scene.live.start(scene.run(LivenessKind.PASSIVE))
        await filmed_to_the_end(scene)
        assert verdict(scene)[0] is found


async def test_passive_without_pictures_ends_in_doubt() -> None:
    """A camera that is off costs twelve seconds and no more."""
    async with staged() as scene:
        await scene.live.start(scene.run(LivenessKind.PASSIVE))
        await scene.pass_s(13)
        await until("the end", lambda: ended(scene))
        assert verdict(scene) == (REVIEW, "too_few_frames")


async def test_a_demo_pack_approves_nobody() -> None:
    async with staged(pack_of(demo=True)) as scene:
        await scene.live.start(scene.run(LivenessKind.PASSIVE))
        await filmed_to_the_end(scene)
        assert verdict(scene) == (REVIEW, "demo_pack")


# --- gestures ----------------------------------------------------------------------------------


async def test_a_challenge_is_passed_step_by_step() -> None:
    """What was drawn is asked in its order, what was seen is told, and an auditor draws the same again."""
    async with staged() as scene:
        scene.models.finding = seen_at_once
        run = scene.run(LivenessKind.GESTURES, elder=True)
        await scene.live.start(run)
        await scene.film(1)
        assert ended(scene) == [] and scene.of(ChallengeDrawn) == []
        await scene.live.ready(scene.call, run.check)
        await filmed_to_the_end(scene)
        (drawn,) = scene.of(ChallengeDrawn)
        again = draw(bytes.fromhex(drawn.random_hex), (), SILENT)
        assert drawn.steps == tuple(again.order) and drawn.seconds_each == 30
        asked = [(fact.step, fact.index, fact.of, fact.attempt) for fact in scene.of(ChallengeAsked)]
        assert asked == [(drawn.steps[0], 1, 2, 1), (drawn.steps[1], 2, 2, 1)]
        assert [(fact.step, fact.seen) for fact in scene.of(ChallengeTried)] == [
            (s, True) for s in drawn.steps
        ]
        assert verdict(scene) == (PASSED, "")
        assert files(scene.of(ChallengeEnded)[0]) == [
            "face_detection_yunet_2023mar.onnx", "face_landmarker.task", "canonical_face_model.obj",
            "open-closed-eye.onnx", "MiniFASNetV2.onnx", "MiniFASNetV1SE.onnx",
        ]  # fmt: skip


async def test_a_step_knows_nothing_of_the_one_before() -> None:
    """A gesture counts from the moment it is asked for."""
    async with staged() as scene:
        firsts: list[float] = []

        def finding(job: JudgeStep) -> GestureFinding:
            firsts.append(job.traces[0].at)
            return GestureFinding(len(job.traces) > 60, job.traces[-1].at, "not_seen")

        scene.models.finding = finding
        run = scene.run(LivenessKind.GESTURES)
        await scene.live.start(run)
        await scene.live.ready(scene.call, run.check)
        await filmed_to_the_end(scene)
        assert firsts[0] < firsts[-2] and verdict(scene)[0] is PASSED


async def test_three_tries_and_then_the_agent() -> None:
    """Each has another order, none that the customer was ever asked, and waits for the customer."""
    former = (("turn_left", "turn_right"), ("something", "else"))
    async with staged() as scene:
        run = scene.run(LivenessKind.GESTURES, former=former)
        await scene.live.start(run)
        for attempt in (1, 2, 3):
            await scene.live.ready(scene.call, run.check)
            await scene.film(22)
            assert len(scene.of(ChallengeDrawn)) == attempt
            await scene.film(2)
            assert len(scene.of(ChallengeDrawn)) == attempt
        orders = [fact.steps for fact in scene.of(ChallengeDrawn)]
        assert len(set(orders)) == 3 and former[0] not in orders
        assert [fact.reason for fact in scene.of(ChallengeTried)] == ["timeout"] * 3
        assert verdict(scene) == (REVIEW, "timeout")


async def test_a_wrong_gesture_ends_the_try_at_once() -> None:
    async with staged() as scene:
        scene.models.finding = lambda _: GestureFinding(False, None, "wrong_gesture")
        run = scene.run(LivenessKind.GESTURES)
        await scene.live.start(run)
        await scene.live.ready(scene.call, run.check)
        await scene.film(4)
        assert [fact.reason for fact in scene.of(ChallengeTried)] == ["wrong_gesture"]
        assert ended(scene) == []


async def test_a_loop_that_shows_only_in_the_whole_is_for_a_person() -> None:
    """It is longer than a step, so each step alone was passed."""
    async with staged() as scene:

        def finding(job: JudgeStep) -> GestureFinding:
            # After one for each step.
            whole = len(scene.models.of(JudgeStep)) == 3
            return GestureFinding(not whole, None, "repeats" if whole else "")

        scene.models.finding = finding
        run = scene.run(LivenessKind.GESTURES)
        await scene.live.start(run)
        await scene.live.ready(scene.call, run.check)
        await filmed_to_the_end(scene)
        assert verdict(scene) == (REVIEW, "repeats")


@pytest.mark.parametrize(
    ("score", "share", "reason"),
    [(0.1, None, "score_too_low"), (0.01, 0.15, "face_too_small"), (0.01, 0.5, "face_too_large")],
)
async def test_a_flat_face_that_moves_is_for_a_person(score: float, share: float | None, reason: str) -> None:
    """Held far away or close, where the score was not measured, it is still no face."""
    async with staged() as scene:
        scene.models.score = score
        scene.models.share = share or scene.models.share
        scene.models.finding = lambda job: GestureFinding(len(job.traces) > 80, None, "not_seen")
        run = scene.run(LivenessKind.GESTURES)
        await scene.live.start(run)
        await scene.live.ready(scene.call, run.check)
        await filmed_to_the_end(scene)
        assert verdict(scene) == (REVIEW, reason)


async def test_a_customer_who_never_answers_is_given_up() -> None:
    async with staged() as scene:
        await scene.live.start(scene.run(LivenessKind.GESTURES))
        await scene.pass_s(READY_S + 1)
        await until("the end", lambda: ended(scene))
        assert verdict(scene) == (REVIEW, "not_ready")
        assert files(scene.of(ChallengeEnded)[0]) == []


# --- what goes wrong ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(LivenessKind))
async def test_a_dead_model_process_leaves_a_doubt(kind: LivenessKind) -> None:
    """Three failures in a row end the run; one is a restart and is passed over."""
    async with staged() as scene:
        run = scene.run(kind)
        await scene.live.start(run)
        scene.models.broken = lost_model
        await scene.live.ready(scene.call, run.check)
        await filmed_to_the_end(scene)
        assert verdict(scene) == (REVIEW, "model_failed")


async def test_a_restart_of_the_models_is_passed_over() -> None:
    async with staged() as scene:
        times = iter([ModelError("gone"), Busy("full"), ModelError("gone")])
        scene.models.broken = lambda job: next(times, None) if isinstance(job, TraceFrames) else None
        await scene.live.start(scene.run(LivenessKind.PASSIVE))
        await filmed_to_the_end(scene)
        assert verdict(scene) == (PASSED, "")


async def test_models_that_never_answer_do_not_hold_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_run, "_ASK_S", 0.02)
    async with staged() as scene:
        scene.models.never = True
        await scene.live.start(scene.run(LivenessKind.PASSIVE))
        await filmed_to_the_end(scene)
        assert verdict(scene) == (REVIEW, "model_failed")


async def test_no_run_lasts_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even when the clock stands still."""
    monkeypatch.setattr(live_checks, "RUN_MAX_S", 0.05)
    async with staged() as scene:
        await scene.live.start(scene.run(LivenessKind.GESTURES))
        await until("the end", lambda: ended(scene))
        assert verdict(scene) == (REVIEW, "timeout")


async def test_a_mistake_in_the_models_ends_in_doubt() -> None:
    async with staged() as scene:
        scene.models.broken = lambda job: RuntimeError("a mistake") if isinstance(job, TraceFrames) else None
        await scene.live.start(scene.run(LivenessKind.PASSIVE))
        await filmed_to_the_end(scene)
        assert verdict(scene) == (REVIEW, "internal")


@pytest.mark.parametrize("kind", [LivenessKind.PASSIVE, LivenessKind.GESTURES])
async def test_a_pack_without_models_says_so(kind: LivenessKind) -> None:
    """Nothing is begun: whoever asked tells it. Light needs faces only."""
    async with staged(pack_of(models=False)) as scene:
        with pytest.raises(ModelError) as caught:
            await scene.live.start(scene.run(kind))
        assert caught.value.code == "no_model"
        await scene.live.start(scene.run(LivenessKind.LIGHT))


@pytest.mark.parametrize("kind", list(LivenessKind))
async def test_the_agent_ends_a_run(kind: LivenessKind) -> None:
    """Its end is in doubt, with the agent's word; to another run the old one's messages mean nothing."""
    async with staged() as scene:
        run = scene.run(kind)
        await scene.live.start(run)
        with pytest.raises(Busy):
            await scene.live.start(scene.run(LivenessKind.PASSIVE))
        await scene.live.stop(scene.call, run.check, "agent")
        await until("the end", lambda: ended(scene))
        assert verdict(scene) == (REVIEW, "agent")
        await scene.live.start(scene.run(LivenessKind.GESTURES))
        await scene.live.ready(scene.call, run.check)
        await scene.live.light_shown(scene.call, run.check)
        await scene.live.stop(scene.call, run.check, "again")
        await scene.film(0.5)
        assert len(ended(scene)) == 1 and scene.of(ChallengeDrawn) == []


async def test_nothing_is_told_after_the_call() -> None:
    """The run's end is written when close returns; frames and claims that come later change nothing."""
    async with staged() as scene:
        await scene.live.start(scene.run(LivenessKind.PASSIVE))
        await scene.film(1)
        await scene.live.close(scene.call)
        await scene.live.close(scene.call)
        assert verdict(scene) == (REVIEW, "call_ended")
        assert scene.wishes[-1] == (scene.call, None, 0.0)
        told, asked = len(scene.journal.facts), len(scene.models.asked)
        scene.models.people = 0
        await scene.film(6)
        assert len(scene.journal.facts) == told and len(scene.models.asked) <= asked + 1


async def test_the_last_look_at_a_call_is_told() -> None:
    """The call ends while the models still look at somebody else's face: the record says so."""
    async with staged() as scene:
        await scene.watch()
        await scene.film(3)
        scene.models.answering.clear()
        scene.models.likeness, looks = -2.0, len(scene.models.of(Watch))
        await scene.film(3)
        assert len(scene.models.of(Watch)) >= looks + 2 and scene.of(PersonWatched) == []
        closing = asyncio.create_task(scene.live.close(scene.call))
        await asyncio.sleep(0)
        scene.models.answering.set()
        await closing
        assert [fact.event for fact in scene.of(PersonWatched)] == [WatchEvent.DIFFERENT_PERSON]


async def test_a_look_that_hangs_does_not_hold_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its end waits for a moment, and nothing is told afterwards."""
    monkeypatch.setattr(live_checks, "LAST_S", 0.02)
    async with staged() as scene:
        await scene.watch()
        scene.models.answering.clear()
        await scene.film(1)
        assert scene.models.of(Watch)
        await scene.live.close(scene.call)
        scene.models.answering.set()


async def test_a_call_that_is_over_is_not_watched_again() -> None:
    """A command that a full disk held up comes behind the end; its run ends at once, and says why."""
    async with staged() as scene:
        await scene.live.close(scene.call)
        await scene.watch()
        await scene.film(2)
        assert scene.models.asked == [] and scene.wishes == []
        with pytest.raises(WrongPhase) as caught:
            await scene.live.start(scene.run(LivenessKind.PASSIVE))
        assert caught.value.code == "call_ended"


async def test_a_house_that_closes_ends_every_run() -> None:
    async with staged() as scene:
        await scene.live.start(scene.run(LivenessKind.GESTURES))
    assert verdict(scene) == (REVIEW, "call_ended")


# --- watching ----------------------------------------------------------------------------------


async def test_somebody_who_leaves_is_told_within_three_seconds() -> None:
    """And so is the return; in doubt more looks are asked for."""
    async with staged() as scene:
        await scene.watch()
        await scene.watch()
        assert scene.wishes == [(scene.call, 1.0, 0.0)]
        await scene.film(5, fps=2, keyframe_every=1)
        assert scene.of(PersonWatched) == []
        scene.models.people, left = 0, scene.clock.now()
        await scene.film(3, fps=2, keyframe_every=1)
        (fact,) = scene.of(PersonWatched)
        assert fact.event is WatchEvent.LEFT_PICTURE and abs(fact.at - left) < 1
        assert (scene.call, 0.5, 0.0) in scene.wishes
        scene.models.people = 1
        await scene.film(3, fps=2, keyframe_every=1)
        assert scene.of(PersonWatched)[-1].event is WatchEvent.ENDED_LEFT_PICTURE


@pytest.mark.parametrize(
    ("people", "likeness", "event"),
    [(2, 0.8, WatchEvent.SECOND_FACE), (1, -2.0, WatchEvent.DIFFERENT_PERSON)],
)
async def test_a_second_face_and_another_person_are_told(
    people: int, likeness: float, event: WatchEvent
) -> None:
    """While every frame comes, too: then one a second is looked at, from its keyframe on."""
    async with staged() as scene:
        await scene.watch()
        await scene.film(3)
        scene.models.people, scene.models.likeness = people, likeness
        await scene.film(3)
        (told,) = scene.of(PersonWatched)
        recogniser = ["MobileFaceNet_foamliu.onnx"] if event is WatchEvent.DIFFERENT_PERSON else []
        assert told.event is event and files(told) == ["face_detection_yunet_2023mar.onnx", *recogniser]
        looks = scene.models.of(Watch)
        assert 5 <= len(looks) <= 10 and all(look.frames[0].keyframe for look in looks)
        assert looks[0].reference is None and looks[-1].reference == b"template"


async def test_looks_that_fail_are_passed_over() -> None:
    async with staged() as scene:
        await scene.watch()
        scene.models.broken = lost_model
        await scene.film(3)
        scene.models.broken = lambda _: None
        scene.models.people = 0
        await scene.film(4)
        assert [fact.event for fact in scene.of(PersonWatched)] == [WatchEvent.LEFT_PICTURE]


async def test_frames_of_others_are_dropped() -> None:
    """Of calls that nobody watches, and of other seats."""
    async with staged() as scene:
        scene.push()
        await scene.watch()
        scene.seat = new_seat_id()
        await scene.film(2)
        scene.call = new_call_id()
        await scene.film(2)
        assert scene.models.asked == []


async def test_a_worker_that_is_gone_is_no_error() -> None:
    """Looking begins when another has the call."""
    async with staged() as scene:
        scene.media_broken = True
        await scene.watch()
        scene.media_broken = False
        scene.models.people = 0
        await scene.film(4)
        assert scene.of(PersonWatched)
        scene.media_broken = True
        await scene.live.close(scene.call)


async def test_a_worker_that_hangs_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a check's end nor the call's."""
    monkeypatch.setattr(live_checks, "_SAMPLE_S", 0.02)
    async with staged() as scene:
        scene.media_hangs = True
        await scene.live.start(scene.run(LivenessKind.PASSIVE))
        await until("the wish that hangs", lambda: bool(scene.wishes))
        await scene.pass_s(13)
        await until("the end", lambda: ended(scene))
        await scene.live.start(scene.run(LivenessKind.GESTURES))
        await scene.live.close(scene.call)
        assert [fact.reason for fact in ended(scene)] == ["too_few_frames", "call_ended"]  # type: ignore[attr-defined]


async def test_the_next_check_begins_when_the_last_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads the end in the journal is not told that it still runs."""
    async with staged() as scene:
        starting: list[asyncio.Task[None]] = []
        append = scene.journal.append

        async def appended(case: CaseId, fact: Fact) -> Entry:
            entry = await append(case, fact)
            if isinstance(fact, ENDS) and not starting:
                starting.append(asyncio.create_task(scene.live.start(scene.run(LivenessKind.GESTURES))))
            return entry

        monkeypatch.setattr(scene.journal, "append", appended)
        await scene.live.start(scene.run(LivenessKind.PASSIVE))
        await filmed_to_the_end(scene)
        await starting[0]


# --- signs and the journal ---------------------------------------------------------------------

CLAIM: dict[str, str | int | float | bool] = {
    "label": "OBS Virtual Camera", "facing": "user", "width": 640, "height": 480, "frame_rate": 30.0,
}  # fmt: skip


@pytest.mark.parametrize("early", [False, True])
async def test_a_virtual_camera_is_a_sign(early: bool) -> None:
    """Whether the page told of it before or after somebody looks; the same is not told twice."""
    async with staged() as scene:
        if not early:
            await scene.watch()
        scene.live.claims(scene.call, CLAIM)
        await scene.watch()
        scene.live.claims(scene.call, CLAIM)
        await until("the sign", lambda: scene.of(SourceJudged))
        scene.live.claims(scene.call, {"label": 3})
        await asyncio.sleep(0.01)
        (fact,) = scene.of(SourceJudged)
        assert [(one.name, one.reason) for one in fact.signals] == [("label", "virtual_camera")]
        assert fact.score == 0.9


async def test_signs_are_summed_when_the_call_ends() -> None:
    """Of each the highest it ever had, also one that was over by then; nothing where nothing was seen."""
    async with staged() as scene:
        await scene.watch()
        scene.live.claims(scene.call, CLAIM)
        await until("the sign", lambda: scene.of(SourceJudged))
        scene.live.claims(scene.call, CLAIM | {"label": "front camera"})
        assert not scene.of(SourceSummed)
        await scene.live.close(scene.call)
        (fact,) = scene.of(SourceSummed)
        assert [(one.name, one.reason, one.score) for one in fact.signals] == [
            ("label", "virtual_camera", 0.9)
        ]
        assert (fact.score, fact.pictures) == (0.9, 0)
    async with staged() as scene:
        await scene.watch()
        await scene.live.close(scene.call)
        assert not scene.of(SourceSummed)


async def test_claims_of_calls_that_never_come_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_checks, "_CLAIMS_MAX", 3)
    async with staged() as scene:
        for _ in range(10):
            scene.live.claims(new_call_id(), CLAIM)
        assert len(scene.live._claims) == 3


async def test_a_journal_that_refuses_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of a run is not lost; a call that ends meanwhile does not wait for ever."""
    monkeypatch.setattr(live_line, "_RETRY_S", 0.01)
    async with staged() as scene:
        scene.journal.broken = True
        run = scene.run(LivenessKind.GESTURES)
        await scene.live.start(run)
        await scene.live.stop(scene.call, run.check, "agent")
        await asyncio.sleep(0.03)
        scene.journal.broken = False
        await until("the end", lambda: ended(scene))
        scene.journal.broken = True
        await scene.live.start(scene.run(LivenessKind.LIGHT))
        await scene.live.close(scene.call)
        assert len(ended(scene)) == 1
