"""Our media worker and Janus under the same load, in turns; see benchmarks/README.md for the figures.

python -m benchmarks.forwarding            under 10 minutes
python -m benchmarks.forwarding --quick    under 2 minutes
"""

import argparse
import asyncio
import dataclasses
import json
import logging
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from benchmarks.forwarding import janus
from benchmarks.forwarding.network import own_network
from benchmarks.forwarding.ours import running_ours
from benchmarks.forwarding.processes import go_ahead
from benchmarks.forwarding.report import Results, memory_per_call, summary
from benchmarks.forwarding.servers import BROWSER, Conditions, Server
from benchmarks.forwarding.trial import Extent, Outcome, Trial

_QUICK = Extent(fixed=(2,), window_s=2.0, trial_s=22.0)
# Enough load to tell Janus's two thread models apart.
_LOOPS_CALLS = 20
_SERVER_CORE, _GENERATOR_CORE = 0, 1


def _turns(servers: list[str], recording: list[bool], rounds: int) -> Iterator[tuple[int, str, bool]]:
    """Yield who is measured when: each round in the opposite order of the one before."""
    for number in range(rounds):
        pairs = [(server, record) for record in recording for server in servers]
        for server, record in pairs[:: -1 if number % 2 else 1]:
            yield number, server, record


class Bench:
    """Runs trials on one network."""

    def __init__(self, address: str, profiles: tuple[str, ...]) -> None:
        self._address, self._profiles = address, profiles
        self.event_loops = 1

    @asynccontextmanager
    async def _server(self, name: str, record: bool) -> AsyncIterator[Server]:
        """Start a server; what it records is removed when it has ended."""
        with TemporaryDirectory() as folder:
            recordings = folder if record else ""
            conditions = Conditions(self._address, _SERVER_CORE, self._profiles, recordings)
            async with AsyncExitStack() as stack:
                if name == "ours":
                    yield await stack.enter_async_context(running_ours(conditions))
                else:
                    yield await stack.enter_async_context(janus.running_janus(conditions, self.event_loops))

    async def trial(self, name: str, record: bool, extent: Extent, guess: int = 0) -> Outcome:
        """Start the server, measure, and stop it."""
        async with self._server(name, record) as server:
            return await Trial(server, _SERVER_CORE, extent).run(guess)

    async def choose_event_loops(self) -> str:
        """Try Janus with a thread for each party and with one event loop; keep what costs less."""
        costs = {}
        for self.event_loops in (0, 1):
            async with self._server("janus", False) as server:
                trial = Trial(server, _SERVER_CORE, Extent())
                costs[self.event_loops] = (await trial.measure(_LOOPS_CALLS)).cpu_per_packet
                await trial.resize(0)
        self.event_loops = min(costs, key=lambda loops: costs[loops])
        return (
            f"Janus at {_LOOPS_CALLS} calls: {costs[0] * 1e6:.1f} us a packet with a thread for each party,"
            f" {costs[1] * 1e6:.1f} us with event_loops = 1; event_loops = {self.event_loops} is used"
        )


async def measure(bench: Bench, arguments: argparse.Namespace) -> Results:
    """Run all trials, telling how each went."""
    results: Results = {(s, r): [] for r in arguments.recording for s in arguments.servers}
    if "janus" in arguments.servers and not arguments.quick:
        print(await bench.choose_event_loops(), flush=True)
    extent = _QUICK if arguments.quick else Extent(fixed=tuple(arguments.calls), window_s=arguments.seconds)
    for number, server, record in _turns(arguments.servers, arguments.recording, arguments.rounds):
        before = results[server, record]
        guess = max((outcome.most_calls for outcome in before), default=0)
        outcome = await bench.trial(server, record, extent, guess)
        before.append(outcome)
        costs = ", ".join(f"{found.cpu_per_packet * 1e6:.1f}" for found in outcome.fixed)
        print(
            f"round {number + 1} {server:<5} recording {'on' if record else 'off':<3}: {costs} us a packet,"
            f" {outcome.most_calls} calls ({outcome.limit}), {memory_per_call(outcome):.2f} MB a call",
            flush=True,
        )
    return results


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one short round")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, default 3")
    parser.add_argument("--seconds", type=float, default=3.0, help="length of a window, default 3")
    parser.add_argument("--calls", type=int, nargs="+", default=[2, 5], help="fixed loads, default 2 5")
    parser.add_argument("--servers", nargs="+", choices=("ours", "janus"), default=["ours", "janus"])
    parser.add_argument("--recording", nargs="+", choices=("off", "on"), default=["off", "on"])
    parser.add_argument(
        "--srtp", nargs="+", choices=BROWSER, default=list(BROWSER),
        help="SRTP profiles of the parties, preferred first; default as Chromium",
    )  # fmt: skip
    parser.add_argument("--json", type=Path, help="write everything that was measured into this file")
    arguments = parser.parse_args()
    arguments.recording = [word == "on" for word in arguments.recording]
    arguments.rounds = 1 if arguments.quick else arguments.rounds
    return arguments


def main() -> None:
    """Run the benchmark."""
    arguments = _parse()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    if len(os.sched_getaffinity(0)) < 2:
        sys.exit("two processor cores are needed, one for the server and one for the load")
    if "janus" in arguments.servers:
        # Before the move into a network that leads nowhere.
        print(f"Janus {janus.version()}")
    address = own_network()
    os.sched_setaffinity(0, {_GENERATOR_CORE})
    go_ahead(os.getpid())
    results = asyncio.run(measure(Bench(address, tuple(arguments.srtp)), arguments))
    print("\n" + summary(results))
    if arguments.json:
        said = [
            {"server": server, "recording": recording, "rounds": [dataclasses.asdict(o) for o in outcomes]}
            for (server, recording), outcomes in results.items()
        ]
        arguments.json.write_text(json.dumps(said, indent=1))


if __name__ == "__main__":
    main()
