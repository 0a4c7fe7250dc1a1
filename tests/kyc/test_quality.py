"""Which stills are good enough: pure ranking, and real faces made worse."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyc.images import Picture
from kyc.landmarks import Pose
from kyc.models import Models
from kyc.packs import find_pack
from kyc.quality import FrameQuality, best_frames, judge_frame, load_mesh
from teller.demo.pictures import FaceVideo, astronaut, other_person
from tests.kyc.conftest import Loaded

GOOD = FaceVideo(astronaut(), (1280, 960)).frame(77)


@pytest.fixture(scope="module")
def models(open_models_dir: Path) -> Models:
    """Return the open pack's models."""
    return Models(find_pack(open_models_dir))


def judged(models: Models, picture: Picture) -> FrameQuality:
    """Judge ``picture`` as it is."""
    return judge_frame(picture, models.faces.detect(picture), models.once(load_mesh))


def scaled(picture: Picture, factor: float) -> Picture:
    """Return ``picture`` at ``factor`` of its size."""
    return np.asarray(cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)


@pytest.mark.models
def test_a_good_still_has_no_fault(models: Models) -> None:
    """Frontal, sharp, lit, 154 pixels between the eyes."""
    found = judged(models, GOOD)
    assert found.faults == ()
    assert found.eye_distance == pytest.approx(154, abs=8)
    assert found.pose is not None
    assert abs(found.pose.yaw) < 8


@pytest.mark.models
@pytest.mark.parametrize(
    ("picture", "fault"),
    [
        (scaled(GOOD, 0.3), "face_too_small"),
        (np.asarray(cv2.GaussianBlur(GOOD, (0, 0), 8), np.uint8), "blurred"),
        ((GOOD * 0.3).astype(np.uint8), "too_dark"),
        (np.clip(GOOD * 1.6, 0, 255).astype(np.uint8), "too_bright"),
        (FaceVideo(other_person(4), (1280, 960)).frame(7), "turned_away"),
        (np.asarray(np.hstack((GOOD, GOOD)), np.uint8), "several_faces"),
        (np.full((480, 640, 3), 127, np.uint8), "no_face"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_fault_is_told_apart(models: Models, picture: Picture, fault: str) -> None:
    """One thing made worse gives that word and no other."""
    assert judged(models, picture).faults == (fault,)


def test_without_a_mesh_nobody_is_turned_away(base: Loaded) -> None:
    """The base pack decides nothing, so it needs no pose."""
    found = judge_frame(GOOD, base.models.detect(GOOD), None)
    assert (found.faults, found.pose) == ((), None)


def test_the_most_frontal_come_first_then_the_sharpest() -> None:
    """A lean of the head does not count."""
    frames = [
        FrameQuality((), 80, Pose(9, 0, 0), 300, 120),
        FrameQuality((), 80, Pose(-2, 3, 40), 100, 120),
        FrameQuality(("blurred",), 80, Pose(0, 0, 0), 20, 120),
        FrameQuality((), 80, Pose(3, -1, 0), 200, 120),
    ]
    assert best_frames(frames, 5) == (3, 1, 0)
    assert best_frames(frames, 2) == (3, 1)


def test_without_a_good_one_the_least_bad_counts_alone() -> None:
    """But never one of two people, or of nobody."""
    two, none = FrameQuality(("several_faces",)), FrameQuality(("no_face",))
    bad = FrameQuality(("blurred", "too_dark"), 80)
    better = FrameQuality(("blurred",), 80)
    assert best_frames([two, bad, none, better, better], 3) == (3,)
    assert best_frames([two, none], 3) == ()
    assert best_frames([], 3) == ()


_FAULTS = st.lists(
    st.sampled_from(["no_face", "several_faces", "blurred", "too_dark"]), max_size=2, unique=True
).map(tuple)


@given(st.lists(_FAULTS, max_size=8), st.integers(1, 5))
def test_a_faulty_frame_never_counts_beside_a_good_one(faults: list[tuple[str, ...]], most: int) -> None:
    """At most ``most``, each once, and either all without faults or a single one."""
    frames = [FrameQuality(words) for words in faults]
    used = best_frames(frames, most)
    assert len(set(used)) == len(used) <= most
    good = [place for place, words in enumerate(faults) if not words]
    assert set(used) <= set(good) if good else len(used) <= 1
    assert len(used) == min(most, len(good)) or not good
