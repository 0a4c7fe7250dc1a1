"""Which lines are tried."""

from dataclasses import dataclass

from benchmarks.network.line import Line


@dataclass(frozen=True, slots=True)
class Scenario:
    """A line, and what happens on it: after a third of the time the phone may change its network."""

    name: str
    line: Line
    handover: bool = False


# What a phone meets on a good day; the goal; a thin line; the way out of the house.
QUICK = (
    Scenario("clean, 20 ms", Line()),
    Scenario("loss 5 %, 100 ms", Line(loss=0.05, rtt_ms=100)),
    Scenario("500 kbit/s, 60 ms", Line(kbps=500, rtt_ms=60)),
    Scenario("handover, 60 ms", Line(rtt_ms=60), handover=True),
)
FULL = (
    *(
        Scenario(f"loss {loss} %, {rtt} ms", Line(loss=loss / 100, rtt_ms=rtt))
        for rtt in (20, 100, 300)
        for loss in (0, 1, 2, 5, 10)
    ),
    Scenario("jitter 30 ms, 100 ms", Line(rtt_ms=100, jitter_ms=30)),
    Scenario("jitter 80 ms, 100 ms", Line(rtt_ms=100, jitter_ms=80)),
    *(Scenario(f"{kbps} kbit/s, 60 ms", Line(kbps=kbps, rtt_ms=60)) for kbps in (300, 500, 1000, 2000)),
    Scenario("2 %, 500 kbit/s, 100 ms", Line(loss=0.02, kbps=500, rtt_ms=100)),
    Scenario("handover, 60 ms", Line(rtt_ms=60), handover=True),
    Scenario("handover, loss 2 %, 60 ms", Line(loss=0.02, rtt_ms=60), handover=True),
)
