"""The schema: made from nothing, made once, and the same as the tables in the code."""

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from contract.errors import StorageError
from contract.ids import AccountId, CaseId, TenantId
from contract.ports import CaseQuery, Tenant
from store import Database
from store.engine import Engine
from store.migrate import downgrade, upgrade
from store.schema import METADATA
from tests.store.clock import MovedClock
from tests.store.test_folding import CASE, JOURNAL

_OLD_ROWS = (
    "INSERT INTO tenants VALUES ('tenant-1', 'bank', 'Bank', TRUE)",
    "INSERT INTO accounts VALUES "
    "('acct-1', 'tenant-1', 'li', 'li', '李娜', 'agent', '$argon2id$', 0, 0.0, FALSE)",
    "INSERT INTO cases VALUES ('case-1', 'tenant-1', 'created', 'account', 'default', '王芳', 1.0, 1.0, 1, "
    "NULL, '', NULL, '', NULL, '', '', '', NULL, '', NULL, '', '', FALSE, FALSE, '', NULL, '{}')",
)


def _difference(connection: sa.Connection) -> Any:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return compare_metadata(context, METADATA)


async def test_migrations_make_the_tables_of_the_code(database: Database, url: str) -> None:
    """Nobody changed a table without a migration."""
    engine = Engine(url)
    async with engine.read() as connection:
        assert await connection.run_sync(_difference) == []
    await engine.close()


async def test_start_again_keeps_everything(url: str, clock: MovedClock) -> None:
    """A second start finds nothing to do."""
    bank = Tenant(TenantId("tenant-1"), "bank", "Bank")
    async with Database(url, clock) as first:
        await first.accounts.add_tenant(bank)
    async with Database(url, clock) as second:
        assert await second.accounts.tenant(bank.tenant) == bank


async def test_what_an_older_program_left_is_kept(url: str, clock: MovedClock) -> None:
    """Accounts and cases from before this schema are read with nothing known beside."""
    engine = Engine(url)
    await engine.create_file()
    async with engine.write() as connection:
        await connection.run_sync(upgrade, "0001")
        for statement in _OLD_ROWS:
            await connection.execute(sa.text(statement))
    await engine.close()
    async with Database(url, clock) as database:
        account = await database.accounts.account(AccountId("acct-1"))
        assert (account.name, account.skills, account.languages) == ("李娜", (), ())
        assert (account.trained_until, account.number) == (None, "")
        case = await database.cases.case(CaseId("case-1"))
        assert (case.pii_customer_name, case.pii_customer_ref, case.callback_at) == ("王芳", "", None)
        assert await database.cases.callbacks(TenantId("tenant-1")) == ()
        # Not found by its words until its journal was read again.
        assert case.reason == ""
        assert await database.cases.unlisted() == ("case-1",)


async def test_the_search_is_migrated_back_and_forth(database: Database, url: str) -> None:
    """A program of before finds its tables and its rows, and this one finds them again."""
    await database.accounts.add_tenant(Tenant(TenantId("tenant-1"), "bank", "Bank"))
    for entry in JOURNAL:
        await database.cases.project(entry)
    before = await database.cases.case(CASE)
    engine = Engine(url)
    async with engine.write() as connection:
        await connection.run_sync(downgrade, "0003")
        tables = await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names())
        assert {"case_terms", "saved_views"} & set(tables) == set()
        await connection.run_sync(upgrade)
        assert await connection.run_sync(_difference) == []
    await engine.close()
    assert await database.cases.unlisted() == (CASE,)
    await database.cases.rebuild(JOURNAL)
    assert await database.cases.case(CASE) == before
    page = await database.cases.search(CaseQuery(tenant=TenantId("tenant-1"), text="c-77"))
    assert [found.case for found in page.cases] == [CASE]


async def test_processes_that_start_together_do_not_collide(url: str, clock: MovedClock) -> None:
    """Server and workers may all find an empty database."""
    databases = [Database(url, clock) for _ in range(5)]
    await asyncio.gather(*(database.__aenter__() for database in databases))
    await databases[0].accounts.add_tenant(Tenant(TenantId("tenant-1"), "bank", "Bank"))
    assert (await databases[4].accounts.tenant_by_code("bank")).name == "Bank"
    for database in databases:
        await database.__aexit__(None, None, None)


async def test_newer_database_is_refused(database: Database, url: str, clock: MovedClock) -> None:
    """An old program does not write into a schema that it does not know."""
    engine = Engine(url)
    async with engine.write() as connection:
        await connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StorageError, match="does not fit this program"):
        await Database(url, clock).__aenter__()
    await engine.close()


async def test_migration_that_fails_leaves_nothing(url: str, clock: MovedClock) -> None:
    """A table in the way stops the start; no half schema remains."""
    engine = Engine(url)
    await engine.create_file()
    async with engine.write() as connection:
        await connection.execute(sa.text("CREATE TABLE tenants (x INTEGER)"))
    with pytest.raises(StorageError):
        await Database(url, clock).__aenter__()
    async with engine.read() as connection:
        names = await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names())
    assert names == ["tenants"]
    await engine.close()
