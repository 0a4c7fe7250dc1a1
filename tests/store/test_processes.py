"""Several worker processes on one job table."""

import asyncio
import sys
import time
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import pytest

from contract.ids import CaseId
from contract.ports import Job
from store import Database

ROOT = Path(__file__).resolve().parents[2]
CASE = CaseId("case-1")


async def _worker(url: str, name: str, lease_s: float, what: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.store.job_worker", url, name, str(lease_s), what, cwd=ROOT, stdout=PIPE
    )  # fmt: skip


async def _taken_over(database: Database, within_s: float) -> Job:
    deadline = time.monotonic() + within_s
    while True:
        job = await database.jobs.claim("second", 60.0)
        if job is not None:
            return job
        assert time.monotonic() < deadline, f"not free yet: {await database.jobs.for_case(CASE)}"
        await asyncio.sleep(0.05)


async def test_job_of_a_killed_worker_is_taken_over(url: str) -> None:
    """kill -9 in the middle of a job: after the lease, and not before, another worker gets it."""
    lease_s = 2.0
    async with Database(url) as database:
        job_id = await database.jobs.enqueue("merge", CASE)
        worker = await _worker(url, "first", lease_s, "hang")
        assert worker.stdout is not None
        assert (await worker.stdout.readline()).decode().split() == [job_id, "1"]
        assert await database.jobs.claim("second", lease_s) is None
        worker.kill()
        await worker.communicate()
        job = await _taken_over(database, 30)
        assert (job.job, job.attempt, job.worker) == (job_id, 2, "second")
        await database.jobs.complete(job)


@pytest.mark.slow
async def test_four_processes_run_each_of_a_hundred_jobs_once(url: str) -> None:
    """No job is lost and none runs twice."""
    async with Database(url) as database:
        queued = {await database.jobs.enqueue("merge", CaseId(f"case-{number}")) for number in range(100)}
        workers = [await _worker(url, f"w{number}", 60.0, "drain") for number in range(4)]
        said = [(await worker.communicate())[0].decode().splitlines() for worker in workers]
        assert [worker.returncode for worker in workers] == [0, 0, 0, 0]
        ran = [line.split() for lines in said for line in lines]
        assert sorted(job for job, _ in ran) == sorted(queued)
        assert {attempt for _, attempt in ran} == {"1"}
        states = [
            job.state
            for number in range(100)
            for job in await database.jobs.for_case(CaseId(f"case-{number}"))
        ]
        assert states == ["done"] * 100
