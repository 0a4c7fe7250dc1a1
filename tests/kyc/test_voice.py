"""Whether there is a voice, and whether the mouth goes with it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kyc.voice import IN_STEP_R, MOUTH_MOVES_MIN, RATE, REST_S, VOICE_MIN_S, Speech, bursts, hear, in_step
from tests.kyc.talking import Syllable, digits, mouth_of, said

AT = np.arange(0, 5, 1 / 15)
LONG = np.arange(-1, 9, 1 / 15)


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


def test_syllables_are_counted() -> None:
    """One for each digit that stands by itself; none in silence."""
    for seed in range(10):
        assert bursts(spoken(seed)[1]) == 4
    assert bursts(hear(np.zeros(RATE, np.int16))) == 0
    rng = np.random.default_rng(1)
    # Cut off in the middle of a syllable.
    assert bursts(hear(said(digits(rng), rng)[: int(1.05 * RATE)])) <= 1


def loudness(*steps: tuple[int, float]) -> Speech:
    """Return a voice of so many frames at each level."""
    level = np.concatenate([np.full(count, value) for count, value in steps])
    return Speech(0.0, level, level > -45, np.ones(len(level)))


def test_a_dip_of_three_decibels_parts_two_syllables() -> None:
    assert bursts(loudness((10, -60), (20, -20), (20, -25), (20, -20), (10, -60))) == 2
    assert bursts(loudness((10, -60), (20, -20), (20, -21), (20, -20), (10, -60))) == 1
    assert bursts(loudness((10, -60), (20, -20))) == 1


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.floats(0.0, 0.15))
def test_a_mouth_that_speaks_is_in_step(seed: int, lead_s: float) -> None:
    """All of 200 simulations were above the threshold; one in some hundreds is a little below."""
    syllables, speech, rng = spoken(seed)
    found = in_step(speech, LONG, mouth_of(syllables, LONG, rng, lead_s))
    assert (found.reason == "", found.bursts) == (found.r >= IN_STEP_R, 4)
    assert IN_STEP_R - 0.1 <= found.r <= 1 and -0.3 <= found.lag_s <= 0.1
    assert found.voice_s == speech.seconds and found.moved > MOUTH_MOVES_MIN


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.floats(-100.0, 100.0))
def test_the_clock_does_not_matter(seed: int, shift: float) -> None:
    """Nor does how loud it is, nor how far this mouth opens."""
    rng = np.random.default_rng(seed)
    syllables = digits(rng)
    sound, mouth = said(syllables, rng), mouth_of(syllables, LONG, rng)
    found = in_step(hear(sound), LONG, mouth)
    quiet = in_step(hear((sound // 2).astype(np.int16), shift), LONG + shift, 0.1 + 0.8 * mouth)
    assert quiet.r == pytest.approx(found.r, abs=0.05)


def test_who_still_speaks_is_heard_to_the_end() -> None:
    syllables, speech, rng = spoken(5)
    mouth = mouth_of(syllables, LONG, rng)
    ends = speech.ends_at
    before = ends + REST_S - 0.1 > LONG
    assert in_step(speech, LONG[before], mouth[before]).reason == "not_in_step"
    after = ends + REST_S + 0.1 > LONG
    assert in_step(speech, LONG[after], mouth[after]).reason == ""


def test_what_was_said_long_before_is_forgotten() -> None:
    """A prompt that the loudspeaker says, and the mouth does not, is behind one at the next reading."""
    rng = np.random.default_rng(8)
    prompt = digits(rng, begins=0.0)
    syllables = digits(rng, begins=16.0)
    speech = hear(said((*prompt, *syllables), rng, seconds=22.0))
    at = np.arange(0, 22, 1 / 15)
    found = in_step(speech, at, mouth_of(syllables, at, rng))
    assert (found.reason, found.bursts) == ("", 4)


@pytest.mark.parametrize("noise", [0.0, 0.005, 0.015])
def test_a_mouth_that_is_still_says_nothing(noise: float) -> None:
    _, speech, rng = spoken(5)
    found = in_step(speech, LONG, 0.05 + rng.normal(0, noise, len(LONG)))
    assert (found.r, found.reason) == (0.0, "mouth_still")


def test_one_word_is_not_four_digits() -> None:
    rng = np.random.default_rng(4)
    word = (Syllable(1.0, 0.9, 0.3, 2),)
    speech = hear(said(word, rng))
    assert speech.seconds > VOICE_MIN_S
    assert in_step(speech, LONG, mouth_of(word, LONG, rng)).reason == "no_voice"


@pytest.mark.parametrize("shift_s", [-1.2, 1.2])
def test_a_mouth_that_moves_at_another_time_is_not_in_step(shift_s: float) -> None:
    """Sound and picture of another moment; of those that speak evenly some fit again a digit later."""
    passed = 0
    for seed in range(20):
        syllables, speech, rng = spoken(seed)
        found = in_step(speech, LONG, mouth_of(syllables, LONG - shift_s, rng))
        passed += not found.reason
        assert found.reason in {"", "not_in_step"}
    assert passed <= 8


def test_few_films_of_somebody_who_talks_are_in_step() -> None:
    """Who talks on and on, while another reads digits with pauses: 1 of 200 simulations passed."""
    passed = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        read = tuple(Syllable(1.0 + n + float(rng.uniform(0, 0.5)), 0.3, 0.3, n) for n in range(4))
        talk = tuple(Syllable(0.28 * n + float(rng.uniform(0, 0.1)), 0.22, 0.25, n % 5) for n in range(25))
        speech = hear(said(read, rng, seconds=7.0))
        passed += not in_step(speech, LONG, mouth_of(talk, LONG, rng)).reason
    assert passed <= 2


def test_one_even_tone_of_voice_says_nothing_of_the_mouth() -> None:
    """Where neither changes there is nothing to compare."""
    speech = loudness((1, -60), (20, -20), (5, -25), (20, -20), (5, -25), (20, -20), (1, -60))
    at = np.arange(-2, 5, 0.04)
    found = in_step(speech, at, 0.3 + 0.2 * np.sin(at * 9))
    assert -1 <= found.r <= 1 and found.reason == "not_in_step"
    steady = in_step(speech, np.array([-9.0, 9.0]), np.array([0.0, 9.0]))
    assert -1 <= steady.r <= 1
