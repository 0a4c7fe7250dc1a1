"""Passive liveness: does this look like a face, or like a picture of one.

Two small nets of minivision look at the face with 2.7 and with 4 times its surroundings. What they find
are borders, screens and paper: they do not see video that is injected, nor a clean screen or print that
fills the picture. So a pass is one sign among several and never the last word.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from kyc.faces import Face
from kyc.images import Picture
from kyc.nets import Net

Box = tuple[float, float, float, float]

_SIDE = 80
# Index of "live" among live, print and screen, measured on the files that the registry names.
_LIVE = 1
# A detector's box wanders by some per cent from frame to frame, and the score with it: the middle of
# three boxes counts. Shifts in widths and heights.
_JITTER = ((0.0, 0.0), (0.04, -0.03), (-0.04, 0.03))


class Passive:
    """MiniFASNet V2 and V1SE, each with its own crop. Not to be used by two threads at once."""

    def __init__(self, nets: Sequence[Net]) -> None:
        self._nets = tuple(nets)

    def score(self, picture: Picture, face: Face) -> float:
        """Return how live ``face`` looks, 0 to 1: the middle of three slightly different boxes."""
        x, y, width, height = face.box
        boxes = [(x + dx * width, y + dy * height, width, height) for dx, dy in _JITTER]
        return float(np.median([self._score(picture, box) for box in boxes]))

    def _score(self, picture: Picture, box: Box) -> float:
        return sum(_live(net, picture, box) for net in self._nets) / len(self._nets)


def _live(net: Net, picture: Picture, box: Box) -> float:
    scale = net.model.input.crop if net.model.input else 1.0
    logits = net(surroundings(picture, box, scale))[0]
    powers = np.exp(logits - logits.max())
    return float(powers[_LIVE] / powers.sum())


def surroundings(picture: Picture, box: Box, scale: float) -> Picture:
    """Return ``box`` with ``scale`` times its size around it as 80 x 80.

    As in minivision's code the scale shrinks until the crop fits the picture, and the crop is moved
    inside, never cut or filled up: with filled borders all of 46 simulated prints and screens that fill
    the picture looked live (faces of 0.38 to 0.48 of its width), without them 12.
    """
    height, width = picture.shape[:2]
    x, y, box_width, box_height = box
    scale = min(scale, (width - 1) / box_width, (height - 1) / box_height)
    w, h = box_width * scale, box_height * scale
    left = int(min(max(x + box_width / 2 - w / 2, 0), width - 1 - w))
    top = int(min(max(y + box_height / 2 - h / 2, 0), height - 1 - h))
    crop = picture[top : top + max(1, round(h)), left : left + max(1, round(w))]
    return np.asarray(cv2.resize(crop, (_SIDE, _SIDE)), np.uint8)
