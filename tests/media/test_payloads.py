"""Payload formats: what is packed is joined again, and rubbish is refused."""

from collections.abc import Sequence
from struct import pack as struct_pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.payloads import (
    H264,
    JOINERS,
    OPUS,
    VP8,
    begins_keyframe,
    payload_of,
    starts_frame,
)
from tests.media.formats import PAYLOAD_MAX, is_keyframe, pack, split_nals

_START = b"\x00\x00\x00\x01"
_SETS = b"\x78\x00\x03\x67\x01\x02\x00\x03\x68\x01\x02"
# NAL units hold no start code and end in no zero byte (RFC 6184, H.264 7.4.1).
_NALS = st.lists(
    st.tuples(st.sampled_from([1, 5, 6, 7, 8, 9]), st.integers(0, 4_000)).map(
        lambda t: bytes([0x60 | t[0]]) + bytes(1 + i % 250 for i in range(t[1]))
    ),
    min_size=1,
    max_size=6,
)


def rtp(payload: bytes, head: int = 0x80, extra: bytes = b"", padding: bytes = b"") -> bytes:
    return bytes([head, 96]) + bytes(10) + extra + payload + padding


def joined(codec: str, payloads: Sequence[bytes]) -> tuple[bytes, bool]:
    return JOINERS[codec]([rtp(one) for one in payloads])


@given(st.binary(min_size=1, max_size=5_000))
def test_a_vp8_frame_survives_packing(frame: bytes) -> None:
    """Joined payloads are the frame; only the first starts it; none exceeds the limit."""
    parts = pack(VP8, frame)
    assert joined(VP8, parts) == (frame, is_keyframe(VP8, frame))
    assert [starts_frame(VP8, part) for part in parts] == [True] + [False] * (len(parts) - 1)
    assert [begins_keyframe(VP8, part) for part in parts][1:] == [False] * (len(parts) - 1)
    assert begins_keyframe(VP8, parts[0]) == is_keyframe(VP8, frame)
    assert max(map(len, parts)) <= PAYLOAD_MAX


@given(_NALS)
def test_an_h264_access_unit_survives_packing(nals: list[bytes]) -> None:
    """Joined payloads are the same NAL units behind four-byte start codes."""
    frame = b"".join(_START + nal for nal in nals)
    assert joined(H264, pack(H264, frame)) == (frame, is_keyframe(H264, frame))


@given(_NALS, st.booleans())
def test_start_codes_of_both_lengths_split(nals: list[bytes], short: bool) -> None:
    """Three and four bytes of start code give the same NAL units."""
    assert split_nals(b"".join((_START[short:]) + nal for nal in nals)) == nals


def test_an_aggregate_is_taken_apart() -> None:
    """STAP-A with parameter sets, as browsers send before a keyframe."""
    assert joined(H264, [_SETS, b"\x65\x88"]) == (
        _START + b"\x67\x01\x02" + _START + b"\x68\x01\x02" + _START + b"\x65\x88",
        True,
    )


@pytest.mark.parametrize(
    ("descriptor", "starts"),
    [
        (b"\x10", True),
        (b"\x00", False),
        (b"\x11", False),
        (b"\x90\x00", True),
        (b"\x90\x80\x05", True),
        (b"\x90\x80\x80\x05", True),
        (b"\x90\xf0\x80\x05\x07\x20", True),
        (b"\x80\x20\x20", False),
    ],
)
def test_vp8_descriptors_of_every_length(descriptor: bytes, starts: bool) -> None:
    """PictureID of one or two bytes, TL0PICIDX and TID/KEYIDX are skipped."""
    assert joined(VP8, [descriptor + b"\x00frame"]) == (b"\x00frame", True)
    assert starts_frame(VP8, descriptor + b"\x00frame") is starts
    assert begins_keyframe(VP8, descriptor + b"\x00frame") is starts
    assert not begins_keyframe(VP8, descriptor + b"\x01frame")
    assert not begins_keyframe(VP8, descriptor)


@pytest.mark.parametrize(
    ("payload", "keyframe", "frame"),
    [
        (b"\x67\x01", True, True),
        (_SETS, True, True),
        (b"\x78\x00\x02\x09\x10\x00\x02\x67\x01", True, True),
        (b"\x78\x00\x02\x61\x9a", False, False),
        (b"\x78", False, False),
        (b"\x09\x10", False, True),
        (b"\x61\x9a", False, True),
        (b"\x61\x1a", False, False),
        (b"\x65\x88", False, False),
        (b"\x7c\x81\x9a", False, True),
        (b"\x7c\x01\x9a", False, False),
        (b"\x7c\x85\x88", False, False),
        (b"\x7c", False, False),
        (b"\x61", False, False),
        (b"", False, False),
    ],
)
def test_where_h264_begins(payload: bytes, keyframe: bool, frame: bool) -> None:
    """Parameter sets begin a keyframe; first slices and delimiters a frame; an IDR slice alone neither."""
    assert begins_keyframe(H264, payload) is keyframe
    assert starts_frame(H264, payload) is frame


@pytest.mark.parametrize(
    ("codec", "payload"),
    [
        (VP8, b"\x10"),
        (VP8, b"\x90"),
        (VP8, b"\x90\x80"),
        (VP8, b"\x90\x80\x80"),
        (H264, b"\x78"),
        (H264, b"\x78\x00"),
        (H264, b"\x78\x00\x00"),
        (H264, b"\x78\x00\x09\x01"),
        (H264, b"\x7c"),
        (H264, b"\x7c\x81"),
        (H264, b"\x79\x00"),
        (H264, b"\x60"),
    ],
)
def test_rubbish_is_refused(codec: str, payload: bytes) -> None:
    """Truncated and unknown packetisations are errors of two kinds."""
    with pytest.raises((ValueError, IndexError)):
        joined(codec, [payload])


@pytest.mark.parametrize(
    "packet",
    [
        rtp(b"\x10\x00frame", 0x90, b"\xbe\xde\x00\x01\x10\x31\x00\x00"),
        rtp(b"\x10\x00frame", 0x82, bytes(8)),
        rtp(b"\x10\x00frame", 0xA0, padding=b"\x00\x00\x03"),
        rtp(b"\x10\x00frame", 0xB1, bytes(4) + b"\x10\x00\x00\x00", b"\x01"),
    ],
)
def test_headers_of_every_kind_are_skipped(packet: bytes) -> None:
    """Extensions, contributing sources and padding are no payload."""
    assert payload_of(packet) == b"\x10\x00frame"
    assert JOINERS[VP8]([packet]) == (b"\x00frame", True)
    assert JOINERS[OPUS]([packet]) == (b"\x10\x00frame", True)


@pytest.mark.parametrize(
    "packet",
    [
        rtp(b"", 0x90),
        rtp(b"", 0x90, struct_pack("!HH", 0xBEDE, 9)),
        rtp(b"", 0x8F),
        rtp(b"ab", 0xA0, padding=b"\x00"),
        rtp(b"ab", 0xA0, padding=b"\x09"),
    ],
)
@pytest.mark.parametrize("codec", [VP8, H264, OPUS])
def test_headers_that_lie_are_refused(codec: str, packet: bytes) -> None:
    """An extension, a source list or padding beyond the packet's end is an error, and holds no payload."""
    assert payload_of(packet) == b""
    with pytest.raises(IndexError):
        JOINERS[codec]([packet])


@pytest.mark.parametrize("codec", [VP8, H264, OPUS])
def test_padding_alone_is_nothing(codec: str) -> None:
    """A packet of padding only adds no byte."""
    packet = rtp(b"", 0xA0, padding=b"\x00\x02")
    assert payload_of(packet) == b""
    assert JOINERS[codec]([packet])[0] == b""


@given(st.sampled_from([VP8, H264, OPUS]), st.binary(max_size=60))
def test_nothing_else_is_ever_raised(codec: str, payload: bytes) -> None:
    """Whatever comes from the network: a result, ValueError or IndexError."""
    begins_keyframe(codec, payload)
    starts_frame(codec, payload)
    for head in (0x80, 0x90, 0xB3):
        packet = rtp(payload, head)
        payload_of(packet)
        try:
            JOINERS[codec]([packet])
        except (ValueError, IndexError):
            continue


def test_every_sound_can_be_a_beginning() -> None:
    """One Opus packet is one frame, and needs no other."""
    assert begins_keyframe(OPUS, b"\x78")
    assert starts_frame(OPUS, b"\x78")
    assert joined(OPUS, [b"\x78sound"]) == (b"\x78sound", True)
