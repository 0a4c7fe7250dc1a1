"""A whole media worker over a real link: a real peer's camera, and what the server gets to see of it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from contract import codec
from contract.facts import FACTS, GENESIS, Fact, TrackStarted, seal_entry
from contract.ids import new_call_id, new_case_id, new_seat_id
from contract.phases import Role
from contract.ports import EncodedFrame, Party
from media.frame_relay import unpacked
from media.routes import everybody_talks
from media.worker_link import Link
from teller.config import load
from teller.media_worker import ready_side
from tests.media.scripted import ScriptedPeer, until
from tests.media.test_worker_link import ends


class Server:
    """The server's end: facts and frames that came, commands that go."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.case, self.call = new_case_id(), new_call_id()
        self.customer = Party(new_seat_id(), Role.CUSTOMER, "customer")
        self.facts: list[Fact] = []
        self.frames: list[EncodedFrame] = []
        self.sounds: list[EncodedFrame] = []
        self.ready = asyncio.Event()
        self.clock_offset: float | None = None
        link.serve({"append": self._append, "frames": self._took, "ready": self._got_ready})

    async def connect(self, peer: ScriptedPeer) -> None:
        """Open the call with the customer's camera running and recorded."""
        await self.tell("open_call", case=self.case)
        routes = everybody_talks([self.customer.seat])
        await self.tell("arrange", routes=codec.dump(routes))
        await self.tell("open_gate", clock_offset=self.clock_offset)
        party = codec.dump(self.customer)
        await peer.accept(await self.tell("answer", party=party, offer=await peer.offer()))
        await until("the camera", lambda: len([f for f in self.facts if isinstance(f, TrackStarted)]) == 2)

    async def tell(self, command: str, **values: Any) -> Any:
        return await self.link.call(command, 30.0, call=self.call, **values)

    async def _append(self, values: dict[str, Any]) -> dict[str, Any]:
        fact = codec.load(FACTS[values["name"]], values["fact"])
        self.facts.append(fact)
        entry = seal_entry(len(self.facts), 1.0, values["case"], fact, GENESIS)
        return {"seq": entry.seq, "at": entry.at, "prev": entry.prev, "hash": entry.hash}

    async def _took(self, values: dict[str, Any]) -> None:
        for call, seat, codec_name, frame in unpacked(values):
            assert (call, seat) == (self.call, self.customer.seat)
            {"VP8": self.frames, "opus": self.sounds}[codec_name].append(frame)

    async def _got_ready(self, _: dict[str, Any]) -> None:
        self.ready.set()


@asynccontextmanager
async def working(tmp_path: Path) -> AsyncIterator[Server]:
    media = {"bind": ["127.0.0.1"], "port": 0, "workers": 1}
    config = load(None, {"data_dir": str(tmp_path), "media": media})
    (tmp_path / "spool").mkdir()
    async with ends(keeps_working=False) as (near, far), asyncio.TaskGroup() as tasks:
        server = Server(near)
        stop = asyncio.Event()

        async def work() -> None:
            async with ready_side(config, 0, far) as side:
                await side.serve(far, stop)

        tasks.create_task(work())
        await server.ready.wait()
        yield server
        stop.set()


async def test_pictures_are_stamped_by_the_servers_clock(tmp_path: Path) -> None:
    """Whatever the machine's said when the worker began."""
    hour_late = time.time() - time.monotonic() + 3_600.0
    async with working(tmp_path) as server, ScriptedPeer() as customer:
        server.clock_offset = hour_late
        await server.connect(customer)
        await server.tell("sample", every_s=0.5, all_s=30.0)
        await until("a picture", lambda: server.frames)
        assert abs(server.frames[-1].arrived_at - (time.monotonic() + hour_late)) < 60
        await server.tell("close_call")
        await server.tell("finish")


async def test_the_server_sees_the_camera_that_it_asks_for(tmp_path: Path) -> None:
    """Nothing unasked; then keyframes, which the camera is asked for; then every frame; then nothing."""
    async with working(tmp_path) as server, ScriptedPeer() as customer:
        await server.connect(customer)
        picture = customer.picture
        assert picture is not None
        sent, requests = len(picture.sent), picture.keyframe_requests
        await until("two seconds of pictures", lambda: len(picture.sent) > sent + 50)
        assert server.frames == [] and picture.keyframe_requests == requests

        await server.tell("sample", every_s=0.5, all_s=0.0)
        await until("three looks", lambda: len(server.frames) >= 3)
        assert all(frame.keyframe for frame in server.frames) and server.sounds == []
        await until("a request", lambda: picture.keyframe_requests > requests)

        await server.tell("sample", every_s=0.5, all_s=30.0)
        await until("every frame", lambda: sum(not frame.keyframe for frame in server.frames) > 25)
        await until("sound", lambda: len(server.sounds) > 25)
        await server.tell("sample", every_s=None, all_s=0.0)
        sent = len(picture.sent)
        await until("what was under way", lambda: len(picture.sent) > sent + 8)
        seen, heard, sent = len(server.frames), len(server.sounds), len(picture.sent)
        await until("a second of pictures", lambda: len(picture.sent) > sent + 25)
        assert (len(server.frames), len(server.sounds)) == (seen, heard)
        stamps = [frame.timestamp for frame in server.frames]
        assert stamps == sorted(set(stamps))
        await server.tell("close_call")
        await server.tell("finish")
