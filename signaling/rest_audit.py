"""REST of the audit: the verdict on a record."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, TypeVar

from aiohttp import web

from contract import codec
from contract.codec import Text
from contract.errors import Denied, WrongPhase
from contract.facts import (
    AgentDecided,
    AuditSigned,
    CaseAdvanced,
    Entry,
    Fact,
    ObserverJoined,
    PartyJoined,
)
from contract.identity_facts import Decided, SelfChecked
from contract.ids import AccountId, CaseId
from contract.phases import CasePhase, CheckVerdict, Outcome, Role, Verdict, advance_case
from contract.ports import CaseSummary
from signaling.equipment import DecideCase
from signaling.intake import Intake
from signaling.rest_cases import Cases
from signaling.rest_viewing import Viewing
from signaling.rooms import Rooms

_F = TypeVar("_F", bound=Fact)


@dataclass(frozen=True, slots=True)
class VerdictBody:
    """POST /api/cases/{case}/verdict."""

    verdict: Verdict
    reason: Annotated[str, Text(2_000)] = ""


class Audit:
    """Signs records off."""

    def __init__(
        self,
        rooms: Rooms,
        intake: Intake,
        cases: Cases,
        viewing: Viewing,
        decide: DecideCase | None,
    ) -> None:
        self._rooms = rooms
        self._intake = intake
        self._cases = cases
        self._viewing = viewing
        self._decide = decide
        self._signing: set[CaseId] = set()

    async def verdict(self, request: web.Request) -> web.Response:
        """Sign the record off; the same verdict again finishes what was cut off after the signature.

        Errors: ``wrong_role``, ``same_person``, ``outcome_not_passed``, ``not_watched``, ``wrong_phase``.
        """
        person = await self._rooms.guard.require(request, Role.AUDITOR)
        body = await self._intake.body(request, VerdictBody)
        case = await self._cases.seen_by(person, request.match_info["case"])
        with self._alone(case.case):
            await self._sign(case, person.account.account, body)
        return web.json_response({"case": codec.dump(await self._rooms.cases.case(case.case))})

    @contextmanager
    def _alone(self, case: CaseId) -> Iterator[None]:
        if case in self._signing:
            raise WrongPhase("somebody signs this case at this moment")
        self._signing.add(case)
        try:
            yield
        finally:
            self._signing.discard(case)

    async def _sign(self, case: CaseSummary, auditor: AccountId, body: VerdictBody) -> None:
        entries = await self._rooms.journal.read(case.case)
        if auditor in {case.agent, *_took_part(entries)}:
            raise Denied("who took part in a case may not audit it", code="same_person")
        signed = _last(entries, AuditSigned)
        if signed is None:
            _require_signable(entries, body.verdict)
            if body.verdict is Verdict.APPROVED:
                await self._viewing.require_watched(auditor, case.case)
            signed = AuditSigned(auditor, body.verdict, body.reason, case.manifest_sha256)
            await self._rooms.journal.append(case.case, signed)
        await self._finish_signing(case.case, _phase(entries), signed.verdict)
        if (signed.auditor, signed.verdict) != (auditor, body.verdict):
            raise WrongPhase("the case is signed already")

    async def _finish_signing(self, case: CaseId, phase: CasePhase, verdict: Verdict) -> None:
        to = CasePhase.APPROVED if verdict is Verdict.APPROVED else CasePhase.REJECTED
        if phase is not to:
            await self._rooms.journal.append(case, CaseAdvanced(phase, advance_case(phase, to)))
        await self._decide_again(case)
        await self._rooms.jobs.enqueue("archive_journal", case)

    async def _decide_again(self, case: CaseId) -> None:
        """Where the service was in doubt, let the signature settle it: class and limits follow from it."""
        entries = await self._rooms.journal.read(case)
        decided = _last(entries, Decided)
        if self._decide is None or decided is None or decided.verdict is not CheckVerdict.REVIEW:
            return
        again = self._decide(entries)
        if again.verdict is not CheckVerdict.REVIEW:
            await self._rooms.journal.append(case, again)


def _took_part(entries: tuple[Entry, ...]) -> Iterator[AccountId | None]:
    for entry in entries:
        if isinstance(entry.fact, PartyJoined | ObserverJoined):
            yield entry.fact.account


def _last(entries: tuple[Entry, ...], kind: type[_F]) -> _F | None:
    return next((entry.fact for entry in reversed(entries) if isinstance(entry.fact, kind)), None)


def _phase(entries: tuple[Entry, ...]) -> CasePhase:
    moved = _last(entries, CaseAdvanced)
    return moved.now if moved else CasePhase.CREATED


def _require_signable(entries: tuple[Entry, ...], verdict: Verdict) -> None:
    if _phase(entries) is not CasePhase.UNDER_AUDIT:
        raise WrongPhase("the case is not under audit")
    if verdict is Verdict.APPROVED and not _let_pass(entries):
        raise WrongPhase("the agent did not let the customer pass", code="outcome_not_passed")
    service = _last(entries, Decided)
    if verdict is Verdict.APPROVED and service is not None and service.verdict is CheckVerdict.FAILED:
        raise WrongPhase("what was found speaks against the customer", code="decision_failed")


def _let_pass(entries: tuple[Entry, ...]) -> bool:
    """Tell whether an agent let the customer pass, or, where no agent was asked, self-service did."""
    decided = _last(entries, AgentDecided)
    if decided is not None:
        return decided.outcome is Outcome.PASSED
    checked = _last(entries, SelfChecked)
    return checked is not None and checked.verdict is CheckVerdict.PASSED
