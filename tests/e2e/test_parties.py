"""Three people, each in a browser process of his own, on the real server: what each of them really gets."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from teller.demo.caller import Rest
from teller.demo.data import LOGINS, PASSWORD
from teller.demo.pictures import astronaut, other_person
from teller.demo.sound import Speaker
from tests.browser import Watched
from tests.e2e import received
from tests.e2e.marked import write_marked
from tests.e2e.party_film import Looks, check_film, told_by, watch_film
from tests.e2e.received import PICTURES, SOUNDS, hears, moves, own_looks, watch_own
from tests.e2e.server import Server
from tests.e2e.test_browsers import FPS, PHONE, STEP_MS, log_in, person
from tests.e2e.visit import start_visit

pytestmark = [pytest.mark.server, pytest.mark.browser, pytest.mark.timeout(400)]

COLLEAGUE, COLLEAGUE_NAME = ("agent2", PASSWORD), "王芳 Wang Fang"
CUSTOMER_WINDOW, THIRD_WINDOW = '[data-window="customer"] video', '[data-window="third"] video'
CUSTOMERS_OWN, STAFFS_OWN = ".own-picture video", '[data-window="self"] video'
SHARE_WINDOW = '[data-window="share"] video'
# Three pages are painted without a graphics card: the smallest window that an agent's page has columns in.
DESK = (1100, 700)
# Three beeps would have come in this time, and 150 packets of sound.
SILENT_S = 3.0
# A seat is kept so long; who leaves it is told of at once.
SEAT_S, TOLD_S = 20.0, 3.0
# The merge of a minute on a busy machine.
MERGED_S = 120.0
# A change of who is there costs what a keyframe takes, not a new connection, which takes seconds.
PAUSE_MAX_S = 1.5

Clips = dict[Speaker, tuple[Path, Path]]


@pytest.fixture(name="clips", scope="module")
def _clips(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    folder = tmp_path_factory.mktemp("clips")
    faces = dict(zip(Speaker, (astronaut(), other_person(0), other_person(1)), strict=True))
    return {who: write_marked(folder, who, face) for who, face in faces.items()}


@dataclass(frozen=True, slots=True)
class Trio:
    """The three people, each with a browser that is nobody else's."""

    customer: Watched
    agent: Watched
    colleague: Watched


@asynccontextmanager
async def three(clips: Clips) -> AsyncIterator[Trio]:
    """Yield three browsers with ears."""
    sizes = (PHONE, DESK, DESK)
    async with AsyncExitStack() as stack:
        people = [
            await stack.enter_async_context(person(clips[who], size))
            for who, size in zip(Speaker, sizes, strict=True)
        ]
        for watched in people:
            await received.listen(watched.page)
        yield Trio(*people)


async def be_ready(page: Page, server: Server, login: tuple[str, str]) -> None:
    """Log in and wait for customers."""
    await log_in(page, f"{server.url}/agent/", login)
    await page.get_by_role("button", name="就绪").click()
    await expect(ready(page)).to_be_visible(timeout=STEP_MS)


def ready(page: Page) -> Any:
    """Return the button that stands pressed while its agent is ready."""
    return page.locator('.choice.ready[aria-pressed="true"]')


async def answer(page: Page) -> None:
    """Take the ring that comes next."""
    await expect(page.get_by_role("alertdialog")).to_be_visible(timeout=STEP_MS)
    await page.keyboard.press("a")


async def recorded(page: Page) -> None:
    """Wait for a call with everything on disk."""
    await expect(page.get_by_text("录制中")).to_be_visible(timeout=STEP_MS)


async def invite(page: Page, way: str) -> None:
    """Ask the colleague by name."""
    await page.keyboard.press("i")
    dialog = page.get_by_role("dialog", name="邀请同事")
    await dialog.get_by_label(COLLEAGUE_NAME).check(timeout=STEP_MS)
    await dialog.get_by_label(way).check()
    await dialog.get_by_role("button", name="发出邀请").click()


def slot(number: int) -> str:
    """Return where the customer's page shows what comes on this line of others."""
    return f".pictures > figure.person:nth-of-type({number + 1}) video"


async def all_hear_all(people: Trio) -> None:
    """Wait until each has the sound and the picture of both others, on the line where each belongs."""
    customer, agent, colleague = people.customer.page, people.agent.page, people.colleague.page
    await asyncio.gather(
        hears(customer, {SOUNDS[0]: Speaker.AGENT, SOUNDS[1]: Speaker.COLLEAGUE}),
        hears(agent, {SOUNDS[0]: Speaker.CUSTOMER, SOUNDS[1]: Speaker.COLLEAGUE}),
        hears(colleague, {SOUNDS[0]: Speaker.CUSTOMER, SOUNDS[1]: Speaker.AGENT}),
    )
    await asyncio.gather(
        moves(customer, slot(0), Speaker.AGENT),
        moves(agent, CUSTOMER_WINDOW, Speaker.CUSTOMER),
        moves(colleague, CUSTOMER_WINDOW, Speaker.CUSTOMER),
    )
    await asyncio.gather(
        moves(customer, slot(1), Speaker.COLLEAGUE),
        moves(agent, THIRD_WINDOW, Speaker.COLLEAGUE),
        moves(colleague, THIRD_WINDOW, Speaker.AGENT),
    )


async def until_told(server: Server, case: str, name: str, seconds: float) -> dict[str, Any]:
    """Wait for a fact; return the latest of its name."""

    async def there() -> bool:
        return bool(server.told(case, name))

    await received.until(there, f"no {name}", seconds)
    return server.told(case, name)[-1]


# --- a refused ring, a share, three parties, a change of the host ---


async def refuse_and_answer(people: Trio, server: Server) -> None:
    """Let the colleague, who waits longest, refuse: the next agent is rung."""
    colleague, agent = people.colleague.page, people.agent.page
    await be_ready(colleague, server, COLLEAGUE)
    await be_ready(agent, server, LOGINS.agent)
    await start_visit(people.customer.page, server.url)
    await expect(colleague.get_by_role("alertdialog")).to_be_visible(timeout=STEP_MS)
    await colleague.keyboard.press("r")
    await answer(agent)
    await recorded(agent)
    await expect(ready(colleague)).to_be_visible(timeout=STEP_MS)
    await watch_own(people.customer.page, CUSTOMERS_OWN)
    await watch_own(agent, STAFFS_OWN)
    # The two are alone for a while that the film shows.
    await moves(people.customer.page, slot(0), Speaker.AGENT)
    await moves(agent, CUSTOMER_WINDOW, Speaker.CUSTOMER)


async def share_with_both(people: Trio) -> None:
    """Share a screen, ask the colleague in at once: both others see it change."""
    agent, colleague = people.agent.page, people.colleague.page
    await agent.keyboard.press("s")
    await agent.get_by_role("button", name="整个屏幕").click()
    await received.changes(people.customer.page, ".share-picture")
    await invite(agent, "直接加入")
    await answer(colleague)
    await watch_own(colleague, STAFFS_OWN)
    await all_hear_all(people)
    await received.changes(people.customer.page, ".share-picture")
    await received.changes(colleague, SHARE_WINDOW)


async def hand_over(people: Trio) -> dict[int, float]:
    """Leave the call to the colleague; return the longest pauses of what the customer gets."""
    customer, agent, colleague = people.customer.page, people.agent.page, people.colleague.page
    await received.watch_pauses(customer)
    await agent.get_by_role("button", name=f"移交给 {COLLEAGUE_NAME} 并离开").click()
    await agent.get_by_role("dialog").get_by_role("button", name="离开").click()
    await expect(agent.locator("wrap-up")).to_contain_text("您已离开", timeout=STEP_MS)
    await expect(customer.locator(".pictures > figure.person").first).to_be_hidden(timeout=STEP_MS)
    await hears(customer, {SOUNDS[1]: Speaker.COLLEAGUE})
    await moves(customer, slot(1), Speaker.COLLEAGUE)
    await hears(colleague, {SOUNDS[0]: Speaker.CUSTOMER})
    await moves(colleague, CUSTOMER_WINDOW, Speaker.CUSTOMER)
    await recorded(colleague)
    return await received.pauses(customer)


async def all_looks(people: Trio) -> Looks:
    """Return what everybody's camera filmed, and when."""
    pages = (people.customer.page, people.agent.page, people.colleague.page)
    return {who: await own_looks(page) for who, page in zip(Speaker, pages, strict=True)}


async def finish(page: Page) -> str:
    """Give the result; return the case."""
    await page.keyboard.press("x")
    form = page.locator("dialog.decide")
    await form.get_by_label("原因").select_option("suspected_fraud")
    await form.get_by_role("button", name="提交结果").click()
    await expect(page.get_by_text("结果已提交：未通过 疑似欺诈")).to_be_visible(timeout=STEP_MS)
    return await page.locator("wrap-up .case-id").inner_text()


async def merged(server: Server, case: str) -> Path:
    """Wait for the archive; return the merged file."""
    async with Rest(server.url) as auditor:
        await auditor.login(*LOGINS.auditor)

        async def archived() -> bool:
            return bool((await auditor.case(case))["case"]["archived"])

        await received.until(archived, f"{case} is not archived", MERGED_S)
    return await server.fetched(case)


def test_three_with_a_share_and_a_change_of_the_host(server: Server, clips: Clips) -> None:
    """A refused ring goes on to the next agent; three parties get each other and the shared screen; the
    first leaves and the others go on, on the screen and in the record, where the share is a track."""

    async def run() -> tuple[str, Path, dict[int, float], Looks]:
        async with three(clips) as people:
            await refuse_and_answer(people, server)
            await share_with_both(people)
            paused = await hand_over(people)
            looks = await all_looks(people)
            case = await finish(people.colleague.page)
            await expect(people.customer.page.get_by_text("谢谢，本次通话已结束")).to_be_visible(
                timeout=STEP_MS
            )
        return case, await merged(server, case), paused, looks

    case, path, paused, looks = asyncio.run(run())
    assert [one["how"] for one in server.told(case, "RingEnded")] == ["refused", "accepted", "accepted"]
    assert len(server.told(case, "HostChanged")) == 1
    (screen,) = [one for one in server.told(case, "TrackStarted") if one["source"] == "screen"]
    sealed = [one for one in server.told(case, "SegmentSealed") if one["track"] == screen["track"]]
    assert sum(one["frames"] for one in sealed) > FPS
    check_film(watch_film(path), told_by(server, case), looks)
    assert max(paused.get(line, 0.0) for line in (SOUNDS[1], PICTURES[1])) < PAUSE_MAX_S, paused


# --- private talk, killed tabs ---


async def talk_privately(people: Trio) -> None:
    """While staff hear each other, not one packet of theirs comes to the customer."""
    customer, agent, colleague = people.customer.page, people.agent.page, people.colleague.page
    await invite(agent, "先私下沟通")
    await answer(colleague)
    await expect(agent.locator(".conference.held")).to_contain_text(COLLEAGUE_NAME, timeout=STEP_MS)
    await expect(customer.get_by_role("heading", name="请稍候，通话保持中")).to_be_visible(timeout=STEP_MS)
    await received.forget(customer)
    before, since = await received.packets(customer), time.monotonic()
    await asyncio.gather(
        hears(agent, {SOUNDS[1]: Speaker.COLLEAGUE}), hears(colleague, {SOUNDS[1]: Speaker.AGENT})
    )
    await moves(colleague, THIRD_WINDOW, Speaker.AGENT)
    await asyncio.sleep(max(0.0, SILENT_S - (time.monotonic() - since)))
    assert await received.packets(customer) == before
    assert not await received.heard(customer)
    await agent.get_by_role("button", name=f"请 {COLLEAGUE_NAME} 加入通话").click()


async def kill(watched: Watched) -> float:
    """End a browser as a power cut would; return when."""
    browser = watched.page.context.browser
    assert browser is not None
    session = await browser.new_browser_cdp_session()
    processes = (await session.send("SystemInfo.getProcessInfo"))["processInfo"]
    (pid,) = [one["id"] for one in processes if one["type"] == "browser"]
    os.kill(pid, signal.SIGKILL)
    return time.time()


async def lose_the_colleague(people: Trio, server: Server, case: str) -> None:
    """After the time for which a seat is kept the other two go on."""
    killed_at = await kill(people.colleague)
    left = await until_told(server, case, "PartyLeft", 3 * SEAT_S)
    assert left["at"] - killed_at == pytest.approx(SEAT_S, abs=TOLD_S)
    await hears(people.customer.page, {SOUNDS[0]: Speaker.AGENT})
    await hears(people.agent.page, {SOUNDS[0]: Speaker.CUSTOMER})
    await recorded(people.agent.page)


async def lose_the_customer(people: Trio, server: Server, case: str) -> None:
    """The agent is told at once, and of the end once the seat is lost."""
    agent = people.agent.page
    killed_at = await kill(people.customer)
    await expect(agent.get_by_text("的连接中断，正在等待恢复")).to_be_visible(timeout=TOLD_S * 1000)
    assert time.time() - killed_at < TOLD_S
    ended = await until_told(server, case, "CallEnded", 3 * SEAT_S)
    assert (ended["reason"], ended["at"] - killed_at) == ("customer_lost", pytest.approx(SEAT_S, abs=TOLD_S))
    await expect(agent.locator("wrap-up .case-id")).to_have_text(case, timeout=STEP_MS)

    async def closed() -> bool:
        return ("aborted", "customer_left") in [
            (one["now"], one["reason"]) for one in server.told(case, "CaseAdvanced")
        ]

    await received.until(closed, "the case is still open")


def test_private_talk_and_killed_tabs(server: Server, clips: Clips) -> None:
    """Private talk sends nothing to the customer until the colleague is let in; who is killed is missed in
    time, and only the customer's loss ends the call."""

    async def run() -> None:
        async with three(clips) as people:
            await be_ready(people.agent.page, server, LOGINS.agent)
            await start_visit(people.customer.page, server.url)
            await answer(people.agent.page)
            await recorded(people.agent.page)
            await be_ready(people.colleague.page, server, COLLEAGUE)
            case = max((server.data / "journal").glob("case-*.jsonl"), key=os.path.getctime).stem
            await talk_privately(people)
            await all_hear_all(people)
            await lose_the_colleague(people, server, case)
            await lose_the_customer(people, server, case)

    asyncio.run(run())
