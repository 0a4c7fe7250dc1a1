"""Janus: its videocall plugin joins two parties directly, as our calls do."""

import asyncio
import itertools
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
from aiortc import RTCCertificate

from benchmarks.forwarding.client import Client
from benchmarks.forwarding.descriptions import PLAIN, Remote
from benchmarks.forwarding.processes import go_ahead
from benchmarks.forwarding.servers import Call, Conditions

_ANSWER_S = 20.0
_STARTS = 10
# Of its WebSocket API, in a network of our own.
_PORT = 18_188
# A session without requests for this long is dropped by Janus; benchmarks do not talk while they measure.
_SESSION_S = 600
_UNUSED = {
    "plugins": "audiobridge duktape echotest lua nosip recordplay sip streaming textroom videoroom voicemail",
    "transports": "http mqtt nanomsg pfunix rabbitmq",
    "loggers": "jsonlog",
}


def install() -> str:
    """Return the path of the janus binary, installed from Debian when it is missing and we are root.

    Raises:
        RuntimeError: it is not there and cannot be installed.
    """
    if shutil.which("janus") is None:
        if os.geteuid() != 0:
            raise RuntimeError("janus is not installed, and only root can: apt-get install janus")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        words = ("apt-get", "install", "--yes", "--no-install-recommends", "janus")
        if subprocess.run(words, env=environment, check=False, stdout=subprocess.DEVNULL).returncode:
            raise RuntimeError("janus is not installed, and apt-get could not install it")
    return str(shutil.which("janus"))


def version() -> str:
    """Return the version of Debian's package."""
    install()
    words = ("dpkg-query", "--show", "--showformat=${Version}", "janus")
    said = subprocess.run(words, check=False, capture_output=True, text=True)
    return said.stdout or "not from Debian"


def _configure(folder: Path, address: str, port: int, event_loops: int) -> None:
    """Write a configuration that leaves out everything which costs: logs, events, unused plugins."""
    loops = f"event_loops = {event_loops}" if event_loops else ""
    disabled = {
        room: ",".join(f"libjanus_{name}.so" for name in names.split()) for room, names in _UNUSED.items()
    }
    (folder / "janus.jcfg").write_text(f"""
general: {{ debug_level = 2, debug_colors = false, session_timeout = {_SESSION_S}, {loops} }}
media: {{ no_media_timer = 0, slowlink_threshold = 0 }}
nat: {{ ice_lite = true, ice_tcp = false, ice_enforce_list = "{address}" }}
plugins: {{ disable = "{disabled["plugins"]}" }}
transports: {{ disable = "{disabled["transports"]}" }}
loggers: {{ disable = "{disabled["loggers"]}" }}
events: {{ broadcast = false }}
""")
    (folder / "janus.transport.websockets.jcfg").write_text(f"""
general: {{ json = "compact", ws = true, ws_port = {port}, ws_ip = "127.0.0.1", wss = false, events = false }}
""")
    (folder / "janus.plugin.videocall.jcfg").write_text("general: { events = false }\n")


class _Api:
    """One WebSocket, on it any number of sessions. Answers find their request by transaction."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self.events: dict[int, asyncio.Queue[dict[str, Any]]] = {}

    async def read(self) -> None:
        """Hand out what comes, until the socket closes."""
        async for message in self._socket:
            said = message.json()
            kind, sender = said.get("janus"), said.get("sender")
            waiting = self._waiting.get(said.get("transaction", ""))
            if waiting is not None and not waiting.done() and kind in {"success", "error", "ack"}:
                waiting.set_result(said)
            elif kind == "event" and sender in self.events:
                self.events[sender].put_nowait(said)

    async def ask(self, **request: Any) -> dict[str, Any]:
        """Send a request; return the first answer."""
        number = str(next(self._numbers))
        waiting: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = waiting
        await self._socket.send_json({**request, "transaction": number})
        async with asyncio.timeout(_ANSWER_S):
            said = await waiting
        del self._waiting[number]
        if said["janus"] == "error":
            raise RuntimeError(f"Janus refused: {said['error']}")
        return said


class _Handle:
    """A session with the videocall plugin attached, under a name of its own."""

    def __init__(self, api: _Api, name: str) -> None:
        self._api, self.name = api, name
        self._ids: dict[str, int] = {}

    async def open(self) -> None:
        session = (await self._api.ask(janus="create"))["data"]["id"]
        attached = await self._api.ask(janus="attach", session_id=session, plugin="janus.plugin.videocall")
        self._ids = {"session_id": session, "handle_id": attached["data"]["id"]}
        self._api.events[self._ids["handle_id"]] = asyncio.Queue()
        await self.say("registered", {"request": "register", "username": self.name})

    async def close(self) -> None:
        """End the session, and its half of the call with it."""
        await self._api.ask(janus="destroy", session_id=self._ids["session_id"])
        del self._api.events[self._ids["handle_id"]]

    async def say(self, awaited: str, body: dict[str, Any], jsep: dict[str, str] | None = None) -> None:
        """Send a message to the plugin and wait for the event ``awaited``."""
        extra = {"jsep": jsep} if jsep else {}
        await self._api.ask(janus="message", body=body, **self._ids, **extra)
        await self.hear(awaited)

    async def hear(self, awaited: str) -> dict[str, Any]:
        """Return the event ``awaited`` when it comes; others are passed over, errors raise."""
        async with asyncio.timeout(_ANSWER_S):
            while True:
                said = await self._api.events[self._ids["handle_id"]].get()
                data = said["plugindata"]["data"]
                if "error" in data:
                    raise RuntimeError(f"Janus: {data['error']}")
                if data.get("result", {}).get("event") == awaited and (
                    awaited not in {"accepted", "incomingcall"}
                    or "jsep" in said
                    or "username" not in data["result"]
                ):
                    return said


class Janus:
    """The running server."""

    def __init__(self, pid: int, api: _Api, conditions: Conditions) -> None:
        self.pid = pid
        self._api, self._conditions = api, conditions
        self._certificate = RTCCertificate.generateCertificate()
        self._names = itertools.count(1)

    def _client(self) -> Client:
        return Client(self._conditions.address, self._certificate, self._conditions.profiles)

    async def open_call(self) -> Call:
        """See ``Server``."""
        caller, callee = self._client(), self._client()
        calling, called = (_Handle(self._api, f"party-{next(self._names)}") for _ in range(2))
        await calling.open()
        await called.open()
        offer = {"type": "offer", "sdp": caller.local.describe(PLAIN, "actpass")}
        await calling.say("calling", {"request": "call", "username": called.name}, offer)
        offered = Remote.parse((await called.hear("incomingcall"))["jsep"]["sdp"])
        answer = {"type": "answer", "sdp": callee.local.describe(PLAIN, "active")}
        await called.say("accepted", {"request": "accept"}, answer)
        answered = Remote.parse((await calling.hear("accepted"))["jsep"]["sdp"])
        async with asyncio.TaskGroup() as both:
            both.create_task(caller.connect(answered))
            both.create_task(callee.connect(offered, controlling=False))
        if self._conditions.record_in:
            for handle in (calling, called):
                file = f"{self._conditions.record_in}/{handle.name}"
                await handle.say("set", {"request": "set", "record": True, "filename": file})

        async def hang_up() -> None:
            await calling.close()
            await called.close()

        return Call((caller, callee), hang_up)


@asynccontextmanager
async def running_janus(conditions: Conditions, event_loops: int) -> AsyncIterator[Janus]:
    """Start Janus; ``event_loops`` 0 is its default, a thread for each party."""
    async with AsyncExitStack() as stack:
        name = stack.enter_context(TemporaryDirectory())
        _configure(Path(name), conditions.address, _PORT, event_loops)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        process, socket = await _started(name, conditions.server_core, session)
        stack.push_async_callback(_killed, process)
        go_ahead(process.pid)
        api = _Api(socket)
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(api.read())
            yield Janus(process.pid, api, conditions)
            reading.cancel()


async def _started(
    folder: str, core: int, session: aiohttp.ClientSession
) -> tuple[asyncio.subprocess.Process, aiohttp.ClientWebSocketResponse]:
    # Janus 1.1.2 dies of SIGSEGV in some of its starts.
    for _ in range(_STARTS):
        process = await asyncio.create_subprocess_exec(
            install(), "--configs-folder", folder, "--disable-colors", cwd=folder,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL, start_new_session=True,
            preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        )  # fmt: skip
        try:
            socket = await _connected(process, session)
        except BaseException:
            await _killed(process)
            raise
        if socket is not None:
            return process, socket
    raise RuntimeError(f"Janus died in {_STARTS} starts")


async def _connected(
    process: asyncio.subprocess.Process, session: aiohttp.ClientSession
) -> aiohttp.ClientWebSocketResponse | None:
    """Return the socket to its API, None when it died."""
    while process.returncode is None:
        try:
            url = f"ws://127.0.0.1:{_PORT}"
            return await session.ws_connect(url, protocols=("janus-protocol",))
        except aiohttp.ClientConnectionError:
            await asyncio.sleep(0.05)
    return None


async def _killed(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()
