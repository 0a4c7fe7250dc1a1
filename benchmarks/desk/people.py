"""The people of the load: who waits, who answers, who watches. Each has a real socket.

Frames are read as plain JSON: ten thousand small messages a minute are to cost the generator little.
"""

import asyncio
import json
import random
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from benchmarks.desk.ledger import Ledger
from contract import wire
from contract.errors import TellerError
from contract.ids import CallId
from contract.phases import Outcome, Presence

# Whatever takes longer on a machine that keeps up is lost.
PATIENCE_S = 15.0
# How long an agent looks at a ring, and needs for the form after a call (s).
_LOOK_S = (0.2, 0.8)
_FORM_S = (0.5, 1.5)
_TALKING = frozenset({"connecting", "active", "held", "reconnecting"})

Frame = dict[str, Any]


class Lost(TellerError):
    """Something that must come did not."""

    default_code = "lost"


@dataclass(frozen=True, slots=True)
class Manner:
    """How agents work: ``talk_s`` is the mean length of a call, ``refuse`` the share of rings refused."""

    talk_s: float
    refuse: float


@dataclass(slots=True, eq=False)
class Town:
    """Where everybody meets: the server's URL, one HTTP client for all, the truth."""

    url: str
    http: aiohttp.ClientSession
    ledger: Ledger
    chance: random.Random
    _addresses: int = 0

    def address(self) -> dict[str, str]:
        """Return the headers of a browser at an address of its own, as the bank's proxy tells them."""
        self._addresses += 1
        high, low = divmod(self._addresses, 250)
        return {"Origin": self.url, "X-Forwarded-For": f"10.1.{high}.{low + 1}"}

    async def post(self, path: str, body: Frame, headers: dict[str, str]) -> tuple[Frame, str]:
        """Return the answer and the session cookie. Raises Lost when it is refused."""
        async with self.http.post(self.url + path, json=body, headers=headers) as response:
            answer = await response.json()
            if response.status >= 400:
                raise Lost(f"{path}: {answer}")
            cookie = response.cookies.get("teller")
            return answer, cookie.value if cookie else ""


@dataclass(slots=True, eq=False)
class Person(ABC):
    """Somebody with a socket; ``hear`` gets every frame when it comes."""

    town: Town
    name: str
    _socket: aiohttp.ClientWebSocketResponse | None = None
    _reader: asyncio.Task[None] | None = None

    async def connect(self, headers: dict[str, str], hello: wire.Hello) -> None:
        """Open the socket and say hello."""
        address = self.town.url.replace("http", "ws", 1) + "/ws"
        self._socket = await self.town.http.ws_connect(address, headers=headers, max_msg_size=2**22)
        self._reader = asyncio.create_task(self._read(self._socket))
        await self.send(hello)

    async def send(self, message: wire.Message) -> None:
        """Send a message."""
        assert self._socket is not None, "not connected"
        await self._socket.send_str(wire.dump(message))

    async def close(self) -> None:
        """Leave."""
        socket, self._socket = self._socket, None
        if self._reader is not None:
            self._reader.cancel()
            with suppress(asyncio.CancelledError):
                await self._reader
        if socket is not None:
            await socket.close()

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for frame in socket:
            self.town.ledger.period.messages += 1
            message = json.loads(frame.data)
            if message["type"] in {"error", "bye"}:
                self.town.ledger.problem(f"{self.name} was told {message}")
            self.hear(message)
        if self._socket is socket:
            self.town.ledger.problem(f"the socket of {self.name} was closed: {socket.close_code}")

    @abstractmethod
    def hear(self, message: Frame) -> None:
        """Take a frame."""


@dataclass(slots=True, eq=False)
class Customer(Person):
    """Comes, consents, waits, and goes when the call is over."""

    placed: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    _welcome: asyncio.Event = field(default_factory=asyncio.Event)
    _version: str = ""
    _served: bool = False

    async def visit(self) -> None:
        """Come in and wait until a place in the queue is told."""
        headers = self.town.address()
        door, _ = await self.town.post("/api/walk-in", {"tenant": "demo"}, headers)
        await self.connect(headers, wire.Hello(wire.VERSION, ticket=door["ticket"]))
        async with asyncio.timeout(PATIENCE_S):
            await self._welcome.wait()
        await self.send(wire.Consent(True, True, False, self._version, "zh-CN"))
        await self.send(wire.JoinQueue())

    async def stay(self) -> None:
        """Return when the call is over, and the socket is closed."""
        await self.over.wait()
        await self.close()

    def hear(self, message: Frame) -> None:
        """Take a frame."""
        match message["type"]:
            case "welcome":
                self._version = message["consent_version"]
                self._welcome.set()
            case "queue_position":
                self.town.ledger.placed(message["call"], message["position"])
                self.placed.set()
            case "call_state" if message["phase"] in _TALKING and not self._served:
                self._served = True
                self.town.ledger.served(message["call"])
                self.placed.set()
            case "call_state" if message["phase"] == "ended":
                self.over.set()


@dataclass(slots=True, eq=False)
class Agent(Person):
    """Answers one customer after another."""

    _inbox: asyncio.Queue[Frame] = field(default_factory=asyncio.Queue)

    async def shift(self, manner: Manner, end: float, greet: Callable[[], None]) -> None:
        """Work until ``end`` (``perf_counter``) and go on a break; ``greet`` is called at every answer.

        Raises:
            Lost: something did not come in time.
        """
        first = True
        while True:
            ready_at = time.perf_counter()
            await self.send(wire.SetPresence(Presence.READY))
            await self._answer(manner, ready_at, first=first)
            greet()
            await asyncio.sleep(self.town.chance.uniform(0.4, 1.6) * manner.talk_s)
            await self._part()
            if time.perf_counter() >= end:
                await self.send(wire.SetPresence(Presence.BREAK))
                await self._expect("presence_set", presence="break")
                return
            await asyncio.sleep(self.town.chance.uniform(*_FORM_S))
            first = False

    async def _answer(self, manner: Manner, ready_at: float, *, first: bool) -> None:
        ledger, chance = self.town.ledger, self.town.chance
        waited_since: float | None = ready_at
        while True:
            ring = await self._expect("ring")
            after_s = None if waited_since is None else ring["came_at"] - waited_since
            ledger.rang(self.name, ring["call"], after_s, first=first)
            await asyncio.sleep(chance.uniform(*_LOOK_S))
            if chance.random() >= manner.refuse:
                break
            ledger.refuses(ring["call"])
            await self.send(wire.Refuse(CallId(ring["call"])))
            waited_since = None
        ledger.accepts(time.perf_counter())
        await self.send(wire.Accept(CallId(ring["call"])))
        await self._expect("ring_over", call=ring["call"], how="accepted")
        ledger.accepted(self.name, ring["call"], time.perf_counter())

    async def _part(self) -> None:
        await self.send(wire.HangUp())
        await self._expect("presence_set", presence="wrap_up")
        await self.send(wire.Finish(Outcome.INCOMPLETE, "other"))

    async def _expect(self, tag: str, **values: str) -> Frame:
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    message = await self._inbox.get()
                    if message["type"] == tag and all(message[key] == one for key, one in values.items()):
                        return message
        except TimeoutError:
            raise Lost(f"{self.name} waits for {tag} {values}") from None

    def hear(self, message: Frame) -> None:
        """Take a frame."""
        if message["type"] in {"ring", "ring_over", "presence_set"}:
            message["came_at"] = time.perf_counter()
            self._inbox.put_nowait(message)


@dataclass(slots=True, eq=False)
class Supervisor(Person):
    """Looks at the wallboard; ``newest`` is the last one."""

    newest: Frame | None = None
    _came: asyncio.Event = field(default_factory=asyncio.Event)

    async def next_board(self) -> Frame:
        """Return the next wallboard. Raises Lost when none comes."""
        self._came.clear()
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._came.wait()
        except TimeoutError:
            raise Lost("no wallboard comes any more") from None
        assert self.newest is not None
        return self.newest

    def hear(self, message: Frame) -> None:
        """Take a frame."""
        if message["type"] == "wallboard":
            self.newest = message
            self._came.set()
            self.town.ledger.board(message, time.perf_counter())
