"""One engine for both databases: transactions that mean the same on SQLite and on PostgreSQL."""

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, nullcontext
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from contract.errors import StorageError

# Two processes write, each for milliseconds; a longer wait is a fault worth an error.
_BUSY_S = 10
# FULL: a ticket that was redeemed stays redeemed through a power cut.
_PRAGMAS = ("synchronous=FULL", "foreign_keys=ON", f"busy_timeout={_BUSY_S * 1000}")


class Engine:
    """Hands out transactions; every failure of the database comes out as StorageError."""

    def __init__(self, url: str) -> None:
        """Take a SQLAlchemy URL with driver aiosqlite or asyncpg.

        Raises:
            ValueError: another driver or not a URL.
        """
        self._url = _checked(url)
        self._engine = create_async_engine(self._url, pool_pre_ping=not self.is_sqlite, hide_parameters=True)
        # SQLite lets writers of one process pass each other while they wait, some for seconds.
        self._turn: AbstractAsyncContextManager[object] = nullcontext()
        if self.is_sqlite:
            self._turn = asyncio.Lock()
            _prepare_sqlite(self._engine)

    @property
    def is_sqlite(self) -> bool:
        """Tell whether the database is a file of this machine."""
        return self._url.get_backend_name() == "sqlite"

    async def create_file(self) -> None:
        """Make the SQLite file and its folder; does nothing for a server's database.

        Raises:
            StorageError: the folder or the file cannot be written.
        """
        if self.is_sqlite and self._url.database:
            try:
                await asyncio.to_thread(_create_file, Path(self._url.database))
            except (sqlite3.Error, OSError) as error:
                raise StorageError(f"database: {error}") from error

    def insert(self, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
        """Return an INSERT that knows ON CONFLICT."""
        return sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that sees one state and changes nothing."""
        async with self._begin("BEGIN") as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that is committed at the end; SQLite admits one at a time."""
        async with self._turn, self._begin("BEGIN IMMEDIATE") as connection:
            yield connection

    @asynccontextmanager
    async def _begin(self, sqlite_begin: str) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._engine.connect() as plain:
                connection = await plain.execution_options(sqlite_begin=sqlite_begin)
                async with connection.begin():
                    yield connection
        except (SQLAlchemyError, OSError) as error:
            raise StorageError(f"database: {error}") from error

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()


def _checked(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except SQLAlchemyError as error:
        raise ValueError("not a database URL") from error
    if parsed.drivername not in {"sqlite+aiosqlite", "postgresql+asyncpg"}:
        raise ValueError(f"unknown database driver {parsed.drivername}")
    return parsed


def _create_file(path: Path) -> None:
    # The write-ahead log stays chosen in the file. SQLite refuses the choice at once, without waiting,
    # while another process makes it too: so one after the other, held by a lock on the folder.
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        with closing(sqlite3.connect(path, timeout=_BUSY_S)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
    finally:
        os.close(folder)


class _HintedCompiler(SQLiteCompiler):
    """Writes hints for SQLite (``INDEXED BY``) where they were given, which SQLAlchemy leaves out."""

    def get_from_hint_text(self, table: sa.FromClause, text: str | None) -> str | None:
        """Return the hint as it stands behind the table's name."""
        return text


def _prepare_sqlite(engine: AsyncEngine) -> None:
    engine.dialect.statement_compiler = _HintedCompiler

    # The driver's own BEGIN comes late and is deferred: two readers that both go on to write would
    # then fail at once with "database is locked" instead of waiting for each other.
    @sa.event.listens_for(engine.sync_engine, "connect")
    def _connected(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in _PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @sa.event.listens_for(engine.sync_engine, "begin")
    def _begun(connection: sa.Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))
