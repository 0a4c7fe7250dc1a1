"""Keeps the pauses short in which a media worker forwards nothing: the collector's, and other threads'."""

import asyncio
import gc
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import Summary

_pauses = Summary("teller_media_collection_seconds", "Time of full garbage collections, without forwarding")

# A recorder's thread that works off a backlog held the loop for up to Python's 5 ms at a time: packets were
# 7 ms late (99th percentile, one such thread). With this it is 1.3 ms; a fifth of it would give 0.5 ms, but
# cost a tenth more processor time.
_SWITCH_S = 0.0005
# Young objects are collected as they come (10 us); the old ones never by themselves, but below.
_THRESHOLDS = (700, 10, 1_000_000)
# What a hundred calls hold takes 20 ms to look through; these bounds let that cost 0.05 % of the time.
_SELDOM_S = 10.0
_SHARE = 0.0005


@asynccontextmanager
async def short_pauses() -> AsyncIterator[None]:
    """Collect seldom, and let no thread hold the interpreter for long, while the block runs.

    What was imported before, 70,000 objects and 44 ms a collection, is looked at no more.
    """
    before = gc.get_threshold(), sys.getswitchinterval()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    sys.setswitchinterval(_SWITCH_S)
    try:
        async with asyncio.TaskGroup() as tasks:
            collecting = tasks.create_task(_collect_seldom())
            yield
            collecting.cancel()
    finally:
        gc.set_threshold(*before[0])
        sys.setswitchinterval(before[1])
        gc.unfreeze()


async def _collect_seldom() -> None:
    pause = 0.0
    while True:
        await asyncio.sleep(max(_SELDOM_S, pause / _SHARE))
        begun = time.perf_counter()
        gc.collect()
        pause = time.perf_counter() - begun
        _pauses.observe(pause)
