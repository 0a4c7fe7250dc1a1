"""REST of cases: opened for customers, found again, told with their journals."""

import asyncio
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import segno
from aiohttp import web

from contract import codec
from contract.codec import Text
from contract.errors import NotFound
from contract.facts import CaseCreated, Entry, TicketIssued, dump_entry
from contract.ids import CaseId, TenantId, is_id, new_case_id
from contract.phases import Role
from contract.ports import CaseSummary
from contract.viewing import Viewer, sees_cards
from signaling.accounts import LoggedIn
from signaling.claims import claims_told
from signaling.intake import Intake
from signaling.job_outlook import outlook
from signaling.masking import masked, numbers_of
from signaling.rooms import Rooms
from signaling.settings import SignalingSettings
from signaling.sign_off import withheld

# An administrator keeps accounts; what customers said and showed is not for that.
SEES_CASES = (Role.AGENT, Role.SUPERVISOR, Role.AUDITOR)
# What stands in place of a verdict that must not be seen yet; the chain's hashes stay.
_WITHHELD: dict[str, Any] = {"name": "Withheld", "fact": {}}
# A link needs about 70 modules: some 400 pixels, sharp on a screen, and 5 cm wide in print at 200 dpi.
_MODULE_PX = 6


@dataclass(frozen=True, slots=True)
class WalkInBody:
    """POST /api/walk-in; ``tenant`` is the bank's link code."""

    tenant: Annotated[str, Text(64, min=1)]
    language: Annotated[str, Text(16)] = "zh-CN"


@dataclass(frozen=True, slots=True)
class CaseBody:
    """POST /api/cases; ``customer_ref`` is the bank's own name for the customer."""

    customer_name: Annotated[str, Text(200)] = ""
    purpose: Annotated[str, Text(64)] = ""
    customer_ref: Annotated[str, Text(64)] = ""
    skill: Annotated[str, Text(64)] = ""
    vip: bool = False


class Cases:
    """Handlers of cases, and who may see which."""

    def __init__(self, settings: SignalingSettings, rooms: Rooms, intake: Intake) -> None:
        self._settings = settings
        self._rooms = rooms
        self._intake = intake

    async def walk_in(self, request: web.Request) -> web.Response:
        """Open a case for whoever taps; ``not_found`` unless the bank's front door is open."""
        self._rooms.guard.require_origin(request)
        self._intake.slow_down(request, "walk-in")
        body = await self._intake.body(request, WalkInBody)
        bank = await self._rooms.people.tenant_by_code(body.tenant)
        if not bank.walk_in:
            raise NotFound("no such front door")
        created = CaseCreated(bank.tenant, self._settings.purpose, self._settings.policy, "")
        case, ticket, expires_at = await self._open(created, self._settings.walk_in_ticket_s)
        return web.json_response({"case": case, "ticket": ticket, "expires_at": expires_at}, status=201)

    async def create(self, request: web.Request) -> web.Response:
        """Open a case and return the link for the customer, also as a QR code."""
        person = await self._rooms.guard.require(request, Role.AGENT, Role.SUPERVISOR)
        body = await self._intake.body(request, CaseBody)
        created = CaseCreated(
            tenant=person.account.tenant,
            purpose=body.purpose or self._settings.purpose,
            policy=self._settings.policy,
            pii_customer_name=body.customer_name,
            pii_customer_ref=body.customer_ref.strip(),
            skill=body.skill.strip(),
            vip=body.vip,
        )
        return web.json_response(await self.invite(created, request), status=201)

    async def invite(self, created: CaseCreated, request: web.Request) -> dict[str, str | float]:
        """Open the case; return its id with ticket, link and the link's end (seconds UTC).

        ``qr`` is a picture of the link, as a data URL. A phone needs a whole address: where the server does
        not know its own name, that at which the request came.
        """
        case, ticket, expires_at = await self._open(created, self._settings.link_ticket_s)
        path, public_url = f"/c/#ticket={ticket}", self._settings.public_url
        whole = (public_url or self._rooms.guard.origin(request)) + path
        # 40 ms of arithmetic, for which the sockets are not to wait.
        qr = await asyncio.to_thread(_qr, whole)
        return {"case": case, "ticket": ticket, "url": public_url + path, "expires_at": expires_at, "qr": qr}

    async def _open(self, created: CaseCreated, lifetime_s: float) -> tuple[CaseId, str, float]:
        case = new_case_id()
        ticket_id, ticket, expires_at = self._rooms.tickets.issue(case, created.tenant, lifetime_s)
        await self._rooms.journal.append(case, created)
        await self._rooms.journal.append(case, TicketIssued(ticket_id, expires_at))
        return case, ticket, expires_at

    async def one(self, request: web.Request) -> web.Response:
        """Return one case with its journal and jobs; numbers of cards hidden where they must be."""
        person = await self._rooms.guard.require(request, *SEES_CASES)
        case = await self.seen_by(person, request.match_info["case"])
        viewer = await self._viewer(person, case)
        entries = await self._rooms.journal.read(case.case)
        hidden = withheld(entries, person.account.account)
        clear = sees_cards(entries, viewer, self._rooms.clock.now())
        # The journal of half an hour takes a second of arithmetic, for which the sockets are not to wait.
        lines = await asyncio.to_thread(_lines, entries, hidden, clear)
        claims = [] if person.account.role is Role.AGENT else await claims_told(self._rooms, (case.case,))
        jobs, now = await self._rooms.jobs.for_case(case.case), self._rooms.clock.now()
        told = {
            "case": codec.dump(case),
            "entries": lines,
            "claims": claims,
            "jobs": [codec.dump(job) | codec.dump(outlook(job, now)) for job in jobs],
        }
        return web.json_response(text=await asyncio.to_thread(json.dumps, told))

    async def authorise(self, request: web.Request, case: str) -> Viewer:
        """Return who asks, if that is somebody who may see ``case``. Raises Denied or NotFound."""
        person = await self._rooms.guard.require(request, *SEES_CASES)
        return await self._viewer(person, await self.seen_by(person, case))

    async def _viewer(self, person: LoggedIn, case: CaseSummary) -> Viewer:
        account = person.account
        at_work = account.role is Role.AGENT or (
            account.role is Role.SUPERVISOR and await self._rooms.front.seated(case.case, account.account)
        )
        return Viewer(account.account, at_work, account.login in self._settings.may_download)

    async def seen_by(self, person: LoggedIn, case: str) -> CaseSummary:
        """Return the case if it is of the person's bank, and an agent's own or of the call he sits in.

        Raises:
            NotFound: otherwise, whether there is such a case or not.
        """
        found = await self.of_tenant(person.account.tenant, case)
        account = person.account
        if account.role is not Role.AGENT or found.agent == account.account:
            return found
        if not await self._rooms.front.seated(found.case, account.account):
            raise NotFound("no such case")
        return found

    async def of_tenant(self, tenant: TenantId, case: str) -> CaseSummary:
        """Return a case of this bank. Raises NotFound."""
        if not is_id(case):
            raise NotFound("no such case")
        found = await self._rooms.cases.case(CaseId(case))
        if found.tenant != tenant:
            raise NotFound("no such case")
        return found


def _lines(entries: Sequence[Entry], hidden: Collection[int], clear: bool) -> list[dict[str, Any]]:
    """Return entries as pages are told them: without what is ``hidden``, cards' numbers only if ``clear``."""
    lines = [json.loads(dump_entry(entry)) | (_WITHHELD if entry.seq in hidden else {}) for entry in entries]
    return lines if clear else masked(lines, numbers_of(entries))


def _qr(link: str) -> str:
    """Return a PNG of the QR code, black on white with the border that scanners need, as a data URL."""
    return str(segno.make_qr(link, error="m").png_data_uri(scale=_MODULE_PX))
