"""Runs the command ``teller`` with every blocking call in the event loop turned into an error.

The guard begins when the service listens, and in a media worker when it takes calls: what happens before
has nobody to keep waiting.
"""

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib import import_module
from typing import Any

from blockbuster import BlockBuster

from teller import media_pool
from teller.cli import main

ROOMS = ["contract", "signaling", "media", "kyc", "recordings", "store", "web_kit", "teller"]


@contextmanager
def _guard() -> Iterator[None]:
    guard = BlockBuster(ROOMS)
    # It asks for the current directory, which the kernel answers from memory.
    guard.functions.pop("os.path.abspath")
    guard.activate()
    try:
        yield
    finally:
        guard.deactivate()


def _put_guard(module: str, opened: str) -> None:
    """Guard the time within the async context manager ``opened`` of a module."""
    inside = import_module(module)
    unguarded = getattr(inside, opened)

    @asynccontextmanager
    async def guarded(*arguments: Any) -> AsyncIterator[Any]:
        async with unguarded(*arguments) as got:
            with _guard():
                yield got

    setattr(inside, opened, guarded)


def run(module: str) -> None:
    """Run the command line under guard; media workers are started by ``module``."""
    media_pool.MODULE = module
    if "media-worker" in sys.argv:
        _put_guard("teller.media_worker", "ready_side")
    else:
        _put_guard("teller.serve", "listening")
    main()


if __name__ == "__main__":
    run("tests.e2e.launch")
