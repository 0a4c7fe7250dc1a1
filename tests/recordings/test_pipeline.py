"""The way of a record from the spool into the archive, cut off at every step."""

import asyncio
import dataclasses
import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contract.errors import StorageError
from contract.facts import (
    ArchiveVerified,
    ArchiveWritten,
    CaseAdvanced,
    Entry,
    Fact,
    GapsAccounted,
    MergeCompleted,
    MergeFailed,
    MergeStarted,
    SpoolReleased,
    StepMarked,
)
from contract.ids import AccountId, CaseId
from contract.phases import CaseEnd, CasePhase, Completeness, Role, StepResult
from contract.ports import CaseSummary, Job, LeaseLost
from recordings.completeness import RecordRules, WatchedStep
from recordings.journal import FileJournal
from recordings.manifest import journal_version
from recordings.merge import LEDGER_FILE, MERGED_FILE
from recordings.verify import verify_archive
from tests.recordings.bench import SECONDS, Bench, staged_bench
from tests.recordings.desk import TENANT, OneTenant
from tests.recordings.measured import measure


class Crash(BaseException):
    """The process is gone."""


async def _phase(bench: Bench) -> CasePhase:
    return [f.now for f in await bench.facts(CaseAdvanced) if isinstance(f, CaseAdvanced)][-1]


async def _assert_home(bench: Bench) -> None:
    """The record is whole in the archive, gone from the spool, and the auditors have the case."""
    for kind in (MergeCompleted, ArchiveWritten, ArchiveVerified, SpoolReleased):
        assert len(await bench.facts(kind)) == 1, kind.__name__
    assert await _phase(bench) is CasePhase.UNDER_AUDIT
    assert not bench.folder.exists()
    assert {MERGED_FILE, LEDGER_FILE, "manifest.json", "journal.jsonl"} <= bench.archived()
    report = await verify_archive(bench.archive, TENANT, bench.case)
    assert report.intact, report


async def test_a_case_that_nobody_audits_is_archived_with_its_end(tmp_path: Path) -> None:
    """No signature comes after which the last of the journal would go into the archive."""
    bench = await staged_bench(tmp_path)
    left_out = CaseAdvanced(CasePhase.AGENT_DONE, CasePhase.APPROVED, CaseEnd.NOT_DRAWN)

    assert await bench.pipeline(hand_over=lambda entries: (left_out,)).run_one(await bench.job())

    assert await _phase(bench) is CasePhase.APPROVED
    [ship] = [job for job in bench.jobs.jobs.values() if job.state == "ready"]
    assert ship.kind == "archive_journal"


async def test_end_to_end(tmp_path: Path) -> None:
    """A job merges, archives, verifies and releases, in this order, and completes."""
    bench = await staged_bench(tmp_path)

    assert await bench.pipeline().run_one(await bench.job())

    await _assert_home(bench)
    names = [entry.name for entry in await bench.journal.read(bench.case)]
    assert names[-6:-2] == ["GapsAccounted", "MergeCompleted", "ArchiveWritten", "ArchiveVerified"]
    assert names[-2:] == ["SpoolReleased", "CaseAdvanced"]
    assert [job.state for job in bench.jobs.jobs.values()] == ["done"]
    merged = measure(tmp_path / "archive" / TENANT / bench.case / MERGED_FILE)
    assert merged.seconds == pytest.approx(SECONDS, abs=0.1)


async def test_the_gaps_are_accounted(tmp_path: Path) -> None:
    """The journal has the ledger's hash and the lanes' sums; a step was lost with the agent's tracks."""
    bench = await staged_bench(tmp_path)
    rules = RecordRules((WatchedStep("greeting", "", True),), loss_s=0.1)
    await bench.journal.append(
        bench.case, StepMarked("greeting", StepResult.PASSED, "", "", AccountId("anna"))
    )
    assert await bench.pipeline(rules=rules).run_one(await bench.job())

    [told] = await bench.facts(GapsAccounted)
    assert isinstance(told, GapsAccounted)
    content = (tmp_path / "archive" / TENANT / bench.case / LEDGER_FILE).read_bytes()
    assert (told.sha256, told.bytes) == (hashlib.sha256(content).hexdigest(), len(content))
    customer = [lane for lane in told.lanes if lane.role is Role.CUSTOMER]
    agent = [lane for lane in told.lanes if lane.role is Role.AGENT]
    assert [round(lane.media_s, 1) for lane in customer] == [0.4, 0.4]
    assert [round(lane.lost_s, 1) for lane in agent] == [0.4, 0.4]
    [step] = told.steps
    assert (step.step, step.kept, round(step.lost_s, 1)) == ("greeting", Completeness.INCOMPLETE, 0.4)


async def test_archived_journal_reaches_the_verification(tmp_path: Path) -> None:
    """The journal beside the record has grown up to the read-back's own fact."""
    bench = await staged_bench(tmp_path)
    await bench.pipeline().run_one(await bench.job())
    entries = await bench.journal.read(bench.case)
    verified = next(e for e in entries if isinstance(e.fact, ArchiveVerified))

    assert journal_version(verified.seq) in bench.archived()


async def test_progress_is_told(tmp_path: Path) -> None:
    """The lease is extended from the beginning of the job."""
    bench = await staged_bench(tmp_path)
    await bench.pipeline(beat_s=0.01).run_one(await bench.job())
    told = [fraction for fraction, _ in bench.jobs.beats]

    assert told[0] == 0.0
    assert told == sorted(told)
    assert {"starting", "archiving"} <= {note for _, note in bench.jobs.beats}


class _Bomb:
    """Passes calls on to ``inner`` and ends the process before or after the n-th that changes something."""

    def __init__(self, at: int, after: bool) -> None:
        self.left, self.after, self.went_off = at, after, False

    def wrap(self, inner: Any, names: tuple[str, ...]) -> Any:
        return _Wrapped(self, inner, names)

    async def call(self, method: Callable[..., Any], *args: Any) -> Any:
        self.left -= 1
        if self.left == 0 and not self.after:
            self._explode()
        result = await method(*args)
        if self.left == 0:
            self._explode()
        return result

    def _explode(self) -> None:
        self.went_off = True
        raise Crash


class _Wrapped:
    def __init__(self, bomb: _Bomb, inner: Any, names: tuple[str, ...]) -> None:
        self._bomb, self._inner, self._names = bomb, inner, names

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name not in self._names:
            return found
        return lambda *args: self._bomb.call(found, *args)


# Some twenty records are made, archived and read back, each with tens of syncs.
@pytest.mark.timeout(400)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_crash_at_every_step(tmp_path: Path, after: bool) -> None:
    """Wherever the worker dies, the next one ends with the same archive: nothing lost, nothing twice."""
    expected: set[str] | None = None
    for step in range(1, 100):
        bench = await staged_bench(tmp_path / f"{after}-{step}")
        bomb = _Bomb(step, after)
        pipeline = bench.pipeline(bomb.wrap(bench.archive, ("put",)), bomb.wrap(bench.journal, ("append",)))
        job = await bench.job()
        try:
            await pipeline.run_one(job)
        except BaseExceptionGroup as group:
            assert group.subgroup(Crash) is not None
        assert await bench.pipeline().run_one(job)
        await _assert_home(bench)
        media = {name for name in bench.archived() if not name.startswith(("journal", "call-"))}
        expected = expected or media
        assert media == expected
        if not bomb.went_off:
            assert step > 10
            return
    raise AssertionError("the job has more steps than were tried")


async def test_crash_in_the_middle_of_the_release(tmp_path: Path) -> None:
    """A release that was cut off between two files is finished by the next worker."""
    bench = await staged_bench(tmp_path)
    bomb = _Bomb(4, after=False)
    pipeline = bench.pipeline(journal=_Only(bench.journal, SpoolReleased, bomb))
    job = await bench.job()
    bomb.left = 1
    with pytest.raises(BaseExceptionGroup):
        await pipeline.run_one(job)

    assert not bench.folder.exists()
    assert await bench.pipeline().run_one(job)
    await _assert_home(bench)


class _Only:
    """A journal whose appending of one kind of fact crashes."""

    def __init__(self, inner: FileJournal, kind: type[Fact], bomb: _Bomb) -> None:
        self._inner, self._kind, self._bomb = inner, kind, bomb

    async def append(self, case: CaseId, fact: Fact) -> Entry:
        if isinstance(fact, self._kind):
            return await self._bomb.call(self._inner.append, case, fact)  # type: ignore[no-any-return]
        return await self._inner.append(case, fact)

    async def read(self, case: CaseId, after: int = 0) -> tuple[Entry, ...]:
        return await self._inner.read(case, after)


async def test_dead_archive_then_back(tmp_path: Path) -> None:
    """While the archive is dead nothing is deleted and the job waits longer each time; then all is well."""
    bench = await staged_bench(tmp_path)
    bench.archive.dead = True
    pipeline = bench.pipeline(retry_first_s=1.0)
    for _ in range(2):
        assert not await pipeline.run_one(await bench.job())

    assert (bench.folder / MERGED_FILE).is_file()
    assert bench.jobs.delays == [1.0, 4.0]
    failed = await bench.facts(MergeFailed)
    assert [f.reason for f in failed if isinstance(f, MergeFailed)] == ["archive_unreachable"]
    assert len(await bench.facts(MergeStarted)) == 1

    bench.archive.dead = False
    assert await pipeline.run_one(await bench.job())
    await _assert_home(bench)


async def test_archive_that_lies(tmp_path: Path) -> None:
    """An object that reads back differently keeps the spool where it is."""
    bench = await staged_bench(tmp_path)
    bench.archive.lies_about = MERGED_FILE

    assert not await bench.pipeline().run_one(await bench.job())

    assert (bench.folder / MERGED_FILE).is_file()
    assert await bench.facts(ArchiveVerified) == []
    reasons = [f.reason for f in await bench.facts(MergeFailed) if isinstance(f, MergeFailed)]
    assert reasons == ["archive_differs"]


async def test_long_outage(tmp_path: Path) -> None:
    """A dead archive outlasts a job's attempts: the record stays in line, told once, tried ever later."""
    bench = await staged_bench(tmp_path)
    bench.archive.dead = True
    for _ in range(5):
        await bench.pipeline().run_one(await bench.job())
        bench.clock.pass_s(300)

    failed = [f.will_retry for f in await bench.facts(MergeFailed) if isinstance(f, MergeFailed)]
    assert failed == [True]
    assert bench.jobs.delays == [15.0, 300.0, 600.0, 900.0, 900.0]
    assert [job.state for job in bench.jobs.jobs.values()] == ["dead", "ready"]

    bench.archive.dead = False
    assert await bench.pipeline().run_one(await bench.job())
    await _assert_home(bench)


async def test_last_attempt(tmp_path: Path) -> None:
    """What time does not heal is given up after the last attempt, with the record still in the spool."""
    bench = await staged_bench(tmp_path)
    conflict = tmp_path / "archive" / TENANT / bench.case / MERGED_FILE
    conflict.parent.mkdir(parents=True)
    conflict.write_bytes(b"another")
    for _ in range(3):
        await bench.pipeline().run_one(await bench.job())

    failed = [f for f in await bench.facts(MergeFailed) if isinstance(f, MergeFailed)]
    assert [f.will_retry for f in failed] == [True, True, False]
    assert {f.reason for f in failed} == {"archive_conflict"}
    assert (bench.folder / MERGED_FILE).is_file()


async def test_aborted_case_stays_aborted(tmp_path: Path) -> None:
    """A case that ended in a lost call is archived and stays aborted."""
    bench = await staged_bench(tmp_path, phase=CasePhase.ABORTED)

    assert await bench.pipeline().run_one(await bench.job())
    assert await _phase(bench) is CasePhase.ABORTED
    assert not bench.folder.exists()


async def test_case_without_media(tmp_path: Path) -> None:
    """A case in which nothing was recorded is archived with its journal alone."""
    bench = await staged_bench(tmp_path, media=False)

    assert await bench.pipeline().run_one(await bench.job())
    assert {"manifest.json", "journal.jsonl"} <= bench.archived()
    assert MERGED_FILE not in bench.archived()
    assert await bench.facts(MergeCompleted) == []


async def test_late_file_is_not_deleted(tmp_path: Path) -> None:
    """A file that came after the manifest was made is never deleted, since it was never archived."""
    bench = await staged_bench(tmp_path)
    bench.archive.dead = True
    await bench.pipeline().run_one(await bench.job())
    (bench.folder / "evidence").mkdir()
    (bench.folder / "evidence" / "late.jpg").write_bytes(b"late")
    bench.archive.dead = False
    await bench.pipeline().run_one(await bench.job())

    assert [p.name for p in bench.folder.rglob("*") if p.is_file()] == ["late.jpg"]


async def test_lost_lease_stops_the_work(tmp_path: Path) -> None:
    """A worker that lost its lease stops rendering and touches the job no more."""
    bench = await staged_bench(tmp_path)
    job = await bench.job()
    bench.jobs.taken_over = True

    assert not await bench.pipeline().run_one(job)
    assert await bench.facts(MergeCompleted) == []
    assert await bench.facts(MergeFailed) == []
    assert [p for p in bench.folder.iterdir() if p.suffix == ".part"] == []


async def test_journal_after_the_sign_off(tmp_path: Path) -> None:
    """The grown journal goes beside the record under its own name; the one before stays."""
    bench = await staged_bench(tmp_path)
    await bench.pipeline().run_one(await bench.job())
    before = bench.archived()
    await bench.journal.append(bench.case, CaseAdvanced(CasePhase.UNDER_AUDIT, CasePhase.APPROVED))

    assert await bench.pipeline().run_one(await bench.job("archive_journal"))
    assert await bench.pipeline().run_one(await bench.job("archive_journal"))
    last = (await bench.journal.read(bench.case))[-1]
    assert bench.archived() - before == {journal_version(last.seq)}
    report = await verify_archive(bench.archive, TENANT, bench.case)
    assert report.intact
    assert report.entries == last.seq


async def test_rewritten_journal_is_found(tmp_path: Path) -> None:
    """Versions of the journal that do not continue each other are a problem, however sound each is."""
    bench = await staged_bench(tmp_path)
    await bench.pipeline().run_one(await bench.job())
    folder = tmp_path / "archive" / TENANT / bench.case
    version = next(folder.glob("journal-*.jsonl"))
    version.with_name(journal_version(1)).write_bytes(b"{}\n")
    report = await verify_archive(bench.archive, TENANT, bench.case)

    assert report.problems == ("journal_rewritten",)


async def test_unknown_kind(tmp_path: Path) -> None:
    """A job of an unknown kind fails and is noted."""
    bench = await staged_bench(tmp_path)

    assert not await bench.pipeline().run_one(await bench.job("paint"))


async def test_unwritable_journal_is_survived(tmp_path: Path) -> None:
    """When even the failure cannot be journaled, the job still goes back to the queue."""
    bench = await staged_bench(tmp_path)
    bench.archive.dead = True

    assert not await bench.pipeline(journal=_ReadOnly(bench.journal)).run_one(await bench.job())
    assert [job.state for job in bench.jobs.jobs.values()] == ["ready"]


class _ReadOnly:
    def __init__(self, inner: FileJournal) -> None:
        self.read = inner.read

    async def append(self, case: CaseId, fact: Fact) -> Entry:
        raise StorageError("disk full")


async def test_run_forever(tmp_path: Path) -> None:
    """The loop takes jobs as they come and ends when it is told to."""
    bench = await staged_bench(tmp_path)
    stop = asyncio.Event()
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        group.create_task(bench.pipeline(poll_s=0.01).run_forever(stop))
        async with bench.journal.follow(bench.case) as entries:
            await bench.jobs.enqueue("merge", bench.case)
            async for entry in entries:
                if entry.name == "CaseAdvanced":
                    break
        stop.set()

    await _assert_home(bench)


async def test_stop_in_the_middle_gives_the_job_back(tmp_path: Path) -> None:
    """A worker that is told to stop while it renders puts the job back at once."""
    bench = await staged_bench(tmp_path)
    await bench.jobs.enqueue("merge", bench.case)
    stop = asyncio.Event()

    class _StopAtFirstFact:
        def __init__(self) -> None:
            self.read = bench.journal.read

        async def append(self, case: CaseId, fact: Fact) -> Entry:
            stop.set()
            return await bench.journal.append(case, fact)

    async with asyncio.timeout(30):
        await bench.pipeline(journal=_StopAtFirstFact()).run_forever(stop)

    assert [(job.state, job.error) for job in bench.jobs.jobs.values()] == [("ready", "worker_stopped")]
    assert [p for p in bench.folder.iterdir() if p.suffix == ".part"] == []
    assert await bench.pipeline().run_one(await bench.job())
    await _assert_home(bench)


async def test_stops_do_not_bury_a_job(tmp_path: Path) -> None:
    """However often a worker is stopped in the middle, the record stays in line."""
    bench = await staged_bench(tmp_path)
    await bench.jobs.enqueue("merge", bench.case)
    for _ in range(4):
        stop = asyncio.Event()
        bench.jobs.beat = functools.partial(_stop_at_beat, stop)  # type: ignore[method-assign]
        async with asyncio.timeout(30):
            await bench.pipeline().run_forever(stop)
        assert [job.state for job in bench.jobs.jobs.values()].count("ready") == 1

    del bench.jobs.beat
    assert await bench.pipeline().run_one(await bench.job())
    await _assert_home(bench)


async def _stop_at_beat(stop: asyncio.Event, job: Job, progress: float, note: str, lease_s: float) -> None:
    stop.set()
    await asyncio.Event().wait()


@pytest.mark.parametrize("refusal", [StorageError("database is locked"), LeaseLost()])
async def test_job_that_cannot_be_given_back_waits_for_its_lease(tmp_path: Path, refusal: Exception) -> None:
    """The worker ends in good order all the same."""
    bench = await staged_bench(tmp_path)
    await bench.jobs.enqueue("merge", bench.case)
    stop = asyncio.Event()

    async def refuse(job: Job, error: str, retry_in_s: float) -> bool:
        raise refusal

    bench.jobs.beat = functools.partial(_stop_at_beat, stop)  # type: ignore[method-assign]
    bench.jobs.fail = refuse  # type: ignore[method-assign]
    async with asyncio.timeout(30):
        await bench.pipeline().run_forever(stop)

    assert [job.state for job in bench.jobs.jobs.values()] == ["running"]


async def test_unforeseen_error_is_noted(tmp_path: Path) -> None:
    """A mistake of ours fails the job and not the worker; the last attempt says that none follows."""
    bench = await staged_bench(tmp_path)

    class _Mistaken(OneTenant):
        async def case(self, case: CaseId) -> CaseSummary:
            raise RuntimeError("a mistake")

    for _ in range(3):
        assert not await bench.pipeline(cases=_Mistaken()).run_one(await bench.job())

    failed = [f for f in await bench.facts(MergeFailed) if isinstance(f, MergeFailed)]
    assert [(f.reason, f.will_retry) for f in failed] == [("RuntimeError", n < 2) for n in range(3)]


async def test_job_that_died_with_its_worker_is_told(tmp_path: Path) -> None:
    """Nobody was there to journal the last failure: the next worker does, once."""
    bench = await staged_bench(tmp_path)
    job = await bench.job()
    bench.jobs.jobs[job.job] = dataclasses.replace(job, state="dead", attempt=3)
    for _ in range(2):
        stop = asyncio.Event()
        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            group.create_task(bench.pipeline(poll_s=0.01).run_forever(stop))
            while not await bench.facts(MergeFailed):  # noqa: ASYNC110 - the journal is the condition
                await asyncio.sleep(0.01)
            stop.set()

    assert await bench.facts(MergeFailed) == [MergeFailed(job.job, 3, "worker_lost", False)]


async def test_job_table_that_cannot_be_looked_through_is_survived(tmp_path: Path) -> None:
    """Dead jobs are looked for again later; the worker goes on."""
    bench = await staged_bench(tmp_path)
    stop = asyncio.Event()

    async def refuse(case: CaseId) -> tuple[Job, ...]:
        stop.set()
        raise StorageError("database is locked")

    bench.jobs.for_case = refuse  # type: ignore[method-assign]
    async with asyncio.timeout(60):
        await bench.pipeline(poll_s=0.01).run_forever(stop)

    assert await bench.facts(MergeFailed) == []


async def test_dead_queue_is_survived(tmp_path: Path) -> None:
    """A job table that does not answer is asked again."""
    bench = await staged_bench(tmp_path)
    stop = asyncio.Event()
    calls = 0

    async def refuse(worker: str, lease_s: float) -> Job | None:
        nonlocal calls
        calls += 1
        if calls == 3:
            stop.set()
        raise StorageError("database is locked")

    bench.jobs.claim = refuse  # type: ignore[method-assign]
    async with asyncio.timeout(60):
        await bench.pipeline(poll_s=0.01).run_forever(stop)

    assert calls == 3
