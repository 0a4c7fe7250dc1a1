"""Rounds of play, and what each of them showed."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from benchmarks.desk.bank import Crowd
from benchmarks.desk.people import Lost, Manner
from benchmarks.forwarding.processes import alone, cpu_seconds

# How often the generator looks whether it is late itself (s).
_BEAT_S = 0.02
# A wallboard a second, and a tick of a quarter for places: who is at rest agrees well before this.
_REST_S = 5.0


@dataclass(frozen=True, slots=True)
class Round:
    """What a round showed. Times in seconds, memory in bytes, processor time in cores.

    ``first`` and ``later``: from an agent's word to the ring, when all begin at once and afterwards.
    ``board_gap``: the longest time between two wallboards; ``board_age``: how old their figures were at
    most when they came. ``late``: by how much the generator itself was late, 99th percentile.
    """

    seconds: float
    assigned: int
    refused: int
    first: list[float]
    later: list[float]
    board_gap: float
    board_age: float
    server_cores: float
    others_cores: float
    generator_cores: float
    memory: int
    messages: int
    late: float


def percentile(values: list[float], share: float) -> float:
    """Return the nearest rank: the value that ``share`` (0 to 1) of ``values`` do not exceed; 0 for none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0


class Trial:
    """Plays rounds with a crowd that is in, against the server process ``pid``."""

    def __init__(self, crowd: Crowd, pid: int, manner: Manner) -> None:
        self._crowd, self._pid, self._manner = crowd, pid, manner
        self._ledger = crowd.town.ledger

    async def play(self, seconds: float) -> Round:
        """Let all agents begin at once and work for ``seconds``; then compare everything at rest."""
        began = time.perf_counter()
        self._ledger.begin(began)
        period = self._ledger.period
        used = self._used()
        async with self._watching() as late:
            async with asyncio.TaskGroup() as group:
                for agent in self._crowd.agents:
                    shift = agent.shift(self._manner, began + seconds, self._crowd.invite)
                    group.create_task(self._worked(shift))
            ended = time.perf_counter()
            cores = [(now - then) / (ended - began) for now, then in zip(self._used(), used, strict=True)]
        gap = period.board_gap(ended)
        await self._rest()
        return Round(
            seconds=ended - began,
            assigned=period.assigned,
            refused=period.refused,
            first=period.first_rings,
            later=period.later_rings,
            board_gap=gap,
            board_age=max(period.board_ages, default=0.0),
            server_cores=cores[0],
            others_cores=cores[1] - cores[0],
            generator_cores=cores[2],
            memory=alone(self._pid).rss,
            messages=period.messages,
            late=percentile(late, 0.99),
        )

    def _used(self) -> tuple[float, float, float]:
        return alone(self._pid).cpu, cpu_seconds(self._pid), time.process_time()

    async def _worked(self, shift: Awaitable[None]) -> None:
        try:
            await shift
        except Lost as error:
            self._ledger.problem(str(error))

    @asynccontextmanager
    async def _watching(self) -> AsyncIterator[list[float]]:
        late: list[float] = []

        async def beat() -> None:
            while True:
                due = time.perf_counter() + _BEAT_S
                await asyncio.sleep(_BEAT_S)
                late.append(time.perf_counter() - due)

        task = asyncio.create_task(beat())
        try:
            yield late
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _rest(self) -> None:
        """Nobody is called any more: places, customers and the wallboard must agree with the truth."""
        crowd, ledger = self._crowd, self._ledger
        await crowd.settled()
        deadline = time.perf_counter() + _REST_S
        while True:
            unlike = ledger.unlike(await crowd.supervisor.next_board(), len(crowd.agents))
            if not unlike or time.perf_counter() >= deadline:
                break
        for each in unlike:
            ledger.problem(f"at rest: {each}")
        ledger.check(crowd.joined)
