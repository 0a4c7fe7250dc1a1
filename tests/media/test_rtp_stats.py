"""RTCP numbers against RFC 3550."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.rtp_stats import ClockMap, ReceiveStats, SendStats, from_ntp, to_ntp


@given(st.floats(0, 4e9))
def test_ntp_and_back(at: float) -> None:
    """Seconds UTC survive the way through NTP within a microsecond."""
    assert from_ntp(to_ntp(at)) == pytest.approx(at, abs=1e-6)


def test_loss_is_counted_in_total_and_since_the_last_report() -> None:
    """Four of eight are lost in the first interval, none in the second, and a repair in the third."""
    stats = ReceiveStats(90_000)
    assert stats.expected == 0
    for seq in (10, 12, 14, 17):
        stats.add(seq, seq * 3_000, 100, seq / 30)
    first = stats.report()
    assert (first.fraction_lost, first.packets_lost, first.highest_sequence) == (128, 4, 17)
    stats.add(18, 18 * 3_000, 100, 18 / 30)
    assert (stats.report().fraction_lost, stats.report().packets_lost) == (0, 4)
    stats.add(16, 16 * 3_000, 100, 19 / 30)
    assert stats.report().packets_lost == 3
    assert (stats.packets, stats.bytes) == (6, 600)


def test_an_earlier_packet_moves_the_beginning() -> None:
    """Reordering at the very start is no negative loss."""
    stats = ReceiveStats(48_000)
    stats.add(11, 960, 10, 0.02)
    stats.add(10, 0, 10, 0.021)
    assert stats.expected == 2
    assert stats.report().packets_lost == 0


def test_jitter_is_the_smoothed_difference_of_transit() -> None:
    """A packet 16 ms late moves the estimate by one sixteenth of that."""
    stats = ReceiveStats(48_000)
    stats.add(1, 0, 10, 1.0)
    stats.add(2, 960, 10, 1.02)
    assert stats.jitter_ms == pytest.approx(0, abs=1e-6)
    stats.add(3, 1_920, 10, 1.056)
    assert stats.jitter_ms == pytest.approx(1.0)
    assert stats.report().jitter == 48


def test_a_clock_map_moves_along_one_line() -> None:
    """Half a second later both sides of the map are half a second later."""
    ntp, timestamp = ClockMap(to_ntp(1_000.0), 90_000, 50.0).at(50.5, 90_000)
    assert from_ntp(ntp) == pytest.approx(1_000.5)
    assert timestamp == 135_000


def test_the_round_trip_comes_from_the_report_that_was_answered() -> None:
    """LSR names our report, DLSR is what the far end waited; unknown reports measure nothing."""
    stats = SendStats()
    ntp = to_ntp(1_700_000_000.25)
    stats.reported(ntp, 10.0)
    stats.got_report(7, (ntp >> 16) & 0xFFFFFFFF, 65_536 // 2, 10.6)
    assert stats.rtt_s == pytest.approx(0.1)
    assert stats.lost == 7
    stats.got_report(8, 12_345, 0, 99.0)
    assert stats.rtt_s == pytest.approx(0.1)
    for n in range(20):
        stats.reported(ntp + (n << 32), 11.0 + n)
    stats.got_report(8, (ntp >> 16) & 0xFFFFFFFF, 0, 40.0)
    assert stats.rtt_s == pytest.approx(0.1)
