"""Calls in real worker processes: assigned by load, told apart, and brought back after a death."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from contract.errors import MediaError, NotFound, StorageError
from contract.facts import (
    GENESIS,
    Entry,
    Fact,
    MediaConnected,
    MediaLost,
    MediaMissing,
    PartyJoined,
    PartyLeft,
    TrackEnded,
    TrackStarted,
    seal_entry,
)
from contract.ids import CallId, CaseId, SeatId, new_call_id, new_case_id, new_seat_id
from contract.phases import Role, TrackSource
from contract.ports import EncodedFrame, Party, SeatRoute, Slot
from media import pool as pool_module
from media import worker_process
from media.pool import Pool
from media.routes import everybody_talks
from tests.media.scripted import ListJournal, until
from tests.media.scripted_worker import NEVER_READY


class SealedJournal(ListJournal):
    """Gives the entries that a worker is told of."""

    async def append(self, case: CaseId, fact: Fact) -> Entry:
        await super().append(case, fact)
        return seal_entry(len(self.facts), 1.0, case, fact, GENESIS)


class Scene:
    """A pool of scripted workers."""

    def __init__(self, workers: int) -> None:
        self.journal = SealedJournal()
        self.sealed: list[CallId] = []
        self.seal_error: Exception | None = None
        self.frames: list[tuple[CallId, str, EncodedFrame]] = []
        self.clock_offset = 0.0
        self.pool = Pool(self.journal, _words, self._seal, workers, self._took, lambda: self.clock_offset)

    def _took(self, call: CallId, _: SeatId, codec: str, frame: EncodedFrame) -> None:
        self.frames.append((call, codec, frame))

    def looked(self) -> list[str]:
        """Return what the worker's sampler was told."""
        return [frame.data.decode() for *_, frame in self.frames]

    async def _seal(self, case: CaseId, call: CallId) -> None:
        await asyncio.sleep(0)
        self.sealed.append(call)
        if self.seal_error:
            raise self.seal_error

    async def opened(self) -> CallId:
        call = new_call_id()
        await self.pool.open_call(new_case_id(), call)
        return call

    async def pid_of(self, call: CallId) -> int:
        return int((await self.pool.answer(call, someone(), "offer")).split()[-1])


def _words(number: int, descriptor: int) -> tuple[str, ...]:
    return (sys.executable, "-m", "tests.media.scripted_worker", str(number), str(descriptor))


def someone() -> Party:
    return Party(new_seat_id(), Role.CUSTOMER, "somebody")


def _routes() -> tuple[SeatRoute, ...]:
    """Return routes in which every field has something that must come through."""
    one, other = new_seat_id(), new_seat_id()
    slots = (Slot(other, sound=False), None, Slot(one, picture=False))
    sources = (TrackSource.CAMERA, TrackSource.SCREEN)
    return (SeatRoute(one, True, False, sources, slots, other), SeatRoute(other, False, True, (), (), None))


@asynccontextmanager
async def staged(workers: int = 1) -> AsyncIterator[Scene]:
    scene = Scene(workers)
    async with scene.pool as pool:
        await pool.wait_ready()
        yield scene


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def test_a_call_lives_in_a_process_of_its_own() -> None:
    """Commands are carried out there, facts come back here in order, and nothing is left."""
    async with staged() as scene:
        call = await scene.opened()
        pid = await scene.pid_of(call)
        await scene.pool.open_gate(call)
        await scene.pool.close_call(call)
        await scene.pool.finish(call)
        assert pid != os.getpid() and alive(pid)
    assert not alive(pid)
    told = [type(fact) for fact in scene.journal.facts]
    assert told == [MediaConnected, TrackStarted, PartyJoined, TrackEnded, PartyLeft]
    assert scene.sealed == []


async def test_calls_go_where_the_fewest_seats_are() -> None:
    """Two calls are spread over two workers; the third goes to the one that became empty."""
    async with staged(2) as scene:
        first, second = await scene.opened(), await scene.opened()
        pids = [await scene.pid_of(first), await scene.pid_of(second)]
        assert len(set(pids)) == 2
        await scene.pool.close_call(second)
        await scene.pool.finish(second)
        assert await scene.pid_of(await scene.opened()) == pids[1]


async def test_a_call_comes_back_on_another_worker() -> None:
    """What the dead worker held is told as lost, sealed, and the next offer opens call and gate again."""
    async with staged(2) as scene:
        call, other = await scene.opened(), await scene.opened()
        pid, spared = await scene.pid_of(call), await scene.pid_of(other)
        await scene.pool.open_gate(call)
        os.kill(pid, signal.SIGKILL)
        await until("the loss in the journal", lambda: scene.journal.of(PartyLeft))
        lost, ended = scene.journal.of(MediaLost), scene.journal.of(TrackEnded)
        assert [(fact.call, fact.reason) for fact in lost] == [(call, "worker_lost")]
        assert [fact.call for fact in ended] == [call]
        assert await scene.pid_of(call) not in {pid, os.getpid()}
        assert scene.sealed == [call]
        assert len(scene.journal.of(PartyJoined)) == 2, "the gate was not opened again"
        assert await scene.pid_of(other) == spared


async def test_a_recording_goes_by_the_servers_clock() -> None:
    """How that stands is told to the worker that a recording begins on, and to the one that goes on."""
    async with staged(2) as scene:
        call = await scene.opened()
        pid = await scene.pid_of(call)
        assert scene.pool.recorded() == {}
        scene.clock_offset = 12.5
        await scene.pool.open_gate(call)
        assert list(scene.pool.recorded()) == [call]
        scene.clock_offset = 13.25
        os.kill(pid, signal.SIGKILL)
        await until("the loss in the journal", lambda: scene.journal.of(PartyLeft))
        await scene.pid_of(call)
        names = [fact.name for fact in scene.journal.of(PartyJoined)]
        assert names == ["recorder at 12.5", "recorder at 13.25"]
        await scene.pool.close_call(call)
        assert list(scene.pool.recorded()) == [call]
        await scene.pool.finish(call)
        assert scene.pool.recorded() == {}


async def test_a_call_comes_back_as_it_was_arranged() -> None:
    """The arrangement that a worker took last is given to the next one before its gate opens."""
    async with staged(2) as scene:
        call = await scene.opened()
        pid = await scene.pid_of(call)
        first, last = everybody_talks([new_seat_id(), new_seat_id()]), _routes()
        await scene.pool.arrange(call, first)
        await scene.pool.arrange(call, last)
        with pytest.raises(MediaError) as refused:
            await scene.pool.arrange(call, ())
        assert refused.value.code == "bad_arrangement"
        await scene.pool.open_gate(call)
        told = [(fact.seat, fact.missing) for fact in scene.journal.of(MediaMissing)]
        assert told == [(route.seat, route.promises) for route in (*first, *last)]
        os.kill(pid, signal.SIGKILL)
        await until("the loss in the journal", lambda: scene.journal.of(PartyLeft))
        await scene.pid_of(call)
        facts = [fact for fact in scene.journal.facts if isinstance(fact, MediaMissing | PartyJoined)]
        again = facts[len(told) + 1 :]
        assert [type(fact) for fact in again] == [*(MediaMissing for _ in last), PartyJoined]
        assert [fact.seat for fact in again][:-1] == [route.seat for route in last]


async def test_what_is_arranged_while_no_worker_has_the_call_holds_for_the_next() -> None:
    """Between a worker's death and the next offer nothing flows; then it flows as was arranged last."""
    async with staged(2) as scene:
        call = await scene.opened()
        os.kill(await scene.pid_of(call), signal.SIGKILL)
        routes = _routes()
        await scene.pool.arrange(call, routes)
        await until("the loss in the journal", lambda: scene.sealed)
        assert not scene.journal.of(MediaMissing)
        await scene.pid_of(call)
        assert [fact.seat for fact in scene.journal.of(MediaMissing)] == [route.seat for route in routes]
        await scene.pool.close_call(call)
        with pytest.raises(NotFound):
            await scene.pool.arrange(call, routes)


async def test_what_cannot_be_sealed_costs_nobody_his_call() -> None:
    """A fault in sealing is logged; the call comes back all the same, and the other worker lives on."""
    async with staged(2) as scene:
        scene.seal_error = ValueError("a fault of ours")
        call, other = await scene.opened(), await scene.opened()
        pid, spared = await scene.pid_of(call), await scene.pid_of(other)
        os.kill(pid, signal.SIGKILL)
        await until("the attempt", lambda: scene.sealed)
        assert await scene.pid_of(call) != pid
        assert await scene.pid_of(other) == spared


async def test_a_journal_that_refuses_holds_the_call_until_it_takes_the_loss() -> None:
    """Nothing of the new worker may stand in the journal before the loss of the old one does."""
    async with staged(2) as scene:
        call = await scene.opened()
        pid = await scene.pid_of(call)
        scene.journal.broken = True
        os.kill(pid, signal.SIGKILL)
        await until("the death", lambda: scene.pool.alive < 2)
        coming = asyncio.create_task(scene.pid_of(call))
        await asyncio.sleep(0.2)
        assert not coming.done() and not scene.sealed
        scene.journal.broken = False
        assert await coming != pid
        names = [type(fact).__name__ for fact in scene.journal.facts]
        assert names.index("MediaLost") < len(names) - 1 - names[::-1].index("MediaConnected")


async def test_an_offer_kills_one_worker_at_most() -> None:
    """It fails with the worker that was answering it, and its seat is told to have lost its media."""
    async with staged(2) as scene:
        call, party = await scene.opened(), someone()
        with pytest.raises(MediaError) as lost:
            await scene.pool.answer(call, party, "die")
        assert lost.value.code == "media_unavailable"
        assert scene.pool.alive == 1
        await until("the loss in the journal", lambda: scene.sealed)
        assert [fact.seat for fact in scene.journal.of(MediaLost)] == [party.seat]
        assert await scene.pid_of(call)


async def test_a_hanging_worker_is_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that answers no ping is killed, and its calls go on elsewhere."""
    monkeypatch.setattr(worker_process, "PING_S", 0.05)
    async with staged(2) as scene:
        call = await scene.opened()
        pid = await scene.pid_of(call)
        with pytest.raises(MediaError):
            await scene.pool.answer(call, someone(), "hang")
        assert await scene.pid_of(call) != pid
        assert not alive(pid)


async def test_a_worker_whose_main_task_broke_takes_no_call() -> None:
    """It is seen dead at once, though it takes its time to end, and its calls go on elsewhere."""
    async with staged(2) as scene:
        call = await scene.opened()
        pid = await scene.pid_of(call)
        with suppress(MediaError):
            await scene.pool.answer(call, someone(), "break")
        await until("the loss", lambda: scene.pool.alive < 2)
        assert alive(pid)
        assert await scene.pid_of(await scene.opened()) != pid
        os.kill(pid, signal.SIGUSR1)
        with capture_logs() as logs:
            assert await scene.pid_of(call) != pid
        assert not alive(pid)
    [ended] = [log for log in logs if log["event"] == "media worker ended"]
    assert (ended["pid"], ended["code"], ended["log_level"]) == (pid, 1, "error")


async def test_errors_cross_the_link_as_they_are() -> None:
    """A refused offer is refused with the same class and word; an unknown call is not found."""
    async with staged() as scene:
        call = await scene.opened()
        with pytest.raises(MediaError) as refused:
            await scene.pool.answer(call, someone(), "refuse")
        assert refused.value.code == "no_common_codec"
        with pytest.raises(NotFound):
            await scene.pool.answer(new_call_id(), someone(), "offer")
        await scene.pool.close_call(call)
        with pytest.raises(NotFound):
            await scene.pool.answer(call, someone(), "offer")
        await scene.pool.finish(call)
        await scene.pool.finish(call)
        await scene.pool.close_call(call)


async def test_a_broken_journal_is_told_to_the_worker() -> None:
    """The worker learns that its fact is not on disk."""
    async with staged() as scene:
        call = await scene.opened()
        scene.journal.broken = True
        with pytest.raises(StorageError):
            await scene.pool.answer(call, someone(), "offer")


async def test_without_a_worker_callers_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """An offer that nobody can take fails as ``media_unavailable`` after a bounded time."""
    monkeypatch.setattr(pool_module, "_AVAILABLE_S", 0.2)
    monkeypatch.setattr(pool_module, "_PAUSES_S", (600.0,))
    async with staged() as scene:
        call = await scene.opened()
        os.kill(await scene.pid_of(call), signal.SIGKILL)
        await until("the loss in the journal", lambda: scene.sealed)
        with pytest.raises(MediaError) as unavailable:
            await scene.pool.answer(call, someone(), "offer")
        assert unavailable.value.code == "media_unavailable"
        assert scene.pool.alive == 0
        await scene.pool.close_call(call)
        await scene.pool.finish(call)


async def test_a_worker_takes_so_many_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """One more is refused as ``media_unavailable``, until one of them is over."""
    monkeypatch.setattr(pool_module, "_CALLS_MAX", 2)
    async with staged() as scene:
        first, _ = await scene.opened(), await scene.opened()
        with pytest.raises(MediaError) as full:
            await scene.opened()
        assert full.value.code == "media_unavailable"
        await scene.pool.close_call(first)
        await scene.pool.finish(first)
        assert await scene.pid_of(await scene.opened())


async def test_a_pool_without_any_worker_is_not_ready() -> None:
    """When no worker comes up the server is told why, and no process is left."""

    def never(_: int, descriptor: int) -> tuple[str, ...]:
        return _words(NEVER_READY, descriptor)

    scene = Scene(1)
    with pytest.raises(MediaError, match="did not start"):
        async with Pool(scene.journal, never, scene._seal) as pool:
            await pool.wait_ready()


async def test_a_stop_while_workers_start_is_no_error(tmp_path: Path) -> None:
    """The signal may reach them before they can hear it; nobody must look into that."""
    told = tmp_path / "pid"

    def slow(_: int, __: int) -> tuple[str, ...]:
        write = f"import os, time; open({str(told)!r}, 'w').write(f'{{os.getpid()}}.'); time.sleep(60)"
        return (sys.executable, "-c", write)

    scene = Scene(1)
    with capture_logs() as lines:
        async with Pool(scene.journal, slow, scene._seal) as pool:
            await until("the process", lambda: told.exists() and told.read_text().endswith("."))
            os.kill(int(told.read_text()[:-1]), signal.SIGTERM)
            with pytest.raises(MediaError, match="did not start"):
                await pool.wait_ready()
            told.unlink()
    said = [(line["event"], line["log_level"]) for line in lines]
    assert ("media worker did not come up", "info") in said
    assert ("media worker did not come up", "error") not in said


async def test_a_command_that_cannot_be_run_is_an_error() -> None:
    """A missing program is an error of the pool, not of the event loop."""
    scene = Scene(1)
    with pytest.raises(MediaError, match="cannot be started"):
        async with Pool(scene.journal, lambda *_: ("/nonexistent",), scene._seal) as pool:
            await pool.wait_ready()


async def test_faces_are_looked_at_where_the_call_is() -> None:
    """Wishes reach its worker and frames come back as they were; of a call that is over none do."""
    async with staged() as scene:
        call = await scene.opened()
        pid = await scene.pid_of(call)
        await scene.pool.sample(call, 0.5)
        await scene.pool.sample(call, 1.0, 20.0)
        await scene.pool.listen(call, 30.0)
        await scene.pool.sample(call, None)
        await until("the last wish", lambda: "calm" in scene.looked())
        assert scene.looked() == ["look 0.5", "all 0.0", "look 1.0", "all 20.0", "listen 30.0", "calm"]
        assert scene.frames[0] == (call, "VP8", EncodedFrame(b"look 0.5", pid, keyframe=True, arrived_at=1.5))
        await scene.pool.close_call(call)
        await scene.pool.finish(call)
        await scene.pool.sample(call, 1.0)
        await scene.pool.sample(new_call_id(), 1.0)
        await scene.pool.listen(call, 30.0)
        await scene.pool.listen(new_call_id(), 30.0)
        # The close itself is told to the sampler; its frame may still have come.
        assert set(scene.looked()[6:]) <= {"calm"}


async def test_another_worker_looks_at_the_face_again() -> None:
    """How often is told anew with the call itself."""
    async with staged(2) as scene:
        call = await scene.opened()
        pid = await scene.pid_of(call)
        await scene.pool.sample(call, 0.5)
        await until("the wish", lambda: scene.looked() == ["look 0.5", "all 0.0"])
        os.kill(pid, signal.SIGKILL)
        await until("the loss in the journal", lambda: scene.journal.of(MediaLost))
        assert await scene.pid_of(call) != pid
        await until("the wish again", lambda: scene.looked()[2:] == ["look 0.5", "all 0.0"])
        assert scene.frames[-1][2].timestamp != pid
