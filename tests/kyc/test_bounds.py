"""Exact bounds on error rates."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta

from kyc.bounds import beta_mass, clopper_pearson


@pytest.mark.parametrize(
    ("errors", "trials", "low", "high"),
    [
        # Closed forms at the ends: 1 - 0.025 ** (1 / n).
        (0, 8, 0.0, 0.36942),
        (0, 15, 0.0, 0.21802),
        (8, 8, 0.63058, 1.0),
        # Newcombe, Statistics in Medicine 17 (1998), table I, method 5.
        (81, 263, 0.2527, 0.3676),
        (15, 148, 0.0578, 0.1617),
        (1, 29, 0.0009, 0.1776),
    ],
)
def test_known_bounds(errors: int, trials: int, low: float, high: float) -> None:
    """Published values come out."""
    assert clopper_pearson(errors, trials) == pytest.approx((low, high), abs=6e-5)


@settings(max_examples=25)
@given(st.integers(1, 10**7), st.floats(0.0, 1.0), st.sampled_from((0.9, 0.95, 0.99)))
def test_they_are_quantiles_of_beta(trials: int, share: float, confidence: float) -> None:
    """They agree with SciPy's quantiles for small counts and for tens of millions of pairs."""
    errors = round(share**4 * trials)
    low, high = clopper_pearson(errors, trials, confidence)
    tail = (1 - confidence) / 2
    assert low == pytest.approx(beta.ppf(tail, errors, trials - errors + 1) if errors else 0.0, rel=1e-4)
    rest = trials - errors
    assert high == pytest.approx(beta.ppf(1 - tail, errors + 1, rest) if rest else 1.0, rel=1e-4)
    assert low <= errors / trials <= high


@settings(max_examples=40)
@given(st.integers(0, 1000), st.integers(0, 1000))
def test_more_trials_tell_more(errors: int, rest: int) -> None:
    """Twice the sample with the same share has bounds that lie within, and misses mirror hits."""
    trials = errors + rest
    low, high = clopper_pearson(errors, trials)
    closer = clopper_pearson(2 * errors, 2 * trials)
    # Each bound is known to a millionth of itself.
    assert closer[0] >= low - 2e-6
    assert closer[1] <= high + 2e-6
    mirrored = clopper_pearson(rest, trials)
    assert (1 - mirrored[1], 1 - mirrored[0]) == pytest.approx((low, high), abs=2e-6)


@pytest.mark.parametrize(("errors", "trials", "confidence"), [(-1, 5, 0.95), (6, 5, 0.95), (1, 5, 1.0)])
def test_nonsense_is_refused(errors: int, trials: int, confidence: float) -> None:
    """Counts that cannot be and a certainty that nothing gives are errors."""
    with pytest.raises(ValueError, match="errors in"):
        clopper_pearson(errors, trials, confidence)


def test_the_beta_function_ends_at_0_and_1() -> None:
    """At the ends and in the middle of symmetric distributions its mass is known."""
    assert [beta_mass(x, 3, 3) for x in (0.0, 0.5, 1.0)] == pytest.approx([0.0, 0.5, 1.0])
    assert beta_mass(0.3, 1, 1) == pytest.approx(0.3)
    assert math.isclose(beta_mass(0.2, 1, 4), 1 - 0.8**4)
