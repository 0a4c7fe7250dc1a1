"""Every screen of the identity checks as customers see it, on phones and a desk, in both languages."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest
import pytest_asyncio
from playwright.async_api import Locator, expect

from contract import wire
from contract.ids import CheckId, new_check_id
from contract.phases import CheckWord, CodeChannel, EvidenceKind, LivenessKind
from tests.browser import shoot
from tests.customer_h5.conftest import Phone
from tests.customer_h5.sights import (
    CAMERA,
    CUSTOMER,
    SCENES,
    TELLER,
    draw_card,
    draw_person,
    show,
)
from tests.customer_h5.steps import enter_call, plays, require_calm

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
# Window, language, large words.
LOOKS = [
    ((360, 640), "zh-CN", False),
    ((360, 640), "en", True),
    ((390, 844), "zh-CN", True),
    ((390, 844), "en", False),
    ((1280, 800), "zh-CN", False),
]
# Held upright, so is what their cameras see.
PHONES = LOOKS[:4]
# What the documentation shows in English and of a desk as well.
_SHOWN = {"gestures", "turn_left", "say_digits", "light", "code", "card-good"}
CHECK = CheckId("check-3k9m0c7v2q8x1tzr")
GESTURES = ("turn_left", "turn_right", "nod", "blink", "open_mouth", "say_digits")
CODE = wire.CodeWanted(CHECK, 6, CodeChannel.SMS, 3, 600.0)
_SPEAK = """async (language) => {
  const loaded = performance.getEntriesByType("resource").map((one) => one.name);
  (await import(loaded.find((name) => name.endsWith("/web_kit/i18n.js")))).setLanguage(language);
}"""
# Words that are cut off or stick out of the window, and what lies under the buttons.
_CUT = """() => {
  const sheets = ".live, .light, .still, .code-sheet";
  const words = [...document.querySelectorAll("h2, p, li, button, input, label, span")]
    .filter((one) => one.closest(sheets) && one.checkVisibility() && !one.matches(".sr"));
  const out = words.filter((one) => {
    const { left, right } = one.getBoundingClientRect();
    const wide = one.clientWidth > 0 && one.scrollWidth > one.clientWidth + 1;
    return wide || left < -0.5 || right > innerWidth + 0.5;
  });
  const buttons = [...document.querySelectorAll("button")]
    .filter((one) => one.closest(sheets) && one.checkVisibility())
    .filter((one) => one.getBoundingClientRect().bottom > innerHeight || one.getBoundingClientRect().top < 0);
  return [...out, ...buttons].map((one) => one.outerHTML.slice(0, 120));
}"""


@dataclass(frozen=True, slots=True)
class Looked:
    """A phone in a call whose camera sees what is drawn."""

    phone: Phone
    language: str
    large: bool

    async def look(self, name: str) -> None:
        """Fail if anything is cut off or too small; keep a picture."""
        page = self.phone.page
        await require_calm(self.phone)
        assert await page.evaluate(_CUT) == []
        width = (page.viewport_size or {"width": 0})["width"]
        if not self.large and (width == LOOKS[0][0][0] or name in _SHOWN):
            await self.phone.shot(f"identity-{name}" + ("-en" if self.language == "en" else ""))
        else:
            await shoot(page, f"look-{name}-{width}-{self.language}")

    def sheet(self, state: str) -> Locator:
        """Return the sheet of a liveness check in this state."""
        return self.phone.page.locator(f".live[data-phase={state}]")


@pytest_asyncio.fixture(loop_scope="session")
async def looked(phone: Phone, language: str, large: bool) -> AsyncIterator[Looked]:
    """Yield a call between two drawn people."""
    page, agent = phone.page, phone.agent
    await page.add_init_script(CAMERA)
    await agent.evaluate(CAMERA)
    await show(agent, draw_person(TELLER))
    if large:
        await page.add_init_script("localStorage.setItem('teller-size', 'large')")
    await enter_call(phone)
    await show(page, draw_person(CUSTOMER))
    await page.evaluate(_SPEAK, language)
    await plays(phone, ".agent-picture")
    yield Looked(phone, language, large)


@pytest.mark.parametrize(("viewport", "language", "large"), LOOKS)
async def test_gestures(looked: Looked) -> None:
    """What comes, every gesture, another try, and each of the words at the end."""
    bank, page = looked.phone.bank, looked.phone.page
    await bank.send(wire.ChallengeWanted(CHECK, LivenessKind.GESTURES, elder=False))
    await expect(looked.sheet("explain")).to_be_visible()
    await looked.look("gestures")
    await looked.sheet("explain").locator(".primary").click()
    await expect(looked.sheet("wait")).to_be_visible()
    await looked.look("wait")
    for index, gesture in enumerate(GESTURES, 1):
        digits = "4729" if gesture == "say_digits" else ""
        await bank.send(wire.ChallengeStep(CHECK, gesture, index, 6, 20.0, 1, digits))
        await expect(page.locator(f".live .guide.{gesture}")).to_be_visible()
        await plays(looked.phone, ".live-stage video")
        own = await page.locator(".live-stage .self").bounding_box()
        assert own is not None and own["height"] > 180
        await looked.look(gesture)
    for word in (CheckWord.AGAIN, CheckWord.AGENT_HELPS, CheckWord.THANKS):
        await bank.send(wire.CheckOver(CHECK, word))
        await expect(looked.sheet(word)).to_be_visible()
        await looked.look(word)


@pytest.mark.parametrize(("viewport", "language", "large"), LOOKS)
async def test_light(looked: Looked) -> None:
    """The warning is read without scrolling; the colours have the screen, and a way out."""
    bank, page = looked.phone.bank, looked.phone.page
    await page.emulate_media(reduced_motion="reduce")
    await bank.send(wire.ChallengeWanted(CHECK, LivenessKind.LIGHT, elder=False))
    await expect(looked.sheet("explain")).to_be_visible()
    warning = await page.locator(".live .notice").last.bounding_box()
    buttons = await page.locator(".live-buttons").bounding_box()
    assert warning is not None and buttons is not None
    assert warning["y"] + warning["height"] <= buttons["y"]
    await looked.look("light")
    await bank.send(wire.LightSequence(CHECK, ("#ff00ff", "#00ffff"), 2, 20.0, 0.1))
    await expect(page.locator(".light[data-colour='0']")).to_be_visible()
    await looked.look("colour")


@pytest.mark.parametrize(("viewport", "language", "large"), LOOKS)
async def test_note_and_code(looked: Looked) -> None:
    """A passive check leaves the call in sight; the six digits of a code are seen whole."""
    bank, page = looked.phone.bank, looked.phone.page
    await bank.send(wire.ChallengeWanted(CHECK, LivenessKind.PASSIVE, elder=False))
    await expect(page.locator(".live-note")).to_be_visible()
    await looked.look("passive")
    await bank.send(wire.CheckOver(CHECK, CheckWord.THANKS))
    code = replace(CODE, check=new_check_id())
    await bank.send(code)
    await page.locator(".code-field").press_sequentially("888888")
    await looked.look("code")
    await page.locator(".code-field").press("Enter")
    await bank.wait_for(wire.EnterCode)
    await bank.send(replace(code, left=2, seconds=500.0))
    await expect(page.locator(".bad-words")).to_be_visible()
    await looked.look("code-wrong")
    await bank.send(wire.CheckOver(code.check, CheckWord.AGENT_HELPS))
    await expect(page.locator(".code-over")).to_be_visible()
    await looked.look("code-over")


@pytest.mark.parametrize(("viewport", "language", "large"), PHONES)
async def test_aiming(looked: Looked) -> None:
    """Each word about a card in the frame, and the torch where there is one."""
    bank, page = looked.phone.bank, looked.phone.page
    await page.evaluate("() => { hasTorch = true; }")
    await show(page, draw_card(SCENES["no_edge"]))
    await bank.want_still(EvidenceKind.ID_CARD)
    said = set()
    for word, scene in SCENES.items():
        await show(page, draw_card(scene))
        await expect(page.locator(f".hint[data-word={word}]")).to_be_visible(timeout=20_000)
        said.add(await page.locator(".hint").inner_text())
        await looked.look(f"card-{word}")
    assert len(said) == len(SCENES)
    await page.locator(".shutter").click()
    await expect(page.locator(".still .primary")).to_be_visible()
    await looked.look("card-taken")


@pytest.mark.parametrize(("viewport", "language", "large"), PHONES)
async def test_other_pictures(looked: Looked) -> None:
    """The back of a card, the page of a passport, a face."""
    bank, page = looked.phone.bank, looked.phone.page
    for kind, sight in (
        (EvidenceKind.ID_CARD_BACK, draw_card(SCENES["good"], back=True)),
        (EvidenceKind.PASSPORT, draw_card(SCENES["no_edge"])),
        (EvidenceKind.FACE_STILL, draw_person(CUSTOMER)),
    ):
        await show(page, sight)
        await bank.want_still(kind)
        await expect(page.locator(".shutter")).to_be_focused()
        if kind is not EvidenceKind.FACE_STILL:
            await expect(page.locator(".hint")).to_be_visible(timeout=20_000)
        await looked.look(kind)
