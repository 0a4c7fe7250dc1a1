"""The identity checks on the agent's console, in Chromium, against the stand-in."""

import re
import time
from dataclasses import replace

import pytest
from playwright.async_api import Locator, Page, expect

from contract import wire
from contract.facts import RecorderTroubled, RecordingStarted, TrackResumed, TrackStalled
from contract.identity_facts import ReadField
from contract.ids import TrackId
from contract.phases import (
    CheckVerdict,
    CodeChannel,
    EvidenceKind,
    LivenessKind,
    Outcome,
    Role,
    TrackKind,
    TrackSource,
    WatchEvent,
)
from tests.agent_console import identity_story as told
from tests.agent_console.console import script_of, step
from tests.agent_console.stand_in import StandIn
from tests.agent_console.story import Story
from tests.browser import shoot

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

_CHECKS = {
    "document": ("核对证件", "Document"),
    "portraits": ("三方人像比对", "Portraits"),
    "passive": ("静默活体", "Passive liveness"),
    "gestures": ("动作活体", "Gestures"),
    "light": ("炫光活体", "Coloured light"),
    "questions": ("问答核验", "Questions"),
    "code": ("短信验证码", "One-time code"),
    "external_registry": ("联网核查", "Registry"),
}


def checks_of(story: Story, **states: str) -> wire.Script:
    """Return a script with a step for each check of identity, named after it."""
    steps = tuple(
        wire.StepSeen(check, zh, en, states.get(check, "open"), "", check, True, False, (), "")
        for check, (zh, en) in _CHECKS.items()
    )
    return replace(script_of(story), steps=steps)


async def tell(server: StandIn, story: Story, since: int) -> None:
    """Send what was added to the story."""
    await server.note(*story.entries[since:])


async def with_pictures(server: StandIn, story: Story) -> None:
    """Pictures of the card, the customer and a reference are there; the script names every check."""
    since = len(story.entries)
    for kind in (EvidenceKind.ID_CARD, EvidenceKind.FACE_STILL):
        story.ask(kind)
        story.store(kind)
    told.keep(story, EvidenceKind.REFERENCE)
    await tell(server, story, since)
    await server.send(checks_of(story))


async def test_a_document_is_read_and_a_field_corrected(call: Page, server: StandIn, story: Story) -> None:
    """Fields with confidence, what disagrees in words; a correction goes up and shows what was before."""
    await with_pictures(server, story)
    document = step(call, "document")
    await document.get_by_role("button", name="读取：身份证").first.click()
    await expect(document.locator("[data-key='read:id_card']")).to_contain_text("进行中")
    await expect(document.locator("[data-key='read:id_card']")).to_be_focused()
    asked = await server.wait_for(wire.ReadDocument)
    assert asked.evidence == story.pictures[EvidenceKind.ID_CARD]
    since = len(story.entries)
    check = told.read(story)
    await tell(server, story, since)
    await expect(document.locator("[data-key='read:id_card']")).to_have_text("读取：身份证")
    await expect(document.locator("[data-field=name]")).to_contain_text("99%")
    await expect(document.locator("[data-field=address]")).to_contain_text("未读到")
    for words in (
        "号码的校验码不符",
        "姓名与填写内容不一致",
        "性别与身份证号不一致",
        "背面尚未读取",
        "仅供参考",
        "反光",
    ):
        await expect(document).to_contain_text(words)
    number = document.locator("[data-field=number]")
    await number.get_by_role("button", name="更正：证件号码").press("Enter")
    field = document.get_by_label("更正：证件号码")
    await expect(field).to_be_focused()
    await field.fill("330106199003070024")
    await field.press("Enter")
    said = await server.wait_for(wire.CorrectField)
    assert (said.check, said.field, said.value) == (check, "number", "330106199003070024")
    since = len(story.entries)
    told.correct(story, check, "number", "330106199003070O24", said.value)
    told.judge(story, check)
    await tell(server, story, since)
    await expect(number).to_contain_text("原为：330106199003070O24")
    await expect(number).to_contain_text("已更正")
    await expect(document).not_to_contain_text("校验码不符")
    await expect(document).to_contain_text("仅供参考")


async def test_a_step_says_for_whom_it_waits(call: Page, server: StandIn, story: Story) -> None:
    """What is read or compared is not waited for; gestures and codes are the customer's."""
    await with_pictures(server, story)
    await server.send(checks_of(story, **dict.fromkeys(_CHECKS, "waiting")))
    for check, words in {
        "document": "读取中",
        "portraits": "核验中",
        "passive": "核验中",
        "gestures": "等待客户",
        "code": "等待客户",
        "external_registry": "核验中",
    }.items():
        await expect(step(call, check).locator(".step-state")).to_have_text(words)


async def test_escape_leaves_a_correction(call: Page, server: StandIn, story: Story) -> None:
    """Nothing is sent, and the focus is back on the button."""
    await with_pictures(server, story)
    since = len(story.entries)
    told.read(story)
    await tell(server, story, since)
    edit = step(call, "document").get_by_role("button", name="更正：姓名")
    await edit.click()
    await call.keyboard.press("Escape")
    await expect(edit).to_be_focused()
    assert not [one for one in server.got if isinstance(one, wire.CorrectField)]


async def test_errors_of_a_zone_are_told_and_taken_back(call: Page, server: StandIn, story: Story) -> None:
    """They are no field: words, and a button for who has looked."""
    await with_pictures(server, story)
    since = len(story.entries)
    fields = (ReadField("surname", "LI", 0.9), ReadField("zone_errors", "number_check sex", 1.0))
    told.read(story, side="zone", fields=fields)
    await tell(server, story, since)
    errors = step(call, "document").locator("[data-field=zone_errors]")
    await expect(errors).to_contain_text("机读区：号码校验位不符")
    await errors.get_by_role("button", name="已目视核对").click()
    said = await server.wait_for(wire.CorrectField)
    assert (said.field, said.value) == ("zone_errors", "")


async def test_three_pictures_are_compared_side_by_side(call: Page, server: StandIn, story: Story) -> None:
    """Each pair with its score; the threshold is told with what it stands for; all three open large."""
    await with_pictures(server, story)
    portraits = step(call, "portraits")
    await portraits.get_by_role("button", name="立即再拍一张现场人像").click()
    more = await server.wait_for(wire.RequestStill)
    assert (more.kind, more.at_once) == (EvidenceKind.FACE_STILL, True)
    await portraits.get_by_role("button", name="比对照片").click()
    asked = await server.wait_for(wire.ComparePortraits)
    assert asked.reference == story.pictures[EvidenceKind.REFERENCE]
    await expect(portraits.locator("[data-key=portraits]")).to_have_attribute("aria-disabled", "true")
    await server.note(told.compared(story))
    await expect(portraits.locator(".pair-row")).to_have_count(3)
    await expect(portraits.locator(".pair-row").nth(0)).to_contain_text("证件–现场0.612")
    await expect(portraits.locator(".pair-row").nth(2)).to_contain_text("参考照片上没有找到人脸")
    best, unused = portraits.locator(".stills li").nth(0), portraits.locator(".stills li").nth(1)
    await expect(best).to_contain_text("最好的一张")
    await expect(best).to_contain_text("瞳距 74 像素，偏转 5°，清晰度 120，亮度 131，与证件相似度 0.612")
    await expect(unused).to_contain_text("未采用： 侧脸")
    await portraits.get_by_text("这个阈值意味着什么").click()
    await expect(portraits).to_contain_text(
        "88,700 对不同的人（东亚姓名的人）中，有 7 对被当成同一人：0.0079%"
    )
    await expect(portraits).to_contain_text("990 对同一人")
    await portraits.get_by_role("button", name="并排放大").click()
    large = call.get_by_role("dialog", name="人像并排对照")
    await expect(large.get_by_role("img")).to_have_count(3)
    await shoot(call, "agent-portraits-large")
    await call.keyboard.press("Escape")
    await expect(large).to_have_count(0)


async def test_gestures_are_started_followed_and_overruled(call: Page, server: StandIn, story: Story) -> None:
    """Where it is, what was seen and why not; the agent's word needs a reason."""
    await with_pictures(server, story)
    gestures = step(call, "gestures")
    await gestures.get_by_label("每个动作多给时间").check()
    await gestures.get_by_role("button", name="开始：动作活体").click()
    asked = await server.wait_for(wire.StartLiveness)
    assert (asked.kind, asked.elder) == (LivenessKind.GESTURES, True)
    since = len(story.entries)
    check = told.started(story, LivenessKind.GESTURES)
    await tell(server, story, since)
    await expect(gestures.get_by_role("status")).to_contain_text("等待客户准备好")
    await expect(step(call, "light").get_by_role("button", name="开始：炫光活体")).to_be_disabled()
    since = len(story.entries)
    told.drawn(story, check)
    told.asked(story, check, 1)
    told.tried(story, check, 1)
    told.asked(story, check, 2)
    await tell(server, story, since)
    await expect(gestures).to_contain_text("点头：第 2/3 个，第 1/3 轮")
    await expect(gestures.get_by_role("progressbar")).to_be_visible()
    await expect(gestures.locator(".gestures li")).to_have_text(
        ["向左转头已完成", "●点头正在做", "○朗读数字 4071待做"]
    )
    await server.note(told.tried(story, check, 2), told.asked(story, check, 3))
    await expect(gestures.locator("p", has_text="客户朗读，请您听")).to_contain_text("4071")
    await server.note(
        told.tried(story, check, 3, "not_in_step"), told.ended(story, check, told.REVIEW, "not_in_step")
    )
    await expect(gestures).to_contain_text("声音与口型不同步")
    await expect(gestures.locator(".gestures li").last).to_contain_text(
        "约 4 个音节，口型幅度 0.21，同步 0.74"
    )
    await expect(gestures.locator(".gestures li").last).to_contain_text("机器不识别")
    await expect(gestures).to_contain_text("需人工复核")
    await gestures.get_by_role("button", name="判定通过", exact=True).click()
    assert not [one for one in server.got if isinstance(one, wire.DecideChallenge)]
    await gestures.get_by_label("理由（必填）").fill("客户听错，随后做对")
    await gestures.get_by_role("button", name="判定通过", exact=True).click()
    said = await server.wait_for(wire.DecideChallenge)
    assert (said.check, said.verdict, said.reason) == (check, CheckVerdict.PASSED, "客户听错，随后做对")
    await server.note(told.overruled(story, check, told.PASSED, said.reason))
    await expect(gestures.locator("[role=status]")).to_contain_text("王晓明 判定：客户听错，随后做对")


async def test_passive_and_light_tell_their_figures(call: Page, server: StandIn, story: Story) -> None:
    """Median against threshold; the light's correlation, and that sunlight accuses nobody."""
    await with_pictures(server, story)
    since = len(story.entries)
    told.measured(story, told.started(story, LivenessKind.PASSIVE))
    told.lit(story, told.started(story, LivenessKind.LIGHT))
    await tell(server, story, since)
    await expect(step(call, "passive")).to_contain_text("12 帧中位数 0.93")
    await expect(step(call, "light")).to_contain_text("相关 0.31")
    await expect(step(call, "light")).to_contain_text("不代表有问题")


async def test_a_question_is_drawn_and_judged(call: Page, server: StandIn, story: Story) -> None:
    """The words in both languages, what the bank knows, verdict and note."""
    await with_pictures(server, story)
    questions = step(call, "questions")
    await questions.get_by_role("button", name="抽取问题").click()
    await server.wait_for(wire.DrawQuestion)
    since = len(story.entries)
    check = told.question(story, "示例超市 -88.00")
    await tell(server, story, since)
    for words in ("对方是谁", "who was it with", "示例超市 -88.00"):
        await expect(questions).to_contain_text(words)
    await questions.get_by_label("备注（选填）").fill("说得出金额")
    await questions.get_by_role("button", name="答对").click()
    said = await server.wait_for(wire.JudgeQuestion)
    assert (said.check, said.verdict, said.note) == (check, CheckVerdict.PASSED, "说得出金额")
    await server.note(told.answered(story, check, told.PASSED, said.note))
    await expect(questions.locator(".asked-list li")).to_contain_text("答对")
    await expect(questions.get_by_role("button", name="下一题")).to_be_visible()


async def test_signs_of_prompting_stand_at_the_question_with_the_way_out(
    call: Page, server: StandIn, story: Story
) -> None:
    """What was seen, in numbers, as advice; one click opens the form with that reason, and sends nothing."""
    since = len(story.entries)
    check = told.question(story)
    told.answered(story, check, told.REVIEW)
    told.prompted(story, check)
    other = told.question(story)
    told.answered(story, other, told.PASSED)
    await tell(server, story, since)
    reason = wire.Choice("prompting", "疑似他人提示", "Somebody prompts the customer", Outcome.FAILED)
    await server.send(replace(checks_of(story), abort_reasons=(reason,)))
    suspected, plain = (step(call, "questions").locator(".asked-list > li").nth(n) for n in (0, 1))
    for words in (
        "11.2 秒后才作答（超过 8.0 秒）",
        "12 次观察中有 75% 视线偏离",
        "另一人声 1.9 秒（距离 3.14，阈值 2.40）",
        "第二张人脸 4.5 秒",
    ):
        await expect(suspected).to_contain_text(words)
    await expect(plain).not_to_contain_text("提示")
    await shoot(call, "agent-prompting")
    await suspected.get_by_role("button", name="疑似他人提示").click()
    await expect(call.locator("#finish-reason")).to_have_value("prompting")
    await expect(call.locator("input[name=outcome][value=failed]")).to_be_checked()
    assert not any(isinstance(message, wire.Finish) for message in server.got)


async def test_a_code_is_sent_and_followed(call: Page, server: StandIn, story: Story) -> None:
    """Where it went, how many tries are left, that it was right; an old one says that it expired."""
    await with_pictures(server, story)
    code = step(call, "code")
    await code.get_by_role("button", name="用短信发送").click()
    assert (await server.wait_for(wire.SendCode)).channel is CodeChannel.SMS
    since = len(story.entries)
    check = told.code(story, time.time() + 600)
    await tell(server, story, since)
    await expect(code).to_contain_text("138****5678")
    await expect(code).to_contain_text("客户还可试 3 次")
    await server.note(told.entered(story, check, 2, right=False))
    await expect(code).to_contain_text("上一次输入不正确")
    await expect(code).to_contain_text("客户还可试 2 次")
    await server.note(told.entered(story, check, 0, right=True))
    await expect(code).to_contain_text("客户输入正确")
    await expect(code).not_to_contain_text("次")
    await call.get_by_role("tab", name="案件记录").click()
    await expect(call.locator(".fact").last).to_have_text(re.compile("验证码正确$"))
    since = len(story.entries)
    told.code(story, time.time() - 1)
    await tell(server, story, since)
    await expect(code).to_contain_text("验证码已过期")


async def test_an_outside_source_is_asked_and_a_refusal_told(
    call: Page, server: StandIn, story: Story
) -> None:
    """A refusal ends the working state and is told; an answer shows what was confirmed."""
    await with_pictures(server, story)
    source = step(call, "external_registry")
    button = source.locator("[data-key='external:registry']")
    await button.click()
    assert (await server.wait_for(wire.AskExternal)).service == "registry"
    await expect(button).to_contain_text("进行中")
    # It says that it is not available; whoever presses it all the same asks nothing.
    await button.click(force=True)
    await server.send(wire.Failed("subject_incomplete", "", "ask_external"))
    await expect(call.get_by_role("alert").filter(has_text="外部数据源")).to_contain_text(
        "所需的信息还不齐全"
    )
    await expect(button).to_have_text("查询：公民身份信息")
    assert not [one for one in server.got if isinstance(one, wire.AskExternal)]
    await server.note(*told.outside(story))
    await expect(source).to_contain_text("一致")
    await expect(source).to_contain_text("已证实：姓名、证件号码")
    await expect(source).to_contain_text("查询：王小明")
    await expect(source).to_contain_text("登记：王小朋")


def panel_row(page: Page, name: str) -> Locator:
    """Return a row of the panel at a glance."""
    return page.locator(f'live-checks [data-row="{name}"]')


async def test_the_panel_shows_all_checks_at_a_glance(call: Page, server: StandIn, story: Story) -> None:
    """K opens it: match with what it stands for, liveness, signs as advice; checks beside the script."""
    await server.send(script_of(story))
    await call.keyboard.press("k")
    await expect(call.get_by_role("tab", name="核验")).to_have_attribute("aria-selected", "true")
    await expect(panel_row(call, "watching")).to_contain_text("一人，未见异常")
    await expect(panel_row(call, "match")).to_contain_text("未进行")
    more = call.locator('.more-check[data-check="passive"]')
    await more.locator("summary").click()
    await more.get_by_role("button", name="开始：静默活体").click()
    assert (await server.wait_for(wire.StartLiveness)).kind is LivenessKind.PASSIVE
    await with_pictures(server, story)
    await expect(more).to_be_hidden()
    since = len(story.entries)
    told.source(story)
    told.compared(story)
    told.measured(story, told.started(story, LivenessKind.PASSIVE))
    told.started(story, LivenessKind.LIGHT)
    await tell(server, story, since)
    await expect(panel_row(call, "match")).to_contain_text("0.612")
    await expect(panel_row(call, "liveness")).to_contain_text("静默活体通过")
    await expect(panel_row(call, "liveness")).to_contain_text("炫光活体进行中")
    await expect(panel_row(call, "source").locator("li")).to_have_text(
        ["虚拟摄像头名称 0.90", "画面过于均匀 0.30"]
    )
    await expect(panel_row(call, "source")).to_contain_text("仅供参考")
    await server.note(told.decided(story))
    panel = call.locator("live-checks")
    for words in (
        "可开 III 类户",
        "余额不超过 2,000 元",
        "动作活体：柜员判定",
        "不能开 I 类户：须到网点办理",
        "人脸归属：缺少",
    ):
        await expect(panel).to_contain_text(words)


async def test_trouble_in_the_picture_is_always_in_sight(call: Page, server: StandIn, story: Story) -> None:
    """An alert beside the script, whatever tab is open; it goes when it is over."""
    alert = call.locator("watch-alerts")
    await expect(alert).to_be_hidden()
    await server.note(
        told.watched(story, WatchEvent.SECOND_FACE), told.watched(story, WatchEvent.DIFFERENT_PERSON)
    )
    await expect(alert).to_contain_text("画面中出现第二张人脸")
    await expect(alert).to_contain_text("可能换了人")
    await call.keyboard.press("d")
    await expect(call.locator("dialog.decide .check-summary")).to_contain_text("可能换了人")
    await shoot(call, "agent-watch-alert")
    await call.keyboard.press("Escape")
    await server.note(told.watched(story, WatchEvent.ENDED_SECOND_FACE))
    await expect(alert).not_to_contain_text("第二张人脸")
    await server.note(told.watched(story, WatchEvent.ENDED_DIFFERENT_PERSON))
    await expect(alert).to_be_hidden()


async def test_trouble_of_the_recording_is_always_in_sight(call: Page, server: StandIn, story: Story) -> None:
    """What went wrong with whose track since when, until it is over."""
    alert, track = call.locator("watch-alerts"), TrackId("track-0000000000000001")
    await server.note(story.tell(TrackStalled(story.call, track, story.customer, TrackSource.CAMERA, 3.0)))
    await expect(alert).to_contain_text("3 秒没有数据（客户 · 摄像头）")
    await expect(alert).to_contain_text("恢复录制前")
    await server.note(story.tell(RecorderTroubled(story.call, track, "disk_full", 3)))
    await expect(alert).to_contain_text("磁盘已满")
    await shoot(call, "agent-recorder-trouble")
    await server.note(
        story.tell(TrackResumed(story.call, track, story.customer, TrackSource.CAMERA)),
        story.tell(RecordingStarted(story.call, track, Role.CUSTOMER, TrackKind.VIDEO)),
    )
    await expect(alert).to_be_hidden()


async def test_checks_are_told_in_english(call: Page, server: StandIn, story: Story) -> None:
    """Story and panel have words for everything that was told, in the other language too."""
    await with_pictures(server, story)
    since = len(story.entries)
    told.read(story)
    told.compared(story)
    told.measured(story, told.started(story, LivenessKind.PASSIVE))
    told.decided(story)
    await tell(server, story, since)
    await call.get_by_role("button", name="English").click()
    await call.get_by_role("tab", name="Checks").click()
    await expect(call.locator("live-checks")).to_contain_text("account of class III")
    await expect(step(call, "document")).to_contain_text("sex differs from the ID number")
    await call.get_by_role("tab", name="Record").click()
    story_told = call.locator("fact-list")
    await expect(story_told).to_contain_text("Document read: resident ID card, front, 4 fields glare")
    await expect(story_told).to_contain_text("card–live 0.612, card–reference 0.401, live–reference —")
    await expect(story_told).to_contain_text("Gestures: settled by the agent")
