"""The archive as a directory: one file per key, written once, read-only from then on.

Read-only by mode only: whoever owns the directory can still delete. For write-once storage use the S3
archive with object lock.
"""

import asyncio
import os
import secrets
import stat
from collections.abc import AsyncIterator
from pathlib import Path, PurePosixPath

from contract.errors import NotFound, StorageError
from contract.ports import ArchivedObject
from recordings.spool import BLOCK_BYTES, make_dirs, read_block, sha256_of, sync_dir, write_all

_TEMPORARY = ".part"


class DirectoryArchive:
    """Implements ``contract.ports.Archive`` under ``root``; ``name`` is ``directory``."""

    name = "directory"

    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, key: str, path: Path) -> None:
        """See the port."""
        await asyncio.to_thread(self._put, key, path)

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

    async def probe(self) -> None:
        """See the port."""
        await asyncio.to_thread(self._probe)

    def _path(self, key: str) -> Path:
        parts = PurePosixPath(key).parts
        if not parts or "/".join(parts) != key or ".." in parts or key.startswith("/"):
            raise ValueError("not a key")
        return self._root.joinpath(*parts)

    def _put(self, key: str, path: Path) -> None:
        target = self._path(key)
        try:
            if target.exists():
                _check_same(target, path)
                return
            make_dirs(target.parent, self._root)
            part = target.with_name(f".{target.name}.{secrets.token_hex(4)}{_TEMPORARY}")
            _copy(path, part)
            self._give_name(part, target, path)
            sync_dir(target.parent)
        except OSError as error:
            raise StorageError(f"archive cannot be written: {error.strerror}") from error

    def _give_name(self, part: Path, target: Path, path: Path) -> None:
        """Link instead of rename: of two writers the second must see that the name is taken."""
        try:
            os.link(part, target)
        except FileExistsError:
            _check_same(target, path)
        finally:
            part.unlink()

    def _keys(self, prefix: str) -> tuple[str, ...]:
        start = self._root / prefix.rpartition("/")[0]
        found = (path for path in start.rglob("*") if path.is_file() and path.suffix != _TEMPORARY)
        keys = (path.relative_to(self._root).as_posix() for path in found)
        return tuple(sorted(key for key in keys if key.startswith(prefix)))

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


def _block(path: Path, offset: int, length: int) -> bytes:
    try:
        return read_block(path, offset, length)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise NotFound("no such object in the archive") from error
    except OSError as error:
        raise StorageError(f"archive cannot be read: {error.strerror}") from error


def _copy(source: Path, target: Path) -> None:
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with source.open("rb", buffering=0) as file:
            while block := file.read(BLOCK_BYTES):
                write_all(descriptor, block)
        os.fchmod(descriptor, 0o444)
        os.fsync(descriptor)
    except OSError:
        target.unlink()
        raise
    finally:
        os.close(descriptor)


def _check_same(target: Path, path: Path) -> None:
    if sha256_of(target) != sha256_of(path):
        raise StorageError("archive holds another content under this key", code="archive_conflict")
