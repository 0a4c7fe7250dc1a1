"""REST of the auditors' queue: the next case, and who has which one before him."""

from collections.abc import Collection
from dataclasses import dataclass

from aiohttp import web

from contract import codec
from contract.errors import WrongPhase
from contract.ids import AccountId, CaseId
from contract.phases import CasePhase, Role
from contract.ports import CaseSummary
from signaling.accounts import LoggedIn
from signaling.claims import claims_told
from signaling.intake import Intake
from signaling.rest_cases import Cases
from signaling.rooms import Rooms
from signaling.sign_off import awaits

# A page that is open says so five times in this time; one that went away without a word blocks nobody.
CLAIM_S = 600.0


@dataclass(frozen=True, slots=True)
class NextBody:
    """POST /api/audits/next; ``but`` are cases that this auditor has passed over."""

    but: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ClaimBody:
    """POST /api/cases/{case}/claim."""

    on: bool


class Queue:
    """Hands cases to auditors."""

    def __init__(self, rooms: Rooms, intake: Intake, cases: Cases) -> None:
        self._rooms, self._intake, self._cases = rooms, intake, cases

    async def next(self, request: web.Request) -> web.Response:
        """Claim what is due first among what waits for this auditor; ``case`` is null when nothing does."""
        person = await self._rooms.guard.require(request, Role.AUDITOR)
        body = await self._intake.body(request, NextBody)
        case = await self._handed(person, frozenset(body.but))
        return web.json_response({"case": case and codec.dump(case)})

    async def claim(self, request: web.Request) -> web.Response:
        """Keep a case for longer, or give it back. Errors: ``claimed`` by somebody else, ``wrong_phase``."""
        person = await self._rooms.guard.require(request, Role.AUDITOR)
        body = await self._intake.body(request, ClaimBody)
        case = await self._cases.seen_by(person, request.match_info["case"])
        mine = person.account.account
        if not body.on:
            await self._rooms.audits.release(case.case, mine)
        elif case.phase is not CasePhase.UNDER_AUDIT:
            raise WrongPhase("the case is not under audit")
        elif not await self._take(case.case, mine):
            raise WrongPhase("somebody else has this case before him", code="claimed")
        return web.json_response({"claims": await claims_told(self._rooms, (case.case,))})

    async def _handed(self, person: LoggedIn, but: Collection[str]) -> CaseSummary | None:
        mine, tenant = person.account.account, person.account.tenant
        for case in await self._rooms.audits.waiting(tenant, mine, self._rooms.clock.now()):
            # What the search lags behind, or is not for him, is passed over.
            if case in but or not awaits(await self._rooms.journal.read(case), mine):
                continue
            if await self._take(case, mine):
                return await self._rooms.cases.case(case)
        return None

    async def _take(self, case: CaseId, account: AccountId) -> bool:
        now = self._rooms.clock.now()
        return await self._rooms.audits.claim(case, account, now, now + CLAIM_S)
