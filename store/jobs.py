"""Long pieces of work as leased rows, so that a crashed worker's job is taken over.

A worker holds a job while its lease runs and extends it by beats. Whoever reports names worker and
attempt: a worker that was thought dead and comes back finds its attempt over and gets LeaseLost.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from contract.ids import CaseId, JobId, new_job_id
from contract.ports import Clock, Job, LeaseLost
from store.engine import Engine
from store.schema import JOBS, NOT_DEAD

# A merge that failed five times, minutes apart, fails for a reason that a person must see.
MAX_ATTEMPTS = 5
ABANDONED = "the worker was lost"

_JOB_COLUMNS = [column.label("lease_until") if column.name == "free_at" else column for column in JOBS.c]


class Jobs:
    """The JobQueue of ``contract.ports``."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def enqueue(
        self, kind: str, case: CaseId, args: Mapping[str, str] | None = None, *, again: bool = False
    ) -> JobId:
        """Add a job; a job of the same kind and case that is not dead is returned instead.

        With ``again`` one that is done is made ready once more: there is new work of its kind.
        """
        insert = self._engine.insert(JOBS).values(self._new(kind, case, args or {}))
        unless_there = insert.on_conflict_do_nothing(index_elements=["kind", "case"], index_where=NOT_DEAD)
        mine = sa.select(JOBS.c.job).where(JOBS.c.kind == kind, JOBS.c.case == case, NOT_DEAD)
        now = self._clock.now()
        anew = {"state": "ready", "attempt": 0, "progress": 0.0, "note": "", "queued_at": now, "free_at": now}
        done = (JOBS.c.kind == kind, JOBS.c.case == case, JOBS.c.state == "done")
        async with self._engine.write() as connection:
            if again:
                await connection.execute(sa.update(JOBS).where(*done).values(**anew, finished_at=None))
            await connection.execute(unless_there)
            return JobId((await connection.execute(mine)).scalar_one())

    def _new(self, kind: str, case: CaseId, args: Mapping[str, str]) -> dict[str, Any]:
        now = self._clock.now()
        return {
            "job": new_job_id(),
            "kind": kind,
            "case": case,
            "state": "ready",
            "attempt": 0,
            "max_attempts": MAX_ATTEMPTS,
            "progress": 0.0,
            "note": "",
            "error": "",
            "worker": "",
            "args": dict(args),
            "queued_at": now,
            "free_at": now,
        }

    async def claim(self, worker: str, lease_s: float) -> Job | None:
        """Take the oldest ready or abandoned job; one abandoned too often is dead instead."""
        now = self._clock.now()
        free = sa.and_(JOBS.c.state.in_(["ready", "running"]), JOBS.c.free_at <= now)
        oldest = (
            sa.select(JOBS.c.job)
            .where(free)
            .order_by(JOBS.c.queued_at, JOBS.c.job)
            .limit(1)
            .with_for_update(skip_locked=True)
            .scalar_subquery()
        )
        taken = {
            "state": "running",
            "worker": worker,
            "attempt": JOBS.c.attempt + 1,
            "free_at": now + lease_s,
            "started_at": now,
            "progress": 0.0,
            "note": "",
        }
        claim = sa.update(JOBS).where(JOBS.c.job == oldest).values(taken).returning(*_JOB_COLUMNS)
        async with self._engine.write() as connection:
            await _bury(connection, now)
            row = (await connection.execute(claim)).one_or_none()
        return None if row is None else Job(**row._mapping)

    async def beat(self, job: Job, progress: float, note: str, lease_s: float) -> None:
        """Report progress and extend the lease. Raises LeaseLost."""
        await self._report(job, progress=progress, note=note, free_at=self._clock.now() + lease_s)

    async def complete(self, job: Job) -> None:
        """Mark as done. Raises LeaseLost."""
        await self._report(job, state="done", progress=1.0, error="", finished_at=self._clock.now())

    async def fail(self, job: Job, error: str, retry_in_s: float) -> bool:
        """Note the failure; return whether the job will be tried again. Raises LeaseLost."""
        now = self._clock.now()
        if job.attempt >= job.max_attempts:
            await self._report(job, state="dead", error=error, finished_at=now)
            return False
        await self._report(job, state="ready", error=error, free_at=now + retry_in_s)
        return True

    async def _report(self, job: Job, **values: object) -> None:
        held = (
            JOBS.c.job == job.job,
            JOBS.c.state == "running",
            JOBS.c.worker == job.worker,
            JOBS.c.attempt == job.attempt,
        )
        async with self._engine.write() as connection:
            changed = await connection.execute(sa.update(JOBS).where(*held).values(values))
        if changed.rowcount == 0:
            raise LeaseLost(f"attempt {job.attempt} of {job.job} is over")

    async def for_case(self, case: CaseId) -> tuple[Job, ...]:
        """Return the jobs of a case, oldest first."""
        query = sa.select(*_JOB_COLUMNS).where(JOBS.c.case == case).order_by(JOBS.c.queued_at, JOBS.c.job)
        async with self._engine.read() as connection:
            rows = (await connection.execute(query)).all()
        return tuple(Job(**row._mapping) for row in rows)


async def _bury(connection: AsyncConnection, now: float) -> None:
    worn_out = (JOBS.c.state == "running", JOBS.c.free_at <= now, JOBS.c.attempt >= JOBS.c.max_attempts)
    dead = {"state": "dead", "error": ABANDONED, "finished_at": now}
    await connection.execute(sa.update(JOBS).where(*worn_out).values(dead))
