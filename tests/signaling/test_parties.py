"""Third parties over real sockets: hold, invitations, private talk, handing over, transfers."""

import asyncio

import pytest

from contract import facts, wire
from contract.errors import MediaError
from contract.ids import AccountId, CallId, new_account_id
from contract.phases import CallPhase, Capture, Outcome, Presence, Role, SeatMode
from tests.signaling.house import Browser, House, open_house, until

HELD = CallPhase.HELD


def leads(state: wire.CallState, console: Browser) -> bool:
    """Whether the person at ``console`` leads."""
    return any(p.account == console.me and p.seat == state.host for p in state.parties)


def here(state: wire.CallState, console: Browser) -> bool | None:
    """Whether the person at ``console`` is present; None for who is no party."""
    return next((party.present for party in state.parties if party.account == console.me), None)


async def alone(house: House) -> None:
    """Wait until nobody but Ben, who comes for that, is at the desk."""
    ben = await house.browser()
    await ben.as_staff("ben")
    async with asyncio.timeout(60):
        others = True
        while others:
            await ben.send(wire.AskColleagues())
            others = bool((await ben.wait(wire.Colleagues)).agents)


# --- hold ---


async def test_the_customer_on_hold_gets_nothing_from_staff(house: House) -> None:
    """Media first, then the word; nothing comes back from the customer either; both end together."""
    page, anna, case = await house.call()
    assert house.heard(page, anna, page) == {"Anna"}
    await anna.send(wire.Hold(True))
    for browser in (page, anna):
        await browser.state(lambda m: m.phase is HELD)
        assert house.heard(page, anna, browser) == set()
    assert await anna.refused(wire.Hold(True)) == "held"
    for browser in (page, anna):
        browser.messages.clear()
    await anna.send(wire.Hold(False))
    for browser in (page, anna):
        await browser.state(lambda m: m.phase is CallPhase.ACTIVE)
    assert house.heard(page, anna, page) == {"Anna"}
    assert await anna.refused(wire.Hold(False)) == "not_held"
    phases = [fact.now for fact in house.facts(case) if isinstance(fact, facts.CallAdvanced)]
    assert phases[-2:] == [HELD, CallPhase.ACTIVE]


async def test_a_hold_that_media_refuses_is_no_hold(house: House) -> None:
    """The agent is told; nobody is shown a hold that does not hold."""
    page, anna, case = await house.call()
    house.media.arrange_error = MediaError("the worker died")
    assert await anna.refused(wire.Hold(True)) == "media"
    house.media.arrange_error = None
    assert "held" not in {str(fact.now) for fact in house.facts(case) if isinstance(fact, facts.CallAdvanced)}
    await anna.send(wire.Chat("still there"))
    await page.fact(facts.ChatSaid)


async def test_only_the_host_holds_and_decides(house: House) -> None:
    """A guest may talk and leave; what leads the conversation is refused and changes nothing."""
    page, anna, case = await house.call()
    ben = await house.ready_agent("ben")
    await house.joined(anna, ben)
    for message in (
        wire.Hold(True), wire.Invite(), wire.Finish(Outcome.FAILED, "checks"), wire.HangUp(),
        wire.CheckIdNumber("1"), wire.MarkStep("card", "passed"),  # type: ignore[arg-type]
    ):  # fmt: skip
        assert await ben.refused(message) == "not_host"
    await ben.send(wire.Chat("我来帮您"))
    await page.fact(facts.ChatSaid)
    assert "AgentDecided" not in house.names(case)


async def test_a_customer_does_not_hold(house: House) -> None:
    """The words of staff from a customer's page break the protocol."""
    page, _, _ = await house.call()
    await page.send(wire.Hold(True))
    await page.closed("protocol", 1002)


# --- invitations ---


async def test_a_colleague_is_invited_by_name(house: House) -> None:
    """The ring says who asks and why; then all three hear and see each other."""
    page, anna, case = await house.call()
    ben = await house.ready_agent("ben")
    await anna.send(wire.Invite(ben.me, note="大额开户"))
    call = house.call_of(anna)
    ring = await house.answer(ben, call)
    assert (ring.role, ring.invited_by, ring.note) == (Role.GUEST, "Anna", "大额开户")
    assert (ring.private, ring.transferred) == (False, False)
    state = await page.state(lambda m: len(m.parties) == 3)
    assert [(party.name, party.slot) for party in state.parties if party.role is not Role.CUSTOMER] == [
        ("Anna", 0), ("Ben", 1),
    ]  # fmt: skip
    assert all(party.account is None for party in state.parties), "accounts are not for customers"
    await until(lambda: "" if house.heard(page, anna, page) == {"Anna", "Ben"} else "both voices")
    assert house.heard(page, anna, anna) == {"customer", "Ben"}
    assert house.heard(page, anna, ben) == {"customer", "Anna"}
    await ben.fact(facts.CaseCreated)
    assert [f.role for f in house.facts(case) if isinstance(f, facts.RingStarted)] == [Role.AGENT, Role.GUEST]


async def test_a_colleague_is_invited_by_skill(house: House) -> None:
    """Nobody without it is rung, however long he has been idle."""
    _, anna, _ = await house.call()
    ben, carl = await house.ready_agent("ben"), await house.ready_agent("carl")
    await anna.send(wire.AskColleagues())
    told = await anna.wait(wire.Colleagues)
    assert [(colleague.name, colleague.skills) for colleague in told.agents] == [
        ("Ben", ()), ("Carl", ("wealth",)),
    ]  # fmt: skip
    assert told.skills == ("wealth",)
    await anna.send(wire.Invite(skill="wealth"))
    ring = await carl.wait(wire.Ring)
    assert ring.skill == "wealth"
    assert not [m for m in ben.messages if isinstance(m, wire.Ring)]
    assert await anna.refused(wire.Invite()) == "inviting"
    await anna.send(wire.WithdrawInvite())
    assert (await carl.wait(wire.RingOver)).how == "withdrawn"
    await carl.wait(wire.PresenceSet, lambda m: m.presence is Presence.READY)


async def test_anybody_may_be_invited(house: House) -> None:
    """A refusal passes the request on; the next one comes."""
    _, anna, _ = await house.call()
    ben = await house.ready_agent("ben")
    await anna.send(wire.Invite())
    await ben.wait(wire.Ring)
    carl = await house.ready_agent("carl")
    call = house.call_of(anna)
    await ben.send(wire.Refuse(call))
    await house.answer(carl, call)
    await anna.state(lambda m: any(party.account == carl.me for party in m.parties))


async def test_an_invitation_that_nobody_takes_is_given_up(house: House) -> None:
    """After a minute the host is told and may ask somebody else."""
    _, anna, _ = await house.call()
    await (await house.browser()).as_staff("ben")
    await anna.send(wire.Invite())
    await anna.state(lambda m: m.inviting == "anybody")
    house.clock.advance(61)
    assert (await anna.wait(wire.Failed)).code == "nobody_answered"
    await anna.state(lambda m: m.inviting == "")


async def test_a_transfer_that_cannot_succeed_is_refused_before_the_host_leaves(house: House) -> None:
    """Nobody signed in, without the skill, or no longer trained: the customer keeps the agent."""
    page, anna, case = await house.call()
    assert await anna.refused(wire.Invite(transfer=True)) == "no_such_agent"
    carl = await house.accounts.account_by_login("carl")
    assert carl is not None
    await house.accounts.set_routing(carl.account, ("wealth",), (), house.clock.now() + 60)
    ben, wise = await house.ready_agent("ben"), await house.ready_agent("carl")
    assert await anna.refused(wire.Invite(ben.me, skill="wealth", transfer=True)) == "not_skilled"
    house.clock.advance(61)
    assert await wise.refused(wire.SetPresence(Presence.READY)) == "training_expired"
    assert await anna.refused(wire.Invite(wise.me, transfer=True)) == "training_expired"
    assert await anna.refused(wire.Invite(skill="wealth", transfer=True)) == "no_such_agent"
    await ben.send(wire.SetPresence(Presence.BREAK, "lunch"))
    await ben.wait(wire.PresenceSet, lambda m: m.presence is Presence.BREAK)
    assert await anna.refused(wire.Invite(ben.me, transfer=True)) == "no_such_agent", "on a break"
    assert await anna.refused(wire.Invite(transfer=True)) == "no_such_agent"
    await anna.send(wire.Chat("noch da"))
    await page.fact(facts.ChatSaid)
    assert "PartyInvited" not in house.names(case)


@pytest.mark.parametrize("who", ["stranger", "rita", "sue", "carl", "anna"])
async def test_nobody_is_invited_who_is_no_colleague_here(house: House, who: str) -> None:
    """An unknown account, another bank's agent, a supervisor, one who is not signed in, oneself."""
    _, anna, case = await house.call()
    rita, sue = await house.ready_agent("rita"), await house.supervisor()
    account = await house.accounts.account_by_login(who)
    target = account.account if account else new_account_id()
    code = await anna.refused(wire.Invite(target))
    assert code == ("wrong_phase" if who == "anna" else "no_such_agent")
    assert await anna.refused(wire.Invite(skill="astrology")) == "no_such_agent"
    assert "PartyInvited" not in house.names(case)
    for console in (rita, sue):
        assert not [m for m in console.messages if isinstance(m, wire.Ring)]


async def test_a_fourth_agent_is_not_seated(house: House) -> None:
    """One guest at a time."""
    _, anna, _ = await house.call()
    await house.joined(anna, await house.ready_agent("ben"))
    assert await anna.refused(wire.Invite()) == "full"


# --- private talk ---


async def test_two_agents_talk_in_private_before_one_is_admitted(house: House) -> None:
    """The customer gets neither of them and learns of nobody; admitted, the guest is a third party."""
    page, anna, case = await house.call()
    ben = await house.ready_agent("ben")
    await house.joined(anna, ben, private=True)
    held = await page.state(lambda m: m.phase is HELD)
    assert [party.role for party in held.parties] == [Role.CUSTOMER, Role.AGENT]
    assert house.heard(page, anna, page) == set()
    assert house.heard(page, anna, anna) == {"Ben"}
    assert house.heard(page, anna, ben) == {"Anna"}
    assert not {"PartyJoined"} & {m.entry.name for m in page.messages if isinstance(m, wire.FactNoted)
                                  if "Ben" in repr(m.entry.fact)}  # fmt: skip

    await anna.send(wire.Admit())
    both = await page.state(lambda m: len(m.parties) == 3 and m.phase is CallPhase.ACTIVE)
    assert both.phase is CallPhase.ACTIVE
    assert house.heard(page, anna, page) == {"Anna", "Ben"}
    await house.noted(case, facts.SeatModeChanged)


async def test_a_private_guest_who_leaves_was_never_there_for_the_customer(house: House) -> None:
    """The hold stays until the host ends it; the guest is in wrap-up and sees nothing more."""
    page, anna, case = await house.call()
    ben = await house.ready_agent("ben")
    await house.joined(anna, ben, private=True)
    await page.state(lambda m: m.phase is HELD)
    await ben.send(wire.Leave())
    await ben.wait(wire.PresenceSet, lambda m: m.presence is Presence.WRAP_UP)
    await house.noted(case, facts.ObserverLeft)
    anna.messages.clear()
    await anna.send(wire.Hold(False))
    await anna.state(lambda m: m.phase is CallPhase.ACTIVE)
    ben.messages.clear()
    await anna.send(wire.Chat("wieder da"))
    await page.fact(facts.ChatSaid)
    assert "Ben" not in repr([m for m in page.messages if isinstance(m, wire.FactNoted | wire.CallState)])
    assert not [m for m in ben.messages if isinstance(m, wire.FactNoted)]
    assert await ben.refused(wire.Chat("x")) == "wrong_phase"


# --- handing over ---


async def test_the_host_hands_over_and_the_call_goes_on(house: House) -> None:
    """Media of the other two is not touched; the new host decides, the old one takes the next customer."""
    page, anna, case = await house.call()
    ben = await house.ready_agent("ben")
    assert await anna.refused(wire.Leave()) == "nobody_left"
    call = await house.joined(anna, ben)
    tracks = house.media.calls[call].tracks
    await until(lambda: "" if [len(kept) for kept in tracks.values()] == [2, 2, 2] else "all tracks")
    before = dict(tracks)
    await anna.send(wire.Leave())
    await anna.wait(wire.PresenceSet, lambda m: m.presence is Presence.WRAP_UP)
    await ben.state(lambda m: leads(m, ben))
    await until(lambda: "" if house.heard(page, ben, page) == {"Ben"} else "the new host's voice")
    await until(lambda: "" if len(tracks) == 2 else "the end of the first agent's tracks")
    assert tracks.items() <= before.items(), "a track that went on was begun anew"

    await anna.send(wire.SetPresence(Presence.READY))
    await anna.wait(wire.PresenceSet, lambda m: m.presence is Presence.READY)
    _, second = await house.queued()
    assert (await anna.wait(wire.Ring)).call == second
    await house.finish(ben, Outcome.FAILED)
    decided = await house.noted(case, facts.AgentDecided)
    assert decided.agent == ben.me  # type: ignore[attr-defined]
    changed = await house.noted(case, facts.HostChanged)
    assert (changed.was, changed.now) == (anna.me, ben.me)  # type: ignore[attr-defined]


async def test_a_lost_host_is_followed_by_the_guest(house: House) -> None:
    """The call does not end with one of two agents."""
    page, anna, _ = await house.call()
    ben = await house.ready_agent("ben")
    await house.joined(anna, ben)
    await anna.drop()
    await page.state(lambda m: any(not party.present for party in m.parties))
    house.clock.advance(21)
    await ben.state(lambda m: leads(m, ben) and m.phase is CallPhase.ACTIVE)
    back = await anna.as_staff("anna")
    assert back.call is None


async def test_a_cold_transfer_holds_the_customer_until_the_next_one_is_there(house: House) -> None:
    """The first agent is free at once; the second is told the note and leads."""
    page, anna, case = await house.call()
    ben = await house.ready_agent("ben")
    call = house.call_of(anna)
    await anna.send(wire.Invite(ben.me, transfer=True, note="请继续"))
    await anna.wait(wire.PresenceSet, lambda m: m.presence is Presence.WRAP_UP)
    await page.state(lambda m: m.phase is HELD and m.host is None)
    ring = await house.answer(ben, call)
    assert (ring.role, ring.transferred, ring.note) == (Role.AGENT, True, "请继续")
    await page.state(lambda m: m.phase is CallPhase.ACTIVE and m.peer == "Ben")
    await until(lambda: "" if house.heard(page, ben, page) == {"Ben"} else "the next agent's voice")
    await house.finish(ben, Outcome.FAILED)
    await house.noted(case, facts.MergeQueued)


async def test_a_transfer_that_nobody_takes_gives_the_customer_back(house: House) -> None:
    """One refusal is not the end; after two minutes the customer queues again, and all is one record."""
    page, anna, case = await house.call()
    ben = await house.ready_agent("ben")
    await anna.send(wire.Invite(ben.me, transfer=True))
    first = (await ben.wait(wire.Ring)).call
    await ben.send(wire.Refuse(first))
    await ben.wait(wire.RingOver)
    house.clock.advance(6)
    await ben.wait(wire.Ring)
    await ben.send(wire.Refuse(first))
    await ben.wait(wire.RingOver)
    await ben.send(wire.SetPresence(Presence.BREAK, "lunch"))
    await page.state(lambda m: m.phase is HELD)
    house.clock.advance(115)
    await page.state(lambda m: m.reason == "transfer_failed")
    await house.noted(case, facts.CaseAdvanced, "PRE_CALL")
    await anna.send(wire.SetPresence(Presence.READY))
    await anna.wait(wire.PresenceSet, lambda m: m.presence is Presence.READY)
    await page.send(wire.JoinQueue())
    second = await anna.wait(wire.Ring)
    assert second.call != first
    await page.send(wire.LeaveQueue())
    await anna.wait(wire.RingOver)
    assert "MergeQueued" not in house.names(case)
    await page.send(wire.RequestCallback("12345678", "morgen"))
    await house.noted(case, facts.MergeQueued)
    assert house.names(case).count("MergeQueued") == 1


async def test_a_guest_who_returns_finds_seat_and_script(house: House) -> None:
    """A reloaded console is in the call as before."""
    _, anna, _ = await house.call()
    ben = await house.ready_agent("ben")
    call = await house.joined(anna, ben)
    await ben.drop()
    await anna.state(lambda m: here(m, ben) is False)
    ben.messages.clear()
    back = await ben.as_staff("ben")
    assert (back.call, back.account) == (call, ben.me)
    await ben.state(lambda m: m.seat == back.seat)
    await ben.wait(wire.Script)
    await anna.state(lambda m: here(m, ben) is True)


# --- capture, wrap-up ---


async def test_a_camera_that_goes_off_is_told_and_locks_the_checks(house: House) -> None:
    """Both sides see it at once; what needs the picture is refused until it is back."""
    page, anna, case = await house.call()
    call = house.call_of(anna)
    await page.send(wire.CaptureState(call, Capture.ON, Capture.OFF))
    off = await anna.state(lambda m: Capture.OFF in {party.camera for party in m.parties})
    assert not off.kyc_unlocked
    assert [party.role for party in off.parties if party.camera is Capture.OFF] == [Role.CUSTOMER]
    assert await anna.refused(wire.CheckIdNumber("1")) == "kyc_locked"
    await house.noted(case, facts.CaptureChanged)
    await page.send(wire.CaptureState(call, Capture.ON, Capture.ON))
    await anna.state(lambda m: m.kyc_unlocked)


async def test_a_flood_of_switching_ends_in_the_newest_state(house: House) -> None:
    """Five changes at once, then one a second: what comes too soon waits, and the last word holds."""
    page, anna, case = await house.call()
    call = house.call_of(anna)
    for state in [Capture.OFF, Capture.ON] * 20 + [Capture.STILLS]:
        await page.send(wire.CaptureState(call, Capture.ON, state))
    await page.send(wire.Chat("fertig"))
    await anna.fact(facts.ChatSaid)
    assert house.names(case).count("CaptureChanged") == 5
    house.clock.advance(1)
    await house.noted(case, facts.CaptureChanged, "stills")
    assert house.names(case).count("CaptureChanged") == 6


async def test_the_wrap_up_form_may_come_while_in_wrap_up(house: House) -> None:
    """After the result, when the call is closed already; not once the agent is ready again."""
    _, anna, case = await house.call()
    await house.finish(anna, Outcome.FAILED)
    await house.noted(case, facts.MergeQueued)
    house.clock.advance(7)
    await anna.send(wire.WrapUp(("complaint",), "call_back", "will zurückgerufen werden"))
    noted = await house.noted(case, facts.WrapUpNoted)
    assert noted.seconds == 7  # type: ignore[attr-defined]
    await anna.send(wire.SetPresence(Presence.READY))
    await anna.wait(wire.PresenceSet, lambda m: m.presence is Presence.READY)
    assert await anna.refused(wire.WrapUp()) == "wrong_phase"


async def test_who_left_the_call_writes_about_it_too(house: House) -> None:
    """The old host and the guest have a form of their own while the call goes on without them."""
    _, anna, case = await house.call()
    ben = await house.ready_agent("ben")
    await house.joined(anna, ben)
    await anna.send(wire.Leave())
    await anna.wait(wire.PresenceSet, lambda m: m.presence is Presence.WRAP_UP)
    house.clock.advance(5)
    await anna.send(wire.WrapUp(("complaint",), "", "übergeben"))
    noted = await house.noted(case, facts.WrapUpNoted)
    assert (noted.agent, noted.seconds) == (anna.me, 5)  # type: ignore[attr-defined]
    assert await anna.refused(wire.WrapUp(("nonsense",))) == "unknown_answer"
    await house.finish(ben, Outcome.FAILED)
    await house.noted(case, facts.MergeQueued)
    await anna.send(wire.WrapUp(("complaint",), "", "nachgetragen"))
    await house.noted(case, facts.WrapUpNoted, "nachgetragen")


async def test_a_console_that_reloads_in_wrap_up_is_in_wrap_up() -> None:
    """With its form; who stays away is gone, and is not rung meanwhile."""
    async with open_house(desk_wrap_up_s=100.0) as house:
        _, anna, case = await house.call()
        await house.finish(anna, Outcome.FAILED)
        await house.noted(case, facts.MergeQueued)
        for away_s in (15, 19):
            await anna.drop()
            anna.messages.clear()
            house.clock.advance(away_s)
            await anna.as_staff("anna")
            assert (await anna.wait(wire.PresenceSet)).presence is Presence.WRAP_UP
        await anna.send(wire.WrapUp(("complaint",)))
        await house.noted(case, facts.WrapUpNoted)
        await anna.drop()
        house.clock.advance(21)
        await alone(house)
        anna.messages.clear()
        await anna.as_staff("anna")
        assert (await anna.wait(wire.PresenceSet)).presence is Presence.BREAK


async def test_wrap_up_that_ends_while_the_console_reloads_rings_nowhere() -> None:
    """The agent is ready when back, and the customer rings then."""
    async with open_house(desk_wrap_up_s=10.0) as house:
        _, anna, case = await house.call()
        await house.finish(anna, Outcome.FAILED)
        await house.noted(case, facts.MergeQueued)
        await anna.drop()
        _, second = await house.queued()
        house.clock.advance(12)
        await alone(house)
        anna.messages.clear()
        await anna.as_staff("anna")
        assert (await anna.wait(wire.Ring)).call == second


async def test_a_form_may_be_sent_twenty_times(house: House) -> None:
    """And no more: each is a line of the journal."""
    _, anna, case = await house.call()
    for _ in range(10):
        await anna.send(wire.WrapUp(("complaint",)))
    await house.finish(anna, Outcome.FAILED)
    await anna.wait(wire.PresenceSet, lambda m: m.presence is Presence.WRAP_UP)
    for _ in range(10):
        await anna.send(wire.WrapUp(("complaint",)))
    assert await anna.refused(wire.WrapUp()) == "busy"
    await house.noted(case, facts.MergeQueued)
    assert house.names(case).count("WrapUpNoted") == 20


async def test_wrap_up_ends_by_time_but_not_before_the_result() -> None:
    """The next customer rings at an agent who owes nothing."""
    async with open_house(desk_wrap_up_s=60.0) as house:
        page, anna, _ = await house.call()
        await page.send(wire.HangUp())
        told = await anna.wait(wire.PresenceSet, lambda m: m.presence is Presence.WRAP_UP)
        house.clock.advance(61)
        _, second = await house.queued()
        assert not [m for m in anna.messages if isinstance(m, wire.Ring)]
        await house.finish(anna, Outcome.INCOMPLETE)
        assert told.reason == ""
        house.clock.advance(61)
        assert (await anna.wait(wire.Ring)).call == second


async def test_ids_of_nobody_change_nothing(house: House) -> None:
    """Accepting what does not ring, offering for another call."""
    _, anna, _ = await house.call()
    ben = await house.ready_agent("ben")
    call = house.call_of(anna)
    assert await ben.refused(wire.Accept(call)) == "ring_over"
    assert await ben.refused(wire.Offer(call, "v=0")) == "wrong_phase"
    assert await anna.refused(wire.Offer(CallId("call-0000000000000000"), "v=0")) == "not_found"
    assert await anna.refused(wire.Invite(AccountId("acct-0000000000000000"))) == "no_such_agent"
    assert SeatMode.TALKING in {party.mode for party in (await _state(anna)).parties}


async def _state(console: Browser) -> wire.CallState:
    await console.send(wire.Hold(True))
    return await console.state(lambda m: m.phase is HELD)
