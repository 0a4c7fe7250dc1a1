"""The auditors' queue, on both databases: order, claims, and what is counted."""

import asyncio

import pytest

from contract import facts
from contract.facts import GENESIS, Fact, seal_entry
from contract.ids import AccountId, CaseId, TenantId
from contract.phases import CasePhase, Verdict
from contract.ports import AuditClaim, AuditLoad, LookCount
from store import Database

BANK, RIVAL = TenantId("tenant-1"), TenantId("tenant-2")
ANN, BEN = AccountId("acct-ann"), AccountId("acct-ben")
A, B, C, OLD, FAR = (CaseId(f"case-{name}") for name in ("a", "b", "c", "old", "far"))


async def _told(database: Database, case: CaseId, *story: Fact, bank: TenantId = BANK) -> None:
    created = facts.CaseCreated(bank, "account", "default", "")
    for seq, fact in enumerate((created, *story), 1):
        await database.cases.project(seal_entry(seq, 10.0 + seq, case, fact, GENESIS))


def _handed(due_at: float | None) -> tuple[Fact, ...]:
    drawn = (facts.AuditDrawn(True, 1.0, "00", (), "default", 1, due_at),) if due_at else ()
    return (*drawn, facts.CaseAdvanced(CasePhase.AGENT_DONE, CasePhase.UNDER_AUDIT))


@pytest.fixture(name="waiting")
async def _waiting(database: Database) -> Database:
    await _told(database, A, *_handed(300.0))
    await _told(database, B, *_handed(100.0))
    await _told(database, C, *_handed(200.0))
    await _told(database, OLD, *_handed(None))
    await _told(database, FAR, *_handed(50.0), bank=RIVAL)
    await _told(database, CaseId("case-open"), facts.CaseAdvanced(CasePhase.CREATED, CasePhase.PRE_CALL))
    return database


async def test_what_is_due_first_comes_first(waiting: Database) -> None:
    """What was handed over before there were due times is oldest; other banks have queues of their own."""
    assert await waiting.audits.waiting(BANK, ANN, 0.0) == (OLD, B, C, A)
    assert await waiting.audits.waiting(RIVAL, ANN, 0.0) == (FAR,)
    assert (await waiting.cases.case(B)).due_at == 100.0


async def test_what_is_signed_waits_no_longer(waiting: Database) -> None:
    """It is neither handed out nor overdue, until it is reopened."""
    assert await waiting.audits.load(250.0) == AuditLoad(5, 3)
    signed = facts.AuditSigned(ANN, Verdict.APPROVED, "ok", "m")
    for seq, fact in enumerate((signed, facts.CaseAdvanced(CasePhase.UNDER_AUDIT, CasePhase.APPROVED)), 8):
        await waiting.cases.project(seal_entry(seq, 20.0, B, fact, GENESIS))
    assert await waiting.audits.waiting(BANK, ANN, 0.0) == (OLD, C, A)
    assert await waiting.audits.load(250.0) == AuditLoad(4, 2)
    assert (await waiting.cases.case(B)).due_at is None
    again = facts.AuditReopened(BEN, "a complaint", Verdict.APPROVED, 400.0)
    for seq, fact in enumerate((again, facts.CaseAdvanced(CasePhase.APPROVED, CasePhase.UNDER_AUDIT)), 10):
        await waiting.cases.project(seal_entry(seq, 30.0, B, fact, GENESIS))
    assert await waiting.audits.waiting(BANK, ANN, 0.0) == (OLD, C, A, B)


async def test_a_claim_is_ones_own_until_it_ends(waiting: Database) -> None:
    """Nobody else is handed the case meanwhile; its holder may keep it, and has only one."""
    audits = waiting.audits
    assert await audits.claim(B, ANN, 0.0, 60.0)
    assert not await audits.claim(B, BEN, 59.9, 90.0)
    assert await audits.claims((A, B, C), 59.9) == (AuditClaim(B, ANN, 60.0),)
    assert await audits.waiting(BANK, BEN, 59.9) == (OLD, C, A)
    assert await audits.waiting(BANK, ANN, 59.9) == (OLD, B, C, A)
    assert await audits.claim(B, ANN, 59.9, 120.0)
    assert await audits.claims((B,), 60.0) == (AuditClaim(B, ANN, 120.0),)
    assert await audits.claims((B,), 120.0) == ()
    assert await audits.waiting(BANK, BEN, 120.0) == (OLD, B, C, A)
    assert await audits.claim(B, BEN, 120.0, 180.0)
    assert await audits.claim(C, BEN, 121.0, 181.0)
    assert await audits.claims((A, B, C), 130.0) == (AuditClaim(C, BEN, 181.0),)


async def test_a_claim_is_given_back_by_its_holder(waiting: Database) -> None:
    """Somebody else gives nothing back; whoever closes a case frees it for all."""
    audits = waiting.audits
    await audits.claim(B, ANN, 0.0, 60.0)
    await audits.release(B, BEN)
    assert await audits.claims((B,), 1.0) != ()
    await audits.release(B, ANN)
    assert await audits.claims((B,), 1.0) == ()
    await audits.claim(B, ANN, 0.0, 60.0)
    await audits.release(B)
    assert await audits.claims((B,), 1.0) == ()


async def test_of_many_who_ask_at_once_one_has_it(waiting: Database) -> None:
    """The database decides, not who looked first."""
    people = [AccountId(f"acct-{number}") for number in range(8)]
    had = await asyncio.gather(*(waiting.audits.claim(A, one, 0.0, 60.0) for one in people))
    assert sum(had) == 1
    [claim] = await waiting.audits.claims((A,), 1.0)
    assert claim.account == people[had.index(True)]


async def test_pairs_of_verdicts_are_counted_by_bank(waiting: Database) -> None:
    """The first verdict alone is none; the row that people see tells nothing of them."""
    looks = {A: Verdict.APPROVED, B: Verdict.REJECTED, C: None, FAR: Verdict.APPROVED}
    for case, second in looks.items():
        told: list[Fact] = [facts.VerdictGiven(ANN, Verdict.APPROVED, "ok", "m", 0.05, "00")]
        match second:
            case Verdict.REJECTED:
                told.append(facts.VerdictGiven(BEN, second, "no", "m", 0.05, "00", Verdict.APPROVED))
            case Verdict.APPROVED:
                told.append(facts.AuditSigned(BEN, second, "ok", "m", None, ANN))
            case None:
                pass
        for seq, fact in enumerate(told, 8):
            await waiting.cases.project(seal_entry(seq, 20.0, case, fact, GENESIS))
    assert await waiting.audits.looks() == (
        LookCount(BANK, Verdict.APPROVED, Verdict.APPROVED, 1),
        LookCount(BANK, Verdict.APPROVED, Verdict.REJECTED, 1),
        LookCount(RIVAL, Verdict.APPROVED, Verdict.APPROVED, 1),
    )
    assert (await waiting.cases.case(C)).audit_verdict == ""
