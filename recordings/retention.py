"""How long a record must be kept: the maximum of the rules that apply to its case. Pure.

A rule counts from an event. Some events nobody knows of until the bank says so (the end of the relationship
or of the product): until then the record is not due, and is kept at least as long as if it happened now.
Months are calendar months in UTC; the 31st becomes a shorter month's last day.
"""

import calendar
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from contract.facts import CaseAdvanced, CaseCreated, Entry
from contract.keeping_facts import HoldLifted, HoldSet, RelationEnded
from contract.phases import CasePhase, Relation


class Fate(StrEnum):
    """What became of a case; accounts are opened for the opened ones only."""

    OPEN = "open"
    OPENED = "opened"
    REFUSED = "refused"
    ABORTED = "aborted"


class Since(StrEnum):
    """From what a rule counts."""

    RELATIONSHIP = "end_of_relationship"
    PRODUCT = "product_end"
    # The verdict, or whatever else ended the case.
    VERDICT = "verdict"
    # The lifting of the last hold; a case that was never held has none.
    DISPUTE = "dispute_end"


@dataclass(frozen=True, slots=True)
class Rule:
    """Keep ``what`` for ``months`` from an event; of these fates and purposes, empty for all of them."""

    what: str
    months: int
    since: Since
    fates: frozenset[Fate] = frozenset()
    purposes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Subject:
    """What the rules ask of a case; times are seconds UTC, None for what has not happened or is not known."""

    fate: Fate
    purpose: str = ""
    ended_at: float | None = None
    relationship_ended_at: float | None = None
    product_ended_at: float | None = None
    dispute_ended_at: float | None = None
    held: bool = False


@dataclass(frozen=True, slots=True)
class Applied:
    """A rule that applies; ``until`` (seconds UTC) is None while its event is not known."""

    what: str
    months: int
    since: Since
    until: float | None


@dataclass(frozen=True, slots=True)
class Retention:
    """``due_at`` is when all rules have ended: None when that is not known, or no rule applies."""

    applied: tuple[Applied, ...]
    due_at: float | None

    def is_due(self, now: float) -> bool:
        """Tell whether nothing demands any more that the record is kept."""
        return self.due_at is not None and self.due_at <= now


_FATES = {
    CasePhase.APPROVED: Fate.OPENED,
    CasePhase.REJECTED: Fate.REFUSED,
    CasePhase.ABORTED: Fate.ABORTED,
    CasePhase.EXPIRED: Fate.ABORTED,
}


def subject_of(entries: Iterable[Entry]) -> Subject:
    """Return what a case's journal says to the rules; of facts that repeat the last one counts."""
    phase, purpose, held = CasePhase.CREATED, "", False
    ended_at: float | None = None
    dispute: float | None = None
    ends: dict[Relation, float] = {}
    for entry in entries:
        match entry.fact:
            case CaseCreated() as fact:
                purpose = fact.purpose
            case CaseAdvanced() as fact:
                phase, ended_at = fact.now, entry.at if fact.now in _FATES else None
            case RelationEnded() as fact:
                ends[fact.relation] = fact.ended_at
            case HoldSet():
                held = True
            case HoldLifted():
                held, dispute = False, entry.at
            case _:
                continue
    return Subject(
        _FATES.get(phase, Fate.OPEN), purpose, ended_at,
        ends.get(Relation.RELATIONSHIP), ends.get(Relation.PRODUCT), dispute, held,
    )  # fmt: skip


def retention(subject: Subject, rules: Sequence[Rule]) -> Retention:
    """Return which rules apply to a case, and when the last of them ends. An open case is never due."""
    applied = tuple(
        Applied(rule.what, rule.months, rule.since, _until(rule, _event(rule, subject)))
        for rule in rules
        if _applies(rule, subject)
    )
    ends = [one.until for one in applied]
    known = [end for end in ends if end is not None]
    due = subject.fate is not Fate.OPEN and known and len(known) == len(ends)
    return Retention(applied, max(known) if due else None)


def locked_until(subject: Subject, rules: Sequence[Rule], now: float) -> float | None:
    """Return until when an archive may safely refuse deletion, None for no lock by these rules.

    An event that is not known is taken to be now, which is the earliest that it can still be.
    """
    if subject.fate is Fate.OPEN:
        return None
    events = ((rule, _event(rule, subject)) for rule in rules if _applies(rule, subject))
    ends = (_until(rule, now if event is None else event) for rule, event in events)
    return max((end for end in ends if end is not None), default=None)


def _applies(rule: Rule, subject: Subject) -> bool:
    if rule.since is Since.DISPUTE and subject.dispute_ended_at is None:
        return False
    fits = not rule.fates or subject.fate in rule.fates
    return fits and (not rule.purposes or subject.purpose in rule.purposes)


def _event(rule: Rule, subject: Subject) -> float | None:
    return {
        Since.RELATIONSHIP: subject.relationship_ended_at,
        Since.PRODUCT: subject.product_ended_at,
        Since.VERDICT: subject.ended_at,
        Since.DISPUTE: subject.dispute_ended_at,
    }[rule.since]


def _until(rule: Rule, event: float | None) -> float | None:
    return None if event is None else months_after(event, rule.months)


def months_after(at: float, months: int) -> float:
    """Return the moment so many calendar months after ``at``."""
    then = datetime.fromtimestamp(at, UTC)
    year, month = divmod(then.year * 12 + then.month - 1 + months, 12)
    day = min(then.day, calendar.monthrange(year, month + 1)[1])
    return then.replace(year=year, month=month + 1, day=day).timestamp()
