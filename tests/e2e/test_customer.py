"""The customer's phone page in real Chromium on the real server: what the bank really receives of it."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Page, Route, expect

from contract import facts, wire
from contract.phases import CallPhase, Capture, EvidenceKind, Outcome, Presence
from teller.demo.caller import Caller, Rest
from teller.demo.data import FPS, LOGINS, VIDEO_SIZE
from teller.demo.peer import WebRtcPeer
from teller.demo.pictures import FaceVideo, astronaut, other_person
from teller.demo.sound import Speaker, Voice
from tests.browser import shoot
from tests.e2e.server import Server
from tests.e2e.test_browsers import PHONE, STEP_MS, numbers_seen, person, write_clip
from tests.e2e.test_console import HOST_PICTURE, HOST_SOUND, Senses, until
from tests.e2e.visit import start_visit

pytestmark = [pytest.mark.server, pytest.mark.browser, pytest.mark.timeout(300)]
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


@pytest.fixture(name="clip", scope="module")
def _clip(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return the customer's picture and sound."""
    return write_clip(tmp_path_factory.mktemp("clips"), "customer", astronaut(), Speaker.CUSTOMER)


@asynccontextmanager
async def desk(server: Server, senses: Senses) -> AsyncIterator[Caller]:
    """Yield an agent who is ready, and gives the owed result at the end."""
    picture, sound = FaceVideo(other_person(0), VIDEO_SIZE, FPS, agent=True), Voice(Speaker.AGENT)

    def peer(servers: tuple[wire.IceServer, ...]) -> WebRtcPeer:
        return WebRtcPeer(picture, sound, hear_video=senses.see, hear_audio=senses.hear, ice_servers=servers)

    async with Rest(server.url) as rest:
        await rest.login(*LOGINS.agent)
        async with Caller(rest, peer) as agent:
            await agent.connect()
            await agent.send(wire.SetPresence(Presence.READY))
            yield agent
            await agent.send(wire.Finish(Outcome.INCOMPLETE, "other"))
            await agent.wait_for_fact(facts.AgentDecided)


async def answer(agent: Caller) -> wire.Ring:
    """Take the ring that comes next."""
    ring = await agent.wait_for(wire.Ring)
    await agent.prepare_media(ring.call)
    await agent.send(wire.Accept(ring.call))
    await agent.wait_for(wire.CallState, lambda m: m.phase is CallPhase.ACTIVE)
    return ring


async def enter(page: Page, server: Server, *consents: str) -> None:
    """Open the link, tick and tap."""
    await page.goto(f"{server.url}/c/?b=demo")
    for name in consents:
        await page.get_by_role("checkbox", name=name).check()
    await page.get_by_role("button", name="开始视频通话").click()


def test_visit_without_a_picture(server: Server, clip: tuple[Path, Path]) -> None:
    """Consents, check and place are journaled one by one; somebody who joins with the camera off is heard and
    not seen, and seen once it is on; on hold the notice stands; the rating is journaled."""

    async def run() -> None:
        senses = Senses()
        async with person(clip, PHONE) as customer, desk(server, senses) as agent:
            page = customer.page
            await page.context.grant_permissions(["camera", "microphone", "geolocation"])
            await page.context.set_geolocation({"latitude": 36.5, "longitude": 120.25, "accuracy": 30})
            measured = asyncio.Event()

            async def measure(route: Route) -> None:
                await measured.wait()
                await route.continue_()

            await page.route("**/api/probe", measure)
            await enter(page, server, "录音录像", "当前位置")
            await page.get_by_role("button", name="关闭摄像头").click()
            measured.set()
            await expect(page.locator(".checked.wait")).to_have_count(0, timeout=STEP_MS)
            await page.get_by_role("button", name="不开摄像头，进入排队").click()
            await answer(agent)
            given = await agent.wait_for_fact(facts.ConsentGiven)
            assert (given.subjects, given.refused) == (("recording", "location"), ("biometrics",))
            checked = await agent.wait_for_fact(facts.DeviceChecked, lambda fact: fact.camera == "off")
            assert (checked.microphone, checked.uplink_kbps is not None) == ("ok", True)
            told = await agent.wait_for_fact(facts.LocationTold)
            assert (told.pii_latitude, told.pii_longitude, told.accuracy_m) == (36.5, 120.25, 30)
            await until(lambda: senses.beeps(HOST_SOUND, Speaker.CUSTOMER), "the agent hears no customer")
            assert senses.pictures.get(HOST_PICTURE, 0) == 0
            await numbers_seen(page, ".agent-picture", 3)
            await shoot(page, "e2e-customer-camera-off")
            await page.get_by_role("button", name="开画面").click()
            await until(lambda: HOST_PICTURE in senses.numbers, "the agent sees no moving picture")
            await agent.wait_for(wire.CallState, lambda m: m.kyc_unlocked)
            await agent.send(wire.Hold(True))
            await expect(page.get_by_role("heading", name="请稍候，通话保持中")).to_be_visible(
                timeout=STEP_MS
            )
            await shoot(page, "e2e-customer-held")
            await agent.send(wire.Hold(False))
            await expect(page.locator(".hold")).to_be_hidden(timeout=STEP_MS)
            await numbers_seen(page, ".agent-picture", 3)
            await agent.send(wire.HangUp())
            await expect(page.get_by_text("谢谢，本次通话已结束")).to_be_visible(timeout=STEP_MS)
            await shoot(page, "e2e-customer-thanks")
            await page.locator(".star").nth(4).click()
            await page.get_by_role("button", name="提交评价").click()
            await expect(page.get_by_text("感谢您的评价")).to_be_visible(timeout=STEP_MS)
            rated = await agent.wait_for_fact(facts.ServiceRated)
            assert rated.stars == 5

    asyncio.run(run())


def test_files_and_stills(server: Server, clip: tuple[Path, Path], tmp_path: Path) -> None:
    """A file goes both ways byte by byte; a still on demand comes at once in the phone's own size; an
    interruption is told and over."""

    async def run() -> None:
        senses = Senses()
        async with person(clip, PHONE) as customer, desk(server, senses) as agent:
            page = customer.page
            await start_visit(page, server.url)
            ring = await answer(agent)
            await agent.wait_for(wire.CallState, lambda m: m.kyc_unlocked)
            await page.get_by_role("button", name="文字", exact=True).click()
            (tmp_path / "说明.txt").write_text("您好", "utf-8")
            await page.get_by_label("发送图片或文件").set_input_files(tmp_path / "说明.txt")
            shared = await agent.wait_for_fact(facts.FileShared)
            assert await agent.rest.file(ring.case, shared.evidence) == "您好".encode()
            path = f"/api/cases/{ring.case}/files?name=terms.pdf"
            await agent.rest.call("POST", path, data=PDF, **{"Content-Type": "application/pdf"})
            async with page.expect_download() as saving:
                await page.get_by_role("button", name="下载文件 terms.pdf").click()
            assert await asyncio.to_thread((await (await saving.value).path()).read_bytes) == PDF
            await page.get_by_role("button", name="关闭", exact=True).click()
            await agent.send(wire.RequestStill(EvidenceKind.SCENE, at_once=True))
            still = await agent.wait_for_fact(facts.EvidenceStored)
            assert (still.kind, still.source) == (EvidenceKind.SCENE, "phone")
            assert still.width >= 640 and still.sharpness > 0
            await expect(page.get_by_text("柜员拍摄了一张照片")).to_be_visible()
            await page.get_by_role("button", name="关画面").click()
            changed = await agent.wait_for_fact(facts.CaptureChanged)
            assert (changed.microphone, changed.camera) == (Capture.ON, Capture.OFF)
            await page.get_by_role("button", name="挂断").click()
            await page.get_by_role("dialog").get_by_role("button", name="挂断").click()
            await expect(page.get_by_text(re.compile(str(ring.case)))).to_be_visible(timeout=STEP_MS)

    asyncio.run(run())
