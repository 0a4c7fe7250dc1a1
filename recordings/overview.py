"""A merged call at a glance: a poster, a strip of thumbnails, and how loud each party was.

Gathered while the call is rendered, in memory that does not grow with its pictures: the strip has a fixed
number of tiles, further apart the longer the call is, and a waveform takes 15 bytes a second and party.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

from contract import codec
from contract.ids import SeatId
from contract.phases import Role
from recordings.compose import FPS, Plane
from recordings.layout import HEIGHT, WIDTH
from recordings.mix import Samples

TILES_MAX = 200
COLUMNS = 10
TILE = (160, 90)
POSTER = (640, 360)
# What is left of a veiled picture in its width: enough to tell that somebody is there, too little for any
# letter of a card that fills it.
SAMPLES = 18
# Closer together, two thumbnails of a conversation look the same.
STEP_MIN_S = 2
_JPEG = (cv2.IMWRITE_JPEG_QUALITY, 80)
# Of the first seconds people are still looking for their seats.
_POSTER_FROM_S = 3.0


@dataclass(frozen=True, slots=True)
class Lane:
    """Whose sound it is."""

    seat: SeatId
    role: Role


class Overview:
    """Takes in a rendered call picture by picture; ``seconds`` is the length of the whole."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.step_s = max(STEP_MIN_S, ceil(seconds / TILES_MAX))
        self._tiles: list[NDArray[np.uint8]] = []
        self._poster: tuple[int, Plane] | None = None
        self._peaks: dict[Lane, bytearray] = {}
        self._ticks = 0

    def saw(self, canvas: Plane, fresh: int, *, veiled: bool = False) -> None:
        """Take in the picture of the next tick, on which ``fresh`` people are seen as they are now.

        Of one that is ``veiled`` the thumbnail is a blur, and it never stands for the whole film.
        """
        if self._ticks % (self.step_s * FPS):
            return
        if veiled:
            self._tiles.append(_blurred(_bgr(canvas, TILE)))
            return
        self._tiles.append(_bgr(canvas, TILE))
        best = -1 if self._poster is None else self._poster[0]
        if fresh > best and (self._ticks >= _POSTER_FROM_S * FPS or not self._ticks):
            # What stands at the very beginning serves only until there is anything better.
            self._poster = (fresh if self._ticks else -1, _bgr(canvas, POSTER))

    def heard(self, blocks: Mapping[Lane, Samples]) -> None:
        """Take in the sound of the same tick, which ends it."""
        for lane, block in blocks.items():
            peaks = self._peaks.setdefault(lane, bytearray())
            peaks.extend(bytes(self._ticks - len(peaks)))
            peaks.append(round(min(float(np.abs(block).max(initial=0.0)), 1.0) * 255))
        self._ticks += 1

    def peaks(self) -> dict[tuple[SeatId, Role], bytes]:
        """Return the loudness of each party, as the waveform tells it: FPS bytes a second."""
        return {(lane.seat, lane.role): bytes(peaks) for lane, peaks in self._peaks.items()}

    def poster(self) -> bytes:
        """Return a JPEG of the first moment at which most people were seen."""
        picture = np.zeros((*reversed(POSTER), 3), np.uint8) if self._poster is None else self._poster[1]
        return _jpeg(picture)

    def sprite(self) -> bytes:
        """Return all thumbnails in one JPEG, row by row."""
        rows = max(1, ceil(len(self._tiles) / COLUMNS))
        width, height = TILE
        sheet = np.zeros((rows * height, COLUMNS * width, 3), np.uint8)
        for number, tile in enumerate(self._tiles):
            top, left = number // COLUMNS * height, number % COLUMNS * width
            sheet[top : top + height, left : left + width] = tile
        return _jpeg(sheet)

    def sprite_index(self, file: str) -> bytes:
        """Return what tells where in ``file`` the thumbnail of which second is."""
        (width, height), count = TILE, len(self._tiles)
        return codec.canonical(
            {
                "file": file,
                "width": width,
                "height": height,
                "columns": COLUMNS,
                "step_s": self.step_s,
                "count": count,
            }
        )

    def waveform(self) -> bytes:
        """Return the loudness of each party: a byte for each tick, 255 for the loudest that can be."""
        lanes = [
            {
                "seat": lane.seat,
                "role": lane.role.value,
                "peaks": base64.b64encode(peaks.ljust(self._ticks, b"\0")).decode(),
            }
            for lane, peaks in self._peaks.items()
        ]
        return codec.canonical({"rate": FPS, "seconds": self._seconds, "lanes": lanes})


def _blurred(tile: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a thumbnail of as many samples across as a veiled place of the film has."""
    height, width = tile.shape[:2]
    few = cv2.resize(tile, (SAMPLES, SAMPLES * height // width), interpolation=cv2.INTER_AREA)
    return cv2.resize(few, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.uint8, copy=False)


def _bgr(canvas: Plane, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the canvas (shape HEIGHT * 3 / 2 by WIDTH, YUV 4:2:0) as blue, green, red in another size."""
    width, height = size
    quarter = HEIGHT // 4
    small = np.empty((height * 3 // 2, width), np.uint8)
    small[:height] = cv2.resize(canvas[:HEIGHT], size, interpolation=cv2.INTER_AREA)
    chroma = small[height:].reshape(2, height // 2, width // 2)
    for number in (0, 1):
        rows = canvas[HEIGHT + number * quarter : HEIGHT + (number + 1) * quarter]
        plane = rows.reshape(HEIGHT // 2, WIDTH // 2)
        chroma[number] = cv2.resize(plane, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_YUV2BGR_I420).astype(np.uint8, copy=False)


def _jpeg(picture: NDArray[np.uint8]) -> bytes:
    _, content = cv2.imencode(".jpg", picture, _JPEG)
    return content.tobytes()
