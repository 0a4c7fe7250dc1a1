"""The evidence bundle: a whole record in one tar file that anyone can check without this service.

::

    <case>/manifest.json, signature.json     every file's hash, and the signature of the day it was archived
    <case>/journal.jsonl                     every fact until the export
    <case>/export.json                       a signature over manifest and journal as they are here
    <case>/...                               the files of the manifest, as they were archived

The tar is plain POSIX (pax), so that any tool unpacks it; the folder that comes out is checked the same way.
"""

import asyncio
import hashlib
import io
import os
import tarfile
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import IO, Any

from cryptography.x509 import Certificate

from contract.errors import StorageError
from contract.ids import CaseId, is_id
from recordings.manifest import MANIFEST, is_journal
from recordings.signature import EXPORT_SIGNATURE, PAPERS
from recordings.spool import sha256_of
from recordings.timestamp import BYTES_MAX
from recordings.verify import Found, Report, judge

# A manifest of a thousand hours and a journal of a million facts are smaller; what claims more is no record.
_TEXT_BYTES_MAX = 1 << 30
# What is written beside is held in memory up to this, then on disk.
_IN_MEMORY_BYTES = 8 << 20

Content = Callable[[], AsyncIterator[bytes]]


@dataclass(frozen=True, slots=True)
class Written:
    """A bundle as it lies there."""

    sha256: str
    bytes: int
    files: int


async def write_bundle(path: Path, case: CaseId, parts: Mapping[str, Content], made_at: float) -> Written:
    """Write ``parts``, contents by their path in the record, into a new tar file at ``path``.

    All members bear ``made_at`` (seconds UTC) and nobody's name, so the same parts give the same bytes.

    Raises:
        FileExistsError: the path is taken.
        StorageError: a part cannot be read; nothing is left behind.
    """
    try:
        with open(path, "xb", opener=_private) as out:  # noqa: ASYNC230  a command's own file
            hashing = _Hashing(out)
            with tarfile.open(fileobj=hashing, mode="w|", format=tarfile.PAX_FORMAT) as tar:
                for name, content in parts.items():
                    await _add(tar, f"{case}/{name}", content, made_at)
        return Written(hashing.digest.hexdigest(), hashing.bytes, len(parts))
    except FileExistsError:
        raise
    except BaseException:
        await asyncio.to_thread(path.unlink, missing_ok=True)
        raise


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


async def _add(tar: tarfile.TarFile, name: str, content: Content, made_at: float) -> None:
    # A tar's header tells the size, and an archive tells it only as the bytes come.
    with tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES) as whole:
        async for block in content():
            whole.write(block)
        size = whole.tell()
        whole.seek(0)
        tar.addfile(_header(name, size, int(made_at)), whole)


def _header(name: str, size: int, made_at: int) -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.size, header.mtime, header.mode = size, made_at, 0o600
    return header


class _Hashing(io.RawIOBase):
    """A file to write to that counts and hashes what passes, on to ``out`` if there is one."""

    def __init__(self, out: IO[bytes] | None) -> None:
        super().__init__()
        self._out = out
        self.digest = hashlib.sha256()
        self.bytes = 0

    def write(self, data: Any) -> int:
        self.digest.update(data)
        self.bytes += len(data)
        return self._out.write(data) if self._out else len(data)


def verify_bundle(path: Path, roots: Sequence[Certificate] = ()) -> tuple[CaseId, Report]:
    """Return which case a bundle is of, and the verdict on it. Blocks; nothing is unpacked.

    The tar is written anew while it is read and must come out the same, so that a change between the files
    is found as well: ``bundle_altered``.

    Raises:
        StorageError: ``bundle_damaged``, the file is no such tar or breaks off.
    """
    seen, again = _Seen(), _Hashing(None)
    try:
        with (
            tarfile.open(path, mode="r|") as tar,
            tarfile.open(fileobj=again, mode="w|", format=tarfile.PAX_FORMAT) as copy,
        ):
            for member in tar:
                _take(seen, tar, member, copy)
    except (tarfile.TarError, OSError, EOFError, ValueError, UnicodeError) as error:
        raise StorageError(f"not a whole bundle: {error}", code="bundle_damaged") from error
    report = seen.report(roots)
    if again.digest.hexdigest() != sha256_of(path)[0]:
        report = replace(report, problems=(*report.problems, "bundle_altered"))
    return seen.case, report


def _take(seen: "_Seen", tar: tarfile.TarFile, member: tarfile.TarInfo, copy: tarfile.TarFile) -> None:
    reader = tar.extractfile(member) if member.isreg() else None
    if reader is None:
        raise StorageError(f"{member.name} is no file", code="bundle_damaged")
    taken = _Taken(seen.admit(member))
    copy.addfile(_header(member.name, member.size, seen.made_at), _Passing(reader, taken))
    seen.keep(member.name.partition("/")[2], taken)


class _Taken:
    """A file's hash and size, and its text where that is wanted."""

    def __init__(self, text: bytearray | None) -> None:
        self.text = text
        self._digest = hashlib.sha256()
        self._size = 0

    def update(self, block: bytes) -> None:
        self._digest.update(block)
        self._size += len(block)
        if self.text is not None:
            self.text += block

    def found(self) -> Found:
        return Found(self._digest.hexdigest(), self._size)


class _Passing(io.RawIOBase):
    """A reader of which somebody else sees every block."""

    def __init__(self, reader: IO[bytes], taken: _Taken) -> None:
        super().__init__()
        self._reader, self._taken = reader, taken

    def read(self, size: int = -1) -> bytes:
        block = self._reader.read(size)
        self._taken.update(block)
        return block


class _Seen:
    """What was read of a bundle so far; ``made_at`` is its first member's time, which all must bear."""

    def __init__(self) -> None:
        self.made_at = 0
        self._case = ""
        self._texts: dict[str, bytes] = {}
        self._found: dict[str, Found] = {}

    @property
    def case(self) -> CaseId:
        """Return the case. Raises StorageError for a bundle without files."""
        if not self._case:
            raise StorageError("there is no record in it", code="bundle_damaged")
        return CaseId(self._case)

    def admit(self, member: tarfile.TarInfo) -> bytearray | None:
        """Return where the text of ``member`` goes, None when it is not wanted. Raises StorageError."""
        case, _, name = member.name.partition("/")
        if not is_id(case) or case != (self._case or case) or not _is_plain(name):
            raise StorageError(f"{member.name} belongs to no record", code="bundle_damaged")
        if name in self._texts or name in self._found:
            raise StorageError(f"{name} is there twice", code="bundle_damaged")
        if not self._case:
            self._case, self.made_at = case, int(member.mtime)
        if not (name == MANIFEST or name in PAPERS or is_journal(name)):
            return None
        if member.size > (BYTES_MAX if name in PAPERS else _TEXT_BYTES_MAX):
            raise StorageError(f"{name} is too large", code="bundle_damaged")
        return bytearray()

    def keep(self, name: str, taken: _Taken) -> None:
        """Keep what became of the file ``name``."""
        if taken.text is not None:
            self._texts[name] = bytes(taken.text)
        else:
            self._found[name] = taken.found()

    def report(self, roots: Sequence[Certificate]) -> Report:
        """Return the verdict; a bundle says when it was made and by whom."""
        texts = self._texts
        journals = [text for name, text in texts.items() if is_journal(name)]
        signatures = {name: texts[name] for name in PAPERS if name in texts}
        report = judge(self.case, texts.get(MANIFEST), journals, self._found, signatures, roots)
        problems = report.problems
        exports = [one for one in report.signatures if one.file == EXPORT_SIGNATURE]
        if not exports:
            problems = (*problems, "export_not_signed")
        elif (int(exports[0].signed_at), exports[0].entries) != (self.made_at, report.entries):
            problems = (*problems, "bundle_altered")
        return replace(report, problems=tuple(dict.fromkeys(problems)))


def _is_plain(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return bool(parts) and "/".join(parts) == name and ".." not in parts
