"""Places in the row, and how long they are said to last."""

import pytest

from contract.ids import AccountId, CallId
from contract.phases import Presence
from signaling.desk import Demand, Desk, DeskRules, Place, Profile
from signaling.places import MeanLength

ANNA, BEN = AccountId("acct-anna"), AccountId("acct-ben")
C1, C2 = CallId("call-1"), CallId("call-2")


def sign_in(desk: Desk, agent: AccountId, now: float, profile: Profile | None = None) -> None:
    desk.arrive(agent, profile or Profile(), now)
    desk.set_presence(agent, Presence.READY, "", now)


def desk_with(*agents: AccountId) -> Desk:
    desk = Desk(DeskRules(30.0))
    for at, agent in enumerate(agents):
        sign_in(desk, agent, at)
    return desk


def test_the_estimate_follows_the_length_of_calls() -> None:
    """Nobody on duty: no estimate. A free agent: none to wait for. Then mean length per agent."""
    desk = desk_with()
    desk.join(Demand(C1), 0)
    assert desk.places() == {C1: Place(1, None)}
    desk.arrive(ANNA, Profile(), 1)
    desk.set_presence(ANNA, Presence.READY, "", 1)
    desk.join(Demand(C2), 2)
    assert [place.estimated_wait_s for place in desk.places().values()] == [0, 300]
    desk.accept(ANNA, C1, 3)
    desk.wrap_up(ANNA, 100, 103)
    assert desk.places() == {C2: Place(1, pytest.approx(260))}  # type: ignore[arg-type]
    assert desk.places() is desk.places()


def test_a_rare_skill_is_waited_for_longer() -> None:
    """Two who need the one skilled agent wait one after the other; an unknown skill has no estimate."""
    desk = desk_with(ANNA)
    sign_in(desk, BEN, 1, Profile(frozenset({"loan"})))
    for number, skill in enumerate(("loan", "loan", "", "gold")):
        desk.join(Demand(CallId(f"call-{number}"), skill=skill), 2)
    assert [place.estimated_wait_s for place in desk.places().values()] == [0, 300, 150, None]


def test_who_waits_for_one_agent_is_told_of_that_agent() -> None:
    """One mean length while he is busy, nothing while he is free, unknown while he is on a break."""
    desk = desk_with(ANNA, BEN)
    desk.join(Demand(C1), 1)
    desk.accept(ANNA, C1, 2)
    desk.join(Demand(C2), 3)
    desk.refuse(BEN, C2, 4)
    desk.reassign(C2, ANNA, 5)
    assert desk.places() == {C2: Place(1, 300)}
    desk.wrap_up(ANNA, 300, 6)
    desk.set_presence(ANNA, Presence.BREAK, "lunch", 7)
    assert desk.places() == {C2: Place(1, None)}
    desk.set_presence(ANNA, Presence.READY, "", 8)
    assert desk.places() == {C2: Place(1, 0)}


def test_a_call_in_which_nobody_talked_tells_nothing_of_the_length() -> None:
    """A consult or a call that never began would make estimates sink."""
    mean = MeanLength()
    before = mean.seconds
    mean.add(0.0)
    assert mean.seconds == before
    mean.add(before + 100.0)
    assert mean.seconds == pytest.approx(before + 20.0)
