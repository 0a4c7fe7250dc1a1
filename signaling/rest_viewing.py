"""REST of looking at a record: why, how much of it, and who may see the card."""

from dataclasses import dataclass
from typing import Annotated, Any

from aiohttp import web
from prometheus_client import Counter

from contract import codec
from contract.codec import Number, Text
from contract.errors import Denied, NotFound, UserError, WrongPhase
from contract.facts import Entry
from contract.ids import AccountId, CaseId, is_id
from contract.phases import Role, ViewReason
from contract.viewing import UNMASKED_S, open_requests, unmasked_until, viewing_until
from contract.viewing_facts import RecordWatched, UnmaskAnswered, UnmaskAsked, ViewingBegun, WatchedSpan
from signaling import watching
from signaling.accounts import LoggedIn
from signaling.intake import Intake
from signaling.rest_cases import SEES_CASES, Cases
from signaling.rooms import Rooms

# So much newly watched is journaled at once: what a crash may lose, against lines in the journal.
_KEPT_EVERY_S = 30.0
# A recording of six hours, and what a page sends at a time.
_SECOND_MAX = 21_600.0
_SPANS_MAX = 200

_refused = Counter("teller_signaling_watched_refused", "Reports of watching that went faster than the clock")


@dataclass(frozen=True, slots=True)
class ViewingBody:
    """POST /api/cases/{case}/viewings."""

    reason: ViewReason
    note: Annotated[str, Text(500)] = ""


@dataclass(frozen=True, slots=True)
class SpanBody:
    """A stretch that was played, in seconds of the recording."""

    since_s: Annotated[float, Number(0, _SECOND_MAX)]
    until_s: Annotated[float, Number(0, _SECOND_MAX)]


@dataclass(frozen=True, slots=True)
class WatchedBody:
    """POST /api/cases/{case}/watched."""

    spans: tuple[SpanBody, ...]


@dataclass(frozen=True, slots=True)
class UnmaskingBody:
    """POST /api/cases/{case}/unmaskings."""

    reason: Annotated[str, Text(500, min=1)]


@dataclass(frozen=True, slots=True)
class AnswerBody:
    """POST /api/cases/{case}/unmaskings/{asked}."""

    granted: bool


@dataclass(slots=True)
class _Watch:
    """What one person has watched of one case, and when (monotonic) he reported last."""

    spans: tuple[WatchedSpan, ...]
    reported_at: float
    kept_s: float


class Viewing:
    """Handlers of viewings, and who may see what."""

    def __init__(self, rooms: Rooms, intake: Intake, cases: Cases, may_download: frozenset[str]) -> None:
        self._rooms, self._intake, self._cases = rooms, intake, cases
        self._may_download = may_download
        self._watches: dict[tuple[AccountId, CaseId], _Watch] = {}

    async def begin(self, request: web.Request) -> web.Response:
        """Note why somebody looks; from then on files are served to him. Error: ``reason_wanted``."""
        person, case = await self._person(request)
        body = await self._intake.body(request, ViewingBody)
        note = body.note.strip()
        if body.reason is ViewReason.OTHER and not note:
            raise UserError("another reason must be written", code="reason_wanted")
        await self._rooms.journal.append(case, ViewingBegun(person.account.account, body.reason, note))
        return await self._told(person, case, status=201)

    async def one(self, request: web.Request) -> web.Response:
        """Tell how far this person may look, what must be watched and what he has watched."""
        return await self._told(*await self._person(request))

    async def watched(self, request: web.Request) -> web.Response:
        """Add what was played. Errors: ``reason_wanted``, ``watched_too_fast``."""
        person, case = await self._person(request)
        body = await self._intake.body(request, WatchedBody)
        entries = await self._rooms.journal.read(case)
        account, now = person.account.account, self._rooms.clock.monotonic()
        if viewing_until(entries, account) <= self._rooms.clock.now():
            raise Denied("say first why you look at this record", code="reason_wanted")
        told = _spans(body)
        watch = self._watch(entries, account, case)
        if watching.seconds(told) > (now - watch.reported_at) * watching.RATE_MAX + watching.AHEAD_S:
            _refused.inc()
            raise UserError("nobody watches as fast as that", code="watched_too_fast")
        watch.spans, watch.reported_at = watching.union((*watch.spans, *told)), now
        if watching.seconds(watch.spans) - watch.kept_s >= _KEPT_EVERY_S:
            await self.keep(account, case)
        return await self._told(person, case)

    async def keep(self, account: AccountId, case: CaseId) -> None:
        """Journal what this person has watched, if that is more than the journal says."""
        watch = self._watches.get((account, case))
        if watch is None or watching.seconds(watch.spans) <= watch.kept_s:
            return
        await self._rooms.journal.append(case, RecordWatched(account, watch.spans))
        watch.kept_s = watching.seconds(watch.spans)

    async def require_watched(self, account: AccountId, case: CaseId) -> None:
        """Journal what this person has watched; raise WrongPhase ``not_watched`` unless that is enough."""
        await self.keep(account, case)
        entries = await self._rooms.journal.read(case)
        if left := watching.unwatched(entries, watching.seen(entries, account)):
            raise WrongPhase(f"{len(left)} stretches have not been watched", code="not_watched")

    def _watch(self, entries: tuple[Entry, ...], account: AccountId, case: CaseId) -> _Watch:
        key = (account, case)
        if key not in self._watches:
            spans = watching.seen(entries, account)
            begun = max(
                e.at for e in entries if isinstance(e.fact, ViewingBegun) and e.fact.account == account
            )
            since = self._rooms.clock.monotonic() - max(0.0, self._rooms.clock.now() - begun)
            self._watches[key] = _Watch(spans, since, watching.seconds(spans))
        return self._watches[key]

    # --- the card ---

    async def ask_unmask(self, request: web.Request) -> web.Response:
        """Ask that a second person let this one see the card."""
        person, case = await self._person(request, Role.AUDITOR)
        body = await self._intake.body(request, UnmaskingBody)
        entries = await self._rooms.journal.read(case)
        account = person.account.account
        if any(one.account == account for one in open_requests(entries, self._rooms.clock.now())):
            raise WrongPhase("asked already", code="unmask_asked")
        await self._rooms.journal.append(case, UnmaskAsked(account, body.reason.strip()))
        return await self._told(person, case, status=201)

    async def answer_unmask(self, request: web.Request) -> web.Response:
        """Let somebody see the card for a while, or not. Error: ``same_person`` who asks may not grant."""
        person, case = await self._person(request, Role.AUDITOR, Role.SUPERVISOR)
        body = await self._intake.body(request, AnswerBody)
        now, account = self._rooms.clock.now(), person.account.account
        entries = await self._rooms.journal.read(case)
        wanted = request.match_info["asked"]
        asked = next((one for one in open_requests(entries, now) if str(one.seq) == wanted), None)
        if asked is None:
            raise NotFound("no such request")
        if asked.account == account:
            raise Denied("a second person must answer", code="same_person")
        until = now + UNMASKED_S if body.granted else 0.0
        await self._rooms.journal.append(case, UnmaskAnswered(account, asked.seq, body.granted, until))
        return await self._told(person, case)

    async def _person(self, request: web.Request, *roles: Role) -> tuple[LoggedIn, CaseId]:
        person = await self._rooms.guard.require(request, *(roles or SEES_CASES))
        if not is_id(request.match_info["case"]):
            raise NotFound("no such case")
        return person, (await self._cases.seen_by(person, request.match_info["case"])).case

    async def _told(self, person: LoggedIn, case: CaseId, status: int = 200) -> web.Response:
        entries = await self._rooms.journal.read(case)
        account, now = person.account.account, self._rooms.clock.now()
        watch = self._watches.get((account, case))
        spans = watch.spans if watch else watching.seen(entries, account)
        answer: dict[str, Any] = {
            "viewing_until": viewing_until(entries, account),
            "unmasked_until": unmasked_until(entries, account),
            "requests": [codec.dump(one) for one in open_requests(entries, now)],
            "axis": [codec.dump(one) for one in watching.axis(entries)],
            "must": [codec.dump(one) for one in watching.mandatory(entries)],
            "left": [codec.dump(one) for one in watching.unwatched(entries, spans)],
            "seen": [codec.dump(one) for one in spans],
            "may_download": person.account.login in self._may_download,
        }
        return web.json_response(answer, status=status)


def _spans(body: WatchedBody) -> tuple[WatchedSpan, ...]:
    if len(body.spans) > _SPANS_MAX or any(one.until_s < one.since_s for one in body.spans):
        raise UserError("no stretches of a recording", code="watched_too_fast")
    return tuple(WatchedSpan(one.since_s, one.until_s) for one in body.spans)
