"""After the call: merge, archive, read back, release. Each step can be cut off and taken up again.

What is done is read from the journal, never remembered: a job that another worker takes over goes on
where the facts end. Files are frozen before they are uploaded, and the archive refuses a second content
under the same key, so that nothing is stored twice and nothing is replaced. The local copy goes last.
"""

import asyncio
import contextlib
import hashlib
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import structlog
from prometheus_client import Counter, Gauge

from contract.errors import NotFound, StorageError, TellerError
from contract.facts import (
    ArchiveVerified,
    ArchiveWritten,
    CaseAdvanced,
    Entry,
    Fact,
    MergeCompleted,
    MergeFailed,
    MergeStarted,
    RenderCompleted,
    SpoolReleased,
)
from contract.ids import CaseId
from contract.keeping_facts import MediaDiscarded, RecordTimestamped
from contract.phases import AbortedKeeps, CaseEnd, CasePhase, Completeness
from contract.ports import Archive, CaseStore, Clock, Job, JobQueue, Journal, LeaseLost
from contract.record_facts import MadeFile, StepKept
from recordings import merge, papers, rerender
from recordings.beside import write_beside
from recordings.chapters import ScriptStep
from recordings.completeness import CallAccount, RecordRules, accounted, dump_accounts, judge
from recordings.compose import FPS
from recordings.disposition import discard, discardable
from recordings.findings import (
    VERSION as FINDINGS_VERSION,
)
from recordings.findings import (
    Findings,
    faces_counted,
    faces_watched,
    lane_findings,
    missing_steps,
)
from recordings.frozen import delete_listed, freeze, journal_bytes
from recordings.ledger import account
from recordings.manifest import (
    journal_version,
)
from recordings.papers import SEALED, SealedList, dump_sealed, objects_of
from recordings.signature import RECORD_SIGNATURE, TIMESTAMP, Signer
from recordings.spool import Spool, create_synced, replace_synced, sha256_of
from recordings.timestamp import ask_for_timestamp, check_timestamp
from recordings.veiled import VEILED_FILE, boxes, veil_film

_log = structlog.get_logger(__name__)
_STAMPING = "timestamp"

JOBS = Counter("teller_recordings_jobs", "Jobs by how they ended.", ["kind", "how"])
SPEED = Gauge("teller_recordings_merge_speed", "Recorded seconds per second of the last merge.")

# The facts with which a case goes to the auditors, or not, by its journal. Blocks.
HandOver = Callable[[Sequence[Entry]], Sequence[Fact]]
# How many faces each JPEG shows, None where no model can tell.
CountFaces = Callable[[Sequence[bytes]], Awaitable[Sequence[int] | None]]

_F = TypeVar("_F", bound=Fact)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class PipelineSettings:
    """Times in seconds. A lease outlives several missed heartbeats; each retry waits four times longer.

    ``utc_offset_s`` is the local time that is burnt in, None for the server's.
    """

    lease_s: float = 60.0
    beat_s: float = 5.0
    poll_s: float = 1.0
    retry_first_s: float = 15.0
    retry_max_s: float = 900.0
    utc_offset_s: int | None = None


def to_the_auditors(entries: Sequence[Entry]) -> Sequence[Fact]:
    """Hand every case over that the agent is done with."""
    advanced = _last(entries, CaseAdvanced)
    done = advanced is not None and advanced.now is CasePhase.AGENT_DONE
    return (CaseAdvanced(CasePhase.AGENT_DONE, CasePhase.UNDER_AUDIT),) if done else ()


async def no_model(pictures: Sequence[bytes]) -> None:
    """Count nothing: there is no model."""


class Outage(StorageError):
    """The archive does not answer; the record waits for it however long that takes."""


class Stopped(Exception):
    """The rendering thread was told to stop."""


@dataclass(slots=True)
class _Progress:
    """What the heartbeat tells; written by the rendering thread, read by the event loop."""

    fraction: float = 0.0
    note: str = "starting"
    stop: threading.Event = field(default_factory=threading.Event)

    def told(self, fraction: float, note: str) -> None:
        """Take the renderer's progress; raise Stopped when nobody waits for it any more."""
        if self.stop.is_set():
            raise Stopped
        # Rendering is most of the work; the archive gets the last tenth.
        self.fraction, self.note = fraction * 0.9, note


class Pipeline:
    """Works on jobs of kind ``merge``, ``archive_journal`` and ``timestamp``."""

    def __init__(
        self,
        spool: Spool,
        journal: Journal,
        jobs: JobQueue,
        archive: Archive,
        cases: CaseStore,
        clock: Clock,
        signer: Signer,
        worker_name: str,
        settings: PipelineSettings | None = None,
        script: Sequence[ScriptStep] = (),
        rules: RecordRules | None = None,
        count_faces: CountFaces = no_model,
        *,
        aborted_keeps: Callable[[str], AbortedKeeps] = lambda policy: AbortedKeeps.EVERYTHING,
        timestamp_url: str = "",
        hand_over: HandOver = to_the_auditors,
    ) -> None:
        """``aborted_keeps`` says by the name of a case's policy what remains when it is aborted.

        ``timestamp_url`` is a time authority's address, empty for none.
        """
        self._spool, self._journal, self._jobs = spool, journal, jobs
        self._archive, self._cases, self._clock = archive, cases, clock
        self._signer = signer
        self._worker = worker_name
        self._settings = settings or PipelineSettings()
        self._rules = rules or RecordRules()
        self._script = script
        self._aborted_keeps, self._timestamp_url = aborted_keeps, timestamp_url
        self._count_faces, self._hand_over = count_faces, hand_over
        self._looked_at = float("-inf")

    async def run_forever(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set; a job in progress then goes back to the queue."""
        while not stop.is_set():
            job = await self._claim()
            if job is None:
                await self._tell_buried()
                await _wait(stop, self._settings.poll_s)
            else:
                await self._run_until(stop, job)

    async def run_one(self, job: Job) -> bool:
        """Do ``job`` and settle it; return whether it was completed.

        A failure is journaled and the job put back with a growing delay. A job whose lease is lost is left
        to its new owner.
        """
        try:
            await self._work_beating(job)
            await self._jobs.complete(job)
        except LeaseLost:
            # The work was cut off; its new owner goes on where the facts end.
            self._settle(job, "lease_lost")
            return False
        except Exception as error:
            # Whatever it is: a job whose worker fell would come back until it is dead, and nobody be told.
            await self._fail(job, error)
            return False
        self._settle(job, "done")
        return True

    # --- one job -----------------------------------------------------------------------------

    async def _claim(self) -> Job | None:
        try:
            return await self._jobs.claim(self._worker, self._settings.lease_s)
        except StorageError as error:
            _log.error("the job queue does not answer", pii_error=str(error))
            return None

    async def _tell_buried(self) -> None:
        """Journal the jobs that died with their workers, which could not tell; once per lease, when idle."""
        now = self._clock.monotonic()
        if now - self._looked_at < self._settings.lease_s:
            return
        self._looked_at = now
        for case in await asyncio.to_thread(self._spool.cases):
            try:
                jobs = await self._jobs.for_case(case)
                if jobs and jobs[-1].state == "dead":
                    await self._tell_dead(jobs[-1])
            except StorageError as error:
                _log.error("a dead job cannot be told of", case=case, pii_error=str(error))

    async def _tell_dead(self, job: Job) -> None:
        facts = [entry.fact for entry in await self._journal.read(job.case)]
        if not any(
            isinstance(fact, MergeFailed) and fact.job == job.job and not fact.will_retry for fact in facts
        ):
            _log.error("a job is dead", kind=job.kind, case=job.case, pii_error=job.error)
            await self._journal.append(job.case, MergeFailed(job.job, job.attempt, "worker_lost", False))

    async def _run_until(self, stop: asyncio.Event, job: Job) -> None:
        async with asyncio.TaskGroup() as group:
            work = group.create_task(self.run_one(job))
            stopping = group.create_task(stop.wait())
            await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            work.cancel()
        if work.cancelled():
            await self._give_back(job)
            self._settle(job, "stopped")

    async def _give_back(self, job: Job) -> None:
        """Put the job back; a stop, however often, is no reason to give the record up."""
        try:
            if not await self._jobs.fail(job, "worker_stopped", 0.0):
                await self._jobs.enqueue(job.kind, job.case, job.args)
        except LeaseLost:
            return
        except StorageError as error:
            # The lease runs out, and another worker takes it.
            _log.error("a job cannot be given back", case=job.case, pii_error=str(error))

    async def _work_beating(self, job: Job) -> None:
        progress = _Progress()
        try:
            async with asyncio.TaskGroup() as group:
                beating = group.create_task(self._beat(job, progress))
                await self._work(job, progress)
                beating.cancel()
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from errors

    async def _beat(self, job: Job, progress: _Progress) -> None:
        while True:
            await self._jobs.beat(job, progress.fraction, progress.note, self._settings.lease_s)
            await asyncio.sleep(self._settings.beat_s)

    async def _work(self, job: Job, progress: _Progress) -> None:
        match job.kind:
            case "merge":
                await self._bring_home(job, progress)
            case "archive_journal":
                await self._ship_journal(job.case)
            case kind if kind == _STAMPING:
                await self._stamp(job.case)
            case kind if kind.startswith(rerender.KIND):
                await self._render_again(job, progress)
            case _:
                raise StorageError("no such kind of job", code="unknown_job")

    async def _fail(self, job: Job, error: Exception) -> None:
        reason = error.code if isinstance(error, TellerError) else type(error).__name__
        since = await self._away_since(job, error, reason)
        delay = max(self._settings.retry_first_s * 4 ** min(job.attempt - 1, 9), since or 0.0)
        delay = min(self._settings.retry_max_s, delay)
        _log.error("a job failed", kind=job.kind, case=job.case, reason=reason, pii_error=str(error))
        self._settle(job, "failed")
        try:
            again = await self._jobs.fail(job, reason, delay)
            if not again and isinstance(error, Outage):
                await self._jobs.enqueue(job.kind, job.case, job.args)
                again = True
            # A record without its timestamp is whole: nobody is told that it failed.
            if since is None and job.kind != _STAMPING:
                await self._journal.append(job.case, MergeFailed(job.job, job.attempt, reason, again))
        except (LeaseLost, StorageError) as second:
            _log.error("a failure cannot be noted", case=job.case, pii_error=str(second))

    async def _away_since(self, job: Job, error: Exception, reason: str) -> float | None:
        """Return for how many seconds the case has waited for the archive; None for any other failure.

        An outage is journaled once, and its retries come as far apart as it has lasted.
        """
        if not isinstance(error, Outage):
            return None
        with contextlib.suppress(StorageError):
            last = (await self._journal.read(job.case))[-1]
            match last.fact:
                case MergeFailed(reason=told, will_retry=True) if told == reason:
                    return max(0.0, self._clock.now() - last.at)
        return None

    def _settle(self, job: Job, how: str) -> None:
        JOBS.labels(job.kind, how).inc()
        _log.info("job settled", kind=job.kind, case=job.case, how=how, attempt=job.attempt)

    # --- the way home ------------------------------------------------------------------------

    async def _bring_home(self, job: Job, progress: _Progress) -> None:
        case = job.case
        entries = await self._journal.read(case)
        if _last(entries, SpoolReleased) is None:
            if _last(entries, ArchiveVerified) is None:
                if await self._discard(case, entries):
                    entries = await self._journal.read(case)
                else:
                    await self._merge(job, entries, progress)
                progress.fraction, progress.note = 0.9, "archiving"
                await self._archive_case(case)
            progress.fraction, progress.note = 0.97, "releasing"
            await self._ship_journal(case)
            await self._release(case)
        await self._hand_to_auditors(case)
        if self._timestamp_url and _last(await self._journal.read(case), ArchiveVerified) is not None:
            await self._jobs.enqueue(_STAMPING, case)

    async def _stamp(self, case: CaseId) -> None:
        """Have the time authority vouch for the record's signature; once, and waited for as an archive is."""
        if _last(await self._journal.read(case), RecordTimestamped) is not None:
            return
        prefix = f"{(await self._cases.case(case)).tenant}/{case}/"
        with _archive_answers():
            signature = await self._content(prefix + RECORD_SIGNATURE)
            if await self._archive.stat(prefix + TIMESTAMP) is None:
                token = await asyncio.to_thread(ask_for_timestamp, self._timestamp_url, signature)
                await self._ship(prefix + TIMESTAMP, token)
            token = await self._content(prefix + TIMESTAMP)
        stamped = check_timestamp(token, signature, ())
        sha256 = hashlib.sha256(token).hexdigest()
        await self._journal.append(case, RecordTimestamped(self._timestamp_url, stamped.at, sha256))
        await self._ship_journal(case)

    async def _content(self, key: str) -> bytes:
        return b"".join([block async for block in self._archive.read(key)])

    async def _discard(self, case: CaseId, entries: Sequence[Entry]) -> bool:
        """Delete what the policy does not keep of an aborted case; return whether it was one of these."""
        advanced = _last(entries, CaseAdvanced)
        keeps = self._aborted_keeps((await self._cases.case(case)).policy)
        if advanced is None or advanced.now is not CasePhase.ABORTED or keeps is AbortedKeeps.EVERYTHING:
            return False
        folder = self._spool.case_dir(case)
        files = await asyncio.to_thread(discardable, folder, keeps)
        if files and _last(entries, MediaDiscarded) is None:
            # Told first: what is missing from then on is missing on purpose.
            size = await asyncio.to_thread(lambda: sum(path.stat().st_size for path in files))
            await self._journal.append(case, MediaDiscarded(keeps, len(files), size))
        await asyncio.to_thread(discard, folder, files)
        return True

    async def _merge(self, job: Job, entries: Sequence[Entry], progress: _Progress) -> None:
        merged = _last(entries, MergeCompleted)
        out = self._spool.file(job.case, merge.MERGED_FILE)
        if merged is not None and await asyncio.to_thread(_is_intact, out, merged):
            return
        offset = self._settings.utc_offset_s
        if offset is None:
            offset = time.localtime(self._clock.now()).tm_gmtoff
        plan = await asyncio.to_thread(
            merge.plan_merge, self._spool, job.case, entries, offset, script=self._script
        )
        if plan.seconds <= 0:
            _log.info("nothing was recorded", case=job.case)
            return
        await self._journal.append(job.case, MergeStarted(job.job, self._worker, job.attempt))
        result = await _in_thread(progress, lambda: merge.merge_call(plan, out, progress.told))
        kept = await self._account(job.case, entries, plan, result)
        progress.note = "looking"
        found = await self._find(entries, plan, result, kept)
        files = await asyncio.to_thread(write_beside, out.parent, plan, result, found)
        files += await self._veil(plan, out, progress)
        SPEED.set(result.speed)
        done = MergeCompleted(
            job.job, merge.MERGED_FILE, result.sha256, result.bytes,
            result.seconds, result.gap_s, result.speed, plan.template, offset, files,
        )  # fmt: skip
        await self._journal.append(job.case, done)

    async def _veil(self, plan: merge.MergePlan, out: Path, progress: _Progress) -> tuple[MadeFile, ...]:
        """Make the film that is shown to whoever may not see the card, if one was held up."""
        if not plan.cards:
            return ()
        path = out.with_name(VEILED_FILE)
        places = await asyncio.to_thread(boxes, plan)

        def told(_seconds: float) -> None:
            progress.told(1.0, "veiling")

        await _in_thread(progress, lambda: veil_film(out, path, places, told))
        sha256, size = await asyncio.to_thread(sha256_of, path)
        return (MadeFile("veiled", VEILED_FILE, sha256, size),)

    async def _account(
        self, case: CaseId, entries: Sequence[Entry], plan: merge.MergePlan, result: merge.MergeResult
    ) -> tuple[StepKept, ...]:
        """Write the gap ledger, and journal and return what it says of the policy's steps."""
        calls = {
            call: CallAccount(laid, account(entries, laid, result.ledger[call]), result.ledger[call])
            for call, laid in ((one.timeline.call, one.timeline) for one in plan.calls)
        }
        rules = self._rules
        steps = judge(entries, calls, rules)
        content = dump_accounts(tuple(calls.values()), steps, rules.loss_s)
        await asyncio.to_thread(replace_synced, self._spool.file(case, merge.LEDGER_FILE), content)
        sha256 = hashlib.sha256(content).hexdigest()
        fact = accounted(merge.LEDGER_FILE, sha256, len(content), calls.values(), steps, rules.loss_s)
        await self._journal.append(case, fact)
        return steps

    async def _find(
        self,
        entries: Sequence[Entry],
        plan: merge.MergePlan,
        result: merge.MergeResult,
        kept: Sequence[StepKept],
    ) -> Findings:
        """Return what a machine notices; where no model can count faces, what was noticed in the calls."""
        samples = result.looks.samples
        counted = await self._count_faces([one.jpeg for one in samples])
        if counted is None:
            faces = faces_watched(entries, [(one.timeline.call, one.timeline.axis) for one in plan.calls])
        else:
            faces = faces_counted([(one.at_s, many) for one, many in zip(samples, counted, strict=True)])
        lanes = lane_findings(result.overview.peaks(), FPS, result.looks.notes())
        not_done = [step.step for step in kept if step.kept is Completeness.NOT_DONE]
        steps = missing_steps(self._script, not_done, entries)
        return Findings(FINDINGS_VERSION, result.seconds, faces, lanes, steps)

    async def _render_again(self, job: Job, progress: _Progress) -> None:
        template, case = rerender.template_of(job.kind), job.case
        entries = await self._journal.read(case)
        done = (entry.fact for entry in entries if isinstance(entry.fact, RenderCompleted))
        if any(fact.template is template for fact in done):
            return
        prefix = f"{(await self._cases.case(case)).tenant}/{case}/"
        source = rerender.source_of(entries)
        with rerender.workshop(self._spool, job.job) as folder:
            progress.note = "fetching"
            await rerender.fetch_tracks(lambda name, path: self._fetch(prefix + name, path), case, folder)
            plan = await asyncio.to_thread(rerender.plan_again, source, case, folder, template)
            out = folder / merge.merged_name(template)
            result = await _in_thread(progress, lambda: merge.merge_call(plan, out, progress.told))
            same = (result.sha256, result.bytes) == (source.merged.sha256, source.merged.bytes)
            # What the same template does not give again, by another FFmpeg, has a name of its own.
            name = source.merged.file if same else f"merged-{template}.mp4"
            if not same:
                progress.note = "archiving"
                with _archive_answers():
                    await self._archive.put(prefix + name, out)
                await self._read_back(prefix + name, result.sha256)
        fact = RenderCompleted(
            job.job, template, name, result.sha256, result.bytes, result.seconds, result.speed
        )
        await self._journal.append(case, fact)

    async def _fetch(self, key: str, path: Path) -> None:
        with _archive_answers(), path.open("xb") as file:
            async for block in self._archive.read(key):
                await asyncio.to_thread(file.write, block)

    async def _archive_case(self, case: CaseId) -> None:
        entries = await self._journal.read(case)
        tenant = (await self._cases.case(case)).tenant
        folder = self._spool.case_dir(case)
        frozen = await asyncio.to_thread(freeze, folder, tenant, entries, self._clock.now(), self._signer)
        prefix = f"{tenant}/{case}/"
        with _archive_answers():
            stored = {name: await self._archive.put(prefix + name, folder / name) for name in frozen.names}
        sealed = SealedList(papers.VERSION, tenant, case, frozen.sha256, frozen.signed_at, objects_of(stored))
        await self._ship(prefix + SEALED, dump_sealed(sealed, self._signer))
        written = _last(entries, ArchiveWritten)
        if written is None or written.manifest_sha256 != frozen.sha256:
            fact = ArchiveWritten(
                self._archive.name, frozen.sha256, len(frozen.names), frozen.bytes, frozen.signed_by
            )
            await self._journal.append(case, fact)
        for name, digest in frozen.names.items():
            await self._read_back(f"{tenant}/{case}/{name}", digest)
        await self._journal.append(case, ArchiveVerified(frozen.sha256, len(frozen.names), frozen.bytes))

    async def _read_back(self, key: str, wanted: str) -> None:
        digest = hashlib.sha256()
        with _archive_answers():
            async for block in self._archive.read(key):
                await asyncio.to_thread(digest.update, block)
        if digest.hexdigest() != wanted:
            raise StorageError("the archive gives back another content", code="archive_differs")

    async def _ship_journal(self, case: CaseId) -> None:
        """Put the journal as it stands beside the record; a journal that has not grown is there already."""
        entries = await self._journal.read(case)
        if not entries:
            raise NotFound("the case has no journal")
        tenant = (await self._cases.case(case)).tenant
        key = f"{tenant}/{case}/{journal_version(entries[-1].seq)}"
        await self._ship(key, journal_bytes(entries))

    async def _ship(self, key: str, content: bytes) -> None:
        """Put a paper that lies in no spool, and read it back."""
        with tempfile.TemporaryDirectory(prefix="paper-") as folder:
            path = Path(folder) / "paper"
            await asyncio.to_thread(create_synced, path, content)
            with _archive_answers():
                await self._archive.put(key, path)
        await self._read_back(key, hashlib.sha256(content).hexdigest())

    async def _release(self, case: CaseId) -> None:
        verified = _last(await self._journal.read(case), ArchiveVerified)
        await asyncio.to_thread(delete_listed, self._spool.case_dir(case))
        await self._journal.append(case, SpoolReleased(verified.bytes if verified else 0))

    async def _hand_to_auditors(self, case: CaseId) -> None:
        for fact in await asyncio.to_thread(self._hand_over, await self._journal.read(case)):
            await self._journal.append(case, fact)
        advanced = _last(await self._journal.read(case), CaseAdvanced)
        if advanced is not None and advanced.reason is CaseEnd.NOT_DRAWN:
            # Nobody will sign it, after which the grown journal would be archived.
            await self._jobs.enqueue("archive_journal", case, again=True)


@contextlib.contextmanager
def _archive_answers() -> Iterator[None]:
    """Raise Outage for what time may heal; a conflict of contents needs a person."""
    try:
        yield
    except StorageError as error:
        if error.code in {"archive_conflict", "archive_not_locked"}:
            raise
        raise Outage(str(error), code=error.code) from error


def _is_intact(path: Path, fact: MergeCompleted) -> bool:
    return path.is_file() and sha256_of(path) == (fact.sha256, fact.bytes)


def _last(entries: Sequence[Entry], kind: type[_F]) -> _F | None:
    found = (entry.fact for entry in reversed(entries) if isinstance(entry.fact, kind))
    return next(found, None)


async def _in_thread(progress: _Progress, work: Callable[[], _T]) -> _T:
    """Return what ``work`` returns; on cancellation tell it to stop and wait until it has."""
    running = asyncio.get_running_loop().run_in_executor(None, work)
    # Whoever gave up does not ask how it ended, and asyncio would log that nobody did.
    running.add_done_callback(lambda done: done.cancelled() or done.exception())
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        progress.stop.set()
        await asyncio.wait({running})
        raise


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
