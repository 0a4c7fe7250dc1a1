"""The desk between calls, and what rings there, in Chromium."""

import asyncio
from dataclasses import replace

import cv2
import numpy as np
import pytest
from playwright.async_api import Locator, Page, expect

from contract import wire
from contract.ids import CallId
from contract.phases import CallPhase, Presence, RingEnd, Role
from tests.agent_console.console import GUEST_SEAT, ring_of, running
from tests.agent_console.stand_in import StandIn
from tests.agent_console.story import CUSTOMER_NAME, Story
from tests.browser import shoot

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_a_break_has_a_reason(desk: Page, server: StandIn) -> None:
    """The reason is sent and shown as the desk has it; those that the desk sets are said in words."""
    await desk.get_by_role("button", name="用餐").click()
    said = await server.wait_for(wire.SetPresence)
    assert (said.presence, said.reason) == (Presence.BREAK, "meal")
    await expect(desk.get_by_role("button", name="用餐")).to_have_attribute("aria-pressed", "false")
    await server.send(wire.PresenceSet(Presence.BREAK, 0, "meal", since_s=61.0))
    await expect(desk.get_by_role("button", name="用餐")).to_have_attribute("aria-pressed", "true")
    await expect(desk.locator(".presence .break")).to_contain_text("已 1:0")
    await server.send(wire.PresenceSet(Presence.BREAK, 0, "no_answer"))
    await expect(desk.get_by_text("有来电未接听")).to_be_visible()


async def test_ready_stands_out_when_somebody_waits(desk: Page, server: StandIn) -> None:
    """While customers wait and the agent is not there, the way to help is marked; R takes it."""
    await server.send(wire.PresenceSet(Presence.BREAK, 3, "rest"))
    ready = desk.locator(".presence .ready")
    await expect(ready).to_have_class("choice ready wanted")
    await expect(ready).to_contain_text("3 位客户在等")
    await shoot(desk, "agent-desk-wanted")
    await desk.keyboard.press("r")
    assert (await server.wait_for(wire.SetPresence)).presence is Presence.READY
    await server.send(wire.PresenceSet(Presence.READY, 3))
    await expect(ready).to_have_class("choice ready")


async def test_a_link_for_a_customer(desk: Page, server: StandIn) -> None:
    """The form asks for a case; its link is whole, selectable and copied by a press."""
    await desk.context.grant_permissions(["clipboard-read", "clipboard-write", "camera", "microphone"])
    card = desk.locator(".desk-link")
    await card.get_by_label("客户姓名").fill("孙丽")
    await card.get_by_text("更多").click()
    await card.get_by_label("所需技能").fill("loans")
    await card.get_by_label("贵宾客户").check()
    await card.get_by_role("button", name="生成链接").click()
    await expect(card.get_by_label("客户链接")).to_have_value(f"{server.url}/c/#t")
    path, body = server.posted[-1]
    assert path == "/api/cases"
    assert (body["customer_name"], body["purpose"]) == ("孙丽", "open_account")
    assert (body["customer_ref"], body["skill"], body["vip"]) == ("", "loans", True)
    await card.get_by_role("button", name="复制").click()
    await expect(card.get_by_role("button", name="已复制")).to_be_visible()
    # Chromium's clipboard takes it in a process of its own.
    async with asyncio.timeout(60):
        while await desk.evaluate("navigator.clipboard.readText()") != f"{server.url}/c/#t":
            await desk.wait_for_timeout(50)
    code = card.get_by_role("img", name="客户链接的二维码")
    assert await scanned(code) == f"{server.url}/c/#t"
    await shoot(desk, "agent-link")
    await card.get_by_role("button", name="再生成一个").click()
    await expect(card.get_by_label("客户姓名")).to_have_value("")


async def scanned(picture: Locator) -> str:
    """Return what a phone that is held before it would read."""
    shown = cv2.imdecode(np.frombuffer(await picture.screenshot(), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert shown is not None
    return str(cv2.QRCodeDetector().detectAndDecode(shown)[0])


async def test_a_link_on_paper(desk: Page, server: StandIn) -> None:
    """Printing is asked for by a button; on the paper stands the code, and nothing of the desk."""
    await desk.add_init_script("window.print = () => document.body.classList.add('printing')")
    await desk.reload()
    card = desk.locator(".desk-link")
    await card.get_by_role("button", name="生成链接").click()
    await card.get_by_role("button", name="打印二维码").click()
    await expect(desk.locator("body")).to_have_class("printing")
    await desk.emulate_media(media="print")
    code = card.get_by_role("img", name="客户链接的二维码")
    assert await scanned(code) == f"{server.url}/c/#t"
    await expect(card.get_by_text("有效期至")).to_be_visible()
    for other in (desk.locator(".presence"), card.get_by_role("button"), card.get_by_label("客户链接")):
        for one in await other.all():
            await expect(one).to_be_hidden()
    await shoot(desk, "agent-link-paper")


async def test_customers_who_want_a_call_back(desk: Page, server: StandIn) -> None:
    """The list is read anew with every change of presence; calling back makes the follow-up's link."""
    asked = {"name": "周文", "phone": "13800001111", "wish": "下午三点后", "asked_at": 1.79e9}
    server.callbacks = [{"case": "case-0000000000000007"} | asked]
    await server.send(wire.PresenceSet(Presence.READY, 0))
    card = desk.locator(".desk-callbacks")
    await expect(card).to_contain_text("周文")
    await expect(card).to_contain_text("下午三点后")
    await shoot(desk, "agent-callbacks")
    server.callbacks = []
    await card.get_by_role("button", name="生成回访链接").click()
    await expect(desk.locator(".desk-link").get_by_label("客户链接")).to_be_visible()
    assert server.posted[-1][0] == "/api/callbacks/case-0000000000000007"
    await expect(card).to_contain_text("没有等待回电的客户")


async def test_the_ring_says_who_it_is(desk: Page, server: StandIn, story: Story) -> None:
    """VIP, skill, language, earlier cases and rejections stand on the card."""
    ring = replace(ring_of(story), vip=True, skill="loans", earlier=2, rejected=1, language="en")
    await server.send(wire.PresenceSet(Presence.RINGING, 1), ring)
    card = desk.get_by_role("alertdialog")
    for words in ("贵宾", "技能：贷款", "英语", "曾办理 2 次", "曾被拒 1 次"):
        await expect(card).to_contain_text(words)
    await shoot(desk, "agent-ring-vip")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"private": True}, "赵敏 想先与您私下沟通"),
        ({}, "赵敏 邀请您加入通话"),
        ({"role": Role.AGENT, "transferred": True}, "赵敏 将客户转接给您"),
    ],
)
async def test_a_colleague_rings_too(
    desk: Page, server: StandIn, story: Story, more: dict[str, object], words: str
) -> None:
    """Invitations and transfers say who asks, how, and with which note."""
    known = {"role": Role.GUEST, "invited_by": "赵敏", "note": "客户要贷款"} | more
    await server.send(wire.PresenceSet(Presence.RINGING, 0), replace(ring_of(story), **known))  # type: ignore[arg-type]
    card = desk.get_by_role("alertdialog")
    await expect(card).to_contain_text(words)
    await expect(card).to_contain_text("客户要贷款")
    await expect(card).to_contain_text(CUSTOMER_NAME)
    await expect(card.get_by_role("button", name="谢绝")).to_be_visible()
    await shoot(desk, f"agent-ring-{len(more)}")


@pytest.mark.parametrize("leads", [True, False])
async def test_a_call_that_was_cut_off_leads_back_to_the_desk(
    call: Page, server: StandIn, story: Story, leads: bool
) -> None:
    """Nothing is owed or wrapped up; the desk says who comes back and to whom, and so does the ring."""
    host = story.agent if leads else GUEST_SEAT
    await server.send(running(story, host=host))
    await server.send(running(story, CallPhase.ENDED, host=host, reason="interrupted"))
    said = call.locator(".cut-off")
    await expect(said).to_contain_text(f"{CUSTOMER_NAME} 网络中断后已返回")
    await expect(said).to_contain_text("将优先呼叫您" if leads else "将优先呼叫主持通话的柜员")
    await server.send(wire.PresenceSet(Presence.READY, 0))
    await expect(call.locator(".presence .ready")).to_have_attribute("aria-pressed", "true")
    await expect(said).to_be_visible()
    await expect(call.get_by_role("heading", name="办理结果")).to_have_count(0)
    await shoot(call, "agent-cut-off")
    again = replace(ring_of(story), call=CallId("call-0000000000000009"))
    ringing = replace(running(story, CallPhase.RINGING, host=None), call=again.call)
    await server.send(wire.PresenceSet(Presence.RINGING, 0), ringing, again)
    await expect(call.get_by_role("alertdialog")).to_contain_text("刚才的通话中断，客户重新接入")
    await shoot(call, "agent-ring-cut-off")
    await server.send(wire.RingOver(again.call, RingEnd.CUSTOMER_LEFT), wire.PresenceSet(Presence.BREAK, 0))
    await expect(said).to_be_hidden()
