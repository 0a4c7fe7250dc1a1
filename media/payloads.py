"""RTP payload formats of VP8 (RFC 7741), H.264 (RFC 6184) and Opus (RFC 7587), without any codec.

``open_payload`` takes the codec's bytes out of one RTP payload, ``pack`` cuts a whole frame into RTP
payloads, ``is_keyframe`` reads the few bits that say whether decoding can begin here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

VP8 = "VP8"
H264 = "H264"
OPUS = "opus"

# 1,200 bytes of payload and about 60 of SRTP, UDP and IPv6 headers pass every link that carries the
# 1,280 byte minimum of IPv6, TURN framing included.
PAYLOAD_MAX = 1_200

_START_CODE = b"\x00\x00\x00\x01"
_HEADER = 12
_NAL_SLICE = 1
_NAL_IDR = 5
_NAL_SPS = 7
_NAL_DELIMITER = 9
_NAL_STAP_A = 24
_NAL_FU_A = 28


@dataclass(frozen=True, slots=True)
class Opened:
    """One payload: the codec's ``data``, and whether a frame certainly begins with it."""

    data: bytes
    begins: bool


def open_payload(codec: str, payload: bytes) -> Opened:
    """Return what an RTP payload carries.

    Raises:
        ValueError: truncated, or of a packetisation that was not negotiated.
    """
    if codec == VP8:
        return _open_vp8(payload)
    if codec == H264:
        return _open_h264(payload)
    return Opened(payload, True)


def pack(codec: str, frame: bytes) -> list[bytes]:
    """Return the RTP payloads of a whole frame; the last one takes the marker bit."""
    if codec == VP8:
        return _pack_vp8(frame)
    if codec == H264:
        return [payload for nal in split_nals(frame) for payload in _pack_nal(nal)]
    return [frame]


def is_keyframe(codec: str, frame: bytes) -> bool:
    """Tell whether a decoder can start at ``frame``; always so for sound.

    For H.264 that takes parameter sets and an IDR slice in the same access unit, because a sink that
    joins late has no other source of parameter sets.
    """
    if codec == VP8:
        return bool(frame) and not frame[0] & 1
    if codec == H264:
        types = {nal[0] & 0x1F for nal in split_nals(frame) if nal}
        return _NAL_IDR in types and _NAL_SPS in types
    return True


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


def split_nals(frame: bytes) -> list[bytes]:
    """Return the NAL units of an Annex B access unit, start codes removed."""
    starts: list[int] = []
    at = frame.find(b"\x00\x00\x01")
    while at >= 0:
        starts.append(at)
        at = frame.find(b"\x00\x00\x01", at + 3)
    nals = []
    for begin, end in pairwise([*starts, len(frame)]):
        # The fourth byte of a long start code, or trailing_zero_8bits, belongs to no NAL unit.
        nal = frame[begin + 3 : end].rstrip(b"\x00") if end < len(frame) else frame[begin + 3 :]
        if nal:
            nals.append(nal)
    return nals


def _open_vp8(payload: bytes) -> Opened:
    head = _byte(payload, 0)
    at = _vp8_header(payload)
    if at >= len(payload):
        raise ValueError("VP8 payload is truncated")
    return Opened(payload[at:], bool(head & 0x10) and not head & 0x07)


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


def _pack_vp8(frame: bytes) -> list[bytes]:
    """Cut without PictureID: a leg that leaves frames out would have to renumber them."""
    step = PAYLOAD_MAX - 1
    return [(b"\x10" if at == 0 else b"\x00") + frame[at : at + step] for at in range(0, len(frame), step)]


def _open_h264(payload: bytes) -> Opened:
    kind = _byte(payload, 0) & 0x1F
    if kind == _NAL_STAP_A:
        nals = _split_aggregate(payload)
        return Opened(b"".join(_START_CODE + nal for nal in nals), _begins_unit(nals[0]))
    if kind == _NAL_FU_A:
        return _open_fragment(payload)
    if not 1 <= kind < _NAL_STAP_A:
        raise ValueError("H.264 packetisation is not supported")
    return Opened(_START_CODE + payload, _begins_unit(payload))


def _begins_unit(nal: bytes) -> bool:
    return nal[0] & 0x1F in (_NAL_SPS, _NAL_DELIMITER)


def _split_aggregate(payload: bytes) -> list[bytes]:
    nals, at = [], 1
    while at < len(payload):
        size = (_byte(payload, at) << 8) | _byte(payload, at + 1)
        at += 2
        if not size or at + size > len(payload):
            raise ValueError("H.264 aggregate is truncated")
        nals.append(payload[at : at + size])
        at += size
    if not nals:
        raise ValueError("H.264 aggregate is empty")
    return nals


def _open_fragment(payload: bytes) -> Opened:
    header = _byte(payload, 1)
    if not header & 0x80:
        return Opened(payload[2:], False)
    nal_header = bytes([(payload[0] & 0xE0) | (header & 0x1F)])
    return Opened(_START_CODE + nal_header + payload[2:], _begins_unit(nal_header))


def _pack_nal(nal: bytes) -> list[bytes]:
    if len(nal) <= PAYLOAD_MAX:
        return [nal]
    indicator = (nal[0] & 0xE0) | _NAL_FU_A
    kind = nal[0] & 0x1F
    step = PAYLOAD_MAX - 2
    payloads = []
    for at in range(1, len(nal), step):
        flags = (0x80 if at == 1 else 0) | (0x40 if at + step >= len(nal) else 0)
        payloads.append(bytes([indicator, flags | kind]) + nal[at : at + step])
    return payloads


def _byte(payload: bytes, at: int) -> int:
    if at >= len(payload):
        raise ValueError("payload is truncated")
    return payload[at]


# --- whole frames from RTP packets ------------------------------------------------------------


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
    return kind in (_NAL_SPS, _NAL_DELIMITER) or (kind == _NAL_SLICE and second & 0x80 != 0)


def starts_decoding(codec: str, payload: bytes) -> bool:
    """Tell whether a decoder that knows nothing can begin with this payload."""
    if codec == H264:
        return _first_nal(payload)[0] in (_NAL_SPS, _NAL_DELIMITER) and begins_keyframe(codec, payload)
    return begins_keyframe(codec, payload)


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
    """Return the type of the first NAL unit that begins here and the byte behind its header, or zeros."""
    kind = payload[0] & 0x1F if payload else 0
    if kind == _NAL_FU_A:
        begins = len(payload) > 2 and payload[1] & 0x80
        return (payload[1] & 0x1F, payload[2]) if begins else (0, 0)
    if kind == _NAL_STAP_A:
        return (payload[3] & 0x1F, payload[4]) if len(payload) > 4 else (0, 0)
    return (kind, payload[1]) if len(payload) > 1 else (0, 0)
