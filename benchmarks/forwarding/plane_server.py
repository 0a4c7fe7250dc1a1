"""The media plane in a process of its own, driven by JSON lines on stdin and stdout. Started by ``ours``."""

import argparse
import asyncio
import gc
import json
import logging
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import structlog

from contract.facts import Entry, Fact
from contract.ids import CallId, CaseId, SeatId, new_case_id
from contract.phases import Role
from contract.ports import MediaReceiver, Party
from media.plane import Plane
from media.settings import MediaSettings
from recordings.recorder import Recorder
from recordings.spool import Spool
from teller.clock import SystemClock


class NoJournal:
    """Takes facts and forgets them; in the service another process writes them."""

    async def append(self, case: CaseId, fact: Fact) -> Entry:
        """See ``contract.ports.Journal``."""
        await asyncio.sleep(0)
        return None  # type: ignore[return-value]

    async def read(self, case: CaseId, after: int = 0) -> tuple[Entry, ...]:
        """See ``contract.ports.Journal``."""
        return ()

    def follow(self, case: CaseId | None = None) -> Any:
        """See ``contract.ports.Journal``."""
        raise AssertionError("media follows no journal")


async def obey(plane: Plane, recorder: Recorder | None, order: dict[str, Any]) -> dict[str, Any]:
    """Carry one order out and return its answer."""
    match order:
        case {"open": call}:
            await plane.open_call(new_case_id(), CallId(call))
        case {"answer": call, "seat": seat, "role": role, "offer": offer}:
            party = Party(SeatId(seat), Role(role), role)
            return {"answer": await plane.answer(CallId(call), party, offer)}
        case {"gate": call}:
            await plane.open_gate(CallId(call))
        case {"close": call}:
            await plane.close_call(CallId(call))
            if recorder is not None:
                await recorder.finish(CallId(call))
        case {"count": _}:
            gc.collect()
            return {"tasks": len(asyncio.all_tasks())}
        case _:
            raise ValueError("unknown order")
    return {}


@asynccontextmanager
async def _recorder(folder: str) -> AsyncIterator[Recorder | None]:
    if not folder:
        yield None
        return
    async with Recorder(Spool(Path(folder)), NoJournal(), SystemClock()) as recorder:
        yield recorder


async def serve(address: str, record_in: str) -> None:
    """Obey until stdin ends. Orders of different calls may overlap; each answer carries its order's id."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)

    async def answer(order: dict[str, Any]) -> None:
        said = await obey(plane, recorder, order)
        sys.stdout.write(json.dumps({**said, "id": order["id"]}) + "\n")
        sys.stdout.flush()

    async with _recorder(record_in) as recorder:
        receivers: list[MediaReceiver] = [] if recorder is None else [recorder]
        settings = MediaSettings(bind_addresses=(address,))
        async with (
            Plane(NoJournal(), SystemClock(), settings, receivers) as plane,
            asyncio.TaskGroup() as tasks,
        ):
            while line := await reader.readline():
                tasks.create_task(answer(json.loads(line)))


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("core", type=int)
    parser.add_argument("--record-in", default="")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {arguments.core})
    # Answers go to stdout, and nobody reads logs here.
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    asyncio.run(serve(arguments.address, arguments.record_in))


if __name__ == "__main__":
    main()
