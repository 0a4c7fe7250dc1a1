"""Where the objects of a PDF document are, as far as a scan needs it: bounded, linear, in small steps."""

import re
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from contract.errors import UserError

# Searched in one go, which no other thread can interrupt: two milliseconds at most.
BLOCK = 64 * 1024
_ESCAPE = re.compile(rb"#([0-9a-fA-F]{2})")
# Binary data has some hundred by chance, names of fonts a few thousand.
_ESCAPES_MAX = 100_000
# White space and comments (ISO 32000-1, 7.2.3 and 7.2.4), up to the end of what is looked at.
GAP = rb"(?:[\0\s]|%[^\r\n]*(?:[\r\n]|\Z))"
_BETWEEN = re.compile(GAP + b"*+")
# Honest programs write a line break or nothing.
_WINDOW = 256
# An object stream is told by its type; some readers go by the number where its objects begin.
_ANCHORS = re.compile(rb"/(?:ObjStm|First)")
_ANCHOR = 7
_ANCHORS_MAX = 100_000
_FIRST = re.compile(rb"/First[\0\s]*(\d{1,9})(?![\0\s]*\d)")
_DICTIONARY = 1024
# Looked at between two pauses: each costs some microseconds.
_HEADS = 256
_STREAM = re.compile(rb"[\0\s]*stream[\0\s]*")
_FILTERS = re.compile(rb"/(?:F|Filter|DecodeParms|DP|FFilter|FDecodeParms)(?![A-Za-z])")
_FLATE = re.compile(
    rb"/Filter[\0\s]*(?:/(?:FlateDecode|Fl)(?![A-Za-z])|\[[\0\s]*/(?:FlateDecode|Fl)[\0\s]*\])"
)
_PIECE = 16 * 1024
# A book of a thousand pages has object streams that unpack to a few MiB.
_UNPACKED_MAX = 32 * 1024 * 1024
_PAIR = re.compile(rb"[\0\s]*(\d{1,9})[\0\s]+(\d{1,9})(?=[\0\s])")
Pause = Callable[[], None]


def unsafe(text: str) -> UserError:
    """Return the refusal ``file_unsafe``."""
    return UserError(text, code="file_unsafe")


def plain_names(data: bytes, pause: Pause) -> bytes:
    """Return ``data`` with every ``#xx`` as the sign it stands for (ISO 32000-1, 7.3.5)."""
    blocks, start, escapes = [], 0, 0
    while start < len(data):
        end = start + BLOCK
        # An escape is not cut in two.
        end -= max((back for back in (1, 2) if data[end - back : end - back + 1] == b"#"), default=0)
        plain, count = _ESCAPE.subn(lambda found: bytes((int(found[1], 16),)), data[start:end])
        blocks.append(plain)
        start, escapes = end, escapes + count
        if escapes > _ESCAPES_MAX:
            raise unsafe("too many escaped signs")
        pause()
    return b"".join(blocks)


def following(text: bytes, at: int) -> bytes:
    """Return what comes after white space and comments, cut; nothing when these are too long."""
    window = text[at : at + _WINDOW]
    between = _BETWEEN.match(window)
    return window[between.end() :] if between else window


def packed_objects(data: bytes, text: bytes, pause: Pause) -> Iterator[tuple[bytes, int]]:
    """Yield each object stream's content and where its objects begin; ``text`` is ``data`` unescaped.

    Raises UserError ``file_unsafe`` for one that is not written plainly, and for too many.
    """
    anchors = list(_anchors(data, pause))
    if sum(1 for _ in _anchors(text, pause)) != len(anchors):
        raise unsafe("an object stream is disguised")
    left = _UNPACKED_MAX
    begun: set[int] = set()
    for number, anchor in enumerate(anchors):
        if number % _HEADS == 0:
            pause()
        if data.startswith(b"/First", anchor) and not _FIRST.match(data, anchor, anchor + _WINDOW):
            continue
        head, start = _dictionary(data, anchor)
        if start in begun:
            continue
        begun.add(start)
        content, read = _content(data, head, start, left, pause)
        # Looking at a dictionary costs as well.
        left -= len(content) + read + _DICTIONARY
        if left <= 0:
            raise unsafe("the document unpacks to too much")
        first = _FIRST.search(head)
        yield content, int(first[1]) if first else len(content)


def _anchors(data: bytes, pause: Pause) -> Iterator[int]:
    count = 0
    for start in range(0, len(data), BLOCK):
        for found in _ANCHORS.finditer(data, start, start + BLOCK + _ANCHOR):
            if found.start() >= start + BLOCK:
                break
            count += 1
            if count > _ANCHORS_MAX:
                raise unsafe("too many objects")
            yield found.start()
        pause()


def _dictionary(data: bytes, anchor: int) -> tuple[bytes, int]:
    """Return the dictionary around ``anchor`` and where the data of its stream begins."""
    begin = data.rfind(b"obj", max(0, anchor - _DICTIONARY), anchor)
    end = data.find(b"stream", anchor, anchor + _DICTIONARY)
    head = data[begin + 3 : end].strip(b"\0\t\n\f\r ")
    found = _STREAM.match(data, end, end + _DICTIONARY) if begin >= 0 and end >= 0 else None
    # Comments and strings could hold what only looks like the end of the dictionary.
    if found is None or b"%" in head or b"(" in head or not _whole(head):
        raise unsafe("an object stream is not written plainly")
    return head, found.end()


def _whole(head: bytes) -> bool:
    """Tell whether ``head`` is one dictionary, from its first sign to its last."""
    depth = 0
    for sign in re.finditer(rb"<<|>>", head):
        depth += 1 if sign[0] == b"<<" else -1
        if depth <= 0:
            return sign.end() == len(head) and head.startswith(b"<<")
    return False


def _content(data: bytes, head: bytes, start: int, most: int, pause: Pause) -> tuple[bytes, int]:
    """Return the content of a stream, and how much was read."""
    filters = _FILTERS.findall(head)
    if not filters:
        # It lies open, and was looked at with the document.
        return b"", 0
    if len(filters) > 1 or not _FLATE.search(head):
        raise unsafe("an object stream is packed in an unusual way")
    # Without its type: a checker takes the state of the outer loop for that of the inner one.
    unpacker: Any = zlib.decompressobj()
    unpacked, read = bytearray(), 0
    try:
        while not unpacker.eof and len(unpacked) + read <= most and start + read < len(data):
            piece = data[start + read : start + read + _PIECE]
            read += len(piece)
            while piece and len(unpacked) + read <= most:
                unpacked += unpacker.decompress(piece, BLOCK)
                piece = b"" if unpacker.eof else unpacker.unconsumed_tail
                pause()
    except zlib.error as error:
        raise unsafe("an object stream cannot be read") from error
    return bytes(unpacked), read


class Objects:
    """Finds objects by their numbers in a document and in its object streams."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._packed: dict[int, list[bytes]] = {}

    def add(self, content: bytes, first: int) -> None:
        """Note the objects of an object stream: number and place pairs, then they (7.5.7)."""
        at = 0
        while (pair := _PAIR.match(content, at, first + 1)) is not None:
            place = first + int(pair[2])
            self._packed.setdefault(int(pair[1]), []).append(following(content, place))
            at = pair.end()

    def all(self, number: int, generation: int, pause: Pause) -> Iterator[bytes]:
        """Yield what follows the head of every object of this number, cut to a few hundred signs."""
        yield from self._packed.get(number, ())
        head = re.compile(
            rb"%d(?:[\0\s]|%%[^\r\n]{0,64}+[\r\n]){1,16}+0{0,9}%d(?:[\0\s]|%%[^\r\n]{0,64}+[\r\n]){0,16}+obj"
            % (number, generation)
        )
        for start in range(0, len(self._text), BLOCK):
            for found in head.finditer(self._text, start, start + BLOCK + 2 * _WINDOW):
                if found.start() < start + BLOCK and self._begins(found.start()):
                    yield following(self._text, found.end())
            pause()

    def _begins(self, at: int) -> bool:
        """Tell whether a number begins at ``at``, zeros before it aside."""
        return not self._text[max(0, at - 16) : at].rstrip(b"0")[-1:].isdigit()
