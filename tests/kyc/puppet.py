"""A photograph that moves: turns, nods, blinks, opens its mouth and speaks, for tests of gestures.

FaceMesh's points are carried by MediaPipe's canonical triangles, turned in space and drawn back with the
photograph as their skin. To the checks it is a person before a camera; to an attacker it is an animated
photograph, which gestures alone do not stop.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from kyc.landmarks import Landmarks

Picture = NDArray[np.uint8]

_UPPER_LIDS = (246, 161, 160, 159, 158, 157, 173), (466, 388, 387, 386, 385, 384, 398)
_LOWER_LIDS = (7, 163, 144, 145, 153, 154, 155), (249, 390, 373, 374, 380, 381, 382)
_EYE_CORNERS = (33, 133), (263, 362)
_UPPER_LIP = (191, 80, 81, 82, 13, 312, 311, 310, 415)
_LOWER_LIP = (95, 88, 178, 87, 14, 317, 402, 318, 324)
_LOWER_LIP_EDGE = (146, 91, 181, 84, 17, 314, 405, 321, 375)
_LIP_CORNERS = (78, 308)
_MOUTH_INSIDE = (45, 30, 60)
_LASHES = (40, 45, 60)


@dataclass(frozen=True, slots=True)
class Move:
    """Where the head is: degrees as in ``kyc.landmarks.Pose``; ``shut`` and ``mouth`` 0 to 1."""

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    shut: float = 0.0
    mouth: float = 0.0


class Puppet:
    """``picture`` with its ``points`` on the triangles of ``canonical`` (canonical_face_model.obj)."""

    def __init__(self, picture: Picture, points: Landmarks, canonical: Path) -> None:
        self._picture = picture
        self._points = points[:468].astype(np.float64)
        self._skin = _triangles(canonical)
        self._lids = [np.round(self._points[list(eye), :2]).astype(np.int32) for eye in _eye_outlines()]
        self._without_eyes = _without(picture, self._lids)
        self._inside = [_LIP_CORNERS[0], *_UPPER_LIP, _LIP_CORNERS[1], *reversed(_LOWER_LIP)]
        self._jaw = _jaw_weights(self._points)

    def frame(self, move: Move) -> Picture:
        """Return the photograph as ``move`` says."""
        placed = self._placed(move)
        labels = self._labels(placed)
        y, x = np.nonzero(labels >= 0)
        matrix = self._sources(placed)[labels[y, x]]
        where = np.zeros((*labels.shape, 2), np.float32)
        where[y, x] = np.einsum("nij,nj->ni", matrix, np.column_stack((x, y, np.ones(len(x)))))
        drawn = cv2.remap(self._with_lids(move.shut), where[..., 0], where[..., 1], cv2.INTER_LINEAR)
        picture = self._picture.copy()
        picture[y, x] = drawn[y, x]
        if move.mouth > 0:
            outline = np.round(placed[self._inside, :2]).astype(np.int32)
            cv2.fillPoly(picture, [outline], _MOUTH_INSIDE, cv2.LINE_AA)
        return picture

    def _with_lids(self, shut: float) -> Picture:
        if shut <= 0:
            return self._picture
        picture = self._picture.copy()
        for eye in self._lids:
            half = len(eye) // 2 + 1
            upper, lower = eye[:half], np.vstack((eye[:1], eye[: half - 1 : -1], eye[half - 1 : half]))
            edge = np.round(upper + shut * (lower - upper)).astype(np.int32)
            mask = np.zeros(picture.shape[:2], np.uint8)
            cv2.fillPoly(mask, [np.vstack((upper, edge[::-1]))], 255)
            # The crease and the shadow above the lid go with it.
            reach = int(np.ptp(eye[:, 0])) // 3
            tall = cv2.dilate(mask, np.ones((2 * reach + 1, 5), np.uint8), anchor=(2, 0))
            soft = cv2.GaussianBlur(cv2.max(mask, tall), (0, 0), 1.5)[..., None] / 255
            picture = np.asarray(self._without_eyes * soft + picture * (1 - soft), np.uint8)
            cv2.polylines(picture, [edge], False, _LASHES, 2, cv2.LINE_AA)
        return picture

    def _placed(self, move: Move) -> NDArray[np.float64]:
        points = self._points.copy()
        width = float(np.linalg.norm(points[_LIP_CORNERS[0]] - points[_LIP_CORNERS[1]]))
        points[:, 1] += move.mouth * width * self._jaw
        # A head turns about the neck, between and behind the ears.
        pivot = points[[234, 454]].mean(axis=0)
        return np.asarray((points - pivot) @ _turn(move).T + pivot, np.float64)

    def _labels(self, placed: NDArray[np.float64]) -> NDArray[np.int32]:
        labels = np.full(self._picture.shape[:2], -1, np.int32)
        corners = placed[self._skin]
        # Far triangles first; 16 steps to the pixel.
        for index in np.argsort(-corners[:, :, 2].mean(axis=1)):
            cv2.fillConvexPoly(
                labels, np.round(corners[index, :, :2] * 16).astype(np.int32), int(index), shift=4
            )
        return labels

    def _sources(self, placed: NDArray[np.float64]) -> NDArray[np.float64]:
        to = np.ones((len(self._skin), 3, 3))
        to[:, :2] = placed[self._skin][:, :, :2].transpose(0, 2, 1)
        # A triangle seen edge on has no inverse; it covers no pixel that matters.
        to += np.eye(3) * 1e-6
        back = self._points[self._skin][:, :, :2].transpose(0, 2, 1) @ np.linalg.inv(to)
        return np.asarray(back, np.float64)


def _turn(move: Move) -> NDArray[np.float64]:
    # x right, y down, z away: the subject's left is the picture's right.
    axes = ((0.0, move.yaw, 0.0), (move.pitch, 0.0, 0.0), (0.0, 0.0, move.roll))
    yaw, pitch, roll = (cv2.Rodrigues(np.radians(np.array(axis)))[0] for axis in axes)
    return np.asarray(roll @ yaw @ pitch, np.float64)


def _triangles(canonical: Path) -> NDArray[np.intp]:
    faces = [line.split()[1:] for line in canonical.read_text().splitlines() if line.startswith("f ")]
    return np.array([[int(corner.split("/")[0]) - 1 for corner in face] for face in faces], np.intp)


def _eye_outlines() -> Iterable[tuple[int, ...]]:
    for (outer, inner), upper, lower in zip(_EYE_CORNERS, _UPPER_LIDS, _LOWER_LIDS, strict=True):
        yield (outer, *upper, inner, *reversed(lower))


def _without(picture: Picture, outlines: Sequence[NDArray[np.int32]]) -> Picture:
    mask = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillPoly(mask, list(outlines), 255)
    reach = int(np.ptp(outlines[0][:, 0])) // 2
    grown = cv2.dilate(mask, np.ones((2 * reach + 1, 9), np.uint8))
    return np.asarray(cv2.inpaint(picture, grown, 5, cv2.INPAINT_TELEA), np.uint8)


def _jaw_weights(points: NDArray[np.float64]) -> NDArray[np.float64]:
    corners = points[list(_LIP_CORNERS)]
    middle, chin = corners.mean(axis=0), points[152]
    down = np.clip((points[:, 1] - middle[1]) / (chin[1] - middle[1]), 0, 1)
    weights = np.asarray(down**0.5, np.float64)
    half = np.abs(corners[1, 0] - corners[0, 0]) / 2
    for lip in (_LOWER_LIP, _LOWER_LIP_EDGE):
        aside = np.clip(np.abs(points[list(lip), 0] - middle[0]) / half, 0, 1)
        weights[list(lip)] = 1 - aside**2
    upper = [*_UPPER_LIP, *_LIP_CORNERS]
    weights[upper] = 0.0
    return weights


def there_and_back(
    peak: Move, fps: float, *, way_s: float = 0.5, hold_s: float = 0.5, rest_s: float = 0.6
) -> list[Move]:
    """Return the moves of one gesture: rest, out to ``peak``, hold, back, rest."""
    rest, way, hold = (max(1, round(seconds * fps)) for seconds in (rest_s, way_s, hold_s))
    out = (1 - np.cos(np.linspace(0, np.pi, way + 2)[1:-1])) / 2
    shares = [0.0] * rest + out.tolist() + [1.0] * hold + out[::-1].tolist() + [0.0] * rest
    return [_scaled(peak, share) for share in shares]


def blinking(fps: float, rest_s: float = 0.8) -> list[Move]:
    """Return one blink of 0.2 s between two rests."""
    rest = [Move()] * round(rest_s * fps)
    closed = max(1, round(0.12 * fps))
    return [*rest, Move(shut=0.5), *[Move(shut=1.0)] * closed, Move(shut=0.5), *rest]


def alive(moves: Sequence[Move], fps: float, seed: int) -> list[Move]:
    """Add what no head is without: a slow sway of a degree or two."""
    phases = np.random.default_rng(seed).uniform(0, 2 * np.pi, 3)
    sway = [np.sin(2 * np.pi * n / fps / np.array((3.1, 4.3, 5.7)) + phases) for n in range(len(moves))]
    return [
        replace(move, yaw=move.yaw + 1.5 * a, pitch=move.pitch + 1.0 * b, roll=move.roll + c)
        for move, (a, b, c) in zip(moves, sway, strict=True)
    ]


def _scaled(move: Move, share: float) -> Move:
    return Move(
        move.yaw * share, move.pitch * share, move.roll * share, move.shut * share, move.mouth * share
    )
