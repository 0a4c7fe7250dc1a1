"""What a case's journal says of its customer, as identity checks need it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from contract.facts import CaseCreated, Entry, IdNumberChecked
from contract.identity_facts import DocumentRead, FieldCorrected
from contract.ids import CheckId


@dataclass(frozen=True, slots=True)
class Known:
    """The customer so far: ``sides`` are the newest readings, corrected; ``entered`` what was said before.

    ``ref`` is the bank's own name for the customer, empty for a walk-in.
    """

    ref: str
    name: str
    number: str
    sides: tuple[dict[str, str], ...]
    entered: dict[str, str]


def known(entries: Iterable[Entry]) -> Known:
    """Return what ``entries`` say."""
    ref = name = number = ""
    readings: dict[str, tuple[CheckId, dict[str, str]]] = {}
    for entry in entries:
        fact = entry.fact
        if isinstance(fact, CaseCreated):
            ref, name = fact.pii_customer_ref, fact.pii_customer_name
        elif isinstance(fact, IdNumberChecked):
            number = fact.pii_number
        elif isinstance(fact, DocumentRead):
            readings[fact.side] = (fact.check, {one.name: one.pii_value for one in fact.fields})
        elif isinstance(fact, FieldCorrected):
            for check, fields in readings.values():
                if check == fact.check:
                    fields[fact.field] = fact.pii_after
    sides = tuple(fields for _, fields in readings.values())
    # A walk-in said no name before, or any.
    entered = {"name": name if ref else "", "number": number}
    return Known(
        ref=ref,
        name=_first(sides, "name") or name,
        number=number or _first(sides, "number"),
        sides=sides,
        entered={key: value for key, value in entered.items() if value},
    )


def _first(sides: Iterable[dict[str, str]], field: str) -> str:
    return next((side[field] for side in sides if side.get(field)), "")
