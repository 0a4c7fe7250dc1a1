"""RTP payload formats of VP8 (RFC 7741), H.264 (RFC 6184) and Opus (RFC 7587), without any codec.

The live path reads the few bits that tell where a keyframe begins; the depacketiser joins the packets of a
frame. Pure code.
"""

from collections.abc import Sequence

VP8 = "VP8"
H264 = "H264"
OPUS = "opus"

_HEADER = 12
_START_CODE = b"\x00\x00\x00\x01"
_NAL_SLICE = 1
_NAL_IDR = 5
_NAL_SPS = 7
_NAL_DELIMITER = 9
_NAL_STAP_A = 24
_NAL_FU_A = 28


def begins_keyframe(codec: str, payload: bytes) -> bool:
    """Tell whether a picture that can be decoded alone begins with this RTP payload; always so for sound.

    For H.264 that is where parameter sets come: an IDR picture whose sets were lost is no beginning, as
    nobody would ask for another one. Anything may be given.
    """
    if codec == VP8:
        # S set and partition 0 in the descriptor, then P clear in the frame's first byte.
        if not payload or payload[0] & 0x17 != 0x10:
            return False
        at = _vp8_header(payload)
        return at < len(payload) and not payload[at] & 1
    return codec != H264 or _begins_with_sets(payload)


def payload_of(packet: bytes) -> bytes:
    """Return the payload of an RTP packet without padding; nothing when its header lies."""
    try:
        at, end = _bounds(packet)
    except IndexError:
        return b""
    return packet[at:end] if at < end else b""


def starts_frame(codec: str, payload: bytes) -> bool:
    """Tell whether a frame certainly begins with this payload, though what came before it is unknown.

    An IDR slice alone does not tell: its parameter sets may have been in the packet before.
    """
    if codec == VP8:
        return bool(payload) and payload[0] & 0x17 == 0x10
    if codec != H264:
        return True
    kind, second = _first_nal(payload)
    # first_mb_in_slice is 0 when its Exp-Golomb code begins with a one (H.264 section 7.3.3).
    first_slice = kind == _NAL_SLICE and second & 0x80 != 0
    return first_slice or kind == _NAL_DELIMITER or _begins_with_sets(payload)


def join_vp8(packets: Sequence[bytes]) -> tuple[bytes, bool]:
    """Return the frame that these RTP packets make, and whether it is a keyframe. Padding adds nothing.

    Raises:
        ValueError, IndexError: a packet is malformed.
    """
    parts = []
    for packet in packets:
        head, at, end = packet[0], _HEADER, len(packet)
        if head & 0x3F:
            at, end = _bounds(packet)
            if at == end:
                continue
        if packet[at] & 0x80:
            extension = packet[at + 1]
            at += 2
            if extension & 0x80:
                at += 2 if packet[at] & 0x80 else 1
            if extension & 0x70:
                at += (1 if extension & 0x40 else 0) + (1 if extension & 0x30 else 0)
        else:
            at += 1
        if at >= end:
            raise ValueError("VP8 payload is truncated")
        parts.append(packet[at:end])
    data = b"".join(parts)
    return data, bool(data) and not data[0] & 1


def join_h264(packets: Sequence[bytes]) -> tuple[bytes, bool]:
    """As ``join_vp8``, for an Annex B access unit; a keyframe has parameter sets and an IDR slice."""
    parts: list[bytes] = []
    kinds = set()
    for packet in packets:
        at, end = _bounds(packet)
        if at == end:
            continue
        kind = packet[at] & 0x1F
        if kind == _NAL_FU_A:
            header = packet[at + 1]
            if at + 2 >= end:
                raise ValueError("H.264 fragment is empty")
            if header & 0x80:
                kinds.add(header & 0x1F)
                parts += (_START_CODE, bytes((packet[at] & 0xE0 | header & 0x1F,)))
            parts.append(packet[at + 2 : end])
        elif kind == _NAL_STAP_A:
            for nal in _split_aggregate(packet[at:end]):
                kinds.add(nal[0] & 0x1F)
                parts += (_START_CODE, nal)
        elif 0 < kind < _NAL_STAP_A:
            kinds.add(kind)
            parts += (_START_CODE, packet[at:end])
        else:
            raise ValueError("H.264 packetisation is not supported")
    return b"".join(parts), _NAL_SPS in kinds and _NAL_IDR in kinds


def join_opus(packets: Sequence[bytes]) -> tuple[bytes, bool]:
    """As ``join_vp8``, for the one packet of a sound."""
    packet = packets[0]
    if packet[0] == 0x80:
        return packet[_HEADER:], True
    at, end = _bounds(packet)
    return packet[at:end], True


JOINERS = {VP8: join_vp8, H264: join_h264, OPUS: join_opus}


def _vp8_header(payload: bytes) -> int:
    """Return the length of the payload descriptor (RFC 7741 section 4.2), which may be cut off."""
    if not payload[0] & 0x80:
        return 1
    extension = payload[1] if len(payload) > 1 else 0
    at = 2 + (1 if extension & 0x40 else 0) + (1 if extension & 0x30 else 0)
    if extension & 0x80:
        # The first bit of a PictureID tells whether it has 7 bits or 15.
        at += 2 if len(payload) > 2 and payload[2] & 0x80 else 1
    return at


def _begins_with_sets(payload: bytes) -> bool:
    kind = payload[0] & 0x1F if payload else 0
    if kind != _NAL_STAP_A:
        return kind == _NAL_SPS
    at = 1
    while at + 2 < len(payload):
        if payload[at + 2] & 0x1F == _NAL_SPS:
            return True
        at += 2 + (payload[at] << 8 | payload[at + 1])
    return False


def _split_aggregate(payload: bytes) -> list[bytes]:
    nals, at = [], 1
    while at < len(payload):
        size = payload[at] << 8 | payload[at + 1]
        at += 2
        if not size or at + size > len(payload):
            raise ValueError("H.264 aggregate is truncated")
        nals.append(payload[at : at + size])
        at += size
    if not nals:
        raise ValueError("H.264 aggregate is empty")
    return nals


def _bounds(packet: bytes) -> tuple[int, int]:
    """Return where an RTP packet's payload begins and ends (RFC 3550 section 5.1).

    Raises:
        IndexError: the header or the padding reaches beyond the packet.
    """
    head, at, end = packet[0], _HEADER, len(packet)
    at += (head & 0x0F) << 2
    if head & 0x10:
        at += 4 + ((packet[at + 2] << 8 | packet[at + 3]) << 2)
    if head & 0x20:
        end -= packet[-1] or end
    if at > end:
        raise IndexError("RTP packet is truncated")
    return at, end


def _first_nal(payload: bytes) -> tuple[int, int]:
    """Return the type of the NAL unit that begins here and the byte behind its header, or zeros."""
    kind, at = payload[0] & 0x1F if payload else 0, 1
    if kind == _NAL_FU_A and len(payload) > 1:
        kind, at = payload[1] & 0x1F if payload[1] & 0x80 else 0, 2
    return (kind, payload[at]) if at < len(payload) else (0, 0)
