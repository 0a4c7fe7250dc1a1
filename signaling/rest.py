"""The REST half of the front door."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from aiohttp import web

from contract import codec
from contract.codec import Text
from contract.errors import Busy, Denied, NotFound, ProtocolError, Unproven, WrongPhase
from contract.facts import (
    AgentDecided,
    AuditSigned,
    CaseAdvanced,
    CaseCreated,
    Entry,
    Fact,
    TicketIssued,
    dump_entry,
)
from contract.ids import AccountId, CaseId, EvidenceId, TenantId, is_id, new_case_id
from contract.phases import CasePhase, Outcome, Role, Verdict, advance_case
from contract.ports import (
    AccountStore,
    CaseStore,
    CaseSummary,
    Clock,
    Evidence,
    EvidenceStore,
    IdentityChecks,
    ImageFinding,
    JobQueue,
    Journal,
)
from signaling.accounts import Accounts, LoggedIn
from signaling.actions import ReleaseStill
from signaling.buckets import Buckets
from signaling.front import Front
from signaling.guard import Guard, Handler, answering_errors
from signaling.settings import SignalingSettings
from signaling.tickets import Tickets, UploadClaims

_T = TypeVar("_T")
_F = TypeVar("_F", bound=Fact)
# An administrator keeps accounts; what customers said and showed is not for that.
_SEES_CASES = (Role.AGENT, Role.SUPERVISOR, Role.AUDITOR)
_LIMIT_MAX = 200


@dataclass(frozen=True, slots=True)
class LoginBody:
    """POST /api/login."""

    login: Annotated[str, Text(128, min=1)]
    password: Annotated[str, Text(1024, min=1)]


@dataclass(frozen=True, slots=True)
class WalkInBody:
    """POST /api/walk-in; ``tenant`` is the bank's link code."""

    tenant: Annotated[str, Text(64, min=1)]
    language: Annotated[str, Text(16)] = "zh-CN"


@dataclass(frozen=True, slots=True)
class CaseBody:
    """POST /api/cases."""

    customer_name: Annotated[str, Text(200)] = ""
    purpose: Annotated[str, Text(64)] = ""


@dataclass(frozen=True, slots=True)
class VerdictBody:
    """POST /api/cases/{case}/verdict."""

    verdict: Verdict
    reason: Annotated[str, Text(2_000)] = ""


@dataclass(frozen=True, slots=True)
class Rooms:
    """What the handlers ask."""

    front: Front
    guard: Guard
    accounts: Accounts
    tickets: Tickets
    people: AccountStore
    cases: CaseStore
    journal: Journal
    evidence: EvidenceStore
    identity: IdentityChecks
    jobs: JobQueue
    clock: Clock


class Rest:
    """Handlers of ``/api/*``."""

    def __init__(self, settings: SignalingSettings, rooms: Rooms) -> None:
        self._settings = settings
        self._rooms = rooms
        self._per_ip = Buckets(settings.per_ip_per_minute / 60, settings.per_ip_burst)
        self._signing: set[CaseId] = set()

    def routes(self) -> list[web.RouteDef]:
        """Return the routes, errors answered as JSON."""
        table: tuple[tuple[str, str, Handler], ...] = (
            ("POST", "/api/login", self.login),
            ("POST", "/api/logout", self.logout),
            ("GET", "/api/me", self.me),
            ("POST", "/api/walk-in", self.walk_in),
            ("POST", "/api/cases", self.create_case),
            ("GET", "/api/cases", self.cases),
            ("GET", "/api/cases/{case}", self.case),
            ("POST", "/api/cases/{case}/verdict", self.verdict),
            ("POST", "/api/cases/{case}/stills/{request}", self.still),
        )
        return [web.route(method, path, answering_errors(handler)) for method, path, handler in table]

    # --- people ---

    async def login(self, request: web.Request) -> web.Response:
        """Start a session. Errors: ``login_failed``, ``busy``, ``origin``."""
        self._rooms.guard.require_origin(request)
        self._slow_down(request, "login")
        body = await self._body(request, LoginBody)
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

    # --- cases ---

    async def walk_in(self, request: web.Request) -> web.Response:
        """Open a case for whoever taps; ``not_found`` unless the bank's front door is open."""
        self._rooms.guard.require_origin(request)
        self._slow_down(request, "walk-in")
        body = await self._body(request, WalkInBody)
        bank = await self._rooms.people.tenant_by_code(body.tenant)
        if not bank.walk_in:
            raise NotFound("no such front door")
        case, ticket, expires_at = await self._open_case(
            bank.tenant, "", self._settings.purpose, self._settings.walk_in_ticket_s
        )
        return web.json_response({"case": case, "ticket": ticket, "expires_at": expires_at}, status=201)

    async def create_case(self, request: web.Request) -> web.Response:
        """Open a case and return the link for the customer."""
        person = await self._rooms.guard.require(request, Role.AGENT, Role.SUPERVISOR)
        body = await self._body(request, CaseBody)
        case, ticket, expires_at = await self._open_case(
            person.account.tenant,
            body.customer_name,
            body.purpose or self._settings.purpose,
            self._settings.link_ticket_s,
        )
        url = f"{self._settings.public_url}/c/#ticket={ticket}"
        told = {"case": case, "ticket": ticket, "url": url, "expires_at": expires_at}
        return web.json_response(told, status=201)

    async def _open_case(
        self, tenant: TenantId, name: str, purpose: str, lifetime_s: float
    ) -> tuple[CaseId, str, float]:
        case = new_case_id()
        ticket_id, ticket, expires_at = self._rooms.tickets.issue(case, tenant, lifetime_s)
        await self._rooms.journal.append(case, CaseCreated(tenant, purpose, self._settings.policy, name))
        await self._rooms.journal.append(case, TicketIssued(ticket_id, expires_at))
        return case, ticket, expires_at

    async def cases(self, request: web.Request) -> web.Response:
        """List the tenant's cases: ``text``, ``phase`` (repeatable), ``limit``, ``offset``.

        An agent gets only his own.
        """
        person = await self._rooms.guard.require(request, *_SEES_CASES)
        query = request.query
        try:
            phases = tuple(CasePhase(phase) for phase in query.getall("phase", []) if phase)
        except ValueError as error:
            raise ProtocolError("unknown phase") from error
        found = await self._rooms.cases.cases(
            person.account.tenant,
            text=query.get("text", "")[:200],
            phases=phases,
            agent=person.account.account if person.account.role is Role.AGENT else None,
            limit=_number(query.get("limit"), 50, 1, _LIMIT_MAX),
            offset=_number(query.get("offset"), 0, 0, 1_000_000),
        )
        return web.json_response({"cases": [codec.dump(case) for case in found]})

    async def case(self, request: web.Request) -> web.Response:
        """Return one case with its journal and jobs."""
        person = await self._rooms.guard.require(request, *_SEES_CASES)
        case = await self._case_of(request, person)
        entries = await self._rooms.journal.read(case.case)
        jobs = await self._rooms.jobs.for_case(case.case)
        return web.json_response(
            {
                "case": codec.dump(case),
                "entries": [json.loads(dump_entry(entry)) for entry in entries],
                "jobs": [codec.dump(job) for job in jobs],
            }
        )

    async def authorise(self, request: web.Request, case: CaseId) -> AccountId:
        """Return who may open files of ``case``: who may see it. Raises Denied or NotFound."""
        person = await self._rooms.guard.require(request, *_SEES_CASES)
        await self._own_case(case, person)
        return person.account.account

    async def _case_of(self, request: web.Request, person: LoggedIn) -> CaseSummary:
        return await self._own_case(CaseId(request.match_info["case"]), person)

    async def _own_case(self, case: CaseId, person: LoggedIn) -> CaseSummary:
        if not is_id(case):
            raise NotFound("no such case")
        found = await self._rooms.cases.case(case)
        account = person.account
        if found.tenant != account.tenant or (account.role is Role.AGENT and found.agent != account.account):
            raise NotFound("no such case")
        return found

    # --- audit ---

    async def verdict(self, request: web.Request) -> web.Response:
        """Sign the record off; the same verdict again finishes what was cut off after the signature.

        Errors: ``wrong_role``, ``same_person``, ``outcome_not_passed``, ``wrong_phase``.
        """
        person = await self._rooms.guard.require(request, Role.AUDITOR)
        body = await self._body(request, VerdictBody)
        case = await self._case_of(request, person)
        if case.agent == person.account.account:
            raise Denied("the agent of a case may not audit it", code="same_person")
        with self._alone(case.case):
            await self._sign(case, person.account.account, body)
        return web.json_response({"case": codec.dump(await self._rooms.cases.case(case.case))})

    @contextmanager
    def _alone(self, case: CaseId) -> Iterator[None]:
        if case in self._signing:
            raise WrongPhase("somebody signs this case at this moment")
        self._signing.add(case)
        try:
            yield
        finally:
            self._signing.discard(case)

    async def _sign(self, case: CaseSummary, auditor: AccountId, body: VerdictBody) -> None:
        entries = await self._rooms.journal.read(case.case)
        signed = _last(entries, AuditSigned)
        if signed is None:
            _require_signable(entries, body.verdict)
            signed = AuditSigned(auditor, body.verdict, body.reason, case.manifest_sha256)
            await self._rooms.journal.append(case.case, signed)
        await self._finish_signing(case.case, _phase(entries), signed.verdict)
        if (signed.auditor, signed.verdict) != (auditor, body.verdict):
            raise WrongPhase("the case is signed already")

    async def _finish_signing(self, case: CaseId, phase: CasePhase, verdict: Verdict) -> None:
        to = CasePhase.APPROVED if verdict is Verdict.APPROVED else CasePhase.REJECTED
        if phase is not to:
            await self._rooms.journal.append(case, CaseAdvanced(phase, advance_case(phase, to)))
        await self._rooms.jobs.enqueue("archive_journal", case)

    # --- stills ---

    async def still(self, request: web.Request) -> web.Response:
        """Take the picture that the phone was asked for."""
        claims = self._upload_claims(request)
        wanted = EvidenceId(request.match_info["request"])
        kind = await self._rooms.front.claim_still(claims.case, claims.seat, wanted)
        try:
            data = await self._read(request, self._settings.still_max)
            image = await self._rooms.identity.inspect_image(data)
            await self._rooms.front.confirm_still(claims.case, claims.seat, wanted)
            stored = await self._rooms.evidence.store(claims.case, wanted, kind, data, image, "phone")
        finally:
            await self._rooms.front.post(ReleaseStill(claims.case, wanted))
        return web.json_response(_about_still(stored, image), status=201)

    def _upload_claims(self, request: web.Request) -> UploadClaims:
        self._rooms.guard.require_origin(request)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer":
            raise Unproven("a bearer token is wanted", code="upload_denied")
        claims = self._rooms.tickets.check_upload(token)
        if claims.case != request.match_info["case"]:
            raise NotFound("no such case")
        return claims

    # --- bodies and bounds ---

    async def _body(self, request: web.Request, cls: type[_T]) -> _T:
        if request.content_type != "application/json":
            raise ProtocolError("application/json is wanted")
        data = await self._read(request, self._settings.body_max)
        try:
            parsed: Any = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise ProtocolError("not JSON") from error
        return codec.load(cls, parsed)

    async def _read(self, request: web.Request, bound: int) -> bytes:
        try:
            async with asyncio.timeout(self._settings.body_s):
                return await _read(request, bound)
        except TimeoutError as error:
            raise web.HTTPRequestTimeout from error

    def _slow_down(self, request: web.Request, what: str) -> None:
        source = f"{what} {self._rooms.guard.address(request)}"
        if not self._per_ip.take(source, self._rooms.clock.monotonic()):
            raise Busy("too many requests from this address", code="too_fast")


async def _read(request: web.Request, bound: int) -> bytes:
    """Return the body; raise HTTPRequestEntityTooLarge as soon as it passes ``bound``."""
    if (announced := request.content_length or 0) > bound:
        raise web.HTTPRequestEntityTooLarge(bound, announced)
    body = bytearray()
    async for block in request.content.iter_chunked(65_536):
        body += block
        if len(body) > bound:
            raise web.HTTPRequestEntityTooLarge(bound, len(body))
    return bytes(body)


def _last(entries: tuple[Entry, ...], kind: type[_F]) -> _F | None:
    return next((entry.fact for entry in reversed(entries) if isinstance(entry.fact, kind)), None)


def _phase(entries: tuple[Entry, ...]) -> CasePhase:
    moved = _last(entries, CaseAdvanced)
    return moved.now if moved else CasePhase.CREATED


def _require_signable(entries: tuple[Entry, ...], verdict: Verdict) -> None:
    if _phase(entries) is not CasePhase.UNDER_AUDIT:
        raise WrongPhase("the case is not under audit")
    decided = _last(entries, AgentDecided)
    if verdict is Verdict.APPROVED and (decided is None or decided.outcome is not Outcome.PASSED):
        raise WrongPhase("the agent did not let the customer pass", code="outcome_not_passed")


def _number(text: str | None, default: int, low: int, high: int) -> int:
    if text is None or text == "":
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise ProtocolError("a number is wanted")
    return max(low, min(high, int(text)))


def _about_still(stored: Evidence, image: ImageFinding) -> dict[str, Any]:
    return {
        "evidence": stored.evidence,
        "width": image.width,
        "height": image.height,
        "sharpness": image.sharpness,
        "sha256": stored.sha256,
        "bytes": stored.bytes,
    }
