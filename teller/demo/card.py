"""A specimen resident identity card, and the photograph that a phone would take of it.

The layout follows the front of the card of the People's Republic of China (GA 448); every card is
marked 样本 SPECIMEN. Numbers belong to nobody: the worked example of GB 11643-1999, or birth dates
before 1890.
"""

from dataclasses import dataclass, replace
from datetime import date

import cv2
import numpy as np
from numpy.typing import NDArray

from teller.demo.pictures import Picture, Portrait, jpeg

# 85.6 mm x 54 mm at 15 pixels per millimetre, as GA 448 gives the card.
CARD_SIZE = (1284, 810)
_PORTRAIT_BOX = (836, 128, 380, 470)
_LABEL = (176, 112, 40)
_INK = (34, 30, 28)
_STAMP = (60, 60, 205)


@dataclass(frozen=True, slots=True)
class Holder:
    """What is printed on a card; ``number`` is 18 characters by GB 11643."""

    name: str
    sex: str
    nation: str
    born: date
    address: str
    number: str


def specimen() -> Holder:
    """Return the holder whose number is the worked example of GB 11643-1999."""
    return Holder(
        "样本人", "女", "汉", date(1949, 12, 31), "北京市朝阳区样本路1号视频柜员示例楼", "11010519491231002X"
    )


def other_specimen() -> Holder:
    """Return a holder born before 1890, whose number GB 11643-1999 also prints as an example."""
    return replace(specimen(), name="样本翁", born=date(1880, 1, 1), number="440524188001010014", sex="男")


def cut_portrait(portrait: Portrait, size: tuple[int, int] = (380, 470)) -> Picture:
    """Return head and shoulders of ``portrait`` at ``size`` (width, height), as on an identity card."""
    x, y, w, h = portrait.face
    # The face takes about half of the width of an identity photograph.
    scale = 0.47 * size[0] / w
    place = np.array(
        [[scale, 0, size[0] / 2 - scale * (x + w / 2)], [0, scale, 0.47 * size[1] - scale * (y + h / 2)]],
        np.float32,
    )
    cut = cv2.warpAffine(portrait.image, place, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cut, np.uint8)


def render_card(portrait_bgr: Picture, person: Holder) -> Picture:
    """Return the card's front, 1284 x 810, BGR, with ``portrait_bgr`` scaled into its place."""
    card = _guilloche()
    _print_fields(card, person)
    x, y, w, h = _PORTRAIT_BOX
    card[y : y + h, x : x + w] = cv2.resize(portrait_bgr, (w, h), interpolation=cv2.INTER_AREA)
    _stamp(card)
    return card


def _guilloche() -> Picture:
    width, height = CARD_SIZE
    across = np.linspace(0.0, 1.0, width, dtype=np.float32)[None, :, None]
    left, right = np.array((243, 238, 222), np.float32), np.array((232, 240, 246), np.float32)
    card = np.repeat(left * (1 - across) + right * across, height, axis=0).astype(np.uint8)
    xs = np.arange(0, width + 8, 8)
    for line in range(-4, 34):
        wave = 28 * np.sin(xs / 90 + line * 0.35) + 14 * np.sin(xs / 37 - line * 0.2)
        points = np.stack([xs, line * 27 + wave], axis=1).astype(np.int32)
        tint = (236, 226, 196) if line % 2 else (214, 224, 240)
        cv2.polylines(card, [points], False, tint, 1, cv2.LINE_AA)
    return card


def _write(card: Picture, text: str, at: tuple[int, int], size: int, ink: tuple[int, int, int]) -> None:
    cv2.putText(card, text, at, ink, cv2.FontFace("uni"), size, 500)


def _print_fields(card: Picture, person: Holder) -> None:
    born = (str(person.born.year), "年", str(person.born.month), "月", str(person.born.day), "日")
    _write(card, "姓名", (84, 150), 34, _LABEL)
    _write(card, person.name, (204, 154), 46, _INK)
    _write(card, "性别", (84, 246), 34, _LABEL)
    _write(card, person.sex, (204, 249), 42, _INK)
    _write(card, "民族", (330, 246), 34, _LABEL)
    _write(card, person.nation, (446, 249), 42, _INK)
    _write(card, "出生", (84, 342), 34, _LABEL)
    places = (204, 326, 384, 438, 496, 558)
    for text, left in zip(born, places, strict=True):
        label = text in "年月日"
        _write(card, text, (left, 342 if label else 345), 34 if label else 42, _LABEL if label else _INK)
    _write(card, "住址", (84, 438), 34, _LABEL)
    for row in range(0, len(person.address), 13):
        _write(card, person.address[row : row + 13], (204, 441 + 54 * (row // 13)), 42, _INK)
    _write(card, "公民身份号码", (84, 716), 34, _LABEL)
    for place, digit in enumerate(person.number):
        _write(card, digit, (362 + 44 * place, 720), 56, _INK)


def _stamp(card: Picture) -> None:
    # Across the lower left, where it hides neither the portrait nor the number.
    layer = np.zeros_like(card)
    _write(layer, "样本 SPECIMEN", (150, 600), 92, (255, 255, 255))
    turn = cv2.getRotationMatrix2D((430, 560), 9, 1.0)
    shape = cv2.warpAffine(layer, turn, CARD_SIZE, flags=cv2.INTER_LINEAR)[:, :, :1].astype(np.float32) / 255
    blended = card * (1 - 0.38 * shape) + np.array(_STAMP, np.float32) * 0.38 * shape
    card[:] = blended.astype(np.uint8)


def photograph(card: Picture, seed: int = 0, size: tuple[int, int] = (2000, 1500)) -> bytes:
    """Return what a phone would upload: ``card`` on a desk, a little tilted, unevenly lit, as JPEG.

    ``seed`` chooses tilt, light and noise; ``size`` is width and height in pixels.
    """
    chance = np.random.default_rng(seed)
    desk = _desk(size, chance)
    tilt = _tilt(card.shape[1], card.shape[0], size, chance)
    shown = cv2.warpPerspective(card, tilt, size, flags=cv2.INTER_LINEAR)
    mask = cv2.warpPerspective(np.ones(card.shape[:2], np.float32), tilt, size, flags=cv2.INTER_LINEAR)
    scene = cv2.blendLinear(shown, desk, mask, 1 - mask)
    shadow = 1 - 0.45 * cv2.GaussianBlur(mask, (0, 0), 18) * (1 - mask)
    light = (shadow * _light(size, chance)).astype(np.float32)
    noise = 2.5 * chance.standard_normal(light.shape, np.float32)
    lit = scene.astype(np.float32) * light[:, :, None] + noise[:, :, None]
    return jpeg(cv2.GaussianBlur(np.clip(lit, 0, 255).astype(np.uint8), (0, 0), 0.7))


def _desk(size: tuple[int, int], chance: np.random.Generator) -> Picture:
    width, height = size
    grain = chance.standard_normal((height, max(1, width // 40)), np.float32)
    grain = np.asarray(cv2.GaussianBlur(cv2.resize(grain, size), (0, 0), 3), np.float32)
    wood = np.array((70, 98, 132), np.float32) + grain[:, :, None] * np.array((14, 17, 20), np.float32)
    return np.asarray(np.clip(wood, 0, 255), np.uint8)


def _tilt(width: int, height: int, size: tuple[int, int], chance: np.random.Generator) -> NDArray[np.float64]:
    # The card takes about 72 % of the picture's width, as the frame on the customer's page asks for.
    scale = 0.72 * size[0] / width
    half = np.array((width * scale / 2, height * scale / 2))
    corners = np.array(((-1, -1), (1, -1), (1, 1), (-1, 1))) * half
    angle = np.deg2rad(chance.uniform(-5, 5))
    turn = np.array(((np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))))
    placed = corners @ turn.T + np.array(size) / 2 + chance.uniform(-0.02, 0.02, (4, 2)) * size[0]
    source = np.array(((0, 0), (width, 0), (width, height), (0, height)), np.float32)
    return np.asarray(cv2.getPerspectiveTransform(source, placed.astype(np.float32)), np.float64)


def _light(size: tuple[int, int], chance: np.random.Generator) -> NDArray[np.float32]:
    width, height = size
    direction = chance.uniform(-0.14, 0.14, 2)
    across = np.linspace(-1, 1, width, dtype=np.float32)[None, :] * direction[0]
    down = np.linspace(-1, 1, height, dtype=np.float32)[:, None] * direction[1]
    return np.asarray(0.93 + across + down, np.float32)
