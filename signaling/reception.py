"""The WebSocket endpoint: says who comes, then carries messages to the front."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import structlog
from aiohttp import web

from contract.errors import Denied, ProtocolError, TellerError
from contract.facts import CaseAdvanced, CaseCreated, TicketRedeemed
from contract.ids import CaseId, new_seat_id
from contract.phases import CaseEnd, CasePhase, Role
from contract.ports import AccountStore, CaseStore, CaseSummary, Clock, Journal
from contract.wire import Hello, Ping, Pong
from signaling.accounts import Accounts, LoggedIn, require_csrf, require_role
from signaling.actions import (
    AgentCame,
    CustomerCame,
    CustomerResumed,
    Got,
    Lost,
    SupervisorCame,
    Visitor,
)
from signaling.front import Front
from signaling.guard import Guard
from signaling.memory import Memory, remember
from signaling.settings import SignalingSettings
from signaling.socket import Socket, prepare, word_of
from signaling.tickets import TicketClaims, TicketExpired, Tickets
from signaling.turns import Turns, phase_of

_log = structlog.get_logger(__name__)

_STAFF = (Role.AGENT, Role.SUPERVISOR)
# An open console keeps its session from idling out, and is closed this soon after it has ended.
_CHECK_S = 60.0
# Orders of at least this many cases are not repeated: more than anybody begins before they are forgotten.
_REMEMBERED = 20


class Reception:
    """Handles ``/ws``."""

    def __init__(
        self,
        settings: SignalingSettings,
        front: Front,
        guard: Guard,
        tickets: Tickets,
        accounts: Accounts,
        people: AccountStore,
        cases: CaseStore,
        journal: Journal,
        clock: Clock,
        turns: Turns,
    ) -> None:
        self._settings = settings
        self._front = front
        self._guard = guard
        self._tickets = tickets
        self._accounts = accounts
        self._people = people
        self._cases = cases
        self._journal = journal
        self._clock = clock
        self._turns = turns

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one socket until it closes."""
        self._guard.require_origin(request)
        ws = await prepare(request, self._settings)
        transport = request.transport
        socket = Socket(ws, transport, self._settings, self._clock)
        async with asyncio.TaskGroup() as group:
            group.create_task(socket.write())
            try:
                await self._serve(request, socket, group)
            finally:
                await self._front.post(Lost(socket))
                socket.end("gone")
        return ws

    async def _serve(self, request: web.Request, socket: Socket, group: asyncio.TaskGroup) -> None:
        with _ending(socket):
            person = await self._admit(request, socket, await socket.hello())
            watch = group.create_task(self._watch(socket, person)) if person else None
            try:
                await self._carry(socket)
            finally:
                if watch is not None:
                    watch.cancel()

    async def _watch(self, socket: Socket, person: LoggedIn) -> None:
        with _ending(socket):
            while True:
                await asyncio.sleep(_CHECK_S)
                require_role(await self._accounts.check(person.token), person.account.role)

    async def _admit(self, request: web.Request, socket: Socket, hello: Hello) -> LoggedIn | None:
        proofs = [proof for proof in (hello.ticket, hello.resume, hello.csrf) if proof is not None]
        if len(proofs) != 1:
            raise ProtocolError("one of ticket, resume and csrf is wanted")
        if hello.resume is not None:
            address = self._guard.address(request)
            await self._front.post(CustomerResumed(socket, hello.resume, hello.language, address))
            return None
        if hello.ticket is not None:
            visitor = await self._redeem(hello.ticket, hello.language)
            await self._front.post(CustomerCame(socket, visitor, self._guard.address(request)))
            return None
        person = await self._guard.person(request)
        require_csrf(person, hello.csrf)
        require_role(person, *_STAFF)
        bank = await self._people.tenant(person.account.tenant)
        came = AgentCame if person.account.role is Role.AGENT else SupervisorCame
        await self._front.post(came(socket, person.account, bank.name))
        return person

    async def _redeem(self, text: str, language: str) -> Visitor:
        try:
            claims = await self._tickets.redeem(text)
        except TicketExpired as expired:
            await self._expire(expired.claims.case)
            raise
        async with self._turns.of(claims.case):
            case = await self._cases.case(claims.case)
            phase = phase_of(await self._journal.read(claims.case))
            if case.tenant != claims.tenant or phase is not CasePhase.CREATED:
                raise Denied("the case is under way or over", code="ticket_used")
            return await self._seat(claims, case, language)

    async def _seat(self, claims: TicketClaims, case: CaseSummary, language: str) -> Visitor:
        seat = new_seat_id()
        bank = await self._people.tenant(claims.tenant)
        skill, vip = await self._wanted(claims.case)
        history = await self._cases.customer_history(claims.tenant, case.pii_customer_ref, claims.case)
        await self._journal.append(claims.case, TicketRedeemed(claims.ticket, seat))
        await self._journal.append(claims.case, CaseAdvanced(CasePhase.CREATED, CasePhase.PRE_CALL))
        return Visitor(
            case=claims.case,
            tenant=claims.tenant,
            bank=bank.name,
            name=case.pii_customer_name,
            purpose=case.purpose,
            language=language,
            seat=seat,
            skill=skill,
            vip=vip,
            earlier=history.earlier,
            rejected=history.rejected,
            memory=await self._remember(case),
        )

    async def _wanted(self, case: CaseId) -> tuple[str, bool]:
        entries = await self._journal.read(case)
        created = next((entry.fact for entry in entries if isinstance(entry.fact, CaseCreated)), None)
        return (created.skill, created.vip) if created else ("", False)

    async def _remember(self, case: CaseSummary) -> Memory:
        """Return what this and the customer's earlier cases, as far as they are here, tell of checks."""
        since = self._clock.now() - self._settings.plan.identity.cool_down_s
        earlier = await self._cases.customer_cases(
            case.tenant, case.pii_customer_ref, newest=_REMEMBERED, since=since
        )
        cases = dict.fromkeys((*(one for one in reversed(earlier) if one != case.case), case.case))
        journals = [await self._journal.read(one) for one in cases]
        return replace(remember(journals), entered=tuple(entry.fact for entry in journals[-1]))

    async def _expire(self, case: CaseId) -> None:
        async with self._turns.of(case):
            if phase_of(await self._journal.read(case)) is CasePhase.CREATED:
                fact = CaseAdvanced(CasePhase.CREATED, CasePhase.EXPIRED, CaseEnd.TICKET_EXPIRED)
                await self._journal.append(case, fact)

    async def _carry(self, socket: Socket) -> None:
        while (message := await socket.receive()) is not None:
            match message:
                case Ping():
                    socket.send(Pong(message.sent_at))
                case Hello():
                    raise ProtocolError("hello comes once")
                case _:
                    await self._front.post(Got(socket, message))


@contextmanager
def _ending(socket: Socket) -> Iterator[None]:
    """End the socket with the word of whatever goes wrong inside."""
    try:
        yield
    except TellerError as error:
        _log.info("socket refused", code=error.code, pii_error=str(error))
        socket.end(word_of(error))
    except Exception:
        _log.exception("a socket broke")
        socket.end("internal")
