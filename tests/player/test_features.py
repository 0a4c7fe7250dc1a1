"""The worksheet of document features as the auditor reads it."""

import pytest
from playwright.async_api import expect

from contract.phases import CasePhase, FeatureSeen
from tests.agent_console import sheet_story as told
from tests.agent_console.stand_in import StandIn
from tests.agent_console.story import Story
from tests.browser import Watched
from tests.player.test_identity import card, show
from tests.player.test_screens import add_case, open_case

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_each_tick_stands_beside_its_picture(watched: Watched, server: StandIn) -> None:
    """With category, verdict, who and how often; the table says how many categories were seen."""
    story = Story()
    story.open()
    story.answer()
    asked = told.tilted(story)
    told.tilt_over(story, asked)
    told.ticked(story, "great_wall", asked.pictures[0], FeatureSeen.NOT_SEEN)
    told.ticked(story, "great_wall", asked.pictures[3])
    told.ticked(story, "rainbow", asked.pictures[4])
    told.ticked(story, "microtext", asked.pictures[5], FeatureSeen.NOT_SEEN)
    story.finish()
    story.archive()
    add_case(server, story, CasePhase.UNDER_AUDIT)
    await open_case(watched.page, server, story)
    sheet = card(watched.page, "证件防伪特征")
    await expect(sheet).to_contain_text("已看到 2 类，需 3 类")
    await expect(sheet).to_contain_text("王晓明 请客户倾斜证件连拍 8 张")
    wall = sheet.locator("[data-feature=great_wall]")
    for words in ("“长城”变色", "全息与光变", "看到", "王晓明 · 见第 4 张", "共勾选 2 次"):
        await expect(wall).to_contain_text(words)
    await expect(wall.locator("img")).to_have_attribute(
        "src", f"/api/cases/{story.case}/files/evidence/{asked.pictures[3]}.jpg"
    )
    await expect(sheet.locator("[data-feature=microtext]")).to_contain_text("未看到")
    row = card(watched.page, "核验结果").get_by_role("row").filter(has_text="证件防伪特征")
    await expect(row).to_contain_text("已看到 2 类，需 3 类")
    await show(sheet, "player-features")
    await watched.page.set_viewport_size({"width": 390, "height": 844})
    await watched.require_fit()
