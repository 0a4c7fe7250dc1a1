"""Voices that nobody has, who say something else each time: for whose voice it is, not for what is said."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kyc.voice import RATE

# First three formants of eight vowels, Hz (Peterson and Barney 1952, men).
_VOWELS = (
    (270, 2290, 3010), (390, 1990, 2550), (530, 1840, 2480), (660, 1720, 2410),
    (730, 1090, 2440), (570, 840, 2410), (440, 1020, 2240), (300, 870, 2240),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Speaker:
    """A voice of about ``pitch`` Hz whose formants are ``shorter`` times those of a man."""

    pitch: float
    shorter: float


def speech(who: Speaker, seconds: float, seed: int) -> NDArray[np.int16]:
    """Return syllables of 0.2 s without end, in a room of -60 dBFS."""
    rng = np.random.default_rng(seed)
    sound = rng.normal(0, 0.001, int(seconds * RATE))
    part = np.arange(RATE // 5) / RATE
    for begin in range(0, len(sound) - len(part) + 1, RATE // 4):
        pitch = who.pitch * float(rng.uniform(0.9, 1.1)) * (1 + 0.05 * part)
        peaks = np.array(_VOWELS[int(rng.integers(len(_VOWELS)))]) * who.shorter
        loud = 0.15 * np.sin(np.pi * part / 0.2) ** 0.3
        sound[begin : begin + len(part)] += loud * _voice(pitch, peaks)
    return np.asarray(np.clip(sound, -1, 1) * 32767, np.int16)


def _voice(pitch: NDArray[np.float64], peaks: NDArray[np.float64]) -> NDArray[np.float64]:
    total, turned = np.zeros_like(pitch), 2 * np.pi * np.cumsum(pitch) / RATE
    for n in range(1, int(4000 / pitch.mean())):
        gains = np.exp(-(((n * pitch.mean() - peaks) / 120) ** 2)) * (1.0, 0.5, 0.25)
        total += (float(gains.sum()) + 0.02) * np.sin(n * turned)
    return np.asarray(total / np.abs(total).max(), np.float64)
