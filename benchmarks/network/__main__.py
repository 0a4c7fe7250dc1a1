"""Calls over bad networks: freezes, gaps in the sound, bitrate, and whether the recording is complete.

    python -m benchmarks.network [--quick] [--seconds N] [--only TEXT]

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

from benchmarks.in_page import bring_parties, page_in, served
from benchmarks.network import trial
from benchmarks.network.clip import write_clip
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


async def measure(network: Network, scenarios: tuple[Scenario, ...], seconds: float) -> None:
    """Play every scenario and print its figures."""
    with TemporaryDirectory() as folder:
        program, clip = chromium_in(network.phone, Path(folder)), Path(folder) / "clip.y4m"
        write_clip(clip)
        camera = f"--use-file-for-fake-video-capture={clip}"
        async with served(SERVER) as service, page_in(program, camera) as page:
            await bring_parties(page, service.https_url)
            await trial.prepare(page)
            print(_HEAD)
            for scenario in scenarios:
                try:
                    result = await trial.play_recorded(page, service, network, scenario, seconds)
                except TimeoutError as error:
                    print(f"{scenario.name:<27} ours     failed: {error!r}")
                    network.go_wifi()
                    await bring_parties(page, service.https_url)
                    await trial.prepare(page)
                    continue
                show(scenario, "ours", result)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="four lines instead of the grid")
    parser.add_argument("--seconds", type=float, help="length of each watch")
    parser.add_argument("--only", default="", help="only lines with this in their name")
    words = parser.parse_args()
    if os.geteuid() != 0:
        parser.error("network namespaces need root")
    chosen = tuple(one for one in (QUICK if words.quick else FULL) if words.only in one.name)
    with joined() as network:
        asyncio.run(measure(network, chosen, words.seconds or (_QUICK_S if words.quick else _FULL_S)))


if __name__ == "__main__":
    main()
