"""Both databases for the same tests: a SQLite file, and a real PostgreSQL server of this machine."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import asyncpg  # type: ignore[import-untyped]
import pytest

from store import Database
from tests.store.clock import MovedClock
from tests.store.postgres import postgres_server

SEARCH_KEY = b"k" * 32


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Run a PostgreSQL server; give the URL of its databases up to the name."""
    with postgres_server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """Give the URL of an empty database, of each kind in turn."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path}/data/teller.db"
        return
    server: str = request.getfixturevalue("postgres")
    name = f"t{uuid4().hex}"
    admin = await asyncpg.connect(server.replace("+asyncpg", "") + "/postgres")
    try:
        await admin.execute(f"CREATE DATABASE {name}")
        yield f"{server}/{name}"
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await admin.close()


@pytest.fixture
def clock() -> MovedClock:
    """Give a clock that stands until it is moved."""
    return MovedClock()


@pytest.fixture
async def database(url: str, clock: MovedClock) -> AsyncIterator[Database]:
    """Give a database at the newest schema."""
    async with Database(url, clock, SEARCH_KEY) as opened:
        yield opened
