"""Geometry and decisions about faces."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from contract.phases import CheckVerdict
from kyc.calibration import SHIPPED, read_card
from kyc.faces import (
    ARCFACE_112,
    Face,
    Points,
    align,
    decide,
    largest_first,
    several_faces,
    similarity_transform,
)
from kyc.packs import Pack
from kyc.registry import BASE_MODELS, OPEN_MODELS, Model


def pack_of(name: str, models: tuple[Model, ...], card: str) -> Pack:
    """Return a pack of files that are not there, calibrated by a shipped card."""
    return Pack(name, name == "base", models, (Path(),) * len(models), (read_card(SHIPPED / f"{card}.json"),))


OPEN = pack_of("open", OPEN_MODELS, "mobilefacenet-lfw")
BASE = pack_of("base", BASE_MODELS, "dlib-lfw")


def face(side: float) -> Face:
    """Return a face with a square box of ``side``, eyes 0.4 of it apart."""
    eyes = np.array(((0.3 * side, 0.4 * side), (0.7 * side, 0.4 * side)), np.float32)
    return Face((0, 0, side, side), eyes, 0.9)


def moved(points: Points, angle: float, scale: float, shift: tuple[float, float]) -> Points:
    """Return ``points`` turned, scaled and shifted."""
    turn = np.array(((np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))))
    return np.asarray(scale * points @ turn.T + np.array(shift), np.float32)


@given(st.floats(-3.1, 3.1), st.floats(0.05, 20), st.tuples(st.floats(-2000, 2000), st.floats(-2000, 2000)))
def test_a_similarity_is_found_exactly(angle: float, scale: float, shift: tuple[float, float]) -> None:
    """Points that were turned, scaled and shifted are brought back to where they were."""
    source = moved(ARCFACE_112, angle, scale, shift)
    matrix = similarity_transform(source, ARCFACE_112)
    back = source @ matrix[:, :2].T + matrix[:, 2]
    assert np.allclose(back, ARCFACE_112, atol=0.05)


@given(st.lists(st.tuples(st.floats(0, 500), st.floats(0, 500)), min_size=5, max_size=5))
def test_faces_are_never_mirrored_nor_sheared(points: list[tuple[float, float]]) -> None:
    """Whatever five points come in, the matrix is a rotation times a positive scale."""
    source = np.array(points, np.float32)
    spread = source - source.mean(axis=0)
    assume(float((spread**2).sum()) > 100)
    a, b = similarity_transform(source, ARCFACE_112)[:, :2]
    assert np.isclose(a @ b, 0, atol=1e-6)
    assert np.isclose(a @ a, b @ b)
    assert a[0] * b[1] - a[1] * b[0] >= 0


def test_the_best_similarity_leaves_the_least_error() -> None:
    """With points that fit no similarity, nudging the answer only makes it worse."""
    chance = np.random.default_rng(3)
    source = np.asarray(ARCFACE_112 * 3 + chance.normal(0, 12, (5, 2)), np.float32)
    matrix = similarity_transform(source, ARCFACE_112)

    def error(candidate: np.ndarray) -> float:
        return float(((source @ candidate[:, :2].T + candidate[:, 2] - ARCFACE_112) ** 2).sum())

    for angle, scale in ((0.01, 1), (-0.01, 1), (0, 1.01), (0, 0.99)):
        turn = scale * np.array(((np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))))
        centre = source.mean(axis=0)
        nudged = turn @ matrix[:, :2]
        shift = ARCFACE_112.mean(axis=0) - nudged @ centre
        assert error(np.hstack([nudged, shift[:, None]])) > error(matrix)


def test_align_puts_the_points_on_the_template() -> None:
    """Marks painted at the five points land on the template's places, in 112 x 112."""
    points = moved(ARCFACE_112, 0.3, 2.5, (140, 60))
    picture = np.zeros((600, 600, 3), np.uint8)
    for x, y in points.round().astype(int):
        picture[y - 4 : y + 5, x - 4 : x + 5] = 255
    aligned = align(picture, points)
    assert aligned.shape == (112, 112, 3)
    for x, y in ARCFACE_112.round().astype(int):
        assert aligned[y, x].min() > 150


@pytest.mark.models
def test_the_template_is_the_published_one(open_models_dir: Path) -> None:
    """The five places are those the embedding model was trained with."""
    manifest = json.loads((open_models_dir / "MANIFEST.json").read_text())
    assert np.allclose(ARCFACE_112, manifest["arcface_template_112"])


def test_two_eyes_suffice_to_align() -> None:
    """A detector that finds no mouth gives the eyes alone: they lie where those of five points do."""
    picture = np.zeros((300, 300, 3), np.uint8)
    eyes = np.array(((100, 120), (170, 120)), np.float32)
    for x, y in eyes.astype(int).tolist():
        picture[y - 3 : y + 4, x - 3 : x + 4] = 255
    found = align(picture, eyes)
    assert found.shape == (112, 112, 3)
    for x, y in ARCFACE_112[:2].round().astype(int).tolist():
        assert found[y, x].min() > 150


def test_sizes_of_a_face() -> None:
    """Side and eye distance are in pixels of the picture."""
    assert face(100).side == 100
    assert face(100).eye_distance == pytest.approx(40)


def test_faces_are_ordered_by_size() -> None:
    """The largest comes first, wherever it stood."""
    assert [f.side for f in largest_first([face(20), face(80), face(40)])] == [80, 40, 20]
    assert largest_first([]) == ()


@pytest.mark.parametrize(
    ("sides", "several"), [((), False), ((80,), False), ((80, 39), False), ((80, 40), True), ((80, 79), True)]
)
def test_a_second_face_counts_from_half_the_size(sides: tuple[int, ...], several: bool) -> None:
    """Somebody far behind is no second person; somebody beside is."""
    assert several_faces(tuple(face(side) for side in sides)) is several


@pytest.mark.parametrize(
    ("pack", "score", "verdict", "reason"),
    [
        (OPEN, 1.0, CheckVerdict.PASSED, ""),
        (OPEN, 0.48, CheckVerdict.PASSED, ""),
        (OPEN, 0.479, CheckVerdict.REVIEW, "score_in_doubt"),
        (OPEN, 0.36, CheckVerdict.REVIEW, "score_in_doubt"),
        (OPEN, 0.359, CheckVerdict.FAILED, "score_too_low"),
        (OPEN, -1.0, CheckVerdict.FAILED, "score_too_low"),
        (BASE, 1.0, CheckVerdict.REVIEW, "demo_pack"),
        (BASE, 0.58, CheckVerdict.REVIEW, "demo_pack"),
        (BASE, 0.5, CheckVerdict.REVIEW, "score_in_doubt"),
        (BASE, 0.44, CheckVerdict.FAILED, "score_too_low"),
    ],
)
def test_the_bands(pack: Pack, score: float, verdict: CheckVerdict, reason: str) -> None:
    """At or above the threshold passes, at or above the review threshold is doubt, below fails."""
    assert decide(pack, score) == (verdict, reason)


@given(st.floats(-10, 10))
def test_a_demo_pack_never_passes(score: float) -> None:
    """No score whatever makes a demo pack approve."""
    assert decide(BASE, score)[0] is not CheckVerdict.PASSED


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_a_higher_score_is_never_judged_worse(one: float, other: float) -> None:
    """Verdicts rise with the score."""
    order = [CheckVerdict.FAILED, CheckVerdict.REVIEW, CheckVerdict.PASSED]
    low, high = sorted((one, other))
    assert order.index(decide(OPEN, low)[0]) <= order.index(decide(OPEN, high)[0])
