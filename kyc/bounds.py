"""What a count of errors says about their rate: exact bounds after Clopper and Pearson (1934).

Pure code on the standard library, because the server process that reads calibration cards loads no numpy.
"""

import math

# Of the continued fraction below; a change this small is rounding.
_PRECISION = 1e-14
_TINY = 1e-300
# What a bound is known to, relative to itself; cards state four figures.
_NEAR = 1e-6


def clopper_pearson(errors: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the lower and upper bound on the rate behind ``errors`` in ``trials`` independent trials.

    Two-sided: the rate lies outside on either side with at most half of 1 - ``confidence``. Without
    trials nothing is known: (0, 1).

    Raises:
        ValueError: not 0 <= errors <= trials, or not 0 < confidence < 1.
    """
    if not (0 <= errors <= trials and 0.0 < confidence < 1.0):
        raise ValueError(f"{errors} errors in {trials} trials at {confidence}")
    tail = (1.0 - confidence) / 2
    low = 0.0 if errors == 0 else _quantile(tail, errors, trials - errors + 1)
    high = 1.0 if errors == trials else _quantile(1.0 - tail, errors + 1, trials - errors)
    return low, high


def _quantile(share: float, a: float, b: float) -> float:
    """Return where the beta distribution (a, b) has ``share`` of its mass on the left."""
    low, high = 0.0, 1.0
    while high - low > _NEAR * high:
        middle = (low + high) / 2
        if beta_mass(middle, a, b) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def beta_mass(x: float, a: float, b: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b) (NIST DLMF 8.17), 0 <= x <= 1, a, b > 0."""
    if x in (0.0, 1.0):
        return x
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    # The fraction converges fast on this side of the mean only.
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(x, a, b) / a
    return 1.0 - front * _fraction(1.0 - x, b, a) / b


def _fraction(x: float, a: float, b: float) -> float:
    """Return the continued fraction DLMF 8.17.22 by Lentz's method."""
    c, d = 1.0, 1.0 / _apart(1.0 - (a + b) * x / (a + 1))
    value = d
    # About the root of the number of trials.
    m = 0
    while True:
        m += 1
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1.0 / _apart(1.0 + step * d)
            c = _apart(1.0 + step / c)
            value *= c * d
        if abs(c * d - 1.0) < _PRECISION:
            return value


def _apart(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
