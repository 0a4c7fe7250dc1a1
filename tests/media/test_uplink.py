"""What one m-line brings: order, loss, repair, and what goes back to the publisher."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from media.loss import GIVE_UP_S
from media.uplink import KEYFRAME_INTERVAL_S, Uplink
from tests.media.packets import (
    CAMERA,
    DELTA,
    KEY,
    MICROPHONE,
    PICTURES,
    REST,
    SOUND,
    Asked,
    Taken,
    line,
    packet,
    uplink,
)


def _dropped(why: str) -> float:
    return REGISTRY.get_sample_value("teller_media_dropped_packets_total", {"why": why}) or 0.0


def _begun(first: int = 100) -> tuple[Uplink, Asked, Taken]:
    """Return an open camera that got packet ``first``."""
    up, asked = uplink()
    taken = Taken()
    up.open(taken)
    up.begin(7, packet(first))
    up.take(packet(first), 1.0)
    taken.restarts = 0
    return up, asked, taken


def _rtx(seq: int, payload: bytes = DELTA, **how: Any) -> bytes:
    return packet(5, (seq & 0xFFFF).to_bytes(2, "big") + payload, pt=97, ssrc=8, **how)


def test_packets_pass_as_they_came_with_numbers_that_go_on() -> None:
    """Sequence numbers are unwrapped; the very bytes are handed over."""
    up, asked, taken = _begun(65_534)
    sent = [packet(65_534 + n, bytes([n])) for n in range(1, 4)]
    for data in sent:
        up.take(data, 1.1)
    assert taken.seqs == [65_534, 65_535, 65_536, 65_537]
    assert all(got is data for got, data in zip(taken.packets[1:], sent, strict=True))
    assert (up.stats.packets, up.stats.expected, up.highest) == (4, 4, 65_537)
    assert asked.again == []


def test_nothing_is_kept_or_passed_on_before_it_is_open() -> None:
    """Packets are counted, gaps are not asked for."""
    up, asked = uplink()
    up.begin(7, packet(1))
    for seq in (1, 2, 9):
        up.take(packet(seq), 1.0)
    assert (up.stats.packets, up.stats.expected, asked.again, up.packet(9)) == (3, 9, [], None)
    up.request_keyframe(2.0)
    assert asked.keyframes == 1


def test_a_gap_is_asked_for_at_once_and_again_after_a_round_trip() -> None:
    """Again not before the smoothed round trip has passed, and no more once it came."""
    up, asked, taken = _begun()
    up.take(packet(104), 2.0)
    assert asked.again == [[101, 102, 103]]
    assert up.tick(2.05)
    assert len(asked.again) == 1
    up.take_rtx(_rtx(102), 2.06)
    up.tick(2.2)
    assert asked.again[1:] == [[101, 103]]
    up.take(packet(101), 2.21)
    up.take_rtx(_rtx(103), 2.22)
    assert not up.tick(2.5)
    assert len(asked.again) == 2
    assert taken.seqs == [100, 104, 102, 101, 103]
    assert up.stats.lost == 0
    assert asked.woken


def test_numbers_that_wrap_are_asked_for_in_sixteen_bits() -> None:
    """A gap over the wrap is one request."""
    up, asked, _ = _begun(65_534)
    up.take(packet(1), 1.1)
    assert asked.again == [[65_535, 0]]


def test_what_does_not_come_is_lost_and_a_keyframe_is_asked_for() -> None:
    """Given up after GIVE_UP_S: counted, and no more asked for."""
    up, asked, _ = _begun()
    up.take(packet(103), 2.0)
    up.tick(2.0 + GIVE_UP_S)
    assert (up.stats.lost, asked.keyframes) == (2, 1)
    up.take(packet(104, KEY), 9.0)
    assert not up.tick(9.0)
    assert asked.again == [[101, 102]]


def test_the_round_trip_is_learnt_from_answers() -> None:
    """Retransmissions that come after 400 ms make it wait longer before it asks again."""
    up, asked, _ = _begun()
    at = 2.0
    for seq in range(102, 142, 2):
        up.take(packet(seq), at)
        up.take_rtx(_rtx(seq - 1), at + 0.4)
        at += 1.0
    asked.again.clear()
    up.take(packet(150), at)
    up.tick(at + 0.3)
    assert len(asked.again) == 1
    up.tick(at + 0.41)
    assert len(asked.again) == 2


def test_a_retransmission_is_the_packet_that_was_lost() -> None:
    """Number, type and stream are the original's; the two bytes in front are gone (RFC 4588)."""
    up, _, taken = _begun()
    lost = packet(101, DELTA + b"x" * 50, stamp=9_000, end=True, extension=b"\x10m")
    up.take(packet(102), 1.1)
    carried = DELTA + b"x" * 50
    up.take_rtx(_rtx(101, carried, stamp=9_000, end=True, extension=b"\x10m"), 1.2)
    assert taken.packets[-1] == lost
    assert taken.payloads[-1] == carried
    assert up.packet(101) == lost
    assert (up.stats.packets, up.stats.expected) == (2, 3)


@pytest.mark.parametrize("again", ["primary", "retransmission"])
def test_nothing_passes_twice(again: str) -> None:
    """Repeated packets, by whatever way, are dropped."""
    up, _, taken = _begun()
    for seq in (101, 102):
        up.take(packet(seq), 1.1)
    for seq in (100, 101, 102):
        if again == "primary":
            up.take(packet(seq), 1.2)
        else:
            up.take_rtx(_rtx(seq), 1.2)
    assert taken.seqs == [100, 101, 102]
    assert up.stats.packets == 3


def test_retransmissions_of_nothing_are_left_alone() -> None:
    """Probing padding, unknown types, numbers ahead or long past, and cut off ones change nothing."""
    up, _, taken = _begun()
    up.take_rtx(packet(1, b"", pt=97, ssrc=8, pad=200), 1.1)
    up.take_rtx(packet(2, b"\x00", pt=97, ssrc=8), 1.1)
    up.take_rtx(packet(3, b"\x00\x65abc", pt=99, ssrc=8), 1.1)
    up.take_rtx(_rtx(101), 1.1)
    up.take_rtx(_rtx(100 - 2_000), 1.1)
    early, _ = uplink()
    early.open(Taken())
    early.take_rtx(_rtx(65_500), 1.1)
    assert early.packet(-36) is None
    assert taken.seqs == [100]
    assert up.highest == 100


def test_unknown_payload_types_are_dropped() -> None:
    """What was not negotiated is counted, and neither kept nor missed."""
    up, _, taken = _begun()
    before = _dropped("payload_type")
    up.take(packet(101, pt=45), 1.1)
    assert _dropped("payload_type") == before + 1
    assert (taken.seqs, up.highest) == ([100], 100)


def test_one_wild_number_changes_nothing_two_are_another_stream() -> None:
    """A jump is followed once the next packet fits it, and told to the taker."""
    up, asked, taken = _begun()
    up.take(packet(20_000), 1.1)
    assert (taken.seqs, taken.restarts) == ([100], 0)
    up.take(packet(101), 1.2)
    up.take(packet(40_000), 1.3)
    up.take(packet(40_001), 1.4)
    up.take(packet(40_002), 1.5)
    assert taken.restarts == 1
    assert [seq & 0xFFFF for seq in taken.seqs] == [100, 101, 40_001, 40_002]
    assert asked.again == []
    assert up.packet(taken.seqs[1]) is None
    assert (up.stats.packets, up.stats.expected) == (4, 4)


def test_another_ssrc_begins_anew() -> None:
    """What was missing of the former stream is lost, its clock is forgotten."""
    up, _, taken = _begun()
    up.take(packet(103), 1.1)
    up.got_clock(1, 2, 1.1)
    up.begin(9, packet(50_000, ssrc=9))
    up.take(packet(50_000, ssrc=9), 1.2)
    assert (up.ssrc, taken.restarts, up.stats.lost, up.clock_map) == (9, 1, 2, None)
    assert taken.seqs[-1] & 0xFFFF == 50_000
    assert len(taken.clocks) == 1


def test_keyframe_requests_are_merged() -> None:
    """One at once, the others in that interval become one more at its end."""
    up, asked, _ = _begun()
    for n in range(20):
        up.request_keyframe(5.0 + n * 0.01)
    assert asked.keyframes == 1
    up.tick(5.3)
    assert asked.keyframes == 1
    up.tick(5.0 + KEYFRAME_INTERVAL_S)
    assert asked.keyframes == 2


@pytest.mark.parametrize("again", [False, True])
def test_a_keyframe_is_asked_for_until_it_begins(again: bool) -> None:
    """Once a second, ten times at most; the keyframe may come as a retransmission."""
    up, asked, _ = _begun()
    up.take(packet(102, DELTA), 1.0)
    up.request_keyframe(1.0)
    up.take(packet(103, DELTA), 2.1)
    up.tick(2.2)
    assert asked.keyframes == 2
    if again:
        up.take_rtx(_rtx(101, KEY), 2.3)
    else:
        up.take(packet(101, KEY), 2.3)
    for n in range(30):
        up.tick(5.0 + n * 1.1)
    assert asked.keyframes == 2
    up.request_keyframe(60.0)
    for n in range(30):
        up.tick(60.0 + n * 1.1)
    assert asked.keyframes == 2 + 10


def test_a_keyframe_serves_everybody_who_asked_before_it() -> None:
    """A request that was put off is not sent after it, and the next one is asked for like the first."""
    up, asked, _ = _begun()
    up.request_keyframe(10.0)
    up.request_keyframe(10.1)
    up.take(packet(101, KEY), 10.15)
    for n in range(300):
        assert not up.tick(10.16 + n * 0.02)
    assert asked.keyframes == 1
    up.request_keyframe(20.0)
    for n in range(30):
        up.tick(20.0 + n * 1.1)
    assert asked.keyframes == 1 + 10


def test_after_a_long_gap_a_keyframe_is_faster_than_repair() -> None:
    """It is asked for at once, and so are the missing packets."""
    up, asked, _ = _begun()
    up.take(packet(100 + 500), 5.0)
    assert (asked.keyframes, len(asked.again)) == (1, 1)


def test_sound_has_no_keyframes_and_is_asked_for_when_it_may() -> None:
    """Opus is asked for again where ``nack`` was negotiated."""
    up, asked = uplink(MICROPHONE, SOUND)
    up.open(Taken())
    up.begin(7, packet(1, pt=111))
    for seq in (1, 3):
        up.take(packet(seq, pt=111), 1.0)
    up.request_keyframe(1.0)
    up.tick(9.0)
    assert (asked.again, asked.keyframes, up.stats.lost) == ([[2]], 0, 1)


def _sound() -> tuple[Uplink, Asked, Taken]:
    up, asked = uplink(MICROPHONE, SOUND)
    taken = Taken()
    up.open(taken)
    up.begin(7, packet(1_000, pt=111))
    up.take(packet(1_000, pt=111), 1.0)
    return up, asked, taken


def test_sound_that_was_repaired_is_still_lost_on_the_network() -> None:
    """What comes after it was asked for is told as lost, for it drives Opus FEC; out of order is not."""
    up, _, taken = _sound()
    up.got_round_trip(0.06)
    for n in range(1, 101):
        at = 1.0 + n / 50
        if n % 20 == 10:
            continue
        if n % 20 == 14:
            up.take(packet(1_000 + n - 4, pt=111), at)
        up.take(packet(1_000 + n, pt=111), at)
        up.tick(at)
    assert len(taken.seqs) == 101
    seen = up.stats.report()
    assert (seen.packets_lost, up.stats.lost) == (5, 0)
    up.take(packet(1_102, pt=111), 4.0)
    up.take(packet(1_101, pt=111), 4.01)
    assert up.stats.report().packets_lost == 5


def test_a_picture_out_of_order_is_not_lost() -> None:
    """Where RTX was agreed, what was asked for comes as that."""
    up, _, _ = _begun()
    up.take(packet(102), 1.0)
    up.tick(1.2)
    up.take(packet(101), 1.3)
    assert (up.stats.packets, up.stats.expected) == (3, 3)


def test_sound_that_was_held_up_is_late() -> None:
    """The queue of a network that a phone has left comes behind the packets of the new one."""
    up, _, taken = _sound()
    before = _dropped("late")
    up.take(packet(1_400, pt=111), 9.0)
    for n in range(100):
        up.take(packet(1_001 + n, pt=111), 9.0)
    up.take(packet(1_401, pt=111), 9.02)
    assert (taken.restarts, _dropped("late") - before) == (1, 100)
    assert taken.seqs == [1_000, 1_400, 1_401]


@pytest.mark.parametrize("gate", [True, False])
def test_what_an_outage_cost_is_lost(gate: bool) -> None:
    """Numbers that went on by thousands stand for packets that were sent; shut, nobody missed them."""
    up, _, taken = _begun()
    if not gate:
        up.shut()
    up.take(packet(10_000), 60.0)
    up.take(packet(10_001), 60.0)
    assert up.stats.lost == (9_900 if gate else 0)
    assert (up.stats.expected, up.stats.packets) == (9_902, 2)
    assert taken.restarts == int(gate)


def test_the_slowest_receiver_sets_the_limit() -> None:
    """None while nobody said anything."""
    up, _ = uplink()
    assert up.limit is None
    up.limit_bitrate("a", 900_000)
    up.limit_bitrate("b", 300_000)
    assert up.limit == 300_000
    up.limit_bitrate("b", None)
    up.limit_bitrate("c", None)
    assert up.limit == 900_000


def test_the_extension_is_noted_wherever_it_is() -> None:
    """In every packet that has it, whatever stands before it, retransmissions and padding too."""
    noted: list[int] = []

    def note(data: bytes, at: int, now: float) -> None:
        noted.append(int.from_bytes(data[at : at + 2], "big"))

    up = Uplink(line(CAMERA, PICTURES), PICTURES, Asked(), (5, 2), note)
    up.open(Taken())
    up.begin(7, packet(1))
    mid, number = b"\x21ab", b"\x51\x01"
    up.take(packet(1, extension=mid + number + b"\x00"), 1.0)
    up.take(packet(2, extension=number + b"\x01" + mid), 1.0)
    up.take(packet(3, extension=number + b"\x02"), 1.0)
    up.take(packet(4, extension=mid), 1.0)
    up.take(packet(5), 1.0)
    up.take_rtx(_rtx(3, extension=b"\x00\x00" + number + b"\x03"), 1.0)
    up.take_rtx(packet(9, b"", pt=97, ssrc=8, pad=9, extension=number + b"\x04"), 1.0)
    assert noted == [0x100, 0x101, 0x102, 0x103, 0x104]


@given(st.lists(st.integers(-30, 60), max_size=200), st.integers(0, 65_535))
def test_whatever_comes_nothing_passes_twice_and_what_is_kept_is_found(steps: list[int], first: int) -> None:
    """Any order of numbers: each passes once, and is found under its own number."""
    up, _, taken = _begun(first)
    seq = first
    for n, step in enumerate(steps):
        seq += step
        up.take(packet(seq, REST + bytes([n])), 1.0 + n / 100)
        up.tick(1.0 + n / 100)
    assert len(set(taken.seqs)) == len(taken.seqs)
    for number, data in zip(taken.seqs, taken.packets, strict=True):
        assert up.packet(number) in (data, None)
        assert int.from_bytes(data[2:4], "big") == number & 0xFFFF
    assert up.stats.lost <= max(0, up.stats.expected - len(taken.seqs)) + len(steps)
