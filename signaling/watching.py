"""What of a recording must be watched before it is approved, and what somebody has watched. Pure.

All stretches are seconds from the beginning of the merged recording, in which the calls of a case stand one
behind the other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from contract.facts import (
    CallAdvanced,
    CallEnded,
    Entry,
    EvidenceStored,
    FacesCompared,
    IdNumberChecked,
    SegmentSealed,
    StepMarked,
    StillRequested,
)
from contract.identity_facts import (
    ChallengeEnded,
    CodeSent,
    CodeTried,
    DocumentJudged,
    DocumentRead,
    LightDrawn,
    LightMeasured,
    LivenessMeasured,
    LivenessStarted,
    PortraitsCompared,
    QuestionDrawn,
    QuestionJudged,
)
from contract.ids import AccountId, CallId
from contract.phases import CallEnd, CallPhase
from contract.viewing_facts import RecordWatched, WatchedSpan
from contract.worksheet_facts import TiltEnded, TiltRequested

# What leads to a result is said before it is noted, and a word may follow.
LEAD_S, TAIL_S = 5.0, 1.0
# Of something that took longer, such as a code that was waited for, the end must be seen.
MOST_S = 60.0
# A player reports four times a second: a hole of this length is none.
JOIN_S = 0.6
# Twice the speed counts as watching.
RATE_MAX = 2.0
# What a first report may be ahead of the clock by: the page's own rhythm and the way.
AHEAD_S = 4.0

_CHECKS = (
    IdNumberChecked, FacesCompared, DocumentRead, DocumentJudged, PortraitsCompared, LivenessStarted,
    LivenessMeasured, ChallengeEnded, LightDrawn, LightMeasured, QuestionDrawn, QuestionJudged, CodeSent,
    CodeTried, TiltRequested, TiltEnded,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stretch:
    """Seconds of the recording that must be watched, because of the facts of entries ``seqs``."""

    since_s: float
    until_s: float
    seqs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CallAxis:
    """A call's place in the recording: wall times ``start`` to ``end`` begin at ``offset_s``."""

    call: CallId
    start: float
    end: float
    offset_s: float


def axis(entries: Sequence[Entry]) -> tuple[CallAxis, ...]:
    """Return the recorded calls in their order, as the merge puts them behind one another."""
    reach: dict[CallId, tuple[float, float]] = {}
    for entry in entries:
        if isinstance(fact := entry.fact, SegmentSealed):
            low, high = reach.get(fact.call, (fact.first_at, fact.last_at))
            reach[fact.call] = min(low, fact.first_at), max(high, fact.last_at)
    spans = sorted((*_bounds(entries, call, *known), call) for call, known in reach.items())
    found: list[CallAxis] = []
    for start, end, call in spans:
        offset = found[-1].offset_s + found[-1].end - found[-1].start if found else 0.0
        found.append(CallAxis(call, start, end, offset))
    return tuple(found)


def _bounds(entries: Sequence[Entry], call: CallId, first: float, last: float) -> tuple[float, float]:
    start, end = None, last
    for entry in entries:
        match entry.fact:
            case CallAdvanced(call=named, now=CallPhase.ACTIVE) if named == call and start is None:
                start = entry.at
            case CallEnded(call=named, reason=reason) if named == call and reason is not CallEnd.SERVER_LOST:
                end = entry.at
    start = first if start is None else start
    return start, max(start, end)


def mandatory(entries: Sequence[Entry]) -> tuple[Stretch, ...]:
    """Return what must be watched: every step and check of the calls, joined where they touch."""
    found: list[Stretch] = []
    for place in axis(entries):
        for since, until, seqs in _moments(entries):
            low = max(since, place.start) - place.start + place.offset_s
            high = min(until, place.end) - place.start + place.offset_s
            if low < high:
                found.append(Stretch(low, high, seqs))
    return tuple(_joined(sorted(found, key=lambda one: one.since_s)))


def _moments(entries: Iterable[Entry]) -> list[tuple[float, float, tuple[int, ...]]]:
    begun: dict[str, list[Entry]] = {}
    for entry in entries:
        match entry.fact:
            case StepMarked(step=step):
                begun.setdefault(f"step {step} {entry.seq}", []).append(entry)
            case StillRequested(request=evidence) | EvidenceStored(evidence=evidence, source="phone"):
                begun.setdefault(evidence, []).append(entry)
            case fact if isinstance(fact, _CHECKS):
                begun.setdefault(fact.check, []).append(entry)
            case _:
                continue
    return [_moment(group) for group in begun.values()]


def _moment(group: Sequence[Entry]) -> tuple[float, float, tuple[int, ...]]:
    since, until = group[0].at - LEAD_S, group[-1].at + TAIL_S
    return max(since, until - MOST_S), until, tuple(entry.seq for entry in group)


def _joined(stretches: Iterable[Stretch]) -> list[Stretch]:
    found: list[Stretch] = []
    for one in stretches:
        if found and one.since_s <= found[-1].until_s:
            last = found.pop()
            found.append(Stretch(last.since_s, max(last.until_s, one.until_s), last.seqs + one.seqs))
        else:
            found.append(one)
    return found


def union(spans: Iterable[WatchedSpan]) -> tuple[WatchedSpan, ...]:
    """Return the same seconds in order, without overlap; holes of at most JOIN_S are closed."""
    found: list[WatchedSpan] = []
    for span in sorted(spans, key=lambda one: one.since_s):
        if found and span.since_s <= found[-1].until_s + JOIN_S:
            last = found.pop()
            found.append(WatchedSpan(last.since_s, max(last.until_s, span.until_s)))
        else:
            found.append(span)
    return tuple(found)


def seconds(spans: Iterable[WatchedSpan]) -> float:
    """Return how many seconds ``spans`` hold; overlaps count twice."""
    return sum(span.until_s - span.since_s for span in spans)


def seen(entries: Iterable[Entry], account: AccountId) -> tuple[WatchedSpan, ...]:
    """Return what the facts say that this person has watched."""
    spans: tuple[WatchedSpan, ...] = ()
    for entry in entries:
        if isinstance(entry.fact, RecordWatched) and entry.fact.account == account:
            spans = entry.fact.spans
    return spans


def unwatched(entries: Sequence[Entry], spans: Sequence[WatchedSpan]) -> tuple[Stretch, ...]:
    """Return the parts of what must be watched that ``spans`` (see :func:`union`) do not hold."""
    left: list[Stretch] = []
    for stretch in mandatory(entries):
        since = stretch.since_s
        for span in spans:
            if since < span.since_s < stretch.until_s:
                left.append(Stretch(since, span.since_s, stretch.seqs))
            since = max(since, span.until_s) if span.since_s < stretch.until_s else since
        if since < stretch.until_s:
            left.append(Stretch(since, stretch.until_s, stretch.seqs))
    return tuple(one for one in left if one.until_s - one.since_s > JOIN_S)
