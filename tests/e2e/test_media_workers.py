"""Two media workers, two calls: one worker is killed and only its call notices, and comes back."""

import asyncio
import os
import re
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.request import urlopen

import pytest

from contract import facts, wire
from contract.facts import Entry
from contract.ids import TrackId
from contract.phases import CallEnd
from teller.demo.caller import Caller, Rest
from teller.demo.data import LOGINS, PASSWORD, VIDEO_SIZE
from teller.demo.peer import WebRtcPeer
from tests.e2e.measure import measure
from tests.e2e.people import Pair, in_call
from tests.e2e.server import Server, running
from tests.media.scripted import until

pytestmark = [pytest.mark.server, pytest.mark.timeout(300)]

# A seat is kept for so long; the call must be back before.
SEAT_S = 20.0
# What each stretch of the call lasts at least.
TALK_S = 6.0
# Until a merged and archived record on a busy machine.
ARCHIVED_S = 120.0


def figures(server: Server) -> str:
    with urlopen(f"{server.url}/metrics", timeout=5) as answer:  # noqa: S310 - our own loopback URL
        return str(answer.read().decode())


def calls_by_worker(server: Server) -> dict[int, int]:
    found = re.findall(r'^teller_media_worker_calls\{worker="(\d)"\} (\d)', figures(server), re.MULTILINE)
    return {int(worker): int(calls) for worker, calls in found}


def of(entries: list[Entry], kind: type[facts.Fact]) -> list[Entry]:
    return [entry for entry in entries if isinstance(entry.fact, kind)]


def hit(pair: Pair) -> bool:
    """Tell whether the call lost its worker."""
    return bool(of(pair.agent.entries, facts.MediaLost))


@dataclass
class Told:
    """What the test saw of the call that was hit and of the other one."""

    killed_at: float
    back_s: float
    entries: list[Entry]
    other_entries: list[Entry]
    merged: Path


def _sees_again(caller: Caller, before: WebRtcPeer | None) -> bool:
    peer = caller.peer
    return peer is not None and peer is not before and peer.first_video_at is not None


async def _archived(server: Server, case: str) -> Path:
    async with Rest(server.url) as auditor:
        await auditor.login(*LOGINS.auditor)
        deadline = time.monotonic() + ARCHIVED_S
        while not (told := await auditor.case(case))["case"]["archived"]:
            assert time.monotonic() < deadline, f"not archived: {told['case']}, {told['jobs']}"
            await asyncio.sleep(0.2)
    return await server.fetched(case)


async def _play(server: Server) -> Told:
    async with (
        in_call(server.url) as pair,
        in_call(server.url, login=("agent2", PASSWORD)) as other,
    ):
        assert calls_by_worker(server) == {0: 1, 1: 1}
        assert 'process_cpu_seconds_total{worker="1"}' in figures(server)
        await asyncio.sleep(TALK_S)
        before = {caller: caller.peer for one in (pair, other) for caller in (one.customer, one.agent)}
        killed_at, begun = time.time(), time.monotonic()
        os.kill(server.media_workers()[0], signal.SIGKILL)
        await until("the loss", lambda: hit(pair) or hit(other))
        struck, spared = (other, pair) if hit(other) else (pair, other)
        for caller in (struck.customer, struck.agent):
            await until("a picture over a new connection", partial(_sees_again, caller, before[caller]))
        back_s = time.monotonic() - begun
        await asyncio.sleep(TALK_S)
        for agent in (struck.agent, spared.agent):
            await agent.send(wire.HangUp())
            ended = await agent.wait_for_fact(facts.CallEnded)
            assert ended.reason is CallEnd.AGENT_HUNG_UP
        await until("two workers", lambda: "teller_media_workers 2.0" in figures(server))
    merged = await _archived(server, struck.case)
    return Told(killed_at, back_s, struck.agent.entries, spared.agent.entries, merged)


@pytest.fixture(name="told", scope="module")
def _told(tmp_path_factory: pytest.TempPathFactory, pack_settings: dict[str, str]) -> Iterator[Told]:
    """Play both calls once; when the server has stopped, no worker is left."""
    data = tmp_path_factory.mktemp("workers") / "data"
    server = Server(data, {**pack_settings, "media.workers": "2"})
    with running(server):
        told = asyncio.run(_play(server))
        yield told
    left = [pid for pid in server.media_workers().values() if Path(f"/proc/{pid}").exists()]
    assert left == []


def test_the_call_is_back_within_its_seats(told: Told) -> None:
    """Both sides see each other again before their seats are given up."""
    assert told.back_s < SEAT_S


def test_the_other_call_notices_nothing(told: Told) -> None:
    """Its connections were never lost and its tracks never ended before the hang-up."""
    assert of(told.other_entries, facts.MediaLost) == []
    assert len(of(told.other_entries, facts.TrackStarted)) == 4


def test_the_journal_tells_of_the_loss(told: Told) -> None:
    """Both seats lost their media with the worker, returned, and every cut recording is closed."""
    lost = [entry.fact for entry in of(told.entries, facts.MediaLost)]
    assert [fact.reason for fact in lost if isinstance(fact, facts.MediaLost)] == ["worker_lost"] * 2
    assert len(of(told.entries, facts.PartyReturned)) == 2
    started = [e.fact for e in of(told.entries, facts.TrackStarted)]
    assert len(started) == 8
    stopped = {e.fact.track for e in told.entries if isinstance(e.fact, facts.RecordingStopped)}
    cut = {f.track for f in started[:4] if isinstance(f, facts.TrackStarted)}
    assert cut <= stopped


def test_little_is_missing_before_the_kill(told: Told) -> None:
    """Every track's last segment of the first stretch ends at most five seconds before the kill."""
    cut = [e.fact.track for e in told.entries if isinstance(e.fact, facts.TrackStarted)][:4]
    last: dict[TrackId, float] = {}
    for entry in told.entries:
        if isinstance(entry.fact, facts.SegmentSealed) and entry.fact.track in cut:
            last[entry.fact.track] = max(last.get(entry.fact.track, 0.0), entry.fact.last_at)
    assert len(last) == 4
    assert all(told.killed_at - at <= 5.0 for at in last.values()), last


def test_the_merged_file_has_both_stretches(told: Told) -> None:
    """One file shows both people before and after the gap."""
    merged = measure(told.merged, VIDEO_SIZE)
    gap_at = TALK_S
    for side in ("customer", "agent"):
        seen = [at for at, _ in merged.sides[side].counters]
        assert min(seen) < gap_at < max(seen)
        assert len([at for at in seen if at > merged.seconds - TALK_S / 2]) > 10
    assert merged.seconds >= 2 * TALK_S
