"""Card, stills and reference compared with each other, with real faces."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from contract.errors import UserError
from contract.identity_ports import PortraitsFinding
from contract.phases import CheckVerdict
from kyc.images import decode, encode_jpeg
from kyc.limits import LONG_SIDE_MIN
from kyc.models import Models
from kyc.packs import find_pack
from kyc.portrait_jobs import STILLS_MAX, ComparePortraits
from kyc.portrait_match import compare_portraits, operating_point
from kyc.registry import Task
from teller.demo.pictures import FaceVideo, astronaut, jpeg, other_person

PASSED, REVIEW, FAILED = CheckVerdict.PASSED, CheckVerdict.REVIEW, CheckVerdict.FAILED
BLANK = encode_jpeg(np.full((480, 640, 3), 127, np.uint8))
VIDEO = FaceVideo(astronaut(), (1280, 960))
STILLS = tuple(jpeg(VIDEO.frame(n), 80) for n in (3, 40, 77))
BLURRED = encode_jpeg(np.asarray(cv2.GaussianBlur(VIDEO.frame(3), (0, 0), 7), np.uint8))
OTHER = jpeg(FaceVideo(other_person(0), (1280, 960)).frame(5), 80)
# A registry's photograph, sharper and of another day than the card's print.
REFERENCE = jpeg(astronaut().image)


@pytest.fixture(scope="module")
def models(open_models_dir: Path) -> Models:
    """Return the open pack's models."""
    return Models(find_pack(open_models_dir))


def verdicts(finding: PortraitsFinding) -> dict[str, tuple[CheckVerdict, str]]:
    """Return verdict and reason by pair."""
    return {f"{pair.first} {pair.second}": (pair.verdict, pair.reason) for pair in finding.pairs}


@pytest.mark.models
def test_three_pictures_of_one_person_pass(models: Models, own_card: bytes) -> None:
    """All three pairs, three frames, and what the threshold stands for."""
    finding = compare_portraits(models, ComparePortraits(own_card, STILLS, REFERENCE))
    assert verdicts(finding) == dict.fromkeys(
        ("card still", "card reference", "still reference"), (PASSED, "")
    )
    assert (finding.verdict, finding.reason, finding.frames, finding.quality) == (PASSED, "", 3, ())
    assert all(pair.score is not None and pair.score > 0.75 for pair in finding.pairs)
    assert (finding.threshold, finding.review_threshold) == (0.48, 0.36)
    assert "FMR 7/88700" in finding.operating_point
    assert [used.sha256 for used in finding.models] == [
        models.pack.detector.sha256,
        models.pack.embedder.sha256,
    ]
    assert finding.portrait is not None
    assert len(models.faces.detect(decode(finding.portrait))) == 1


@pytest.mark.models
def test_without_a_reference_there_is_one_pair(models: Models, own_card: bytes) -> None:
    """Card against stills alone."""
    finding = compare_portraits(models, ComparePortraits(own_card, STILLS[:1]))
    assert verdicts(finding) == {"card still": (PASSED, "")}


@pytest.mark.models
def test_a_card_as_small_as_a_webcam_gives_it_is_compared(models: Models, own_card: bytes) -> None:
    """Its portrait is smaller than a picture from outside may be, and is told with its size."""
    card = decode(own_card)
    height = round(640 * card.shape[0] / card.shape[1])
    small = encode_jpeg(np.asarray(cv2.resize(card, (640, height), interpolation=cv2.INTER_AREA), np.uint8))
    finding = compare_portraits(models, ComparePortraits(small, STILLS[:1], None))
    assert finding.portrait is not None
    assert finding.portrait_image is not None
    assert max(finding.portrait_image.width, finding.portrait_image.height) < LONG_SIDE_MIN
    assert finding.pairs[0].score is not None


@pytest.mark.models
def test_a_still_is_held_against_the_video(models: Models, own_card: bytes) -> None:
    """Somebody else's photograph, sent for the living person in the video, passes with the card alone."""

    def compared(video: bytes) -> PortraitsFinding:
        return compare_portraits(models, ComparePortraits(own_card, STILLS, None, video))

    assert verdicts(compared(template_of(models, STILLS[0])))["still video"] == (PASSED, "")
    swapped = compared(template_of(models, OTHER))
    assert verdicts(swapped) == {"card still": (PASSED, ""), "still video": (FAILED, "score_too_low")}
    assert swapped.verdict is FAILED
    unseen = compared(b"")
    assert (unseen.verdict, unseen.reason) == (CheckVerdict.REVIEW, "nobody_in_video")


def template_of(models: Models, picture: bytes) -> bytes:
    """Return what looking at this picture in a call would keep."""
    upright = decode(picture)
    vector = models.faces.embed(upright, models.faces.detect(upright)[0])
    return bytes.fromhex(models.pack.embedder.sha256) + vector.astype("<f4").tobytes()


@pytest.mark.models
def test_somebody_elses_reference_fails_the_whole(models: Models, own_card: bytes) -> None:
    """The worst pair decides, and the one that fits still says so."""
    finding = compare_portraits(models, ComparePortraits(own_card, STILLS, OTHER))
    assert verdicts(finding) == {
        "card still": (PASSED, ""),
        "card reference": (FAILED, "score_too_low"),
        "still reference": (FAILED, "score_too_low"),
    }
    assert (finding.verdict, finding.reason) == (FAILED, "score_too_low")


@pytest.mark.models
def test_bad_frames_do_not_count_beside_good_ones(models: Models, own_card: bytes) -> None:
    """A blurred one and an empty one change no score; their faults are told."""
    good = compare_portraits(models, ComparePortraits(own_card, STILLS))
    mixed = compare_portraits(models, ComparePortraits(own_card, (BLANK, *STILLS, BLURRED)))
    assert mixed.pairs == good.pairs
    assert (mixed.frames, mixed.quality) == (3, ("no_face", "blurred"))
    blank, *used, blurred = mixed.stills
    assert sorted(still.rank for still in used) == [1, 2, 3]
    assert (blank.rank, blank.faults, blank.score) == (0, ("no_face",), None)
    assert (blurred.rank, blurred.faults) == (0, ("blurred",))
    assert blurred.score is not None
    assert all(one.score is not None and one.eye_distance >= 60 and not one.faults for one in used)
    middle = sorted(one.score for one in used if one.score is not None)[1]
    assert mixed.pairs[0].score == middle


@pytest.mark.models
def test_the_median_bears_one_stranger(models: Models, own_card: bytes) -> None:
    """One wrong frame in three neither passes nor fails anybody."""
    finding = compare_portraits(models, ComparePortraits(own_card, (OTHER, *STILLS[:2])))
    assert (finding.verdict, finding.frames) == (PASSED, 3)
    strangers = compare_portraits(models, ComparePortraits(own_card, (OTHER, OTHER, STILLS[0])))
    assert strangers.verdict is FAILED


@pytest.mark.models
def test_a_poor_still_decides_nothing(models: Models, strange_card: bytes) -> None:
    """However unlike: a person looks at it; only pairs without the still are decided."""
    finding = compare_portraits(models, ComparePortraits(strange_card, (BLURRED,), REFERENCE))
    assert verdicts(finding) == {
        "card still": (REVIEW, "still_poor"),
        "card reference": (FAILED, "score_too_low"),
        "still reference": (REVIEW, "still_poor"),
    }
    assert finding.pairs[0].score is not None


@pytest.mark.models
@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        (BLANK, "no_face_on_reference"),
        (encode_jpeg(np.hstack((VIDEO.frame(3), VIDEO.frame(3)))), "several_faces_on_reference"),
        (
            encode_jpeg(
                np.asarray(
                    cv2.copyMakeBorder(
                        cv2.resize(astronaut().image, (220, 220), interpolation=cv2.INTER_AREA),
                        100, 100, 100, 100, cv2.BORDER_REPLICATE,
                    ),
                    np.uint8,
                )
            ),
            "reference_too_small",
        ),
    ],
)  # fmt: skip
def test_a_reference_that_cannot_be_compared_is_for_a_person(
    models: Models, own_card: bytes, reference: bytes, reason: str
) -> None:
    """Its two pairs have no score and say why."""
    finding = compare_portraits(models, ComparePortraits(own_card, STILLS[:1], reference))
    assert [pair.score is None for pair in finding.pairs] == [False, True, True]
    assert (finding.verdict, finding.reason) == (REVIEW, reason)


@pytest.mark.models
@pytest.mark.parametrize(
    ("stills", "reason"),
    [
        ((BLANK,), "no_face_on_still"),
        ((encode_jpeg(np.hstack((VIDEO.frame(3), VIDEO.frame(3)))), BLANK), "several_faces_on_still"),
    ],
)
def test_stills_without_one_face(
    models: Models, own_card: bytes, stills: tuple[bytes, ...], reason: str
) -> None:
    """Nothing is compared; the portrait is there all the same."""
    finding = compare_portraits(models, ComparePortraits(own_card, stills))
    assert (finding.verdict, finding.reason, finding.frames) == (REVIEW, reason, 0)
    assert finding.portrait is not None


@pytest.mark.models
def test_a_card_without_a_face_is_for_a_person(models: Models) -> None:
    """No portrait, no score for its pair."""
    finding = compare_portraits(models, ComparePortraits(BLANK, STILLS[:1]))
    assert (finding.verdict, finding.reason, finding.portrait) == (REVIEW, "no_face_on_card", None)


def test_the_base_pack_never_passes(own_card: bytes) -> None:
    """However alike, dlib hands the case to a person."""
    finding = compare_portraits(Models(find_pack(None)), ComparePortraits(own_card, STILLS[:1]))
    assert (finding.verdict, finding.reason) == (REVIEW, "demo_pack")


def test_what_is_no_picture_is_refused(own_card: bytes) -> None:
    """Wherever it stands, by its code."""
    models = Models(find_pack(None))
    for job in (
        ComparePortraits(b"text", STILLS[:1]),
        ComparePortraits(own_card, (b"text",)),
        ComparePortraits(own_card, STILLS[:1], STILLS[0][:-99]),
    ):
        with pytest.raises(UserError) as caught:
            compare_portraits(models, job)
        assert caught.value.code == "not_an_image"


@pytest.mark.parametrize("count", [0, STILLS_MAX + 1])
def test_the_number_of_stills_is_bounded(count: int) -> None:
    """None, or more than an agent would wait for."""
    with pytest.raises(ValueError, match="stills"):
        ComparePortraits(b"", (b"",) * count)


def test_without_a_card_a_threshold_stands_for_nothing() -> None:
    """And the base pack's card says what it stands for."""
    assert operating_point(None) == ""
    assert "FMR" in operating_point(find_pack(None).card(Task.EMBEDDING))
