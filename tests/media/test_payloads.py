"""Payload formats: what is packed can be opened again, and rubbish is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.payloads import (
    H264,
    OPUS,
    PAYLOAD_MAX,
    VP8,
    Opened,
    is_keyframe,
    open_payload,
    pack,
    split_nals,
)
from tests.media.scripted import pictures, sounds

_START = b"\x00\x00\x00\x01"
# NAL units hold no start code and end in no zero byte (RFC 6184, H.264 7.4.1).
_NALS = st.lists(
    st.tuples(st.sampled_from([1, 5, 6, 7, 8, 9]), st.integers(0, 4_000)).map(
        lambda t: bytes([0x60 | t[0]]) + bytes(1 + i % 250 for i in range(t[1]))
    ),
    min_size=1,
    max_size=6,
)


@given(st.binary(min_size=1, max_size=5_000))
def test_a_vp8_frame_survives_packing(frame: bytes) -> None:
    """Joined payloads are the frame; only the first begins it; none exceeds the limit."""
    parts = pack(VP8, frame)
    opened = [open_payload(VP8, part) for part in parts]
    assert b"".join(one.data for one in opened) == frame
    assert [one.begins for one in opened] == [True] + [False] * (len(parts) - 1)
    assert max(map(len, parts)) <= PAYLOAD_MAX


@given(_NALS)
def test_an_h264_access_unit_survives_packing(nals: list[bytes]) -> None:
    """Joined payloads are the same NAL units behind four-byte start codes."""
    parts = pack(H264, b"".join(_START + nal for nal in nals))
    joined = b"".join(open_payload(H264, part).data for part in parts)
    assert joined == b"".join(_START + nal for nal in nals)
    assert max(map(len, parts)) <= PAYLOAD_MAX


@given(_NALS, st.booleans())
def test_start_codes_of_both_lengths_split(nals: list[bytes], short: bool) -> None:
    """Three and four bytes of start code give the same NAL units."""
    assert split_nals(b"".join((_START[short:]) + nal for nal in nals)) == nals


def test_an_aggregate_is_taken_apart() -> None:
    """STAP-A with parameter sets, as browsers send before a keyframe."""
    payload = b"\x78\x00\x02\x67\x01\x00\x03\x68\x02\x03"
    assert open_payload(H264, payload) == Opened(_START + b"\x67\x01" + _START + b"\x68\x02\x03", True)


@pytest.mark.parametrize(
    ("descriptor", "begins"),
    [
        (b"\x10", True),
        (b"\x00", False),
        (b"\x11", False),
        (b"\x90\x80\x05", True),
        (b"\x90\x80\x80\x05", True),
        (b"\x90\xf0\x80\x05\x07\x20", True),
        (b"\x80\x20\x20", False),
    ],
)
def test_vp8_descriptors_of_every_length(descriptor: bytes, begins: bool) -> None:
    """PictureID of one or two bytes, TL0PICIDX and TID/KEYIDX are skipped."""
    assert open_payload(VP8, descriptor + b"frame") == Opened(b"frame", begins)


@pytest.mark.parametrize(
    ("codec", "payload"),
    [
        (VP8, b""),
        (VP8, b"\x10"),
        (VP8, b"\x90"),
        (VP8, b"\x90\x80"),
        (VP8, b"\x90\x80\x80"),
        (H264, b""),
        (H264, b"\x78"),
        (H264, b"\x78\x00"),
        (H264, b"\x78\x00\x00"),
        (H264, b"\x78\x00\x09\x01"),
        (H264, b"\x7c"),
        (H264, b"\x79\x00"),
        (H264, b"\x60"),
    ],
)
def test_rubbish_is_refused(codec: str, payload: bytes) -> None:
    """Truncated and unknown packetisations are ValueErrors."""
    with pytest.raises(ValueError, match=r"truncated|supported|empty"):
        open_payload(codec, payload)


@given(st.sampled_from([VP8, H264, OPUS]), st.binary(max_size=60))
def test_nothing_else_is_ever_raised(codec: str, payload: bytes) -> None:
    """Whatever comes from the network: a result or ValueError."""
    try:
        opened = open_payload(codec, payload)
    except ValueError:
        return
    is_keyframe(codec, opened.data)
    pack(codec, opened.data)


@pytest.mark.parametrize("codec", [VP8, H264])
def test_keyframes_of_real_encoders_are_known(codec: str) -> None:
    """Of the encoder's pictures the first alone is a keyframe."""
    assert [is_keyframe(codec, frame) for frame in pictures(codec)[:10]] == [True] + [False] * 9


def test_an_idr_slice_without_parameter_sets_is_no_keyframe() -> None:
    """A late joiner could not decode it."""
    assert not is_keyframe(H264, _START + b"\x65\x01")
    assert is_keyframe(H264, _START + b"\x67\x01" + _START + b"\x65\x01")
    assert not is_keyframe(VP8, b"")


def test_sound_passes_as_it_is() -> None:
    """One Opus packet is one payload, and every one can be a beginning."""
    packet = sounds()[0]
    assert pack(OPUS, packet) == [packet]
    assert open_payload(OPUS, packet) == Opened(packet, True)
    assert is_keyframe(OPUS, packet)
