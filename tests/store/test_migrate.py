"""The schema: made from nothing, made once, and the same as the tables in the code."""

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from contract.errors import StorageError
from contract.ids import TenantId
from contract.ports import Tenant
from store import Database
from store.engine import Engine
from store.schema import METADATA
from tests.store.clock import MovedClock


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
