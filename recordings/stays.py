"""Who takes part in a conversation when, and what of them is to be recorded, as the facts tell it. Pure.

Times are seconds from the start of the call's axis. A party takes part while all may hear it: from its
PartyJoined to its PartyLeft, staff not while the customer is held, for then they are not recorded.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from contract.facts import CallAdvanced, CaptureChanged, Entry, PartyJoined, PartyLeft
from contract.ids import CallId, SeatId
from contract.phases import CallPhase, Capture, Role, TrackSource

# In the order of their places in the picture.
PEOPLE = (Role.CUSTOMER, Role.AGENT, Role.GUEST, Role.SUPERVISOR)
STAFF = PEOPLE[1:]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time: ``since_s <= t < until_s``."""

    since_s: float
    until_s: float

    def holds(self, at_s: float) -> bool:
        """Tell whether ``at_s`` lies in it."""
        return self.since_s <= at_s < self.until_s


@dataclass(frozen=True, slots=True)
class Stay:
    """A party that takes part. ``pii_name`` is empty where no fact tells who it was."""

    role: Role
    span: Span
    pii_name: str = ""
    seat: SeatId | None = None


@dataclass(frozen=True, slots=True)
class Attendance:
    """Everybody's stays, when the customer was ``held``, and when whose device was off by choice."""

    stays: tuple[Stay, ...]
    held: tuple[Span, ...] = ()
    off: tuple[tuple[SeatId, TrackSource, Span], ...] = ()

    def present(self, at_s: float) -> dict[Role, Stay]:
        """Return who takes part at ``at_s``, by role; of two the one who came last."""
        return {stay.role: stay for stay in self.stays if stay.span.holds(at_s)}

    def expected(self, role: Role, source: TrackSource) -> tuple[Span, ...]:
        """Return when this lane should have media, in order and apart."""
        spans: list[Span] = []
        for stay in self.stays:
            if stay.role is role:
                off = [span for seat, what, span in self.off if (seat, what) == (stay.seat, source)]
                spans += without([stay.span], off)
        return joined(spans)


def attend(entries: Iterable[Entry], call: CallId, start: float, seconds: float) -> Attendance:
    """Return who takes part in ``call``, whose axis begins at ``start`` (UTC) and is ``seconds`` long."""
    whole = Span(0.0, seconds)
    mine = [(entry.at - start, entry.fact) for entry in entries if getattr(entry.fact, "call", None) == call]
    held = _held(mine, whole)
    stays = [
        replace(stay, span=span)
        for stay in _stays(mine, whole)
        for span in without([stay.span], held if stay.role in STAFF else ())
    ]
    return Attendance(tuple(stays), held, tuple(_off(mine, whole)))


def without(spans: Iterable[Span], holes: Iterable[Span]) -> list[Span]:
    """Return what is left of ``spans`` outside of ``holes``."""
    left = list(spans)
    for hole in holes:
        parts = [
            part
            for span in left
            for part in (
                Span(span.since_s, min(span.until_s, hole.since_s)),
                Span(max(span.since_s, hole.until_s), span.until_s),
            )
        ]
        left = [part for part in parts if part.since_s < part.until_s]
    return left


def joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return the same time as spans that are in order and do not touch."""
    found: list[Span] = []
    for span in sorted(spans, key=lambda one: one.since_s):
        if found and span.since_s <= found[-1].until_s:
            found[-1] = replace(found[-1], until_s=max(found[-1].until_s, span.until_s))
        else:
            found.append(span)
    return tuple(found)


def _stays(facts: Sequence[tuple[float, object]], whole: Span) -> Iterable[Stay]:
    here: dict[SeatId, Stay] = {}
    for at, fact in facts:
        match fact:
            case PartyJoined(seat=seat, role=role, name=name) if role in PEOPLE and seat not in here:
                here[seat] = Stay(role, Span(max(at, 0.0), whole.until_s), name, seat)
            case PartyLeft(seat=seat) if seat in here:
                stay = here.pop(seat)
                yield replace(stay, span=Span(stay.span.since_s, min(at, whole.until_s)))
    yield from here.values()


def _held(facts: Sequence[tuple[float, object]], whole: Span) -> tuple[Span, ...]:
    """Return when the customer was held; a connection that is lost meanwhile changes nothing."""
    since: float | None = None
    spans = []
    for at, fact in facts:
        match fact:
            case CallAdvanced(now=CallPhase.HELD) if since is None:
                since = at
            case CallAdvanced(now=CallPhase.ACTIVE | CallPhase.ENDED) if since is not None:
                spans.append(Span(max(since, 0.0), min(at, whole.until_s)))
                since = None
    if since is not None:
        spans.append(Span(max(since, 0.0), whole.until_s))
    return joined(span for span in spans if span.since_s < span.until_s)


def _off(facts: Sequence[tuple[float, object]], whole: Span) -> Iterable[tuple[SeatId, TrackSource, Span]]:
    since: dict[tuple[SeatId, TrackSource], float] = {}
    for at, fact in facts:
        if not isinstance(fact, CaptureChanged):
            continue
        now = {TrackSource.MICROPHONE: fact.microphone, TrackSource.CAMERA: fact.camera}
        for source, capture in now.items():
            if capture is Capture.OFF:
                since.setdefault((fact.seat, source), at)
            elif (fact.seat, source) in since:
                yield fact.seat, source, Span(since.pop((fact.seat, source)), at)
    for (seat, source), at in since.items():
        yield seat, source, Span(at, whole.until_s)
