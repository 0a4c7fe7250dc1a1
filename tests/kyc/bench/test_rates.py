"""Counts, bounds, and thresholds that a sample can carry."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyc.bench.rates import (
    MATCH,
    PAD,
    Samples,
    Scores,
    Targets,
    calibrate,
    curve,
    equal_error,
    errors_allowed,
    lowest_threshold,
    rates_at,
    rising,
    trials_wanted,
)
from kyc.bounds import clopper_pearson
from kyc.calibration import SHIPPED, read_card

KNOWN = read_card(SHIPPED / "mobilefacenet-lfw.json")
LOOSE = Targets(0.05, 0.2)
SCORES = st.lists(st.floats(-1, 1), min_size=1, max_size=80).map(rising)


def even(count: int, low: float, high: float) -> Scores:
    """Return ``count`` scores, evenly spread."""
    return np.linspace(low, high, count)


def test_scores_at_the_threshold_are_accepted() -> None:
    """Three strangers, one of them exactly there; two of one person, one below."""
    samples = Samples({"all": rising([0.5, 0.1, 0.2])}, {"all": rising([0.9, 0.4])})
    stranger, person = rates_at(samples, 0.5, MATCH)
    assert (stranger.name, stranger.errors, stranger.trials) == ("FMR", 1, 3)
    assert (person.name, person.errors, person.trials) == ("FNMR", 1, 2)
    assert (stranger.low, stranger.high) == clopper_pearson(1, 3)


def test_a_part_without_scores_has_no_rate() -> None:
    """Nothing is said of what was not tried."""
    assert rates_at(Samples({"none": rising([])}, {"all": rising([0.4])}), 0.5, PAD)[0].name == "BPCER"


@pytest.mark.parametrize(("rate", "trials"), [(1e-4, 36_887), (0.05, 72), (0.2, 17)])
def test_how_many_trials_carry_a_claim(rate: float, trials: int) -> None:
    """Without an error the upper bound is just under the rate, with one trial less just above."""
    assert trials_wanted(rate) == trials
    assert clopper_pearson(0, trials)[1] <= rate * (1 + 1e-6)
    assert clopper_pearson(0, trials - 1)[1] > rate


@given(st.integers(0, 3000), st.floats(1e-3, 0.5))
def test_the_errors_allowed_are_the_most(trials: int, rate: float) -> None:
    """Their upper bound keeps the rate, and that of one more does not."""
    most = errors_allowed(trials, rate)
    assert most == -1 or clopper_pearson(most, trials)[1] <= rate
    assert most == trials or clopper_pearson(most + 1, trials)[1] > rate


@given(SCORES, st.floats(0.01, 0.5))
def test_a_proven_threshold_keeps_its_rate(refuse: Scores, rate: float) -> None:
    """The upper bound at the threshold is under the rate; a step lower it is not, or nothing changed."""
    threshold = lowest_threshold(refuse, rate)
    if threshold is None:
        assert len(refuse) < trials_wanted(rate)
        return
    (counted,) = rates_at(Samples({"all": refuse}, {}), threshold, MATCH)
    assert counted.high <= rate
    (lower,) = rates_at(Samples({"all": refuse}, {}), threshold - 0.0011, MATCH)
    assert lower.high > rate


def test_a_large_sample_gives_its_own_thresholds() -> None:
    """Accept where 5 % are proven, review where 20 % are, and no warning."""
    samples = Samples({"all": even(1000, 0, 1)}, {"all": even(1000, 0.4, 1.4)})
    found = calibrate(samples, LOOSE, MATCH, None)
    assert found is not None
    assert found.warnings == ()
    assert found.thresholds["accept"] == pytest.approx(0.963, abs=0.002)
    assert found.thresholds["review"] == pytest.approx(0.826, abs=0.003)
    assert [rate.name for rate in found.rates] == ["FMR", "FNMR"] * 2


def test_the_worst_part_sets_the_threshold() -> None:
    """A group whose strangers look more alike is not drowned in the rest."""
    alike = Samples({"all": even(1000, 0, 0.5), "group": even(500, 0.2, 0.8)}, {"all": even(99, 0.7, 1)})
    alone = Samples({"group": alike.refuse["group"]}, alike.accept)
    both, group = (calibrate(samples, LOOSE, MATCH, None) for samples in (alike, alone))
    assert both is not None and group is not None
    assert both.thresholds["accept"] == group.thresholds["accept"] > 0.7


def test_a_small_sample_keeps_the_known_thresholds() -> None:
    """And says how many trials it would take, and which part is short."""
    samples = Samples({"all": even(100, 0, 0.3), "few": even(10, 0, 0.3)}, {"all": even(10, 0.5, 1)})
    found = calibrate(samples, LOOSE, MATCH, KNOWN)
    assert found is not None
    assert (found.thresholds["accept"], found.thresholds["review"]) == (0.48, 0.36)
    assert "takes 72 trials, here are 10 of few; accept stays at 0.48" in found.warnings[0]
    assert "takes 17 trials" in found.warnings[1]
    assert "FNMR 0 on all rests on 0 errors in 10 trials" in found.warnings[2]


def test_review_never_lies_above_accept() -> None:
    """A kept review threshold gives way to a proven accept threshold under it."""
    samples = Samples({"all": even(1000, -1, 0.2)}, {"all": even(100, 0.5, 1)})
    found = calibrate(samples, Targets(0.05, 0.05), MATCH, KNOWN)
    assert found is not None
    assert found.thresholds["review"] <= found.thresholds["accept"]


@pytest.mark.parametrize("refuse", [{}, {"all": even(10, 0, 0.3)}])
def test_without_a_card_a_small_sample_calibrates_nothing(refuse: dict[str, Scores]) -> None:
    """There is no threshold to keep."""
    assert calibrate(Samples(refuse, {"all": even(10, 0.5, 1)}), LOOSE, MATCH, None) is None


@pytest.mark.parametrize("rates", [(0.0, 0.1), (0.2, 0.1), (0.1, 1.0), (float("nan"), 0.5)])
def test_targets_are_rates_in_order(rates: tuple[float, float]) -> None:
    """Otherwise they are refused."""
    with pytest.raises(ValueError, match="is wanted"):
        Targets(*rates)


@given(SCORES, SCORES)
def test_a_curve_goes_from_all_in_to_all_out(refuse: Scores, accept: Scores) -> None:
    """False accepts fall, false rejects rise, and the equal error lies between."""
    points = curve(refuse, accept)
    assert points[0] == (1.0, 0.0)
    assert points[-1] == (0.0, 1.0)
    assert [point[0] for point in points] == sorted((point[0] for point in points), reverse=True)
    assert [point[1] for point in points] == sorted(point[1] for point in points)
    assert 0.0 <= equal_error(points) <= 1.0


def test_a_long_curve_is_thinned() -> None:
    """Its ends and its equal error stay."""
    points = curve(even(5000, 0, 1), even(5000, 0.5, 1.5))
    assert len(points) == 400
    assert equal_error(points) == pytest.approx(0.25, abs=0.01)
