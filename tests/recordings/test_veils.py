"""When a card is held before the customer's camera."""

from math import inf

import pytest

from contract.facts import (
    CallEnded,
    Entry,
    EvidenceStored,
    Fact,
    RecordingStarted,
    SegmentSealed,
    StillRequested,
)
from contract.ids import AccountId, CallId, CaseId, CheckId, EvidenceId, TrackId
from contract.phases import CallEnd, EvidenceKind, Role, TiltEnd, TrackKind
from contract.worksheet_facts import TiltEnded, TiltRequested
from recordings.veils import cards_shown, segments_with_cards

CALL, CAMERA = CallId("call-1"), TrackId("track-1")
CARD, BACK, FACE = EvidenceKind.ID_CARD, EvidenceKind.ID_CARD_BACK, EvidenceKind.FACE_STILL
TILT = EvidenceKind.CARD_TILT
# The camera is turned back after the upload.
TAIL_S = 2.0


def asked(name: str, kind: EvidenceKind = CARD, call: CallId = CALL) -> StillRequested:
    return StillRequested(call, EvidenceId(name), kind)


def stored(name: str, kind: EvidenceKind = CARD, source: str = "phone") -> EvidenceStored:
    return EvidenceStored(EvidenceId(name), kind, f"{name}.jpg", "image/jpeg", "00", 1, 1, 1, 1.0, source)


def tilted(check: str) -> TiltRequested:
    return TiltRequested(CALL, CheckId(check), CARD, (EvidenceId("a"),), 4.0, 3, AccountId("anna"))


def over(check: str, call: CallId = CALL) -> TiltEnded:
    return TiltEnded(call, CheckId(check), TiltEnd.DONE)


def told(*facts: tuple[float, Fact], filmed: bool = True) -> list[Entry]:
    """Return facts with their times; the customer's camera is recorded in segments of 4 s up to 40 s."""
    role = Role.CUSTOMER if filmed else Role.AGENT
    camera = [(0.0, RecordingStarted(CALL, CAMERA, role, TrackKind.VIDEO))]
    sealed = [
        (at + 4.0, SegmentSealed(CALL, CAMERA, n, f"{n}.mkv", "00", 1, 1, at, at + 3.9))
        for n, at in enumerate([4.0 * n for n in range(10)])
    ]
    every = sorted([*camera, *sealed, *facts], key=lambda one: one[0])
    return [Entry(n, at, CaseId("case-1"), fact, "", "") for n, (at, fact) in enumerate(every, 1)]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([], []),
        ([(5, asked("a")), (9, stored("a"))], [(5, 9)]),
        ([(5, asked("a", FACE)), (9, stored("a", FACE))], []),
        # The face's picture comes first: the card is still on its way.
        ([(5, asked("a")), (6, asked("b", FACE)), (8, stored("b", FACE)), (9, stored("a"))], [(5, 9)]),
        # Both sides at once, each until its own picture is there.
        (
            [(5, asked("a")), (5, asked("b", BACK)), (8, stored("a")), (12, stored("b", BACK))],
            [(5, 8), (5, 12)],
        ),
        # Asked again: the first request is over with the picture that came instead.
        ([(5, asked("a")), (8, asked("b")), (9, stored("b"))], [(5, 9), (8, 9)]),
        # What was cut out of a picture comes from no camera.
        ([(5, asked("a")), (7, stored("c", CARD, "derived")), (9, stored("a"))], [(5, 9)]),
        ([(5, asked("a")), (20, CallEnded(CALL, CallEnd.CUSTOMER_HUNG_UP, 20.0))], [(5, 20)]),
        ([(5, asked("a"))], [(5, inf)]),
        # A burst shows the card until it is over, not until its first picture or another's is there.
        ([(5, tilted("c")), (6, stored("a", TILT)), (7, stored("b")), (9, over("c"))], [(5, 9)]),
        ([(5, asked("a")), (6, tilted("c")), (7, over("c")), (9, stored("a"))], [(5, 9), (6, 7)]),
        ([(5, tilted("c")), (7, over("c", CallId("call-2")))], [(5, inf)]),
        # A call without a film of the customer shows no card.
        ([(5, asked("a", CARD, CallId("call-2"))), (9, stored("a"))], []),
    ],
)
def test_when_a_card_may_be_seen(
    facts: list[tuple[float, Fact]], expected: list[tuple[float, float]]
) -> None:
    """From the request until the picture is stored, and until the camera is turned back."""
    found = [(one.since, one.until) for one in cards_shown(told(*facts))]
    assert found == [(since, until + TAIL_S) for since, until in expected]


def test_segments_that_touch_such_a_moment_are_named() -> None:
    """Of the customer's camera alone."""
    facts = [(9.0, asked("a")), (13.0, stored("a"))]
    assert segments_with_cards(told(*facts)) == {"2.mkv", "3.mkv"}
    assert segments_with_cards(told()) == frozenset()
    assert segments_with_cards(told(*facts, filmed=False)) == frozenset()
