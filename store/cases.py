"""The search projection of all journals: one row per case."""

from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from contract.errors import NotFound
from contract.facts import Entry
from contract.ids import AccountId, CaseId, TenantId
from contract.phases import CasePhase, Outcome
from contract.ports import CaseSummary, CustomerHistory
from store.engine import Engine
from store.folding import BLANK, Row, fold
from store.schema import CASES

LIMIT_MAX = 500
OPEN_PHASES = (CasePhase.PRE_CALL, CasePhase.QUEUED, CasePhase.IN_CALL, CasePhase.AGENT_DONE)

_SUMMARY = [column for column in CASES.c if column.name != "set_by"]
_CREATED = CASES.c.tenant != ""
# A link that nobody followed is no visit.
_NEVER_BEGUN = (CasePhase.CREATED.value, CasePhase.EXPIRED.value)
_REFUSED = sa.or_(CASES.c.phase == CasePhase.REJECTED.value, CASES.c.outcome == Outcome.FAILED.value)


class Cases:
    """The CaseStore of ``contract.ports``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

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
        for entry in entries:
            row = fold(row, entry)
        await connection.execute(sa.update(CASES).where(mine).values(row))

    async def case(self, case: CaseId) -> CaseSummary:
        """Return one case. Raises NotFound."""
        found = await self._summaries(sa.select(*_SUMMARY).where(CASES.c.case == case, _CREATED))
        if not found:
            raise NotFound("no such case")
        return found[0]

    async def cases(
        self,
        tenant: TenantId,
        *,
        text: str = "",
        phases: tuple[CasePhase, ...] = (),
        agent: AccountId | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> tuple[CaseSummary, ...]:
        """Return cases, newest first, whose id, customer or agent name contains ``text``.

        With ``agent`` only those that this account handled last.

        Raises:
            ValueError: ``limit`` is not in 1 to 500, or ``offset`` is negative.
        """
        if not 1 <= limit <= LIMIT_MAX or offset < 0:
            raise ValueError("limit or offset out of range")
        query = sa.select(*_SUMMARY).where(CASES.c.tenant == tenant, _CREATED)
        if phases:
            query = query.where(CASES.c.phase.in_([phase.value for phase in phases]))
        if agent is not None:
            query = query.where(CASES.c.agent == agent)
        if text.strip():
            query = query.where(_contains(text.strip()))
        newest = query.order_by(CASES.c.created_at.desc(), CASES.c.case)
        return await self._summaries(newest.limit(limit).offset(offset))

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

        At most LIMIT_MAX; the ones behind come up when those are called back.
        """
        query = sa.select(*_SUMMARY).where(CASES.c.tenant == tenant, CASES.c.callback_at.is_not(None))
        return await self._summaries(query.order_by(CASES.c.callback_at, CASES.c.case).limit(LIMIT_MAX))

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


def _contains(text: str) -> sa.ColumnElement[bool]:
    searched = (CASES.c.case, CASES.c.pii_customer_name, CASES.c.agent_name)
    return sa.or_(*(column.icontains(text, autoescape=True) for column in searched))
