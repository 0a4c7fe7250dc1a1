"""Transport quality of one seat, measured from what RTCP and arrivals say on both of its sides. Pure code."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from contract.facts import QualityMeasured
from contract.ids import CallId, SeatId
from media.rtp_stats import ReceiveStats, SendStats


@dataclass(frozen=True, slots=True)
class _Totals:
    """Everything since the start; ``up`` counts what the seat sends, ``frames`` each of its pictures'."""

    expected: int = 0
    received: int = 0
    bytes_up: int = 0
    frames: tuple[int, ...] = ()
    freezes: int = 0
    frozen_s: float = 0.0
    lost_up: int = 0
    sent: int = 0
    lost: int = 0
    bytes_down: int = 0
    dropped: int = 0


class QualityMeter:
    """Turns running totals into one fact per interval."""

    def __init__(self, call: CallId, seat: SeatId, now: float) -> None:
        self._call, self._seat = call, seat
        self._at = now
        self._before = _Totals()

    def measure(
        self,
        now: float,
        ups: Sequence[ReceiveStats],
        downs: Sequence[SendStats],
        dropped: int,
        limit: int | None,
    ) -> QualityMeasured:
        """Return the fact for the time since the last call.

        ``dropped`` counts packets from the start; ``limit`` is what the seat is told to send at most, in
        bit/s, None when nobody said. Streams may begin, they come in the same order.
        """
        totals, before = _add_up(ups, downs, dropped), self._before
        seconds = max(1e-3, now - self._at)
        self._before, self._at = totals, now
        trips = [down.rtt_s for down in downs if down.rtt_s is not None]
        expected = totals.expected - before.expected
        return QualityMeasured(
            call=self._call,
            seat=self._seat,
            interval_s=round(seconds, 3),
            rtt_ms=round(min(trips) * 1000, 1) if trips else None,
            loss_up=_fraction(expected - (totals.received - before.received), expected),
            loss_down=_fraction(totals.lost - before.lost, totals.sent - before.sent),
            jitter_ms=round(max((up.jitter_ms for up in ups), default=0.0), 1),
            kbps_up=_kbps(totals.bytes_up - before.bytes_up, seconds),
            kbps_down=_kbps(totals.bytes_down - before.bytes_down, seconds),
            fps_up=round(_most(totals.frames, before.frames) / seconds, 1),
            freezes_up=totals.freezes - before.freezes,
            frozen_s_up=round(totals.frozen_s - before.frozen_s, 3),
            lost_up=totals.lost_up - before.lost_up,
            limit_kbps=None if limit is None else round(limit / 1000, 1),
            dropped_packets=totals.dropped - before.dropped,
        )


def _add_up(ups: Sequence[ReceiveStats], downs: Sequence[SendStats], dropped: int) -> _Totals:
    return _Totals(
        expected=sum(up.expected for up in ups),
        received=sum(up.packets for up in ups),
        bytes_up=sum(up.bytes for up in ups),
        frames=tuple(up.frames for up in ups if up.picture),
        freezes=sum(up.freezes for up in ups),
        frozen_s=sum(up.frozen_s for up in ups),
        lost_up=sum(up.lost for up in ups),
        sent=sum(down.packets for down in downs),
        lost=sum(down.lost for down in downs),
        bytes_down=sum(down.bytes for down in downs),
        dropped=dropped,
    )


def _most(frames: Sequence[int], before: Sequence[int]) -> int:
    """Return the frames of the liveliest picture: a camera beside a screen that stands still."""
    new = (count - earlier for count, earlier in zip_longest(frames, before, fillvalue=0))
    return max([0, *new])


def _fraction(lost: int, of: int) -> float:
    return round(min(1.0, max(0.0, lost / of)), 4) if of > 0 else 0.0


def _kbps(octets: int, seconds: float) -> float:
    return round(octets * 8 / 1000 / seconds, 1)
