"""What the host does in a call: the script, pictures and checks. Pure."""

from contract.errors import Busy, NotFound, WrongPhase
from contract.facts import EvidenceNoted, StepMarked, StillRequested
from contract.ids import EvidenceId, SeatId, new_evidence_id
from contract.phases import CallPhase, EvidenceKind
from contract.wire import CheckIdNumber, MarkStep, MatchFaces, Message, NoteEvidence, RequestStill
from signaling.checks import require_from_phone
from signaling.effects import CheckNumber, CompareFaces
from signaling.machine import TALKING
from signaling.parties import Parties
from signaling.script import require_mark
from signaling.seats import Seat

# A picture is bound to a second of the call; one that was asked for before the hold may come in it.
_UPLOADS = frozenset({CallPhase.ACTIVE, CallPhase.HELD})


class Work(Parties):
    """The part of the call machine that identifies the customer."""

    def _got_work(self, host: Seat, message: Message) -> None:
        match message:
            case RequestStill():
                self._got_request(message)
            case CheckIdNumber():
                self._require_kyc()
                self._out.append(CheckNumber(message.number, host.account))
            case MatchFaces():
                self._got_match_faces(host, message)
            case NoteEvidence():
                self._require(self.phase in TALKING or self._undecided)
                self.checks.require_stored(message.evidence)
                self._fact(EvidenceNoted(message.evidence, message.note, message.tags, host.account))
            case MarkStep():
                self._require(self.phase in TALKING or self._undecided)
                require_mark(self._steps(), message)
                self._fact(
                    StepMarked(message.step, message.result, message.answer, message.reason, host.account)
                )
            case _:
                raise WrongPhase("not a message of a call")

    def _require_kyc(self) -> None:
        self._require(self.phase in TALKING)
        self._require(self.kyc_unlocked, "kyc_locked")

    def _got_request(self, message: RequestStill) -> None:
        # Staff get nothing of who is held, or about to be: no picture either.
        self._require(not (self._held or self._changes.wanted(self._stance()).held), "held")
        if message.kind is EvidenceKind.SCENE:
            self._require(self.phase is CallPhase.ACTIVE)
            self._require(self._tracks.recording(), "kyc_locked")
        else:
            self._require_kyc()
        require_from_phone(message.kind)
        self._fact(StillRequested(self.call, new_evidence_id(), message.kind, message.at_once))

    def _got_match_faces(self, host: Seat, message: MatchFaces) -> None:
        self._require_kyc()
        if "biometrics" not in self._consent:
            raise WrongPhase("the customer did not agree to biometrics", code="consent_missing")
        self.checks.require_pair(message.card, message.still)
        if self._comparing:
            raise Busy("a comparison is running")
        self.identity.require_try("portraits", self._now.at)
        self._comparing, self._stale = True, True
        self._out.append(CompareFaces(message.card, message.still, host.account))

    def _require_upload(self, seat: SeatId) -> None:
        if seat != self._table.customer.seat:
            raise NotFound("another seat was asked for this picture")
        self._require(self.phase in _UPLOADS)

    def claim_upload(self, seat: SeatId, request: EvidenceId) -> EvidenceKind:
        """Begin the one upload of ``request``; return what it is to show. Raises NotFound or WrongPhase."""
        self._require_upload(seat)
        return self.checks.claim_upload(request)

    def confirm_upload(self, seat: SeatId, request: EvidenceId) -> EvidenceKind:
        """The claimed picture is about to be stored, if it still may be. Raises NotFound or WrongPhase."""
        self._require_upload(seat)
        return self.checks.confirm_upload(request)

    def release_upload(self, request: EvidenceId) -> None:
        """The upload is over, well or not."""
        self.checks.release_upload(request)
        self._try_close()

    def compared(self) -> None:
        """The running comparison is over, well or not."""
        self._comparing, self._stale = False, True
        self._try_close()
