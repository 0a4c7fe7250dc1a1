"""What the auditor reads about a conversation beyond the identity checks."""

import json

import pytest
from playwright.async_api import expect

from contract.facts import EvidenceNoted, FileShared, ServiceRated, StepMarked, WrapUpNoted
from contract.ids import EvidenceId, SeatId
from contract.phases import CasePhase, EvidenceKind, Role, StepResult
from contract.record_facts import MadeFile
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
    story.archive(made=(MadeFile("findings", "findings.json", "fd" * 32, 700),))
    server.files["findings.json"].write_text(json.dumps(noticed(story.customer, story.agent)))
    add_case(server, story, CasePhase.UNDER_AUDIT)
    return story


def noticed(customer: SeatId, agent: SeatId) -> dict[str, object]:
    """Return what a machine noticed in the recording."""
    lane = {"silent": [], "silent_s": 0, "black": [], "black_s": 0, "frozen": [], "frozen_s": 0}
    silent = [[second, second + 1] for second in range(10)]
    return {
        "version": 1,
        "seconds": 30,
        "faces": {"source": "samples", "looked": 15, "in_frame": 0.8667, "more_than_one": [[4, 8]]},
        "lanes": [
            lane | {"seat": customer, "role": "customer", "frozen": [[12, 18]], "frozen_s": 6},
            lane | {"seat": agent, "role": "agent", "silent": silent, "silent_s": 10},
        ],
        "steps": [{"step": "code", "zh": "短信验证码", "en": "One-time code"}],
    }


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
    machine = findings.locator("machine-findings")
    for words in (
        "未完成的必做步骤 短信验证码", "客户人脸在画面中 15 张画面中的 87%", "出现多张人脸 0:04–0:08",
        "画面静止 6 秒 0:12–0:18", "无声 10 秒 0:00–0:01", "另有 2 处",
    ):  # fmt: skip
        await expect(machine).to_contain_text(words)
    await watched.require_names()
    await watched.require_fit()
    await shoot(page, "player-findings", whole=True)
