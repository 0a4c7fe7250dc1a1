"""The phone takes pictures of a document that is tilted, and sends them."""

from dataclasses import replace

import pytest
from playwright.async_api import expect

from contract import wire
from contract.ids import CheckId, EvidenceId
from contract.phases import EvidenceKind, TiltEnd
from tests.customer_h5.conftest import Phone
from tests.customer_h5.steps import enter_call, plays, require_calm
from tests.customer_h5.test_budget import VISIT_BYTES_MAX
from tests.customer_h5.test_identity import _SPEAK, require_in_sight

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
CHECK = CheckId("check-3k9m0c7v2q8x1t00")
PICTURES = tuple(EvidenceId(f"ev-3k9m0c7v2q8x1t0{at}") for at in range(8))
WANTED = wire.TiltWanted(CHECK, EvidenceKind.ID_CARD, PICTURES, 1.0)
_LOADED = """() => performance.getEntriesByType("resource").filter((one) => one.name.includes("tilt_sheet"))
  .map((one) => one.encodedBodySize)"""


async def wanted(phone: Phone, message: wire.TiltWanted = WANTED) -> None:
    """Be in a call, and be asked for a burst."""
    await enter_call(phone)
    await phone.bank.send(message)
    await expect(phone.page.get_by_role("button", name="开始")).to_be_focused()


@pytest.mark.parametrize("viewport", [(360, 640), (390, 844)])
async def test_a_burst_is_taken_and_sent(phone: Phone) -> None:
    """One tap; every picture goes up under an id of its own, in order, and the bank is told."""
    page = phone.page
    await wanted(phone)
    await expect(page.locator(".tilt")).to_contain_text("请把证件慢慢倾斜")
    await expect(page.locator(".tilt")).to_contain_text("手机自动拍 8 张，约 1 秒")
    await plays(phone, ".tilt video")
    await require_calm(phone)
    await phone.shot("tilt")
    await page.get_by_role("button", name="开始").click()
    over = await phone.bank.wait_for(wire.TiltOver)
    assert (over.check, over.reason) == (CHECK, TiltEnd.DONE)
    assert [name for name, _, _ in phone.bank.uploads] == list(PICTURES)
    assert all(data.startswith(b"\xff\xd8") for _, _, data in phone.bank.uploads)
    assert len({data for _, _, data in phone.bank.uploads}) > 4  # not one picture again and again
    await expect(page.locator(".tilt")).to_be_hidden()
    await plays(phone, ".own-picture video")


async def test_it_is_loaded_only_when_it_is_asked_for(phone: Phone) -> None:
    """A visit without it does not pay for it."""
    await enter_call(phone)
    assert await phone.page.evaluate(_LOADED) == []
    await phone.bank.send(WANTED)
    await expect(phone.page.get_by_role("button", name="开始")).to_be_visible()
    loaded = await phone.page.evaluate(_LOADED)
    assert len(loaded) == 1
    assert 0 < loaded[0] < VISIT_BYTES_MAX / 20


@pytest.mark.parametrize("while_taking", [False, True])
async def test_the_customer_stops(phone: Phone, while_taking: bool) -> None:
    """Before and while pictures are taken: the agent learns at once, the call is back."""
    page = phone.page
    await wanted(phone, replace(WANTED, seconds=10.0))
    if while_taking:
        await page.get_by_role("button", name="开始").click()
        await expect(page.locator(".tilt")).to_contain_text("向左倾斜")
    await page.get_by_role("button", name="不拍了，告诉柜员").click()
    assert (await phone.bank.wait_for(wire.TiltOver)).reason is TiltEnd.CANCELLED
    await expect(page.locator(".tilt")).to_be_hidden()
    assert phone.bank.uploads == []
    # Asked for again after a return: the word is told again, and nothing opens.
    await phone.bank.send(WANTED)
    assert (await phone.bank.wait_for(wire.TiltOver, 2)).reason is TiltEnd.CANCELLED
    await expect(page.locator(".tilt")).to_be_hidden()


async def test_a_picture_that_fails_is_sent_again(phone: Phone) -> None:
    """From where it stopped."""
    page = phone.page
    phone.watched.expected = ("status of 400", "400: ")
    await wanted(phone)
    phone.bank.still_status = [400]
    await page.get_by_role("button", name="开始").click()
    await page.get_by_role("button", name="重新上传").click()
    await phone.bank.wait_for(wire.TiltOver)
    assert [name for name, _, _ in phone.bank.uploads] == list(PICTURES)


async def test_nothing_missing_is_done(phone: Phone) -> None:
    """A page that comes back after all went up only says so."""
    await enter_call(phone)
    await phone.bank.send(replace(WANTED, pictures=()))
    assert (await phone.bank.wait_for(wire.TiltOver)).reason is TiltEnd.DONE
    assert await phone.page.evaluate(_LOADED) == []


async def test_another_picture_takes_its_place(phone: Phone) -> None:
    """The agent changed his mind: the burst is over, the new request is shown."""
    await wanted(phone)
    await phone.bank.want_still(EvidenceKind.FACE_STILL)
    assert (await phone.bank.wait_for(wire.TiltOver)).reason is TiltEnd.CANCELLED
    await expect(phone.page.get_by_role("button", name="拍照")).to_be_visible()
    await expect(phone.page.locator(".tilt")).to_be_hidden()


async def test_large_words_fit_in_english(phone: Phone) -> None:
    """On a small phone everything that is to be pressed is in sight, and every word is there."""
    page = phone.page
    await page.add_init_script("localStorage.setItem('teller-size', 'large')")
    await enter_call(phone)
    await page.evaluate(_SPEAK, "en")
    await phone.bank.send(WANTED)
    await expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()
    await require_calm(phone)
    await require_in_sight(page, "Start", "No pictures, tell the agent")
    await expect(page.locator(".tilt")).to_contain_text("8 pictures are taken by themselves in about 1 s")
