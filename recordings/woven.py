"""One seekable Matroska file for a track, made of its segments without copying a byte of them.

A track lies on disk as live Matroska files of at most 4 s, which no browser can seek in. Their clusters,
one behind the other, are one track: each counts its time from the track's first frame. So the file that a
player sees is a head of our own (length, codec, an index of clusters), and behind it the segments' clusters
as they lie there. A range of it is a range of the head and of some segments; nothing is written anywhere.

Source: RFC 9559 (Matroska), sections 5.1.3 Info, 5.1.4 Tracks, 5.1.5 Cues. Pure.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from contract.errors import StorageError
from recordings import matroska, muxer

# A segment's head (EBML header, Info, Tracks) and its first block's head fit into this; a head is 190 bytes
# with H.264's parameter sets some 100 more, which RFC 6184 does not bound.
HEAD_MAX_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Piece:
    """What a segment gives: its bytes from ``skip`` on, ``bytes`` of them.

    ``first_ms`` is the time of its first frame from the track's first frame; ``keyframe`` tells whether a
    decoder may start there.
    """

    name: str
    skip: int
    bytes: int
    first_ms: int
    keyframe: bool


@dataclass(frozen=True, slots=True)
class Stretch:
    """``length`` bytes from ``first`` of a segment, or of the head where ``name`` is empty."""

    name: str
    first: int
    length: int


def read_piece(name: str, size: int, beginning: bytes) -> tuple[Piece, bytes]:
    """Return what the segment of ``size`` bytes that begins with ``beginning`` gives, and its Tracks element.

    Raises:
        StorageError: this is not the beginning of a segment.
    """
    parts = matroska.outline(beginning)
    if parts is None:
        raise StorageError(f"{name} is no segment", code="segment_damaged")
    return Piece(name, parts.clusters, size - parts.clusters, parts.first_ms, parts.keyframe), parts.tracks


@dataclass(frozen=True, slots=True)
class Woven:
    """The file of a track: ``head`` and the ``pieces`` behind it."""

    head: bytes
    pieces: tuple[Piece, ...]

    @property
    def bytes(self) -> int:
        """Return the size of the file."""
        return len(self.head) + sum(piece.bytes for piece in self.pieces)

    def stretches(self, first: int, length: int) -> Iterator[Stretch]:
        """Yield where ``length`` bytes from ``first`` lie, in order; both lie within the file."""
        end, start = first + length, 0
        sources = (("", 0, len(self.head)), *((one.name, one.skip, one.bytes) for one in self.pieces))
        for name, skip, size in sources:
            low, high = max(first, start), min(end, start + size)
            if low < high:
                yield Stretch(name, skip + low - start, high - low)
            start += size


def weave(pieces: Sequence[Piece], tracks: bytes, last_ms: int) -> Woven:
    """Return the file of a track; ``last_ms`` is the end of its last frame, ``tracks`` as :func:`read_piece`.

    Sizes in the index have a fixed width, so its own length does not depend on what stands in it.
    """
    info = muxer.info(float(max(last_ms, 1)))
    places = list(accumulate((one.bytes for one in pieces), initial=0))
    marked = [index for index, one in enumerate(pieces) if one.keyframe or index == 0]
    cues_bytes = len(muxer.cues([(0, 0)] * len(marked)))
    behind = len(info) + len(tracks) + cues_bytes
    cues = muxer.cues([(pieces[i].first_ms, behind + places[i]) for i in marked])
    body = info + tracks + cues
    return Woven(muxer.file_head(len(body) + places[-1]) + body, tuple(pieces))


def end_ms(first_ms: int, first_at: float, last_at: float) -> int:
    """Return the end of a segment that begins at ``first_ms`` and whose frames came between these times."""
    return first_ms + round((last_at - first_at) * 1000)
