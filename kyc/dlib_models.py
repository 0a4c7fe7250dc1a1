"""The base pack: dlib's HOG detector, 5 landmarks and ResNet. For demonstrations only."""

import cv2
import dlib
import numpy as np

from kyc.faces import Face, Vector, largest_first
from kyc.images import Picture
from kyc.models import Models
from kyc.registry import DLIB_LANDMARKS, DLIB_RESNET

# The HOG detector finds faces from 80 pixels: at 1024 on a card that fills 60 % of the picture, at 1800
# on one that fills a third.
_LONG_SIDES = (1024, 1800)


class DlibModels:
    """The loaded base pack; implements :class:`kyc.faces.FaceModels`."""

    # Measured on rendered cards: upright 0.93 to 1.76, otherwise at most 0.34.
    upright_score = 0.6

    def __init__(self, models: Models) -> None:
        self._detector = dlib.get_frontal_face_detector()
        self._landmarks = dlib.shape_predictor(str(models.path(DLIB_LANDMARKS)))
        self._embedder = dlib.face_recognition_model_v1(str(models.path(DLIB_RESNET)))

    def detect(self, picture: Picture) -> tuple[Face, ...]:
        """Return the faces in ``picture``, largest first; ``points`` are the two eyes."""
        for long_side in _LONG_SIDES:
            faces = self._detect_at(picture, long_side)
            if faces:
                return largest_first(faces)
        return ()

    def _detect_at(self, picture: Picture, long_side: int) -> list[Face]:
        scale = min(1.0, long_side / max(picture.shape[:2]))
        small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        rgb = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2RGB), np.uint8)
        boxes, scores, _ = self._detector.run(rgb, 0, 0.0)
        return [self._face(rgb, box, score, scale) for box, score in zip(boxes, scores, strict=True)]

    def _face(self, rgb: Picture, box: dlib.rectangle, score: float, scale: float) -> Face:
        corners = [(part.x, part.y) for part in self._landmarks(rgb, box).parts()[:4]]
        # dlib's order is both corners of the eye on the picture's right, then of the one on its left.
        eyes = np.array(corners, np.float32).reshape(2, 2, 2).mean(axis=1)[::-1] / scale
        place = (box.left() / scale, box.top() / scale, box.width() / scale, box.height() / scale)
        return Face(place, np.asarray(eyes, np.float32), score)

    def embed(self, picture: Picture, face: Face) -> Vector:
        """Return the embedding of ``face``."""
        rgb = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
        x, y, w, h = (round(value) for value in face.box)
        shape = self._landmarks(rgb, dlib.rectangle(x, y, x + w, y + h))
        return np.asarray(self._embedder.compute_face_descriptor(rgb, shape), np.float32)

    def score(self, one: Vector, other: Vector) -> float:
        """Return 1 minus the Euclidean distance."""
        return 1.0 - float(np.linalg.norm(one - other))
