"""A voice-like sound with a beep at every full second, or beat, and the search for those beeps.

The beep starts with the flash of :mod:`teller.demo.pictures`, so the distance between the two after a
call is the error between sound and picture.
"""

from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]
"""Mono samples, -32768 to 32767."""

BEEP_S = 0.08
CHUNK_S = 0.02
# -9 dBFS; the voice stays 17 dB below, so that a beep stands out in the mix of both parties.
_BEEP_PEAK = 0.35
_VOICE_PEAK = 0.05


class Speaker(Enum):
    """Who speaks: pitch of the voice and of the beep, in Hz.

    The voice leaves out harmonics within 40 Hz of its beep, so it is never taken for one.
    """

    CUSTOMER = (210, 1600)
    AGENT = (115, 1000)
    COLLEAGUE = (185, 2200)

    @property
    def pitch_hz(self) -> int:
        """Return the voice's fundamental."""
        return self.value[0]

    @property
    def beep_hz(self) -> int:
        """Return the beep's frequency."""
        return self.value[1]


class Voice:
    """An endless voice; sound depends on the sample's position only. ``rate`` in Hz.

    A beep begins every ``beat_s`` seconds.
    """

    def __init__(
        self, speaker: Speaker = Speaker.CUSTOMER, rate: int = 48_000, *, beat_s: float = 1.0
    ) -> None:
        self.speaker = speaker
        self.rate = rate
        self._beat_s = beat_s

    def chunk(self, n: int) -> Samples:
        """Return the ``n``-th 20 ms, int16 of (rate / 50, rounded): 960 samples at 48 kHz."""
        length = round(self.rate * CHUNK_S)
        seconds = (np.arange(length) + n * length) / self.rate
        sound = _VOICE_PEAK * self._speech(seconds) + _BEEP_PEAK * self._beep(seconds)
        return np.asarray(np.round(32767 * np.clip(sound, -1, 1)), np.int16)

    def _speech(self, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        pitch = self.speaker.pitch_hz
        # First formants of an open vowel near 700 and 1100 Hz: harmonics there are the loudest.
        orders = [k for k in range(1, 12) if abs(k * pitch - self.speaker.beep_hz) > 40]
        weights = [np.exp(-(((k * pitch - 700) / 450) ** 2)) + 0.15 for k in orders]
        tone = sum(w * np.sin(2 * np.pi * k * pitch * seconds) for k, w in zip(orders, weights, strict=True))
        syllables = 0.55 + 0.45 * np.sin(2 * np.pi * 3.1 * seconds)
        phrases = 0.6 + 0.4 * np.sin(2 * np.pi * 0.37 * seconds)
        return np.asarray(tone * syllables * phrases / sum(weights), np.float64)

    def _beep(self, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        inside = seconds % self._beat_s
        # 2 ms ramps keep the beep from clicking, and are far below what is measured.
        ramp = np.clip(np.minimum(inside, BEEP_S - inside) / 0.002, 0, 1)
        return np.asarray(ramp * np.sin(2 * np.pi * self.speaker.beep_hz * seconds), np.float64)


def find_beeps(samples: NDArray[Any], rate: int, hz: float) -> list[float]:
    """Return when each beep of ``hz`` begins, in seconds from the first sample.

    ``samples`` is mono, int16 or float in -1 to 1, and may hold voices and beeps of other
    frequencies. Precise to about 2 ms at 48 kHz. A beep cut off at the start is left out.
    """
    loudness = _loudness_at(samples, rate, hz)
    if not len(loudness) or float(loudness.max()) < 0.25 * _BEEP_PEAK:
        return []
    loud = loudness > max(0.4 * float(np.percentile(loudness, 99)), 0.1 * _BEEP_PEAK)
    edges = np.flatnonzero(np.diff(loud.astype(np.int8)))
    ends = [*edges[int(loud[0]) :], len(loud) - 1]
    spans = zip(ends[0::2], ends[1::2], strict=False)
    return [float((start + 1) / rate) for start, end in spans if (end - start) / rate > BEEP_S / 2]


def _loudness_at(samples: NDArray[Any], rate: int, hz: float) -> NDArray[np.float64]:
    scale = 32768.0 if samples.dtype == np.int16 else 1.0
    wave = samples.astype(np.float64) / scale
    mixed = wave * np.exp(-2j * np.pi * hz * np.arange(len(wave)) / rate)
    # A centred mean over 20 ms passes 50 Hz to either side and puts the half height at the edge itself.
    window = int(rate * 0.02)
    if len(mixed) <= window:
        return np.zeros(0)
    total = np.concatenate([[0], np.cumsum(mixed)])
    inner = 2 * np.abs(total[window:] - total[:-window]) / window
    return np.concatenate([np.full(window // 2, inner[0]), inner])
