"""Supervisors over real sockets: the wallboard, silent seats, whispers, taking over, moving customers."""

from collections.abc import Callable
from typing import Any

import pytest

from contract import facts, wire
from contract.ids import CaseId
from contract.phases import CallPhase, Outcome, Presence, Role, SeatMode
from tests.signaling.house import Browser, House, until


async def watching(house: House) -> tuple[Browser, Browser, Browser, CaseId]:
    """A call with a supervisor's silent seat in it, her connection up."""
    page, anna, case = await house.call()
    sue = await house.supervisor()
    call = house.call_of(anna)
    await sue.send(wire.Watch(call))
    await sue.state(lambda m: m.seat is not None)
    await sue.send(wire.Offer(call, "v=0 sue"))
    await sue.wait(wire.Answer)
    await until(lambda: "" if house.heard(page, anna, sue) else "what the supervisor hears")
    return page, anna, sue, case


async def acted(house: House, case: CaseId, action: str) -> Any:
    return await house.noted(case, facts.SupervisorActed, action)


async def board(house: House, console: Browser, fits: Callable[[wire.Wallboard], bool]) -> wire.Wallboard:
    """Let second after second pass until the wallboard shows what is waited for."""
    for _ in range(200):
        house.clock.advance(1)
        shown = await console.wait(wire.Wallboard)
        if fits(shown):
            return shown
    raise AssertionError("the wallboard does not show it")


def told(page: Browser) -> str:
    """Everything that a page was told, as text."""
    return repr([m for m in page.messages if isinstance(m, wire.FactNoted | wire.CallState)])


# --- the wallboard ---


async def test_a_supervisor_sees_the_desk_from_the_welcome_on(house: House) -> None:
    """Who waits, who talks, who is there; and nothing of another bank."""
    page, anna, case = await house.call()
    house.clock.advance(5)
    waiting, second = await house.queued()
    sue, rolf = await house.supervisor(), await house.supervisor("rolf")
    first = await sue.wait(wire.Wallboard)
    assert (first.waiting, first.in_call, first.answered, first.abandoned) == (1, 1, 1, 0)
    assert [row.call for row in first.queue] == [second]
    (row,) = first.calls
    assert (row.case, row.host, row.phase, row.parties, row.active_s) == (
        case, anna.me, CallPhase.ACTIVE, 2, 5,
    )  # fmt: skip
    (agent,) = first.agents
    assert (agent.account, agent.presence, agent.call) == (anna.me, Presence.BUSY, row.call)
    assert "nobody_ready" in first.alarms
    foreign = await rolf.wait(wire.Wallboard)
    assert (foreign.waiting, foreign.in_call, foreign.agents, foreign.queue) == (0, 0, (), ())

    await waiting.send(wire.LeaveQueue())
    await board(house, sue, lambda m: m.waiting == 0 and m.abandoned == 1)
    await page.send(wire.HangUp())
    await board(house, sue, lambda m: m.in_call == 0 and m.handle_s is not None)


async def test_the_wallboard_comes_once_a_second_and_not_more_often(house: House) -> None:
    """Whatever happens meanwhile."""
    sue = await house.supervisor()
    await sue.wait(wire.Wallboard)
    for _ in range(3):
        page, _ = await house.queued()
        await page.send(wire.LeaveQueue())
    assert not [m for m in sue.messages if isinstance(m, wire.Wallboard)]
    house.clock.advance(1.0)
    await sue.wait(wire.Wallboard)


# --- in a call ---


async def test_the_customer_does_not_learn_of_a_monitor(house: House) -> None:
    """She hears and sees all, publishes nothing, and no message to the phone tells of her."""
    page, anna, sue, case = await watching(house)
    assert house.heard(page, anna, sue) == {"customer", "Anna"}
    assert house.heard(page, anna, page) == {"Anna"}
    assert house.heard(page, anna, anna) == {"customer"}
    routes = house.media.calls[house.call_of(anna)].routes
    mine = next(party.seat for party in _parties(house, anna) if party.account == sue.me)
    assert not routes[mine].publishes
    await sue.fact(facts.CaseCreated)
    await sue.wait(wire.Script)
    joined = await house.noted(case, facts.ObserverJoined)
    assert joined.mode is SeatMode.MONITOR  # type: ignore[attr-defined]
    assert "Sue" in told(anna), "the agent may know"
    await anna.send(wire.Chat("您好"))
    await page.fact(facts.ChatSaid)
    assert "Sue" not in told(page)
    assert sue.me not in told(page)
    for message in (wire.Chat("hallo"), wire.Hold(True), wire.Finish(Outcome.FAILED, "checks")):
        assert await sue.refused(message) in {"wrong_phase", "not_host"}


def _parties(house: House, console: Browser) -> list[Any]:
    return list(house.media.calls[house.call_of(console)].parties.values())


async def test_a_whisper_reaches_staff_only(house: House) -> None:
    """And is not recorded; talking, she is a third party for all."""
    page, anna, sue, case = await watching(house)
    call = house.media.calls[house.call_of(anna)]
    await sue.send(wire.SetMode(SeatMode.WHISPER))
    await until(lambda: "" if house.heard(page, anna, anna) == {"customer", "Sue"} else "the whisper")
    assert house.heard(page, anna, page) == {"Anna"}
    seat = next(party.seat for party in _parties(house, anna) if party.account == sue.me)
    assert not call.routes[seat].recorded
    assert "Sue" not in told(page)
    await sue.send(wire.SetMode(SeatMode.TALKING))
    await page.state(lambda m: any(party.role is Role.SUPERVISOR for party in m.parties))
    await until(lambda: "" if house.heard(page, anna, page) == {"Anna", "Sue"} else "the third party")
    assert call.routes[seat].recorded
    modes = [f.now for f in house.facts(case) if isinstance(f, facts.SeatModeChanged)]
    assert modes == [SeatMode.WHISPER, SeatMode.TALKING]
    assert await sue.refused(wire.SetMode(SeatMode.PRIVATE)) == "wrong_phase"


async def test_who_takes_over_leads_and_owes_the_result(house: House) -> None:
    """The agent is free for the next customer, and no longer in the call."""
    page, anna, sue, case = await watching(house)
    await sue.send(wire.TakeOver())
    await anna.wait(wire.PresenceSet, lambda m: m.presence is Presence.WRAP_UP)
    await page.state(lambda m: m.peer == "Sue")
    assert (await acted(house, case, "took_over")).supervisor == sue.me
    assert await anna.refused(wire.Chat("x")) == "wrong_phase"
    await anna.send(wire.SetPresence(Presence.READY))
    await anna.wait(wire.PresenceSet, lambda m: m.presence is Presence.READY)
    await page.send(wire.HangUp())
    await sue.state(lambda m: m.reason == "customer_hung_up")
    assert house.jobs.kinds(case) == []
    await sue.send(wire.Finish(Outcome.INCOMPLETE, "customer_left"))
    decided = await house.noted(case, facts.AgentDecided)
    assert decided.agent == sue.me  # type: ignore[attr-defined]
    await house.noted(case, facts.MergeQueued)
    await sue.send(wire.WrapUp(("complaint",)))
    await house.noted(case, facts.WrapUpNoted)
    house.clock.advance(house.settings.wrap_up_s + 1)
    assert await sue.refused(wire.WrapUp()) == "wrong_phase"
    _, second = await house.queued()
    await house.answer(anna, second)
    await anna.state(lambda m: m.call == second and m.phase is CallPhase.ACTIVE)
    await sue.send(wire.Watch(second))
    await sue.state(lambda m: m.call == second)


async def test_a_supervisor_leaves_and_sees_no_more(house: House) -> None:
    """Another call can be watched then; the one that was left goes on as if nothing had been."""
    page, anna, sue, case = await watching(house)
    assert await sue.refused(wire.Watch(house.call_of(anna))) == "wrong_phase"
    await sue.send(wire.Leave())
    await house.noted(case, facts.ObserverLeft)
    sue.messages.clear()
    await anna.send(wire.Chat("weiter"))
    await page.fact(facts.ChatSaid)
    assert not [m for m in sue.messages if isinstance(m, wire.FactNoted)]
    await sue.send(wire.Watch(house.call_of(anna)))
    await sue.state(lambda m: m.seat is not None)


async def test_a_supervisor_who_returns_is_in_her_seat(house: House) -> None:
    """A reloaded wallboard finds the call again; a lost one leaves it after the time of grace."""
    page, anna, sue, case = await watching(house)
    before = told(page)
    await sue.drop()
    back = await sue.as_staff("sue")
    assert (back.role, back.call) == (Role.SUPERVISOR, house.call_of(anna))
    await sue.drop()
    await until(lambda: "" if _lost(house, sue) else "the lost line")
    house.clock.advance(21)
    await house.noted(case, facts.ObserverLeft)
    assert told(page) == before


def _lost(house: House, console: Browser) -> bool:
    return house.signaling._front._floor._hall.staff[console.me].line is None


async def test_a_call_is_ended_by_force(house: House) -> None:
    """Named so on every screen; the agent still owes the result."""
    page, anna, case = await house.call()
    sue = await house.supervisor()
    await sue.send(wire.ForceEnd(house.call_of(anna), "诈骗嫌疑"))
    for browser in (page, anna):
        await browser.state(lambda m: m.reason == "supervisor_ended")
    assert (await acted(house, case, "force_ended")).pii_reason == "诈骗嫌疑"
    await house.finish(anna, Outcome.FAILED)
    await house.noted(case, facts.MergeQueued)


# --- the queue ---


async def test_a_customer_is_moved_up(house: House) -> None:
    """He is first from then on; the journal says who did it."""
    first, _ = await house.queued()
    second, call = await house.queued()
    sue = await house.supervisor()
    await sue.send(wire.MoveUp(call))
    await second.wait(wire.QueuePosition, lambda m: m.position == 1)
    await first.wait(wire.QueuePosition, lambda m: m.position == 2)
    assert second.welcome is not None and second.welcome.case is not None
    assert (await acted(house, second.welcome.case, "moved_up")).supervisor == sue.me
    anna = await house.ready_agent()
    assert (await anna.wait(wire.Ring)).call == call


async def test_a_customer_is_given_to_one_agent(house: House) -> None:
    """However long another is idle; not to one on a break."""
    ben = await house.ready_agent("ben")
    _, first = await house.queued()
    await house.answer(ben, first)
    await ben.state(lambda m: m.phase is CallPhase.ACTIVE)
    page, call = await house.queued()
    sue, carl = await house.supervisor(), await house.browser()
    await carl.as_staff("carl")
    assert await sue.refused(wire.Reassign(call, carl.me)) == "not_ready"
    await sue.send(wire.Reassign(call, ben.me))
    assert page.welcome is not None and page.welcome.case is not None
    assert (await acted(house, page.welcome.case, "reassigned")).target == ben.me
    anna = await house.ready_agent()
    given = await board(house, sue, lambda m: bool(m.queue) and m.queue[0].only == ben.me)
    assert given.queue[0].ringing is None
    await house.finish(ben, Outcome.FAILED)
    await ben.send(wire.SetPresence(Presence.READY))
    assert (await ben.wait(wire.Ring)).call == call
    assert not [m for m in anna.messages if isinstance(m, wire.Ring)]


# --- rights ---


@pytest.mark.parametrize("kind", [wire.Watch, wire.MoveUp, wire.ForceEnd, wire.Reassign])
async def test_another_bank_is_not_there(house: House, kind: Any) -> None:
    """A foreign supervisor's words about our calls are answered like words about no call."""
    page, anna, case = await house.call()
    _, waiting = await house.queued()
    rolf = await house.supervisor("rolf")
    before = house.names(case)
    extra = {wire.ForceEnd: ("because",), wire.Reassign: (None,)}.get(kind, ())
    for call in (house.call_of(anna), waiting, "call-0000000000000000"):
        assert await rolf.refused(kind(call, *extra)) == "not_found"
    assert house.names(case) == before
    await anna.send(wire.Chat("ungestört"))
    await page.fact(facts.ChatSaid)


async def test_a_customer_is_given_to_no_stranger(house: House) -> None:
    """Another bank's agent is none of ours."""
    rita = await house.ready_agent("rita")
    _, call = await house.queued()
    sue = await house.supervisor()
    assert await sue.refused(wire.Reassign(call, rita.me)) == "no_such_agent"
    assert await sue.refused(wire.Reassign(call, sue.me)) == "no_such_agent"
    assert not [m for m in rita.messages if isinstance(m, wire.Ring)]


@pytest.mark.parametrize("message", [wire.SetMode(SeatMode.TALKING), wire.TakeOver()])
async def test_an_agent_has_no_supervisors_words(house: House, message: wire.Message) -> None:
    """Nor has a supervisor an agent's: who says them breaks the protocol."""
    _, anna, _ = await house.call()
    await anna.send(message)
    await anna.closed("protocol", 1002)
    sue = await house.supervisor()
    await sue.send(wire.SetPresence(Presence.READY))
    await sue.closed("protocol", 1002)


async def test_a_supervisor_is_not_rung(house: House) -> None:
    """No seat at the desk: nobody counts her, nobody invites her."""
    sue = await house.supervisor()
    _, call = await house.queued()
    shown = await board(house, sue, lambda m: m.waiting == 1)
    assert shown.agents == ()
    assert not [m for m in sue.messages if isinstance(m, wire.Ring)]
    assert await sue.refused(wire.Watch(call)) == "wrong_phase", "nobody has answered yet"
