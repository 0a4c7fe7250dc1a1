"""Which rules keep a record, and until when: the maximum of those that apply."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.facts import (
    CaseAdvanced,
    CaseCreated,
    Entry,
    Fact,
    SpoolReleased,
    seal_entry,
)
from contract.ids import TenantId, new_case_id
from contract.keeping_facts import HoldLifted, HoldSet, RelationEnded
from contract.phases import CasePhase, Relation
from recordings.retention import (
    Fate,
    Rule,
    Since,
    Subject,
    locked_until,
    months_after,
    retention,
    subject_of,
)

_NOW = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()


def at(year: int, month: int, day: int) -> float:
    return datetime(year, month, day, tzinfo=UTC).timestamp()


_IDENTITY = Rule("identity", 120, Since.RELATIONSHIP, frozenset({Fate.OPENED}))
_REFUSED = Rule("refused", 60, Since.VERDICT, frozenset({Fate.REFUSED}))
_SALES = Rule("sales", 6, Since.PRODUCT, purposes=frozenset({"sale"}))
_DISPUTE = Rule("dispute", 24, Since.DISPUTE)
_ALL = (_IDENTITY, _REFUSED, _SALES, _DISPUTE)


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        (at(2026, 1, 31), 1, at(2026, 2, 28)),
        (at(2024, 2, 29), 12, at(2025, 2, 28)),
        (at(2024, 2, 29), 48, at(2028, 2, 29)),
        (at(2026, 11, 23), 120, at(2036, 11, 23)),
        (at(2026, 12, 31), 0, at(2026, 12, 31)),
    ],
)
def test_months_are_those_of_the_calendar(start: float, months: int, end: float) -> None:
    """Ten years are ten years, and no rule ends a day early because of a short month's number."""
    assert months_after(start, months) == end


def test_the_longest_rule_that_applies_counts() -> None:
    """An account that was opened, held and sold: all three count, the last one ends it."""
    subject = Subject(Fate.OPENED, "sale", _NOW, at(2027, 1, 1), at(2040, 1, 1), at(2030, 1, 1))
    kept = retention(subject, _ALL)
    assert [one.what for one in kept.applied] == ["identity", "sales", "dispute"]
    assert kept.due_at == at(2040, 7, 1)
    assert not kept.is_due(at(2040, 6, 30))
    assert kept.is_due(at(2040, 7, 1))


def test_what_is_not_known_to_have_ended_is_not_due() -> None:
    """The bank has not said when the relationship ended: kept for ever, locked as if it ended now."""
    subject = Subject(Fate.OPENED, "account", _NOW)
    assert retention(subject, _ALL).due_at is None
    assert not retention(subject, _ALL).is_due(1e12)
    assert locked_until(subject, _ALL, _NOW) == months_after(_NOW, 120)


def test_a_case_without_a_rule_is_never_due_by_itself() -> None:
    """Nothing is deleted because a pack forgot to say how long it must be kept."""
    subject = Subject(Fate.ABORTED, "account", _NOW)
    assert retention(subject, _ALL).due_at is None
    assert locked_until(subject, _ALL, _NOW) is None


def test_an_open_case_is_not_due() -> None:
    """However old its facts are."""
    rules = (Rule("all", 0, Since.VERDICT), Rule("dispute", 0, Since.DISPUTE))
    subject = Subject(Fate.OPEN, dispute_ended_at=1.0)
    assert retention(subject, rules).due_at is None
    assert locked_until(subject, rules, _NOW) is None


_RULES = st.lists(
    st.builds(
        Rule, st.just("x"), st.integers(0, 240), st.sampled_from(Since),
        st.frozensets(st.sampled_from(Fate)), st.frozensets(st.sampled_from(["sale", "loan"])),
    ),
    max_size=6,
)  # fmt: skip
_WHEN = st.none() | st.floats(0, 2e9)
_SUBJECTS = st.builds(
    Subject, st.sampled_from(Fate), st.sampled_from(["sale", "loan", ""]), _WHEN, _WHEN, _WHEN, _WHEN
)


@given(subject=_SUBJECTS, rules=_RULES, more=_RULES)
def test_another_rule_never_makes_it_due_sooner(
    subject: Subject, rules: Sequence[Rule], more: Sequence[Rule]
) -> None:
    """The maximum: whoever adds a rule keeps at least as long, and the lock never ends before a known due."""
    few, many = retention(subject, rules), retention(subject, [*rules, *more])
    if few.applied and many.due_at is not None and few.due_at is not None:
        assert many.due_at >= few.due_at
    if few.applied and few.due_at is None:
        assert many.due_at is None
    lock = locked_until(subject, rules, _NOW)
    if few.due_at is not None:
        assert lock == few.due_at


def _journal(*told: tuple[float, Fact]) -> list[Entry]:
    case = new_case_id()
    return [seal_entry(seq, when, case, fact, "0" * 64) for seq, (when, fact) in enumerate(told, 1)]


def test_a_journal_says_what_the_rules_ask() -> None:
    """Purpose, fate, ends and holds; of each the last word counts."""
    told = _journal(
        (1.0, CaseCreated(TenantId("t"), "sale", "pack", "")),
        (2.0, CaseAdvanced(CasePhase.UNDER_AUDIT, CasePhase.APPROVED)),
        (3.0, HoldSet(None, "counsel", "suit")),
        (4.0, HoldLifted(None, "counsel", "settled")),
        (5.0, RelationEnded(Relation.RELATIONSHIP, 44.0, "clerk")),
        (6.0, RelationEnded(Relation.RELATIONSHIP, 55.0, "clerk")),
        (7.0, RelationEnded(Relation.PRODUCT, 66.0, "clerk")),
        (8.0, HoldSet(None, "counsel", "again")),
        (9.0, SpoolReleased(1)),
    )
    assert subject_of(told) == Subject(Fate.OPENED, "sale", 2.0, 55.0, 66.0, 4.0, held=True)
    assert not subject_of(told[:-2]).held
    assert subject_of(told[:1]) == Subject(Fate.OPEN, "sale")


def test_a_case_that_is_taken_up_again_has_not_ended() -> None:
    """Reopened, it waits for its verdict anew."""
    told = _journal(
        (2.0, CaseAdvanced(CasePhase.UNDER_AUDIT, CasePhase.REJECTED)),
        (3.0, CaseAdvanced(CasePhase.REJECTED, CasePhase.UNDER_AUDIT)),
    )
    assert subject_of(told[:1]) == Subject(Fate.REFUSED, ended_at=2.0)
    assert subject_of(told) == Subject(Fate.OPEN)
