"""The house as a fixture."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.signaling.house import House, open_house


@pytest_asyncio.fixture(name="house")
async def _house() -> AsyncIterator[House]:
    """A front door with the usual settings."""
    async with open_house() as house:
        yield house
