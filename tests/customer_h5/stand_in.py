"""A bank behind the customer's page: the real assets and headers, a scripted socket, no other room."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from aiohttp import WSMsgType, web

import customer_h5
from contract import facts, wire
from contract.ids import CallId, CaseId, EvidenceId, SeatId
from contract.phases import CallPhase, CasePhase, EvidenceKind, Role
from web_kit.serve import WebKit

CUSTOMER_H5 = Path(next(iter(customer_h5.__path__)))
CASE = CaseId("case-3k9m0c7v2q8x1tzr")
CALL = CallId("call-3k9m0c7v2q8x1tzr")
SEAT = SeatId("seat-3k9m0c7v2q8x1tzr")
UPLOAD = "upload-token"
WAIT_S = 15.0
_M = TypeVar("_M", bound=wire.Message)

WELCOME = wire.Welcome(
    version=wire.VERSION, role=Role.CUSTOMER, name="", bank="海州银行", case=CASE, phase=CasePhase.PRE_CALL,
    seat=SEAT, call=None, resume="resume-1", upload=UPLOAD, ice_servers=(), grace_s=20.0, heartbeat_s=5.0,
    consent_version="2026-1",
)  # fmt: skip


@dataclass
class StandIn:
    """What the page sent is in ``got``, in order; tests play the server by ``send``."""

    kit: WebKit
    answer: Callable[[str], Awaitable[str]] | None = None
    welcome: wire.Welcome = WELCOME
    refusal: str = ""
    mute: bool = False
    still_status: list[int] = field(default_factory=list)
    got: list[wire.Message] = field(default_factory=list)
    uploads: list[tuple[str, str, bytes]] = field(default_factory=list)
    walk_ins: list[dict[str, str]] = field(default_factory=list)
    socket: web.WebSocketResponse | None = None
    url: str = ""
    _seq: int = 0
    _runner: web.AppRunner | None = None

    async def __aenter__(self) -> "StandIn":
        app = web.Application(client_max_size=16 * 2**20)
        app.router.add_get("/ws", self._got_socket)
        app.router.add_post("/api/walk-in", self._got_walk_in)
        app.router.add_post("/api/cases/{case}/stills/{request}", self._got_still)
        self.kit.install(app)
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.socket is not None:
            await self.socket.close()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _got_walk_in(self, request: web.Request) -> web.Response:
        self.walk_ins.append(await request.json())
        return web.json_response({"case": CASE, "ticket": "ticket-1"})

    async def _got_still(self, request: web.Request) -> web.Response:
        data = await request.read()
        if self.still_status:
            return web.json_response(
                {"code": "image_too_small", "text": "x"}, status=self.still_status.pop(0)
            )
        token = request.headers["Authorization"]
        self.uploads.append((request.match_info["request"], token, data))
        return web.json_response({"evidence": request.match_info["request"], "bytes": len(data)})

    async def _got_socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.socket = socket
        async for frame in socket:
            if frame.type is WSMsgType.TEXT:
                await self._got_message(wire.parse(frame.data, wire.CLIENT_MESSAGES))
        return socket

    async def _got_message(self, message: wire.Message) -> None:
        self.got.append(message)
        match message:
            case wire.Hello() if self.refusal:
                await self.send(wire.Failed(self.refusal, "x", "hello"))
                await self.send(wire.Bye(self.refusal))
            case wire.Hello():
                await self.send(self.welcome)
            case wire.JoinQueue():
                await self.send(wire.QueuePosition(CALL, 3, 240.0, 2))
            case wire.Offer(call, sdp, number) if self.answer is not None:
                await self.send(wire.Answer(call, await self.answer(sdp), number))
            case wire.Ping() if self.mute:
                pass
            case wire.Ping(sent_at):
                await self.send(wire.Pong(sent_at))
            case wire.Chat(text):
                await self.say(Role.CUSTOMER, text)
            case wire.HangUp():
                await self.call_state(CallPhase.ENDED, active_s=83.0, reason="customer_hung_up")
            case _:
                pass

    async def send(self, message: wire.Message) -> None:
        """Send ``message`` to the page."""
        assert self.socket is not None
        await self.socket.send_str(wire.dump(message))

    async def say(self, role: Role, text: str) -> None:
        """Journal a chat line and show it, as the server does."""
        await self.fact(facts.ChatSaid(CALL, SEAT, role, text))

    async def fact(self, fact: facts.Fact) -> None:
        """Show the next fact of the case."""
        self._seq += 1
        await self.send(wire.FactNoted(facts.seal_entry(self._seq, 1.0, CASE, fact, facts.GENESIS)))

    async def call_state(self, phase: CallPhase, active_s: float = 0.0, **changes: object) -> None:
        """Tell the page how the call stands; recording once it is active."""
        live = phase not in (CallPhase.RINGING, CallPhase.CONNECTING)
        state = wire.CallState(CALL, CASE, phase, "李静", active_s, live, live)
        await self.send(replace(state, **changes))  # type: ignore[arg-type]

    async def want_still(self, kind: EvidenceKind) -> EvidenceId:
        """Ask for a picture; return its id."""
        request = EvidenceId(f"ev-3k9m0c7v2q8x1t0{len(self.uploads)}")
        await self.send(wire.StillWanted(request, kind))
        return request

    async def wait_for(self, kind: type[_M], count: int = 1) -> _M:
        """Return the ``count``-th message of ``kind``; fail saying what came instead."""
        deadline = asyncio.get_running_loop().time() + WAIT_S
        while len(found := [message for message in self.got if isinstance(message, kind)]) < count:
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError(f"no {kind.__name__} number {count}; came: {[m.tag for m in self.got]}")
            await asyncio.sleep(0.02)
        return found[count - 1]
