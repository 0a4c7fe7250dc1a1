"""Chromium with a fake camera, a collector of everything that goes wrong, and the stand-in bank."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from tests.customer_h5.stand_in import CUSTOMER_H5, StandIn
from web_kit.serve import WebKit

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
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
_RECORD_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error("policy violation: " + event.violatedDirective + " " + event.blockedURI));
"""
# The other end of the call, in a page of its own: sends its fake camera, accepts the planned m-lines.
_ANSWER = """
async (sdp) => {
  if (window.peer) window.peer.close();
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
  const peer = new RTCPeerConnection();
  window.peer = peer;
  await peer.setRemoteDescription({ type: "offer", sdp });
  const lines = peer.getTransceivers();
  for (const line of lines) line.direction = line.direction === "sendonly" ? "sendonly" : "recvonly";
  for (const [at, track] of [[3, stream.getAudioTracks()[0]], [4, stream.getVideoTracks()[0]]]) {
    lines[at].direction = "sendonly";
    await lines[at].sender.replaceTrack(track);
  }
  await peer.setLocalDescription(await peer.createAnswer());
  while (peer.iceGatheringState !== "complete")
    await new Promise((done) => peer.addEventListener("icegatheringstatechange", done, { once: true }));
  return peer.localDescription.sdp;
}
"""


@dataclass
class Collector:
    """Everything that must not happen in a page."""

    troubles: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        """Collect from ``page``."""
        page.on(
            "console", lambda line: self._note(line.type in ("error", "warning"), f"console: {line.text}")
        )
        page.on("pageerror", lambda error: self._note(True, f"page error: {error}"))
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("requestfailed", lambda request: self._note(True, f"failed: {request.url}"))
        page.on("response", lambda got: self._note(got.status >= 400, f"{got.status}: {got.url}"))

    def _note(self, bad: bool, text: str) -> None:
        if bad:
            self.troubles.append(text)

    def forgive(self, part: str) -> None:
        """Remove the troubles that a test caused on purpose; there must be one."""
        assert any(part in trouble for trouble in self.troubles), f"no {part!r} in {self.troubles}"
        self.troubles = [trouble for trouble in self.troubles if part not in trouble]


@dataclass
class Phone:
    """A customer's browser window."""

    page: Page
    bank: StandIn
    collector: Collector

    async def shot(self, name: str) -> None:
        """Keep a picture of the screen when ``TELLER_SHOTS`` names a folder."""
        folder = os.environ.get("TELLER_SHOTS")
        if folder:
            size = self.page.viewport_size or {"width": 0}
            await self.page.screenshot(path=Path(folder) / f"customer-{name}-{size['width']}.png")


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Yield Chromium."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        await chromium.close()


@pytest.fixture
async def bank() -> AsyncIterator[StandIn]:
    """Yield the stand-in bank with the real assets."""
    async with StandIn(WebKit({"customer_h5": CUSTOMER_H5})) as stand_in:
        yield stand_in


@pytest.fixture
def viewport() -> tuple[int, int]:
    """Return the window's size; tests override it by parametrising."""
    return 360, 640


async def open_window(browser: Browser, viewport: tuple[int, int]) -> BrowserContext:
    """Return a fresh browser profile of this window size, in Chinese."""
    width, height = viewport
    context = await browser.new_context(
        viewport={"width": width, "height": height}, locale="zh-CN", has_touch=width < 600
    )
    context.set_default_timeout(10_000)
    await context.add_init_script(_RECORD_VIOLATIONS)
    return context


@pytest.fixture
async def phone(browser: Browser, bank: StandIn, viewport: tuple[int, int]) -> AsyncIterator[Phone]:
    """Yield the customer's window; the test fails afterwards if anything went wrong in it."""
    context = await open_window(browser, viewport)
    agent = await context.new_page()
    await agent.goto(f"{bank.url}/favicon.svg")

    async def answer(sdp: str) -> str:
        return str(await agent.evaluate(_ANSWER, sdp))

    bank.answer = answer
    page = await context.new_page()
    collector = Collector()
    collector.watch(page)
    yield Phone(page, bank, collector)
    await context.close()
    assert collector.troubles == []
