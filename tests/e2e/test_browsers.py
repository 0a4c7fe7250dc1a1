"""Customer, agent and auditor in real Chromium against the real server, with faces before their cameras."""

import asyncio
import os
import re
import wave
from base64 import b64decode
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.async_api import Locator, Page, async_playwright, expect

from teller.demo.data import LOGINS
from teller.demo.pictures import FaceVideo, Picture, Portrait, astronaut, other_person, read_counter
from teller.demo.sound import Speaker, Voice
from tests.browser import Watched, chromium, watched_page
from tests.e2e.measure import measure
from tests.e2e.server import Server
from tests.e2e.visit import start_visit

pytestmark = [pytest.mark.server, pytest.mark.browser, pytest.mark.timeout(300)]

CAMERA, FPS, CLIP_S = (640, 480), 15, 8
PHONE, DESKTOP = (390, 844), (1440, 900)
STEP_MS = 40_000
# A call of two minutes at twice its speed.
WATCH_MS = 90_000
_SHOTS = os.environ.get("TEST_SHOTS")
# Several browsers fill a machine of two cores; where the scheduler does not part processes by their group,
# their threads together keep the one server from its turn.
ASIDE = Path(__file__).with_name("chromium_aside")

# A frame of a playing video element, as its pixels are; None before the first.
_GRAB = """(selector) => {
  const video = document.querySelector(selector);
  if (!video || !video.videoWidth) return null;
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d").drawImage(video, 0, 0);
  return canvas.toDataURL("image/png").split(",")[1];
}"""


def write_clip(folder: Path, name: str, portrait: Portrait, speaker: Speaker) -> tuple[Path, Path]:
    """Write what the fake camera and microphone play, over and over."""
    picture, sound = folder / f"{name}.y4m", folder / f"{name}.wav"
    video = FaceVideo(portrait, CAMERA, FPS, agent=speaker is Speaker.AGENT)
    write_pictures(picture, (video.frame(n) for n in range(CLIP_S * FPS)))
    write_sound(sound, speaker)
    return picture, sound


def write_pictures(path: Path, frames: Iterable[Picture]) -> None:
    """Write what a fake camera plays."""
    with path.open("wb") as file:
        for n, frame in enumerate(frames):
            if n == 0:
                height, width = frame.shape[:2]
                file.write(f"YUV4MPEG2 W{width} H{height} F{FPS}:1 Ip A1:1 C420\n".encode())
            file.write(b"FRAME\n" + cv2.cvtColor(frame, cv2.COLOR_BGR2YUV_I420).tobytes())


def write_sound(path: Path, speaker: Speaker) -> None:
    """Write what a fake microphone plays."""
    voice = Voice(speaker)
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(48_000)
        out.writeframes(np.concatenate([voice.chunk(n) for n in range(CLIP_S * 50)]).tobytes())


@pytest.fixture(name="clips", scope="module")
def _clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Path]]:
    """Return picture and sound of customer and agent."""
    folder = tmp_path_factory.mktemp("clips")
    return {
        "customer": write_clip(folder, "customer", astronaut(), Speaker.CUSTOMER),
        "agent": write_clip(folder, "agent", other_person(0), Speaker.AGENT),
    }


@asynccontextmanager
async def person(clip: tuple[Path, Path], size: tuple[int, int], *more: str) -> AsyncIterator[Watched]:
    """Yield a browser of one's own with the clip before its camera; ``more`` are Chromium's words."""
    picture, sound = clip
    words = (
        f"--use-file-for-fake-video-capture={picture}",
        f"--use-file-for-fake-audio-capture={sound}",
        "--allow-loopback-in-peer-connection",
        "--disable-features=WebRtcHideLocalIpsWithMdns",
        *more,
    )
    async with (
        async_playwright() as playwright,
        chromium(playwright, *words, program=ASIDE) as browser,
        watched_page(browser, size) as watched,
    ):
        watched.page.set_default_timeout(STEP_MS)
        yield watched


async def shoot(page: Page, name: str) -> None:
    """Keep a picture of the screen where TEST_SHOTS names a folder."""
    if _SHOTS:
        await page.screenshot(path=Path(_SHOTS) / f"e2e-{name}.png")


async def log_in(page: Page, url: str, who: tuple[str, str]) -> None:
    await page.goto(url)
    await page.get_by_label("账号").fill(who[0])
    await page.get_by_label("密码").fill(who[1])
    await page.get_by_role("button", name="登录", exact=True).click()


async def numbers_seen(page: Page, selector: str, wanted: int) -> list[int]:
    """Return different counters read from a playing element, in the order in which they showed."""
    seen: list[int] = []
    deadline = asyncio.get_running_loop().time() + 20
    while len(seen) < wanted:
        grabbed = await page.evaluate(_GRAB, selector)
        if grabbed:
            picture = cv2.imdecode(np.frombuffer(b64decode(grabbed), np.uint8), cv2.IMREAD_COLOR)
            number = read_counter(np.asarray(picture, np.uint8))
            if number is not None and (not seen or seen[-1] != number):
                seen.append(number)
        assert asyncio.get_running_loop().time() < deadline, f"only {seen} seen in {selector}"
        await asyncio.sleep(0.1)
    return seen


def step(agent: Page, name: str) -> Locator:
    """Return a step of the agent's script."""
    return agent.locator(f'.step[data-step="{name}"]')


async def take_picture(agent: Page, customer: Page, button: str) -> None:
    await agent.get_by_role("button", name=button).click()
    await customer.get_by_role("button", name="拍照").click()
    await shoot(customer, "still")
    await customer.get_by_role("button", name="使用这张").click()
    await expect(customer.locator(".still")).to_be_hidden(timeout=STEP_MS)


async def play_case(server: Server, agent: Page, customer: Page) -> str:
    """Play the case in both browsers; return its id."""
    await log_in(agent, f"{server.url}/agent/", LOGINS.agent)
    await agent.get_by_role("button", name="就绪").click()
    await start_visit(customer, server.url)
    await expect(agent.get_by_role("alertdialog")).to_be_visible(timeout=STEP_MS)
    await shoot(agent, "ring")
    await agent.keyboard.press("a")
    for page, selector in ((customer, ".agent-picture"), (agent, '[data-window="customer"] video')):
        seen = await numbers_seen(page, selector, 4)
        assert max(seen) < CLIP_S * FPS
    await expect(agent.get_by_role("button", name="请客户拍摄身份证")).to_be_enabled(timeout=STEP_MS)
    await agent.get_by_placeholder("输入消息…").fill("您好，请看镜头")
    await agent.keyboard.press("Enter")
    await take_picture(agent, customer, "请客户拍摄身份证")
    await step(agent, "purpose").get_by_role("button", name="工资代发").click()
    await agent.get_by_label("公民身份号码").fill("11010519491231002X")
    await agent.keyboard.press("Enter")
    await expect(step(agent, "id_number")).to_contain_text("1949-12-31", timeout=STEP_MS)
    await take_picture(agent, customer, "请客户拍摄人像")
    await agent.get_by_role("button", name="开始比对").click()
    await expect(step(agent, "face_match")).to_contain_text("通过阈值", timeout=STEP_MS)
    await step(agent, "risk_notice").get_by_role("button", name="完成").click()
    await expect(agent.get_by_text("步骤已全部完成")).to_be_visible(timeout=STEP_MS)
    await shoot(agent, "call-agent")
    await shoot(customer, "call-customer")
    await agent.get_by_role("button", name="办结…").click()
    form = agent.locator("dialog.decide")
    await form.get_by_label("通过", exact=True).check()
    await form.get_by_role("button", name="提交结果").click()
    reference = customer.get_by_text(re.compile(r"case-[0-9a-z]{16}"))
    await expect(reference).to_be_visible(timeout=STEP_MS)
    await shoot(customer, "thanks")
    found = re.search(r"case-[0-9a-z]{16}", await reference.inner_text())
    assert found
    return found[0]


async def sign_off(server: Server, auditor: Page, case: str) -> None:
    """Say why, replay all that counts in the auditor's player, and approve."""
    await log_in(auditor, f"{server.url}/audit/", LOGINS.auditor)
    await auditor.locator(f'a[href="#{case}"]').click()
    await auditor.get_by_role("button", name="打开记录").click()
    await expect(auditor.get_by_text("记录完整，已核验")).to_be_visible(timeout=90_000)
    await auditor.wait_for_function(
        "() => { const v = document.querySelector('video'); return v && v.duration > 1; }"
    )
    await auditor.evaluate(
        "() => { const v = document.querySelector('video'); v.currentTime = v.duration / 2; }"
    )
    await auditor.wait_for_function(
        "() => { const v = document.querySelector('video'); return !v.seeking && v.readyState >= 2; }"
    )
    await shoot(auditor, "audit")
    await expect(auditor.locator(".play-note")).to_contain_text("还有")
    await auditor.locator("h1").click()
    # From the beginning, at twice the speed: no faster counts.
    for key in ("Home", ">", ">", ">", "k"):
        await auditor.keyboard.press(key)
    await expect(auditor.locator(".play-note")).not_to_contain_text("还有", timeout=WATCH_MS)
    await auditor.get_by_label("理由").fill("资料齐全，人证一致")
    await auditor.get_by_role("button", name="通过", exact=True).click()
    await auditor.get_by_role("button", name="签署通过").click()
    await expect(auditor.locator(".seal.approved")).to_contain_text("资料齐全，人证一致", timeout=STEP_MS)
    await shoot(auditor, "signed")


def test_a_case_in_three_browsers(server: Server, clips: dict[str, tuple[Path, Path]]) -> None:
    """From the tap to the signature, by hand, without one error on any page."""

    async def run() -> str:
        async with person(clips["agent"], DESKTOP) as agent, person(clips["customer"], PHONE) as customer:
            case = await play_case(server, agent.page, customer.page)
        async with person(clips["agent"], DESKTOP) as auditor:
            await sign_off(server, auditor.page, case)
        return case

    case = asyncio.run(run())
    merged = measure(server.archived(case), CAMERA)
    assert merged.seconds > 3
    assert len(merged.sides["customer"].counters) > 20
    assert len(merged.sides["agent"].counters) > 20


def test_the_error_collector_collects(server: Server, clips: dict[str, tuple[Path, Path]]) -> None:
    """A console error, a page error, a broken policy and a failed request each fail a watched page."""
    causes = {
        "console.error('on purpose')": "on purpose",
        "setTimeout(() => { throw new Error('thrown') })": "thrown",
        "document.body.setAttribute('style', 'color: red')": "policy violation",
        "fetch('http://127.0.0.1:1/').catch(() => 0)": "127.0.0.1:1",
    }

    async def run(script: str, trouble: str) -> None:
        async with person(clips["customer"], PHONE) as watched:
            await watched.page.goto(f"{server.url}/c/?b=demo")
            await watched.page.evaluate(f"() => {{ {script} }}")
            await watched.wait_for_trouble(trouble)

    for script, trouble in causes.items():
        with pytest.raises(AssertionError, match=re.escape(trouble)):
            asyncio.run(run(script, trouble))
