"""The light challenge judged: colours that the server drew, found again on the face. Pure code.

The customer's screen shows one full colour after another; what comes back from a face at arm's length is a
few per cent of the light that is there anyway. Looked for is its chroma on the face, less that of what is
behind it, which takes the camera's own white balance out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contract.phases import CheckVerdict
from kyc.light_sequence import COLOURS, COUNT_MIN, LAG_MAX_S, LightFinding, LightSample, LightSequence

_LAG_STEP_S = 0.02
R_PASSED = 0.6
GAIN_PASSED = 0.02
# The light that the background sent back, in proportion to the face's. A wall a metre behind the screen
# has a quarter at most; a sheet of glass before everything has the whole.
FLAT_SHARE = 0.5
# Under this the light that face and background share is noise.
_R_FLAT = 0.5
# White balance and swaying change over this long and more; both are taken out of trace and template.
_SLOW_S = 3.0
# What is looked at before and behind the challenge.
_AROUND_S = 1.0
# Less than this many samples a second cannot tell one step from the next.
_SAMPLES_PER_S_MIN = 7.0
# The rest may fall into a gap of the line.
_SEEN_MIN = 0.85
# A step takes as long as a camera's exposure and one frame; the rest of it should be level.
_RISE_S = 0.15
# The median way from one of six colours to another on the circle of hues, of radius sqrt(2/3).
_USUAL_CHANGE = 2**0.5
# Steps that the sequence leaves unexplained, in shares of the gain: skin that answers half as much to blue as
# to red leaves 0.3, another sequence that correlates by 0.78 leaves this much, and one by 0.6 1.3.
_REST_MAX = 0.8
# How much more a trace changes inside shifted steps than inside the true ones, so that it has steps.
_STEPPED = 5.0

# Orthonormal axes across (1, 1, 1): what changes when a colour changes and not its brightness.
_CHROMA = np.array(((2.0, -1.0, -1.0), (0.0, 3.0**0.5, -(3.0**0.5)))) / 6.0**0.5

Array = NDArray[np.float64]


def correlate(sequence: LightSequence, samples: Sequence[LightSample], started_at: float) -> LightFinding:
    """Judge ``samples`` of the frames around the challenge against ``sequence``.

    ``started_at``: seconds UTC when the server heard that the first colour is shown. Any samples, in any
    order, give a finding.
    """
    when, face, background = _traces(samples, started_at, sequence.seconds)
    alone = _without_background(when, face, background)
    best = _best_fit(sequence, when, alone)
    if best is None:
        return LightFinding(0.0, 0.0, 0.0, 0.0, CheckVerdict.REVIEW, "too_few_frames", len(when))
    share = _background_share(sequence, when, face, background)
    rest = _without_light(sequence, best, when, alone)
    stepped = _is_stepped(sequence, when, rest, max(GAIN_PASSED, _REST_MAX * best.gain))
    verdict, reason = _judge(best, share, stepped=stepped)
    numbers = round(best.r, 4), round(best.gain, 5), round(best.lag_s, 3), round(share, 3)
    return LightFinding(*numbers, verdict, reason, len(when))


def _judge(best: "_Fit", share: float, *, stepped: bool) -> tuple[CheckVerdict, str]:
    if share >= FLAT_SHARE:
        return CheckVerdict.REVIEW, "flat_reflection"
    if stepped:
        return CheckVerdict.FAILED, "wrong_sequence"
    if best.r < R_PASSED or best.gain < GAIN_PASSED:
        return CheckVerdict.REVIEW, "inconclusive"
    return CheckVerdict.PASSED, ""


def _traces(samples: Sequence[LightSample], started_at: float, seconds: float) -> tuple[Array, Array, Array]:
    """Return seconds since the start (n,), log colour (n, 3) of face and background, near the challenge."""
    fit = [s for s in samples if np.isfinite((s.at, s.arrived_at, *s.face, *s.background)).all()]
    fit = [sample for sample in fit if min(*sample.face, *sample.background) > 0]
    if not fit:
        return np.empty(0), np.empty((0, 3)), np.empty((0, 3))
    at = np.array([sample.at for sample in fit])
    arrived = np.array([sample.arrived_at for sample in fit])
    # A frame's RTP time is when it was taken; what varies on arrival is the network. The quickest tenth
    # says how the two clocks stand, and one frame that is quicker than possible does not.
    when = at + np.percentile(arrived - at, 10) - started_at
    order = np.argsort(when, kind="stable")
    order = order[(when[order] > -_AROUND_S) & (when[order] < seconds + LAG_MAX_S + _AROUND_S)]
    face = np.log(np.array([sample.face for sample in fit], float))
    background = np.log(np.array([sample.background for sample in fit], float))
    return when[order], face[order], background[order]


def _without_background(when: Array, face: Array, background: Array) -> Array:
    """Return the face's trace less as much of the background's as explains it, at most the whole.

    What white balance does is in both alike; somebody who walks by behind is in the background only.
    """
    behind = _quick_changes(when, background)
    energy = float((behind**2).sum())
    share = float((behind * (face @ _CHROMA.T)).sum()) / energy if energy > 0 else 0.0
    return face - min(max(share, 0.0), 1.0) * background


def _quick_changes(when: Array, logs: Array) -> Array:
    """Return the chroma (n, 2) of a whole trace without what changes slowly."""
    slow = _slow_changes(when + _AROUND_S, max(float(np.ptp(when)) if len(when) else 0.0, _SLOW_S))
    return _without(slow, logs @ _CHROMA.T)


def _without_light(sequence: LightSequence, fit: "_Fit", when: Array, logs: Array) -> Array:
    """Return the trace less what the sequence explains of it."""
    slots = ((when - fit.lag_s) // sequence.step_s).astype(int)
    lit = (slots >= 0) & (slots < len(sequence.symbols))
    shown = np.array([COLOURS[symbol] for symbol in sequence.symbols])[
        slots.clip(0, len(sequence.symbols) - 1)
    ]
    return np.asarray(logs - max(fit.gain, 0.0) * shown * lit[:, None])


@dataclass(frozen=True, slots=True, order=True)
class _Fit:
    """Correlation and slope of a chroma trace at one lag."""

    r: float
    gain: float
    lag_s: float


def _best_fit(sequence: LightSequence, when: Array, logs: Array) -> _Fit | None:
    lags = np.arange(0.0, LAG_MAX_S + _LAG_STEP_S / 2, _LAG_STEP_S)
    fits = (_fit(sequence, float(lag), when, logs) for lag in lags)
    return max((fit for fit in fits if fit is not None), default=None)


def _fit(sequence: LightSequence, lag: float, when: Array, logs: Array) -> _Fit | None:
    """Return the fit of the chroma of ``logs`` (n, 3); None where too little of the sequence was seen."""
    inside = (when >= lag) & (when < lag + sequence.seconds)
    slots = ((when[inside] - lag) / sequence.step_s).astype(int).clip(0, len(sequence.symbols) - 1)
    if len(slots) < _SAMPLES_PER_S_MIN * sequence.seconds or len(set(slots)) < _SEEN_MIN * len(
        sequence.symbols
    ):
        return None
    shown = np.array([COLOURS[symbol] for symbol in sequence.symbols])[slots]
    slow = _slow_changes(when[inside] - lag, sequence.seconds)
    template, trace = (_without(slow, part @ _CHROMA.T) for part in (shown, logs[inside]))
    both, squares, energy = (template * trace).sum(), (template**2).sum(), (trace**2).sum()
    # Rounding of a trace that never changes is no light.
    if energy < 1e-12:
        return _Fit(0.0, 0.0, lag)
    return _Fit(float(both / np.sqrt(squares * energy)), float(both / squares), lag)


def _slow_changes(when: Array, seconds: float) -> Array:
    """Return an orthonormal basis (n, k) of all that changes over _SLOW_S and more."""
    cosines = np.arange(int(2 * seconds / _SLOW_S) + 1)
    return np.asarray(np.linalg.qr(np.cos(np.pi * np.outer(when / seconds, cosines)))[0])


def _without(basis: Array, trace: Array) -> Array:
    return np.asarray(trace - basis @ (basis.T @ trace))


def _background_share(sequence: LightSequence, when: Array, face: Array, background: Array) -> float:
    """Return the light that the background got over what the face got; 0 where the face shows none."""
    on_face = _best_fit(sequence, when, face)
    if on_face is None or on_face.r < _R_FLAT:
        return 0.0
    gains = [_usual_gain(sequence, on_face.lag_s, when, logs) for logs in (face, background)]
    # Gain times level is light; the level is the mean over the colours.
    light = [gain * float(np.exp(logs).mean()) for gain, logs in zip(gains, (face, background), strict=True)]
    return max(light[1], 0.0) / light[0] if light[0] > 0 else 0.0


def _usual_gain(sequence: LightSequence, lag: float, when: Array, logs: Array) -> float:
    """Return the median gain from one step to the next: what moves in the background spoils only a few."""
    slots = np.floor((when - lag) / sequence.step_s).astype(int)
    level = when - lag - slots * sequence.step_s >= _RISE_S
    shown = np.array([COLOURS[symbol] for symbol in sequence.symbols]) @ _CHROMA.T
    chroma = _quick_changes(when, logs)
    means = {n: chroma[level & (slots == n)].mean(axis=0) for n in set(slots[level])}
    pairs = [n for n in range(len(shown) - 1) if n in means and n + 1 in means]
    changes = [(means[n + 1] - means[n], shown[n + 1] - shown[n]) for n in pairs]
    return float(np.median([(seen @ sent) / (sent @ sent) for seen, sent in changes])) if changes else 0.0


def _is_stepped(sequence: LightSequence, when: Array, logs: Array, gain: float) -> bool:
    """Tell whether the trace changes in steps of this length, whatever the colours, by at least ``gain``.

    Cut where they begin, steps are level inside; cut elsewhere they are torn. What a turning head or the
    sun does is alike wherever it is cut.
    """
    chroma, step = logs @ _CHROMA.T, sequence.step_s
    cuts = [_cut_in_steps(when - phase, chroma, step) for phase in np.arange(0.0, step, step / 10)]
    best = min(cuts)
    return max(cuts)[0] > _STEPPED * best[0] and best[1] > gain * _USUAL_CHANGE


def _cut_in_steps(when: Array, chroma: Array, step: float) -> tuple[float, float]:
    """Return the mean square inside the usual step, where it should be level, and its way to the next.

    Medians over the steps: something that moves behind the head changes much, but once.
    """
    slots = np.floor(when / step).astype(int)
    level = when - slots * step >= _RISE_S
    pieces = [chroma[level & (slots == slot)] for slot in np.unique(slots[level])]
    pieces = [piece for piece in pieces if len(piece) > 1]
    if len(pieces) < COUNT_MIN:
        return 0.0, 0.0
    unrest = [((piece - piece.mean(axis=0)) ** 2).sum(axis=1).mean() for piece in pieces]
    changes = np.diff([piece.mean(axis=0) for piece in pieces], axis=0)
    return float(np.median(unrest)), float(np.median(np.linalg.norm(changes, axis=1)))
