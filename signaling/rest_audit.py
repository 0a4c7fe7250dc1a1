"""REST of the audit: the verdict on a record, and going back on it."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

import structlog
from aiohttp import web
from prometheus_client import Counter

from contract import codec
from contract.codec import Text
from contract.errors import Denied, WrongPhase
from contract.facts import AuditSigned, CaseAdvanced, Entry, OverrideProposed, VerdictGiven
from contract.identity_facts import Decided
from contract.ids import AccountId, CaseId
from contract.phases import CasePhase, CheckVerdict, Role, Verdict, advance_case
from contract.ports import CaseSummary
from signaling.equipment import DecideCase
from signaling.intake import Intake
from signaling.rest_cases import Cases
from signaling.rest_viewing import Viewing
from signaling.rooms import Rooms
from signaling.sampling import second_look
from signaling.settings import SignalingSettings
from signaling.sign_off import Look, last, reopen, sign, signature, took_part
from signaling.turns import phase_of

_log = structlog.get_logger(__name__)
# Two who may disagree, and one who decides then.
_LOOKERS_MIN = 3

_too_few = Counter("teller_audit_second_looks_left_out", "Second looks drawn where auditors were too few.")


@dataclass(frozen=True, slots=True)
class VerdictBody:
    """POST /api/cases/{case}/verdict."""

    verdict: Verdict
    reason: Annotated[str, Text(2_000)] = ""


@dataclass(frozen=True, slots=True)
class ReopenBody:
    """POST /api/cases/{case}/reopen."""

    reason: Annotated[str, Text(2_000)] = ""


class Audit:
    """Signs records off."""

    def __init__(
        self,
        rooms: Rooms,
        intake: Intake,
        cases: Cases,
        viewing: Viewing,
        settings: SignalingSettings,
        decide: DecideCase | None,
    ) -> None:
        self._rooms = rooms
        self._intake = intake
        self._cases = cases
        self._viewing = viewing
        self._settings = settings
        self._decide = decide
        self._signing: set[CaseId] = set()

    async def verdict(self, request: web.Request) -> web.Response:
        """Sign the record off; the same verdict again finishes what was cut off after the signature.

        An approval against which something speaks is ``proposed`` and wants a second auditor. Where another
        one is to look at the case unseen, the verdict is ``noted``.
        Errors: ``wrong_role``, ``same_person``, ``same_signer``, ``reason_missing``, ``outcome_not_passed``,
        ``second_wanted``, ``not_watched``, ``wrong_phase``.
        """
        person = await self._rooms.guard.require(request, Role.AUDITOR)
        body = await self._intake.body(request, VerdictBody)
        case = await self._cases.seen_by(person, request.match_info["case"])
        with self._alone(case.case):
            fact = await self._sign(case, person.account.account, body)
            await self._rooms.audits.release(case.case)
        outcome = {OverrideProposed: "proposed", VerdictGiven: "noted"}.get(type(fact), "signed")
        return await self._answer(case.case, outcome)

    async def reopen(self, request: web.Request) -> web.Response:
        """Give a signed case back to the auditors. Errors: as for a verdict."""
        person = await self._rooms.guard.require(request, Role.AUDITOR)
        body = await self._intake.body(request, ReopenBody)
        case = await self._cases.seen_by(person, request.match_info["case"])
        with self._alone(case.case):
            entries = await self._rooms.journal.read(case.case)
            now = self._rooms.clock.now()
            due_at = await asyncio.to_thread(self._settings.audit_due_at, case.policy, now)
            reopened = reopen(entries, person.account.account, body.reason, due_at)
            if reopened is not None:
                await self._rooms.journal.append(case.case, reopened)
            await self._advance(case.case, phase_of(entries), CasePhase.UNDER_AUDIT)
        return await self._answer(case.case, "reopened")

    async def _answer(self, case: CaseId, outcome: str) -> web.Response:
        told = codec.dump(await self._rooms.cases.case(case))
        return web.json_response({"case": told, "outcome": outcome})

    @contextmanager
    def _alone(self, case: CaseId) -> Iterator[None]:
        if case in self._signing:
            raise WrongPhase("somebody signs this case at this moment")
        self._signing.add(case)
        try:
            yield
        finally:
            self._signing.discard(case)

    async def _sign(
        self, case: CaseSummary, auditor: AccountId, body: VerdictBody
    ) -> AuditSigned | OverrideProposed | VerdictGiven:
        entries = await self._rooms.journal.read(case.case)
        signed = signature(entries)
        if case.agent == auditor:
            raise Denied("who took part in a case may not audit it", code="same_person")
        if signed is None:
            look = await self._second_look(case, entries)
            fact = sign(entries, auditor, body.verdict, body.reason, case.manifest_sha256, look)
            if body.verdict is Verdict.APPROVED:
                await self._viewing.require_watched(auditor, case.case)
            await self._rooms.journal.append(case.case, fact)
            if not isinstance(fact, AuditSigned):
                return fact
            signed = fact
        await self._finish_signing(case.case, phase_of(entries), signed.verdict)
        if (signed.auditor, signed.verdict) != (auditor, body.verdict):
            raise WrongPhase("the case is signed already")
        return signed

    async def _second_look(self, case: CaseSummary, entries: Sequence[Entry]) -> Look | None:
        """Draw whether another auditor looks, too; not where those who could are too few to settle it."""
        plan = await asyncio.to_thread(self._settings.audit_plan, case.policy)
        look = second_look(entries, plan, self._settings.audit_key)
        if look is None:
            return None
        staff = await self._rooms.people.staff(case.tenant)
        insiders = took_part(entries)
        able = [
            one
            for one in staff
            if one.role is Role.AUDITOR and not one.disabled and one.account not in insiders
        ]
        if len(able) >= _LOOKERS_MIN:
            return look
        _too_few.inc()
        _log.warning("a second look was drawn and there are too few auditors", case=case.case)
        return None

    async def _finish_signing(self, case: CaseId, phase: CasePhase, verdict: Verdict) -> None:
        to = CasePhase.APPROVED if verdict is Verdict.APPROVED else CasePhase.REJECTED
        await self._advance(case, phase, to)
        await self._decide_again(case)
        await self._rooms.jobs.enqueue("archive_journal", case, again=True)

    async def _decide_again(self, case: CaseId) -> None:
        """Where the service was in doubt, let the signature settle it: class and limits follow from it."""
        entries = await self._rooms.journal.read(case)
        decided = last(entries, Decided)
        if self._decide is None or decided is None or decided.verdict is not CheckVerdict.REVIEW:
            return
        again = self._decide(entries)
        if again.verdict is not CheckVerdict.REVIEW:
            await self._rooms.journal.append(case, again)

    async def _advance(self, case: CaseId, phase: CasePhase, to: CasePhase) -> None:
        if phase is not to:
            await self._rooms.journal.append(case, CaseAdvanced(phase, advance_case(phase, to)))
