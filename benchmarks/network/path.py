"""The emulated path between the two namespaces: a process that moves packets between their devices.

    python -m benchmarks.network.path FD_OF_SERVER FD_OF_PHONE...

Reads a command a line, JSON, and answers each with a line: ``{"line": {...}, "seed": n}`` puts lines of
this kind in force, ``{"cut": true}`` loses everything, ``{"log": file}`` writes which RTP packets went to
the server since the last time. Every flow (a client's port) is a line of its own, as if each party had
one. Netem would do the same, but not every kernel has it.
"""

import heapq
import json
import os
import select
import struct
import sys
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.network.line import Lane, Line

_MTU = 2048
_UDP, _TCP = 17, 6
# Time, client port, SSRC, sequence number, timestamp, payload type, marker, delivered.
RTP_RECORD = struct.Struct("<dHIHIBBB")


class Packet(NamedTuple):
    """An IPv4 packet and what the path has to know of it. Ports are 0 for other protocols."""

    data: bytes
    source: bytes
    destination: bytes
    client_port: int
    payload: bytes | None


def read_packet(data: bytes, *, to_server: bool) -> Packet | None:
    """Return the packet in ``data``; None for what is no IPv4. ``payload`` is that of UDP, else None."""
    if len(data) < 20 or data[0] >> 4 != 4:
        return None
    head = (data[0] & 15) * 4
    protocol, port, payload = data[9], 0, None
    if protocol in (_UDP, _TCP) and len(data) >= head + 8:
        port = int.from_bytes(data[head : head + 2] if to_server else data[head + 2 : head + 4], "big")
        payload = data[head + 8 :] if protocol == _UDP else None
    return Packet(data, data[12:16], data[16:20], port, payload)


class Road:
    """Lanes, what is on its way, and the log."""

    def __init__(self, server: int, phones: list[int]) -> None:
        self._server, self._phones = server, phones
        self._line, self._seed, self._cut = Line(), 0, False
        self._lanes: dict[tuple[int, bool], Lane] = {}
        self._routes: dict[bytes, int] = {}
        self._moving: list[tuple[float, int, int, bytes]] = []
        self._count = 0
        self._log = bytearray()

    def obey(self, command: dict[str, object]) -> None:
        """Change the path, or write the log."""
        if isinstance(line := command.get("line"), dict):
            self._line, self._seed = Line(**line), int(str(command.get("seed", 0)))
            self._lanes.clear()
        if "cut" in command:
            self._cut = bool(command["cut"])
        if isinstance(file := command.get("log"), str):
            Path(file).write_bytes(self._log)
            self._log.clear()

    def take(self, fd: int) -> None:
        """Move everything that waits at ``fd``."""
        to_server = fd != self._server
        while True:
            try:
                data = os.read(fd, _MTU)
            except BlockingIOError:
                return
            packet = read_packet(data, to_server=to_server)
            if packet is None:
                continue
            if to_server:
                self._routes[packet.source] = fd
            out = self._server if to_server else self._routes.get(packet.destination)
            if out is not None:
                self._send(packet, out, to_server)

    def _send(self, packet: Packet, out: int, to_server: bool) -> None:
        now = time.monotonic()
        key = packet.client_port, to_server
        lane = self._lanes.get(key)
        if lane is None:
            # By order of appearance: ports differ from run to run, and chance must not.
            lane = self._lanes[key] = Lane(self._line, f"{self._seed} {len(self._lanes)}")
        due = None if self._cut else lane.due(now, len(packet.data))
        if to_server and packet.payload:
            self._note(packet, delivered=due is not None)
        if due is not None:
            self._count += 1
            heapq.heappush(self._moving, (due, self._count, out, packet.data))

    def _note(self, packet: Packet, *, delivered: bool) -> None:
        data = packet.payload
        # RFC 7983 and RFC 5761: RTP, and not RTCP.
        if data is None or len(data) < 12 or data[0] >> 6 != 2 or 64 <= data[1] & 127 <= 95:
            return
        kind, sequence, timestamp, ssrc = struct.unpack_from("!xBHII", data)
        self._log += RTP_RECORD.pack(
            time.time(), packet.client_port, ssrc, sequence, timestamp, kind & 127, kind >> 7, delivered
        )

    def deliver(self) -> float:
        """Hand over what is due; return the seconds until the next, 1 when nothing moves."""
        while self._moving and (wait := self._moving[0][0] - time.monotonic()) < 0.0005:
            _, _, out, data = heapq.heappop(self._moving)
            try:
                os.write(out, data)
            except (BlockingIOError, OSError):
                # A device that is down or full loses packets, as a real one does.
                continue
        return max(0.0005, wait) if self._moving else 1.0


def main() -> None:
    """Run until stdin closes."""
    server, *phones = map(int, sys.argv[1:])
    path = Road(server, phones)
    poll = select.epoll()
    for fd in (server, *phones):
        poll.register(fd, select.EPOLLIN)
    poll.register(sys.stdin.fileno(), select.EPOLLIN | select.EPOLLHUP)
    while True:
        wait = path.deliver()
        for fd, _ in poll.poll(wait):
            if fd != sys.stdin.fileno():
                path.take(fd)
                continue
            words = sys.stdin.buffer.readline()
            if not words:
                return
            path.obey(json.loads(words))
            print("ok", flush=True)


if __name__ == "__main__":
    main()
