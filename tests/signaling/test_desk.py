"""The desk: order, rings, refusals, wrap-up, what supervisors change, estimates."""

import pytest

from contract.errors import NotFound, WrongPhase
from contract.ids import AccountId, CallId
from contract.phases import Presence, RingEnd, Role
from signaling.desk import (
    AgentRow,
    Demand,
    Desk,
    DeskRules,
    Profile,
    QueueRow,
    Rang,
    RangOut,
    Status,
)

ANNA, BEN = AccountId("acct-anna"), AccountId("acct-ben")
C1, C2, C3 = CallId("call-1"), CallId("call-2"), CallId("call-3")
AGENT = Role.AGENT
RULES = DeskRules(30.0)


def desk_with(*agents: AccountId, rules: DeskRules = RULES) -> Desk:
    desk = Desk(rules)
    for at, agent in enumerate(agents):
        sign_in(desk, agent, at)
    return desk


def sign_in(desk: Desk, agent: AccountId, now: float, profile: Profile | None = None) -> None:
    desk.arrive(agent, profile or Profile(), now)
    assert not desk.set_presence(agent, Presence.READY, "", now)


def rang(call: CallId, agent: AccountId) -> Rang:
    return Rang(call, AGENT, agent)


def rang_out(call: CallId, agent: AccountId, how: RingEnd) -> RangOut:
    return RangOut(call, AGENT, agent, how)


def order(desk: Desk) -> list[CallId]:
    return [row.demand.call for row in desk.queue(0)]


def test_the_first_customer_rings_at_the_agent_who_is_ready_for_longest() -> None:
    """First come, first served, on both sides."""
    desk = desk_with(ANNA, BEN)
    assert desk.join(Demand(C1), 10) == [rang(C1, ANNA)]
    assert desk.agents_ready() == 2
    assert desk.join(Demand(C2), 11) == [rang(C2, BEN)]
    assert desk.join(Demand(C3), 12) == []
    assert desk.rings() == {(C1, AGENT): ANNA, (C2, AGENT): BEN}


def test_a_new_agent_takes_the_first_who_waits() -> None:
    """Customers who came before any agent keep their order."""
    desk = Desk(RULES)
    desk.join(Demand(C1), 0)
    desk.join(Demand(C2), 1)
    desk.arrive(ANNA, Profile(), 2)
    assert desk.presence(ANNA) is Presence.BREAK
    assert desk.set_presence(ANNA, Presence.READY, "", 3) == [rang(C1, ANNA)]


def test_joining_twice_is_refused() -> None:
    """A customer stands in the row once."""
    desk = Desk(RULES)
    desk.join(Demand(C1), 0)
    with pytest.raises(WrongPhase):
        desk.join(Demand(C1), 1)
    assert desk.waiting() == 1


def test_an_accepted_customer_leaves_the_row() -> None:
    """The agent is busy with this call, the others move up."""
    desk = desk_with(ANNA)
    desk.join(Demand(C1), 10)
    desk.join(Demand(C2), 11)
    assert desk.accept(ANNA, C1, 15) == rang_out(C1, ANNA, RingEnd.ACCEPTED)
    assert desk.status(ANNA, 18) == Status(Presence.BUSY, since_s=3)
    assert desk.agents() == [AgentRow(ANNA, Profile(), Presence.BUSY, "", 15, C1)]
    assert desk.places()[C2].position == 1
    assert desk.waiting() == 1


def test_only_the_rung_agent_can_accept() -> None:
    """An answer after the ring, or to another call, is refused as ``ring_over``."""
    desk = desk_with(ANNA, BEN)
    desk.join(Demand(C1), 10)
    for agent, call in ((BEN, C1), (ANNA, C2)):
        with pytest.raises(WrongPhase) as caught:
            desk.accept(agent, call, 11)
        assert caught.value.code == "ring_over"
    with pytest.raises(NotFound):
        desk.accept(AccountId("acct-nobody"), C1, 11)


def test_after_the_timeout_the_next_agent_is_rung() -> None:
    """Who lets it ring for 30 s goes on a break, which says why."""
    desk = desk_with(ANNA, BEN)
    desk.join(Demand(C1), 10)
    assert desk.tick(39.9) == []
    assert desk.tick(40) == [rang_out(C1, ANNA, RingEnd.TIMED_OUT), rang(C1, BEN)]
    assert desk.status(ANNA, 41) == Status(Presence.BREAK, "no_answer", 1)


def test_a_refused_ring_goes_to_the_next_agent() -> None:
    """Who refuses goes to the end of the row of agents and gets the next customer."""
    desk = desk_with(ANNA, BEN)
    desk.join(Demand(C1), 10)
    assert desk.refuse(ANNA, C1, 11) == [rang_out(C1, ANNA, RingEnd.REFUSED), rang(C1, BEN)]
    assert desk.join(Demand(C2), 12) == [rang(C2, ANNA)]


def test_who_refused_was_not_idle() -> None:
    """Whoever was ready all the while is rung before her."""
    desk = desk_with(ANNA, BEN)
    desk.join(Demand(C1), 10)
    desk.refuse(ANNA, C1, 11)
    desk.leave(C1, AGENT, 12)
    assert desk.join(Demand(C2), 13) == [rang(C2, BEN)]


def test_a_sole_agent_who_refused_is_rung_again_after_a_pause() -> None:
    """Nobody waits for ever because one agent refused."""
    desk = desk_with(ANNA)
    desk.join(Demand(C1), 10)
    desk.refuse(ANNA, C1, 11)
    assert desk.tick(15.9) == []
    assert desk.tick(16) == [rang(C1, ANNA)]


def test_others_are_rung_before_one_who_refused() -> None:
    """A fresh agent comes first even when the refuser has been ready for longer."""
    desk = desk_with(ANNA)
    desk.join(Demand(C1), 10)
    desk.refuse(ANNA, C1, 11)
    desk.step_out(C1)
    sign_in(desk, BEN, 101)
    assert desk.step_in(C1, 102) == [rang(C1, BEN)]


def test_an_agent_who_goes_ends_her_ring() -> None:
    """The customer is offered to the next one; leaving otherwise ends nothing."""
    desk = desk_with(ANNA, BEN)
    desk.join(Demand(C1), 10)
    assert desk.depart(ANNA, 11) == [rang_out(C1, ANNA, RingEnd.AGENT_LEFT), rang(C1, BEN)]
    assert desk.depart(ANNA, 12) == []
    assert desk.status(ANNA, 12) == Status(Presence.OFFLINE)
    desk.accept(BEN, C1, 13)
    assert desk.depart(BEN, 13) == []


def test_a_customer_who_goes_ends_his_ring() -> None:
    """The agent keeps her place among the idle ones and is offered the next customer."""
    desk = desk_with(ANNA, BEN)
    desk.join(Demand(C1), 10)
    assert desk.leave(C1, AGENT, 12) == [rang_out(C1, ANNA, RingEnd.CUSTOMER_LEFT)]
    assert desk.leave(C1, AGENT, 13) == []
    assert desk.status(ANNA, 14) == Status(Presence.READY, since_s=2)
    assert desk.join(Demand(C2), 14) == [rang(C2, ANNA)]


def test_an_agent_whose_customer_goes_takes_the_next() -> None:
    """Whoever waits is rung for in the same moment; who leaves unrung leaves silently."""
    desk = desk_with(ANNA)
    for call in (C1, C2, C3):
        desk.join(Demand(call), 10)
    assert desk.leave(C2, AGENT, 11) == []
    assert desk.leave(C1, AGENT, 12) == [rang_out(C1, ANNA, RingEnd.CUSTOMER_LEFT), rang(C3, ANNA)]


def test_a_customer_whose_socket_is_lost_is_not_offered() -> None:
    """He keeps his place; the next one is offered meanwhile."""
    desk = Desk(RULES)
    desk.join(Demand(C1), 0)
    desk.join(Demand(C2), 1)
    desk.step_out(C1)
    desk.arrive(ANNA, Profile(), 2)
    assert desk.set_presence(ANNA, Presence.READY, "", 2) == [rang(C2, ANNA)]
    assert desk.places()[C1].position == 1
    desk.step_out(C3)
    assert desk.step_in(C3, 3) == []


def test_only_ready_and_break_can_be_chosen() -> None:
    """Ringing, busy and wrap-up follow from calls; during a ring nothing can be chosen."""
    desk = desk_with(ANNA)
    for presence in (Presence.BUSY, Presence.WRAP_UP, Presence.OFFLINE, Presence.RINGING):
        with pytest.raises(WrongPhase):
            desk.set_presence(ANNA, presence, "", 1)
    desk.join(Demand(C1), 2)
    with pytest.raises(WrongPhase):
        desk.set_presence(ANNA, Presence.BREAK, "lunch", 3)
    with pytest.raises(NotFound):
        desk.set_presence(BEN, Presence.READY, "", 3)


def test_a_break_has_a_reason_and_a_length() -> None:
    """Choosing what one does already changes nothing; a new reason begins anew."""
    desk = desk_with(ANNA)
    desk.set_presence(ANNA, Presence.READY, "", 4)
    assert desk.status(ANNA, 10) == Status(Presence.READY, since_s=10)
    desk.set_presence(ANNA, Presence.BREAK, "lunch", 20)
    desk.set_presence(ANNA, Presence.BREAK, "lunch", 30)
    assert desk.status(ANNA, 50) == Status(Presence.BREAK, "lunch", 30)
    desk.set_presence(ANNA, Presence.BREAK, "training", 60)
    assert desk.status(ANNA, 61) == Status(Presence.BREAK, "training", 1)


def in_wrap_up(wrap_up_s: float | None, owes: bool = False) -> Desk:
    desk = desk_with(ANNA, rules=DeskRules(30.0, wrap_up_s))
    desk.join(Demand(C1), 1)
    desk.accept(ANNA, C1, 2)
    desk.wrap_up(ANNA, 60, 100, owes)
    return desk


def test_wrap_up_ends_by_itself() -> None:
    """The agent sees how much is left; then the next customer is rung for."""
    desk = in_wrap_up(40)
    desk.join(Demand(C2), 101)
    assert desk.status(ANNA, 110) == Status(Presence.WRAP_UP, since_s=10, ends_in_s=30)
    assert desk.agents() == [AgentRow(ANNA, Profile(), Presence.WRAP_UP, "", 100, None)]
    assert desk.tick(139.9) == []
    assert desk.tick(140) == [rang(C2, ANNA)]


def test_wrap_up_may_have_no_end() -> None:
    """Then the agent ends it."""
    desk = in_wrap_up(None)
    assert desk.tick(1e6) == []
    assert desk.status(ANNA, 200) == Status(Presence.WRAP_UP, since_s=100)
    desk.set_presence(ANNA, Presence.READY, "", 201)
    assert desk.presence(ANNA) is Presence.READY


def test_who_owes_a_result_is_not_made_ready() -> None:
    """The timer waits for the result; it is not asked for of somebody who is gone or owes none."""
    desk = in_wrap_up(40, owes=True)
    desk.tick(150)
    assert desk.status(ANNA, 150) == Status(Presence.WRAP_UP, since_s=50, ends_in_s=0)
    desk.decided(ANNA, 160)
    desk.decided(ANNA, 160)
    desk.decided(BEN, 160)
    desk.tick(160)
    assert desk.presence(ANNA) is Presence.READY


def test_a_result_before_the_end_of_wrap_up_leaves_the_rest() -> None:
    """The time is the agent's."""
    desk = in_wrap_up(40, owes=True)
    desk.decided(ANNA, 110)
    desk.tick(110)
    assert desk.status(ANNA, 110) == Status(Presence.WRAP_UP, since_s=10, ends_in_s=30)
    desk.tick(140)
    assert desk.presence(ANNA) is Presence.READY


def test_wrap_up_follows_a_call_only() -> None:
    """An agent who is gone or not in a call does not wrap up."""
    desk = desk_with(ANNA)
    desk.wrap_up(ANNA, 10, 1)
    desk.wrap_up(BEN, 10, 1)
    assert desk.presence(ANNA) is Presence.READY
    assert desk.presence(BEN) is Presence.OFFLINE


def test_who_comes_again_keeps_the_presence() -> None:
    """A second console, or the same one after a drop, changes nothing, nor do timers of who left."""
    desk = desk_with(ANNA, rules=DeskRules(30.0, 40.0))
    desk.join(Demand(C1), 1)
    desk.accept(ANNA, C1, 2)
    desk.arrive(ANNA, Profile(), 3)
    assert desk.presence(ANNA) is Presence.BUSY
    desk.wrap_up(ANNA, 60, 100)
    desk.depart(ANNA, 101)
    desk.arrive(ANNA, Profile(), 102)
    desk.join(Demand(C2), 103)
    assert desk.tick(140) == []
    assert desk.presence(ANNA) is Presence.BREAK


def test_timers_of_who_left_or_is_rung_for_do_nothing() -> None:
    """A language is not waited for any more by who is gone, or is just rung for."""
    desk = desk_with(ANNA, rules=DeskRules(90.0))
    desk.join(Demand(C1, language="zh"), 1)
    desk.join(Demand(C2, language="zh"), 2)
    desk.leave(C2, AGENT, 3)
    assert desk.tick(70) == []
    assert desk.refuse(ANNA, C1, 80) == [rang_out(C1, ANNA, RingEnd.REFUSED)]
    assert desk.tick(85) == [rang(C1, ANNA)]


# --- supervisors ---


def test_a_supervisor_moves_a_customer_up() -> None:
    """The last who was moved up is first."""
    desk = Desk(RULES)
    for call in (C1, C2, C3):
        desk.join(Demand(call), 0)
    assert desk.move_up(C2, 1) == []
    desk.move_up(C3, 1)
    assert order(desk) == [C3, C2, C1]
    with pytest.raises(NotFound):
        desk.move_up(CallId("call-x"), 2)


def test_a_customer_is_given_to_one_agent() -> None:
    """Nobody else is rung for him; he is that agent's next, even before who came earlier."""
    desk = desk_with(ANNA)
    desk.join(Demand(C1), 1)
    desk.accept(ANNA, C1, 2)
    desk.join(Demand(C2), 3)
    desk.join(Demand(C3), 4)
    assert desk.reassign(C3, ANNA, 5) == []
    assert desk.queue(6)[0] == QueueRow(Demand(C3), 2, None, ANNA)
    desk.arrive(BEN, Profile(), 6)
    assert desk.set_presence(BEN, Presence.READY, "", 6) == [rang(C2, BEN)]
    desk.wrap_up(ANNA, 4, 7)
    assert desk.set_presence(ANNA, Presence.READY, "", 8) == [rang(C3, ANNA)]


def test_a_customer_is_given_back_to_all() -> None:
    """By the supervisor, or because the agent goes, refuses or does not answer."""
    desk = desk_with(ANNA)
    desk.join(Demand(C3), 1)
    desk.accept(ANNA, C3, 1)
    desk.wrap_up(ANNA, 0, 1)
    desk.join(Demand(C1), 3)
    desk.reassign(C1, ANNA, 4)
    sign_in(desk, BEN, 5)
    assert desk.reassign(C1, None, 6) == [rang(C1, BEN)]
    desk.refuse(BEN, C1, 7)
    desk.reassign(C1, ANNA, 8)
    assert desk.set_presence(ANNA, Presence.READY, "", 12) == [rang(C1, ANNA)]
    assert desk.refuse(ANNA, C1, 13) == [rang_out(C1, ANNA, RingEnd.REFUSED), rang(C1, BEN)]
    desk.refuse(BEN, C1, 14)
    # Who is named is rung at once, however fresh the refusal.
    assert desk.reassign(C1, BEN, 15) == [rang(C1, BEN)]
    assert desk.depart(BEN, 20) == [rang_out(C1, BEN, RingEnd.AGENT_LEFT), rang(C1, ANNA)]


def test_who_waits_for_an_agent_who_goes_is_given_back() -> None:
    """He does not wait for somebody who is not there."""
    desk = desk_with(ANNA, BEN)
    desk.join(Demand(C1), 1)
    desk.accept(ANNA, C1, 2)
    desk.join(Demand(C2), 3)
    desk.refuse(BEN, C2, 4)
    desk.reassign(C2, ANNA, 5)
    assert desk.tick(20) == []
    assert desk.depart(ANNA, 21) == [rang(C2, BEN)]


def test_nobody_waits_for_an_agent_who_rests() -> None:
    """Whom he waits for takes a break: after two rings he is anybody's; a break anew begins anew."""
    desk = desk_with(ANNA)
    desk.join(Demand(C1), 1)
    desk.accept(ANNA, C1, 1)
    desk.join(Demand(C2), 2)
    desk.reassign(C2, ANNA, 3)
    sign_in(desk, BEN, 4)
    desk.wrap_up(ANNA, 5, 10)
    desk.set_presence(ANNA, Presence.BREAK, "lunch", 20)
    desk.set_presence(ANNA, Presence.BREAK, "coffee", 30)
    assert desk.tick(89.9) == []
    assert desk.tick(90) == [rang(C2, BEN)]


def test_a_resting_agent_is_not_given_customers() -> None:
    """The supervisor is told so; the customer stays everybody's."""
    desk = desk_with(ANNA)
    desk.set_presence(ANNA, Presence.BREAK, "lunch", 1)
    desk.join(Demand(C1), 2)
    with pytest.raises(WrongPhase) as resting:
        desk.reassign(C1, ANNA, 3)
    assert resting.value.code == "not_ready"
    assert desk.queue(4)[0].only is None


def test_what_cannot_be_reassigned() -> None:
    """Who is rung for already, who does not wait, and to whom it makes no sense."""
    desk = desk_with(ANNA, BEN)
    desk.join(Demand(C1), 1)
    with pytest.raises(WrongPhase):
        desk.reassign(C1, BEN, 2)
    with pytest.raises(NotFound):
        desk.reassign(C2, BEN, 2)
    desk.join(Demand(C2, skill="loan"), 3)
    with pytest.raises(NotFound) as gone:
        desk.reassign(C2, AccountId("acct-nobody"), 4)
    assert gone.value.code == "no_such_agent"
    with pytest.raises(WrongPhase) as unskilled:
        desk.reassign(C2, BEN, 4)
    assert unskilled.value.code == "not_skilled"
    desk.arrive(BEN, Profile(frozenset({"loan"}), trained_until=4), 4)
    with pytest.raises(WrongPhase) as untrained:
        desk.reassign(C2, BEN, 4)
    assert untrained.value.code == "training_expired"
