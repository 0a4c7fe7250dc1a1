"""Tenants, accounts and sessions."""

from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from contract.errors import NotFound, UserError
from contract.ids import AccountId, TenantId
from contract.phases import Role
from contract.ports import Account, Session, Tenant
from store.engine import Engine
from store.schema import ACCOUNTS, SESSIONS, TENANTS

# A page that plays a recording asks several times a second; noting each would sync the disk each time.
SEEN_EVERY_S = 30.0

_ACCOUNT_COLUMNS = [column for column in ACCOUNTS.c if column.name != "login_key"]


class Accounts:
    """The AccountStore of ``contract.ports``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def add_tenant(self, tenant: Tenant) -> None:
        """Add or replace a tenant. Raises StorageError when another tenant has its code."""
        values = asdict(tenant)
        insert = self._engine.insert(TENANTS).values(values)
        async with self._engine.write() as connection:
            await connection.execute(insert.on_conflict_do_update(index_elements=["tenant"], set_=values))

    async def tenant(self, tenant: TenantId) -> Tenant:
        """Return a tenant. Raises NotFound."""
        return await self._tenant(TENANTS.c.tenant == tenant)

    async def tenant_by_code(self, code: str) -> Tenant:
        """Return a tenant by its link code. Raises NotFound."""
        return await self._tenant(TENANTS.c.code == code)

    async def _tenant(self, condition: sa.ColumnElement[bool]) -> Tenant:
        async with self._engine.read() as connection:
            row = (await connection.execute(sa.select(TENANTS).where(condition))).one_or_none()
        if row is None:
            raise NotFound("no such tenant")
        return Tenant(**row._mapping)

    async def add_account(self, account: Account) -> None:
        """Add an account. Raises UserError ``login_taken``."""
        values = asdict(account) | {"login_key": _login_key(account.login)}
        insert = self._engine.insert(ACCOUNTS).values(values)
        async with self._engine.write() as connection:
            added = await connection.execute(insert.on_conflict_do_nothing(index_elements=["login_key"]))
        if added.rowcount == 0:
            raise UserError("another account has this login", code="login_taken")

    async def account(self, account: AccountId) -> Account:
        """Return an account. Raises NotFound."""
        found = await self._account(ACCOUNTS.c.account == account)
        if found is None:
            raise NotFound("no such account")
        return found

    async def account_by_login(self, login: str) -> Account | None:
        """Return the account that logs in with ``login``, in any case."""
        return await self._account(ACCOUNTS.c.login_key == _login_key(login))

    async def _account(self, condition: sa.ColumnElement[bool]) -> Account | None:
        async with self._engine.read() as connection:
            row = (await connection.execute(sa.select(*_ACCOUNT_COLUMNS).where(condition))).one_or_none()
        return None if row is None else _account_in(row._asdict())

    async def accounts(self) -> tuple[Account, ...]:
        """Return everybody's account, by tenant and login."""
        order = (ACCOUNTS.c.tenant, ACCOUNTS.c.login_key)
        async with self._engine.read() as connection:
            rows = (await connection.execute(sa.select(*_ACCOUNT_COLUMNS).order_by(*order))).all()
        return tuple(_account_in(row._asdict()) for row in rows)

    async def set_number(self, account: AccountId, number: str) -> None:
        """Replace the number that customers are told. Raises NotFound."""
        await self._change(account, number=number)

    async def staff(self, tenant: TenantId) -> tuple[Account, ...]:
        """Return everybody who works at a bank, by name."""
        query = sa.select(*_ACCOUNT_COLUMNS).where(ACCOUNTS.c.tenant == tenant)
        async with self._engine.read() as connection:
            rows = (await connection.execute(query.order_by(ACCOUNTS.c.name, ACCOUNTS.c.account))).all()
        return tuple(_account_in(row._asdict()) for row in rows)

    async def set_routing(
        self,
        account: AccountId,
        skills: tuple[str, ...],
        languages: tuple[str, ...],
        trained_until: float | None,
    ) -> None:
        """Replace what routing knows of an account. Raises NotFound."""
        await self._change(account, skills=skills, languages=languages, trained_until=trained_until)

    async def note_login(self, account: AccountId, failed_logins: int, locked_until: float) -> None:
        """Store the outcome of a login attempt. Raises NotFound."""
        await self._change(account, failed_logins=failed_logins, locked_until=locked_until)

    async def note_failed_login(self, account: AccountId, lock_after: int, lock_until: float) -> int:
        """Count one failure, lock at the ``lock_after``-th; return the count. Raises NotFound."""
        count = ACCOUNTS.c.failed_logins + 1
        locked = sa.case((count >= lock_after, lock_until), else_=ACCOUNTS.c.locked_until)
        update = (
            sa.update(ACCOUNTS)
            .where(ACCOUNTS.c.account == account)
            .values(failed_logins=count, locked_until=locked)
            .returning(ACCOUNTS.c.failed_logins)
        )
        async with self._engine.write() as connection:
            failures: int | None = (await connection.execute(update)).scalar_one_or_none()
        if failures is None:
            raise NotFound("no such account")
        return failures

    async def set_password_hash(self, account: AccountId, password_hash: str) -> None:
        """Replace the password hash. Raises NotFound."""
        await self._change(account, password_hash=password_hash)

    async def _change(self, account: AccountId, **values: object) -> None:
        update = sa.update(ACCOUNTS).where(ACCOUNTS.c.account == account).values(values)
        async with self._engine.write() as connection:
            changed = await connection.execute(update)
        if changed.rowcount == 0:
            raise NotFound("no such account")

    async def add_session(self, session: Session) -> None:
        """Store a session; those that expired before it began are forgotten."""
        async with self._engine.write() as connection:
            await connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.expires_at <= session.created_at))
            await connection.execute(sa.insert(SESSIONS).values(asdict(session)))

    async def session(self, token_sha256: str, now: float) -> Session | None:
        """Return a session that has not expired at ``now``, as it was before; note it as seen.

        ``seen_at`` is exact to ``SEEN_EVERY_S``.
        """
        mine = SESSIONS.c.token_sha256 == token_sha256
        async with self._engine.read() as connection:
            alive = sa.select(SESSIONS).where(mine, SESSIONS.c.expires_at > now)
            row = (await connection.execute(alive)).one_or_none()
        if row is None:
            return None
        if now - row.seen_at >= SEEN_EVERY_S:
            async with self._engine.write() as connection:
                await connection.execute(sa.update(SESSIONS).where(mine).values(seen_at=now))
        return Session(**row._mapping)

    async def drop_session(self, token_sha256: str) -> None:
        """Forget a session; one that is not there is ignored."""
        async with self._engine.write() as connection:
            await connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.token_sha256 == token_sha256))


def _account_in(row: dict[str, Any]) -> Account:
    lists = {name: tuple(row[name]) for name in ("skills", "languages")}
    return Account(**{**row, **lists, "role": Role(row["role"])})


def _login_key(login: str) -> str:
    return login.strip().casefold()
