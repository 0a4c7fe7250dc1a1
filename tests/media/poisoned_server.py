"""A plane in a process of its own in which opening a codec is fatal.

Talks JSON lines on stdin and stdout: ``{"seat", "role", "offer"}`` is answered by ``{"answer"}``,
``{"gate"}`` opens the gate, ``{"end"}`` closes the call and says what the recorder got, ``{"open": codec}``
opens a codec on purpose.
"""

import asyncio
import json
import resource
import sys
from typing import Any

import av
import structlog

from contract.facts import TrackStarted
from contract.ids import SeatId
from contract.phases import Role
from contract.ports import Party
from media.plane import Plane
from media.settings import MediaSettings
from tests.media.codec_poison import poison
from tests.media.scripted import KeepingReceiver, ListJournal, Stage, SystemClock


async def _lines() -> Any:
    reader = asyncio.StreamReader(limit=1 << 20)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while line := await reader.readline():
        yield json.loads(line)


def _say(**values: Any) -> None:
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


async def _obey(stage: Stage, order: dict[str, Any]) -> None:
    if "offer" in order:
        party = Party(SeatId(order["seat"]), Role(order["role"]), order["role"])
        stage.parties.append(party)
        await stage.converse()
        _say(answer=await stage.plane.answer(stage.call, party, order["offer"]))
    elif "gate" in order:
        await stage.plane.open_gate(stage.call)
        _say(gate=True)
    elif "open" in order:
        _say(opening=order["open"])
        av.CodecContext.create(order["open"], "r").open()
        _say(opened=order["open"])
    elif "end" in order:
        await stage.plane.close_call(stage.call)
        usage = resource.getrusage(resource.RUSAGE_SELF)
        _say(
            frames={sink.track.track: len(sink.frames) for sink in stage.receiver.sinks},
            codecs=sorted(fact.codec for fact in stage.journal.of(TrackStarted)),
            cpu_s=usage.ru_utime + usage.ru_stime,
        )


async def main() -> None:
    """Serve one call."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    receiver, journal = KeepingReceiver(), ListJournal()
    settings = MediaSettings(bind_addresses=("127.0.0.1",))
    async with Plane(journal, SystemClock(), settings, [receiver]) as plane:
        stage = Stage(plane, journal, receiver)
        await plane.open_call(stage.case, stage.call)
        _say(poisoned=poison())
        async for order in _lines():
            await _obey(stage, order)


if __name__ == "__main__":
    asyncio.run(main())
