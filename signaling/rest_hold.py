"""REST of the auditor's right to hold a record: nobody deletes it while a dispute lasts."""

from dataclasses import dataclass
from typing import Annotated

from aiohttp import web

from contract import codec
from contract.codec import Text
from contract.errors import WrongPhase
from contract.facts import Entry
from contract.keeping_facts import HoldLifted, HoldSet
from contract.phases import Role
from signaling.intake import Intake
from signaling.rest_cases import Cases
from signaling.rooms import Rooms


@dataclass(frozen=True, slots=True)
class HoldBody:
    """POST /api/cases/{case}/hold."""

    on: bool
    reason: Annotated[str, Text(2_000, min=3)]


class Holds:
    """Sets and lifts holds; what is deleted and when is another room's."""

    def __init__(self, rooms: Rooms, intake: Intake, cases: Cases) -> None:
        self._rooms, self._intake, self._cases = rooms, intake, cases

    async def hold(self, request: web.Request) -> web.Response:
        """Hold the record or lift the hold, with a reason. Errors: ``wrong_role``, ``held``, ``not_held``."""
        person = await self._rooms.guard.require(request, Role.AUDITOR)
        body = await self._intake.body(request, HoldBody)
        case = (await self._cases.seen_by(person, request.match_info["case"])).case
        if is_held(await self._rooms.journal.read(case)) == body.on:
            raise WrongPhase("so it is already", code="held" if body.on else "not_held")
        account = person.account
        kind = HoldSet if body.on else HoldLifted
        await self._rooms.journal.append(case, kind(account.account, account.name, body.reason))
        return web.json_response({"case": codec.dump(await self._rooms.cases.case(case)), "held": body.on})


def is_held(entries: tuple[Entry, ...]) -> bool:
    """Tell whether the last word about holds was that there is one."""
    told = (entry.fact for entry in reversed(entries) if isinstance(entry.fact, HoldSet | HoldLifted))
    return isinstance(next(told, None), HoldSet)
