"""The archive as a directory: one file per key, written once, read-only from then on.

Read-only by mode only: whoever owns the directory can still delete. For write-once storage use the S3
archive with object lock.
"""

import asyncio
import fcntl
import glob
import json
import os
import secrets
import stat
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from contract.errors import NotFound, StorageError
from contract.ports import ArchivedObject
from recordings.spool import (
    BLOCK_BYTES,
    make_dirs,
    read_block,
    replace_synced,
    sha256_of,
    sync_dir,
    write_all,
)

_TEMPORARY = ".part"
# Beside the files of a record: until when nothing of it is deleted here.
_TERMS = ".terms"


class DirectoryArchive:
    """Implements ``contract.ports.Archive`` under ``root``; ``name`` is ``directory``."""

    name = "directory"

    def __init__(self, root: Path, now: Callable[[], float] = time.time) -> None:
        """Keep files under ``root``; ``now`` (seconds UTC) is the clock by which their terms end."""
        self._root, self._now = root, now

    async def put(self, key: str, path: Path) -> ArchivedObject:
        """See the port."""
        return await asyncio.to_thread(self._put, key, path)

    async def stat(self, key: str) -> ArchivedObject | None:
        """See the port."""
        target = self._path(key)
        try:
            found = await asyncio.to_thread(target.stat)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise StorageError(f"archive cannot be read: {error.strerror}") from error
        return ArchivedObject(key, found.st_size) if stat.S_ISREG(found.st_mode) else None

    async def read(self, key: str, offset: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """See the port."""
        target = self._path(key)
        left = length
        while left is None or left > 0:
            block = await asyncio.to_thread(_block, target, offset, min(left or BLOCK_BYTES, BLOCK_BYTES))
            if not block:
                return
            offset += len(block)
            left = None if left is None else left - len(block)
            yield block

    async def keys(self, prefix: str) -> tuple[str, ...]:
        """See the port."""
        return await asyncio.to_thread(self._keys, prefix)

    async def keep(self, prefix: str, until: float | None, *, held: bool) -> None:
        """See the port. The terms lie beside the files and bind this program only, nobody with a shell."""
        await asyncio.to_thread(self._keep, prefix, until, held)

    async def remove(self, prefix: str, but: frozenset[str]) -> tuple[str, ...]:
        """See the port."""
        return await asyncio.to_thread(self._remove, prefix, but)

    async def probe(self) -> None:
        """See the port."""
        await asyncio.to_thread(self._probe)

    def _path(self, key: str) -> Path:
        parts = PurePosixPath(key).parts
        if not parts or "/".join(parts) != key or ".." in parts or key.startswith("/"):
            raise ValueError("not a key")
        return self._root.joinpath(*parts)

    def _put(self, key: str, path: Path) -> ArchivedObject:
        target = self._path(key)
        try:
            sha256, size = sha256_of(path)
            _sweep(target)
            if target.exists():
                _check_same(target, sha256)
                return ArchivedObject(key, size, sha256)
            make_dirs(target.parent, self._root)
            part = target.with_name(f".{target.name}.{secrets.token_hex(4)}{_TEMPORARY}")
            with _copied(path, part):
                self._give_name(part, target, sha256)
            sync_dir(target.parent)
            return ArchivedObject(key, size, sha256)
        except OSError as error:
            raise StorageError(f"archive cannot be written: {error.strerror}") from error

    def _give_name(self, part: Path, target: Path, sha256: str) -> None:
        """Link instead of rename: of two writers the second must see that the name is taken."""
        try:
            os.link(part, target)
        except FileExistsError:
            _check_same(target, sha256)

    def _keys(self, prefix: str) -> tuple[str, ...]:
        start = self._root / prefix.rpartition("/")[0]
        found = (path for path in start.rglob("*") if path.is_file() and not _is_ours(path))
        keys = (path.relative_to(self._root).as_posix() for path in found)
        return tuple(sorted(key for key in keys if key.startswith(prefix)))

    def _keep(self, prefix: str, until: float | None, held: bool) -> None:
        folder = self._path(prefix.rstrip("/"))
        try:
            make_dirs(folder, self._root)
            latest = max((at for at in (until, _terms(folder)[0]) if at is not None), default=None)
            terms = json.dumps({"until": latest, "held": held}).encode()
            replace_synced(folder / _TERMS, terms, 0o444)
        except OSError as error:
            raise StorageError(f"archive cannot be written: {error.strerror}") from error

    def _remove(self, prefix: str, but: frozenset[str]) -> tuple[str, ...]:
        folder = self._path(prefix.rstrip("/"))
        until, held = _terms(folder)
        keys = [key for key in self._keys(prefix) if key not in but]
        if held or (until is not None and self._now() < until):
            return tuple(keys)
        try:
            for key in keys:
                self._path(key).unlink(missing_ok=True)
            for part in folder.rglob(f"*{_TEMPORARY}"):
                part.unlink(missing_ok=True)
            for path in sorted((p for p in folder.rglob("*") if p.is_dir()), reverse=True):
                with suppress(OSError):
                    path.rmdir()
            if folder.is_dir():
                sync_dir(folder)
        except OSError as error:
            raise StorageError(f"archive cannot be deleted from: {error.strerror}") from error
        return ()

    def _probe(self) -> None:
        path = self._root / f".probe-{secrets.token_hex(4)}"
        content = secrets.token_bytes(32)
        try:
            make_dirs(self._root, self._root)
            path.write_bytes(content)
            same = path.read_bytes() == content
            path.unlink()
        except OSError as error:
            raise StorageError(f"archive directory is not usable: {error.strerror}") from error
        if not same:
            raise StorageError("archive directory returns other bytes than were written")


def _is_ours(path: Path) -> bool:
    return path.suffix == _TEMPORARY or path.name == _TERMS


def _terms(folder: Path) -> tuple[float | None, bool]:
    """Return until when the record in ``folder`` must be kept, and whether it is held."""
    try:
        terms = json.loads((folder / _TERMS).read_bytes())
        return terms["until"], terms["held"]
    except FileNotFoundError:
        return None, False
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(f"{folder / _TERMS} is damaged") from error


def _block(path: Path, offset: int, length: int) -> bytes:
    try:
        return read_block(path, offset, length)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise NotFound("no such object in the archive") from error
    except OSError as error:
        raise StorageError(f"archive cannot be read: {error.strerror}") from error


@contextmanager
def _copied(source: Path, part: Path) -> Iterator[None]:
    """Have a copy in ``part`` while it gets its name; the lock tells :func:`_sweep` that somebody writes."""
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        # A file system without locks sweeps nothing.
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        with source.open("rb", buffering=0) as file:
            while block := file.read(BLOCK_BYTES):
                write_all(descriptor, block)
        os.fchmod(descriptor, 0o444)
        os.fsync(descriptor)
        yield
    finally:
        part.unlink(missing_ok=True)
        os.close(descriptor)


def _sweep(target: Path) -> None:
    """Remove what writers of ``target`` that were killed left behind, also beside a finished file."""
    for part in target.parent.glob(f".{glob.escape(target.name)}.*{_TEMPORARY}"):
        with suppress(OSError), part.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            part.unlink()


def _check_same(target: Path, sha256: str) -> None:
    if sha256_of(target)[0] != sha256:
        raise StorageError("archive holds another content under this key", code="archive_conflict")
