"""The server's care for its worker."""

import asyncio
import errno
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from contract.errors import MediaError
from teller import serve
from teller.config import Config


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
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        watch = group.create_task(serve._keep_worker(()))
        await started.acquire()
        await started.acquire()
        watch.cancel()


@pytest.mark.parametrize("stopped", [True, False])
async def test_a_stop_while_the_media_workers_start_is_a_good_end(
    monkeypatch: pytest.MonkeyPatch, stopped: bool
) -> None:
    """Workers that were stopped with the server are why it did not start; else that is an error."""

    @asynccontextmanager
    async def never(*_: object) -> AsyncIterator[None]:
        if stopped:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(0.05)
        raise MediaError("media worker 0 did not start")
        yield

    monkeypatch.setattr(serve, "open_house", never)
    if stopped:
        assert await serve.serve(Config(), (), parent=None) == 0
    else:
        with pytest.raises(MediaError):
            await serve.serve(Config(), (), parent=None)
