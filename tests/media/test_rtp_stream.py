"""Outgoing packets as aiortc's own parser reads them."""

import pytest
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from aiortc.rtp import HeaderExtensionsMap, RtpPacket, unwrap_rtx

from media.rtp_stats import to_ntp
from media.rtp_stream import HISTORY, MID, SEND_TIME, RtpStream

_NOW = to_ntp(1_700_000_000.5)
_EXTENSIONS = {MID: 1, SEND_TIME: 3, "urn:ietf:params:rtp-hdrext:ssrc-audio-level": 2}


def _read(data: bytes) -> RtpPacket:
    numbers = HeaderExtensionsMap()
    listed = [RTCRtpHeaderExtensionParameters(id=number, uri=uri) for uri, number in _EXTENSIONS.items()]
    numbers.configure(RTCRtpParameters(headerExtensions=listed))
    return RtpPacket.parse(data, numbers)


def test_packets_of_a_picture() -> None:
    """Numbers follow each other, the timestamp wraps, the last packet is marked, extensions are read back."""
    stream = RtpStream(7, 8, video=True, mid="4", extensions=_EXTENSIONS)
    packets = [_read(data) for data in stream.packets(97, [b"a", b"b", b"c"], (5 << 32) + 9, _NOW)]
    assert [p.payload for p in packets] == [b"a", b"b", b"c"]
    assert [p.marker for p in packets] == [0, 0, 1]
    assert {(p.ssrc, p.payload_type, p.timestamp, p.extensions.mid) for p in packets} == {(7, 97, 9, "4")}
    assert {p.extensions.abs_send_time for p in packets} == {(_NOW >> 14) & 0xFFFFFF}
    numbers = [p.sequence_number for p in packets]
    assert numbers == [(numbers[0] + n) & 0xFFFF for n in range(3)]


def test_sound_has_no_marker_and_is_not_kept() -> None:
    """Opus packets are not retransmitted."""
    stream = RtpStream(7, 8, video=False)
    (data,) = stream.packets(96, [b"s"], 960, _NOW)
    packet = _read(data)
    assert packet.marker == 0
    assert stream.again(packet.sequence_number, _NOW) is None


def test_retransmission_in_its_own_stream() -> None:
    """With RTX negotiated the packet comes again under the other SSRC and type (RFC 4588)."""
    stream = RtpStream(7, 8, video=True, mid="4", extensions=_EXTENSIONS, rtx_types={97: 98})
    first, _ = [_read(data) for data in stream.packets(97, [b"a", b"b"], 9, _NOW)]
    again = stream.again(first.sequence_number, _NOW)
    assert again is not None
    rtx = _read(again)
    assert (rtx.ssrc, rtx.payload_type) == (8, 98)
    original = unwrap_rtx(rtx, payload_type=97, ssrc=7)
    assert original.serialize() == RtpPacket.parse(_bare(first)).serialize()


def _bare(packet: RtpPacket) -> bytes:
    copy = RtpPacket(
        packet.payload_type, packet.marker, packet.sequence_number, packet.timestamp, packet.ssrc
    )
    copy.payload = packet.payload
    return copy.serialize()


def test_retransmission_without_rtx_is_the_same_packet() -> None:
    """Nothing but the time of sending may differ."""
    stream = RtpStream(7, 8, video=True)
    (data,) = stream.packets(97, [b"a"], 9, _NOW)
    assert stream.again(_read(data).sequence_number, _NOW) == data


def test_what_is_kept_is_bounded() -> None:
    """HISTORY packets back can be sent again, older ones cannot."""
    stream = RtpStream(7, 8, video=True)
    seqs = [
        _read(data).sequence_number
        for n in range(HISTORY + 1)
        for data in stream.packets(97, [b"x"], n, _NOW)
    ]
    assert stream.again(seqs[0], _NOW) is None
    assert stream.again(seqs[1], _NOW) is not None


@pytest.mark.parametrize(
    ("mid", "numbers"), [("m" * 17, {MID: 1}), ("", {MID: 1}), ("4", {MID: 15}), ("4", {MID: 0}), ("4", {})]
)
def test_extensions_that_do_not_fit_are_left_out(mid: str, numbers: dict[str, int]) -> None:
    """The one-byte form has ids 1 to 14 and at most 16 bytes; a browser may offer others."""
    stream = RtpStream(7, 8, video=True, mid=mid, extensions=numbers)
    (data,) = stream.packets(97, [b"a"], 9, _NOW)
    assert len(data) == 13
