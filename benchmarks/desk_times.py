"""How soon the desk shows what happens: a still on demand, and an interruption of the other side.

    python -m benchmarks.desk_times [--rounds N]

A real server, a customer's page and an agent's in a Chromium each, both behind lines that can be cut. What
is timed begins with the key or the event, and ends when a frame of the other page shows it.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from playwright.async_api import Page, expect

from benchmarks.in_page import served
from teller.demo.data import LOGINS
from teller.demo.pictures import astronaut, other_person
from teller.demo.sound import Speaker
from tests.e2e.line import Line, line_to
from tests.e2e.marked import write_marked
from tests.e2e.test_browsers import DESKTOP, PHONE, STEP_MS, log_in, person
from tests.e2e.visit import start_visit

GOAL_S = 3.0
CAMERA = (1280, 720)
# Pages look twice a second whether packets come, and believe it after six looks.
SETTLE_S = 4.0
_AGENT_SEES = "document.querySelector('[data-window=customer] .window-mark').checkVisibility()"
_CUSTOMER_SEES = "document.querySelector('.banner').textContent.includes('柜员网络中断')"
# Resolves with the time of the first frame in which something is true.
_WATCH = """window.seen = new Promise((done) => {{
  const look = () => {0} ? done(Date.now()) : requestAnimationFrame(look);
  look();
}})"""
# Playwright has no way to put a page into the background: the page is told that it is there.
_SHOW = """(hidden) => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


@dataclass(frozen=True, slots=True)
class Pair:
    """Both pages and the lines that they came by."""

    agent: Page
    customer: Page
    agents_line: Line
    customers_line: Line

    async def calm(self) -> None:
        """Wait until nobody misses anything, and for a while."""
        await expect(self.agent.get_by_text("录制中")).to_be_visible(timeout=STEP_MS)
        await expect(self.agent.locator('[data-window="customer"] .window-mark')).to_be_hidden(
            timeout=STEP_MS
        )
        await expect(self.customer.locator(".banner")).not_to_contain_text("中断", timeout=STEP_MS)
        await asyncio.sleep(SETTLE_S)


async def timed(page: Page, shown: str, happen: Callable[[], object]) -> float:
    """Let something happen; return after how many seconds the page shows it."""
    assert not await page.evaluate(shown), "this is shown already"
    await page.evaluate(f"() => {{ {_WATCH.format(shown)}; }}")
    began = time.time()
    result = happen()
    if isinstance(result, Awaitable):
        await result
    async with asyncio.timeout(STEP_MS / 1000):
        return float(await page.evaluate("seen")) / 1000 - began


async def still(pair: Pair) -> float:
    """The agent asks for a still; it stands in the gallery."""
    items = "document.querySelectorAll('.gallery-item').length"
    before = await pair.agent.evaluate(items)
    return await timed(pair.agent, f"{items} > {before}", lambda: pair.agent.keyboard.press("p"))


async def put_away(pair: Pair) -> float:
    """Another app comes before the customer's page."""
    try:
        return await timed(pair.agent, _AGENT_SEES, lambda: pair.customer.evaluate(_SHOW, True))
    finally:
        await pair.customer.evaluate(_SHOW, False)


async def _on_line(line: Line, page: Page, shown: str, happen: Callable[[], None]) -> float:
    try:
        return await timed(page, shown, happen)
    finally:
        line.mend()


async def customer_cut(pair: Pair) -> float:
    """The customer's connections are reset."""
    line = pair.customers_line
    return await _on_line(line, pair.agent, _AGENT_SEES, line.cut)


async def agent_cut(pair: Pair) -> float:
    """The agent's connections are reset."""
    line = pair.agents_line
    return await _on_line(line, pair.customer, _CUSTOMER_SEES, line.cut)


async def customer_dead(pair: Pair) -> float:
    """The customer's line carries nothing any more, and nobody is told."""
    line = pair.customers_line
    return await _on_line(line, pair.agent, _AGENT_SEES, line.die)


async def agent_dead(pair: Pair) -> float:
    """The agent's line carries nothing any more, and nobody is told."""
    line = pair.agents_line
    return await _on_line(line, pair.customer, _CUSTOMER_SEES, line.die)


ROUNDS = {
    "still on demand, in the gallery": still,
    "customer's page put away, at the agent": put_away,
    "customer's connection cut, at the agent": customer_cut,
    "agent's connection cut, at the customer": agent_cut,
    "customer's line dead, at the agent": customer_dead,
    "agent's line dead, at the customer": agent_dead,
}


@asynccontextmanager
async def in_call(folder: Path) -> AsyncIterator[Pair]:
    """Yield two people in a call."""
    faces = {Speaker.CUSTOMER: astronaut(), Speaker.AGENT: other_person(0)}
    clips = {who: write_marked(folder, who, face, CAMERA) for who, face in faces.items()}
    async with (
        served() as service,
        line_to(urlsplit(service.url).port or 0) as agents_line,
        line_to(urlsplit(service.url).port or 0) as customers_line,
        person(clips[Speaker.AGENT], DESKTOP) as agent,
        person(clips[Speaker.CUSTOMER], PHONE) as customer,
    ):
        for watched, line in ((agent, agents_line), (customer, customers_line)):
            # What a page cannot reach while its line is cut its browser prints.
            watched.expected = ("WebSocket", "net::ERR")
            await line.carry(watched.page)
        await log_in(agent.page, f"{agents_line.url}/agent/", LOGINS.agent)
        await agent.page.get_by_role("button", name="就绪").click()
        await start_visit(customer.page, customers_line.url)
        await expect(agent.page.get_by_role("alertdialog")).to_be_visible(timeout=STEP_MS)
        await agent.page.keyboard.press("a")
        pair = Pair(agent.page, customer.page, agents_line, customers_line)
        await pair.calm()
        await agent.page.keyboard.press("g")
        yield pair


def report(name: str, times: list[float]) -> None:
    """Print median and worst of one kind."""
    worst = max(times)
    print(
        f"{name:<40} median {statistics.median(times):5.2f} s  worst {worst:5.2f} s  ({len(times)} rounds)"
        f"  goal {GOAL_S:.0f} s: {'reached' if worst <= GOAL_S else 'missed'}"
    )


async def run(rounds: int) -> None:
    """Start everything, measure, report."""
    with tempfile.TemporaryDirectory() as folder:
        async with in_call(Path(folder)) as pair:
            for name, measure in ROUNDS.items():
                times = []
                for _ in range(rounds):
                    times.append(await measure(pair))
                    await pair.calm()
                report(name, times)
    print(f"load of the machine at the end: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10, help="rounds of each kind, default 10")
    asyncio.run(run(parser.parse_args().rounds))


if __name__ == "__main__":
    main()
