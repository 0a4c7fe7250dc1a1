"""The search projection of all journals: one row per case."""

from collections.abc import AsyncIterator, Iterable
from itertools import groupby
from operator import attrgetter

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from contract.errors import NotFound
from contract.facts import Entry
from contract.ids import CaseId, TenantId
from contract.phases import CasePhase, Outcome
from contract.ports import CaseMark, CasePage, CaseQuery, CaseSummary, CustomerHistory
from store.engine import Engine
from store.folding import BLANK, Row, changes_keeping, fold
from store.keepings import UNNOTED
from store.schema import CASE_TERMS, CASES, KEEPING
from store.search import COUNTED_MAX, LIST_MAX, Listed, keys_of, lists_of
from store.search_words import keyed, term, words_of_fact, words_of_name, words_of_query

PAGE_MAX = 200
CALLBACKS_MAX = 500
OPEN_PHASES = (CasePhase.PRE_CALL, CasePhase.QUEUED, CasePhase.IN_CALL, CasePhase.AGENT_DONE)

_SUMMARY = [column for column in CASES.c if column.name not in {"set_by", "words", "second_look"}]
_CREATED = CASES.c.tenant != ""
# A link that nobody followed is no visit.
_NEVER_BEGUN = (CasePhase.CREATED.value, CasePhase.EXPIRED.value)
_REFUSED = sa.or_(CASES.c.phase == CasePhase.REJECTED.value, CASES.c.outcome == Outcome.FAILED.value)


def _over(since: float) -> tuple[sa.ColumnElement[bool], ...]:
    going_on = (*_NEVER_BEGUN, *(phase.value for phase in OPEN_PHASES))
    return _CREATED, CASES.c.phase.not_in(going_on), CASES.c.created_at >= since


class Cases:
    """The CaseStore of ``contract.ports``."""

    def __init__(self, engine: Engine, key: bytes) -> None:
        """Take the key under which words are hashed."""
        self._engine = engine
        self._key = key

    async def project(self, entry: Entry) -> None:
        """Fold one entry into its case's row, in any order; twice is the same as once."""
        await self.rebuild((entry,))

    async def rebuild(self, entries: Iterable[Entry]) -> None:
        """Fold whole journals again, one transaction per case; what they say wins over the rows."""
        for case, of_case in groupby(entries, attrgetter("case")):
            async with self._engine.write() as connection:
                await self._fold(connection, case, tuple(of_case))

    async def _fold(self, connection: AsyncConnection, case: CaseId, entries: tuple[Entry, ...]) -> None:
        insert = self._engine.insert(CASES).values({"case": case, **BLANK})
        await connection.execute(insert.on_conflict_do_nothing(index_elements=["case"]))
        mine = CASES.c.case == case
        held = sa.select(CASES).where(mine).with_for_update()
        row: Row = dict((await connection.execute(held)).one()._mapping)
        found_by = self._terms(row)
        for entry in entries:
            row = fold(row, entry)
        row = {**row, "words": self._words(row, entries)}
        await connection.execute(sa.update(CASES).where(mine).values(row))
        if new := self._terms(row) - found_by:
            place = {"created_at": row["created_at"], "case": case}
            listed = self._engine.insert(CASE_TERMS).on_conflict_do_nothing()
            await connection.execute(listed, [{"term": one, **place} for one in sorted(new)])
        if row["tenant"] and any(map(changes_keeping, entries)):
            await self._unsettle(connection, case, row["tenant"])

    async def _unsettle(self, connection: AsyncConnection, case: CaseId, tenant: str) -> None:
        """Have the case's keeping looked at anew; see ``contract.ports.KeepingStore``."""
        insert = self._engine.insert(KEEPING).values({"case": case, "tenant": tenant, **UNNOTED})
        await connection.execute(
            insert.on_conflict_do_update(index_elements=["case"], set_={"settled": False})
        )

    def _words(self, row: Row, entries: tuple[Entry, ...]) -> list[int]:
        told = {keyed(self._key, word) for entry in entries for word in words_of_fact(entry.fact)}
        return sorted(told | set(row["words"] or ()))

    def _terms(self, row: Row) -> frozenset[int]:
        """Return the lists on which a case stands; none before its first entry, which tells whose it is."""
        if not row["tenant"] or row["words"] is None:
            return frozenset()
        named = {keyed(self._key, word) for word in words_of_name(row["pii_customer_name"])}
        return frozenset(term(row["tenant"], word) for word in named | set(row["words"]))

    async def unlisted(self) -> tuple[CaseId, ...]:
        """Return the cases whose words were never told: of before this schema, or whose rows were."""
        query = sa.select(CASES.c.case).where(CASES.c.words.is_(None)).order_by(CASES.c.case)
        async with self._engine.read() as connection:
            return tuple(CaseId(row[0]) for row in await connection.execute(query))

    async def count_since(self, since: float) -> int:
        """Return how many cases :meth:`over_since` gives."""
        query = sa.select(sa.func.count()).select_from(CASES).where(*_over(since))
        async with self._engine.read() as connection:
            return int((await connection.execute(query)).scalar_one())

    async def over_since(self, since: float) -> AsyncIterator[CaseId]:
        """Yield the cases of all tenants that began at ``since`` (seconds UTC) or later and are over.

        By id, a page at a time: what begins meanwhile may be among them or not.
        """
        last = ""
        while True:
            query = sa.select(CASES.c.case).where(*_over(since), CASES.c.case > last)
            async with self._engine.read() as connection:
                rows = (await connection.execute(query.order_by(CASES.c.case).limit(PAGE_MAX))).all()
            for row in rows:
                yield CaseId(row.case)
            if len(rows) < PAGE_MAX:
                return
            last = rows[-1].case

    async def case(self, case: CaseId) -> CaseSummary:
        """Return one case. Raises NotFound."""
        found = await self._summaries(sa.select(*_SUMMARY).where(CASES.c.case == case, _CREATED))
        if not found:
            raise NotFound("no such case")
        return found[0]

    async def search(self, query: CaseQuery) -> CasePage:
        """Return one page of the cases that fit. Raises ValueError for a limit outside 1 to 200."""
        if not 1 <= query.limit <= PAGE_MAX:
            raise ValueError("limit out of range")
        words = query.text.split()
        if len(words) == 1 and words[0].lower().startswith("case-"):
            return await self._of_id(query, words[0].lower())
        terms = [term(query.tenant, keyed(self._key, word)) for word in words_of_query(query.text)]
        if query.text.strip() and not terms:
            return CasePage((), 0, False, None)
        wanted = query.limit if query.after else max(query.limit, COUNTED_MAX)
        async with self._engine.read() as connection:
            along = await _shortest(connection, query, terms)
            keys = (await connection.execute(keys_of(query, along, terms, wanted + 1))).all()
        shown = keys[: query.limit]
        cases = await self._in_order([row.case for row in shown])
        following = CaseMark(shown[-1].created_at, CaseId(shown[-1].case)) if len(keys) > len(shown) else None
        count = None if query.after else min(len(keys), wanted)
        return CasePage(cases, count, count is not None and len(keys) > wanted, following)

    async def _of_id(self, query: CaseQuery, case: str) -> CasePage:
        of_tenant = sa.select(*_SUMMARY).where(CASES.c.case == case, CASES.c.tenant == query.tenant)
        if query.agent is not None:
            of_tenant = of_tenant.where(CASES.c.agent == query.agent)
        cases = await self._summaries(of_tenant)
        return CasePage(cases, len(cases), False, None)

    async def _in_order(self, ids: list[str]) -> tuple[CaseSummary, ...]:
        found = await self._summaries(sa.select(*_SUMMARY).where(CASES.c.case.in_(ids)))
        return tuple(sorted(found, key=attrgetter("created_at", "case"), reverse=True))

    async def customer_history(self, tenant: TenantId, customer_ref: str, but: CaseId) -> CustomerHistory:
        """Count the cases of one customer of one tenant, without ``but``; none for an empty reference.

        A case counts once it was begun, and as rejected when agent or auditor refused.
        """
        if not customer_ref:
            return CustomerHistory(0, 0)
        rejected = sa.func.coalesce(sa.func.sum(sa.case((_REFUSED, 1), else_=0)), 0)
        query = sa.select(sa.func.count(), rejected).where(
            CASES.c.tenant == tenant,
            CASES.c.pii_customer_ref == customer_ref,
            CASES.c.case != but,
            CASES.c.phase.not_in(_NEVER_BEGUN),
        )
        async with self._engine.read() as connection:
            row = (await connection.execute(query)).one()
        return CustomerHistory(*row)

    async def customer_cases(
        self, tenant: TenantId, customer_ref: str, *, newest: int, since: float
    ) -> tuple[CaseId, ...]:
        """Return a customer's ``newest`` cases and all in which anything happened since ``since``.

        The newest come first; none for an empty reference.
        """
        if not customer_ref:
            return ()
        of_customer = (
            sa.select(CASES.c.case)
            .where(CASES.c.tenant == tenant, CASES.c.pii_customer_ref == customer_ref)
            .order_by(CASES.c.created_at.desc(), CASES.c.case)
        )
        among_newest = CASES.c.case.in_(sa.select(of_customer.limit(newest).subquery().c.case))
        query = of_customer.where(sa.or_(among_newest, CASES.c.updated_at >= since))
        async with self._engine.read() as connection:
            return tuple(CaseId(row[0]) for row in await connection.execute(query))

    async def callbacks(self, tenant: TenantId) -> tuple[CaseSummary, ...]:
        """Return the cases whose customers asked to be called back and were not yet, oldest first.

        At most CALLBACKS_MAX; the ones behind come up when those are called back.
        """
        query = sa.select(*_SUMMARY).where(CASES.c.tenant == tenant, CASES.c.callback_at.is_not(None))
        return await self._summaries(query.order_by(CASES.c.callback_at, CASES.c.case).limit(CALLBACKS_MAX))

    async def open_cases(self) -> tuple[CaseSummary, ...]:
        """Return every case in PRE_CALL, QUEUED, IN_CALL or AGENT_DONE, oldest first."""
        query = sa.select(*_SUMMARY).where(
            _CREATED, CASES.c.phase.in_([phase.value for phase in OPEN_PHASES])
        )
        return await self._summaries(query.order_by(CASES.c.created_at, CASES.c.case))

    async def _summaries(self, query: sa.Select[tuple[object, ...]]) -> tuple[CaseSummary, ...]:
        async with self._engine.read() as connection:
            rows = (await connection.execute(query)).all()
        return tuple(CaseSummary(**{**row._mapping, "phase": CasePhase(row.phase)}) for row in rows)


async def _shortest(connection: AsyncConnection, query: CaseQuery, terms: list[int]) -> Listed | None:
    """Return the list to walk along; None for all cases."""
    lists = lists_of(query, terms)
    if len(lists) > 1 or (lists and not terms):
        lengths = [(await connection.execute(one.length(query))).scalar_one() for one in lists]
        at = min(range(len(lists)), key=lengths.__getitem__)
        if lengths[at] < LIST_MAX:
            return lists[at]
    return lists[0] if terms else None
