"""A process that merges and archives one case, until it is done or killed. Arguments: root, case.

It says ``ready`` when it begins.
"""

import asyncio
import sys
from pathlib import Path

from contract.ids import CaseId
from recordings.archive_directory import DirectoryArchive
from recordings.journal import FileJournal
from recordings.pipeline import Pipeline
from recordings.signature import open_signer
from recordings.spool import Spool
from tests.recordings.desk import JobTable, OneTenant
from tests.recordings.recording_process import SystemClock


async def main(root: Path, case: CaseId) -> bool:
    """Work; return whether the job was completed."""
    jobs, clock = JobTable(), SystemClock()
    pipeline = Pipeline(
        Spool(root / "spool"),
        FileJournal(root / "journal", clock),
        jobs,
        DirectoryArchive(root / "archive"),
        OneTenant(),
        clock,
        open_signer(root / "records.pem"),
        "worker",
    )
    await jobs.enqueue("merge", case)
    job = await jobs.claim("worker", 60.0)
    assert job is not None
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    return await pipeline.run_one(job)


if __name__ == "__main__":
    sys.exit(not asyncio.run(main(Path(sys.argv[1]), CaseId(sys.argv[2]))))
