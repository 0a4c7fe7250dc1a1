"""Questions in a call that is watched: what is listened to, what becomes of it, and what is told."""

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from contract.errors import Busy, ModelError
from contract.identity_facts import PromptingNoticed, PromptingSign
from contract.ids import CheckId, new_check_id, new_seat_id
from contract.phases import PromptingWord, VoiceWord
from kyc.answer_jobs import AnswerFinding, HearSound, JudgeAnswer
from kyc.pipes import Gaze, Watch
from kyc.prompting import PromptingLimits
from teller.live.answering import EARLIER_VOICE_S, QUESTION_MAX_S
from tests.teller.live.scripted import Scene, files, pack_of, staged

SLOW = AnswerFinding(9.5, VoiceWord.COMPARED)
SIGN = PromptingSign(PromptingWord.SLOW_ANSWER, 9.5, PromptingLimits().slow_answer_s)


@asynccontextmanager
async def heard(found: AnswerFinding = SLOW, voice_s: float = 0.0) -> AsyncIterator[Scene]:
    """Yield a scene with a camera and a microphone, whose answers are ``found``."""
    async with staged() as scene:
        scene.models.answer, scene.models.voice_s = found, voice_s
        scene.speaks = True
        await scene.watch()
        yield scene


async def asked(scene: Scene, seconds: float = 6.0) -> CheckId:
    """Put a question, let so much time pass, and judge the answer."""
    check = new_check_id()
    scene.live.question_put(scene.call, check)
    await scene.film(seconds, keyframe_every=FPS_KEYS)
    scene.live.question_judged(scene.call, check)
    await scene.settled()
    return check


FPS_KEYS = 25


async def test_what_was_noticed_is_told_once_after_the_verdict() -> None:
    async with heard() as scene:
        began = scene.clock.now()
        check = await asked(scene)
        (told,) = scene.of(PromptingNoticed)
        assert (told.call, told.check, told.seat) == (scene.call, check, scene.seat)
        assert told.signs == (SIGN,) and told.voice is VoiceWord.COMPARED
        assert (told.began_at, told.ended_at) == (began, scene.clock.now())
        assert files(told) == ["face_detection_yunet_2023mar.onnx", "face_landmarker.task"]
        # Once judged it stands no more.
        scene.live.question_judged(scene.call, check)
        await scene.settled()
        assert len(scene.of(PromptingNoticed)) == 1


async def test_without_a_sign_nothing_is_told() -> None:
    async with heard(AnswerFinding(1.0, VoiceWord.COMPARED)) as scene:
        await asked(scene)
        assert scene.models.of(JudgeAnswer) and not scene.of(PromptingNoticed)


async def test_a_verdict_on_another_question_ends_none() -> None:
    async with heard() as scene:
        scene.live.question_put(scene.call, new_check_id())
        scene.live.question_judged(scene.call, new_check_id())
        await scene.settled()
        assert not scene.models.of(JudgeAnswer)


async def test_customer_and_agent_are_told_apart_and_every_packet_is_described_once() -> None:
    async with heard() as scene:
        agent = new_seat_id()
        scene.also = agent
        began = scene.clock.now()
        await asked(scene, 9.0)
        (judged,) = scene.models.of(JudgeAnswer)
        for stretches in (judged.customer, judged.agent):
            assert len(stretches) >= 2 and stretches[0].began_at >= began - 0.1
        jobs = scene.models.of(HearSound)
        assert all(len(job.packets) <= 250 for job in jobs)
        # What was only decoded aside, one second has 25 packets, from the first to the last.
        described = sum(len(job.packets) for job in jobs if job.at >= began - 0.1)
        assert described >= 2 * 9 * 25


async def test_sound_is_asked_for_until_the_voice_is_known_and_then_for_questions_only() -> None:
    async with heard(voice_s=EARLIER_VOICE_S / 2) as scene:
        await scene.film(10)
        assert scene.listened[0] == (scene.call, 30.0)
        count, jobs = len(scene.listened), len(scene.models.of(HearSound))
        assert jobs == 2
        await scene.film(30)
        assert (len(scene.listened), len(scene.models.of(HearSound))) == (count, jobs)
        await asked(scene, 12.0)
        assert len(scene.listened) >= count + 2
        (judged,) = scene.models.of(JudgeAnswer)
        assert len(judged.earlier) == 2


async def test_a_question_that_is_left_standing_is_not_listened_to_for_ever() -> None:
    async with heard() as scene:
        scene.live.question_put(scene.call, new_check_id())
        await scene.pass_s(QUESTION_MAX_S + 1)
        jobs = len(scene.models.of(HearSound))
        await scene.film(6)
        assert len(scene.models.of(HearSound)) == jobs


async def test_what_the_models_have_no_time_for_is_asked_again() -> None:
    async with heard() as scene:
        scene.models.broken = lambda job: Busy("kyc_busy") if isinstance(job, HearSound) else None
        scene.live.question_put(scene.call, check := new_check_id())
        await scene.film(6, keyframe_every=FPS_KEYS)
        refused = len(scene.models.of(HearSound))
        assert refused > 2
        scene.models.broken = lambda _: None
        scene.live.question_judged(scene.call, check)
        await scene.settled()
        assert len(scene.of(PromptingNoticed)[0].signs) == 1


async def test_models_that_fail_and_silence_are_no_sign() -> None:
    for fault in (ModelError("gone"), Busy("kyc_busy")):
        async with heard() as scene:
            scene.models.broken = lambda job, fault=fault: fault if _is_sound(job) else None  # type: ignore[misc]
            await asked(scene)
            assert not scene.of(PromptingNoticed)
    async with heard() as scene:
        scene.speaks = False
        await asked(scene)
        assert not scene.models.of(JudgeAnswer) and not scene.of(PromptingNoticed)


def _is_sound(job: Any) -> bool:
    return isinstance(job, HearSound | JudgeAnswer)


async def test_where_the_customer_looks_is_held_against_before() -> None:
    async with heard(AnswerFinding(1.0, VoiceWord.TOO_LITTLE)) as scene:
        scene.models.gaze = Gaze(5.0, 5.0, 0.3)
        await scene.film(8, keyframe_every=FPS_KEYS)
        scene.models.gaze = Gaze(40.0, 5.0, 0.3)
        await asked(scene, 8.0)
        (told,) = scene.of(PromptingNoticed)
        (sign,) = told.signs
        assert (sign.sign, sign.value) == (PromptingWord.GAZE_OFF, 1.0) and sign.count >= 5
        assert told.voice is VoiceWord.TOO_LITTLE


async def test_looks_are_as_many_as_ever_and_only_some_tell_the_gaze() -> None:
    async with heard() as scene:
        scene.models.gaze = Gaze(5.0, 5.0, 0.3)
        await scene.film(40, keyframe_every=FPS_KEYS)
        looks = scene.models.of(Watch)
        assert 30 <= len(looks) <= 50
        assert sum(look.gaze for look in looks) == 20


async def test_a_second_face_counts_from_the_question_to_its_end() -> None:
    async with heard(AnswerFinding(1.0, VoiceWord.COMPARED)) as scene:
        scene.models.people = 2
        await scene.film(4, keyframe_every=FPS_KEYS)
        scene.live.question_put(scene.call, check := new_check_id())
        await scene.film(3, keyframe_every=FPS_KEYS)
        scene.models.people = 1
        await scene.film(5, keyframe_every=FPS_KEYS)
        scene.live.question_judged(scene.call, check)
        await scene.settled()
        (told,) = scene.of(PromptingNoticed)
        (sign,) = told.signs
        assert sign.sign is PromptingWord.SECOND_FACE and 2.0 <= sign.value <= 4.0
        assert math.isclose(sign.limit, 2.0)


async def test_media_that_cannot_be_asked_and_calls_that_are_over_break_nothing() -> None:
    async with staged() as scene:
        scene.live.question_put(scene.call, new_check_id())
        scene.live.question_judged(scene.call, new_check_id())
        scene.media_broken = True
        await scene.watch()
        scene.speaks = True
        await asked(scene)
        await scene.live.close(scene.call)
        scene.live.question_put(scene.call, new_check_id())
        assert scene.listened


async def test_a_pack_without_a_mesh_tells_no_gaze() -> None:
    async with staged(pack_of(models=False)) as scene:
        await scene.watch()
        await asked(scene, 8.0)
        assert not scene.of(PromptingNoticed)
