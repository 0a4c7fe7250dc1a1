"""What of a recording must be watched, and what was."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.facts import (
    CallAdvanced,
    CallEnded,
    ChatSaid,
    Entry,
    EvidenceStored,
    Fact,
    IdNumberChecked,
    SegmentSealed,
    StepMarked,
    StillRequested,
    seal_entry,
)
from contract.ids import AccountId, CallId, CaseId, CheckId, EvidenceId, SeatId, TrackId
from contract.phases import CallEnd, CallPhase, CheckVerdict, EvidenceKind, Role, StepResult
from contract.viewing_facts import RecordWatched, WatchedSpan
from signaling.watching import (
    JOIN_S,
    LEAD_S,
    MOST_S,
    TAIL_S,
    axis,
    mandatory,
    seconds,
    seen,
    union,
    unwatched,
)

CASE, CALL, NEXT = CaseId("case-0000000000000001"), CallId("call-1"), CallId("call-2")
AUDREY, BEN = AccountId("acct-0000000000000001"), AccountId("acct-0000000000000002")


def told(*facts: tuple[float, Fact]) -> tuple[Entry, ...]:
    """Return entries at these times."""
    return tuple(seal_entry(n, at, CASE, fact, "0" * 64) for n, (at, fact) in enumerate(facts))


def active(call: CallId) -> Fact:
    return CallAdvanced(call, CallPhase.CONNECTING, CallPhase.ACTIVE)


def sealed(call: CallId, first: float, last: float) -> Fact:
    return SegmentSealed(call, TrackId("track-1"), 0, "a", "", 1, 1, first, last)


def step(name: str) -> Fact:
    return StepMarked(name, StepResult.PASSED, "", "", AccountId("acct-0000000000000003"))


def still(source: str = "phone") -> Fact:
    kind = EvidenceKind.ID_CARD
    return EvidenceStored(EvidenceId("ev-1"), kind, "f", "image/jpeg", "", 1, 1, 1, 1.0, source)


CHECK = IdNumberChecked(CheckId("check-1"), "1", CheckVerdict.PASSED, (), "", "", BEN)


def a_call(*facts: tuple[float, Fact]) -> tuple[Entry, ...]:
    """Return a call from second 1000 to 1100."""
    frame = [(1000.0, active(CALL)), (1100.0, CallEnded(CALL, CallEnd.AGENT_HUNG_UP, 100.0))]
    return told(frame[0], (1004.0, sealed(CALL, 1000.5, 1099.0)), *facts, frame[1])


def test_calls_stand_behind_one_another() -> None:
    """Each from its start to its end; one without a frame is not in the recording."""
    lost = CallId("call-0")
    entries = told(
        (10, active(lost)), (20, CallEnded(lost, CallEnd.MEDIA_TIMEOUT, 10)),
        (100, active(CALL)), (101, active(CALL)), (110, sealed(CALL, 100, 150)),
        (140, CallEnded(CALL, CallEnd.AGENT_HUNG_UP, 40)),
        (210, sealed(NEXT, 203, 260)), (300, CallEnded(NEXT, CallEnd.SERVER_LOST, 90)),
        (310, sealed(NEXT, 205, 270)),
    )  # fmt: skip
    assert [(one.call, one.start, one.end, one.offset_s) for one in axis(entries)] == [
        (CALL, 100, 140, 0), (NEXT, 203, 270, 40),
    ]  # fmt: skip


def test_steps_and_checks_must_be_watched() -> None:
    """With what led to them; a chat line need not be."""
    chat = ChatSaid(CALL, SeatId("s"), Role.CUSTOMER, "hello")
    entries = a_call((1020, step("purpose")), (1050, CHECK), (1060, chat))
    first, second = mandatory(entries)
    assert (first.since_s, first.until_s) == (20 - LEAD_S, 20 + TAIL_S)
    assert (second.since_s, second.until_s, second.seqs) == (50 - LEAD_S, 50 + TAIL_S, (3,))


def test_a_still_is_watched_from_its_request_and_neighbours_are_one() -> None:
    """From the request to the answer; what touches is one stretch; derived pictures are no moments."""
    ask = StillRequested(CALL, EvidenceId("ev-1"), EvidenceKind.ID_CARD)
    entries = a_call((1020, ask), (1034, still()), (1036, CHECK), (1070, still("derived")))
    (only,) = mandatory(entries)
    assert (only.since_s, only.until_s, only.seqs) == (20 - LEAD_S, 36 + TAIL_S, (2, 3, 4))


def test_of_what_took_long_the_end_must_be_watched() -> None:
    """No more than a minute of one thing."""
    ask = StillRequested(CALL, EvidenceId("ev-1"), EvidenceKind.ID_CARD)
    (only,) = mandatory(a_call((1005, ask), (1090, still())))
    assert only.until_s - only.since_s == MOST_S


def test_nothing_outside_the_recording_must_be_watched() -> None:
    """Before the call, after it, and where nothing was recorded."""
    assert mandatory(a_call((900, CHECK), (1300, step("late")))) == ()
    assert mandatory(told((10, CHECK))) == ()
    (cut,) = mandatory(a_call((1001, CHECK)))
    assert (cut.since_s, cut.until_s) == (0, 2)


def test_what_was_watched_is_told_by_the_newest_fact_of_the_person() -> None:
    """Nobody's watching counts for another."""
    mine = WatchedSpan(0, 10), WatchedSpan(0, 50)
    facts: list[Fact] = [RecordWatched(AUDREY, mine[:1]), RecordWatched(AUDREY, mine[1:])]
    entries = told(*((float(n), fact) for n, fact in enumerate(facts)))
    assert seen(entries, AUDREY) == mine[1:]
    assert seen(entries, BEN) == ()


@pytest.mark.parametrize(
    ("spans", "left"),
    [
        ([], [(15, 21), (45, 51)]),
        ([(0, 100)], []),
        ([(0, 48)], [(48, 51)]),
        ([(16, 20.5), (45.3, 60)], [(15, 16)]),
        ([(17, 18), (45, 51)], [(15, 17), (18, 21)]),
        ([(30, 40)], [(15, 21), (45, 51)]),
    ],
)
def test_what_is_left(spans: list[tuple[float, float]], left: list[tuple[float, float]]) -> None:
    """Holes shorter than a report of the player are none."""
    entries = a_call((1020, step("purpose")), (1050, CHECK))
    found = unwatched(entries, union(WatchedSpan(*span) for span in spans))
    assert [(one.since_s, one.until_s) for one in found] == left


_SPANS = st.lists(st.tuples(st.floats(0, 100), st.floats(0, 20)), max_size=12)


@given(_SPANS)
def test_a_union_holds_every_second_once(spans: list[tuple[float, float]]) -> None:
    """In order, apart by more than the hole that is closed, holding all that went in."""
    given_spans = [WatchedSpan(since, since + length) for since, length in spans]
    found = union(given_spans)
    for one, other in itertools.pairwise(found):
        assert one.until_s + JOIN_S < other.since_s
    for span in given_spans:
        assert any(one.since_s <= span.since_s and span.until_s <= one.until_s for one in found)
    assert union(found) == found
    assert seconds(found) <= sum(length for _, length in spans) + JOIN_S * len(spans)
