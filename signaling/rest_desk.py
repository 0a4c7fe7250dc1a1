"""REST around the conversation: is anybody there, how fast is the line, call me back, how was it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

from aiohttp import web

from contract.codec import Number, Text
from contract.errors import NotFound, WrongPhase
from contract.facts import CallAdvanced, CallbackMade, CaseCreated, Entry, ServiceRated
from contract.ids import CaseId
from contract.phases import CallPhase, Role
from contract.ports import CaseSummary
from signaling.intake import Intake
from signaling.rest_cases import Cases
from signaling.rooms import Rooms
from signaling.settings import SignalingSettings

_CALLS_BACK = (Role.AGENT, Role.SUPERVISOR)
# Two seconds at 4 Mbit/s: enough to measure, little to pay.
_PROBE_MAX = 1024 * 1024


@dataclass(frozen=True, slots=True)
class RatingBody:
    """POST /api/cases/{case}/rating."""

    stars: Annotated[int, Number(1, 5)]
    comment: Annotated[str, Text(1_000)] = ""


class Lobby:
    """What surrounds a call: before it, instead of it and after it."""

    def __init__(self, settings: SignalingSettings, rooms: Rooms, intake: Intake, cases: Cases) -> None:
        self._settings = settings
        self._rooms = rooms
        self._intake = intake
        self._cases = cases
        self._busy: set[CaseId] = set()

    # --- before ---

    async def desk(self, request: web.Request) -> web.Response:
        """Tell whether the desk of the bank with code ``b`` is open, and how long a newcomer would wait."""
        self._intake.slow_down(request, "desk")
        bank = await self._rooms.people.tenant_by_code(request.query.get("b", "")[:64])
        opens_at = self._settings.opens_at(self._rooms.clock.now())
        view = await self._rooms.front.desk(bank.tenant)
        hours = self._settings.hours
        return web.json_response(
            {
                "bank": bank.name,
                "open": opens_at is None,
                "opens_at": opens_at,
                "hours": hours.text if hours else "",
                "waiting": view.waiting,
                "estimated_wait_s": view.estimated_wait_s,
            }
        )

    async def probe(self, request: web.Request) -> web.Response:
        """Take up to 1 MiB of anything, keep nothing, and tell how long it took to come."""
        self._rooms.guard.require_origin(request)
        self._intake.slow_down(request, "probe")
        clock = self._rooms.clock
        began = clock.monotonic()
        size = await self._intake.drain(request, _PROBE_MAX)
        return web.json_response({"bytes": size, "seconds": clock.monotonic() - began})

    # --- instead ---

    async def callbacks(self, request: web.Request) -> web.Response:
        """List who wants to be called back, oldest first."""
        person = await self._rooms.guard.require(request, *_CALLS_BACK)
        found = await self._rooms.cases.callbacks(person.account.tenant)
        return web.json_response({"callbacks": [_about(case) for case in found]})

    async def call_back(self, request: web.Request) -> web.Response:
        """Take a request to be called back: open the case for it and return its link.

        Errors: ``called_back`` when somebody else was faster.
        """
        person = await self._rooms.guard.require(request, *_CALLS_BACK)
        asked = await self._cases.of_tenant(person.account.tenant, request.match_info["case"])
        with self._alone(asked.case):
            entries = await self._rooms.journal.read(asked.case)
            _require_asked(await self._rooms.cases.case(asked.case), entries)
            told = await self._cases.invite(self._follow_up(entries), request)
            made = CallbackMade(person.account.account, CaseId(str(told["case"])))
            await self._rooms.journal.append(asked.case, made)
        return web.json_response(told, status=201)

    def _follow_up(self, entries: tuple[Entry, ...]) -> CaseCreated:
        asked = next((entry.fact for entry in entries if isinstance(entry.fact, CaseCreated)), None)
        if asked is None:
            raise NotFound("no such case")
        return CaseCreated(
            asked.tenant,
            asked.purpose,
            self._settings.policy,
            asked.pii_customer_name,
            asked.pii_customer_ref,
            asked.skill,
            asked.vip,
        )

    # --- after ---

    async def rate(self, request: web.Request) -> web.Response:
        """Take the customer's opinion, once, after the call. Errors: ``rated``, ``wrong_phase``, ``busy``."""
        claims = self._intake.claims(request)
        body = await self._intake.body(request, RatingBody)
        with self._alone(claims.case):
            # Who rates at once may be faster than the call's last facts.
            await self._rooms.front.settled(claims.case)
            _require_ratable(await self._rooms.journal.read(claims.case))
            await self._rooms.journal.append(claims.case, ServiceRated(body.stars, body.comment))
        return web.json_response({}, status=201)

    @contextmanager
    def _alone(self, case: CaseId) -> Iterator[None]:
        if case in self._busy:
            raise WrongPhase("this is being done at this moment")
        self._busy.add(case)
        try:
            yield
        finally:
            self._busy.discard(case)


def _about(case: CaseSummary) -> dict[str, str | float | None]:
    return {
        "case": case.case,
        "name": case.pii_customer_name,
        "phone": case.pii_callback_phone,
        "wish": case.pii_callback_wish,
        "asked_at": case.callback_at,
    }


def _require_asked(case: CaseSummary, entries: tuple[Entry, ...]) -> None:
    if case.callback_at is None or any(isinstance(entry.fact, CallbackMade) for entry in entries):
        raise WrongPhase("nobody waits to be called back here", code="called_back")


def _require_ratable(entries: tuple[Entry, ...]) -> None:
    facts = [entry.fact for entry in entries]
    if any(isinstance(fact, ServiceRated) for fact in facts):
        raise WrongPhase("the service was rated before", code="rated")
    moved = [fact.now for fact in facts if isinstance(fact, CallAdvanced)]
    if CallPhase.ACTIVE not in moved or moved[-1] is not CallPhase.ENDED:
        raise WrongPhase("a rating comes after the call")
