"""A real server process and a Chromium page that holds both parties of its calls."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Page, async_playwright

from teller.config import load
from teller.demo.data import LOGINS
from teller.demo.run import free_port, running_server, seed
from tests.browser import ARGS

PARTIES = Path(__file__).with_name("parties.js").read_text("utf-8")
_MORE_ARGS = (
    "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--ignore-certificate-errors",
)
_KIT = "document.querySelector('script[type=module]').src.replace(/\\/[^/]*$/, '')"


@dataclass(frozen=True, slots=True)
class Service:
    """A running server: its data, and where browsers of this machine and others find it."""

    data: Path
    url: str
    https_url: str


@asynccontextmanager
async def served(address: str = "127.0.0.1", *settings: str) -> AsyncIterator[Service]:
    """Run a server with demo data at ``address``; further ``settings`` as ``teller --set`` takes them."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        await seed(load(None, {"data_dir": str(data)}))
        port, https_port = free_port(0), free_port(0)
        settings = (
            f"http.local_port={port}", f"http.port={https_port}", f"http.host={address}",
            f'media.bind=["{address}"]', "log.level=error", "kyc.production=false",
            *settings,
        )  # fmt: skip
        sets = (part for text in settings for part in ("--set", text))
        words = ("--data", str(data), *sets, "serve", "--with-parent")
        url = f"http://127.0.0.1:{port}"
        async with running_server(words, url):
            yield Service(data, url, f"https://{address}:{https_port}")


async def bring_parties(page: Page, url: str) -> None:
    """Put ``bench`` on the page: see ``parties.js``."""
    await page.goto(url)
    kit = await page.evaluate(_KIT)
    await page.evaluate(
        f"async (words) => {{ window.bench = await ({PARTIES})(words); }}", [kit, *LOGINS.agent]
    )


@asynccontextmanager
async def page_in(program: str = "/usr/bin/chromium", *more: str) -> AsyncIterator[Page]:
    """Yield an empty page of a Chromium with fake devices; what breaks on it is printed."""
    async with async_playwright() as playwright:
        words = [*ARGS, *_MORE_ARGS, *more]
        browser = await playwright.chromium.launch(executable_path=program, args=words)
        try:
            # The page's policy would keep it from speaking to anything but our service.
            context = await browser.new_context(
                permissions=["camera", "microphone"], ignore_https_errors=True, bypass_csp=True
            )
            page = await context.new_page()
            page.on("pageerror", lambda error: print(f"page error: {error}"))
            yield page
        finally:
            await browser.close()


@asynccontextmanager
async def both_parties() -> AsyncIterator[Page]:
    """Yield a page with both parties, beside a running server on loopback."""
    async with served() as service, page_in() as page:
        await bring_parties(page, service.url)
        yield page
