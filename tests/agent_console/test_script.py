"""The script of a conversation and its result, in Chromium."""

import re
from dataclasses import replace

import pytest
from playwright.async_api import Page, expect

from contract import wire
from contract.facts import CallEnded, WrapUpNoted
from contract.phases import CallEnd, CallPhase, Outcome, Presence, StepResult
from tests.agent_console.console import running, script_of, state_of, step
from tests.agent_console.stand_in import StandIn
from tests.agent_console.story import AGENT, Story
from tests.browser import shoot

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_a_question_is_settled_by_its_answers(call: Page, server: StandIn, story: Story) -> None:
    """An answer is a button; it stands when the server has it, and can be changed."""
    purpose = step(call, "purpose")
    await purpose.get_by_role("button", name="受他人要求").click()
    said = await server.wait_for(wire.MarkStep)
    assert (said.step, said.result, said.answer) == ("purpose", StepResult.PASSED, "asked")
    await expect(purpose).to_contain_text("待办")
    script = script_of(story, purpose="passed")
    steps = tuple(replace(one, answer="asked") if one.id == "purpose" else one for one in script.steps)
    await server.send(replace(script, steps=steps))
    await expect(purpose.locator(".step-head")).to_contain_text("受他人要求")
    chosen = purpose.get_by_role("group").get_by_role("button", name="受他人要求")
    await expect(chosen).to_have_attribute("aria-pressed", "true")


async def test_a_plain_step_is_done_or_failed(call: Page, server: StandIn) -> None:
    """Without answers a step is settled by two buttons; an optional one says so."""
    risk = step(call, "risk")
    await expect(risk).to_contain_text("选做")
    await risk.get_by_role("button", name="未通过").click()
    assert (await server.wait_for(wire.MarkStep)).result is StepResult.FAILED
    await risk.get_by_role("button", name="完成").click()
    assert (await server.wait_for(wire.MarkStep)).result is StepResult.PASSED


async def test_a_waiver_needs_a_reason(call: Page, server: StandIn, story: Story) -> None:
    """Only a waivable step offers it; nothing is sent without a reason; then the step says so."""
    await expect(step(call, "face_still").get_by_role("button", name="免除此步骤…")).to_have_count(0)
    card = step(call, "id_card")
    await card.get_by_role("button", name="免除此步骤…").click()
    await card.get_by_role("button", name="确认免除").click()
    await card.get_by_label("免除的理由").fill("证件刚在网点核验")
    await server.send(script_of(story, id_number="waiting"))
    await expect(card.get_by_label("免除的理由")).to_have_value("证件刚在网点核验")
    await shoot(call, "agent-waiver")
    await card.get_by_role("button", name="确认免除").click()
    said = await server.wait_for(wire.MarkStep)
    assert (said.step, said.result, said.reason) == ("id_card", StepResult.WAIVED, "证件刚在网点核验")
    await server.send(script_of(story, id_card="waived"))
    await expect(card).to_contain_text("已免除")


async def test_a_locked_step_says_what_comes_first(call: Page, server: StandIn, story: Story) -> None:
    """The step before is named; skipped branches say that they are not needed; all states have words."""
    await expect(step(call, "face_match")).to_contain_text("先完成「拍摄现场人像」")
    await server.send(script_of(story, risk="skipped", id_number="review", face_still="failed"))
    await expect(step(call, "risk")).to_contain_text("不适用")
    await expect(step(call, "id_number")).to_contain_text("需人工判断")
    await expect(step(call, "face_still")).to_contain_text("未通过")


async def test_passed_is_offered_only_when_the_script_is_complete(
    call: Page, server: StandIn, story: Story
) -> None:
    """Until then the form says how many steps are missing; then it can be chosen."""
    await expect(call.locator(".steps-foot")).to_contain_text("还有 5 个必做步骤未完成")
    await call.keyboard.press("d")
    form = call.locator("dialog.decide")
    await expect(form.get_by_label("通过", exact=True)).to_be_disabled()
    await expect(form).to_contain_text("还有 5 个必做步骤未完成")
    await shoot(call, "agent-finish-incomplete")
    await server.send(script_of(story, complete=True))
    await expect(form.get_by_label("通过", exact=True)).to_be_enabled()
    await form.get_by_label("通过", exact=True).check()
    await form.get_by_role("button", name="提交结果").click()
    said = await server.wait_for(wire.Finish)
    assert (said.outcome, said.reason) == (Outcome.PASSED, "")


async def test_aborting_takes_a_reason_of_the_policy(call: Page, server: StandIn, story: Story) -> None:
    """X opens the form at failed; the reasons are those that force the chosen outcome."""
    await call.keyboard.press("x")
    form = call.locator("dialog.decide")
    await expect(form.get_by_label("未通过")).to_be_checked()
    reasons = form.get_by_label("原因").locator("option")
    assert await reasons.all_inner_texts() == ["请选择原因", "疑似欺诈"]
    await form.get_by_label("未完成").check()
    assert await reasons.all_inner_texts() == ["请选择原因", "光线不足"]
    await form.get_by_role("button", name="提交结果").click()
    await form.get_by_label("原因").select_option("poor_light")
    await form.get_by_role("button", name="提交结果").click()
    said = await server.wait_for(wire.Finish)
    assert (said.outcome, said.reason) == (Outcome.INCOMPLETE, "poor_light")


async def test_wrap_up_is_written_against_the_clock(call: Page, server: StandIn, story: Story) -> None:
    """Tags, next action and note go up; leaving for the next customer sends what was not yet sent."""
    await server.send(running(story), script_of(story, complete=True))
    story.finish()
    await server.note(*story.entries)
    await server.send(
        state_of(story, CallPhase.ENDED, reason="agent_hung_up", host=None),
        wire.PresenceSet(Presence.WRAP_UP, 2, since_s=3.0, ends_in_s=59.0),
    )
    card = call.locator(".wrap-card")
    await expect(card.locator(".wrap-clock")).to_contain_text(re.compile("话后处理剩余 0:[1-5]"))
    await card.get_by_label("老年客户").check()
    await card.get_by_label("后续动作").select_option("call_back")
    await card.get_by_label("小结").fill("女儿陪同")
    await card.get_by_role("button", name="保存").click()
    said = await server.wait_for(wire.WrapUp)
    assert (said.tags, said.next_action, said.note) == (("elderly",), "call_back", "女儿陪同")
    await server.note(story.tell(WrapUpNoted(AGENT, ("elderly",), "call_back", "女儿陪同", 9.0)))
    await expect(card).to_contain_text("已保存")
    await shoot(call, "agent-wrap-up-form")
    await card.get_by_label("投诉意向").check()
    await card.get_by_role("button", name="就绪，接待下一位").click()
    assert (await server.wait_for(wire.WrapUp)).tags == ("elderly", "complaint")
    assert (await server.wait_for(wire.SetPresence)).presence is Presence.READY
    await server.send(wire.PresenceSet(Presence.READY, 2))
    await expect(call.get_by_role("group", name="我的状态")).to_be_visible()


async def test_the_desk_ends_wrap_up_by_itself(call: Page, server: StandIn, story: Story) -> None:
    """When the time is over the server makes the agent ready, and the page is at the desk."""
    story.finish()
    await server.note(*story.entries, story.tell(CallEnded(story.call, CallEnd.AGENT_HUNG_UP, 28.0)))
    await server.send(state_of(story, CallPhase.ENDED, reason="agent_hung_up"))
    await server.send(wire.PresenceSet(Presence.WRAP_UP, 0, ends_in_s=0.0))
    await expect(call.locator(".wrap-clock")).to_contain_text("0:00")
    await server.send(wire.PresenceSet(Presence.READY, 0))
    await expect(call.get_by_role("group", name="我的状态")).to_be_visible()
