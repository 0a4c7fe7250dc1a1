"""What a container must know about encoded video, read from the bitstream without a decoder.

Source: RFC 6386 section 9.1 (VP8 frame header); ITU-T H.264 sections 7.3.1 and 7.3.2.1.1 and Annex B.
"""

import itertools
import re
from collections.abc import Iterator

_START_CODE = re.compile(b"\x00\x00\x01")
_SPS, _PPS = 7, 8
# A sequence parameter set is about 30 bytes; with scaling lists and timing it stays far below this.
_SPS_MAX = 512
_VP8_START = b"\x9d\x01\x2a"
# Profiles whose SPS carries chroma format and scaling lists (H.264 7.3.2.1.1).
_HIGH_PROFILES = frozenset({44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244})


def vp8_size(frame: bytes) -> tuple[int, int] | None:
    """Return width and height in pixels that a VP8 keyframe states, None for any other bytes."""
    if len(frame) < 10 or frame[0] & 1 or frame[3:6] != _VP8_START:
        return None
    width = int.from_bytes(frame[6:8], "little") & 0x3FFF
    height = int.from_bytes(frame[8:10], "little") & 0x3FFF
    return (width, height) if width and height else None


def nal_units(unit: bytes) -> Iterator[bytes]:
    """Yield the NAL units of an Annex B access unit, without start codes."""
    starts = [match.end() for match in _START_CODE.finditer(unit)]
    for start, following in itertools.pairwise([*starts, len(unit) + 3]):
        if nal := unit[start : following - 3].rstrip(b"\0"):
            yield nal


def h264_parameter_sets(unit: bytes) -> tuple[bytes, ...]:
    """Return the sequence and picture parameter sets in an Annex B access unit, in order."""
    return tuple(nal for nal in nal_units(unit) if nal[0] & 0x1F in (_SPS, _PPS))


def h264_size(parameter_sets: tuple[bytes, ...]) -> tuple[int, int] | None:
    """Return width and height in pixels that the first sequence parameter set states, None if none does."""
    for nal in parameter_sets:
        if nal[0] & 0x1F == _SPS:
            try:
                return _sps_size(_Bits(nal[1:_SPS_MAX].replace(b"\0\0\3", b"\0\0")))
            except IndexError:
                return None
    return None


class _Bits:
    """Reads bits and Exp-Golomb codes; IndexError behind the end."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data)
        self._left = len(data) * 8

    def bits(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise IndexError
        return self._value >> self._left & ((1 << count) - 1)

    def unsigned(self) -> int:
        zeros = 0
        while not self.bits(1):
            zeros += 1
        return (1 << zeros) - 1 + self.bits(zeros)

    def signed(self) -> int:
        code = self.unsigned()
        return (code + 1) // 2 if code % 2 else -(code // 2)


def _sps_size(bits: _Bits) -> tuple[int, int] | None:
    profile = bits.bits(8)
    bits.bits(16)
    bits.unsigned()
    chroma = _chroma_format(bits) if profile in _HIGH_PROFILES else 1
    bits.unsigned()
    _skip_picture_order(bits)
    bits.unsigned()
    bits.bits(1)
    width = (bits.unsigned() + 1) * 16
    rows = bits.unsigned() + 1
    frame_only = bits.bits(1)
    if not frame_only:
        bits.bits(1)
    bits.bits(1)
    left, right, top, bottom = (bits.unsigned() for _ in range(4)) if bits.bits(1) else (0, 0, 0, 0)
    unit_x = 2 if chroma in (1, 2) else 1
    unit_y = (2 if chroma == 1 else 1) * (2 - frame_only)
    size = width - unit_x * (left + right), rows * 16 * (2 - frame_only) - unit_y * (top + bottom)
    return size if min(size) > 0 else None


def _chroma_format(bits: _Bits) -> int:
    chroma = bits.unsigned()
    if chroma == 3:
        bits.bits(1)
    bits.unsigned()
    bits.unsigned()
    bits.bits(1)
    if bits.bits(1):
        for index in range(12 if chroma == 3 else 8):
            if bits.bits(1):
                _skip_scaling_list(bits, 16 if index < 6 else 64)
    return chroma


def _skip_scaling_list(bits: _Bits, length: int) -> None:
    scale = 8
    for _ in range(length):
        scale = (scale + bits.signed()) % 256
        if scale == 0:
            return


def _skip_picture_order(bits: _Bits) -> None:
    kind = bits.unsigned()
    if kind == 0:
        bits.unsigned()
    elif kind == 1:
        bits.bits(1)
        bits.signed()
        bits.signed()
        for _ in range(bits.unsigned()):
            bits.signed()
