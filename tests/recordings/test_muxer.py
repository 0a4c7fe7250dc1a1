"""Writing Matroska: heads that FFmpeg understands, and NAL units behind lengths."""

import io

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.ids import new_call_id, new_case_id
from recordings import bitstream, matroska, muxer
from recordings.incoming import Picture
from recordings.segments import to_annex_b
from tests.recordings.encoded import frames_of, track_info

SPS, PPS = b"\x67\x42\xe0\x1f\x01", b"\x68\xce\x01\x02"


@pytest.mark.parametrize(("codec", "name"), [("VP8", "vp8"), ("H264", "h264")])
def test_a_picture_says_its_size_and_codec(codec: str, name: str) -> None:
    """FFmpeg reads both from the head, and decodes the frame behind it."""
    frame = frames_of(codec, 1)[0]
    picture = Picture(track_info(new_case_id(), new_call_id(), codec))
    picture.look_at(frame.data)
    assert picture.size == (160, 120)
    head, data = muxer.vp8_head(picture.size), frame.data
    if codec == "H264":
        head, data = muxer.h264_head(picture.size, picture.parameter_sets), muxer.length_prefixed(frame.data)
    content = head + muxer.cluster_head(0) + muxer.block_head(0, len(data), True) + data
    with av.open(io.BytesIO(content), "r") as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.width, stream.height) == (name, 160, 120)
        assert [(decoded.width, decoded.height) for decoded in container.decode(stream)] == [(160, 120)]


def test_a_block_carries_time_and_keyframe() -> None:
    """What is written is what is read."""
    content = b"".join(
        muxer.cluster_head(ms) + muxer.block_head(7, 3, keyframe) + b"abc"
        for ms, keyframe in ((0, True), (1 << 33, False))
    )
    read = [(block.pts_ms, block.keyframe, block.data) for block in matroska.blocks(content)]
    assert read == [(7, True, b"abc"), ((1 << 33) + 7, False, b"abc")]


def test_a_configuration_holds_what_fits() -> None:
    """31 sequence and 255 picture parameter sets of at most 64 KiB; what is too short is left out."""
    record = muxer.avc_record([SPS] * 40 + [PPS] * 300 + [b"\x68", b"\x67" + bytes(1 << 16)])
    assert record[:6] == b"\x01\x42\xe0\x1f\xff" + bytes([0xE0 | 31])
    pictures = record[6 + 31 * (2 + len(SPS)) :]
    assert pictures[0] == 255
    assert len(pictures) == 1 + 255 * (2 + len(PPS))


def test_a_high_profile_says_its_colours() -> None:
    """Four more bytes: 4:2:0, eight bits, no extensions."""
    assert muxer.avc_record([b"\x67\x64\x00\x1f\x01", PPS]).endswith(PPS + b"\xfd\xf8\xf8\x00")


@given(st.lists(st.binary(min_size=1).filter(lambda nal: nal[-1] and b"\0\0\1" not in nal)))
def test_start_codes_become_lengths(nals: list[bytes]) -> None:
    """And back: every NAL unit is kept as it is."""
    unit = b"".join(b"\0\0\0\1" + nal for nal in nals)
    assert list(bitstream.nal_units(to_annex_b(muxer.length_prefixed(unit)))) == nals


def test_bytes_without_a_start_code_are_kept() -> None:
    """They are evidence, if of nothing else."""
    assert muxer.length_prefixed(b"noise\0\0\1\x65x") == b"\0\0\0\5noise\0\0\0\2\x65x"
