"""A page on which single modules are tried."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from tests.customer_h5.conftest import Collector, browser, open_window
from tests.customer_h5.stand_in import StandIn
from web_kit.serve import WebKit

__all__ = ["bench", "browser"]


@dataclass
class Bench:
    """The front page of a server that has nothing but web_kit and a scripted socket."""

    page: Page
    bank: StandIn
    collector: Collector

    async def run(self, module: str, body: str, argument: object = None) -> Any:
        """Return what ``async (it, argument) => { body }`` gives, ``it`` being the module."""
        code = f"async ([url, argument]) => {{ const it = await import(url); {body} }}"
        return await self.page.evaluate(code, [f"/s/{self.bank.kit.build}/web_kit/{module}", argument])


@pytest.fixture
async def bench(browser: Browser) -> AsyncIterator[Bench]:
    """Yield a bench; the test fails afterwards if anything went wrong in the page."""
    async with StandIn(WebKit({})) as bank:
        context = await open_window(browser, (800, 600))
        page = await context.new_page()
        collector = Collector()
        collector.watch(page)
        await page.goto(bank.url, wait_until="networkidle")
        yield Bench(page, bank, collector)
        await context.close()
        assert collector.troubles == []
