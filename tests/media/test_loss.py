"""What is missing, asked for, and given up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.loss import ASK_MAX, GIVE_UP_S, MISSING_MAX, Gaps


def test_a_gap_is_asked_for_a_bounded_number_of_times() -> None:
    """At once, then after waits that grow, ASK_MAX times and to the end of the time for it."""
    gaps = Gaps(asks=True)
    gaps.measured(0.02)
    assert gaps.open(5, 7, 10.0) == 0
    asked = [n / 1_000 for n in range(1_000) if gaps.due(10.0 + n / 1_000)[0] == [5, 6]]
    assert asked[:3] == [0, pytest.approx(0.02, abs=0.002), pytest.approx(0.048, abs=0.004)]
    assert len(asked) == ASK_MAX
    assert GIVE_UP_S - 0.1 < asked[-1] < GIVE_UP_S
    assert gaps.due(10.0 + GIVE_UP_S) == ([], 2)
    assert not gaps


def test_a_round_trip_that_is_longer_than_was_thought_is_learnt() -> None:
    """From 30 to 250 ms, though every answer comes after the second request; then one request is enough."""
    gaps = Gaps(asks=True)
    gaps.round_trip_s = 0.03
    asks = []
    for n in range(40):
        gaps.open(n, n + 1, float(n))
        asks.append(sum(len(gaps.due(n + tick * 0.02)[0]) for tick in range(12)))
        gaps.close(n, n + 0.25, True)
    assert asks[0] <= 5
    assert asks[-10:] == [1] * 10
    assert 0.24 < gaps.round_trip_s <= 0.25


def test_what_rtcp_measured_counts() -> None:
    """The first one at once, and a longer one; a shorter one little by little. Upper bounds no more."""
    gaps = Gaps(asks=True)
    gaps.measured(0.03)
    assert gaps.round_trip_s == 0.03
    gaps.measured(0.2)
    assert gaps.round_trip_s == 0.2
    gaps.measured(0.04)
    assert gaps.round_trip_s == pytest.approx(0.18)
    gaps.open(1, 2, 0.0)
    gaps.due(0.0)
    gaps.due(0.3)
    gaps.close(1, 0.5, True)
    assert gaps.round_trip_s == pytest.approx(0.18)


def test_an_answer_takes_half_a_round_trip_at_least() -> None:
    """What comes sooner, or was not asked for, was only out of order."""
    gaps = Gaps(asks=True)
    gaps.open(1, 2, 0.0)
    assert not gaps.may_answer(1, 0.2)
    gaps.due(0.0)
    assert not gaps.may_answer(1, 0.04)
    assert gaps.may_answer(1, 0.06)
    assert not gaps.may_answer(2, 0.06)


def test_without_asking_a_gap_is_still_waited_for() -> None:
    """Reordered packets are no loss."""
    gaps = Gaps(asks=False)
    gaps.open(1, 3, 0.0)
    assert gaps.due(0.5) == ([], 0)
    assert gaps.close(1, 0.6, False)
    assert not gaps.close(1, 0.6, False)
    assert gaps.due(GIVE_UP_S) == ([], 1)


def test_the_round_trip_is_measured_on_answers() -> None:
    """From the first request on; a packet that was only late answers none."""
    gaps = Gaps(asks=True)
    gaps.open(1, 4, 0.0)
    gaps.due(0.0)
    gaps.close(1, 0.5, False)
    assert gaps.round_trip_s == 0.1
    gaps.close(2, 0.9, True)
    assert gaps.round_trip_s == pytest.approx(0.2)
    gaps.due(0.9)
    gaps.close(3, 1.0, True)
    assert gaps.round_trip_s == pytest.approx(0.3)


def test_what_is_missing_is_bounded() -> None:
    """A gap longer than the bound costs its older part, and what was missing before."""
    gaps = Gaps(asks=True)
    gaps.open(0, 10, 0.0)
    assert gaps.open(20, 20 + MISSING_MAX + 5, 0.0) == 15
    assert len(gaps.due(0.0)[0]) == MISSING_MAX
    assert gaps.clear() == MISSING_MAX


@given(st.lists(st.tuples(st.integers(1, 700), st.booleans()), max_size=12))
def test_every_missing_packet_comes_or_is_lost(steps: list[tuple[int, bool]]) -> None:
    """Nothing is forgotten."""
    gaps, at, missed, ended = Gaps(asks=True), 0, 0, 0
    for n, (size, comes) in enumerate(steps):
        now = n * 0.3
        missed += size
        ended += gaps.open(at, at + size, now)
        if comes:
            ended += gaps.close(at + size - 1, now, True)
        ended += gaps.due(now)[1]
        at += size + 1
    assert ended + gaps.clear() == missed
