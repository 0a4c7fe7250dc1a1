"""What the customer says: in order, bounded, and told on the clock of arrivals."""

from itertools import pairwise

import pytest

from contract.ports import EncodedFrame
from teller.live.hearing import KEPT_S, RATE, Hearing

BASE = 4_000_000_000


def packet(number: int, *, late_s: float = 0.0, base: int = BASE) -> EncodedFrame:
    return EncodedFrame(b"x", base + number * RATE // 50, True, 100.0 + number / 50 + late_s)


def heard(count: int) -> Hearing:
    hearing = Hearing()
    for number in range(count):
        hearing.push(packet(number))
    return hearing


def test_nothing_was_said_yet() -> None:
    hearing = Hearing()
    assert not hearing.comes(100.0)
    assert hearing.since(3.0) == ((), 3.0)


def test_sound_comes_while_packets_do() -> None:
    hearing = heard(50)
    assert hearing.comes(101.0) and hearing.comes(102.9)
    assert not hearing.comes(103.1)


def test_what_was_said_since() -> None:
    """From the packet that was spoken then, however late others came."""
    hearing = Hearing()
    for number in range(100):
        hearing.push(packet(number, late_s=0.0 if number == 40 else 0.25))
    packets, at = hearing.since(101.0)
    assert len(packets) == 50 and packets[0].timestamp == packet(50).timestamp
    assert at == pytest.approx(101.0)
    assert hearing.since(200.0) == ((), 200.0)


def test_a_microphone_that_stood_still_is_set_right() -> None:
    """Its clock goes on where it was; from a second later at most, words have their own time again."""
    hearing = Hearing()
    for number in range(400):
        hearing.push(packet(number, late_s=0.0 if number < 200 else 0.5))
    packets, at = hearing.since(0.0)
    assert at == pytest.approx(100.0)
    said_s = [(one.timestamp - packets[0].timestamp) / RATE for one in packets]
    assert said_s[100] == pytest.approx(2.0) and said_s[-1] == pytest.approx(399 / 50 + 0.5)
    assert all(after > before for before, after in pairwise(said_s))


def test_a_packet_that_came_before_is_left_out() -> None:
    hearing = heard(3)
    hearing.push(packet(1))
    assert len(hearing.since(0.0)[0]) == 3


def test_another_track_begins_anew() -> None:
    hearing = heard(3)
    hearing.push(packet(4, base=7))
    assert [one.timestamp for one in hearing.since(0.0)[0]] == [packet(4, base=7).timestamp]


def test_it_is_bounded() -> None:
    """By time, and by number whatever the times say."""
    hearing = heard(int(KEPT_S * 50) + 100)
    packets, _ = hearing.since(0.0)
    assert (packets[-1].timestamp - packets[0].timestamp) / RATE <= KEPT_S
    for number in range(5_000):
        hearing.push(EncodedFrame(b"x", BASE + 10**8 + number, True, 2_200.0))
    assert len(hearing.since(0.0)[0]) <= 2_000
