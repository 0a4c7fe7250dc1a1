"""Writing live Matroska: one track, a Segment and Clusters of unknown size, blocks as they come. Pure.

Source: RFC 8794 (EBML), RFC 9559 (Matroska), RFC 7845 section 5.1 (OpusHead), ISO 14496-15 section
5.3.3.1 (AVCDecoderConfigurationRecord). Nothing that was written is ever changed, so a file may be cut
behind any block and is still whole. Written here and not by FFmpeg, which took 40 us of CPU a frame.
"""

import struct
from collections.abc import Iterable, Sequence

_UNKNOWN_SIZE = b"\x01" + b"\xff" * 7
_CLUSTER = struct.Struct(">I8sBBQ")
_CLUSTER_ID, _TIMESTAMP_ID, _EIGHT_BYTES = 0x1F43B675, 0xE7, 0x88
# SimpleBlock, size in four bytes, track 1, time within the cluster, flags.
_BLOCK = struct.Struct(">BIBhB")
_BLOCK_ID, _FOUR_BYTES, _TRACK, _KEYFRAME = 0xA3, 0x1000_0000, 0x81, 0x80
# What is counted in a block's size besides the frame: track, time and flags.
_BLOCK_HEAD_BYTES = 4
# Blocks count their time from their cluster in sixteen bits.
CLUSTER_MS_MAX = 0x7FFF
_SPS, _PPS = 7, 8
_SETS_MAX = {_SPS: 31, _PPS: 255}
# Profiles whose record goes on with colour format and bit depth.
_HIGH_PROFILES = frozenset({100, 110, 122, 144})


def cluster_head(ms: int) -> bytes:
    """Return the beginning of a cluster whose blocks count their time from ``ms``."""
    return _CLUSTER.pack(_CLUSTER_ID, _UNKNOWN_SIZE, _TIMESTAMP_ID, _EIGHT_BYTES, ms)


def block_head(ms: int, length: int, keyframe: bool) -> bytes:
    """Return what stands before a frame of ``length`` bytes, ``ms`` behind the cluster's time."""
    size = _FOUR_BYTES | length + _BLOCK_HEAD_BYTES
    return _BLOCK.pack(_BLOCK_ID, size, _TRACK, ms, _KEYFRAME if keyframe else 0)


def opus_head() -> bytes:
    """Return the head of a file with one Opus track, up to its first cluster.

    Its OpusHead says version 1, 2 channels, pre-skip 0 (this is the middle of a stream), 48 kHz.
    """
    private = b"OpusHead\x01\x02" + (0).to_bytes(2) + (48_000).to_bytes(4, "little") + b"\0\0\0"
    audio = _made(0xB5, struct.pack(">d", 48_000)) + _made(0x9F, b"\x02")
    return _head(b"A_OPUS", b"\x02", _made(0x63A2, private) + _made(0xE1, audio))


def vp8_head(size: tuple[int, int]) -> bytes:
    """Return the head of a file with one VP8 track of ``size`` pixels, up to its first cluster."""
    return _head(b"V_VP8", b"\x01", _video(size))


def h264_head(size: tuple[int, int], parameter_sets: Sequence[bytes]) -> bytes:
    """Return the head of a file with one H.264 track, up to its first cluster."""
    private = _made(0x63A2, avc_record(parameter_sets))
    return _head(b"V_MPEG4/ISO/AVC", b"\x01", private + _video(size))


def avc_record(parameter_sets: Sequence[bytes]) -> bytes:
    """Return H.264's decoder configuration for NAL units behind lengths of four bytes.

    ``parameter_sets`` hold at least one sequence parameter set of four bytes or more.
    """
    sequence, picture = (_fitting(parameter_sets, kind) for kind in (_SPS, _PPS))
    record = b"\x01" + sequence[0][1:4] + b"\xff"
    record += bytes([0xE0 | len(sequence)]) + _with_lengths(sequence)
    record += bytes([len(picture)]) + _with_lengths(picture)
    # Browsers send 4:2:0 with eight bits (RFC 7742 section 6.2), and no extensions.
    return record + (b"\xfd\xf8\xf8\x00" if sequence[0][1] in _HIGH_PROFILES else b"")


def length_prefixed(unit: bytes) -> bytes:
    """Return an Annex B access unit with lengths of four bytes instead of start codes.

    Bytes before the first start code are kept as a NAL unit of their own.
    """
    nals = (nal for part in unit.split(b"\0\0\1") if (nal := part.rstrip(b"\0")))
    return b"".join([piece for nal in nals for piece in (len(nal).to_bytes(4), nal)])


def file_head(content_bytes: int) -> bytes:
    """Return the beginning of a whole file whose Segment holds ``content_bytes``."""
    return _ebml() + (0x18538067).to_bytes(4) + ((1 << 56) | content_bytes).to_bytes(8)


def info(duration_ms: float) -> bytes:
    """Return the Info element of a file of this length; times count in milliseconds."""
    return _made(0x1549A966, _INFO + _made(0x4489, struct.pack(">d", duration_ms)))


def cues(points: Iterable[tuple[int, int]]) -> bytes:
    """Return an index: pairs of a time in milliseconds and a cluster's place in the Segment."""
    return _made(0x1C53BB6B, b"".join(_cue(ms, place) for ms, place in points))


def _cue(ms: int, place: int) -> bytes:
    position = _made(0xF7, b"\x01") + _made(0xF1, place.to_bytes(8))
    return _made(0xBB, _made(0xB3, ms.to_bytes(8)) + _made(0xB7, position))


def _fitting(parameter_sets: Iterable[bytes], kind: int) -> list[bytes]:
    fitting = [nal for nal in parameter_sets if nal[0] & 0x1F == kind and 4 <= len(nal) <= 0xFFFF]
    return fitting[: _SETS_MAX[kind]]


def _with_lengths(nals: Iterable[bytes]) -> bytes:
    return b"".join(len(nal).to_bytes(2) + nal for nal in nals)


def _video(size: tuple[int, int]) -> bytes:
    width, height = size
    return _made(0xE0, _made(0xB0, width.to_bytes(4)) + _made(0xBA, height.to_bytes(4)))


def _head(codec: bytes, kind: bytes, details: bytes) -> bytes:
    track = b"".join((
        _made(0xD7, b"\x01"), _made(0x73C5, b"\x01"), _made(0x83, kind), _made(0x9C, b"\0"),
        _made(0x86, codec), details,
    ))  # fmt: skip
    segment = (0x18538067).to_bytes(4) + _UNKNOWN_SIZE
    return _ebml() + segment + _made(0x1549A966, _INFO) + _made(0x1654AE6B, _made(0xAE, track))


def _ebml() -> bytes:
    return _made(0x1A45DFA3, b"".join((
        _made(0x4286, b"\x01"), _made(0x42F7, b"\x01"), _made(0x42F2, b"\x04"), _made(0x42F3, b"\x08"),
        _made(0x4282, b"matroska"), _made(0x4287, b"\x04"), _made(0x4285, b"\x02"),
    )))  # fmt: skip


def _made(kind: int, content: bytes) -> bytes:
    """Return an element with its size in four bytes."""
    head = kind.to_bytes((kind.bit_length() + 7) // 8)
    return head + (_FOUR_BYTES | len(content)).to_bytes(4) + content


# A scale of one millisecond, and who wrote it.
_INFO = _made(0x2AD7B1, (1_000_000).to_bytes(3)) + _made(0x4D80, b"teller") + _made(0x5741, b"teller")
