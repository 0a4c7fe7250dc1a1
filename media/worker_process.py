"""One media worker as the server sees it: its process, its link, what it carries."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import structlog

from contract.errors import MediaError
from media.worker_link import LINE_MAX, Link

_log = structlog.get_logger(__name__)

# How to start worker ``number``, which finds its end of the link at file descriptor ``link``.
Command = Callable[[int, int], Sequence[str]]

# A worker closes its link as its last act; the interpreter's own end takes a few tenths of a second, and
# more than two on a machine with four times the work it can do.
_END_S = 5.0
# A killed process is gone at once, unless its disk hangs: then nothing more comes from it either. Its calls
# are not made to wait for it longer than a seat is kept.
_KILLED_S = 2.0
# What it had told is read in that time; then it is given up, gone or not.
_CUT_S = 1.0
# Pings go out this often, and carry back how much processor time was used.
PING_S = 1.0
# So many unanswered ones are a hang: five seconds are ten times the longest stall measured on two
# saturated cores, and leave fifteen of a seat's twenty for a new connection.
HANG_PINGS = 5
# How a process ends that was told to: by its own hand, or by the signal while it was still starting.
_AS_TOLD = (0, -signal.SIGTERM)


class Dismissed(MediaError):
    """The worker was told to stop before it took calls."""

    default_code = "media_unavailable"


class Worker:
    """One life of a worker: what restarts in its place is another."""

    def __init__(self, number: int, process: asyncio.subprocess.Process, link: Link) -> None:
        self.number = number
        self.link = link
        self.cpu_share = 0.0
        self._process = process
        self._cpu_s: float | None = None
        self._unanswered = 0

    @property
    def alive(self) -> bool:
        """Tell whether commands can be given."""
        return not self.link.lost.is_set()

    async def watch(self) -> None:
        """Return when the worker is lost; one that hangs is killed."""
        async with asyncio.TaskGroup() as tasks:
            watching = [tasks.create_task(work) for work in (self._ping(), self._count())]
            await self.link.lost.wait()
            for task in watching:
                task.cancel()

    async def _ping(self) -> None:
        with suppress(MediaError):
            while True:
                self._got_load(await self.link.call("ping"))
                self._unanswered = 0
                await asyncio.sleep(PING_S)

    def _got_load(self, load: dict[str, Any]) -> None:
        cpu_s = float(load["cpu_s"])
        self.cpu_share = 0.0 if self._cpu_s is None else (cpu_s - self._cpu_s) / PING_S
        self._cpu_s = cpu_s

    async def _count(self) -> None:
        # Beats are counted and not seconds: a server that stood still itself must blame nobody.
        while self._unanswered <= HANG_PINGS:
            await asyncio.sleep(PING_S)
            self._unanswered += 1
        _log.error("media worker hangs", worker=self.number, seconds=HANG_PINGS * PING_S)
        with suppress(ProcessLookupError):
            self._process.kill()
        await asyncio.sleep(_CUT_S)
        self.link.cut()


@asynccontextmanager
async def spawned(command: Command, number: int) -> AsyncIterator[tuple[asyncio.subprocess.Process, Link]]:
    """Run a worker's process; it is gone when the block has ended, killed if need be.

    Raises:
        MediaError: it cannot be started.
        Dismissed: in place of a MediaError of the block, when the process ended as if told to.
    """
    ours, theirs = socket.socketpair()
    try:
        with theirs:
            words = command(number, theirs.fileno())
            # Out of the terminal's reach: Ctrl-C is for the server, which stops its workers in turn.
            process = await asyncio.create_subprocess_exec(
                *words, pass_fds=(theirs.fileno(),), start_new_session=True
            )
    except OSError as error:
        ours.close()
        raise MediaError(f"media worker {number} cannot be started: {error.strerror}") from error
    try:
        reader, writer = await asyncio.open_unix_connection(sock=ours, limit=LINE_MAX)
        # What had come before its death is carried out: facts that it told are facts.
        async with Link(reader, writer, keeps_working=True) as link:
            try:
                yield process, link
            finally:
                await _end(process, link, number)
    except MediaError as error:
        if process.returncode in _AS_TOLD:
            raise Dismissed(str(error)) from error
        raise
    finally:
        if process.returncode is None:
            await _kill(process)


async def _end(process: asyncio.subprocess.Process, link: Link, number: int) -> None:
    link.cut()
    with suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), _END_S)
    if process.returncode is None:
        await _kill(process)
    code = process.returncode
    how = {"code": code} if code is None or code >= 0 else {"signal": signal.Signals(-code).name}
    as_told = code in _AS_TOLD
    (_log.info if as_told else _log.error)("media worker ended", worker=number, pid=process.pid, **how)


async def _kill(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()
    with suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), _KILLED_S)
