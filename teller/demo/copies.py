"""Cards that are none: shown on a screen, or printed on paper. To be photographed like a card."""

import cv2
import numpy as np

from teller.demo.pictures import Picture

# Twice what a photo of 1600 x 1200 has of a card, so that each of its pixels gathers the light of several
# points, as a camera's does.
_WIDTH = 2304


def on_screen(card: Picture, chance: np.random.Generator) -> Picture:
    """Return ``card`` as a liquid crystal screen shows it, 900 to 1500 of its pixels wide.

    Each of them is drawn as 3 x 3: a red, a green and a blue column over a dark row.
    """
    width = int(chance.integers(900, 1501))
    shown = cv2.resize(
        card, (width, round(width * card.shape[0] / card.shape[1])), interpolation=cv2.INTER_AREA
    )
    fine = np.repeat(np.repeat(shown, 3, axis=0), 3, axis=1)
    columns = np.arange(fine.shape[1]) % 3
    # Blue, green and red in OpenCV's order; a column lets a fifth of the neighbours' light through.
    mask = np.where(columns[:, None] == np.array((2, 1, 0)), 1.0, 0.2)[None]
    rows = np.where(np.arange(fine.shape[0]) % 3 == 2, 0.35, 1.0)[:, None, None]
    light = fine * mask * rows
    return _fine(np.clip(light * (card.mean() / light.mean()), 0, 255).astype(np.uint8))


def on_paper(card: Picture, chance: np.random.Generator, *, grey: bool = False) -> Picture:
    """Return ``card`` as a laser printer puts it on plain paper: 85 to 133 dots to the inch at 45 degrees.

    ``grey`` copies are without colour.
    """
    ink = cv2.resize(card, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR).astype(np.float32) / 255
    if grey:
        ink = np.repeat(cv2.cvtColor(ink, cv2.COLOR_BGR2GRAY)[:, :, None], 3, axis=2)
    height, width = ink.shape[:2]
    # A card is 85.6 mm wide.
    period = width / (85.6 / 25.4 * chance.uniform(85, 133))
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    u, v = 2 * np.pi * (x + y) / np.sqrt(2) / period, 2 * np.pi * (x - y) / np.sqrt(2) / period
    raster = ((np.cos(u) + np.cos(v)) / 4 + 0.5)[:, :, None]
    # Dots with soft rims; toner reflects a tenth, paper not all.
    dots = np.clip((ink - raster) * 6 + 0.5, 0, 1)
    return _fine(np.clip(255 * (0.1 + 0.82 * dots), 0, 255).astype(np.uint8))


def _fine(picture: Picture) -> Picture:
    height = round(_WIDTH * picture.shape[0] / picture.shape[1])
    return np.asarray(cv2.resize(picture, (_WIDTH, height), interpolation=cv2.INTER_AREA), np.uint8)
