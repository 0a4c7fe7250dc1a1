"""Card against still, with real faces and both packs."""

from types import SimpleNamespace
from typing import cast

import cv2
import numpy as np
import pytest

from contract.errors import UserError
from contract.phases import CheckVerdict
from contract.ports import FaceFinding
from kyc.images import Picture, decode, encode_jpeg
from kyc.matching import answer_count, inspect_image, match_faces
from kyc.models import Models
from kyc.pipes import CountFaces
from kyc.portraits import EYE_DISTANCE_MIN, cut_out, find_portrait
from teller.demo.pictures import FaceVideo, astronaut, jpeg, other_person
from tests.kyc.conftest import Loaded, card_of

BLANK = encode_jpeg(np.full((480, 640, 3), 127, np.uint8))


@pytest.fixture(params=["base", pytest.param("opened", marks=pytest.mark.models)])
def loaded(request: pytest.FixtureRequest) -> Loaded:
    """Return each pack in turn."""
    pack: Loaded = request.getfixturevalue(request.param)
    return pack


def compare(loaded: Loaded, card: bytes, still: bytes) -> FaceFinding:
    """Compare with ``loaded``."""
    return match_faces(loaded.models, loaded.pack, card, still)


def beside(one: bytes, other: bytes, share: float) -> bytes:
    """Return ``one`` with ``other`` beside it at ``share`` of its size."""
    left, right = decode(one), decode(other)
    small = cv2.resize(right, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    canvas = np.full((left.shape[0], left.shape[1] + small.shape[1], 3), 127, np.uint8)
    canvas[:, : left.shape[1]] = left
    canvas[: small.shape[0], left.shape[1] :] = small
    return encode_jpeg(canvas)


@pytest.mark.models
def test_the_same_person_passes_with_the_open_pack(opened: Loaded, own_card: bytes, still: bytes) -> None:
    """The astronaut's card fits the astronaut's still, far above the threshold."""
    finding = compare(opened, own_card, still)
    assert finding.score is not None
    assert finding.score > 0.8
    assert (finding.verdict, finding.reason) == (CheckVerdict.PASSED, "")


def test_the_same_person_is_reviewed_with_the_base_pack(base: Loaded, own_card: bytes, still: bytes) -> None:
    """However alike, dlib hands the case to a person."""
    finding = compare(base, own_card, still)
    assert finding.score is not None
    assert finding.score > finding.threshold
    assert (finding.verdict, finding.reason, finding.demo_only) == (CheckVerdict.REVIEW, "demo_pack", True)


def test_another_person_fails(loaded: Loaded, strange_card: bytes, still: bytes) -> None:
    """A card with somebody else's portrait fails in both packs."""
    finding = compare(loaded, strange_card, still)
    assert finding.score is not None
    assert finding.score < finding.review_threshold
    assert (finding.verdict, finding.reason) == (CheckVerdict.FAILED, "score_too_low")


@pytest.mark.models
@pytest.mark.parametrize("index", range(6))
def test_everybody_else_fails(opened: Loaded, still: bytes, index: int) -> None:
    """None of the six people of the group photo is taken for the astronaut."""
    finding = compare(opened, card_of(other_person(index), seed=index), still)
    assert finding.verdict is CheckVerdict.FAILED


@pytest.mark.models
@pytest.mark.parametrize("n", [0, 31, 62, 93, 124])
def test_frames_out_of_the_call_match_too(opened: Loaded, own_card: bytes, n: int) -> None:
    """A 640 x 480 frame at the quality of a call passes, wherever the face has moved."""
    finding = compare(opened, own_card, jpeg(FaceVideo(astronaut()).frame(n), 50))
    assert finding.verdict is CheckVerdict.PASSED


def test_the_finding_says_what_decided(loaded: Loaded, own_card: bytes, still: bytes) -> None:
    """Pack, both hashes, thresholds and time stand in the finding, and it repeats exactly."""
    finding, again = (compare(loaded, own_card, still) for _ in range(2))
    assert (finding.pack, finding.demo_only) == (loaded.pack.name, loaded.pack.demo_only)
    assert finding.detector_sha256 == loaded.pack.detector.sha256
    assert finding.model_sha256 == loaded.pack.embedder.sha256
    assert (finding.threshold, finding.review_threshold) == (
        loaded.pack.threshold,
        loaded.pack.review_threshold,
    )
    assert finding.seconds > 0
    assert (finding.score, finding.portrait) == (again.score, again.portrait)


def test_the_portrait_is_cut_from_the_card(loaded: Loaded, own_card: bytes, still: bytes) -> None:
    """The cut-out is a JPEG of head and shoulders in which the face is found again."""
    finding = compare(loaded, own_card, still)
    assert finding.portrait is not None
    assert finding.portrait_image is not None
    described = inspect_image(finding.portrait)
    assert (described.width, described.height) == (
        finding.portrait_image.width,
        finding.portrait_image.height,
    )
    assert described.media_type == finding.portrait_image.media_type == "image/jpeg"
    assert len(loaded.models.detect(decode(finding.portrait))) == 1


def test_no_face_on_the_card(loaded: Loaded, still: bytes) -> None:
    """Without a portrait there is no score, nothing was cut, and a person looks at it."""
    finding = compare(loaded, BLANK, still)
    assert (finding.score, finding.portrait, finding.portrait_image) == (None, None, None)
    assert (finding.verdict, finding.reason) == (CheckVerdict.REVIEW, "no_face_on_card")


def test_no_face_on_the_still(loaded: Loaded, own_card: bytes) -> None:
    """Without a face on the still the portrait is kept and a person looks at it."""
    finding = compare(loaded, own_card, BLANK)
    assert finding.score is None
    assert finding.portrait is not None
    assert (finding.verdict, finding.reason) == (CheckVerdict.REVIEW, "no_face_on_still")


def test_two_people_on_the_still(loaded: Loaded, own_card: bytes, still: bytes) -> None:
    """With a second person of like size nobody knows whom to compare."""
    finding = compare(loaded, own_card, beside(still, still, 0.7))
    assert finding.score is None
    assert (finding.verdict, finding.reason) == (CheckVerdict.REVIEW, "several_faces_on_still")


@pytest.mark.models
def test_somebody_far_behind_does_not_matter(opened: Loaded, own_card: bytes, still: bytes) -> None:
    """A face of less than half the size is background."""
    assert compare(opened, own_card, beside(still, still, 0.3)).verdict is CheckVerdict.PASSED


@pytest.mark.models
def test_a_portrait_that_is_too_small(opened: Loaded, own_card: bytes, still: bytes) -> None:
    """A card photographed from too far away is not compared; the agent gets a word to act on."""
    small = cv2.resize(decode(own_card), (500, 375), interpolation=cv2.INTER_AREA)
    portrait, reason = find_portrait(opened.models, np.asarray(small, np.uint8))
    assert portrait is not None
    assert portrait.face.eye_distance < EYE_DISTANCE_MIN
    assert reason == "portrait_too_small"
    finding = compare(opened, encode_jpeg(np.asarray(small, np.uint8)), still)
    assert (finding.score, finding.verdict) == (None, CheckVerdict.REVIEW)
    assert finding.reason == "portrait_too_small"
    assert finding.portrait is not None


def test_the_cut_stays_inside_the_picture(loaded: Loaded) -> None:
    """A face at the edge gives a smaller cut-out, never an empty or wrapped one."""
    close: Picture = FaceVideo(astronaut(), (640, 480)).frame(0)[60:420, 190:]
    face = loaded.models.detect(close)[0]
    cut = cut_out(close, face)
    assert 0 < cut.shape[0] <= close.shape[0]
    assert 0 < cut.shape[1] <= close.shape[1]


@pytest.mark.models
def test_a_face_that_fills_the_picture_is_found(opened: Loaded) -> None:
    """A still taken far too near still has a face."""
    near = cv2.resize(astronaut().image[55:185, 165:280], None, fx=18, fy=18, interpolation=cv2.INTER_CUBIC)
    assert len(opened.models.detect(np.asarray(near, np.uint8))) == 1


@pytest.mark.models
def test_tilted_cards_are_still_read(opened: Loaded, own_card: bytes, still: bytes) -> None:
    """A card that lies 20 degrees askew passes."""
    picture = decode(own_card)
    turn = cv2.getRotationMatrix2D((picture.shape[1] / 2, picture.shape[0] / 2), 20, 1.0)
    turned = cv2.warpAffine(picture, turn, picture.shape[1::-1])
    finding = compare(opened, encode_jpeg(np.asarray(turned, np.uint8)), still)
    assert finding.verdict is CheckVerdict.PASSED


@pytest.mark.parametrize("which", [0, 1])
def test_what_is_no_picture_is_the_uploaders_fault(loaded: Loaded, still: bytes, which: int) -> None:
    """Either picture may be broken; the error names the kind and costs nothing else."""
    pictures = [still, still]
    pictures[which] = b"not a picture"
    with pytest.raises(UserError) as caught:
        compare(loaded, *pictures)
    assert caught.value.code == "not_an_image"


def test_scores_are_symmetric_and_best_with_oneself(loaded: Loaded, own_card: bytes, still: bytes) -> None:
    """The score does not care which picture comes first, and nobody is more alike than oneself."""
    pictures = [decode(own_card), decode(still)]
    one, other = (loaded.models.embed(picture, loaded.models.detect(picture)[0]) for picture in pictures)
    assert loaded.models.score(one, other) == pytest.approx(loaded.models.score(other, one))
    assert loaded.models.score(one, one) == pytest.approx(1.0, abs=1e-5)
    assert loaded.models.score(one, other) < 1.0


def on_a_large_desk(card: bytes, share: float) -> bytes:
    """Return a 12 megapixel picture in which ``card``'s photograph takes ``share`` of the width."""
    desk = np.full((3000, 4000, 3), (70, 98, 132), np.uint8)
    picture = decode(card)
    scale = share * 4000 / picture.shape[1]
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    desk[300 : 300 + small.shape[0], 900 : 900 + small.shape[1]] = small
    return encode_jpeg(desk, 85)


def test_a_card_far_from_a_good_camera_is_read(loaded: Loaded, own_card: bytes, still: bytes) -> None:
    """At sensor resolution a card on half of the picture's width has pixels enough in both packs."""
    finding = compare(loaded, on_a_large_desk(own_card, 0.5), still)
    assert finding.score is not None
    assert finding.score >= finding.threshold


@pytest.mark.parametrize("turn", [cv2.ROTATE_180, cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_90_COUNTERCLOCKWISE])
def test_turned_pictures_are_set_upright(loaded: Loaded, own_card: bytes, still: bytes, turn: int) -> None:
    """A phone that stored the wrong orientation changes neither score nor cut-out by much."""
    straight = compare(loaded, own_card, still)
    turned = compare(loaded, *(encode_jpeg(turned_by(picture, turn)) for picture in (own_card, still)))
    assert straight.score is not None
    assert turned.score == pytest.approx(straight.score, abs=0.08)
    assert turned.verdict is straight.verdict
    assert straight.portrait is not None
    assert turned.portrait is not None
    one, other = decode(straight.portrait), decode(turned.portrait)
    assert other.shape == pytest.approx(one.shape, abs=25)
    assert np.abs(cv2.resize(one, (50, 60)).astype(int) - cv2.resize(other, (50, 60))).mean() < 30


def test_a_turned_card_of_somebody_else_fails(loaded: Loaded, strange_card: bytes, still: bytes) -> None:
    """Trying orientations gives a stranger no second chance."""
    finding = compare(loaded, encode_jpeg(turned_by(strange_card, cv2.ROTATE_180)), still)
    assert finding.verdict is CheckVerdict.FAILED


def turned_by(data: bytes, turn: int) -> Picture:
    """Return the picture in ``data`` turned by quarters."""
    return np.asarray(cv2.rotate(decode(data), turn), np.uint8)


@pytest.mark.models
@pytest.mark.parametrize("sigma", [1.0, 2.0, 3.0])
def test_blur_lowers_the_score_of_the_right_person_only_so_far(
    opened: Loaded, own_card: bytes, strange_card: bytes, still: bytes, sigma: float
) -> None:
    """A shaken card of the right person still passes, of the wrong one still fails."""
    right, wrong = (
        compare(opened, encode_jpeg(np.asarray(cv2.GaussianBlur(decode(card), (0, 0), sigma))), still)
        for card in (own_card, strange_card)
    )
    assert (right.verdict, wrong.verdict) == (CheckVerdict.PASSED, CheckVerdict.FAILED)


def test_faces_of_a_recording_are_counted(base: Loaded, still: bytes) -> None:
    """Two people are two, somebody small behind them is nobody, and neither is what is no picture."""
    models = cast(Models, SimpleNamespace(faces=base.models))
    pictures = (still, beside(still, still, 0.9), beside(still, still, 0.35), BLANK, b"no picture")

    assert [answer_count(models, CountFaces(one)) for one in pictures] == [1, 2, 1, 0, 0]
