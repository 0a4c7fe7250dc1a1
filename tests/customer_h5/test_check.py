"""The consents, the check of the device and the queue, before anybody is called."""

import asyncio
import re
from dataclasses import replace

import pytest
from playwright.async_api import expect

from contract import wire
from tests.customer_h5.conftest import Phone
from tests.customer_h5.stand_in import CALL
from tests.customer_h5.steps import enter_queue, plays, require_calm, tap_start

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
SIZES = [(360, 640), (1280, 800)]
PLAN = ["audio", "video", "video", "audio", "video", "audio", "video", "video", "audio", "video"]
_COUNT_CAPTURE = """
window.captures = 0;
const capture = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = (asked) => { window.captures += 1; return capture(asked); };
"""
_REFUSE = """
const capture = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = (asked) => (asked.%s && !window.allowed)
  ? Promise.reject(new DOMException("no", "%s"))
  : capture(asked);
"""
_SILENCE = """
const capture = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (asked) => {
  const stream = await capture(asked);
  for (const track of stream.getAudioTracks()) track.enabled = false;
  return stream;
};
"""
TROUBLES = {
    "NotAllowedError": ("denied", "未允许使用"),
    "NotFoundError": ("missing", "没有找到"),
    "NotReadableError": ("busy", "正被其他应用使用"),
}


@pytest.mark.parametrize("viewport", SIZES)
async def test_three_consents_of_which_one_is_needed(phone: Phone) -> None:
    """Each consent has its own tick, its consequence and its text; without recording nothing starts."""
    page = phone.page
    await page.goto(f"{phone.bank.url}/c/?b=demo")
    start = page.get_by_role("button", name="开始视频通话")
    await expect(page.get_by_text("2 人排队")).to_be_visible()
    await expect(start).to_be_disabled()
    await phone.shot("landing")
    for name in ("人脸信息", "当前位置"):
        await page.get_by_role("checkbox", name=name).check()
    await expect(start).to_be_disabled()
    for summary in await page.locator(".consent summary").all():
        await summary.click()
    for words in ("全程记录", "敏感个人信息", "通话结束后不再读取"):
        await expect(page.get_by_text(words)).to_be_visible()
    await page.get_by_role("checkbox", name="录音录像").check()
    await expect(start).to_be_enabled()
    await require_calm(phone)
    await phone.shot("landing-read")
    assert phone.bank.got == [] and phone.bank.walk_ins == []


async def test_consent_is_journaled_before_capture(phone: Phone) -> None:
    """The answers go out one by one; no device is opened before the journal has them."""
    page = phone.page
    await page.add_init_script(_COUNT_CAPTURE)
    phone.bank.journals = False
    await page.goto(f"{phone.bank.url}/c/?b=demo")
    await page.get_by_role("checkbox", name="录音录像").check()
    await page.get_by_role("button", name="开始视频通话").click()
    consent = await phone.bank.wait_for(wire.Consent)
    assert (consent.recording, consent.biometrics, consent.location) == (True, False, False)
    assert consent.text_version == "2026-3"
    await phone.bank.wait_for(wire.Ping)  # a heartbeat later there still is no camera
    assert await page.evaluate("window.captures") == 0
    phone.bank.journals = True
    await phone.bank.take_consent(consent)
    await phone.bank.wait_for(wire.JoinQueue)
    assert await page.evaluate("window.captures") == 1
    assert not any(isinstance(message, wire.Location) for message in phone.bank.got)


@pytest.mark.parametrize("viewport", SIZES)
async def test_check_passes_by_itself(phone: Phone) -> None:
    """Picture, level, line and browser are shown; when all is well the queue follows without a second tap."""
    await phone.page.context.grant_permissions(["camera", "microphone", "geolocation"])
    await phone.page.context.set_geolocation({"latitude": 36.5, "longitude": 120.25, "accuracy": 30})
    phone.bank.probing = asyncio.Event()
    await tap_start(phone)
    await plays(phone, ".self video")
    await expect(phone.page.locator(".level[aria-valuenow='0']")).to_have_count(0)
    await require_calm(phone)
    await phone.shot("check")
    phone.bank.probing.set()
    await expect(phone.page.get_by_text("一切正常")).to_be_visible()
    await phone.bank.wait_for(wire.JoinQueue)
    report = await phone.bank.wait_for(wire.DeviceCheck)
    assert (report.camera, report.microphone) == ("ok", "ok")
    assert report.browser.startswith("Chrome ")
    assert report.uplink_kbps is not None and report.uplink_kbps > 0
    assert report.rtt_ms is not None and 0 < report.rtt_ms < 400
    told = await phone.bank.wait_for(wire.Location)
    assert (told.latitude, told.longitude, told.accuracy_m) == (36.5, 120.25, 30)


@pytest.mark.parametrize("name", TROUBLES)
@pytest.mark.parametrize("device", ["camera", "microphone"])
async def test_device_refused(phone: Phone, name: str, device: str) -> None:
    """What a device refuses is told apart, helped and journaled. Without a camera one may go on, without a
    microphone not, and a second try may succeed."""
    page = phone.page
    await page.add_init_script(_REFUSE % ("video" if device == "camera" else "audio", name))
    await tap_start(phone)
    code, words = TROUBLES[name]
    await expect(page.locator(".checked.bad")).to_contain_text(words)
    report = await phone.bank.wait_for(wire.DeviceCheck)
    assert report.problems == (f"{device}_{code}",)
    assert (report.camera, report.microphone) == ((code, "ok") if device == "camera" else ("ok", code))
    await require_calm(phone)
    await phone.shot(f"check-{device}-{code}")
    go = page.get_by_role("button", name="进入排队")
    if device == "microphone":
        await expect(go).to_be_disabled()
        await page.evaluate("window.allowed = true")
        await page.get_by_role("button", name="重新检测").click()
        await phone.bank.wait_for(wire.JoinQueue)
        assert (await phone.bank.wait_for(wire.DeviceCheck, 2)).problems == ()
        return
    await expect(go).to_have_text("不开摄像头，进入排队")
    await go.click()
    state = await phone.bank.wait_for(wire.CaptureState)
    assert (state.call, state.microphone, state.camera) == (CALL, "on", "off")


async def test_silent_microphone_and_slow_line(phone: Phone) -> None:
    """A microphone that gives nothing and a slow line are said; the customer decides to go on."""
    await phone.page.add_init_script(_SILENCE)
    phone.bank.probe_s = 7.5
    await tap_start(phone)
    await expect(phone.page.get_by_text("没有听到您的声音")).to_be_visible(timeout=15_000)
    await expect(phone.page.get_by_text("上传较慢")).to_be_visible(timeout=15_000)
    report = await phone.bank.wait_for(wire.DeviceCheck)
    assert report.problems == ("microphone_silent", "uplink_slow")
    assert report.uplink_kbps is not None and 200 < report.uplink_kbps < 300
    await phone.shot("check-warn")
    assert not any(isinstance(message, wire.JoinQueue) for message in phone.bank.got)
    await phone.page.get_by_role("button", name="进入排队").click()
    await phone.bank.wait_for(wire.JoinQueue)


async def test_join_with_the_camera_off(phone: Phone) -> None:
    """The camera is turned off in the check: its light goes out, the queue waits for a tap, the server hears
    it, and the offer carries no picture."""
    page = phone.page
    phone.bank.probing = asyncio.Event()
    await tap_start(phone)
    await plays(phone, ".self video")
    track = await page.evaluate_handle("document.querySelector('.self video').srcObject.getVideoTracks()[0]")
    await page.get_by_role("button", name="关闭摄像头").click()
    await expect(page.locator(".self .no-picture")).to_be_visible()
    assert await track.evaluate("(track) => track.readyState") == "ended"
    phone.bank.probing.set()
    await page.get_by_role("button", name="不开摄像头，进入排队").click()
    state = await phone.bank.wait_for(wire.CaptureState)
    assert (state.microphone, state.camera) == ("on", "off")
    assert (await phone.bank.wait_for(wire.DeviceCheck)).camera == "off"
    await phone.shot("queue-camera-off")
    await page.get_by_role("button", name="打开摄像头").click()
    assert (await phone.bank.wait_for(wire.CaptureState, 2)).camera == "on"


@pytest.mark.parametrize("viewport", SIZES)
async def test_queue_prepares_media(phone: Phone) -> None:
    """In the queue stand place, time and ways out; the offer has the planned m-lines."""
    await enter_queue(phone)
    assert phone.bank.walk_ins == [{"tenant": "demo", "language": "zh-CN"}]
    tags = [message.tag for message in phone.bank.got if not isinstance(message, wire.Ping)]
    assert tags[:2] == ["hello", "consent"]
    assert tags.index("device_check") < tags.index("join_queue") < tags.index("offer")
    offer = await phone.bank.wait_for(wire.Offer)
    assert re.findall(r"^m=(\w+)", offer.sdp, re.MULTILINE) == PLAN
    directions = re.findall(r"^a=(sendonly|recvonly|inactive|sendrecv)", offer.sdp, re.MULTILINE)
    assert directions == ["sendonly"] * 3 + ["recvonly"] * 7
    await expect(phone.page.get_by_text("您前面还有 2 位")).to_be_visible()
    await expect(phone.page.get_by_text("约 4 分钟")).to_be_visible()
    await plays(phone, ".preview video")
    await require_calm(phone)
    await phone.shot("queue")
    await phone.bank.send(wire.QueuePosition(CALL, 1, 20.0, 1))
    await expect(phone.page.get_by_text("下一位就是您")).to_be_visible()
    assert len([m for m in phone.bank.got if isinstance(m, wire.Offer)]) == 1
    await phone.page.get_by_role("button", name="离开排队").click()
    await phone.shot("queue-leave")
    await phone.page.get_by_role("dialog").get_by_role("button", name="离开排队").click()
    await phone.bank.wait_for(wire.LeaveQueue)
    await expect(phone.page.get_by_text("您已离开排队")).to_be_visible()
    await phone.shot("left")


async def test_call_back_instead_of_waiting(phone: Phone) -> None:
    """A number is left from the queue; the page says that it is kept, and lets go of the camera."""
    page = phone.page
    await enter_queue(phone)
    await page.get_by_role("button", name="预约回电").click()
    await page.get_by_label("电话号码").fill("138 0000 1234")
    await page.get_by_label("方便的时间").fill("下午")
    await page.get_by_role("button", name="English").click()
    await expect(page.get_by_label("Phone number")).to_have_value("138 0000 1234")
    await page.get_by_role("button", name="中文").click()
    await phone.bank.send(wire.QueuePosition(CALL, 2, 20.0, 1))
    await require_calm(phone)
    await phone.shot("callback")
    await page.get_by_role("button", name="提交").click()
    asked = await phone.bank.wait_for(wire.RequestCallback)
    assert (asked.phone, asked.wish) == ("138 0000 1234", "下午")
    await expect(page.get_by_text("拨打 138 0000 1234")).to_be_visible()
    await phone.shot("called-back")


async def test_other_way_without_any_consent(phone: Phone) -> None:
    """Ways without a face are offered at the door; a call back needs no consent and opens no camera."""
    page = phone.page
    await page.add_init_script(_COUNT_CAPTURE)
    await page.goto(f"{phone.bank.url}/c/?b=demo")
    await page.get_by_role("button", name="选择其他办理方式").click()
    await expect(page.get_by_text("任一网点")).to_be_visible()
    await require_calm(phone)
    await phone.shot("other-way")
    await page.get_by_role("button", name="预约回电").click()
    await page.get_by_label("电话号码").fill("010-12345678")
    await page.get_by_role("button", name="提交").click()
    await expect(page.get_by_text("已收到您的回电请求")).to_be_visible()
    tags = [message.tag for message in phone.bank.got]
    assert tags == ["hello", "request_callback"]
    assert await page.evaluate("window.captures") == 0


async def test_without_my_face(phone: Phone) -> None:
    """Whoever goes on without the face is asked for the recording only, and refuses biometrics."""
    page = phone.page
    await page.goto(f"{phone.bank.url}/c/?b=demo")
    await page.get_by_role("checkbox", name="人脸信息").check()
    await page.get_by_role("button", name="选择其他办理方式").click()
    await page.get_by_role("button", name="不刷脸，继续视频").click()
    await expect(page.get_by_role("checkbox", name="人脸信息")).not_to_be_checked()
    await page.get_by_role("checkbox", name="录音录像").check()
    await page.get_by_role("button", name="开始视频通话").click()
    consent = await phone.bank.wait_for(wire.Consent)
    assert (consent.recording, consent.biometrics) == (True, False)


async def test_closed_before_the_tap(phone: Phone) -> None:
    """Out of hours the page says so at once, with the hours and a call back instead of a start."""
    phone.bank.desk |= {"open": False, "opens_at": 1795305600.0, "waiting": 0}
    await phone.page.goto(f"{phone.bank.url}/c/?b=demo")
    await expect(phone.page.get_by_text("现在是非营业时间")).to_be_visible()
    await expect(phone.page.get_by_text("每天 9:00-21:00")).to_be_visible()
    await expect(phone.page.get_by_text("开始服务")).to_be_visible()
    await require_calm(phone)
    await phone.shot("closed")
    await phone.page.get_by_role("button", name="预约回电").click()
    await expect(phone.page.get_by_label("电话号码")).to_be_visible()


async def test_closed_behind_the_link(phone: Phone) -> None:
    """A link with a ticket learns from the welcome that nobody is there; the call back uses the same seat."""
    phone.bank.welcome = replace(phone.bank.welcome, opens_at=1795305600.0)
    await tap_start(phone, "#ticket=abc")
    await expect(phone.page.get_by_text("现在是非营业时间")).to_be_visible()
    assert not any(isinstance(message, wire.Consent) for message in phone.bank.got)
    await phone.page.get_by_role("button", name="预约回电").click()
    await phone.page.get_by_label("电话号码").fill("13800001234")
    await phone.page.get_by_role("button", name="提交").click()
    await phone.bank.wait_for(wire.RequestCallback)
    await expect(phone.page.get_by_text("已收到您的回电请求")).to_be_visible()


async def test_closes_while_checking(phone: Phone) -> None:
    """A desk that closes between check and queue is said as such."""
    phone.bank.closes = True
    await tap_start(phone)
    await expect(phone.page.get_by_text("现在是非营业时间")).to_be_visible()
