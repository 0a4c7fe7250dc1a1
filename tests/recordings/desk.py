"""Stand-ins for what the recordings are given by other rooms: a job table and a search projection."""

import dataclasses
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from contract.errors import StorageError
from contract.facts import Entry
from contract.ids import CaseId, JobId, TenantId, new_job_id
from contract.phases import CasePhase
from contract.ports import (
    Archive,
    ArchivedObject,
    CasePage,
    CaseQuery,
    CaseSummary,
    CustomerHistory,
    Job,
    LeaseLost,
)

TENANT = TenantId("tenant-" + "0" * 16)


class OneTenant:
    """A case store in which every case belongs to ``TENANT``."""

    async def project(self, entry: Entry) -> None:
        """Nothing is searched here."""

    async def case(self, case: CaseId) -> CaseSummary:
        """Return a bare summary."""
        return CaseSummary(case, TENANT, CasePhase.AGENT_DONE, "open_account", "base", "张三", 0.0, 0.0, 1)

    async def search(self, query: CaseQuery) -> CasePage:
        """Find nothing."""
        return CasePage((), 0, False, None)

    async def customer_history(self, tenant: TenantId, customer_ref: str, but: CaseId) -> CustomerHistory:
        """Know nobody."""
        return CustomerHistory(0, 0)

    async def customer_cases(
        self, tenant: TenantId, customer_ref: str, *, newest: int, since: float
    ) -> tuple[CaseId, ...]:
        """Find nothing."""
        return ()

    async def callbacks(self, tenant: TenantId) -> tuple[CaseSummary, ...]:
        """Find nothing."""
        return ()

    async def open_cases(self) -> tuple[CaseSummary, ...]:
        """Find nothing."""
        return ()


class JobTable:
    """A job queue in memory. ``taken_over`` makes every call of the present worker a lost lease."""

    def __init__(self) -> None:
        self.jobs: dict[JobId, Job] = {}
        self.beats: list[tuple[float, str]] = []
        self.delays: list[float] = []
        self.taken_over = False

    async def enqueue(
        self, kind: str, case: CaseId, args: Mapping[str, str] | None = None, *, again: bool = False
    ) -> JobId:
        """Add a job."""
        job = Job(new_job_id(), kind, case, "ready", 0, 3, 0.0, "", "", 0.0, args=args or {})
        self.jobs[job.job] = job
        return job.job

    async def claim(self, worker: str, lease_s: float) -> Job | None:
        """Take the oldest ready job."""
        for job in self.jobs.values():
            if job.state == "ready":
                return self._keep(job, state="running", attempt=job.attempt + 1, worker=worker)
        return None

    async def beat(self, job: Job, progress: float, note: str, lease_s: float) -> None:
        """Note the progress."""
        self._check()
        self.beats.append((progress, note))

    async def complete(self, job: Job) -> None:
        """Mark as done."""
        self._check()
        self._keep(self.jobs[job.job], state="done")

    async def fail(self, job: Job, error: str, retry_in_s: float) -> bool:
        """Put it back until its attempts are used up."""
        self._check()
        again = job.attempt < job.max_attempts
        self.delays.append(retry_in_s)
        self._keep(self.jobs[job.job], state="ready" if again else "dead", error=error)
        return again

    async def for_case(self, case: CaseId) -> tuple[Job, ...]:
        """Return the jobs of a case."""
        return tuple(job for job in self.jobs.values() if job.case == case)

    def _check(self) -> None:
        if self.taken_over:
            raise LeaseLost

    def _keep(self, job: Job, **changes: object) -> Job:
        self.jobs[job.job] = dataclasses.replace(job, **changes)  # type: ignore[arg-type]
        return self.jobs[job.job]


class MoodyArchive:
    """An archive that can be dead, or give back other bytes than it took."""

    def __init__(self, inner: Archive) -> None:
        self.inner, self.name = inner, inner.name
        self.dead = False
        self.lies_about = ""
        self.fetched: list[tuple[str, int, int | None]] = []

    async def put(self, key: str, path: Path) -> ArchivedObject:
        """Refuse while dead."""
        self._check()
        return await self.inner.put(key, path)

    async def stat(self, key: str) -> ArchivedObject | None:
        """Refuse while dead."""
        self._check()
        return await self.inner.stat(key)

    async def read(self, key: str, offset: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """Refuse while dead, lie when told to."""
        self._check()
        self.fetched.append((key, offset, length))
        if self.lies_about and key.endswith(self.lies_about):
            yield b"something else"
            return
        async for block in self.inner.read(key, offset, length):
            yield block

    async def keys(self, prefix: str) -> tuple[str, ...]:
        """Refuse while dead."""
        self._check()
        return await self.inner.keys(prefix)

    async def keep(self, prefix: str, until: float | None, *, held: bool) -> None:
        """Refuse while dead."""
        self._check()
        await self.inner.keep(prefix, until, held=held)

    async def remove(self, prefix: str, but: frozenset[str]) -> tuple[str, ...]:
        """Refuse while dead."""
        self._check()
        return await self.inner.remove(prefix, but)

    async def probe(self) -> None:
        """Refuse while dead."""
        self._check()

    def _check(self) -> None:
        if self.dead:
            raise StorageError("connection refused", code="archive_unreachable")
