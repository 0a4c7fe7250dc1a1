"""How long an auditor waits for a picture anywhere in an archived film, in Chromium.

    python -m benchmarks.seek DATA [SEEKS]

DATA is the data folder of a stopped service that archived a case (``make demo DATA=``); it is copied first.
The longest film is opened in the auditor's player and set to random seconds; a seek has ended when the
picture shows. By turns the same film is sought in from a server of plain files, without
journal, rights or keys.
"""

import argparse
import asyncio
import random
import shutil
import statistics
import tempfile
from pathlib import Path

from aiohttp import web
from playwright.async_api import Page

from benchmarks.in_page import page_in
from contract.facts import MergeCompleted
from contract.ids import CaseId
from recordings.journal import load_chain
from teller.demo.data import LOGINS
from tests.e2e.server import Server

GOAL_S, SEED = 1.0, 7
# Not counted: the first ones find a player that is still loading.
_FIRST = 2
_SEEK = """
async ([selector, second]) => {
  const video = document.querySelector(selector);
  const begun = performance.now();
  await new Promise((done, failed) => {
    video.addEventListener("seeked", done, { once: true });
    video.addEventListener("error", () => failed(new Error(video.error.message)), { once: true });
    video.currentTime = second;
  });
  return (performance.now() - begun) / 1000;
}
"""


def longest(data: Path) -> tuple[CaseId, float, int]:
    """Return the case with the longest film, that film's seconds, and how many facts its journal has."""
    found: list[tuple[float, CaseId, int]] = []
    for path in (data / "journal").glob("case-*.jsonl"):
        entries, _ = load_chain(path.read_bytes(), CaseId(path.stem))
        merged = [entry.fact.seconds for entry in entries if isinstance(entry.fact, MergeCompleted)]
        found += [(merged[-1], CaseId(path.stem), len(entries))] if merged else []
    if not found:
        raise SystemExit(f"no case with a film in {data}")
    seconds, case, facts = max(found)
    return case, seconds, facts


async def open_record(page: Page, url: str, case: CaseId) -> None:
    """Log the auditor in and open the case's player."""
    await page.goto(f"{url}/audit/#{case}")
    await page.get_by_label("Login", exact=True).fill(LOGINS.auditor[0])
    await page.get_by_label("Password", exact=True).fill(LOGINS.auditor[1])
    await page.get_by_role("button", name="Log in", exact=True).click()
    gate, video = page.get_by_role("button", name="Open the record"), page.locator("video")
    await gate.or_(video).first.wait_for()
    if await gate.is_visible():
        await gate.click()
    await page.wait_for_function("document.querySelector('video')?.readyState >= 2", timeout=90_000)


async def serve_plain(film: Path) -> tuple[web.AppRunner, str]:
    """Serve the folder of ``film`` and a page that plays it; return what to clean up, and the address."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=f'<video src="/files/{film.name}" preload="auto">', content_type="text/html")

    app = web.Application()
    app.add_routes([web.get("/", answer), web.static("/files", film.parent)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}/"


async def measure(data: Path, seeks: int) -> None:
    """Seek by turns in both players and print the figures."""
    case, seconds, facts = longest(data)
    places = random.Random(SEED).choices(range(round(seconds) - 1), k=seeks + _FIRST)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "data"
        await asyncio.to_thread(shutil.copytree, data, copy)
        server = Server(copy, launcher="teller")
        film = (await server.fetched(case)).rename(Path(folder) / "film.mp4")
        runner, plain = await serve_plain(film)
        await asyncio.to_thread(server.start)
        try:
            async with page_in() as ours, page_in() as theirs:
                await open_record(ours, server.url, case)
                await theirs.goto(plain)
                await theirs.wait_for_function("document.querySelector('video').readyState >= 2")
                took: tuple[list[float], list[float]] = [], []
                for place in places:
                    for page, times in zip((ours, theirs), took, strict=True):
                        times.append(await page.evaluate(_SEEK, ["video", place + 0.5]))
        finally:
            await asyncio.to_thread(server.stop)
            await runner.cleanup()
        size = film.stat().st_size
    print(f"{seconds / 60:.1f} min, {size / 1e6:.0f} MB, {facts} facts; {seeks} seeks, goal {GOAL_S:g} s")
    for name, times in zip(("player", "plain files"), took, strict=True):
        counted = sorted(times[_FIRST:])
        print(
            f"{name}: median {statistics.median(counted):.3f} s, "
            f"95 % within {counted[int(len(counted) * 0.95) - 1]:.3f} s, worst {counted[-1]:.3f} s"
        )
    ratio = statistics.median(ours_s / theirs_s for ours_s, theirs_s in zip(*took, strict=True))
    print(f"player against plain files: {ratio:.1f} x as long")


def main() -> None:
    """Print the figures."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    words.add_argument("data", type=Path)
    words.add_argument("seeks", type=int, nargs="?", default=60)
    asked = words.parse_args()
    asyncio.run(measure(asked.data.resolve(), asked.seeks))


if __name__ == "__main__":
    main()
