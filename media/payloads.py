"""RTP payload formats of VP8 (RFC 7741), H.264 (RFC 6184) and Opus (RFC 7587), without any codec.

``open_payload`` takes the codec's bytes out of one RTP payload, ``pack`` cuts a whole frame into RTP
payloads, ``is_keyframe`` reads the few bits that say whether decoding can begin here.
"""

from dataclasses import dataclass
from itertools import pairwise

VP8 = "VP8"
H264 = "H264"
OPUS = "opus"

# 1,200 bytes of payload and about 60 of SRTP, UDP and IPv6 headers pass every link that carries the
# 1,280 byte minimum of IPv6, TURN framing included.
PAYLOAD_MAX = 1_200

_START_CODE = b"\x00\x00\x00\x01"
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

    For H.264 that is where parameter sets come, or the first slice of an IDR picture. Anything may be given.
    """
    if codec == VP8:
        # S set and partition 0 in the descriptor, then P clear in the frame's first byte.
        if not payload or payload[0] & 0x17 != 0x10:
            return False
        at = _vp8_header(payload)
        return at < len(payload) and not payload[at] & 1
    return codec != H264 or _begins_h264_keyframe(payload)


def _begins_h264_keyframe(payload: bytes) -> bool:
    kind = payload[0] & 0x1F if payload else 0
    if kind == _NAL_FU_A:
        return len(payload) > 2 and payload[1] & 0x80 != 0 and _opens_idr(payload[1] & 0x1F, payload[2])
    if kind != _NAL_STAP_A:
        return len(payload) > 1 and _opens_idr(kind, payload[1])
    at = 1
    while at + 3 < len(payload):
        if _opens_idr(payload[at + 2] & 0x1F, payload[at + 3]):
            return True
        at += 2 + (payload[at] << 8 | payload[at + 1])
    return False


def _opens_idr(kind: int, second: int) -> bool:
    # first_mb_in_slice is 0 when its Exp-Golomb code begins with a one (H.264 section 7.3.3).
    return kind == _NAL_SPS or (kind == _NAL_IDR and second & 0x80 != 0)


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
