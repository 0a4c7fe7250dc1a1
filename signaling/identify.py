"""What host and customer do in a call to show who the customer is: beyond pictures and numbers. Pure."""

import secrets

from contract.errors import NotFound, WrongPhase
from contract.identity_facts import (
    ChallengeDecided,
    FieldCorrected,
    LivenessStarted,
    QuestionJudged,
)
from contract.identity_ports import LivenessRun
from contract.ids import CheckId, EvidenceId, new_check_id
from contract.phases import Capture, EvidenceKind
from contract.wire import (
    AskExternal,
    CameraClaim,
    ChallengeDeclined,
    ChallengeReady,
    ComparePortraits,
    CorrectField,
    DecideChallenge,
    DrawQuestion,
    EnterCode,
    JudgeQuestion,
    LightShown,
    Message,
    ReadDocument,
    RequestTilt,
    SendCode,
    StartLiveness,
    TickFeature,
    TiltOver,
)
from signaling.codes import new_code
from signaling.identity_effects import (
    AskOutside,
    AskQuestion,
    ComparePictures,
    JudgeDocument,
    MeasureBurst,
    ReadPicture,
    RunLiveness,
    TellCamera,
    TellLive,
    TextCode,
)
from signaling.machine import TALKING
from signaling.questions import chosen
from signaling.seats import Seat
from signaling.work import Work

_DOCUMENTS = frozenset({EvidenceKind.ID_CARD, EvidenceKind.ID_CARD_BACK, EvidenceKind.PASSPORT})
# 128 bits: a modulus of a few hundred has no bias that anybody could measure.
_RANDOM_BYTES = 16


class Identify(Work):
    """The part of the call machine that is sure of the customer, or hands the doubt to a person."""

    def _got_work(self, host: Seat, message: Message) -> None:
        match message:
            case ReadDocument():
                self._got_read(host, message)
            case CorrectField():
                self._got_correction(host, message)
            case ComparePortraits():
                self._got_portraits(host, message)
            case StartLiveness():
                self._got_start(host, message)
            case DecideChallenge():
                self._got_decision(host, message)
            case DrawQuestion():
                self._got_draw(host)
            case JudgeQuestion():
                self._got_judgement(host, message)
            case SendCode():
                self._got_send(host, message)
            case AskExternal():
                self._got_ask(host, message)
            case RequestTilt():
                self._got_tilt(host, message)
            case TickFeature():
                self._require(self.phase in TALKING or self._undecided)
                self._fact(self.sheet.tick(self.call, message, host.account))
            case _:
                super()._got_work(host, message)

    def _got_answer(
        self,
        message: ChallengeReady | ChallengeDeclined | LightShown | EnterCode | CameraClaim | TiltOver,
    ) -> None:
        """Take what the customer's page says of a check; what comes too late is passed over."""
        self._require(self.phase in TALKING)
        match message:
            case ChallengeReady() if message.check == self.identity.running:
                sound = self._table.customer.microphone is Capture.ON
                self._out.append(TellLive(message.check, "ready", sound))
            case ChallengeDeclined() if message.check == self.identity.running:
                self._out.append(TellLive(message.check, "declined"))
            case LightShown() if message.check == self.identity.running:
                self._out.append(TellLive(message.check, "light_shown"))
            case EnterCode():
                tried = self.identity.enter(message.check, message.code, self._now.at)
                if tried is not None:
                    self._fact(tried)
            case CameraClaim():
                self._out.append(TellCamera(message))
            case TiltOver():
                over = self.sheet.over(self.call, message.check, message.reason)
                if over is not None:
                    self._fact(over)
            case _:
                pass

    # --- inside: documents and faces ---

    def _require_biometrics(self) -> None:
        self._require_kyc()
        if "biometrics" not in self._consent:
            raise WrongPhase("the customer did not agree to biometrics", code="consent_missing")

    def _require_picture(self, evidence: EvidenceId, *kinds: EvidenceKind) -> None:
        if self.checks.kind_of(evidence) not in kinds:
            raise NotFound("no such picture in this case")

    def _got_read(self, host: Seat, message: ReadDocument) -> None:
        self._require_kyc()
        self._require_picture(message.evidence, *_DOCUMENTS)
        self.identity.require_try("document", self._now.at)
        self.identity.begin("document")
        self._stale = True
        self._out.append(ReadPicture(message.evidence, host.account))

    def _got_correction(self, host: Seat, message: CorrectField) -> None:
        self._require(self.phase in TALKING or self._undecided)
        before = self.identity.field_of(message.check, message.field)
        self._fact(FieldCorrected(self.call, message.check, host.seat, message.field, before, message.value))
        self._out.append(JudgeDocument(message.check))

    def _got_portraits(self, host: Seat, message: ComparePortraits) -> None:
        self._require_biometrics()
        self._require_picture(message.card, EvidenceKind.ID_CARD, EvidenceKind.PASSPORT)
        self._require_picture(message.still, EvidenceKind.FACE_STILL)
        if message.reference is not None:
            self._require_picture(message.reference, EvidenceKind.REFERENCE)
        self.identity.require_try("portraits", self._now.at)
        self.identity.begin("portraits")
        self._stale = True
        self._out.append(ComparePictures(message.card, message.still, message.reference, host.account))

    def _got_tilt(self, host: Seat, message: RequestTilt) -> None:
        self._require_kyc()
        self._require(not (self._held or self._changes.wanted(self._stance()).held), "held")
        for fact in self.sheet.request(self.call, message.document, host.account):
            self._fact(fact)

    def _tilt_over(self, check: CheckId) -> None:
        """Let what came of a burst be looked at; it is advice, and the record waits for it a moment."""
        effect = MeasureBurst(check, self.sheet.came(check))
        if effect.pictures and effect.what not in self.identity.working:
            self.identity.begin(effect.what)
            self._out.append(effect)

    # --- inside: liveness ---

    def _got_start(self, host: Seat, message: StartLiveness) -> None:
        self._require_biometrics()
        self._require(not (self._held or self._changes.wanted(self._stance()).held), "held")
        self.identity.require_try(message.kind, self._now.at)
        check = new_check_id()
        self.identity.start(check)
        attempt = self.identity.attempt(message.kind)
        self._fact(LivenessStarted(self.call, check, message.kind, attempt, message.elder, host.account))
        customer = self._table.customer.seat
        former = self.identity.former_gestures
        run = LivenessRun(self.case, self.call, customer, check, message.kind, former, message.elder)
        self._out.append(RunLiveness(run, host.account))

    def _got_decision(self, host: Seat, message: DecideChallenge) -> None:
        self._require(self.phase in TALKING or self._undecided)
        self.identity.require_run(message.check)
        if not message.reason.strip():
            raise WrongPhase("a decision needs a reason", code="reason_missing")
        if self.identity.running == message.check:
            self._out.append(TellLive(message.check, "stop"))
        self._fact(ChallengeDecided(self.call, message.check, message.verdict, message.reason, host.account))

    # --- inside: questions, code, sources ---

    def _got_draw(self, host: Seat) -> None:
        self._require_kyc()
        found = self.identity.question_candidates()
        random_hex = secrets.token_hex(_RANDOM_BYTES)
        drawn = chosen(found, random_hex)
        question = next(one for one in self._plan.identity.questions if one.id == drawn)
        effect = AskQuestion(new_check_id(), question, found, random_hex, host.account)
        self.identity.begin(effect.what)
        self._out.append(effect)

    def _got_judgement(self, host: Seat, message: JudgeQuestion) -> None:
        self._require(self.phase in TALKING or self._undecided)
        self.identity.take_open_question(message.check)
        self._fact(QuestionJudged(self.call, message.check, message.verdict, message.note, host.account))
        self._out.append(TellLive(message.check, "judged"))

    def _got_send(self, host: Seat, message: SendCode) -> None:
        self._require_kyc()
        self.identity.require_try("code", self._now.at)
        code = new_code(self._now.at)
        self.identity.send(code, self._now.at)
        self._out.append(TextCode(new_check_id(), message.channel, code, host.account))

    def _got_ask(self, host: Seat, message: AskExternal) -> None:
        self._require_kyc()
        effect = AskOutside(message.service, host.account)
        self.identity.begin(effect.what)
        self._stale = True
        self._out.append(effect)

    def identity_done(self, what: str, *, well: bool) -> None:
        """A command for ``what`` is over, well or not."""
        self.identity.done(what, well=well)
        self._stale = True
        self._try_close()
