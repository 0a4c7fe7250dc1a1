"""Asks outside sources about a customer, and keeps what they answer as it came."""

import hashlib
from collections.abc import Iterable, Mapping

import structlog

from contract.errors import TellerError, UserError
from contract.facts import Entry
from contract.identity_facts import ExternalAnswered, ExternalAsked
from contract.identity_ports import ExternalAnswer, Subject
from contract.ids import CallId, CaseId, EvidenceId, new_check_id, new_evidence_id
from contract.phases import CheckVerdict, EvidenceKind
from contract.ports import EvidenceStore, IdentityChecks, ImageFinding, Journal
from signaling.equipment import Equipment
from signaling.identity_journal import known

_log = structlog.get_logger(__name__)


class Outside:
    """Works on the journal and the evidence of one case at a time."""

    def __init__(
        self, journal: Journal, evidence: EvidenceStore, identity: IdentityChecks, equipment: Equipment
    ) -> None:
        self._journal = journal
        self._evidence = evidence
        self._identity = identity
        self._equipment = equipment

    async def ask(self, case: CaseId, call: CallId | None, service: str) -> None:
        """Ask one source, and append what it says. Raises UserError ``no_such_service``, or the source's."""
        source = self._equipment.external.get(service)
        if source is None:
            raise UserError("there is no such source", code="no_such_service")
        about = known(await self._journal.read(case))
        contacts = await self._equipment.books.contacts(about.ref)
        check = new_check_id()
        await self._journal.append(case, ExternalAsked(call, check, service))
        subject = Subject(about.ref, about.name, about.number, contacts.phone)
        answer = await source.ask(subject)
        if answer.reference is not None:
            await self.keep_picture(case, EvidenceKind.REFERENCE, answer.reference)
        evidence = await self._keep_answer(case, answer)
        await self._journal.append(
            case,
            ExternalAnswered(
                call=call,
                check=check,
                service=service,
                verdict=answer.verdict,
                code=answer.code,
                raw_sha256=hashlib.sha256(answer.raw).hexdigest(),
                evidence=evidence,
                matched=answer.matched,
                pii_asked_name=subject.name,
                pii_asked_number=subject.number,
                pii_name=answer.name,
                pii_number=answer.number,
            ),
        )

    async def screen(self, case: CaseId, call: CallId | None) -> bool:
        """Ask every list on which nobody has looked the customer up yet; tell whether there is any doubt.

        A list that speaks against him is one, and so is a list that gives no answer or is not there.
        """
        answers = _answers(await self._journal.read(case))
        for service in self._equipment.screening:
            if service not in answers:
                try:
                    await self.ask(case, call, service)
                except TellerError as error:
                    _log.warning("a list gave no answer", case=case, service=service, code=error.code)
        answers = _answers(await self._journal.read(case))
        return any(answers.get(service) is not CheckVerdict.PASSED for service in self._equipment.screening)

    async def keep_picture(self, case: CaseId, kind: EvidenceKind, data: bytes) -> EvidenceId:
        """Keep a picture that came from no phone, and return its id. Raises UserError when it is none."""
        evidence = new_evidence_id()
        image = await self._identity.inspect_image(data)
        await self._evidence.store(case, evidence, kind, data, image, "derived")
        return evidence

    async def _keep_answer(self, case: CaseId, answer: ExternalAnswer) -> EvidenceId:
        evidence = new_evidence_id()
        # No picture: it has no size and no sharpness.
        form = ImageFinding(answer.media_type, 0, 0, 0.0)
        await self._evidence.store(case, evidence, EvidenceKind.ANSWER, answer.raw, form, "derived")
        return evidence


def _answers(entries: Iterable[Entry]) -> Mapping[str, CheckVerdict]:
    """Return what each source said last."""
    facts = (entry.fact for entry in entries)
    return {fact.service: fact.verdict for fact in facts if isinstance(fact, ExternalAnswered)}
