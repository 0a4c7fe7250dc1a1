"""Quality facts out of running totals."""

from contract.ids import new_call_id, new_seat_id
from media.quality import QualityMeter
from media.rtp_stats import ReceiveStats, SendStats


def _meter(at: float = 0.0) -> QualityMeter:
    return QualityMeter(new_call_id(), new_seat_id(), at)


def test_each_fact_covers_its_own_interval() -> None:
    """Loss, bitrates, frames, freezes and dropped packets are those since the fact before."""
    call, seat = new_call_id(), new_seat_id()
    meter = QualityMeter(call, seat, 100.0)
    up = ReceiveStats(90_000, picture=True, packets=4, bytes=5_000, lost=1, highest=5, base=1)
    up.frames, up.freezes, up.frozen_s = 50, 2, 1.25
    down = SendStats(packets=100, bytes=125_000, rtt_s=0.042, lost=5)
    first = meter.measure(102.0, [up], [down], 3, 1_250_000)
    assert (first.call, first.seat, first.interval_s, first.rtt_ms) == (call, seat, 2.0, 42.0)
    assert (first.loss_up, first.loss_down, first.lost_up) == (0.2, 0.05, 1)
    assert (first.kbps_up, first.kbps_down, first.dropped_packets) == (20.0, 500.0, 3)
    assert (first.fps_up, first.freezes_up, first.frozen_s_up, first.limit_kbps) == (25.0, 2, 1.25, 1_250.0)
    up.frames += 15
    second = meter.measure(103.0, [up], [down], 3, 900_000)
    assert (second.interval_s, second.loss_up, second.loss_down, second.lost_up) == (1.0, 0.0, 0.0, 0)
    assert (second.kbps_up, second.kbps_down, second.dropped_packets) == (0.0, 0.0, 0)
    assert (second.fps_up, second.freezes_up, second.frozen_s_up, second.limit_kbps) == (15.0, 0, 0.0, 900.0)


def test_nothing_known_is_said_so() -> None:
    """Without streams there is no round trip and no limit, and nothing divides by zero."""
    fact = _meter(5.0).measure(5.0, [], [], 0, None)
    assert (fact.rtt_ms, fact.limit_kbps) == (None, None)
    assert (fact.loss_up, fact.loss_down, fact.jitter_ms, fact.kbps_up, fact.fps_up) == (0, 0, 0, 0, 0)


def test_repairs_do_not_make_loss_negative() -> None:
    """Packets that arrive late in the next interval count as no loss there."""
    up = ReceiveStats(90_000, packets=2, highest=3, base=1)
    meter = _meter()
    assert meter.measure(1.0, [up], [], 0, None).loss_up > 0.3
    up.packets = 3
    assert meter.measure(2.0, [up], [], 0, None).loss_up == 0.0


def test_the_liveliest_picture_gives_the_rate() -> None:
    """Sound has no frames to count, and a still screen beside the camera does not add to its rate."""
    sound = ReceiveStats(48_000, packets=50, frames=50, highest=49)
    camera = ReceiveStats(90_000, picture=True, frames=20)
    meter = _meter()
    assert meter.measure(1.0, [sound, camera], [], 0, None).fps_up == 20.0
    screen = ReceiveStats(90_000, picture=True, frames=3)
    camera.frames = 45
    assert meter.measure(2.0, [sound, camera, screen], [], 0, None).fps_up == 25.0
