"""Calls of real browsers over lines that break, change and come back; and in either picture codec."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from teller.demo.data import LOGINS
from teller.demo.pictures import astronaut, other_person
from teller.demo.sound import Speaker
from tests.browser import Watched
from tests.e2e.line import Line, line_to
from tests.e2e.server import Server, running
from tests.e2e.test_browsers import DESKTOP, PHONE, STEP_MS, log_in, numbers_seen, person, write_clip
from tests.e2e.visit import start_visit

pytestmark = [pytest.mark.server, pytest.mark.browser, pytest.mark.timeout(240)]

Clips = dict[str, tuple[Path, Path]]
SCREENS = {"customer": ".agent-picture", "agent": '[data-window="customer"] video'}

_PREFER = """
const plan = RTCPeerConnection.prototype.addTransceiver;
RTCPeerConnection.prototype.addTransceiver = function (...words) {
  const made = plan.apply(this, words);
  const wanted = ["video/CODEC", "video/rtx"];
  const { codecs } = RTCRtpReceiver.getCapabilities("video");
  if (made.receiver.track.kind === "video")
    made.setCodecPreferences(codecs.filter(({ mimeType }) => wanted.includes(mimeType)));
  return made;
};
"""


@pytest.fixture(name="clips", scope="module")
def _clips(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    folder = tmp_path_factory.mktemp("clips")
    return {
        "customer": write_clip(folder, "customer", astronaut(), Speaker.CUSTOMER),
        "agent": write_clip(folder, "agent", other_person(0), Speaker.AGENT),
    }


@pytest.fixture(name="server")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Yield a server of the test's own: what its journal holds is of one case."""
    with running(Server(tmp_path_factory.mktemp("teller") / "data")) as server:
        yield server


def told(server: Server, *names: str) -> list[dict[str, Any]]:
    """Return the facts of these names, oldest first."""
    (journal,) = (server.data / "journal").glob("case-*.jsonl")
    lines = journal.read_text("utf-8").splitlines()
    entries = [json.loads(line) for line in lines]
    return [{"name": one["name"], **one["fact"]} for one in entries if one["name"] in names]


@asynccontextmanager
async def two_people(clips: Clips) -> AsyncIterator[dict[str, Watched]]:
    """Yield the two browsers."""
    async with person(clips["agent"], DESKTOP) as agent, person(clips["customer"], PHONE) as customer:
        yield {"agent": agent, "customer": customer}


async def talk(server: Server, people: dict[str, Watched], url: str) -> None:
    """Bring both into an active call in which each sees the other; the customer comes by ``url``."""
    agent, customer = people["agent"].page, people["customer"].page
    await log_in(agent, f"{server.url}/agent/", LOGINS.agent)
    await agent.get_by_role("button", name="就绪").click()
    await start_visit(customer, url)
    await expect(agent.get_by_role("alertdialog")).to_be_visible(timeout=STEP_MS)
    await agent.keyboard.press("a")
    await see_each_other(people)
    await expect(agent.get_by_role("button", name="请客户拍摄身份证")).to_be_enabled(timeout=STEP_MS)


async def see_each_other(people: dict[str, Watched]) -> None:
    """Wait until both pictures move."""
    for role, selector in SCREENS.items():
        await numbers_seen(people[role].page, selector, 4)


async def connections_of(page: Page) -> int:
    """Return how many peer connections the page has made, past one of its detours."""
    return int(await page.evaluate("connections.length"))


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_a_call_in_either_codec(server: Server, clips: Clips, codec: str) -> None:
    """Browsers that want one codec get it: forwarded both ways, and recorded as it came."""

    async def run() -> None:
        async with two_people(clips) as people:
            for watched in people.values():
                await watched.page.context.add_init_script(_PREFER.replace("CODEC", codec))
            await talk(server, people, server.url)

    asyncio.run(run())
    pictures = [one["codec"] for one in told(server, "TrackStarted") if one["kind"] == "video"]
    assert pictures == [codec, codec]


@asynccontextmanager
async def on_a_line(server: Server, clips: Clips) -> AsyncIterator[tuple[dict[str, Watched], Line]]:
    """Yield two people in a call, the customer's way of which goes over a line."""
    async with line_to(server.port) as line, two_people(clips) as people:
        await line.carry(people["customer"].page)
        # A browser prints what it could not reach while the line was cut.
        people["customer"].expected = ("WebSocket", "net::ERR")
        await talk(server, people, line.url)
        yield people, line


@pytest.mark.parametrize("seconds", [3, 10])
def test_a_cut_line_comes_back(server: Server, clips: Clips, seconds: float) -> None:
    """After a cut that is shorter than the seat is kept the same call goes on, seen from both sides."""

    async def run() -> list[str]:
        async with on_a_line(server, clips) as (people, line):
            line.cut()
            await asyncio.sleep(seconds)
            line.mend()
            await see_each_other(people)
            still = people["agent"].page.get_by_role("button", name="请客户拍摄身份证")
            await expect(still).to_be_enabled(timeout=STEP_MS)
            return [one["name"] for one in told(server, "PartyDropped", "PartyReturned", "CallEnded")]

    assert asyncio.run(run()) == ["PartyDropped", "PartyReturned"]


def test_a_line_cut_too_long_ends_the_call(server: Server, clips: Clips) -> None:
    """After 25 s the seat is lost: the call has ended with the customer's loss as its reason, and says so."""

    async def run() -> None:
        async with on_a_line(server, clips) as (people, line):
            line.cut()
            # The seat is kept for 20 s; what comes after is slack for a busy machine.
            async with asyncio.timeout(60):
                while not (ended := told(server, "CallEnded")):  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
            assert [one["reason"] for one in ended] == ["customer_lost"]
            line.mend()
            await expect(people["customer"].page.get_by_text("您的网络中断时间过长")).to_be_visible(
                timeout=STEP_MS
            )

    asyncio.run(run())


def test_media_follows_to_a_new_address(server: Server, clips: Clips) -> None:
    """A phone that comes from another address in mid-call is followed there; nothing is negotiated anew."""

    async def run() -> None:
        async with on_a_line(server, clips) as (people, line):
            customer = people["customer"].page
            before = await connections_of(customer)
            line.change_address()
            await see_each_other(people)
            assert await connections_of(customer) == before
            assert await customer.evaluate("connections.at(-1).connectionState") == "connected"

    asyncio.run(run())
