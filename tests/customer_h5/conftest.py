"""A customer's window and the stand-in bank behind it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.browser import Watched, one_browser, shoot, watched_page
from tests.customer_h5.stand_in import CUSTOMER_H5, StandIn
from web_kit.serve import WebKit

__all__ = ["one_browser"]

# The other end of the call, in a page of its own: sends its fake camera on the given m-lines of the plan.
_ANSWER = """
async ([sdp, sent]) => {
  if (window.peer) window.peer.close();
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
  const peer = new RTCPeerConnection();
  window.peer = peer;
  await peer.setRemoteDescription({ type: "offer", sdp });
  const lines = peer.getTransceivers();
  for (const line of lines) line.direction = line.direction === "sendonly" ? "sendonly" : "recvonly";
  for (const at of sent) {
    lines[at].direction = "sendonly";
    const { kind } = lines[at].receiver.track;
    await lines[at].sender.replaceTrack(stream.getTracks().find((one) => one.kind === kind));
  }
  await peer.setLocalDescription(await peer.createAnswer());
  while (peer.iceGatheringState !== "complete")
    await new Promise((done) => peer.addEventListener("icegatheringstatechange", done, { once: true }));
  return peer.localDescription.sdp;
}
"""


@dataclass
class Phone:
    """A customer's browser window."""

    watched: Watched
    bank: StandIn
    # The page of the other end.
    agent: Page

    @property
    def page(self) -> Page:
        """The page in the window."""
        return self.watched.page

    async def shot(self, name: str) -> None:
        """Keep a picture of the screen where TEST_SHOTS names a folder."""
        size = self.page.viewport_size or {"width": 0}
        await shoot(self.page, f"customer-{name}-{size['width']}")


@pytest_asyncio.fixture(loop_scope="session")
async def bank() -> AsyncIterator[StandIn]:
    """Yield the stand-in bank with the real assets."""
    async with StandIn(WebKit({"customer_h5": CUSTOMER_H5})) as stand_in:
        yield stand_in


@pytest.fixture
def viewport() -> tuple[int, int]:
    """Return the window's size; tests override it by parametrising."""
    return 360, 640


@pytest_asyncio.fixture(loop_scope="session")
async def phone(browser: Browser, bank: StandIn, viewport: tuple[int, int]) -> AsyncIterator[Phone]:
    """Yield the customer's window; the test fails afterwards if anything went wrong in it."""
    async with watched_page(browser, viewport, aborts=True) as watched:
        agent = await watched.page.context.new_page()
        await agent.goto(f"{bank.url}/favicon.svg")

        async def answer(sdp: str) -> str:
            return str(await agent.evaluate(_ANSWER, [sdp, bank.lines]))

        bank.answer = answer
        # A page behind another one draws no frames, and pressing a button waits for frames.
        await watched.page.bring_to_front()
        yield Phone(watched, bank, agent)
