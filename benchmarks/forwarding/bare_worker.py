"""The media worker without what ``teller media-worker`` always has: runs unrecorded, and counts its tasks."""

import argparse
import asyncio
import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import structlog

from contract import codec
from contract.ids import CallId, CaseId
from contract.ports import MediaReceiver, Party, SeatRoute
from media.plane import Plane
from media.settings import MediaSettings
from media.worker_link import Link
from media.worker_side import RemoteJournal, linked
from recordings.recorder import Recorder
from recordings.spool import Spool
from teller.clock import SystemClock


class Commands:
    """What the benchmarks ask of a worker."""

    def __init__(self, plane: Plane, recorder: Recorder | None, stop: asyncio.Event) -> None:
        self._plane, self._recorder, self._stop = plane, recorder, stop

    async def open_call(self, values: dict[str, Any]) -> None:
        """Prepare a call."""
        await self._plane.open_call(CaseId(values["case"]), CallId(values["call"]))

    async def answer(self, values: dict[str, Any]) -> str:
        """Answer a party's offer."""
        party = codec.load(Party, values["party"])
        return await self._plane.answer(CallId(values["call"]), party, values["offer"])

    async def arrange(self, values: dict[str, Any]) -> None:
        """Say who hears whom."""
        routes = [codec.load(SeatRoute, one) for one in values["routes"]]
        await self._plane.arrange(CallId(values["call"]), routes)

    async def open_gate(self, values: dict[str, Any]) -> None:
        """Let media through."""
        await self._plane.open_gate(CallId(values["call"]))

    async def close_call(self, values: dict[str, Any]) -> None:
        """End a call."""
        await self._plane.close_call(CallId(values["call"]))

    async def finish(self, values: dict[str, Any]) -> None:
        """Wait until its recording is sealed."""
        if self._recorder is not None:
            await self._recorder.finish(CallId(values["call"]))

    async def count(self, _: dict[str, Any]) -> int:
        """Collect garbage and return how many tasks are left."""
        gc.collect()
        return len(asyncio.all_tasks())

    async def stop(self, _: dict[str, Any]) -> None:
        """End."""
        self._stop.set()


@asynccontextmanager
async def _recording(folder: str, link: Link) -> AsyncIterator[Recorder | None]:
    if not folder:
        yield None
        return
    async with Recorder(Spool(Path(folder)), RemoteJournal(link), SystemClock()) as recorder:
        yield recorder


async def work(address: str, descriptor: int, record_in: str) -> None:
    """Obey until told to stop, or the link is lost."""
    stop = asyncio.Event()
    settings = MediaSettings(bind_addresses=(address,))
    async with linked(descriptor) as link, _recording(record_in, link) as recorder:
        receivers: list[MediaReceiver] = [] if recorder is None else [recorder]
        async with Plane(RemoteJournal(link), SystemClock(), settings, receivers) as plane:
            commands = Commands(plane, recorder, stop)
            names = ("open_call", "answer", "arrange", "open_gate", "close_call", "finish", "count", "stop")
            link.serve({name: getattr(commands, name) for name in names})
            await link.call("ready")
            async with asyncio.TaskGroup() as tasks:
                waiting = {tasks.create_task(event.wait()) for event in (stop, link.lost)}
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in waiting:
                    task.cancel()


def main() -> None:
    """Read the arguments and work."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("descriptor", type=int)
    parser.add_argument("--record-in", default="")
    arguments = parser.parse_args()
    # As the worker at its log level of the benchmark.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    asyncio.run(work(arguments.address, arguments.descriptor, arguments.record_in))


if __name__ == "__main__":
    main()
