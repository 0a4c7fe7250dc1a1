"""Payload formats from the other side: what a sender does with a frame, and what a frame holds."""

from itertools import pairwise

from media.payloads import H264, VP8

PAYLOAD_MAX = 1_200
_NAL_IDR, _NAL_SPS, _NAL_FU_A = 5, 7, 28


def is_keyframe(codec: str, frame: bytes) -> bool:
    """Tell whether a decoder can start at ``frame``; always so for sound.

    For H.264 that takes parameter sets and an IDR slice in the same access unit.
    """
    if codec == VP8:
        return bool(frame) and not frame[0] & 1
    if codec == H264:
        types = {nal[0] & 0x1F for nal in split_nals(frame) if nal}
        return _NAL_IDR in types and _NAL_SPS in types
    return True


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


def pack(codec: str, frame: bytes) -> list[bytes]:
    """Return the RTP payloads of a whole frame; the last one takes the marker bit."""
    if codec == VP8:
        step = PAYLOAD_MAX - 1
        return [(b"\x00" if at else b"\x10") + frame[at : at + step] for at in range(0, len(frame), step)]
    if codec == H264:
        return [payload for nal in split_nals(frame) for payload in _pack_nal(nal)]
    return [frame]


def _pack_nal(nal: bytes) -> list[bytes]:
    if len(nal) <= PAYLOAD_MAX:
        return [nal]
    step = PAYLOAD_MAX - 2
    payloads = []
    for at in range(1, len(nal), step):
        flags = (0x80 if at == 1 else 0) | (0x40 if at + step >= len(nal) else 0)
        payloads.append(bytes([nal[0] & 0xE0 | _NAL_FU_A, flags | nal[0] & 0x1F]) + nal[at : at + step])
    return payloads
