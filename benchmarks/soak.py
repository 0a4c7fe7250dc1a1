"""Opens and closes many calls, and looks what of them is left in the media process.

    python -m benchmarks.soak [--calls N]

Each call has two real parties: ICE, DTLS, some sound and pictures both ways, recorded. Between batches the
process is asked to collect garbage, and is looked at from outside. Exit code 1 when memory grew by 2 % or
more after the first 200 calls, or a descriptor, thread or task is left over.
"""

import argparse
import asyncio
import logging
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from benchmarks.forwarding.load import Load
from benchmarks.forwarding.ours import Ours, running_ours
from benchmarks.forwarding.processes import usage
from benchmarks.forwarding.servers import BROWSER, Conditions

GROWTH_MAX = 0.02
# Caches, imports and the allocator's pools have filled by then.
SETTLED_AFTER = 200
# Long enough for a keyframe from each party and some packets behind it (s).
_MEDIA_S = 0.25
_LAST_PACKETS_S = 0.05
# How often memory is looked at after that.
_LOOKS = 6
# How long closed calls may take to vanish (s).
_GONE_S = 10.0


@dataclass(frozen=True, slots=True)
class Standing:
    """What the process holds while no call is open; memory in bytes."""

    calls: int
    rss: int
    files: int
    threads: int
    tasks: int

    def line(self, before: "Standing") -> str:
        """Tell what is held, and how memory grew since ``before``."""
        return (
            f"{self.calls:5d} calls: {self.rss / 1e6:.1f} MB ({self.rss / before.rss - 1:+.1%}),"
            f" {self.files} descriptors, {self.threads} threads, {self.tasks} tasks"
        )

    def leftovers(self, before: "Standing") -> list[str]:
        """Name what grew since ``before``."""
        grown = [
            f"{name}: {old} -> {new}"
            for name, old, new in (
                ("descriptors", before.files, self.files),
                ("threads", before.threads, self.threads),
                ("tasks", before.tasks, self.tasks),
            )
            if new > old
        ]
        growth = self.rss / before.rss - 1
        return [*grown, *([f"memory: {growth:+.1%}"] if growth >= GROWTH_MAX else [])]


class Soak:
    """Plays calls against ``server``, ``at_once`` of them at a time."""

    def __init__(self, server: Ours, at_once: int) -> None:
        self._server, self._at_once = server, at_once
        self.calls = self.packets = 0

    async def play(self, until: int) -> None:
        """Open and close calls until there were ``until``; their media counts as ``packets``."""
        while self.calls < until:
            count = min(self._at_once, until - self.calls)
            async with asyncio.TaskGroup() as tasks:
                opening = [tasks.create_task(self._server.open_call()) for _ in range(count)]
            calls = [task.result() for task in opening]
            load = Load()
            for call in calls:
                load.add(*call.parties)
            self.packets += len(load.run(0.0, _MEDIA_S, drain=_LAST_PACKETS_S).got_at)
            async with asyncio.TaskGroup() as tasks:
                for call in calls:
                    tasks.create_task(call.close())
            self.calls += count

    async def stand(self, tasks_max: int | None = None) -> Standing:
        """Return what is held, when no more than ``tasks_max`` tasks are left or time is over."""
        deadline = time.monotonic() + _GONE_S
        while True:
            tasks = int(await self._server.ask("count"))
            if tasks_max is None or tasks <= tasks_max or time.monotonic() > deadline:
                used = usage(self._server.pid)
                return Standing(self.calls, used.rss, used.files, used.threads, tasks)
            await asyncio.sleep(0.1)


async def soak(conditions: Conditions, calls: int, at_once: int) -> list[str]:
    """Play ``calls`` calls; print what is held on the way; return what is left over."""
    async with running_ours(conditions) as server:
        playing = Soak(server, at_once)
        settled = min(SETTLED_AFTER, calls // 2)
        steps = [settled + (calls - settled) * part // _LOOKS for part in range(_LOOKS + 1)]
        standings: list[Standing] = []
        for step in steps:
            await playing.play(step)
            standings.append(await playing.stand(standings[0].tasks if standings else None))
            print(standings[-1].line(standings[0]), flush=True)
        return standings[-1].leftovers(standings[0])


def main() -> None:
    """Run, and tell by the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--calls", type=int, default=2_000, help="calls to play, default 2000")
    parser.add_argument("--at-once", type=int, default=8, help="calls open at a time, default 8")
    parser.add_argument("--minutes", type=float, default=10.0, help="give up after this long, default 10")
    parser.add_argument("--no-record", action="store_true", help="without the recorder")
    arguments = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    core = min(os.sched_getaffinity(0))

    async def bounded() -> list[str]:
        async with asyncio.timeout(arguments.minutes * 60):
            return await soak(conditions, arguments.calls, arguments.at_once)

    with TemporaryDirectory() as name:
        record_in = "" if arguments.no_record else str(Path(name))
        conditions = Conditions("127.0.0.1", core, BROWSER, record_in, bare=True)
        leftovers = asyncio.run(bounded())
    print("left over: " + "; ".join(leftovers) if leftovers else "nothing is left over")
    sys.exit(bool(leftovers))


if __name__ == "__main__":
    main()
