"""``teller worker``: merges and archives until it is told to stop."""

import asyncio
import os
import signal
import socket

import structlog

from teller.compose import make_pipeline, open_base
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
        with following_parent(stop, parent):
            await make_pipeline(base, name, policy).run_forever(stop)
    return 0
