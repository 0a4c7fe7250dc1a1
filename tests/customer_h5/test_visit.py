"""A whole visit in real Chromium, screen by screen, at a small phone's and a desktop's size."""

import asyncio
import re
from dataclasses import replace

import pytest
from playwright.async_api import expect

from contract import facts, wire
from contract.phases import CallPhase, CaseEnd, CasePhase, EvidenceKind, Role
from tests.customer_h5.conftest import Phone
from tests.customer_h5.stand_in import AGENT, CALL, CASE, UPLOAD
from tests.customer_h5.steps import CLOCK, enter_call, enter_queue, plays, require_calm, talk, tap_start

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
SIZES = [(360, 640), (1280, 800)]


@pytest.mark.parametrize("viewport", SIZES)
async def test_call(phone: Phone) -> None:
    """Picture, timer, mute, camera, chat and hang-up work; the goodbye has reference, reason and name."""
    page = phone.page
    await enter_queue(phone)
    await phone.bank.call_state(CallPhase.CONNECTING)
    await expect(page.locator(".call-wait")).to_be_visible()
    await phone.shot("connecting")
    await talk(phone, AGENT)
    await plays(phone, ".agent-picture")
    await plays(phone, ".own-picture video")
    await expect(page.locator(".peer-name")).to_have_text("客户经理 李静 · 工号 8001")
    await expect(page.get_by_text(CLOCK)).to_be_visible()
    await require_calm(phone)
    await phone.shot("call")
    await page.get_by_role("button", name="静音", exact=True).click()
    assert (
        await page.evaluate(
            "document.querySelector('.own-picture video').srcObject.getAudioTracks()[0].enabled"
        )
        is False
    )
    assert (await phone.bank.wait_for(wire.CaptureState)).microphone == "off"
    await page.get_by_role("button", name="取消静音").click()
    assert (await phone.bank.wait_for(wire.CaptureState, 2)).microphone == "on"
    await phone.bank.say(Role.AGENT, "您好，请准备好身份证。")
    await expect(page.locator(".count")).to_have_text("1")
    await page.get_by_role("button", name="文字", exact=True).click()
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
    await expect(page.get_by_text("客户经理 李静 · 工号 8001")).to_be_visible()
    await require_calm(phone)
    await phone.shot("thanks")
    await page.get_by_role("radio", name="4 星").check(force=True)
    await page.get_by_placeholder("想说的话").fill("很快，谢谢")
    await phone.shot("rating")
    await page.get_by_role("button", name="提交评价").click()
    await expect(page.get_by_text("感谢您的评价")).to_be_visible()
    assert phone.bank.ratings == [{"stars": 4, "comment": "很快，谢谢"}]


@pytest.mark.parametrize("viewport", [(390, 844)])
async def test_media_lost_by_the_service_is_not_the_agents_line(phone: Phone) -> None:
    """While the service restores sound and picture it says so and claims no recording; when the agent stays
    away in a later interruption, it is hers."""
    await enter_call(phone)
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
    await enter_call(phone)
    phone.bank.still_status = [400]
    request = await phone.bank.want_still(EvidenceKind.ID_CARD)
    shutter = page.get_by_role("button", name="拍照")
    await expect(shutter).to_be_visible()
    await plays(phone, ".still video")
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
    await plays(phone, ".still video")
    await phone.shot("still-face")


async def test_drop_and_return(phone: Phone) -> None:
    """A lost socket shows a countdown, comes back with the resume token, and offers anew."""
    await enter_call(phone)
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
    await enter_call(phone)
    await phone.bank.call_state(CallPhase.RECONNECTING, active_s=70.0, grace_s=15.0)
    await expect(phone.page.locator(".banner")).to_contain_text("柜员网络中断")
    await phone.shot("agent-dropped")
    await phone.bank.call_state(CallPhase.ACTIVE, active_s=72.0)
    await expect(phone.page.locator(".banner")).to_be_hidden()


async def test_reload_returns_to_the_seat(phone: Phone) -> None:
    """A reloaded page goes back to its call by itself."""
    await enter_call(phone)
    phone.bank.welcome = replace(phone.bank.welcome, call=CALL)
    await phone.page.reload()
    again = await phone.bank.wait_for(wire.Hello, 2)
    assert again.resume == "resume-1"
    await phone.bank.wait_for(wire.Offer, 2)
    await phone.bank.call_state(CallPhase.ACTIVE, active_s=80.0)
    await plays(phone, ".agent-picture")
    assert sum(isinstance(message, wire.JoinQueue) for message in phone.bank.got) == 1


async def test_coming_back_too_late(phone: Phone) -> None:
    """Whose seat was given up meanwhile is told why the call ended, not only that it did."""
    await enter_call(phone)
    phone.bank.welcome = replace(phone.bank.welcome, phase=CasePhase.ABORTED)
    assert phone.bank.socket is not None
    await phone.bank.socket.close(code=1012)
    await phone.bank.wait_for(wire.Hello, 2)
    await phone.bank.call_state(CallPhase.ENDED, active_s=70.0, reason="customer_lost")
    await expect(phone.page.get_by_text("您的网络中断时间过长")).to_be_visible()


async def test_coming_back_to_a_case_that_is_over(phone: Phone) -> None:
    """Without a call of which to tell the end, the story says that all is over."""
    await enter_call(phone)
    phone.bank.welcome = replace(phone.bank.welcome, phase=CasePhase.EXPIRED)
    assert phone.bank.socket is not None
    await phone.bank.socket.close(code=1012)
    await phone.bank.wait_for(wire.Hello, 2)
    await phone.bank.note(facts.CaseAdvanced(CasePhase.CREATED, CasePhase.EXPIRED, CaseEnd.TICKET_EXPIRED))
    await expect(phone.page.get_by_text("谢谢，本次通话已结束")).to_be_visible()


async def test_a_service_that_was_lost_is_no_goodbye(phone: Phone) -> None:
    """Whoever finds the case ended by a crash is told so, and can begin again or leave a number."""
    await enter_call(phone)
    phone.bank.welcome = replace(phone.bank.welcome, phase=CasePhase.ABORTED)
    assert phone.bank.socket is not None
    await phone.bank.socket.close(code=1012)
    await phone.bank.wait_for(wire.Hello, 2)
    await phone.bank.note(facts.CaseAdvanced(CasePhase.IN_CALL, CasePhase.ABORTED, CaseEnd.SERVER_LOST))
    await expect(phone.page.get_by_text("通话已中断")).to_be_visible()
    await expect(phone.page.get_by_role("button", name="重新发起")).to_be_visible()
    phone.bank.welcome = replace(phone.bank.welcome, phase=CasePhase.PRE_CALL)
    await phone.page.get_by_role("button", name="预约回电").click()
    await phone.page.get_by_label("电话号码").fill("13800000000")
    await phone.page.get_by_role("button", name="提交").click()
    assert (await phone.bank.wait_for(wire.RequestCallback)).phone == "13800000000"
    assert len(phone.bank.walk_ins) == 2


async def test_a_used_link_promises_no_new_call(phone: Phone) -> None:
    """Who came by a link for one call is told where another comes from, not that he could call again."""
    await tap_start(phone, "#ticket=abc")
    await phone.bank.wait_for(wire.JoinQueue)
    await phone.bank.call_state(CallPhase.ENDED, reason="customer_lost")
    await expect(phone.page.get_by_text("请向银行要一个新的链接")).to_be_visible()
    await expect(phone.page.get_by_role("button", name="重新发起")).to_have_count(0)


@pytest.mark.parametrize("viewport", SIZES)
async def test_interrupted_call(phone: Phone) -> None:
    """A call that broke off says so and offers to start again."""
    await enter_call(phone)
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


async def test_whole_visit_in_large_english(phone: Phone) -> None:
    """Every screen of a visit fits a small phone in English and large text, and everything on it has a name
    and a thumb's size."""
    page = phone.page
    phone.bank.probing = asyncio.Event()
    await page.add_init_script(
        "localStorage.setItem('teller-size', 'large'); localStorage.setItem('teller-language', 'en')"
    )
    await page.goto(f"{phone.bank.url}/c/?b=demo")

    async def seen(name: str) -> None:
        await require_calm(phone)
        await phone.shot(f"large-{name}")

    await seen("landing")
    await page.get_by_role("button", name="Other ways").click()
    await seen("other-way")
    await page.get_by_role("button", name="Ask for a call back").click()
    await seen("callback")
    await page.get_by_role("button", name="Back").click()
    await page.get_by_role("checkbox").first.check()
    await page.get_by_role("button", name="Start video call").click()
    await plays(phone, ".self video")
    await seen("check")
    phone.bank.probing.set()
    await phone.bank.wait_for(wire.Offer)
    await expect(page.get_by_role("heading", name="You are in the queue")).to_be_visible()
    await seen("queue")
    await talk(phone, AGENT)
    await plays(phone, ".agent-picture")
    await seen("call")
    await page.get_by_role("button", name="Chat").click()
    await seen("chat")
    await page.get_by_role("button", name="Close", exact=True).click()
    await phone.bank.call_state(CallPhase.ENDED, active_s=70.0, reason="agent_hung_up")
    await expect(page.get_by_text("Thank you, the call has ended")).to_be_visible()
    await seen("thanks")
