"""RTCP as a party sends and reads it (RFC 3550, RFC 4585, REMB), on bytes."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

SR, RR, SDES, RTPFB, PSFB = 200, 201, 202, 205, 206
NACK, TRANSPORT_FEEDBACK, PLI, FIR = 1, 15, 1, 4
# Seconds between 1900 and 1970.
_NTP_EPOCH = 2_208_988_800
# More than the load needs, so that nobody is held back (bit/s).
_REMB_BITS = 4_000_000


@dataclass(frozen=True, slots=True)
class Heard:
    """The last sender report of an arriving stream: the middle of its NTP time, and when it came (s)."""

    ntp: int
    at: float


def compound(ssrc: int, wall: float, timestamp: int, packets: int, octets: int, block: bytes) -> bytes:
    """Return a sender report with at most one report block, and the CNAME (RFC 3550 section 6.4.1)."""
    seconds = int(wall)
    ntp = (seconds + _NTP_EPOCH, int((wall - seconds) * (1 << 32)))
    body = struct.pack("!LLLLLL", ssrc, *ntp, timestamp & 0xFFFFFFFF, packets, octets) + block
    report = struct.pack("!BBH", 0x80 | bool(block), SR, len(body) // 4) + body
    name = struct.pack("!L", ssrc) + b"\x01\x04load\x00\x00"
    return report + struct.pack("!BBH", 0x81, SDES, len(name) // 4) + name


def block(ssrc: int, highest: int, heard: Heard | None, now: float) -> bytes:
    """Return a report block that tells of no loss and no jitter."""
    ntp, delay = (heard.ntp, int((now - heard.at) * 65_536)) if heard else (0, 0)
    return struct.pack("!LLLLLL", ssrc, 0, highest, 0, ntp, delay & 0xFFFFFFFF)


def remb(ssrc: int, media: int) -> bytes:
    """Return a REMB message (draft-alvestrand-rmcat-remb-03) for one arriving stream."""
    exponent = max(0, _REMB_BITS.bit_length() - 18)
    packed = 1 << 24 | exponent << 18 | _REMB_BITS >> exponent
    return struct.pack("!BBHLL4sLL", 0x8F, PSFB, 5, ssrc, 0, b"REMB", packed, media)


def parse(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield type, format or count, and body of each packet of a compound; stops at nonsense."""
    at = 0
    while at + 4 <= len(data):
        first, kind, words = struct.unpack_from("!BBH", data, at)
        yield kind, first & 0x1F, data[at + 4 : at + 4 + 4 * words]
        at += 4 + 4 * words


def nacked(body: bytes) -> list[int]:
    """Return the 16-bit numbers that a generic NACK asks for (RFC 4585 section 6.2.1)."""
    numbers = []
    for first, mask in struct.iter_unpack("!HH", body[8 : len(body) // 4 * 4]):
        numbers += [first] + [(first + 1 + bit) & 0xFFFF for bit in range(16) if mask >> bit & 1]
    return numbers
