"""Keeps out PDF documents that act by themselves: scripts, programs to start, files inside, encryption.

A bounded look at bytes, not a reader: the names that begin such things are searched for in the document
and in its packed object streams. A document that hides them behind further filters is not found out; the
browser's own viewer, in which none of this runs, remains the second guard.
"""

import re
import zlib
from collections.abc import Iterator

from contract.errors import UserError

_HEADER = b"%PDF-"
# Readers look for the end marker in the last kilobyte (PDF 1.7, implementation note 18).
_TAIL = 1024


def _name(text: str) -> bytes:
    """Return a pattern of a name, each letter plain or as ``#xx`` (ISO 32000-1, 7.3.5)."""
    letters = "".join(f"(?:{letter}|#{ord(letter):02x}|#{ord(letter):02X})" for letter in text)
    return letters.encode()


_REFERENCE = rb"\s*(?:<<|\d{1,10}\s+\d{1,5}\s+R)"
# No longer name begins like one of these, so what follows need not be looked at.
_TELLING = ("JavaScript", "Launch", "EmbeddedFile", "RichMedia", "ImportData", "SubmitForm", "GoToE", "XFA")
_ACTIVE = re.compile(
    b"/(?:"
    + b"|".join(map(_name, _TELLING))
    # Short names turn up in packed pictures by chance: what must follow them has to be there too.
    + b"|(?:" + _name("AA") + b"|" + _name("Encrypt") + b")" + _REFERENCE
    + b"|" + _name("JS") + rb"\s*(?:\(|<|\d{1,10}\s+\d{1,5}\s+R)"
    # A place to open at is an array; anything else is an action.
    + b"|" + _name("OpenAction") + _REFERENCE
    + b")"
)  # fmt: skip
# Searched at a time, so that other threads have their turn; the overlap is longer than what is searched.
_BLOCK, _OVERLAP = 256 * 1024, 256
_STREAM = re.compile(rb"(?<!end)stream\r?\n")
# An object stream begins with pairs of object number and offset (ISO 32000-1, 7.5.7).
_NUMBERS = re.compile(rb"\s*\d+\s+\d+\s+\S")
_LOOK, _PIECE = 256, 16 * 1024
# A book of a thousand pages has some 10,000 streams, and object streams that unpack to a few MiB.
_STREAMS_MAX = 50_000
_UNPACKED_MAX = 32 * 1024 * 1024


def require_passive(data: bytes) -> None:
    """Raise UserError: ``file_mismatch`` unless ``data`` is a whole PDF, ``file_unsafe`` if it may act."""
    if not data.startswith(_HEADER) or b"%%EOF" not in data[-_TAIL:]:
        raise UserError("not a whole PDF document", code="file_mismatch")
    _require_quiet(data)
    left = _UNPACKED_MAX
    for at in _packed_streams(data):
        unpacked, read = _objects(data, at, left)
        left -= len(unpacked) + read
        if left <= 0:
            raise _unsafe("the document unpacks to too much")
        _require_quiet(unpacked)


def _require_quiet(data: bytes) -> None:
    for start in range(0, len(data), _BLOCK):
        if _ACTIVE.search(data, start, start + _BLOCK + _OVERLAP):
            raise _unsafe("the document holds scripts, files or actions, or is encrypted")


def _packed_streams(data: bytes) -> Iterator[int]:
    """Yield where streams with a zlib header (RFC 1950) begin."""
    for count, start in enumerate(_STREAM.finditer(data)):
        if count == _STREAMS_MAX:
            raise _unsafe("the document has too many streams")
        head = data[start.end() : start.end() + 2]
        if len(head) == 2 and head[0] & 0x0F == 8 and int.from_bytes(head) % 31 == 0:
            yield start.end()


def _objects(data: bytes, at: int, most: int) -> tuple[bytes, int]:
    """Return the unpacked stream if it looks like an object stream, else nothing; and how much was read."""
    unpacked, unpacker = bytearray(), zlib.decompressobj()
    read = 0
    try:
        while not unpacker.eof and len(unpacked) + read <= most and at + read < len(data):
            piece = data[at + read : at + read + (_PIECE if read else _LOOK)]
            unpacked += unpacker.decompress(piece, most)
            read += len(piece)
            if not _NUMBERS.match(unpacked[:_LOOK]):
                return b"", read
    except zlib.error:
        pass
    return bytes(unpacked), read


def _unsafe(text: str) -> UserError:
    return UserError(text, code="file_unsafe")
