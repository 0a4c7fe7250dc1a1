"""Finding cases again, on both databases."""

import random
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from contract import facts
from contract.errors import UserError
from contract.facts import GENESIS, Fact, seal_entry
from contract.ids import AccountId, CallId, CaseId, CheckId, JobId, SeatId, TenantId
from contract.phases import CaseEnd, CasePhase, CheckVerdict, Outcome, Role
from contract.ports import Account, CaseFlag, CaseMark, CaseQuery, SavedView, Tenant
from store import Database
from store import cases as cases_module
from store.engine import Engine
from store.schema import CASE_TERMS, CASES
from store.views import VIEWS_MAX

BANK, RIVAL = TenantId("tenant-1"), TenantId("tenant-2")
LI, ZHAO = AccountId("acct-1"), AccountId("acct-2")
CALL = CallId("call-1")


async def _told(
    database: Database, case: str, at: float, *story: Fact, bank: TenantId = BANK, **who: str
) -> None:
    created = facts.CaseCreated(
        bank, who.get("purpose", "account"), "default", who.get("name", ""), who.get("ref", "")
    )
    for seq, fact in enumerate((created, *story), 1):
        await database.cases.project(seal_entry(seq, at + (seq - 1) / 8, CaseId(case), fact, GENESIS))


def _joined(agent: AccountId) -> Fact:
    return facts.PartyJoined(CALL, SeatId("seat-1"), Role.AGENT, "Li", agent)


def _merged(gap_s: float) -> Fact:
    return facts.MergeCompleted(JobId("job-1"), "merged.mp4", "ab", 10, 61.5, gap_s, 4.0)


def _to(phase: CasePhase, reason: CaseEnd | None = None) -> Fact:
    return facts.CaseAdvanced(CasePhase.CREATED, phase, reason)


@pytest.fixture(name="filled")
async def _filled(database: Database) -> Database:
    number = facts.IdNumberChecked(
        CheckId("check-1"), "11010519491231002X", CheckVerdict.PASSED, (), "", "", LI
    )
    left = _to(CasePhase.ABORTED, CaseEnd.CUSTOMER_LEFT)
    await _told(database, "case-0", 10.0, _joined(LI), left, name="王芳", ref="KD-71")
    await _told(database, "case-1", 20.0, facts.CallbackRequested("13800138000", ""), name="Jose_Li")
    await _told(
        database, "case-2", 30.0, _joined(ZHAO), facts.AgentDecided(ZHAO, Outcome.FAILED, "prompting", ""),
        _merged(2.5), facts.ArchiveVerified("cd", 1, 1), _to(CasePhase.UNDER_AUDIT), name="100% Wang",
    )  # fmt: skip
    await _told(
        database, "case-3", 40.0, _joined(LI), number, facts.AgentDecided(LI, Outcome.PASSED, "", ""),
        _merged(0.25), facts.AuditDrawn(True, 1.0, "00", (), "default", 1, 90.0),
        _to(CasePhase.UNDER_AUDIT), name="王小明", purpose="loan",
    )  # fmt: skip
    await _told(database, "case-9", 50.0, name="王芳", ref="KD-71", bank=RIVAL)
    return database


async def _ids(database: Database, tenant: TenantId = BANK, **asked: Any) -> list[str]:
    page = await database.cases.search(CaseQuery(tenant=tenant, **asked))
    assert (page.count, page.more) == (len(page.cases), False)
    return [found.case for found in page.cases]


_ASKED: tuple[tuple[dict[str, Any], list[str]], ...] = (
    ({}, ["case-3", "case-2", "case-1", "case-0"]),
    ({"text": "王"}, ["case-3", "case-0"]),
    ({"text": "小明 王"}, ["case-3"]),
    ({"text": " 王芳 "}, ["case-0"]),
    ({"text": "JOSE"}, ["case-1"]),
    ({"text": "wan"}, ["case-2"]),
    ({"text": "138 0013 8000"}, ["case-1"]),
    ({"text": "8000 li"}, ["case-1"]),
    ({"text": "11010519491231002x"}, ["case-3"]),
    ({"text": "kd-71"}, ["case-0"]),
    ({"text": "case-2"}, ["case-2"]),
    ({"text": "CASE-9"}, []),
    ({"text": "case-2", "agent": LI}, []),
    ({"text": "' OR 1=1"}, []),
    ({"text": "%"}, []),
    ({"agent": LI}, ["case-3", "case-0"]),
    ({"agent": AccountId("acct-3")}, []),
    ({"phases": (CasePhase.UNDER_AUDIT, CasePhase.ABORTED)}, ["case-3", "case-2", "case-0"]),
    ({"outcomes": ("failed", "passed")}, ["case-3", "case-2"]),
    ({"reasons": ("customer_left", "prompting")}, ["case-2", "case-0"]),
    ({"purposes": ("loan",)}, ["case-3"]),
    ({"since": 20.0, "until": 40.0}, ["case-2", "case-1"]),
    ({"flags": (CaseFlag.GAPS,)}, ["case-2"]),
    ({"flags": (CaseFlag.UNVERIFIED,)}, ["case-3"]),
    ({"text": "王", "agent": LI, "phases": (CasePhase.UNDER_AUDIT,), "since": 30.0}, ["case-3"]),
    ({"due_before": 90.5}, ["case-3"]),
    ({"due_before": 90.0}, []),
    ({"due_before": 90.5, "phases": (CasePhase.APPROVED,)}, []),
    ({"text": "王", "due_before": 90.5}, ["case-3"]),
    ({"text": "王", "outcomes": ("failed",)}, []),
    ({"text": "小明 王", "flags": (CaseFlag.UNVERIFIED,), "until": 40.0}, []),
)


@pytest.mark.parametrize("list_max", [20_000, 0])
async def test_any_combination_narrows(
    filled: Database, list_max: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By name, telephone, identity number, reference, id, agent, time, state, outcome, reason and flag;
    also when every list is long."""
    monkeypatch.setattr(cases_module, "LIST_MAX", list_max)
    for asked, found in _ASKED:
        assert await _ids(filled, **asked) == found, asked


async def test_nothing_is_found_across_banks(filled: Database) -> None:
    """The same name at another bank is its own."""
    assert await _ids(filled, RIVAL, text="王芳") == ["case-9"]
    assert await _ids(filled, RIVAL, text="case-0") == []


@pytest.mark.parametrize("text", ["", "王"])
async def test_pages_follow_each_other_without_holes(database: Database, text: str) -> None:
    """Also where several cases began at the same moment, and while new ones come in front."""
    chance = random.Random(7)
    for number in range(23):
        await _told(database, f"case-{number:02}", float(chance.randrange(6)), name="王芳")
    whole = [(row.created_at, row.case) for row in (await database.cases.search(_page(200, text))).cases]
    assert whole == sorted(whole, reverse=True)
    read: list[tuple[float, str]] = []
    mark: CaseMark | None = None
    while mark or not read:
        page = await database.cases.search(replace(_page(5, text), after=mark))
        assert page.count == (None if mark else 23)
        read += [(row.created_at, row.case) for row in page.cases]
        mark = page.next
        await _told(database, f"case-n{len(read)}", 99.0, name="王芳")
    assert read == whole


def _page(limit: int, text: str = "") -> CaseQuery:
    return CaseQuery(tenant=BANK, text=text, limit=limit)


async def test_counting_ends_somewhere(filled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """There are more than so many; nobody waits for how many more."""
    monkeypatch.setattr(cases_module, "COUNTED_MAX", 3)
    page = await filled.cases.search(_page(2))
    assert (page.count, page.more, len(page.cases)) == (3, True, 2)


@pytest.mark.parametrize("limit", [0, 201])
async def test_senseless_page_is_refused(database: Database, limit: int) -> None:
    """A page has a size."""
    with pytest.raises(ValueError, match="out of range"):
        await database.cases.search(_page(limit))


async def test_order_and_repetition_do_not_matter(database: Database, url: str) -> None:
    """What comes before the first entry is found once that is there, and each list names a case once."""
    called = seal_entry(2, 12.0, CaseId("case-0"), facts.CallbackRequested("13800138000", ""), GENESIS)
    await database.cases.project(called)
    assert await _ids(database, text="8000") == []
    for _ in range(2):
        await _told(database, "case-0", 11.0, name="王芳")
        await database.cases.project(called)
    assert await _ids(database, text="王芳 13800138000") == ["case-0"]
    terms = await _rows(url, sa.select(sa.func.count()).select_from(CASE_TERMS))
    assert terms == [(5,)]


async def test_nothing_personal_lies_there_twice(filled: Database, url: str) -> None:
    """Numbers and names stand in no other column of the search than the row's own."""
    rows = [
        *await _rows(url, sa.select(CASE_TERMS)),
        *await _rows(url, sa.select(CASES.c.words, CASES.c.set_by)),
    ]
    said = repr(rows)
    for secret in ("王", "11010519491231002", "002x", "13800138000", "kd71", "wang"):
        assert secret not in said.lower()


async def test_cases_of_before_are_listed_again(filled: Database, url: str) -> None:
    """Rows without words are told, and a rebuild from the journal finds them their lists."""
    engine = Engine(url)
    async with engine.write() as connection:
        await connection.execute(sa.delete(CASE_TERMS))
        await connection.execute(sa.update(CASES).where(CASES.c.case == "case-0").values(words=None))
    await engine.close()
    assert await filled.cases.unlisted() == ("case-0",)
    await _told(filled, "case-0", 10.0, name="王芳", ref="KD-71")
    assert await filled.cases.unlisted() == ()
    assert await _ids(filled, text="王芳") == ["case-0"]


async def _rows(url: str, query: sa.Select[Any]) -> list[Any]:
    engine = Engine(url)
    async with engine.read() as connection:
        rows = (await connection.execute(query)).all()
    await engine.close()
    return [tuple(row) for row in rows]


async def test_views_are_kept_for_each_person(database: Database) -> None:
    """Replaced under their name, in the order of names, and a limited number."""
    await database.accounts.add_tenant(Tenant(BANK, "bank", "Bank"))
    for account, login in ((LI, "li"), (ZHAO, "zhao")):
        await database.accounts.add_account(Account(account, BANK, login, login, Role.AUDITOR, ""))
    views = database.views
    await views.save(LI, SavedView("today", {"phases": ["queued"]}))
    await views.save(LI, SavedView("today", {"phases": ["under_audit"]}))
    await views.save(LI, SavedView("a week", {}))
    kept = (SavedView("a week", {}), SavedView("today", {"phases": ["under_audit"]}))
    assert await views.views(LI) == kept
    assert await views.views(ZHAO) == ()
    await views.drop(LI, "today")
    await views.drop(ZHAO, "a week")
    assert await views.views(LI) == kept[:1]
    for number in range(VIEWS_MAX):
        await views.save(ZHAO, SavedView(f"{number}", {}))
    with pytest.raises(UserError) as refused:
        await views.save(ZHAO, SavedView("one more", {}))
    assert refused.value.code == "too_many_views"
    await views.save(ZHAO, SavedView("0", {"period": "week"}))
    assert [account.name for account in await database.accounts.staff(BANK)] == ["li", "zhao"]
