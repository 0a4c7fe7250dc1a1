"""CPU that our media plane spends per forwarded packet.

The plane runs in a process of its own and measures itself; the peers of the load generator run here.
Each round opens one two-party call and measures for a few seconds, so the figures include everything:
ICE, SRTP, assembly, fan-out, RTCP and facts. Run by hand, on a machine that does nothing else:

    python -m benchmarks.forwarding
"""

import argparse
import asyncio
import json
import os
import resource
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from contract.ids import new_call_id, new_case_id, new_seat_id
from contract.phases import Role
from contract.ports import EncodedFrame, Party, TrackInfo, TrackSink
from media.plane import Plane
from media.settings import MediaSettings
from tests.media.scripted import ListJournal, ScriptedPeer, SystemClock, until

_ROLES = (Role.CUSTOMER, Role.AGENT)


class _Disk:
    """Writes frames as they come, like a recorder without its container format."""

    def __init__(self) -> None:
        self._file = os.open(os.devnull, os.O_WRONLY)

    def push_frame(self, frame: EncodedFrame) -> None:
        os.write(self._file, frame.data)

    def push_clock(self, sample: object) -> None:
        return None

    def close(self) -> None:
        os.close(self._file)


class _Recorder:
    def open_track(self, track: TrackInfo) -> TrackSink:
        return _Disk()


def _usage(plane: Plane, call: Any) -> dict[str, float]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    peers = plane._calls[call]._peers.values()
    out = sum(end.stats.packets for peer in peers for end in peer._connection.outs)
    return {"cpu_s": used.ru_utime + used.ru_stime, "packets": out, "at": time.monotonic()}


async def _serve(record: bool) -> None:
    """Obey orders on stdin: one per line, answered by one line."""
    reader = asyncio.StreamReader(limit=1 << 20)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    settings = MediaSettings(bind_addresses=("127.0.0.1",))
    async with Plane(ListJournal(), SystemClock(), settings, [_Recorder()] if record else []) as plane:
        call = new_call_id()
        await plane.open_call(new_case_id(), call)
        while line := await reader.readline():
            order = json.loads(line)
            answer: dict[str, Any] = {}
            if "offer" in order:
                party = Party(new_seat_id(), Role(order["role"]), order["role"])
                answer = {"answer": await plane.answer(call, party, order["offer"])}
            elif "gate" in order:
                await plane.open_gate(call)
            else:
                answer = _usage(plane, call)
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()


@asynccontextmanager
async def _server(record: bool) -> AsyncIterator[Any]:
    pipe = asyncio.subprocess.PIPE
    arguments = [sys.executable, "-m", "benchmarks.forwarding", "--serve", *(["--record"] if record else [])]
    process = await asyncio.create_subprocess_exec(*arguments, stdin=pipe, stdout=pipe, limit=1 << 20)
    assert process.stdin is not None and process.stdout is not None
    writing, reading = process.stdin, process.stdout

    async def ask(**order: Any) -> Any:
        writing.write(json.dumps(order).encode() + b"\n")
        return json.loads(await reading.readline())

    try:
        yield ask
    finally:
        writing.close()
        await process.wait()


async def _round(record: bool, seconds: float) -> tuple[float, float, float]:
    """Return microseconds of CPU per packet sent, packets per second, and the share of one core."""
    async with _server(record) as ask, ScriptedPeer() as customer, ScriptedPeer() as agent:
        for peer, role in zip((customer, agent), _ROLES, strict=True):
            said = await ask(offer=await peer.offer(), role=role.value)
            await peer.accept(said["answer"])
            await until("connected", lambda p=peer: p.pc.connectionState == "connected")
        await ask(gate=True)
        await until("pictures", lambda: customer.arrived[4] and agent.arrived[4])
        before = await ask(usage=True)
        await asyncio.sleep(seconds)
        after = await ask(usage=True)
    packets, cpu = after["packets"] - before["packets"], after["cpu_s"] - before["cpu_s"]
    passed = after["at"] - before["at"]
    return cpu / packets * 1e6, packets / passed, cpu / passed


async def _measure(rounds: int, seconds: float) -> None:
    print(f"{rounds} rounds of {seconds:g} s, one call of two, VP8 at 25 pictures/s and Opus, both ways")
    for record in (False, True):
        figures = [await _round(record, seconds) for _ in range(rounds)]
        costs = sorted(cost for cost, _, _ in figures)
        rate = statistics.mean(rate for _, rate, _ in figures)
        share = statistics.mean(share for _, _, share in figures)
        print(
            f"recording sink {'on ' if record else 'off'}: {statistics.median(costs):6.1f} µs/packet"
            f" (from {costs[0]:.1f} to {costs[-1]:.1f}), {rate:.0f} packets/s, {share:.1%} of a core"
        )


def main() -> None:
    """Parse the arguments and measure."""
    parser = argparse.ArgumentParser(description="CPU per packet that the media plane forwards.")
    parser.add_argument("--rounds", type=int, default=2, help="rounds with and without the sink (default 2)")
    parser.add_argument("--seconds", type=float, default=3.0, help="length of a round (default 3)")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--record", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        asyncio.run(_serve(arguments.record))
    else:
        asyncio.run(_measure(arguments.rounds, arguments.seconds))


if __name__ == "__main__":
    main()
