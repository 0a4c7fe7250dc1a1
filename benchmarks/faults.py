"""Does what must not happen, for real, and counts what was lost: the figures of docs/faults.md.

    python -m benchmarks.faults [--recorders N] [--cuts N] [--merges N] [--workers N] [--servers N]

Recording processes of two cameras and two microphones are killed at random seconds; so is the power of
some, after which only what was synced is left; processes that merge and archive are killed until one gets
through; media workers are killed under a call that goes on, and whole servers with two people in a call.
As root, a tmpfs of 3 MB runs full under a recorder, and a disk is frozen under another. Exit code 1 when a
track lost more than five seconds, or a record did not come out whole.
"""

import argparse
import asyncio
import contextlib
import io
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from contract.facts import (
    Entry,
    MergeCompleted,
    RecorderTroubled,
    RecordingStarted,
    RecordingStopped,
    SegmentSealed,
    TrackEnded,
    TrackStarted,
)
from contract.ids import CallId, CaseId, TrackId, new_call_id, new_case_id
from contract.phases import CasePhase
from recordings.archive_directory import DirectoryArchive
from recordings.finalise import recover
from recordings.journal import FileJournal
from recordings.recorder import Recorder
from recordings.spool import Spool, sha256_of
from recordings.verify import verify_archive
from tests.e2e.people import Pair, in_call
from tests.e2e.server import Server
from tests.media.scripted import until
from tests.recordings.desk import TENANT
from tests.recordings.encoded import MovedClock, track_info
from tests.recordings.killed import (
    forks,
    merge_until_killed,
    reached,
    record_until_power_cut,
)
from tests.recordings.packets import feed
from tests.recordings.recording_process import SystemClock, play
from tests.recordings.staged import stage_call

PROMISED_S = 5.0
_MERGED_S = 4.0
# About as long as a merge of that takes, and its archiving.
_WORK_S = 1.5
_DISK_BYTES = 3 << 20
_IMAGE_BYTES = 64 << 20
_TRACKS_OF_TWO = 4
# Recording processes beside each other: they mostly wait for their moment.
_AT_A_TIME = 8
_FULL_S = 6.0
# Until trouble counts as over and the recording is announced again.
_AFTER_S = 8.0
# Of one server, before it waits long with starting them again.
_KILLS_IN_A_CALL = 3


def tell(what: str, tries: int, lost: list[float], said: str = "") -> None:
    """Write one line of the table."""
    figures = f"median {statistics.median(lost):.2f} s, worst {max(lost):.2f} s" if lost else ""
    sys.stdout.write(f"{what}: {tries} times; {figures}{'; ' if figures and said else ''}{said}\n")
    sys.stdout.flush()


async def kill_recorders(root: Path, times: int) -> list[float]:
    """Kill ``times`` recording processes; return how much of each track was lost after recovery."""

    async with forks() as processes:

        async def kill(number: int) -> list[float]:
            case, call, folder = new_case_id(), new_call_id(), root / f"kill-{number}"
            seconds = random.uniform(0.3, 6.0)
            came = await processes.record_until_killed(folder, case, call, seconds)
            return await _losses(folder, case, call, came)

        return await _some_at_a_time(kill, times)


async def cut_power(root: Path, times: int) -> list[float]:
    """Take the power away ``times``; return how much of each track was lost after recovery."""

    async def cut(number: int) -> list[float]:
        case, call = new_case_id(), new_call_id()
        before, after = root / f"cut-{number}", root / f"after-{number}"
        before.mkdir()
        came, platter = await record_until_power_cut(before, case, call, random.uniform(2.0, 7.0))
        platter.rebuild(before, after)
        return await _losses(after, case, call, came)

    return await _some_at_a_time(cut, times)


async def _some_at_a_time(one: Callable[[int], Awaitable[list[float]]], times: int) -> list[float]:
    gate = asyncio.Semaphore(_AT_A_TIME)

    async def gated(number: int) -> list[float]:
        async with gate:
            return await one(number)

    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(gated(number)) for number in range(times)]
    return [at for task in running for at in task.result()]


async def _losses(folder: Path, case: CaseId, call: CallId, came: dict[TrackId, float]) -> list[float]:
    """Recover what is in ``folder``; return how far each track that came is behind."""
    spool = Spool(folder / "spool")
    async with FileJournal(folder / "journal", SystemClock()) as journal:
        [recovery] = await recover(spool, journal, [case])
        assert recovery.phase is CasePhase.ABORTED
        for entry in await journal.read(case):
            if isinstance(fact := entry.fact, SegmentSealed):
                assert sha256_of(spool.file(case, fact.file)) == (fact.sha256, fact.bytes)
    # Of one that was killed before its first flush nothing is there.
    left = reached(spool, case, call)
    return [at - left.get(track, 0.0) for track, at in came.items()]


async def kill_mergers(root: Path, times: int) -> str:
    """Kill merging processes ``times`` in all, each at a random moment; every record must come out whole."""
    killed, records = 0, 0
    while killed < times:
        folder = root / f"merge-{records}"
        staged = stage_call(folder / "spool", _MERGED_S, size=(160, 120))
        clock = MovedClock()
        async with FileJournal(folder / "journal", clock) as journal:
            for entry in staged.entries:
                # The call is as long as its facts are apart.
                clock.wall = entry.at
                await journal.append(staged.case, entry.fact)
        while not await merge_until_killed(
            folder, staged.case, random.uniform(0.0, _WORK_S) if killed < times else None
        ):
            killed += 1
        records += 1
        report = await verify_archive(DirectoryArchive(folder / "archive"), TENANT, staged.case)
        assert report.intact, report
        async with FileJournal(folder / "journal", clock) as journal:
            done = [e for e in await journal.read(staged.case) if isinstance(e.fact, MergeCompleted)]
        assert done
        assert not list(folder.rglob("*.part"))
    return f"{killed} kills, {records} records, all whole and verified"


async def kill_workers(root: Path, times: int) -> list[float]:
    """Kill ``times`` a media worker under a call, which goes on; return how much of each track was lost."""
    lost: list[float] = []
    for number in range(0, times, _KILLS_IN_A_CALL):
        server = Server(root / f"workers-{number}", {"kyc.pack": "base"})
        await asyncio.to_thread(server.seed)
        await asyncio.to_thread(server.start)
        async with in_call(server.url) as pair:
            kills = [await _kill_worker(server, pair) for _ in range(min(_KILLS_IN_A_CALL, times - number))]
            case = pair.case
        assert await asyncio.to_thread(server.stop) == 0
        entries = await _entries(server, case)
        for killed_at in kills:
            lost += [killed_at - at for at in _kept_until(entries, killed_at)]
    return lost


async def _kill_worker(server: Server, pair: Pair) -> float:
    """Kill the worker at a random second; return when, once both people see each other again."""
    await asyncio.sleep(random.uniform(0.5, 6.0))
    callers = (pair.customer, pair.agent)
    before = [caller.peer for caller in callers]
    [worker] = server.media_workers().values()
    killed_at = time.time()
    os.kill(worker, signal.SIGKILL)

    def is_back() -> bool:
        now = [caller.peer for caller in callers]
        return all(
            new is not None and new is not old and new.first_video_at is not None
            for new, old in zip(now, before, strict=True)
        )

    await until("the call to be back", is_back, 60)
    return killed_at


def _kept_until(entries: Sequence[Entry], killed_at: float) -> list[float]:
    """Return until when each track is kept that ran at that moment."""
    running = {e.fact.track for e in entries if isinstance(e.fact, TrackStarted) and e.at < killed_at}
    running -= {e.fact.track for e in entries if isinstance(e.fact, TrackEnded) and e.at < killed_at}
    assert len(running) == _TRACKS_OF_TWO
    sealed = [e.fact for e in entries if isinstance(e.fact, SegmentSealed)]
    return [max(fact.last_at for fact in sealed if fact.track == track) for track in running]


async def kill_servers(root: Path, times: int) -> list[float]:
    """Kill ``times`` a server with two people in a call; return how much of each track was lost."""
    lost: list[float] = []
    for number in range(times):
        server = Server(root / f"server-{number}", {"kyc.pack": "base"})
        await asyncio.to_thread(server.seed)
        await asyncio.to_thread(server.start)
        case, killed_at = await _talk_and_kill(server)
        await asyncio.to_thread(server.start)
        entries = await _entries(server, case)
        assert await asyncio.to_thread(server.stop) == 0
        tracks = {e.fact.track for e in entries if isinstance(e.fact, TrackStarted)}
        sealed = [e.fact for e in entries if isinstance(e.fact, SegmentSealed)]
        lost += [killed_at - max(f.last_at for f in sealed if f.track == track) for track in tracks]
    return lost


async def _talk_and_kill(server: Server) -> tuple[CaseId, float]:
    async with in_call(server.url) as pair:
        await asyncio.sleep(random.uniform(0.5, 8.0))
        killed_at = time.time()
        await asyncio.to_thread(server.kill)
        [worker] = server.media_workers().values()
        await until("the worker's end", lambda: not Path(f"/proc/{worker}").exists(), 30)
        return pair.case, killed_at


async def _entries(server: Server, case: CaseId) -> tuple[Entry, ...]:
    async with FileJournal(server.data / "journal", SystemClock()) as journal:
        return await journal.read(case)


async def fill_disk(root: Path) -> str:
    """Record on a small disk until it is full, make room again; return what was told and lost."""
    disk = root / "disk"
    disk.mkdir()
    await _run("mount", "-t", "tmpfs", "-o", f"size={_DISK_BYTES}", "tmpfs", str(disk))
    try:
        # What the player of frames says is for whoever kills it.
        with contextlib.redirect_stdout(io.StringIO()):
            return await _record_on(disk, root / "journal")
    finally:
        await _run("umount", "--lazy", str(disk))


async def freeze_disk(root: Path) -> str:
    """Record on a disk that freezes, as a storage does that lost its path; return what was told and lost."""
    image, disk = root / "image", root / "frozen"
    disk.mkdir()
    with image.open("wb") as file:
        file.truncate(_IMAGE_BYTES)
    await _run("mkfs.ext4", "-q", str(image))
    await _run("mount", "-o", "loop", str(image), str(disk))
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            return await _record_frozen(disk, root / "journal-frozen")
    finally:
        await _run("umount", "--lazy", str(disk))


async def _record_frozen(disk: Path, journals: Path) -> str:
    case, call = new_case_id(), new_call_id()
    async with FileJournal(journals, SystemClock()) as journal:
        async with Recorder(Spool(disk / "spool"), journal, SystemClock()) as recorder:
            info = track_info(case, call, "opus")
            playing = asyncio.create_task(play(info, feed(recorder, info)))
            await until("the recording", lambda: any(disk.rglob("*.part")))
            await asyncio.sleep(2.0)
            await _run("fsfreeze", "--freeze", str(disk))
            frozen_at = time.time()
            try:
                await asyncio.sleep(_FULL_S)
            finally:
                await _run("fsfreeze", "--unfreeze", str(disk))
            await asyncio.sleep(_AFTER_S)
            playing.cancel()
            await recorder.finish(call)
        entries = await journal.read(case)
    told = [(e.fact.what, e.at - frozen_at) for e in entries if isinstance(e.fact, RecorderTroubled)]
    stopped = next(e.fact for e in entries if isinstance(e.fact, RecordingStopped))
    assert told
    assert told[0][0] == "behind"
    words = ", ".join(f"{what} after {seconds:.1f} s" for what, seconds in told)
    return f"frozen for {_FULL_S:.0f} s: {stopped.dropped_frames * 0.02:.1f} s of sound not kept; {words}"


async def _run(*command: str) -> None:
    process = await asyncio.create_subprocess_exec(*command)
    assert await process.wait() == 0, command


async def _record_on(disk: Path, journals: Path) -> str:
    case, call, ballast = new_case_id(), new_call_id(), disk / "ballast"
    async with FileJournal(journals, SystemClock()) as journal:
        async with Recorder(Spool(disk / "spool"), journal, SystemClock()) as recorder:
            info = track_info(case, call, "opus")
            playing = asyncio.create_task(play(info, feed(recorder, info)))
            await until("the recording", lambda: any(disk.rglob("*.part")))
            await asyncio.sleep(2.0)
            with ballast.open("wb") as file:
                # Down to the last byte, so that no segment grows any more.
                for size in (1 << 16, 1 << 10, 1):
                    _fill(file.fileno(), size)
            await asyncio.sleep(_FULL_S)
            ballast.unlink()
            await asyncio.sleep(_AFTER_S)
            playing.cancel()
            await recorder.finish(call)
        facts = [entry for entry in await journal.read(case) if entry.name != "SegmentSealed"]
    began = next(e.at for e in facts if isinstance(e.fact, RecorderTroubled))
    again = [e.at for e in facts if isinstance(e.fact, RecordingStarted)]
    stopped = next(e.fact for e in facts if isinstance(e.fact, RecordingStopped))
    assert again[-1] > began
    return (
        f"full for {_FULL_S:.0f} s: {stopped.dropped_frames * 0.02:.1f} s of sound not kept,"
        f" told as trouble, recorded again {again[-1] - began:.1f} s after that"
    )


def _fill(descriptor: int, size: int) -> None:
    try:
        while True:
            os.write(descriptor, bytes(size))
    except OSError:
        return


async def _measured(what: str, work: Callable[[Path, int], Awaitable[list[float]]], times: int) -> bool:
    if not times:
        return True
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        lost = await work(Path(folder), times)
    tell(what, times, lost)
    return max(lost) <= PROMISED_S


async def main(recorders: int, cuts: int, merges: int, workers: int, servers: int) -> int:
    """Do it all; return the exit code."""
    kept = await _measured("kill -9 of the recorder", kill_recorders, recorders)
    kept = await _measured("power cut", cut_power, cuts) and kept
    if merges:
        with tempfile.TemporaryDirectory(prefix="faults-") as folder:
            tell("kill -9 of the merge worker", merges, [], await kill_mergers(Path(folder), merges))
    if os.geteuid() == 0:
        with tempfile.TemporaryDirectory(prefix="faults-") as folder:
            tell("disk full", 1, [], await fill_disk(Path(folder)))
            tell("disk frozen", 1, [], await freeze_disk(Path(folder)))
    kept = await _measured("kill -9 of the media worker", kill_workers, workers) and kept
    kept = await _measured("kill -9 of the server", kill_servers, servers) and kept
    return 0 if kept else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="benchmarks.faults")
    for name, default in (("recorders", 80), ("cuts", 12), ("merges", 20), ("workers", 6), ("servers", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    chosen = parser.parse_args()
    sys.exit(asyncio.run(main(**vars(chosen))))
