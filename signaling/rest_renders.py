"""REST of renders: an auditor has a film made anew with another template."""

from dataclasses import dataclass
from typing import Annotated

from aiohttp import web

from contract.codec import Text
from contract.errors import WrongPhase
from contract.facts import MergeCompleted, RenderRequested, SpoolReleased
from contract.phases import Role, Template
from signaling.intake import Intake
from signaling.rest_cases import Cases
from signaling.rooms import Rooms


@dataclass(frozen=True, slots=True)
class RenderBody:
    """POST /api/cases/{case}/renders."""

    template: Template
    reason: Annotated[str, Text(2_000, min=3)]


class Renders:
    """Queues renders of archived films."""

    def __init__(self, rooms: Rooms, intake: Intake, cases: Cases) -> None:
        self._rooms, self._intake, self._cases = rooms, intake, cases

    async def request(self, request: web.Request) -> web.Response:
        """Queue a render; of one case and template there is one job, however often it is asked for.

        ``wrong_phase`` while the record is not in the archive, or where there is no film.
        """
        person = await self._rooms.guard.require(request, Role.AUDITOR)
        body = await self._intake.body(request, RenderBody)
        case = await self._cases.seen_by(person, request.match_info["case"])
        facts = [entry.fact for entry in await self._rooms.journal.read(case.case)]
        if not all(any(isinstance(fact, kind) for fact in facts) for kind in (MergeCompleted, SpoolReleased)):
            raise WrongPhase("there is no archived film of this case")
        asked = RenderRequested(person.account.account, body.template, body.reason)
        await self._rooms.journal.append(case.case, asked)
        job = await self._rooms.jobs.enqueue(f"render_{body.template}", case.case)
        return web.json_response({"job": job}, status=202)
