"""Calls of people who reach nothing but a TURN server: over UDP, TCP and TLS, with a real coturn."""

import asyncio
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from teller.demo.data import LOGINS
from teller.demo.peer import WebRtcPeer
from teller.demo.pictures import astronaut, other_person
from teller.demo.sound import Speaker
from tests.coturn import SECRET, Coturn, running_coturn
from tests.e2e.people import in_call
from tests.e2e.server import Server, running
from tests.e2e.test_browsers import (
    CLIP_S,
    DESKTOP,
    FPS,
    PHONE,
    STEP_MS,
    log_in,
    numbers_seen,
    person,
    write_clip,
)
from tests.e2e.visit import start_visit

pytestmark = [pytest.mark.server, pytest.mark.timeout(180)]

WAYS: dict[str, Callable[[Coturn], str]] = {
    "udp": lambda coturn: coturn.udp,
    "tcp": lambda coturn: coturn.tcp,
    "tls": lambda coturn: coturn.tls,
}

# A firewall that lets nothing out but the way to the TURN server: no other candidate exists.
_RELAY_ONLY = """
window.connections = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(configuration) {
    super({ ...configuration, iceTransportPolicy: "relay" });
    connections.push(this);
  }
};
"""
# The candidates in use, once packets pass.
_PAIR = """async () => {
  const report = await connections.at(-1).getStats();
  const transport = [...report.values()].find((one) => one.type === "transport");
  const pair = report.get(transport?.selectedCandidatePairId);
  const local = report.get(pair?.localCandidateId);
  return { type: local?.candidateType, protocol: local?.relayProtocol, got: pair?.bytesReceived };
}"""


@pytest.fixture(name="coturn", scope="module")
def _coturn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coturn]:
    with running_coturn(tmp_path_factory.mktemp("coturn")) as coturn:
        yield coturn


@pytest.fixture(name="way", params=list(WAYS), scope="module")
def _way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(name="server", scope="module")
def _server(coturn: Coturn, way: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {"media.turn": f'["{WAYS[way](coturn)}"]', "media.turn_secret": SECRET}
    with running(Server(tmp_path_factory.mktemp("teller") / "data", settings)) as server:
        yield server


async def until_media(peer: WebRtcPeer) -> None:
    """Wait until ``peer`` has got picture and sound."""
    deadline = asyncio.get_running_loop().time() + 20
    while not (peer.first_video_at and peer.first_audio_at):
        assert asyncio.get_running_loop().time() < deadline, "no media through the relay"
        await asyncio.sleep(0.05)


async def pair_in_use(page: Page) -> dict[str, Any]:
    """Return what the page's latest connection sends its packets through."""
    return dict(await page.evaluate(_PAIR))


async def talk(url: str, agent: Page, customer: Page) -> None:
    """Bring both into a call in which each sees the other."""
    for page in (agent, customer):
        await page.context.add_init_script(_RELAY_ONLY)
    await log_in(agent, f"{url}/agent/", LOGINS.agent)
    await agent.get_by_role("button", name="就绪").click()
    await start_visit(customer, url)
    await expect(agent.get_by_role("alertdialog")).to_be_visible(timeout=STEP_MS)
    await agent.keyboard.press("a")
    for page, selector in ((customer, ".agent-picture"), (agent, '[data-window="customer"] video')):
        seen = await numbers_seen(page, selector, 4)
        assert max(seen) < CLIP_S * FPS


def test_headless_peers_call_through_the_relay_alone(
    server: Server, coturn: Coturn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scripted callers, who may offer relay candidates only, get picture and sound across."""
    monkeypatch.setenv("SSL_CERT_FILE", str(coturn.certificate.cert))

    async def run() -> None:
        async with in_call(server.url, relay_only=True) as pair:
            for caller in (pair.customer, pair.agent):
                assert caller.peer is not None
                offered = re.findall(r"a=candidate:.* typ (\w+)", caller.peer.pc.localDescription.sdp)
                assert set(offered) == {"relay"}
                await until_media(caller.peer)

    asyncio.run(run())


@pytest.mark.browser
def test_browsers_call_through_the_relay_alone(server: Server, way: str, tmp_path: Path) -> None:
    """Both see the other's picture, and every packet goes through the TURN server."""
    clips = {
        "customer": write_clip(tmp_path, "customer", astronaut(), Speaker.CUSTOMER),
        "agent": write_clip(tmp_path, "agent", other_person(0), Speaker.AGENT),
    }

    async def run() -> list[dict[str, Any]]:
        # The test's certificate is nobody's; Chromium judges a TURN server's like a page's.
        trust = "--ignore-certificate-errors"
        async with (
            person(clips["agent"], DESKTOP, trust) as agent,
            person(clips["customer"], PHONE, trust) as customer,
        ):
            await talk(server.url, agent.page, customer.page)
            return [await pair_in_use(page) for page in (agent.page, customer.page)]

    for pair in asyncio.run(run()):
        assert (pair["type"], pair["protocol"]) == ("relay", way)
        assert pair["got"] > 10_000
