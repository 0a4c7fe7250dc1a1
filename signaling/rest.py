"""The REST half of the front door: its table, and who is logged in."""

from dataclasses import dataclass
from typing import Annotated

from aiohttp import web

from contract.codec import Text
from contract.ids import CaseId
from contract.phases import Role
from contract.viewing import Viewer
from signaling.accounts import LoggedIn
from signaling.equipment import Equipment
from signaling.guard import Handler, answering_errors
from signaling.intake import Intake
from signaling.rest_audit import Audit
from signaling.rest_cases import Cases
from signaling.rest_desk import Lobby
from signaling.rest_files import Files
from signaling.rest_hold import Holds
from signaling.rest_queue import Queue
from signaling.rest_renders import Renders
from signaling.rest_search import Search
from signaling.rest_self import SelfService
from signaling.rest_viewing import Viewing
from signaling.rooms import Rooms
from signaling.settings import SignalingSettings


@dataclass(frozen=True, slots=True)
class LoginBody:
    """POST /api/login."""

    login: Annotated[str, Text(128, min=1)]
    password: Annotated[str, Text(1024, min=1)]


class Rest:
    """Handlers of ``/api/*``."""

    def __init__(self, settings: SignalingSettings, rooms: Rooms, equipment: Equipment) -> None:
        self._rooms = rooms
        self._intake = Intake(settings, rooms)
        self._cases = Cases(settings, rooms, self._intake)
        self._queue = Queue(rooms, self._intake, self._cases)
        self._search = Search(rooms, self._intake)
        self._viewing = Viewing(rooms, self._intake, self._cases, settings.may_download)
        self._holds = Holds(rooms, self._intake, self._cases)
        self._audit = Audit(rooms, self._intake, self._cases, self._viewing, settings, equipment.decide)
        self._renders = Renders(rooms, self._intake, self._cases)
        self._files = Files(settings, rooms, self._intake, self._cases)
        self._lobby = Lobby(settings, rooms, self._intake, self._cases)
        self._self = SelfService(settings, rooms, self._intake, self._cases, equipment)

    def routes(self) -> list[web.RouteDef]:
        """Return the routes, errors answered as JSON."""
        cases, files, lobby, viewing = self._cases, self._files, self._lobby, self._viewing
        table: tuple[tuple[str, str, Handler], ...] = (
            ("POST", "/api/login", self.login),
            ("POST", "/api/logout", self.logout),
            ("GET", "/api/me", self.me),
            ("GET", "/api/desk", lobby.desk),
            ("POST", "/api/probe", lobby.probe),
            ("GET", "/api/callbacks", lobby.callbacks),
            ("POST", "/api/callbacks/{case}", lobby.call_back),
            ("POST", "/api/walk-in", cases.walk_in),
            ("POST", "/api/cases", cases.create),
            ("POST", "/api/cases/search", self._search.found),
            ("GET", "/api/staff", self._search.staff),
            ("GET", "/api/views", self._search.views),
            ("POST", "/api/views", self._search.keep_view),
            ("POST", "/api/views/drop", self._search.drop_view),
            ("GET", "/api/cases/{case}", cases.one),
            ("POST", "/api/audits/next", self._queue.next),
            ("POST", "/api/cases/{case}/claim", self._queue.claim),
            ("POST", "/api/cases/{case}/verdict", self._audit.verdict),
            ("POST", "/api/cases/{case}/reopen", self._audit.reopen),
            ("POST", "/api/cases/{case}/hold", self._holds.hold),
            ("POST", "/api/cases/{case}/renders", self._renders.request),
            ("GET", "/api/cases/{case}/viewings", viewing.one),
            ("POST", "/api/cases/{case}/viewings", viewing.begin),
            ("POST", "/api/cases/{case}/watched", viewing.watched),
            ("POST", "/api/cases/{case}/unmaskings", viewing.ask_unmask),
            ("POST", "/api/cases/{case}/unmaskings/{asked}", viewing.answer_unmask),
            ("POST", "/api/cases/{case}/stills/{request}", files.still),
            ("POST", "/api/cases/{case}/files", files.share),
            # Files of the record, named by path, are served by another room under the same prefix.
            ("GET", "/api/cases/{case}/files/{evidence:ev-[0-9a-z]{16}}", files.shared),
            ("POST", "/api/cases/{case}/rating", lobby.rate),
            ("GET", "/api/cases/{case}/self-checks", self._self.result),
            ("POST", "/api/cases/{case}/self-checks", self._self.start),
            ("POST", "/api/cases/{case}/self-checks/{check}/verdict", self._self.verdict),
            ("POST", "/api/cases/{case}/self-checks/{check}/pictures/{what}", self._self.picture),
        )
        return [web.route(method, path, answering_errors(handler)) for method, path, handler in table]

    async def authorise(self, request: web.Request, case: CaseId) -> Viewer:
        """Return who may open files of ``case``: who may see it. Raises Denied or NotFound."""
        return await self._cases.authorise(request, case)

    async def login(self, request: web.Request) -> web.Response:
        """Start a session. Errors: ``login_failed``, ``busy``, ``origin``."""
        self._rooms.guard.require_origin(request)
        self._intake.slow_down(request, "login")
        body = await self._intake.body(request, LoginBody)
        person = await self._rooms.accounts.login(body.login, body.password)
        response = web.json_response(await self._about(person))
        self._rooms.guard.set_cookie(request, response, person.token)
        return response

    async def logout(self, request: web.Request) -> web.Response:
        """End the session."""
        person = await self._rooms.guard.require(request, *Role)
        await self._rooms.accounts.logout(person.token)
        response = web.json_response({})
        self._rooms.guard.drop_cookie(request, response)
        return response

    async def me(self, request: web.Request) -> web.Response:
        """Tell a reloaded page who is logged in, CSRF token included."""
        return web.json_response(await self._about(await self._rooms.guard.person(request)))

    async def _about(self, person: LoggedIn) -> dict[str, str]:
        account = person.account
        bank = await self._rooms.people.tenant(account.tenant)
        return {
            "account": account.account,
            "name": account.name,
            "role": account.role.value,
            "bank": bank.name,
            "tenant": bank.code,
            "csrf": person.csrf,
        }
