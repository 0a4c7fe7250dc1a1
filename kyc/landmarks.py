"""What a face does: 478 landmarks of FaceMesh V2, and head pose, eyes and mouth from them.

The landmark numbers are MediaPipe's; right and left are the subject's.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kyc.faces import Face, similarity_transform
from kyc.images import Picture
from kyc.nets import Net

Landmarks = NDArray[np.float32]
"""(478, 3): x, y in pixels of the whole picture, z in the same unit, smaller is nearer to the camera."""

_SIDE = 256
# MediaPipe's own margin around a detected face (face_landmarker graph: scale 1.5).
_MARGIN = 1.5

# Points that move with the skull and not with the jaw or the lids, and where they lie in centimetres
# (x to the picture's right, y down, z away from the camera): mediapipe's canonical_face_model.obj.
_RIGID = {
    33: (-4.446, -2.664, -3.173), 133: (-1.856, -2.585, -3.758),
    362: (1.856, -2.585, -3.758), 263: (4.446, -2.664, -3.173),
    4: (0.0, 0.463, -7.587), 5: (0.0, -0.366, -7.243), 195: (0.0, -1.059, -6.775),
    6: (0.0, -2.473, -5.789), 168: (0.0, -3.271, -5.236), 9: (0.0, -4.886, -5.385),
    151: (0.0, -6.545, -5.027), 10: (0.0, -8.262, -4.482),
    129: (-1.786, 0.978, -4.850), 358: (1.786, 0.978, -4.850),
    50: (-4.766, 0.702, -3.535), 280: (4.766, 0.702, -3.535),
    54: (-6.279, -6.615, -1.426), 284: (6.279, -6.615, -1.426),
    127: (-7.743, -2.365, 2.005), 356: (7.743, -2.365, 2.005),
    234: (-7.664, -0.673, 2.436), 454: (7.664, -0.673, 2.436),
}  # fmt: skip
_RIGID_NUMBERS = np.array(tuple(_RIGID), np.intp)
_RIGID_PLACES = np.array(tuple(_RIGID.values()), np.float64)
# How far a face is from a phone that it fills by a third, in the same centimetres: fixes the perspective.
_DISTANCE_CM = 45.0

# Outer corner, two of the upper lid, inner corner, two of the lower lid, in Soukupova's order (CVWW 2016).
_RIGHT_EYE = (33, 160, 158, 133, 153, 144)
_LEFT_EYE = (263, 387, 385, 362, 380, 373)
# Inner lips: three pairs above each other; the nose from between the eyes to its base.
_UPPER_LIP, _LOWER_LIP = (81, 13, 311), (178, 14, 402)
_NOSE_TOP, _NOSE_BASE = 168, 2
# Inner width of the mouth over the length of that nose on the canonical face: 4.306 / 5.360 cm.
_MOUTH_OVER_NOSE = 0.803


# What a detector's points are on the mesh: middles of the eyes, tip of the nose, corners of the mouth.
_DETECTED = ((33, 133), (362, 263), (4,), (61,), (291,))
_OUTER_CORNERS = 33, 263


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a head is turned, in degrees: yaw below 0 is the subject's left, pitch above 0 is down.

    ``roll`` above 0 leans the head towards the picture's right.
    """

    yaw: float
    pitch: float
    roll: float


def head_pose(points: Landmarks) -> Pose:
    """Return the pose of ``points``, by SQPnP (Terzakis and Lourakis, ECCV 2020) on 22 rigid points.

    The camera is put at a fixed distance before the middle of the face. So the answer depends on what
    the face looks like and not on where it is in the picture or how large: a still that is slid
    before a camera does not turn.
    """
    seen = points[_RIGID_NUMBERS, :2].astype(np.float64)
    middle = seen.mean(axis=0)
    spread = float(np.sqrt(((seen - middle) ** 2).sum(axis=1).mean()))
    focal = _DISTANCE_CM * max(spread, 1e-6) / _RIGID_SPREAD
    camera = np.array(((focal, 0.0, 0.0), (0.0, focal, 0.0), (0.0, 0.0, 1.0)))
    _, turn, _ = cv2.solvePnP(_RIGID_PLACES, seen - middle, camera, None, flags=cv2.SOLVEPNP_SQPNP)
    return _angles(np.asarray(cv2.Rodrigues(turn)[0], np.float64))


_RIGID_SPREAD = float(np.sqrt(((_RIGID_PLACES - _RIGID_PLACES.mean(axis=0))[:, :2] ** 2).sum(axis=1).mean()))


def _angles(rotation: NDArray[np.float64]) -> Pose:
    ahead, right = -rotation[:, 2], rotation[:, 0]
    yaw = np.arctan2(-ahead[0], -ahead[2])
    pitch = np.arcsin(np.clip(ahead[1], -1.0, 1.0))
    roll = np.arctan2(right[1], right[0])
    return Pose(*(float(np.degrees(angle)) for angle in (yaw, pitch, roll)))


def eye_openness(points: Landmarks) -> float:
    """Return the eye aspect ratio, mean of both eyes: about 0.3 open, below 0.1 closed.

    Narrow eyes reach 0.1 when open, so it is only to be compared with the same person's.
    """
    return (_aspect(points, _RIGHT_EYE) + _aspect(points, _LEFT_EYE)) / 2


def _aspect(points: Landmarks, numbers: tuple[int, ...]) -> float:
    outer, up_1, up_2, inner, down_2, down_1 = points[list(numbers), :2]
    width = max(float(np.linalg.norm(outer - inner)), 1e-6)
    return float(np.linalg.norm(up_1 - down_1) + np.linalg.norm(up_2 - down_2)) / (2 * width)


# Middle of the iris, corners from the picture's left to its right.
_IRISES = ((468, 33, 133), (473, 362, 263))
# How far the middle of the iris goes aside when an eye turns by 90 degrees, over the width between the
# corners: an eye of 24 mm (radius of the iris' plane 10.5) behind lids of 28 mm.
_EYE_REACH = 0.375
# The sine of 30 degrees. Heads follow before eyes go further; more is a mesh that lost the iris.
_EYE_MOST = 0.5


def eye_turn(points: Landmarks) -> Pose:
    """Return how far both eyes are turned within the head, 30 degrees at most, as :class:`Pose` without roll.

    The middle of the opening counts as straight ahead, which is not so for everybody: compare it with the
    same person's usual.
    """
    turns = [_iris_offset(points, *numbers) for numbers in _IRISES]
    right, down = (sum(turn[axis] for turn in turns) / len(turns) for axis in (0, 1))
    sines = (np.clip(one / _EYE_REACH, -_EYE_MOST, _EYE_MOST) for one in (-right, down))
    yaw, pitch = (float(np.degrees(np.arcsin(sine))) for sine in sines)
    return Pose(yaw, pitch, 0.0)


def _iris_offset(points: Landmarks, iris: int, left: int, right: int) -> tuple[float, float]:
    along = points[right, :2] - points[left, :2]
    width = max(float(np.linalg.norm(along)), 1e-6)
    unit = along / width
    apart = points[iris, :2] - (points[left, :2] + points[right, :2]) / 2
    return float(apart @ unit) / width, float(unit[0] * apart[1] - unit[1] * apart[0]) / width


def mouth_openness(points: Landmarks) -> float:
    """Return height over usual width of the inner lips: 0 closed, smile about 0.25, wide open 0.8 to 1.

    The width is taken from the nose's length. The mouth's own width shrinks on a print that is turned
    sideways, which made a smile look like an opening mouth.
    """
    height = np.linalg.norm(points[list(_UPPER_LIP), :2] - points[list(_LOWER_LIP), :2], axis=1).mean()
    nose = float(np.linalg.norm(points[_NOSE_TOP, :2] - points[_NOSE_BASE, :2]))
    return float(height) / max(_MOUTH_OVER_NOSE * nose, 1e-6)


class Mesh:
    """FaceMesh V2. Not to be used by two threads at once."""

    def __init__(self, net: Net) -> None:
        self._net = net

    def landmarks(self, picture: Picture, face: Face) -> Landmarks | None:
        """Return the landmarks of ``face`` (five points), or None when they are of something else.

        The net sees a face in everything; it does not tell how sure it is.
        """
        to_roi = _to_roi(face)
        roi = cv2.warpAffine(picture, to_roi, (_SIDE, _SIDE), flags=cv2.INTER_LINEAR)
        points = _in_picture(self._net(np.asarray(roi, np.uint8))[0].reshape(-1, 3), to_roi)
        return points if disagreement(points, face) <= DISAGREEMENT_MAX else None


# At most 0.23 on a clip with turns up to 52 degrees.
DISAGREEMENT_MAX = 0.35


def disagreement(points: Landmarks, face: Face) -> float:
    """Return how far landmarks and the detector's points are apart: mean, in distances of the eyes."""
    own = np.stack([points[list(numbers), :2].mean(axis=0) for numbers in _DETECTED[: len(face.points)]])
    apart = np.linalg.norm(own - face.points, axis=1).mean()
    width = np.linalg.norm(points[_OUTER_CORNERS[0], :2] - points[_OUTER_CORNERS[1], :2])
    return float(apart / max(float(width), 1e-6))


def _to_roi(face: Face) -> NDArray[np.float64]:
    x, y, width, height = face.box
    middle = np.array((x + width / 2, y + height / 2), np.float32)
    along = face.points[1] - face.points[0]
    half = _MARGIN * max(width, height) / 2
    right = along / max(float(np.linalg.norm(along)), 1e-6) * half
    down = np.array((-right[1], right[0]), np.float32)
    corners = np.stack((middle - right - down, middle + right - down, middle + right + down))
    square = np.array(((0, 0), (_SIDE, 0), (_SIDE, _SIDE)), np.float32)
    return similarity_transform(corners.astype(np.float32), square)


def _in_picture(found: Landmarks, to_roi: NDArray[np.float64]) -> Landmarks:
    scale = float(np.hypot(to_roi[0, 0], to_roi[1, 0]))
    back = cv2.invertAffineTransform(to_roi)
    places = np.empty_like(found)
    places[:, :2] = found[:, :2] @ back[:, :2].T + back[:, 2]
    places[:, 2] = found[:, 2] / scale
    return places


_EYE_SIDE = 32


class EyeState:
    """Intel's open-closed-eye net.

    Measured against lids judged by eye: area under the curve 0.996 to 1.0 at 60 pixels between the eyes
    and more; below about 30 pixels its answers scatter. Not to be used by two threads at once.
    """

    def __init__(self, net: Net) -> None:
        self._net = net
        self._crop = net.model.input.crop if net.model.input else 1.0

    def closed(self, picture: Picture, face: Face) -> float:
        """Return the probability that both eyes are shut: that of the eye which is more open."""
        side = max(self._crop * face.eye_distance, 1.0)
        # The first output is closed, whatever the net's README says (measured).
        return min(float(self._net(_eye(picture, point, side))[0][0]) for point in face.points[:2])


def _eye(picture: Picture, middle: NDArray[np.float32], side: float) -> Picture:
    scale = _EYE_SIDE / side
    shift = _EYE_SIDE / 2 - middle * scale
    place = np.array(((scale, 0.0, shift[0]), (0.0, scale, shift[1])))
    return np.asarray(cv2.warpAffine(picture, place, (_EYE_SIDE, _EYE_SIDE)), np.uint8)
