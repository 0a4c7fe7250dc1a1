"""Looks at the pictures of a merge while they are there: a note a second, and samples for the face finder.

Memory does not grow with pictures: a byte a second and party, and at most 400 samples of some 15 kB.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from math import ceil
from typing import Any, cast

import cv2
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from contract.ids import SeatId
from contract.phases import Role
from recordings.compose import FPS
from recordings.scene import Seen

SAMPLES_MAX = 400
_SAMPLE_STEP_MIN_S = 2
# Enough for a face at arm's length, and a tenth of the bytes of the whole picture.
_SAMPLE_PX = 480
# Every so many rows and columns are looked at: 3,600 points of a picture of 1280x720.
_STRIDE = 16
# Luma of limited range: 16 is black. A covered lens is not darker than this, a dim room not so dark.
_BLACK_MEAN, _BLACK_MAX = 28.0, 48
# An encoder that repeats a picture repeats it to this; the noise of any camera is more.
_SAME_MAX = 2


class Shown(IntEnum):
    """What was seen of somebody in a second."""

    ABSENT = 0
    NOTHING = 1
    MOVING = 2
    BLACK = 3
    FROZEN = 4


@dataclass(frozen=True, slots=True)
class Sample:
    """A JPEG of the customer's camera at a second of the film."""

    at_s: float
    jpeg: bytes


class Looks:
    """Takes in whom a merge paints, tick by tick; ``seconds`` is the length of the whole.

    Who shows nothing is told from who is not there.
    """

    def __init__(self, seconds: float) -> None:
        self.samples: list[Sample] = []
        self._shown: dict[tuple[SeatId, Role], bytearray] = {}
        self._step_s = max(_SAMPLE_STEP_MIN_S, ceil(seconds / SAMPLES_MAX))
        self._last: dict[SeatId, NDArray[np.int16]] = {}
        self._ticks = 0

    def saw(self, people: Sequence[Seen]) -> None:
        """Take in the people of the next tick, the customer first."""
        if self._ticks % FPS == 0:
            second = self._ticks // FPS
            for one in people:
                self._note(second, one)
            if second % self._step_s == 0 and people and people[0].fresh and people[0].picture is not None:
                self.samples.append(Sample(float(second), _jpeg(people[0].picture)))
        self._ticks += 1

    def notes(self) -> dict[tuple[SeatId, Role], bytes]:
        """Return a :class:`Shown` for each second from the film's beginning to the last with that party."""
        return {whose: bytes(notes) for whose, notes in self._shown.items()}

    def _note(self, second: int, seen: Seen) -> None:
        stay = seen.stay
        if stay is None or stay.seat is None:
            return
        notes = self._shown.setdefault((stay.seat, stay.role), bytearray())
        if second > len(notes):
            # Who comes back shows nothing that stood still.
            self._last.pop(stay.seat, None)
            notes.extend(bytes(second - len(notes)))
        notes.append(self._judged(stay.seat, seen.picture))

    def _judged(self, seat: SeatId, picture: VideoFrame | None) -> Shown:
        last = self._last.pop(seat, None)
        if picture is None:
            return Shown.NOTHING
        points = self._last[seat] = _points(picture)
        if points.mean() < _BLACK_MEAN and points.max() < _BLACK_MAX:
            return Shown.BLACK
        same = last is not None and last.shape == points.shape and np.abs(points - last).max() <= _SAME_MAX
        return Shown.FROZEN if same else Shown.MOVING


def _points(picture: VideoFrame) -> NDArray[np.int16]:
    plane = picture.planes[0]
    pixels = np.frombuffer(cast(Any, plane), np.uint8).reshape(-1, plane.line_size)
    return pixels[: plane.height : _STRIDE, : plane.width : _STRIDE].astype(np.int16)


def _jpeg(picture: VideoFrame) -> bytes:
    scale = min(1.0, _SAMPLE_PX / max(picture.width, picture.height))
    width, height = (max(2, round(side * scale / 2) * 2) for side in (picture.width, picture.height))
    _, content = cv2.imencode(".jpg", picture.to_ndarray(format="bgr24", width=width, height=height))
    return content.tobytes()
