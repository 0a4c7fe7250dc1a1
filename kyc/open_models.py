"""The open pack: YuNet finds faces, MobileFaceNet on ONNX Runtime describes them."""

from typing import Any

import cv2
import numpy as np

from kyc.faces import Face, Vector, align, largest_first
from kyc.images import Picture
from kyc.models import Models
from kyc.registry import MOBILEFACENET, YUNET

# At 1024 pixels a card filling a third of the picture still shows a portrait of 45 pixels; a face that
# fills the whole picture is missed there and found at 320.
_LONG_SIDES = (1024, 320)
_SCORE_MIN = 0.7
_OVERLAP_MAX = 0.3


class OpenModels:
    """The loaded open pack; implements :class:`kyc.faces.FaceModels`."""

    # Measured on rendered cards: upright 0.916 to 0.943, otherwise at most 0.857.
    upright_score = 0.9

    def __init__(self, models: Models) -> None:
        self._embedder = models.net(MOBILEFACENET)
        detector = str(models.path(YUNET))
        self._detector = cv2.FaceDetectorYN.create(detector, "", (320, 320), _SCORE_MIN, _OVERLAP_MAX)

    def detect(self, picture: Picture) -> tuple[Face, ...]:
        """Return the faces in ``picture``, largest first."""
        for long_side in _LONG_SIDES:
            faces = self._detect_at(picture, long_side)
            if faces:
                return largest_first(faces)
        return ()

    def _detect_at(self, picture: Picture, long_side: int) -> list[Face]:
        scale = min(1.0, long_side / max(picture.shape[:2]))
        size = tuple(max(1, round(side * scale)) for side in picture.shape[1::-1])
        self._detector.setInputSize(size)
        # None stands for no face, which OpenCV's type stubs do not say.
        rows: Any = self._detector.detect(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))[1]
        return [] if rows is None else [_face(row / scale, float(row[14])) for row in rows]

    def embed(self, picture: Picture, face: Face) -> Vector:
        """Return the embedding of ``face``."""
        (vector,) = self._embedder(align(picture, face.points))
        return np.asarray(vector / np.linalg.norm(vector), np.float32)

    def score(self, one: Vector, other: Vector) -> float:
        """Return the cosine, -1 to 1."""
        return float(one @ other)


def _face(row: Vector, score: float) -> Face:
    x, y, w, h = (float(value) for value in row[:4])
    return Face((x, y, w, h), np.asarray(row[4:14], np.float32).reshape(5, 2), score)
