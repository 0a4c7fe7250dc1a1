"""Faces in a picture: where they are, and how alike two of them are.

Geometry and decisions are pure; the two packs implement :class:`FaceModels`.
"""

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from contract.phases import CheckVerdict
from kyc.images import Picture
from kyc.packs import Pack

Vector = NDArray[np.float32]
"""An embedding of length 1, (128,)."""

Points = NDArray[np.float32]
"""5 x 2 in pixels: the subject's right eye (left in the picture), left eye, nose, mouth corners."""


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A face that was found. ``box`` is left, top, width, height in pixels; ``points`` 5 x 2 or 2 x 2."""

    box: tuple[float, float, float, float]
    points: Points
    score: float

    @property
    def side(self) -> float:
        """Return the side of a square as large as the box, in pixels."""
        return float(np.sqrt(self.box[2] * self.box[3]))

    @property
    def eye_distance(self) -> float:
        """Return the pixels between the eyes."""
        return float(np.linalg.norm(self.points[1] - self.points[0]))


class FaceModels(Protocol):
    """A loaded pack. Not to be used by two threads at once.

    A face that is found with ``upright_score`` or more stands upright in its picture.
    """

    upright_score: float

    def detect(self, picture: Picture) -> tuple[Face, ...]:
        """Return the faces in ``picture``, largest first."""
        ...

    def embed(self, picture: Picture, face: Face) -> Vector:
        """Return the embedding of ``face``."""
        ...

    def score(self, one: Vector, other: Vector) -> float:
        """Return how alike two faces are; higher is more."""
        ...


# Where ArcFace (Deng et al., CVPR 2019) puts the five points in a picture of 112 x 112.
ARCFACE_112 = np.array(
    ((38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)),
    np.float32,
)


def largest_first(faces: list[Face]) -> tuple[Face, ...]:
    """Return ``faces`` by falling size."""
    return tuple(sorted(faces, key=lambda face: face.side, reverse=True))


def similarity_transform(source: Points, target: Points) -> NDArray[np.float64]:
    """Return the 2 x 3 matrix of the rotation, scale and shift that best maps ``source`` to ``target``.

    Least squares over all points (Umeyama 1991); both are (n, 2), n >= 2 different points.
    """
    source_mean, target_mean = source.mean(axis=0, dtype=np.float64), target.mean(axis=0, dtype=np.float64)
    centred, wanted = source - source_mean, target - target_mean
    u, stretch, vt = np.linalg.svd(wanted.T @ centred / len(source))
    # A reflection would fit mirrored points; a face is never mirrored.
    flip = np.array((1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt)) or 1.0))
    rotation = (u * flip) @ vt
    scale = float((stretch * flip).sum()) / float((centred**2).sum() / len(source))
    shift = target_mean - scale * rotation @ source_mean
    return np.hstack([scale * rotation, shift[:, None]])


def align(picture: Picture, points: Points) -> Picture:
    """Return the face as 112 x 112 BGR with its points, all five or the eyes, on the ArcFace template."""
    matrix = similarity_transform(points, ARCFACE_112[: len(points)])
    return np.asarray(cv2.warpAffine(picture, matrix, (112, 112), flags=cv2.INTER_LINEAR), np.uint8)


# Of the largest: what is smaller stands in the background, or on a picture behind.
_PROMINENT = 0.5
_QUARTER_TURNS = (cv2.ROTATE_180, cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_90_COUNTERCLOCKWISE)


def find_upright(models: FaceModels, picture: Picture) -> tuple[Picture, tuple[Face, ...]]:
    """Return ``picture``, turned by quarters so that its largest face is upright, and its faces.

    A phone that lies flat over a card often stores the wrong orientation. Faces are found upside down
    too, but with points that make the right person look like a stranger.
    """
    best = picture, models.detect(picture)
    for turn in _QUARTER_TURNS:
        if _surest(best[1]) >= models.upright_score:
            break
        turned = np.asarray(cv2.rotate(picture, turn), np.uint8)
        best = max(best, (turned, models.detect(turned)), key=lambda found: _surest(found[1]))
    return best


def _surest(faces: tuple[Face, ...]) -> float:
    return faces[0].score if faces else -1.0


def prominent(faces: tuple[Face, ...]) -> int:
    """Return how many of ``faces``, largest first, are at least half as large (by side) as the largest."""
    return sum(face.side >= _PROMINENT * faces[0].side for face in faces)


def several_faces(faces: tuple[Face, ...]) -> bool:
    """Tell whether the second largest face is at least half as large (by side) as the largest."""
    return prominent(faces) > 1


def decide(pack: Pack, score: float) -> tuple[CheckVerdict, str]:
    """Return the verdict on ``score`` and its reason, empty when passed.

    Reasons: ``demo_pack`` (alike, but this pack may not approve), ``score_in_doubt``, ``score_too_low``.
    """
    if score < pack.review_threshold:
        return CheckVerdict.FAILED, "score_too_low"
    if score < pack.threshold:
        return CheckVerdict.REVIEW, "score_in_doubt"
    return (CheckVerdict.REVIEW, "demo_pack") if pack.demo_only else (CheckVerdict.PASSED, "")
