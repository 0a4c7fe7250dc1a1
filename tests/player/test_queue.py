"""The auditor's queue and due times, driven in Chromium."""

import asyncio
import dataclasses
import time

import pytest
from playwright.async_api import Browser, expect

from contract.facts import AuditDrawn, CaseAdvanced, VerdictGiven
from contract.ids import AccountId
from contract.phases import CaseEnd, CasePhase, Role, Verdict
from tests.agent_console.stand_in import StandIn
from tests.agent_console.story import AUDITOR, CUSTOMER_NAME, MANIFEST, Story, whole_story
from tests.browser import Watched, shoot, wait_until, watched_page
from tests.player.test_screens import add_case, log_in

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.fixture
def two(server: StandIn) -> tuple[Story, Story]:
    """Two cases under audit: one overdue since an hour, one due tomorrow."""
    server.role = Role.AUDITOR
    stories = (whole_story(), whole_story())
    for story, name, due_s in zip(stories, (CUSTOMER_NAME, "张伟"), (-3_600, 86_400), strict=True):
        row = add_case(server, story, CasePhase.UNDER_AUDIT, name)
        server.cases[-1] = dataclasses.replace(row, due_at=time.time() + due_s)
    return stories


async def test_next_case_is_taken_passed_over_and_given_back(
    watched: Watched, server: StandIn, two: tuple[Story, Story]
) -> None:
    """Key and button go to what the server hands out; who leaves a case gives it back."""
    page, (first, second) = watched.page, two
    server.handed = [first.case, second.case, None]
    await log_in(page, server)
    queue = page.locator("audit-queue:visible")
    await expect(page.get_by_role("link", name="张伟")).to_be_visible()
    await page.locator("body").press("g")
    await expect(page.get_by_role("heading", name=CUSTOMER_NAME)).to_be_visible()
    assert server.posted == [("next", {"but": []})]
    await expect(queue).to_contain_text("已逾期")
    await expect(queue).to_contain_text("由您审核至")
    await watched.require_names()
    await watched.require_fit()
    await shoot(page, "player-queue")
    await queue.get_by_role("button", name="下一个案件").click()
    await expect(page.get_by_role("heading", name="张伟")).to_be_visible()
    await expect(queue.locator(".due")).to_have_class("small soft due")
    assert ("next", {"but": [first.case]}) in server.posted
    await queue.get_by_role("button", name="退回").click()
    await expect(queue.get_by_role("button", name="领取此案件")).to_be_visible()
    assert server.posted[-1] == (second.case, {"on": False})
    assert all(one["case"] != second.case for one in server.claims)
    await queue.get_by_role("button", name="领取此案件").click()
    await expect(queue).to_contain_text("由您审核至")
    await queue.get_by_role("button", name="下一个案件").click()
    await expect(queue).to_contain_text("没有其他待您审核的案件")
    await page.get_by_role("link", name="全部案件").click()
    await expect(page.get_by_role("link", name=CUSTOMER_NAME)).to_be_visible()
    await wait_until(page, "!document.querySelector('case-page')")
    assert server.posted[-1] == (second.case, {"on": False})


async def test_a_page_that_closes_gives_its_case_back(
    watched: Watched, server: StandIn, two: tuple[Story, Story]
) -> None:
    """The request outlives the page."""
    page, (first, _) = watched.page, two
    server.handed = [first.case]
    await log_in(page, server)
    await page.get_by_role("button", name="下一个案件").click()
    await expect(page.locator("audit-queue:visible")).to_contain_text("由您审核")
    await page.goto("about:blank")
    async with asyncio.timeout(60):
        while server.claims:
            server.heard.clear()
            await server.heard.wait()
    assert server.posted[-1] == (first.case, {"on": False})


async def test_whose_case_it_is_and_what_is_overdue_stands_in_the_list(
    watched: Watched, server: StandIn, two: tuple[Story, Story]
) -> None:
    """In words and colour; somebody else's is said on the case, too, and cannot be taken."""
    page, (_, second) = watched.page, two
    server.claims = [{"case": second.case, "account": "acct-9", "name": "周审核", "until": time.time() + 600}]
    await log_in(page, server)
    await expect(page.locator(".badge.bad.due")).to_have_count(1)
    await expect(page.locator("tr", has_text="张伟")).to_contain_text("周审核 审核中")
    await page.get_by_label("按审核期限筛选").select_option("overdue")
    await expect(page.get_by_role("button", name="清除筛选")).to_be_visible()
    asked = await server.asked(lambda query: query["due_before"] is not None)
    assert abs(asked["due_before"] - time.time()) < 60
    await page.get_by_label("按审核期限筛选").select_option("today")
    await server.asked(lambda query: query["due_before"] > time.time())
    await expect(page.get_by_role("link", name="张伟")).to_be_visible()
    await watched.require_fit()
    await shoot(page, "player-due")
    await page.get_by_role("link", name="张伟").click()
    queue = page.locator("audit-queue:visible")
    await expect(queue).to_contain_text("周审核 正在审核")
    await expect(queue.get_by_role("button", name="领取此案件")).to_be_hidden()


async def test_a_case_that_somebody_took_first_says_so(
    watched: Watched, server: StandIn, two: tuple[Story, Story]
) -> None:
    """The server refuses, and the page shows who has it."""
    watched.expected = ("409",)
    page, (first, _) = watched.page, two
    await log_in(page, server, f"/audit/#{first.case}")
    server.refusal = "claimed"
    await page.get_by_role("button", name="领取此案件").click()
    await expect(page.locator("audit-queue:visible")).to_contain_text("其他审核员正在审核此案件")


async def test_what_was_not_drawn_tells_why_and_can_be_reopened(
    watched: Watched, server: StandIn, two: tuple[Story, Story]
) -> None:
    """Share and policy stand in the story; nobody signs it, and an auditor may still look into it."""
    page, (first, _) = watched.page, two
    first.tell(AuditDrawn(False, 0.1, "f" * 16, (), "service", 3, None), 1)
    first.tell(CaseAdvanced(CasePhase.AGENT_DONE, CasePhase.APPROVED, CaseEnd.NOT_DRAWN), 0)
    server.cases[0] = dataclasses.replace(
        server.cases[0], phase=CasePhase.APPROVED, reason="not_drawn", due_at=None
    )
    await log_in(page, server, f"/audit/#{first.case}")
    await expect(page.locator("fact-list")).to_contain_text(
        "未抽中审核（抽样比例 10%，规则 service 第 3 版）"
    )
    await expect(page.locator("verdict-form")).to_contain_text("按抽样方案，本案未被抽中")
    await page.get_by_role("button", name="重开案件…").click()
    await expect(page.get_by_label("重开原因")).to_be_visible()


async def test_a_verdict_waits_for_a_blind_second_one(
    watched: Watched, server: StandIn, two: tuple[Story, Story]
) -> None:
    """Who gave it is told so; whoever looks next sees none of it, and the chain still holds."""
    page, (first, second) = watched.page, two
    for story, auditor in ((first, AUDITOR), (second, AccountId("acct-9"))):
        story.tell(VerdictGiven(auditor, Verdict.APPROVED, "录像清楚", MANIFEST, 0.05, "0" * 16), 60)
    await log_in(page, server, f"/audit/#{first.case}")
    await expect(page.locator("verdict-form")).to_contain_text("您的结论已记录")
    await expect(page.locator("audit-state")).to_contain_text("您的结论：通过")
    await expect(page.get_by_role("button", name="驳回")).to_be_disabled()
    await shoot(page, "player-second-look")
    server.withheld = {second.entries[-1].seq}
    await page.goto(f"{server.url}/audit/#{second.case}")
    await expect(page.get_by_role("heading", name="张伟")).to_be_visible()
    await expect(page.get_by_label("理由")).to_be_enabled()
    await expect(page.get_by_text("录像清楚")).to_have_count(0)
    await expect(page.get_by_text("Withheld")).to_have_count(0)
    await expect(page.locator("integrity-badge")).to_contain_text("记录完整，已核验")


async def test_supervisors_have_no_queue(watched: Watched, server: StandIn, two: tuple[Story, Story]) -> None:
    """They look, and take nothing."""
    server.role = Role.SUPERVISOR
    await log_in(watched.page, server)
    await expect(watched.page.get_by_role("link", name="张伟")).to_be_visible()
    await expect(watched.page.get_by_role("button", name="下一个案件")).to_be_hidden()


async def test_the_queue_fits_a_phone(browser: Browser, server: StandIn, two: tuple[Story, Story]) -> None:
    """At 390 pixels, in both languages."""
    server.handed = [two[0].case]
    async with watched_page(browser, (390, 844)) as watched:
        page = watched.page
        await log_in(page, server)
        await expect(page.get_by_role("link", name="张伟")).to_be_visible()
        await watched.require_fit()
        await shoot(page, "player-due-390")
        await page.get_by_role("button", name="下一个案件").click()
        await expect(page.locator("audit-queue:visible")).to_contain_text("由您审核")
        await watched.require_fit()
        await page.get_by_role("button", name="English").click()
        await expect(page.locator("audit-queue:visible")).to_contain_text("Overdue since")
        await watched.require_fit()
        await shoot(page, "player-queue-390")
