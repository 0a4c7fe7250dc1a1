"""``teller worker``: merges, archives and keeps until it is told to stop."""

import asyncio
import os
import signal
import socket

import structlog

from teller.compose import make_keeper, make_pipeline, open_base
from teller.config import Config
from teller.parent import following_parent
from teller.policy import load_policy

_log = structlog.get_logger(__name__)


async def work(config: Config, *, parent: int | None) -> int:
    """Take jobs until SIGINT or SIGTERM, or until the process that started this one is gone."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    name = f"{socket.gethostname()}-{os.getpid()}"
    # The live path comes first: merging takes what the calls leave of the processor.
    os.nice(10)
    policy = await asyncio.to_thread(load_policy, config.policy.pack)
    async with open_base(config) as base:
        _log.info("worker_ready", worker=name)
        keeper = await asyncio.to_thread(make_keeper, base)
        pipeline = await asyncio.to_thread(make_pipeline, base, name, policy)
        with following_parent(stop, parent):
            async with asyncio.TaskGroup() as group:
                group.create_task(keeper.run_forever(stop), name="keeper")
                await pipeline.run_forever(stop)
    return 0
