"""One server process under load: at fixed numbers of calls, then upward until it no longer holds."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.forwarding.figures import Figures, Work, figures
from benchmarks.forwarding.load import Load
from benchmarks.forwarding.processes import core_seconds, cpu_seconds, usage
from benchmarks.forwarding.servers import Call, Server

# Keyframes asked for, legs begun, numbering learnt.
WARM_UP_S = 1.0
# Handshakes of so many calls at a time, so that none waits too long for the core.
AT_ONCE = 4
# Of the expected number of calls: how far one step of the search goes, and when it is exact enough.
STEP, RESOLUTION = 0.12, 0.04
TRIES = 2
# Opening some calls, encrypting their packets, waiting for the last ones.
OVERHEAD_S = 1.5


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is measured: fixed numbers of calls, seconds a window, and a trial's time in all."""

    fixed: tuple[int, ...] = (2, 5)
    window_s: float = 3.0
    trial_s: float = 44.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a trial found. ``memory`` are (calls, PSS bytes); ``limit`` says what ended the search."""

    fixed: tuple[Figures, ...]
    climb: tuple[Figures, ...]
    memory: tuple[tuple[int, int], ...]
    most_calls: int
    limit: str
    profiles: tuple[str, ...]


class Trial:
    """Opens calls in ``server`` and measures; ``core`` is the server's."""

    def __init__(self, server: Server, core: int, extent: Extent) -> None:
        self._server, self._core, self._extent = server, core, extent
        self._load = Load()
        self._calls: list[Call] = []
        self._memory: list[tuple[int, int]] = []
        self._began = 0.0

    async def run(self, guess: int = 0) -> Outcome:
        """Measure everything; ``guess`` is how many calls are expected to be possible, 0 when unknown."""
        self._began = time.monotonic()
        fixed = tuple([await self.measure(calls) for calls in self._extent.fixed])
        # Cost goes down with load, as packets come in batches: the first guess is a low one.
        climb, limit = await self._climb(fixed, guess or round(fixed[-1].calls / fixed[-1].cpu_share))
        most = max((found.calls for found in (*fixed, *climb) if found.held), default=0)
        profiles = {party.profile for call in self._calls for party in call.parties}
        await self.resize(0)
        return Outcome(fixed, tuple(climb), tuple(self._memory), most, limit, tuple(sorted(profiles)))

    async def _climb(self, fixed: Sequence[Figures], guess: int) -> tuple[list[Figures], str]:
        """Go up in steps until it fails, then halve the gap."""
        found: list[Figures] = []
        low, high, limit = max((f.calls for f in fixed if f.held), default=0), 0, "time"
        calls, step = max(low + 1, round(guess * 0.9)), max(1, round(guess * STEP))
        while not found or self._has_time:
            found += await self._settle(calls)
            if found[-1].saturated:
                return found, "generator"
            if found[-1].trusted and found[-1].held:
                low = calls
            else:
                high, limit = calls, found[-1].failing
            if high and high - low <= max(1, round(high * RESOLUTION)):
                break
            calls = (low + high) // 2 if high else calls + step
        return found, limit

    async def _settle(self, calls: int) -> list[Figures]:
        """Measure until it holds, at most TRIES times: a neighbour may have taken the core for a moment."""
        found = [await self.measure(calls)]
        while not (found[-1].trusted and found[-1].held) and len(found) < TRIES and self._has_time:
            found.append(await self.measure(calls))
        return found

    @property
    def _has_time(self) -> bool:
        spent = time.monotonic() - self._began
        return spent + WARM_UP_S + self._extent.window_s + OVERHEAD_S < self._extent.trial_s

    async def measure(self, calls: int) -> Figures:
        """Measure one window with so many calls."""
        await self.resize(calls)
        marks: list[Work] = []
        traffic = self._load.run(
            WARM_UP_S,
            self._extent.window_s,
            lambda: marks.append(Work(cpu_seconds(self._server.pid), *core_seconds(self._core))),
        )
        if calls > max((many for many, _ in self._memory), default=0):
            self._memory.append((calls, usage(self._server.pid).pss))
        before, after = marks
        return figures(traffic, calls, after - before)

    async def resize(self, calls: int) -> None:
        """Open or close calls until there are so many."""
        while len(self._calls) > calls:
            self._load.drop(2)
            await self._calls.pop().close()
        while len(self._calls) < calls:
            async with asyncio.TaskGroup() as tasks:
                missing = min(calls - len(self._calls), AT_ONCE)
                opening = [tasks.create_task(self._server.open_call()) for _ in range(missing)]
            for task in opening:
                self._calls.append(task.result())
                self._load.add(*task.result().parties)
            self._load.idle(0.0)
