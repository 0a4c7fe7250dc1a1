"""Customers who were here before, and those who want to be called back, on both databases."""

import pytest

from contract import facts
from contract.facts import GENESIS, Fact, seal_entry
from contract.ids import AccountId, CaseId, TenantId
from contract.phases import CaseEnd, CasePhase, Outcome
from contract.ports import CustomerHistory
from store import Database

BANK, RIVAL = TenantId("tenant-1"), TenantId("tenant-2")
AGENT = AccountId("acct-1")
BEGUN = facts.CaseAdvanced(CasePhase.CREATED, CasePhase.PRE_CALL)
UNUSED = facts.CaseAdvanced(CasePhase.CREATED, CasePhase.EXPIRED, CaseEnd.TICKET_EXPIRED)
REJECTED = facts.CaseAdvanced(CasePhase.UNDER_AUDIT, CasePhase.REJECTED)
NOT_PASSED = facts.AgentDecided(AGENT, Outcome.FAILED, "", "")
NOT_DONE = facts.AgentDecided(AGENT, Outcome.INCOMPLETE, "", "")


async def _told(
    database: Database, case: str, *story: Fact, ref: str = "c-77", bank: TenantId = BANK
) -> None:
    created = facts.CaseCreated(bank, "account", "cn-account-opening", "王芳", ref)
    for seq, fact in enumerate((created, *story), 1):
        await database.cases.project(seal_entry(seq, 1000.0 + seq, CaseId(case), fact, GENESIS))


@pytest.mark.parametrize(
    ("story", "counted"),
    [
        ((), (0, 0)),
        ((UNUSED,), (0, 0)),
        ((BEGUN,), (1, 0)),
        ((BEGUN, NOT_DONE), (1, 0)),
        ((BEGUN, NOT_PASSED), (1, 1)),
        ((BEGUN, REJECTED), (1, 1)),
        ((BEGUN, NOT_PASSED, REJECTED), (1, 1)),
    ],
)
async def test_a_case_counts_once_it_was_begun(
    database: Database, story: tuple[Fact, ...], counted: tuple[int, int]
) -> None:
    """A link that nobody followed is no visit; a refusal by agent or auditor counts once."""
    await _told(database, "case-1", *story)
    history = await database.cases.customer_history(BANK, "c-77", CaseId("case-2"))
    assert history == CustomerHistory(*counted)


async def test_history_is_of_one_customer_of_one_bank(database: Database) -> None:
    """Neither the case that asks, nor another bank's customer of the same number, nor strangers count."""
    await _told(database, "case-1", BEGUN, REJECTED)
    await _told(database, "case-2", BEGUN)
    await _told(database, "case-3", BEGUN, REJECTED, bank=RIVAL)
    await _told(database, "case-4", BEGUN, REJECTED, ref="c-78")
    await _told(database, "case-5", BEGUN, REJECTED, ref="")
    ask = database.cases.customer_history
    assert await ask(BANK, "c-77", CaseId("case-2")) == CustomerHistory(1, 1)
    assert await ask(BANK, "", CaseId("case-2")) == CustomerHistory(0, 0)
    assert await ask(BANK, "' OR ''='", CaseId("case-2")) == CustomerHistory(0, 0)


async def test_a_customers_cases_by_number_and_by_time(database: Database) -> None:
    """So many of the newest, and however many more in which anything happened since: also in old ones."""
    for number in range(1, 31):
        created = facts.CaseCreated(BANK, "account", "cn-account-opening", "王芳", "c-77")
        entry = seal_entry(1, 1000.0 + number, CaseId(f"case-{number:02}"), created, GENESIS)
        await database.cases.project(entry)
    await database.cases.project(seal_entry(2, 5000.0, CaseId("case-03"), BEGUN, GENESIS))
    await _told(database, "case-of-another", BEGUN, ref="c-78")
    await _told(database, "case-elsewhere", BEGUN, bank=RIVAL)

    async def found(newest: int, since: float, ref: str = "c-77") -> list[int]:
        cases = await database.cases.customer_cases(BANK, ref, newest=newest, since=since)
        return [int(case.removeprefix("case-")) for case in cases]

    assert await found(0, 1006.0) == [*range(30, 5, -1), 3]
    assert await found(2, 4000.0) == [30, 29, 3]
    assert await found(2, 6000.0) == [30, 29]
    assert await found(0, 6000.0) == []
    assert await found(5, 0.0, "") == []


async def test_callbacks_wait_in_the_order_of_asking(database: Database) -> None:
    """Each with number and wish, of one bank only, until somebody takes the request."""
    early = facts.CallbackRequested("+86 138 0013 8000", "after six")
    await _told(database, "case-1", BEGUN, BEGUN, facts.CallbackRequested("110", ""))
    await _told(database, "case-2", BEGUN, early)
    await _told(database, "case-3", BEGUN)
    await _told(database, "case-4", BEGUN, early, bank=RIVAL)
    waiting = await database.cases.callbacks(BANK)
    assert [
        (row.case, row.pii_callback_phone, row.pii_callback_wish, row.callback_at) for row in waiting
    ] == [
        ("case-2", "+86 138 0013 8000", "after six", 1003.0),
        ("case-1", "110", "", 1004.0),
    ]
    made = facts.CallbackMade(AGENT, CaseId("case-9"))
    await database.cases.project(seal_entry(9, 2000.0, CaseId("case-2"), made, GENESIS))
    assert [row.case for row in await database.cases.callbacks(BANK)] == ["case-1"]
    assert (await database.cases.case(CaseId("case-2"))).pii_callback_phone == ""
