"""Light challenges with scripted models: what the page is told when, and what is judged."""

from contract.identity_facts import LightAsked, LightDrawn, LightMeasured, SourceJudged, SourceSummed
from contract.phases import CheckVerdict, LivenessKind
from kyc.injection import FindLoop
from kyc.light_sequence import JudgeLight, LightFinding, SampleLight, draw_sequence
from teller.live.light import AHEAD_S, SHOWN_S
from tests.teller.live.scripted import ended, files, filmed_to_the_end, staged, until, verdict

PASSED, REVIEW = CheckVerdict.PASSED, CheckVerdict.REVIEW


async def test_light_is_drawn_shown_and_judged() -> None:
    """Samples from before the first colour to behind the last; the start is when the server heard of it."""
    async with staged() as scene:
        run = scene.run(LivenessKind.LIGHT)
        await scene.live.start(run)
        await scene.live.ready(scene.call, run.check)
        await scene.film(1.5)
        (drawn,) = scene.of(LightDrawn)
        assert drawn.symbols == draw_sequence(bytes.fromhex(drawn.nonce_hex)).symbols
        shown = scene.clock.now()
        await scene.live.light_shown(scene.call, run.check)
        await scene.film(0.2)
        # A second message changes nothing.
        await scene.live.light_shown(scene.call, run.check)
        await filmed_to_the_end(scene)
        (end,) = scene.of(LightMeasured)
        assert (end.verdict, end.r, end.started_at) == (PASSED, 0.9, shown)
        assert files(end) == ["face_detection_yunet_2023mar.onnx"]
        (judged,) = scene.models.of(JudgeLight)
        first, last = judged.samples[0].arrived_at, judged.samples[-1].arrived_at
        assert first < shown - 0.5 and last > shown + judged.sequence.seconds + 0.5
        stamps = [sample.at for sample in judged.samples]
        assert stamps == sorted(set(stamps))
        assert max(len(job.frames) for job in scene.models.of(SampleLight)) <= 140


async def test_light_is_judged_while_the_camera_goes_on() -> None:
    """What comes while the models look at the end of it is no part of the challenge, and delays nothing."""
    async with staged() as scene:
        run = scene.run(LivenessKind.LIGHT)
        await scene.live.start(run)
        await scene.live.ready(scene.call, run.check)
        await scene.film(1.0)
        shown = scene.clock.now()
        await scene.live.light_shown(scene.call, run.check)

        def at_work(job: object) -> None:
            if isinstance(job, SampleLight):
                scene.clock.pass_s(0.2)
                scene.push(keyframe=False)

        scene.models.broken = at_work
        await filmed_to_the_end(scene)
        (judged,) = scene.models.of(JudgeLight)
        behind_s = judged.samples[-1].arrived_at - shown - judged.sequence.seconds
        assert 0.5 < behind_s < 1.0


async def test_nobody_knows_the_colours_long_before_they_are_due() -> None:
    """Four before the first is shown, however early the page says that it is, and then two seconds ahead."""
    async with staged() as scene:
        run = scene.run(LivenessKind.LIGHT)
        await scene.live.start(run)
        await scene.live.light_shown(scene.call, run.check)
        await scene.live.ready(scene.call, run.check)
        await scene.film(8)
        assert [(asked.index, len(asked.symbols)) for asked in scene.of(LightAsked)] == [(1, 4)]
        (drawn,) = scene.of(LightDrawn)
        shown = scene.clock.now()
        await scene.live.light_shown(scene.call, run.check)
        while not ended(scene):
            await scene.film(0.2)
            known = sum(len(asked.symbols) for asked in scene.of(LightAsked))
            ahead = (known - 1) * drawn.seconds_each - (scene.clock.now() - shown)
            assert ahead <= AHEAD_S + drawn.seconds_each + 1e-6
        assert "".join(asked.symbols for asked in scene.of(LightAsked)) == drawn.symbols
        assert [asked.index for asked in scene.of(LightAsked)] == [1, 5, 7, 9, 11, 13, 15]


async def test_light_that_is_never_shown_ends_in_doubt() -> None:
    async with staged() as scene:
        run = scene.run(LivenessKind.LIGHT)
        await scene.live.start(run)
        await scene.live.ready(scene.call, run.check)
        await scene.film(1)
        await scene.pass_s(SHOWN_S + 1)
        await until("the end", lambda: ended(scene))
        (end,) = scene.of(LightMeasured)
        assert (end.verdict, end.reason, end.started_at) == (REVIEW, "not_shown", None)


async def test_a_wrong_answer_to_light_is_a_sign() -> None:
    """It is advice beside the verdict."""
    async with staged() as scene:
        scene.models.light = LightFinding(0.1, 0.0, 0.1, 0.1, CheckVerdict.FAILED, "wrong_sequence", 150)
        run = scene.run(LivenessKind.LIGHT)
        await scene.live.start(run)
        await scene.live.ready(scene.call, run.check)
        await scene.film(1)
        await scene.live.light_shown(scene.call, run.check)
        await filmed_to_the_end(scene)
        assert verdict(scene) == (CheckVerdict.FAILED, "wrong_sequence")
        await until("the signs", lambda: scene.of(SourceJudged))
        assert "no_answer" in [signal.reason for signal in scene.of(SourceJudged)[0].signals]
        await scene.live.close(scene.call)
        (summed,) = scene.of(SourceSummed)
        assert "no_answer" in [signal.reason for signal in summed.signals]


async def test_light_that_was_not_measured_is_no_sign() -> None:
    """A poor line brought too few frames: nothing says that the camera did not answer."""
    async with staged() as scene:
        scene.models.light = LightFinding(0.0, 0.0, 0.0, 0.0, CheckVerdict.REVIEW, "too_few_frames", 30)
        run = scene.run(LivenessKind.LIGHT)
        await scene.live.start(run)
        await scene.live.ready(scene.call, run.check)
        await scene.film(1)
        await scene.live.light_shown(scene.call, run.check)
        await filmed_to_the_end(scene)
        await until("the signs", lambda: scene.models.of(FindLoop))
        await scene.live.close(scene.call)
        assert verdict(scene) == (CheckVerdict.REVIEW, "too_few_frames")
        assert "no_answer" not in [sign.reason for fact in scene.of(SourceJudged) for sign in fact.signals]
