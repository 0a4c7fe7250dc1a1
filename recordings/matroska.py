"""Just enough Matroska to read back what the recorder wrote, and to find where a torn file ends.

Source: RFC 8794 (EBML) and RFC 9559 (Matroska). The recorder's files are live Matroska: one track, a
Segment and Clusters of unknown size, SimpleBlocks, a timestamp scale of 1 ms, no index. Reading them
takes no codec and no probing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

_SEGMENT = 0x18538067
_TRACKS = 0x1654AE6B
_CLUSTER = 0x1F43B675
_CLUSTER_TIMESTAMP = 0xE7
_SIMPLE_BLOCK = 0xA3
# Older recordings hold Opus packets in groups with their duration; each group holds one block, first.
_BLOCK_GROUP = 0xA0
_BLOCK = 0xA1
# Elements whose children are read in place instead of being stepped over.
_OPENED = frozenset({_SEGMENT, _CLUSTER})
# Track number (1 byte, below 127), relative timestamp (2) and flags (1) stand before a block's frame.
_BLOCK_HEAD_BYTES = 4
_KEYFRAME = 0x80


@dataclass(frozen=True, slots=True)
class Block:
    """One frame in the file. ``pts_ms`` in milliseconds; ``end`` is the offset behind its last byte."""

    pts_ms: int
    keyframe: bool
    data: bytes
    end: int


@dataclass(frozen=True, slots=True)
class Outline:
    """How a file begins: its Tracks element, where its clusters begin, and its first frame."""

    tracks: bytes
    clusters: int
    first_ms: int
    keyframe: bool


def outline(beginning: bytes) -> Outline | None:
    """Return how a file begins; None when ``beginning`` does not reach its first block's head."""
    tracks, clusters, ms, offset = b"", 0, 0, 0
    while (head := _element(beginning, offset)) is not None:
        kind, start, size = head
        if kind == _CLUSTER and not clusters:
            clusters = offset
        elif kind == _TRACKS:
            tracks = beginning[offset : start + size]
        elif kind == _CLUSTER_TIMESTAMP:
            ms = int.from_bytes(beginning[start : start + size])
        elif kind == _BLOCK_GROUP:
            size = 0
        elif kind in {_SIMPLE_BLOCK, _BLOCK}:
            return _outlined(beginning[start : start + _BLOCK_HEAD_BYTES], tracks, clusters, ms, kind)
        offset = start if kind in _OPENED else start + size
    return None


def _outlined(block: bytes, tracks: bytes, clusters: int, ms: int, kind: int) -> Outline | None:
    if len(block) < _BLOCK_HEAD_BYTES or not tracks or not clusters:
        return None
    relative = int.from_bytes(block[1:3], signed=True)
    # Only sound comes in groups, and each of its packets is a keyframe.
    return Outline(tracks, clusters, ms + relative, kind == _BLOCK or bool(block[3] & _KEYFRAME))


def blocks(content: bytes) -> Iterator[Block]:
    """Yield the whole frames of a file in order; a torn or foreign tail ends the iteration."""
    offset = 0
    cluster_ms = 0
    while (head := _element(content, offset)) is not None:
        kind, start, size = head
        if kind in _OPENED:
            offset = start
            continue
        end = start + size
        if end > len(content):
            return
        if kind == _CLUSTER_TIMESTAMP:
            cluster_ms = int.from_bytes(content[start:end])
        elif kind == _SIMPLE_BLOCK and size >= _BLOCK_HEAD_BYTES:
            keyframe = bool(content[start + 3] & _KEYFRAME)
            yield _block(content[start:end], cluster_ms, keyframe, end)
        elif kind == _BLOCK_GROUP:
            yield from _grouped(content[start:end], cluster_ms, end)
        offset = end


def _block(payload: bytes, cluster_ms: int, keyframe: bool, end: int) -> Block:
    relative = int.from_bytes(payload[1:3], signed=True)
    return Block(cluster_ms + relative, keyframe, payload[_BLOCK_HEAD_BYTES:], end)


def _grouped(group: bytes, cluster_ms: int, end: int) -> Iterator[Block]:
    """Yield the block of a group. Only sound comes in groups, and each of its packets is a keyframe."""
    head = _element(group, 0)
    if head is not None and head[0] == _BLOCK and _BLOCK_HEAD_BYTES <= head[2] <= len(group) - head[1]:
        yield _block(group[head[1] : head[1] + head[2]], cluster_ms, True, end)


def _element(content: bytes, offset: int) -> tuple[int, int, int] | None:
    kind = _number(content, offset, keep_marker=True)
    if kind is None:
        return None
    size = _number(content, offset + kind[1], keep_marker=False)
    if size is None:
        return None
    return kind[0], offset + kind[1] + size[1], size[0]


def _number(content: bytes, offset: int, *, keep_marker: bool) -> tuple[int, int] | None:
    """Return an EBML variable-size number and its length; the leading zero bits tell the length."""
    if offset >= len(content) or content[offset] == 0:
        return None
    length = 9 - content[offset].bit_length()
    if offset + length > len(content):
        return None
    value = int.from_bytes(content[offset : offset + length])
    return (value if keep_marker else value & ((1 << 7 * length) - 1)), length
