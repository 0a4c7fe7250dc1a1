"""The local working copy of every record: where things lie, and how they are made to last.

::

    <root>/<case>/<call>/<track>/track.json     who and what the track is, and its base timestamp
                                 clock.jsonl    RTP time against wall clock
                                 00000.mkv      a sealed segment; 00001.mkv.part the one being written
    <root>/<case>/evidence/<evidence>.jpg
    <root>/<case>/merged.mp4

Functions here block; callers on an event loop use ``asyncio.to_thread``.
"""

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from contract.errors import NotFound
from contract.ids import CallId, CaseId, TrackId, is_id

# One read of this size keeps SHA-256 busy and stays in the processor's second-level cache.
BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Spool:
    """Paths under one root. Ids are checked before they become paths (raises ValueError)."""

    root: Path

    def case_dir(self, case: CaseId) -> Path:
        """Return the folder of a case; facts name files relative to it."""
        return self.root / _checked(case)

    def cases(self) -> tuple[CaseId, ...]:
        """Return every case that has a folder."""
        if not self.root.is_dir():
            return ()
        return tuple(sorted(CaseId(path.name) for path in self.root.iterdir() if is_id(path.name)))

    def call_dir(self, case: CaseId, call: CallId) -> Path:
        """Return the folder of a call."""
        return self.case_dir(case) / _checked(call)

    def track_dir(self, case: CaseId, call: CallId, track: TrackId) -> Path:
        """Return the folder of a track."""
        return self.call_dir(case, call) / _checked(track)

    def evidence_dir(self, case: CaseId) -> Path:
        """Return the folder of a case's evidence."""
        return self.case_dir(case) / "evidence"

    def file(self, case: CaseId, name: str) -> Path:
        """Return the path of ``name``, relative to the case's folder and ``/``-separated.

        Raises:
            NotFound: ``name`` is absolute, empty, or climbs out of the folder.
        """
        parts = PurePosixPath(name).parts
        if not parts or name.startswith("/") or ".." in parts or "\0" in name:
            raise NotFound("no such file")
        return self.case_dir(case).joinpath(*parts)

    def name_of(self, case: CaseId, path: Path) -> str:
        """Return ``path`` as facts and manifests name it."""
        return path.relative_to(self.case_dir(case)).as_posix()


def _checked(text: str) -> str:
    if not is_id(text):
        raise ValueError("not an id")
    return text


def sync_dir(path: Path) -> None:
    """Make the folder's own entries (creations, renames) last."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_dirs(path: Path, root: Path) -> None:
    """Make ``path`` and what is missing above it up to ``root``, each entry synced, owner only."""
    for part in add_dirs(path, root):
        sync_dir(part.parent)


def add_dirs(path: Path, root: Path) -> tuple[Path, ...]:
    """Make ``path`` and what is missing above it up to ``root``, owner only; return what was made."""
    missing = [part for part in (path, *path.parents) if part.is_relative_to(root) and not part.exists()]
    for part in reversed(missing):
        part.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part.mkdir(mode=0o700, exist_ok=True)
    return tuple(reversed(missing))


def read_block(path: Path, offset: int, length: int) -> bytes:
    """Return up to ``length`` bytes of ``path`` from ``offset``, empty at its end. Raises OSError.

    Opens the file each time, so that a reader who gives up between two blocks leaves nothing open.
    """
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(length)


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write every byte, whatever the kernel takes at a time. Raises OSError."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def create_synced(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Create ``path`` with ``data``, on disk when this returns; leaves nothing behind on failure.

    Raises:
        FileExistsError: the path is taken.
        OSError: the disk refused.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with _closed(descriptor):
            write_all(descriptor, data)
            os.fsync(descriptor)
    except OSError:
        path.unlink()
        raise
    sync_dir(path.parent)


def replace_synced(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Give ``path`` the content ``data`` in one step: readers see the old or the new, never a part."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    create_synced(part, data, mode)
    part.replace(path)
    sync_dir(path.parent)


@contextlib.contextmanager
def _closed(descriptor: int) -> Iterator[None]:
    try:
        yield
    finally:
        os.close(descriptor)


def sha256_of(path: Path) -> tuple[str, int]:
    """Return the file's SHA-256 in hex and its size in bytes."""
    digest = hashlib.sha256()
    size = 0
    with path.open("rb", buffering=0) as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
            size += len(block)
    return digest.hexdigest(), size


def create_first(path: Path, content: bytes) -> None:
    """Give ``path`` its content unless it has one: of two processes that start at once both use one file.

    Under no other name does the content outlive this, not even where a process is killed within it and the
    next one calls it again. Blocks. Raises OSError.
    """
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    with _closed(folder):
        fcntl.flock(folder, fcntl.LOCK_EX)
        if not path.exists():
            replace_synced(path, content)
