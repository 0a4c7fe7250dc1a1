"""The supervisor's page in Chromium: the wall, and calls that are watched, joined and ended from there."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from contract import wire
from contract.facts import CaseAdvanced
from contract.ids import AccountId, CallId, CaseId, SeatId
from contract.phases import CallPhase, Capture, CasePhase, Presence, Role, SeatMode
from tests.agent_console.other_end import OtherEnd
from tests.agent_console.stand_in import PASSWORD, StandIn, stand_in
from tests.agent_console.story import AGENT, AGENT_NAME, CUSTOMER_NAME, Story
from tests.browser import Watched, shoot, wait_until, watched_page

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

OTHERS = [AccountId(f"acct-00000000000000a{n}") for n in range(4)]
BOSS_SEAT = SeatId("seat-00000000000000bb")
_PACKETS_WITHIN_S = 8.0


def call_id(number: int) -> CallId:
    """Return the id of one of the calls on the wall."""
    return CallId(f"call-{number:016x}")


def agent(
    number: int, name: str, presence: Presence, reason: str = "", call: CallId | None = None
) -> wire.BoardAgent:
    """Return an agent's row."""
    account = AGENT if number == 0 else OTHERS[number]
    return wire.BoardAgent(account, name, presence, reason, 95.0 * (number + 1), call, 12 - number, number)


def waiting(number: int, name: str, waited_s: float, **more: object) -> wire.BoardWaiting:
    """Return a waiting customer's row."""
    known: dict[str, object] = {"skill": "", "language": "zh-CN", "vip": False, "ringing": None, "only": None}
    values = known | more
    return wire.BoardWaiting(
        call_id(number), CaseId(f"case-{number:016x}"), name, waited_s=waited_s, **values  # type: ignore[arg-type]
    )  # fmt: skip


def talking(
    story: Story, phase: CallPhase = CallPhase.ACTIVE, trouble: str = "", parties: int = 2
) -> wire.BoardCall:
    """Return a conversation's row."""
    return wire.BoardCall(story.call, story.case, CUSTOMER_NAME, AGENT, phase, 187.0, parties, trouble)


def board(story: Story, **more: object) -> wire.Wallboard:
    """Return a busy floor."""
    known: dict[str, object] = {
        "waiting": 3, "longest_wait_s": 194.0, "in_call": 1, "answered": 41, "abandoned": 5,
        "handle_s": 412.0, "service_level": 0.72, "target_s": 20.0, "alarms": ("nobody_ready", "long_wait"),
        "agents": (
            agent(0, AGENT_NAME, Presence.BUSY, call=story.call), agent(1, "赵敏", Presence.RINGING),
            agent(2, "孙小雨", Presence.BREAK, "meal"), agent(3, "周凯", Presence.WRAP_UP),
        ),
        "queue": (
            waiting(1, "张伟", 194.0, vip=True, skill="wealth", ringing=OTHERS[1]),
            waiting(2, "", 41.0, language="en"), waiting(3, "吴桐", 6.0, only=OTHERS[3]),
        ),
        "calls": (talking(story),),
    }  # fmt: skip
    return wire.Wallboard(**(known | more))  # type: ignore[arg-type]


def state_of(
    story: Story, mode: SeatMode, phase: CallPhase = CallPhase.ACTIVE, **more: object
) -> wire.CallState:
    """Return the call as the server tells it to the supervisor in it."""
    parties = (
        wire.PartySeen(
            story.customer, Role.CUSTOMER, CUSTOMER_NAME, SeatMode.TALKING, 0, Capture.ON, Capture.ON, True
        ),
        wire.PartySeen(
            story.agent, Role.AGENT, AGENT_NAME, SeatMode.TALKING, 1, Capture.ON, Capture.ON, True, AGENT
        ),
        wire.PartySeen(
            BOSS_SEAT, Role.SUPERVISOR, "陈主管", mode, None, Capture.OFF, Capture.OFF, True, OTHERS[0]
        ),
    )
    known: dict[str, object] = {
        "peer": CUSTOMER_NAME, "active_s": 187.0, "recording": True, "kyc_unlocked": True, "seat": BOSS_SEAT,
        "host": story.agent, "parties": parties,
    }  # fmt: skip
    return wire.CallState(story.call, story.case, phase, **(known | more))  # type: ignore[arg-type]


def script_of(story: Story) -> wire.Script:
    """Return a script half done."""
    answers = (wire.Choice("salary", "工资代发", "Salary"),)
    steps = (
        wire.StepSeen("purpose", "询问开户用途", "Purpose", "passed", "", "", True, False, answers, "salary"),
        wire.StepSeen(
            "id_card", "拍摄身份证", "Identity card", "open", "", "evidence_id_card", True, False, (), ""
        ),
        wire.StepSeen("risk", "宣读风险提示", "Notice of risk", "waived", "", "", True, True, (), ""),
    )
    return wire.Script(story.call, steps, False, (), (), ())


@pytest_asyncio.fixture(loop_scope="session")
async def server(files: dict[str, Path]) -> AsyncIterator[StandIn]:
    """A scripted server whose only person is a supervisor."""
    async with stand_in(files) as running:
        running.role = Role.SUPERVISOR
        yield running


@pytest.fixture
def story() -> Story:
    """A case in whose call the agent talks to the customer."""
    told = Story()
    told.open()
    told.answer()
    return told


async def log_in(page: Page, server: StandIn) -> None:
    """Open the console as the supervisor."""
    await page.goto(f"{server.url}/agent/")
    await page.get_by_label("账号").fill("supervisor1")
    await page.get_by_label("密码").fill(PASSWORD)
    await page.get_by_role("button", name="登录", exact=True).click()
    await server.wait_for(wire.Hello)


@pytest_asyncio.fixture(loop_scope="session")
async def wall(watched: Watched, server: StandIn, story: Story) -> AsyncIterator[Page]:
    """A wall with a busy floor on it."""
    await log_in(watched.page, server)
    await server.send(board(story))
    await expect(watched.page.get_by_role("heading", name="排队客户")).to_be_visible()
    yield watched.page
    await watched.require_names()


@pytest_asyncio.fixture(loop_scope="session")
async def other_end(browser: Browser, server: StandIn) -> AsyncIterator[OtherEnd]:
    """Who answers the page's offers."""
    async with watched_page(browser, (400, 300)) as watched:
        await watched.page.goto(f"{server.url}/")
        yield OtherEnd(watched.page)


async def watch(page: Page, server: StandIn, story: Story, other_end: OtherEnd) -> None:
    """Take the silent seat in the call; pictures flow."""
    await page.get_by_role("button", name=f"旁听 {CUSTOMER_NAME} 的通话").click()
    assert (await server.wait_for(wire.Watch)).call == story.call
    await server.note(*story.entries)
    await server.send(state_of(story, SeatMode.MONITOR), script_of(story))
    offer = await server.wait_for(wire.Offer)
    await server.send(wire.Answer(story.call, await other_end.answer(offer.sdp), offer.number))
    await wait_until(
        page, "[...document.querySelectorAll('watch-pictures video')].every((one) => one.videoWidth)"
    )


async def packets_of(other_end: OtherEnd, *kinds: str) -> dict[str, int]:
    """Return what came once something of each of ``kinds`` did."""
    async with asyncio.timeout(_PACKETS_WITHIN_S):
        while True:
            got = await other_end.got()
            if all(got[kind] for kind in kinds):
                return got


async def test_figures_and_alarms_stand_on_the_wall(watched: Watched, wall: Page) -> None:
    """Six figures with what they mean, alarms in words, nobody's machine words."""
    figure = wall.locator(".figure")
    assert await figure.locator("strong").all_inner_texts() == ["3", "3:14", "1", "6:52", "5", "72%"]
    await expect(wall.get_by_role("alert").first).to_contain_text("有客户在排队，但没有柜员就绪")
    await expect(wall.get_by_role("alert").first).to_contain_text("有客户等待过久")
    height = await figure.locator("strong").first.evaluate(
        "(one) => parseFloat(getComputedStyle(one).fontSize)"
    )
    assert height >= 60
    await watched.require_fit()
    await shoot(wall, "supervisor-wall")


async def test_numbers_change_without_redrawing(wall: Page, server: StandIn, story: Story) -> None:
    """A new board keeps rows, focus and what was chosen; who is gone is gone, who is new has a row."""
    row = wall.get_by_role("row", name="张伟")
    await row.get_by_role("combobox").select_option(label="周凯 · 话后处理")
    await row.get_by_role("button", name="分配 张伟").focus()
    await row.evaluate("(one) => { one.marked = true; }")
    later = (
        waiting(9, "郑爽", 240.0), waiting(1, "张伟", 196.0, vip=True, skill="wealth", ringing=OTHERS[1]),
        waiting(2, "", 43.0, language="en"),
    )  # fmt: skip
    await server.send(board(story, queue=later, waiting=9))
    await expect(wall.locator(".figure strong").first).to_have_text("9")
    await expect(row).to_contain_text("3:16")
    assert await row.evaluate("(one) => one.marked")
    await expect(row.get_by_role("button", name="分配 张伟")).to_be_focused()
    await expect(row.get_by_role("combobox")).to_have_value(OTHERS[3])
    names = await wall.locator(".board-queue tbody tr strong").all_inner_texts()
    assert names == ["郑爽", "★ 张伟", "未留姓名"]


async def test_a_waiting_customer_is_moved_and_given_away(wall: Page, server: StandIn) -> None:
    """First in the row, to one agent, back to all: each asks the server and changes nothing by itself."""
    row = wall.get_by_role("row", name="张伟")
    await expect(row).to_contain_text("正在呼叫 赵敏")
    await row.get_by_role("button", name="让 张伟 排到最前").click()
    assert (await server.wait_for(wire.MoveUp)).call == call_id(1)
    await row.get_by_role("combobox").select_option(label="周凯 · 话后处理")
    await row.get_by_role("button", name="分配 张伟").click()
    assert await server.wait_for(wire.Reassign) == wire.Reassign(call_id(1), OTHERS[3])
    given = wall.get_by_role("row", name="吴桐")
    await expect(given).to_contain_text("只分给 周凯")
    await given.get_by_role("combobox").select_option(label="所有柜员")
    await given.get_by_role("button", name="分配 吴桐").press("Enter")
    assert await server.wait_for(wire.Reassign) == wire.Reassign(call_id(3), None)
    await expect(given).to_contain_text("只分给 周凯")


async def test_ending_a_call_needs_a_reason(wall: Page, server: StandIn, story: Story) -> None:
    """Nothing is sent without a reason; it goes along with the call."""
    await wall.get_by_role("button", name=f"强制结束 {CUSTOMER_NAME} 的通话").click()
    dialog = wall.get_by_role("dialog", name=f"结束 {CUSTOMER_NAME} 的通话？")
    await dialog.get_by_role("button", name="强制结束").click()
    await expect(dialog).to_be_visible()
    await dialog.get_by_label("原因").fill("疑似欺诈")
    await shoot(wall, "supervisor-end")
    await dialog.get_by_role("button", name="强制结束").click()
    assert await server.wait_for(wire.ForceEnd) == wire.ForceEnd(story.call, "疑似欺诈")
    await expect(dialog).to_be_hidden()


async def test_a_watcher_is_neither_seen_nor_heard(
    watched: Watched, wall: Page, server: StandIn, story: Story, other_end: OtherEnd
) -> None:
    """Everybody's picture moves here, and not one packet of sound or picture leaves the page."""
    await watch(wall, server, story, other_end)
    await expect(wall.get_by_text("您没有被看见，也没有被听见")).to_be_visible()
    assert await wall.locator("watch-pictures figure").count() == 2
    await wait_until(
        wall,
        "[...document.querySelectorAll('watch-pictures video')]"
        ".every((one) => one.currentTime > 0.5 && !one.muted)",
    )
    assert await other_end.got() == {"audio": 0, "video": 0}
    await server.note(story.say(Role.CUSTOMER, "您好"))
    await expect(wall.locator(".watch-lines")).to_contain_text("您好")
    await expect(wall.get_by_role("textbox", name="输入消息")).to_be_hidden()
    await shoot(wall, "supervisor-monitor")
    await wall.get_by_role("tab", name="流程").click()
    await expect(wall.get_by_role("listitem").filter(has_text="询问开户用途")).to_contain_text("工资代发")
    for size in ((1280, 720), (390, 844)):
        await wall.set_viewport_size({"width": size[0], "height": size[1]})
        await watched.require_fit()
        await shoot(wall, f"supervisor-monitor-{size[0]}")
    await watched.require_names()


async def test_a_whisper_opens_the_microphone_alone(
    wall: Page, server: StandIn, story: Story, other_end: OtherEnd
) -> None:
    """Sound goes out once the server says so, a picture never; going back closes the microphone."""
    await watch(wall, server, story, other_end)
    await wall.get_by_role("button", name="耳语柜员").click()
    assert (await server.wait_for(wire.SetMode)).mode is SeatMode.WHISPER
    assert await other_end.got() == {"audio": 0, "video": 0}
    await server.send(state_of(story, SeatMode.WHISPER))
    await expect(wall.get_by_text("只有柜员能听到您")).to_be_visible()
    got = await packets_of(other_end, "audio")
    assert got["video"] == 0
    await expect(wall.get_by_role("button", name="静音", exact=True)).to_be_visible()
    await shoot(wall, "supervisor-whisper")
    await wall.get_by_role("button", name="静默旁听").click()
    assert (await server.wait_for(wire.SetMode)).mode is SeatMode.MONITOR
    await server.send(state_of(story, SeatMode.MONITOR))
    await expect(wall.get_by_role("button", name="静音", exact=True)).to_be_hidden()


async def test_joining_in_opens_both_and_the_chat(
    wall: Page, server: StandIn, story: Story, other_end: OtherEnd
) -> None:
    """As third party the supervisor is seen, heard and may write."""
    await watch(wall, server, story, other_end)
    await wall.get_by_role("button", name="加入通话").click()
    assert (await server.wait_for(wire.SetMode)).mode is SeatMode.TALKING
    await server.send(state_of(story, SeatMode.TALKING))
    await packets_of(other_end, "audio", "video")
    await expect(wall.locator("watch-pictures figure").filter(has_text="您的画面")).to_be_visible()
    await wall.get_by_role("textbox", name="输入消息").fill("我是主管")
    await wall.get_by_role("button", name="发送").click()
    assert (await server.wait_for(wire.Chat)).text == "我是主管"
    await shoot(wall, "supervisor-talking")


async def test_a_shared_screen_is_the_largest(
    wall: Page, server: StandIn, story: Story, other_end: OtherEnd
) -> None:
    """What is shared is shown above the people, under its owner's name."""
    await watch(wall, server, story, other_end)
    await server.send(state_of(story, SeatMode.MONITOR, sharing=story.agent))
    screen = wall.locator("watch-pictures figure.screen")
    await expect(screen).to_contain_text(f"{AGENT_NAME} 共享的屏幕")
    await wait_until(wall, "document.querySelector('.watch-figure.screen video').videoWidth > 0")
    await shoot(wall, "supervisor-share")
    await server.send(state_of(story, SeatMode.MONITOR))
    await expect(screen).to_be_hidden()


async def test_leaving_leads_back_to_the_wall(
    wall: Page, server: StandIn, story: Story, other_end: OtherEnd
) -> None:
    """Leave asks the server, closes the connection here, and the same call can be watched again."""
    await watch(wall, server, story, other_end)
    await wall.get_by_role("button", name="离开通话").click()
    await server.wait_for(wire.Leave)
    await expect(wall.get_by_role("heading", name="排队客户")).to_be_visible()
    await server.send(board(story))
    await watch(wall, server, story, other_end)


async def test_a_call_that_ends_is_told_on_the_wall(
    wall: Page, server: StandIn, story: Story, other_end: OtherEnd
) -> None:
    """The wall is back, with the call's end in words."""
    await watch(wall, server, story, other_end)
    await server.send(
        state_of(story, SeatMode.MONITOR, CallPhase.ENDED, reason="customer_hung_up", parties=())
    )
    await expect(wall.get_by_role("heading", name="排队客户")).to_be_visible()
    await expect(wall.get_by_role("status").filter(has_text="客户结束了通话")).to_be_visible()


async def test_who_takes_over_leads_the_call(
    wall: Page, server: StandIn, story: Story, other_end: OtherEnd
) -> None:
    """It asks first; then the page is the one of an agent who leads."""
    await watch(wall, server, story, other_end)
    await wall.get_by_role("button", name="接管通话").click()
    dialog = wall.get_by_role("dialog", name="接管这个通话？")
    await shoot(wall, "supervisor-take-over")
    await dialog.get_by_role("button", name="接管通话").click()
    await server.wait_for(wire.TakeOver)
    await expect(wall.locator("watch-view")).to_be_visible()
    await server.send(state_of(story, SeatMode.TALKING, host=BOSS_SEAT))
    await expect(wall.locator("call-view")).to_be_visible()
    await packets_of(other_end, "audio", "video")


async def test_a_taken_over_call_that_fails_leads_back(
    wall: Page, server: StandIn, story: Story, other_end: OtherEnd
) -> None:
    """While a result is owed the form for it stands; a case that ended without one leads back to the wall."""
    await watch(wall, server, story, other_end)
    await server.send(state_of(story, SeatMode.TALKING, host=BOSS_SEAT))
    await expect(wall.locator("call-view")).to_be_visible()
    lost = {"reason": "customer_lost", "host": None, "parties": ()}
    await server.send(state_of(story, SeatMode.TALKING, CallPhase.ENDED, **lost))
    await expect(wall.get_by_role("button", name="提交结果")).to_be_visible()
    await server.note(story.tell(CaseAdvanced(CasePhase.IN_CALL, CasePhase.ABORTED)))
    await expect(wall.get_by_role("heading", name="排队客户")).to_be_visible()


async def test_a_quiet_floor_says_so(watched: Watched, server: StandIn, story: Story) -> None:
    """Nothing to show is told in words; figures that do not exist are not zeros."""
    page = watched.page
    await log_in(page, server)
    await server.send(
        board(story, waiting=0, longest_wait_s=0.0, in_call=0, answered=0, abandoned=0, handle_s=None,
              service_level=None, alarms=(), agents=(), queue=(), calls=())
    )  # fmt: skip
    for words in ("没有客户在排队。", "没有柜员登录。", "没有进行中的通话。"):
        await expect(page.get_by_text(words)).to_be_visible()
    assert await page.locator(".figure strong").all_inner_texts() == ["0", "0:00", "0", "—", "0", "—"]
    await shoot(page, "supervisor-quiet")


@pytest.mark.parametrize("size", [(1280, 720), (390, 844), (360, 640)])
async def test_the_wall_fits_every_screen(
    browser: Browser, server: StandIn, story: Story, size: tuple[int, int]
) -> None:
    """From a small laptop to a phone, in both languages."""
    async with watched_page(browser, size) as watched:
        await log_in(watched.page, server)
        await server.send(board(story))
        await expect(watched.page.get_by_text("张伟")).to_be_visible()
        await watched.require_fit()
        await shoot(watched.page, f"supervisor-wall-{size[0]}", whole=True)
        await watched.page.get_by_role("button", name="English").click()
        await expect(watched.page.get_by_role("heading", name="Waiting customers")).to_be_visible()
        await server.send(board(story, longest_wait_s=37_230.0, waiting=1234))
        await expect(watched.page.get_by_text("10:20:30")).to_be_visible()
        narrow = (
            "[...document.querySelectorAll('.figure')].every((one) => one.scrollWidth <= one.clientWidth)"
        )
        assert await watched.page.evaluate(narrow)
        await watched.require_fit()
        await watched.require_names()
        await shoot(watched.page, f"supervisor-wall-{size[0]}-en", whole=True)


async def test_devices_follow_a_second_login(
    wall: Page, server: StandIn, story: Story, other_end: OtherEnd
) -> None:
    """Logging out while talking closes the devices; who talks again after a login is seen again."""
    for _ in range(2):
        await watch(wall, server, story, other_end)
        await server.send(state_of(story, SeatMode.TALKING))
        await packets_of(other_end, "audio", "video")
        await wall.get_by_role("button", name="退出").click()
        await expect(wall.get_by_label("账号")).to_be_visible()
        assert await wall.evaluate("document.querySelectorAll('video').length") == 0
        await log_in(wall, server)
        await server.send(board(story))


@pytest.mark.parametrize("how", ["left", "cut_off"])
async def test_who_led_and_is_out_is_back_at_the_wall(
    wall: Page, server: StandIn, story: Story, other_end: OtherEnd, how: str
) -> None:
    """By the server's word: without a seat, or when the customer gets a fresh call; no result is owed."""
    await watch(wall, server, story, other_end)
    await server.send(state_of(story, SeatMode.TALKING, host=BOSS_SEAT))
    await expect(wall.locator("call-view")).to_be_visible()
    if how == "left":
        await server.send(state_of(story, SeatMode.TALKING, seat=None, host=None, parties=()))
    else:
        over = {"reason": "interrupted", "host": BOSS_SEAT}
        await server.send(state_of(story, SeatMode.TALKING, CallPhase.ENDED, **over))
        words = wall.get_by_role("status").filter(has_text="按规定重新接通")
        await expect(words).to_be_visible()
    await expect(wall.get_by_role("heading", name="排队客户")).to_be_visible()
