"""Processes that record or merge until they are killed, and what is then on disk."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from contract.ids import CallId, CaseId, TrackId
from recordings.segments import read_frames, read_tracks
from recordings.spool import Spool
from tests.media.scripted import until
from tests.recordings.encoded import BASE

# Until a process is there and has recorded for some seconds, on a machine that is busy with other things.
_COMES_S = 300.0
_TRACKS = 4


async def record_until_killed(root: Path, case: CaseId, call: CallId, seconds: float) -> dict[TrackId, float]:
    """Run a recording process, kill it ``seconds`` into the call; return how far each track had come."""
    process = await _start("recording_process", str(root), case, call)
    came: dict[TrackId, float] = {}
    try:
        async with asyncio.timeout(_COMES_S):
            while not came or min(came.values()) < seconds:
                _take(await _line(process), came)
    finally:
        await _kill(process)
    for line in await _rest(process):
        _take(line, came)
    return came


async def record_until_power_cut(
    root: Path, case: CaseId, call: CallId, seconds: float
) -> tuple[dict[TrackId, float], "Platter"]:
    """Do the same with a process that tells what it brought to disk; return that too."""
    process = await _start("recording_process", str(root), case, call, "tell")
    came: dict[TrackId, float] = {}
    platter = Platter()
    try:
        async with asyncio.timeout(_COMES_S):
            while not came or min(came.values()) < seconds:
                line = await _line(process)
                if not platter.told(line):
                    _take(line, came)
    finally:
        await _kill(process)
    return came, platter


class Forks:
    """Records in forks of one process, so that many kills cost no more than what they record."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._asking = asyncio.Lock()

    async def record_until_killed(
        self, root: Path, case: CaseId, call: CallId, seconds: float
    ) -> dict[TrackId, float]:
        """Do what the function of this name does, in a fork."""
        async with self._asking:
            assert self._process.stdin is not None
            self._process.stdin.write(f"{root} {case} {call}\n".encode())
            pid = int(await _line(self._process))
        came: dict[TrackId, float] = {}
        try:
            async with asyncio.timeout(_COMES_S):
                while len(came) < _TRACKS or min(came.values()) < seconds:
                    await asyncio.sleep(0.05)
                    came = self._told(root)
        finally:
            os.kill(pid, signal.SIGKILL)
        await until("the end of the process", lambda: not Path(f"/proc/{pid}").exists())
        return self._told(root)

    def _told(self, root: Path) -> dict[TrackId, float]:
        told = root.with_name(root.name + ".told")
        came: dict[TrackId, float] = {}
        for line in told.read_bytes().split(b"\n")[:-1] if told.exists() else ():
            _take(line, came)
        return came


@contextlib.asynccontextmanager
async def forks() -> AsyncIterator[Forks]:
    """Yield what records in forks."""
    process = await _start("recording_process")
    try:
        yield Forks(process)
    finally:
        await _kill(process)


async def merge_until_killed(root: Path, case: CaseId, seconds: float | None) -> bool:
    """Run a process that merges and archives, kill it after ``seconds``; return whether it was done."""
    process = await _start("merging_process", str(root), case)
    try:
        # The imports take longer than the work and have nothing to lose.
        assert (await _line(process)).strip() == b"ready"
        await asyncio.wait_for(process.wait(), seconds)
    except TimeoutError:
        await _kill(process)
    return process.returncode == 0


def reached(spool: Spool, case: CaseId, call: CallId) -> dict[TrackId, float]:
    """Return the second up to which each track can be read."""
    return {
        track.info.track: (frames[-1].timestamp - BASE) / track.info.clock_rate
        for track in read_tracks(spool.call_dir(case, call))
        if (frames := [frame for segment in track.segments for frame in read_frames(track, segment)])
    }


@dataclass(slots=True)
class Platter:
    """What a disk holds for sure: lengths that were synced by inode, and names by folder."""

    sizes: dict[int, int] = field(default_factory=dict)
    names: dict[str, Mapping[str, int]] = field(default_factory=dict)

    def told(self, line: bytes) -> bool:
        """Take a line of the recording process; tell whether it was about the disk."""
        if not line.startswith(b"{"):
            return False
        with contextlib.suppress(ValueError):
            synced = json.loads(line)
            self.sizes |= {int(inode): size for inode, size in synced["sizes"].items()}
            self.names |= synced["names"]
        return True

    def rebuild(self, root: Path, into: Path) -> None:
        """Write to ``into`` what of ``root`` is there after the power came back."""
        now = {path.stat().st_ino: path for path in root.rglob("*")}
        self._rebuild(root, now, into)

    def _rebuild(self, folder: Path, now: Mapping[int, Path], into: Path) -> None:
        into.mkdir(parents=True)
        for name, inode in self.names.get(str(folder), {}).items():
            there = now.get(inode)
            if there is not None and there.is_dir():
                self._rebuild(folder / name, now, into / name)
            elif there is not None:
                (into / name).write_bytes(there.read_bytes()[: self.sizes.get(inode, 0)])


async def _start(module: str, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"tests.recordings.{module}", *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 20,
    )  # fmt: skip


async def _line(process: asyncio.subprocess.Process) -> bytes:
    assert process.stdout is not None
    return await process.stdout.readline()


async def _rest(process: asyncio.subprocess.Process) -> list[bytes]:
    """Return what it had written; the last line may be half."""
    assert process.stdout is not None
    return (await process.stdout.read()).splitlines()[:-1]


async def _kill(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()


def _take(line: bytes, came: dict[TrackId, float]) -> None:
    track, second = line.split()
    came[TrackId(track.decode())] = float(second)
