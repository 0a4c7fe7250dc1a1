"""One outgoing RTP stream as bytes: numbering, header extensions, retransmission. Pure code."""

import random
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from struct import pack

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
# Packets kept for retransmission: 2 s of video at 2.5 Mbit/s.
HISTORY = 512
_U16, _U32 = 0xFFFF, 0xFFFFFFFF
# The one-byte form of header extensions (RFC 8285) has ids 1 to 14 and values of 1 to 16 bytes.
_EXTENSION_ID_MAX = 14
_EXTENSION_VALUE_MAX = 16


class RtpStream:
    """Numbers the packets of one SSRC and remembers the last ones of a picture.

    ``extensions`` maps the URI to the negotiated id; only MID and the absolute send time are used.
    ``rtx_types`` maps a payload type to its retransmission payload type (RFC 4588).
    """

    def __init__(
        self,
        ssrc: int,
        rtx_ssrc: int,
        *,
        video: bool,
        mid: str = "",
        extensions: Mapping[str, int] | None = None,
        rtx_types: Mapping[int, int] | None = None,
    ) -> None:
        self._ssrc, self._rtx_ssrc, self._video = ssrc, rtx_ssrc, video
        self._rtx_types = dict(rtx_types or {})
        # libsrtp guesses the roll-over counter of a stream that starts near the wrap wrongly.
        self._seq, self._rtx_seq = random.getrandbits(15), random.getrandbits(15)
        self._kept: OrderedDict[int, tuple[int, int, bytes]] = OrderedDict()
        self._extension, self._send_time_at = _lay_out(mid.encode(), extensions or {})

    def packets(self, payload_type: int, parts: Sequence[bytes], timestamp: int, ntp: int) -> Iterator[bytes]:
        """Yield the packets of one frame; ``timestamp`` unwrapped, ``ntp`` the 64 bit time of sending."""
        stamp = timestamp & _U32
        for index, payload in enumerate(parts, 1):
            marked = payload_type | (0x80 if self._video and index == len(parts) else 0)
            self._seq = (self._seq + 1) & _U16
            if self._video:
                self._keep(marked, stamp, payload)
            yield self._packet(marked, self._seq, stamp, self._ssrc, payload, ntp)

    def again(self, seq: int, ntp: int) -> bytes | None:
        """Return packet ``seq`` once more, in the form that was negotiated; None when it is too old."""
        kept = self._kept.get(seq)
        if kept is None:
            return None
        marked, stamp, payload = kept
        rtx_type = self._rtx_types.get(marked & 0x7F)
        if rtx_type is None:
            return self._packet(marked, seq, stamp, self._ssrc, payload, ntp)
        self._rtx_seq = (self._rtx_seq + 1) & _U16
        marked = rtx_type | (marked & 0x80)
        return self._packet(marked, self._rtx_seq, stamp, self._rtx_ssrc, pack("!H", seq) + payload, ntp)

    def _keep(self, marked: int, stamp: int, payload: bytes) -> None:
        self._kept[self._seq] = (marked, stamp, payload)
        self._kept.move_to_end(self._seq)
        if len(self._kept) > HISTORY:
            self._kept.popitem(last=False)

    def _packet(self, marked: int, seq: int, stamp: int, ssrc: int, payload: bytes, ntp: int) -> bytes:
        extension = self._extension
        if self._send_time_at is not None:
            at = self._send_time_at
            extension = extension[:at] + ((ntp >> 14) & 0xFFFFFF).to_bytes(3, "big") + extension[at + 3 :]
        return pack("!BBHLL", 0x90 if extension else 0x80, marked, seq, stamp, ssrc) + extension + payload


def _lay_out(mid: bytes, numbers: Mapping[str, int]) -> tuple[bytes, int | None]:
    """Return the extension block and where in it the send time goes."""
    body, send_time_at = b"", None
    if _fits(numbers.get(MID), mid):
        body += bytes([(numbers[MID] << 4) | (len(mid) - 1)]) + mid
    if _fits(numbers.get(SEND_TIME), bytes(3)):
        send_time_at = 4 + len(body) + 1
        body += bytes([(numbers[SEND_TIME] << 4) | 2]) + bytes(3)
    if not body:
        return b"", None
    body += bytes(-len(body) % 4)
    return pack("!HH", 0xBEDE, len(body) // 4) + body, send_time_at


def _fits(number: int | None, value: bytes) -> bool:
    return number is not None and 1 <= number <= _EXTENSION_ID_MAX and 1 <= len(value) <= _EXTENSION_VALUE_MAX
