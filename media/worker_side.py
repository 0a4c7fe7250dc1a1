"""The worker's end of the link: the plane's commands carried out, facts told to the server."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

from contract import codec
from contract.errors import MediaError, StorageError
from contract.facts import Entry, Fact
from contract.identity_ports import FrameSampler
from contract.ids import CallId, CaseId, SeatId
from contract.ports import MediaPlane, Party, RecordedCalls, SeatRoute
from media.worker_figures import measured
from media.worker_link import LINE_MAX, Handler, Link, LinkLost


@asynccontextmanager
async def linked(descriptor: int) -> AsyncIterator[Link]:
    """Yield the worker's end of the link, whose socket was inherited as ``descriptor``."""
    sock = socket.socket(fileno=descriptor)
    reader, writer = await asyncio.open_unix_connection(sock=sock, limit=LINE_MAX)
    # A server that is gone waits for no answer.
    async with Link(reader, writer, keeps_working=False) as link:
        yield link


class RemoteJournal:
    """Implements the appending half of ``contract.ports.Journal``: the server alone writes the file."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def append(self, case: CaseId, fact: Fact) -> Entry:
        """See the port. Raises StorageError also when the server is gone."""
        name = type(fact).__name__
        try:
            told = await self._link.call("append", None, case=case, name=name, fact=codec.dump(fact))
        except MediaError as error:
            raise StorageError(str(error)) from error
        return Entry(case=case, fact=fact, **told)

    async def read(self, case: CaseId, after: int = 0) -> tuple[Entry, ...]:
        """Not for workers. Raises StorageError."""
        raise StorageError("a media worker reads no journal")

    def follow(self, case: CaseId | None = None) -> AbstractAsyncContextManager[AsyncIterator[Entry]]:
        """Not for workers. Raises StorageError."""
        raise StorageError("a media worker follows no journal")


class WorkerSide:
    """Carries out the server's commands on a plane, its recordings and what looks at faces, if any does.

    ``follow`` takes how the server's clock stands before each call's recording begins.
    """

    def __init__(
        self,
        plane: MediaPlane,
        recordings: RecordedCalls,
        sampler: FrameSampler | None = None,
        follow: Callable[[float], None] | None = None,
    ) -> None:
        self._plane, self._recordings, self._sampler = plane, recordings, sampler
        self._follow = follow
        self._stop = asyncio.Event()

    async def serve(self, link: Link, stop: asyncio.Event) -> None:
        """Serve until the server says so, is gone, or ``stop`` is set."""
        try:
            link.serve(self._handlers())
            with suppress(LinkLost):
                await link.call("ready")
            async with asyncio.TaskGroup() as tasks:
                waiting = {tasks.create_task(event.wait()) for event in (stop, self._stop, link.lost)}
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in waiting:
                    task.cancel()
        except BaseException:
            # Plane or recorder broke. However long leaving them takes, no call is given to this worker.
            link.cut()
            raise

    def _handlers(self) -> Mapping[str, Handler]:
        return {
            "open_call": self._open_call,
            "answer": self._answer,
            "open_gate": self._open_gate,
            "arrange": self._arrange,
            "drop_seat": self._drop_seat,
            "close_call": self._close_call,
            "sample": self._sample,
            "listen": self._listen,
            "finish": self._finish,
            "ping": self._ping,
            "figures": self._figures,
            "stop": self._got_stop,
        }

    async def _open_call(self, values: dict[str, Any]) -> None:
        await self._plane.open_call(CaseId(values["case"]), CallId(values["call"]))

    async def _answer(self, values: dict[str, Any]) -> str:
        party = codec.load(Party, values["party"])
        return await self._plane.answer(CallId(values["call"]), party, values["offer"])

    async def _open_gate(self, values: dict[str, Any]) -> None:
        offset = values["clock_offset"]
        if self._follow is not None and offset is not None:
            self._follow(float(offset))
        await self._plane.open_gate(CallId(values["call"]))

    async def _arrange(self, values: dict[str, Any]) -> None:
        routes = [codec.load(SeatRoute, one) for one in values["routes"]]
        await self._plane.arrange(CallId(values["call"]), routes)

    async def _drop_seat(self, values: dict[str, Any]) -> None:
        await self._plane.drop_seat(CallId(values["call"]), SeatId(values["seat"]))

    async def _close_call(self, values: dict[str, Any]) -> None:
        call = CallId(values["call"])
        if self._sampler is not None:
            self._sampler.calm(call)
        await self._plane.close_call(call)

    async def _sample(self, values: dict[str, Any]) -> None:
        if self._sampler is None:
            raise MediaError("nobody looks at faces here")
        call = CallId(values["call"])
        if values["every_s"] is None:
            self._sampler.calm(call)
            return
        self._sampler.look_every(call, float(values["every_s"]))
        self._sampler.challenge(call, float(values["all_s"]))

    async def _listen(self, values: dict[str, Any]) -> None:
        if self._sampler is None:
            raise MediaError("nobody listens here")
        self._sampler.listen(CallId(values["call"]), float(values["seconds"]))

    async def _finish(self, values: dict[str, Any]) -> None:
        await self._recordings.finish(CallId(values["call"]))

    async def _ping(self, _: dict[str, Any]) -> dict[str, float]:
        return {"cpu_s": time.process_time()}

    async def _figures(self, _: dict[str, Any]) -> Any:
        # In a thread: figures of the process are read from files under /proc.
        return await asyncio.to_thread(measured)

    async def _got_stop(self, _: dict[str, Any]) -> None:
        self._stop.set()
