"""RTP headers as aiortc writes them, and as nobody should."""

from typing import Any

from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from aiortc.rtp import HeaderExtensionsMap, RtpPacket
from hypothesis import given
from hypothesis import strategies as st

from media.answer import MID, SEND_TIME
from media.rtp_header import find_extension, mid_of, payload_at
from tests.media.packets import packet


def _written(sources: int, mid: str, send_time: int, payload: bytes) -> bytes:
    numbers = HeaderExtensionsMap()
    listed = [RTCRtpHeaderExtensionParameters(7, MID), RTCRtpHeaderExtensionParameters(2, SEND_TIME)]
    numbers.configure(RTCRtpParameters(headerExtensions=listed))
    made = RtpPacket(payload_type=96, sequence_number=1, timestamp=2, ssrc=3, payload=payload)
    made.csrc = list(range(sources))
    made.extensions.mid, made.extensions.abs_send_time = mid, send_time
    return made.serialize(numbers)


_MIDS = st.text("abc019", min_size=1, max_size=16)


@given(st.integers(0, 15), _MIDS, st.integers(0, 0xFFFFFF), st.binary(min_size=1, max_size=20))
def test_what_aiortc_writes_is_found(sources: int, mid: str, send_time: int, payload: bytes) -> None:
    """Payload, MID and send time, whatever stands before them."""
    data = _written(sources, mid, send_time, payload)
    assert data[payload_at(data) :] == payload
    assert mid_of(data, 7) == mid
    at = find_extension(data, 2, 3)
    assert int.from_bytes(data[at : at + 3], "big") == send_time
    assert (find_extension(data, 2, 2), find_extension(data, 3, 0), mid_of(data, 3)) == (0, 0, "")


def test_a_packet_without_extensions_has_none() -> None:
    """Plain headers, and extensions of another form."""
    assert find_extension(packet(1), 1, 0) == 0
    other = bytearray(packet(1, extension=b"\x10a\x00\x00"))
    other[12:14] = b"\x10\x00"
    assert find_extension(bytes(other), 1, 0) == 0


def test_reading_ends_where_it_must() -> None:
    """Padding is passed over; id 15 and a length that reaches out of the block end the reading."""
    assert mid_of(packet(1, extension=b"\x00\x00\x10a"), 1) == "a"
    assert mid_of(packet(1, extension=b"\xf0\x00\x10a"), 1) == ""
    assert mid_of(packet(1, extension=b"\x20\x00\x00\x1f"), 1) == ""


@given(st.binary(max_size=60), st.integers(1, 14), st.integers(0, 16))
def test_any_block_is_read_without_leaving_it(block: bytes, number: int, size: int) -> None:
    """What is found lies inside."""
    data: Any = packet(1, b"", extension=block or b"\x00")
    at = find_extension(data, number, size)
    assert at == 0 or 16 < at + (data[at - 1] & 0x0F) < len(data)
