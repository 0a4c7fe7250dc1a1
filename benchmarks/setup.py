"""How long from the click to the first remote picture, beside a peer-to-peer call in the same page.

    python -m benchmarks.setup [--rounds N]

Both parties are in one page of one Chromium, with the same fake camera, and everything is on this
machine. Rounds of both kinds alternate. The click is the moment when local media is there and the
connections are begun: through the service that is ``Call.start()`` on both sides and the agent's
answer, over a real ``teller serve`` with recording; directly it is offer and answer handed over within
the page, which no service can beat.
"""

import argparse
import asyncio
import statistics

from playwright.async_api import Page

from benchmarks.in_page import both_parties

GOAL = 1.2
_ROUND = """async (kind) => {
  const call = await bench[kind](window.local);
  const clicked = performance.now();
  await call.begin();
  const firsts = await Promise.all(call.screens.map(({ first }) => first));
  const codecs = await bench.codecs(call.peers()[0]);
  await call.end();
  const since = (marks) =>
    Object.fromEntries(Object.entries(marks).map(([name, at]) => [name, at - clicked]));
  return [call.marks.map((marks, index) => ({ ...since(marks), picture: firsts[index] - clicked })), codecs];
}"""
_CAPTURE = """async () => {
  window.local = { customer: await bench.capture("user"), agent: await bench.capture("user") };
}"""
_KINDS = {"viaService": "through the service", "direct": "peer to peer"}


Marks = dict[str, float]


async def measure(page: Page, rounds: int) -> dict[str, list[Marks]]:
    """Return by kind the milliseconds to each mark on the way, two parties for each round."""
    await page.evaluate(_CAPTURE)
    taken: dict[str, list[Marks]] = {kind: [] for kind in _KINDS}
    seen: dict[str, list[str]] = {}
    for number in range(rounds + 1):
        for kind in _KINDS:
            async with asyncio.timeout(60):
                marks, codecs = await page.evaluate(_ROUND, kind)
            # The first round of each kind loads what later ones find loaded.
            taken[kind] += marks if number else []
            seen[kind] = codecs
    print(f"codecs {seen}")
    return taken


def report(taken: dict[str, list[Marks]]) -> None:
    """Print medians, quartiles and the ratio."""
    medians = {}
    for kind, name in _KINDS.items():
        for mark in taken[kind][0]:
            times = [marks[mark] for marks in taken[kind]]
            low, middle, high = statistics.quantiles(times, n=4)
            print(
                f"{name:<20} click to {mark:<10} median {middle:5.0f} ms  quartiles {low:4.0f} to {high:4.0f}"
                f"  range {min(times):4.0f} to {max(times):4.0f}"
            )
            medians[kind, mark] = middle
    ratio = medians["viaService", "picture"] / medians["direct", "picture"]
    pictures = len(taken["direct"])
    print(
        f"first picture, ratio of medians of {pictures} each: {ratio:.2f}, goal {GOAL}: "
        f"{'reached' if ratio <= GOAL else 'missed'}"
    )


async def run(rounds: int) -> None:
    """Start everything, measure, report."""
    async with both_parties() as page:
        report(await measure(page, rounds))


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10, help="rounds of each kind, default 10")
    asyncio.run(run(parser.parse_args().rounds))


if __name__ == "__main__":
    main()
