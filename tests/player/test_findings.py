"""What the auditor reads about a conversation beyond the identity checks."""

import pytest
from playwright.async_api import expect

from contract.facts import EvidenceNoted, FileShared, ServiceRated, StepMarked, WrapUpNoted
from contract.ids import EvidenceId
from contract.phases import CasePhase, EvidenceKind, Role, StepResult
from tests.agent_console.stand_in import StandIn
from tests.agent_console.story import AGENT, Story
from tests.browser import Watched, shoot
from tests.player.test_screens import add_case, open_case

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

CONTRACT = EvidenceId("ev-00000000000000aa")


@pytest.fixture
def rich(server: StandIn) -> Story:
    """A case with steps settled by hand, a note, a file, a wrap-up form and a rating."""
    story = Story()
    story.open()
    story.answer()
    story.checks()
    card = story.pictures[EvidenceKind.ID_CARD]
    story.tell(EvidenceNoted(card, "左下角反光", (), AGENT))
    story.tell(StepMarked("purpose", StepResult.PASSED, "salary", "", AGENT))
    story.tell(StepMarked("risk_notice", StepResult.WAIVED, "", "客户已签纸质版", AGENT))
    story.tell(
        FileShared(
            story.call, story.customer, Role.CUSTOMER, CONTRACT, "在职证明.pdf", f"shared/{CONTRACT}.pdf",
            "application/pdf", "ab12" * 16, 340_000,
        )
    )  # fmt: skip
    story.finish()
    story.tell(WrapUpNoted(AGENT, ("elderly",), "call_back", "下周回访", 20.0))
    story.tell(ServiceRated(4, "很耐心"))
    story.archive()
    add_case(server, story, CasePhase.UNDER_AUDIT)
    return story


async def test_the_whole_conversation_can_be_judged(watched: Watched, server: StandIn, rich: Story) -> None:
    """Steps settled by hand with their reasons, notes, files with their hash, wrap-up and rating."""
    page = watched.page
    await open_case(page, server, rich)
    findings = page.locator("findings-panel")
    await expect(findings.get_by_role("row", name="询问开户用途")).to_contain_text("工资代发")
    waived = findings.get_by_role("row", name="宣读风险提示")
    await expect(waived).to_contain_text("客户已签纸质版")
    await expect(waived.locator(".badge.warn")).to_have_text("免除")
    await expect(findings.locator(".gallery li").first).to_contain_text("左下角反光")
    link = findings.get_by_role("link", name="在职证明.pdf")
    await expect(link).to_have_attribute("href", f"/api/cases/{rich.case}/files/shared/{CONTRACT}.pdf")
    await expect(findings).to_contain_text("332 KB")
    await expect(findings).to_contain_text("老年客户、回访客户、下周回访")
    await expect(findings.get_by_role("img", name="4 星，满分 5 星")).to_be_visible()
    await expect(findings).to_contain_text("很耐心")
    await expect(page.locator("fact-list")).to_contain_text("步骤「宣读风险提示」免除 客户已签纸质版")
    await watched.require_names()
    await watched.require_fit()
    await shoot(page, "player-findings", whole=True)
