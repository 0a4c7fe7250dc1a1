"""A scripted person: speaks the wire protocol over a real socket and holds a headless peer.

Every wait has a deadline and, when it passes, says what was being waited for and what came instead.
"""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp

from contract import wire
from contract.errors import TellerError, UserError
from contract.facts import Entry, Fact
from contract.ids import CallId
from teller.demo.peer import WebRtcPeer

_M = TypeVar("_M", bound=wire.Message)
_F = TypeVar("_F", bound=Fact)
_T = TypeVar("_T")

# Longest time a single step of a healthy call may take on a busy two-core machine.
STEP_S = 40.0


class StepFailed(TellerError):
    """A step of the script did not happen; the text says which and what was seen instead."""

    default_code = "step_failed"


class Rest:
    """The HTTP half: cookies, CSRF, JSON."""

    def __init__(self, base: str, tls: ssl.SSLContext | bool = True) -> None:
        self.base, self.tls = base.rstrip("/"), tls
        self.csrf: str | None = None
        # The default jar refuses cookies of bare IP addresses, which is where demos and tests run.
        self.http = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.http.close()

    async def call(
        self, method: str, path: str, *, body: Any = None, data: bytes | None = None, **headers: str
    ) -> Any:
        """Return the JSON answer of one request.

        Raises:
            UserError: the server refused; ``code`` is its machine word.
        """
        sent = {"Origin": self.base} | headers
        if self.csrf:
            sent["X-CSRF-Token"] = self.csrf
        async with self.http.request(
            method, self.base + path, json=body, data=data, headers=sent, ssl=self.tls
        ) as response:
            answer = await response.json()
            if response.status >= 400:
                raise UserError(f"{method} {path}: {answer}", code=answer.get("code"))
            return answer

    async def login(self, login: str, password: str) -> Any:
        """Log in and keep the session."""
        answer = await self.call("POST", "/api/login", body={"login": login, "password": password})
        self.csrf = answer["csrf"]
        return answer

    async def case(self, case: str) -> Any:
        """Return what the server tells about a case."""
        return await self.call("GET", f"/api/cases/{case}")

    async def file(self, case: str, file: str) -> bytes:
        """Return a whole file of the record."""
        url = f"{self.base}/api/cases/{case}/files/{file}"
        async with self.http.get(url, ssl=self.tls) as response:
            response.raise_for_status()
            return await response.read()


class Caller:
    """One seat: its socket, the messages that came, its peer."""

    def __init__(self, rest: Rest, make_peer: Callable[[tuple[wire.IceServer, ...]], WebRtcPeer]) -> None:
        self.rest = rest
        self._make_peer = make_peer
        self.welcome: wire.Welcome | None = None
        self.peer: WebRtcPeer | None = None
        self.call: CallId | None = None
        self.messages: list[wire.Message] = []
        self.entries: list[Entry] = []
        self._news = asyncio.Condition()
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._reader: asyncio.Task[None] | None = None
        self._reoffers: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def connect(self, *, ticket: str | None = None, resume: str | None = None) -> wire.Welcome:
        """Open the socket and say hello; log in through ``rest`` first when not a customer."""
        url = self.rest.base.replace("http", "ws", 1) + "/ws"
        self._socket = await self.rest.http.ws_connect(
            url, ssl=self.rest.tls, headers={"Origin": self.rest.base}, max_msg_size=4 * 2**20
        )
        seen = len(self.messages)
        self._reader = asyncio.create_task(self._read(self._socket))
        await self.send(wire.Hello(wire.VERSION, ticket=ticket, resume=resume, csrf=self.rest.csrf))
        self.welcome = await self.wait_for(wire.Welcome, after=seen)
        return self.welcome

    async def close(self) -> None:
        """Hang the socket and the peer up, without a word to the server."""
        for task in self._reoffers:
            task.cancel()
        await asyncio.gather(*self._reoffers, return_exceptions=True)
        if self.peer:
            await self.peer.close()
        await self.drop_socket()

    @property
    def closed(self) -> bool:
        """Tell whether the socket is gone."""
        return self._socket is None or self._socket.closed

    async def drop_socket(self) -> None:
        """Lose the socket, keep the peer: what a phone does between two networks."""
        if self._reader:
            self._reader.cancel()
            with suppress(asyncio.CancelledError):
                await self._reader
        if self._socket:
            await self._socket.close()

    async def send(self, message: wire.Message) -> None:
        """Send one message."""
        if self._socket is None:
            raise StepFailed("not connected")
        await self._socket.send_str(wire.dump(message))

    async def prepare_media(self, call: CallId) -> None:
        """Offer the peer connection for ``call`` and apply the answer."""
        if self.welcome is None:
            raise StepFailed("not connected")
        self.call = call
        if self.peer:
            await self.peer.close()
        self.peer = self._make_peer(self.welcome.ice_servers)
        seen = len(self.messages)
        await self.send(wire.Offer(call, await self.peer.offer()))
        answer = await self.wait_for(wire.Answer, after=seen)
        await self.peer.accept(answer.sdp)

    def _reoffer(self, call: CallId) -> None:
        # Beside the reader, which must go on to hear the answer; close() awaits it.
        task = asyncio.create_task(self.prepare_media(call))
        self._reoffers.add(task)
        task.add_done_callback(self._reoffers.discard)

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for frame in socket:
            if frame.type is not aiohttp.WSMsgType.TEXT:
                continue
            message = wire.parse(frame.data, wire.SERVER_MESSAGES)
            if isinstance(message, wire.Reoffer):
                self._reoffer(message.call)
            async with self._news:
                self.messages.append(message)
                if isinstance(message, wire.FactNoted):
                    self.entries.append(message.entry)
                self._news.notify_all()

    async def wait_for(
        self,
        kind: type[_M],
        fits: Callable[[_M], bool] = lambda _: True,
        *,
        after: int = 0,
        seconds: float = STEP_S,
    ) -> _M:
        """Return the first message of ``kind`` at or behind position ``after`` that fits.

        Raises:
            StepFailed: it did not come in time, or the server refused something meanwhile.
        """

        def look() -> _M | wire.Failed | wire.Bye | None:
            for message in self.messages[after:]:
                if isinstance(message, kind) and fits(message):
                    return message
                if isinstance(message, wire.Failed | wire.Bye):
                    return message
            return None

        found = await self._wait(look, kind.__name__, seconds)
        if isinstance(found, kind):
            return found
        raise StepFailed(f"waiting for {kind.__name__}: the server said {found}")

    async def wait_for_fact(
        self, kind: type[_F], fits: Callable[[_F], bool] = lambda _: True, *, seconds: float = STEP_S
    ) -> _F:
        """Return the first fact of ``kind`` that fits. Raises StepFailed."""

        def look() -> _F | None:
            for entry in self.entries:
                if isinstance(entry.fact, kind) and fits(entry.fact):
                    return entry.fact
            return None

        return await self._wait(look, kind.__name__, seconds)

    async def _wait(self, look: Callable[[], _T | None], what: str, seconds: float) -> _T:
        async def until_found() -> _T:
            async with self._news:
                while (found := look()) is None:
                    await self._news.wait()
                return found

        try:
            return await asyncio.wait_for(until_found(), seconds)
        except TimeoutError:
            tags = [message.tag for message in self.messages[-12:]]
            names = [entry.name for entry in self.entries[-12:]]
            raise StepFailed(
                f"no {what} within {seconds:.0f} s; last messages {tags}, facts {names}"
            ) from None
