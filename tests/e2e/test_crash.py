"""The server is killed in the middle of a call; nothing but the last seconds may be missing."""

import asyncio
import random
import time
from pathlib import Path
from typing import Any

import pytest

from contract.facts import CallEnded, CaseRecovered, Entry, SegmentSealed, TrackStarted
from recordings.journal import FileJournal
from teller.clock import SystemClock
from teller.demo.caller import Rest
from teller.demo.data import LOGINS, VIDEO_SIZE
from tests.e2e.measure import measure
from tests.e2e.people import in_call
from tests.e2e.server import Server
from tests.media.scripted import until

pytestmark = [pytest.mark.server, pytest.mark.timeout(240)]

# The promise: at most this much of any track is missing after a kill.
LOSS_S = 5.0
# The kill comes at any moment of a segment, which is 4 s long: into the second one at the earliest.
TALK_S = (7.0, 15.0)
# A worker seals a handful of segments in less than one second of its own time.
SEALED_S = 20.0


async def _talk_and_kill(server: Server, talk_s: float, when: str) -> tuple[str, float]:
    async with in_call(server.url) as pair:
        await asyncio.sleep(talk_s)
        killed_at = time.time()
        await asyncio.to_thread(server.kill)
        await _until_sealed(server, when)
        await until("the closed socket", lambda: pair.agent.closed)
        return pair.case, killed_at


async def _until_sealed(server: Server, when: str) -> None:
    """Wait until the media worker has noticed, sealed what it wrote and ended by itself."""
    (worker,) = server.media_workers().values()
    await until(f"the worker's end, {when}", lambda: not Path(f"/proc/{worker}").exists(), SEALED_S)
    assert list((server.data / "spool").rglob("*.part")) == [], when


async def _until_archived(server: Server, case: str, when: str) -> Any:
    async with Rest(server.url) as auditor:
        await auditor.login(*LOGINS.auditor)
        deadline = time.monotonic() + 90
        while True:
            told = await auditor.case(case)
            if told["case"]["archived"]:
                return told
            assert time.monotonic() < deadline, f"{when}, not archived: {told['case']}, {told['jobs']}"
            await asyncio.sleep(0.2)


async def _journal(server: Server, case: str) -> tuple[Entry, ...]:
    return await FileJournal(server.data / "journal", SystemClock(), None).read(case)  # type: ignore[arg-type]


def test_a_killed_server_loses_at_most_five_seconds(tmp_path: Path, pack_settings: dict[str, str]) -> None:
    """After kill -9 and a restart every track ends at most 5 s before the kill, and the case tells it."""
    server = Server(tmp_path / "data", pack_settings)
    server.seed()
    server.start()
    talk_s = random.uniform(*TALK_S)
    when = f"killed after {talk_s:.2f} s of talk"
    case, killed_at = asyncio.run(_talk_and_kill(server, talk_s, when))
    server.start()
    try:
        told = asyncio.run(_until_archived(server, case, when))
    finally:
        assert server.stop() == 0
    entries = asyncio.run(_journal(server, case))
    facts = [entry.fact for entry in entries]
    tracks = {fact.track for fact in facts if isinstance(fact, TrackStarted)}
    sealed = [fact for fact in facts if isinstance(fact, SegmentSealed)]
    lost = {track: killed_at - max((f.last_at for f in sealed if f.track == track), default=0.0)
            for track in tracks}  # fmt: skip

    assert len(tracks) == 4, when
    assert all(seconds <= LOSS_S for seconds in lost.values()), (when, lost)
    assert any(isinstance(fact, CaseRecovered) for fact in facts), when
    assert [fact.reason for fact in facts if isinstance(fact, CallEnded)] == ["server_lost"], when
    assert (told["case"]["phase"], told["case"]["case_end"]) == ("aborted", "server_lost"), when
    merged = server.archived(case)
    assert measure(merged, VIDEO_SIZE).seconds >= talk_s - LOSS_S, when
