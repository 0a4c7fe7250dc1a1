"""Fixtures of the player's tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from contract.phases import Role
from tests.agent_console.pictures import make_files
from tests.agent_console.stand_in import StandIn, stand_in
from tests.browser import Watched, one_browser, watched_page

__all__ = ["one_browser"]


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Pictures and a recording by kind, and where a test writes what a machine noticed."""
    folder = tmp_path_factory.mktemp("files")
    return {**make_files(folder), "findings.json": folder / "findings.json"}


@pytest_asyncio.fixture(loop_scope="session")
async def server(files: dict[str, Path]) -> AsyncIterator[StandIn]:
    """A scripted server at which an auditor works."""
    async with stand_in(files) as running:
        running.role = Role.AUDITOR
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def watched(browser: Browser, server: StandIn) -> AsyncIterator[Watched]:
    """A desktop page whose troubles fail the test; it closes before its server does."""
    async with watched_page(browser) as page:
        yield page
