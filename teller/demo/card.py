"""A specimen resident identity card, and the photograph that a phone would take of it.

The layout follows the card of the People's Republic of China (GA 448); in place of the emblem stands a
plain star, and every card is marked 样本 SPECIMEN. Numbers belong to nobody: the worked example of
GB 11643-1999, or birth dates before 1890.
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
LABEL_INK = (176, 112, 40)
INK = (34, 30, 28)
_STAMP = (60, 60, 205)
_RED = (40, 36, 190)
# ISO/IEC 7810: corners of 3.18 mm, here as a share of the width.
_CORNER = 3.18 / 85.6


@dataclass(frozen=True, slots=True)
class Holder:
    """What is printed on a card; ``number`` is 18 characters by GB 11643."""

    name: str
    sex: str
    nation: str
    born: date
    address: str
    number: str


@dataclass(frozen=True, slots=True)
class Issue:
    """What is printed on a card's back; ``expires`` is None for 长期."""

    authority: str
    issued: date
    expires: date | None

    @property
    def term(self) -> str:
        """Return the term as it is printed."""
        end = f"{self.expires:%Y.%m.%d}" if self.expires else "长期"
        return f"{self.issued:%Y.%m.%d}-{end}"


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
    card = background(CARD_SIZE)
    _print_fields(card, person)
    x, y, w, h = _PORTRAIT_BOX
    card[y : y + h, x : x + w] = cv2.resize(portrait_bgr, (w, h), interpolation=cv2.INTER_AREA)
    # Across the lower left, where it hides neither the portrait nor the number.
    stamp(card, (150, 600))
    return card


def render_back(issue: Issue) -> Picture:
    """Return the card's back, 1284 x 810, BGR."""
    card = background(CARD_SIZE)
    _star(card, (190, 200), 118)
    write(card, "中华人民共和国", (420, 190), 70, INK)
    write(card, "居民身份证", (430, 320), 100, INK)
    write(card, "签发机关", (330, 626), 36, LABEL_INK)
    write(card, issue.authority, (506, 628), 40, INK)
    write(card, "有效期限", (330, 716), 36, LABEL_INK)
    write(card, issue.term, (506, 718), 40, INK)
    stamp(card, (420, 500))
    return card


def _star(card: Picture, centre: tuple[int, int], radius: int) -> None:
    angles = np.arange(10) * np.pi / 5 - np.pi / 2
    reach = np.where(np.arange(10) % 2, 0.38 * radius, radius)
    points = np.stack([np.cos(angles) * reach, np.sin(angles) * reach], axis=1) + centre
    cv2.fillPoly(card, [points.astype(np.int32)], _RED, cv2.LINE_AA)
    cv2.circle(card, centre, int(1.15 * radius), _RED, 5, cv2.LINE_AA)


def background(size: tuple[int, int]) -> Picture:
    """Return an empty document of ``size`` (width, height) with a printed pattern of fine waves."""
    width, height = size
    across = np.linspace(0.0, 1.0, width, dtype=np.float32)[None, :, None]
    left, right = np.array((243, 238, 222), np.float32), np.array((232, 240, 246), np.float32)
    card = np.repeat(left * (1 - across) + right * across, height, axis=0).astype(np.uint8)
    xs = np.arange(0, width + 8, 8)
    for line in range(-4, height // 27 + 4):
        wave = 28 * np.sin(xs / 90 + line * 0.35) + 14 * np.sin(xs / 37 - line * 0.2)
        points = np.stack([xs, line * 27 + wave], axis=1).astype(np.int32)
        tint = (236, 226, 196) if line % 2 else (214, 224, 240)
        cv2.polylines(card, [points], False, tint, 1, cv2.LINE_AA)
    return card


def write(card: Picture, text: str, at: tuple[int, int], size: int, ink: tuple[int, int, int]) -> None:
    """Print ``text`` with its base line beginning at ``at``, ``size`` pixels high."""
    cv2.putText(card, text, at, ink, cv2.FontFace("uni"), size, 500)


def _print_fields(card: Picture, person: Holder) -> None:
    born = (str(person.born.year), "年", str(person.born.month), "月", str(person.born.day), "日")
    write(card, "姓名", (84, 150), 34, LABEL_INK)
    write(card, person.name, (204, 154), 46, INK)
    write(card, "性别", (84, 246), 34, LABEL_INK)
    write(card, person.sex, (204, 249), 42, INK)
    write(card, "民族", (330, 246), 34, LABEL_INK)
    write(card, person.nation, (446, 249), 42, INK)
    write(card, "出生", (84, 342), 34, LABEL_INK)
    places = (204, 326, 384, 438, 496, 558)
    for text, left in zip(born, places, strict=True):
        label = text in "年月日"
        write(card, text, (left, 342 if label else 345), 34 if label else 42, LABEL_INK if label else INK)
    write(card, "住址", (84, 438), 34, LABEL_INK)
    for row in range(0, len(person.address), 13):
        write(card, person.address[row : row + 13], (204, 441 + 54 * (row // 13)), 42, INK)
    write(card, "公民身份号码", (84, 716), 34, LABEL_INK)
    for place, digit in enumerate(person.number):
        write(card, digit, (362 + 44 * place, 720), 56, INK)


def stamp(card: Picture, at: tuple[int, int]) -> None:
    """Mark ``card`` as a specimen, across and in red, beginning near ``at``."""
    layer = np.zeros_like(card)
    write(layer, "样本 SPECIMEN", at, 92, (255, 255, 255))
    turn = cv2.getRotationMatrix2D((at[0] + 280, at[1] - 40), 9, 1.0)
    shape = (
        cv2.warpAffine(layer, turn, card.shape[1::-1], flags=cv2.INTER_LINEAR)[:, :, :1].astype(np.float32)
        / 255
    )
    blended = card * (1 - 0.38 * shape) + np.array(_STAMP, np.float32) * 0.38 * shape
    card[:] = blended.astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Scene:
    """How a phone takes a card; the default is what a careful customer achieves.

    ``tilt`` is the largest angle in degrees, ``skew`` how far a corner strays at most and ``share`` how
    much the card takes, both of the picture's width; ``turned`` lets the picture lie by any quarter.
    ``desk`` is the colour it lies on, BGR. ``light`` is what a white surface reflects, ``glare`` the
    strength of a lamp's reflection on the card, both 0 to 1; ``blur`` and ``noise`` are deviations in
    pixels and grey levels.
    """

    tilt: float = 5.0
    skew: float = 0.02
    # What the frame on the customer's page asks for.
    share: float = 0.72
    turned: bool = False
    desk: tuple[int, int, int] = (70, 98, 132)
    light: float = 0.93
    glare: float = 0.0
    blur: float = 0.7
    noise: float = 2.5
    quality: int = 92


def photograph(
    card: Picture, seed: int = 0, size: tuple[int, int] = (2000, 1500), scene: Scene | None = None
) -> bytes:
    """Return what a phone would upload: ``card`` on a desk, as JPEG.

    ``seed`` chooses tilt, light and noise within the bounds of ``scene``; ``size`` is width and height in
    pixels.
    """
    scene = scene or Scene()
    chance = np.random.default_rng(seed)
    tilt, turn = _pose(card, size, scene, chance)
    desk = _desk(size, scene.desk, chance)
    shown = cv2.warpPerspective(card, tilt, size, flags=cv2.INTER_LINEAR)
    mask = cv2.warpPerspective(_outline(card), tilt, size, flags=cv2.INTER_LINEAR)
    picture = cv2.blendLinear(shown, desk, mask, 1 - mask)
    shadow = 1 - 0.45 * cv2.GaussianBlur(mask, (0, 0), 18) * (1 - mask)
    light = (shadow * _light(size, scene.light, chance)).astype(np.float32)
    noise = scene.noise * chance.standard_normal(light.shape, np.float32)
    # Three equal channels: NumPy is slow where an innermost axis of three is stretched.
    lit = picture.astype(np.float32) * cv2.merge([light] * 3) + cv2.merge([noise] * 3)
    if scene.glare:
        lit += cv2.merge([255 * scene.glare * _reflection(tilt, card, size, chance) * mask] * 3)
    seen = np.ascontiguousarray(np.rot90(np.clip(lit, 0, 255).astype(np.uint8), turn))
    return jpeg(cv2.GaussianBlur(seen, (0, 0), scene.blur), scene.quality)


def card_corners(
    card: Picture, seed: int, size: tuple[int, int] = (2000, 1500), scene: Scene | None = None
) -> NDArray[np.float64]:
    """Return where :func:`photograph` puts the card's corners, 4 x 2, from the upper left clockwise."""
    tilt, turn = _pose(card, size, scene or Scene(), np.random.default_rng(seed))
    height, width = card.shape[:2]
    corners = np.array([[(0, 0), (width, 0), (width, height), (0, height)]], np.float64)
    x, y = cv2.perspectiveTransform(corners, tilt)[0].T
    wide, tall = size
    placed = ((x, y), (y, wide - x), (wide - x, tall - y), (tall - y, x))[turn]
    return np.stack(placed, axis=1)


def _pose(
    card: Picture, size: tuple[int, int], scene: Scene, chance: np.random.Generator
) -> tuple[NDArray[np.float64], int]:
    tilt = _tilt(card.shape[1], card.shape[0], size, scene, chance)
    return tilt, int(chance.integers(4)) if scene.turned else 0


def _outline(card: Picture) -> NDArray[np.float32]:
    height, width = card.shape[:2]
    corner = round(_CORNER * width)
    mask = np.zeros((height, width), np.float32)
    cv2.rectangle(mask, (corner, 0), (width - corner, height), 1.0, -1)
    cv2.rectangle(mask, (0, corner), (width, height - corner), 1.0, -1)
    for x in (corner, width - corner - 1):
        for y in (corner, height - corner - 1):
            cv2.circle(mask, (x, y), corner, 1.0, -1)
    return mask


def _reflection(
    tilt: NDArray[np.float64], card: Picture, size: tuple[int, int], chance: np.random.Generator
) -> NDArray[np.float32]:
    # The middle of the card and its surroundings, where a ceiling lamp is seen in the laminate.
    spot = np.array([[[card.shape[1] * chance.uniform(0.2, 0.8), card.shape[0] * chance.uniform(0.2, 0.8)]]])
    x, y = cv2.perspectiveTransform(spot, tilt)[0, 0]
    wide, tall = size[0] * chance.uniform(0.05, 0.09), size[0] * chance.uniform(0.03, 0.06)
    across = ((np.arange(size[0], dtype=np.float32) - x) / wide)[None, :]
    down = ((np.arange(size[1], dtype=np.float32) - y) / tall)[:, None]
    return np.asarray(np.exp(-((across**2 + down**2) ** 2) / 2), np.float32)


def _desk(size: tuple[int, int], colour: tuple[int, int, int], chance: np.random.Generator) -> Picture:
    width, height = size
    grain = chance.standard_normal((height, max(1, width // 40)), np.float32)
    grain = np.asarray(cv2.GaussianBlur(cv2.resize(grain, size), (0, 0), 3), np.float32)
    stripes = cv2.merge([grain * np.float32(reach) for reach in (14, 17, 20)])
    wood = stripes.reshape(height, -1) + np.tile(np.array(colour, np.float32), width)
    return np.asarray(np.clip(wood, 0, 255), np.uint8).reshape(height, width, 3)


def _tilt(
    width: int, height: int, size: tuple[int, int], scene: Scene, chance: np.random.Generator
) -> NDArray[np.float64]:
    scale = scene.share * size[0] / width
    half = np.array((width * scale / 2, height * scale / 2))
    corners = np.array(((-1, -1), (1, -1), (1, 1), (-1, 1))) * half
    angle = np.deg2rad(chance.uniform(-scene.tilt, scene.tilt))
    turn = np.array(((np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))))
    strays = chance.uniform(-scene.skew, scene.skew, (4, 2)) * size[0]
    placed = corners @ turn.T + np.array(size) / 2 + strays
    source = np.array(((0, 0), (width, 0), (width, height), (0, height)), np.float32)
    return np.asarray(cv2.getPerspectiveTransform(source, placed.astype(np.float32)), np.float64)


def _light(size: tuple[int, int], level: float, chance: np.random.Generator) -> NDArray[np.float32]:
    width, height = size
    direction = chance.uniform(-0.14, 0.14, 2) * level / 0.93
    across = np.linspace(-1, 1, width, dtype=np.float32)[None, :] * direction[0]
    down = np.linspace(-1, 1, height, dtype=np.float32)[:, None] * direction[1]
    return np.asarray(level + across + down, np.float32)
