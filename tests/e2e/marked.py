"""Clips whose pictures tell whose they are, in blocks so large that a starved encoder leaves them readable.

Blocks stand in a strip over the foot of the picture: white, black, two bits for who it is, five that count,
one that makes their number even.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from teller.demo.pictures import FaceVideo, Picture, Portrait, Region
from teller.demo.sound import Speaker
from tests.e2e.test_browsers import FPS, write_pictures, write_sound

SIZE = (320, 240)
COLUMNS, SHARE = 10, 0.25
NUMBERS = 32
# A number stands for 200 ms.
STANDS = 3
# Less than this between white and black means that there is no strip.
_CONTRAST_MIN = 80


def write_marked(
    folder: Path, who: Speaker, portrait: Portrait, size: tuple[int, int] = SIZE
) -> tuple[Path, Path]:
    """Write picture and sound of a person; the width is a multiple of ten."""
    picture, sound = folder / f"{who.name}.y4m", folder / f"{who.name}.wav"
    write_pictures(picture, _frames(who, portrait, size))
    write_sound(sound, who)
    return picture, sound


def _frames(who: Speaker, portrait: Portrait, size: tuple[int, int]) -> Iterator[Picture]:
    video = FaceVideo(portrait, size, FPS, agent=who is not Speaker.CUSTOMER)
    for n in range(NUMBERS * STANDS):
        picture = video.frame(n)
        blocks = np.repeat(_blocks(who, n // STANDS), size[0] // COLUMNS)
        picture[int(size[1] * (1 - SHARE)) :] = blocks[None, :, None]
        yield picture


def _blocks(who: Speaker, number: int) -> NDArray[np.uint8]:
    word = list(Speaker).index(who) << 5 | number
    bits = [word >> shift & 1 for shift in range(6, -1, -1)]
    # 16 and 235 are the limits of studio range.
    return np.where([1, 0, *bits, sum(bits) % 2], 235, 16).astype(np.uint8)


def read_levels(levels: NDArray[np.float64]) -> tuple[Speaker, int] | None:
    """Return who and which number the levels in the middles of the blocks tell, None when uncertain."""
    white, black, *rest = levels
    bits = [bool(level > (white + black) / 2) for level in rest]
    clear = all(abs(level - (white + black) / 2) > _CONTRAST_MIN / 4 for level in rest)
    if white - black < _CONTRAST_MIN or not clear or sum(bits) % 2:
        return None
    word = int("".join(str(int(bit)) for bit in bits[:-1]), 2)
    people = list(Speaker)
    return (people[word >> 5], word % NUMBERS) if word >> 5 < len(people) else None


def read_mark(picture: Picture, region: Region) -> tuple[Speaker, int] | None:
    """Return who and which number stands in this region of a grey picture."""
    left, top, width, height = region
    rows = picture[top + int(height * (1 - SHARE * 0.7)) : top + int(height * (1 - SHARE * 0.3))]
    middles = [left + width * (2 * n + 1) // (2 * COLUMNS) for n in range(COLUMNS)]
    return read_levels(np.array([rows[:, x - 1 : x + 2].mean() for x in middles], np.float64))
