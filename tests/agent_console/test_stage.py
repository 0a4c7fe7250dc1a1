"""The stage of a call in Chromium: windows, hold, colleagues, shared screens, devices."""

from dataclasses import replace

import pytest
from playwright.async_api import Locator, Page, expect

from contract import wire
from contract.facts import ObserverJoined, PartyJoined
from contract.phases import CallPhase, Capture, Presence, Role, SeatMode
from tests.agent_console.console import (
    GUEST,
    GUEST_NAME,
    GUEST_SEAT,
    agent_of,
    customer_of,
    guest_of,
    running,
    show_picture,
    window,
)
from tests.agent_console.stand_in import StandIn
from tests.agent_console.story import Story
from tests.browser import shoot, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

# A picker that gives a moving picture of its own for each kind of screen, and remembers what was asked.
_FAKE_SCREENS = """() => {
  window.asked = [];
  window.given = [];
  navigator.mediaDevices.getDisplayMedia = async (wanted) => {
    window.asked.push(wanted.video.displaySurface);
    const canvas = Object.assign(document.createElement("canvas"), { width: 1280, height: 720 });
    const brush = canvas.getContext("2d");
    const colour = { monitor: "#2d5f8a", window: "#7a4b8a", browser: "#8a6a2d" }[wanted.video.displaySurface];
    let count = 0;
    setInterval(() => {
      brush.fillStyle = colour; brush.fillRect(0, 0, 1280, 720);
      brush.fillStyle = "#fff"; brush.font = "64px sans-serif"; brush.fillText(`${count++}`, 80, 120);
    }, 100);
    const stream = canvas.captureStream(10);
    window.given.push(stream.getVideoTracks()[0]);
    return stream;
  };
}"""


async def box(element: Locator) -> tuple[float, float, float, float]:
    """Return where an element is: x, y, width, height in pixels."""
    found = await element.bounding_box()
    assert found is not None
    return found["x"], found["y"], found["width"], found["height"]


async def drag(page: Page, element: Locator, by_x: float, by_y: float) -> None:
    """Take hold of an element near its left end and pull it."""
    x, y, _, high = await box(element)
    await page.mouse.move(x + 20, y + high / 2)
    await page.mouse.down()
    await page.mouse.move(x + 20 + by_x / 2, y + high / 2 + by_y / 2)
    await page.mouse.move(x + 20 + by_x, y + high / 2 + by_y)
    await page.mouse.up()


async def test_windows_are_dragged_resized_and_remembered(call: Page, server: StandIn, story: Story) -> None:
    """A window follows the pointer, its corner and the arrow keys; a reload keeps it; reset forgets it."""
    own = window(call, "self")
    await own.hover()
    usual = await box(own)
    await drag(call, own.locator(".window-head"), -120, -150)
    moved = await box(own)
    assert (moved[0] - usual[0], moved[1] - usual[1]) == pytest.approx((-120, -150), abs=2)
    await drag(call, own.locator(".window-grip"), 60, 40)
    grown = await box(own)
    assert (grown[2] - usual[2], grown[3] - usual[3]) == pytest.approx((60, 40), abs=2)
    await own.locator(".window-head").focus()
    await call.keyboard.press("ArrowLeft")
    await call.keyboard.press("Shift+ArrowUp")
    stepped = await box(own)
    assert stepped[0] < grown[0] and stepped[3] < grown[3]
    server.calling = story.case
    await call.reload()
    await server.wait_for(wire.Hello)
    await server.send(running(story))
    await expect(own).to_be_visible()
    await shoot(call, "agent-reloaded")
    assert await box(own) == pytest.approx(stepped, abs=2)
    await call.keyboard.press("0")
    assert await box(own) == pytest.approx(usual, abs=2)


async def test_a_window_fills_the_stage_or_stays_on_top(call: Page) -> None:
    """Any window may fill the stage; a pinned one stays before the one touched last."""
    own, customer = window(call, "self"), window(call, "customer")
    stage = await box(call.locator(".pictures"))
    await own.hover()
    await own.get_by_role("button", name="铺满").click()
    assert await box(own) == pytest.approx(stage, abs=2)
    assert (await box(customer))[2] < stage[2] / 2
    await customer.hover()
    await customer.get_by_role("button", name="置顶").click()
    await expect(customer.get_by_role("button", name="置顶")).to_have_attribute("aria-pressed", "true")
    await drag(call, own.locator(".window-head"), 10, 10)
    before = "Number(document.querySelector('[data-window=%s]').style.zIndex)"
    assert await call.evaluate(f"{before % 'customer'} > {before % 'self'}")
    await expect(own).not_to_have_class("main")
    await own.get_by_role("button", name="全屏").click()
    await wait_until(call, "document.fullscreenElement?.dataset.window === 'self'")
    await own.get_by_role("button", name="全屏").click()
    await wait_until(call, "document.fullscreenElement === null")


async def test_the_last_picture_stays_and_says_why(call: Page, server: StandIn, story: Story) -> None:
    """Camera off or dropped out: the last picture stays, marked, until the camera is back."""
    customer = window(call, "customer")
    await show_picture(call, "customer")
    await wait_until(call, "document.querySelector('[data-window=customer] video').videoWidth > 0")
    await expect(customer.locator(".window-mark")).to_be_hidden()
    off = replace(customer_of(story), camera=Capture.OFF)
    await server.send(running(story, parties=(off, agent_of(story))))
    await expect(customer.locator(".window-mark")).to_contain_text("客户关闭了摄像头")
    await expect(customer.locator(".window-mark")).to_contain_text("画面停在")
    await expect(customer.locator("canvas")).to_be_visible()
    assert await call.evaluate("document.querySelector('[data-window=customer] canvas').width > 0")
    await shoot(call, "agent-frozen")
    away = replace(off, present=False, microphone=Capture.OFF)
    await server.send(running(story, CallPhase.RECONNECTING, grace_s=18.0, parties=(away, agent_of(story))))
    await expect(customer.locator(".window-mark")).to_contain_text("客户掉线")
    await expect(customer.locator(".window-mic")).to_contain_text("已静音")
    await server.send(running(story))
    await expect(customer.locator("canvas")).to_be_hidden()
    await expect(customer.locator(".window-mark")).to_be_hidden()


async def test_hold_is_what_the_server_says(call: Page, server: StandIn, story: Story) -> None:
    """H asks for it; the banner stands only when nothing reaches the customer any more."""
    await call.keyboard.press("h")
    assert (await server.wait_for(wire.Hold)).on is True
    await expect(call.locator(".conference.held")).to_have_count(0)
    mute = replace(customer_of(story), slot=None)
    await server.send(running(story, CallPhase.HELD, kyc_unlocked=False, parties=(mute, agent_of(story))))
    banner = call.locator(".conference.held")
    await expect(banner).to_contain_text("客户已保持：听不到也看不到您")
    await expect(call.get_by_role("button", name="拍照")).to_be_disabled()
    await expect(call.locator(".rec")).to_have_text("保持中，仅录客户")
    await shoot(call, "agent-held")
    await banner.get_by_role("button", name="接回客户").click()
    assert (await server.wait_for(wire.Hold)).on is False
    await server.send(running(story))
    await expect(banner).to_have_count(0)


async def test_the_chat_says_why_it_is_closed(call: Page, server: StandIn, story: Story) -> None:
    """On hold, with a colleague in private, and as that colleague; a dropped party does not open it."""
    line, shut = call.get_by_placeholder("输入消息…"), call.locator(".chat-closed")
    mute = replace(customer_of(story), slot=None)
    await line.fill("还没写完")
    await expect(shut).to_be_hidden()
    held = running(story, CallPhase.HELD, parties=(mute, agent_of(story)))
    for state in (held, replace(held, phase=CallPhase.RECONNECTING, grace_s=12.0)):
        await server.send(state)
        await expect(shut).to_contain_text("客户已保持：现在写的客户收不到")
        for field in (
            line,
            call.get_by_role("button", name="发送文件"),
            call.get_by_role("button", name="发送", exact=True),
        ):
            await expect(field).to_be_disabled()
    await server.send(replace(held, parties=(mute, agent_of(story), guest_of(SeatMode.PRIVATE))))
    await expect(shut).to_contain_text("正在私下交谈：聊天内容客户看得到")
    await shoot(call, "agent-chat-closed")
    me = replace(agent_of(story), role=Role.GUEST, mode=SeatMode.PRIVATE)
    await server.send(replace(held, host=GUEST_SEAT, parties=(mute, guest_of(), me)))
    await expect(shut).to_contain_text("加入通话后才能发送")
    await server.send(running(story))
    await expect(shut).to_be_hidden()
    await expect(line).to_have_value("还没写完")
    await line.press("Enter")
    assert (await server.wait_for(wire.Chat)).text == "还没写完"


async def test_a_colleague_is_invited_and_called_back(call: Page, server: StandIn, story: Story) -> None:
    """By name, privately, with a note; while nobody has answered the invitation can be withdrawn."""
    await call.keyboard.press("i")
    await server.wait_for(wire.AskColleagues)
    dialog = call.get_by_role("dialog", name="邀请同事")
    busy = wire.Colleague(GUEST, "钱多", Presence.BUSY, ())
    ready = wire.Colleague(GUEST, GUEST_NAME, Presence.READY, ("loans", "english"))
    await server.send(wire.Colleagues((busy, ready), ("loans", "wealth")))
    names = await dialog.locator(".colleagues .choice").all_inner_texts()
    assert names[0].startswith(GUEST_NAME) and "贷款、英语服务" in names[0]
    assert ["理财" in names[3], "任一空闲同事" in names[4]] == [True, True]
    await dialog.get_by_label(GUEST_NAME).check()
    await dialog.get_by_label("留言").fill("请看贷款额度")
    await shoot(call, "agent-invite")
    await dialog.get_by_role("button", name="发出邀请").click()
    asked = await server.wait_for(wire.Invite)
    assert (asked.agent, asked.private, asked.transfer, asked.note) == (GUEST, True, False, "请看贷款额度")
    await server.send(wire.Failed("no_such_agent", "", "invite"))
    await expect(dialog.get_by_role("alert")).not_to_be_empty()
    await server.send(running(story, inviting=GUEST_NAME))
    await expect(dialog).to_be_hidden()
    await expect(call.locator(".conference.asking")).to_contain_text(f"正在呼叫：{GUEST_NAME}")
    await expect(call.get_by_role("button", name="邀请", exact=True)).to_be_disabled()
    await shoot(call, "agent-inviting")
    await call.get_by_role("button", name="撤回").click()
    await server.wait_for(wire.WithdrawInvite)
    await server.send(running(story))
    await expect(call.locator(".conference")).to_have_count(0)


@pytest.mark.parametrize(
    ("whom", "way", "wanted"),
    [
        ("会「理财」的同事", "直接加入", wire.Invite(None, "wealth", False, False)),
        ("任一空闲同事", "立即转接", wire.Invite(None, "", False, True)),
    ],
)
async def test_skills_anybody_and_transfers(
    call: Page, server: StandIn, whom: str, way: str, wanted: wire.Invite
) -> None:
    """A colleague is asked for by skill or as anybody, to join at once or to take over."""
    await call.get_by_role("button", name="邀请", exact=True).click()
    await server.send(wire.Colleagues((), ("wealth",)))
    dialog = call.get_by_role("dialog", name="邀请同事")
    await dialog.get_by_label(whom).check()
    await dialog.get_by_label(way).check()
    await dialog.get_by_role("button", name="发出邀请").click()
    assert await server.wait_for(wire.Invite) == wanted


async def test_consult_then_let_in_then_hand_over(call: Page, server: StandIn, story: Story) -> None:
    """Private talk is said as such; letting in is one press, handing over two."""
    private = guest_of(SeatMode.PRIVATE)
    await server.note(
        story.tell(ObserverJoined(story.call, GUEST_SEAT, Role.GUEST, GUEST_NAME, GUEST, SeatMode.PRIVATE))
    )
    silent = replace(customer_of(story), slot=None)
    await server.send(running(story, CallPhase.HELD, parties=(silent, agent_of(story), private)))
    held = call.locator(".conference.held")
    await expect(held).to_contain_text(f"与 {GUEST_NAME} 私下交谈")
    await expect(window(call, "third")).to_contain_text("仅与内部通话")
    await show_picture(call, "third")
    await shoot(call, "agent-consult")
    await held.get_by_role("button", name=f"请 {GUEST_NAME} 加入通话").click()
    await server.wait_for(wire.Admit)
    await server.note(story.tell(PartyJoined(story.call, GUEST_SEAT, Role.GUEST, GUEST_NAME, GUEST)))
    await server.send(running(story, parties=(customer_of(story), agent_of(story), guest_of())))
    await show_picture(call, "customer")
    await expect(call.locator("quality-hud")).to_contain_text(GUEST_NAME)
    await shoot(call, "agent-three")
    await call.get_by_role("button", name=f"移交给 {GUEST_NAME} 并离开").click()
    await call.get_by_role("dialog", name="离开这次通话？").get_by_role("button", name="离开").click()
    await server.wait_for(wire.Leave)
    await server.send(wire.PresenceSet(Presence.WRAP_UP, 0, ends_in_s=60.0))
    await expect(call.get_by_text("您已离开，通话由同事继续。")).to_be_visible()
    await expect(call.get_by_role("button", name="提交结果")).to_be_hidden()
    await expect(call.get_by_text("话后处理剩余")).to_be_visible()


async def test_a_guest_sees_the_call_without_leading_it(call: Page, server: StandIn, story: Story) -> None:
    """Who leads is said; chat and leaving remain, hold, stills and result come with leading."""
    host = replace(agent_of(story), name="钱多", slot=1, seat=GUEST_SEAT)
    me = replace(agent_of(story), role=Role.GUEST)
    parties = (customer_of(story), host, me)
    await server.send(running(story, host=GUEST_SEAT, parties=parties))
    await expect(call.locator(".conference")).to_contain_text("由 钱多 主持")
    for name in ("保持", "拍照", "邀请", "共享", "挂断", "办结…", "中止…", "请客户拍摄身份证"):
        await expect(call.get_by_role("button", name=name, exact=True)).to_be_hidden()
    await call.keyboard.press("h")
    await expect(call.get_by_placeholder("输入消息…")).to_be_enabled()
    await expect(window(call, "third")).to_contain_text("钱多")
    await shoot(call, "agent-guest")
    await call.get_by_role("button", name="离开", exact=True).click()
    await call.get_by_role("dialog").get_by_role("button", name="离开").click()
    await server.wait_for(wire.Leave)
    assert not [one for one in server.got if isinstance(one, wire.Hold)]
    await server.send(running(story, host=story.agent, parties=(customer_of(story), agent_of(story))))
    await expect(call.get_by_role("button", name="办结…")).to_be_visible()


async def test_a_screen_is_shared_switched_and_stopped(call: Page, server: StandIn, story: Story) -> None:
    """The source changes without stopping, the preview is one's own, and the browser's bar ends it too."""
    await call.evaluate(_FAKE_SCREENS)
    await call.keyboard.press("s")
    await call.get_by_role("button", name="整个屏幕").click()
    preview = window(call, "share")
    await expect(preview).to_contain_text("我共享的屏幕")
    await expect(call.locator(".conference.sharing")).to_be_visible()
    await wait_until(call, "document.querySelector('[data-window=share] video').videoWidth === 1280")
    await shoot(call, "agent-sharing")
    await call.get_by_role("button", name="更换来源").click()
    await call.get_by_role("button", name="一个窗口").click()
    await wait_until(call, "given.length === 2 && given[0].readyState === 'ended'")
    assert await call.evaluate("[asked.join(), given[1].readyState]") == ["monitor,window", "live"]
    await expect(preview).to_be_visible()
    await call.evaluate("given[1].dispatchEvent(new Event('ended'))")
    await expect(preview).to_have_count(0)
    await call.get_by_role("button", name="共享", exact=True).click()
    await call.get_by_role("button", name="一个标签页").click()
    await expect(preview).to_be_visible()
    await call.get_by_role("button", name="停止共享").click()
    await expect(preview).to_have_count(0)
    await wait_until(call, "given[2].readyState === 'ended'")


async def test_another_ones_screen_fills_the_stage(call: Page, server: StandIn, story: Story) -> None:
    """With customer, guest and a shared screen all have windows, at 1440 and at 1280."""
    host = replace(agent_of(story), name="钱多", slot=1, seat=GUEST_SEAT)
    me = replace(agent_of(story), role=Role.GUEST)
    await server.send(
        running(story, host=GUEST_SEAT, sharing=GUEST_SEAT, parties=(customer_of(story), host, me))
    )
    await expect(window(call, "share")).to_contain_text("钱多 的屏幕")
    assert await box(window(call, "share")) == pytest.approx(await box(call.locator(".pictures")), abs=2)
    for name in ("customer", "third", "share"):
        await show_picture(call, name)
    await shoot(call, "agent-share-1440")
    await call.set_viewport_size({"width": 1280, "height": 720})
    await expect(window(call, "self")).to_be_visible()
    assert await call.evaluate("document.documentElement.scrollHeight") <= 720
    await shoot(call, "agent-share-1280")


async def test_what_the_agents_devices_do_is_told(call: Page, server: StandIn, story: Story) -> None:
    """Muting and the camera are told to the server; the own window says what others see."""
    await call.keyboard.press("m")
    said = await server.wait_for(wire.CaptureState)
    assert (said.call, said.microphone, said.camera) == (story.call, Capture.OFF, Capture.ON)
    await call.keyboard.press("v")
    said = await server.wait_for(wire.CaptureState)
    assert (said.microphone, said.camera) == (Capture.OFF, Capture.OFF)
    await expect(window(call, "self")).to_contain_text("客户看到定格画面")
    await call.keyboard.press("v")
    assert (await server.wait_for(wire.CaptureState)).camera is Capture.ON
    await expect(window(call, "self").locator(".window-mark")).to_be_hidden()


async def test_a_page_that_comes_back_corrects_what_is_believed(
    call: Page, server: StandIn, story: Story
) -> None:
    """After a reload microphone and camera are on; a server that remembers them off is told."""
    server.calling = story.case
    await call.reload()
    await server.wait_for(wire.Hello)
    server.got.clear()
    believed = replace(agent_of(story), camera=Capture.OFF)
    await server.send(running(story, parties=(customer_of(story), believed)))
    assert (await server.wait_for(wire.CaptureState)).camera is Capture.ON


async def test_keys_are_listed_behind_the_question_mark(call: Page) -> None:
    """The overlay names every key; while it is open keys do nothing; the focus comes back."""
    await call.keyboard.press("?")
    sheet = call.get_by_role("dialog", name="快捷键")
    for words in ("静音 / 取消静音", "保持 / 接回客户", "邀请同事", "拍摄高清照片", "移动窗口"):
        await expect(sheet).to_contain_text(words)
    await shoot(call, "agent-keys")
    await call.keyboard.press("m")
    await call.keyboard.press("Escape")
    await expect(sheet).to_have_count(0)
    await expect(call.get_by_role("button", name="麦克风")).to_have_attribute("aria-pressed", "false")


async def test_single_keys_can_be_turned_off(call: Page, server: StandIn) -> None:
    """Then no letter does anything, `?` neither, nor is one shown; it lasts over a reload, and the button
    leads back to the switch."""
    microphone = call.locator(".controls .control").first
    await expect(microphone).to_have_attribute("aria-keyshortcuts", "M")
    await call.keyboard.press("?")
    sheet = call.get_by_role("dialog", name="快捷键")
    await sheet.get_by_role("switch", name="启用单键快捷键").uncheck()
    await shoot(call, "agent-keys-off")
    await call.keyboard.press("Escape")
    for key in "m?":
        await call.keyboard.press(key)
    await expect(sheet).to_have_count(0)
    await expect(microphone).to_have_attribute("aria-pressed", "false")
    assert await microphone.get_attribute("aria-keyshortcuts") is None
    assert await microphone.get_attribute("title") == "麦克风"
    await call.reload()
    await server.wait_for(wire.Hello)
    await expect(call.get_by_role("button", name="小休")).to_be_visible()
    await call.keyboard.press("r")
    await call.get_by_role("button", name="English").click()
    await call.get_by_role("button", name="Keyboard shortcuts").click()
    await call.get_by_role("switch", name="Single-key shortcuts").check()
    await call.keyboard.press("Escape")
    assert not any(isinstance(message, wire.SetPresence) for message in server.got)
    await call.keyboard.press("r")
    await server.wait_for(wire.SetPresence)


async def test_the_call_fits_smaller_windows_in_english(call: Page, server: StandIn, story: Story) -> None:
    """At 1280x720, 1024 and 390 nothing sticks out sideways, in the longer language."""
    await server.send(running(story, inviting="anybody", parties=(customer_of(story), agent_of(story))))
    await call.get_by_role("button", name="English").click()
    await expect(call.get_by_text("Calling: anybody who is free")).to_be_visible()
    await show_picture(call, "customer")
    for width, height in ((1280, 720), (1024, 768), (390, 844)):
        await call.set_viewport_size({"width": width, "height": height})
        assert await call.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        await shoot(call, f"agent-call-en-{width}", whole=width < 1000)
