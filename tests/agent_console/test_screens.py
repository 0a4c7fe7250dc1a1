"""The console's screens, driven in Chromium."""

import re
from dataclasses import replace
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from contract import wire
from contract.facts import CallAdvanced, CallEnded, CaseAdvanced, MediaConnected, MediaLost
from contract.phases import (
    CallEnd,
    CallPhase,
    CasePhase,
    CheckVerdict,
    EvidenceKind,
    Outcome,
    Presence,
    RingEnd,
    Role,
)
from contract.ports import CaseSummary
from tests.agent_console.console import log_in, ring_of, running, script_of, show_picture, state_of, step
from tests.agent_console.stand_in import PASSWORD, StandIn
from tests.agent_console.story import AGENT, AGENT_NAME, CUSTOMER_NAME, START, TENANT, Story
from tests.browser import Watched, shoot, wait_until, watched_page

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def summary(story: Story, phase: CasePhase, name: str = CUSTOMER_NAME) -> CaseSummary:
    """Return a row of the list."""
    return CaseSummary(
        story.case, TENANT, phase, "account_opening", "default", name, START, START, 3,
        agent=AGENT, agent_name=AGENT_NAME,
    )  # fmt: skip


async def test_wrong_password_is_told_in_words(watched: Watched, server: StandIn) -> None:
    """A refused login says why and leaves the form usable; a right one leads to the desk."""
    watched.expected = ("401",)  # Chromium prints every 401 answer
    await log_in(watched.page, server, "wrong")
    await expect(watched.page.get_by_role("alert").first).to_contain_text("账号或密码不正确")
    await shoot(watched.page, "agent-login-refused")
    await watched.page.get_by_label("密码").fill(PASSWORD)
    await watched.page.keyboard.press("Enter")
    await expect(watched.page.get_by_text(f"您好，{AGENT_NAME}")).to_be_visible()


async def test_login_fits_a_phone(browser: Browser, server: StandIn) -> None:
    """The login is usable at 390 and 360 pixels, in both languages."""
    async with watched_page(browser, (390, 844)) as watched:
        await watched.page.goto(f"{server.url}/agent/")
        await expect(watched.page.get_by_role("heading", name="柜员工作台")).to_be_visible()
        await watched.require_fit()
        await watched.require_names()
        await shoot(watched.page, "agent-login-390")
        await watched.page.get_by_role("button", name="English").click()
        await expect(watched.page.get_by_role("heading", name="Agent console")).to_be_visible()
        await watched.page.set_viewport_size({"width": 360, "height": 740})
        await watched.require_fit()


async def test_reload_takes_the_session_up_again(desk: Page, server: StandIn) -> None:
    """A reloaded page asks who is logged in instead of showing the login."""
    await desk.reload()
    await expect(desk.get_by_text(f"您好，{AGENT_NAME}")).to_be_visible()
    assert (await server.wait_for(wire.Hello)).csrf == "csrf-1"


async def test_logout_ends_the_session(desk: Page) -> None:
    """After logging out the login stands there, also after a reload."""
    await desk.get_by_role("button", name="退出").click()
    await expect(desk.get_by_label("密码")).to_be_visible()
    await desk.reload()
    await expect(desk.get_by_label("密码")).to_be_visible()


async def test_presence_is_what_the_server_says(desk: Page, server: StandIn, story: Story) -> None:
    """Pressing ready sends a request; the button turns only when the desk has answered."""
    ready = desk.get_by_role("button", name="就绪")
    await ready.click()
    assert (await server.wait_for(wire.SetPresence)).presence is Presence.READY
    await expect(ready).to_have_attribute("aria-pressed", "false")
    await server.send(wire.PresenceSet(Presence.READY, 3))
    await expect(ready).to_have_attribute("aria-pressed", "true")
    await expect(desk.locator(".queue strong")).to_have_text("3")


async def test_desk_shows_own_picture_and_cases(watched: Watched, server: StandIn, story: Story) -> None:
    """The preview runs, and the latest cases of this agent are listed."""
    others = CaseSummary(story.case, TENANT, CasePhase.QUEUED, "service", "default", "别人", START, START, 1)
    server.cases = [
        summary(story, CasePhase.UNDER_AUDIT),
        summary(Story(), CasePhase.APPROVED, "张伟"),
        others,
    ]
    await log_in(watched.page, server)
    await expect(watched.page.get_by_role("cell", name=CUSTOMER_NAME)).to_be_visible()
    await expect(watched.page.get_by_text("别人")).to_have_count(0)
    await wait_until(watched.page, "document.querySelector('.preview video').videoWidth > 0")
    await server.wait_for(wire.Hello)
    await server.send(wire.PresenceSet(Presence.READY, 2))
    await expect(watched.page.locator(".queue strong")).to_have_text("2")
    await watched.page.get_by_role("button", name="English").click()
    await expect(watched.page.get_by_text("customers are waiting")).to_be_visible()
    await server.send(wire.PresenceSet(Presence.READY, 1))
    await expect(watched.page.get_by_text("customer is waiting")).to_be_visible()
    await watched.page.get_by_role("button", name="中文").click()
    await shoot(watched.page, "agent-desk")
    await watched.page.set_viewport_size({"width": 1024, "height": 768})
    await watched.require_fit()
    await shoot(watched.page, "agent-desk-1024")
    await watched.page.set_viewport_size({"width": 360, "height": 740})
    await watched.require_fit()


async def test_camera_refusal_is_explained(browser: Browser, server: StandIn) -> None:
    """Without permission the desk says how to give it and offers to try again."""
    async with watched_page(browser) as watched:
        await watched.page.add_init_script(
            "navigator.mediaDevices.getUserMedia = async () => {"
            " throw new DOMException('', 'NotAllowedError'); }"
        )
        await log_in(watched.page, server)
        await expect(watched.page.get_by_text("未获准使用摄像头")).to_be_visible()
        await expect(watched.page.get_by_role("button", name="重新开启")).to_be_visible()


async def test_ring_shows_the_customer_and_counts_down(desk: Page, server: StandIn, story: Story) -> None:
    """Name, purpose and waited time stand on the card; the title flashes; the focus is on accept."""
    await server.send(wire.PresenceSet(Presence.RINGING, 1), ring_of(story))
    card = desk.get_by_role("alertdialog")
    await expect(card).to_contain_text(CUSTOMER_NAME)
    await expect(card).to_contain_text("开立账户 · 已等候 0:48")
    await expect(desk).to_have_title(f"来电：{CUSTOMER_NAME}")
    await expect(desk.get_by_role("button", name="接听")).to_be_focused()
    await expect(card.locator(".left")).to_have_text(re.compile(r"^(2[0-8]|1\d)$"))
    await server.wait_for(wire.Offer)
    await shoot(desk, "agent-ring")


async def test_ring_is_passed_on_by_key(desk: Page, server: StandIn, story: Story) -> None:
    """R sends a refusal; the card goes when the server says the ring is over."""
    await server.send(ring_of(story))
    await expect(desk.get_by_role("alertdialog")).to_be_visible()
    await desk.keyboard.press("r")
    assert (await server.wait_for(wire.Refuse)).call == story.call
    await expect(desk.get_by_role("alertdialog")).to_be_visible()
    await server.send(wire.RingOver(story.call, RingEnd.REFUSED), wire.PresenceSet(Presence.BREAK, 1))
    await expect(desk.get_by_role("alertdialog")).to_have_count(0)
    await expect(desk).to_have_title("柜员工作台")


async def test_steps_are_locked_until_recording_runs(desk: Page, server: StandIn, story: Story) -> None:
    """Before every mandatory track is on disk nothing can be asked for, and the panel says why."""
    story.answer()
    await server.send(
        state_of(story, CallPhase.ACTIVE), script_of(story, id_card="locked", id_number="locked")
    )
    await server.note(*story.entries)
    await expect(desk.get_by_text("核验步骤暂时锁定")).to_be_visible()
    await expect(step(desk, "id_card")).to_contain_text("未解锁")
    await expect(desk.get_by_role("button", name="请客户拍摄身份证")).to_have_count(0)
    await expect(desk.get_by_role("button", name="拍照")).to_be_disabled()
    await shoot(desk, "agent-call-locked")
    await server.send(running(story), script_of(story))
    await expect(desk.get_by_text("核验步骤暂时锁定")).to_be_hidden()
    await expect(desk.get_by_role("button", name="请客户拍摄身份证")).to_be_enabled()
    await expect(desk.get_by_role("button", name="拍照")).to_be_enabled()


async def test_pictures_number_and_faces(call: Page, server: StandIn, story: Story) -> None:
    """Each step sends its request and shows a result only when the server has said so."""
    await call.get_by_role("button", name="请客户拍摄身份证").click()
    assert (await server.wait_for(wire.RequestStill)).kind is EvidenceKind.ID_CARD
    await expect(step(call, "id_card")).to_contain_text("待办")
    await server.note(story.ask(EvidenceKind.ID_CARD))
    await server.send(script_of(story, id_card="waiting"))
    await expect(step(call, "id_card")).to_contain_text("等待照片")
    await shoot(call, "agent-call-asked")
    number = step(call, "id_number").get_by_label("公民身份号码")
    await number.fill("3301061990")
    await server.note(story.store(EvidenceKind.ID_CARD))
    await server.send(script_of(story, id_card="passed"))
    await expect(step(call, "id_card")).to_contain_text("2000×1500")
    await expect(number).to_have_value("3301061990")
    await number.fill("330106199003070025")
    await call.keyboard.press("Enter")
    assert (await server.wait_for(wire.CheckIdNumber)).number == "330106199003070025"
    await server.note(story.number("330106199003070025", "check_digit"))
    await server.send(script_of(story, id_card="passed", id_number="failed"))
    await expect(step(call, "id_number")).to_contain_text("校验码不符")
    await shoot(call, "agent-call-steps")
    await server.note(story.number("330106199003070024"))
    done: dict[str, Any] = {"id_card": "passed", "id_number": "passed"}
    await server.send(script_of(story, **done))
    await expect(step(call, "id_number")).to_contain_text("浙江 · 出生日期 1990-03-07")
    await call.get_by_role("button", name="请客户拍摄人像").click()
    assert (await server.wait_for(wire.RequestStill)).kind is EvidenceKind.FACE_STILL
    await server.note(story.ask(EvidenceKind.FACE_STILL), story.store(EvidenceKind.FACE_STILL))
    await server.send(script_of(story, face_still="passed", face_match="open", **done))
    await call.get_by_role("button", name="开始比对").click()
    asked = await server.wait_for(wire.MatchFaces)
    wanted = (story.pictures[EvidenceKind.ID_CARD], story.pictures[EvidenceKind.FACE_STILL])
    assert (asked.card, asked.still) == wanted
    story.compare()
    await server.note(*story.entries[-2:])
    await server.send(script_of(story, face_still="passed", face_match="passed", **done))
    match = step(call, "face_match")
    for words in ("0.731", "通过阈值 0.52 · 人工阈值 0.42", "b7120c09"):
        await expect(match).to_contain_text(words)
    await expect(match).not_to_contain_text("演示模型")
    await server.note(story.say(Role.AGENT, "您好，请把身份证正面对准手机。"))
    await server.note(story.say(Role.CUSTOMER, "好的，稍等。"), story.quality(), story.playback())
    await expect(call.locator("quality-hud")).to_contain_text("25 帧/秒 · 卡顿 2 次")
    await expect(call.locator("quality-hud")).to_contain_text("网络正常，是设备繁忙")
    await match.scroll_into_view_if_needed()
    await show_picture(call, "customer")
    await shoot(call, "agent-call")


async def test_demo_pack_says_that_it_cannot_approve(call: Page, server: StandIn, story: Story) -> None:
    """A comparison by the demo pack carries its warning and asks for judgement."""
    story.store(EvidenceKind.ID_CARD)
    story.store(EvidenceKind.FACE_STILL)
    story.compare(CheckVerdict.REVIEW, 0.58, "base")
    await server.note(*story.entries)
    await server.send(script_of(story, face_match="review"))
    await expect(step(call, "face_match")).to_contain_text("不能自行通过")
    await expect(step(call, "face_match")).to_contain_text("需人工复核")


async def test_missing_face_is_told_in_words(call: Page, server: StandIn, story: Story) -> None:
    """No score means no bar to compare with; the reason is said."""
    story.store(EvidenceKind.ID_CARD)
    story.store(EvidenceKind.FACE_STILL)
    story.compare(CheckVerdict.FAILED, None)
    await server.note(*story.entries)
    await server.send(script_of(story, face_match="failed"))
    await expect(step(call, "face_match")).to_contain_text("现场人像中没有找到人脸")


async def test_chat_goes_both_ways(call: Page, server: StandIn, story: Story) -> None:
    """A line appears when it is journaled, not when it is typed; lines unseen are counted."""
    await call.get_by_placeholder("输入消息…").fill("请看镜头")
    await call.keyboard.press("Enter")
    assert (await server.wait_for(wire.Chat)).text == "请看镜头"
    await expect(call.locator(".chat-lines")).not_to_contain_text("请看镜头")
    await server.note(story.say(Role.AGENT, "请看镜头"))
    await expect(call.locator(".chat-lines .mine")).to_contain_text("请看镜头")
    await call.get_by_role("tab", name="案件记录").click()
    await server.note(story.say(Role.CUSTOMER, "好的"))
    await expect(call.get_by_role("tab", name="聊天")).to_contain_text("1")
    await expect(call.locator("fact-list")).to_contain_text(f"{CUSTOMER_NAME}：好的")
    await shoot(call, "agent-call-record")


async def test_mute_and_camera_keys(call: Page, server: StandIn) -> None:
    """M and V switch the own tracks and show it; typing an m does not."""
    await call.get_by_placeholder("输入消息…").fill("m v")
    await expect(call.get_by_role("button", name="麦克风")).to_have_attribute("aria-pressed", "false")
    await call.get_by_role("button", name="摄像头").focus()
    await call.keyboard.press("m")
    await expect(call.get_by_role("button", name="已静音")).to_have_attribute("aria-pressed", "true")
    await call.keyboard.press("v")
    await expect(call.get_by_role("button", name="已关闭")).to_have_attribute("aria-pressed", "true")


async def test_dropped_customer_is_counted_down(call: Page, server: StandIn, story: Story) -> None:
    """While the customer's seat is kept, a banner counts the seconds left."""
    await server.note(story.tell(CallAdvanced(story.call, CallPhase.ACTIVE, CallPhase.RECONNECTING)))
    await server.send(
        state_of(
            story, CallPhase.RECONNECTING, recording=True, kyc_unlocked=True, active_s=30.0, grace_s=18.0
        )
    )
    await expect(call.locator(".banner")).to_contain_text(f"{CUSTOMER_NAME} 的连接中断")
    await expect(call.locator(".banner")).to_contain_text(re.compile(r"剩余 (1[0-7]|\d) 秒"))
    await shoot(call, "agent-reconnecting")
    await server.send(state_of(story, CallPhase.ACTIVE, recording=True, kyc_unlocked=True, active_s=32.0))
    await expect(call.locator(".banner")).to_be_hidden()


async def test_dropped_customer_without_a_name(desk: Page, server: StandIn) -> None:
    """Who did not give a name is the customer, on the stage and in the banner."""
    nameless = Story()
    nameless.open("")
    nameless.answer()
    state = state_of(nameless, CallPhase.RECONNECTING, active_s=30.0, grace_s=18.0)
    await server.send(replace(state, peer=""))
    await server.note(*nameless.entries)
    await expect(desk.locator(".who")).to_have_text("客户")
    await expect(desk.locator(".banner")).to_contain_text("客户 的连接中断")


async def test_media_lost_by_the_service_is_nobodys_line(call: Page, server: StandIn, story: Story) -> None:
    """While the service restores media it says so, with no recording claimed and no old figures."""
    await server.note(story.quality(), story.playback())
    await expect(call.locator("quality-hud")).to_contain_text("1240")
    lost = state_of(story, CallPhase.RECONNECTING, recording=True, active_s=30.0, grace_s=18.0)
    await server.note(
        *(story.tell(MediaLost(story.call, s, "worker_lost")) for s in (story.agent, story.customer))
    )
    await server.send(lost)
    await expect(call.locator(".banner")).to_contain_text("正在自动恢复音视频")
    await expect(call.locator(".rec")).to_have_text("录制暂停")
    await expect(call.locator("quality-hud")).to_contain_text("已中断")
    await expect(call.locator("quality-hud")).not_to_contain_text("1240")
    await shoot(call, "agent-service-lost")
    await call.get_by_role("tab", name="案件记录").click()
    await expect(call.locator("fact-list")).to_contain_text("服务端音视频进程停止")
    await server.note(*(story.tell(MediaConnected(story.call, s)) for s in (story.agent, story.customer)))
    await expect(call.locator(".banner")).to_contain_text("的连接中断")
    await expect(call.locator(".rec")).to_have_text("部分录制")
    await server.send(state_of(story, CallPhase.ACTIVE, recording=True, kyc_unlocked=True, active_s=32.0))
    await expect(call.locator(".banner")).to_be_hidden()


async def test_refused_result_is_explained_and_accepted_later(
    call: Page, server: StandIn, story: Story
) -> None:
    """checks_incomplete is said beside the form; after the result the desk comes back."""
    await server.send(script_of(story, complete=True))
    await call.get_by_role("button", name="办结…").click()
    form = call.locator("dialog.decide")
    await expect(form.get_by_label("通过", exact=True)).to_be_checked()
    await form.get_by_role("button", name="提交结果").click()
    assert (await server.wait_for(wire.Finish)).outcome is Outcome.PASSED
    await server.send(wire.Failed("checks_incomplete", "", "finish"))
    await expect(form).to_contain_text("核验未完成或未通过")
    await shoot(call, "agent-finish-refused")
    await form.get_by_label("未完成", exact=True).check()
    await expect(form).not_to_contain_text("核验未完成或未通过")
    await form.get_by_label("原因").select_option("poor_light")
    await form.get_by_label("备注").fill("改日再办")
    await form.get_by_role("button", name="提交结果").click()
    said = await server.wait_for(wire.Finish)
    assert (said.outcome, said.reason, said.note) == (Outcome.INCOMPLETE, "poor_light", "改日再办")
    story.finish(Outcome.INCOMPLETE)
    await server.note(*story.entries)
    await server.send(state_of(story, CallPhase.ENDED, reason="agent_hung_up"))
    await expect(call.get_by_text("结果已提交：未完成")).to_be_visible()
    await call.get_by_role("button", name="就绪，接待下一位").click()
    assert (await server.wait_for(wire.SetPresence)).presence is Presence.READY
    await server.send(wire.PresenceSet(Presence.READY, 0))
    await expect(call.get_by_text(f"您好，{AGENT_NAME}")).to_be_visible()


async def test_hanging_up_is_confirmed_and_leaves_the_result_owed(
    call: Page, server: StandIn, story: Story
) -> None:
    """Hanging up asks once; the wrap-up names the ending and still wants the result."""
    await call.get_by_role("button", name="挂断").click()
    await call.get_by_role("dialog", name="确定结束通话吗？").get_by_role("button", name="挂断").click()
    await server.wait_for(wire.HangUp)
    await server.note(story.tell(CallEnded(story.call, CallEnd.AGENT_HUNG_UP, 83.0)))
    await server.send(
        state_of(story, CallPhase.ENDED, reason="agent_hung_up", kyc_unlocked=True),
        wire.PresenceSet(Presence.WRAP_UP, 1),
    )
    await expect(call.locator(".wrap-card").get_by_text("时长 1:23")).to_be_visible()
    await expect(call.get_by_role("button", name="提交结果")).to_be_visible()
    await shoot(call, "agent-wrap-up")


async def test_aborted_case_owes_no_result(call: Page, server: StandIn, story: Story) -> None:
    """When the customer was lost and the case aborted, the agent may go back to the desk at once."""
    await server.note(
        story.tell(CallEnded(story.call, CallEnd.CUSTOMER_LOST, 83.0)),
        story.tell(CaseAdvanced(CasePhase.IN_CALL, CasePhase.ABORTED)),
    )
    await server.send(state_of(story, CallPhase.ENDED, reason="customer_lost"))
    await expect(call.locator(".wrap-card").get_by_text("客户网络中断，未能恢复")).to_be_visible()
    await expect(call.get_by_role("button", name="就绪，接待下一位")).to_be_enabled()


async def test_reload_takes_the_call_up_again(call: Page, server: StandIn, story: Story) -> None:
    """After a reload the page offers for the same call and shows it from the facts."""
    server.calling = story.case
    await server.wait_for(wire.Offer)
    server.got.clear()
    await call.reload()
    await server.wait_for(wire.Hello)
    assert (await server.wait_for(wire.Offer)).call == story.call
    await server.note(*story.entries)
    await server.send(state_of(story, CallPhase.ACTIVE, recording=True, kyc_unlocked=True, active_s=60.0))
    await expect(call.locator(".who")).to_have_text(CUSTOMER_NAME)
    await expect(call.locator(".call-time")).to_have_text(re.compile(r"^1:(0[2-9]|[1-5]\d)$"))


async def test_language_switches_in_the_call(call: Page, server: StandIn, story: Story) -> None:
    """The whole screen turns to English without losing the call."""
    await server.note(story.store(EvidenceKind.ID_CARD))
    await call.get_by_role("button", name="English").click()
    await expect(call.get_by_role("heading", name="Script")).to_be_visible()
    await expect(call.get_by_text("Recording", exact=True)).to_be_visible()
    await expect(call.get_by_role("button", name="Take again")).to_be_visible()
    await call.set_viewport_size({"width": 1024, "height": 768})
    await shoot(call, "agent-call-en-1024")


async def test_lost_socket_is_shown_and_comes_back(call: Page, server: StandIn, story: Story) -> None:
    """A dropped socket shows a banner; the page says hello again by itself."""
    server.calling = story.case
    assert server.socket is not None
    server.got.clear()
    await server.socket.close()
    await expect(call.locator(".banner")).to_contain_text("与服务的连接中断")
    await server.wait_for(wire.Hello)
    await expect(call.locator(".banner")).to_be_hidden()


async def test_what_went_wrong_goes_by_itself(desk: Page, server: StandIn) -> None:
    """After a while, but not from under the pointer or the focus; sooner by Escape or the button."""
    # The page's long waits are the test's to end.
    await desk.evaluate(
        """() => {
          const [wait, forget, waits] = [window.setTimeout, window.clearTimeout, new Map()];
          window.setTimeout = (act, ms) => {
            const timer = wait(ms > 10000 ? () => {} : act, ms);
            ms === 12000 && waits.set(timer, act);
            return timer;
          };
          window.clearTimeout = (timer) => (waits.delete(timer), forget(timer));
          window.waits = waits;
        }"""
    )
    toast, refused = desk.locator(".toast"), wire.Failed("not_ready", "x", "set_presence")

    async def waits(count: int) -> None:
        await desk.wait_for_function("(count) => window.waits.size === count", arg=count)

    async def pass_by() -> None:
        await waits(1)
        await desk.evaluate("() => [...window.waits.values()].forEach((act) => act())")
        await expect(toast).to_be_hidden()

    await server.send(refused)
    await expect(toast).to_be_visible()
    await pass_by()
    await server.send(refused)
    await toast.hover()
    await waits(0)
    await desk.mouse.move(5, 5)
    await pass_by()
    await server.send(refused)
    await toast.get_by_role("button").focus()
    await waits(0)
    await desk.keyboard.press("Escape")
    await expect(toast).to_be_hidden()
    await server.send(refused)
    await toast.get_by_role("button", name="关闭").click()
    await expect(toast).to_be_hidden()


async def test_other_window_takes_over(desk: Page, server: StandIn) -> None:
    """A bye is said in words and the way back is a button."""
    await server.send(wire.Bye("replaced"))
    await expect(desk.locator(".toast")).to_contain_text("已在另一窗口打开")
    await desk.get_by_role("button", name="重试").click()
    await expect(desk.locator(".toast")).to_be_hidden()
