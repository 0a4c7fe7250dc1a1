"""A leg's headers, its time line, and what its receiver asks for."""

from collections.abc import Mapping

import pytest
from prometheus_client import REGISTRY

from media.answer import MID, SEND_TIME, OfferedCodec
from media.leg import Leg
from media.rtp_header import payload_at
from media.rtp_stats import ClockMap
from tests.media.packets import (
    DELTA,
    EXTENSIONS,
    H264_CODEC,
    KEY,
    OPUS_CODEC,
    OTHER_SOUND,
    REST,
    SLICE,
    SOUND,
    SPS,
    VP8_CODEC,
    Wire,
    leg,
    line,
    packet,
    read,
    to_ntp,
)

# The publisher's own types: other numbers than the receiver's.
_THEIRS = {
    100: OfferedCodec("VP8", 100, 90_000, frozenset()),
    107: OfferedCodec("H264", 107, 90_000, frozenset()),
    109: OfferedCodec("opus", 109, 48_000, frozenset()),
}


class _Source:
    """A publication: what it got, and what was asked of it."""

    def __init__(self) -> None:
        self.clock_map: ClockMap | None = None
        self.codecs: Mapping[int, OfferedCodec] = _THEIRS
        self.kept: dict[int, bytes] = {}
        self.asked = 0
        self.limits: list[int | None] = []

    @property
    def highest(self) -> int:
        return max(self.kept, default=-1)

    def packet(self, seq: int) -> bytes | None:
        return self.kept.get(seq)

    def request_keyframe(self, now: float) -> None:
        self.asked += 1

    def limit_bitrate(self, who: object, bits_per_s: int | None) -> None:
        self.limits.append(bits_per_s)

    def give(
        self, to: Leg, seq: int, payload: bytes = DELTA, *, pt: int = 100, at: float = 1.0,
        stamp: int | None = None, end: bool = False, extension: bytes = b"", pad: int = 0,
    ) -> None:  # fmt: skip
        """Get a packet and hand it to a leg, as a publication does."""
        stamp = seq * 3_000 if stamp is None else stamp
        data = packet(seq, payload, pt=pt, stamp=stamp, end=end, extension=extension, pad=pad)
        self.kept[seq] = data
        to.forward(data, payload_at(data), data[1], seq, stamp & 0xFFFFFFFF, at)


def _fed() -> tuple[Leg, Wire, _Source]:
    made, wire = leg()
    source = _Source()
    made.connect(source)
    return made, wire, source


def _refused() -> float:
    return REGISTRY.get_sample_value("teller_media_refused_nacks_total", {"kind": "video"}) or 0.0


def _sent(wire: Wire) -> list[tuple[int, bytes]]:
    return [(read(data).sequence_number, read(data).payload) for data in wire.sent]


def test_a_packet_gets_a_header_of_our_own() -> None:
    """Our stream, type and extensions, read back by aiortc; marker, payload and padding are kept."""
    made, wire, source = _fed()
    source.give(made, 7, KEY + b"a", end=True, at=1_000.25, extension=b"\x50secret!")
    source.give(made, 8, REST, at=1_000.25, pad=4)
    got = read(wire.sent[0], EXTENSIONS)
    assert (got.ssrc, got.payload_type, got.marker, got.payload) == (made.ssrc, 96, 1, KEY + b"a")
    assert (got.timestamp, got.extensions.mid) == (21_000, "4")
    assert got.extensions.abs_send_time == int(1_000.25 * (1 << 18)) & 0xFFFFFF
    assert b"secret" not in wire.sent[0]
    padded = read(wire.sent[1], EXTENSIONS)
    assert (padded.payload, padded.padding_size, padded.marker) == (REST, 4, 0)
    assert (made.stats.packets, made.stats.bytes) == (2, 3 + 6)


@pytest.mark.parametrize("left", [{MID: 1}, {SEND_TIME: 3}, {}])
def test_only_negotiated_extensions_are_sent(left: dict[str, int]) -> None:
    """What the receiver did not offer is not there; the rest can be read."""
    made, wire = leg(extensions=left)
    source = _Source()
    made.connect(source)
    source.give(made, 7, KEY, at=5.0)
    got = read(wire.sent[0], left)
    assert got.payload == KEY
    assert got.extensions.mid == ("4" if MID in left else None)
    assert (got.extensions.abs_send_time is not None) == (SEND_TIME in left)


def test_a_picture_begins_with_a_keyframes_first_packet() -> None:
    """Until then it is asked for; what comes late from before it is left out."""
    made, wire, source = _fed()
    source.give(made, 5)
    source.give(made, 6, b"\x11\x00")
    assert (wire.sent, source.asked, made.begun) == ([], 2, False)
    source.give(made, 8, KEY)
    source.give(made, 9, REST)
    source.give(made, 7, REST)
    assert [payload for _, payload in _sent(wire)] == [KEY, REST]
    assert made.begun


def test_a_keyframe_whose_first_packet_comes_last_is_whole() -> None:
    """What came before it but belongs behind it follows, under the right numbers."""
    made, wire, source = _fed()
    for seq in (11, 13):
        source.give(made, seq, REST + bytes([seq]))
    source.give(made, 10, KEY)
    source.give(made, 12, REST + b"\x0c")
    first = _sent(wire)[0][0]
    assert _sent(wire) == [
        (first, KEY), (first + 1, REST + b"\x0b"), (first + 3, REST + b"\x0d"), (first + 2, REST + b"\x0c"),
    ]  # fmt: skip


def test_h264_begins_with_parameter_sets_and_sound_at_once() -> None:
    """Each codec by its own rule, under the receiver's types."""
    made, wire, source = _fed()
    source.give(made, 1, SLICE, pt=107)
    source.give(made, 2, SPS, pt=107)
    assert [read(data).payload_type for data in wire.sent] == [102]
    sound, other = leg(SOUND, OTHER_SOUND)
    voice = _Source()
    sound.connect(voice)
    voice.give(sound, 1, b"opus", pt=109)
    assert [read(data).payload_type for data in other.sent] == [111]


def test_late_packets_find_their_place() -> None:
    """Distances of numbers and timestamps are kept, over the wrap too."""
    made, wire, source = _fed()
    source.give(made, 65_534, KEY, stamp=0xFFFFFFFF)
    source.give(made, 65_537, stamp=0x100000000 + 5_999)
    source.give(made, 65_535, stamp=0x100000000 + 2_999)
    got = [read(data) for data in wire.sent]
    first = got[0].sequence_number
    assert [(one.sequence_number - first) & 0xFFFF for one in got] == [0, 3, 1]
    assert [(one.timestamp - got[0].timestamp) & 0xFFFFFFFF for one in got] == [0, 6_000, 3_000]


def test_another_publication_goes_on_where_the_former_stopped() -> None:
    """The next number, and a timestamp later by the time that has passed."""
    made, wire, source = _fed()
    source.give(made, 10, KEY, at=10.0)
    source.give(made, 11, at=10.5)
    new = _Source()
    made.connect(new)
    assert source.limits == [None]
    new.give(made, 60_000, stamp=5, at=11.0)
    assert new.asked == 1
    new.give(made, 60_001, KEY, stamp=3_005, at=12.5)
    new.give(made, 60_002, stamp=6_005, at=12.6)
    source.give(made, 12, at=13.0)
    got = [read(data) for data in wire.sent][:4]
    first = got[0].sequence_number
    assert [one.sequence_number - first for one in got] == [0, 1, 2, 3]
    assert [one.timestamp for one in got] == [30_000, 33_000, 33_000 + 180_000, 33_000 + 183_000]


def test_a_line_that_is_not_ready_or_cannot_take_the_codec_gets_nothing() -> None:
    """A codec that cannot be taken is remembered for the supervisor until another source comes."""
    made, wire = leg((VP8_CODEC,))
    source = _Source()
    made.connect(source)
    made.ready = False
    source.give(made, 1, KEY)
    made.ready = True
    source.give(made, 2, SPS, pt=107)
    assert (wire.sent, made.refused_codec) == ([], "H264")
    made.connect(None)
    assert made.refused_codec == ""


def test_what_cannot_be_sent_is_counted_and_may_be_asked_for() -> None:
    """A full connection costs packets, never the place of those behind."""
    made, wire, source = _fed()
    source.give(made, 1, KEY)
    wire.full = True
    source.give(made, 2, REST + b"lost")
    wire.full = False
    source.give(made, 3)
    (first, _), (third, _) = _sent(wire)
    assert (third - first, made.dropped, made.stats.packets) == (2, 1, 2)
    made.resend([first + 1], 2.0)
    assert read(wire.sent[-1]).payload[2:] == REST + b"lost"


def test_retransmission_in_its_own_stream() -> None:
    """The packet comes again under the other SSRC and type, its number in front (RFC 4588)."""
    made, wire, source = _fed()
    source.give(made, 1, KEY, end=True)
    source.give(made, 2, REST)
    number = read(wire.sent[0]).sequence_number
    made.resend([number, number + 1, number + 2, number - 1], 2.0)
    again = [read(data, EXTENSIONS) for data in wire.sent[2:]]
    assert [one.payload for one in again] == [
        number.to_bytes(2, "big") + KEY,
        (number + 1).to_bytes(2, "big") + REST,
    ]
    assert {(one.ssrc, one.payload_type) for one in again} == {(made.rtx_ssrc, 97)}
    assert [one.marker for one in again] == [1, 0]
    assert again[1].sequence_number == again[0].sequence_number + 1
    assert again[0].extensions.abs_send_time == 2 << 18


@pytest.mark.parametrize("mid", ["4", "a-name-of-16byte"])
def test_retransmission_without_rtx_is_the_same_packet(mid: str) -> None:
    """To the last bit, hours later too: AES-GCM protects both with one nonce. The MID can be read."""
    wire = Wire()
    made = Leg(line(OTHER_SOUND, SOUND, EXTENSIONS, mid), SOUND, wire.send)
    made.ready = True
    source = _Source()
    made.connect(source)
    source.give(made, 1, b"opus", pt=109, end=True, pad=4, extension=b"\x50x")
    made.resend([read(wire.sent[0]).sequence_number], 5_000.0)
    assert wire.sent[1] == wire.sent[0]
    got = read(wire.sent[0], EXTENSIONS)
    assert (got.extensions.mid, got.extensions.abs_send_time, got.payload) == (mid, None, b"opus")


def test_no_number_is_ever_used_for_two_packets() -> None:
    """Whatever restarts, is late or is sent again: a number of a stream belongs to one sequence of bytes."""
    made, wire = leg((OPUS_CODEC,), OTHER_SOUND)
    seen: dict[tuple[int, int], bytes] = {}
    for round_ in range(4):
        source = _Source()
        made.connect(source)
        for seq in (40, 41, 44, 43, 45):
            source.give(made, seq, b"%d-%d" % (round_, seq), pt=109, at=round_ + seq / 50)
        numbers = [read(data).sequence_number for data in wire.sent[-5:]]
        made.resend([*numbers, numbers[0] - 1], round_ + 0.95)
        made.restart(41)
        made.resend(numbers, round_ + 0.99)
        source.give(made, 42, b"late", pt=109, at=round_ + 0.99)
    for data in wire.sent:
        got = read(data)
        assert seen.setdefault((got.ssrc, got.sequence_number), data) == data
    assert len(wire.sent) == 4 * (5 + 5 + 4)


def test_only_what_has_a_stream_of_its_own_for_repair_tells_the_time_of_sending() -> None:
    """One codec without RTX is enough to leave the time out of all of them."""
    plain = OfferedCodec("H264", 102, 90_000, frozenset({"nack"}))
    made, wire = leg((VP8_CODEC, plain))
    source = _Source()
    made.connect(source)
    source.give(made, 1, KEY)
    assert read(wire.sent[0], EXTENSIONS).extensions.abs_send_time is None


def test_who_asks_too_often_asks_in_vain() -> None:
    """Nothing twice within a moment, and not more in a second than a bad line needs."""
    made, wire, source = _fed()
    for seq in range(1_000):
        source.give(made, seq, KEY if seq == 0 else REST)
    first = read(wire.sent[0]).sequence_number
    wire.sent.clear()
    made.resend([first + 1] * 50, 2.0)
    assert len(wire.sent) == 1
    for n in range(20):
        made.resend([(first + seq) & 0xFFFF for seq in range(1_000)], 2.0 + n / 20)
    assert len(wire.sent) < 250 + 500 + 2
    made.connect(None)
    made.resend([first], 9.0)
    assert len(wire.sent) < 250 + 500 + 2


def test_what_is_asked_in_vain_costs_nothing() -> None:
    """With nothing left to send, no packet is looked up, and all of a request is counted as refused."""
    made, _, source = _fed()
    for seq in range(512):
        source.give(made, seq, KEY if seq == 0 else REST)
    newest = made.stats.packets - 1 + made._seq_shift
    made.resend(range(newest - 400, newest), 2.0)
    looked: list[int] = []
    source.packet = looked.append  # type: ignore[assignment]
    before = _refused()
    made.resend(range(newest - 200, newest), 2.0)
    assert (looked, _refused() - before) == ([], 200)


def test_what_was_sent_again_is_forgotten_after_a_while() -> None:
    """The memory of it is bounded by what may be sent again in that time."""
    made, wire, source = _fed()
    for seq in range(1, 400):
        source.give(made, seq, KEY if seq == 1 else REST)
    newest = made.stats.packets + made._seq_shift
    for n in range(8):
        made.resend(range(newest - 240, newest), 2.0 + n)
    assert len(wire.sent) == 399 + 8 * 240
    assert len(made._resent_at) <= 500


def test_reports_are_on_the_publishers_time_line() -> None:
    """Nothing without the publisher's own report; then its clock, moved to now, and our timestamps."""
    made, _, source = _fed()
    assert made.report(1.0) is None
    source.give(made, 1, KEY, stamp=1_000)
    assert made.report(1.0) is None
    source.clock_map = ClockMap(to_ntp(1_600_000_000.0), 500, 10.0)
    report = made.report(10.5)
    assert report == (to_ntp(1_600_000_000.5), 500 + 45_000)
    made.connect(None)
    assert made.report(11.0) is None


def test_what_the_receiver_asks_for_goes_upstream() -> None:
    """Keyframe requests and bitrate limits reach the publication; without one they go nowhere."""
    made, _, source = _fed()
    made.ask_keyframe(1.0)
    made.limit_bitrate(300_000)
    made.connect(None)
    made.ask_keyframe(1.0)
    made.limit_bitrate(1)
    assert (source.asked, source.limits) == (1, [300_000, None])


def test_a_leg_sends_while_packets_come() -> None:
    """Not before it began, and not two seconds after the last packet."""
    made, _, source = _fed()
    assert not made.sends(1.0)
    source.give(made, 1, KEY, at=1.0)
    assert (made.sends(2.9), made.sends(3.1)) == (True, False)


def test_codecs_are_named_for_the_call() -> None:
    """In the order of preference."""
    made, _ = leg((H264_CODEC, VP8_CODEC))
    assert made.codecs == ("H264", "VP8")
