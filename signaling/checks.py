"""What a call knows about the identity checks, learnt from the journal's facts. Pure."""

from contract.errors import NotFound, UserError, WrongPhase
from contract.facts import EvidenceStored, FacesCompared, Fact, IdNumberChecked, StillRequested
from contract.ids import EvidenceId
from contract.phases import CheckVerdict, EvidenceKind

# Kinds that a phone is asked for; a portrait is cut from the card by the server.
_FROM_PHONE = frozenset({EvidenceKind.ID_CARD, EvidenceKind.FACE_STILL})


class Checks:
    """Pictures asked for and stored, verdicts given."""

    def __init__(self) -> None:
        self._wanted: dict[EvidenceId, EvidenceKind] = {}
        self._uploading: set[EvidenceId] = set()
        self._storing: set[EvidenceId] = set()
        self._stored: dict[EvidenceId, EvidenceKind] = {}
        self._id_number: CheckVerdict | None = None
        self._face: CheckVerdict | None = None

    def noted(self, fact: Fact) -> None:
        """Learn from a fact of the journal."""
        match fact:
            case StillRequested():
                self._wanted[fact.request] = fact.kind
            case EvidenceStored():
                self._stored[fact.evidence] = fact.kind
            case IdNumberChecked():
                self._id_number = fact.verdict
            case FacesCompared():
                self._face = fact.verdict
            case _:
                pass

    def wanted(self) -> tuple[tuple[EvidenceId, EvidenceKind], ...]:
        """Return the pictures that were asked for and have not come."""
        return tuple(item for item in self._wanted.items() if item[0] not in self._stored)

    def claim_upload(self, request: EvidenceId) -> EvidenceKind:
        """Begin the one upload for ``request``.

        Raises:
            NotFound: this picture was not asked for.
            WrongPhase: it is stored, or being uploaded now.
        """
        if request not in self._wanted:
            raise NotFound("this picture was not asked for")
        if request in self._stored or request in self._uploading:
            raise WrongPhase("this picture is here already", code="still_stored")
        self._uploading.add(request)
        return self._wanted[request]

    def confirm_upload(self, request: EvidenceId) -> EvidenceKind:
        """The picture has come and is about to be stored. Raises WrongPhase unless it was claimed."""
        if request not in self._uploading or request in self._stored:
            raise WrongPhase("this picture is not being uploaded")
        self._storing.add(request)
        return self._wanted[request]

    def release_upload(self, request: EvidenceId) -> None:
        """The upload is over, well or not; if not, it may be tried again."""
        self._uploading.discard(request)
        self._storing.discard(request)

    @property
    def storing(self) -> bool:
        """True while a confirmed picture is on its way to the disk."""
        return bool(self._storing)

    def forget_uploads(self) -> None:
        """Wait for no upload any more; none of them can be confirmed from now on."""
        self._uploading.clear()
        self._storing.clear()

    def require_pair(self, card: EvidenceId, still: EvidenceId) -> None:
        """Raise NotFound unless both pictures are stored and of the right kinds."""
        kinds = (self._stored.get(card), self._stored.get(still))
        if kinds != (EvidenceKind.ID_CARD, EvidenceKind.FACE_STILL):
            raise NotFound("no such pictures in this case")

    def require_complete(self, consent: frozenset[str]) -> None:
        """Raise UserError ``checks_incomplete`` unless the outcome may be ``passed``.

        Wanted are consent to both subjects, the card and a still of the face, a passed number check,
        and a face verdict that is not ``failed``; ``review`` of the faces leaves the decision to the
        agent, seen by the auditor.
        """
        consented = {"recording", "biometrics"} <= consent
        pictured = set(self._stored.values()) >= _FROM_PHONE
        number_fits = self._id_number is CheckVerdict.PASSED
        face_fits = self._face in {CheckVerdict.PASSED, CheckVerdict.REVIEW}
        if not (consented and pictured and number_fits and face_fits):
            raise UserError("the checks do not allow this outcome", code="checks_incomplete")


def require_from_phone(kind: EvidenceKind) -> None:
    """Raise WrongPhase for a kind that no phone is asked for."""
    if kind not in _FROM_PHONE:
        raise WrongPhase("this picture is not taken by the phone")
