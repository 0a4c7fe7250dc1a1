"""When a card is held before the customer's camera, as the facts tell it. Pure.

A phone that is asked for a picture of a card turns its camera to it, and everybody in the call sees what it
sees. So from the request until the picture is stored, and a moment longer, the card may stand in the film.
What is held up unasked no fact tells of.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf

from contract.facts import CallEnded, Entry, EvidenceStored, RecordingStarted, SegmentSealed, StillRequested
from contract.ids import CallId, TrackId
from contract.phases import EvidenceKind, Role, TrackKind
from contract.worksheet_facts import TiltEnded, TiltRequested

# Pictures on which a card fills the frame.
CARDS = frozenset({
    EvidenceKind.ID_CARD, EvidenceKind.ID_CARD_BACK, EvidenceKind.PASSPORT, EvidenceKind.DOCUMENT,
    EvidenceKind.CARD_TILT,
})  # fmt: skip
# The phone turns its camera back after the upload; what is on its way arrives later still.
_TAIL_S = 2.0
# How far a segment's times, which are of arrival, and the server's own may lie apart.
_SLACK_S = 0.5


@dataclass(frozen=True, slots=True)
class CardShown:
    """A stretch of wall time, in seconds UTC, in which a card may be seen in ``call``."""

    call: CallId
    since: float
    until: float


def cards_shown(entries: Sequence[Entry]) -> tuple[CardShown, ...]:
    """Return when cards were asked for in calls whose customer was filmed, in order.

    A stretch ends when a picture of its kind is stored, at this request or a later one, or with the call;
    that of a burst with the burst.
    """
    waiting: list[tuple[StillRequested | TiltRequested, float]] = []
    found: list[CardShown] = []
    for entry in entries:
        match entry.fact:
            case (StillRequested() | TiltRequested()) as asked if _asks_for_card(asked):
                waiting.append((asked, entry.at))
                continue
            case EvidenceStored(kind=kind, source="phone"):
                over = [one for one in waiting if isinstance(one[0], StillRequested) and one[0].kind is kind]
            case TiltEnded(call=call):
                over = [one for one in waiting if isinstance(one[0], TiltRequested) and one[0].call == call]
            case CallEnded(call=call):
                over = [one for one in waiting if one[0].call == call]
            case _:
                continue
        found += [CardShown(asked.call, since, entry.at + _TAIL_S) for asked, since in over]
        waiting = [one for one in waiting if one not in over]
    found += [CardShown(asked.call, since, inf) for asked, since in waiting]
    filmed = {fact.call for fact in _films(entries)}
    return tuple(sorted((one for one in found if one.call in filmed), key=lambda one: one.since))


def _asks_for_card(fact: StillRequested | TiltRequested) -> bool:
    return isinstance(fact, TiltRequested) or fact.kind in CARDS


def segments_with_cards(entries: Sequence[Entry]) -> frozenset[str]:
    """Return the files of the segments of the customer's camera on which a card may be seen."""
    shown = cards_shown(entries)
    return frozenset(fact.file for fact in _films(entries) if any(_overlap(one, fact) for one in shown))


def _overlap(shown: CardShown, fact: SegmentSealed) -> bool:
    return (
        shown.call == fact.call
        and shown.since - _SLACK_S < fact.last_at
        and fact.first_at < shown.until + _SLACK_S
    )


def _films(entries: Sequence[Entry]) -> Iterator[SegmentSealed]:
    """Yield the segments of the customer's cameras."""
    cameras: set[TrackId] = set()
    for entry in entries:
        match entry.fact:
            case RecordingStarted(track=track, role=Role.CUSTOMER, kind=TrackKind.VIDEO):
                cameras.add(track)
            case SegmentSealed(track=track) as fact if track in cameras:
                yield fact
            case _:
                continue
