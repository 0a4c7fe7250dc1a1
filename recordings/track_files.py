"""What lies beside a track's segments: who it is (``track.json``) and its clock (``clock.jsonl``).

The clock file is locked as long as its recorder lives; the kernel lets go of the lock when the process
dies, however it dies. So whoever cleans up behind a dead recorder can tell its tracks from those of a
living one.
"""

import contextlib
import fcntl
import os
from collections.abc import Mapping
from pathlib import Path

from contract import codec
from contract.ports import TrackInfo
from recordings.segments import CLOCK_FILE, HEAD_FILE, dump_head
from recordings.spool import Spool, add_dirs, sync_dir, write_all


class TrackFiles:
    """Made with the track's first frame; raises OSError, and may then be made again.

    Nothing waits for the disk but what syncs, and that may be called in another thread.
    """

    def __init__(self, spool: Spool, info: TrackInfo, base_timestamp: int) -> None:
        self.base_timestamp = base_timestamp
        self._root = spool.root
        self._folder = spool.track_dir(info.case, info.call, info.track)
        self._lines: list[bytes] = []
        self._is_new = True
        add_dirs(self._folder, spool.root)
        self._clock = self._open_clock()
        try:
            _write(self._folder / HEAD_FILE, dump_head(info, base_timestamp))
        except OSError:
            os.close(self._clock)
            raise

    def note(self, line: Mapping[str, float]) -> None:
        """Add a line to what is flushed next to the clock file."""
        self._lines.append(codec.canonical(line) + b"\n")

    def flush(self) -> None:
        """Hand the lines to the kernel. Raises OSError."""
        if self._lines:
            data = b"".join(self._lines)
            self._lines.clear()
            write_all(self._clock, data)

    def sync(self) -> None:
        """Bring what was flushed to disk. Blocks, raises OSError."""
        if self._is_new:
            _sync(self._folder / HEAD_FILE)
            for folder in (self._folder, *self._folder.parents):
                sync_dir(folder)
                if folder == self._root:
                    break
            self._is_new = False
        os.fdatasync(self._clock)

    def sync_folder(self) -> None:
        """Make the names in the track's folder last. Blocks, raises OSError."""
        sync_dir(self._folder)

    def close(self) -> None:
        """Write what is left, and let go of the track."""
        with contextlib.suppress(OSError):
            self.flush()
        os.close(self._clock)

    def _open_clock(self) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        clock = os.open(self._folder / CLOCK_FILE, flags, 0o600)
        # A file system without locks records as well as any; only cleaning up must then be told more.
        with contextlib.suppress(OSError):
            fcntl.flock(clock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return clock


def is_being_written(folder: Path) -> bool:
    """Tell whether the recorder of the track in ``folder`` lives. Blocks."""
    try:
        clock = os.open(folder / CLOCK_FILE, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(clock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(clock)
    return False


def _write(path: Path, data: bytes) -> None:
    """Give ``path`` its content in one step, without waiting for the disk."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    part.chmod(0o600)
    part.replace(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
