"""RTCP: what is composed is what is parsed, and nothing of a malformed compound gets through."""

from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from media import rtcp
from media.rtp_stats import Reception

_SSRCS = st.integers(0, 2**32 - 1)
_U16 = st.integers(0, 2**16 - 1)


def dropped() -> float:
    return REGISTRY.get_sample_value("teller_media_dropped_rtcp_total") or 0.0


@given(st.lists(_U16, max_size=40, unique=True), _U16)
def test_a_nack_names_what_is_missing(steps: list[int], start: int) -> None:
    """Whatever the distances, over the wrap too: exactly the missing packets are named."""
    lost = [(start + step) % 65_536 for step in sorted(steps)]
    (nack,) = rtcp.parse(rtcp.compose_nack(1, 2, lost))
    assert nack == rtcp.Nack(2, tuple(lost))


def test_a_nack_fits_a_datagram() -> None:
    """Of more than can be told in 1,200 bytes the rest is left out."""
    lost = range(0, 60_000, 20)
    message = rtcp.compose_nack(1, 2, lost)
    assert len(message) <= 1_200
    assert rtcp.parse(message) == [rtcp.Nack(2, tuple(lost[:256]))]


def test_one_compound_asks_for_a_bounded_number_of_packets() -> None:
    """Each number counts once, and of all NACKs in it the first 256."""
    before = REGISTRY.get_sample_value("teller_media_excess_nacks_total") or 0.0
    same = pack("!BBHLLHHHH", 0x81, 205, 4, 1, 2, 10, 0b1, 10, 0b11)
    many = rtcp.compose_nack(1, 3, range(1_000, 1_200))
    events = rtcp.parse(same + many + many + many)
    assert events == [
        rtcp.Nack(2, (10, 11, 12)),
        rtcp.Nack(3, tuple(range(1_000, 1_200))),
        rtcp.Nack(3, tuple(range(1_000, 1_053))),
        rtcp.Nack(3, ()),
    ]
    assert REGISTRY.get_sample_value("teller_media_excess_nacks_total") == before + 147 + 200


def test_entries_of_a_nack_wrap() -> None:
    """An entry that begins before the wrap may name packets behind it (RFC 4585 section 6.2.1)."""
    message = pack("!BBHLLHH", 0x81, 205, 3, 1, 2, 65_535, 0b11)
    assert rtcp.parse(message) == [rtcp.Nack(2, (65_535, 0, 1))]


def test_keyframe_requests_of_both_kinds() -> None:
    """PLI names the stream in its header, FIR in its entries; a compound may hold several."""
    fir = pack("!BBHLLLLLL", 0x84, 206, 6, 1, 0, 7, 0x01000000, 8, 0x02000000)
    events = rtcp.parse(rtcp.compose_pli(1, 5) + fir)
    assert events == [rtcp.KeyframeRequest(5), rtcp.KeyframeRequest(7), rtcp.KeyframeRequest(8)]


@given(st.integers(0, 2**40), st.lists(_SSRCS, max_size=300))
def test_a_bitrate_limit_is_told_to_18_bits(bits_per_s: int, ssrcs: list[int]) -> None:
    """REMB rounds down, by less than one part in 100,000; it has room for 255 streams."""
    (limit,) = rtcp.parse(rtcp.compose_remb(1, bits_per_s, ssrcs))
    assert isinstance(limit, rtcp.BitrateLimit)
    assert limit.ssrcs == tuple(ssrcs[:255])
    assert bits_per_s * (1 - 1e-5) <= limit.bits_per_s <= bits_per_s


def test_reports_go_both_ways() -> None:
    """A sender report tells time and counts, a receiver report what came; SDES is passed over."""
    sender = rtcp.SenderReport(9, ntp=0xE1234567_89ABCDEF, timestamp=(1 << 33) + 5, packets=7, octets=1 << 32)
    seen = Reception(fraction_lost=25, packets_lost=-3, highest_sequence=70_000, jitter=12)
    told = rtcp.compose_sr(sender, "them") + rtcp.compose_rr(1, [rtcp.Block(9, seen, 0x4567_89AB, 1 << 40)])
    assert rtcp.parse(told) == [
        rtcp.SenderReport(9, ntp=0xE1234567_89ABCDEF, timestamp=5, packets=7, octets=0),
        rtcp.ReceptionReport(9, 25, -3, 70_000, 12, 0x4567_89AB, 0xFFFFFFFF),
    ]
    assert rtcp.parse(rtcp.compose_rr(1, [])) == []


def test_report_blocks_of_a_sender_report_count() -> None:
    """A sender that receives too reports in its sender report."""
    block = pack("!LLLLLL", 9, 0x05000002, 3, 4, 5, 6)
    message = pack("!BBHL", 0x81, 200, 12, 1) + pack("!QLLL", 1, 2, 3, 4) + block
    assert rtcp.parse(message)[1] == rtcp.ReceptionReport(9, 5, 2, 3, 4, 5, 6)


def test_a_goodbye_is_told() -> None:
    """BYE names the streams that end."""
    assert rtcp.parse(pack("!BBHLL", 0x82, 203, 2, 5, 6)) == [rtcp.Bye((5, 6))]


def test_transport_feedback_is_wrapped_and_passed_over() -> None:
    """What we write for browsers has format 15; from them it means nothing to us."""
    message = rtcp.compose_transport_feedback(1, 2, b"\0" * 12)
    assert message == pack("!BBHLL", 0x8F, 205, 5, 1, 2) + b"\0" * 12
    assert rtcp.parse(message + rtcp.compose_pli(1, 5)) == [rtcp.KeyframeRequest(5)]


def test_other_feedback_is_passed_over() -> None:
    """Application feedback that is no REMB, slice loss, and unknown packet types say nothing."""
    other = pack("!BBHLL4s", 0x8F, 206, 3, 1, 2, b"ELSE") + pack("!BBHLLL", 0x82, 206, 3, 1, 2, 3)
    assert rtcp.parse(other + pack("!BBHL", 0x80, 207, 1, 1)) == []


@pytest.mark.parametrize(
    "compound",
    [
        b"\x80",
        b"\x81\xc8\x00\x06",
        b"\x40\xc9\x00\x01\x00\x00\x00\x01",
        b"\x81\xc9\x00\x01\x00\x00\x00\x01",
        b"\xa0\xc9\x00\x01\x00\x00\x00\xff",
        pack("!BBHLL4sL", 0x8F, 206, 4, 1, 2, b"REMB", 0x03000000),
        pack("!BBHLLL", 0x84, 206, 3, 1, 2, 3),
        b"",
    ],
)
def test_malformed_compounds_give_nothing(compound: bytes) -> None:
    """Truncated, wrongly padded or of another version: nothing is raised, and it is counted."""
    before = dropped()
    assert rtcp.parse(compound) == []
    assert dropped() == before + bool(compound)
    assert rtcp.parse(rtcp.compose_pli(1, 2) + compound) == ([] if compound else [rtcp.KeyframeRequest(2)])


@given(st.binary(max_size=80), st.sampled_from([200, 201, 202, 203, 204, 205, 206, 207]), st.integers(0, 31))
def test_nothing_is_ever_raised(body: bytes, kind: int, count: int) -> None:
    """Any bytes may come."""
    body += bytes(-len(body) % 4)
    rtcp.parse(pack("!BBH", 0x80 | count, kind, len(body) // 4) + body)
    rtcp.parse(body)
