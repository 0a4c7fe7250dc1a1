"""The film made anew with another layout: asked for, on its way, and played."""

import pytest
from playwright.async_api import Page, expect

from contract.facts import RenderCompleted
from contract.ids import JobId, new_id
from contract.phases import CasePhase, Template
from contract.ports import Job
from contract.record_facts import MadeFile
from tests.agent_console.stand_in import StandIn
from tests.agent_console.story import START, Story
from tests.browser import Watched, shoot, wait_until
from tests.player.test_screens import add_case, at_second, open_case, ready_to_play

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

FILM = "merged-customer_only.mp4"


def archived(server: StandIn, made: tuple[MadeFile, ...] = ()) -> Story:
    """Return a case under audit; the film with another layout is served once its fact is told."""
    story = Story()
    story.open()
    story.answer()
    story.checks()
    story.finish()
    story.archive(made=made)
    add_case(server, story, CasePhase.UNDER_AUDIT)
    server.files = {**server.files, FILM: server.files["merged.mp4"]}
    return story


def render(story: Story, state: str, progress: float, note: str = "") -> Job:
    """Return the job as the worker reports it."""
    return Job(
        JobId("job-0000000000000007"),
        "render_customer_only",
        story.case,
        state,
        1,
        5,
        progress,
        note,
        "",
        START,
    )


def finished(story: Story) -> None:
    """Tell that the film is there."""
    story.tell(RenderCompleted(JobId(new_id("job")), Template.CUSTOMER_ONLY, FILM, "88" * 32, 9, 30.0, 9.0))


async def plays(page: Page, end: str) -> None:
    """Wait until the film at the address that ends so can be played."""
    await wait_until(page, f"document.querySelector('video')?.getAttribute('src').endsWith('{end}')")
    await ready_to_play(page)


async def test_a_film_is_asked_for_and_played_with_another_layout(watched: Watched, server: StandIn) -> None:
    """With a reason; its progress is shown; then it plays from the same second; a key goes to the next."""
    page, story = watched.page, archived(server)
    await open_case(page, server, story)
    await plays(page, "/merged.mp4")
    choice, layouts = page.get_by_label("播放的版式"), page.locator("film-layouts")
    await expect(choice).to_be_hidden()
    await layouts.locator("summary").click()
    await expect(layouts.get_by_label("版式", exact=True).locator("option")).to_have_text(
        ["并排", "仅客户", "共享屏幕优先"]
    )
    await layouts.get_by_label("版式", exact=True).select_option("customer_only")
    await layouts.get_by_role("button", name="申请合成").click()
    assert server.posted == [], "no reason, no film"
    server.jobs = [render(story, "running", 0.41, "fetching")]
    await layouts.get_by_label("为什么需要此版式").fill("只看客户手部动作")
    await page.keyboard.press("Enter")
    progress = layouts.locator("merge-progress")
    await expect(progress).to_contain_text("正在合成「仅客户」版式")
    await expect(progress).to_contain_text("41 %")
    await expect(progress).to_contain_text("取回原始轨道")
    assert server.posted == [(story.case, {"template": "customer_only", "reason": "只看客户手部动作"})]
    await expect(layouts.get_by_label("为什么需要此版式")).to_have_value("")
    await expect(layouts.get_by_label("版式", exact=True).locator("option")).to_have_text(
        ["并排", "共享屏幕优先"]
    )
    await watched.require_names()
    await shoot(page, "player-layouts")

    # A job may be read as done before its fact is.
    server.jobs = [render(story, "done", 1.0)]
    await expect(progress).to_contain_text("100 %")
    finished(story)
    await expect(progress).to_have_count(0)
    await expect(choice).to_be_visible()
    await page.evaluate("document.querySelector('record-player').jumpTo(12)")
    await at_second(page, 12)
    await choice.select_option("仅客户")
    await plays(page, f"/{FILM}")
    await at_second(page, 12)
    await expect(page.locator("view-watermark")).to_be_visible()
    await page.get_by_role("button", name="English").click()
    await plays(page, f"/{FILM}")
    await at_second(page, 12)
    await expect(page.get_by_label("Layout that is played")).to_have_value(FILM)
    await page.locator("h1").click()
    await page.keyboard.press("v")
    await plays(page, "/merged.mp4")
    await page.set_viewport_size({"width": 390, "height": 844})
    await watched.require_fit()
    await shoot(page, "player-layouts-390", whole=True)


async def test_another_layout_waits_for_who_lets_cards_be_seen(watched: Watched, server: StandIn) -> None:
    """Where the merge made a veiled film of its own, the others are shown while a second person allows it."""
    page, story = watched.page, archived(server, (MadeFile("veiled", "merged-veiled.mp4", "", 1),))
    finished(story)
    await open_case(page, server, story)
    await plays(page, "/merged.mp4")
    choice = page.get_by_label("播放的版式")
    option = choice.locator(f"option[value='{FILM}']")
    await expect(option).to_be_disabled()
    await expect(option).to_have_text("仅客户（查看证件须先获批准）")
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.get_by_role("button", name="English").click()
    narrow = page.get_by_label("Layout that is played")
    await expect(narrow).to_be_visible()
    row = "document.querySelector('.play-row')"
    assert await page.evaluate(f"{row}.scrollWidth <= {row}.clientWidth"), "the list is cut off"
    await narrow.scroll_into_view_if_needed()
    await shoot(page, "player-layouts-veiled-390")
    await page.get_by_role("button", name="中文").click()
    server.viewing["unmasked_until"] = 4_000_000_000.0
    await page.reload()
    await expect(option).to_be_enabled()
    await choice.select_option("仅客户")
    await plays(page, f"/{FILM}?sight=4000000000")
    server.viewing["unmasked_until"] = 0.0
    await page.evaluate("dispatchEvent(new HashChangeEvent('hashchange'))")
    await plays(page, "/merged.mp4")
    await expect(option).to_be_disabled()
