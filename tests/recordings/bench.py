"""A case that waits for its merge, with everything that works on it."""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.facts import (
    CaseAdvanced,
    Fact,
)
from contract.ids import CaseId, new_seat_id
from contract.phases import CaseEnd, CasePhase, Role, TrackSource
from contract.ports import Job
from recordings.archive_directory import DirectoryArchive
from recordings.completeness import RecordRules
from recordings.journal import FileJournal
from recordings.pipeline import HandOver, Pipeline, PipelineSettings, to_the_auditors
from recordings.signature import open_signer
from tests.recordings.desk import TENANT, JobTable, MoodyArchive, OneTenant
from tests.recordings.encoded import MovedClock
from tests.recordings.staged import Frame, Stage, StagedTrack, film, stage, voice

# Short, because the crash test renders it dozens of times.
SECONDS = 0.4


@functools.cache
def _media() -> tuple[tuple[TrackSource, str, list[Frame]], ...]:
    return (
        (TrackSource.MICROPHONE, "opus", voice(SECONDS)),
        (TrackSource.CAMERA, "VP8", film(SECONDS, size=(160, 120))),
    )


@dataclass(slots=True)
class Bench:
    """A staged case with everything that works on it."""

    staged: Stage
    journal: FileJournal
    jobs: JobTable
    archive: MoodyArchive
    root: Path
    clock: MovedClock

    @property
    def case(self) -> CaseId:
        return self.staged.case

    @property
    def folder(self) -> Path:
        return self.staged.spool.case_dir(self.case)

    def pipeline(
        self,
        archive: Any = None,
        journal: Any = None,
        cases: Any = None,
        rules: RecordRules | None = None,
        hand_over: HandOver = to_the_auditors,
        **settings: Any,
    ) -> Pipeline:
        return Pipeline(
            self.staged.spool,
            journal or self.journal,
            self.jobs,
            archive or self.archive,
            cases or OneTenant(),
            self.clock,
            open_signer(self.root / "records.pem"),
            "worker-1",
            PipelineSettings(**settings),
            rules=rules,
            hand_over=hand_over,
        )

    async def job(self, kind: str = "merge") -> Job:
        if not any(job.state == "ready" for job in self.jobs.jobs.values()):
            await self.jobs.enqueue(kind, self.case)
        job = await self.jobs.claim("worker-1", 60.0)
        assert job is not None
        return job

    async def facts(self, kind: type[Fact]) -> list[Fact]:
        return [e.fact for e in await self.journal.read(self.case) if isinstance(e.fact, kind)]

    def archived(self) -> set[str]:
        folder = self.root / "archive" / TENANT / self.case
        return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def _short_call(tmp_path: Path, media: bool) -> Stage:
    staged = stage(tmp_path / "spool")
    staged.begin()
    if media:
        seat = new_seat_id()
        for source, codec, frames in _media():
            staged.record(StagedTrack(Role.CUSTOMER, source, codec, frames, seat))
    staged.end(SECONDS)
    return staged


async def staged_bench(
    tmp_path: Path,
    *,
    media: bool = True,
    phase: CasePhase = CasePhase.AGENT_DONE,
    staged: Stage | None = None,
) -> Bench:
    """Return a case whose call is over and waits for its merge: ``staged``, else a short one."""
    staged = staged or _short_call(tmp_path, media)
    clock = MovedClock(wall=staged.entries[0].at)
    journal = FileJournal(tmp_path / "journal", clock)
    for entry in staged.entries:
        clock.wall = entry.at
        await journal.append(staged.case, entry.fact)
    reason = CaseEnd.CALL_FAILED if phase is CasePhase.ABORTED else None
    await journal.append(staged.case, CaseAdvanced(CasePhase.IN_CALL, phase, reason))
    archive = MoodyArchive(DirectoryArchive(tmp_path / "archive"))
    return Bench(staged, journal, JobTable(), archive, tmp_path, clock)
