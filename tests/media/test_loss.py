"""What is missing, asked for, and given up."""

from hypothesis import given
from hypothesis import strategies as st

from media.loss import ASK_MAX, GIVE_UP_S, MISSING_MAX, Gaps


def test_a_gap_is_asked_for_a_bounded_number_of_times() -> None:
    """At once, then a round trip later each time, ASK_MAX times."""
    gaps = Gaps(asks=True)
    gaps.round_trip_s = 0.05
    assert gaps.open(5, 7, 10.0) == 0
    asked = [gaps.due(10.0 + n * 0.0501)[0] for n in range(ASK_MAX + 3)]
    assert asked == [[5, 6]] * ASK_MAX + [[]] * 3
    assert gaps.due(10.0 + GIVE_UP_S) == ([], 2)
    assert not gaps


def test_without_asking_a_gap_is_still_waited_for() -> None:
    """Reordered packets are no loss."""
    gaps = Gaps(asks=False)
    gaps.open(1, 3, 0.0)
    assert gaps.due(0.5) == ([], 0)
    assert gaps.close(1, 0.6, False)
    assert not gaps.close(1, 0.6, False)
    assert gaps.due(GIVE_UP_S) == ([], 1)


def test_the_round_trip_is_measured_on_first_answers_only() -> None:
    """Nobody knows which of two requests was answered; a packet that was only late answers none."""
    gaps = Gaps(asks=True)
    gaps.open(1, 4, 0.0)
    gaps.due(0.0)
    gaps.close(1, 0.5, False)
    assert gaps.round_trip_s == 0.1
    gaps.close(2, 0.9, True)
    assert gaps.round_trip_s == 0.2
    gaps.due(0.9)
    gaps.close(3, 0.95, True)
    assert gaps.round_trip_s == 0.2


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
