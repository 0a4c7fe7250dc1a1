"""Moving pictures of real faces that can be measured after they have been through a call.

The photographs come from wheels that are read as data and never imported: scikit-image's astronaut
(NASA, public domain) and the group photo in insightface. Every frame carries its number as black and
white blocks in a strip at the bottom, and a flash that marks each full second, or beat.
"""

import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
"""Height x width x 3, BGR, 0 to 255; or height x width when grey."""

Region = tuple[int, int, int, int]
"""Left, top, width, height in pixels."""

COUNTER_BITS = 24
_CHECK_BITS = 8
# 2 rows of 16 bits, each between a white and a black reference block: at a 320 px wide pane a block is
# still 17 px wide, twice the 8 px transform of VP8.
_ROWS, _COLUMNS = 2, 18
_STRIP_HEIGHT = 0.11
_FLASH = (0.86, 0.03, 0.11, 0.11)
FLASH_FRAMES = 2
# Less than this between the reference blocks means that there is no strip here.
_CONTRAST_MIN = 60.0


@dataclass(frozen=True, slots=True)
class Portrait:
    """A photograph, BGR, and where its face is (the box of a face detector)."""

    image: Picture
    face: Region


@cache
def _photograph(package: str, file: str) -> Picture:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"{package} is not installed; the demo draws its callers from it")
    image = cv2.imread(str(Path(spec.origin).parent / file))
    if image is None:
        raise FileNotFoundError(f"{file} is missing in the installed {package}")
    return np.asarray(image, np.uint8)


# Faces in insightface's group photo, most frontal first, boxes as YuNet finds them.
_GROUP_FACES: tuple[Region, ...] = (
    (1125, 272, 95, 123),
    (466, 266, 102, 145),
    (748, 352, 98, 123),
    (60, 268, 106, 128),
    (906, 58, 99, 143),
    (267, 150, 105, 126),
)


def astronaut() -> Portrait:
    """Return the customer's portrait: scikit-image's astronaut, 512 x 512.

    Raises:
        FileNotFoundError: scikit-image is not installed.
    """
    return Portrait(_photograph("skimage", "data/astronaut.png"), (178, 62, 89, 113))


def other_person(index: int = 0) -> Portrait:
    """Return one of six other people, ``index`` 0 to 5, cut from insightface's group photo.

    Raises:
        FileNotFoundError: insightface is not installed.
    """
    photo = _photograph("insightface", "data/images/t1.jpg")
    x, y, w, h = _GROUP_FACES[index]
    left, top = max(0, x - int(0.75 * w)), max(0, y - int(0.5 * h))
    right, bottom = min(photo.shape[1], x + int(1.75 * w)), min(photo.shape[0], y + int(1.9 * h))
    return Portrait(photo[top:bottom, left:right], (x - left, y - top, w, h))


class FaceVideo:
    """A person before a camera: the face drifts, comes nearer, and the light changes.

    ``size`` is width and height in pixels, both even and at least 160. ``agent`` chooses the office
    background instead of the living room. A flash begins every ``beat`` frames, once a second by default.
    Frames depend on their number only.
    """

    def __init__(
        self,
        portrait: Portrait,
        size: tuple[int, int] = (640, 480),
        fps: int = 25,
        *,
        agent: bool = False,
        beat: int | None = None,
    ) -> None:
        if min(size) < 160 or size[0] % 2 or size[1] % 2 or fps < 1:
            raise ValueError("size must be even and at least 160, fps at least 1")
        self.size = size
        self.fps = fps
        self._beat = beat or fps
        self._portrait = portrait
        self._mask = _soft_mask(portrait)
        self._room = _room(size, agent=agent)

    def frame(self, n: int) -> Picture:
        """Return frame ``n`` (0 to 2**24 - 1), uint8 of height x width x 3, BGR."""
        seconds = n / self.fps
        place = self._placement(seconds)
        person = cv2.warpAffine(
            self._portrait.image, place, self.size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        mask = cv2.warpAffine(self._mask, place, self.size, flags=cv2.INTER_LINEAR)
        picture = cv2.blendLinear(person, self._room, mask, 1.0 - mask)
        light = 0.94 + 0.07 * np.sin(2 * np.pi * seconds / 7.0)
        lit = np.asarray(cv2.convertScaleAbs(picture, alpha=float(light)), np.uint8)
        draw_counter(lit, n)
        _draw_flash(lit, lit=n % self._beat < FLASH_FRAMES)
        return lit

    def _placement(self, seconds: float) -> NDArray[np.float32]:
        width, height = self.size
        x, y, w, h = self._portrait.face
        # A face of 42 % of the height is what a phone at arm's length shows.
        scale = 0.42 * min(height, 1.2 * width) / h * (1 + 0.06 * np.sin(2 * np.pi * seconds / 5.0))
        at_x = width * (0.48 + 0.04 * np.sin(2 * np.pi * seconds / 3.7))
        at_y = height * (0.44 + 0.02 * np.sin(2 * np.pi * seconds / 2.9))
        turn = 2.5 * np.sin(2 * np.pi * seconds / 6.1)
        place = cv2.getRotationMatrix2D((x + w / 2, y + h / 2), float(turn), float(scale))
        place[:, 2] += (at_x - (x + w / 2), at_y - (y + h / 2))
        return np.asarray(place, np.float32)


def _soft_mask(portrait: Portrait) -> NDArray[np.float32]:
    height, width = portrait.image.shape[:2]
    x, y, w, h = portrait.face
    mask = np.zeros((height, width), np.float32)
    head = (int(x + w / 2), int(y + 0.42 * h)), (int(0.80 * w), int(0.82 * h))
    cv2.ellipse(mask, head[0], head[1], 0, 0, 360, 1.0, -1)
    shoulders = (int(x + w / 2), int(y + 2.75 * h)), (int(1.55 * w), int(1.85 * h))
    cv2.ellipse(mask, shoulders[0], shoulders[1], 0, 0, 360, 1.0, -1)
    soft = cv2.GaussianBlur(mask, (0, 0), w * 0.07)
    return np.asarray(soft, np.float32)


def _room(size: tuple[int, int], *, agent: bool) -> Picture:
    width, height = size
    wall = np.array((120, 104, 84) if agent else (176, 196, 210), np.float32)
    rows = np.linspace(1.08, 0.72, height, dtype=np.float32)[:, None, None]
    columns = np.linspace(0.88, 1.08, width, dtype=np.float32)[None, :, None]
    room = np.clip(wall * rows * columns, 0, 255).astype(np.uint8)
    for step in range(3 if agent else 1):
        left = int(width * (0.06 + 0.30 * step))
        shade = (150, 134, 108) if agent else (236, 240, 238)
        cv2.rectangle(room, (left, int(height * 0.08)), (left + width // 5, int(height * 0.5)), shade, -1)
    return np.asarray(cv2.GaussianBlur(room, (0, 0), width / 120), np.uint8)


def _crc8(value: int) -> int:
    # CRC-8 with polynomial 0x07 as in ITU-T I.432.1, started at 0xFF so that 0 has a check too.
    crc = 0xFF
    for shift in (16, 8, 0):
        crc ^= (value >> shift) & 0xFF
        for _ in range(8):
            crc = ((crc << 1) ^ 0x07) & 0xFF if crc & 0x80 else crc << 1
    return crc


def _strip(width: int, height: int) -> Region:
    tall = max(2 * _ROWS, int(height * _STRIP_HEIGHT))
    return (0, height - tall, width, tall)


def draw_counter(picture: Picture, n: int) -> None:
    """Paint ``n`` (0 to 2**24 - 1) into the strip at the bottom of ``picture``, in place."""
    if not 0 <= n < 1 << COUNTER_BITS:
        raise ValueError("the counter has 24 bits")
    word = n << _CHECK_BITS | _crc8(n)
    bits = np.array([word >> shift & 1 for shift in range(31, -1, -1)], np.uint8).reshape(_ROWS, 16)
    blocks = np.hstack([np.ones((_ROWS, 1), np.uint8), bits, np.zeros((_ROWS, 1), np.uint8)])
    x, y, w, h = _strip(picture.shape[1], picture.shape[0])
    strip = cv2.resize(blocks * 255, (w, h), interpolation=cv2.INTER_NEAREST)
    # 16 and 235 are the limits of studio range: nothing is clipped on its way through YUV.
    picture[y : y + h, x : x + w] = np.clip(strip, 16, 235)[:, :, None]


def read_counter(picture: Picture, region: Region | None = None) -> int | None:
    """Return the number in the strip of ``picture``, or None when it cannot be read for certain.

    ``region`` says where the whole frame lies inside ``picture``, for example a pane of the merged
    file; see :func:`fitted`. A strip of noise is taken for a number about once in 256 times.
    """
    grey = _grey(picture, region)
    x, y, w, h = _strip(grey.shape[1], grey.shape[0])
    if w < 2 * _COLUMNS or h < 2 * _ROWS:
        return None
    levels = _block_levels(grey[y : y + h, x : x + w])
    white, black = levels[:, 0], levels[:, -1]
    if float((white - black).min()) < _CONTRAST_MIN:
        return None
    bits = levels[:, 1:-1] > ((white + black) / 2)[:, None]
    word = int("".join("1" if bit else "0" for bit in bits.reshape(-1)), 2)
    n, check = word >> _CHECK_BITS, word & 0xFF
    return n if _crc8(n) == check else None


def _block_levels(strip: Picture) -> NDArray[np.float64]:
    height, width = strip.shape[:2]
    levels = np.empty((_ROWS, _COLUMNS), np.float64)
    for row in range(_ROWS):
        top, bottom = height * (row + 0.25) / _ROWS, height * (row + 0.75) / _ROWS
        for column in range(_COLUMNS):
            left, right = width * (column + 0.25) / _COLUMNS, width * (column + 0.75) / _COLUMNS
            levels[row, column] = _mean(strip, left, top, right, bottom)
    return levels


def _mean(grey: Picture, left: float, top: float, right: float, bottom: float) -> float:
    x, y = int(left), int(top)
    return float(grey[y : max(y + 1, round(bottom)), x : max(x + 1, round(right))].mean())


def _grey(picture: Picture, region: Region | None) -> Picture:
    if region is not None:
        x, y, w, h = region
        picture = picture[y : y + h, x : x + w]
    return picture if picture.ndim == 2 else np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)


def _flash_box(width: int, height: int) -> Region:
    x, y, w, h = _FLASH
    return int(x * width), int(y * height), int(w * width), int(h * height)


def _draw_flash(picture: Picture, *, lit: bool) -> None:
    x, y, w, h = _flash_box(picture.shape[1], picture.shape[0])
    picture[y : y + h, x : x + w] = 235 if lit else 16


def read_flash(picture: Picture, region: Region | None = None) -> bool:
    """Tell whether the flash block at the upper right is lit; ``region`` as in :func:`read_counter`."""
    grey = _grey(picture, region)
    x, y, w, h = _flash_box(grey.shape[1], grey.shape[0])
    return _mean(grey, x + w / 4, y + h / 4, x + w * 3 / 4, y + h * 3 / 4) > 128


def fitted(size: tuple[int, int], pane: Region) -> Region:
    """Return where a frame of ``size`` lies in ``pane`` when it is scaled whole into its middle."""
    left, top, width, height = pane
    scale = min(width / size[0], height / size[1])
    w, h = round(size[0] * scale), round(size[1] * scale)
    return left + (width - w) // 2, top + (height - h) // 2, w, h


def jpeg(picture: Any, quality: int = 92) -> bytes:
    """Return ``picture`` as JPEG bytes."""
    fine, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not fine:
        raise ValueError("the picture cannot be encoded")
    return bytes(data)
