"""A policy that wants a fresh call for who was dropped: the call, the desk, and the whole way."""

import pytest

from contract import facts, wire
from contract.ids import AccountId
from contract.phases import (
    CallEnd,
    CallPhase,
    CaseEnd,
    CasePhase,
    Outcome,
    Presence,
    RingEnd,
    Role,
    SeatMode,
)
from contract.ports import Party
from signaling import effects as fx
from signaling.desk import Demand, GaveUp, RangOut
from tests.signaling.house import Browser, open_house
from tests.signaling.played import AGENT, ANNA, BERT, CALL, CUSTOMER, GUEST, SUE, Played
from tests.signaling.test_desk import BEN, C1, C2, RULES, desk_with, rang

DESK_ANNA = AccountId("acct-anna")


def dropped_and_back(played: Played, who: Party = CUSTOMER) -> Played:
    played.call.dropped(who.seat, played.after(5))
    played.call.returned(who.seat, played.after(10))
    return played


# --- the call ---


def test_a_customer_who_is_back_ends_the_broken_call() -> None:
    """The return stands in the journal, then the end by its own name; nobody owes a result."""
    played = dropped_and_back(Played(fresh_call=True).active())
    assert len(played.facts(facts.PartyReturned)) == 1
    ended = played.facts(facts.CallEnded)[-1]
    assert (ended.reason, ended.seconds) == (CallEnd.INTERRUPTED, 15.0)
    advanced = played.facts(facts.CaseAdvanced)[-1]
    assert (advanced.was, advanced.now, advanced.reason) == (CasePhase.IN_CALL, CasePhase.PRE_CALL, None)
    assert not played.call.undecided
    assert not played.call.owes(ANNA)
    assert [(free.agent, free.wraps_up) for free in played.all(fx.FreeAgent)] == [(ANNA, False)]
    for who in (CUSTOMER, AGENT):
        assert (played.seen(who).phase, played.seen(who).reason) == (CallPhase.ENDED, "interrupted")
    played.call.wound_up()
    assert played.call.closed
    assert not played.all(fx.QueueMerge)


def test_lost_media_breaks_the_call_as_well() -> None:
    """With the socket in place the customer is back as soon as sound and picture are."""
    played = Played(fresh_call=True).active()
    played.note(facts.MediaLost(CALL, CUSTOMER.seat, "ice"))
    assert played.phase() is CallPhase.RECONNECTING
    played.note(facts.MediaConnected(CALL, CUSTOMER.seat))
    assert played.call.reason is CallEnd.INTERRUPTED


def test_a_page_that_is_back_need_not_bring_its_media() -> None:
    """Socket and media were lost: the fresh call has connections of its own."""
    played = Played(fresh_call=True).active()
    played.note(facts.MediaLost(CALL, CUSTOMER.seat, "closed"))
    assert dropped_and_back(played).call.reason is CallEnd.INTERRUPTED


def test_who_does_not_come_back_is_lost_under_either_policy() -> None:
    """After the grace the case is closed."""
    played = Played(fresh_call=True).active()
    played.call.dropped(CUSTOMER.seat, played.time)
    played.call.tick(played.after(20))
    assert played.facts(facts.CallEnded)[-1].reason is CallEnd.CUSTOMER_LOST
    assert played.facts(facts.CaseAdvanced)[-1].reason is CaseEnd.CUSTOMER_LEFT


def test_an_agent_who_is_back_goes_on() -> None:
    """Only the customer's interruption counts; so does a guest's not."""
    played = dropped_and_back(Played(fresh_call=True).active(), AGENT)
    assert played.phase() is CallPhase.ACTIVE
    played = dropped_and_back(Played(fresh_call=True).three(), GUEST)
    assert played.phase() is CallPhase.ACTIVE


def test_what_had_not_begun_is_not_broken() -> None:
    """A customer who blinks while it connects, or waits on hold for nobody yet, has the same call."""
    played = dropped_and_back(Played(fresh_call=True).connecting())
    assert played.phase() is CallPhase.CONNECTING
    played = Played(fresh_call=True).active().settle()
    played.got(AGENT, wire.Invite(transfer=True))
    assert dropped_and_back(played.settle()).phase() is CallPhase.HELD


@pytest.mark.parametrize("private", [True, False])
def test_everybody_of_the_broken_call_is_free(private: bool) -> None:
    """A hold, a guest and an invitation do not keep the call."""
    played = dropped_and_back(Played(fresh_call=True).three(private=private))
    assert played.call.reason is CallEnd.INTERRUPTED
    assert {free.agent for free in played.all(fx.FreeAgent) if not free.wraps_up} == {ANNA, BERT}
    played = Played(fresh_call=True).active().settle()
    played.got(AGENT, wire.Invite())
    played.call.rang(GUEST, played.time)
    dropped_and_back(played)
    assert played.facts(facts.RingEnded)[-1].how is RingEnd.WITHDRAWN
    assert [unwanted.role for unwanted in played.all(fx.Unsummon)] == [Role.GUEST]


def test_a_watching_supervisor_hears_of_the_end() -> None:
    """His screen is told like any other."""
    played = dropped_and_back(Played(fresh_call=True).watched(SeatMode.MONITOR))
    told = played.sent(SUE, wire.CallState)[-1]
    assert isinstance(told, wire.CallState)
    assert told.reason == "interrupted"


# --- the desk ---


def test_the_agent_is_kept_for_one_ring() -> None:
    """Others wait or ring elsewhere; who asks for him by name gets him at once."""
    desk = desk_with(DESK_ANNA)
    desk.join(Demand(C1), 10)
    desk.accept(DESK_ANNA, C1, 11)
    desk.join(Demand(C2), 12)
    assert desk.break_off(DESK_ANNA, 20, keep=True) == []
    assert desk.presence(DESK_ANNA) is Presence.READY
    again = Demand(C1, only=DESK_ANNA)
    assert desk.join(again, 25) == [rang(C1, DESK_ANNA)]


def test_an_agent_whom_nobody_asks_for_is_free_after_the_time_of_a_ring() -> None:
    """The customer did not come back in time: the row goes on."""
    desk = desk_with(DESK_ANNA)
    desk.join(Demand(C1), 10)
    desk.accept(DESK_ANNA, C1, 11)
    desk.join(Demand(C2), 12)
    desk.break_off(DESK_ANNA, 20, keep=True)
    assert desk.tick(20 + RULES.ring_s - 0.1) == []
    assert desk.tick(20 + RULES.ring_s) == [rang(C2, DESK_ANNA)]


def test_whoever_is_not_kept_is_rung_at_once() -> None:
    """A guest of a broken call is an agent like all others."""
    desk = desk_with(DESK_ANNA)
    desk.join(Demand(C1), 10)
    desk.accept(DESK_ANNA, C1, 11)
    desk.join(Demand(C2), 12)
    assert desk.break_off(DESK_ANNA, 20, keep=False) == [rang(C2, DESK_ANNA)]
    assert desk.break_off(DESK_ANNA, 21, keep=False) == []
    assert desk.break_off(BEN, 21, keep=True) == []


def test_an_agent_who_refuses_the_customer_is_kept_no_longer() -> None:
    """He goes to all, before all others; the agent to the next."""
    desk = desk_with(DESK_ANNA)
    desk.join(Demand(C1), 10)
    desk.accept(DESK_ANNA, C1, 11)
    desk.join(Demand(C2), 12)
    desk.break_off(DESK_ANNA, 20, keep=True)
    desk.join(Demand(C1, only=DESK_ANNA), 21)
    desk.move_up(C1, 21)
    over = desk.refuse(DESK_ANNA, C1, 22)
    assert not [event for event in over if isinstance(event, GaveUp)]
    assert [event for event in over if not isinstance(event, RangOut)] == [rang(C2, DESK_ANNA)]
    assert [row.demand.call for row in desk.queue(23)] == [C1, C2]


# --- the house ---


async def interrupted(page: Browser) -> None:
    """Let the customer's page lose its socket and come back; wait for the end of the call."""
    assert page.welcome is not None
    await page.drop()
    page.welcome = await page.hello(resume=page.welcome.resume)
    await page.state(lambda m: m.reason == "interrupted")


async def test_the_same_agent_is_rung_for_a_fresh_call() -> None:
    """Before another customer who waits; both calls stand in the journal, and make one record."""
    async with open_house(fresh_call=True) as house:
        page, anna, case = await house.call()
        _, waiting = await house.queued()
        first = house.call_of(anna)
        await page.drop()
        await anna.state(lambda m: m.phase is CallPhase.RECONNECTING)
        assert page.welcome is not None
        await page.hello(resume=page.welcome.resume)
        for browser in (page, anna):
            await browser.state(lambda m: m.phase is CallPhase.ENDED and m.reason == "interrupted")
        await anna.wait(wire.PresenceSet, lambda m: m.presence is Presence.READY)
        assert await anna.refused(wire.WrapUp()) == "wrong_phase"
        await page.send(wire.JoinQueue())
        place = await page.wait(wire.QueuePosition)
        assert place.position == 1
        ring = await house.answer(anna, place.call)
        assert (ring.case, ring.call) == (case, place.call)
        assert ring.call not in (first, waiting)
        await page.send(wire.Offer(place.call, "v=0 customer"))
        await page.state(lambda m: m.call == place.call and m.phase is CallPhase.ACTIVE)
        await house.finish(anna, Outcome.FAILED)
        await house.noted(case, facts.MergeQueued)
        ends = [fact.reason for fact in house.facts(case) if isinstance(fact, facts.CallEnded)]
        assert ends == [CallEnd.INTERRUPTED, CallEnd.AGENT_HUNG_UP]
        assert house.names(case).count("MergeQueued") == 1


async def test_an_agent_who_left_is_not_waited_for() -> None:
    """The customer goes before all others to whoever is there."""
    async with open_house(fresh_call=True) as house:
        page, anna, case = await house.call()
        await interrupted(page)
        await anna.wait(wire.PresenceSet, lambda m: m.presence is Presence.READY)
        await anna.send(wire.SetPresence(Presence.BREAK, "meal"))
        await anna.wait(wire.PresenceSet, lambda m: m.presence is Presence.BREAK)
        await house.queued()
        await page.send(wire.JoinQueue())
        assert (await page.wait(wire.QueuePosition)).position == 1
        ben = await house.ready_agent("ben")
        assert (await ben.wait(wire.Ring)).case == case
