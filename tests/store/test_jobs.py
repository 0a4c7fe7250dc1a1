"""The job table: leases, retries and fencing, on both databases."""

import asyncio

import pytest

from contract.ids import CaseId
from contract.ports import Job, LeaseLost
from store import Database
from store.jobs import ABANDONED, MAX_ATTEMPTS
from tests.store.clock import MovedClock

CASE = CaseId("case-1")
LEASE_S = 30.0


async def _claimed(database: Database, worker: str = "w1") -> Job:
    job = await database.jobs.claim(worker, LEASE_S)
    assert job is not None, "no job was free"
    return job


async def _only(database: Database) -> Job:
    (job,) = await database.jobs.for_case(CASE)
    return job


async def test_job_goes_from_ready_to_done(database: Database, clock: MovedClock) -> None:
    """Each step is visible in the case's list of jobs."""
    queued_at = clock.now()
    job_id = await database.jobs.enqueue("merge", CASE, {"call": "call-1"})
    ready = await _only(database)
    assert (ready.job, ready.state, ready.attempt, ready.started_at) == (job_id, "ready", 0, None)
    clock.at += 5
    job = await _claimed(database)
    assert (job.state, job.worker, job.attempt, job.args) == ("running", "w1", 1, {"call": "call-1"})
    await database.jobs.beat(job, 0.5, "half", LEASE_S)
    assert ((await _only(database)).progress, (await _only(database)).note) == (0.5, "half")
    assert (await _only(database)).lease_until == clock.now() + LEASE_S
    clock.at += 5
    await database.jobs.complete(job)
    done = await _only(database)
    assert (done.state, done.progress) == ("done", 1.0)
    assert (done.queued_at, done.started_at, done.finished_at) == (queued_at, queued_at + 5, queued_at + 10)
    assert await database.jobs.claim("w1", LEASE_S) is None


async def test_same_work_is_queued_once(database: Database) -> None:
    """Ready, running or done: asking again gives the job there is; another kind or case does not."""
    first = await database.jobs.enqueue("merge", CASE)
    assert await database.jobs.enqueue("merge", CASE, {"other": "args"}) == first
    job = await _claimed(database)
    assert await database.jobs.enqueue("merge", CASE) == first
    await database.jobs.complete(job)
    assert await database.jobs.enqueue("merge", CASE) == first
    assert await database.jobs.enqueue("verify", CASE) != first
    assert await database.jobs.enqueue("merge", CaseId("case-2")) != first


async def test_many_jobs_follow_each_other(database: Database) -> None:
    """PostgreSQL plans a statement anew after five uses; the rule of one job per case must survive that."""
    for number in range(12):
        case = CaseId(f"case-{number}")
        assert await database.jobs.enqueue("merge", case) == await database.jobs.enqueue("merge", case)


async def test_same_work_asked_for_at_once_is_one_job(database: Database) -> None:
    """Twenty at the same moment get the same id."""
    ids = await asyncio.gather(*(database.jobs.enqueue("merge", CASE) for _ in range(20)))
    assert len(set(ids)) == 1
    assert (await _only(database)).job == ids[0]


async def test_oldest_is_taken_first(database: Database, clock: MovedClock) -> None:
    """Jobs are taken in the order in which they came."""
    cases = [CaseId(f"case-{number}") for number in (3, 1, 2)]
    for case in cases:
        await database.jobs.enqueue("merge", case)
        clock.at += 1
    assert [(await _claimed(database)).case for _ in cases] == cases


async def test_failed_job_waits_and_is_tried_again(database: Database, clock: MovedClock) -> None:
    """Not before its time; the error stays to be read until it succeeds."""
    await database.jobs.enqueue("merge", CASE)
    assert await database.jobs.fail(await _claimed(database), "disk full", 10.0)
    failed = await _only(database)
    assert (failed.state, failed.error, failed.attempt) == ("ready", "disk full", 1)
    clock.at += 9.9
    assert await database.jobs.claim("w2", LEASE_S) is None
    clock.at += 0.1
    again = await _claimed(database, "w2")
    assert (again.attempt, again.error) == (2, "disk full")
    await database.jobs.complete(again)
    assert (await _only(database)).error == ""


async def test_hopeless_job_dies_and_may_be_asked_for_anew(database: Database) -> None:
    """After the last attempt it is dead, is never claimed, and does not stand in the way."""
    first = await database.jobs.enqueue("merge", CASE)
    retried = [await database.jobs.fail(await _claimed(database), "no", 0.0) for _ in range(MAX_ATTEMPTS)]
    assert retried == [True] * (MAX_ATTEMPTS - 1) + [False]
    dead = await _only(database)
    assert (dead.state, dead.error) == ("dead", "no")
    assert dead.finished_at is not None
    assert await database.jobs.claim("w1", LEASE_S) is None
    second = await database.jobs.enqueue("merge", CASE)
    assert second != first
    assert (await _claimed(database)).job == second
    assert {job.job for job in await database.jobs.for_case(CASE)} == {first, second}


async def test_silent_worker_loses_its_job(database: Database, clock: MovedClock) -> None:
    """After the lease another takes over; the first one's reports are refused from then on."""
    await database.jobs.enqueue("merge", CASE)
    silent = await _claimed(database, "silent")
    clock.at += LEASE_S - 0.1
    assert await database.jobs.claim("other", LEASE_S) is None
    clock.at += 0.1
    taken = await _claimed(database, "other")
    assert (taken.job, taken.attempt) == (silent.job, 2)
    for report in (
        database.jobs.beat(silent, 0.9, "", LEASE_S),
        database.jobs.complete(silent),
        database.jobs.fail(silent, "x", 0.0),
    ):
        with pytest.raises(LeaseLost):
            await report
    await database.jobs.complete(taken)
    assert (await _only(database)).worker == "other"


async def test_same_worker_is_fenced_by_the_attempt(database: Database, clock: MovedClock) -> None:
    """A worker that restarts under its old name cannot be confused with what it was."""
    await database.jobs.enqueue("merge", CASE)
    before = await _claimed(database)
    clock.at += LEASE_S
    after = await _claimed(database)
    with pytest.raises(LeaseLost):
        await database.jobs.complete(before)
    await database.jobs.complete(after)


async def test_beats_keep_the_job(database: Database, clock: MovedClock) -> None:
    """A long job that reports is not taken away."""
    await database.jobs.enqueue("merge", CASE)
    job = await _claimed(database)
    for step in range(10):
        clock.at += LEASE_S * 0.9
        await database.jobs.beat(job, step / 10, "", LEASE_S)
        assert await database.jobs.claim("other", LEASE_S) is None
    await database.jobs.complete(job)


async def test_late_worker_may_go_on_while_nobody_took_over(database: Database, clock: MovedClock) -> None:
    """A lease that ran out unnoticed is extended by the next beat."""
    await database.jobs.enqueue("merge", CASE)
    job = await _claimed(database)
    clock.at += LEASE_S * 2
    await database.jobs.beat(job, 0.5, "", LEASE_S)
    assert await database.jobs.claim("other", LEASE_S) is None


async def test_job_that_kills_its_workers_dies(database: Database, clock: MovedClock) -> None:
    """A job whose workers vanish every time is not handed out for ever."""
    await database.jobs.enqueue("merge", CASE)
    for _ in range(MAX_ATTEMPTS):
        await _claimed(database)
        clock.at += LEASE_S
    assert await database.jobs.claim("w1", LEASE_S) is None
    dead = await _only(database)
    assert (dead.state, dead.error, dead.attempt) == ("dead", ABANDONED, MAX_ATTEMPTS)


async def test_one_job_is_given_to_one_of_many(database: Database) -> None:
    """Ten claims at once over five jobs give five different jobs."""
    for number in range(5):
        await database.jobs.enqueue("merge", CaseId(f"case-{number}"))
    claimed = await asyncio.gather(*(database.jobs.claim(f"w{number}", LEASE_S) for number in range(10)))
    taken = [job.job for job in claimed if job is not None]
    assert len(taken) == len(set(taken)) == 5


async def test_case_without_jobs_has_none(database: Database) -> None:
    """An empty list is no error."""
    assert await database.jobs.for_case(CASE) == ()


async def test_work_that_comes_again_is_done_again(database: Database) -> None:
    """A job that is done is made ready once more where there is new work of its kind, and only then."""
    job = await database.jobs.enqueue("archive_journal", CaseId("case-1"))
    taken = await database.jobs.claim("worker-1", 60)
    assert taken is not None
    await database.jobs.complete(taken)
    assert await database.jobs.enqueue("archive_journal", CaseId("case-1")) == job
    assert await database.jobs.claim("worker-1", 60) is None
    assert await database.jobs.enqueue("archive_journal", CaseId("case-1"), again=True) == job
    again = await database.jobs.claim("worker-1", 60)
    assert again is not None
    assert (again.job, again.attempt, again.progress) == (job, 1, 0.0)
