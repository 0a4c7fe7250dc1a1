"""What happens to people when their case's journal takes no facts for a while."""

import asyncio
from typing import Any

from contract import facts, wire
from contract.errors import StorageError
from contract.facts import Fact
from contract.ids import CaseId
from contract.phases import CasePhase, Outcome
from tests.signaling.house import House, until


def hurry(house: House) -> None:
    """Make the pauses between tries short; their number stays."""
    house.signaling._front._commands._pauses_s = (0.01,) * 5


async def test_a_consent_that_is_not_on_disk_lets_nobody_in(house: House) -> None:
    """The line is ended as our fault; nothing is opened before the consent is in the journal."""
    hurry(house)
    page = await house.customer(consent=False)
    assert page.welcome is not None and page.welcome.case is not None
    house.journal.broken = True
    await page.send(wire.Consent(True, True, False, page.welcome.consent_version, "zh-CN"))
    await page.send(wire.JoinQueue())
    await page.closed("internal", 1011)
    assert house.media.calls == {}
    again = await page.hello(resume=page.welcome.resume)
    assert (again.phase, again.call) == (CasePhase.PRE_CALL, None)
    await page.send(wire.JoinQueue())
    assert (await page.wait(wire.Failed)).code == "busy"

    house.journal.broken = False
    await page.wait(wire.QueuePosition)
    names = house.names(page.welcome.case)
    before = ["CaseCreated", "TicketIssued", "TicketRedeemed", "CaseAdvanced", "NetworkSeen"]
    assert names[:6] == [*before, "ConsentGiven"]
    assert names.count("ConsentGiven") == 1


async def test_who_went_away_is_not_put_into_the_queue(house: House) -> None:
    """A join that waited for the consent is done when both are there: the fact and the customer."""
    page = await house.customer(consent=False)
    assert page.welcome is not None and page.welcome.case is not None
    case, resume = page.welcome.case, page.welcome.resume
    append, synced = house.journal.append, asyncio.Event()

    async def slow(case: CaseId, fact: Fact) -> Any:
        await synced.wait()
        return await append(case, fact)

    house.journal.append = slow  # type: ignore[method-assign]
    await page.send(wire.Consent(True, True, False, page.welcome.consent_version, "zh-CN"))
    await page.send(wire.JoinQueue())
    visit = house.signaling._front._floor._hall.visits[case]
    await until(lambda: "" if visit.joining else "the wish to join")
    await page.drop()
    await until(lambda: "" if visit.line is None else "the lost line")
    synced.set()
    await house.noted(case, facts.ConsentGiven)
    assert house.media.calls == {}
    await page.hello(resume=resume)
    await page.wait(wire.QueuePosition)


async def test_who_leaves_before_the_consent_is_on_disk_is_not_queued(house: House) -> None:
    """Leaving takes the wish to join back."""
    page = await house.customer(consent=False)
    assert page.welcome is not None and page.welcome.case is not None
    append, synced = house.journal.append, asyncio.Event()

    async def slow(case: CaseId, fact: Fact) -> Any:
        await synced.wait()
        return await append(case, fact)

    house.journal.append = slow  # type: ignore[method-assign]
    await page.send(wire.Consent(True, True, False, page.welcome.consent_version, "zh-CN"))
    await page.send(wire.JoinQueue())
    await page.send(wire.LeaveQueue())
    assert (await page.wait(wire.Failed)).about == "leave_queue"
    synced.set()
    await page.fact(facts.ConsentGiven)
    assert house.media.calls == {}
    await page.send(wire.JoinQueue())
    await page.wait(wire.QueuePosition)


async def test_a_full_disk_ends_the_call(house: House) -> None:
    """What cannot be journaled must not go on; the customer's line ends as our fault."""
    hurry(house)
    page, console, case = await house.call()
    house.journal.broken = True
    await console.send(wire.Chat("x"))
    await page.wait(wire.CallState, lambda m: m.reason == "recorder_failed")
    await page.closed("internal", 1011)
    await until(lambda: "" if house.recorder.finished else "the end of the recording")
    house.journal.broken = False
    await house.noted(case, facts.MergeQueued)
    names = house.names(case)
    assert names.index("ChatSaid") < names.index("CallEnded") < names.index("MergeQueued")


async def test_no_phase_passes_the_decision_that_led_to_it(house: House) -> None:
    """AgentDecided fails for a moment: AGENT_DONE comes after it all the same."""
    hurry(house)
    _, console, case = await house.call()
    append, failures = house.journal.append, 3

    async def sometimes(case: CaseId, fact: Fact) -> Any:
        nonlocal failures
        if isinstance(fact, facts.AgentDecided) and failures:
            failures -= 1
            raise StorageError("the disk is full")
        return await append(case, fact)

    house.journal.append = sometimes  # type: ignore[method-assign]
    await house.finish(console, Outcome.FAILED)
    await house.noted(case, facts.MergeQueued)
    told = house.facts(case)
    (decided,) = (index for index, fact in enumerate(told) if isinstance(fact, facts.AgentDecided))
    (done,) = (
        index for index, fact in enumerate(told)
        if isinstance(fact, facts.CaseAdvanced) and fact.now is CasePhase.AGENT_DONE
    )  # fmt: skip
    assert decided < done
    assert failures == 0


async def test_a_stopping_server_waits_for_a_broken_journal_once(house: House, monkeypatch: Any) -> None:
    """The bound of the stop holds for both of its callers together."""
    monkeypatch.setattr("signaling.front._STOP_S", 0.3)
    hurry(house)
    page, console, _ = await house.call()
    house.journal.broken = True
    await console.send(wire.Chat("x"))
    await page.wait(wire.CallState, lambda m: m.reason == "recorder_failed")
    began = asyncio.get_running_loop().time()
    for _ in range(3):
        await house.signaling._front.stop()
    assert asyncio.get_running_loop().time() - began < 0.6
