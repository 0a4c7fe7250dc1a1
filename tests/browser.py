"""Chromium with a collector: whatever a page complains about fails the test."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest_asyncio
from playwright.async_api import (
    Browser,
    ConsoleMessage,
    Page,
    Playwright,
    Request,
    Response,
    async_playwright,
    expect,
)

ARGS = [
    "--no-sandbox",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--disable-gpu",
]
_TIMEOUT_MS = 30_000
# A full machine is slow, not wrong: what is expected may come as late as what is clicked.
expect.set_options(timeout=_TIMEOUT_MS)
_SHOTS = os.environ.get("TEST_SHOTS")
_WATCH_POLICY = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy violation: ${event.violatedDirective} ${event.blockedURI}`));
"""
_SPEAK = """async (language) => {
  const loaded = performance.getEntriesByType("resource").map((one) => one.name);
  (await import(loaded.find((name) => name.endsWith("/web_kit/i18n.js")))).setLanguage(language);
}"""
# Screens that are drawn from state alone: a change of language draws them anew, and closes what was open.
_IN_ENGLISH = frozenset({
    "customer-queue-360", "customer-call-360", "customer-held-360",
    "customer-third-360", "customer-thanks-360", "agent-desk", "agent-ring", "agent-call", "agent-held",
    "agent-consult", "agent-three", "agent-wrap-up", "supervisor-wall", "supervisor-monitor", "player-list",
    "player-case",
})  # fmt: skip
# Names of nothing, and things that can be pressed but have no name.
_NAMELESS = """() => [...document.querySelectorAll("button, a[href], input, select, textarea, video")]
  .filter((one) => one.checkVisibility())
  .filter((one) => !(one.getAttribute("aria-label") || one.textContent.trim() || one.labels?.length
    || one.getAttribute("placeholder")))
  .map((one) => one.outerHTML.slice(0, 120))"""


@dataclass
class Watched:
    """A page, what it asked for and what went wrong on it.

    ``expected`` are pieces of text that a test provokes. ``aborts`` counts requests that the page itself
    gave up as failed ones.
    """

    page: Page
    aborts: bool = False
    expected: tuple[str, ...] = ()
    requests: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    _troubled: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.page.on("console", self.got_console)
        self.page.on("pageerror", lambda error: self.note(f"page error: {error}"))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("requestfailed", self.got_failed_request)
        self.page.on("response", self.got_response)

    def got_console(self, message: ConsoleMessage) -> None:
        """Keep errors and warnings of the console."""
        if message.type in {"error", "warning"}:
            self.note(f"console {message.type}: {message.text}")

    def got_failed_request(self, request: Request) -> None:
        """Keep failed requests."""
        if self.aborts or request.failure != "net::ERR_ABORTED":
            self.note(f"request failed: {request.url} {request.failure}")

    def got_response(self, response: Response) -> None:
        """Keep refusals."""
        if response.status >= 400:
            self.note(f"{response.status}: {response.url}")

    def note(self, trouble: str) -> None:
        """Keep a trouble, unless the test expects it."""
        if not any(piece in trouble for piece in self.expected):
            self.troubles.append(trouble)
            self._troubled.set()

    def forgive(self, piece: str) -> None:
        """Remove the troubles with ``piece`` in them; there must be one."""
        assert any(piece in trouble for trouble in self.troubles), f"no {piece!r} in {self.troubles}"
        self.troubles = [trouble for trouble in self.troubles if piece not in trouble]

    async def wait_for_trouble(self, piece: str, seconds: float = 10.0) -> None:
        """Return when a trouble with ``piece`` in it was kept; a page that stays well is an error."""
        async with asyncio.timeout(seconds):
            while not any(piece in trouble for trouble in self.troubles):
                self._troubled.clear()
                await self._troubled.wait()

    async def require_names(self) -> None:
        """Fail if something on the screen can be used but has no accessible name."""
        assert await self.page.evaluate(_NAMELESS) == []

    async def require_fit(self) -> None:
        """Fail if the page scrolls sideways."""
        wide = await self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"the page is {wide} px wider than the window"


@asynccontextmanager
async def chromium(
    playwright: Playwright, *more: str, program: str | Path = "/usr/bin/chromium"
) -> AsyncIterator[Browser]:
    """Run Chromium with a fake camera."""
    browser = await playwright.chromium.launch(executable_path=program, headless=True, args=[*ARGS, *more])
    try:
        yield browser
    finally:
        await browser.close()


@pytest_asyncio.fixture(name="browser", scope="package", loop_scope="session")
async def one_browser() -> AsyncIterator[Browser]:
    """Chromium, one for all tests of a package that imports this into its conftest."""
    async with async_playwright() as playwright, chromium(playwright) as running:
        yield running


@asynccontextmanager
async def watched_page(
    browser: Browser, size: tuple[int, int] = (1440, 900), language: str = "zh-CN", *, aborts: bool = False
) -> AsyncIterator[Watched]:
    """Open a page in a fresh profile; on leaving, fail if anything went wrong on it."""
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        locale=language,
        has_touch=size[0] < 600,
        permissions=["camera", "microphone"],
    )
    context.set_default_timeout(_TIMEOUT_MS)
    await context.add_init_script(_WATCH_POLICY)
    watched = Watched(await context.new_page(), aborts)
    try:
        yield watched
    finally:
        await context.close()
    assert not watched.troubles, "; ".join(watched.troubles)


async def shoot(page: Page, name: str, *, whole: bool = False) -> None:
    """Keep a picture of the screen where TEST_SHOTS names a folder; a second one in English of some."""
    if not _SHOTS:
        return
    await page.wait_for_timeout(400)
    await page.screenshot(path=Path(_SHOTS) / f"{name}.png", full_page=whole)
    if name in _IN_ENGLISH:
        await page.evaluate(_SPEAK, "en")
        await page.wait_for_timeout(600)
        await page.screenshot(path=Path(_SHOTS) / f"{name}-en.png", full_page=whole)
        await page.evaluate(_SPEAK, "zh-CN")


async def wait_until(page: Page, condition: str) -> None:
    """Wait until a script expression is true. Playwright's own waiting evaluates text in the page, which
    the page's policy rightly refuses."""
    deadline = time.monotonic() + _TIMEOUT_MS / 1000
    while not await page.evaluate(f"Boolean({condition})"):
        assert time.monotonic() < deadline, f"still not true: {condition}"
        await page.wait_for_timeout(50)
