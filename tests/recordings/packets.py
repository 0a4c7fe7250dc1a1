"""Encoded frames as RTP packets, the way a browser sends them, and a recorder that is fed with them."""

from collections.abc import Iterator

from contract.ports import ClockSample, EncodedFrame, MediaReceiver, TrackInfo
from media.depacketiser import TrackDepacketiser
from recordings.bitstream import nal_units
from recordings.sink import Sink

# What browsers put into a packet, so that it fits any path.
_PAYLOAD_BYTES = 1_100
_FU_A = 28


class Packetiser:
    """Makes the packets of one track; numbers and timestamps are 16 and 32 bits (RFC 3550 section 5.1)."""

    def __init__(self, codec: str, first: int = 65_530) -> None:
        self._codec = codec
        self._seq = first

    def packets(self, frame: EncodedFrame) -> Iterator[bytes]:
        """Yield the packets of one frame."""
        payloads = list(_PAYLOADS[self._codec](frame.data))
        for payload in payloads:
            marker = 0x80 if payload is payloads[-1] and self._codec != "opus" else 0
            head = bytes([0x80, marker | 96]) + (self._seq % (1 << 16)).to_bytes(2)
            self._seq += 1
            yield head + (frame.timestamp % (1 << 32)).to_bytes(4) + b"\0\0\0\1" + payload


def _vp8(data: bytes) -> Iterator[bytes]:
    """Yield payloads with the shortest descriptor of RFC 7741 section 4.2; S is set on the first."""
    for offset in range(0, len(data), _PAYLOAD_BYTES):
        yield (b"\0" if offset else b"\x10") + data[offset : offset + _PAYLOAD_BYTES]


def _h264(data: bytes) -> Iterator[bytes]:
    """Yield single NAL units, and FU-A where one does not fit (RFC 6184 sections 5.6 and 5.8)."""
    for nal in nal_units(data):
        if len(nal) <= _PAYLOAD_BYTES:
            yield nal
            continue
        pieces = [nal[at : at + _PAYLOAD_BYTES] for at in range(1, len(nal), _PAYLOAD_BYTES)]
        for number, piece in enumerate(pieces):
            ends = (0x80 if number == 0 else 0) | (0x40 if number == len(pieces) - 1 else 0)
            yield bytes([nal[0] & 0xE0 | _FU_A, ends | nal[0] & 0x1F]) + piece


def _opus(data: bytes) -> Iterator[bytes]:
    yield data


_PAYLOADS = {"VP8": _vp8, "H264": _h264, "opus": _opus}


class Feed:
    """A track of a recorder, fed with frames; ``lose`` throws the packets of one away."""

    def __init__(self, sink: Sink, info: TrackInfo) -> None:
        self.sink = sink
        self._packetiser = Packetiser(info.codec)

    def push_frame(self, frame: EncodedFrame) -> None:
        """Push the frame's packets as if all came when its last did."""
        for packet in self._packetiser.packets(frame):
            self.sink.push_packet(packet, frame.arrived_at)

    def lose(self, frame: EncodedFrame) -> int:
        """Number the frame's packets, but hand none over; return how many there are."""
        return len(list(self._packetiser.packets(frame)))

    def push_clock(self, sample: ClockSample) -> None:
        self.sink.push_clock(sample)

    def close(self) -> None:
        self.sink.close()

    @property
    def is_empty(self) -> bool:
        """Tell whether the recorder has written everything."""
        return self.sink.taken_bytes == self.sink.pushed_bytes


def feed(recorder: MediaReceiver, info: TrackInfo) -> Feed:
    """Open a track."""
    sink = recorder.open_track(info, TrackDepacketiser(info.codec, info.clock_rate))
    assert isinstance(sink, Sink)
    return Feed(sink, info)
