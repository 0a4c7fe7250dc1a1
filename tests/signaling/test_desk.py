"""The desk: order, rings, refusals, estimates; and rules that hold after any sequence of events."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
)

from contract.errors import NotFound, WrongPhase
from contract.ids import AccountId, CallId
from contract.phases import Presence, RingEnd
from signaling.desk import Desk, Place, Rang, RangOut

ANNA, BEN = AccountId("acct-anna"), AccountId("acct-ben")
NAMES = (ANNA, BEN, AccountId("acct-cleo"))
C1, C2, C3 = CallId("call-1"), CallId("call-2"), CallId("call-3")


def desk_with(*agents: AccountId) -> Desk:
    desk = Desk(30.0)
    for at, agent in enumerate(agents):
        desk.arrive(agent, at)
        desk.set_presence(agent, Presence.READY, at)
    return desk


def test_the_first_customer_rings_at_the_agent_who_is_ready_for_longest() -> None:
    """First come, first served, on both sides."""
    desk = desk_with(ANNA, BEN)
    assert desk.join(C1, 10) == [Rang(C1, ANNA)]
    assert desk.join(C2, 11) == [Rang(C2, BEN)]
    assert desk.join(C3, 12) == []
    assert desk.rings() == {C1: ANNA, C2: BEN}


def test_a_new_agent_takes_the_first_who_waits() -> None:
    """Customers who came before any agent keep their order."""
    desk = Desk(30.0)
    desk.join(C1, 0)
    desk.join(C2, 1)
    desk.arrive(ANNA, 2)
    assert desk.presence(ANNA) is Presence.BREAK
    assert desk.set_presence(ANNA, Presence.READY, 3) == [Rang(C1, ANNA)]


def test_joining_twice_is_refused() -> None:
    """A customer stands in the row once."""
    desk = desk_with()
    desk.join(C1, 0)
    with pytest.raises(WrongPhase):
        desk.join(C1, 1)


def test_an_accepted_customer_leaves_the_row() -> None:
    """The agent is busy, the others move up."""
    desk = desk_with(ANNA)
    desk.join(C1, 10)
    desk.join(C2, 11)
    assert desk.accept(ANNA, C1) == RangOut(C1, ANNA, RingEnd.ACCEPTED)
    assert desk.presence(ANNA) is Presence.BUSY
    assert desk.places()[C2].position == 1
    assert desk.waiting() == 1


def test_only_the_rung_agent_can_accept() -> None:
    """An answer after the ring, or to another call, is refused as ``ring_over``."""
    desk = desk_with(ANNA, BEN)
    desk.join(C1, 10)
    for agent, call in ((BEN, C1), (ANNA, C2)):
        with pytest.raises(WrongPhase) as caught:
            desk.accept(agent, call)
        assert caught.value.code == "ring_over"
    with pytest.raises(NotFound):
        desk.accept(AccountId("acct-nobody"), C1)


def test_after_the_timeout_the_next_agent_is_rung() -> None:
    """Who lets it ring for 30 s goes on a break."""
    desk = desk_with(ANNA, BEN)
    desk.join(C1, 10)
    assert desk.tick(39.9) == []
    assert desk.tick(40) == [RangOut(C1, ANNA, RingEnd.TIMED_OUT), Rang(C1, BEN)]
    assert desk.presence(ANNA) is Presence.BREAK


def test_a_refused_ring_goes_to_the_next_agent() -> None:
    """Who refuses goes to the end of the row of agents and gets the next customer."""
    desk = desk_with(ANNA, BEN)
    desk.join(C1, 10)
    assert desk.refuse(ANNA, C1, 11) == [RangOut(C1, ANNA, RingEnd.REFUSED), Rang(C1, BEN)]
    assert desk.join(C2, 12) == [Rang(C2, ANNA)]


def test_a_sole_agent_who_refused_is_rung_again_after_a_pause() -> None:
    """Nobody waits for ever because one agent refused; meanwhile the next customer is offered."""
    desk = desk_with(ANNA)
    desk.join(C1, 10)
    desk.refuse(ANNA, C1, 11)
    assert desk.tick(15.9) == []
    assert desk.tick(16) == [Rang(C1, ANNA)]


def test_others_are_rung_before_one_who_refused() -> None:
    """A fresh agent comes first even when the refuser has been ready for longer."""
    desk = desk_with(ANNA)
    desk.join(C1, 10)
    desk.refuse(ANNA, C1, 11)
    desk.join(C2, 11)
    desk.accept(ANNA, C2)
    desk.wrap_up(ANNA, 60)
    desk.step_out(C1)
    desk.set_presence(ANNA, Presence.READY, 100)
    desk.arrive(BEN, 101)
    desk.set_presence(BEN, Presence.READY, 101)
    assert desk.step_in(C1, 102) == [Rang(C1, BEN)]


def test_an_agent_who_goes_ends_her_ring() -> None:
    """The customer is offered to the next one; leaving otherwise ends nothing."""
    desk = desk_with(ANNA, BEN)
    desk.join(C1, 10)
    assert desk.depart(ANNA, 11) == [RangOut(C1, ANNA, RingEnd.AGENT_LEFT), Rang(C1, BEN)]
    assert desk.depart(ANNA, 12) == []
    assert desk.presence(ANNA) is Presence.OFFLINE
    desk.accept(BEN, C1)
    assert desk.depart(BEN, 13) == []


def test_a_customer_who_goes_ends_his_ring() -> None:
    """The agent keeps her place and is offered the next customer."""
    desk = desk_with(ANNA)
    desk.join(C1, 10)
    desk.join(C2, 11)
    assert desk.leave(C1, 12) == [RangOut(C1, ANNA, RingEnd.CUSTOMER_LEFT), Rang(C2, ANNA)]
    assert desk.leave(C3, 13) == []


def test_who_waits_unrung_goes_silently() -> None:
    """No ring, nothing to end."""
    desk = Desk(30.0)
    desk.join(C1, 0)
    assert desk.leave(C1, 1) == []
    assert desk.places() == {}


def test_a_customer_whose_socket_is_lost_is_not_offered() -> None:
    """He keeps his place; the next one is offered meanwhile."""
    desk = Desk(30.0)
    desk.join(C1, 0)
    desk.join(C2, 1)
    desk.step_out(C1)
    desk.arrive(ANNA, 2)
    assert desk.set_presence(ANNA, Presence.READY, 2) == [Rang(C2, ANNA)]
    assert desk.places()[C1].position == 1
    desk.step_out(C3)
    assert desk.step_in(C3, 3) == []


def test_only_ready_and_break_can_be_chosen() -> None:
    """Ringing, busy and wrap-up follow from calls; during a ring nothing can be chosen."""
    desk = desk_with(ANNA)
    for presence in (Presence.BUSY, Presence.WRAP_UP, Presence.OFFLINE, Presence.RINGING):
        with pytest.raises(WrongPhase):
            desk.set_presence(ANNA, presence, 1)
    desk.join(C1, 2)
    with pytest.raises(WrongPhase):
        desk.set_presence(ANNA, Presence.BREAK, 3)
    with pytest.raises(NotFound):
        desk.set_presence(BEN, Presence.READY, 3)


def test_wrap_up_follows_a_call_only() -> None:
    """An agent who is gone or not in a call does not wrap up."""
    desk = desk_with(ANNA)
    desk.wrap_up(ANNA, 10)
    desk.wrap_up(BEN, 10)
    assert desk.presence(ANNA) is Presence.READY
    assert desk.presence(BEN) is Presence.OFFLINE


def test_the_estimate_follows_the_length_of_calls() -> None:
    """Nobody on duty: no estimate. A free agent: none to wait for. Then mean length per agent."""
    desk = Desk(30.0)
    desk.join(C1, 0)
    assert desk.places() == {C1: Place(1, None)}
    desk.arrive(ANNA, 1)
    desk.set_presence(ANNA, Presence.READY, 1)
    desk.join(C2, 2)
    assert [place.estimated_wait_s for place in desk.places().values()] == [0, 300]
    desk.accept(ANNA, C1)
    desk.wrap_up(ANNA, 100)
    assert desk.places()[C2] == Place(1, pytest.approx(260))  # type: ignore[arg-type]


class AnyDesk(RuleBasedStateMachine):
    """Whatever happens in whatever order, the desk's promises hold."""

    calls: Bundle[CallId] = Bundle("calls")
    agents: Bundle[AccountId] = Bundle("agents")

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk(30.0)
        self.now = 0.0
        self.count = 0
        self.order: list[CallId] = []
        self.away: set[CallId] = set()
        self.rings: dict[CallId, AccountId] = {}
        self.began: dict[CallId, float] = {}
        self.passed: dict[tuple[CallId, AccountId], float] = {}

    def follow(self, events: list[Rang | RangOut]) -> None:
        """Keep our own book of the rings."""
        for event in events:
            if isinstance(event, Rang):
                assert event.call not in self.rings, "rung twice"
                assert event.agent not in self.rings.values(), "two rings at one console"
                assert event.call not in self.away, "offered while away"
                self.rings[event.call] = event.agent
                self.began[event.call] = self.now
            else:
                assert self.rings.pop(event.call) == event.agent
                self.passed[event.call, event.agent] = self.now

    @rule(target=calls)
    def join(self) -> CallId:
        self.count += 1
        call = CallId(f"call-{self.count}")
        self.order.append(call)
        self.follow(self.desk.join(call, self.now))
        return call

    @rule(target=agents, name=st.sampled_from(NAMES))
    def arrive(self, name: AccountId) -> AccountId | MultipleResults[AccountId]:
        agent = name
        known = self.desk.presence(agent) is not Presence.OFFLINE
        self.desk.arrive(agent, self.now)
        return multiple() if known else agent

    @rule(agent=agents, presence=st.sampled_from([Presence.READY, Presence.BREAK]))
    def choose(self, agent: AccountId, presence: Presence) -> None:
        try:
            self.follow(self.desk.set_presence(agent, presence, self.now))
        except (WrongPhase, NotFound):
            assert self.desk.presence(agent) in {Presence.RINGING, Presence.BUSY, Presence.OFFLINE}

    @rule(call=consumes(calls))
    def leave(self, call: CallId) -> None:
        self.follow(self.desk.leave(call, self.now))
        self.away.discard(call)
        if call in self.order:
            self.order.remove(call)

    @rule(call=calls)
    def step_out(self, call: CallId) -> None:
        self.desk.step_out(call)
        if call in self.order:
            self.away.add(call)

    @rule(call=calls)
    def step_in(self, call: CallId) -> None:
        self.away.discard(call)
        self.follow(self.desk.step_in(call, self.now))

    @rule(data=st.data(), refuse=st.booleans())
    def answer(self, data: st.DataObject, refuse: bool) -> None:
        if not self.rings:
            return
        call = data.draw(st.sampled_from(sorted(self.rings)))
        agent = self.rings[call]
        if refuse:
            self.follow(self.desk.refuse(agent, call, self.now))
        else:
            self.follow([self.desk.accept(agent, call)])
            self.order.remove(call)
            self.away.discard(call)

    @rule(agent=agents, talked=st.floats(0, 3600))
    def wrap_up(self, agent: AccountId, talked: float) -> None:
        self.desk.wrap_up(agent, talked)

    @rule(agent=consumes(agents))
    def depart(self, agent: AccountId) -> None:
        self.follow(self.desk.depart(agent, self.now))

    @rule(seconds=st.floats(0, 40))
    def tick(self, seconds: float) -> None:
        self.now += seconds
        self.follow(self.desk.tick(self.now))
        assert all(self.now - self.began[call] < 30 for call in self.rings), "rings for too long"

    @invariant()
    def books_agree(self) -> None:
        assert self.desk.rings() == self.rings
        assert [*self.desk.places()] == self.order
        assert [place.position for place in self.desk.places().values()] == [*range(1, len(self.order) + 1)]
        for agent in self.rings.values():
            assert self.desk.presence(agent) is Presence.RINGING

    @invariant()
    def nobody_waits_for_nothing(self) -> None:
        """A ready agent beside an unrung customer is one who has just passed him on."""
        ready = [a for a in NAMES if self.desk.presence(a) is Presence.READY]
        for call in self.order:
            if call not in self.rings and call not in self.away:
                assert all(self.now - self.passed[call, agent] < 5 for agent in ready)


TestAnyDesk = AnyDesk.TestCase
TestAnyDesk.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
