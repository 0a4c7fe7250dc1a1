"""Logins, lockout, sessions."""

import asyncio
import time
from dataclasses import replace

import argon2
import pytest

from contract.errors import Busy, Denied
from contract.ids import new_account_id
from contract.phases import Role
from contract.ports import Account
from signaling.accounts import Accounts, LoggedIn, PasswordHashes, require_csrf, require_role
from signaling.settings import SignalingSettings
from tests.signaling.fakes import FakeClock, MemoryAccounts
from tests.signaling.house import BANK, HASHER, PASSWORD, SETTINGS


class Office:
    """Accounts over an in-memory store with one agent."""

    def __init__(self, settings: SignalingSettings = SETTINGS) -> None:
        self.clock = FakeClock()
        self.store = MemoryAccounts()
        self.hashes = PasswordHashes(HASHER)
        self.accounts = Accounts(settings, self.store, self.clock, self.hashes)
        self.anna = Account(new_account_id(), BANK, "anna", "Anna", Role.AGENT, HASHER.hash(PASSWORD))

    async def open(self) -> "Office":
        await self.store.add_account(self.anna)
        return self

    async def login(self, login: str = "anna", password: str = PASSWORD) -> LoggedIn:
        return await self.accounts.login(login, password)

    async def refused(self, login: str = "anna", password: str = "wrong") -> str:  # noqa: S107
        with pytest.raises(Denied) as caught:
            await self.login(login, password)
        return caught.value.code

    async def session_refused(self, token: str) -> str:
        with pytest.raises(Denied) as caught:
            await self.accounts.check(token)
        return caught.value.code


async def test_the_right_password_opens_a_session() -> None:
    """The store learns hashes only; the token gives the person and the same CSRF token again."""
    office = await Office().open()
    person = await office.login("ANNA")
    assert person.account.account == office.anna.account
    session = next(iter(office.store.sessions.values()))
    assert person.token not in repr(session)
    assert person.csrf not in repr(session)
    assert (await office.accounts.check(person.token)).csrf == person.csrf


async def test_wrong_unknown_and_disabled_sound_the_same() -> None:
    """Nobody learns which logins exist."""
    office = await Office().open()
    assert await office.refused() == "login_failed"
    assert await office.refused("nobody") == "login_failed"
    office.store.disable(office.anna.account)
    assert await office.refused(password=PASSWORD) == "login_failed"


async def test_an_unknown_login_costs_as_much_as_a_known_one() -> None:
    """The password is hashed for nothing, with the same parameters."""
    office = await Office().open()
    slow = argon2.PasswordHasher(time_cost=3, memory_cost=16_384, parallelism=1)
    hashes = PasswordHashes(slow)
    known = await hashes.make(PASSWORD)
    await hashes.fits("x", None)

    async def least(password_hash: str | None) -> float:
        times = []
        for _ in range(5):
            began = time.perf_counter()
            assert not await hashes.fits("x", password_hash)
            times.append(time.perf_counter() - began)
        return min(times)

    assert await least(None) > await least(known) / 3
    assert office.anna.login == "anna"


async def test_five_failures_lock_for_fifteen_minutes() -> None:
    """Even the right password waits; afterwards counting starts anew."""
    office = await Office().open()
    for _ in range(5):
        await office.refused()
    assert await office.refused(password=PASSWORD) == "login_failed"
    office.clock.advance(15 * 60)
    await office.refused()
    await office.login()
    assert office.store.accounts[office.anna.account].failed_logins == 0


async def test_a_success_forgets_the_failures() -> None:
    """Four mistakes and a success are no fifth of a lock."""
    office = await Office().open()
    for _ in range(2):
        for _ in range(4):
            await office.refused()
        await office.login()


async def test_a_hash_with_old_parameters_is_renewed() -> None:
    """The next login stores it with the present ones; the password still fits."""
    office = await Office().open()
    old = argon2.PasswordHasher(time_cost=2, memory_cost=64, parallelism=1).hash(PASSWORD)
    await office.store.set_password_hash(office.anna.account, old)
    await office.login()
    renewed = office.store.accounts[office.anna.account].password_hash
    assert not HASHER.check_needs_rehash(renewed)
    await office.login()
    assert office.store.accounts[office.anna.account].password_hash == renewed


async def test_a_broken_hash_lets_nobody_in() -> None:
    """A damaged row is a wrong password, not an error page."""
    office = await Office().open()
    await office.store.set_password_hash(office.anna.account, "nonsense")
    assert await office.refused(password=PASSWORD) == "login_failed"


async def test_too_many_logins_at_once_are_refused() -> None:
    """Sixteen wait for the two threads; the rest are told to come back."""
    office = await Office().open()
    results = await asyncio.gather(*(office.login() for _ in range(40)), return_exceptions=True)
    kinds = {type(result) for result in results}
    assert kinds == {LoggedIn, Busy}
    assert sum(isinstance(result, LoggedIn) for result in results) >= 16


async def test_a_session_ends_idle_or_old() -> None:
    """Thirty minutes without use, or twelve hours in all."""
    office = await Office().open()
    person = await office.login()
    office.clock.advance(1_800)
    await office.accounts.check(person.token)
    office.clock.advance(1_801)
    assert await office.session_refused(person.token) == "not_logged_in"
    assert office.store.sessions == {}
    person = await office.login()
    for _ in range(24):
        office.clock.advance(1_799)
        await office.accounts.check(person.token)
    office.clock.advance(60)
    assert await office.session_refused(person.token) == "not_logged_in"


async def test_logout_and_disabling_end_a_session() -> None:
    """At once."""
    office = await Office().open()
    person, other = await office.login(), await office.login()
    await office.accounts.logout(person.token)
    assert await office.session_refused(person.token) == "not_logged_in"
    await office.accounts.check(other.token)
    office.store.disable(office.anna.account)
    assert await office.session_refused(other.token) == "not_logged_in"


async def test_roles_and_csrf_tokens_are_required() -> None:
    """A wrong role, a missing token, another session's token, or text that is not ASCII."""
    office = await Office().open()
    person, other = await office.login(), await office.login()
    require_role(person, Role.AUDITOR, Role.AGENT)
    require_csrf(person, person.csrf)
    with pytest.raises(Denied) as caught:
        require_role(person, Role.AUDITOR)
    assert caught.value.code == "wrong_role"
    for bad in (None, "", other.csrf, "é"):
        with pytest.raises(Denied) as caught:
            require_csrf(person, bad)
        assert caught.value.code == "csrf"


def test_the_secret_must_be_long() -> None:
    """A short key would be guessed."""
    with pytest.raises(ValueError, match="32 bytes"):
        replace(SETTINGS, secret=b"short")
