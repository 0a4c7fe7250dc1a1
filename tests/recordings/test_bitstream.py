"""Sizes and parameter sets, read from really encoded video and from noise."""

from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings.bitstream import h264_parameter_sets, h264_size, nal_units, vp8_size
from tests.recordings.encoded import picture_frames


@pytest.mark.parametrize("size", [(160, 120), (120, 160), (640, 360), (322, 242)])
def test_a_vp8_keyframe_states_its_size(size: tuple[int, int]) -> None:
    """Read back from what libvpx wrote; differences state none."""
    first, second = picture_frames("VP8", 0.08, size)
    assert vp8_size(first.data) == size
    assert vp8_size(second.data) is None


def encoded_h264(width: int, height: int, pix_fmt: str, options: dict[str, str]) -> bytes:
    """Return one encoded picture with its parameter sets."""
    context = av.CodecContext.create("libx264", "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = width, height, pix_fmt
    context.framerate = Fraction(25)
    context.time_base = Fraction(1, 25)
    context.options = {"preset": "ultrafast", "tune": "zerolatency"} | options
    grey = np.zeros((height, width), np.uint8)
    picture = av.VideoFrame.from_ndarray(grey, format="gray").reformat(format=pix_fmt)
    return b"".join(bytes(packet) for packet in [*context.encode(picture), *context.encode(None)])


# Interlaced pictures must be a multiple of four high.
@pytest.mark.parametrize("size", [(160, 120), (1280, 720), (1920, 1080), (322, 244)])
@pytest.mark.parametrize(
    ("pix_fmt", "options"),
    [
        ("yuv420p", {"profile": "baseline"}),
        ("yuv420p", {"profile": "high"}),
        ("yuv420p", {"x264-params": "cqm=jvt:8x8dct=1"}),
        ("yuv420p", {"x264-params": "interlaced=1"}),
        ("yuv422p", {}),
        ("yuv444p", {"x264-params": "cqm=jvt:8x8dct=1"}),
        ("gray", {}),
    ],
)
def test_an_h264_parameter_set_states_the_size(
    size: tuple[int, int], pix_fmt: str, options: dict[str, str]
) -> None:
    """Across profiles, chroma formats, scaling lists and interlacing, cropping included."""
    unit = encoded_h264(*size, pix_fmt, options)
    sets = h264_parameter_sets(unit)
    assert [nal[0] & 0x1F for nal in sets[:2]] == [7, 8]
    assert h264_size(sets) == size


class Bits:
    """Writes an SPS bit by bit, for what no encoder at hand writes."""

    def __init__(self) -> None:
        self.text = ""

    def bits(self, value: int, count: int) -> "Bits":
        self.text += f"{value:0{count}b}"
        return self

    def unsigned(self, *values: int) -> "Bits":
        for value in values:
            code = f"{value + 1:b}"
            self.text += "0" * (len(code) - 1) + code
        return self

    def nal(self) -> bytes:
        text = self.text + "1"
        text += "0" * (-len(text) % 8)
        return bytes([0x67]) + int(text, 2).to_bytes(len(text) // 8)


def sps(order: Bits, profile: int = 66, width: int = 10, rows: int = 8) -> bytes:
    """Return a baseline SPS whose picture order fields are ``order``."""
    bits = Bits().bits(profile, 8).bits(0, 8).bits(30, 8).unsigned(0, 0)
    bits.text += order.text
    return bits.unsigned(1).bits(0, 1).unsigned(width - 1, rows - 1).bits(1, 1).bits(0, 1).bits(0, 1).nal()


def test_every_kind_of_picture_order_is_stepped_over() -> None:
    """Type 1 carries a cycle of offsets (H.264 7.3.2.1.1)."""
    assert h264_size((sps(Bits().unsigned(0, 4)),)) == (160, 128)
    assert h264_size((sps(Bits().unsigned(2)),)) == (160, 128)
    assert h264_size((sps(Bits().unsigned(1).bits(0, 1).unsigned(1, 2, 2, 3, 4)),)) == (160, 128)


def test_scaling_lists_are_stepped_over() -> None:
    """Lists that are given, cut short by a zero, and left out."""
    high = Bits().bits(100, 8).bits(0, 8).bits(30, 8).unsigned(0, 1, 0, 0).bits(0, 1).bits(1, 1)
    high.bits(1, 1).unsigned(*[0] * 16)
    # se(v) of code 16 is -8: 8 - 8 = 0 ends the list.
    high.bits(1, 1).unsigned(16)
    high.bits(0, 4).bits(1, 1).unsigned(*[0] * 64).bits(0, 1)
    high.unsigned(0, 2, 1).bits(0, 1).unsigned(9, 7).bits(1, 1).bits(0, 1).bits(0, 1)
    assert h264_size((high.nal(),)) == (160, 128)


def test_a_size_that_is_cropped_away_is_none() -> None:
    """Cropping more than there is leaves no picture."""
    bits = Bits().bits(66, 8).bits(0, 16).unsigned(0, 0, 2, 1).bits(0, 1).unsigned(0, 0).bits(1, 1).bits(0, 1)
    assert h264_size((bits.bits(1, 1).unsigned(8, 0, 0, 0).nal(),)) is None


def test_nal_units_come_without_start_codes() -> None:
    """Three- and four-byte start codes, and trailing zeros, belong to no unit."""
    assert list(nal_units(b"\0\0\0\1\x67ab\0\0\1\x68c\0\0\0\0\1\x65d\0\0")) == [b"\x67ab", b"\x68c", b"\x65d"]
    assert list(nal_units(b"\0\0\1\0\0\1")) == []
    assert list(nal_units(b"no start code")) == []


def test_without_a_sequence_parameter_set_there_is_no_size() -> None:
    """A picture parameter set alone says nothing about size, and neither does a torn SPS."""
    assert h264_size(()) is None
    assert h264_size((b"\x68\xce",)) is None
    assert h264_size((b"\x67\x42",)) is None


@given(st.binary(max_size=200))
def test_noise_is_never_an_error(noise: bytes) -> None:
    """Whatever the network brings, the answer is a size or None."""
    for result in (
        vp8_size(noise),
        vp8_size(b"\0\0\0\x9d\x01\x2a" + noise),
        h264_size(h264_parameter_sets(b"\0\0\1\x67" + noise)),
    ):
        assert result is None or min(result) > 0
