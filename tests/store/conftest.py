"""Both databases for the same tests: a SQLite file, and a real PostgreSQL server of this machine."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import asyncpg  # type: ignore[import-untyped]
import pytest

from store import Database
from tests.store.clock import MovedClock


def _program(name: str) -> str:
    found = shutil.which(name) or max(
        map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{name}")), default=None
    )
    if found is None:
        pytest.fail(f"{name} is missing; on Debian: apt-get install postgresql")
    return found


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def _await_ready(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until connections are taken: the port listens while the server still starts up."""
    ask = [_program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    deadline = time.monotonic() + 60
    while subprocess.run(ask, check=False).returncode != 0:
        assert time.monotonic() < deadline, f"PostgreSQL is not ready: {log.read_text()}"
        with suppress(subprocess.TimeoutExpired):
            server.wait(0.05)
            pytest.fail(f"PostgreSQL ended: {log.read_text()}")


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Run a PostgreSQL server; give the URL of its databases up to the name."""
    # PostgreSQL refuses to run as root.
    user = "nobody" if os.getuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="teller-pg-"))
    data, port = folder / "data", _free_port()
    try:
        if user is not None:
            person = pwd.getpwnam(user)
            os.chown(folder, person.pw_uid, person.pw_gid)
        init = [_program("initdb"), "-D", str(data), "-U", "teller", "-A", "trust", "--no-sync", "-E", "UTF8"]
        subprocess.run(init, check=True, stdout=subprocess.DEVNULL, user=user, cwd=folder)
        options = ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [_program("postgres"), "-D", str(data), "-p", str(port), *options],
                stdout=log, stderr=log, user=user, cwd=folder,
            )  # fmt: skip
        try:
            _await_ready(port, server, folder / "log")
            yield f"postgresql+asyncpg://teller@127.0.0.1:{port}"
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(30)
    finally:
        shutil.rmtree(folder)


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
    async with Database(url, clock) as opened:
        yield opened
