"""A page on which single modules are tried."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.browser import Watched, one_browser, watched_page
from tests.customer_h5.stand_in import StandIn
from web_kit.serve import WebKit

__all__ = ["one_browser"]


@dataclass
class Bench:
    """The front page of a server that has nothing but web_kit and a scripted socket."""

    watched: Watched
    bank: StandIn

    @property
    def page(self) -> Page:
        """The page in the window."""
        return self.watched.page

    async def run(self, module: str, body: str, argument: object = None) -> Any:
        """Return what ``async (it, argument) => { body }`` gives, ``it`` being the module."""
        code = f"async ([url, argument]) => {{ const it = await import(url); {body} }}"
        return await self.page.evaluate(code, [f"/s/{self.bank.kit.build}/web_kit/{module}", argument])


@pytest_asyncio.fixture(loop_scope="session")
async def bench(browser: Browser) -> AsyncIterator[Bench]:
    """Yield a bench; the test fails afterwards if anything went wrong in the page."""
    async with StandIn(WebKit({})) as bank, watched_page(browser, (800, 600), aborts=True) as watched:
        await watched.page.goto(bank.url, wait_until="networkidle")
        yield Bench(watched, bank)
