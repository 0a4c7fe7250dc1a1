"""A process that records a call in real time until it is killed. Arguments: root, case, call, ``tell``.

Without arguments it forks one for each line of its input (root, case, call), whose output goes to
``<root>.told``, and answers with its process id: many are then as cheap as their recording.

For each frame handed to the recorder it writes a line: the track and the second of the call. With ``tell``
it also writes what it brought to disk, as JSON: sizes by inode, and the names in each folder.
"""

import asyncio
import itertools
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from contract.facts import CallAdvanced, CaseAdvanced
from contract.ids import CallId, CaseId
from contract.phases import CallPhase, CasePhase
from contract.ports import ClockSample, EncodedFrame, TrackInfo
from recordings.disk import Volume
from recordings.journal import FileJournal
from recordings.recorder import Recorder
from recordings.spool import Spool
from tests.recordings.encoded import BASE, frames_of, track_info
from tests.recordings.packets import Feed, feed

CODECS = ("VP8", "H264", "opus", "opus")


class SystemClock:
    """The machine's own time."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


async def play(info: TrackInfo, sink: Feed) -> None:
    """Hand frames over at the pace at which a camera or microphone gives them, for ever."""
    frames = frames_of(info.codec, 2)
    began, length = time.time(), 2 * info.clock_rate
    for lap in itertools.count():
        for frame in frames:
            timestamp = frame.timestamp + lap * length
            second = (timestamp - BASE) / info.clock_rate
            await asyncio.sleep(max(0.0, began + second - time.time()))
            push(sink, replace(frame, timestamp=timestamp, arrived_at=time.time()))
            sys.stdout.write(f"{info.track} {second}\n")
            sys.stdout.flush()


def push(sink: Feed, frame: EncodedFrame) -> None:
    sink.push_frame(frame)
    sink.push_clock(ClockSample(frame.arrived_at, frame.timestamp, frame.arrived_at))


async def main(root: Path, case: CaseId, call: CallId) -> None:
    """Open a call and record two cameras and two microphones."""
    journal = FileJournal(root / "journal", SystemClock())
    for was, now in itertools.pairwise(
        (CasePhase.CREATED, CasePhase.PRE_CALL, CasePhase.QUEUED, CasePhase.IN_CALL)
    ):
        await journal.append(case, CaseAdvanced(was, now))
    for before, after in itertools.pairwise(
        (None, CallPhase.RINGING, CallPhase.CONNECTING, CallPhase.ACTIVE)
    ):
        assert after is not None
        await journal.append(case, CallAdvanced(call, before, after))
    for codec in CODECS:
        frames_of(codec, 2)
    async with (
        Recorder(Spool(root / "spool"), journal, SystemClock()) as recorder,
        asyncio.TaskGroup() as tasks,
    ):
        for codec in CODECS:
            info = track_info(case, call, codec)
            tasks.create_task(play(info, feed(recorder, info)))


class Telling:
    """Stands before what brings files to disk, and tells what is there once that has returned."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._fsync, self._fdatasync, self._sync_volume = os.fsync, os.fdatasync, Volume.sync

    def fsync(self, descriptor: int) -> None:
        self._settle(self._fsync, descriptor)

    def fdatasync(self, descriptor: int) -> None:
        self._settle(self._fdatasync, descriptor)

    def sync_volume(self, volume: Volume) -> bool:
        folders = (self._root, *(path for path in self._root.rglob("*") if path.is_dir()))
        names = {str(folder): _names(folder) for folder in folders}
        sizes = {inode: size for folder in folders for inode, size in _sizes(folder).items()}
        done = self._sync_volume(volume)
        if done:
            _tell(sizes, names)
        return done

    def _settle(self, sync: Callable[[int], None], descriptor: int) -> None:
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        is_folder = os.path.isdir(path)
        names = {path: _names(Path(path))} if is_folder else {}
        told = os.fstat(descriptor)
        sync(descriptor)
        _tell({} if is_folder else {told.st_ino: told.st_size}, names)


def _names(folder: Path) -> dict[str, int]:
    with os.scandir(folder) as found:
        return {one.name: one.inode() for one in found}


def _sizes(folder: Path) -> dict[int, int]:
    with os.scandir(folder) as found:
        return {one.inode(): one.stat().st_size for one in found if one.is_file()}


def _tell(sizes: dict[int, int], names: dict[str, dict[str, int]]) -> None:
    # One write for one line: several threads tell.
    os.write(1, json.dumps({"sizes": sizes, "names": names}).encode() + b"\n")


def tell_what_is_on_disk(root: Path) -> None:
    """Tell from now on whenever something was synced."""
    telling = Telling(root)

    def sync(volume: Volume) -> bool:
        return telling.sync_volume(volume)

    os.fsync, os.fdatasync = telling.fsync, telling.fdatasync  # type: ignore[assignment]
    Volume.sync = sync  # type: ignore[method-assign, assignment]


def fork_for_each_line() -> None:
    """Record once for each line of the input, in a process of its own that nobody waits for."""
    for codec in CODECS:
        frames_of(codec, 2)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        root, case, call = line.split()
        pid = os.fork()
        if pid == 0:
            os.dup2(os.open(f"{root}.told", os.O_WRONLY | os.O_CREAT, 0o600), 1)
            asyncio.run(main(Path(root), CaseId(case), CallId(call)))
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    if not sys.argv[1:]:
        fork_for_each_line()
        sys.exit()
    if sys.argv[4:] == ["tell"]:
        tell_what_is_on_disk(Path(sys.argv[1]))
    asyncio.run(main(Path(sys.argv[1]), CaseId(sys.argv[2]), CallId(sys.argv[3])))
