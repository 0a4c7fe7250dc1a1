"""Speech that nobody spoke: vowels with a pitch and formants in bursts, and a mouth that goes with them.

A stand-in for four digits read aloud, for tests and for what docs/identity.md says of sound and mouth.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kyc.voice import RATE

Numbers = NDArray[np.float64]
Sound = NDArray[np.int16]

# First two formants of five vowels, Hz (Peterson and Barney 1952, men).
_VOWELS = ((270, 2290), (390, 1990), (730, 1090), (570, 840), (300, 870))


@dataclass(frozen=True, slots=True)
class Syllable:
    """One digit: when it begins, how long it is, how far the mouth opens (0 to 1), which vowel."""

    begins: float
    seconds: float
    opening: float
    vowel: int


def digits(rng: np.random.Generator, begins: float = 0.8) -> tuple[Syllable, ...]:
    """Return four digits of 0.18 to 0.4 s with 0.08 to 0.5 s between them."""
    made, at = [], begins + float(rng.uniform(0, 0.5))
    for _ in range(4):
        length = float(rng.uniform(0.18, 0.4))
        made.append(Syllable(at, length, float(rng.uniform(0.1, 0.4)), int(rng.integers(5))))
        at += length + float(rng.uniform(0.08, 0.5))
    return tuple(made)


def said(syllables: tuple[Syllable, ...], rng: np.random.Generator, seconds: float = 5.0) -> Sound:
    """Return the sound of ``syllables`` at about -20 dBFS over a room of -60 dBFS."""
    t = np.arange(int(seconds * RATE)) / RATE
    sound = rng.normal(0, 0.001, len(t))
    pitch = float(rng.uniform(90, 220))
    for syllable in syllables:
        inside = (t >= syllable.begins) & (t < syllable.begins + syllable.seconds)
        part = t[inside]
        loud = np.sin(np.pi * (part - syllable.begins) / syllable.seconds) ** 0.5
        sound[inside] += 0.15 * loud * _vowel(part, pitch, *_VOWELS[syllable.vowel])
    return np.asarray(np.clip(sound, -1, 1) * 32767, np.int16)


def _vowel(t: Numbers, pitch: float, first: float, second: float) -> Numbers:
    total = np.zeros_like(t)
    for n in range(1, int(4000 / pitch)):
        tone = n * pitch
        gain = np.exp(-(((tone - first) / 150) ** 2)) + 0.5 * np.exp(-(((tone - second) / 250) ** 2)) + 0.02
        total += gain * np.sin(2 * np.pi * tone * t)
    return np.asarray(total / max(1e-9, np.abs(total).max() if len(t) else 1.0), np.float64)


def mouth_of(
    syllables: tuple[Syllable, ...], at: Numbers, rng: np.random.Generator, lead_s: float = 0.08
) -> Numbers:
    """Return how open the mouth is at the times ``at``: it opens ``lead_s`` before the sound."""
    opened = np.full(len(at), 0.05)
    for syllable in syllables:
        share = (at + lead_s - syllable.begins) / syllable.seconds
        inside = (share > -0.3) & (share < 1.3)
        opened[inside] += syllable.opening * np.cos((share[inside] - 0.5) / 1.6 * np.pi) ** 2
    return np.asarray(opened + rng.normal(0, 0.01, len(at)), np.float64)
