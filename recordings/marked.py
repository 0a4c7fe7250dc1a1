"""The merged film as it leaves the house: with who took it, when, of which case and why in every picture.

It is a copy to be shown. The evidence is the film beside it, which stays as it was merged. Like the mark
that the player draws, this one wanders, so that no picture can be cropped to a part without it for long.
Functions here block.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from recordings.compose import FPS, Plane, text_mask, text_width
from recordings.layout import HEIGHT, STRIP, WIDTH
from recordings.repaint import Paint, repaint_film

MARKED_FILE = "export.mp4"
_MOVES_S = 6
# Of what is left and right, above and below the mark, in hundredths: never twice the same place.
_PLACES = ((10, 12), (90, 70), (50, 38), (100, 18), (0, 82), (70, 54), (20, 46), (80, 30))
# Light enough to read faces and cards through, with a shadow so that it stands on white as well.
_LIGHT, _SHADE, _SHADE_BY = 0.45, 0.35, 2


@dataclass(frozen=True, slots=True)
class Mark:
    """What the mark says; ``at`` is in seconds UTC."""

    pii_by: str
    at: float
    case: str
    pii_reason: str

    @property
    def lines(self) -> tuple[str, str]:
        """Return the two lines."""
        return f"{self.pii_by} · {datetime.fromtimestamp(self.at, UTC):%Y-%m-%d %H:%M:%SZ} · {self.case}", (
            self.pii_reason
        )


def mark_film(film: Path, out: Path, mark: Mark, progress: Callable[[float], None]) -> None:
    """Write ``film`` with this mark to ``out``; see :func:`recordings.repaint.repaint_film`."""
    repaint_film(film, out, _paint(mark), progress)


def _paint(mark: Mark) -> Paint:
    width = max(text_width(line, WIDTH) for line in mark.lines)
    text = np.concatenate([text_mask(line, min(WIDTH, width + _SHADE_BY)) for line in mark.lines])
    light = text.astype(np.float32) / 255 * _LIGHT
    shade = np.roll(text, (_SHADE_BY, _SHADE_BY), (0, 1)).astype(np.float32) / 255 * _SHADE
    height, width = text.shape

    def on(number: int, planes: Plane) -> None:
        left, top = _PLACES[number // (_MOVES_S * FPS) % len(_PLACES)]
        column, row = (WIDTH - width) * left // 100, STRIP + (HEIGHT - 2 * STRIP - height) * top // 100
        pane = planes[row : row + height, column : column + width]
        shaded = pane + shade * (16.0 - pane)
        pane[:] = np.rint(shaded + light * (235.0 - shaded)).astype(np.uint8)

    return Paint(lambda first, last: True, on)
