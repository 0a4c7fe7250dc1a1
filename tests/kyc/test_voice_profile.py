"""Pitch and envelope of voices that nobody has: what they are, and how far two of them are apart."""

import numpy as np
import pytest
from numpy.typing import NDArray

from kyc.voice import RATE
from kyc.voice_profile import FEATURES, PROFILE_MIN, distance, features
from tests.kyc.speakers import Speaker, speech


def tone(hertz: float, seconds: float = 1.0) -> NDArray[np.int16]:
    t = np.arange(int(seconds * RATE)) / RATE
    harmonics = sum(np.sin(2 * np.pi * hertz * n * t) / n for n in range(1, 12))
    return np.asarray(4_000 * harmonics, np.int16)


@pytest.mark.parametrize("hertz", [80, 110, 160, 220, 330])
def test_the_pitch_is_the_one_that_was_made(hertz: int) -> None:
    pitch = 2 ** features(tone(hertz))[3:-3, 0]
    assert pitch == pytest.approx(hertz, rel=0.03)


def test_noise_and_silence_have_no_pitch() -> None:
    noise = np.random.default_rng(1).normal(0, 3_000, RATE).astype(np.int16)
    assert (features(noise)[:, 0] > 0).mean() < 0.05
    assert not features(np.zeros(RATE, np.int16))[:, 0].any()


def test_there_is_a_row_for_each_whole_frame_and_the_gain_does_not_matter() -> None:
    assert features(np.zeros(959, np.int16)).shape == (0, FEATURES)
    loud = speech(Speaker(120.0, 1.0), 2.0, seed=3)
    found, softer = features(loud), features((loud // 4).astype(np.int16))
    assert found.shape == (100, FEATURES)
    voiced = (found[:, 0] > 0) & (softer[:, 0] > 0)
    assert np.abs(found - softer)[voiced].mean() < 0.1 * found[voiced].std()


def test_a_voice_is_nearer_to_itself_than_to_another() -> None:
    """Other words of the same voice, and the same words of others."""
    low, high = Speaker(105.0, 1.0), Speaker(190.0, 1.2)
    profile = {who: _voiced(speech(who, 14.0, seed=1)) for who in (low, high)}
    assert min(map(len, profile.values())) >= PROFILE_MIN
    for who, other in ((low, high), (high, low)):
        own = distance(profile[who], _voiced(speech(who, 3.0, seed=2)))
        assert distance(profile[who], _voiced(speech(other, 3.0, seed=2))) > 1.5 * own
        assert distance(profile[who], profile[who]) < own


def _voiced(sound: NDArray[np.int16]) -> NDArray[np.float64]:
    found = features(sound)
    return found[found[:, 0] > 0]
