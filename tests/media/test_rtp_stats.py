"""RTCP numbers against RFC 3550, and what a picture's rhythm tells."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.rtp_stats import ClockMap, ReceiveStats, SendStats, from_ntp
from tests.media.packets import to_ntp


def _got(stats: ReceiveStats, *seqs: int) -> None:
    """Count packets as an uplink does."""
    for seq in seqs:
        if not stats.packets:
            stats.begin(seq)
        stats.highest = max(stats.highest, seq)
        stats.packets += 1


@given(st.floats(0, 4e9))
def test_ntp_and_back(at: float) -> None:
    """Seconds UTC survive the way through NTP within a microsecond."""
    assert from_ntp(to_ntp(at)) == pytest.approx(at, abs=1e-6)


def test_loss_is_counted_in_total_and_since_the_last_report() -> None:
    """Four of eight are lost in the first interval, none in the second, and a late one in the third."""
    stats = ReceiveStats(90_000)
    assert stats.expected == 0
    _got(stats, 10, 12, 14, 17)
    first = stats.report()
    assert (first.fraction_lost, first.packets_lost, first.highest_sequence) == (128, 4, 17)
    _got(stats, 18)
    assert (stats.report().fraction_lost, stats.report().packets_lost) == (0, 4)
    _got(stats, 16)
    assert stats.report().packets_lost == 3


def test_another_stream_goes_on_counting() -> None:
    """What was lost of the former one stays lost, nothing is lost between the two."""
    stats = ReceiveStats(90_000)
    _got(stats, 1, 3)
    stats.begin(60_000)
    _got(stats, 60_000, 60_001)
    assert (stats.expected, stats.report().packets_lost, stats.highest) == (5, 1, 60_001)


def test_jitter_is_the_smoothed_difference_of_transit() -> None:
    """A packet 16 ms late moves the estimate by one sixteenth of that; a clock that was set, not at all."""
    stats = ReceiveStats(48_000)
    stats.begin_frame(0xFFFFFFFF, 1.0)
    stats.begin_frame(959, 1.02)
    assert stats.jitter_ms == pytest.approx(0, abs=1e-6)
    stats.begin_frame(1_919, 1.056)
    assert stats.jitter_ms == pytest.approx(1.0)
    assert stats.report().jitter == 48
    stats.begin_frame(90_000_000, 1.076)
    assert stats.jitter_ms == pytest.approx(1.0)
    assert (stats.freezes, stats.frozen_s) == (0, 0)


def test_a_pause_that_the_rhythm_does_not_explain_is_a_freeze() -> None:
    """At 25 frames a second one of 400 ms is; at one a second, one of 1.1 s is none."""
    stats = ReceiveStats(90_000, picture=True)
    for n in range(50):
        stats.begin_frame(n * 3_600, 1 + n / 25)
    stats.begin_frame(50 * 3_600, 1 + 49 / 25 + 0.4)
    assert stats.freezes == 1
    assert stats.frozen_s == pytest.approx(0.4)
    slow = ReceiveStats(90_000, picture=True)
    for n in range(9):
        slow.begin_frame(n * 90_000, 1 + n * 1.1)
    assert (slow.freezes, slow.frames) == (0, 9)


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
    assert stats.got_report(7, (ntp >> 16) & 0xFFFFFFFF, 65_536 // 2, 10.6) == stats.rtt_s
    assert stats.rtt_s == pytest.approx(0.1)
    assert stats.lost == 7
    assert stats.got_report(8, 12_345, 0, 99.0) is None
    assert stats.rtt_s == pytest.approx(0.1)
    for n in range(20):
        stats.reported(ntp + (n << 32), 11.0 + n)
    stats.got_report(8, (ntp >> 16) & 0xFFFFFFFF, 0, 40.0)
    assert stats.rtt_s == pytest.approx(0.1)
