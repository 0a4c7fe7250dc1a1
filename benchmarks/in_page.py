"""A real server process and a Chromium page that holds both parties of its calls."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from playwright.async_api import Page, async_playwright

from teller.config import load
from teller.demo.data import LOGINS
from teller.demo.run import free_port, running_server, seed
from tests.browser import chromium

PARTIES = Path(__file__).with_name("parties.js").read_text("utf-8")
CHROMIUM = ("--allow-loopback-in-peer-connection", "--disable-features=WebRtcHideLocalIpsWithMdns")
_KIT = "document.querySelector('script[type=module]').src.replace(/\\/[^/]*$/, '')"


@asynccontextmanager
async def served() -> AsyncIterator[str]:
    """Run a server with demo data on loopback; yield its address."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        await seed(load(None, {"data_dir": str(data)}))
        port = free_port(0)
        settings = (
            f"http.local_port={port}", f"http.port={free_port(0)}", "http.host=127.0.0.1",
            'media.bind=["127.0.0.1"]', "log.level=error",
        )  # fmt: skip
        sets = (part for text in settings for part in ("--set", text))
        words = ("--data", str(data), *sets, "serve", "--with-parent")
        url = f"http://127.0.0.1:{port}"
        async with running_server(words, url):
            yield url


async def bring_parties(page: Page, url: str) -> None:
    """Put ``bench`` on the page: see ``parties.js``."""
    await page.goto(url)
    kit = await page.evaluate(_KIT)
    await page.evaluate(
        f"async (words) => {{ window.bench = await ({PARTIES})(words); }}", [kit, *LOGINS.agent]
    )


@asynccontextmanager
async def both_parties() -> AsyncIterator[Page]:
    """Yield a page with both parties, beside a running server."""
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(served())
        playwright = await stack.enter_async_context(async_playwright())
        browser = await stack.enter_async_context(chromium(playwright, *CHROMIUM))
        context = await browser.new_context(permissions=["camera", "microphone"])
        page = await context.new_page()
        page.on("pageerror", lambda error: print(f"page error: {error}"))
        await bring_parties(page, url)
        yield page
