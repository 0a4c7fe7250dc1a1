"""A child that ends with its parent, even when the parent is killed."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

_log = structlog.get_logger(__name__)


@contextmanager
def following_parent(stop: asyncio.Event, parent: int | None) -> Iterator[None]:
    """Set ``stop`` when the process that started this one ends, however it ends.

    ``parent`` is that process's id, without which one that has ended already is not noticed; 0 stands for
    whoever is the parent now, None for not following.
    """
    if parent is None:
        yield
        return
    loop = asyncio.get_running_loop()
    descriptor = os.pidfd_open(os.getppid())

    def gone() -> None:
        loop.remove_reader(descriptor)
        _log.warning("parent_gone")
        stop.set()

    loop.add_reader(descriptor, gone)
    if parent not in (0, os.getppid()):
        gone()
    try:
        yield
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
