"""A whole case over real sockets, from the tap to the auditor's signature."""

import asyncio

from contract import facts, wire
from contract.ids import CallId
from contract.phases import CallPhase, CasePhase, CheckVerdict, EvidenceKind, Outcome, Presence
from tests.signaling.house import House, until


async def test_a_case_runs_from_the_tap_to_the_signature(house: House) -> None:
    """Customer and agent get through every step; the journal tells it in order."""
    page, console, case = await house.call()
    await console.send(wire.Chat("您好"))
    await page.fact(facts.ChatSaid)
    await console.send(wire.CheckIdNumber("11010519491231002X"))
    await console.fact(facts.IdNumberChecked)
    await house.checked(page, console)
    compared = await console.fact(facts.FacesCompared)
    assert CheckVerdict.REVIEW is compared.entry.fact.verdict  # type: ignore[attr-defined]
    house.clock.advance(42)
    await house.finish(console)

    ended = await page.wait(wire.CallState, lambda m: m.phase is CallPhase.ENDED)
    await house.noted(case, facts.MergeQueued)

    assert ended.reason == "agent_hung_up"
    assert house.jobs.kinds(case) == ["merge"]
    assert house.recorder.finished == [ended.call]
    assert house.media.calls[ended.call].closed
    call_ended = await house.noted(case, facts.CallEnded)
    assert call_ended.seconds == 42  # type: ignore[attr-defined]
    phases = [fact.now for fact in house.facts(case) if isinstance(fact, facts.CaseAdvanced)]
    assert phases == [
        CasePhase.PRE_CALL, CasePhase.QUEUED, CasePhase.IN_CALL, CasePhase.AGENT_DONE,
    ]  # fmt: skip
    await console.wait(wire.PresenceSet, lambda m: m.presence is Presence.WRAP_UP)
    await _audit(house, case)


async def _audit(house: House, case: str) -> None:
    await house.journal.append(case, facts.ArchiveVerified("ab" * 32, 9, 900))  # type: ignore[arg-type]
    await house.journal.append(
        case,  # type: ignore[arg-type]
        facts.CaseAdvanced(CasePhase.AGENT_DONE, CasePhase.UNDER_AUDIT),
    )
    auditor = await house.browser()
    await auditor.login("audrey")
    status, body = await auditor.request(
        "POST", f"/api/cases/{case}/verdict", json={"verdict": "approved", "reason": "资料齐全"}
    )
    assert (status, body["case"]["phase"]) == (200, "approved")
    assert house.jobs.kinds(case) == ["merge", "archive_journal"]  # type: ignore[arg-type]


async def test_the_agent_sees_all_facts_and_the_customer_only_hers(house: House) -> None:
    """The console is shown the history from its first entry; the phone no scores and no numbers."""
    page, console, _case = await house.call()
    await console.send(wire.CheckIdNumber("11010519491231002X"))
    await house.checked(page, console)
    await console.fact(facts.FacesCompared)
    await page.fact(facts.EvidenceStored)

    seen = [m.entry for m in console.messages if isinstance(m, wire.FactNoted)]
    assert seen[0].name == "CaseCreated"
    assert sorted({entry.seq for entry in seen}) == sorted(entry.seq for entry in seen)
    shown = {m.entry.name for m in page.messages if isinstance(m, wire.FactNoted)}
    assert not shown & {"FacesCompared", "IdNumberChecked", "CaseCreated", "QualityMeasured"}
    pictures = {m.entry.fact.kind for m in page.messages if isinstance(m, wire.FactNoted)
                if isinstance(m.entry.fact, facts.EvidenceStored)}  # fmt: skip
    assert EvidenceKind.ID_PORTRAIT not in pictures, "that a portrait was found is a check's result"
    assert EvidenceKind.ID_PORTRAIT in {
        entry.fact.kind for entry in seen if isinstance(entry.fact, facts.EvidenceStored)
    }


async def test_a_hang_up_leaves_the_agent_in_wrap_up_until_the_result(house: House) -> None:
    """After the customer hung up, presence cannot be set before ``finish``; then the merge is queued."""
    page, console, case = await house.call()
    await page.send(wire.HangUp())
    await console.wait(wire.CallState, lambda m: m.reason == "customer_hung_up")
    await console.send(wire.SetPresence(Presence.READY))
    refused = await console.wait(wire.Failed)
    assert (refused.code, refused.about) == ("finish_first", "set_presence")
    assert house.jobs.kinds(case) == []

    await house.finish(console, Outcome.INCOMPLETE)
    await house.noted(case, facts.MergeQueued)
    await console.send(wire.SetPresence(Presence.READY))
    await console.wait(wire.PresenceSet, lambda m: m.presence is Presence.READY)


async def test_passed_needs_the_checks(house: House) -> None:
    """Without the number or a face verdict ``passed`` is refused and the call goes on."""
    page, console, case = await house.call()
    await house.finish(console)
    assert (await console.wait(wire.Failed)).code == "checks_incomplete"
    await house.checked(page, console)
    await console.fact(facts.FacesCompared)
    await house.finish(console)
    assert (await console.wait(wire.Failed)).code == "checks_incomplete", "the number was not checked"
    await console.send(wire.CheckIdNumber("11010519491231002X"))
    await console.fact(facts.IdNumberChecked)
    house.identity.face_verdict = CheckVerdict.FAILED
    await house.checked(page, console)
    await console.fact(facts.FacesCompared)
    await house.finish(console)
    assert (await console.wait(wire.Failed)).code == "checks_incomplete"
    await house.finish(console, Outcome.FAILED)
    await house.noted(case, facts.AgentDecided, "failed")


async def test_checks_stay_locked_until_the_recording_runs(house: House) -> None:
    """While no mandatory track is on disk a picture cannot be asked for."""
    house.media.records = False
    _, console, _ = await house.call()
    await console.send(wire.RequestStill(EvidenceKind.ID_CARD))
    assert (await console.wait(wire.Failed)).code == "kyc_locked"


async def test_leaving_the_queue_allows_to_join_again(house: House) -> None:
    """The old media call is closed and the second call has another id."""
    page, first = await house.queued()
    await page.send(wire.LeaveQueue())
    await until(lambda: "" if house.media.calls[first].closed else "the first call's close")
    await page.send(wire.JoinQueue())
    again = await page.wait(wire.QueuePosition, lambda m: m.call != first)
    assert again.position == 1


async def test_who_leaves_and_joins_at_once_can_be_served(house: House) -> None:
    """The end of the first call does not take the second one away, whenever it comes."""
    page, first = await house.queued()
    finish, sealed = house.recorder.finish, asyncio.Event()

    async def slow(call: CallId) -> None:
        await sealed.wait()
        await finish(call)

    house.recorder.finish = slow  # type: ignore[method-assign]
    await page.send(wire.LeaveQueue())
    await page.send(wire.JoinQueue())
    await until(lambda: "" if house.media.calls[first].closed else "the first call's close")
    sealed.set()
    again = await page.wait(wire.QueuePosition, lambda m: m.call != first)
    console = await house.ready_agent()
    await console.wait(wire.Ring)
    for browser, offer in ((page, "v=0 again"), (console, "v=0 agent")):
        await browser.send(wire.Offer(again.call, offer))
        await browser.wait(wire.Answer, lambda m: m.call == again.call)
    await console.send(wire.Accept(again.call))
    await page.wait(wire.CallState, lambda m: m.phase is CallPhase.ACTIVE)
