"""The auditors' queue: what waits, and the claims on it."""

from collections.abc import Collection

import sqlalchemy as sa

from contract.ids import AccountId, CaseId, TenantId
from contract.phases import CasePhase, Verdict
from contract.ports import AuditClaim, AuditLoad, LookCount
from store.engine import Engine
from store.schema import CASES, CLAIMS

# More than a bank's auditors sign in a week; who comes behind comes up when those are signed.
WAITING_MAX = 5_000

_UNDER_AUDIT = sa.and_(CASES.c.tenant != "", CASES.c.phase == CasePhase.UNDER_AUDIT.value)


class Audits:
    """The AuditQueue of ``contract.ports``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def load(self, now: float) -> AuditLoad:
        """Return how many cases wait at ``now``, and how many of them are overdue."""
        waiting = sa.select(sa.func.count()).where(_UNDER_AUDIT)
        async with self._engine.read() as connection:
            queries = (waiting, waiting.where(CASES.c.due_at < now))
            counted = [(await connection.execute(query)).scalar_one() for query in queries]
        return AuditLoad(*counted)

    async def waiting(self, tenant: TenantId, account: AccountId, now: float) -> tuple[CaseId, ...]:
        """Return what nobody but ``account`` has claimed, the first due first; at most WAITING_MAX."""
        held = sa.exists().where(
            CLAIMS.c.case == CASES.c.case, CLAIMS.c.until > now, CLAIMS.c.account != account
        )
        query = (
            sa.select(CASES.c.case)
            .where(_UNDER_AUDIT, CASES.c.tenant == tenant, sa.not_(held))
            .order_by(CASES.c.due_at.asc().nulls_first(), CASES.c.created_at, CASES.c.case)
        )
        async with self._engine.read() as connection:
            return tuple(CaseId(row[0]) for row in await connection.execute(query.limit(WAITING_MAX)))

    async def claim(self, case: CaseId, account: AccountId, now: float, until: float) -> bool:
        """Claim a case, or claim it for longer; return False when somebody else has it."""
        insert = self._engine.insert(CLAIMS).values(case=case, account=account, until=until)
        mine = insert.on_conflict_do_update(
            index_elements=["case"],
            set_={"account": account, "until": until},
            where=sa.or_(CLAIMS.c.account == account, CLAIMS.c.until <= now),
        )
        past = sa.or_(CLAIMS.c.until <= now, sa.and_(CLAIMS.c.account == account, CLAIMS.c.case != case))
        async with self._engine.write() as connection:
            await connection.execute(mine)
            holder = sa.select(CLAIMS.c.account).where(CLAIMS.c.case == case)
            taken: bool = (await connection.execute(holder)).scalar_one() == account
            if taken:
                await connection.execute(sa.delete(CLAIMS).where(past))
        return taken

    async def release(self, case: CaseId, account: AccountId | None = None) -> None:
        """Give a case back that ``account`` has, None for whoever has it."""
        given = sa.delete(CLAIMS).where(CLAIMS.c.case == case)
        async with self._engine.write() as connection:
            await connection.execute(given if account is None else given.where(CLAIMS.c.account == account))

    async def claims(self, cases: Collection[CaseId], now: float) -> tuple[AuditClaim, ...]:
        """Return the claims on ``cases`` that hold at ``now``."""
        query = sa.select(CLAIMS).where(CLAIMS.c.case.in_(cases), CLAIMS.c.until > now)
        async with self._engine.read() as connection:
            return tuple(AuditClaim(**row._mapping) for row in await connection.execute(query))

    async def looks(self) -> tuple[LookCount, ...]:
        """Return how the pairs of verdicts given unseen are spread, by bank; each case's newest pair."""
        pair = (CASES.c.tenant, CASES.c.second_look)
        query = (
            sa.select(*pair, sa.func.count()).where(CASES.c.second_look > "").group_by(*pair).order_by(*pair)
        )
        async with self._engine.read() as connection:
            rows = (await connection.execute(query)).all()
        return tuple(_looks(TenantId(bank), pair.split(), cases) for bank, pair, cases in rows)


def _looks(bank: TenantId, pair: list[str], cases: int) -> LookCount:
    first, second = map(Verdict, pair)
    return LookCount(bank, first, second, cases)
