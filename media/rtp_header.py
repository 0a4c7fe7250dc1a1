"""RTP headers (RFC 3550 section 5.1) and their one-byte extensions (RFC 8285 section 4.2). Pure code."""

_ONE_BYTE = b"\xbe\xde"
# Id 15 ends the reading (RFC 8285 section 4.2).
_STOP = 15


def payload_at(packet: bytes) -> int:
    """Return where the payload begins; the packet's header must lie inside the packet."""
    at = 12 + ((packet[0] & 0x0F) << 2)
    if packet[0] & 0x10:
        at += 4 + (((packet[at + 2] << 8) | packet[at + 3]) << 2)
    return at


def find_extension(packet: bytes, number: int, size: int) -> int:
    """Return where the value of extension ``number`` begins, 0 when there is none of ``size`` bytes.

    With ``size`` 0 any size is taken; the byte before the value then tells it, as its low four bits
    plus 1. Two-byte extensions are not read: without ``extmap-allow-mixed`` nobody may send them.
    """
    at = 12 + ((packet[0] & 0x0F) << 2)
    if not packet[0] & 0x10 or packet[at : at + 2] != _ONE_BYTE:
        return 0
    end = payload_at(packet)
    at += 4
    while at < end:
        head = packet[at]
        length = 0 if head < 0x10 else (head & 0x0F) + 1
        if head >> 4 == number and at + length < end and size in (0, length):
            return at + 1
        if head >> 4 == _STOP:
            return 0
        at += 1 + length
    return 0


def mid_of(packet: bytes, number: int) -> str:
    """Return the MID that extension ``number`` carries (RFC 8843 section 15), empty when there is none."""
    at = find_extension(packet, number, 0)
    return packet[at : at + (packet[at - 1] & 0x0F) + 1].decode("ascii", "replace") if at else ""
