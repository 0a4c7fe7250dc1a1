"""The wallboard's figures: what counts, for how long, and when it raises an alarm."""

import pytest

from contract.ids import AccountId
from signaling.board import Board, BoardRules, Figures, Tally

ANNA, BEN = AccountId("acct-anna"), AccountId("acct-ben")
DAY_S = 24 * 3600


def board() -> Board:
    return Board(BoardRules())


def test_an_empty_board_claims_nothing() -> None:
    """No mean and no level before the first."""
    assert board().figures(0) == Figures(0, 0, None, None)
    assert board().tally(ANNA, 0) == Tally(0, 0)
    assert board().alarms(0, 0, 0, 0) == ()


def test_the_service_level_counts_who_was_answered_in_time() -> None:
    """Within 20 s, the twentieth included; who gives up later than that was not served."""
    seen = board()
    for waited_s in (0.0, 20.0, 20.1):
        seen.answered(ANNA, waited_s, 10)
    seen.abandoned(19.0, 11)
    assert seen.figures(12) == Figures(3, 1, None, pytest.approx(2 / 3))  # type: ignore[arg-type]
    seen.abandoned(21.0, 13)
    assert seen.figures(14) == Figures(3, 2, None, 0.5)


def test_the_target_is_configured() -> None:
    """A bank may promise another time."""
    seen = Board(BoardRules(target_s=60))
    seen.answered(ANNA, 59, 0)
    assert seen.figures(0).service_level == 1


def test_the_handle_time_is_the_mean_of_conversations() -> None:
    """To the millisecond."""
    seen = board()
    seen.handled(100.0, 0)
    seen.handled(200.5, 1)
    assert seen.figures(2).handle_s == 150.25


def test_each_agents_rings_are_counted() -> None:
    """A colleague who was helped counts for the agent, not for the customers."""
    seen = board()
    seen.answered(ANNA, 5, 0)
    seen.answered(ANNA, None, 1)
    seen.refused(ANNA, 2)
    seen.refused(BEN, 3)
    assert (seen.tally(ANNA, 4), seen.tally(BEN, 4)) == (Tally(2, 1), Tally(0, 1))
    assert seen.figures(4).answered == 1


def test_a_day_later_all_is_forgotten() -> None:
    """What is older than 24 hours leaves in steps of five minutes, and nothing remains of it."""
    seen = board()
    seen.answered(ANNA, 5, 10)
    seen.handled(60.1, 10)
    seen.refused(ANNA, 299)
    seen.abandoned(5, 300)
    assert seen.figures(DAY_S - 1) == Figures(1, 1, 60.1, 1.0)
    assert seen.figures(DAY_S) == Figures(0, 1, None, None)
    assert seen.tally(ANNA, DAY_S) == Tally(0, 0)
    assert seen.figures(DAY_S + 300) == Figures(0, 0, None, None)


def test_memory_is_bounded() -> None:
    """Ten days of one ring a minute keep no more than a day's steps, and agents who left are forgotten."""
    seen = board()
    for minute in range(10 * 24 * 60):
        seen.answered(AccountId(f"acct-{minute // 1440}"), 5, minute * 60.0)
    assert seen.figures(10 * DAY_S - 60).answered == 24 * 60
    kept = [counter for _, counter in seen._steps]
    assert len(kept) == 288
    assert seen._total == sum(kept[1:], start=kept[0].copy())
    assert len(seen._total) == 3


def test_alarms_say_what_is_wrong() -> None:
    """Nobody ready for who waits, a long wait, a broken promise; nothing else."""
    seen = board()
    assert seen.alarms(waiting=1, ready=0, longest_wait_s=120, now=0) == ("nobody_ready",)
    assert seen.alarms(waiting=1, ready=1, longest_wait_s=121, now=0) == ("long_wait",)
    assert seen.alarms(waiting=0, ready=0, longest_wait_s=0, now=0) == ()


def test_the_level_alarms_only_when_enough_were_served() -> None:
    """Nine are not enough; of ten, eight in time keep the promise, seven do not."""
    seen = board()
    for waited_s in (30.0, 30.0, 30.0, *[1.0] * 6):
        seen.answered(ANNA, waited_s, 0)
    assert seen.alarms(0, 1, 0, 1) == ()
    seen.answered(ANNA, 1.0, 2)
    assert seen.alarms(0, 1, 0, 3) == ("service_level",)
    for _ in range(5):
        seen.answered(ANNA, 1.0, 4)
    assert seen.figures(5).service_level == 0.8
    assert seen.alarms(0, 1, 0, 5) == ()
