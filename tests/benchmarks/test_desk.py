"""The desk benchmark: its ledger finds what is wrong, and a small load on a real server has nothing wrong."""

from typing import Any

import pytest

from benchmarks.desk.__main__ import Plan, run
from benchmarks.desk.ledger import Ledger
from benchmarks.desk.people import Manner
from benchmarks.desk.report import table
from benchmarks.desk.trial import percentile


def board(**changes: Any) -> dict[str, Any]:
    """Return the wallboard of one who waits, one who was answered, and one agent on a break."""
    queue, agents = [{"call": "waits"}], [{"presence": "break"}]
    told = {"waiting": 1, "in_call": 0, "answered": 1, "abandoned": 0, "queue": queue, "agents": agents}
    return told | changes


@pytest.fixture
def ledger() -> Ledger:
    """One agent has answered one of two customers."""
    ledger = Ledger()
    ledger.begin(100.0)
    ledger.placed("talks", 1)
    ledger.placed("waits", 2)
    ledger.rang("anna", "talks", 0.25, first=True)
    ledger.accepts(101.0)
    ledger.accepted("anna", "talks", 101.5)
    ledger.served("talks")
    ledger.placed("waits", 1)
    return ledger


def test_a_healthy_desk_contradicts_nothing(ledger: Ledger) -> None:
    """Everybody is somewhere, once; the ring's time and the assignment count."""
    ledger.check(joined=2)

    assert ledger.problems == []
    assert ledger.unlike(board(), agents=1) == []
    assert (ledger.period.first_rings, ledger.period.later_rings, ledger.period.assigned) == ([0.25], [], 1)


def test_two_agents_for_one_customer_are_a_problem(ledger: Ledger) -> None:
    """Ringing at two at once, ringing after the answer, and being given twice are told."""
    ledger.rang("anna", "waits", None, first=False)
    ledger.rang("bert", "waits", None, first=False)
    ledger.rang("bert", "talks", None, first=False)
    ledger.accepted("bert", "talks", 103.0)
    ledger.served("talks")
    ledger.check(joined=2)
    found = "; ".join(ledger.problems)

    assert "waits rings at bert and at anna" in found
    assert "anna has answered it" in found
    assert "talks was given to bert and to anna" in found
    assert "talks was answered 2 times" in found


def test_who_was_refused_may_ring_elsewhere(ledger: Ledger) -> None:
    """A refused ring is over."""
    ledger.rang("anna", "waits", None, first=False)
    ledger.refuses("waits")
    ledger.rang("bert", "waits", 0.5, first=False)

    assert ledger.problems == []
    assert ledger.period.later_rings == [0.5]


def test_lost_customers_are_a_problem(ledger: Ledger) -> None:
    """Somebody without a place, gaps among the places and answers that nobody gave are told."""
    ledger.placed("waits", 3)
    ledger.served("nobody's")
    ledger.check(joined=9)

    assert [problem.split(",")[0] for problem in ledger.problems] == [
        "the places of those who wait are not 1",
        "9 joined",
        "other customers were told of an answer than agents have answered",
    ]


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"waiting": 2}, "waiting"),
        ({"in_call": 1}, "in_call"),
        ({"answered": 0}, "answered"),
        ({"abandoned": 1}, "abandoned"),
        ({"queue": [{"call": "talks"}]}, "queue"),
        ({"agents": []}, "presences"),
    ],
)
def test_a_wrong_figure_at_rest_is_named(ledger: Ledger, changes: dict[str, Any], name: str) -> None:
    """Each figure of the wallboard is compared."""
    assert [each.split(":")[0] for each in ledger.unlike(board(**changes), agents=1)] == [name]


def test_wallboards_have_gaps_and_ages(ledger: Ledger) -> None:
    """The age runs from the first answer that a wallboard does not know; knowing too much is a problem."""
    ledger.board(board(answered=0), 102.0)
    ledger.board(board(answered=1), 104.0)

    assert ledger.period.board_ages == [0.5, 0.0]
    assert ledger.period.board_gap(104.5) == 2.0
    ledger.board(board(answered=2), 105.0)
    assert ledger.problems == ["the wallboard tells 2 answered, which is too many"]


def test_percentiles_are_nearest_ranks() -> None:
    """Of a hundred values one lies above the 99th percentile."""
    values = [float(number) for number in range(1, 101)]

    assert [percentile(values, share) for share in (0.5, 0.95, 0.99)] == [50, 95, 99]
    assert percentile([7.0], 0.99) == 7
    assert percentile([], 0.5) == 0


@pytest.mark.server
async def test_a_small_load_finds_nothing_wrong() -> None:
    """Some agents answer customers of a real server for a moment: all are rung, and every figure agrees."""
    rounds, problems = await run(Plan(12, 3, 1, 1.0, Manner(talk_s=0.5, refuse=0.2)))

    assert problems == []
    assert rounds[0].assigned >= 3
    assert len(rounds[0].first) == 3
    assert rounds[0].memory > 50e6
    assert rounds[0].server_cores > 0
    assert "ready to ring, 99 %, ms" in table(rounds)
