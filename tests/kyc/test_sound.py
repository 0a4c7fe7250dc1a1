"""Opus packets to samples, and the job that judges a step."""

from fractions import Fraction

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from contract.ports import EncodedFrame
from kyc.models import Models
from kyc.packs import find_pack
from kyc.sound import SECONDS_MAX, answer_judge_step, decode_sound
from kyc.traces import Gesture, JudgeStep
from kyc.voice import RATE, hear
from tests.kyc.puppet import Move
from tests.kyc.talking import digits, said
from tests.kyc.test_gestures import speaking, traces

BASE = 77_777


def packets(sound: NDArray[np.int16]) -> tuple[EncodedFrame, ...]:
    """Return ``sound`` as a browser sends it: 20 ms a packet, 32 kbit/s."""
    context = av.CodecContext.create("libopus", "w")
    assert isinstance(context, av.AudioCodecContext)
    context.sample_rate, context.layout, context.format = RATE, "mono", "s16"
    context.bit_rate = 32_000
    context.time_base = Fraction(1, RATE)
    made = []
    for n, begin in enumerate(range(0, len(sound) - 959, 960)):
        frame = av.AudioFrame.from_ndarray(sound[None, begin : begin + 960], format="s16", layout="mono")
        frame.sample_rate, frame.pts = RATE, n * 960
        made += context.encode(frame)
    return tuple(EncodedFrame(bytes(p), BASE + n * 960, True, n * 0.02) for n, p in enumerate(made))


def test_a_voice_is_the_same_after_opus() -> None:
    rng = np.random.default_rng(1)
    sound = said(digits(rng), rng)
    before, after = hear(sound), hear(decode_sound(packets(sound)))
    assert after.seconds == pytest.approx(before.seconds, abs=0.15)
    assert after.ends_at == pytest.approx(before.ends_at, abs=0.06)


def test_what_is_lost_or_broken_is_silent() -> None:
    rng = np.random.default_rng(1)
    sound = said(digits(rng), rng)
    sent = packets(sound)
    cut = [packet for n, packet in enumerate(sent) if not 50 <= n < 100]
    decoded = decode_sound(cut)
    assert len(decoded) == len(decode_sound(sent))
    assert not decoded[51 * 960 : 99 * 960].any()
    broken = EncodedFrame(b"", BASE + 960, True, 0.0)
    assert len(decode_sound([sent[0], broken])) == len(decode_sound(sent[:1]))
    assert len(decode_sound([])) == 0


def test_what_claims_to_be_from_another_hour_is_left_out() -> None:
    sent = packets(np.zeros(9_600, np.int16))
    late = EncodedFrame(sent[1].data, BASE + (SECONDS_MAX + 1) * RATE, True, 0.0)
    early = EncodedFrame(sent[1].data, BASE - 960, True, 0.0)
    assert len(decode_sound([sent[0], late, early])) == len(decode_sound(sent[:1]))


def test_the_job_judges_with_and_without_sound() -> None:
    models = Models(find_pack(None))
    still = tuple(traces([Move()] * 75, 15))
    assert answer_judge_step(models, JudgeStep(Gesture.SAY_DIGITS, still)).reason == "no_sound"
    rng = np.random.default_rng(3)
    sound = packets(said(digits(rng), rng))
    talking, _ = speaking(3)
    finding = answer_judge_step(models, JudgeStep(Gesture.SAY_DIGITS, tuple(talking), sound, 0.0))
    assert finding.seen
    assert answer_judge_step(models, JudgeStep(Gesture.SAY_DIGITS, still, sound)).reason == "mouth_still"
