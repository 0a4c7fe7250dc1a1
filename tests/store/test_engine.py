"""Transactions, failures and the settings that durability rests on."""

import asyncio
import os
from pathlib import Path

import pytest
import sqlalchemy as sa

from contract.errors import StorageError
from contract.ids import TenantId
from contract.ports import Tenant
from store import Database
from store.engine import Engine
from store.schema import TENANTS
from tests.store.clock import MovedClock


@pytest.mark.parametrize("url", ["", "teller.db", "mysql://h/d", "sqlite:///x.db", "postgresql://h/d"])
def test_other_databases_are_refused(url: str) -> None:
    """Only the two drivers that are tested can be named."""
    with pytest.raises(ValueError, match="database"):
        Engine(url)


async def test_unreachable_server_is_a_storage_error(clock: MovedClock, unused_tcp_port: int) -> None:
    """Nobody outside sees the driver's exceptions."""
    with pytest.raises(StorageError):
        await Database(f"postgresql+asyncpg://x@127.0.0.1:{unused_tcp_port}/x", clock).__aenter__()


async def test_file_that_is_no_database_is_a_storage_error(tmp_path: Path, clock: MovedClock) -> None:
    """A damaged file stops the start."""
    (tmp_path / "teller.db").write_bytes(os.urandom(8192))
    with pytest.raises(StorageError):
        await Database(f"sqlite+aiosqlite:///{tmp_path}/teller.db", clock).__aenter__()


async def test_error_text_holds_no_values(database: Database) -> None:
    """Names of customers do not get into the log through the database's complaints."""
    await database.accounts.add_tenant(Tenant(TenantId("tenant-1"), "code", "First"))
    with pytest.raises(StorageError) as caught:
        await database.accounts.add_tenant(Tenant(TenantId("tenant-2"), "code", "Frau Secret"))
    assert "Frau Secret" not in str(caught.value)


async def test_sqlite_keeps_what_it_committed(tmp_path: Path) -> None:
    """WAL lets readers go on beside a writer; FULL syncs each commit."""
    engine = Engine(f"sqlite+aiosqlite:///{tmp_path}/teller.db")
    await engine.create_file()
    async with engine.read() as connection:
        pragmas = {
            name: (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    await engine.close()
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000}


async def test_failed_transaction_leaves_nothing(database: Database, url: str) -> None:
    """What was written before the failure is taken back."""
    engine = Engine(url)
    row = {"tenant": "t", "code": "c", "name": "n", "walk_in": False}
    with pytest.raises(KeyError):
        async with engine.write() as connection:
            await connection.execute(sa.insert(TENANTS).values(row))
            raise KeyError
    async with engine.read() as connection:
        assert (await connection.execute(sa.select(TENANTS))).all() == []
    await engine.close()


async def test_cancelled_transaction_leaves_nothing_and_blocks_nobody(database: Database, url: str) -> None:
    """A deadline in the middle of a write takes it back and lets the next writer in."""
    engine = Engine(url)
    written = asyncio.Event()

    async def write_and_hang() -> None:
        async with engine.write() as connection:
            row = {"tenant": "t", "code": "c", "name": "n", "walk_in": False}
            await connection.execute(sa.insert(TENANTS).values(row))
            written.set()
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(write_and_hang())
        await written.wait()
        task.cancel()
    await database.accounts.add_tenant(Tenant(TenantId("t"), "c", "other"))
    assert (await database.accounts.tenant(TenantId("t"))).name == "other"
    await engine.close()


async def test_writers_wait_for_each_other(database: Database, url: str) -> None:
    """Two that read and then write do not fail as locked, and neither loses its step."""
    await database.accounts.add_tenant(Tenant(TenantId("t"), "c", "0"))
    engines = [Engine(url), Engine(url)]

    async def count_on(engine: Engine) -> None:
        async with engine.write() as connection:
            held = sa.select(TENANTS.c.name).with_for_update()
            name = (await connection.execute(held)).scalar_one()
            await connection.execute(sa.update(TENANTS).values(name=str(int(name) + 1)))

    await asyncio.gather(*(count_on(engine) for engine in engines * 10))
    assert (await database.accounts.tenant(TenantId("t"))).name == "20"
    for engine in engines:
        await engine.close()


async def test_writers_of_one_process_are_served_in_turn(tmp_path: Path) -> None:
    """On SQLite nobody who came later writes first: a hundred waiting writers would starve some."""
    engine = Engine(f"sqlite+aiosqlite:///{tmp_path / 'teller.db'}")
    await engine.create_file()
    served: list[int] = []

    async def write(number: int) -> None:
        async with engine.write() as connection:
            await connection.execute(sa.text("SELECT 1"))
            served.append(number)

    await asyncio.gather(*(write(number) for number in range(30)))
    await engine.close()
    assert served == list(range(30))
