"""Who takes part in a conversation when, and what of them is to be recorded, as the facts tell it. Pure.

Times are seconds from the start of the call's axis. A party takes part while all may hear it: from its
PartyJoined to its PartyLeft, staff not while the customer is held, for then they are not recorded.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from contract.facts import CallAdvanced, CaptureChanged, Entry, HostChanged, PartyJoined, PartyLeft
from contract.ids import AccountId, CallId, SeatId
from contract.phases import CallPhase, Capture, Role, TrackSource

STAFF = (Role.AGENT, Role.GUEST, Role.SUPERVISOR)
PEOPLE = (Role.CUSTOMER, *STAFF)
# Without sound and picture of these there is no call.
NEEDED = (Role.CUSTOMER, Role.AGENT)


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
    """A party that takes part. ``pii_name`` is empty, and there is no ``seat``, where no fact tells of it."""

    role: Role
    span: Span
    pii_name: str = ""
    seat: SeatId | None = None
    account: AccountId | None = None


@dataclass(frozen=True, slots=True)
class Attendance:
    """Everybody's stays, in the order of coming, no two of one seat at a time.

    Besides: when the customer was ``held``, when whose device was ``off`` by choice, and who led since when
    as far as facts tell of a change. ``seated`` are the stays with the holds left in.
    """

    stays: tuple[Stay, ...]
    held: tuple[Span, ...] = ()
    off: tuple[tuple[SeatId, TrackSource, Span], ...] = ()
    hosts: tuple[tuple[AccountId | None, Span], ...] = ()
    seated: tuple[Stay, ...] = ()

    def present(self, at_s: float) -> tuple[Stay, ...]:
        """Return who takes part at ``at_s``: the customer, who leads, the others in the order of coming."""
        here = [stay for stay in self.stays if stay.span.holds(at_s)]
        here.sort(key=lambda stay: (stay.role is not Role.CUSTOMER, not self.leads(stay, at_s)))
        return tuple(here)

    def leads(self, stay: Stay, at_s: float) -> bool:
        """Tell whether this party leads the conversation: until the first change whoever came as agent."""
        for account, span in self.hosts:
            if span.holds(at_s):
                return account is not None and account == stay.account
        return stay.role is Role.AGENT

    def expected(self, seat: SeatId | None, source: TrackSource, came: Sequence[Span]) -> tuple[Span, ...]:
        """Return when this lane should have media, in order and apart.

        Of a third party that is only where something ``came``: no call needs it until it leads.
        """
        spans: list[Span] = []
        for stay in self.stays:
            if stay.seat == seat:
                off = [span for who, what, span in self.off if (who, what) == (seat, source)]
                spans += within(without([stay.span], off), [*self._needed(stay), *came])
        return joined(spans)

    def _needed(self, stay: Stay) -> list[Span]:
        if stay.role in NEEDED:
            return [stay.span]
        return [span for account, span in self.hosts if account is not None and account == stay.account]


def attend(entries: Iterable[Entry], call: CallId, start: float, seconds: float) -> Attendance:
    """Return who takes part in ``call``, whose axis begins at ``start`` (UTC) and is ``seconds`` long."""
    whole = Span(0.0, seconds)
    mine = [(entry.at - start, entry.fact) for entry in entries if getattr(entry.fact, "call", None) == call]
    held = _held(mine, whole)
    seated = tuple(_stays(mine, whole))
    stays = [
        replace(stay, span=span)
        for stay in seated
        for span in without([stay.span], held if stay.role in STAFF else ())
    ]
    return Attendance(tuple(stays), held, tuple(_off(mine, whole)), _hosts(mine, whole), seated)


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


def within(spans: Iterable[Span], bounds: Sequence[Span]) -> list[Span]:
    """Return the parts of ``spans`` that lie in any of ``bounds``."""
    parts = (
        Span(max(span.since_s, bound.since_s), min(span.until_s, bound.until_s))
        for span in spans
        for bound in bounds
    )
    return [part for part in parts if part.since_s < part.until_s]


def joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return the same time as spans that are in order and do not touch."""
    found: list[Span] = []
    for span in sorted(spans, key=lambda one: one.since_s):
        if found and span.since_s <= found[-1].until_s:
            found[-1] = replace(found[-1], until_s=max(found[-1].until_s, span.until_s))
        else:
            found.append(span)
    return tuple(found)


def _stays(facts: Sequence[tuple[float, object]], whole: Span) -> list[Stay]:
    stays: list[Stay] = []
    here: dict[SeatId, int] = {}
    for at, fact in facts:
        match fact:
            case PartyJoined(seat=seat, role=role) if role in PEOPLE and seat not in here:
                here[seat] = len(stays)
                stays.append(Stay(role, Span(max(at, 0.0), whole.until_s), fact.name, seat, fact.account))
            case PartyLeft(seat=seat) if seat in here:
                number = here.pop(seat)
                since = stays[number].span.since_s
                stays[number] = replace(stays[number], span=Span(since, min(at, whole.until_s)))
    return stays


def _hosts(facts: Sequence[tuple[float, object]], whole: Span) -> tuple[tuple[AccountId | None, Span], ...]:
    changes = [(at, fact.now) for at, fact in facts if isinstance(fact, HostChanged)]
    ends = [*(at for at, _ in changes[1:]), whole.until_s]
    return tuple(
        (now, Span(max(at, 0.0), min(end, whole.until_s)))
        for (at, now), end in zip(changes, ends, strict=False)
    )


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
