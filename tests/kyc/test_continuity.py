"""The same one person: on made-up looks, and with real models on two people."""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.ids import new_call_id, new_seat_id
from kyc.continuity import (
    LOOK_EVERY_S,
    LOOK_IN_DOUBT_S,
    Change,
    Continuity,
    Look,
    Trouble,
    is_frontal,
    look_of,
)
from kyc.models import Models
from kyc.pipes import SeenFace, Watch, Watched
from kyc.watching import watch
from teller.demo.pictures import FaceVideo, astronaut, other_person
from tests.kyc.conftest import Loaded
from tests.kyc.encoding import Picture, encoded

LEFT, SECOND, OTHER = Trouble.LEFT_PICTURE, Trouble.SECOND_FACE, Trouble.DIFFERENT_PERSON
# From which second on something is so, and until when.
Span = tuple[float, float]


def looked(
    seconds: float, away: Span = (0, 0), second: Span = (0, 0), other: Span = (0, 0), shift: float = 0
) -> Iterator[tuple[float, Change]]:
    """Yield the changes of a call that is looked at as often as its continuity asks."""
    continuity = Continuity(0.36, 0.48)
    at = shift
    while at < seconds:
        faces = 0 if away[0] <= at < away[1] else 2 if second[0] <= at < second[1] else 1
        likeness = 0.1 if other[0] <= at < other[1] else 0.7
        for change in continuity.push(Look(at, faces, likeness if faces else None, frontal=True)):
            yield at, change
        at = round(at + continuity.next_look_s, 3)


@pytest.mark.parametrize("shift", [n / 10 for n in range(11)])
@pytest.mark.parametrize(("kind", "trouble"), [("away", LEFT), ("second", SECOND), ("other", OTHER)])
def test_each_trouble_is_told_within_three_seconds(kind: str, trouble: Trouble, shift: float) -> None:
    """However the looks fall: told once within 3 s, ended once, with times right to half a second."""
    (began_at, began), (ended_at, ended) = looked(30, **{kind: (10.0, 20.0)}, shift=shift)

    assert (began.trouble, began.began) == (ended.trouble, not ended.began) == (trouble, True)
    assert 10.0 < began_at <= 13.0
    assert 20.0 < ended_at <= 23.0
    assert began.since == pytest.approx(10.0, abs=0.5)
    assert ended.since == pytest.approx(20.0, abs=0.5)


@given(st.floats(0, 1), st.floats(0, 1.4))
@pytest.mark.parametrize("kind", ["away", "second"])
def test_what_is_short_is_not_told(kind: str, shift: float, lasts: float) -> None:
    """A hand before the face, or somebody who passes by behind."""
    assert list(looked(20, **{kind: (10.0, 10.0 + lasts)}, shift=shift)) == []


def test_one_bad_look_is_not_told() -> None:
    """Neither one frame without a face after a long silence, nor one bad likeness."""
    continuity = Continuity(0.36, 0.48)
    looks = [Look(0, 1, 0.7, True), Look(9, 0), Look(9.5, 1, 0.2, True), Look(10, 1, 0.7, True)]

    assert [continuity.push(look) for look in looks] == [()] * 4


def test_it_does_not_flicker() -> None:
    """Once told, one good look does not end it, and likeness between the thresholds changes nothing."""
    continuity = Continuity(0.36, 0.48)
    values = [0.3, 0.3, 0.4, 0.5, 0.4, 0.47, 0.5, 0.5, 0.4, 0.37, 0.35, 0.4, 0.3, 0.2]
    changes = [continuity.push(Look(n, 1, value, True)) for n, value in enumerate(values)]
    told = [(n, one[0].began, one[0].likeness) for n, one in enumerate(changes) if one]

    assert told == [(1, True, 0.3), (7, False, 0.5), (13, True, 0.2)]


def test_a_turned_head_is_no_witness() -> None:
    """Looks from aside, without a reference or with two faces say nothing of who it is."""
    continuity = Continuity(0.36, 0.48)
    for n in range(20):
        look = (Look(n, 1, 0.1, False), Look(n, 1, None, True), Look(n, 2, 0.1, True), Look(n, 1, 0.9, True))[
            n % 4
        ]
        assert continuity.push(look) == ()


def test_looks_that_come_late_are_passed_over() -> None:
    """An older look, or the same again, changes nothing."""
    continuity = Continuity(0.36, 0.48)
    continuity.push(Look(5, 1))
    for n in range(9):
        assert continuity.push(Look(5 - n, 0)) == ()
    assert continuity.next_look_s == LOOK_EVERY_S


def test_doubt_looks_closer() -> None:
    """After the first bad look, and while something is wrong, looks are wanted twice as often."""
    continuity = Continuity(0.36, 0.48)
    wanted = []
    for n, faces in enumerate((1, 0, 0, 0, 1, 1, 1)):
        continuity.push(Look(n, faces))
        wanted.append(continuity.next_look_s)
    doubt = LOOK_IN_DOUBT_S
    assert wanted == [LOOK_EVERY_S, doubt, doubt, doubt, doubt, LOOK_EVERY_S, LOOK_EVERY_S]


looks = st.lists(
    st.tuples(st.floats(0.01, 5), st.integers(0, 3), st.none() | st.floats(-1, 1), st.booleans()), max_size=60
)


@given(looks)
def test_beginnings_and_ends_alternate(drawn: Sequence[tuple[float, int, float | None, bool]]) -> None:
    """Whatever is seen, each trouble begins before it ends and lies in the past."""
    continuity, changes, at = Continuity(0.36, 0.48), list[Change](), 0.0
    for passed, faces, likeness, frontal in drawn:
        at += passed
        new = continuity.push(Look(at, faces, likeness, frontal))
        assert all(change.since <= at + 1e-3 for change in new)
        changes += new
    for trouble in Trouble:
        began = [change.began for change in changes if change.trouble is trouble]
        assert began == [n % 2 == 0 for n in range(len(began))]


def face(side: float = 100, nose: float = 0.5, eyes: float = 0.4) -> SeenFace:
    """Return a face whose nose is so far from the right to the left eye."""
    left = 50 - 50 * eyes
    points = ((left, 40.0), (left + 100 * eyes, 40.0), (left + 100 * eyes * nose, 60.0))
    return SeenFace((0, 0, side, side), points, 0.9)


@pytest.mark.parametrize(
    ("nose", "frontal"), [(0.5, True), (0.36, True), (0.64, True), (0.34, False), (0.9, False)]
)
def test_the_nose_tells_where_a_face_looks(nose: float, frontal: bool) -> None:
    """Midway between the eyes is ahead."""
    assert is_frontal(face(nose=nose)) is frontal


def test_small_faces_and_faces_without_a_nose() -> None:
    """Under 30 pixels between the eyes nothing can be compared; the base pack knows eyes only."""
    assert not is_frontal(face(eyes=0.29))
    assert is_frontal(SeenFace((0, 0, 90, 90), ((10.0, 10.0), (60.0, 10.0)), 0.9))


def test_a_look_counts_who_takes_part() -> None:
    """A face of half the side counts, a smaller one behind does not."""
    seen = Watched(7.0, 640, 480, 90.0, (face(100), face(50), face(49)), b"", 0.6)

    assert look_of(seen) == Look(7.0, 2, 0.6, frontal=True)
    assert look_of(Watched(7.0, 640, 480, 90.0, (), None, None)) == Look(7.0, 0)


# --- with real models ------------------------------------------------------------------------------


def pictures_of(*people: FaceVideo, beside: bool = False) -> Iterator[Picture]:
    """Yield what each of ``people`` looks like a second later, in turn, or two ``beside`` each other."""
    if beside:
        for n in range(6):
            yield np.ascontiguousarray(np.hstack([person.frame(25 * n)[:, 40:280] for person in people]))
    else:
        for n, person in enumerate(people):
            yield person.frame(25 * n)


def person(index: int) -> FaceVideo:
    """Return the astronaut (-1) or one of six others."""
    return FaceVideo(astronaut() if index < 0 else other_person(index), (320, 240))


# (codec, kbit/s) of twelve pictures a second, the first of each second a keyframe.
LINES = [("VP8", 500), ("H264", 500), ("VP8", 250)]
LINE_FPS = 12


def watched(
    models: Models, pictures: Sequence[Picture], reference: bytes | None, line: tuple[str, int] = LINES[0]
) -> list[Watched]:
    """Return what keyframes of these pictures show, a second apart, over such a line."""
    call, seat = new_call_id(), new_seat_id()
    seen = []
    codec, kbps = line
    each = (picture for picture in pictures for _ in range(LINE_FPS))
    for frame in encoded(codec, each, fps=LINE_FPS, kbps=kbps, keyframe_every=LINE_FPS):
        if not frame.keyframe:
            continue
        one = watch(models, Watch(call, seat, codec, (frame,), reference))
        assert one is not None
        seen.append(one)
    return seen


def told(
    models: Models, pictures: Sequence[Picture], line: tuple[str, int] = LINES[0]
) -> list[tuple[Trouble, bool, int]]:
    """Return the changes over a call that begins with the astronaut, each with the number of its look."""
    (first,) = watched(models, [person(-1).frame(3)], None, line)
    continuity = Continuity(models.pack.review_threshold, models.pack.threshold)
    return [
        (change.trouble, change.began, number)
        for number, one in enumerate(watched(models, pictures, first.template, line))
        for change in continuity.push(look_of(one))
    ]


@pytest.fixture(scope="module")
def models(opened: Loaded) -> Models:
    return Models(opened.pack)


@pytest.mark.models
def test_one_person_all_through_is_no_trouble(models: Models) -> None:
    """Twelve looks at the astronaut who moves."""
    assert told(models, list(pictures_of(*[person(-1)] * 12))) == []


@pytest.mark.models
@pytest.mark.parametrize(("index", "line"), [(0, LINES[0]), (1, LINES[1]), (3, LINES[2]), (0, LINES[2])])
def test_a_swap_is_seen(models: Models, index: int, line: tuple[str, int]) -> None:
    """Somebody else from the fourth look on is told at the fifth, and that the first is back."""
    people = [person(-1)] * 4 + [person(index)] * 4 + [person(-1)] * 4

    assert told(models, list(pictures_of(*people)), line) == [(OTHER, True, 5), (OTHER, False, 9)]


@pytest.mark.models
def test_a_second_face_is_seen(models: Models) -> None:
    """Two people beside each other are told at the third look."""
    alone, both = list(pictures_of(*[person(-1)] * 3)), list(pictures_of(person(-1), person(0), beside=True))
    wide = [np.ascontiguousarray(np.hstack([one, one[:, :160] * 0 + 128])) for one in alone]

    assert told(models, [*wide, *both])[:1] == [(SECOND, True, 5)]


@pytest.mark.models
def test_an_empty_chair_is_seen(models: Models) -> None:
    """Nobody from the third look on is told at the fifth, and the return three looks after the last."""
    here = list(pictures_of(*[person(-1)] * 7))
    empty = np.full_like(here[0], 150)
    changes = told(models, [*here[:3], *[empty] * 5, *here[3:]])

    assert changes == [(LEFT, True, 5), (LEFT, False, 9)]
