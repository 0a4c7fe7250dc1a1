"""What a case's journal says of its customer, as identity checks need it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from contract.facts import CaseCreated, Entry, EvidenceStored, IdNumberChecked, StillRequested
from contract.identity_facts import (
    DocumentJudged,
    DocumentRead,
    ExternalAnswered,
    FieldCorrected,
    ReadField,
    SelfCheckStarted,
)
from contract.identity_ports import Claim, DocumentSide
from contract.ids import CallId, CheckId, EvidenceId
from contract.phases import EvidenceKind

STILLS = 3
"""As many live pictures are looked at for one comparison: the median of three bears a bad one."""


@dataclass(frozen=True, slots=True)
class Known:
    """The customer so far: ``sides`` are the newest readings, corrected; ``entered`` what was said before.

    ``ref`` is the bank's own name for the customer, empty for a walk-in. ``claims`` are what each outside
    source said last; ``judged`` is the newest judgement of the document.
    """

    ref: str
    name: str
    number: str
    sides: tuple[DocumentSide, ...]
    entered: dict[str, str]
    claims: tuple[Claim, ...] = ()
    judged: DocumentJudged | None = None


@dataclass(slots=True)
class _Reading:
    check: CheckId
    findings: tuple[str, ...]
    fields: dict[str, ReadField] = field(default_factory=dict)


def known(entries: Iterable[Entry]) -> Known:
    """Return what ``entries`` say. A try of self-service stands for itself: readings before it are over."""
    ref = name = number = ""
    readings: dict[str, _Reading] = {}
    claims: dict[str, Claim] = {}
    judged: DocumentJudged | None = None
    for entry in entries:
        match entry.fact:
            case CaseCreated() as fact:
                ref, name = fact.pii_customer_ref, fact.pii_customer_name
            case IdNumberChecked() as fact:
                number = fact.pii_number
            case SelfCheckStarted():
                readings.clear()
                judged = None
            case DocumentRead() as fact:
                fields = {one.name: one for one in fact.fields}
                readings[fact.side] = _Reading(fact.check, fact.findings, fields)
            case DocumentJudged() as fact:
                judged = fact
            case ExternalAnswered() as fact:
                asked, held = (fact.pii_asked_name, fact.pii_asked_number), (fact.pii_name, fact.pii_number)
                claims[fact.service] = Claim(*asked, *held)
            case FieldCorrected() as fact:
                _correct(readings.values(), fact)
            case _:
                pass
    sides = tuple(
        DocumentSide(side, tuple(one.fields.values()), one.findings) for side, one in readings.items()
    )
    # A walk-in said no name before, or any.
    entered = {"name": name if ref else "", "number": number}
    return Known(
        ref=ref,
        name=_first(sides, "name") or name,
        number=number or _first(sides, "number"),
        sides=sides,
        entered={key: value for key, value in entered.items() if value},
        claims=tuple(claims.values()),
        judged=judged,
    )


def stills_of_call(entries: Iterable[Entry], call: CallId, chosen: EvidenceId) -> tuple[EvidenceId, ...]:
    """Return the live pictures that are looked at: ``chosen`` first, then the newest others of this call.

    One that was taken elsewhere, as in self-service, is looked at alone.
    """
    wanted: set[EvidenceId] = set()
    stored: list[EvidenceId] = []
    for entry in entries:
        match entry.fact:
            case StillRequested(kind=EvidenceKind.FACE_STILL) as fact if fact.call == call:
                wanted.add(fact.request)
            case EvidenceStored() as fact if fact.evidence in wanted:
                stored.append(fact.evidence)
            case _:
                pass
    others = [one for one in reversed(stored) if one != chosen] if chosen in stored else []
    return (chosen, *others[: STILLS - 1])


def _correct(readings: Iterable[_Reading], fact: FieldCorrected) -> None:
    for reading in readings:
        if reading.check == fact.check:
            reading.fields[fact.field] = ReadField(fact.field, fact.pii_after, 1.0)


def _first(sides: Iterable[DocumentSide], name: str) -> str:
    read = (one.pii_value for side in sides for one in side.fields if one.name == name)
    return next((value for value in read if value), "")
