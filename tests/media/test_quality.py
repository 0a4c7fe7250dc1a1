"""Quality facts out of running totals."""

from contract.ids import new_call_id, new_seat_id
from media.quality import QualityMeter
from media.rtp_stats import ReceiveStats, SendStats


def test_each_fact_covers_its_own_interval() -> None:
    """Loss, bitrates and dropped frames are those since the fact before."""
    call, seat = new_call_id(), new_seat_id()
    meter, up, down = QualityMeter(call, seat, 100.0), ReceiveStats(90_000), SendStats()
    for seq in (1, 2, 4, 5):
        up.add(seq, seq * 3_000, 1_250, seq / 30)
    down.packets, down.bytes, down.lost, down.rtt_s = 100, 125_000, 5, 0.042
    first = meter.measure(102.0, [up], [down], 3)
    assert (first.call, first.seat, first.interval_s, first.rtt_ms) == (call, seat, 2.0, 42.0)
    assert (first.loss_up, first.loss_down) == (0.2, 0.05)
    assert (first.kbps_up, first.kbps_down, first.dropped_frames) == (20.0, 500.0, 3)
    second = meter.measure(103.0, [up], [down], 3)
    assert (second.interval_s, second.loss_up, second.loss_down) == (1.0, 0.0, 0.0)
    assert (second.kbps_up, second.kbps_down, second.dropped_frames) == (0.0, 0.0, 0)


def test_nothing_known_is_said_so() -> None:
    """Without streams there is no round trip, and nothing divides by zero."""
    fact = QualityMeter(new_call_id(), new_seat_id(), 5.0).measure(5.0, [], [], 0)
    assert fact.rtt_ms is None
    assert (fact.loss_up, fact.loss_down, fact.jitter_ms, fact.kbps_up) == (0.0, 0.0, 0.0, 0.0)


def test_repairs_do_not_make_loss_negative() -> None:
    """Packets that arrive late in the next interval count as no loss there."""
    up = ReceiveStats(90_000)
    meter = QualityMeter(new_call_id(), new_seat_id(), 0.0)
    up.add(1, 0, 10, 0.0)
    up.add(3, 6_000, 10, 0.1)
    assert meter.measure(1.0, [up], [], 0).loss_up > 0.3
    up.add(2, 3_000, 10, 1.1)
    assert meter.measure(2.0, [up], [], 0).loss_up == 0.0
