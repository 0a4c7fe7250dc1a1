"""RTP packets and m-lines made by hand, and a call without a network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from struct import pack

from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from aiortc.rtp import HeaderExtensionsMap, RtpPacket

from media.answer import MID, SEND_TIME, OfferedCodec, OfferedMedia
from media.leg import Leg
from media.plan import PLAN
from media.rtp_stats import NTP_EPOCH, ClockMap
from media.uplink import Uplink

OPUS_CODEC = OfferedCodec("opus", 111, 48_000, frozenset({"nack"}))
VP8_CODEC = OfferedCodec("VP8", 96, 90_000, frozenset({"nack", "nack pli"}), 97)
H264_CODEC = OfferedCodec("H264", 102, 90_000, frozenset({"nack", "nack pli"}), 103)
PICTURES, SOUND = (VP8_CODEC, H264_CODEC), (OPUS_CODEC,)
MICROPHONE, CAMERA, OTHER_SOUND, OTHER_PICTURE = 0, 1, 3, 4

# The beginning of a VP8 keyframe, of another VP8 frame, and the rest of one.
KEY, DELTA, REST = b"\x10\x00", b"\x10\x01", b"\x00\x00"
SPS, SLICE = b"\x67\x42\x00\x1f", b"\x41\x9a"


def line(
    index: int, codecs: Sequence[OfferedCodec], extensions: Mapping[str, int] | None = None, mid: str = "m"
) -> OfferedMedia:
    """Return the planned m-line ``index`` as it might have been offered."""
    return OfferedMedia(
        PLAN[index], mid, "sendonly", "UDP/TLS/RTP/SAVPF", tuple(codecs), dict(extensions or {}), (), True
    )


def packet(
    seq: int, payload: bytes = REST, *, pt: int = 96, ssrc: int = 7, stamp: int = 0, end: bool = False,
    extension: bytes = b"", pad: int = 0,
) -> bytes:  # fmt: skip
    """Return an RTP packet; ``extension`` is one-byte extensions, ``pad`` bytes of padding come last."""
    first = 0x80 | (0x10 if extension else 0) | (0x20 if pad else 0)
    head = pack("!BBHLL", first, pt | (0x80 if end else 0), seq & 0xFFFF, stamp & 0xFFFFFFFF, ssrc)
    if extension:
        extension += bytes(-len(extension) % 4)
        head += pack("!HH", 0xBEDE, len(extension) // 4) + extension
    return head + payload + (bytes(pad - 1) + bytes([pad]) if pad else b"")


def read(data: bytes, extensions: Mapping[str, int] | None = None) -> RtpPacket:
    """Return a packet as aiortc's own parser reads it."""
    numbers = HeaderExtensionsMap()
    listed = [RTCRtpHeaderExtensionParameters(number, uri) for uri, number in (extensions or {}).items()]
    numbers.configure(RTCRtpParameters(headerExtensions=listed))
    return RtpPacket.parse(data, numbers)


@dataclass
class Asked:
    """The way back to a publisher; keeps what was asked."""

    again: list[list[int]] = field(default_factory=list)
    keyframes: int = 0
    woken: int = 0

    def ask_again(self, ssrc: int, seqs: Sequence[int]) -> None:
        self.again.append(list(seqs))

    def ask_keyframe(self, ssrc: int) -> None:
        self.keyframes += 1

    def wake(self) -> None:
        self.woken += 1


@dataclass
class Taken:
    """Keeps what an uplink hands over."""

    seqs: list[int] = field(default_factory=list)
    packets: list[bytes] = field(default_factory=list)
    payloads: list[bytes] = field(default_factory=list)
    clocks: list[ClockMap] = field(default_factory=list)
    restarts: int = 0

    def got_packet(self, packet: bytes, at: int, marked: int, seq: int, stamp: int, now: float) -> None:
        self.seqs.append(seq)
        self.packets.append(packet)
        self.payloads.append(packet[at:])

    def got_clock(self, clock: ClockMap) -> None:
        self.clocks.append(clock)

    def restarted(self) -> None:
        self.restarts += 1


def uplink(index: int = CAMERA, codecs: Sequence[OfferedCodec] = PICTURES) -> tuple[Uplink, Asked]:
    """Return an uplink and its way back."""
    asked = Asked()
    return Uplink(line(index, codecs), codecs, asked), asked


class Wire:
    """Takes what a leg sends."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.full = False

    def send(self, header: bytes, packet: bytes, offset: int) -> bool:
        if not self.full:
            self.sent.append(header + packet[offset:])
        return not self.full


EXTENSIONS = {MID: 1, SEND_TIME: 3}


def leg(
    codecs: Sequence[OfferedCodec] = PICTURES,
    index: int = OTHER_PICTURE,
    extensions: Mapping[str, int] = EXTENSIONS,
) -> tuple[Leg, Wire]:
    """Return a leg that is ready, and what it sends on."""
    wire = Wire()
    made = Leg(line(index, codecs, extensions, "4"), codecs, wire.send)
    made.ready = True
    return made, wire


def to_ntp(at: float) -> int:
    """Return seconds UTC as a 64 bit NTP timestamp."""
    return int((at + NTP_EPOCH) * (1 << 32))
