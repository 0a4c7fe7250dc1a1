"""Tenants, accounts and sessions on both databases."""

import asyncio
from dataclasses import replace

import pytest

from contract.errors import NotFound, StorageError, UserError
from contract.ids import AccountId, TenantId
from contract.phases import Role
from contract.ports import Account, Session, Tenant
from store import Database
from store.accounts import SEEN_EVERY_S

BANK = Tenant(TenantId("tenant-1"), "bank", "样本银行", walk_in=True)
LI = Account(AccountId("acct-1"), BANK.tenant, "Li.Na@bank", "李娜", Role.AGENT, "$argon2id$...")
SESSION = Session("aa", LI.account, created_at=100.0, seen_at=100.0, expires_at=500.0)


@pytest.fixture(name="staffed")
async def _staffed(database: Database) -> Database:
    await database.accounts.add_tenant(BANK)
    await database.accounts.add_account(LI)
    return database


async def test_tenant_is_found_by_id_and_code(staffed: Database) -> None:
    """What was added comes back whole."""
    assert await staffed.accounts.tenant(BANK.tenant) == BANK
    assert await staffed.accounts.tenant_by_code("bank") == BANK


async def test_tenant_can_be_replaced(staffed: Database) -> None:
    """Adding a tenant again changes it; its old code no longer leads anywhere."""
    renamed = replace(BANK, code="new", name="New", walk_in=False)
    await staffed.accounts.add_tenant(renamed)
    assert await staffed.accounts.tenant(BANK.tenant) == renamed
    with pytest.raises(NotFound):
        await staffed.accounts.tenant_by_code("bank")


async def test_two_tenants_cannot_share_a_code(staffed: Database) -> None:
    """A code leads to one bank only."""
    with pytest.raises(StorageError):
        await staffed.accounts.add_tenant(Tenant(TenantId("tenant-2"), "bank", "Other"))
    assert await staffed.accounts.tenant_by_code("bank") == BANK


async def test_unknown_names_are_not_found(database: Database) -> None:
    """Nothing is made up."""
    accounts = database.accounts
    nobody = AccountId("acct-0")
    for asked in (
        accounts.tenant(TenantId("x")),
        accounts.tenant_by_code("x"),
        accounts.account(nobody),
        accounts.note_login(nobody, 0, 0.0),
        accounts.note_failed_login(nobody, 3, 0.0),
        accounts.set_password_hash(nobody, "x"),
        accounts.set_routing(nobody, (), (), None),
        accounts.set_number(nobody, "8001"),
    ):
        with pytest.raises(NotFound):
            await asked
    assert await accounts.account_by_login("x") is None


@pytest.mark.parametrize("typed", ["Li.Na@bank", "li.na@BANK", " li.na@bank "])
async def test_login_ignores_case(staffed: Database, typed: str) -> None:
    """People type their login as they like."""
    assert await staffed.accounts.account_by_login(typed) == LI
    assert await staffed.accounts.account(LI.account) == LI


async def test_routing_can_be_replaced(staffed: Database) -> None:
    """Skills, languages and the end of the training come back as they were set, and nothing else changes."""
    await staffed.accounts.set_routing(LI.account, ("loans", "存款"), ("zh-CN", "en"), 1_900_000_000.5)
    routed = replace(LI, skills=("loans", "存款"), languages=("zh-CN", "en"), trained_until=1_900_000_000.5)
    assert await staffed.accounts.account(LI.account) == routed
    assert await staffed.accounts.account_by_login(LI.login) == routed
    await staffed.accounts.set_routing(LI.account, (), (), None)
    assert await staffed.accounts.account(LI.account) == LI


async def test_routing_can_come_with_the_account(staffed: Database) -> None:
    """An account is added with what routing is to know of it."""
    zhao = replace(LI, account=AccountId("acct-2"), login="zhao", skills=("loans",), trained_until=5.0)
    await staffed.accounts.add_account(zhao)
    assert await staffed.accounts.account(zhao.account) == zhao


async def test_login_belongs_to_one_account(staffed: Database) -> None:
    """The same login in other letters is taken, and the first account stays as it is."""
    with pytest.raises(UserError) as caught:
        await staffed.accounts.add_account(
            replace(LI, account=AccountId("acct-2"), login="LI.NA@BANK", name="Other")
        )
    assert caught.value.code == "login_taken"
    assert await staffed.accounts.account_by_login("li.na@bank") == LI


async def test_account_needs_its_tenant(database: Database) -> None:
    """An account of no bank cannot be."""
    with pytest.raises(StorageError):
        await database.accounts.add_account(LI)


async def test_failures_are_counted_together_and_lock(staffed: Database) -> None:
    """Ten failures at the same moment are ten, and the fifth and later lock."""
    counted = await asyncio.gather(
        *(staffed.accounts.note_failed_login(LI.account, 5, 900.0) for _ in range(10))
    )
    assert sorted(counted) == list(range(1, 11))
    noted = await staffed.accounts.account(LI.account)
    assert (noted.failed_logins, noted.locked_until) == (10, 900.0)


async def test_few_failures_do_not_lock(staffed: Database) -> None:
    """Below the bound the lock stays open."""
    assert await staffed.accounts.note_failed_login(LI.account, 2, 900.0) == 1
    assert (await staffed.accounts.account(LI.account)).locked_until == 0.0


async def test_success_and_new_password_are_noted(staffed: Database) -> None:
    """A login that worked clears the count; a new hash replaces the old."""
    await staffed.accounts.note_failed_login(LI.account, 1, 900.0)
    await staffed.accounts.note_login(LI.account, 0, 0.0)
    await staffed.accounts.set_password_hash(LI.account, "new")
    assert await staffed.accounts.account(LI.account) == replace(LI, password_hash="new")


async def test_session_lives_until_it_expires(staffed: Database) -> None:
    """At its last moment it is alive, at its expiry it is gone."""
    await staffed.accounts.add_session(SESSION)
    assert await staffed.accounts.session("aa", 100.0) == SESSION
    assert await staffed.accounts.session("aa", 499.9) is not None
    assert await staffed.accounts.session("aa", 500.0) is None
    assert await staffed.accounts.session("ab", 100.0) is None


async def test_session_is_noted_as_seen(staffed: Database) -> None:
    """One sees when it was used before; small steps are not written."""
    await staffed.accounts.add_session(SESSION)
    later = 100.0 + SEEN_EVERY_S
    assert (await _seen(staffed, later - 1)) == 100.0
    assert (await _seen(staffed, later)) == 100.0
    assert (await _seen(staffed, later + 1)) == later


async def _seen(database: Database, now: float) -> float:
    session = await database.accounts.session("aa", now)
    assert session is not None
    return session.seen_at


async def test_dropped_session_is_gone(staffed: Database) -> None:
    """Logging out ends it; doing so twice is no error."""
    await staffed.accounts.add_session(SESSION)
    await staffed.accounts.drop_session("aa")
    await staffed.accounts.drop_session("aa")
    assert await staffed.accounts.session("aa", 100.0) is None


async def test_expired_sessions_are_forgotten(staffed: Database) -> None:
    """A new login sweeps out what expired before it, and nothing else."""
    await staffed.accounts.add_session(SESSION)
    await staffed.accounts.add_session(
        replace(SESSION, token_sha256="cc", created_at=499.0, expires_at=900.0)
    )
    assert await staffed.accounts.session("aa", 100.0) is not None
    await staffed.accounts.add_session(
        replace(SESSION, token_sha256="dd", created_at=500.0, expires_at=900.0)
    )
    assert await staffed.accounts.session("aa", 100.0) is None
    assert await staffed.accounts.session("cc", 600.0) is not None


async def test_numbers_come_with_an_account_or_later(staffed: Database) -> None:
    """All accounts are listed by bank and login, each with its number."""
    wang = replace(LI, account=AccountId("acct-2"), login="anna", number="8001")
    await staffed.accounts.add_account(wang)
    assert await staffed.accounts.accounts() == (wang, LI)
    await staffed.accounts.set_number(LI.account, "8002")
    assert [one.number for one in await staffed.accounts.accounts()] == ["8001", "8002"]
