"""How much later a picture arrives through the service than directly, in the same page at the same time.

    python -m benchmarks.latency [--seconds N]

The customer's camera is a canvas that shows the time; it is sent through the service and over a
peer-to-peer connection at once, and read back at the agent as the decoder gives the pictures out. Both
ways pay for capture, encoder, jitter buffer and decoder; what is between them is the service's.
"""

import argparse
import asyncio
import statistics
from pathlib import Path

from benchmarks.in_page import both_parties

GOAL_MS = 10
# The estimators have found the bitrate and the jitter buffers their length by then.
SETTLE_S = 8
_MEASURE = Path(__file__).with_name("latency.js").read_text("utf-8")


def report(found: dict[str, list[float]]) -> None:
    """Print medians, quartiles and the tail of each way, and of the difference for the same picture."""
    for name, times in found.items():
        low, middle, high = statistics.quantiles(times, n=4)
        tail = statistics.quantiles(times, n=100)[98]
        print(
            f"{name:<8} median {middle:6.1f} ms  quartiles {low:6.1f} to {high:6.1f}  p99 {tail:6.1f}"
            f"  mean {statistics.fmean(times):6.1f}  ({len(times)} pictures)"
        )
    added = statistics.median(found["added"])
    reached = "reached" if added <= GOAL_MS else "missed"
    print(f"added by the service, median of the same pictures: {added:.1f} ms, goal {GOAL_MS}: {reached}")


async def run(seconds: int) -> None:
    """Start everything, measure, report."""
    async with both_parties() as page, asyncio.timeout(seconds + SETTLE_S + 120):
        report(await page.evaluate(_MEASURE, [SETTLE_S, seconds]))


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=int, default=20, help="how long to measure, default 20")
    asyncio.run(run(parser.parse_args().seconds))


if __name__ == "__main__":
    main()
