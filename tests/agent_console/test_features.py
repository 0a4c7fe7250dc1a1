"""The worksheet of document features on the agent's console, in Chromium, against the stand-in."""

from dataclasses import replace

import pytest
from playwright.async_api import Page, expect

from contract import wire
from contract.phases import EvidenceKind, FeatureSeen, TiltEnd
from tests.agent_console import sheet_story as told
from tests.agent_console.console import script_of, step
from tests.agent_console.stand_in import StandIn
from tests.agent_console.story import Story
from tests.browser import shoot

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def sheet_of(story: Story, state: str = "open") -> wire.Script:
    """Return a script whose one step is the worksheet."""
    only = wire.StepSeen("features", "核验防伪特征", "Features", state, "", "features", True, False, (), "")
    return replace(script_of(story), steps=(only,), worksheet=told.SHEET)


async def tell(server: StandIn, story: Story, since: int) -> None:
    await server.note(*story.entries[since:])


async def test_a_burst_is_asked_for_and_ticked(call: Page, server: StandIn, story: Story) -> None:
    """The pictures come one by one; each tick names the one that is chosen, and what is missing is said."""
    await server.send(sheet_of(story))
    sheet = step(call, "features")
    await expect(sheet.get_by_role("status")).to_contain_text("已看到 0 类，需 3 类")
    await sheet.get_by_role("button", name="请客户倾斜证件连拍：身份证").click()
    assert (await server.wait_for(wire.RequestTilt)).document is EvidenceKind.ID_CARD
    since = len(story.entries)
    asked = told.tilted(story, came=5)
    await tell(server, story, since)
    await expect(sheet).to_contain_text("已收到 5/8 张")
    since = len(story.entries)
    told.tilt_over(story, asked)
    await tell(server, story, since)
    await expect(sheet.locator(".phone-asked")).to_have_count(0)
    strip = sheet.locator(".tilt-strip .thumb")
    await expect(strip).to_have_count(5)
    await strip.first.click()
    await call.keyboard.press("ArrowRight")
    await expect(strip.nth(1)).to_be_focused()
    await expect(strip.nth(1)).to_have_attribute("aria-pressed", "true")
    wall = sheet.locator("[data-feature=great_wall]")
    seen = wall.get_by_role("button", name="看到", exact=True)
    await seen.focus()
    await call.keyboard.press("Enter")
    tick = await server.wait_for(wire.TickFeature)
    assert (tick.feature, tick.evidence, tick.seen) == ("great_wall", asked.pictures[1], FeatureSeen.SEEN)
    since = len(story.entries)
    told.ticked(story, "great_wall", asked.pictures[1])
    told.ticked(story, "rainbow", asked.pictures[2])
    await tell(server, story, since)
    await expect(seen).to_have_attribute("aria-pressed", "true")
    await expect(seen).to_be_focused()
    await expect(wall).to_contain_text("见第 2 张")
    await expect(sheet.get_by_role("status")).to_contain_text("已看到 2 类，需 3 类")
    await expect(sheet.get_by_role("status")).to_contain_text("还须看到以下任一类：印刷工艺")
    await shoot(call, "agent-features")
    since = len(story.entries)
    told.ticked(story, "microtext", asked.pictures[4])
    await tell(server, story, since)
    await expect(sheet.get_by_role("status")).to_contain_text("已看到足够的不同类别")


async def test_where_it_changes_is_named(call: Page, server: StandIn, story: Story) -> None:
    """A press chooses that picture; what speaks of a copy is marked as advice and settles nothing."""
    await server.send(sheet_of(story))
    sheet = step(call, "features")
    since = len(story.entries)
    asked = told.tilted(story)
    told.tilt_over(story, asked)
    told.changed(story, asked, 5, matte=0.8)
    await tell(server, story, since)
    await expect(sheet).to_contain_text("仅供参考，未经标定：表面没有移动的反光，可能是哑光复印件 0.80")
    await sheet.get_by_role("button", name="第 6 张右下部").click()
    await expect(sheet.locator(".tilt-strip .thumb").nth(5)).to_have_attribute("aria-pressed", "true")
    await expect(sheet).to_contain_text("勾选将记在所选照片上：第 6 张")
    await expect(sheet.get_by_role("status")).to_contain_text("已看到 0 类")


async def test_a_burst_that_was_stopped_is_said(call: Page, server: StandIn, story: Story) -> None:
    """And can be asked for again; a feature that is in doubt stays so until it is ticked anew."""
    await server.send(sheet_of(story))
    sheet = step(call, "features")
    since = len(story.entries)
    asked = told.tilted(story, came=1)
    told.tilt_over(story, asked, TiltEnd.CANCELLED)
    told.ticked(story, "great_wall", asked.pictures[0], FeatureSeen.DOUBTFUL)
    await tell(server, story, since)
    await expect(sheet).to_contain_text("连拍：客户停止")
    doubtful = sheet.locator("[data-feature=great_wall]").get_by_role("button", name="存疑")
    await expect(doubtful).to_have_attribute("aria-pressed", "true")
    await expect(sheet.get_by_role("status")).to_contain_text("已看到 0 类")
    await expect(sheet.get_by_role("button", name="重新倾斜连拍：身份证")).to_be_enabled()


async def test_without_a_worksheet_nothing_is_shown(call: Page, server: StandIn, story: Story) -> None:
    """A pack that wants none has no panel; one whose script does not name it has it among the checks."""
    await server.send(script_of(story))
    await call.get_by_role("tab", name="核验", exact=True).click()
    await expect(call.locator(".more-check[data-check=document]")).to_be_visible()
    await expect(call.locator(".more-check[data-check=features]")).to_be_hidden()
    await server.send(replace(script_of(story), worksheet=told.SHEET))
    await expect(call.locator(".more-check[data-check=features]")).to_be_visible()
