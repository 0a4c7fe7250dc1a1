"""What our own work costs per packet, between decryption and encryption, without a network.

A publisher's packets (1,150 bytes of VP8 with transport-wide numbers, Opus every eighth) go through the
connection, the uplink, the publication, one sink that keeps them and one leg for each receiver. Sending is
a function that returns True: encryption and sockets are measured by ``forwarding``.

``python -m benchmarks.packet_path [receivers]`` prints the best and the median of the rounds.
"""

import gc
import statistics
import struct
import sys
import time

from contract.ids import new_call_id, new_case_id, new_seat_id, new_track_id
from contract.phases import Role
from contract.ports import ClockSample, TrackInfo, TrackSink
from media.answer import MID, SEND_TIME, TRANSPORT_CC, OfferedCodec, OfferedMedia
from media.connection import Connection
from media.leg import Leg
from media.plan import PLAN
from media.publication import Publication
from media.uplink import Uplink

ROUNDS, PACKETS = 20, 20_000
_VP8 = OfferedCodec("VP8", 96, 90_000, frozenset({"nack", "transport-cc"}), 97)
_OPUS = OfferedCodec("opus", 111, 48_000, frozenset({"transport-cc"}))


class _Sink:
    """Keeps the last packets by reference, as a recorder's queue does."""

    def __init__(self) -> None:
        self.kept: list[tuple[bytes, float]] = []

    def push_packet(self, packet: bytes, arrived_at: float) -> None:
        self.kept.append((packet, arrived_at))

    def push_clock(self, sample: ClockSample) -> None:
        return None

    def close(self) -> None:
        return None


class _Call:
    """An open call with one recorder."""

    def __init__(self) -> None:
        self.sinks: list[_Sink] = []

    def wall_now(self) -> float:
        return time.time()

    def start_track(self, publication: Publication, codec: str, clock_rate: int) -> TrackInfo:
        return TrackInfo(
            new_case_id(), new_call_id(), new_track_id(), new_seat_id(), Role.CUSTOMER,
            publication.kind, publication.source, codec, clock_rate,
        )  # fmt: skip

    def open_sinks(self, track: TrackInfo) -> list[TrackSink]:
        self.sinks.append(_Sink())
        return [self.sinks[-1]]

    def end_track(self, track: TrackInfo, frames: int, lost: int) -> None:
        return None


def _line(index: int, codec: OfferedCodec) -> OfferedMedia:
    extensions = {MID: 1, SEND_TIME: 2, TRANSPORT_CC: 3}
    return OfferedMedia(PLAN[index], str(index), "sendonly", "", (codec,), extensions, (), True)


class _Publisher(Connection):
    """A connection without a transport: its feedback goes nowhere."""

    def __init__(self, call: _Call, receivers: int) -> None:
        super().__init__(None, ("VP8",), lambda state: None)  # type: ignore[arg-type]
        self._mid_extension = 1
        for index, codec in ((0, _OPUS), (1, _VP8)):
            media = _line(index, codec)
            uplink = Uplink(media, (codec,), self, (3, 2), self._note_arrival)
            self.uplinks.append(uplink)
            self._by_mid[media.mid] = uplink
            legs = [Leg(_line(index + 3, codec), (codec,), _send) for _ in range(receivers)]
            for leg in legs:
                leg.ready = True
            publication = Publication(uplink, call)
            publication.open(recorded=True, now=0.0)
            publication.feed(legs, 0.0)

    def _wake_in(self, seconds: float) -> None:
        return None


def _send(header: bytes, packet: bytes, offset: int) -> bool:
    return True


def _packets() -> list[bytes]:
    made, seqs = [], [0, 0]
    for n in range(PACKETS):
        video = n % 8 != 0
        seqs[video] += 1
        mark, stamp, size = (0x60, n // 16 * 3_000, 1_150) if video else (0x6F, n * 120, 90)
        extension = struct.pack(
            "!HHBBB3sBH3x", 0xBEDE, 3, 0x10, 0x31 if video else 0x30, 0x22, b"abc", 0x31, n
        )
        head = struct.pack("!BBHLL", 0x90, mark, seqs[video] & 0xFFFF, stamp & 0xFFFFFFFF, 7 + video)
        made.append(head + extension + b"\x10" + bytes(size))
    return made


def measure(receivers: int) -> list[float]:
    """Return seconds of CPU per packet of each round."""
    packets, found = _packets(), []
    for _ in range(ROUNDS):
        call = _Call()
        publisher = _Publisher(call, receivers)
        gc.collect()
        gc.disable()
        began = time.process_time()
        for n, packet in enumerate(packets):
            publisher.got_rtp(packet, 100.0 + n / 1_000)
        found.append((time.process_time() - began) / len(packets))
        gc.enable()
        assert sum(len(sink.kept) for sink in call.sinks) == PACKETS
    return found


def main() -> None:
    """Measure and print."""
    receivers = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    found = [seconds * 1e6 for seconds in measure(receivers)]
    print(f"{receivers} receivers: best {min(found):.2f}, median {statistics.median(found):.2f} us a packet")


if __name__ == "__main__":
    main()
