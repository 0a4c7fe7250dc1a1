"""Two cameras and a torch: what can be turned, what can be lit, and what the other side gets of it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, async_playwright, expect

from contract.phases import EvidenceKind
from tests.browser import chromium, wait_until
from tests.customer_h5.conftest import Phone
from tests.customer_h5.steps import enter_call, plays, require_calm

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

# The second camera has a torch, as the back of a phone; `dark` is what it says when asked to light.
# Chromium's fake device 1 measures depth, which no encoder takes.
_TORCH = """
const { enumerateDevices } = MediaDevices.prototype;
MediaDevices.prototype.enumerateDevices = async function () {
  return (await enumerateDevices.call(this)).filter(({ label }) => !label.includes("fake_device_1"));
};
const { getCapabilities, applyConstraints } = MediaStreamTrack.prototype;
Object.assign(window, { lit: [], dark: "", connections: [] });
MediaStreamTrack.prototype.getCapabilities = function () {
  return { ...getCapabilities.call(this), torch: this.label.includes("fake_device_2") };
};
MediaStreamTrack.prototype.applyConstraints = function (wanted) {
  const [first] = wanted.advanced || [];
  if (!first || !("torch" in first)) return applyConstraints.call(this, wanted);
  if (dark) return Promise.reject(new DOMException("no", dark));
  lit.push([this.label.includes("fake_device_2"), first.torch]);
  return Promise.resolve();
};
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...words) {
    super(...words);
    connections.push(this);
  }
};
"""
# What the one connection sends on its picture's line; the sender is remembered at the first look.
_SENDING = """() => {
  const { sender } = connections[0].getTransceivers()[1];
  window.first ||= sender;
  const { label = "", readyState = "" } = sender.track || {};
  return { connections: connections.length, same: sender === first, camera: label, state: readyState };
}"""
_ARRIVED = """async () => {
  const report = [...(await peer.getStats()).values()];
  const video = report.filter((one) => one.type === "inbound-rtp" && one.kind === "video");
  return video.map(({ ssrc, framesDecoded }) => [ssrc, framesDecoded]).filter(([, count]) => count > 0);
}"""
# A busy machine takes its time for what an idle one shows within two seconds.
ARRIVES_S = 40.0
_OWN = "document.querySelector('.own-picture video').srcObject.getVideoTracks()[0]"


@pytest_asyncio.fixture(name="browser", scope="module", loop_scope="session")
async def two_cameras() -> AsyncIterator[Browser]:
    """Yield a Chromium with two fake cameras, and one for depth."""
    devices = "--use-fake-device-for-media-stream=device-count=3"
    async with async_playwright() as playwright, chromium(playwright, devices) as running:
        yield running


async def more(page: Page) -> Locator:
    """Open what stands behind the button for more."""
    await page.get_by_role("button", name="更多").click()
    return page.get_by_role("dialog", name="更多")


async def choose(page: Page, name: str) -> None:
    """Open it and press a button there."""
    await (await more(page)).get_by_role("button", name=name).click()


async def sending(page: Page, camera: str) -> None:
    """Wait until this camera is sent, and fail unless by the sender and connection of the first look."""
    await wait_until(page, f"({_SENDING})().camera.includes('{camera}')")
    told: dict[str, Any] = await page.evaluate(_SENDING)
    assert (told["connections"], told["same"], told["state"]) == (1, True, "live")


async def more_arrive(phone: Phone) -> list[int]:
    """Wait until the other side decodes new pictures; return their sources."""
    before: dict[int, int] = dict(await phone.agent.evaluate(_ARRIVED))
    deadline = asyncio.get_running_loop().time() + ARRIVES_S
    while True:
        now: dict[int, int] = dict(await phone.agent.evaluate(_ARRIVED))
        if sum(now.values()) > sum(before.values()) + 5:
            return list(now)
        assert asyncio.get_running_loop().time() < deadline, f"{now} pictures decoded, before {before}"
        await asyncio.sleep(0.1)


async def enter(phone: Phone) -> None:
    """Be in a call to which the first camera is sent."""
    await phone.page.add_init_script(_TORCH)
    await enter_call(phone)
    await plays(phone, ".own-picture video")
    await sending(phone.page, "fake_device_0")


async def test_flip_keeps_the_connection(phone: Phone) -> None:
    """The other camera is sent by the same sender, without a new offer, and its pictures arrive; once more
    leads back; what was left goes dark."""
    page = phone.page
    await enter(phone)
    sources = await more_arrive(phone)
    first = await page.evaluate_handle(_OWN)
    await choose(page, "翻转镜头")
    await sending(page, "fake_device_2")
    assert await first.evaluate("(track) => track.readyState") == "ended"
    assert await more_arrive(phone) == sources
    await plays(phone, ".own-picture video")
    await expect(page.locator(".own-picture video")).not_to_have_class("mirrored")
    await choose(page, "翻转镜头")
    await sending(page, "fake_device_0")
    assert await more_arrive(phone) == sources
    await expect(page.locator(".own-picture video")).to_have_class("mirrored")
    await expect(page.locator(".banner")).not_to_contain_text("摄像头")


async def test_a_camera_turned_off_is_not_flipped(phone: Phone) -> None:
    """Flipping would turn it on again behind the customer's back; on again, it is the camera of before."""
    page = phone.page
    await enter(phone)
    await choose(page, "翻转镜头")
    await sending(page, "fake_device_2")
    await page.get_by_role("button", name="关画面").click()
    sheet = await more(page)
    for name in ("翻转镜头", "打开手电筒"):
        await expect(sheet.get_by_role("button", name=name)).to_have_count(0)
    await sheet.get_by_role("button", name="关闭", exact=True).click()
    await page.get_by_role("button", name="开画面").click()
    await sending(page, "fake_device_2")


async def test_a_camera_that_does_not_open(phone: Phone) -> None:
    """When the other one is taken by another app that is told, and the first goes on being sent."""
    page = phone.page
    await enter(phone)
    await page.evaluate(
        """() => {
          const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
          navigator.mediaDevices.getUserMedia = async (wanted) => {
            const stream = await open(wanted);
            const [track] = stream.getVideoTracks();
            if (!track.label.includes("fake_device_2")) return stream;
            track.stop();
            throw new DOMException("taken", "NotReadableError");
          };
        }"""
    )
    await choose(page, "翻转镜头")
    await expect(page.locator(".banner")).to_contain_text("摄像头正被其他应用使用")
    await expect(page.locator(".own-picture video")).to_have_class("mirrored")
    await sending(page, "fake_device_0")
    await more_arrive(phone)


async def test_torch(phone: Phone) -> None:
    """Offered of the camera that has one, turned on and off there; gone with the camera."""
    page = phone.page
    await enter(phone)
    sheet = await more(page)
    await expect(sheet.get_by_role("button", name="打开手电筒")).to_have_count(0)
    await sheet.get_by_role("button", name="翻转镜头").click()
    await sending(page, "fake_device_2")
    await choose(page, "打开手电筒")
    await phone.shot("torch")
    await choose(page, "关闭手电筒")
    await choose(page, "打开手电筒")
    await wait_until(page, "lit.length === 3")
    assert await page.evaluate("lit") == [[True, True], [True, False], [True, True]]
    await choose(page, "翻转镜头")
    await sending(page, "fake_device_0")
    sheet = await more(page)
    for name in ("打开手电筒", "关闭手电筒"):
        await expect(sheet.get_by_role("button", name=name)).to_have_count(0)


@pytest.mark.parametrize("why", ["OverconstrainedError", "UnknownError"])
async def test_a_torch_that_does_not_answer(phone: Phone, why: str) -> None:
    """It is told in words, and offered again as it was."""
    page = phone.page
    await enter(phone)
    await choose(page, "翻转镜头")
    await sending(page, "fake_device_2")
    await page.evaluate("(why) => { window.dark = why; }", why)
    await choose(page, "打开手电筒")
    await expect(page.locator(".banner")).to_contain_text("手电筒没有响应")
    await phone.shot("torch-failed")
    await page.evaluate("window.dark = ''")
    await choose(page, "打开手电筒")
    await expect(page.locator(".banner")).not_to_contain_text("手电筒")
    assert await page.evaluate("lit") == [[True, True]]


async def test_torch_and_flip_for_a_card(phone: Phone) -> None:
    """Where a picture is taken both stand beside the shutter, and a failure is told there."""
    page = phone.page
    await enter(phone)
    await phone.bank.want_still(EvidenceKind.ID_CARD)
    await expect(page.get_by_role("button", name="拍照")).to_be_focused()
    torch = page.locator(".torch-still")
    await expect(torch).to_be_hidden()
    await page.locator(".still").get_by_role("button", name="翻转镜头").click()
    await expect(torch).to_be_visible()
    await require_calm(phone)
    await torch.get_by_role("button", name="打开手电筒").click()
    await torch.get_by_role("button", name="关闭手电筒").click()
    await wait_until(page, "lit.length === 2")
    await phone.shot("still-torch")
    await page.evaluate("window.dark = 'UnknownError'")
    await torch.get_by_role("button", name="打开手电筒").click()
    await expect(page.locator(".still-words")).to_contain_text("手电筒没有响应")
    await page.get_by_role("button", name="拍照").click()
    await expect(page.get_by_role("button", name="使用这张")).to_be_visible()
