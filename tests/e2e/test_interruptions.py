"""Two people in a browser each, on the real server: what one sees while the other's picture is gone."""

import asyncio
import hashlib
import logging
import re
import time
from contextlib import AsyncExitStack

import pytest
from playwright.async_api import Locator, Page, expect

from teller.demo.data import LOGINS
from teller.demo.pictures import astronaut, other_person
from teller.demo.sound import Speaker
from tests.browser import Watched
from tests.e2e import received
from tests.e2e.marked import write_marked
from tests.e2e.received import SOUNDS, hears, moves, stands
from tests.e2e.server import Server
from tests.e2e.test_browsers import PHONE, STEP_MS, log_in, person
from tests.e2e.test_parties import (
    CUSTOMER_WINDOW,
    DESK,
    TOLD_S,
    Clips,
    answer,
    be_ready,
    finish,
    kill,
    recorded,
    slot,
)
from tests.e2e.visit import start_visit

pytestmark = [pytest.mark.server, pytest.mark.browser, pytest.mark.timeout(300)]

_log = logging.getLogger(__name__)
# Of the fake camera, which is as large as its photograph.
CAMERA = (640, 480)
# Ten pictures would have come in this time.
STANDS_S = 2.0
AWAY, BACK = "away", "back"
# Playwright has no way to put a page into the background: the page is told that it is there.
_SHOW = """(where) => {
  Object.defineProperty(document, "hidden", { value: where === "away", configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.fixture(name="clips", scope="module")
def _clips(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    folder = tmp_path_factory.mktemp("clips")
    return {
        Speaker.CUSTOMER: write_marked(folder, Speaker.CUSTOMER, astronaut(), CAMERA),
        Speaker.AGENT: write_marked(folder, Speaker.AGENT, other_person(0)),
    }


async def open_page(stack: AsyncExitStack, clips: Clips, who: Speaker) -> Watched:
    """Open a browser with ears for one of them."""
    size = PHONE if who is Speaker.CUSTOMER else DESK
    watched = await stack.enter_async_context(person(clips[who], size))
    await received.listen(watched.page)
    return watched


async def talk(server: Server, agent: Page, customer: Page) -> None:
    """Be in a call in which both see each other."""
    await be_ready(agent, server, LOGINS.agent)
    await start_visit(customer, server.url)
    await answer(agent)
    await recorded(agent)
    await both_see(agent, customer)


async def both_see(agent: Page, customer: Page) -> None:
    """Wait for moving pictures on both sides."""
    await moves(agent, CUSTOMER_WINDOW, Speaker.CUSTOMER)
    await moves(customer, slot(0), Speaker.AGENT)


def kept_by_agent(page: Page) -> tuple[Locator, str]:
    """Return the mark over the customer's picture, and where the last one is kept."""
    window = '[data-window="customer"]'
    return page.locator(f"{window} .window-mark"), f"{window} .window-still"


def kept_by_customer(page: Page) -> tuple[Locator, str]:
    """Return the same of the agent's picture at the customer."""
    window = ".pictures > figure.person:nth-of-type(1)"
    return page.locator(f"{window} .frozen"), f"{window} .last"


async def frozen(page: Page, kept: tuple[Locator, str], who: Speaker, why: str) -> None:
    """The last picture is seen, marked, and stands."""
    mark, picture = kept
    await expect(mark).to_contain_text(why, timeout=STEP_MS)
    await expect(page.locator(picture)).to_be_visible()
    await stands(page, picture, who, STANDS_S)


async def thawed(page: Page, kept: tuple[Locator, str]) -> None:
    """Neither the mark nor the kept picture is seen."""
    mark, picture = kept
    await expect(mark).to_be_hidden(timeout=STEP_MS)
    await expect(page.locator(picture)).to_be_hidden()


async def take_still(server: Server, agent: Page) -> None:
    """A still on demand is in the gallery with what binds it to the case."""
    await agent.keyboard.press("g")
    asked = time.monotonic()
    await agent.keyboard.press("p")
    item = agent.locator(".gallery-item")
    await expect(item).to_contain_text(re.compile(r"\d+×\d+ · 清晰度 \d+"), timeout=STEP_MS)
    _log.info("still on demand: %.2f s from the key to the gallery", time.monotonic() - asked)
    case = await agent.locator("video-stage .case-id").inner_text()
    (stored,) = server.told(case, "EvidenceStored")
    assert (stored["width"], stored["height"], stored["source"]) == (*CAMERA, "phone")
    assert stored["sharpness"] > 0
    await expect(item).to_contain_text(f"{CAMERA[0]}×{CAMERA[1]} · 清晰度 {round(stored['sharpness'])}")
    assert await item.locator("code").get_attribute("title") == stored["sha256"]
    address = await item.locator("img").get_attribute("src")
    picture = await agent.request.get(f"{server.url}{address}")
    assert hashlib.sha256(await picture.body()).hexdigest() == stored["sha256"]


async def cameras_off(agent: Page, customer: Page) -> None:
    """Each turns the camera off: the other keeps the last picture, marked, until it moves again."""
    await customer.get_by_role("button", name="关画面").click()
    await frozen(agent, kept_by_agent(agent), Speaker.CUSTOMER, "客户关闭了摄像头")
    await hears(agent, {SOUNDS[0]: Speaker.CUSTOMER})
    await customer.get_by_role("button", name="开画面").click()
    await thawed(agent, kept_by_agent(agent))
    await moves(agent, CUSTOMER_WINDOW, Speaker.CUSTOMER)
    await agent.keyboard.press("v")
    await frozen(customer, kept_by_customer(customer), Speaker.AGENT, "摄像头已关闭，画面已定格")
    await hears(customer, {SOUNDS[0]: Speaker.AGENT})
    await agent.keyboard.press("v")
    await thawed(customer, kept_by_customer(customer))
    await moves(customer, slot(0), Speaker.AGENT)


async def phone_put_away(agent: Page, customer: Page) -> None:
    """Another app in front: both sides say so, and go on when it is over."""
    await customer.evaluate(_SHOW, AWAY)
    await frozen(agent, kept_by_agent(agent), Speaker.CUSTOMER, "客户的摄像头被中断")
    await expect(customer.locator(".banner")).to_contain_text("摄像头或麦克风被中断")
    await customer.evaluate(_SHOW, BACK)
    await thawed(agent, kept_by_agent(agent))
    # A busy machine may have something to say about the line.
    await expect(customer.locator(".banner")).not_to_contain_text("被中断", timeout=STEP_MS)
    await both_see(agent, customer)


def test_stills_and_pictures_that_stand(server: Server, clips: Clips) -> None:
    """A still comes with size, sharpness and hash; whoever's picture ends is seen as last, and marked."""

    async def run() -> None:
        async with AsyncExitStack() as stack:
            agent = (await open_page(stack, clips, Speaker.AGENT)).page
            customer = (await open_page(stack, clips, Speaker.CUSTOMER)).page
            await talk(server, agent, customer)
            await take_still(server, agent)
            await cameras_off(agent, customer)
            await phone_put_away(agent, customer)
            await finish(agent)

    asyncio.run(run())


async def lose_the_agent(agent: Watched, customer: Page) -> None:
    """The customer sees the last picture and how long the place is kept."""
    killed = time.monotonic()
    await kill(agent)
    banner = customer.locator(".banner")
    await expect(banner).to_contain_text(re.compile(r"柜员网络中断，请稍候… \d+ 秒"), timeout=TOLD_S * 1000)
    _log.info("killed agent: told to the customer after %.2f s", time.monotonic() - killed)
    await frozen(customer, kept_by_customer(customer), Speaker.AGENT, "网络中断，画面已定格")
    first = int(re.findall(r"\d+", await banner.inner_text())[0])
    await expect(banner).not_to_contain_text(f" {first} 秒")
    assert int(re.findall(r"\d+", await banner.inner_text())[0]) < first


def test_a_killed_agent_comes_back_to_the_call(server: Server, clips: Clips) -> None:
    """The customer counts down with the last picture; the agent signs in again elsewhere and both go on in
    the same call, on disk too."""

    async def run() -> None:
        async with AsyncExitStack() as stack:
            agent = await open_page(stack, clips, Speaker.AGENT)
            again = (await open_page(stack, clips, Speaker.AGENT)).page
            customer = (await open_page(stack, clips, Speaker.CUSTOMER)).page
            await again.goto(f"{server.url}/agent/")
            await talk(server, agent.page, customer)
            case = await agent.page.locator("video-stage .case-id").inner_text()
            await lose_the_agent(agent, customer)
            await log_in(again, f"{server.url}/agent/", LOGINS.agent)
            await expect(again.locator("video-stage .case-id")).to_have_text(case, timeout=STEP_MS)
            await thawed(customer, kept_by_customer(customer))
            await both_see(again, customer)
            await hears(customer, {SOUNDS[0]: Speaker.AGENT})
            await expect(customer.locator(".banner")).not_to_contain_text("柜员网络中断", timeout=STEP_MS)
            await recorded(again)
            assert await finish(again) == case
        check_journal(server, case)

    asyncio.run(run())


def check_journal(server: Server, case: str) -> None:
    """One call, in which the agent dropped and returned, and whose camera is on disk before and after."""
    assert len([one for one in server.told(case, "CallAdvanced") if one["was"] is None]) == 1
    (dropped,) = server.told(case, "PartyDropped")
    (returned,) = server.told(case, "PartyReturned")
    assert dropped["at"] < returned["at"]
    cameras = [one for one in server.told(case, "TrackStarted") if one["role"] == "agent"]
    cameras = [one["at"] for one in cameras if one["source"] == "camera"]
    assert len(cameras) == 2 and cameras[0] < dropped["at"] < cameras[1]
