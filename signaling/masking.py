"""The numbers of documents, hidden in what is told of a case. Pure.

What was read or typed as a number is looked for in every text of every fact, so that a number in a chat line
or a correction is hidden as well. Entries keep their hashes: the chain can still be followed, and the journal
itself is untouched.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from contract.facts import Entry, IdNumberChecked
from contract.identity_facts import DocumentRead, ExternalAnswered, FieldCorrected

_NUMBER = "number"
# Enough to tell two cards apart, too little to use one.
_HEAD, _TAIL = 3, 2
_SHORTEST = 6
_SIGN = "•"


def numbers_of(entries: Iterable[Entry]) -> frozenset[str]:
    """Return every number of a document that the facts tell, as it stands there."""
    found: set[str] = set()
    for entry in entries:
        match entry.fact:
            case IdNumberChecked(pii_number=number):
                found.add(number)
            case DocumentRead(fields=fields):
                found.update(field.pii_value for field in fields if field.name == _NUMBER)
            case FieldCorrected(field=name, pii_before=before, pii_after=after) if name == _NUMBER:
                found.update((before, after))
            case ExternalAnswered(pii_asked_number=asked, pii_number=held):
                found.update((asked, held))
            case _:
                pass
    return frozenset(number for number in found if len(number) >= _SHORTEST)


def mask(number: str) -> str:
    """Return ``number`` with its middle hidden; its length stays."""
    return number[:_HEAD] + _SIGN * (len(number) - _HEAD - _TAIL) + number[-_TAIL:]


def masked(lines: Sequence[dict[str, Any]], numbers: frozenset[str]) -> list[dict[str, Any]]:
    """Return journal lines (see ``contract.facts.dump_entry``) with ``numbers`` hidden in their facts."""
    if not numbers:
        return list(lines)
    # The longest first: one number may be part of another.
    ordered = sorted(numbers, key=len, reverse=True)
    pattern = re.compile("|".join(_spaced(number) for number in ordered), re.IGNORECASE)
    return [line | {"fact": _hidden(line["fact"], pattern)} for line in lines]


def _spaced(number: str) -> str:
    """Return a pattern that finds the number however people group its signs."""
    return r"[\s-]?".join(re.escape(sign) for sign in number if not sign.isspace())


def _hidden(value: Any, pattern: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return pattern.sub(lambda found: mask(found[0]), value)
    if isinstance(value, list):
        return [_hidden(one, pattern) for one in value]
    if isinstance(value, dict):
        return {key: _hidden(one, pattern) for key, one in value.items()}
    return value
