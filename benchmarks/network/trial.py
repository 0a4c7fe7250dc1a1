"""One call over one line: begun, watched, ended, and its recording compared with what was sent."""

import asyncio
import json
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.async_api import Page

from benchmarks.in_page import Service
from benchmarks.network.completeness import Kept, compare
from benchmarks.network.scenarios import Scenario
from benchmarks.network.spaces import Network

# Until the estimators have found the line.
SETTLE_S = 6
_ARCHIVE_S = 120
_WATCH = Path(__file__).with_name("watch.js").read_text("utf-8")
# Two encoders and two decoders share this machine with the server: small pictures, so that a freeze is the
# line's doing.
_CAPTURE = """async () => {
  const open = async () => {
    const stream = await bench.capture("user");
    await stream.getVideoTracks()[0].applyConstraints({ width: 640, height: 360, frameRate: 15 });
    return stream;
  };
  window.local = { customer: await open(), agent: await open() };
}"""
_BEGIN = """async (kind) => {
  window.call = await bench[kind](window.local);
  const clicked = performance.now();
  await call.begin();
  const firsts = await Promise.all(call.screens.map(({ first }) => first));
  return [call.id || null, Math.max(...firsts) - clicked];
}"""

Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Result:
    """What a trial gave: milliseconds to the last first picture, both parties' figures, the recording."""

    setup_ms: float
    parties: tuple[Figures, ...]
    kept: tuple[Kept, ...]


async def prepare(page: Page) -> None:
    """Open cameras and microphones."""
    await page.evaluate(_CAPTURE)


async def play(page: Page, kind: str, network: Network, scenario: Scenario, seconds: float) -> Result:
    """Play one call through ``kind`` of ``parties.js`` without looking at a recording."""
    network.use(scenario.line)
    async with asyncio.timeout(seconds + 90):
        _, setup_ms = await page.evaluate(_BEGIN, kind)
        await asyncio.sleep(SETTLE_S)
        await page.evaluate(f"async () => {{ window.watch = ({_WATCH})(call); await watch.start(); }}")
        await asyncio.sleep(seconds / 3)
        if scenario.handover:
            await asyncio.to_thread(network.go_mobile)
        await asyncio.sleep(seconds * 2 / 3)
        parties = await page.evaluate("watch.stop()")
        await page.evaluate("call.end()")
    if scenario.handover:
        await asyncio.to_thread(network.go_wifi)
    return Result(setup_ms, tuple(parties), ())


async def play_recorded(
    page: Page, service: Service, network: Network, scenario: Scenario, seconds: float
) -> Result:
    """Play one call through the service and compare its recording with what went to the server."""
    with TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        network.log(log)
        result = await play(page, "viaService", network, scenario, seconds)
        network.log(log)
        case = await page.evaluate("call.id")
        archive = await _archived(service.data, case)
        sent = log.read_bytes()
        kept = [one for call in archive.glob("call-*") for one in compare(call, sent)]
    return Result(result.setup_ms, result.parties, tuple(kept))


async def _archived(data: Path, case: str) -> Path:
    """Return the case's folder in the archive, once it is complete there."""
    deadline = time.monotonic() + _ARCHIVE_S
    journal = data / "journal" / f"{case}.jsonl"
    while not any(line["name"] == "ArchiveVerified" for line in _lines(journal)):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{case} was not archived: {[line['name'] for line in _lines(journal)][-5:]}")
        await asyncio.sleep(0.5)
    return next((data / "archive").glob(f"*/{case}"))


def _lines(journal: Path) -> list[dict[str, object]]:
    text = journal.read_text("utf-8")
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]
