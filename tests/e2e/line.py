"""A phone's line to the server, for tests: it can be cut, dead, changed, or lose a share of what it carries.

TCP connections and datagrams are relayed over loopback. A cut resets the connections and loses the
datagrams; a dead line loses them too, and its connections stand as if nobody said anything; a change of
address lets everything come from new ports, as behind another router.
"""

import asyncio
import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

from playwright.async_api import Page

_BLOCK = 65_536
_HOST = re.compile(r" 127\.0\.0\.1 (\d+) typ host")
# Sends a page's media to the relay instead of the server: ``relayFor`` is this module's.
_DETOUR = """
window.connections = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(configuration) {
    super(configuration);
    connections.push(this);
  }
  async setRemoteDescription({ type, sdp }) {
    const ports = new Set([...sdp.matchAll(/ 127\\.0\\.0\\.1 (\\d+) typ host/g)].map((found) => found[1]));
    for (const port of ports)
      sdp = sdp.replaceAll(` ${port} typ host`, ` ${await relayFor(Number(port))} typ host`);
    await super.setRemoteDescription({ type, sdp });
  }
};
"""


class _Outside(asyncio.DatagramProtocol):
    """The relay's socket towards the server, one for each of the browser's."""

    def __init__(self, near: "_Near", browser: Any) -> None:
        self._near, self._browser = near, browser
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._near.came_back(data, self._browser)


class _Near(asyncio.DatagramProtocol):
    """The relay's socket towards the browser, one for each port of the server."""

    def __init__(self, line: "Line", server_port: int) -> None:
        self._line, self._server = line, ("127.0.0.1", server_port)
        self.transport: asyncio.DatagramTransport | None = None
        self._outside: dict[Any, _Outside] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if not self._line.passes():
            return
        outside = self._outside.get(addr)
        if outside is None:
            self._line.spawn(self._open(addr, data))
        elif outside.transport is not None:
            outside.transport.sendto(data)

    async def _open(self, browser: Any, data: bytes) -> None:
        outside = self._outside.setdefault(browser, _Outside(self, browser))
        if outside.transport is None:
            loop = asyncio.get_running_loop()
            await loop.create_datagram_endpoint(lambda: outside, remote_addr=self._server)
        if outside.transport is not None:
            outside.transport.sendto(data)

    def came_back(self, data: bytes, browser: Any) -> None:
        if self.transport is not None and self._line.passes():
            self.transport.sendto(data, browser)

    def forget(self) -> None:
        """Leave the addresses that the server knows."""
        for outside in self._outside.values():
            if outside.transport is not None:
                outside.transport.close()
        self._outside.clear()

    def close(self) -> None:
        self.forget()
        if self.transport is not None:
            self.transport.close()


class Line:
    """The line; ``url`` is where the page finds the server through it."""

    def __init__(self, server_port: int, tasks: asyncio.TaskGroup) -> None:
        self.url = ""
        self.is_cut = False
        # Datagrams of both ways that came while the line was not cut, and how many of them it lost.
        self.sent = self.lost = 0
        self._share, self._chance = 0.0, random.Random(0)
        self._server_port = server_port
        self._tasks = tasks
        self._near: dict[int, _Near] = {}
        self._writers: set[asyncio.StreamWriter] = set()
        self._flows = asyncio.Event()
        self._flows.set()

    def spawn(self, work: Any) -> None:
        """Run ``work`` until the line is closed."""
        self._tasks.create_task(work)

    async def carry(self, page: Page) -> None:
        """Let the page's media go this way too; to be called before it is opened."""
        await page.expose_function("relayFor", self._relay_for)
        await page.context.add_init_script(_DETOUR)

    async def detour(self, sdp: str) -> str:
        """Return the server's answer with this line in the place of its own addresses, for a peer of ours."""
        for port in sorted(set(_HOST.findall(sdp))):
            near = await self._relay_for(int(port))
            sdp = sdp.replace(f" {port} typ host", f" {near} typ host")
        return sdp

    def lose(self, share: float, seed: int) -> None:
        """Lose this share (0 to 1) of the datagrams, each by chance, seeded."""
        self._share, self._chance = share, random.Random(seed)

    def passes(self) -> bool:
        """Tell whether the next datagram does."""
        if self.is_cut:
            return False
        self.sent += 1
        lost = self._chance.random() < self._share
        self.lost += lost
        return not lost

    def cut(self) -> None:
        """Reset what is connected, lose what is sent."""
        self.is_cut = True
        for writer in self._writers:
            writer.transport.abort()

    def die(self) -> None:
        """Carry nothing more, and tell nobody."""
        self.is_cut = True
        self._flows.clear()

    def mend(self) -> None:
        """Carry again."""
        self.is_cut = False
        self._flows.set()

    def change_address(self) -> None:
        """Reach the server from other ports from now on; connections do not survive that."""
        for writer in self._writers:
            writer.transport.abort()
        for near in self._near.values():
            near.forget()

    async def _relay_for(self, server_port: int) -> int:
        near = self._near.get(server_port)
        if near is None:
            near = self._near[server_port] = _Near(self, server_port)
            loop = asyncio.get_running_loop()
            await loop.create_datagram_endpoint(lambda: near, local_addr=("127.0.0.1", 0))
        assert near.transport is not None
        return int(near.transport.get_extra_info("sockname")[1])

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._flows.wait()
        if self.is_cut:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._server_port)
        self._writers |= {writer, far_writer}
        with suppress(ConnectionError):
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(reader, far_writer))
                both.create_task(self._pump(far_reader, writer))
        self._writers -= {writer, far_writer}

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(_BLOCK):
                await self._flows.wait()
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Line"]:
        """Listen until the block ends."""
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            self.cut()
            self._flows.set()
            for near in self._near.values():
                near.close()
            server.close()
            await server.wait_closed()


@asynccontextmanager
async def line_to(server_port: int) -> AsyncIterator[Line]:
    """Yield a line to the server's plain port."""
    async with asyncio.TaskGroup() as tasks, Line(server_port, tasks).open() as line:
        yield line
