"""The server's care for its worker."""

import asyncio
import errno
from typing import Any

import pytest

from teller import serve


class Ended:
    """A worker process that has ended."""

    returncode = 1

    async def wait(self) -> int:
        return self.returncode


async def test_a_fork_that_fails_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine out of processes costs merging for a while, and never the calls."""
    monkeypatch.setattr(serve, "WORKER_PAUSE_S", 0.01)
    started = asyncio.Semaphore(0)
    refusals = iter(range(3))

    async def start(*words: Any, **options: Any) -> Ended:
        if next(refusals, None) is not None:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        started.release()
        return Ended()

    monkeypatch.setattr(asyncio, "create_subprocess_exec", start)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        watch = group.create_task(serve._keep_worker(()))
        await started.acquire()
        await started.acquire()
        watch.cancel()
