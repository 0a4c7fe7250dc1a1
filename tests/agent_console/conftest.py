"""Fixtures of the screens' tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from contract import wire
from contract.phases import CallPhase, Presence, RingEnd
from tests.agent_console.console import log_in, ring_of, running, script_of, state_of
from tests.agent_console.pictures import make_files
from tests.agent_console.stand_in import StandIn, stand_in
from tests.agent_console.story import Story
from tests.browser import Watched, one_browser, watched_page

__all__ = ["one_browser"]


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Pictures and a recording by kind."""
    return make_files(tmp_path_factory.mktemp("files"))


@pytest_asyncio.fixture(loop_scope="session")
async def server(files: dict[str, Path]) -> AsyncIterator[StandIn]:
    """A scripted server."""
    async with stand_in(files) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def watched(browser: Browser, server: StandIn) -> AsyncIterator[Watched]:
    """A desktop page whose troubles fail the test; it closes before its server does."""
    async with watched_page(browser) as page:
        yield page


@pytest.fixture
def story(server: StandIn) -> Story:
    """A case whose customer waits."""
    told = Story()
    told.open()
    server.stories[told.case] = told
    return told


@pytest_asyncio.fixture(loop_scope="session")
async def desk(watched: Watched, server: StandIn) -> AsyncIterator[Page]:
    """A logged-in console."""
    await log_in(watched.page, server)
    await expect(watched.page.get_by_role("group", name="我的状态")).to_be_visible()
    await server.wait_for(wire.Hello)
    yield watched.page
    await watched.require_names()


@pytest_asyncio.fixture(loop_scope="session")
async def call(desk: Page, server: StandIn, story: Story) -> Page:
    """An active call with running recording and unlocked steps."""
    await server.send(wire.PresenceSet(Presence.RINGING, 0), ring_of(story))
    await expect(desk.get_by_role("alertdialog")).to_be_visible()
    await desk.keyboard.press("a")
    await server.wait_for(wire.Accept)
    story.answer()
    await server.send(wire.RingOver(story.call, RingEnd.ACCEPTED), state_of(story, CallPhase.CONNECTING))
    await server.send(wire.PresenceSet(Presence.BUSY, 0))
    await server.note(*story.entries)
    await server.send(running(story), script_of(story))
    await expect(desk.get_by_text("录制中")).to_be_visible()
    return desk
