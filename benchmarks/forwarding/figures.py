"""What a run's traffic says: loss, delay, cost; and whether the generator itself kept up."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.forwarding.load import DRAIN_S, Traffic

# Beyond this share of its core the generator may be what is slow.
GENERATOR_SHARE_MAX = 0.85
# Packets that left later than this (s, 99th percentile) are no longer the load that was asked for.
LATE_MAX_S = 0.010
LOSS_MAX = 0.001
DELAY_MAX_S = 0.005


@dataclass(frozen=True, slots=True)
class Work:
    """Seconds: of the server's processes, of its whole core, and that a hypervisor kept the core away."""

    server: float
    core: float
    stolen: float

    def __sub__(self, earlier: "Work") -> "Work":
        return Work(self.server - earlier.server, self.core - earlier.core, self.stolen - earlier.stolen)


@dataclass(frozen=True, slots=True)
class Figures:
    """One window of measurement. Times in seconds.

    ``cpu_per_packet`` of the server and ``generator_per_packet`` are for one forwarded packet, which the
    generator sends and gets. Noise is ``foreign``, the share of the server's core that others used, and
    ``stolen``, the share that a hypervisor kept away.
    """

    calls: int
    packets_per_s: float
    cpu_per_packet: float
    cpu_share: float
    loss: float
    delay_p50: float
    delay_p99: float
    generator_per_packet: float
    generator_share: float
    late_p99: float
    foreign: float
    stolen: float

    @property
    def saturated(self) -> bool:
        """Tell whether the generator used more of its core than leaves no doubt."""
        return self.generator_share > GENERATOR_SHARE_MAX

    @property
    def trusted(self) -> bool:
        """Tell whether the generator delivered the load."""
        return not self.saturated and self.late_p99 <= LATE_MAX_S

    @property
    def held(self) -> bool:
        """Tell whether the server kept loss and delay within the limits."""
        return self.loss < LOSS_MAX and self.delay_p99 < DELAY_MAX_S

    @property
    def failing(self) -> str:
        """Name what is over its limit."""
        if self.loss >= LOSS_MAX:
            return "loss"
        return "delay" if self.delay_p99 >= DELAY_MAX_S else "lateness of the generator"


def deliveries(traffic: Traffic) -> NDArray[np.float64]:
    """Return the delay (s) of each packet sent within the window, NaN for those that never came.

    The first copy counts. A packet is found by its stream and by the number that the server gave it.
    """
    # The other party of the call, same kind.
    source = traffic.got_stream ^ 2
    offset = traffic.offset[traffic.got_stream]
    number = (traffic.got_number - offset) & 0xFFFF
    keys = traffic.sent_stream << 16 | traffic.sent_number & 0xFFFF
    order = np.argsort(keys)
    wanted = source << 16 | number
    place = np.minimum(np.searchsorted(keys, wanted, sorter=order), len(keys) - 1)
    found = order[place]
    valid = (keys[found] == wanted) & (offset >= 0)
    arrived = np.full(len(keys), np.iinfo(np.int64).max)
    np.minimum.at(arrived, found[valid], traffic.got_at[valid])
    delay = (arrived - traffic.sent_at) / 1e9
    delay[delay > DRAIN_S] = np.nan
    began, ended = traffic.window
    return np.asarray(delay[(traffic.sent_at >= began) & (traffic.sent_at < ended)])


def figures(traffic: Traffic, calls: int, work: Work) -> Figures:
    """Sum up; ``work`` is what was done within the window."""
    delay = deliveries(traffic)
    began, ended = traffic.window
    seconds = (ended - began) / 1e9
    got = int(((traffic.got_at >= began) & (traffic.got_at < ended)).sum())
    came = delay[~np.isnan(delay)]
    p50, p99 = np.quantile(came, (0.5, 0.99)) if len(came) else (np.inf, np.inf)
    spent = traffic.cpu_share * (traffic.sent_at.max() - traffic.sent_at.min()) / 1e9
    return Figures(
        calls=calls,
        packets_per_s=got / seconds,
        cpu_per_packet=work.server / max(got, 1),
        cpu_share=work.server / seconds,
        loss=1 - len(came) / max(len(delay), 1),
        delay_p50=float(p50),
        delay_p99=float(p99),
        generator_per_packet=float(spent / max(len(traffic.got_at), 1)),
        generator_share=traffic.cpu_share,
        late_p99=float(np.quantile(traffic.late, 0.99)),
        foreign=max(0.0, work.core - work.server) / seconds,
        stolen=work.stolen / seconds,
    )
