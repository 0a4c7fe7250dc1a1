"""Whether a voice is the one that was heard before: pitch and spectral envelope of voiced frames. Pure.

No model is behind it: it tells a voice that sounds clearly different from the one before, and nothing about
who either is. See docs/identity.md for how often it is right, on synthetic voices.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from kyc.voice import RATE, Numbers

COEFFICIENTS = 12
# Pitch, and the envelope.
FEATURES = 1 + COEFFICIENTS

_HOP = 960
# Three periods of the deepest voice.
_WINDOW = 1_920
_SPECTRUM, _BINS = 4_096, 684
# What a sound of those bins only is sampled at.
_LOW_RATE = RATE * 2 * (_BINS - 1) / _SPECTRUM
# Telephone band: what Opus keeps at every rate that a call falls to.
_BAND_HZ = (120.0, 4_000.0)
_FILTERS = 26
_PITCH_HZ = (70.0, 400.0)
# Eight seconds of voiced sounds have nearly all of a language.
PROFILE_MIN = 400
# Of three one may be an accident.
_NEAREST = 3
# A vowel repeats itself from period to period; hiss and most noises do not.
_PERIODIC = 0.5


def features(sound: NDArray[np.int16]) -> Numbers:
    """Return (n, FEATURES) for each whole 20 ms: log2 of the pitch in Hz, 0 without one; then the cepstrum.

    The cepstrum is that of a mel spectrum without its mean, so it does not change with the gain.
    """
    count = len(sound) // _HOP
    if not count:
        return np.zeros((0, FEATURES))
    aside = (_WINDOW - _HOP) // 2
    padded = np.pad(sound[: count * _HOP].astype(np.float64) / 32768, aside)
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
    power = _power(windows * np.hanning(_WINDOW))
    mel = np.log(power @ _filters() + 1e-9)
    return np.column_stack([_pitch(power), mel @ _cosines()])


def distance(profile: Numbers, stretch: Numbers) -> float:
    """Return how far the frames of ``stretch`` are from the most similar ones of ``profile``.

    Both are (n, FEATURES) of voiced frames with a pitch, PROFILE_MIN and one at least. Each feature counts
    in its spread over the profile; of the three nearest frames the mean of squares, its root over the frames
    the mean (vector quantisation, Soong et al. 1985, without a codebook). So it matters little what is said,
    as long as the profile has its sounds.
    """
    spread = profile.std(axis=0) + 1e-9
    ours, theirs = profile / spread, stretch / spread
    squares = (theirs**2).sum(axis=1)[:, None] + (ours**2).sum(axis=1) - 2 * theirs @ ours.T
    nearest = np.partition(squares, _NEAREST - 1, axis=1)[:, :_NEAREST].mean(axis=1)
    return float(np.sqrt(np.maximum(nearest, 0.0)).mean())


def _power(windows: Numbers) -> Numbers:
    """Return the power up to 8 kHz, which spares two thirds of the work behind it."""
    spectrum = np.fft.rfft(windows, _SPECTRUM)[..., :_BINS]
    return spectrum.real**2 + spectrum.imag**2


@cache
def _filters() -> Numbers:
    """Return triangles that are even on the mel scale (O'Shaughnessy 1987), (bins, filters)."""
    low, high = (2595 * np.log10(1 + hertz / 700) for hertz in _BAND_HZ)
    edges = 700 * (10 ** (np.linspace(low, high, _FILTERS + 2) / 2595) - 1)
    bins = np.fft.rfftfreq(_SPECTRUM, 1 / RATE)[:_BINS, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return np.clip(np.minimum(rising, falling), 0.0, None)


@cache
def _cosines() -> Numbers:
    """Return the discrete cosine transform (type 2) without its first, (filters, coefficients)."""
    at = (np.arange(_FILTERS)[:, None] + 0.5) * np.arange(1, COEFFICIENTS + 1) * np.pi / _FILTERS
    return np.asarray(np.cos(at) * np.sqrt(2 / _FILTERS), np.float64)


def _pitch(power: Numbers) -> Numbers:
    """Return log2 of the pitch of each frame, 0 where it has none (autocorrelation, Boersma 1993)."""
    shortest, longest = (round(_LOW_RATE / hertz) for hertz in reversed(_PITCH_HZ))
    echo = np.fft.irfft(power)[:, : longest + 1]
    echo = echo / np.maximum(echo[:, :1], 1e-12) / _window_echo()[: longest + 1]
    # Of two periods the shorter one, unless the longer fits clearly better.
    fits = echo[:, shortest:] * np.linspace(1.0, 0.9, longest + 1 - shortest)
    best = fits.argmax(axis=1)
    periodic = np.take_along_axis(fits, best[:, None], axis=1)[:, 0] > _PERIODIC
    return np.where(periodic, np.log2(_LOW_RATE / (best + shortest)), 0.0)


@cache
def _window_echo() -> Numbers:
    echo = np.fft.irfft(_power(np.hanning(_WINDOW)))
    return np.asarray(echo / echo[0], np.float64)
