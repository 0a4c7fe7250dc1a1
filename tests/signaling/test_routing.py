"""Who is rung for whom: skill, language, head start, training, names, lots; invitations and transfers."""

from collections.abc import Iterator

import pytest

from contract.errors import NotFound, UserError, WrongPhase
from contract.ids import AccountId, CallId
from contract.phases import Presence, RingEnd, Role
from signaling.desk import Demand, Desk, DeskRules, Draw, GaveUp, Profile, Rang, RangOut, Status

ANNA, BEN, CLEO = AccountId("acct-anna"), AccountId("acct-ben"), AccountId("acct-cleo")
C1, C2, C3 = CallId("call-1"), CallId("call-2"), CallId("call-3")
AGENT, GUEST = Role.AGENT, Role.GUEST
LOAN = frozenset({"loan"})


def desk_of(rules: DeskRules | None = None, **profiles: Profile) -> Desk:
    """Return a desk with agents by first name, all ready, the first one for longest."""
    desk = Desk(rules or DeskRules(30.0))
    for at, (name, profile) in enumerate(profiles.items()):
        desk.arrive(AccountId(f"acct-{name}"), profile, at)
        desk.set_presence(AccountId(f"acct-{name}"), Presence.READY, "", at)
    return desk


# --- what customers need ---


def test_skill_is_hard() -> None:
    """Who lacks it is never rung, however long the customer waits; others are served meanwhile."""
    desk = desk_of(anna=Profile())
    assert desk.join(Demand(C1, skill="loan"), 10) == []
    assert desk.join(Demand(C2), 11) == [Rang(C2, AGENT, ANNA)]
    desk.refuse(ANNA, C2, 12)
    assert desk.tick(9_999) == [Rang(C2, AGENT, ANNA)]
    desk.arrive(BEN, Profile(LOAN), 10_000)
    assert desk.set_presence(BEN, Presence.READY, "", 10_000) == [Rang(C1, AGENT, BEN)]


@pytest.mark.parametrize(
    ("spoken", "wanted", "understood"),
    [
        ((), "zh-CN", True),
        (("en",), "", True),
        (("zh",), "zh-CN", True),
        (("zh-cn",), "zh-CN", True),
        (("zh-Hant-TW", "en"), "zh", True),
        (("zh-HK",), "zh-CN", False),
        (("en",), "enm", False),
    ],
)
def test_a_language_contains_its_regions(spoken: tuple[str, ...], wanted: str, understood: bool) -> None:
    """BCP 47: ``zh`` is for ``zh-CN``, in both directions, but one region is not for another."""
    assert Profile(languages=frozenset(spoken)).speaks(wanted) is understood


def test_language_is_waited_for_and_then_given_up() -> None:
    """For a minute only who speaks it is rung, then anybody."""
    desk = desk_of(anna=Profile(languages=frozenset({"en"})))
    assert desk.join(Demand(C1, language="zh-CN"), 10) == []
    assert desk.tick(69.9) == []
    assert desk.tick(70) == [Rang(C1, AGENT, ANNA)]


def test_everybody_whose_wait_is_over_is_rung_for() -> None:
    """Two customers in one moment, and the agents in their order."""
    english = Profile(languages=frozenset({"en"}))
    desk = desk_of(anna=english, ben=english)
    desk.join(Demand(C1, language="zh"), 10)
    desk.join(Demand(C2, language="zh"), 10)
    assert desk.tick(70) == [Rang(C1, AGENT, ANNA), Rang(C2, AGENT, BEN)]


def test_after_the_wait_who_speaks_the_language_is_still_better() -> None:
    """Even when somebody else has been idle for longer."""
    desk = desk_of()
    desk.join(Demand(C1, language="zh"), 10)
    desk.step_out(C1)
    for agent, language in ((ANNA, "en"), (BEN, "zh")):
        desk.arrive(agent, Profile(languages=frozenset({language})), 11)
        desk.set_presence(agent, Presence.READY, "", 11)
    assert desk.tick(71) == []
    assert desk.step_in(C1, 72) == [Rang(C1, AGENT, BEN)]


def test_an_important_customer_has_a_head_start() -> None:
    """He goes before who came at most five minutes earlier, and nobody else: all age alike."""
    desk = desk_of()
    for at, call in enumerate((C1, C2)):
        desk.join(Demand(call), at * 100)
    desk.join(Demand(C3, vip=True), 350)
    assert [row.demand.call for row in desk.queue(350)] == [C1, C3, C2]
    assert [*desk.places()] == [C1, C3, C2]


# --- training ---


def test_an_agent_whose_training_ran_out_is_never_rung() -> None:
    """He cannot become ready, and stops being ready when it runs out."""
    desk = desk_of(anna=Profile(trained_until=100.0), ben=Profile(trained_until=200.0))
    assert desk.tick(99.9) == []
    # Even before the tick that takes him off duty.
    assert desk.join(Demand(C1), 100) == [Rang(C1, AGENT, BEN)]
    desk.tick(100)
    assert desk.status(ANNA, 101) == Status(Presence.BREAK, "training_expired", 1)
    with pytest.raises(WrongPhase) as caught:
        desk.set_presence(ANNA, Presence.READY, "", 102)
    assert caught.value.code == "training_expired"
    desk.set_presence(ANNA, Presence.BREAK, "training", 103)


def test_a_ring_may_end_after_the_training() -> None:
    """Who refuses then is off duty; who was asked for by name is asked for no more."""
    desk = desk_of(anna=Profile(trained_until=20.0), ben=Profile())
    desk.join(Demand(C1), 10)
    desk.join(Demand(C2), 10)
    desk.accept(BEN, C2, 11)
    desk.join(Demand(C3), 11)
    desk.reassign(C3, ANNA, 12)
    assert desk.tick(20) == []
    assert desk.presence(ANNA) is Presence.RINGING
    assert [row.only for row in desk.queue(20)] == [None, None]
    desk.refuse(ANNA, C1, 21)
    assert desk.status(ANNA, 21) == Status(Presence.BREAK, "training_expired", 0)


def test_a_renewed_training_counts_from_the_next_sign_in() -> None:
    """The profile of the last arrival holds, and what it allows begins with the next tick."""
    desk = desk_of(anna=Profile(trained_until=50.0))
    desk.join(Demand(C1, skill="loan"), 10)
    desk.arrive(ANNA, Profile(LOAN, trained_until=500.0), 20)
    assert desk.tick(50) == [Rang(C1, AGENT, ANNA)]
    assert desk.tick(60) == []


def test_who_is_gone_is_not_rung_for_what_he_learned() -> None:
    """A new profile counts from the next tick; whoever leaves before it leaves nothing behind."""
    desk = desk_of(anna=Profile())
    desk.join(Demand(C1, skill="loan"), 10)
    desk.arrive(ANNA, Profile(LOAN), 20)
    assert desk.depart(ANNA, 20) == []
    assert desk.tick(21) == []


def test_who_loses_the_skill_loses_who_waits_for_him() -> None:
    """The customer goes back to all, a colleague is told that nobody comes."""
    desk = desk_of(anna=Profile(LOAN))
    desk.join(Demand(C1), 5)
    desk.join(Demand(C2, skill="loan"), 6)
    desk.reassign(C2, ANNA, 7)
    desk.join(Demand(C3, GUEST, skill="loan", only=ANNA), 8)
    desk.arrive(ANNA, Profile(LOAN), 9)
    assert desk.tick(9) == []
    desk.arrive(ANNA, Profile(), 10)
    assert desk.tick(10) == [GaveUp(C3, GUEST)]
    assert [row.only for row in desk.queue(10)] == [None, None]


# --- lots ---


def lots(*digits: str) -> Iterator[str]:
    return iter(digits)


def test_agents_are_drawn_by_lot() -> None:
    """The draw names candidates and digits, and anybody can do it again."""
    digits = lots("04", "05", "07")
    desk = Desk(DeskRules(30.0, random=True), lambda: next(digits))
    for agent in (CLEO, ANNA, BEN):
        desk.arrive(agent, Profile(), 0)
        desk.set_presence(agent, Presence.READY, "", 0)
    draw = Draw((ANNA, BEN, CLEO), "04")
    assert desk.join(Demand(C1), 1) == [Rang(C1, AGENT, BEN, draw)]
    assert draw.chosen == draw.candidates[4 % 3] == BEN
    assert desk.join(Demand(C2), 2) == [Rang(C2, AGENT, CLEO, Draw((ANNA, CLEO), "05"))]
    assert desk.join(Demand(C3), 3) == [Rang(C3, AGENT, ANNA, Draw((ANNA,), "07"))]


def test_nobody_is_drawn_when_one_is_named() -> None:
    """A name leaves nothing to chance; the other agents of a draw are the best ones only."""
    digits = lots("00", "00")
    desk = Desk(DeskRules(30.0, random=True), lambda: next(digits))
    for agent in (ANNA, BEN):
        desk.arrive(agent, Profile(), 0)
        desk.set_presence(agent, Presence.READY, "", 0)
    assert desk.join(Demand(C1, GUEST, only=BEN), 1) == [Rang(C1, GUEST, BEN)]
    desk.leave(C1, GUEST, 2)
    assert desk.join(Demand(C2), 3) == [Rang(C2, AGENT, ANNA, Draw((ANNA, BEN), "00"))]
    # Anna is ready again, and passed him on.
    assert desk.refuse(ANNA, C2, 4)[1] == Rang(C2, AGENT, BEN, Draw((BEN,), "00"))


def test_digits_are_drawn_from_the_systems_source() -> None:
    """Without another source 256 bits are drawn, so that the remainder favours nobody."""
    desk = Desk(DeskRules(30.0, random=True))
    desk.arrive(ANNA, Profile(), 0)
    desk.set_presence(ANNA, Presence.READY, "", 0)
    (event,) = desk.join(Demand(C1), 1)
    assert isinstance(event, Rang)
    assert event.draw is not None
    assert len(bytes.fromhex(event.draw.random_hex)) == 32


# --- invitations and transfers ---


def test_colleagues_come_before_customers() -> None:
    """Who is in a call already is served first: invitation or transfer."""
    desk = desk_of()
    desk.join(Demand(C1), 1)
    desk.join(Demand(C2, GUEST), 2)
    desk.join(Demand(C3, goes_on=True), 3)
    desk.arrive(ANNA, Profile(), 4)
    assert desk.set_presence(ANNA, Presence.READY, "", 4) == [Rang(C2, GUEST, ANNA)]
    assert desk.accept(ANNA, C2, 5) == RangOut(C2, GUEST, ANNA, RingEnd.ACCEPTED)
    assert [row.demand.call for row in desk.queue(5)] == [C3, C1]
    assert desk.waiting() == 1
    assert desk.places()[C1].position == 1


def test_a_transfer_is_not_the_customers_own_demand() -> None:
    """A lost socket does not hold it up, and supervisors do not move it."""
    desk = desk_of()
    desk.join(Demand(C1, goes_on=True), 1)
    desk.step_out(C1)
    assert desk.step_in(C1, 2) == []
    with pytest.raises(NotFound):
        desk.move_up(C1, 2)
    with pytest.raises(NotFound):
        desk.reassign(C1, None, 2)
    desk.arrive(ANNA, Profile(), 4)
    assert desk.set_presence(ANNA, Presence.READY, "", 4) == [Rang(C1, AGENT, ANNA)]


def test_who_is_excepted_is_not_asked() -> None:
    """Those who are in the call are not invited to it, not even by name."""
    desk = desk_of(anna=Profile(), ben=Profile())
    assert desk.join(Demand(C1, GUEST, but=frozenset({ANNA})), 10) == [Rang(C1, GUEST, BEN)]
    with pytest.raises(NotFound) as caught:
        desk.join(Demand(C2, GUEST, only=ANNA, but=frozenset({ANNA})), 11)
    assert caught.value.code == "no_such_agent"


def test_an_invitation_by_name_waits_for_that_agent() -> None:
    """Ready or not; an agent who is not signed in is refused at once, and nothing waits."""
    desk = desk_of(anna=Profile(languages=frozenset({"en"})), ben=Profile())
    desk.set_presence(ANNA, Presence.BREAK, "lunch", 3)
    assert desk.join(Demand(C1, GUEST, language="zh", only=ANNA), 10) == []
    assert desk.set_presence(ANNA, Presence.READY, "", 20) == [Rang(C1, GUEST, ANNA)]
    with pytest.raises(UserError) as caught:
        desk.join(Demand(C2, GUEST, only=CLEO), 21)
    assert caught.value.code == "no_such_agent"
    assert len(desk.queue(21)) == 1


def test_a_withdrawn_invitation_ends_its_ring() -> None:
    """The invited agent is free for the next one, without losing the place."""
    desk = desk_of(anna=Profile(), ben=Profile())
    desk.join(Demand(C1, GUEST), 10)
    assert desk.leave(C1, GUEST, 11) == [RangOut(C1, GUEST, ANNA, RingEnd.WITHDRAWN)]
    assert desk.join(Demand(C2), 12) == [Rang(C2, AGENT, ANNA)]


def test_nobody_took_it() -> None:
    """After a minute the call is told so, but not in the middle of a ring; then nobody else is rung."""
    desk = desk_of(anna=Profile(), ben=Profile(), cleo=Profile(), dan=Profile())
    desk.join(Demand(C1, GUEST, skill="loan"), 10)
    assert desk.tick(69.9) == []
    assert desk.tick(70) == [GaveUp(C1, GUEST)]
    desk.join(Demand(C2, goes_on=True), 100)
    desk.tick(130)
    desk.refuse(BEN, C2, 155)
    assert desk.rings() == {(C2, AGENT): CLEO}
    assert desk.tick(160) == []
    assert desk.refuse(CLEO, C2, 170) == [RangOut(C2, AGENT, CLEO, RingEnd.REFUSED), GaveUp(C2, AGENT)]


def test_what_was_given_up_is_not_rung_for() -> None:
    """Not even by an agent who becomes ready in the same moment."""
    desk = desk_of(DeskRules(30.0, wrap_up_s=10.0), anna=Profile())
    desk.join(Demand(C2), 1)
    desk.accept(ANNA, C2, 2)
    desk.join(Demand(C1, GUEST, only=ANNA), 10)
    desk.wrap_up(ANNA, 50, 59.5)
    desk.arrive(ANNA, Profile(), 69)
    assert desk.tick(70) == [GaveUp(C1, GUEST)]
    assert desk.presence(ANNA) is Presence.READY


def test_everybody_refused() -> None:
    """When no agent on duty is left to ask, the colleague need not wait for the minute to end."""
    desk = desk_of(anna=Profile(), ben=Profile(), cleo=Profile())
    desk.set_presence(CLEO, Presence.BREAK, "lunch", 5)
    desk.join(Demand(C1, GUEST), 10)
    assert desk.refuse(ANNA, C1, 11) == [RangOut(C1, GUEST, ANNA, RingEnd.REFUSED), Rang(C1, GUEST, BEN)]
    over = RangOut(C1, GUEST, BEN, RingEnd.TIMED_OUT)
    assert desk.tick(41) == [over, GaveUp(C1, GUEST)]


def test_a_colleague_who_refused_is_not_asked_again() -> None:
    """Somebody who is in a call may still come, and is waited for."""
    desk = desk_of(anna=Profile(), ben=Profile())
    desk.join(Demand(C2), 9)
    desk.accept(ANNA, C2, 9)
    desk.join(Demand(C1, GUEST), 10)
    assert desk.refuse(BEN, C1, 11) == [RangOut(C1, GUEST, BEN, RingEnd.REFUSED)]
    assert desk.tick(30) == []
    desk.wrap_up(ANNA, 20, 31)
    assert desk.set_presence(ANNA, Presence.READY, "", 32) == [Rang(C1, GUEST, ANNA)]


def test_who_passed_it_on_before_comes_last() -> None:
    """Asked anew of more people: others at once, the one who refused after a pause, and nobody twice."""
    desk = desk_of(anna=Profile(), ben=Profile())
    again = Demand(C1, passed=frozenset({ANNA}), goes_on=True)
    assert desk.join(again, 10) == [Rang(C1, AGENT, BEN)]
    assert desk.leave(C1, AGENT, 11) == [RangOut(C1, AGENT, BEN, RingEnd.WITHDRAWN)]
    desk.set_presence(BEN, Presence.BREAK, "lunch", 12)
    assert desk.join(again, 20) == []
    assert desk.tick(24.9) == []
    assert desk.tick(25) == [Rang(C1, AGENT, ANNA)]
    assert desk.refuse(ANNA, C1, 26) == [RangOut(C1, AGENT, ANNA, RingEnd.REFUSED), GaveUp(C1, AGENT)]


def test_an_invited_agent_goes_home() -> None:
    """By name nobody else is asked, whether it rang or not."""
    desk = desk_of(anna=Profile(), ben=Profile())
    desk.join(Demand(C1, GUEST, only=ANNA), 10)
    over = RangOut(C1, GUEST, ANNA, RingEnd.AGENT_LEFT)
    desk.join(Demand(C2, GUEST, only=ANNA), 11)
    assert desk.depart(ANNA, 12) == [over, GaveUp(C1, GUEST), GaveUp(C2, GUEST)]
    assert desk.presence(BEN) is Presence.READY
