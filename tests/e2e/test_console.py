"""The agent's console in real Chromium on the real server: what the others really see and hear of it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from playwright.async_api import Page, expect

from contract import facts, wire
from contract.ids import CaseId
from contract.phases import CallPhase, Capture, Outcome, Presence, TrackSource
from teller.demo.caller import STEP_S, Caller, Rest
from teller.demo.data import FPS, LOGINS, PASSWORD, VIDEO_SIZE
from teller.demo.peer import Samples, WebRtcPeer
from teller.demo.pictures import (
    FaceVideo,
    Picture,
    Portrait,
    astronaut,
    jpeg,
    other_person,
    read_counter,
)
from teller.demo.sound import Speaker, Voice, find_beeps
from tests.browser import shoot
from tests.e2e.server import Server
from tests.e2e.test_browsers import DESKTOP, STEP_MS, log_in, numbers_seen, person, write_clip

pytestmark = [pytest.mark.server, pytest.mark.browser, pytest.mark.timeout(300)]

GUEST = ("agent2", PASSWORD)
GUEST_NAME = "王芳 Wang Fang"
CUSTOMER_PICTURE = '[data-window="customer"] video'
# The lines on which a headless peer gets the first and the second person, and a shared screen.
HOST_SOUND, HOST_PICTURE, GUEST_SOUND, SCREEN = 3, 4, 5, 7
# Two beeps and many pictures would have come in this time.
SILENT_S = 3.0
# What is on its way when a camera goes off.
DRAINS_S = 3.0
RATE = 48_000
# Chunks of 20 ms in which beeps are looked for. The callers send from this process too: a longer look back
# would keep them from it.
LATEST = 200


@dataclass
class Senses:
    """What a headless caller receives: sound, pictures, and the newest number, by line."""

    sound: dict[int, list[Samples]] = field(default_factory=dict)
    pictures: dict[int, int] = field(default_factory=dict)
    numbers: dict[int, int] = field(default_factory=dict)

    def hear(self, line: int, samples: Samples, _at: float) -> None:
        """Keep the sound."""
        self.sound.setdefault(line, []).append(samples.mean(axis=1).astype(np.int16))

    def see(self, line: int, picture: Picture, _at: float) -> None:
        """Count the picture, and read the number in it."""
        self.pictures[line] = self.pictures.get(line, 0) + 1
        number = read_counter(picture)
        if number is not None:
            self.numbers[line] = number

    def beeps(self, line: int, speaker: Speaker) -> bool:
        """Tell whether this speaker's beep came on a line."""
        chunks = self.sound.get(line, [])[-LATEST:]
        return bool(chunks) and bool(find_beeps(np.concatenate(chunks), RATE, speaker.beep_hz))

    def forget(self) -> None:
        """Begin anew."""
        self.sound.clear()
        self.pictures.clear()
        self.numbers.clear()


# Which screen the agent shows just now.
_SHARED = """() => {
  const stream = document.querySelector('[data-window="share"] video')?.srcObject;
  return stream?.getVideoTracks()[0]?.id ?? null;
}"""


def _peers(portrait: Portrait, senses: Senses) -> Callable[[tuple[wire.IceServer, ...]], WebRtcPeer]:
    picture, sound = FaceVideo(portrait, VIDEO_SIZE, FPS), Voice(Speaker.CUSTOMER)
    return lambda servers: WebRtcPeer(
        picture, sound, hear_video=senses.see, hear_audio=senses.hear, ice_servers=servers
    )


async def until(what: Callable[[], bool], why: str) -> None:
    """Wait for something that a caller receives."""
    deadline = asyncio.get_running_loop().time() + STEP_S
    while not what():
        assert asyncio.get_running_loop().time() < deadline, why
        await asyncio.sleep(0.2)


@asynccontextmanager
async def served(page: Page, server: Server) -> AsyncIterator[tuple[Caller, Senses]]:
    """Yield a customer whom the console has answered."""
    senses = Senses()
    await log_in(page, f"{server.url}/agent/", LOGINS.agent)
    await page.get_by_role("button", name="就绪").click()
    async with Rest(server.url) as home:
        door = await home.call("POST", "/api/walk-in", body={"tenant": "demo", "language": "zh-CN"})
        async with Caller(home, _peers(astronaut(), senses)) as customer:
            welcome = await customer.connect(ticket=door["ticket"])
            await customer.send(wire.Consent(True, True, False, welcome.consent_version, "zh-CN"))
            await customer.wait_for_fact(facts.ConsentGiven)
            await customer.send(wire.JoinQueue())
            place = await customer.wait_for(wire.QueuePosition)
            await customer.prepare_media(place.call)
            await expect(page.get_by_role("alertdialog")).to_be_visible(timeout=STEP_MS)
            await page.keyboard.press("a")
            await expect(page.get_by_text("录制中")).to_be_visible(timeout=STEP_MS)
            yield customer, senses


@asynccontextmanager
async def colleague(server: Server, senses: Senses) -> AsyncIterator[Caller]:
    """Yield a second agent who is ready."""
    async with Rest(server.url) as desk:
        await desk.login(*GUEST)
        async with Caller(desk, _peers(other_person(1), senses)) as guest:
            await guest.connect()
            yield guest


async def abort(page: Page) -> None:
    """Give the result that the call is owed."""
    await page.keyboard.press("x")
    form = page.locator("dialog.decide")
    await form.get_by_label("原因").select_option("suspected_fraud")
    await form.get_by_role("button", name="提交结果").click()
    await expect(page.get_by_text("结果已提交：未通过 疑似欺诈")).to_be_visible(timeout=STEP_MS)


@pytest.fixture(name="clip", scope="module")
def _clip(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return the agent's picture and sound."""
    return write_clip(tmp_path_factory.mktemp("clips"), "agent", other_person(0), Speaker.AGENT)


async def drained(senses: Senses) -> None:
    """Return once half a second brought no picture of the agent: what was on its way has come."""
    async with asyncio.timeout(DRAINS_S):
        while True:
            senses.forget()
            await asyncio.sleep(DRAINS_S / 6)
            if HOST_PICTURE not in senses.pictures:
                return


def test_hold_camera_and_script(server: Server, clip: tuple[Path, Path]) -> None:
    """On hold nothing of the agent reaches the customer; a camera that is off sends no picture; answers,
    waivers and the abort stand because the server has them."""

    async def run() -> None:
        async with person(clip, DESKTOP) as agent, served(agent.page, server) as (customer, senses):
            page = agent.page
            await numbers_seen(page, CUSTOMER_PICTURE, 3)
            await until(lambda: senses.beeps(HOST_SOUND, Speaker.AGENT), "the customer hears no agent")
            await page.keyboard.press("h")
            await expect(page.locator(".conference.held")).to_be_visible(timeout=STEP_MS)
            senses.forget()
            await asyncio.sleep(SILENT_S)
            assert not senses.beeps(HOST_SOUND, Speaker.AGENT) and not senses.pictures
            await shoot(page, "e2e-console-held")
            await page.get_by_role("button", name="接回客户").first.click()
            await until(lambda: senses.beeps(HOST_SOUND, Speaker.AGENT), "the hold does not end")
            await page.keyboard.press("v")
            await customer.wait_for(
                wire.CallState, lambda m: any(one.camera is Capture.OFF for one in m.parties)
            )
            await drained(senses)
            senses.forget()
            await asyncio.sleep(SILENT_S)
            assert HOST_PICTURE not in senses.pictures and senses.beeps(HOST_SOUND, Speaker.AGENT)
            await page.keyboard.press("v")
            await until(lambda: HOST_PICTURE in senses.numbers, "the camera does not come back")
            purpose = page.locator('.step[data-step="purpose"]')
            await purpose.get_by_role("button", name="工资代发").click()
            await expect(purpose.locator(".step-head")).to_contain_text("工资代发", timeout=STEP_MS)
            await abort(page)

    asyncio.run(run())


def test_consult_admit_and_hand_over(server: Server, clip: tuple[Path, Path]) -> None:
    """Private talk reaches the colleague and never the customer; let in, both hear all three; after the
    handing over the call goes on without the first agent."""

    async def run() -> None:
        heard = Senses()
        async with (
            person(clip, DESKTOP) as agent,
            served(agent.page, server) as (customer, senses),
            colleague(server, heard) as guest,
        ):
            page = agent.page
            await guest.send(wire.SetPresence(Presence.READY))
            await page.keyboard.press("i")
            dialog = page.get_by_role("dialog", name="邀请同事")
            await dialog.get_by_label(GUEST_NAME).check(timeout=STEP_MS)
            await dialog.get_by_role("button", name="发出邀请").click()
            ring = await guest.wait_for(wire.Ring)
            assert ring.private and ring.invited_by
            await expect(page.locator(".conference.asking")).to_contain_text(GUEST_NAME)
            await guest.prepare_media(ring.call)
            await guest.send(wire.Accept(ring.call))
            await expect(page.locator(".conference.held")).to_contain_text(GUEST_NAME, timeout=STEP_MS)
            await until(
                lambda: any(heard.beeps(line, Speaker.AGENT) for line in heard.sound), "no consultation"
            )
            senses.forget()
            await asyncio.sleep(SILENT_S)
            assert not senses.pictures
            assert not any(senses.beeps(line, Speaker.AGENT) for line in senses.sound)
            await numbers_seen(page, '[data-window="third"] video', 2)
            await shoot(page, "e2e-console-consult")
            await page.get_by_role("button", name=f"请 {GUEST_NAME} 加入通话").click()
            await until(lambda: senses.beeps(GUEST_SOUND, Speaker.CUSTOMER), "no third party")
            await until(lambda: senses.beeps(HOST_SOUND, Speaker.AGENT), "the agent is gone")
            await shoot(page, "e2e-console-three")
            await page.get_by_role("button", name=f"移交给 {GUEST_NAME} 并离开").click()
            await page.get_by_role("dialog").get_by_role("button", name="离开").click()
            await expect(page.locator("wrap-up")).to_contain_text("您已离开", timeout=STEP_MS)
            senses.forget()
            await until(lambda: senses.beeps(GUEST_SOUND, Speaker.CUSTOMER), "the call did not go on")
            await customer.send(wire.HangUp())
            await guest.wait_for(wire.CallState, lambda m: m.phase is CallPhase.ENDED)
            await guest.send(wire.Finish(Outcome.INCOMPLETE, "other"))
            await guest.wait_for_fact(facts.AgentDecided)

    asyncio.run(run())


def test_a_shared_screen_arrives_and_is_a_track_of_its_own(server: Server, clip: tuple[Path, Path]) -> None:
    """The customer sees the shared screen while it is shared, through a change of its source; its pictures
    are on disk, in tracks of their own."""

    async def run() -> None:
        async with person(clip, DESKTOP) as agent, served(agent.page, server) as (customer, senses):
            page = agent.page
            await page.keyboard.press("s")
            await page.get_by_role("button", name="整个屏幕").click()
            await expect(page.locator('[data-window="share"]')).to_be_visible(timeout=STEP_MS)
            await until(lambda: senses.pictures.get(SCREEN, 0) > 5, "no screen arrives")
            await customer.wait_for(wire.CallState, lambda m: m.sharing is not None)
            before = await page.evaluate(_SHARED)
            await page.get_by_role("button", name="更换来源").click()
            await page.get_by_role("button", name="一个窗口").click()
            await page.wait_for_function(f"before => ![null, before].includes(({_SHARED})())", arg=before)
            senses.forget()
            await until(lambda: senses.pictures.get(SCREEN, 0) > 5, "the other source does not arrive")
            await shoot(page, "e2e-console-share")
            await page.get_by_role("button", name="停止共享").click()
            await customer.wait_for(wire.CallState, lambda m: m.sharing is None)
            await abort(page)
            await until(lambda: _shown(server, _case(customer)) > 10, "the share is no track on disk")

    asyncio.run(run())


def test_files_stills_and_notes(server: Server, clip: tuple[Path, Path], tmp_path: Path) -> None:
    """A file reaches the customer byte by byte; a still on demand is in the gallery with what binds it to the
    case, and keeps the agent's note; the wrap-up is journaled."""

    async def run() -> None:
        async with person(clip, DESKTOP) as agent, served(agent.page, server) as (customer, _):
            page, home = agent.page, customer.rest
            upload = customer.welcome.upload if customer.welcome else ""
            terms = tmp_path / "terms.txt"
            terms.write_text("月利率百分之零点三", "utf-8")
            await page.locator("chat-panel input[type=file]").set_input_files(terms)
            shared = await customer.wait_for_fact(facts.FileShared)
            path = f"{home.base}/api/cases/{_case(customer)}/files/{shared.evidence}"
            async with home.http.get(path, headers={"Authorization": f"Bearer {upload}"}) as answer:
                assert await answer.read() == terms.read_bytes()
            await expect(page.locator(".chat-lines .mine")).to_contain_text("terms.txt", timeout=STEP_MS)
            await page.keyboard.press("p")
            wanted = await customer.wait_for(wire.StillWanted)
            assert wanted.at_once
            await home.call(
                "POST",
                f"/api/cases/{_case(customer)}/stills/{wanted.request}?source=phone",
                data=jpeg(FaceVideo(astronaut(), (1600, 1200), FPS).frame(7)),
                Authorization=f"Bearer {upload}",
                **{"Content-Type": "image/jpeg"},
            )
            await page.keyboard.press("g")
            item = page.locator(".gallery-item")
            await expect(item).to_contain_text("1600×1200", timeout=STEP_MS)
            await expect(item).to_contain_text("手机拍摄")
            await item.get_by_role("button").click()
            await page.locator("dialog.viewer").get_by_label("备注").fill("本人")
            await page.get_by_role("button", name="保存备注").click()
            await expect(page.locator("dialog.viewer")).to_contain_text("已保存", timeout=STEP_MS)
            await page.keyboard.press("Escape")
            await expect(item).to_contain_text("本人")
            await abort(page)
            await page.get_by_label("网络不佳").check()
            await page.get_by_role("button", name="保存").click()
            await expect(page.locator(".wrap-card")).to_contain_text("已保存", timeout=STEP_MS)

    asyncio.run(run())


def _shown(server: Server, case: CaseId) -> int:
    """Return how many pictures of shared screens are on disk."""
    started = server.told(case, "TrackStarted")
    screens = {one["track"] for one in started if one["source"] == TrackSource.SCREEN}
    return sum(one["frames"] for one in server.told(case, "SegmentSealed") if one["track"] in screens)


def _case(customer: Caller) -> CaseId:
    case = customer.welcome.case if customer.welcome else None
    assert case is not None
    return case
