"""Proof that forwarding and recording open no codec: in the server's process that would be fatal."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from contract.ids import new_seat_id
from tests.media.scripted import ScriptedPeer, until


class _Server:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def hear(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), 30)
        heard: dict[str, Any] = json.loads(line or "{}")
        return heard

    async def ask(self, **order: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order).encode() + b"\n")
        return await self.hear()


@asynccontextmanager
async def _server() -> AsyncIterator[_Server]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.media.poisoned_server", stdin=pipe, stdout=pipe, limit=1 << 20
    )
    try:
        yield _Server(process)
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()
            await process.wait()


@pytest.mark.parametrize("codec", ["VP8", "H264"])
async def test_a_whole_recorded_call_opens_no_codec(codec: str) -> None:
    """Publishers are here, the server where a codec would kill it: the call passes both ways."""
    async with _server() as server:
        assert "avcodec_open2" in (await server.hear())["poisoned"]
        async with ScriptedPeer(codec) as customer, ScriptedPeer(codec) as agent:
            for peer, role in ((customer, "customer"), (agent, "agent")):
                said = await server.ask(offer=await peer.offer(), seat=new_seat_id(), role=role)
                await peer.accept(said["answer"])
                await until("connected", lambda p=peer: p.pc.connectionState == "connected")
            assert await server.ask(gate=True)
            for peer in (customer, agent):
                await until(
                    "sound and pictures", lambda p=peer: min(len(p.arrived[3]), len(p.arrived[4])) >= 25
                )
            said = await server.ask(end=True)
        assert said["codecs"] == sorted(["opus", "opus", codec, codec])
        assert len(said["frames"]) == 4 and min(said["frames"].values()) >= 25
    assert server.process.returncode == 0


@pytest.mark.parametrize("codec", ["libvpx", "h264", "libopus"])
async def test_opening_a_codec_in_that_process_is_fatal(codec: str) -> None:
    """The proof above can fail: the same server dies of an illegal instruction on the first codec."""
    async with _server() as server:
        await server.hear()
        assert await server.ask(open=codec) == {"opening": codec}
        assert await server.hear() == {}
        await asyncio.wait_for(server.process.wait(), 10)
    assert server.process.returncode == -signal.SIGILL
