"""Our media plane under test: starts it, opens calls in it, connects their parties."""

import asyncio
import itertools
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiortc import RTCCertificate

from benchmarks.forwarding.client import Client
from benchmarks.forwarding.descriptions import PLANNED, Remote
from benchmarks.forwarding.servers import Call, Conditions
from contract.ids import CallId, new_call_id, new_seat_id
from contract.phases import Role

_ANSWER_S = 20.0


class Ours:
    """The running server."""

    def __init__(self, process: asyncio.subprocess.Process, conditions: Conditions) -> None:
        assert process.stdin is not None and process.stdout is not None
        self.pid = process.pid
        self._writing, self._reading = process.stdin, process.stdout
        self._conditions = conditions
        self._certificate = RTCCertificate.generateCertificate()
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}

    async def read(self) -> None:
        """Hand out answers, until there are no more."""
        while line := await self._reading.readline():
            said = json.loads(line)
            self._waiting.pop(said["id"]).set_result(said)
        for waiting in self._waiting.values():
            waiting.set_exception(ConnectionError("the media process ended"))

    async def ask(self, **order: Any) -> dict[str, Any]:
        """Give an order; return what it brought."""
        number = next(self._numbers)
        waiting: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = waiting
        self._writing.write(json.dumps({**order, "id": number}).encode() + b"\n")
        async with asyncio.timeout(_ANSWER_S):
            return await waiting

    async def open_call(self) -> Call:
        """See ``Server``."""
        call = new_call_id()
        await self.ask(open=call)
        async with asyncio.TaskGroup() as both:
            joining = [both.create_task(self._join(call, role)) for role in (Role.CUSTOMER, Role.AGENT)]
        await self.ask(gate=call)
        return Call((joining[0].result(), joining[1].result()), lambda: self.ask(close=call))

    async def _join(self, call: CallId, role: Role) -> Client:
        client = Client(self._conditions.address, self._certificate, self._conditions.profiles)
        offer = client.local.describe(PLANNED, "actpass")
        said = await self.ask(answer=call, seat=new_seat_id(), role=role.value, offer=offer)
        await client.connect(Remote.parse(said["answer"]))
        return client


@asynccontextmanager
async def running_ours(conditions: Conditions) -> AsyncIterator[Ours]:
    """Start the server process, with the recorder when something is to be recorded."""
    recording = ("--record-in", conditions.record_in) if conditions.record_in else ()
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.forwarding.plane_server",
        conditions.address, str(conditions.server_core), *recording,
        stdin=pipe, stdout=pipe, limit=1 << 20,
    )  # fmt: skip
    assert process.stdin is not None
    server = Ours(process, conditions)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.read())
        try:
            yield server
        finally:
            process.stdin.close()
            await process.wait()
