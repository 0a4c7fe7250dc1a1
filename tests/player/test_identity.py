"""What the auditor reads about who the customer is: the identity checks, one by one."""

import time

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from contract.identity_facts import ChecksLocked, SelfChecked, SelfCheckStarted
from contract.phases import CasePhase, CheckVerdict, EvidenceKind, LivenessKind, WatchEvent
from tests.agent_console import identity_story as told
from tests.agent_console.stand_in import StandIn
from tests.agent_console.story import Story
from tests.agent_console.test_check_screens import LINES
from tests.browser import Watched, shoot, watched_page
from tests.player.test_screens import add_case, at_second, open_case, ready_to_play

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def judged(server: StandIn) -> Story:
    """A case in which every check of identity was made."""
    story = Story()
    story.open()
    story.tell(SelfCheckStarted(first := told.new_check(), 1, "https://bank.example/back"))
    story.tell(SelfChecked(first, CheckVerdict.FAILED, 2))
    story.answer()
    for kind in (EvidenceKind.ID_CARD, EvidenceKind.FACE_STILL):
        story.ask(kind)
        story.store(kind)
    told.keep(story, EvidenceKind.REFERENCE)
    told.read(story)
    check = told.read(story)
    told.correct(story, check, "number", "330106199003070O24", "330106199003070024")
    told.judge(story, check, "name_differs", "back_missing")
    told.compared(story)
    told.source(story)
    told.measured(story, told.started(story, LivenessKind.PASSIVE))
    gestures = told.started(story, LivenessKind.GESTURES)
    for attempt in (1, 2):
        told.drawn(story, gestures, attempt)
        told.asked(story, gestures, 1, attempt)
        told.tried(story, gestures, 1)
        told.tried(story, gestures, 2, "wrong_gesture" if attempt == 1 else "timeout")
    told.ended(story, gestures, told.REVIEW, "agent_decides")
    told.overruled(story, gestures, told.PASSED, "客户听错，随后做对")
    told.lit(story, told.started(story, LivenessKind.LIGHT))
    told.answered(story, told.question(story, "示例超市 -88.00"), told.PASSED, "说得出金额")
    told.entered(story, told.code(story, time.time() + 600), 0, right=True)
    told.outside(story)
    told.watched(story, WatchEvent.SECOND_FACE)
    told.watched(story, WatchEvent.ENDED_SECOND_FACE)
    told.watched(story, WatchEvent.DIFFERENT_PERSON)
    story.tell(ChecksLocked("gestures", story.at + 86_400))
    story.finish()
    told.decided(story)
    story.archive()
    add_case(server, story, CasePhase.UNDER_AUDIT)
    return story


@pytest.fixture
def checked(server: StandIn) -> Story:
    """Such a case, under audit on the server."""
    return judged(server)


def card(page: Page, name: str) -> Locator:
    """Return a card of the findings by its heading."""
    return page.locator("findings-panel").get_by_role("region", name=name, exact=True)


async def show(shown: Locator, name: str) -> None:
    """Keep a picture of the screen with a card at its top."""
    await shown.evaluate("(one) => one.scrollIntoView({block: 'start'})")
    await shoot(shown.page, name)


async def test_a_document_shows_what_was_read_and_what_was_made_of_it(
    watched: Watched, server: StandIn, checked: Story
) -> None:
    """Field by field with confidence; a correction with both values, who and when; what disagrees."""
    page = watched.page
    await open_case(page, server, checked)
    document = card(page, "证件核验")
    await expect(document.locator("[data-field=name]")).to_contain_text("李静怡99%")
    number = document.locator("[data-field=number]")
    await expect(number.locator("s")).to_have_text("330106199003070O24")
    await expect(number.locator("strong")).to_have_text("330106199003070024")
    for width in (1440, 390):
        await page.set_viewport_size({"width": width, "height": 900})
        for read in (number.locator("s"), number.locator("strong")):
            assert await read.evaluate(LINES) == 1
    await page.set_viewport_size({"width": 1440, "height": 900})
    await expect(document).to_contain_text("王晓明 更正「证件号码」：330106199003070O24 → 330106199003070024")
    await expect(document).to_contain_text("这一面共读取 2 次")
    for words in (
        "姓名与填写内容不一致",
        "背面尚未读取",
        "屏幕或印刷网纹 0.70",
        "mobilefacenet.onnx",
        "反光",
    ):
        await expect(document).to_contain_text(words)
    await show(document, "player-document")


async def test_portraits_and_liveness_show_their_numbers(
    watched: Watched, server: StandIn, checked: Story
) -> None:
    """Scores with thresholds and what these stand for; every try of the gestures; the colours shown."""
    page = watched.page
    await open_case(page, server, checked)
    portraits = card(page, "人像比对")
    await expect(portraits.locator(".pair-row")).to_have_count(3)
    await expect(portraits).to_contain_text("通过阈值 0.43 · 人工阈值 0.36")
    await portraits.get_by_text("这个阈值意味着什么").click()
    await expect(portraits).to_contain_text("88,700 对不同的人")
    await expect(card(page, "人证比对")).to_have_count(0)
    liveness = card(page, "活体检测")
    passive = liveness.get_by_role("region", name="静默活体")
    await expect(passive).to_contain_text("12 帧中位数 0.93，离散 0.05")
    gestures = liveness.get_by_role("region", name="动作活体")
    await expect(gestures.locator(".gestures")).to_have_count(2)
    for words in (
        "第 1 轮，每个动作 20 秒",
        "第 2 轮",
        "先做了别的动作",
        "超时",
        "王晓明 判定：客户听错，随后做对",
        "模型 yunet.onnx efefefef",
        "face_landmarker.task",
    ):
        await expect(gestures).to_contain_text(words)
    await expect(gestures.locator(".badge")).to_have_text("通过")
    await expect(gestures).to_contain_text("检测结果：需人工复核")
    light = liveness.get_by_role("region", name="炫光活体")
    await expect(light).to_contain_text("相关 0.31，增益 0.011，延迟 0.20 秒，背景 0.10，150 帧")
    await expect(light.locator(".colour")).to_have_count(16)
    await expect(light).to_contain_text("不代表有问题")
    await expect(light).to_contain_text("yunet.onnx")
    await show(liveness, "player-liveness")


async def test_the_picture_is_told_as_advice_and_found_in_the_recording(
    watched: Watched, server: StandIn, checked: Story
) -> None:
    """A second face with its length, another person to the end; signs as advice; a time plays from there."""
    page = watched.page
    await open_case(page, server, checked)
    await ready_to_play(page)
    picture = card(page, "画面中的人与画面来源")
    first, second = picture.locator(".spells li").nth(0), picture.locator(".spells li").nth(1)
    await expect(first).to_contain_text("画面中出现第二张人脸")
    await expect(first).to_contain_text("持续")
    await expect(second).to_contain_text("可能换了人")
    await expect(second).to_contain_text("直到结束")
    await expect(picture.locator(".hashes code")).to_have_count(1)
    for words in ("虚拟摄像头名称 0.90", "画面过于均匀 0.30", "未见迹象：循环播放", "不作为拒绝依据"):
        await expect(picture).to_contain_text(words)
    start = next(entry.at for entry in checked.entries if entry.name == "CallAdvanced")
    said = next(entry for entry in checked.entries if entry.name == "PersonWatched").fact
    await first.get_by_role("button").click()
    await at_second(page, min(said.at - start, 30))  # type: ignore[attr-defined]
    await expect(page.locator(".mark.people.warn").first).to_be_visible()


async def test_answers_and_the_decision_can_be_followed(
    watched: Watched, server: StandIn, checked: Story
) -> None:
    """Questions with what the bank knew, codes masked, the raw answer, self-service, decision, locks."""
    page = watched.page
    await open_case(page, server, checked)
    questions = card(page, "问答核验")
    for words in (
        "对方是谁",
        "who was it with",
        "示例超市 -88.00",
        "说得出金额",
        "从 2 题中抽取",
        "答对",
        "王晓明",
    ):
        await expect(questions).to_contain_text(words)
    await expect(card(page, "验证码")).to_contain_text("短信 138****5678")
    await expect(card(page, "验证码")).to_contain_text("用了 1 次，共 3 次")
    outside = card(page, "外部数据源")
    await expect(outside).to_contain_text("公民身份信息")
    await expect(outside).to_contain_text("已证实：姓名、证件号码")
    decision = card(page, "系统决定")
    await show(decision, "player-decision")
    for words in (
        "可开 III 类户",
        "余额不超过 2,000 元",
        "动作活体：柜员判定",
        "人脸归属：缺少",
        "「动作活体」已达允许次数",
    ):
        await expect(decision).to_contain_text(words)
    rows = card(page, "核验结果").locator("tbody tr")
    names = (
        "银行应用内人脸核验",
        "证件核验",
        "人像比对",
        "静默活体",
        "动作活体",
        "炫光活体",
        "问答核验",
        "验证码",
        "公民身份信息",
    )
    await expect(rows.filter(has_text="静默活体")).to_contain_text("12 帧中位数 0.93")
    for name in names:
        await expect(rows.filter(has_text=name).first).to_be_visible()
    await watched.require_names()
    await watched.require_fit()
    await show(outside, "player-outside")


async def test_an_answer_as_it_came_is_a_file_and_no_picture(
    watched: Watched, server: StandIn, checked: Story
) -> None:
    """What a source sent is read, not looked at."""
    page = watched.page
    evidence = told.answer_kept(checked)
    await open_case(page, server, checked)
    link = card(page, "证据照片").get_by_role("link", name="外部数据源答复")
    await expect(link).to_have_attribute("href", f"/api/cases/{checked.case}/files/evidence/{evidence}.json")
    await expect(card(page, "证据照片").get_by_role("img", name="外部数据源答复")).to_have_count(0)
    await expect(page.locator("fact-list")).to_contain_text("证据入库：外部数据源答复 1 KB（由系统存入）")


async def test_a_case_without_such_checks_shows_none_of_it(watched: Watched, server: StandIn) -> None:
    """Older cases keep their page."""
    story = Story()
    story.open()
    story.answer()
    story.checks()
    story.finish()
    story.archive()
    add_case(server, story, CasePhase.UNDER_AUDIT)
    await open_case(watched.page, server, story)
    await expect(card(watched.page, "人证比对")).to_contain_text("0.731")
    for name in ("证件核验", "人像比对", "活体检测", "画面中的人与画面来源", "系统决定"):
        await expect(card(watched.page, name)).to_have_count(0)


@pytest.mark.parametrize("width", [1440, 1280, 390])
async def test_the_findings_fit_in_english(
    browser: Browser, server: StandIn, checked: Story, width: int
) -> None:
    """Nothing is cut off at a desk's sizes or on a phone; every word is English."""
    async with watched_page(browser, (width, 844 if width < 600 else 900), "en") as watched:
        page = watched.page
        await page.goto(f"{server.url}/audit/#{checked.case}")
        await page.get_by_label("Login").fill("auditor1")
        await page.get_by_label("Password").fill("teller-demo")
        await page.get_by_role("button", name="Log in", exact=True).click()
        await ready_to_play(page)
        await expect(card(page, "Liveness")).to_contain_text("Median 0.93 of 12 pictures")
        await watched.require_fit()
        table = card(page, "Checks").locator(".scroll-x")
        assert await table.evaluate("(one) => one.scrollWidth <= one.clientWidth"), "verdicts out of sight"
        if width == 390:
            await shoot(page, "player-identity-en-390", whole=True)
        text = await page.locator("findings-panel").inner_text()
        assert "undefined" not in text and "{" not in text
