"""From scores to error rates, and from rates to thresholds that the sample can carry. Pure code.

Higher scores are better always: a pair or an instrument is accepted from the threshold on.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kyc.bounds import clopper_pearson
from kyc.calibration import Card, OperatingPoint, Rate

Scores = NDArray[np.float64]
"""Rising."""

# Doddington et al. (Speech Communication 31, 2000): with 30 errors the true rate is within 30 % of the
# observed one, nine times in ten.
_ERRORS_WANTED = 30
# Two-sided 95 %.
_TAIL = 0.025
# Thresholds have three places; more would be noise.
_STEPS = 1000


@dataclass(frozen=True, slots=True)
class Names:
    """What the errors are called: of those to be refused, and of those to be accepted."""

    false_accept: str
    false_reject: str


MATCH = Names("FMR", "FNMR")
PAD = Names("APCER", "BPCER")


@dataclass(frozen=True, slots=True)
class Samples:
    """Scores by part of the sample: of those to be refused, and of those to be accepted."""

    refuse: Mapping[str, Scores]
    accept: Mapping[str, Scores]


@dataclass(frozen=True, slots=True)
class Targets:
    """Rates of false accepts that the thresholds ``accept`` and ``review`` are to stay under, 0 to 1."""

    accept: float
    review: float

    def __post_init__(self) -> None:
        if not 0.0 < self.accept <= self.review < 1.0:
            raise ValueError(f"0 < {self.accept:g} <= {self.review:g} < 1 is wanted")


def rising(scores: Sequence[float]) -> Scores:
    """Return ``scores`` sorted."""
    return np.sort(np.asarray(scores, np.float64))


def below(scores: Scores, threshold: float) -> int:
    """Return how many are under ``threshold``."""
    return int(np.searchsorted(scores, threshold, side="left"))


def rates_at(samples: Samples, threshold: float, names: Names) -> tuple[Rate, ...]:
    """Return every part's rates at ``threshold``; parts without a score are left out."""
    wrongly_in = (
        Rate.counted(names.false_accept, part, len(scores) - below(scores, threshold), len(scores))
        for part, scores in samples.refuse.items()
        if len(scores)
    )
    wrongly_out = (
        Rate.counted(names.false_reject, part, below(scores, threshold), len(scores))
        for part, scores in samples.accept.items()
        if len(scores)
    )
    return (*wrongly_in, *wrongly_out)


def trials_wanted(rate: float) -> int:
    """Return how many trials without an error have an upper 95 % bound of ``rate``, 0 < rate < 1."""
    return math.ceil(math.log(_TAIL) / math.log1p(-rate))


def errors_allowed(trials: int, rate: float) -> int:
    """Return the most errors in ``trials`` whose upper 95 % bound is at most ``rate``; -1 without any."""
    low, high = -1, trials
    while low < high:
        middle = (low + high + 1) // 2
        if clopper_pearson(middle, trials)[1] <= rate:
            low = middle
        else:
            high = middle - 1
    return low


def lowest_threshold(refuse: Scores, rate: float) -> float | None:
    """Return the lowest threshold at which ``rate`` is proven for ``refuse``, None when it cannot be."""
    errors = errors_allowed(len(refuse), rate)
    if errors < 0 or errors >= len(refuse):
        return None
    highest_refused = float(refuse[len(refuse) - 1 - errors])
    return (math.floor(highest_refused * _STEPS) + 1) / _STEPS


@dataclass(frozen=True, slots=True)
class Calibration:
    """The operating points, and one sentence for each thing that the sample does not carry."""

    points: tuple[OperatingPoint, ...]
    warnings: tuple[str, ...]

    @property
    def thresholds(self) -> dict[str, float]:
        """Return each point's threshold."""
        return {point.name: point.threshold for point in self.points}

    @property
    def rates(self) -> tuple[Rate, ...]:
        """Return every point's rates."""
        return tuple(rate for point in self.points for rate in point.rates)


def calibrate(samples: Samples, targets: Targets, names: Names, known: Card | None) -> Calibration | None:
    """Return the points at which every part keeps ``targets``, upper bounds counted.

    A target that the sample is too small for keeps the threshold of ``known``, whose rates are counted
    anew; the warning says so. Without such a card there is no calibration: None.
    """
    warnings: list[str] = []
    thresholds: dict[str, float] = {}
    for name, target in (("accept", targets.accept), ("review", targets.review)):
        found = {part: lowest_threshold(scores, target) for part, scores in samples.refuse.items()}
        proven = [threshold for threshold in found.values() if threshold is not None]
        if found and len(proven) == len(found):
            thresholds[name] = max(proven)
            continue
        if known is None:
            return None
        thresholds[name] = known.point(name).threshold
        short = {part: len(samples.refuse[part]) for part, value in found.items() if value is None}
        warnings.append(_too_small(name, target, short, names, thresholds[name], known))
    # A kept threshold may lie above a proven one.
    thresholds["review"] = min(thresholds.values())
    points = tuple(
        OperatingPoint(name, threshold, rates_at(samples, threshold, names))
        for name, threshold in thresholds.items()
    )
    return Calibration(points, (*warnings, *_few_errors(points[0], names)))


def _too_small(
    name: str, target: float, short: Mapping[str, int], names: Names, kept: float, known: Card
) -> str:
    have = ", ".join(f"{count} of {part}" for part, count in short.items()) or "none"
    return (
        f"{names.false_accept} {target:g} cannot be claimed: even without an error it takes "
        f"{trials_wanted(target)} trials, here are {have}; {name} stays at {kept:g} of the card {known.name}"
    )


def _few_errors(point: OperatingPoint, names: Names) -> list[str]:
    return [
        f"{rate.name} {rate.rate:.2g} on {rate.on} rests on {rate.errors} errors in {rate.trials} trials: "
        f"it may be anything from {rate.low:.2g} to {rate.high:.2g}"
        for rate in point.rates
        if rate.name == names.false_reject and rate.errors < _ERRORS_WANTED
    ]


def curve(refuse: Scores, accept: Scores, points_max: int = 400) -> tuple[tuple[float, float], ...]:
    """Return (false accepts, false rejects), 0 to 1, over all thresholds; both need a score at least."""
    everything = np.unique(np.concatenate((refuse, accept)))
    thresholds = np.append(everything, np.nextafter(everything[-1], np.inf))
    if len(thresholds) > points_max:
        thresholds = np.quantile(thresholds, np.linspace(0, 1, points_max))
    false_accepts = 1.0 - np.searchsorted(refuse, thresholds, side="left") / len(refuse)
    false_rejects = np.searchsorted(accept, thresholds, side="left") / len(accept)
    return tuple(zip(false_accepts.tolist(), false_rejects.tolist(), strict=True))


def equal_error(points: Sequence[tuple[float, float]]) -> float:
    """Return the error rate where both are nearest to each other."""
    nearest = min(points, key=lambda point: abs(point[0] - point[1]))
    return sum(nearest) / 2
