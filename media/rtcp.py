"""RTCP as bytes and as events (RFC 3550 section 6, RFC 4585, RFC 5104, REMB and transport-wide feedback).

Pure code. What is composed here is one RTCP packet; packets written one behind the other are a compound.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from struct import iter_unpack, pack

import structlog
from aiortc import rtp
from prometheus_client import Counter

from media.rtp_stats import Reception

_log = structlog.get_logger(__name__)
_dropped = Counter("teller_media_dropped_rtcp", "RTCP compounds that were malformed")
_excess = Counter("teller_media_excess_nacks", "Packets asked for beyond what a compound may ask for")

# The format number of transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01
# section 3.1).
_FMT_TRANSPORT_CC = 15
_CNAME = 1
_U16, _U32 = 0xFFFF, 0xFFFFFFFF
# Entries of a NACK that fit a datagram of 1,200 bytes, and more than anybody's packet cache holds.
_NACK_ENTRIES_MAX = 256
# Of one compound: half of the packets of a picture that are kept, a second of it at 2.5 Mbit/s.
_LOST_MAX = 256
# REMB counts its SSRCs in a byte.
_REMB_SSRCS_MAX = 255


@dataclass(frozen=True, slots=True)
class SenderReport:
    """The sender's 64 bit NTP time at an RTP timestamp (32 bit, wrapped), and what it sent so far."""

    ssrc: int
    ntp: int
    timestamp: int
    packets: int
    octets: int


@dataclass(frozen=True, slots=True)
class ReceptionReport:
    """What a receiver says of our stream ``ssrc``: a report block of RFC 3550 section 6.4.1.

    ``fraction_lost`` in 1/256, ``jitter`` in RTP ticks, ``lsr`` the middle of an NTP time, ``dlsr`` in
    1/65536 s.
    """

    ssrc: int
    fraction_lost: int
    packets_lost: int
    highest_sequence: int
    jitter: int
    lsr: int
    dlsr: int


@dataclass(frozen=True, slots=True)
class Nack:
    """Packets of our stream ``ssrc`` that its receiver misses; 16 bit sequence numbers, each once."""

    ssrc: int
    lost: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class KeyframeRequest:
    """The receiver of our stream ``ssrc`` cannot go on without a keyframe (PLI or FIR)."""

    ssrc: int


@dataclass(frozen=True, slots=True)
class BitrateLimit:
    """What the far end can take on these of our streams together, in bit/s (REMB)."""

    bits_per_s: int
    ssrcs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Bye:
    """The far end no longer sends these streams."""

    ssrcs: tuple[int, ...]


Event = SenderReport | ReceptionReport | Nack | KeyframeRequest | BitrateLimit | Bye


def parse(compound: bytes) -> list[Event]:
    """Return what a decrypted compound says, in order. A malformed one is counted and gives nothing.

    Packets of other kinds (SDES, XR, transport-wide feedback, which we never negotiate) are passed over.
    Of all NACKs together the first 256 numbers count.
    """
    try:
        events = [event for packet in rtp.RtcpPacket.parse(compound) for event in _events(packet)]
    except (ValueError, struct.error) as error:
        _dropped.inc()
        _log.debug("RTCP is malformed", pii_error=repr(error))
        return []
    room = _LOST_MAX
    for at, event in enumerate(events):
        if isinstance(event, Nack):
            events[at] = Nack(event.ssrc, event.lost[:room])
            _excess.inc(max(0, len(event.lost) - room))
            room = max(0, room - len(event.lost))
    return events


def compose_pli(own_ssrc: int, ssrc: int) -> bytes:
    """Return a picture loss indication: ask the sender of ``ssrc`` for a keyframe."""
    return bytes(rtp.RtcpPsfbPacket(rtp.RTCP_PSFB_PLI, own_ssrc, ssrc))


def compose_nack(own_ssrc: int, ssrc: int, lost: Sequence[int]) -> bytes:
    """Return a request for packets of ``ssrc``; ``lost`` ascending, 16 bit, wrapping where they do.

    At most 256 entries of up to 17 packets are written; the rest is left out.
    """
    entries: list[tuple[int, int]] = []
    for seq in lost:
        distance = (seq - entries[-1][0] - 1) & _U16 if entries else _U16
        if distance < 16:
            entries[-1] = (entries[-1][0], entries[-1][1] | 1 << distance)
        elif len(entries) == _NACK_ENTRIES_MAX:
            break
        else:
            entries.append((seq, 0))
    fci = b"".join(pack("!HH", *entry) for entry in entries)
    return _feedback(rtp.RTCP_RTPFB_NACK, own_ssrc, ssrc, fci)


def compose_remb(own_ssrc: int, bits_per_s: int, ssrcs: Sequence[int]) -> bytes:
    """Return a limit on the sum of the streams ``ssrcs`` (draft-alvestrand-rmcat-remb-03)."""
    fci = rtp.pack_remb_fci(bits_per_s, list(ssrcs[:_REMB_SSRCS_MAX]))
    return bytes(rtp.RtcpPsfbPacket(rtp.RTCP_PSFB_APP, own_ssrc, 0, fci))


def compose_transport_feedback(own_ssrc: int, ssrc: int, fci: bytes) -> bytes:
    """Return transport-wide feedback with what ``media.twcc`` wrote; ``ssrc`` is any stream of the sender."""
    return _feedback(_FMT_TRANSPORT_CC, own_ssrc, ssrc, fci)


@dataclass(frozen=True, slots=True)
class Block:
    """One stream in a receiver report. ``lsr`` and ``dlsr`` as in ReceptionReport, 0 when it sent none."""

    ssrc: int
    seen: Reception
    lsr: int = 0
    dlsr: int = 0


def compose_rr(own_ssrc: int, blocks: Sequence[Block]) -> bytes:
    """Return a receiver report on at most 31 streams; an empty one may head a compound."""
    reports = [
        rtp.RtcpReceiverInfo(
            ssrc=block.ssrc,
            fraction_lost=block.seen.fraction_lost,
            packets_lost=block.seen.packets_lost,
            highest_sequence=block.seen.highest_sequence,
            jitter=block.seen.jitter,
            lsr=block.lsr & _U32,
            dlsr=min(block.dlsr, _U32),
        )
        for block in blocks
    ]
    return bytes(rtp.RtcpRrPacket(own_ssrc, reports))


def compose_sr(report: SenderReport, cname: str) -> bytes:
    """Return a sender report and the CNAME behind it; counts and timestamp are wrapped here."""
    info = rtp.RtcpSenderInfo(
        ntp_timestamp=report.ntp,
        rtp_timestamp=report.timestamp & _U32,
        packet_count=report.packets & _U32,
        octet_count=report.octets & _U32,
    )
    source = rtp.RtcpSourceInfo(report.ssrc, [(_CNAME, cname.encode())])
    return bytes(rtp.RtcpSrPacket(report.ssrc, info)) + bytes(rtp.RtcpSdesPacket([source]))


def _feedback(fmt: int, own_ssrc: int, ssrc: int, fci: bytes) -> bytes:
    return rtp.pack_rtcp_packet(rtp.RTCP_RTPFB, fmt, pack("!LL", own_ssrc, ssrc) + fci)


def _events(packet: rtp.AnyRtcpPacket) -> Iterator[Event]:
    match packet:
        case rtp.RtcpSrPacket(sender_info=info):
            yield SenderReport(
                packet.ssrc, info.ntp_timestamp, info.rtp_timestamp, info.packet_count, info.octet_count
            )
            yield from map(_reception, packet.reports)
        case rtp.RtcpRrPacket():
            yield from map(_reception, packet.reports)
        case rtp.RtcpRtpfbPacket(fmt=rtp.RTCP_RTPFB_NACK):
            # aiortc adds up the numbers of an entry without wrapping them.
            yield Nack(packet.media_ssrc, tuple(dict.fromkeys(seq & _U16 for seq in packet.lost)))
        case rtp.RtcpPsfbPacket():
            yield from _picture_events(packet)
        case rtp.RtcpByePacket():
            yield Bye(tuple(packet.sources))
        case _:
            pass


def _picture_events(packet: rtp.RtcpPsfbPacket) -> Iterator[Event]:
    if packet.fmt == rtp.RTCP_PSFB_PLI:
        yield KeyframeRequest(packet.media_ssrc)
    elif packet.fmt == rtp.RTCP_PSFB_FIR:
        # The streams stand in the entries, the header's SSRC is unused (RFC 5104 section 4.3.1.1).
        yield from (KeyframeRequest(ssrc) for ssrc, _ in iter_unpack("!LL", packet.fci))
    elif packet.fmt == rtp.RTCP_PSFB_APP and packet.fci.startswith(b"REMB"):
        bits_per_s, ssrcs = rtp.unpack_remb_fci(packet.fci)
        yield BitrateLimit(bits_per_s, tuple(ssrcs))


def _reception(block: rtp.RtcpReceiverInfo) -> ReceptionReport:
    return ReceptionReport(
        ssrc=block.ssrc,
        fraction_lost=block.fraction_lost,
        packets_lost=block.packets_lost,
        highest_sequence=block.highest_sequence,
        jitter=block.jitter,
        lsr=block.lsr,
        dlsr=block.dlsr,
    )
