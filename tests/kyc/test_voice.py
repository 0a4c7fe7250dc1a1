"""Whether there is a voice, and whether the mouth goes with it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kyc.voice import IN_STEP_R, RATE, Speech, hear, in_step
from tests.kyc.talking import Syllable, digits, mouth_of, said

AT = np.arange(0, 5, 1 / 15)


def spoken(seed: int) -> tuple[tuple[Syllable, ...], Speech, np.random.Generator]:
    rng = np.random.default_rng(seed)
    syllables = digits(rng)
    return syllables, hear(said(syllables, rng)), rng


def test_a_voice_is_heard_where_it_is() -> None:
    syllables, speech, _ = spoken(1)
    wanted = sum(syllable.seconds for syllable in syllables)
    assert speech.seconds == pytest.approx(wanted, abs=0.2)
    assert speech.ends_at == pytest.approx(syllables[-1].begins + syllables[-1].seconds, abs=0.05)


def test_the_clock_is_the_callers() -> None:
    rng = np.random.default_rng(1)
    assert hear(said(digits(rng), rng), 100.0).ends_at > 100


@pytest.mark.parametrize(
    "kind", ["silence", "hiss", "bursts of hiss", "hum", "nothing", "whisper below hearing"]
)
def test_what_is_no_voice(kind: str) -> None:
    rng = np.random.default_rng(2)
    t = np.arange(3 * RATE) / RATE
    bursts = np.sin(2 * np.pi * t) > 0
    sounds = {
        "silence": np.zeros_like(t),
        "hiss": rng.normal(0, 0.1, len(t)),
        "bursts of hiss": rng.normal(0, 0.1, len(t)) * bursts,
        "hum": 0.2 * np.sin(2 * np.pi * 200 * t),
        "nothing": np.empty(0),
        "whisper below hearing": 0.001 * np.sin(2 * np.pi * 200 * t) * bursts,
    }
    speech = hear(np.asarray(sounds[kind] * 32767, np.int16))
    assert speech.seconds < 0.1
    assert in_step(speech, AT, np.zeros_like(AT)).reason == "no_voice"


def test_no_voice_ends_where_it_began() -> None:
    assert hear(np.empty(0, np.int16), 3.0).ends_at == 3.0


@settings(max_examples=12)
@given(st.integers(0, 10_000), st.floats(0.0, 0.2))
def test_a_mouth_that_speaks_is_in_step(seed: int, lead_s: float) -> None:
    syllables, speech, rng = spoken(seed)
    found = in_step(speech, AT, mouth_of(syllables, AT, rng, lead_s))
    # 98.5 % of 200 simulations were above the threshold, all were above 0.64.
    assert found.r > 0.6
    assert -0.3 <= found.lag_s <= 0.1


def test_a_mouth_that_is_still_is_not() -> None:
    _, speech, rng = spoken(5)
    found = in_step(speech, AT, 0.05 + rng.normal(0, 0.005, len(AT)))
    assert (found.r, found.reason) == (0.0, "not_in_step")


def test_a_mouth_that_moves_at_another_time_is_not() -> None:
    syllables, speech, rng = spoken(6)
    late = mouth_of(syllables, AT - 1.0, rng)
    assert in_step(speech, AT, late).reason == "not_in_step"


def test_few_mouths_that_say_something_else_are_in_step() -> None:
    passed = 0
    for seed in range(15):
        _, speech, rng = spoken(seed)
        passed += in_step(speech, AT, mouth_of(digits(rng), AT, rng)).r >= IN_STEP_R
    # 6.5 % of 200 simulations; four of 15 would be four times that.
    assert passed <= 3


def test_one_even_tone_of_voice_says_nothing_of_the_mouth() -> None:
    level = np.full(100, -60.0)
    level[20:80] = -20.0
    speech = Speech(0.0, level, level > -30)
    at = np.arange(0, 2, 0.04)
    found = in_step(speech, at, 0.3 + 0.2 * np.sin(at * 9))
    assert -1 <= found.r <= 1
