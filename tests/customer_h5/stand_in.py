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
from contract.phases import CallPhase, Capture, CasePhase, EvidenceKind, Role, SeatMode
from web_kit.serve import WebKit

CUSTOMER_H5 = Path(next(iter(customer_h5.__path__)))
CASE = CaseId("case-3k9m0c7v2q8x1tzr")
CALL = CallId("call-3k9m0c7v2q8x1tzr")
SEAT = SeatId("seat-3k9m0c7v2q8x1tzr")
UPLOAD = "upload-token"
WAIT_S = 30.0
AGENT_SEAT = SeatId("seat-3k9m0c7v2q8x1agt")
THIRD_SEAT = SeatId("seat-3k9m0c7v2q8x1grd")
_M = TypeVar("_M", bound=wire.Message)

WELCOME = wire.Welcome(
    version=wire.VERSION, role=Role.CUSTOMER, name="", bank="海州银行", case=CASE, phase=CasePhase.PRE_CALL,
    seat=SEAT, call=None, resume="resume-1", upload=UPLOAD, ice_servers=(), grace_s=20.0, heartbeat_s=5.0,
    consent_version="2026-3",
)  # fmt: skip


DESK = {
    "bank": "海州银行", "open": True, "opens_at": None, "hours": "每天 9:00-21:00", "waiting": 2,
    "estimated_wait_s": 240,
}  # fmt: skip


def party(
    seat: SeatId, role: Role, name: str, slot: int | None, camera: Capture = Capture.ON
) -> wire.PartySeen:
    """Return somebody who is there and talks."""
    return wire.PartySeen(seat, role, name, SeatMode.TALKING, slot, Capture.ON, camera, True)


SELF = party(SEAT, Role.CUSTOMER, "王芳", None)
AGENT = replace(party(AGENT_SEAT, Role.AGENT, "李静", 0), number="8001")


@dataclass
class StandIn:
    """What the page sent is in ``got``, in order; tests play the server by ``send``.

    ``file_status`` are the answers to the next uploads of files; ``probe_s`` is how long the bank takes
    over a measurement, which ``probing`` holds up as ``holding`` does an upload,
    ``journals`` whether consents are journaled, ``closes`` whether the queue is shut.
    """

    kit: WebKit
    answer: Callable[[str], Awaitable[str]] | None = None
    welcome: wire.Welcome = WELCOME
    refusal: str = ""
    mute: bool = False
    desk: dict[str, object] = field(default_factory=lambda: dict(DESK))
    lines: tuple[int, ...] = (3, 4)
    probe_s: float = 0.0
    journals: bool = True
    closes: bool = False
    still_status: list[int] = field(default_factory=list)
    still_sources: list[str] = field(default_factory=list)
    file_status: list[tuple[int, str]] = field(default_factory=list)
    files: dict[str, tuple[str, str, bytes]] = field(default_factory=dict)
    ratings: list[dict[str, object]] = field(default_factory=list)
    holding: asyncio.Event | None = None
    probing: asyncio.Event | None = None
    got: list[wire.Message] = field(default_factory=list)
    uploads: list[tuple[str, str, bytes]] = field(default_factory=list)
    walk_ins: list[dict[str, str]] = field(default_factory=list)
    socket: web.WebSocketResponse | None = None
    url: str = ""
    _seq: int = 0
    _runner: web.AppRunner | None = None

    async def __aenter__(self) -> "StandIn":
        app = web.Application(client_max_size=32 * 2**20)
        app.router.add_get("/ws", self._got_socket)
        app.router.add_post("/api/walk-in", self._got_walk_in)
        app.router.add_post("/api/cases/{case}/stills/{request}", self._got_still)
        app.router.add_get("/api/desk", self._got_desk)
        app.router.add_post("/api/probe", self._got_probe)
        app.router.add_post("/api/cases/{case}/files", self._got_file)
        app.router.add_get("/api/cases/{case}/files/{evidence}", self._got_file_request)
        app.router.add_post("/api/cases/{case}/rating", self._got_rating)
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

    async def _got_desk(self, _: web.Request) -> web.Response:
        return web.json_response(self.desk)

    async def _got_probe(self, request: web.Request) -> web.Response:
        data = await request.read()
        await asyncio.sleep(self.probe_s)
        if self.probing is not None:
            await self.probing.wait()
        return web.json_response({"bytes": len(data), "seconds": self.probe_s})

    async def _got_file(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == f"Bearer {UPLOAD}"
        data = await request.read()
        if self.holding is not None:
            await self.holding.wait()
        if request.transport is None or request.transport.is_closing():
            raise web.HTTPBadRequest  # the page gave it up
        if self.file_status:
            status, code = self.file_status.pop(0)
            return web.json_response({"code": code, "text": "x"}, status=status)
        kind = request.headers["Content-Type"]
        evidence = await self.share(Role.CUSTOMER, request.query["name"], kind, data)
        told = {"evidence": evidence, "media_type": kind, "bytes": len(data), "sha256": "0" * 64}
        return web.json_response(told, status=201)

    async def _got_file_request(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == f"Bearer {UPLOAD}"
        _, kind, data = self.files[request.match_info["evidence"]]
        return web.Response(body=data, content_type=kind)

    async def _got_rating(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == f"Bearer {UPLOAD}"
        self.ratings.append(await request.json())
        return web.json_response({}, status=201)

    async def _got_still(self, request: web.Request) -> web.Response:
        data = await request.read()
        if self.still_status:
            return web.json_response(
                {"code": "image_too_small", "text": "x"}, status=self.still_status.pop(0)
            )
        self.still_sources.append(request.query["source"])
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
            case wire.Consent() if self.journals:
                await self.take_consent(message)
            case wire.JoinQueue() if self.closes:
                await self.send(wire.Failed("desk_closed", "x", "join_queue"))
            case wire.RequestCallback():
                await self.send(wire.Bye("callback_noted"))
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

    async def take_consent(self, consent: wire.Consent) -> None:
        """Journal the customer's answers."""
        answers = {name: getattr(consent, name) for name in ("recording", "biometrics", "location")}
        given = tuple(name for name, agreed in answers.items() if agreed)
        refused = tuple(name for name, agreed in answers.items() if not agreed)
        await self.note(facts.ConsentGiven(given, consent.text_version, consent.language, refused))

    async def note(self, fact: facts.Fact) -> None:
        """Journal a fact and show it, as the server does."""
        self._seq += 1
        await self.send(wire.FactNoted(facts.seal_entry(self._seq, 1.0, CASE, fact, facts.GENESIS)))

    async def say(self, role: Role, text: str) -> None:
        """Journal a chat line."""
        await self.note(facts.ChatSaid(CALL, SEAT if role is Role.CUSTOMER else AGENT_SEAT, role, text))

    async def share(self, role: Role, name: str, kind: str, data: bytes) -> EvidenceId:
        """Keep a file of the conversation and journal it."""
        evidence = EvidenceId(f"ev-3k9m0c7v2q8x1f{len(self.files):02d}")
        self.files[evidence] = (name, kind, data)
        seat = SEAT if role is Role.CUSTOMER else AGENT_SEAT
        await self.note(
            facts.FileShared(CALL, seat, role, evidence, name, "files/x", kind, "0" * 64, len(data))
        )
        return evidence

    async def call_state(self, phase: CallPhase, active_s: float = 0.0, **changes: object) -> None:
        """Tell the page how the call stands; recording once it is active."""
        live = phase not in (CallPhase.RINGING, CallPhase.CONNECTING)
        state = wire.CallState(CALL, CASE, phase, "李静", active_s, live, live, peer_number="8001")
        await self.send(replace(state, **changes))  # type: ignore[arg-type]

    async def want_still(self, kind: EvidenceKind, *, at_once: bool = False) -> EvidenceId:
        """Ask for a picture; return its id."""
        request = EvidenceId(f"ev-3k9m0c7v2q8x1t0{len(self.uploads)}")
        await self.send(wire.StillWanted(request, kind, at_once))
        return request

    async def wait_for(self, kind: type[_M], count: int = 1) -> _M:
        """Return the ``count``-th message of ``kind``; fail saying what came instead."""
        deadline = asyncio.get_running_loop().time() + WAIT_S
        while len(found := [message for message in self.got if isinstance(message, kind)]) < count:
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError(f"no {kind.__name__} number {count}; came: {[m.tag for m in self.got]}")
            await asyncio.sleep(0.02)
        return found[count - 1]
