"""Runs the command ``teller`` with every blocking call in the event loop turned into an error.

The guard begins when the service listens: what happens before has nobody to keep waiting.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from blockbuster import BlockBuster

import teller.serve
from teller.cli import main
from teller.compose import House
from teller.config import Config

ROOMS = ["contract", "signaling", "media", "kyc", "recordings", "store", "web_kit", "teller"]
_listening = teller.serve.listening


@asynccontextmanager
async def _guarded(config: Config, house: House) -> AsyncIterator[list[str]]:
    guard = BlockBuster(ROOMS)
    # It asks for the current directory, which the kernel answers from memory.
    guard.functions.pop("os.path.abspath")
    async with _listening(config, house) as urls:
        guard.activate()
        try:
            yield urls
        finally:
            guard.deactivate()


if __name__ == "__main__":
    teller.serve.listening = _guarded
    main()
