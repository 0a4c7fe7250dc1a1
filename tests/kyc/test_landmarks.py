"""Head pose, eyes and mouth from landmarks, and the mesh and the eye net on real faces."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kyc.faces import Face
from kyc.landmarks import (
    DISAGREEMENT_MAX,
    Landmarks,
    disagreement,
    eye_openness,
    eye_turn,
    head_pose,
    mouth_openness,
)
from kyc.models import Models
from kyc.packs import find_pack
from kyc.tracing import find_faces, load_tracer
from teller.demo.pictures import astronaut
from tests.kyc.attacks import shaken
from tests.kyc.clips import clip_of

# kyc/landmarks.py: canonical points by number, centimetres, x right, y down, z away.
from kyc.landmarks import _RIGID  # isort: skip


# The distance is taken for that of a face seen from the front: a turned one seems farther.
POSE_ERROR = 3.0


def projected(yaw: float, pitch: float, roll: float, scale: float = 9.0, at: float = 320.0) -> Landmarks:
    """Return the canonical points as a camera sees them that looks at their middle from 45 cm."""
    axes = ((0.0, yaw, 0.0), (pitch, 0.0, 0.0), (0.0, 0.0, roll))
    turns = [cv2.Rodrigues(np.radians(np.array(axis)))[0] for axis in axes]
    # Yaw about the body's axis comes last, roll in the picture after it.
    turned = np.array(list(_RIGID.values())) @ (turns[2] @ turns[0] @ turns[1]).T
    turned -= turned.mean(axis=0)
    points = np.zeros((478, 3), np.float32)
    flat = turned[:, :2] / (turned[:, 2:] + 45.0) * 45.0 * scale + at
    points[list(_RIGID), :2] = flat
    return points


@settings(max_examples=60)
@given(st.floats(-50, 50), st.floats(-30, 30))
def test_the_pose_is_the_one_that_was_projected(yaw: float, pitch: float) -> None:
    pose = head_pose(projected(yaw, pitch, 0.0))
    assert pose.yaw == pytest.approx(yaw, abs=POSE_ERROR)
    assert pose.pitch == pytest.approx(pitch, abs=POSE_ERROR)
    assert abs(pose.roll) < 2


@settings(max_examples=60)
@given(st.floats(-40, 40), st.floats(3, 30), st.floats(-2000, 2000))
def test_a_face_that_leans_or_is_elsewhere_does_not_turn(roll: float, scale: float, at: float) -> None:
    pose = head_pose(projected(0.0, 0.0, roll, scale, at))
    assert abs(pose.yaw) < 1 and abs(pose.pitch) < 1
    assert pose.roll == pytest.approx(roll, abs=1)


def test_openness_is_a_ratio() -> None:
    points = np.random.default_rng(1).normal(0, 50, (478, 3)).astype(np.float32)
    grown = np.asarray(points * 3 + 100, np.float32)
    assert eye_openness(grown) == pytest.approx(eye_openness(points), rel=1e-3)
    assert mouth_openness(grown) == pytest.approx(mouth_openness(points), rel=1e-3)
    assert eye_openness(np.zeros((478, 3), np.float32)) == mouth_openness(np.zeros((478, 3), np.float32)) == 0


@pytest.mark.parametrize(("yaw", "pitch"), [(0, 0), (20, 0), (-29, 0), (0, 15), (0, -15), (10, 10), (-50, 0)])
def test_eyes_turn_within_the_head(yaw: float, pitch: float) -> None:
    """The iris goes aside with the sine; signs are those of the head's pose. A head that leans is none."""
    points = np.zeros((478, 3), np.float32)
    for iris, left, right, at in ((468, 33, 133, -30.0), (473, 362, 263, 30.0)):
        points[left, 0], points[right, 0] = at - 15, at + 15
        points[iris, 0] = at - 30 * 0.375 * np.sin(np.radians(yaw))
        points[iris, 1] = 30 * 0.375 * np.sin(np.radians(pitch))
    lean = np.array([[np.cos(0.3), np.sin(0.3)], [-np.sin(0.3), np.cos(0.3)]], np.float32)
    for one in (points[:, :2], points[:, :2] @ lean + 200):
        turned = points.copy()
        turned[:, :2] = one
        found = eye_turn(turned)
        assert found.yaw == pytest.approx(max(yaw, -30), abs=0.1)
        assert found.pitch == pytest.approx(pitch, abs=0.1)


def test_a_mouth_turned_sideways_on_paper_opens_no_wider() -> None:
    points = np.random.default_rng(1).normal(0, 50, (478, 3)).astype(np.float32)
    points[[168, 2], 0] = points[[13, 14, 81, 178, 311, 402], 0] = 0
    narrow = points * np.array((0.6, 1, 1), np.float32)
    assert mouth_openness(narrow) == pytest.approx(mouth_openness(points), rel=1e-3)


@pytest.mark.models
def test_a_mesh_agrees_with_the_detector_or_is_none(open_models_dir: Path) -> None:
    models = Models(find_pack(open_models_dir))
    tracer = models.once(load_tracer)
    assert tracer is not None
    picture = clip_of(models.faces, [astronaut().image])[0]
    face = find_faces(models.faces, picture)[0]
    points = tracer.mesh.landmarks(picture, face)
    assert points is not None and disagreement(points, face) < DISAGREEMENT_MAX / 2
    x, y, width, height = face.box
    aside = np.asarray(face.points + np.array((width, -height / 2)), np.float32)
    elsewhere = Face((x + width, y - height / 2, width, height), aside, 0.9)
    assert tracer.mesh.landmarks(picture, elsewhere) is None or disagreement(points, elsewhere) > 1
    assert tracer.trace(picture, (face, face), 1.0).face_count == 2
    poster = Face((x, y, width / 3, height / 3), face.points, 0.9)
    assert tracer.trace(picture, (face, poster), 1.0).face_count == 1


@pytest.mark.models
def test_eyes_that_look_at_us_are_open(open_models_dir: Path) -> None:
    models = Models(find_pack(open_models_dir))
    tracer = models.once(load_tracer)
    assert tracer is not None
    for picture in shaken(clip_of(models.faces, [astronaut().image])[0], 3, 1):
        trace = tracer.trace(picture, find_faces(models.faces, picture), 0.0)
        assert trace.eye_closed_p < 0.1 and trace.eye > 0.2
