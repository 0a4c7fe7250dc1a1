"""The machine's clock is set by an hour, back and forth, while two people talk: nothing of it shows."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from contract import facts, wire
from contract.facts import Entry
from contract.phases import CallPhase
from teller.demo.caller import Rest
from teller.demo.data import LOGINS
from tests.e2e.people import in_call
from tests.e2e.server import Server, running
from tests.e2e.test_crash import _journal
from tests.media.scripted import until

pytestmark = [pytest.mark.server, pytest.mark.timeout(300)]

HOUR = 3_600.0
# Between two steps, and before the first.
TALK_S = 4.0
# The film's length against the call's by its journal.
LENGTH_MAX_S = 0.5


class SteppedClock:
    """The wall clock of the server and all its processes, by libfaketime; the steady clock stays as it is."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        [library] = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
        self._file = folder / "clock"
        self.set_by(0.0)
        for name, value in {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }.items():
            patch.setenv(name, value)

    def set_by(self, seconds: float) -> None:
        """Let it differ by so much from the true time, at once."""
        part = self._file.with_suffix(".part")
        part.write_text(f"{seconds:+.0f}\n")
        part.replace(self._file)


@dataclass
class Told:
    """The journal, how long it was written by a clock that nobody set, and what a new case begins with.

    ``followed``: its first fact has the time that the machine then said.
    """

    entries: tuple[Entry, ...]
    seconds: float
    followed: bool

    @property
    def ended(self) -> facts.CallEnded:
        """Return the call's end; its length is by the steady clock."""
        [ended] = [entry.fact for entry in self.entries if isinstance(entry.fact, facts.CallEnded)]
        return ended

    @property
    def active_s(self) -> float:
        """Return how long the call was by its journal: from active to ended."""
        began = next(
            entry.at
            for entry in self.entries
            if isinstance(entry.fact, facts.CallAdvanced) and entry.fact.now is CallPhase.ACTIVE
        )
        return next(e.at for e in self.entries if isinstance(e.fact, facts.CallEnded)) - began


async def _play(server: Server, clock: SteppedClock) -> Told:
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with in_call(server.url) as pair:
        for step in (0.0, -HOUR, HOUR):
            clock.set_by(step)
            if step:
                await until("the fact", lambda step=step: _steps(pair.agent.entries)[-1:] == [step], 20)
            await asyncio.sleep(TALK_S)
        await pair.agent.send(wire.HangUp())
        await pair.agent.wait_for_fact(facts.CallEnded)
        seconds = loop.time() - began
    await _until_home(server, pair.case)
    async with Rest(server.url) as auditor:
        await auditor.login(*LOGINS.auditor)
        followed = await _begins_right(server, auditor)
    return Told(await _journal(server, pair.case), seconds, followed)


async def _until_home(server: Server, case: str) -> None:
    """Wait for the record in the archive, by the journal: a login does not outlive an hour's step."""
    deadline = time.monotonic() + 90
    while not any(isinstance(e.fact, facts.SpoolReleased) for e in await _journal(server, case)):
        assert time.monotonic() < deadline, "not archived"
        await asyncio.sleep(0.2)


async def _begins_right(server: Server, rest: Rest) -> bool:
    """Open another case; tell whether its first fact has the time that the machine now says."""
    door = await rest.call("POST", "/api/walk-in", body={"tenant": "demo", "language": "en"})
    first = (await _journal(server, door["case"]))[0]
    return abs(first.at - (time.time() + HOUR)) < 60.0


def _steps(entries: list[Entry]) -> list[float]:
    told = [entry.fact.seconds for entry in entries if isinstance(entry.fact, facts.ClockStepped)]
    return [HOUR * round(seconds / HOUR) for seconds in told]


@pytest.fixture(name="told", scope="module")
def _told(tmp_path_factory: pytest.TempPathFactory, pack_settings: dict[str, str]) -> Iterator[Told]:
    folder = tmp_path_factory.mktemp("stepped")
    server = Server(folder / "data", pack_settings)
    with pytest.MonkeyPatch.context() as patch:
        clock = SteppedClock(folder, patch)
        with running(server):
            yield asyncio.run(_play(server, clock))


def test_both_steps_are_facts_of_the_case(told: Told) -> None:
    """By how much the machine's clock then differed from the record's."""
    assert _steps(list(told.entries)) == [-HOUR, HOUR]


def test_the_journal_of_the_call_goes_on_evenly(told: Told) -> None:
    """From its first fact to its end no time goes back, and none is further on than what passed."""
    ended = next(n for n, e in enumerate(told.entries) if isinstance(e.fact, facts.CallEnded))
    times = [entry.at for entry in told.entries[: ended + 1]]
    assert all(a <= b for a, b in pairwise(times))
    assert times[-1] - times[0] < told.seconds


def test_the_record_is_as_long_as_the_talk_and_whole(told: Told) -> None:
    """Neither film nor ledger has an hour more or less, and nothing of the two steps is a gap."""
    [merged] = [e.fact for e in told.entries if isinstance(e.fact, facts.MergeCompleted)]
    assert told.ended.seconds > 3 * TALK_S
    assert merged.seconds == pytest.approx(told.active_s, abs=LENGTH_MAX_S)
    assert merged.seconds < told.seconds
    [counted] = [e.fact for e in told.entries if isinstance(e.fact, facts.GapsAccounted)]
    recorded = [lane for lane in counted.lanes if lane.media_s]
    assert len(recorded) == 4
    assert min(lane.media_s for lane in recorded) > 3 * TALK_S - 2.0
    assert max(lane.lost_s for lane in recorded) < 2.0
    sealed = [e.fact for e in told.entries if isinstance(e.fact, facts.SegmentSealed)]
    assert max(f.last_at for f in sealed) - min(f.first_at for f in sealed) < told.seconds


def test_the_right_time_is_followed_once_nothing_is_recorded(told: Told) -> None:
    """The next case has the machine's time."""
    assert told.followed
