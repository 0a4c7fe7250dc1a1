"""Random histories of the whole floor: nobody is lost, nobody is stuck, no seat is taken twice."""

from collections import Counter

import pytest

from contract.facts import CallEnded
from tests.signaling.floor_game import Game

_HISTORIES = 150
_THROWS = 250


@pytest.mark.parametrize("block", range(10))
def test_no_history_loses_a_customer_or_an_agent(block: int) -> None:
    """After every step all are where they belong; when all go home, everything comes to its end."""
    for seed in range(block * _HISTORIES // 10, (block + 1) * _HISTORIES // 10):
        game = Game(seed)
        try:
            for _ in range(_THROWS):
                game.throw()
            game.serve_who_was_cut_off()
            game.finish()
        except Exception as error:
            raise AssertionError(f"history {seed}: {error!r}") from error


def test_the_histories_come_around() -> None:
    """They are worth something only when they reach holds, third parties, transfers and supervisors."""
    seen = Counter[str]()
    cut_off = 0
    for seed in range(40):
        game = Game(seed)
        for _ in range(_THROWS):
            game.throw()
        for entries in game.rooms.journal.values():
            seen.update(f"{entry.name} {getattr(entry.fact, 'now', '')}".strip() for entry in entries)
            seen.update(str(entry.fact.reason) for entry in entries if isinstance(entry.fact, CallEnded))
        cut_off += any(visit.first for visit in game.hall.visits.values())
    assert cut_off >= 2, "nobody was cut off and is owed a call"
    for wanted in (
        "CallAdvanced active", "CallAdvanced held", "CallAdvanced reconnecting", "HostChanged None",
        "ObserverJoined", "SupervisorActed", "SeatModeChanged talking", "AgentDecided", "PartyInvited",
        "transfer_failed", "interrupted",
    ):  # fmt: skip
        assert seen[wanted] >= 2, f"{wanted}: {seen[wanted]}"
