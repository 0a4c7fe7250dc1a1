"""Whether the sources about a person say the same: card, form, number and zone. Pure code.

What differs is said by a word for the agent and the journal; a customer is never told which one.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from contract.identity_ports import Claim
from contract.phases import CheckVerdict
from kyc.documents import Validity, check_id_number, normalise, number_sex, validity_failures
from kyc.mrz import Mrz

# Middle dots in names of several peoples are typed in many ways.
_DOTS = re.compile(r"[\s.\u00b7\u2022\u2027\u30fb\u2219\u22c5]+")
_SEXES = {"男": "M", "女": "F", "M": "M", "F": "F"}


@dataclass(frozen=True, slots=True)
class Identity:
    """What one source says of a person; an empty field says nothing.

    ``sex`` is 男, 女, ``M`` or ``F``; ``number`` is the document's, for a resident its GB 11643 number.
    """

    name: str = ""
    sex: str = ""
    born: date | None = None
    number: str = ""


def disagreements(
    card: Identity,
    on: date,
    *,
    form: Identity | None = None,
    validity: Validity | None = None,
) -> tuple[str, ...]:
    """Return a word for everything that does not fit a resident's card on the day ``on``.

    ``name_differs``, ``sex_differs``, ``birth_differs``, ``number_differs`` against the form;
    ``sex_differs_from_number``, ``birth_differs_from_number``; ``number_`` with
    a failure of :func:`kyc.documents.check_id_number`; those of :func:`kyc.documents.validity_failures`.
    What a source leaves empty is not compared.
    """
    number = normalise(card.number)
    return (
        *(f"{field}_differs" for field in _differing(card, form or Identity())),
        *_against_number(card, number, on),
        *(validity_failures(validity, on, number) if validity else ()),
    )


def claim_disagreements(card: Identity, claim: Claim) -> tuple[str, ...]:
    """Return a word for everything in which an outside source speaks of another person than the card.

    ``name_differs_from_registry``, ``number_differs_from_registry``: it holds another than the card bears,
    or than it was asked about; ``name_differs_from_query``, ``number_differs_from_query``: it was asked
    about another. Names in different scripts are not compared.
    """
    asked = Identity(name=claim.asked_name, number=claim.asked_number)
    held = Identity(name=claim.name, number=claim.number)
    against = dict.fromkeys((*_claimed(card, held), *_claimed(asked, held)))
    return (
        *(f"{field}_differs_from_registry" for field in against),
        *(f"{field}_differs_from_query" for field in _claimed(card, asked)),
    )


def _claimed(one: Identity, other: Identity) -> Iterator[str]:
    in_one_script = one.name.isascii() == other.name.isascii()
    for field in _differing(one, other):
        if field != "name" or in_one_script:
            yield field


def mrz_disagreements(zone: Mrz, on: date, *, card: Identity | None = None) -> tuple[str, ...]:
    """Return a word for every error of ``zone``, ``mrz_`` before it, and for what differs from the card.

    ``expired`` when its last day has passed. Names are compared when the card's is in Latin letters.
    """
    printed = card or Identity()
    latin = printed.name if printed.name.isascii() else ""
    said = Identity(f"{zone.surname} {zone.given_names}", zone.sex, zone.born, zone.number)
    compared = Identity(latin, printed.sex, printed.born, printed.number)
    return (
        *(f"mrz_{word}" for word in zone.errors),
        *(f"{field}_differs_from_mrz" for field in _differing(compared, said)),
        *(("expired",) if zone.expires is not None and zone.expires < on else ()),
    )


def _differing(one: Identity, other: Identity) -> Iterator[str]:
    pairs = (
        ("name", _plain_name(one.name), _plain_name(other.name)),
        ("sex", _SEXES.get(one.sex, ""), _SEXES.get(other.sex, "")),
        ("birth", one.born, other.born),
        ("number", normalise(one.number), normalise(other.number)),
    )
    for field, left, right in pairs:
        if left and right and left != right:
            yield field


def _plain_name(name: str) -> str:
    return _DOTS.sub("", unicodedata.normalize("NFKC", name)).casefold()


def _against_number(card: Identity, number: str, on: date) -> Iterator[str]:
    if not number:
        return
    finding = check_id_number(number, on)
    if finding.verdict is CheckVerdict.FAILED:
        yield from (f"number_{word}" for word in finding.failures)
    # A number of the wrong form has no digits to compare with.
    if "form" in finding.failures:
        return
    by_number = Identity(sex=number_sex(finding.number), born=finding.birth_date)
    yield from (f"{field}_differs_from_number" for field in _differing(card, by_number))
