"""Whether a face in a picture is good enough to be compared.

Each limit lies where likeness to the same face begins to fall; measured with MobileFaceNet on Intel's
head-pose clips (yaw) and on seven photographs that were blurred, darkened and made smaller.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from kyc.faces import Face, align, several_faces
from kyc.images import Picture, sharpness
from kyc.landmarks import Mesh, Pose, head_pose
from kyc.models import Models
from kyc.registry import Task

# The worst of seven: 0.78 at 60 pixels, 0.55 at 50, 0.36 at 30.
EYE_DISTANCE_MIN = 60.0
# Median 0.94 within 5 degrees, 0.65 from 15 to 20, 0.58 from 30 to 40.
ANGLE_MAX = 20.0
# Variance of the Laplacian at 112 pixels. A deviation of 0.03 eye distances gives 29 to 58 and a worst of
# 0.56; 0.04 gives 21 to 39 and 0.18.
SHARPNESS_MIN = 40.0
# Mean grey, 0 to 255. The worst is 0.80 at 67 to 81, and 0.41 at 40 to 48.
BRIGHTNESS_MIN = 50.0
# Share of the face at 250 and above: from 0.17 to 0.41 of it the worst is 0.57.
CLIPPED_MAX = 0.25


@dataclass(frozen=True, slots=True)
class FrameQuality:
    """What a still is good for. ``faults`` is empty for a good one.

    Faults: ``no_face``, ``several_faces``, ``face_too_small``, ``turned_away``, ``blurred``,
    ``too_dark``, ``too_bright``. ``eye_distance`` in pixels; ``pose`` is None when the pack has no face
    mesh, or it does not fit; ``sharpness`` and ``brightness`` of the face at 112 pixels.
    """

    faults: tuple[str, ...]
    eye_distance: float = 0.0
    pose: Pose | None = None
    sharpness: float = 0.0
    brightness: float = 0.0


def load_mesh(models: Models) -> Mesh | None:
    """Return what tells a head's pose, None when the pack has no face mesh."""
    nets = models.nets(Task.MESH)
    return Mesh(nets[0]) if nets else None


def judge_frame(picture: Picture, faces: Sequence[Face], mesh: Mesh | None) -> FrameQuality:
    """Return what the largest of ``faces``, largest first, is good for."""
    if not faces:
        return FrameQuality(("no_face",))
    face = faces[0]
    aligned = align(picture, face.points)
    grey = np.asarray(cv2.cvtColor(aligned, cv2.COLOR_BGR2GRAY), np.uint8)
    points = mesh.landmarks(picture, face) if mesh else None
    pose = head_pose(points) if points is not None else None
    sharp, bright = sharpness(aligned), float(grey.mean())
    faults = {
        "several_faces": several_faces(tuple(faces)),
        "face_too_small": face.eye_distance < EYE_DISTANCE_MIN,
        "turned_away": mesh is not None and (pose is None or _angle(pose) > ANGLE_MAX),
        "blurred": sharp < SHARPNESS_MIN,
        "too_dark": bright < BRIGHTNESS_MIN,
        "too_bright": float((grey >= 250).mean()) > CLIPPED_MAX,
    }
    return FrameQuality(
        faults=tuple(name for name, found in faults.items() if found),
        eye_distance=face.eye_distance,
        pose=pose,
        sharpness=sharp,
        brightness=bright,
    )


def _angle(pose: Pose) -> float:
    # A head that only leans is turned upright by the alignment.
    return max(abs(pose.yaw), abs(pose.pitch))


def best_frames(quality: Sequence[FrameQuality], most: int) -> tuple[int, ...]:
    """Return the places of at most ``most`` frames without faults, the most frontal first.

    Without any: the one with exactly one face and the fewest faults, if there is one.
    """
    order = sorted(range(len(quality)), key=lambda place: _rank(quality[place]))
    good = [place for place in order if not quality[place].faults]
    if good:
        return tuple(good[:most])
    return tuple(place for place in order if not {"no_face", "several_faces"} & {*quality[place].faults})[:1]


def _rank(frame: FrameQuality) -> tuple[int, float, float]:
    return len(frame.faults), _angle(frame.pose) if frame.pose else 0.0, -frame.sharpness
