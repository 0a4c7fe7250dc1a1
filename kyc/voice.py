"""A voice in the sound, and whether a mouth moves with it. Pure.

This tells that somebody spoke and that the mouth in the picture moved in time with it. It does not know
what was said: there is no speech recognition here. Whether the digits were right is for the agent to hear.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.int16]
"""Mono samples at 48 kHz."""
Numbers = NDArray[np.float64]

RATE = 48_000
# 20 ms is one Opus frame and two to five periods of a voice.
HOP_S = 0.02
_HOP = int(RATE * HOP_S)
# Telephone band: where voices have their energy and rumble and hiss have not.
_BAND_HZ = (150.0, 4000.0)
# A voice stands at least 10 dB above the quietest tenth of the stretch. -50 dBFS is far below what the
# gain control of a browser makes of speech (about -20).
_ABOVE_FLOOR_DB, _LEVEL_MIN_DB = 10.0, -50.0
# Flatness is 1 for an even spectrum. White noise in frames of 20 ms measures 0.5 to 0.6, vowels below 0.15.
_FLATNESS_MAX = 0.3
# Four digits of one syllable each take 0.2 s a piece when spoken fast.
VOICE_MIN_S = 0.6
# How far sound and picture may be apart: skew of the network plus lips that open before the sound.
LAG_MAX_S = 0.3
# Smoothing as long as half a syllable.
_SMOOTH = 7
# Lips that are pressed together all through vary by 0.02.
_MOUTH_MOVES_MIN = 0.05
# In 200 simulations 98.5 % of mouths that spoke passed and 6.5 % that said other digits at the same time.
IN_STEP_R = 0.7


@dataclass(frozen=True, slots=True, eq=False)
class Speech:
    """Sound in frames of ``HOP_S`` from ``began_at`` on: ``level`` in dBFS, and whether it is a voice."""

    began_at: float
    level: Numbers
    voiced: NDArray[np.bool_]

    @property
    def seconds(self) -> float:
        """Return for how long there was a voice."""
        return float(self.voiced.sum()) * HOP_S

    @property
    def ends_at(self) -> float:
        """Return when the voice was last heard, or ``began_at``."""
        heard = np.flatnonzero(self.voiced)
        return self.began_at + (float(heard[-1]) + 1) * HOP_S if len(heard) else self.began_at


@dataclass(frozen=True, slots=True)
class InStep:
    """How well a mouth follows a voice: correlation ``r`` at ``lag_s`` (above 0: the mouth is late).

    ``reason`` is empty, or ``no_voice``, or ``not_in_step``.
    """

    r: float
    lag_s: float
    reason: str


def hear(sound: Sound, began_at: float = 0.0) -> Speech:
    """Return where in ``sound`` there is a voice: loud enough, and with the peaks of a voice's spectrum."""
    frames = sound[: len(sound) // _HOP * _HOP].reshape(-1, _HOP).astype(np.float64) / 32768
    if not len(frames):
        return Speech(began_at, np.empty(0), np.empty(0, np.bool_))
    level = 10 * np.log10((frames**2).mean(axis=1) + 1e-10)
    threshold = max(_LEVEL_MIN_DB, float(np.percentile(level, 10)) + _ABOVE_FLOOR_DB)
    return Speech(began_at, level, (level > threshold) & (_flatness(frames) < _FLATNESS_MAX))


def _flatness(frames: Numbers) -> Numbers:
    power = np.abs(np.fft.rfft(frames * np.hanning(_HOP))) ** 2 + 1e-12
    pitch = np.fft.rfftfreq(_HOP, 1 / RATE)
    band = power[:, (pitch >= _BAND_HZ[0]) & (pitch <= _BAND_HZ[1])]
    flatness: Numbers = np.exp(np.log(band).mean(axis=1)) / band.mean(axis=1)
    return flatness


def in_step(speech: Speech, at: Numbers, mouth: Numbers) -> InStep:
    """Correlate the loudness of ``speech`` with ``mouth`` (openness at the times ``at``, rising)."""
    if speech.seconds < VOICE_MIN_S:
        return InStep(0.0, 0.0, "no_voice")
    heard = np.flatnonzero(speech.voiced)
    first, last = int(heard[0]), int(heard[-1]) + 1
    # Between the words there is no voice, whatever the room says.
    loud = np.where(speech.voiced, speech.level - speech.level[speech.voiced].min() + _ABOVE_FLOOR_DB, 0.0)
    envelope = _smooth(loud)[first:last]
    best = max(
        (_lagged(speech, at, mouth, envelope, first, lag) for lag in _LAGS), key=lambda found: found[0]
    )
    return InStep(*best, "" if best[0] >= IN_STEP_R else "not_in_step")


_LAGS = range(-round(LAG_MAX_S / HOP_S), round(LAG_MAX_S / HOP_S) + 1)


def _lagged(
    speech: Speech, at: Numbers, mouth: Numbers, envelope: Numbers, first: int, lag: int
) -> tuple[float, float]:
    times = speech.began_at + (first + lag + np.arange(len(envelope)) + 0.5) * HOP_S
    opened = _smooth(np.interp(times, at, mouth))
    if np.ptp(opened) < _MOUTH_MOVES_MIN or np.ptp(envelope) == 0:
        return 0.0, lag * HOP_S
    return float(np.corrcoef(envelope, opened)[0, 1]), lag * HOP_S


def _smooth(values: Numbers) -> Numbers:
    edge = _SMOOTH // 2
    return np.convolve(np.pad(values, edge, mode="edge"), np.ones(_SMOOTH) / _SMOOTH, mode="valid")
