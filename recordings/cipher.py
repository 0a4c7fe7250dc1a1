"""The form of an encrypted file: AES-256-GCM in chunks, so that any stretch opens without the rest. Pure.

::

    VTSEAL1\\n | salt, 24 bytes | chunk 0 | chunk 1 | ... | last chunk

A chunk is 64 KiB, the last one shorter, and 16 bytes of tag.

The file's own key is HKDF-SHA256 (RFC 5869) of the case's key, the salt and the file's name; a chunk's nonce
is its number and whether it is the last, after the STREAM construction (Hoang, Reyhanitabar, Rogaway and
Vizár 2015). So no chunk can be moved, dropped, cut off or taken from another file unseen. The salt is an
HMAC over name and content under the case's key: the same file always gives the same bytes, so that an
upload can be repeated, and no two contents ever share key and nonce.
"""

import hashlib
import hmac
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from contract.errors import StorageError

MAGIC = b"VTSEAL1\n"
SALT_BYTES = 24
HEADER_BYTES = len(MAGIC) + SALT_BYTES
CHUNK_BYTES = 64 << 10
TAG_BYTES = 16
KEY_BYTES = 32
_SEALED_CHUNK = CHUNK_BYTES + TAG_BYTES


class Reader(Protocol):
    """Something to read from."""

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes, none at the end."""
        ...


def sealed_size(size: int) -> int:
    """Return how many bytes a file of ``size`` bytes takes when it is encrypted."""
    return HEADER_BYTES + size + TAG_BYTES * max(1, -(-size // CHUNK_BYTES))


def plain_size(sealed: int) -> int:
    """Return the size of the file in ``sealed`` encrypted bytes. Raises StorageError for a size of none."""
    chunks = max(1, -(-(sealed - HEADER_BYTES) // _SEALED_CHUNK))
    size = sealed - HEADER_BYTES - TAG_BYTES * chunks
    if size < 0 or sealed_size(size) != sealed:
        raise _altered()
    return size


def salt_of(case_key: bytes, name: str, sha256: str) -> bytes:
    """Return the salt of a content, its SHA-256 in hex, under a name."""
    said = b"salt\0" + name.encode() + b"\0" + bytes.fromhex(sha256)
    return hmac.digest(case_key, said, hashlib.sha256)[:SALT_BYTES]


def encrypted(case_key: bytes, name: str, sha256: str, content: Reader) -> Iterator[bytes]:
    """Yield the encrypted form of ``content``, whose SHA-256 (hex) must be known, block by block."""
    salt = salt_of(case_key, name, sha256)
    cipher = _cipher(case_key, name, salt)
    yield MAGIC + salt
    index, chunk = 0, content.read(CHUNK_BYTES)
    while following := content.read(CHUNK_BYTES):
        yield cipher.encrypt(_nonce(index, last=False), chunk, None)
        index, chunk = index + 1, following
    yield cipher.encrypt(_nonce(index, last=True), chunk, None)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Which bytes of an encrypted file hold a stretch of the plain one.

    ``offset`` and ``length`` say what to read; the first ``skip`` bytes of what comes out are not wanted,
    nor what is behind ``take``. ``chunk`` is the first chunk's number, ``last`` that of the file's last.
    """

    offset: int
    length: int
    skip: int
    take: int
    chunk: int
    last: int


def stretch(sealed: int, offset: int, length: int | None) -> Stretch | None:
    """Return what to read of ``sealed`` bytes for ``length`` from ``offset``, None for nothing at all."""
    size = plain_size(sealed)
    take = max(0, size - offset) if length is None else min(length, max(0, size - offset))
    # The one chunk of an empty file is opened all the same, when the whole of it is asked for.
    if take == 0 and (size, offset, length) != (0, 0, None):
        return None
    first, final = offset // CHUNK_BYTES, max(0, offset + take - 1) // CHUNK_BYTES
    start = HEADER_BYTES + first * _SEALED_CHUNK
    end = min(sealed, HEADER_BYTES + (final + 1) * _SEALED_CHUNK)
    return Stretch(
        start, end - start, offset - first * CHUNK_BYTES, take, first, max(0, size - 1) // CHUNK_BYTES
    )


class Opener:
    """Turns the encrypted bytes of a stretch, in blocks of any size, into plain ones."""

    def __init__(self, case_key: bytes, name: str, header: bytes, wanted: Stretch) -> None:
        self._cipher = _cipher(case_key, name, header[len(MAGIC) :])
        self._wanted, self._index = wanted, wanted.chunk
        self._skip, self._left = wanted.skip, wanted.take
        self._waiting = bytearray()
        self._unread = wanted.length

    def feed(self, block: bytes) -> bytes:
        """Return what ``block`` completes. Raises StorageError ``archive_altered``."""
        self._unread -= len(block)
        self._waiting += block
        whole = len(self._waiting) // _SEALED_CHUNK * _SEALED_CHUNK
        ready = len(self._waiting) if self._unread <= 0 else whole
        parts = _parts(bytes(self._waiting[:ready]))
        del self._waiting[:ready]
        return b"".join(self._open(part) for part in parts)

    def finish(self) -> None:
        """Raise StorageError unless all of the stretch came."""
        if self._unread or self._left:
            raise _altered()

    def _open(self, chunk: bytes) -> bytes:
        nonce = _nonce(self._index, last=self._index == self._wanted.last)
        try:
            plain = self._cipher.decrypt(nonce, chunk, None)
        except InvalidTag as error:
            raise _altered() from error
        self._index += 1
        part = plain[self._skip : self._skip + self._left]
        self._skip = 0
        self._left -= len(part)
        return part


def _parts(content: bytes) -> Iterable[bytes]:
    return (content[at : at + _SEALED_CHUNK] for at in range(0, len(content), _SEALED_CHUNK))


def _cipher(case_key: bytes, name: str, salt: bytes) -> AESGCM:
    derived = HKDF(SHA256(), KEY_BYTES, salt, b"file\0" + name.encode()).derive(case_key)
    return AESGCM(derived)


def _nonce(index: int, *, last: bool) -> bytes:
    return index.to_bytes(11) + bytes((last,))


def _altered() -> StorageError:
    return StorageError("the archive holds other bytes than were put there", code="archive_altered")
