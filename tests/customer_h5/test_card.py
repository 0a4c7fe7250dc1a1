"""The viewfinder's words about a document, beside those of the bank about the same pictures."""

import base64
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import pytest_asyncio
from numpy.typing import NDArray
from playwright.async_api import Browser, async_playwright, expect

from contract.phases import EvidenceKind
from kyc.card_photo import find_corners, inspect_card
from kyc.images import decode
from teller.demo.specimens import Kind, specimens
from tests.browser import chromium
from tests.customer_h5.conftest import Phone
from tests.customer_h5.sights import SCENES, draw_card
from tests.customer_h5.steps import enter_call, plays, require_calm

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
Picture = NDArray[np.uint8]
# The middle of a card in a picture, and its width.
Place = tuple[float, float, float]
# The frame in the small picture, and what is looked at around it; see customer_h5/card_measures.js.
WIDTH, MARGIN, RATIO = 640, 51, 85.6 / 54
# What the phone sees while the photo will have 1600 pixels.
PREVIEW = 0.6
_MEASURE = """async ([build, pictures]) => {
  const { measureCard, wordOf } = await import(`/s/${build}/customer_h5/card_measures.js`);
  const found = [];
  for (const { data, frame, seen, taken } of pictures) {
    const image = new Image();
    image.src = `data:image/png;base64,${data}`;
    await image.decode();
    const canvas = new OffscreenCanvas(image.width, image.height);
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const pixels = context.getImageData(0, 0, image.width, image.height).data;
    const measures = measureCard(pixels, image.width, image.height, frame);
    found.push([wordOf(measures, { seen, taken }), measures]);
  }
  return found;
}"""
_STEADY = """async (build) => {
  const { Steady } = await import(`/s/${build}/customer_h5/card_aim.js`);
  const steady = new Steady();
  return ["glare", "glare", "good", "glare", "glare", "glare", "good", "glare", "good", "good", "good"]
    .map((word) => steady.read(word));
}"""


def _photos(condition: str, count: int) -> Iterator[tuple[Picture, Place]]:
    """Yield previews of rendered fronts and backs, each with the card's middle and width in it."""
    for one in specimens(11, count, kinds=(Kind.FRONT, Kind.BACK), conditions=(condition,)):
        whole = decode(one.picture)
        small = cv2.resize(whole, None, fx=PREVIEW, fy=PREVIEW, interpolation=cv2.INTER_AREA)
        picture = np.asarray(small, np.uint8)
        corners = find_corners(picture)
        assert corners is not None
        (x, y), sides, _ = cv2.minAreaRect(corners)
        yield picture, (x, y, max(sides))


def _framed(picture: Picture, card: Place, *, aside: float = 0.0, share: float = 1.0) -> dict[str, object]:
    """Return what the page looks at: the card takes ``share`` of the frame, ``aside`` of its width off."""
    x, y, width = card[0] + aside * card[2], card[1], card[2] / share
    height, scale = round(WIDTH / RATIO), WIDTH / width
    move = np.array(
        ((scale, 0, MARGIN + WIDTH / 2 - x * scale), (0, scale, MARGIN + height / 2 - y * scale)), np.float32
    )
    size = (WIDTH + 2 * MARGIN, height + 2 * MARGIN)
    small = cv2.warpAffine(picture, move, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    frame = {"x": MARGIN, "y": MARGIN, "width": WIDTH, "height": height}
    data = base64.b64encode(cv2.imencode(".png", small)[1].tobytes()).decode()
    return {"data": data, "frame": frame, "seen": width, "taken": width / PREVIEW}


async def _words(phone: Phone, pictures: list[dict[str, object]]) -> list[str]:
    await phone.page.goto(f"{phone.bank.url}/c/?b=demo")
    found = await phone.page.evaluate(_MEASURE, [phone.bank.kit.build, pictures])
    return [word for word, _ in found]


@pytest.mark.parametrize(
    ("condition", "word"),
    [("clean", "good"), ("jpeg", "good"), ("glare", "glare"), ("low_light", "too_dark"), ("blur", "blurred")],
)
async def test_words(phone: Phone, condition: str, word: str) -> None:
    """A rendered card inside the frame is told what was done to it, or else what the bank finds as well."""
    photos = list(_photos(condition, 4))
    said = await _words(phone, [_framed(picture, card, aside=0.02) for picture, card in photos])
    found = [inspect_card(picture, 1 / PREVIEW).findings for picture, _ in photos]
    assert [one for one, words in zip(said, found, strict=True) if one not in (word, *words)] == []
    # One of them lies in light that burns out a part of it.
    assert said.count(word) >= 3


async def test_a_card_that_is_not_in_the_frame(phone: Phone) -> None:
    """Too far, aside, or no card at all: the sides are missing. Too few pixels: it is too small."""
    picture, card = next(_photos("clean", 1))
    table = np.full_like(picture, 128)
    far, aside = _framed(picture, card, share=0.65), _framed(picture, card, aside=0.3)
    few = {**_framed(picture, card), "taken": 500}
    assert await _words(phone, [far, aside, _framed(table, card), few]) == [
        "no_edge", "no_edge", "no_edge", "too_small"
    ]  # fmt: skip


async def test_a_word_is_said_when_it_stays(phone: Phone) -> None:
    """One look alone changes nothing."""
    await phone.page.goto(f"{phone.bank.url}/c/?b=demo")
    said = await phone.page.evaluate(_STEADY, phone.bank.kit.build)
    assert said == ["", "", "", "", "", *["glare"] * 5, "good"]


@pytest_asyncio.fixture(name="browser", scope="module", loop_scope="session")
async def camera_on_a_card(card_film: Path) -> AsyncIterator[Browser]:
    """Yield a Chromium whose camera sees a rendered card."""
    film = f"--use-file-for-fake-video-capture={card_film}"
    async with async_playwright() as playwright, chromium(playwright, film) as running:
        yield running


@pytest.fixture(scope="module")
def card_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a film of a card that lies still in the middle of 1280 x 720."""
    # Chromium takes a JPEG's grey values for a narrower range than they have, and so shows them brighter.
    seen = draw_card(replace(SCENES["good"], share=0.8, light=0.75), size=(1280, 720))
    file = tmp_path_factory.mktemp("camera") / "card.mjpeg"
    file.write_bytes(cv2.imencode(".jpg", seen)[1].tobytes() * 2)
    return file


async def test_the_viewfinder_says_when_to_press(phone: Phone) -> None:
    """A card in the frame turns it green; the customer takes the photo; a passport has another frame."""
    page, bank = phone.page, phone.bank
    await enter_call(phone)
    await bank.want_still(EvidenceKind.ID_CARD)
    await plays(phone, ".still video")
    await expect(page.locator(".hint")).to_have_text("很好，请保持不动，按下拍照", timeout=20_000)
    await expect(page.locator(".frame.good .outline")).to_be_attached()
    await require_calm(phone)
    await page.get_by_role("button", name="拍照").click()
    await page.get_by_role("button", name="使用这张").click()
    await expect(page.locator(".still")).to_be_hidden()
    assert len(bank.uploads) == 1
    await bank.want_still(EvidenceKind.PASSPORT)
    await expect(page.locator(".frame.spread .outline")).to_be_attached()
    await expect(page.locator(".still h2")).to_have_text("请拍摄护照资料页")
    await page.get_by_role("button", name="拍照").click()
    await page.get_by_role("button", name="使用这张").click()
    await expect(page.locator(".still")).to_be_hidden()
    await bank.want_still(EvidenceKind.ID_CARD_BACK)
    await expect(page.locator(".still h2")).to_have_text("请拍摄身份证国徽面")
    await expect(page.locator(".hint")).to_contain_text("很好", timeout=20_000)
