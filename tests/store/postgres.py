"""A real PostgreSQL server of this machine, in a folder of its own that goes with it."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def _program(name: str) -> str:
    found = shutil.which(name) or max(
        map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{name}")), default=None
    )
    if found is None:
        raise RuntimeError(f"{name} is missing; on Debian: apt-get install postgresql")
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
            raise RuntimeError(f"PostgreSQL ended: {log.read_text()}")


@contextmanager
def postgres_server(*options: str) -> Iterator[str]:
    """Run a PostgreSQL server on a free loopback port; give the URL of its databases up to the name.

    ``options`` are settings such as ``shared_buffers=128MB``.
    """
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
        settings = ("listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", *options)
        flags = [part for setting in settings for part in ("-c", setting)]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [_program("postgres"), "-D", str(data), "-p", str(port), *flags],
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
