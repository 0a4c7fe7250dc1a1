"""Our media worker under test: starts it as the server does, opens calls in it, connects their parties."""

import asyncio
import itertools
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any

from aiortc import RTCCertificate

from benchmarks.forwarding.client import Client
from benchmarks.forwarding.descriptions import PLANNED, Remote
from benchmarks.forwarding.processes import go_ahead
from benchmarks.forwarding.servers import Call, Conditions
from contract import codec
from contract.ids import CallId, new_call_id, new_case_id, new_seat_id
from contract.phases import Role
from contract.ports import Party
from media.routes import everybody_talks
from media.worker_link import Link
from media.worker_process import spawned

_ANSWER_S = 20.0
_START_S = 30.0


class Ours:
    """The running worker."""

    def __init__(self, pid: int, link: Link, conditions: Conditions) -> None:
        self.pid = pid
        self._link, self._conditions = link, conditions
        self._certificate = RTCCertificate.generateCertificate()

    async def ask(self, command: str, **values: Any) -> Any:
        """Give a command; return its answer."""
        return await self._link.call(command, _ANSWER_S, **values)

    async def open_call(self) -> Call:
        """See ``Server``."""
        call = new_call_id()
        await self.ask("open_call", case=new_case_id(), call=call)
        parties = [Party(new_seat_id(), role, role) for role in (Role.CUSTOMER, Role.AGENT)]
        routes = everybody_talks([party.seat for party in parties])
        await self.ask("arrange", call=call, routes=codec.dump(routes))
        async with asyncio.TaskGroup() as both:
            joining = [both.create_task(self._join(call, party)) for party in parties]
        await self.ask("open_gate", call=call, clock_offset=None)

        async def hang_up() -> None:
            await self.ask("close_call", call=call)
            await self.ask("finish", call=call)

        return Call((joining[0].result(), joining[1].result()), hang_up)

    async def _join(self, call: CallId, party: Party) -> Client:
        client = Client(self._conditions.address, self._certificate, self._conditions.profiles)
        offer = client.local.describe(PLANNED, "actpass")
        answer = await self.ask("answer", call=call, party=codec.dump(party), offer=offer)
        await client.connect(Remote.parse(answer))
        return client


def _words(conditions: Conditions, descriptor: int) -> tuple[str, ...]:
    """Return the command line of ``teller media-worker``, or of the one that need not record."""
    if conditions.bare or not conditions.record_in:
        recording = ("--record-in", conditions.record_in) if conditions.record_in else ()
        name = "benchmarks.forwarding.bare_worker"
        return (sys.executable, "-m", name, conditions.address, str(descriptor), *recording)
    settings = (f'media.bind=["{conditions.address}"]', "media.port=0", "log.level=error")
    return (
        sys.executable, "-m", "teller", "--data", conditions.record_in,
        *(word for text in settings for word in ("--set", text)),
        "media-worker", "--number", "0", "--link", str(descriptor), "--with-parent",
    )  # fmt: skip


@contextmanager
def _on_core(core: int) -> Iterator[None]:
    """Be on another core for a moment: a child begins where its parent is, and stays there."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@asynccontextmanager
async def running_ours(conditions: Conditions) -> AsyncIterator[Ours]:
    """Start the worker, with the recorder when something is to be recorded; its facts go nowhere."""
    ready, numbers = asyncio.Event(), itertools.count(1)

    async def got_ready(_: dict[str, Any]) -> None:
        ready.set()

    async def append(_: dict[str, Any]) -> dict[str, Any]:
        return {"seq": next(numbers), "at": 0.0, "prev": "", "hash": ""}

    def command(_: int, descriptor: int) -> tuple[str, ...]:
        return _words(conditions, descriptor)

    async with AsyncExitStack() as stack:
        with _on_core(conditions.server_core):
            process, link = await stack.enter_async_context(spawned(command, 0))
        go_ahead(process.pid)
        link.serve({"ready": got_ready, "append": append})
        async with asyncio.timeout(_START_S):
            await ready.wait()
        yield Ours(process.pid, link, conditions)
        await link.call("stop", _ANSWER_S)
        # It has facts to tell until its end.
        async with asyncio.timeout(_ANSWER_S):
            await link.lost.wait()
