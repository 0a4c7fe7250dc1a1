"""REST of the audit: who signs, when, and only once."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from contract import facts, wire
from contract.facts import AuditSigned, CaseAdvanced, Entry
from contract.identity_facts import Decided
from contract.ids import AccountId, CaseId, new_account_id, new_seat_id
from contract.phases import CasePhase, CheckVerdict, Outcome, Role, SeatMode, Verdict
from signaling.sampling import AuditPlan
from tests.signaling.asking import person, refused
from tests.signaling.equipped import FakeDocuments, FakeLive, FakeMessenger, equipped
from tests.signaling.house import House, open_house


async def under_audit(house: House, outcome: Outcome = Outcome.FAILED) -> CaseId:
    page, console, case = await house.call()
    if outcome is Outcome.PASSED:
        await console.send(wire.CheckIdNumber("11010519491231002X"))
        await console.fact(facts.IdNumberChecked)
        await house.checked(page, console)
        await console.fact(facts.FacesCompared)
    await house.finish(console, outcome)
    await house.noted(case, facts.MergeQueued)
    await house.journal.append(case, facts.ArchiveVerified("ab" * 32, 9, 900))
    await house.journal.append(case, facts.CaseAdvanced(CasePhase.AGENT_DONE, CasePhase.UNDER_AUDIT))
    return case


async def test_only_an_auditor_signs_and_only_once(house: House) -> None:
    """Agents and supervisors may not; several at the same time leave one signature."""
    case = await under_audit(house)
    path, body = f"/api/cases/{case}/verdict", {"verdict": "rejected", "reason": "face"}
    for login in ("anna", "sue"):
        browser = await person(house, login)
        assert await refused(browser, "POST", path, json=body) == (403, "wrong_role")
    auditor = await person(house, "audrey")
    answers = await asyncio.gather(*(auditor.request("POST", path, json=body) for _ in range(3)))
    assert {200} <= {status for status, _ in answers} <= {200, 409}
    assert house.names(case).count("AuditSigned") == 1
    assert house.cases.rows[case].phase is CasePhase.REJECTED
    assert house.jobs.kinds(case) == ["merge", "archive_journal"]


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.INCOMPLETE])
async def test_what_the_agent_did_not_let_pass_is_not_approved(house: House, outcome: Outcome) -> None:
    """The checker cannot be the maker: such a case can only be rejected."""
    case = await under_audit(house, outcome)
    auditor = await person(house, "audrey")
    path = f"/api/cases/{case}/verdict"
    body = {"verdict": "approved", "reason": "looks fine to me"}
    assert await refused(auditor, "POST", path, json=body) == (409, "outcome_not_passed")
    assert "AuditSigned" not in house.names(case)
    status, told = await auditor.request("POST", path, json={"verdict": "rejected", "reason": "face"})
    assert (status, told["case"]["phase"]) == (200, "rejected")


async def test_a_signature_that_was_cut_off_is_finished(house: House) -> None:
    """After a crash between signature and phase the same verdict completes it, and signs no second time."""
    case = await under_audit(house, Outcome.PASSED)
    auditor = await person(house, "audrey")
    me = (await auditor.request("GET", "/api/me"))[1]["account"]
    await house.journal.append(case, AuditSigned(me, Verdict.APPROVED, "well done", ""))
    path, body = f"/api/cases/{case}/verdict", {"verdict": "approved", "reason": "again"}
    for _ in range(2):
        status, told = await auditor.request("POST", path, json=body)
        assert (status, told["case"]["phase"]) == (200, "approved")
    assert house.names(case)[-2:] == ["AuditSigned", "CaseAdvanced"]
    assert house.jobs.kinds(case) == ["merge", "archive_journal"]


async def test_another_verdict_on_a_signed_case_is_refused(house: House) -> None:
    """The first signature counts, even when what follows it was cut off and the search lags behind."""
    case = await under_audit(house, Outcome.PASSED)
    auditor = await person(house, "audrey")
    me = (await auditor.request("GET", "/api/me"))[1]["account"]
    path = f"/api/cases/{case}/verdict"
    await house.journal.append(case, AuditSigned(me, Verdict.APPROVED, "well done", ""))
    rejected = {"verdict": "rejected", "reason": "changed my mind"}
    for _ in range(2):
        assert await refused(auditor, "POST", path, json=rejected) == (409, "wrong_phase")
        house.cases.rows[case] = replace(house.cases.rows[case], phase=CasePhase.UNDER_AUDIT)
    assert house.names(case).count("AuditSigned") == 1
    moved = [fact.now for fact in house.facts(case) if isinstance(fact, CaseAdvanced)]
    assert moved[-2:] == [CasePhase.UNDER_AUDIT, CasePhase.APPROVED]


async def test_a_case_that_is_not_under_audit_is_not_signed(house: House) -> None:
    """Neither a fresh nor an aborted case; and no verdict but the two."""
    case, _ = await house.walk_in()
    auditor = await person(house, "audrey")
    path = f"/api/cases/{case}/verdict"
    for verdict in ("approved", "rejected"):
        body = {"verdict": verdict, "reason": "x"}
        assert await refused(auditor, "POST", path, json=body) == (409, "wrong_phase")
    body = {"verdict": "maybe", "reason": "x"}
    assert await refused(auditor, "POST", path, json=body) == (400, "protocol")


async def test_nobody_audits_a_call_that_he_was_in(house: House) -> None:
    """As guest or as a silent supervisor, even when somebody else led and decided."""
    case = await under_audit(house)
    auditor = await person(house, "audrey")
    me = (await auditor.request("GET", "/api/me"))[1]["account"]
    call = house.cases.rows[case].call or next(iter(house.media.calls))
    seat = new_seat_id()
    watched = facts.ObserverJoined(call, seat, Role.SUPERVISOR, "Audrey", me, SeatMode.MONITOR)
    await house.journal.append(case, watched)
    body = {"verdict": "rejected", "reason": ""}
    assert await refused(auditor, "POST", f"/api/cases/{case}/verdict", json=body) == (403, "same_person")
    assert "AuditSigned" not in house.names(case)


async def test_nobody_audits_his_own_call(house: House) -> None:
    """Even an account that became auditor since."""
    case = await under_audit(house)
    auditor = await person(house, "audrey")
    me = (await auditor.request("GET", "/api/me"))[1]["account"]
    house.cases.rows[case] = replace(house.cases.rows[case], agent=me)
    body = {"verdict": "approved", "reason": ""}
    assert await refused(auditor, "POST", f"/api/cases/{case}/verdict", json=body) == (403, "same_person")


async def test_an_override_wants_two_and_a_reopened_case_another(house: House) -> None:
    """One proposes, another confirms; reopened with a reason, the case is signed by somebody else."""
    case = await under_audit(house, Outcome.PASSED)
    written = facts.ArchiveWritten("directory", "cd" * 32, 9, 900)
    await house.journal.append(case, written)
    audrey, abel = await person(house, "audrey"), await person(house, "abel")
    path, reopened = f"/api/cases/{case}/verdict", f"/api/cases/{case}/reopen"
    body = {"verdict": "approved", "reason": "read back by hand"}
    assert await refused(audrey, "POST", path, json={**body, "reason": " "}) == (422, "reason_missing")
    assert await refused(audrey, "POST", reopened, json={"reason": "x"}) == (409, "wrong_phase")
    status, told = await audrey.request("POST", path, json=body)
    assert (status, told["outcome"], told["case"]["phase"]) == (200, "proposed", "under_audit")
    assert await refused(audrey, "POST", path, json=body) == (409, "second_wanted")
    status, told = await abel.request("POST", path, json=body)
    assert (status, told["outcome"], told["case"]["phase"]) == (200, "signed", "approved")
    [proposed] = [fact for fact in house.facts(case) if isinstance(fact, facts.OverrideProposed)]
    [signed] = [fact for fact in house.facts(case) if isinstance(fact, AuditSigned)]
    assert proposed.grounds == ("record_not_verified",)
    assert signed.proposed_by == proposed.auditor != signed.auditor
    assert await refused(audrey, "POST", reopened, json={"reason": ""}) == (422, "reason_missing")
    status, told = await audrey.request("POST", reopened, json={"reason": "a complaint"})
    assert (status, told["outcome"], told["case"]["phase"]) == (200, "reopened", "under_audit")
    assert told["case"]["auditor"] is None
    rejected = {"verdict": "rejected", "reason": "the complaint is right"}
    assert await refused(abel, "POST", path, json=rejected) == (403, "same_signer")
    status, told = await audrey.request("POST", path, json=rejected)
    assert (status, told["case"]["phase"], told["case"]["audit_verdict"]) == (200, "rejected", "rejected")
    assert [job.attempt for job in house.jobs.jobs if job.kind == "archive_journal"] == [1]


async def test_a_second_look_is_blind_until_it_is_taken() -> None:
    """The first verdict is hidden from page and journal of others; who agree sign, and all is told then."""
    async with open_house(audit_key=b"k" * 32, audit_plan=_looked_at_twice) as house:
        case = await under_audit(house, Outcome.PASSED)
        path, body = f"/api/cases/{case}/verdict", {"verdict": "approved", "reason": "SECRET"}
        audrey, abel = await person(house, "audrey"), await person(house, "abel")
        # Two auditors could disagree for ever: a third one is wanted before anybody is asked twice.
        third = replace(house.accounts.accounts[audrey_id(house)], account=new_account_id(), login="cleo")
        await house.accounts.add_account(third)
        status, told = await audrey.request("POST", path, json=body)
        assert (status, told["outcome"], told["case"]["phase"]) == (200, "noted", "under_audit")
        assert house.jobs.kinds(case) == ["merge"]
        assert await refused(audrey, "POST", path, json=body) == (409, "second_wanted")
        for login, seen in (
            ("audrey", True),
            ("abel", False),
            ("cleo", False),
            ("sue", False),
            ("anna", False),
        ):
            _, answer = await (await person(house, login)).request("GET", f"/api/cases/{case}")
            assert ("SECRET" in json.dumps(answer)) is seen, login
            assert (answer["entries"][-1]["name"] == "VerdictGiven") is seen
            assert [line["prev"] for line in answer["entries"][1:]] == [
                line["hash"] for line in answer["entries"][:-1]
            ]
        _, told = await abel.request("POST", path, json={"verdict": "approved", "reason": "fine"})
        assert (told["outcome"], told["case"]["phase"]) == ("signed", "approved")
        [signed] = [fact for fact in house.facts(case) if isinstance(fact, AuditSigned)]
        assert signed.agreed_with == audrey_id(house)
        _, answer = await abel.request("GET", f"/api/cases/{case}")
        assert "SECRET" in json.dumps(answer)


async def test_too_few_auditors_sign_alone() -> None:
    """Where a disagreement could be settled by nobody, one look is what there is."""
    async with open_house(audit_key=b"k" * 32, audit_plan=_looked_at_twice) as house:
        case = await under_audit(house, Outcome.PASSED)
        auditor = await person(house, "audrey")
        body = {"verdict": "approved", "reason": "fine"}
        _, told = await auditor.request("POST", f"/api/cases/{case}/verdict", json=body)
        assert told["outcome"] == "signed"


def _looked_at_twice(policy: str) -> AuditPlan:
    return AuditPlan(policy, 1, second_look=1.0)


def audrey_id(house: House) -> AccountId:
    return next(one.account for one in house.accounts.accounts.values() if one.login == "audrey")


def _decided(verdict: CheckVerdict) -> Decided:
    return Decided(verdict, None, (), ("agent_passed",), "test", 1, "0" * 64)


@pytest.mark.parametrize(("again", "count"), [(CheckVerdict.PASSED, 2), (CheckVerdict.REVIEW, 1)])
async def test_a_signature_settles_the_services_doubt(again: CheckVerdict, count: int) -> None:
    """The decision is taken again with the signature in the journal, and kept when it says something new."""
    seen: list[bool] = []

    def decide(entries: Sequence[Entry]) -> Decided:
        seen.append(any(isinstance(entry.fact, AuditSigned) for entry in entries))
        return _decided(again if seen[-1] else CheckVerdict.REVIEW)

    whole = equipped(FakeDocuments(), FakeLive(), FakeMessenger())
    async with open_house(equipment=replace(whole, decide=decide)) as house:
        case = await under_audit(house, Outcome.PASSED)
        auditor = await person(house, "audrey")
        body = {"verdict": "approved", "reason": "seen whole"}
        status, _ = await auditor.request("POST", f"/api/cases/{case}/verdict", json=body)
        decisions = [fact.verdict for fact in house.facts(case) if isinstance(fact, Decided)]
        assert (status, decisions[-1], len(decisions)) == (200, again, count)
        assert seen == [False, True]


async def test_what_failed_is_not_approved_by_one(house: House) -> None:
    """Whatever the agent thought of it: an approval is a proposal; one auditor can reject."""
    case = await under_audit(house, Outcome.PASSED)
    await house.journal.append(case, _decided(CheckVerdict.FAILED))
    auditor = await person(house, "audrey")
    path, body = f"/api/cases/{case}/verdict", {"verdict": "approved", "reason": "seen whole"}
    _, told = await auditor.request("POST", path, json=body)
    assert (told["outcome"], told["case"]["phase"]) == ("proposed", "under_audit")
    status, _ = await auditor.request("POST", path, json={"verdict": "rejected", "reason": "light failed"})
    assert status == 200
