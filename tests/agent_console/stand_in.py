"""A server that does as the test says: real assets and policy, scripted answers."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import segno
from aiohttp import WSMsgType, web

from contract import codec, wire
from contract.facts import Entry, dump_entry
from contract.phases import Presence, Role
from contract.ports import CaseSummary, Job
from contract.wire import FactNoted, Message, PresenceSet, Welcome
from signaling.job_outlook import outlook
from tests.agent_console.story import AGENT, AGENT_NAME, AUDITOR, START, SUPERVISOR, Story
from web_kit.serve import WebKit

ROOT = Path(__file__).resolve().parents[2]
APPS = {"agent_console": ROOT / "agent_console", "player": ROOT / "recordings" / "player"}
PASSWORD = "teller-demo"
# Of a record that may be looked at, in which nothing must be watched.
VIEWING: dict[str, Any] = {
    "viewing_until": 0.0, "unmasked_until": 0.0, "requests": [], "axis": [], "must": [], "left": [],
    "seen": [], "may_download": False,
}  # fmt: skip
_DEADLINE_S = 30.0
_PEOPLE = {
    Role.AGENT: (AGENT, AGENT_NAME),
    Role.AUDITOR: (AUDITOR, "陈审核"),
    Role.SUPERVISOR: (SUPERVISOR, "陈主管"),
}


@dataclass
class StandIn:
    """What the server says and what it was told."""

    kit: WebKit
    url: str = ""
    role: Role = Role.AGENT
    cases: list[CaseSummary] = field(default_factory=list)
    stories: dict[str, Story] = field(default_factory=dict)
    jobs: list[Job] = field(default_factory=list)
    files: Mapping[str, Path] = field(default_factory=dict)
    posted: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    queries: list[dict[str, Any]] = field(default_factory=list)
    claims: list[dict[str, Any]] = field(default_factory=list)
    withheld: set[int] = field(default_factory=set)
    handed: list[str | None] = field(default_factory=list)
    page: int = 50
    counted: int = 1_000
    views: list[dict[str, Any]] = field(default_factory=list)
    got: list[Message] = field(default_factory=list)
    calling: str | None = None
    callbacks: list[dict[str, Any]] = field(default_factory=list)
    refusal: str = ""
    calls: list[dict[str, Any]] = field(default_factory=list)
    tracks: dict[str, Path] = field(default_factory=dict)
    beside: dict[str, Any] = field(default_factory=dict)
    viewing: dict[str, Any] = field(default_factory=lambda: VIEWING | {"viewing_until": time.time() + 3600})
    sent: list[tuple[str, bytes]] = field(default_factory=list)
    socket: web.WebSocketResponse | None = None
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, *messages: Message) -> None:
        """Send to the page."""
        assert self.socket is not None
        for message in messages:
            await self.socket.send_str(wire.dump(message))

    async def note(self, *entries: Entry) -> None:
        """Send facts to the page."""
        await self.send(*(FactNoted(entry) for entry in entries))

    async def wait_for(self, kind: type[Message]) -> Any:
        """Return the last message of ``kind``, waiting for it."""
        async with asyncio.timeout(_DEADLINE_S):
            while True:
                found = [message for message in self.got if isinstance(message, kind)]
                if found:
                    self.got = [message for message in self.got if not isinstance(message, kind)]
                    return found[-1]
                self.heard.clear()
                await self.heard.wait()

    async def asked(self, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return the last search, waiting until it is one that ``fits``."""
        async with asyncio.timeout(_DEADLINE_S):
            while not (self.queries and fits(self.queries[-1])):
                self.heard.clear()
                await self.heard.wait()
        return self.queries[-1]

    # --- handlers ---

    def person(self) -> dict[str, str]:
        """Return who is logged in, as the server tells it."""
        account, name = _PEOPLE[self.role]
        return {
            "account": account, "name": name, "role": self.role.value, "bank": "示例银行",
            "tenant": "demo", "csrf": "csrf-1",
        }  # fmt: skip

    async def got_login(self, request: web.Request) -> web.Response:
        body = await request.json()
        if body["password"] != PASSWORD:
            return web.json_response({"code": "login_failed", "text": ""}, status=401)
        response = web.json_response(self.person())
        response.set_cookie("session", "1", httponly=True, samesite="Strict")
        return response

    async def got_me(self, request: web.Request) -> web.Response:
        if request.cookies.get("session") != "1":
            return web.json_response({"code": "not_logged_in", "text": ""}, status=401)
        return web.json_response(self.person())

    async def got_logout(self, request: web.Request) -> web.Response:
        assert request.headers["X-CSRF-Token"] == "csrf-1"
        response = web.json_response({})
        response.del_cookie("session")
        return response

    async def got_search(self, request: web.Request) -> web.Response:
        assert request.headers["X-CSRF-Token"] == "csrf-1"
        asked = await request.json()
        self.queries.append(asked)
        self.heard.set()
        found = [case for case in self.cases if _fits(case, asked)]
        begun = int(asked.get("after") or 0)
        page = found[begun : begun + self.page]
        following = str(begun + self.page) if len(found) > begun + self.page else None
        count = None if begun else min(len(found), self.counted)
        return web.json_response(
            {
                "cases": [codec.dump(case) for case in page],
                "count": count,
                "more": count is not None and len(found) > count,
                "next": following,
                "claims": self.claims,
            }
        )

    async def got_staff(self, request: web.Request) -> web.Response:
        return web.json_response({"staff": [{"account": AGENT, "name": AGENT_NAME, "number": ""}]})

    async def got_views(self, request: web.Request) -> web.Response:
        """Tell the saved views, after keeping or dropping one."""
        if request.method == "POST":
            asked = await request.json()
            self.views = [view for view in self.views if view["name"] != asked["name"]]
            if request.path == "/api/views":
                self.views = sorted([*self.views, asked], key=lambda view: str(view["name"]))
        return web.json_response({"views": self.views})

    async def got_case(self, request: web.Request) -> web.Response:
        case = next((one for one in self.cases if one.case == request.match_info["case"]), None)
        if case is None:
            return web.json_response({"code": "not_found", "text": ""}, status=404)
        hidden = {"name": "Withheld", "fact": {}}
        entries = [
            json.loads(dump_entry(entry)) | (hidden if entry.seq in self.withheld else {})
            for entry in self.stories[case.case].entries
        ]
        jobs = [codec.dump(job) | codec.dump(outlook(job, time.time())) for job in self.jobs]
        return web.json_response(
            {"case": codec.dump(case), "entries": entries, "jobs": jobs, "claims": self.claims}
        )

    async def got_next(self, request: web.Request) -> web.Response:
        """Hand out what the test says next, with a claim on it."""
        assert request.headers["X-CSRF-Token"] == "csrf-1"
        self.posted.append(("next", await request.json()))
        handed = self.handed.pop(0) if self.handed else None
        self.claims = [self.claim(handed)] if handed else self.claims
        return web.json_response({"case": {"case": handed} if handed else None})

    async def got_claim(self, request: web.Request) -> web.Response:
        """Take a case or give it back, or refuse it as the test says."""
        assert request.headers["X-CSRF-Token"] == "csrf-1"
        case, asked = request.match_info["case"], await request.json()
        self.posted.append((case, asked))
        if self.refusal:
            return web.json_response({"code": self.refusal, "text": ""}, status=409)
        others = [one for one in self.claims if one["case"] != case]
        self.claims = [*others, self.claim(case)] if asked["on"] else others
        self.heard.set()
        return web.json_response({"claims": [one for one in self.claims if one["case"] == case]})

    def claim(self, case: str) -> dict[str, Any]:
        """Return the claim of who is logged in."""
        account, name = _PEOPLE[self.role]
        return {"case": case, "account": account, "name": name, "until": time.time() + 600}

    async def got_viewing(self, request: web.Request) -> web.Response:
        """Tell how the looking stands; what is asked is kept."""
        if request.method == "POST":
            assert request.headers["X-CSRF-Token"] == "csrf-1"
            self.posted.append((request.path.rpartition("/")[2], await request.json()))
            if request.path.endswith("viewings"):
                self.viewing["viewing_until"] = time.time() + 3600
        return web.json_response(self.viewing)

    async def got_tracks(self, request: web.Request) -> web.Response:
        return web.json_response({"calls": self.calls})

    async def got_track(self, request: web.Request) -> web.StreamResponse:
        return web.FileResponse(self.tracks[request.match_info["track"]])

    async def got_callbacks(self, request: web.Request) -> web.Response:
        return web.json_response({"callbacks": self.callbacks})

    async def got_new_case(self, request: web.Request) -> web.Response:
        assert request.headers["X-CSRF-Token"] == "csrf-1"
        self.posted.append((request.path, await request.json()))
        made = {"case": "case-0000000000000009", "ticket": "t", "url": "/c/#t", "expires_at": START}
        made |= {"qr": segno.make_qr(f"{self.url}{made['url']}").png_data_uri(scale=6)}
        return web.json_response(made, status=201)

    async def got_shared(self, request: web.Request) -> web.Response:
        """Take a file, or refuse it as the test says."""
        assert request.headers["X-CSRF-Token"] == "csrf-1"
        self.sent.append((request.query["name"], await request.read()))
        if self.refusal:
            return web.json_response({"code": self.refusal, "text": ""}, status=422)
        return web.json_response({}, status=201)

    async def got_verdict(self, request: web.Request) -> web.Response:
        assert request.headers["X-CSRF-Token"] == "csrf-1"
        self.posted.append((request.match_info["case"], await request.json()))
        return web.json_response({})

    async def got_file(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["file"]
        if name in self.beside:
            return web.json_response(self.beside[name])
        kind = name if name in self.files else self._kind_of(name)
        return web.FileResponse(self.files[kind])

    def _kind_of(self, file: str) -> str:
        for story in self.stories.values():
            if any(evidence in file for evidence in story.shared):
                return "id_card"
            for kind, evidence in story.pictures.items():
                if evidence in file:
                    return kind.value
        raise web.HTTPNotFound

    async def got_socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.socket = socket
        async for frame in socket:
            if frame.type is WSMsgType.TEXT:
                await self._got(wire.parse(frame.data, wire.CLIENT_MESSAGES))
        return socket

    async def _got(self, message: Message) -> None:
        if isinstance(message, wire.Hello):
            assert message.csrf == "csrf-1"
            await self.send(self._welcome(), PresenceSet(Presence.BREAK, 0))
        elif isinstance(message, wire.Ping):
            await self.send(wire.Pong(message.sent_at))
        self.got.append(message)
        self.heard.set()

    def _welcome(self) -> Welcome:
        story = self.stories.get(self.calling or "")
        case, call = (story.case, story.call) if story else (None, None)
        account, name = _PEOPLE[self.role]
        return Welcome(
            1, self.role, name, "示例银行", case, None, None, call, None, None, (), 20.0, 5.0, "1", account
        )


def _fits(case: CaseSummary, asked: Mapping[str, Any]) -> bool:
    return (
        asked.get("text", "") in case.pii_customer_name + case.case
        and (not asked.get("phases") or case.phase in asked["phases"])
        and (not asked.get("reasons") or case.reason in asked["reasons"])
        and ("gaps" not in asked.get("flags", ()) or (case.gap_s or 0) >= 1)
    )


@asynccontextmanager
async def stand_in(files: Mapping[str, Path]) -> AsyncIterator[StandIn]:
    """Serve on a free port of the loopback."""
    kit = WebKit(APPS)
    server = StandIn(kit, files=files)
    app = web.Application()
    kit.install(app)
    app.router.add_post("/api/login", server.got_login)
    app.router.add_post("/api/logout", server.got_logout)
    app.router.add_get("/api/me", server.got_me)
    app.router.add_post("/api/cases/search", server.got_search)
    app.router.add_post("/api/audits/next", server.got_next)
    app.router.add_post("/api/cases/{case}/claim", server.got_claim)
    app.router.add_get("/api/staff", server.got_staff)
    app.router.add_route("*", "/api/views", server.got_views)
    app.router.add_post("/api/views/drop", server.got_views)
    app.router.add_get("/api/cases/{case}", server.got_case)
    app.router.add_post("/api/cases/{case}/verdict", server.got_verdict)
    app.router.add_post("/api/cases/{case}/reopen", server.got_verdict)
    app.router.add_post("/api/cases/{case}/renders", server.got_verdict)
    app.router.add_get("/api/cases/{case}/tracks", server.got_tracks)
    app.router.add_get("/api/cases/{case}/tracks/{track}", server.got_track)
    app.router.add_get("/api/cases/{case}/viewings", server.got_viewing)
    for what in ("viewings", "watched", "unmaskings", "unmaskings/{asked}"):
        app.router.add_post(f"/api/cases/{{case}}/{what}", server.got_viewing)
    app.router.add_post("/api/cases", server.got_new_case)
    app.router.add_post("/api/cases/{case}/files", server.got_shared)
    app.router.add_get("/api/callbacks", server.got_callbacks)
    app.router.add_post("/api/callbacks/{case}", server.got_new_case)
    app.router.add_get("/api/cases/{case}/files/{file:.+}", server.got_file)
    app.router.add_get("/ws", server.got_socket)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        if server.socket is not None:
            await server.socket.close()
        await runner.cleanup()
