"""The list of cases on both databases."""

import asyncio
import random
from dataclasses import fields

import pytest

from contract import facts
from contract.errors import NotFound
from contract.facts import GENESIS, Entry, seal_entry
from contract.ids import CallId, CaseId, SeatId, TenantId
from contract.phases import CasePhase, Role
from contract.ports import CaseSummary
from store import Database
from store.schema import CASES
from tests.store.clock import MovedClock
from tests.store.test_folding import CASE, JOURNAL, STORY

BANK = TenantId("tenant-1")


def _opened(case: str, name: str, at: float, tenant: TenantId = BANK) -> Entry:
    created = facts.CaseCreated(tenant, "account", "cn-account-opening", name)
    return seal_entry(1, at, CaseId(case), created, GENESIS)


def _advanced(case: str, seq: int, to: CasePhase) -> Entry:
    return seal_entry(seq, 2000.0, CaseId(case), facts.CaseAdvanced(CasePhase.CREATED, to), GENESIS)


def test_table_and_summary_have_the_same_fields() -> None:
    """What the port promises is what the table keeps."""
    assert {column.name for column in CASES.c} - {"set_by", "words", "second_look"} == {
        field.name for field in fields(CaseSummary)
    }


async def test_journal_in_any_order_gives_the_same_case(database: Database) -> None:
    """Two processes that race leave what the journal says."""
    entries = JOURNAL * 2
    random.Random(5).shuffle(entries)
    for entry in entries:
        await database.cases.project(entry)
    found = await database.cases.case(CASE)
    assert found.phase is CasePhase.APPROVED
    assert (found.last_seq, found.agent_name, found.archived, found.gap_s) == (len(STORY), "李娜", True, 0.25)


async def test_entries_at_the_same_moment_are_all_kept(
    database: Database, url: str, clock: MovedClock
) -> None:
    """No projection overwrites another's, though two processes fold into one row at once."""
    async with Database(url, clock) as other:
        sides = [database.cases, other.cases] * len(JOURNAL)
        await asyncio.gather(*(side.project(entry) for side, entry in zip(sides, JOURNAL, strict=False)))
    in_order = Database(url, clock)
    found = await in_order.cases.case(CASE)
    await in_order.cases.rebuild(JOURNAL)
    assert await in_order.cases.case(CASE) == found
    await in_order.__aexit__(None, None, None)


async def test_rebuild_completes_what_a_crash_left_out(database: Database) -> None:
    """Entries that were journaled but never projected appear after a rebuild of many journals."""
    await database.cases.project(JOURNAL[0])
    await database.cases.rebuild([*JOURNAL, _opened("case-2", "陈", 1.0)])
    assert (await database.cases.case(CASE)).last_seq == len(STORY)
    assert (await database.cases.case(CaseId("case-2"))).pii_customer_name == "陈"


async def test_case_whose_beginning_is_unknown_is_not_shown(database: Database) -> None:
    """Until its first entry is there, nobody knows whose case it is."""
    await database.cases.project(_advanced("case-1", 2, CasePhase.QUEUED))
    with pytest.raises(NotFound):
        await database.cases.case(CASE)
    assert await database.cases.open_cases() == ()
    await database.cases.project(_opened("case-1", "王芳", 1.0))
    assert (await database.cases.case(CASE)).phase is CasePhase.QUEUED


async def test_unknown_case_is_not_found(database: Database) -> None:
    """Nothing is made up."""
    with pytest.raises(NotFound):
        await database.cases.case(CaseId("case-0"))


@pytest.fixture(name="filled")
async def _filled(database: Database) -> Database:
    names = ("王芳", "Jose_Li", "100% Wang", "王小明")
    for number, name in enumerate(names):
        await database.cases.project(_opened(f"case-{number}", name, float(number)))
    await database.cases.project(_opened("case-9", "王芳", 9.0, TenantId("tenant-2")))
    await database.cases.project(_advanced("case-1", 2, CasePhase.QUEUED))
    await database.cases.project(_advanced("case-2", 2, CasePhase.UNDER_AUDIT))
    joined = facts.PartyJoined(CallId("call-1"), SeatId("seat-1"), Role.AGENT, "Zhao Lei", None)
    await database.cases.project(seal_entry(3, 5.0, CaseId("case-2"), joined, GENESIS))
    return database


async def test_open_cases_are_those_a_crash_would_leave(filled: Database) -> None:
    """Cases before the visit and under audit are not among them; every bank's are."""
    await filled.cases.project(_advanced("case-9", 2, CasePhase.IN_CALL))
    await filled.cases.project(_advanced("case-3", 2, CasePhase.AGENT_DONE))
    assert [found.case for found in await filled.cases.open_cases()] == ["case-1", "case-3", "case-9"]


async def test_cases_that_are_over_come_a_page_at_a_time(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of all tenants, each once, from a day on; what goes on or never began is not among them."""
    monkeypatch.setattr("store.cases.PAGE_MAX", 2)
    for number in range(5):
        await database.cases.project(
            _opened(f"case-{number}", "a", 1000.0 + number, TenantId(f"t{number % 2}"))
        )
        await database.cases.project(_advanced(f"case-{number}", 2, CasePhase.APPROVED))
    for phase in (CasePhase.IN_CALL, CasePhase.EXPIRED):
        await database.cases.project(_opened(f"case-{phase}", "a", 1000.0))
        await database.cases.project(_advanced(f"case-{phase}", 2, phase))
    assert [case async for case in database.cases.over_since(0.0)] == [f"case-{n}" for n in range(5)]
    assert [case async for case in database.cases.over_since(1003.0)] == ["case-3", "case-4"]
    assert (await database.cases.count_since(0.0), await database.cases.count_since(1003.0)) == (5, 2)
