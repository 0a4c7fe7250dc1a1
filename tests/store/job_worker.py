"""A worker process for the tests: ``job_worker.py URL NAME LEASE_S (hang | drain)``.

``hang`` claims one job, says so and never finishes; ``drain`` runs jobs until none is left.
"""

import asyncio
import sys

from contract.ports import Job
from store import Database


def _say(job: Job) -> None:
    sys.stdout.write(f"{job.job} {job.attempt}\n")
    sys.stdout.flush()


async def _main(url: str, name: str, lease_s: float, what: str) -> None:
    async with Database(url) as database:
        while job := await database.jobs.claim(name, lease_s):
            if what == "hang":
                await database.jobs.beat(job, 0.5, "half", lease_s)
                _say(job)
                await asyncio.Event().wait()
            _say(job)
            await database.jobs.complete(job)


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4]))
