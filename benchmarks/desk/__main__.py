"""Many waiting customers and some agents against one real server; see benchmarks/README.md for the figures.

    python -m benchmarks.desk              500 customers, 50 agents, 3 rounds, about 6 minutes
    python -m benchmarks.desk --quick      40 customers, 8 agents, 1 short round

Exit code 1 when a customer was lost or given twice, or a figure contradicts what has happened.
"""

import argparse
import asyncio
import random
import resource
import sys
from dataclasses import dataclass

import aiohttp

from benchmarks.desk.bank import Crowd, complaints, running_bank
from benchmarks.desk.ledger import Ledger
from benchmarks.desk.people import Manner, Town
from benchmarks.desk.report import table
from benchmarks.desk.trial import Round, Trial

# More than this is told as a number only.
_PROBLEMS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Plan:
    """How many come, and how long it goes on."""

    customers: int
    agents: int
    rounds: int
    seconds: float
    manner: Manner


async def run(plan: Plan) -> tuple[list[Round], list[str]]:
    """Play the rounds against a server of their own; return what they showed, and what went wrong."""
    jar = aiohttp.DummyCookieJar()
    async with (
        running_bank(plan.agents) as server,
        aiohttp.ClientSession(cookie_jar=jar, connector=aiohttp.TCPConnector(limit=0)) as http,
    ):
        # The same people do the same things in every run; who is first among them the machine decides.
        town = Town(server.url, http, Ledger(), random.Random(1))
        assert server.process is not None
        async with Crowd(town) as crowd:
            await crowd.employ(plan.agents)
            for _ in range(plan.customers):
                crowd.invite()
            await crowd.settled()
            trial = Trial(crowd, server.process.pid, plan.manner)
            rounds: list[Round] = []
            for number in range(plan.rounds):
                rounds.append(await trial.play(plan.seconds))
                print(f"round {number + 1}\n{table(rounds[-1:])}", file=sys.stderr, flush=True)
        return rounds, [*town.ledger.problems, *complaints(server)]


def main() -> None:
    """Run, print, and tell by the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--customers", type=int, default=500, help="who wait all the time, default 500")
    parser.add_argument("--agents", type=int, default=50, help="who answer them, default 50")
    parser.add_argument("--rounds", type=int, default=3, help="default 3")
    parser.add_argument("--seconds", type=float, default=30.0, help="length of a round, default 30")
    talk = "mean length of a call in seconds, default 15; a call without media ends after 30"
    parser.add_argument("--talk", type=float, default=15.0, help=talk)
    parser.add_argument("--refuse", type=float, default=0.05, help="share of rings refused, default 0.05")
    parser.add_argument("--quick", action="store_true", help="a small load, to see that it works")
    asked = parser.parse_args()
    manner = Manner(asked.talk, asked.refuse)
    plan = Plan(asked.customers, asked.agents, asked.rounds, asked.seconds, manner)
    if asked.quick:
        plan = Plan(40, 8, 1, 5.0, Manner(1.0, asked.refuse))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    # Every socket is a descriptor on both sides; the server inherits the limit.
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    rounds, problems = asyncio.run(run(plan))
    print(f"{plan.customers} customers wait, {plan.agents} agents answer")
    print(table(rounds))
    print("\n".join(problems[:_PROBLEMS_SHOWN]) or "nobody was lost or given twice; every figure agrees")
    if problems:
        print(f"{len(problems)} problems")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
