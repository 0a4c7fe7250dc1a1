"""Who works here: logins with argon2id, sessions, roles.

A session is a random token in a cookie; the store holds its SHA-256 only. The CSRF token is an HMAC
of the session token, so that a reloaded page can be told it again.
"""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, NoReturn, TypeVar

import argon2
import structlog
from prometheus_client import Counter

from contract.errors import Busy, Denied, Unproven
from contract.phases import Role
from contract.ports import Account, AccountStore, Clock, Session
from signaling.settings import SignalingSettings

_log = structlog.get_logger(__name__)
_logins = Counter("teller_signaling_logins", "Login attempts by result", ["result"])

_T = TypeVar("_T")

# Each hash takes 64 MiB and one core for about 50 ms.
_HASHES_AT_ONCE: Final = 2
# Beyond this queue (about half a second of work) logins are refused.
_HASHES_WAITING: Final = 16


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A person with a session. ``token`` and ``csrf`` are secrets of the browser."""

    account: Account
    token: str
    csrf: str


class PasswordHashes:
    """argon2id in threads, few at a time."""

    def __init__(self, hasher: argon2.PasswordHasher | None = None) -> None:
        self._hasher = hasher or argon2.PasswordHasher()
        self._slots = asyncio.Semaphore(_HASHES_AT_ONCE)
        self._inside = 0
        self._decoy = ""

    async def make(self, password: str) -> str:
        """Return the hash of ``password`` with the present parameters. Raises Busy."""
        return await self._run(lambda: self._hasher.hash(password))

    async def fits(self, password: str, password_hash: str | None) -> bool:
        """Tell whether the password is right; without a hash the same work is done for nothing."""
        if password_hash is None:
            self._decoy = self._decoy or await self.make(secrets.token_urlsafe())
        return await self._run(lambda: self._verify(password, password_hash or self._decoy))

    def outdated(self, password_hash: str) -> bool:
        """Tell whether the hash was made with other parameters than the present ones."""
        return self._hasher.check_needs_rehash(password_hash)

    def _verify(self, password: str, password_hash: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False

    async def _run(self, work: Callable[[], _T]) -> _T:
        async with self._place():
            return await asyncio.to_thread(work)

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        if self._inside >= _HASHES_WAITING:
            raise Busy("too many logins at once")
        self._inside += 1
        try:
            async with self._slots:
                yield
        finally:
            self._inside -= 1


class Accounts:
    """Logins and sessions over the account store."""

    def __init__(
        self,
        settings: SignalingSettings,
        store: AccountStore,
        clock: Clock,
        hashes: PasswordHashes | None = None,
    ) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._hashes = hashes or PasswordHashes()

    async def login(self, login: str, password: str) -> LoggedIn:
        """Start a session.

        Raises:
            Unproven: ``login_failed``, the same for unknown, locked, disabled and wrong.
            Busy: too many logins at once.
        """
        account = await self._store.account_by_login(login)
        known = account.password_hash if account else None
        fits = await self._hashes.fits(password, known)
        if account is None or account.disabled or account.locked_until > self._clock.now():
            self._refuse("unknown" if account is None else "locked")
        if not fits:
            await self._count_failure(account)
            self._refuse("wrong")
        await self._welcome(account, password)
        return await self._open(account)

    async def check(self, token: str) -> LoggedIn:
        """Return whose session this is, and note it as seen.

        Raises:
            Unproven: ``not_logged_in``: unknown, idle for too long, too old, or a disabled account.
        """
        now = self._clock.now()
        digest = _sha256(token)
        session = await self._store.session(digest, now)
        if session is None or now - session.seen_at > self._settings.idle_s:
            await self.logout(token)
            raise Unproven("no such session")
        account = await self._store.account(session.account)
        if account.disabled:
            raise Unproven("the account is disabled")
        return LoggedIn(account, token, self._csrf(token))

    async def logout(self, token: str) -> None:
        """Forget a session."""
        await self._store.drop_session(_sha256(token))

    def _refuse(self, result: str) -> NoReturn:
        _logins.labels(result).inc()
        raise Unproven("wrong login or password, or locked", code="login_failed")

    async def _count_failure(self, account: Account) -> None:
        now = self._clock.now()
        if 0 < account.locked_until <= now:
            await self._store.note_login(account.account, 0, 0.0)
        until = now + self._settings.lock_s
        count = await self._store.note_failed_login(account.account, self._settings.lock_after, until)
        _log.warning("login failed", account=account.account, failures=count)

    async def _welcome(self, account: Account, password: str) -> None:
        _logins.labels("right").inc()
        await self._store.note_login(account.account, 0, 0.0)
        if self._hashes.outdated(account.password_hash):
            await self._store.set_password_hash(account.account, await self._hashes.make(password))

    async def _open(self, account: Account) -> LoggedIn:
        token = secrets.token_urlsafe(32)
        now = self._clock.now()
        expires_at = now + self._settings.absolute_s
        await self._store.add_session(Session(_sha256(token), account.account, now, now, expires_at))
        _log.info("logged in", account=account.account, role=account.role)
        return LoggedIn(account, token, self._csrf(token))

    def _csrf(self, token: str) -> str:
        return hmac.new(self._settings.secret, b"csrf:" + token.encode(), hashlib.sha256).hexdigest()


def require_role(person: LoggedIn, *roles: Role) -> None:
    """Raise Denied ``wrong_role`` unless the person has one of ``roles``."""
    if person.account.role not in roles:
        raise Denied("not with this role", code="wrong_role")


def require_csrf(person: LoggedIn, csrf: str | None) -> None:
    """Raise Denied ``csrf`` unless ``csrf`` belongs to the person's session."""
    if csrf is None or not hmac.compare_digest(person.csrf.encode(), csrf.encode()):
        raise Denied("the CSRF token is missing or wrong", code="csrf")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
