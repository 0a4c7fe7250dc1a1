"""Whether sound and picture of the merged film stay together over half an hour on a bad line.

    python -m benchmarks.sync [MINUTES]

Two peers whose picture flashes and whose sound beeps in the same instant call each other through a real
server. Their lines lose packets both ways, phones are turned, microphones are muted, the customer drops
out and comes back, and their sound cards run apart. The film that the real worker merged is measured.
"""

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contract import facts, wire
from contract.ids import CallId
from contract.phases import CallPhase, Capture, Outcome
from teller.demo.caller import Caller, Rest
from teller.demo.data import LOGINS
from teller.demo.peer import WebRtcPeer, use_loopback
from teller.demo.pictures import FaceVideo, Picture, Portrait, astronaut, other_person
from teller.demo.sound import CHUNK_S, Samples, Speaker, Voice
from tests.e2e.line import Line, line_to
from tests.e2e.measure import Merged, measure
from tests.e2e.people import Pair, agent_ready, customer_in, put_through
from tests.e2e.server import Server, running

SKEW_MAX_S, DRIFT_MAX_S, LENGTH_MAX_S = 0.080, 0.040, 0.5
LOSS, SEED = 0.05, 1550
CAMERAS = (320, 240), (240, 320)
# A flash every 17 pictures, 16 a second, falls between two pictures of the film, 15 a second, in one of 16
# ways by turns, so that the median of a minute is finer than the film's 67 ms.
FPS, BEAT = 16, 17
# Sound cards that claim 48 kHz: 104 millionths apart from the wall clock, 0.19 s in half an hour.
SOUND_RATES = {Speaker.CUSTOMER: 47_995, Speaker.AGENT: 48_005}
EVERY_S, MUTED_S, AWAY_S = 25.0, 5.0, 2.0
# A seat is kept for 20 s: three tries of a handshake whose packets are lost too.
OFFERS_MAX, CONNECTED_S = 3, 5.0
MINUTE_S = 60.0
# Of all beeps; the others were spoken while the line was cut, or their packets were lost.
FOUND_MIN = 0.8
# Of half an hour, on a machine that has other work too.
MERGED_S = 3 * 3600.0


class Act(StrEnum):
    """What happens in the call."""

    TURN = "turn"
    MUTE = "mute"
    LEAVE = "leave"


# By turns, as often as there is time for. The agent's connection stays, so that its tracks last the call.
ACTS = (
    (Speaker.CUSTOMER, Act.TURN),
    (Speaker.CUSTOMER, Act.LEAVE),
    (Speaker.AGENT, Act.MUTE),
    (Speaker.AGENT, Act.TURN),
    (Speaker.CUSTOMER, Act.MUTE),
    (Speaker.CUSTOMER, Act.LEAVE),
)


class Turned:
    """A person before a camera that can be turned."""

    fps = FPS

    def __init__(self, portrait: Portrait, *, agent: bool) -> None:
        self._ways = [FaceVideo(portrait, size, FPS, agent=agent, beat=BEAT) for size in CAMERAS]

    def turn(self) -> None:
        """Hold the camera the other way from now on."""
        self._ways.reverse()

    def frame(self, n: int) -> Picture:
        """Return picture ``n``."""
        return self._ways[0].frame(n)


class Muted:
    """A voice that can be muted."""

    def __init__(self, speaker: Speaker) -> None:
        self._voice = Voice(speaker, SOUND_RATES[speaker], beat_s=BEAT / FPS)
        self.muted = False
        # Beeps that were spoken, and what this machine was too busy to speak, in chunks.
        self.beeps = self.skipped = 0
        self._next = 0

    def chunk(self, n: int) -> Samples:
        """Return the ``n``-th 20 ms."""
        self.skipped += n - self._next if n else 0
        self._next = n + 1
        self.beeps += not self.muted and n * CHUNK_S % (BEAT / FPS) < CHUNK_S
        samples = self._voice.chunk(n)
        return np.zeros_like(samples) if self.muted else samples


class _Behind(WebRtcPeer):
    """A peer behind a line."""

    def __init__(self, person: "Person", servers: tuple[wire.IceServer, ...]) -> None:
        rate = SOUND_RATES[person.speaker]
        super().__init__(person.picture, person.sound, ice_servers=servers, sound_rate=rate)
        self._line = person.line

    async def accept(self, answer: str) -> None:
        await super().accept(await self._line.detour(answer))


@dataclass(slots=True)
class Person:
    """Somebody with a camera, a microphone and a line."""

    speaker: Speaker
    line: Line
    picture: Turned
    sound: Muted
    left: int = 0

    def peer(self, servers: tuple[wire.IceServer, ...]) -> WebRtcPeer:
        """Make the next connection."""
        return _Behind(self, servers)

    async def mute(self, caller: Caller, call: CallId) -> None:
        """Be silent for a while, and say so as the pages do."""
        for muted, state in ((True, Capture.OFF), (False, Capture.ON)):
            self.sound.muted = muted
            await caller.send(wire.CaptureState(call, state, Capture.ON))
            if muted:
                await asyncio.sleep(MUTED_S)

    async def leave(self, caller: Caller, other: Caller, call: CallId) -> None:
        """Lose the line for a while, and come back into the same seat."""
        assert caller.welcome is not None
        seen = len(other.messages)
        self.line.cut()
        await caller.drop_socket()
        await other.wait_for(wire.CallState, lambda m: m.phase is CallPhase.RECONNECTING, after=seen)
        await asyncio.sleep(AWAY_S)
        self.line.mend()
        seen = len(other.messages)
        await caller.connect(resume=caller.welcome.resume)
        for _ in range(OFFERS_MAX):
            if await self._connected(caller, call):
                break
        await other.wait_for(wire.CallState, lambda m: m.phase is CallPhase.ACTIVE, after=seen)
        self.left += 1

    async def _connected(self, caller: Caller, call: CallId) -> bool:
        """Offer anew, as pages do; tell whether the connection stands in time."""
        await caller.prepare_media(call)
        assert caller.peer is not None
        try:
            await asyncio.wait_for(caller.peer.connected.wait(), CONNECTED_S)
        except TimeoutError:
            return False
        return True


@asynccontextmanager
async def people_of(server: Server) -> AsyncIterator[dict[Speaker, Person]]:
    """Yield both, behind lines that lose what they are to lose."""
    faces = {Speaker.CUSTOMER: astronaut(), Speaker.AGENT: other_person(0)}
    async with line_to(server.port) as one, line_to(server.port) as two:
        people = {
            who: Person(who, line, Turned(face, agent=who is Speaker.AGENT), Muted(who))
            for (who, face), line in zip(faces.items(), (one, two), strict=True)
        }
        for number, person in enumerate(people.values()):
            person.line.lose(LOSS, SEED + number)
        yield people


async def talk(pair: Pair, people: dict[Speaker, Person], until: float) -> None:
    """Let things happen until this time of the loop."""
    loop = asyncio.get_running_loop()
    callers = {Speaker.CUSTOMER: pair.customer, Speaker.AGENT: pair.agent}
    number, start = 0, loop.time()
    # What happens last has its time to settle.
    while (due := start + (number + 1) * EVERY_S) < until - EVERY_S / 2:
        await asyncio.sleep(due - loop.time())
        who, act = ACTS[number % len(ACTS)]
        person, caller = people[who], callers[who]
        match act:
            case Act.TURN:
                person.picture.turn()
            case Act.MUTE:
                await person.mute(caller, pair.call)
            case Act.LEAVE:
                other = Speaker.AGENT if who is Speaker.CUSTOMER else Speaker.CUSTOMER
                await person.leave(caller, callers[other], pair.call)
        number += 1
    await asyncio.sleep(max(0.0, until - loop.time()))


@dataclass(frozen=True, slots=True)
class Played:
    """A call that is over: its case, datagrams of both lines, and how often somebody came back."""

    case: str
    sent: int
    lost: int
    returned: int
    skipped_s: float
    beeps: dict[Speaker, int]


async def play(server: Server, minutes: float) -> Played:
    """Hold the call and wait until its film is in the archive."""
    async with people_of(server) as people:
        customer, agent = people[Speaker.CUSTOMER], people[Speaker.AGENT]
        async with (
            agent_ready(agent.line.url, make_peer=agent.peer) as waiting,
            customer_in(customer.line.url, make_peer=customer.peer) as (caller, case),
        ):
            pair = await put_through(caller, waiting, case)
            await talk(pair, people, asyncio.get_running_loop().time() + minutes * MINUTE_S)
            await waiting.send(wire.Finish(Outcome.INCOMPLETE, "other"))
            await waiting.wait_for_fact(facts.AgentDecided)
        lines = [person.line for person in people.values()]
        sent, lost = sum(line.sent for line in lines), sum(line.lost for line in lines)
    await _archived(server, case)
    returned = sum(person.left for person in people.values())
    skipped = sum(person.sound.skipped for person in people.values())
    beeps = {who: person.sound.beeps for who, person in people.items()}
    return Played(case, sent, lost, returned, skipped * CHUNK_S, beeps)


async def _archived(server: Server, case: str) -> None:
    async with Rest(server.url) as auditor, asyncio.timeout(MERGED_S):
        await auditor.login(*LOGINS.auditor)
        while not (await auditor.case(case))["case"]["archived"]:  # noqa: ASYNC110 - another process's work
            await asyncio.sleep(1.0)


@dataclass(frozen=True, slots=True)
class Together:
    """How far one party's sound lies behind its picture: ``(time of the flash, beep minus flash)``, s."""

    pairs: list[tuple[float, float]]

    @property
    def skews(self) -> NDArray[np.float64]:
        """Return beep minus flash of each."""
        return np.array([skew for _, skew in self.pairs], np.float64)

    @property
    def p95(self) -> float:
        """Return what 95 of 100 flashes stay below, either way."""
        return float(np.quantile(np.abs(self.skews), 0.95))

    def drift(self, seconds: float) -> float:
        """Return the median of the last minute of the call minus that of the first."""
        first = [skew for at, skew in self.pairs if at < MINUTE_S]
        last = [skew for at, skew in self.pairs if at >= seconds - MINUTE_S]
        return float(np.median(last) - np.median(first))

    def slope(self, seconds: float) -> float:
        """Return how much the straight line of least squares grows over the call."""
        at = np.array([at for at, _ in self.pairs])
        return float(np.polyfit(at, self.skews, 1)[0]) * seconds


def report(name: str, found: Together, seconds: float, beeps: int) -> bool:
    """Print one party's figures; tell whether they reach the goals. ``beeps`` is how often it beeped."""
    if len(found.pairs) < FOUND_MIN * beeps:
        print(f"{name}: only {len(found.pairs)} of {beeps} beeps have a flash: missed")
        return False
    drift, slope = found.drift(seconds), found.slope(seconds)
    good = found.p95 <= SKEW_MAX_S and max(abs(drift), abs(slope)) <= DRIFT_MAX_S
    off = np.abs(found.skews) * 1e3
    print(
        f"{name}: {len(found.pairs)} of {beeps} beeps have a flash; beep minus flash: median"
        f" {np.median(found.skews) * 1e3:+.1f} ms, 95 % within {found.p95 * 1e3:.1f} ms,"
        f" worst {off.max():.1f} ms, {int((off > SKEW_MAX_S * 1e3).sum())} beyond {SKEW_MAX_S * 1e3:.0f} ms;"
        f" last minute against first {drift * 1e3:+.1f} ms, least squares {slope * 1e3:+.1f} ms over the"
        f" call: {'reached' if good else 'missed'}"
    )
    return good


def wall_s(server: Server, case: str) -> float:
    """Return how long the call was by its journal: from active to ended, seconds."""
    began = next(one["at"] for one in server.told(case, "CallAdvanced") if one["now"] == CallPhase.ACTIVE)
    (ended,) = server.told(case, "CallEnded")
    return float(ended["at"] - began)


def judge(film: Merged, wall: float, beeps: dict[Speaker, int]) -> bool:
    """Print what the film shows; tell whether it is as it should be.

    ``wall`` is the length of the call in seconds, ``beeps`` how often each party beeped in it.
    """
    error = film.seconds - wall
    print(
        f"film {film.seconds:.2f} s, call {wall:.2f} s by its journal, {error:+.3f} s:"
        f" {'reached' if abs(error) <= LENGTH_MAX_S else 'missed'}"
    )
    print(f"a flash is seen to one picture of the film, {1e3 / film.fps:.0f} ms; a median of many is finer")
    parties = {"customer": Speaker.CUSTOMER, "agent": Speaker.AGENT}
    good = [
        report(side, Together(film.timed_skews(side, speaker)), film.seconds, beeps[speaker])
        for side, speaker in parties.items()
    ]
    return all(good) and abs(error) <= LENGTH_MAX_S


def run(minutes: float, keep: Path | None) -> bool:
    """Hold the call, print its figures, keep its film; tell whether the goals are reached."""
    use_loopback()
    with tempfile.TemporaryDirectory() as folder:
        with running(Server(Path(folder) / "data", {"log.level": "warning"}, launcher="teller")) as server:
            began = time.monotonic()
            played = asyncio.run(play(server, minutes))
            print(f"{minutes:g} min, in the archive after {(time.monotonic() - began) / 60:.1f} min")
            film = server.archived(played.case)
            if keep is not None:
                shutil.copy(film, keep)
            wall = wall_s(server, played.case)
        print(
            f"{played.sent} packets sent, {played.lost} lost ({played.lost / played.sent:.1%}),"
            f" {played.returned} times back after a cut; the peers were too late for"
            f" {played.skipped_s:.1f} s of sound"
        )
        good = judge(measure(film, *CAMERAS), wall, played.beeps)
    print(f"load of the machine at the end: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    return good


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("minutes", type=float, nargs="?", default=30.0, help="of the call, default 30")
    parser.add_argument("--keep", type=Path, help="where the film is kept")
    given = parser.parse_args()
    sys.exit(0 if run(given.minutes, given.keep) else 1)


if __name__ == "__main__":
    main()
