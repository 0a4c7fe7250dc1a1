"""The front door as one thing with a lifetime."""

from typing import Any, Self

from aiohttp import web

from contract.ids import CaseId, SeatId
from contract.ports import (
    AccountStore,
    AuditQueue,
    CaseStore,
    Clock,
    EvidenceStore,
    IdentityChecks,
    JobQueue,
    Journal,
    MediaPlane,
    RecordedCalls,
    TicketLedger,
    ViewStore,
)
from contract.viewing import Viewer
from signaling.accounts import Accounts
from signaling.ceilings import Ceilings
from signaling.commands import Ports
from signaling.equipment import Equipment
from signaling.front import Front
from signaling.guard import Guard, answering_errors
from signaling.reception import Reception
from signaling.rest import Rest
from signaling.rooms import Rooms
from signaling.settings import SignalingSettings
from signaling.tickets import Tickets
from signaling.turns import Turns


class Signaling:
    """Sockets, tickets, accounts, REST and calls; an async context manager.

    Leaving it ends every call as SERVER_STOPPED and finishes the recordings.
    """

    def __init__(
        self,
        settings: SignalingSettings,
        journal: Journal,
        media: MediaPlane,
        recorder: RecordedCalls,
        evidence: EvidenceStore,
        identity: IdentityChecks,
        accounts: AccountStore,
        tickets_ledger: TicketLedger,
        cases: CaseStore,
        audits: AuditQueue,
        views: ViewStore,
        jobs: JobQueue,
        clock: Clock,
        equipment: Equipment | None = None,
    ) -> None:
        self._settings = settings
        self._tickets = Tickets(settings.secret, tickets_ledger, clock)
        people = Accounts(settings, accounts, clock)
        guard = Guard(settings, people)
        equipment = equipment or Equipment()
        turns = Turns()
        ceilings = Ceilings(journal, cases, clock, settings.plan.identity)
        ports = Ports(journal, media, recorder, evidence, identity, jobs, clock, ceilings, equipment)
        self._front = Front(settings, ports, self._issue_upload)
        self._reception = Reception(
            settings, self._front, guard, self._tickets, people, accounts, cases, journal, clock, turns
        )
        self._rest = Rest(
            settings,
            Rooms(
                self._front, guard, people, self._tickets, accounts, cases, audits, views,
                journal, evidence, identity, jobs, clock, turns, ceilings,
            ),
            equipment,
        )  # fmt: skip

    async def __aenter__(self) -> Self:
        await self._front.__aenter__()
        return self

    async def __aexit__(self, *exc: Any) -> None:
        await self._front.__aexit__(*exc)

    def routes(self) -> list[web.RouteDef]:
        """Return ``/ws`` and ``/api/*``."""
        return [web.get("/ws", answering_errors(self._reception.handle)), *self._rest.routes()]

    def add_to(self, app: web.Application) -> None:
        """Add the routes to ``app``; sockets are told goodbye before the server waits for them."""
        app.add_routes(self.routes())
        app.on_shutdown.append(self._on_shutdown)

    def show_alarms(self, words: tuple[str, ...]) -> None:
        """Show these words on every wallboard until told otherwise: what is wrong with the whole house."""
        self._front.show_alarms(words)

    async def authorise(self, request: web.Request, case: CaseId) -> Viewer:
        """Return who may open files of ``case``. Raises Denied or NotFound."""
        return await self._rest.authorise(request, case)

    async def _on_shutdown(self, app: web.Application) -> None:
        await self._front.stop()

    def _issue_upload(self, case: CaseId, seat: SeatId) -> str:
        return self._tickets.issue_upload(case, seat, self._settings.upload_token_s)
