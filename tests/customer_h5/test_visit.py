"""A whole visit in real Chromium, screen by screen, at a small phone's and a desktop's size."""

import re
from dataclasses import replace

import pytest
from playwright.async_api import expect

from contract import facts, wire
from contract.phases import CallPhase, CaseEnd, CasePhase, EvidenceKind, Role
from tests.customer_h5.conftest import Phone
from tests.customer_h5.stand_in import CALL, CASE, UPLOAD

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
SIZES = [(360, 640), (1280, 800)]


async def _enter_queue(phone: Phone) -> None:
    page = phone.page
    await page.goto(f"{phone.bank.url}/c/?b=demo")
    for box in await page.get_by_role("checkbox").all():
        await box.check()
    await page.get_by_role("button", name="开始视频通话").click()
    await phone.bank.wait_for(wire.Offer)


async def _enter_call(phone: Phone) -> None:
    await _enter_queue(phone)
    await phone.bank.call_state(CallPhase.CONNECTING)
    await expect(phone.page.locator(".call-wait")).to_be_visible()
    await phone.bank.call_state(CallPhase.ACTIVE, active_s=65.0)
    await expect(phone.page.locator(".recording")).to_be_visible()


async def _plays(phone: Phone, selector: str) -> None:
    find = "(name) => [document.querySelector(name)].some((v) => v && v.videoWidth > 0 && v.currentTime > 0)"
    await phone.page.wait_for_function(find, arg=selector)


@pytest.mark.parametrize("viewport", SIZES)
async def test_landing_asks_for_two_consents(phone: Phone) -> None:
    """Nothing starts before both consents are ticked; each can be read; a branch is offered instead."""
    page = phone.page
    await page.goto(f"{phone.bank.url}/c/?b=demo")
    start = page.get_by_role("button", name="开始视频通话")
    await expect(start).to_be_disabled()
    await phone.shot("landing")
    await page.get_by_role("checkbox").first.check()
    await expect(start).to_be_disabled()
    await page.locator(".consent summary").first.click()
    await expect(page.get_by_text("全程记录")).to_be_visible()
    await page.get_by_text("不希望使用人脸识别").click()
    await expect(page.get_by_text("任一网点柜台")).to_be_visible()
    await page.get_by_role("checkbox").last.check()
    await expect(start).to_be_enabled()
    await page.screenshot(full_page=True)
    await phone.shot("landing-read")
    assert phone.bank.got == [] and phone.bank.walk_ins == []


@pytest.mark.parametrize("viewport", SIZES)
async def test_queue_prepares_media(phone: Phone) -> None:
    """One tap leads to the queue; consent goes out first, and the offer has the planned m-lines."""
    await _enter_queue(phone)
    assert phone.bank.walk_ins == [{"tenant": "demo", "language": "zh-CN"}]
    assert [message.tag for message in phone.bank.got[:3]] == ["hello", "consent", "join_queue"]
    offer = await phone.bank.wait_for(wire.Offer)
    assert re.findall(r"^m=(\w+)", offer.sdp, re.MULTILINE) == [
        "audio",
        "video",
        "video",
        "audio",
        "video",
        "audio",
        "video",
        "video",
    ]
    directions = re.findall(r"^a=(sendonly|recvonly|inactive|sendrecv)", offer.sdp, re.MULTILINE)
    assert directions == ["sendonly"] * 3 + ["recvonly"] * 5
    await expect(phone.page.get_by_text("您前面还有 2 位")).to_be_visible()
    await expect(phone.page.get_by_text("约 4 分钟")).to_be_visible()
    await _plays(phone, ".preview video")
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


@pytest.mark.parametrize("viewport", SIZES)
async def test_call(phone: Phone) -> None:
    """Picture, timer, mute, camera, chat and hang-up work; the goodbye has reference and reason."""
    page = phone.page
    await _enter_queue(phone)
    await phone.bank.call_state(CallPhase.CONNECTING)
    await expect(page.locator(".call-wait")).to_be_visible()
    await phone.shot("connecting")
    await phone.bank.call_state(CallPhase.ACTIVE, active_s=65.0)
    await _plays(phone, ".agent-picture")
    await _plays(phone, ".own-picture video")
    await expect(page.get_by_text("李静")).to_be_visible()
    await expect(page.get_by_text(re.compile(r"^1:0\d$"))).to_be_visible()
    await phone.shot("call")
    await page.get_by_role("button", name="静音", exact=True).click()
    assert (
        await page.evaluate(
            "document.querySelector('.own-picture video').srcObject.getAudioTracks()[0].enabled"
        )
        is False
    )
    await page.get_by_role("button", name="取消静音").click()
    await phone.bank.say(Role.AGENT, "您好，请准备好身份证。")
    await expect(page.locator(".count")).to_have_text("1")
    await page.get_by_role("button", name="文字").click()
    await expect(page.locator(".count")).to_be_hidden()
    await page.get_by_placeholder("输入消息").fill("好的，准备好了")
    await page.keyboard.press("Enter")
    await expect(page.locator(".line.own")).to_contain_text("好的，准备好了")
    await phone.shot("chat")
    await page.get_by_role("button", name="关闭").click()
    await page.get_by_role("button", name="挂断").click()
    await phone.shot("hang-up")
    await page.get_by_role("button", name="继续通话").click()
    assert not any(isinstance(message, wire.HangUp) for message in phone.bank.got)
    await page.get_by_role("button", name="挂断").click()
    await page.get_by_role("dialog").get_by_role("button", name="挂断").click()
    await expect(page.get_by_text(CASE)).to_be_visible()
    await expect(page.get_by_text("您结束了通话")).to_be_visible()
    await expect(page.get_by_text("1:23")).to_be_visible()
    await phone.shot("thanks")


@pytest.mark.parametrize("viewport", [(390, 844)])
async def test_media_lost_by_the_service_is_not_the_agents_line(phone: Phone) -> None:
    """While the service restores sound and picture it says so and claims no recording; when the agent stays
    away in a later interruption, it is hers."""
    await _enter_call(phone)
    banner = phone.page.locator(".call-top .banner")
    await phone.bank.send(wire.Reoffer(CALL))
    await phone.bank.call_state(CallPhase.RECONNECTING, active_s=66.0, grace_s=18.0)
    await expect(banner).to_contain_text("系统正在自动恢复声音和画面")
    await expect(phone.page.locator(".recording")).to_be_hidden()
    await phone.bank.wait_for(wire.Offer, 2)
    await phone.shot("service-lost")
    await phone.bank.call_state(CallPhase.ACTIVE, active_s=68.0)
    await expect(banner).to_be_hidden()
    await expect(phone.page.locator(".recording")).to_be_visible()
    await phone.bank.call_state(CallPhase.RECONNECTING, active_s=70.0, grace_s=18.0)
    await expect(banner).to_contain_text("柜员网络中断")


@pytest.mark.parametrize("viewport", SIZES)
async def test_still(phone: Phone) -> None:
    """A picture is aimed, retaken, used, sent again after a refusal, and uploaded with the token."""
    page = phone.page
    await _enter_call(phone)
    phone.bank.still_status = [400]
    request = await phone.bank.want_still(EvidenceKind.ID_CARD)
    shutter = page.get_by_role("button", name="拍照")
    await expect(shutter).to_be_visible()
    await _plays(phone, ".still video")
    await phone.shot("still-card")
    await shutter.click()
    await page.get_by_role("button", name="重拍").click()
    await shutter.click()
    await expect(page.get_by_role("button", name="使用这张")).to_be_visible()
    await phone.shot("still-preview")
    await page.get_by_role("button", name="使用这张").click()
    await expect(page.get_by_text("上传失败")).to_be_visible()
    phone.watched.forgive("400")
    await phone.shot("still-failed")
    await page.get_by_role("button", name="重新上传").click()
    await expect(page.get_by_text("已上传")).to_be_visible()
    await phone.shot("still-sent")
    await expect(page.locator(".still")).to_be_hidden()
    assert [(name, token) for name, token, _ in phone.bank.uploads] == [(request, f"Bearer {UPLOAD}")]
    assert phone.bank.uploads[0][2].startswith(b"\xff\xd8")
    await phone.bank.want_still(EvidenceKind.FACE_STILL)
    await expect(shutter).to_be_visible()
    await _plays(phone, ".still video")
    await phone.shot("still-face")


async def test_drop_and_return(phone: Phone) -> None:
    """A lost socket shows a countdown, comes back with the resume token, and offers anew."""
    await _enter_call(phone)
    offers = sum(isinstance(message, wire.Offer) for message in phone.bank.got)
    assert phone.bank.socket is not None
    await phone.bank.socket.close(code=1012)
    await expect(phone.page.locator(".banner")).to_contain_text(re.compile(r"正在重新连接… (20|19) 秒"))
    await phone.shot("reconnecting")
    again = await phone.bank.wait_for(wire.Hello, 2)
    assert (again.resume, again.ticket) == ("resume-1", None)
    await phone.bank.wait_for(wire.Offer, offers + 1)
    await expect(phone.page.locator(".banner")).to_be_hidden()


async def test_agent_dropped(phone: Phone) -> None:
    """While the agent is away the customer sees how long the seat is kept."""
    await _enter_call(phone)
    await phone.bank.call_state(CallPhase.RECONNECTING, active_s=70.0, grace_s=15.0)
    await expect(phone.page.locator(".banner")).to_contain_text("柜员网络中断")
    await phone.shot("agent-dropped")
    await phone.bank.call_state(CallPhase.ACTIVE, active_s=72.0)
    await expect(phone.page.locator(".banner")).to_be_hidden()


async def test_reload_returns_to_the_seat(phone: Phone) -> None:
    """A reloaded page goes back to its call by itself."""
    await _enter_call(phone)
    phone.bank.welcome = replace(phone.bank.welcome, call=CALL)
    await phone.page.reload()
    again = await phone.bank.wait_for(wire.Hello, 2)
    assert again.resume == "resume-1"
    await phone.bank.wait_for(wire.Offer, 2)
    await phone.bank.call_state(CallPhase.ACTIVE, active_s=80.0)
    await _plays(phone, ".agent-picture")
    assert sum(isinstance(message, wire.JoinQueue) for message in phone.bank.got) == 1


async def test_coming_back_too_late(phone: Phone) -> None:
    """Whose seat was given up meanwhile is told why the call ended, not only that it did."""
    await _enter_call(phone)
    phone.bank.welcome = replace(phone.bank.welcome, phase=CasePhase.ABORTED)
    assert phone.bank.socket is not None
    await phone.bank.socket.close(code=1012)
    await phone.bank.wait_for(wire.Hello, 2)
    await phone.bank.call_state(CallPhase.ENDED, active_s=70.0, reason="customer_lost")
    await expect(phone.page.get_by_text("您的网络中断时间过长")).to_be_visible()


async def test_coming_back_to_a_case_that_is_over(phone: Phone) -> None:
    """Without a call of which to tell the end, the story says that all is over."""
    await _enter_call(phone)
    phone.bank.welcome = replace(phone.bank.welcome, phase=CasePhase.EXPIRED)
    assert phone.bank.socket is not None
    await phone.bank.socket.close(code=1012)
    await phone.bank.wait_for(wire.Hello, 2)
    await phone.bank.fact(facts.CaseAdvanced(CasePhase.CREATED, CasePhase.EXPIRED, CaseEnd.TICKET_EXPIRED))
    await expect(phone.page.get_by_text("谢谢，本次通话已结束")).to_be_visible()


@pytest.mark.parametrize("viewport", SIZES)
async def test_interrupted_call(phone: Phone) -> None:
    """A call that broke off says so and offers to start again."""
    await _enter_call(phone)
    await phone.bank.call_state(CallPhase.ENDED, active_s=70.0, reason="recorder_failed")
    await expect(phone.page.get_by_text("录音录像出现问题")).to_be_visible()
    await expect(phone.page.get_by_role("button", name="重新发起")).to_be_visible()
    await phone.shot("thanks-cut")


@pytest.mark.parametrize("viewport", SIZES)
async def test_english_and_large_text(phone: Phone) -> None:
    """Language and text size are switched on any screen and survive a reload."""
    page = phone.page
    await page.goto(f"{phone.bank.url}/c/?b=demo")
    await page.get_by_role("button", name="English").click()
    await page.get_by_role("button", name="Large text").click()
    await page.reload()
    await expect(page.get_by_role("button", name="Start video call")).to_be_visible()
    assert await page.evaluate("getComputedStyle(document.documentElement).fontSize") == "20px"
    assert await page.evaluate("document.documentElement.lang") == "en"
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert await page.evaluate(overflow) <= 0
    await phone.shot("landing-en-large")
