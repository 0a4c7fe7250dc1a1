"""The call beyond two people talking: pictures that stand, third parties, a shown screen, hold, files."""

import asyncio
import re
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from contract import wire
from contract.phases import CallPhase, Capture, EvidenceKind, Role
from tests.customer_h5.conftest import Phone
from tests.customer_h5.stand_in import AGENT, AGENT_SEAT, CALL, SEAT, SELF, THIRD_SEAT, party
from tests.customer_h5.steps import enter_call, enter_queue, plays, require_calm, talk

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
SIZES = [(360, 640), (1280, 800)]
THIRD = party(THIRD_SEAT, Role.SUPERVISOR, "陈主管", 1)
# How many different colours a canvas has, up to a few: a picture has many, nothing has one.
_COLOURS = """(canvas) => new Set(new Uint32Array(
  canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size"""
_ON_A_PHONE = "Object.defineProperty(navigator, 'maxTouchPoints', { value: 5 })"
_HIDE = """(hidden) => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c4944415408d763f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)


def _file(name: str, kind: str, data: bytes) -> dict[str, object]:
    return {"name": name, "mimeType": kind, "buffer": data}


async def _attach(page: Page, *files: dict[str, object]) -> None:
    await page.get_by_label("发送图片或文件").set_input_files(list(files))  # type: ignore[arg-type]


@pytest.mark.parametrize("viewport", SIZES)
async def test_camera_off_and_on(phone: Phone) -> None:
    """Turned off, the camera's light goes out and the server hears it; turned on, a new picture is sent."""
    page = phone.page
    await enter_call(phone)
    await plays(phone, ".own-picture video")
    track = await page.evaluate_handle(
        "document.querySelector('.own-picture video').srcObject.getVideoTracks()[0]"
    )
    await page.get_by_role("button", name="关画面").click()
    state = await phone.bank.wait_for(wire.CaptureState)
    assert (state.call, state.microphone, state.camera) == (CALL, "on", "off")
    assert await track.evaluate("(track) => track.readyState") == "ended"
    await expect(page.locator(".own-picture .no-picture")).to_be_visible()
    await require_calm(phone)
    await phone.shot("call-camera-off")
    await page.get_by_role("button", name="开画面").click()
    assert (await phone.bank.wait_for(wire.CaptureState, 2)).camera == "on"
    await plays(phone, ".own-picture video")


async def test_one_camera_without_a_torch(phone: Phone) -> None:
    """There is nothing to flip or to light, and no button for it."""
    await enter_call(phone)
    await phone.page.get_by_role("button", name="更多").click()
    sheet = phone.page.get_by_role("dialog", name="更多")
    await expect(sheet.get_by_role("button", name="关闭", exact=True)).to_be_visible()
    for name in ("翻转镜头", "打开手电筒"):
        await expect(sheet.get_by_role("button", name=name)).to_have_count(0)


async def test_last_picture_stands(phone: Phone) -> None:
    """When the agent's camera goes off the last picture stays, marked, until it moves again; likewise when
    she drops."""
    page = phone.page
    await enter_call(phone)
    await plays(phone, ".agent-picture")
    await talk(phone, replace(AGENT, camera=Capture.OFF))
    await expect(page.locator(".person.main .frozen")).to_contain_text("摄像头已关闭，画面已定格")
    last = page.locator(".person.main .last")
    await expect(last).to_be_visible()
    assert await last.evaluate(_COLOURS) > 2
    await phone.shot("frozen")
    await talk(phone, AGENT)
    await expect(last).to_be_hidden()
    await expect(page.locator(".person.main .frozen")).to_be_hidden()
    gone = replace(AGENT, present=False)
    await talk(phone, gone, phase=CallPhase.RECONNECTING, grace_s=18.0)
    await expect(page.locator(".person.main .frozen")).to_contain_text("网络中断")
    await expect(page.locator(".banner")).to_contain_text("柜员网络中断")


@pytest.mark.parametrize("viewport", SIZES)
async def test_third_person(phone: Phone) -> None:
    """A third person has a picture with a name; when the first leaves, the other fills the screen."""
    page = phone.page
    phone.bank.lines = (3, 4, 5, 6)
    await enter_call(phone)
    await expect(page.locator(".person.side")).to_have_count(0)
    await talk(phone, AGENT, THIRD)
    await plays(phone, ".person.side video")
    await expect(page.locator(".person.side figcaption")).to_have_text("陈主管")
    await expect(page.locator(".peer-name")).to_have_text("客户经理 李静 · 工号 8001、主管 陈主管")
    await require_calm(phone)
    await phone.shot("third")
    await talk(phone, THIRD, host=THIRD_SEAT)
    await expect(page.locator(".person.side")).to_have_count(0)
    await expect(page.locator(".peer-name")).to_have_text("主管 陈主管")
    await plays(phone, ".person.main video")


@pytest.mark.parametrize("viewport", SIZES)
async def test_shared_screen(phone: Phone) -> None:
    """A shown screen fills the page with the agent in the corner; double tap and pinch enlarge it; when it
    ends the agent fills the page again."""
    page = phone.page
    phone.bank.lines = (3, 4, 7)
    await enter_call(phone)
    await expect(page.locator(".share")).to_be_hidden()
    await talk(phone, AGENT, sharing=AGENT_SEAT)
    await plays(phone, ".share-picture")
    await plays(phone, ".person.side video")
    await require_calm(phone)
    await phone.shot("share")
    box = await page.locator(".share").bounding_box()
    assert box is not None
    await page.mouse.dblclick(box["width"] * 0.4, box["height"] * 0.4)
    await expect(page.locator(".share-picture")).to_have_attribute("style", re.compile(r"scale\(2\.5\)"))
    await phone.shot("share-near")
    await page.evaluate(_PINCH, [100, 300, 140, 300])
    scale = await page.evaluate("new DOMMatrix(document.querySelector('.share-picture').style.transform).a")
    assert scale > 4
    await page.locator(".share").press("0")
    await expect(page.locator(".share-picture")).to_have_attribute("style", re.compile(r"scale\(1\)"))
    await talk(phone, AGENT)
    await expect(page.locator(".share")).to_be_hidden()
    await plays(phone, ".person.main video")


# Two fingers, forty pixels apart, one of which moves away to a hundred.
_PINCH = """([x, y, x2, y2]) => {
  const frame = document.querySelector(".share");
  frame.setPointerCapture = () => undefined;
  const send = (type, pointerId, clientX, clientY) =>
    frame.dispatchEvent(new PointerEvent(type, { pointerId, clientX, clientY, bubbles: true }));
  send("pointerdown", 11, x, y);
  send("pointerdown", 12, x2, y2);
  send("pointermove", 12, x2 + 60, y2);
  send("pointerup", 11, x, y);
  send("pointerup", 12, x2 + 60, y2);
}"""


@pytest.mark.parametrize("viewport", SIZES)
async def test_held(phone: Phone) -> None:
    """On hold the customer reads it and for how long, sees the own picture and nobody else."""
    page = phone.page
    await enter_call(phone)
    await plays(phone, ".agent-picture")
    await phone.bank.call_state(
        CallPhase.HELD, active_s=70.0, seat=SEAT, parties=(SELF, replace(AGENT, slot=None))
    )
    await expect(page.get_by_role("heading", name="请稍候，通话保持中")).to_be_visible()
    await expect(page.locator(".hold .numbers")).to_have_text(re.compile(r"0:0[1-9]"))
    await expect(page.locator(".person.main")).to_have_count(0)
    await plays(phone, ".own-picture video")
    await require_calm(phone)
    await phone.shot("held")
    await talk(phone, AGENT)
    await expect(page.locator(".hold")).to_be_hidden()
    await plays(phone, ".agent-picture")


@pytest.mark.parametrize("viewport", SIZES)
async def test_files_both_ways(phone: Phone) -> None:
    """A picture goes up with progress and stands in the chat when the journal has it; a received file is
    saved as it came; a picture is seen large."""
    page = phone.page
    await enter_call(phone)
    await page.get_by_role("button", name="文字", exact=True).click()
    phone.bank.holding = asyncio.Event()
    await _attach(page, _file("户口本.png", "image/png", PNG))
    await expect(page.locator(".transfer progress")).to_be_visible()
    await phone.shot("file-sending")
    phone.bank.holding.set()
    await expect(page.locator(".line.own .file")).to_contain_text("户口本.png")
    await expect(page.locator(".transfer")).to_have_count(0)
    assert [(name, kind, data) for name, kind, data in phone.bank.files.values()] == [
        ("户口本.png", "image/png", PNG)
    ]
    await expect(page.locator(".line.own img")).to_be_visible()
    await phone.bank.share(Role.AGENT, "协议.pdf", "application/pdf", b"%PDF-1.7 terms")
    async with page.expect_download() as saving:
        await page.get_by_role("button", name="下载文件 协议.pdf").click()
    saved = await saving.value
    assert saved.suggested_filename == "协议.pdf"
    assert (await saved.path()).read_bytes() == b"%PDF-1.7 terms"
    await require_calm(phone)
    await phone.shot("files")
    await page.get_by_role("button", name="查看图片 户口本.png").click()
    await expect(page.locator(".viewer img")).to_be_visible()
    await phone.shot("file-viewer")


async def test_files_refused_cancelled_and_retried(phone: Phone, tmp_path: Path) -> None:
    """What is too large or of another kind never leaves the phone; a transfer can be given up; one that
    failed goes through when tried again; a refusal that stays has no retry."""
    page = phone.page
    await enter_call(phone)
    await page.get_by_role("button", name="文字", exact=True).click()
    for name, size in (("大.pdf", 20 * 2**20 + 1), ("程序.exe", 2)):
        with (tmp_path / name).open("wb") as file:
            file.truncate(size)
    await page.get_by_label("发送图片或文件").set_input_files([tmp_path / "大.pdf", tmp_path / "程序.exe"])
    await expect(page.locator(".transfer .bad-words")).to_have_count(2)
    await expect(page.locator(".transfer").get_by_role("button", name="重试")).to_have_count(0)
    await phone.shot("files-refused")
    for name in ("大.pdf", "程序.exe"):
        await page.get_by_role("button", name=f"取消发送 {name}").click()
    await expect(page.locator(".transfer")).to_have_count(0)
    assert phone.bank.files == {}
    phone.bank.holding = asyncio.Event()
    phone.watched.aborts = False  # the page gives it up itself
    await _attach(page, _file("说明.txt", "text/plain", b"first"))
    await page.get_by_role("button", name="取消发送 说明.txt").click()
    await expect(page.locator(".transfer")).to_have_count(0)
    phone.bank.holding.set()
    phone.bank.file_status = [(503, "storage"), (422, "file_mismatch")]
    await _attach(page, _file("说明.txt", "text/plain", b"second"))
    await page.locator(".transfer").get_by_role("button", name="重试").click()
    await expect(page.locator(".transfer").get_by_role("button", name="重试")).to_have_count(0)
    await page.get_by_role("button", name="取消发送 说明.txt").click()
    await _attach(page, _file("说明.txt", "text/plain", b"third"))
    await expect(page.locator(".line.own .file")).to_contain_text("说明.txt")
    for code in ("503", "422"):
        phone.watched.forgive(code)


async def test_still_at_once(phone: Phone) -> None:
    """A still on demand is taken without the sheet from the camera in use, at once, and said to have been."""
    page = phone.page
    await enter_call(phone)
    await plays(phone, ".own-picture video")
    request = await phone.bank.want_still(EvidenceKind.SCENE, at_once=True)
    await expect(page.get_by_text("柜员拍摄了一张照片")).to_be_visible()
    assert [name for name, _, _ in phone.bank.uploads] == [request]
    assert phone.bank.uploads[0][2].startswith(b"\xff\xd8")
    assert phone.bank.still_sources == ["phone"]
    await expect(page.locator(".still")).to_be_hidden()


async def test_still_from_the_stream(phone: Phone) -> None:
    """A phone that takes no photographs sends a picture of the stream, and says that it is one."""
    await phone.page.add_init_script("delete window.ImageCapture")
    await enter_call(phone)
    await phone.bank.want_still(EvidenceKind.SCENE, at_once=True)
    await expect(phone.page.get_by_text("柜员拍摄了一张照片")).to_be_visible()
    assert phone.bank.still_sources == ["stream"]
    await plays(phone, ".own-picture video")


async def test_background_is_an_interruption(phone: Phone) -> None:
    """A phone that puts the page away tells so at once; back in front the call goes on by itself."""
    page = phone.page
    await page.add_init_script(_ON_A_PHONE)
    await enter_call(phone)
    await page.evaluate(_HIDE, True)
    assert (await phone.bank.wait_for(wire.CaptureState)).camera == "interrupted"
    await expect(page.locator(".banner")).to_contain_text("摄像头或麦克风被中断")
    await page.evaluate(_HIDE, False)
    assert (await phone.bank.wait_for(wire.CaptureState, 2)).camera == "on"
    await expect(page.locator(".banner")).to_be_hidden()


async def test_device_taken_away(phone: Phone) -> None:
    """A microphone that the phone takes away is told and brought back by a tap."""
    page = phone.page
    await enter_call(phone)
    await page.evaluate(
        """() => {
          const [track] = document.querySelector(".own-picture video").srcObject.getAudioTracks();
          track.stop();
          track.dispatchEvent(new Event("ended"));
        }"""
    )
    state = await phone.bank.wait_for(wire.CaptureState)
    assert (state.microphone, state.camera) == ("interrupted", "on")
    await phone.shot("interrupted")
    await page.get_by_role("button", name="点击恢复").click()
    state = await phone.bank.wait_for(wire.CaptureState, 2)
    assert (state.microphone, state.camera) == ("on", "on")


async def test_words_survive_a_change_of_language(phone: Phone) -> None:
    """In the call language and text size stand behind one button; what was typed and not sent stays."""
    page = phone.page
    await enter_call(phone)
    await page.get_by_role("button", name="文字", exact=True).click()
    await page.get_by_placeholder("输入消息").fill("等一下")
    await page.get_by_role("button", name="关闭", exact=True).click()
    await page.get_by_role("button", name="更多").click()
    await phone.shot("more")
    await page.get_by_role("button", name="English").click()
    await plays(phone, ".agent-picture")
    await page.get_by_role("button", name="Chat").click()
    await expect(page.get_by_placeholder("Write a message")).to_have_value("等一下")
    await page.get_by_role("button", name="Close", exact=True).click()
    await page.get_by_role("button", name="More").click()
    await page.get_by_role("button", name="Large text").click()
    await require_calm(phone)
    await phone.shot("call-en-large")
    assert len([m for m in phone.bank.got if isinstance(m, wire.Offer)]) == 1


async def test_muted_before_a_reload(phone: Phone) -> None:
    """A page that comes back to its call says what it sends, whatever was said before."""
    await enter_call(phone)
    await phone.page.get_by_role("button", name="静音", exact=True).click()
    await phone.bank.wait_for(wire.CaptureState)
    phone.bank.welcome = replace(phone.bank.welcome, call=CALL)
    await phone.page.reload()
    state = await phone.bank.wait_for(wire.CaptureState, 2)
    assert (state.microphone, state.camera) == ("on", "on")


async def test_camera_off_survives_a_reload(phone: Phone) -> None:
    """A camera that was turned off is not turned on by coming back."""
    await enter_queue(phone)
    await phone.page.get_by_role("button", name="关闭摄像头").click()
    await phone.bank.wait_for(wire.CaptureState)
    phone.bank.welcome = replace(phone.bank.welcome, call=CALL)
    await phone.page.reload()
    assert (await phone.bank.wait_for(wire.CaptureState, 2)).camera == "off"
    await talk(phone, AGENT)
    await expect(phone.page.locator(".own-picture .no-picture")).to_be_visible()


async def test_the_goodbye_names_who_led_last(phone: Phone) -> None:
    """After a hand-over name and number are the last host's, also when that one is gone already."""
    page = phone.page
    await enter_call(phone)
    guest = replace(AGENT, seat=THIRD_SEAT, role=Role.GUEST, name="王芳", number="8002")
    await talk(phone, guest, host=THIRD_SEAT, peer="王芳", peer_number="8002")
    await expect(page.locator(".peer-name")).to_have_text("客户经理 王芳 · 工号 8002")
    await talk(phone, phase=CallPhase.HELD, host=None, peer="", peer_number="")
    await phone.bank.call_state(CallPhase.ENDED, reason="agent_lost", peer="", peer_number="")
    facts_shown = page.locator(".facts")
    await expect(facts_shown).to_contain_text("客户经理 王芳 · 工号 8002")
    await expect(facts_shown).not_to_contain_text("8001")
    await phone.shot("thanks-handed-over")
