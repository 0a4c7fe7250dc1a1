"""REST of self-service: the bank's app checks card and face by itself, and comes back with every doubt.

The app opens the case (``POST /api/cases``), sends pictures of the card and one of the face, and asks for
the verdict. When the tries are used up, or the bank wants an agent, the case's own link leads into the
queue with everything already there; the app then asks for the result. It is one case throughout. Whether
a living person is there is not judged, so a case ends here only where the policy pack says what suffices.
"""

import asyncio
from collections.abc import Awaitable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from aiohttp import web

from contract.codec import Text
from contract.errors import Busy, ModelError, NotFound, UserError, WrongPhase
from contract.facts import AgentDecided, CaseAdvanced, ConsentGiven, Entry, EvidenceStored, MergeQueued
from contract.identity_facts import Decided, SelfChecked, SelfCheckStarted
from contract.ids import CaseId, CheckId, EvidenceId, new_check_id, new_evidence_id
from contract.phases import CasePhase, CheckVerdict, CheckWord, EvidenceKind, Role, advance_case
from contract.ports import CaseSummary
from signaling.equipment import Equipment
from signaling.identity_commands import IdentityCommands, compared
from signaling.intake import Intake
from signaling.memory import locked_until, remember
from signaling.rest_cases import Cases
from signaling.rooms import Rooms
from signaling.settings import SignalingSettings
from signaling.turns import phase_of

_KINDS = {
    "card": EvidenceKind.ID_CARD,
    "card_back": EvidenceKind.ID_CARD_BACK,
    "still": EvidenceKind.FACE_STILL,
    "reference": EvidenceKind.REFERENCE,
}
_STILLS = frozenset({"image/jpeg", "image/png"})
_BANK = (Role.AGENT, Role.SUPERVISOR)
_DOCUMENT = (EvidenceKind.ID_CARD, EvidenceKind.ID_CARD_BACK)
# Another picture would not help: a person deals with it, and the app learns no more than of used-up tries.
_FOR_AN_AGENT = frozenset({"screening", "decision"})


@dataclass(frozen=True, slots=True)
class StartBody:
    """POST .../self-checks; ``text_version`` is of the app's own consent text, given for this try.

    ``return_to`` is where the customer goes afterwards: HTTPS, or the app's own scheme (RFC 8252 section 7).
    """

    text_version: Annotated[str, Text(32, min=1)]
    return_to: Annotated[str, Text(500)] = ""
    language: Annotated[str, Text(16)] = "zh-CN"


class SelfService:
    """Handlers; only staff accounts may ask, one of which the bank gives to its app."""

    def __init__(
        self,
        settings: SignalingSettings,
        rooms: Rooms,
        intake: Intake,
        cases: Cases,
        equipment: Equipment,
    ) -> None:
        self._settings = settings
        self._rooms = rooms
        self._intake = intake
        self._cases = cases
        self._equipment = equipment
        self._identity = IdentityCommands(
            rooms.journal, rooms.evidence, rooms.identity, rooms.clock, equipment, rooms.ceilings
        )
        self._busy: set[tuple[str, str]] = set()

    async def start(self, request: web.Request) -> web.Response:
        """Begin a try. Errors: ``checks_used_up``, ``wrong_phase`` once the customer came to the desk."""
        case = await self._case(request)
        body = await self._intake.body(request, StartBody)
        self._require_way_back(body.return_to)
        with self._alone(case):
            async with self._rooms.turns.of(case.case):
                return await self._start(case, body)

    async def _start(self, case: CaseSummary, body: StartBody) -> web.Response:
        entries = await self._rooms.journal.read(case.case)
        _require_created(entries)
        if _open_check(entries) is not None:
            raise WrongPhase("the last try is not over")
        if await self._left(case) == 0:
            await self._rooms.ceilings.require(case.case, "self_check")
            # An agent was named before the tries were used up.
            raise Busy("tried too often", code="checks_used_up")
        consent = ConsentGiven(("recording", "biometrics"), body.text_version, body.language)
        await self._rooms.journal.append(case.case, consent)
        attempt = 1 + sum(isinstance(entry.fact, SelfCheckStarted) for entry in entries)
        check = new_check_id()
        await self._rooms.journal.append(case.case, SelfCheckStarted(check, attempt, body.return_to))
        return web.json_response({"check": check, "left": await self._left(case)}, status=201)

    async def picture(self, request: web.Request) -> web.Response:
        """Take a picture for the try that is open: ``card``, ``card_back``, ``still`` or ``reference``.

        A newer one of the same kind counts instead of the one before; all are kept.
        """
        case = await self._case(request)
        kind = _KINDS.get(request.match_info["what"])
        if kind is None:
            raise NotFound("no such picture")
        check = request.match_info["check"]
        await self._require_open(case, check)
        data = await self._intake.read(request, self._settings.still_max)
        image = await self._rooms.identity.inspect_image(data)
        if image.media_type not in _STILLS:
            raise UserError("a still is JPEG or PNG", code="not_an_image")
        # A reference is the bank's own picture of the customer, and no page is to show it.
        source = "derived" if kind is EvidenceKind.REFERENCE else "phone"
        async with self._rooms.turns.of(case.case):
            # The try may have ended while the picture came.
            await self._require_open(case, check)
            evidence = new_evidence_id()
            stored = await self._rooms.evidence.store(case.case, evidence, kind, data, image, source)
        return web.json_response({"evidence": stored.evidence, "sha256": stored.sha256}, status=201)

    async def verdict(self, request: web.Request) -> web.Response:
        """Judge what was sent, and end the try; what failed is not told."""
        case = await self._case(request)
        with self._alone(case):
            async with self._rooms.turns.of(case.case):
                return await self._end(case, request.match_info["check"])

    async def _end(self, case: CaseSummary, wanted: str) -> web.Response:
        check = await self._require_open(case, wanted)
        pictures = _pictures(await self._rooms.journal.read(case.case))
        if not {EvidenceKind.ID_CARD, EvidenceKind.FACE_STILL} <= pictures.keys():
            raise WrongPhase("card and still come first")
        found, reason = await self._looked_at(case.case, check, pictures)
        left = 0 if reason in _FOR_AN_AGENT else await self._left(case)
        if reason == "portraits" and not left:
            await self._read_for_the_agent(case.case, pictures)
        await self._rooms.journal.append(case.case, SelfChecked(check, found, left, reason))
        word = CheckWord.AGAIN if left else CheckWord.AGENT_HELPS
        if found is CheckVerdict.PASSED:
            await self._close(case.case)
            word = CheckWord.THANKS
        return web.json_response({"word": word, "left": left})

    async def _looked_at(
        self, case: CaseId, check: CheckId, pictures: Mapping[EvidenceKind, EvidenceId]
    ) -> tuple[CheckVerdict, str]:
        """Return what the try comes to, and what was in the way; see ``SelfChecked``.

        Nothing takes longer than a command may: what did not come by then is a doubt.
        """
        limit = self._settings.command_s
        try:
            async with asyncio.timeout(limit):
                found = await self._compare(case, check, pictures)
            if found is not CheckVerdict.PASSED:
                return found, "portraits"
            async with asyncio.timeout(limit):
                found = await self._read(case, pictures)
            if found is not CheckVerdict.PASSED:
                return found, "document"
        except TimeoutError:
            return CheckVerdict.REVIEW, "timeout"
        if await self._in_doubt(self._identity.screen(case, None)):
            return CheckVerdict.REVIEW, "screening"
        if await self._in_doubt(self._not_decided(case)):
            return CheckVerdict.REVIEW, "decision"
        return CheckVerdict.PASSED, ""

    async def _read_for_the_agent(self, case: CaseId, pictures: Mapping[EvidenceKind, EvidenceId]) -> None:
        """Have the document's fields there before the call; without them the agent reads it himself."""
        with suppress(TimeoutError, Busy, ModelError, UserError):
            async with asyncio.timeout(self._settings.command_s):
                await self._read(case, pictures)

    async def _in_doubt(self, work: Awaitable[bool]) -> bool:
        try:
            async with asyncio.timeout(self._settings.command_s):
                return await work
        except TimeoutError:
            return True

    async def _not_decided(self, case: CaseId) -> bool:
        return await self._identity.decide(case) is not CheckVerdict.PASSED

    async def _close(self, case: CaseId) -> None:
        """Let the record of a customer whom nobody has to see be archived, and signed off as any other."""
        phase = advance_case(CasePhase.CREATED, CasePhase.AGENT_DONE)
        await self._rooms.journal.append(case, CaseAdvanced(CasePhase.CREATED, phase))
        job = await self._rooms.jobs.enqueue("merge", case)
        await self._rooms.journal.append(case, MergeQueued(job))

    async def result(self, request: web.Request) -> web.Response:
        """Tell how the case stands, for the app to go on where the customer left."""
        case = await self._case(request)
        entries = await self._rooms.journal.read(case.case)
        facts = [entry.fact for entry in entries]
        tries = [fact for fact in facts if isinstance(fact, SelfCheckStarted)]
        ended = [fact for fact in facts if isinstance(fact, SelfChecked)]
        agent = next((fact for fact in reversed(facts) if isinstance(fact, AgentDecided)), None)
        decided = next((fact for fact in reversed(facts) if isinstance(fact, Decided)), None)
        return web.json_response(
            {
                "phase": case.phase,
                "tries": len(tries),
                "check": _open_check(entries),
                "self_check": ended[-1].verdict if ended else None,
                "return_to": tries[-1].return_to if tries else "",
                "outcome": agent.outcome if agent else None,
                "account_class": decided.account_class if decided else None,
            }
        )

    # --- inside ---

    def _require_way_back(self, address: str) -> None:
        """Let nothing through that a browser would run or open from its own machine. Raises UserError."""
        if not address:
            return
        try:
            parts = urlsplit(address)
        except ValueError:
            parts = SplitResult("", "", "", "", "")
        if not parts.netloc or parts.scheme not in {"https", *self._settings.app_schemes}:
            raise UserError("no address of the bank's app", code="return_to")

    @contextmanager
    def _alone(self, case: CaseSummary) -> Iterator[None]:
        """Keep a customer to one request: two at once would have one try counted twice. Raises Busy."""
        whose = (case.tenant, case.pii_customer_ref or case.case)
        if whose in self._busy:
            raise Busy("a try of this customer is being looked at")
        self._busy.add(whose)
        try:
            yield
        finally:
            self._busy.discard(whose)

    async def _case(self, request: web.Request) -> CaseSummary:
        person = await self._rooms.guard.require(request, *_BANK)
        return await self._cases.of_tenant(person.account.tenant, request.match_info["case"])

    async def _require_open(self, case: CaseSummary, check: str) -> CheckId:
        entries = await self._rooms.journal.read(case.case)
        _require_created(entries)
        opened = _open_check(entries)
        if opened is None or opened != check:
            raise NotFound("no such try")
        return opened

    async def _left(self, case: CaseSummary) -> int:
        """Return the tries that are left; none once an agent was named, whatever he was named for."""
        plan, now = self._settings.plan.identity, self._rooms.clock.now()
        since = now - plan.cool_down_s
        journals = await self._rooms.ceilings.journals(case.case)
        if any(_sent_to_an_agent(entry) and entry.at > since for entry in chain.from_iterable(journals)):
            return 0
        most = plan.tries["self_check"]
        tries = remember(journals).tries.get("self_check", ())
        if locked_until(tries, most, plan.cool_down_s, now):
            return 0
        return most - sum(at > since for at in tries)

    async def _compare(
        self, case: CaseId, check: CheckId, pictures: Mapping[EvidenceKind, EvidenceId]
    ) -> CheckVerdict:
        card, still = pictures[EvidenceKind.ID_CARD], pictures[EvidenceKind.FACE_STILL]
        reference = pictures.get(EvidenceKind.REFERENCE)
        read = self._rooms.evidence.read
        compare = self._equipment.documents.compare_portraits
        third = await read(case, reference) if reference else None
        found = await compare(await read(case, card), (await read(case, still),), third)
        fact = compared(None, check, (card, (still,), reference), found, None, None)
        await self._rooms.journal.append(case, fact)
        return found.verdict

    async def _read(self, case: CaseId, pictures: Mapping[EvidenceKind, EvidenceId]) -> CheckVerdict:
        sides = [await self._identity.read(case, None, pictures[one]) for one in _DOCUMENT if one in pictures]
        advisory = tuple(sign for _, signs in sides for sign in signs)
        return await self._identity.judge(case, None, sides[-1][0], advisory)


def _require_created(entries: Iterable[Entry]) -> None:
    if phase_of(entries) is not CasePhase.CREATED:
        raise WrongPhase("the check is passed, the customer at the desk, or the case over")


def _sent_to_an_agent(entry: Entry) -> bool:
    return isinstance(entry.fact, SelfChecked) and entry.fact.left == 0


def _open_check(entries: Sequence[Entry]) -> CheckId | None:
    opened: CheckId | None = None
    for entry in entries:
        match entry.fact:
            case SelfCheckStarted(check=check):
                opened = check
            case SelfChecked():
                opened = None
            case _:
                pass
    return opened


def _pictures(entries: Sequence[Entry]) -> dict[EvidenceKind, EvidenceId]:
    """Return the newest picture of each kind that was sent in the newest try."""
    found: dict[EvidenceKind, EvidenceId] = {}
    for entry in entries:
        if isinstance(entry.fact, SelfCheckStarted):
            found = {}
        elif isinstance(entry.fact, EvidenceStored):
            found[entry.fact.kind] = entry.fact.evidence
    return found
