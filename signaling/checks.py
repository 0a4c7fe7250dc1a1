"""What a call knows about the identity checks, learnt from the journal's facts. Pure."""

from contract.errors import NotFound, WrongPhase
from contract.facts import (
    EvidenceStored,
    FacesCompared,
    Fact,
    FileShared,
    IdNumberChecked,
    StillRequested,
)
from contract.ids import CheckId, EvidenceId
from contract.phases import CheckVerdict, EvidenceKind
from contract.wire import StillWanted
from contract.worksheet_facts import TiltEnded, TiltRequested

# Kinds that a phone is asked for; a portrait is cut from the card by the server.
_FROM_PHONE = frozenset(
    {
        EvidenceKind.ID_CARD,
        EvidenceKind.ID_CARD_BACK,
        EvidenceKind.PASSPORT,
        EvidenceKind.FACE_STILL,
        EvidenceKind.SCENE,
    }
)
_PICTURES = {
    "evidence_id_card": EvidenceKind.ID_CARD,
    "evidence_face_still": EvidenceKind.FACE_STILL,
}


class Checks:
    """Pictures asked for and stored, verdicts given."""

    def __init__(self) -> None:
        self._wanted: dict[EvidenceId, StillRequested] = {}
        # Of everything that may be uploaded, what it shows; and the pictures of each burst.
        self._kinds: dict[EvidenceId, EvidenceKind] = {}
        self._bursts: dict[CheckId, tuple[EvidenceId, ...]] = {}
        self._uploading: set[EvidenceId] = set()
        self._storing: set[EvidenceId] = set()
        self._stored: dict[EvidenceId, EvidenceKind] = {}
        self._id_number: CheckVerdict | None = None
        self._face: CheckVerdict | None = None

    def noted(self, fact: Fact) -> None:
        """Learn from a fact of the journal."""
        match fact:
            case StillRequested():
                self._wanted[fact.request] = fact
                self._kinds[fact.request] = fact.kind
            case TiltRequested():
                self._bursts[fact.check] = fact.pictures
                self._kinds |= dict.fromkeys(fact.pictures, EvidenceKind.CARD_TILT)
            case TiltEnded():
                for picture in self._bursts.pop(fact.check, ()):
                    del self._kinds[picture]
            case EvidenceStored():
                self._stored[fact.evidence] = fact.kind
            case FileShared():
                self._stored[fact.evidence] = EvidenceKind.SHARED_FILE
            case IdNumberChecked():
                self._id_number = fact.verdict
            case FacesCompared():
                self._face = fact.verdict
            case _:
                pass

    def wanted(self) -> tuple[StillWanted, ...]:
        """Return what the phone is to be told of the pictures that were asked for and have not come."""
        asked = (fact for request, fact in self._wanted.items() if request not in self._stored)
        return tuple(StillWanted(fact.request, fact.kind, fact.at_once) for fact in asked)

    def claim_upload(self, request: EvidenceId) -> EvidenceKind:
        """Begin the one upload for ``request``.

        Raises:
            NotFound: this picture was not asked for.
            WrongPhase: it is stored, or being uploaded now.
        """
        if request not in self._kinds:
            raise NotFound("this picture was not asked for")
        if request in self._stored or request in self._uploading:
            raise WrongPhase("this picture is here already", code="still_stored")
        self._uploading.add(request)
        return self._kinds[request]

    def confirm_upload(self, request: EvidenceId) -> EvidenceKind:
        """The picture has come and is about to be stored. Raises WrongPhase unless it was claimed."""
        if request not in self._uploading or request in self._stored or request not in self._kinds:
            raise WrongPhase("this picture is not being uploaded")
        self._storing.add(request)
        return self._kinds[request]

    def hold(self, evidence: EvidenceId) -> None:
        """A shared file is about to be stored under this id; over with ``release_upload``."""
        self._storing.add(evidence)

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

    def kind_of(self, evidence: EvidenceId) -> EvidenceKind | None:
        """Return what a stored picture shows, None for one that is not of this case."""
        return self._stored.get(evidence)

    def require_stored(self, evidence: EvidenceId) -> None:
        """Raise NotFound unless this picture or file belongs to the case."""
        if evidence not in self._stored:
            raise NotFound("no such picture in this case")

    def found(self, consent: frozenset[str], *, comparing: bool) -> dict[str, str]:
        """Return the state of each check that is more than open, by its word.

        ``passed``, ``review``, ``failed``, or ``waiting`` for the phone or the comparison.
        """
        # To face recognition nobody has to agree.
        found = {"consent": "passed" if "recording" in consent else "failed"}
        on_the_way = {still.kind for still in self.wanted()}
        for word, kind in _PICTURES.items():
            if kind in self._stored.values():
                found[word] = "passed"
            elif kind in on_the_way:
                found[word] = "waiting"
        if self._id_number is not None:
            found["id_number"] = self._id_number.value
        if comparing:
            found["face_match"] = "waiting"
        elif self._face is not None:
            found["face_match"] = self._face.value
        return found


def require_from_phone(kind: EvidenceKind) -> None:
    """Raise WrongPhase for a kind that no phone is asked for."""
    if kind not in _FROM_PHONE:
        raise WrongPhase("this picture is not taken by the phone")
