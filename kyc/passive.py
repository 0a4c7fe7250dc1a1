"""Passive liveness: does this look like a face, or like a picture of one.

Two small nets of minivision look at the face with 2.7 and with 4 times its surroundings. What they find
are borders, screens and paper: they do not see video that is injected, nor a clean screen or print that
fills the picture. So a pass is one sign among several and never the last word.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from contract.phases import CheckVerdict
from kyc.faces import Face
from kyc.images import Picture

Box = tuple[float, float, float, float]

_SIDE = 80
# Surroundings in face sizes, V2 then V1SE, as they were trained.
_SCALES = (2.7, 4.0)
# Index of "live" among live, print and screen, measured on the files that the registry names.
_LIVE = 1
# A detector's box wanders by some per cent from frame to frame, and the score with it: the middle of
# three boxes counts. Shifts in widths and heights.
_JITTER = ((0.0, 0.0), (0.04, -0.03), (-0.04, 0.03))

# Median of 10 frames at 0.5: 0 of 53 attack draws accepted, 0.7 % of 146 live draws not (14 live clips,
# 6 replay clips, no prints); at 0.25 to 0.5 neither is sure.
PASS, REVIEW = 0.5, 0.25
FRAMES_MIN = 10
# A tenth of the frames below REVIEW while the middle passes: something is in the picture now and then.
LOW_TENTH = 10
# Outside these shares of the picture's width the surroundings are not those the scores were measured with.
SHARE_MIN, SHARE_MAX = 0.20, 0.45


class PassiveFinding(NamedTuple):
    """The verdict over several frames; ``median`` and ``spread`` (10th to 90th percentile) of the scores.

    Reasons, empty when passed: ``too_few_frames``, ``face_too_small``, ``face_too_large``,
    ``score_in_doubt``, ``scores_scattered`` (all REVIEW), ``score_too_low`` (FAILED).
    """

    verdict: CheckVerdict
    reason: str
    median: float
    spread: float


def passive_verdict(scores: Sequence[float], shares: Sequence[float] = ()) -> PassiveFinding:
    """Judge ``scores`` (0 to 1, one a frame) of faces that are ``shares`` of the picture's width wide."""
    if len(scores) < FRAMES_MIN:
        median = float(np.median(scores)) if scores else 0.0
        return PassiveFinding(CheckVerdict.REVIEW, "too_few_frames", median, 0.0)
    low, median, high = (float(value) for value in np.percentile(scores, (LOW_TENTH, 50, 100 - LOW_TENTH)))
    verdict, reason = _judged(low, median, float(np.median(shares)) if shares else None)
    return PassiveFinding(verdict, reason, median, high - low)


def _judged(low: float, median: float, share: float | None) -> tuple[CheckVerdict, str]:
    if share is not None and share < SHARE_MIN:
        return CheckVerdict.REVIEW, "face_too_small"
    if share is not None and share > SHARE_MAX:
        return CheckVerdict.REVIEW, "face_too_large"
    if median < REVIEW:
        return CheckVerdict.FAILED, "score_too_low"
    if median < PASS:
        return CheckVerdict.REVIEW, "score_in_doubt"
    return (CheckVerdict.REVIEW, "scores_scattered") if low < REVIEW else (CheckVerdict.PASSED, "")


class Passive:
    """MiniFASNet V2 and V1SE in OpenCV's network runtime, which runs them in half of ONNX Runtime's time.

    Not to be used by two threads at once.
    """

    def __init__(self, v2: Path, v1se: Path) -> None:
        self._nets = [cv2.dnn.readNetFromONNX(str(path)) for path in (v2, v1se)]

    def score(self, picture: Picture, face: Face) -> float:
        """Return how live ``face`` looks, 0 to 1: the middle of three slightly different boxes."""
        x, y, width, height = face.box
        boxes = [(x + dx * width, y + dy * height, width, height) for dx, dy in _JITTER]
        return float(np.median([self._score(picture, box) for box in boxes]))

    def _score(self, picture: Picture, box: Box) -> float:
        return sum(map(self._live, self._nets, (surroundings(picture, box, s) for s in _SCALES))) / 2

    def _live(self, net: cv2.dnn.Net, crop: Picture) -> float:
        # BGR from 0 to 255: scaled to 1 every face is an attack, with RGB three of eight attacks are faces.
        net.setInput(cv2.dnn.blobFromImage(crop))
        logits: NDArray[np.float32] = np.asarray(net.forward(), np.float32).reshape(-1)
        powers = np.exp(logits - logits.max())
        return float(powers[_LIVE] / powers.sum())


def surroundings(picture: Picture, box: Box, scale: float) -> Picture:
    """Return ``box`` with ``scale`` times its size around it as 80 x 80.

    As in minivision's code the scale shrinks until the crop fits the picture, and the crop is moved
    inside, never cut or filled up: filled borders made all of 46 simulated prints and screens
    that fill the picture look live (3 % to 48 % without).
    """
    height, width = picture.shape[:2]
    x, y, box_width, box_height = box
    scale = min(scale, (width - 1) / box_width, (height - 1) / box_height)
    w, h = box_width * scale, box_height * scale
    left = int(min(max(x + box_width / 2 - w / 2, 0), width - 1 - w))
    top = int(min(max(y + box_height / 2 - h / 2, 0), height - 1 - h))
    crop = picture[top : top + max(1, round(h)), left : left + max(1, round(w))]
    return np.asarray(cv2.resize(crop, (_SIDE, _SIDE)), np.uint8)
