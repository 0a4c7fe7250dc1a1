"""The archive as everything else sees it: plain files in and out, ciphertext in the store below.

One object a file, under the same name; see ``recordings.cipher`` for its form. Papers that must be read
without the key are left as they are. Records from before encryption are read as they lie there.
"""

import asyncio
import hashlib
import tempfile
from collections import OrderedDict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO, NamedTuple

from contract.errors import StorageError
from contract.ids import CaseId, TenantId
from contract.ports import Archive, ArchivedObject
from recordings.case_keys import CaseKeys
from recordings.cipher import HEADER_BYTES, MAGIC, Opener, encrypted, plain_size, stretch
from recordings.papers import PLAIN_PAPERS
from recordings.spool import make_dirs, sha256_of

# Headers and sizes of objects, which never change; a player asks for hundreds of ranges of one file.
_KNOWN_MAX = 4096


class _Object(NamedTuple):
    """What is known of an object below: its beginning, and its size there."""

    header: bytes
    bytes: int

    @property
    def is_sealed(self) -> bool:
        return self.header[: len(MAGIC)] == MAGIC and len(self.header) == HEADER_BYTES


class SealedArchive:
    """Implements ``contract.ports.Archive`` over another one; ``workspace`` takes one file at a time.

    Reading a record whose key was destroyed raises NotFound ``erased``.
    """

    def __init__(self, below: Archive, keys: CaseKeys, workspace: Path) -> None:
        self.below, self.name = below, below.name
        self._keys, self._workspace = keys, workspace
        self._known: OrderedDict[str, _Object] = OrderedDict()

    async def put(self, key: str, path: Path) -> ArchivedObject:
        """See the port; what is returned is the ciphertext's size and hash."""
        tenant, case, name = _parted(key)
        if name in PLAIN_PAPERS:
            return await self.below.put(key, path)
        case_key = await self._keys.of_writer(tenant, case)
        sealed = await asyncio.to_thread(self._sealed, case_key, name, path)
        with sealed:
            # The file has no name that a crash could leave behind; this is how others open it.
            return await self.below.put(key, Path(f"/proc/self/fd/{sealed.fileno()}"))

    def _sealed(self, case_key: bytes, name: str, path: Path) -> IO[bytes]:
        """Return an open file without a name that holds the encrypted form of ``path``."""
        try:
            sha256, _ = sha256_of(path)
            make_dirs(self._workspace, self._workspace.parent)
            sealed = tempfile.TemporaryFile(dir=self._workspace)  # noqa: SIM115  the caller closes it
            try:
                _write(case_key, name, sha256, path, sealed)
            except BaseException:
                sealed.close()
                raise
        except OSError as error:
            raise StorageError(f"{name} cannot be encrypted: {error.strerror}") from error
        return sealed

    async def stat(self, key: str) -> ArchivedObject | None:
        """See the port; the size is that of the plain file."""
        found = await self.below.stat(key)
        if found is None or _parted(key)[2] in PLAIN_PAPERS:
            return found
        known = await self._look(key, found.bytes)
        return ArchivedObject(key, plain_size(found.bytes)) if known.is_sealed else found

    async def read(self, key: str, offset: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """See the port; only the chunks that hold the stretch are fetched and opened."""
        tenant, case, name = _parted(key)
        known = None if name in PLAIN_PAPERS else await self._look(key)
        if known is None or not known.is_sealed:
            async for block in self.below.read(key, offset, length):
                yield block
            return
        case_key = await self._keys.of_reader(tenant, case)
        wanted = stretch(known.bytes, offset, length)
        if wanted is None:
            return
        opener = Opener(case_key, name, known.header, wanted)
        async for block in self.below.read(key, wanted.offset, wanted.length):
            if plain := await asyncio.to_thread(opener.feed, block):
                yield plain
        opener.finish()

    async def keys(self, prefix: str) -> tuple[str, ...]:
        """See the port."""
        return await self.below.keys(prefix)

    async def keep(self, prefix: str, until: float | None, *, held: bool) -> None:
        """See the port."""
        await self.below.keep(prefix, until, held=held)

    async def remove(self, prefix: str, but: frozenset[str]) -> tuple[str, ...]:
        """See the port."""
        return await self.below.remove(prefix, but)

    async def probe(self) -> None:
        """See the port."""
        await self.below.probe()

    async def _look(self, key: str, size: int | None = None) -> _Object:
        """Return an object's header and size, asked for once."""
        if key not in self._known:
            if size is None:
                found = await self.below.stat(key)
                size = found.bytes if found else 0
            header = b"".join([block async for block in self.below.read(key, 0, HEADER_BYTES)])
            self._known[key] = _Object(header, size)
            if len(self._known) > _KNOWN_MAX:
                self._known.popitem(last=False)
        return self._known[key]


def _parted(key: str) -> tuple[TenantId, CaseId, str]:
    tenant, case, name = key.split("/", 2)
    return TenantId(tenant), CaseId(case), name


def _write(case_key: bytes, name: str, sha256: str, path: Path, sealed: IO[bytes]) -> None:
    with path.open("rb") as content:
        hashed = _Hashed(content)
        for block in encrypted(case_key, name, sha256, hashed):
            sealed.write(block)
    if hashed.digest.hexdigest() != sha256:
        # Two contents under one salt must not leave the house.
        raise StorageError(f"{name} changed while it was read", code="file_changed")
    sealed.flush()


class _Hashed:
    """A file to read from that hashes what passes."""

    def __init__(self, content: IO[bytes]) -> None:
        self._content = content
        self.digest = hashlib.sha256()

    def read(self, size: int) -> bytes:
        block = self._content.read(size)
        self.digest.update(block)
        return block
