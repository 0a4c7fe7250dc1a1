"""Calls over bad networks: freezes, gaps in the sound, bitrate, and whether the recording is complete.

    python -m benchmarks.network [--quick] [--seconds N] [--only TEXT] [--without-janus]

Root only: makes two network namespaces and an emulated path between them, and removes both. Customer and
agent are in one Chromium at the far end; each has the line of the scenario to itself, both ways, so that
a picture crosses it twice.
"""

import argparse
import asyncio
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Page

from benchmarks.in_page import Service, bring_parties, page_in, served
from benchmarks.network import janus, trial
from benchmarks.network.clip import write_clip
from benchmarks.network.line import Line
from benchmarks.network.scenarios import FULL, QUICK, Scenario
from benchmarks.network.spaces import SERVER, Network, chromium_in, joined
from benchmarks.network.trial import Figures, Result
from contract.phases import TrackKind

_QUICK_S, _FULL_S = 12.0, 30.0
_HEAD = (
    f"{'line':<27} {'by':<8} {'setup':>7}  {'party':<8} {'freezes':>7} {'frozen':>7} {'longest':>7}"
    f" {'fps':>4} {'kbit/s':>6} {'height':>6} {'gaps':>6} {'rtt':>5}"
)


def show(scenario: Scenario, by: str, result: Result) -> None:
    """Print a trial's figures, a line for each party and one for the recording."""
    for who, party in zip(("customer", "agent"), result.parties, strict=True):
        print(f"{scenario.name:<27} {by:<8} {result.setup_ms:>5.0f} ms  {who:<8} {_party(party)}")
    for kind in TrackKind:
        kept = [one for one in result.kept if one.kind is kind]
        if kept:
            sent, missing = sum(one.sent for one in kept), sum(one.missing for one in kept)
            arrived = sum(one.arrived for one in kept)
            print(
                f"{'':<27} recorded {kind}: {sent - missing} of {sent} frames sent;"
                f" missing although they arrived: {arrived}"
            )
    sys.stdout.flush()


def _party(party: Figures) -> str:
    seconds = party["seconds"]
    heard = party.get("audio.concealedSamples", 0) - party.get("audio.silentConcealedSamples", 0)
    gaps = heard / max(1, party.get("audio.totalSamplesReceived", 0))
    kbps = (party.get("video.bytesReceived", 0) + party.get("audio.bytesReceived", 0)) / 125 / seconds
    return (
        f"{party.get('video.freezeCount', 0):>7.0f} {party.get('video.totalFreezesDuration', 0):>5.1f} s"
        f" {party['longest_s']:>5.2f} s {party.get('video.framesDecoded', 0) / seconds:>4.1f} {kbps:>6.0f}"
        f" {party['height']:>6.0f} {gaps:>6.1%} {party.get('rtt_ms') or 0:>5.0f}"
    )


class Bench:
    """The page with both parties, and the servers that it calls through."""

    def __init__(self, page: Page, service: Service, network: Network, *, beside_janus: bool) -> None:
        self._page, self._service, self._network = page, service, network
        self._ways = {"ours": self._ours, "janus": self._janus} if beside_janus else {"ours": self._ours}

    async def prepare(self) -> None:
        """Begin with a fresh page on the Wi-Fi."""
        self._network.use(Line())
        self._network.go_wifi()
        await bring_parties(self._page, self._service.https_url)
        await trial.prepare(self._page)

    async def play(self, scenario: Scenario, seconds: float) -> None:
        """Play a call through each server and print its figures."""
        for by, way in self._ways.items():
            try:
                show(scenario, by, await way(scenario, seconds))
            except (TimeoutError, PlaywrightError) as error:
                print(f"{scenario.name:<27} {by:<8} failed: {error!r}"[:200], flush=True)
                await self.prepare()

    async def _ours(self, scenario: Scenario, seconds: float) -> Result:
        return await trial.play_recorded(self._page, self._service, self._network, scenario, seconds)

    async def _janus(self, scenario: Scenario, seconds: float) -> Result:
        for tries_left in (2, 1, 0):
            async with janus.running_janus(SERVER, self._service.data / "certs") as url:
                await janus.bring_parties(self._page, url)
                try:
                    return await trial.play(self._page, "viaJanus", self._network, scenario, seconds)
                except PlaywrightError:
                    # It dies of some connections, too.
                    if not tries_left:
                        raise
        raise AssertionError("the last try returns or raises")


async def measure(
    network: Network, scenarios: tuple[Scenario, ...], seconds: float, *, beside_janus: bool
) -> None:
    """Play every scenario and print its figures."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_clip(folder / "clip.y4m")
        camera = f"--use-file-for-fake-video-capture={folder}/clip.y4m"
        program = chromium_in(network.phone, folder)
        async with served(SERVER) as service, page_in(program, camera) as page:
            bench = Bench(page, service, network, beside_janus=beside_janus)
            await bench.prepare()
            print(_HEAD)
            for scenario in scenarios:
                await bench.play(scenario, seconds)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="four lines instead of the grid")
    parser.add_argument("--seconds", type=float, help="length of each watch")
    parser.add_argument("--only", default="", help="only lines with this in their name")
    parser.add_argument("--without-janus", action="store_true", help="measure ours alone")
    words = parser.parse_args()
    if os.geteuid() != 0:
        parser.error("network namespaces need root")
    chosen = tuple(one for one in (QUICK if words.quick else FULL) if words.only in one.name)
    with joined() as network:
        seconds = words.seconds or (_QUICK_S if words.quick else _FULL_S)
        asyncio.run(measure(network, chosen, seconds, beside_janus=not words.without_janus))


if __name__ == "__main__":
    main()
