"""The auditor's screens, driven in Chromium."""

import dataclasses
import re
import time

import pytest
from playwright.async_api import Browser, Page, expect

from contract.facts import (
    AuditReopened,
    AuditSigned,
    CaseAdvanced,
    ClockStepped,
    OverrideProposed,
    seal_entry,
)
from contract.phases import CasePhase, Verdict
from contract.ports import CaseSummary, Job
from tests.agent_console.stand_in import PASSWORD, StandIn
from tests.agent_console.story import (
    AGENT,
    AGENT_NAME,
    AUDITOR,
    CUSTOMER_NAME,
    MANIFEST,
    START,
    TENANT,
    Story,
    whole_story,
)
from tests.browser import Watched, shoot, wait_until, watched_page

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def summary(story: Story, phase: CasePhase, name: str = CUSTOMER_NAME) -> CaseSummary:
    """Return a row of the list."""
    done = phase is not CasePhase.IN_CALL
    return CaseSummary(
        story.case, TENANT, phase, "account_opening", "default", name, START, START, len(story.entries),
        agent=AGENT, agent_name=AGENT_NAME, call=story.call, call_end="agent_hung_up" if done else "",
        call_s=28.0 if done else None, outcome="passed" if done else "",
        face_verdict="passed" if done else "", face_score=0.731,
    )  # fmt: skip


def merging(story: Story, progress: float, note: str, state: str = "running") -> Job:
    """Return the merge job as the worker reports it, a minute after it began."""
    now = time.time()
    return Job(
        story.job, "merge", story.case, state, 1, 5, progress, note, "", START,
        started_at=now - 60, lease_until=now + 60,
    )  # fmt: skip


def add_case(server: StandIn, story: Story, phase: CasePhase, name: str = CUSTOMER_NAME) -> CaseSummary:
    """Put a case on the server."""
    row = summary(story, phase, name)
    server.cases.append(row)
    server.stories[story.case] = story
    return row


async def log_in(page: Page, server: StandIn, path: str = "/audit/", password: str = PASSWORD) -> None:
    """Fill in the login."""
    await page.goto(f"{server.url}{path}")
    await page.get_by_label("账号").fill("auditor1")
    await page.get_by_label("密码").fill(password)
    await page.get_by_role("button", name="登录", exact=True).click()


async def open_case(page: Page, server: StandIn, story: Story) -> None:
    """Log in straight to a case and wait until its recording can be played."""
    await log_in(page, server, f"/audit/#{story.case}")
    await expect(page.get_by_role("heading", name=CUSTOMER_NAME)).to_be_visible()


async def at_second(page: Page, second: float) -> None:
    """Wait until playback stands at ``second``."""
    await wait_until(page, f"Math.abs(document.querySelector('video').currentTime - {second}) < 0.3")


async def ready_to_play(page: Page) -> None:
    """Wait for the recording's length."""
    await wait_until(page, "document.querySelector('video')?.duration > 29")


@pytest.fixture
def audited(server: StandIn) -> Story:
    """A case under audit on the server."""
    story = whole_story()
    add_case(server, story, CasePhase.UNDER_AUDIT)
    return story


async def test_list_is_searched_and_filtered(watched: Watched, server: StandIn, audited: Story) -> None:
    """Words and every filter go to the server; nothing found is said; a filter is cleared at once."""
    reasons = ("", "prompting", "customer_left")
    for number, phase in enumerate((CasePhase.APPROVED, CasePhase.REJECTED, CasePhase.ABORTED)):
        row = add_case(server, whole_story(), phase, ("张伟", "赵敏", "孙小雨")[number])
        server.cases[-1] = dataclasses.replace(row, reason=reasons[number], gap_s=3.5 * number)
    page = watched.page
    await log_in(page, server)
    await expect(page.get_by_role("link", name=CUSTOMER_NAME)).to_be_visible()
    count = page.locator(".list-head [role=status]")
    await expect(count).to_have_text("4 个案件")
    await watched.require_names()
    await shoot(page, "player-list")
    await page.keyboard.press("/")
    await page.keyboard.type("张")
    await expect(page.get_by_role("link", name=CUSTOMER_NAME)).to_have_count(0)
    await expect(page.get_by_role("link", name="张伟")).to_be_visible()
    await page.get_by_label("按状态筛选").select_option("rejected")
    await expect(page.get_by_text("没有符合条件的案件")).to_be_visible()
    asked = server.queries[-1]
    assert (asked["text"], asked["phases"], asked["since"]) == ("张", ["rejected"], None)
    await page.get_by_role("button", name="清除筛选").click()
    await expect(count).to_have_text("4 个案件")
    await page.get_by_label("按原因筛选").select_option("customer_left")
    await page.get_by_label("按柜员筛选").select_option(AGENT)
    await page.get_by_label("按时间筛选").select_option("/")
    await page.get_by_label("起始日期").fill("2026-09-01")
    await page.get_by_label("截止日期").fill("2026-09-30")
    await page.get_by_role("button", name="有缺口").click()
    await expect(page.get_by_role("link", name="孙小雨")).to_be_visible()
    await expect(count).to_have_text("1 个案件")
    asked = await server.asked(lambda query: query["flags"] == ["gaps"])
    assert asked["agent"] == AGENT
    assert asked["until"] - asked["since"] == 30 * 86_400
    await watched.require_fit()
    await shoot(page, "player-search")


async def test_pages_are_turned_by_keys(watched: Watched, server: StandIn, audited: Story) -> None:
    """N and P turn pages, J and K go from row to row; what is not counted is said."""
    server.page, server.counted = 3, 5
    for number in range(6):
        add_case(server, whole_story(), CasePhase.APPROVED, f"客户{number}")
    page = watched.page
    await log_in(page, server)
    count = page.locator(".list-head [role=status]")
    await expect(count).to_have_text("超过 5 个案件")
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await expect(page.get_by_role("link", name="客户0")).to_be_focused()
    await page.keyboard.press("k")
    await expect(page.get_by_role("link", name=CUSTOMER_NAME)).to_be_focused()
    await page.keyboard.press("n")
    await expect(page.get_by_role("link", name="客户2")).to_be_visible()
    await expect(page.locator(".pages")).to_contain_text("第 51–53 个")
    await expect(count).to_have_text("超过 5 个案件")
    await page.keyboard.press("n")
    await expect(page.get_by_role("button", name="较早")).to_be_disabled()
    await page.get_by_role("button", name="较新").click()
    await page.keyboard.press("p")
    await expect(page.get_by_role("link", name=CUSTOMER_NAME)).to_be_visible()


async def test_views_are_saved_and_deleted_with_a_way_back(
    watched: Watched, server: StandIn, audited: Story
) -> None:
    """A view keeps filters under a name, without words; what was deleted comes back by one click."""
    add_case(server, whole_story(), CasePhase.APPROVED, "张伟")
    page = watched.page
    await log_in(page, server)
    await page.get_by_role("searchbox").fill("李")
    await page.get_by_label("按状态筛选").select_option("under_audit")
    await page.get_by_role("button", name="保存为视图").click()
    await page.get_by_label("视图名称").fill("待我审核")
    await page.keyboard.press("Enter")
    view = page.get_by_role("button", name="待我审核", exact=True)
    await expect(view).to_be_visible()
    assert [kept["name"] for kept in server.views] == ["待我审核"]
    assert server.views[0]["filters"]["phases"] == ["under_audit"]
    assert "李" not in str(server.views)
    await page.get_by_role("button", name="清除筛选").click()
    await expect(page.get_by_role("link", name="张伟")).to_be_visible()
    await view.click()
    await expect(view).to_have_attribute("aria-pressed", "true")
    await expect(page.get_by_role("link", name="张伟")).to_have_count(0)
    await page.get_by_role("button", name="删除视图「待我审核」").click()
    await expect(view).to_have_count(0)
    await watched.require_names()
    await page.get_by_role("button", name="撤销").click()
    await expect(view).to_be_visible()
    assert [kept["name"] for kept in server.views] == ["待我审核"]


async def test_wrong_password_is_told_in_words(watched: Watched, server: StandIn) -> None:
    """A refused login says why."""
    watched.expected = ("401",)  # Chromium prints every 401 answer
    await log_in(watched.page, server, password="wrong")
    await expect(watched.page.get_by_role("alert").first).to_contain_text("账号或密码不正确")


async def test_nothing_is_shown_before_a_reason_is_given(
    watched: Watched, server: StandIn, audited: Story
) -> None:
    """Integrity first, then the reason; then the recording with the viewer's name, and what is left."""
    page = watched.page
    server.viewing |= {
        "viewing_until": 0.0,
        "left": [{"since_s": 4, "until_s": 9, "seqs": [1]}],
        "seen": [{"since_s": 0, "until_s": 4}],
    }
    await open_case(page, server, audited)
    gate = page.locator("viewing-gate")
    await expect(page.locator("integrity-badge")).to_contain_text("记录完整，已核验")
    await expect(gate).to_be_visible()
    await expect(page.locator("record-player")).to_be_hidden()
    assert not [url for url in watched.requests if "/files/" in url]
    await watched.require_names()
    await shoot(page, "player-reason")
    await gate.get_by_label("其他原因").check()
    await gate.get_by_role("button", name="打开记录").click()
    assert server.posted == []
    await gate.get_by_label("说明").fill("监管来函 12 号")
    await gate.get_by_role("button", name="打开记录").click()
    await ready_to_play(page)
    assert server.posted == [("viewings", {"reason": "other", "note": "监管来函 12 号"})]
    await expect(page.locator("view-watermark")).to_contain_text("陈审核 · ")
    await expect(page.locator("view-watermark")).to_contain_text(audited.case)
    assert await page.locator(".stretches .left").count() == 1
    await page.keyboard.press(" ")
    await wait_until(page, "document.querySelector('video').currentTime > 0.8")
    async with page.expect_response("**/watched"):
        await page.keyboard.press("k")
    what, told = server.posted[-1]
    assert what == "watched"
    (span,) = told["spans"]
    assert span["since_s"] < 0.3
    assert span["until_s"] > 0.7


async def test_pictures_open_with_the_name_of_who_looks(
    watched: Watched, server: StandIn, audited: Story
) -> None:
    """Stills, cards and portraits bear the film's mark when they are large, on the picture, not beside it."""
    page = watched.page
    await open_case(page, server, audited)
    thumbs = page.locator(".gallery .thumb")
    await expect(thumbs).to_have_count(3)
    for thumb in await thumbs.all():
        await thumb.click()
        mark = page.locator("dialog.zoom view-watermark")
        await expect(mark).to_contain_text("陈审核 · ")
        await expect(mark).to_contain_text(audited.case)
        await wait_until(page, "document.querySelector('dialog.zoom img').naturalWidth > 0")
        wider = (
            "document.querySelector('.zoom-picture').offsetWidth - document.querySelector('.zoom img').width"
        )
        assert await page.evaluate(wider) == 0
        await shoot(page, "player-picture")
        await page.keyboard.press("Escape")
        await expect(mark).to_have_count(0)


async def test_case_page_says_trust_first(watched: Watched, server: StandIn, audited: Story) -> None:
    """Integrity, recording, checks with model hash, evidence and story stand on the page."""
    page = watched.page
    await open_case(page, server, audited)
    badge = page.locator("integrity-badge")
    await expect(badge).to_contain_text("记录完整，已核验")
    await expect(badge).to_contain_text(f"{len(audited.entries)} 条，服务已校验")
    await expect(badge).to_contain_text("27 个文件一致")
    await expect(badge).to_contain_text("0.42 秒")
    await expect(badge).to_contain_text("时钟误差0 秒，未被调整")
    await expect(page.locator("gap-ledger details")).not_to_have_attribute("open", "")
    await expect(page.locator("gap-ledger")).to_contain_text("2 个步骤中 2 个录制完整")
    await expect(page.locator("findings-panel")).to_contain_text("0.731（阈值 0.52）")
    await expect(page.locator("findings-panel")).to_contain_text("b7120c095d60094f")
    await expect(page.locator(".gallery li")).to_have_count(3)
    await expect(page.locator("fact-list")).to_contain_text("好的，稍等")
    await ready_to_play(page)
    await wait_until(page, "[...document.images].every((one) => one.naturalWidth > 0)")
    await page.evaluate("document.querySelector('video').currentTime = 12")
    await at_second(page, 12)
    await watched.require_names()
    await watched.require_fit()
    await shoot(page, "player-case")
    await shoot(page, "player-case-whole", whole=True)


async def test_an_incomplete_step_is_said_before_the_verdict(watched: Watched, server: StandIn) -> None:
    """A verified record of which a mandatory step is missing says so, names it, and opens its ledger."""
    story = whole_story(lost_s=3.2)
    for seconds in (1.5, -7.25, 0.0):
        story.tell(ClockStepped(story.call, seconds))
    add_case(server, story, CasePhase.UNDER_AUDIT)
    page = watched.page
    await open_case(page, server, story)
    badge, ledger = page.locator("integrity-badge"), page.locator("gap-ledger")
    await expect(badge).to_contain_text("必办步骤录制不完整")
    await expect(badge).to_contain_text("拍摄现场人像")
    await expect(badge).to_contain_text("时钟误差7.25 秒")
    await expect(ledger.get_by_role("row").filter(has_text="拍摄现场人像")).to_contain_text("3.2 秒")
    await expect(ledger.locator(".badge.bad")).to_have_text("不完整")
    await expect(ledger.locator(".lane")).to_have_count(4)
    await expect(ledger.locator(".lane").first).to_contain_text("丢失 3.2 秒")
    await watched.require_names()
    await watched.require_fit()
    await shoot(page, "player-gaps", whole=True)


async def test_a_marker_jumps_to_its_second(watched: Watched, server: StandIn, audited: Story) -> None:
    """Second 0 is the moment the call became active; a marker and a line of the story lead there."""
    page = watched.page
    await open_case(page, server, audited)
    await ready_to_play(page)
    active = next(entry.at for entry in audited.entries if entry.name == "CallAdvanced")
    compared = next(entry.at for entry in audited.entries if entry.name == "FacesCompared") - active
    await page.locator(".mark.check.good").last.click()
    await at_second(page, compared)
    await expect(page.locator(".fact.current")).to_contain_text("人脸比对")
    said = next(entry.at for entry in audited.entries if entry.name == "ChatSaid") - active
    await page.get_by_role("button", name="请把身份证正面对准手机").last.click()
    await at_second(page, said)


async def test_keyboard_plays_and_jumps(watched: Watched, server: StandIn, audited: Story) -> None:
    """Space plays and pauses, arrows go 5 s, J and L go 10 s, K pauses; in a text field they write."""
    page = watched.page
    await open_case(page, server, audited)
    await ready_to_play(page)
    await page.keyboard.press("l")
    await at_second(page, 10)
    await page.keyboard.press("ArrowRight")
    await at_second(page, 15)
    await page.keyboard.press("ArrowLeft")
    await page.keyboard.press("j")
    await at_second(page, 0)
    await page.keyboard.press(" ")
    await wait_until(page, "document.querySelector('video').currentTime > 0.4")
    await page.keyboard.press("k")
    await wait_until(page, "document.querySelector('video').paused")
    await page.get_by_label("播放速度").select_option("2")
    assert await page.evaluate("document.querySelector('video').playbackRate") == 2
    await page.get_by_label("理由").fill("")
    await page.get_by_label("理由").press("l")
    await expect(page.get_by_label("理由")).to_have_value("l")


async def test_merge_is_watched_until_it_can_be_played(watched: Watched, server: StandIn) -> None:
    """While the worker works the page shows its note and percentage, then the recording by itself."""
    page, story = watched.page, Story()
    story.open()
    story.answer()
    story.checks()
    story.finish()
    row = add_case(server, story, CasePhase.AGENT_DONE)
    server.jobs = [merging(story, 0.37, "merging")]
    await open_case(page, server, story)
    await expect(page.locator("merge-progress")).to_contain_text("37 %")
    await expect(page.locator("merge-progress")).to_contain_text(re.compile(r"约剩 [1-9]:\d\d$"))
    await expect(page.locator("merge-progress")).to_contain_text("合成画面与声音")
    await expect(page.locator("integrity-badge")).to_contain_text("尚未核验")
    await expect(page.locator("record-player")).to_be_hidden()
    await expect(page.get_by_text("案件当前为「柜员已办结」")).to_be_visible()
    await expect(page.locator("verdict-form").get_by_role("button", name="通过")).to_be_disabled()
    await shoot(page, "player-merging")
    server.jobs = [merging(story, 0.93, "archiving")]
    await expect(page.locator("merge-progress")).to_contain_text("93 %")
    story.archive()
    server.cases = [dataclasses.replace(row, phase=CasePhase.UNDER_AUDIT)]
    server.jobs = [merging(story, 1.0, "", "done")]
    await expect(page.locator("record-player")).to_be_visible()
    await expect(page.locator("merge-progress")).to_be_hidden()
    await ready_to_play(page)
    await expect(page.locator("verdict-form").get_by_role("button", name="通过")).to_be_enabled()


async def test_failed_merge_is_said(watched: Watched, server: StandIn) -> None:
    """A dead job is shown as failed, not as work in progress."""
    story = Story()
    story.open()
    story.answer()
    story.finish()
    add_case(server, story, CasePhase.AGENT_DONE)
    server.jobs = [merging(story, 0.2, "merging", "dead")]
    await open_case(watched.page, server, story)
    await expect(watched.page.locator("merge-progress")).to_contain_text("录像处理失败")


async def test_verdict_is_signed_with_a_reason(watched: Watched, server: StandIn, audited: Story) -> None:
    """No reason, no signature, none in one click; the seal shows who, when and on which manifest."""
    page = watched.page
    await open_case(page, server, audited)
    form = page.locator("verdict-form")
    await form.get_by_role("button", name="通过").click()
    await expect(page.get_by_label("理由")).to_be_focused()
    await page.get_by_label("理由").fill("人证一致，录像完整")
    signed = AuditSigned(AUDITOR, Verdict.APPROVED, "人证一致，录像完整", MANIFEST)
    before = list(audited.entries)
    await form.get_by_role("button", name="驳回").click()
    await expect(form.get_by_role("button", name="签署驳回")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.get_by_label("理由")).to_have_value("人证一致，录像完整")
    await form.get_by_role("button", name="通过").click()
    await expect(form.get_by_role("group", name="确认通过此案件？")).to_contain_text("人证一致，录像完整")
    await watched.require_fit()
    assert server.posted == []
    await form.get_by_role("button", name="签署通过").click()
    await expect(form.get_by_role("button", name="通过", exact=True)).to_be_enabled()
    assert server.posted == [(audited.case, {"verdict": "approved", "reason": "人证一致，录像完整"})]
    assert audited.entries == before
    audited.tell(signed, 60)
    audited.tell(CaseAdvanced(CasePhase.UNDER_AUDIT, CasePhase.APPROVED), 0)
    server.cases = [dataclasses.replace(server.cases[0], phase=CasePhase.APPROVED)]
    await page.reload()
    seal = page.locator(".seal")
    await expect(seal).to_contain_text("人证一致，录像完整")
    await expect(seal).to_contain_text("9f2c9f2c")
    await expect(page.get_by_label("理由")).to_be_hidden()
    await page.get_by_role("button", name="重开案件…").click()
    await page.get_by_label("重开原因").fill("客户投诉")
    await watched.require_fit()
    await shoot(page, "player-signed")
    await page.get_by_role("button", name="确认重开").click()
    await expect(page.get_by_role("button", name="确认重开")).to_be_enabled()
    assert server.posted[-1] == (audited.case, {"reason": "客户投诉"})
    audited.tell(AuditReopened(AUDITOR, "客户投诉", Verdict.APPROVED), 60)
    audited.tell(CaseAdvanced(CasePhase.APPROVED, CasePhase.UNDER_AUDIT), 0)
    audited.tell(OverrideProposed(AUDITOR, "已人工复核", ("check_failed", "step_incomplete"), MANIFEST), 60)
    server.cases = [dataclasses.replace(server.cases[0], phase=CasePhase.UNDER_AUDIT)]
    await page.reload()
    state = page.locator("audit-state")
    await expect(state).to_contain_text("案件已重开，原结论：通过")
    await expect(state).to_contain_text("有核验未通过")
    await expect(state).to_contain_text("须由第二位审核员确认")
    await expect(page.get_by_label("理由")).to_be_enabled()


async def test_agent_may_not_sign_his_own_case(watched: Watched, server: StandIn, audited: Story) -> None:
    """Maker and checker are two people: the form says so and stays closed."""
    server.cases = [dataclasses.replace(server.cases[0], agent=AUDITOR)]
    await open_case(watched.page, server, audited)
    await expect(watched.page.get_by_text("须由另一位审核员签署")).to_be_visible()
    await expect(watched.page.get_by_role("button", name="驳回")).to_be_disabled()


async def test_a_missing_fact_breaks_the_badge(watched: Watched, server: StandIn, audited: Story) -> None:
    """When an entry is left out, the chain no longer holds and the page warns against signing."""
    del audited.entries[7]
    await open_case(watched.page, server, audited)
    await expect(watched.page.locator("integrity-badge")).to_contain_text("记录不一致")
    await shoot(watched.page, "player-broken")


async def test_a_second_manifest_breaks_the_badge(watched: Watched, server: StandIn, audited: Story) -> None:
    """A signature bound to another manifest than the verified one is not accepted in silence."""
    last = audited.entries[-1]
    other = AuditSigned(AUDITOR, Verdict.APPROVED, "", "0" * 64)
    audited.entries.append(seal_entry(last.seq + 1, last.at, audited.case, other, last.hash))
    await open_case(watched.page, server, audited)
    await expect(watched.page.locator("integrity-badge")).to_contain_text("记录不一致")


async def test_unknown_case_is_said(watched: Watched, server: StandIn) -> None:
    """A link to a case that is not there says so."""
    watched.expected = ("404",)  # Chromium prints every 404 answer
    await log_in(watched.page, server, "/audit/#case-0000000000000000")
    await expect(watched.page.get_by_role("alert").first).to_contain_text("没有找到")


async def test_player_fits_a_phone_in_both_languages(
    browser: Browser, server: StandIn, audited: Story
) -> None:
    """At 390 pixels nothing scrolls sideways; English has all words."""
    async with watched_page(browser, (390, 844)) as watched:
        page = watched.page
        await log_in(page, server)
        await expect(page.get_by_role("link", name=CUSTOMER_NAME)).to_be_visible()
        await watched.require_fit()
        await shoot(page, "player-list-390")
        await page.get_by_role("link", name=CUSTOMER_NAME).click()
        await ready_to_play(page)
        await watched.require_fit()
        await shoot(page, "player-case-390", whole=True)
        await page.get_by_role("button", name="English").click()
        await expect(page.get_by_text("Record complete and verified")).to_be_visible()
        await ready_to_play(page)
        await watched.require_fit()
        assert await page.locator("body").inner_text() != ""
