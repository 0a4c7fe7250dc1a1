"""Executes what identity checks want against their ports. Errors are the caller's to tell."""

import secrets
from collections.abc import Coroutine, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

import structlog

from contract.errors import TellerError, UserError
from contract.facts import Fact
from contract.identity_facts import (
    AccountsCounted,
    ChallengeEnded,
    CodeSent,
    DocumentJudged,
    DocumentRead,
    LightMeasured,
    Limit,
    LivenessMeasured,
    PortraitsCompared,
    QuestionDrawn,
    Signal,
    StillJudged,
)
from contract.identity_ports import DocumentVerdict, LivenessRun, PortraitsFinding
from contract.ids import AccountId, CallId, CaseId, CheckId, EvidenceId, SeatId, new_check_id, new_evidence_id
from contract.phases import AccountClass, CheckVerdict, CodeChannel, EvidenceKind, LivenessKind
from contract.ports import Clock, EvidenceStore, IdentityChecks, Journal
from contract.worksheet_facts import TiltMeasured, TiltPlace
from signaling.ceilings import Ceilings
from signaling.codes import ATTEMPTS, masked
from signaling.equipment import Equipment
from signaling.identity_effects import (
    AskOutside,
    AskQuestion,
    Beside,
    ComparePictures,
    MeasureBurst,
    ReadPicture,
    TellCamera,
    TellLive,
    TextCode,
)
from signaling.identity_journal import Known, known, stills_of_call
from signaling.outside import Outside

_log = structlog.get_logger(__name__)

# One of the newest movements is asked about; older ones nobody remembers.
_MOVEMENTS = 10


class IdentityCommands:
    """Reads and writes the journal, the evidence and the ports of identity checks."""

    def __init__(
        self,
        journal: Journal,
        evidence: EvidenceStore,
        identity: IdentityChecks,
        clock: Clock,
        equipment: Equipment,
        ceilings: Ceilings,
    ) -> None:
        self._journal = journal
        self._evidence = evidence
        self._clock = clock
        self._equipment = equipment
        self._ceilings = ceilings
        self._outside = Outside(journal, evidence, identity, equipment)

    def beside(self, case: CaseId, call: CallId, effect: Beside) -> Coroutine[Any, Any, None]:
        """Return the work of an effect that waits for nothing of the case."""
        match effect:
            case ReadPicture():
                return self._read(case, call, effect.evidence)
            case ComparePictures():
                return self._compare(case, call, effect)
            case AskQuestion():
                return self._ask_question(case, call, effect)
            case TextCode():
                return self._send_code(case, call, effect)
            case AskOutside():
                return self._ask_outside(case, call, effect)

    # --- documents and faces ---

    async def _read(self, case: CaseId, call: CallId, evidence: EvidenceId) -> None:
        await self._ceilings.require(case, "document")
        check, advisory = await self.read(case, call, evidence)
        await self.judge(case, call, check, advisory)

    async def read(
        self, case: CaseId, call: CallId | None, evidence: EvidenceId
    ) -> tuple[CheckId, tuple[Signal, ...]]:
        """Read one side of a document; return the reading's name and signs of a copy."""
        data = await self._evidence.read(case, evidence)
        found = await self._equipment.documents.read_document(data, self._today())
        picture = None
        if found.picture is not None:
            picture = await self._outside.keep_picture(case, EvidenceKind.DOCUMENT, found.picture)
        check = new_check_id()
        await self._journal.append(
            case,
            DocumentRead(
                call=call,
                check=check,
                evidence=evidence,
                picture=picture,
                side=found.side,
                kind=found.kind,
                fields=found.fields,
                findings=found.findings,
                models=found.models,
            ),
        )
        return check, found.advisory

    async def judge(
        self, case: CaseId, call: CallId | None, check: CheckId, advisory: tuple[Signal, ...] = ()
    ) -> CheckVerdict:
        """Judge all that was read of the customer's document."""
        found = await self._judged(await self._known(case))
        await self._journal.append(case, DocumentJudged(call, check, found.verdict, found.failures, advisory))
        return found.verdict

    async def _judged(self, about: Known) -> DocumentVerdict:
        today = self._today()
        return await self._equipment.documents.judge_document(about.sides, about.entered, today, about.claims)

    async def _compare(self, case: CaseId, call: CallId, effect: ComparePictures) -> None:
        await self._ceilings.require(case, "portraits")
        card = await self._evidence.read(case, effect.card)
        stills = stills_of_call(await self._journal.read(case), call, effect.still)
        pictures = [await self._evidence.read(case, still) for still in stills]
        reference = effect.reference and await self._evidence.read(case, effect.reference)
        seen = self._equipment.live.seen(call)
        found = await self._equipment.documents.compare_portraits(card, pictures, reference or None, seen)
        portrait = None
        if found.portrait is not None and found.portrait_image is not None:
            portrait, kind = new_evidence_id(), EvidenceKind.ID_PORTRAIT
            await self._evidence.store(case, portrait, kind, found.portrait, found.portrait_image, "derived")
        used = effect.card, stills, effect.reference
        fact = compared(call, new_check_id(), used, found, portrait, effect.agent)
        await self._journal.append(case, fact)

    async def measure(self, case: CaseId, call: CallId, effect: MeasureBurst) -> None:
        """Append what changes over the pictures of a burst; nothing in a house that reads no documents."""
        pictures = [await self._evidence.read(case, one) for one in effect.pictures]
        try:
            found = await self._equipment.documents.measure_tilt(pictures)
        except UserError as error:
            _log.info("a burst is not measured", case=case, code=error.code)
            return
        places = (
            TiltPlace(effect.pictures[p.picture], p.left, p.top, p.width, p.height, p.change)
            for p in found.places
        )
        fact = TiltMeasured(call, effect.check, tuple(places), found.cards, found.advisory)
        await self._journal.append(case, fact)

    # --- liveness ---

    async def start(self, run: LivenessRun) -> None:
        """Begin a run; one that cannot begin is over at once, and says why."""
        try:
            await self._ceilings.require(run.case, run.kind, run.check)
            await self._equipment.live.start(run)
        except TellerError as error:
            await self._journal.append(run.case, unmeasured(run, error.code))
            raise

    async def tell(self, call: CallId, effect: TellLive | TellCamera) -> None:
        """Hand on what the customer's page or the agent says."""
        live = self._equipment.live
        match effect:
            case TellCamera():
                live.claims(call, asdict(effect.claim))
            case TellLive(what="ready"):
                await live.ready(call, effect.check, sound=effect.sound)
            case TellLive(what="light_shown"):
                await live.light_shown(call, effect.check)
            case TellLive(what="judged"):
                live.question_judged(call, effect.check)
            case TellLive(what="declined"):
                await live.stop(call, effect.check, "declined")
            case TellLive():
                await live.stop(call, effect.check, "agent")

    async def watch(self, case: CaseId, call: CallId, seat: SeatId) -> None:
        """Look at the customer from now on."""
        await self._equipment.live.watch(case, call, seat)

    async def close(self, call: CallId) -> None:
        """Look at the call no more."""
        await self._equipment.live.close(call)

    # --- questions, codes, sources ---

    async def _ask_question(self, case: CaseId, call: CallId, effect: AskQuestion) -> None:
        question = effect.question
        day = expected = ""
        if question.about == "transactions":
            about = await self._known(case)
            movements = await self._equipment.books.recent_transactions(about.ref, _MOVEMENTS)
            if not movements:
                raise UserError("the bank knows of no movement", code="no_transactions")
            one = secrets.choice(movements)
            day = one.day.isoformat()
            expected = f"{one.counterparty} {one.amount / 100:+.2f}"
        await self._journal.append(
            case,
            QuestionDrawn(
                call=call,
                check=effect.check,
                question=question.id,
                candidates=effect.candidates,
                random_hex=effect.random_hex,
                pii_zh=question.zh.replace("{day}", day),
                pii_en=question.en.replace("{day}", day),
                pii_expected=expected,
            ),
        )
        self._equipment.live.question_put(call, effect.check)

    async def _send_code(self, case: CaseId, call: CallId, effect: TextCode) -> None:
        await self._ceilings.require(case, "code")
        contacts = await self._equipment.books.contacts((await self._known(case)).ref)
        to = contacts.phone if effect.channel is CodeChannel.SMS else contacts.email
        if not to:
            raise UserError("the bank knows no such address", code="no_address")
        text = self._equipment.code_text.replace("{code}", effect.code.digits)
        await self._equipment.messenger.send(effect.channel, to, text)
        await self._journal.append(
            case,
            CodeSent(
                call=call,
                check=effect.check,
                channel=effect.channel,
                pii_to_masked=masked(to),
                expires_at=effect.code.expires_at,
                attempts=ATTEMPTS,
                code_hmac=effect.code.hmac,
            ),
        )

    async def _ask_outside(self, case: CaseId, call: CallId, effect: AskOutside) -> None:
        await self._outside.ask(case, call, effect.service)
        about = await self._known(case)
        if about.judged is None:
            return
        # What a source says of the person may be against the document, or no longer.
        found = await self._judged(about)
        if (found.verdict, found.failures) != (about.judged.verdict, about.judged.failures):
            again = DocumentJudged(call, about.judged.check, found.verdict, found.failures, ())
            await self._journal.append(case, again)

    # --- the decision ---

    async def screen(self, case: CaseId, call: CallId | None) -> bool:
        """Look the customer up on the lists that the policy names; see ``Outside.screen``."""
        return await self._outside.screen(case, call)

    async def decide(self, case: CaseId) -> CheckVerdict | None:
        """Append the bank's count of accounts, where it can be had, and what everything comes to.

        None where people decide.
        """
        if self._equipment.decide is None:
            return None
        try:
            counts = await self._equipment.books.open_accounts((await self._known(case)).ref)
        except TellerError as error:
            # A house without books is one; of books that fail somebody must hear.
            told = _log.info if error.code == "not_available" else _log.warning
            told("the bank's books do not answer", case=case, pii_error=str(error))
        else:
            limits = tuple(Limit(one.value, counts.get(one.value, 0)) for one in AccountClass)
            await self._journal.append(case, AccountsCounted(limits))
        decided = self._equipment.decide(await self._journal.read(case))
        await self._journal.append(case, decided)
        return decided.verdict

    async def _known(self, case: CaseId) -> Known:
        return known(await self._journal.read(case))

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock.now(), UTC).date()


def unmeasured(run: LivenessRun, reason: str) -> Fact:
    """Return the end of a liveness check that could not be made; its doubt is a person's."""
    review = CheckVerdict.REVIEW
    match run.kind:
        case LivenessKind.PASSIVE:
            return LivenessMeasured(run.call, run.check, 0, 0.0, 0.0, 0.0, 0.0, review, reason, ())
        case LivenessKind.GESTURES:
            return ChallengeEnded(run.call, run.check, review, reason)
        case LivenessKind.LIGHT:
            return LightMeasured(run.call, run.check, None, 0.0, 0.0, 0.0, 0.0, 0, review, reason)


def compared(
    call: CallId | None,
    check: CheckId,
    pictures: tuple[EvidenceId, Sequence[EvidenceId], EvidenceId | None],
    found: PortraitsFinding,
    portrait: EvidenceId | None,
    agent: AccountId | None,
) -> PortraitsCompared:
    """Return the fact of a comparison of card, stills and reference."""
    card, stills, reference = pictures
    judged = tuple(StillJudged(one, quality) for one, quality in zip(stills, found.stills, strict=True))
    still = next((one.evidence for one in judged if one.quality.rank == 1), stills[0])
    return PortraitsCompared(
        call=call,
        check=check,
        card=card,
        still=still,
        reference=reference,
        portrait=portrait,
        pairs=found.pairs,
        frames=found.frames,
        quality=found.quality,
        threshold=found.threshold,
        review_threshold=found.review_threshold,
        operating_point=found.operating_point,
        models=found.models,
        verdict=found.verdict,
        reason=found.reason,
        agent=agent,
        stills=judged,
    )
