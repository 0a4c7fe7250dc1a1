"""A media worker whose plane is scripted: ``python -m tests.media.scripted_worker NUMBER DESCRIPTOR``.

An offer is answered with the worker's pid and told as connected, with one track; of an arrangement each
seat's promises are told as missing, and that of nobody is refused. The recorder's name has the clock's
offset. The offers ``die``, ``hang`` and ``refuse`` do what they say, ``break`` breaks the main task, which
then takes a second to end; ``NUMBER`` 99 never gets ready. Wishes for frames of a camera come back as frames.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from contract.errors import MediaError
from contract.facts import (
    Fact,
    MediaConnected,
    MediaMissing,
    PartyJoined,
    PartyLeft,
    TrackEnded,
    TrackStarted,
)
from contract.ids import CallId, CaseId, SeatId, TrackId, new_seat_id, new_track_id
from contract.phases import Role, TrackKind, TrackSource
from contract.ports import EncodedFrame, Party, SeatRoute
from media.frame_relay import FrameRelay
from media.worker_side import RemoteJournal, WorkerSide, linked

NEVER_READY = 99


class ScriptedPlane:
    """Calls without media, and a recorder that seals nothing."""

    def __init__(self, journal: RemoteJournal) -> None:
        self._journal = journal
        self._cases: dict[CallId, CaseId] = {}
        self._tracks: dict[CallId, list[TrackId]] = {}
        self._recorder, self._clock_offset = new_seat_id(), 0.0
        self.broken = asyncio.Event()

    async def open_call(self, case: CaseId, call: CallId) -> None:
        self._cases[call] = case
        self._tracks[call] = []

    async def answer(self, call: CallId, party: Party, offer: str) -> str:
        if offer == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if offer == "hang":
            signal.pause()
        if offer == "break":
            self.broken.set()
        if offer == "refuse":
            raise MediaError("not these", code="no_common_codec")
        track = new_track_id()
        self._tracks[call].append(track)
        await self._note(call, MediaConnected(call, party.seat))
        source = (TrackKind.AUDIO, TrackSource.MICROPHONE, "opus", 48_000)
        await self._note(call, TrackStarted(call, track, party.seat, party.role, *source))
        return f"answer of {os.getpid()}"

    async def open_gate(self, call: CallId) -> None:
        name = f"recorder at {self._clock_offset}"
        await self._note(call, PartyJoined(call, self._recorder, Role.SYSTEM, name))

    def follow(self, offset: float) -> None:
        self._clock_offset = offset

    async def arrange(self, call: CallId, routes: Sequence[SeatRoute]) -> None:
        if not routes:
            raise MediaError("nobody", code="bad_arrangement")
        for route in routes:
            await self._note(call, MediaMissing(call, route.seat, route.promises, 0.0))

    async def drop_seat(self, call: CallId, seat: SeatId) -> None:
        pass

    async def close_call(self, call: CallId) -> None:
        for track in self._tracks.pop(call, ()):
            await self._note(call, TrackEnded(call, track, 1))

    async def finish(self, call: CallId) -> None:
        if call in self._cases:
            await self._note(call, PartyLeft(call, self._recorder))
            del self._cases[call]

    async def _note(self, call: CallId, fact: Fact) -> None:
        await self._journal.append(self._cases[call], fact)


async def break_when(broken: asyncio.Event) -> None:
    """Fail, as a recorder whose thread fails."""
    await broken.wait()
    raise RuntimeError("a mistake")


class ScriptedSampler:
    """Tells what it was told as a frame: its data are the words."""

    def __init__(self, relay: FrameRelay) -> None:
        self._relay = relay

    def listen(self, call: CallId, seconds: float) -> None:
        self._tell(call, f"listen {seconds}")

    def look_every(self, call: CallId, seconds: float) -> None:
        self._tell(call, f"look {seconds}")

    def challenge(self, call: CallId, seconds: float) -> None:
        self._tell(call, f"all {seconds}")

    def calm(self, call: CallId) -> None:
        self._tell(call, "calm")

    def _tell(self, call: CallId, words: str) -> None:
        frame = EncodedFrame(words.encode(), os.getpid(), keyframe=True, arrived_at=1.5)
        self._relay.push(call, SeatId("seat"), "VP8", [frame])


@asynccontextmanager
async def stuck_at_the_end() -> AsyncIterator[None]:
    """Leave behind an error only at SIGUSR1."""
    let_go = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, let_go.set)
    try:
        yield
    except BaseException:
        await let_go.wait()
        raise


async def main(number: int, descriptor: int) -> None:
    """Serve until told to stop."""
    async with linked(descriptor) as link:
        if number == NEVER_READY:
            return
        plane = ScriptedPlane(RemoteJournal(link))
        async with stuck_at_the_end(), FrameRelay(link) as relay, asyncio.TaskGroup() as tasks:
            breaking = tasks.create_task(break_when(plane.broken))
            await WorkerSide(plane, plane, ScriptedSampler(relay), plane.follow).serve(link, asyncio.Event())
            breaking.cancel()
        for call in tuple(plane._cases):
            await plane.close_call(call)
            await plane.finish(call)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
