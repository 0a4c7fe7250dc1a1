"""How each case is kept, and the one transaction that erases it."""

from typing import Any

import sqlalchemy as sa

from contract.errors import NotFound, StorageError
from contract.ids import CaseId, TenantId
from contract.ports import Keeping, WrappedKey
from store.engine import Engine
from store.schema import CASE_TERMS, CASES, CLAIMS, JOBS, KEEPING

# Every table with rows about one case. They go when it is erased; the row here stays.
PERSONAL = (CASES, CASE_TERMS, CLAIMS, JOBS)

_MINE = KEEPING.c.case == sa.bindparam("mine")


class Keepings:
    """The KeepingStore of ``contract.ports``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def keeping(self, case: CaseId) -> Keeping | None:
        """Return how the case is kept, None when nothing was noted yet."""
        async with self._engine.read() as connection:
            rows = (await connection.execute(sa.select(KEEPING).where(_MINE), {"mine": case})).all()
        return _keeping(rows[0]) if rows else None

    async def add_key(self, case: CaseId, tenant: TenantId, key: WrappedKey) -> Keeping:
        """Give the case its key, unless it has one or was erased; return what stands then."""
        keyless = sa.and_(KEEPING.c.case == case, KEEPING.c.master == "", KEEPING.c.erased_at.is_(None))
        given = {"master": key.master, "wrapped": key.wrapped}
        async with self._engine.write() as connection:
            await connection.execute(self._blank(case, tenant))
            await connection.execute(sa.update(KEEPING).where(keyless).values(given))
        found = await self.keeping(case)
        if found is None:
            raise StorageError("the database keeps no row of this case")
        return found

    async def note(
        self, case: CaseId, tenant: TenantId, *, held: bool, due_at: float | None, settled_at: float | None
    ) -> None:
        """Note what the case's journal says of its keeping; nothing changes of an erased case but settled."""
        settled = settled_at is not None
        told: dict[str, Any] = {"held": held, "due_at": due_at, "settled": settled}
        if settled:
            told["settled_at"] = settled_at
        mine = KEEPING.c.case == case
        async with self._engine.write() as connection:
            await connection.execute(self._blank(case, tenant))
            await connection.execute(
                sa.update(KEEPING).where(mine, KEEPING.c.erased_at.is_(None)).values(told)
            )
            await connection.execute(
                sa.update(KEEPING).where(mine, KEEPING.c.erased_at.is_not(None)).values(settled=settled)
            )

    async def unsettled(self, limit: int) -> tuple[Keeping, ...]:
        """Return cases of whose keeping the archive was not told yet."""
        query = sa.select(KEEPING).where(sa.not_(KEEPING.c.settled)).order_by(KEEPING.c.case).limit(limit)
        return await self._rows(query)

    async def undated(self, before: float, limit: int) -> tuple[Keeping, ...]:
        """Return cases without a date whose archive was last told ``before``, the longest ago first."""
        told_at = sa.func.coalesce(KEEPING.c.settled_at, 0.0)
        open_ended = (KEEPING.c.settled, KEEPING.c.due_at.is_(None), KEEPING.c.erased_at.is_(None))
        query = sa.select(KEEPING).where(*open_ended, told_at < before)
        return await self._rows(query.order_by(told_at, KEEPING.c.case).limit(limit))

    async def due(self, now: float, limit: int) -> tuple[Keeping, ...]:
        """Return the cases that are neither held nor erased and were due before ``now``, the oldest first."""
        standing = (KEEPING.c.due_at <= now, sa.not_(KEEPING.c.held), KEEPING.c.erased_at.is_(None))
        return await self._rows(
            sa.select(KEEPING).where(*standing).order_by(KEEPING.c.due_at, KEEPING.c.case).limit(limit)
        )

    async def erase(self, case: CaseId, certificate: str, at: float) -> Keeping:
        """Destroy the case's key and every row of it but this one, in one step; return what stands then.

        A case that was erased before keeps its first certificate.

        Raises:
            NotFound: nothing was ever noted of this case.
        """
        gone = {
            "master": "", "wrapped": b"", "held": False, "due_at": None,
            "settled": False, "erased_at": at, "certificate": certificate,
        }  # fmt: skip
        first = (KEEPING.c.case == case, KEEPING.c.erased_at.is_(None))
        async with self._engine.write() as connection:
            await connection.execute(sa.update(KEEPING).where(*first).values(gone))
            for table in PERSONAL:
                await connection.execute(sa.delete(table).where(table.c.case == case))
        await self._engine.scrub()
        found = await self.keeping(case)
        if found is None:
            raise NotFound("nothing was noted of this case")
        return found

    async def _rows(self, query: sa.Select[Any]) -> tuple[Keeping, ...]:
        async with self._engine.read() as connection:
            return tuple(map(_keeping, (await connection.execute(query)).all()))

    def _blank(self, case: CaseId, tenant: TenantId) -> sa.Insert:
        insert = self._engine.insert(KEEPING).values({"case": case, "tenant": tenant, **UNNOTED})
        return insert.on_conflict_do_nothing(index_elements=["case"])


# A row of which only the case is known.
UNNOTED: dict[str, Any] = {
    "master": "",
    "wrapped": b"",
    "held": False,
    "due_at": None,
    "settled": False,
    "settled_at": None,
    "erased_at": None,
    "certificate": "",
}


def _keeping(row: sa.Row[Any]) -> Keeping:
    return Keeping(
        row.case,
        row.tenant,
        WrappedKey(row.master, row.wrapped) if row.master else None,
        row.held,
        row.due_at,
        row.settled,
        row.erased_at,
        row.certificate,
    )
