"""The codes of stills at their seconds."""

from contract.facts import GENESIS, EvidenceStored, seal_entry
from contract.ids import new_case_id, new_evidence_id
from contract.phases import EvidenceKind
from recordings.still_codes import SHOWN_S, StillCodes, still_codes


def _stored(kind: EvidenceKind, sha256: str) -> EvidenceStored:
    file = ("evidence/x.jpg", "image/jpeg", sha256, 1)
    return EvidenceStored(new_evidence_id(), kind, *file, 1, 1, 1.0, "phone")


def test_only_what_a_camera_took() -> None:
    """A portrait cut from the card was not seen at this moment."""
    facts = (_stored(EvidenceKind.FACE_STILL, "ab" * 32), _stored(EvidenceKind.ID_PORTRAIT, "cd" * 32))
    case = new_case_id()
    entries = [seal_entry(n + 1, 10.0 + n, case, fact, GENESIS) for n, fact in enumerate(facts)]

    assert still_codes(entries) == StillCodes(((10.0, "abababab"),))


def test_shown_from_its_second_for_five() -> None:
    """From the second in which it was stored; the newest two where there are more."""
    codes = StillCodes(((10.4, "a"), (12.0, "b"), (12.5, "c")))

    assert [codes.at(9.0), codes.at(10.0), codes.at(11.0)] == ["", "SHA a", "SHA a"]
    assert [codes.at(12.0), codes.at(10.0 + SHOWN_S + 1)] == ["SHA b c", "SHA b c"]
    assert codes.at(18.0) == ""
