"""REST of finding cases again: the search, whom it can be narrowed to, and views that are kept."""

import re
from dataclasses import dataclass
from typing import Annotated

from aiohttp import web

from contract import codec
from contract.codec import Number, Text
from contract.errors import ProtocolError
from contract.ids import AccountId, CaseId
from contract.phases import CasePhase, Outcome, Role
from contract.ports import CaseFlag, CaseMark, CaseQuery, SavedView
from signaling.accounts import LoggedIn
from signaling.claims import claims_told
from signaling.intake import Intake
from signaling.rest_cases import SEES_CASES
from signaling.rooms import Rooms

_MARK = re.compile(r"([0-9]+(?:\.[0-9]+)?)_(case-[0-9a-z]{1,32})")
Word = Annotated[str, Text(64, min=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchBody:
    """POST /api/cases/search; ``after`` is the ``next`` of the page before."""

    text: Annotated[str, Text(200)] = ""
    phases: tuple[CasePhase, ...] = ()
    agent: Annotated[str, Text(64)] = ""
    outcomes: tuple[Outcome, ...] = ()
    reasons: tuple[Word, ...] = ()
    purposes: tuple[Word, ...] = ()
    flags: tuple[CaseFlag, ...] = ()
    since: float | None = None
    until: float | None = None
    due_before: float | None = None
    after: Annotated[str, Text(64)] = ""
    limit: Annotated[int, Number(1, 200)] = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewFilters:
    """What a view keeps: filters, never words, for those would be somebody's name beside the cases.

    ``period`` is as the page writes it, ``week`` or two days, and so is ``due``, ``overdue`` or ``today``:
    a view means the day on which it is opened.
    """

    phases: tuple[CasePhase, ...] = ()
    agent: Annotated[str, Text(64)] = ""
    outcomes: tuple[Outcome, ...] = ()
    reasons: tuple[Word, ...] = ()
    purposes: tuple[Word, ...] = ()
    flags: tuple[CaseFlag, ...] = ()
    period: Annotated[str, Text(24)] = ""
    due: Annotated[str, Text(24)] = ""


@dataclass(frozen=True, slots=True)
class ViewBody:
    """POST /api/views."""

    name: Annotated[str, Text(60, min=1)]
    filters: ViewFilters


@dataclass(frozen=True, slots=True)
class ViewName:
    """POST /api/views/drop."""

    name: Annotated[str, Text(60, min=1)]


class Search:
    """Handlers of the search and of saved views."""

    def __init__(self, rooms: Rooms, intake: Intake) -> None:
        self._rooms = rooms
        self._intake = intake

    async def found(self, request: web.Request) -> web.Response:
        """Return one page of the bank's cases, newest first; an agent gets only his own.

        A body and not a query: what is searched for are names and numbers of people, and addresses of
        requests lie about in logs.
        """
        person = await self._rooms.guard.require(request, *SEES_CASES)
        page = await self._rooms.cases.search(_query(await self._intake.body(request, SearchBody), person))
        shown = [case.case for case in page.cases]
        claims = [] if person.account.role is Role.AGENT else await claims_told(self._rooms, shown)
        following = page.next and f"{page.next.created_at!r}_{page.next.case}"
        return web.json_response(
            {
                "cases": [codec.dump(case) for case in page.cases],
                "count": page.count,
                "more": page.more,
                "next": following,
                "claims": claims,
            }
        )

    async def staff(self, request: web.Request) -> web.Response:
        """Return who can have led a call at this bank."""
        person = await self._rooms.guard.require(request, Role.SUPERVISOR, Role.AUDITOR)
        staff = await self._rooms.people.staff(person.account.tenant)
        led = [
            {"account": one.account, "name": one.name, "number": one.number}
            for one in staff
            if one.role in {Role.AGENT, Role.SUPERVISOR}
        ]
        return web.json_response({"staff": led})

    async def views(self, request: web.Request) -> web.Response:
        """Return one's own saved views."""
        person = await self._rooms.guard.require(request, *SEES_CASES)
        return await self._views_of(person)

    async def keep_view(self, request: web.Request) -> web.Response:
        """Save a view in place of the one with its name. Error: ``too_many_views``."""
        person = await self._rooms.guard.require(request, *SEES_CASES)
        body = await self._intake.body(request, ViewBody)
        view = SavedView(body.name.strip() or body.name, codec.dump(body.filters))
        await self._rooms.views.save(person.account.account, view)
        return await self._views_of(person)

    async def drop_view(self, request: web.Request) -> web.Response:
        """Forget a view; saving it again undoes that."""
        person = await self._rooms.guard.require(request, *SEES_CASES)
        body = await self._intake.body(request, ViewName)
        await self._rooms.views.drop(person.account.account, body.name)
        return await self._views_of(person)

    async def _views_of(self, person: LoggedIn) -> web.Response:
        views = await self._rooms.views.views(person.account.account)
        return web.json_response({"views": [{"name": one.name, "filters": one.filters} for one in views]})


def _query(body: SearchBody, person: LoggedIn) -> CaseQuery:
    account = person.account
    own = account.account if account.role is Role.AGENT else None
    return CaseQuery(
        tenant=account.tenant,
        text=body.text,
        phases=body.phases,
        agent=own or AccountId(body.agent) or None,
        outcomes=tuple(outcome.value for outcome in body.outcomes),
        reasons=body.reasons,
        purposes=body.purposes,
        flags=body.flags,
        since=body.since,
        until=body.until,
        due_before=body.due_before,
        after=_mark(body.after),
        limit=body.limit,
    )


def _mark(text: str) -> CaseMark | None:
    if not text:
        return None
    match = _MARK.fullmatch(text)
    if match is None:
        raise ProtocolError("after: not the end of a page")
    return CaseMark(float(match[1]), CaseId(match[2]))
