"""Every panel of the identity checks at the sizes of agents' screens, in both languages."""

import time

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from contract import wire
from contract.phases import CallPhase, EvidenceKind, LivenessKind, Role, WatchEvent
from tests.agent_console import identity_story as told
from tests.agent_console.console import log_in, running, script_of, show_person, state_of, step
from tests.agent_console.stand_in import StandIn
from tests.agent_console.story import Story
from tests.agent_console.test_checks import checks_of, tell, with_pictures
from tests.browser import Watched, shoot, watched_page

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

_PANELS = ("document", "portraits", "passive", "gestures", "light", "questions", "code", "external_registry")
# What is wider than its box is cut off or moves under the hand.
_TOO_WIDE = """() => [...document.querySelectorAll(".step, .step *, live-checks, live-checks *, dialog *")]
  .filter((one) => one.checkVisibility() && one.clientWidth > 0 && one.scrollWidth > one.clientWidth + 1)
  .map((one) => `${one.localName}.${one.className} ${one.scrollWidth} > ${one.clientWidth}`)"""

# Of the text that an element begins with.
LINES = """(one) => {
  const range = document.createRange();
  range.selectNode(one.firstChild);
  return new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size;
}"""


def everything(story: Story) -> None:
    """A conversation in which every check has something to show."""
    told.keep(story, EvidenceKind.ID_CARD_BACK)
    check = told.read(story)
    told.correct(story, check, "number", "330106199003070O24", "330106199003070024")
    told.judge(story, check, "name_differs", "back_missing")
    told.compared(story)
    told.source(story)
    told.measured(story, told.started(story, LivenessKind.PASSIVE))
    gestures = told.started(story, LivenessKind.GESTURES)
    told.drawn(story, gestures)
    told.asked(story, gestures, 1)
    told.tried(story, gestures, 1)
    told.asked(story, gestures, 2)
    told.tried(story, gestures, 2, "wrong_gesture")
    told.ended(story, gestures, told.REVIEW, "wrong_gesture")
    told.lit(story, told.started(story, LivenessKind.LIGHT))
    told.answered(story, told.question(story), told.PASSED, "说得出金额")
    told.question(story, "示例超市 -88.00")
    told.entered(story, told.code(story, time.time() + 600), 2, right=False)
    told.outside(story)
    told.watched(story, WatchEvent.SECOND_FACE)
    told.decided(story)


async def height(element: Locator) -> float:
    """Return how high an element is, in pixels."""
    found = await element.bounding_box()
    assert found is not None
    return found["height"]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("size", [(1440, 900), (1280, 720)], ids=["1440", "1280"])
async def test_panels_fit(
    call: Page, watched: Watched, server: StandIn, story: Story, size: tuple[int, int], language: str
) -> None:
    """Nothing is cut off or scrolls sideways; the dialogs fit the window."""
    await with_pictures(server, story)
    await call.set_viewport_size({"width": size[0], "height": size[1]})
    since = len(story.entries)
    everything(story)
    await tell(server, story, since)
    await server.send(checks_of(story, passive="passed", gestures="review", light="review"))
    if language == "en":
        await call.get_by_role("button", name="English").click()
    name = f"{size[0]}-{language}"
    await expect(step(call, "external_registry")).to_contain_text("SHA-256")
    face = story.pictures[EvidenceKind.FACE_STILL]
    await show_person(call, "customer", f"/api/cases/{story.case}/files/evidence/{face}.jpg")
    tall = call.locator(".tall")
    if await tall.get_attribute("aria-pressed") == "false":
        await tall.click()
    for panel in _PANELS:
        shown = step(call, panel)
        if await shown.get_by_role("button").first.get_attribute("aria-expanded") == "false":
            await shown.get_by_role("button").first.click()
        await shown.evaluate("(one) => one.scrollIntoView({block: 'start'})")
        assert not (await call.evaluate(_TOO_WIDE))
        if name == "1440-zh":
            await shoot(call, f"agent-check-{panel}")
    await call.keyboard.press("k")
    await expect(call.locator("live-checks")).to_be_visible()
    assert not (await call.evaluate(_TOO_WIDE))
    if name in {"1440-zh", "1280-en"}:
        await shoot(call, f"agent-checks-{name}")
    await watched.require_names()
    await watched.require_fit()


@pytest.mark.parametrize("width", [1440, 1024])
async def test_a_number_stays_in_one_line(call: Page, server: StandIn, story: Story, width: int) -> None:
    """Eighteen signs are compared by eye: in the document and in the check of the number."""
    await with_pictures(server, story)
    await call.set_viewport_size({"width": width, "height": 800})
    await call.get_by_role("button", name="English").click()
    since = len(story.entries)
    told.judge(story, told.read(story), "name_differs")
    story.number("330106199003070024")
    await tell(server, story, since)
    await server.send(checks_of(story))
    number = step(call, "document").locator("[data-field=number] td").first
    await expect(number).to_be_visible()
    assert await number.evaluate(LINES) == 1
    await server.send(script_of(story))
    read = step(call, "id_number").locator(".number-read")
    await expect(read).to_have_text("330106199003070024")
    assert await read.evaluate(LINES) == 1
    assert not (await call.evaluate(_TOO_WIDE))


async def test_the_script_takes_the_height_of_the_chat(call: Page, server: StandIn, story: Story) -> None:
    """A button folds the chat away; a line that comes is counted on its tab; opening a tab brings it back."""
    await server.send(checks_of(story))
    tall = call.get_by_role("button", name="只看流程，收起下方")
    await expect(tall).to_have_attribute("aria-pressed", "false")
    before = await height(call.locator(".steps-card"))
    await tall.click()
    await expect(tall).to_have_attribute("aria-pressed", "true")
    await expect(call.locator("chat-panel")).to_be_hidden()
    assert await height(call.locator(".steps-card")) > before * 1.3
    await server.note(story.say(Role.CUSTOMER, "好的，稍等。"))
    chat = call.get_by_role("tab", name="聊天")
    await expect(chat.locator(".count")).to_have_text("1")
    await shoot(call, "agent-script-only")
    await chat.click()
    await expect(tall).to_have_attribute("aria-pressed", "false")
    await expect(call.locator("chat-panel")).to_contain_text("好的，稍等。")
    await expect(chat.locator(".count")).to_be_hidden()


async def test_a_low_window_begins_with_the_script(browser: Browser, server: StandIn, story: Story) -> None:
    """At 1280x720 the script has the column until somebody opens a tab."""
    async with watched_page(browser, (1280, 720)) as watched:
        server.calling = story.case
        story.answer()
        await log_in(watched.page, server)
        await server.wait_for(wire.Hello)
        await server.send(state_of(story, CallPhase.ACTIVE), running(story), script_of(story))
        await expect(watched.page.get_by_role("button", name="只看流程，收起下方")).to_have_attribute(
            "aria-pressed", "true"
        )
        await expect(watched.page.locator("chat-panel")).to_be_hidden()
        await watched.page.get_by_role("tab", name="聊天").click()
        await expect(watched.page.locator("chat-panel")).to_be_visible()
