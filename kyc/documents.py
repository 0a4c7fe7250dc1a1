"""Resident identity cards of the People's Republic of China: the number, GB 11643-1999, and the term.

Pure code. Regions are known at province level only (GB/T 2260, the first two digits): county codes
have been reassigned many times, and a number keeps the code of the day it was issued.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

from contract.phases import CheckVerdict
from contract.ports import IdNumberFinding

# Nobody born earlier is alive, and the worked examples of the standard lie within.
EARLIEST_BIRTH = date(1850, 1, 1)

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_CHARACTERS = "10X98765432"
_FORM_18 = re.compile(r"[1-9][0-9]{16}[0-9X]")
_FORM_15 = re.compile(r"[1-9][0-9]{14}")
_SEPARATORS = re.compile(r"[\s\-\u00b7]+")

# 81 to 83 stand on the residence permits of people from Hong Kong, Macao and Taiwan (2018).
PROVINCES = {
    "11": "北京市", "12": "天津市", "13": "河北省", "14": "山西省", "15": "内蒙古自治区",
    "21": "辽宁省", "22": "吉林省", "23": "黑龙江省",
    "31": "上海市", "32": "江苏省", "33": "浙江省", "34": "安徽省", "35": "福建省", "36": "江西省",
    "37": "山东省",
    "41": "河南省", "42": "湖北省", "43": "湖南省", "44": "广东省", "45": "广西壮族自治区", "46": "海南省",
    "50": "重庆市", "51": "四川省", "52": "贵州省", "53": "云南省", "54": "西藏自治区",
    "61": "陕西省", "62": "甘肃省", "63": "青海省", "64": "宁夏回族自治区", "65": "新疆维吾尔自治区",
    "71": "台湾省", "81": "香港特别行政区", "82": "澳门特别行政区", "83": "台湾地区",
}  # fmt: skip


def normalise(number: str) -> str:
    """Return ``number`` with full-width characters narrowed, spaces and dashes removed, ``x`` as ``X``."""
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", number)).upper()


def check_character(first_17: str) -> str:
    """Return the 18th character for 17 digits: ISO 7064 MOD 11-2, ``0`` to ``9`` or ``X``."""
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, first_17, strict=True))
    return _CHECK_CHARACTERS[total % 11]


def upgraded(number_15: str) -> str:
    """Return the 18 characters of a 15-digit number of before 1999; the century becomes 19."""
    first_17 = f"{number_15[:6]}19{number_15[6:]}"
    return first_17 + check_character(first_17)


def check_id_number(number: str, on: date) -> IdNumberFinding:
    """Apply GB 11643 to ``number`` as of the day ``on``.

    Failures: ``form``, ``region``, ``birth_date`` (no such day), ``birth_in_future``,
    ``birth_too_early``, ``check_digit``. A sound number of 15 digits is returned upgraded with verdict
    REVIEW and the word ``fifteen_digits``, since its check digit proves nothing.
    """
    text = normalise(number)
    if _FORM_15.fullmatch(text):
        return _finding(upgraded(text), on, ("fifteen_digits",))
    if not _FORM_18.fullmatch(text):
        return IdNumberFinding(text, CheckVerdict.FAILED, ("form",), "", None)
    return _finding(text, on, ())


def _finding(number: str, on: date, doubts: tuple[str, ...]) -> IdNumberFinding:
    region = PROVINCES.get(number[:2], "")
    born = _birth_date(number)
    failures = [] if region else ["region"]
    failures += _birth_failures(born, on)
    if check_character(number[:17]) != number[17]:
        failures.append("check_digit")
    verdict = CheckVerdict.REVIEW if doubts else CheckVerdict.PASSED
    if failures:
        verdict = CheckVerdict.FAILED
    return IdNumberFinding(number, verdict, (*doubts, *failures), region, born)


def _birth_date(number: str) -> date | None:
    try:
        return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return None


def _birth_failures(born: date | None, on: date) -> list[str]:
    if born is None:
        return ["birth_date"]
    if born > on:
        return ["birth_in_future"]
    return ["birth_too_early"] if born < EARLIEST_BIRTH else []


def age_on(born: date, on: date) -> int:
    """Return the completed years of somebody ``born`` then, on the day ``on``.

    In years without 29 February, who was born on it grows older on 1 March.
    """
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def number_sex(number: str) -> str:
    """Return ``M`` or ``F`` for 18 characters: the 17th digit is odd for men."""
    return "M" if int(number[16]) % 2 else "F"


# Cards of the second generation, the only ones with a printed term, were issued from 2004 on.
FIRST_ISSUED = date(2004, 1, 1)
LONG_TERM = "长期"
# Residence permits for people from Hong Kong, Macao and Taiwan (State Council, 2018) run five years.
_PERMITS = ("81", "82", "83")
_TERM = re.compile(r"(\d{4})\D?(\d{2})\D?(\d{2})\D{0,3}(?:(\d{4})\D?(\d{2})\D?(\d{2})|长期)")


@dataclass(frozen=True, slots=True)
class Validity:
    """The term on the back of a card; ``expires`` is its last day, None for 长期."""

    issued: date
    expires: date | None


def read_validity(text: str) -> Validity | None:
    """Return the term printed as ``2016.05.10-2026.05.10`` or ``2016.05.10-长期``, else None."""
    found = _TERM.fullmatch("".join(unicodedata.normalize("NFKC", text).split()))
    if found is None:
        return None
    numbers = [int(group) for group in found.groups() if group]
    try:
        days = [date(*numbers[at : at + 3]) for at in range(0, len(numbers), 3)]
    except ValueError:
        return None
    return Validity(days[0], days[1] if len(days) > 1 else None)


def validity_failures(validity: Validity, on: date, number: str = "") -> tuple[str, ...]:
    """Return what is wrong with a term on the day ``on``; empty when nothing is.

    Words: ``issued_too_early``, ``issued_in_future``, ``issued_before_birth``, ``expires_before_issue``,
    ``expired``, ``term_unusual`` (neither 5, 10, 20 years nor 长期), ``term_unlike_age``: by article 5
    of the Resident Identity Card Law (2003) cards run 5 years below 16, 10 from 16 to 25, 20 from 26
    to 45 and for ever from 46 on. ``number`` is the holder's with 18 characters; without it the age is
    not judged.
    """
    born = _birth_date(number) if _FORM_18.fullmatch(number) else None
    words = [
        ("issued_too_early", validity.issued < FIRST_ISSUED),
        ("issued_in_future", validity.issued > on),
        ("issued_before_birth", born is not None and validity.issued < born),
        ("expires_before_issue", validity.expires is not None and validity.expires <= validity.issued),
        ("expired", validity.expires is not None and validity.expires < on),
    ]
    return (*(word for word, applies in words if applies), *_term_failures(validity, born, number))


def _term_failures(validity: Validity, born: date | None, number: str) -> tuple[str, ...]:
    years = _term_years(validity)
    if years not in (None, 5, 10, 20):
        return ("term_unusual",)
    if born is None or number.startswith(_PERMITS):
        return ()
    age = age_on(born, validity.issued)
    due = next((term for limit, term in ((16, 5), (26, 10), (46, 20)) if age < limit), None)
    return () if years == due else ("term_unlike_age",)


def _term_years(validity: Validity) -> int | None:
    """Return the years from issue to expiry, None for 长期, 0 for a term of no whole years."""
    if validity.expires is None:
        return None
    years = validity.expires.year - validity.issued.year
    leap = (validity.issued.month, validity.issued.day) == (2, 29)
    # 29 February is followed by its last day or by 1 March in a year without it.
    last = {(2, 28), (2, 29), (3, 1)} if leap else {(validity.issued.month, validity.issued.day)}
    return years if (validity.expires.month, validity.expires.day) in last else 0
