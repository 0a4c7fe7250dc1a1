"""The statements of a search. Each walks along one list of cases in its order, cut off when the page is full.

Lists are those of words (``case_terms``) and of single values of a filter (indexes of ``cases``). The
shortest is walked, and what else is asked is looked up for each of its cases; where all are long, or none
is asked for, ``ix_cases_search`` is walked, which answers every filter by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from contract.phases import CasePhase
from contract.ports import CaseFlag, CaseMark, CaseQuery
from store.schema import CASE_TERMS, CASES

COUNTED_MAX = 1_000
# Lists are compared by length up to here; longer ones are all long.
LIST_MAX = 20_000
GAP_MIN_S = 1.0

_EVERY_FILTER = "ix_cases_search"
_KEY = (CASES.c.created_at, CASES.c.case)
Keys = sa.Select[tuple[float, str]]


@dataclass(frozen=True, slots=True)
class Listed:
    """A list of cases: those with a word, or those with one value of a filter, along an index of theirs."""

    term: int | None = None
    index: str = ""
    condition: sa.ColumnElement[bool] | None = None

    def length(self, query: CaseQuery) -> sa.Select[int]:
        """Return the statement for how many cases it has, up to LIST_MAX."""
        if self.condition is None:
            some = sa.select(CASE_TERMS.c.case).where(CASE_TERMS.c.term == self.term)
        else:
            some = _through(self.index).where(CASES.c.tenant == query.tenant, self.condition)
        return sa.select(sa.func.count()).select_from(some.limit(LIST_MAX).subquery())


def lists_of(query: CaseQuery, terms: Sequence[int]) -> tuple[Listed, ...]:
    """Return the lists that a search could walk along."""
    values: tuple[tuple[str, sa.Column[Any], Sequence[Any]], ...] = (
        ("ix_cases_tenant_reason_created_at", CASES.c.reason, query.reasons),
        ("ix_cases_tenant_outcome_created_at", CASES.c.outcome, query.outcomes),
        ("ix_cases_tenant_phase_created_at", CASES.c.phase, _phases(query)),
        ("ix_cases_tenant_agent_created_at", CASES.c.agent, [query.agent] if query.agent else []),
        (
            "ix_cases_tenant_archived_created_at",
            CASES.c.archived,
            [False] if CaseFlag.UNVERIFIED in query.flags else [],
        ),
    )
    single = ((index, column, given[0]) for index, column, given in values if len(given) == 1)
    return (
        *(Listed(term=term) for term in terms),
        *(Listed(index=index, condition=column == value) for index, column, value in single),
    )


def keys_of(query: CaseQuery, along: Listed | None, terms: Sequence[int], limit: int) -> Keys:
    """Return the statement for times and ids of the first ``limit`` cases that fit, newest first.

    ``along`` is the list to walk, None for all cases; ``terms`` are the lists of all words.
    """
    walked = (
        _along_filters(query, along)
        if along is None or along.condition is not None
        else _along_word(query, along)
    )
    created_at, case = tuple(walked.selected_columns)
    for number, term in enumerate(terms):
        if along is None or term != along.term:
            other = CASE_TERMS.alias(f"other_{number}")
            same = (other.c.created_at == created_at, other.c.case == case)
            walked = walked.where(sa.exists().where(other.c.term == term, *same))
    return _ranged(walked, created_at, case, query).order_by(created_at.desc(), case.desc()).limit(limit)


def _along_filters(query: CaseQuery, along: Listed | None) -> Keys:
    return _through(along.index if along else _EVERY_FILTER).where(*_filters(query))


def _along_word(query: CaseQuery, along: Listed) -> Keys:
    listed = CASE_TERMS.alias("listed")
    walked = sa.select(listed.c.created_at, listed.c.case).where(listed.c.term == along.term)
    if narrowing := _narrowing(query):
        same = (CASES.c.created_at == listed.c.created_at, CASES.c.case == listed.c.case)
        row = _through(_EVERY_FILTER).where(CASES.c.tenant == query.tenant, *same, *narrowing)
        walked = walked.where(sa.exists(row.correlate(listed)))
    return walked


def _through(index: str) -> Keys:
    # SQLite, which knows nothing of how values are spread, is told; PostgreSQL knows better.
    return sa.select(*_KEY).with_hint(CASES, f"INDEXED BY {index}", "sqlite")


def _filters(query: CaseQuery) -> list[sa.ColumnElement[bool]]:
    return [CASES.c.tenant == query.tenant, *_narrowing(query)]


def _narrowing(query: CaseQuery) -> list[sa.ColumnElement[bool]]:
    chosen: tuple[tuple[sa.Column[Any], Sequence[str]], ...] = (
        (CASES.c.phase, _phases(query)),
        (CASES.c.outcome, query.outcomes),
        (CASES.c.reason, query.reasons),
        (CASES.c.purpose, query.purposes),
    )
    narrowing: list[sa.ColumnElement[bool]] = [column.in_(values) for column, values in chosen if values]
    if query.due_before is not None:
        narrowing.append(CASES.c.due_at < query.due_before)
    if query.agent is not None:
        narrowing.append(CASES.c.agent == query.agent)
    return narrowing + [condition for flag in query.flags for condition in _flagged(flag)]


def _phases(query: CaseQuery) -> list[str]:
    """Return the phases asked for; what is due waits for an auditor."""
    due = () if query.due_before is None else (CasePhase.UNDER_AUDIT,)
    return [phase.value for phase in query.phases or due]


def _flagged(flag: CaseFlag) -> tuple[sa.ColumnElement[bool], ...]:
    match flag:
        case CaseFlag.GAPS:
            return (CASES.c.gap_s >= GAP_MIN_S,)
        case CaseFlag.UNVERIFIED:
            # A case without a recording has no gaps, not even none.
            return (CASES.c.gap_s.is_not(None), CASES.c.archived == sa.false())


def _ranged(walked: Keys, created_at: Any, case: Any, query: CaseQuery) -> Keys:
    if query.since is not None:
        walked = walked.where(created_at >= query.since)
    if query.until is not None:
        walked = walked.where(created_at < query.until)
    return walked if query.after is None else walked.where(_behind(created_at, case, query.after))


def _behind(created_at: Any, case: Any, mark: CaseMark) -> sa.ColumnElement[bool]:
    # The first half alone lets both databases begin at the right place of the index.
    return sa.and_(
        created_at <= mark.created_at,
        sa.or_(created_at < mark.created_at, case < mark.case),
    )
