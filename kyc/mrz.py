"""Machine-readable zones of identity documents: ICAO Doc 9303 parts 3 to 6, eighth edition.

Pure code for TD1 (identity cards), TD2 and TD3 (passports). The one Python package for this is under
GPL-3.0 and has not moved since 2021; the rules fit on a page.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from contract.errors import UserError

_ZONE = re.compile(r"[A-Z0-9<]+")
_WEIGHTS = (7, 3, 1)
_VALUES = {character: value for value, character in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")} | {
    "<": 0
}
Span = tuple[int, int]


class MrzFormat(StrEnum):
    """The sizes of Doc 9303 part 3."""

    TD1 = "TD1"
    TD2 = "TD2"
    TD3 = "TD3"


@dataclass(frozen=True, slots=True)
class Mrz:
    """What a zone says.

    ``issuer`` and ``nationality`` are the three letters of Doc 9303 part 3 section 5, ``sex`` is ``M``,
    ``F`` or empty. ``born`` and ``expires`` are None when the zone names no such day. ``errors`` are
    machine words, one per field that is wrong: ``document_code``, ``issuer``, ``nationality``, ``name``,
    ``sex``, ``number_check``, ``birth_check``, ``birth_date``, ``expiry_check``, ``expiry_date``,
    ``optional_check``, ``composite_check``; ``number_repaired`` is a doubt of :func:`find_mrz`.
    """

    format: MrzFormat
    document_code: str
    issuer: str
    number: str
    surname: str
    given_names: str
    nationality: str
    sex: str
    born: date | None
    expires: date | None
    optional: tuple[str, ...]
    errors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where things stand in the joined lines; a check digit stands right after its field."""

    format: MrzFormat
    lines: int
    width: int
    number: Span
    nationality: Span
    birth: Span
    expiry: Span
    optional: tuple[Span, ...]
    name: Span
    composite: tuple[Span, ...]
    composite_check: int
    optional_check: int | None = None

    @property
    def sex(self) -> int:
        """Return the place between the check digit of the birth date and the expiry date."""
        return self.birth[1] + 1

    @property
    def digits(self) -> tuple[int, ...]:
        """Return the places where nothing but a digit may stand, in a complete zone."""
        return (
            *range(self.birth[0], self.birth[1] + 1),
            *range(self.expiry[0], self.expiry[1] + 1),
            self.composite_check,
        )

    @property
    def letters(self) -> tuple[int, ...]:
        """Return the places where no digit may stand."""
        return (*range(2, 5), *range(*self.nationality), *range(*self.name))


_LAYOUTS = (
    _Layout(
        MrzFormat.TD1, 3, 30, (5, 14), (45, 48), (30, 36), (38, 44), ((15, 30), (48, 59)), (60, 90),
        ((5, 30), (30, 37), (38, 45), (48, 59)), 59,
    ),
    _Layout(
        MrzFormat.TD2, 2, 36, (36, 45), (46, 49), (49, 55), (57, 63), ((64, 71),), (5, 36),
        ((36, 46), (49, 56), (57, 71)), 71,
    ),
    _Layout(
        MrzFormat.TD3, 2, 44, (44, 53), (54, 57), (57, 63), (65, 71), ((72, 86),), (5, 44),
        ((44, 54), (57, 64), (65, 87)), 87, 86,
    ),
)  # fmt: skip
# Part 4 section 4.2.2.1 and part 5 section 4.2.2.1: P is the passport's; A, C and I are the cards'.
_CODES = {MrzFormat.TD1: "ACI", MrzFormat.TD2: "ACIP", MrzFormat.TD3: "P"}


def check_digit(text: str) -> str:
    """Return the check digit of Doc 9303 part 3 section 4.9: weights 7 3 1, modulus 10.

    Raises:
        KeyError: ``text`` holds something else than A to Z, 0 to 9 and ``<``.
    """
    return str(sum(_VALUES[c] * _WEIGHTS[place % 3] for place, c in enumerate(text)) % 10)


def parse_mrz(text: str, on: date) -> Mrz:
    """Parse the lines in ``text`` as of the day ``on``, which decides about centuries.

    A birth date lies in the last hundred years before ``on``; an expiry date in the fifty years before
    or the fifty after.

    Raises:
        UserError: ``not_an_mrz``: another number or length of lines, or other characters.
    """
    lines = text.upper().split()
    layout = _layout_of(lines)
    if layout is None or not all(_ZONE.fullmatch(line) for line in lines):
        raise UserError("the lines are no machine-readable zone", code="not_an_mrz")
    return _parsed("".join(lines), layout, on)


def _layout_of(lines: Sequence[str]) -> _Layout | None:
    shape = [len(line) for line in lines]
    return next((layout for layout in _LAYOUTS if shape == [layout.width] * layout.lines), None)


def _parsed(zone: str, layout: _Layout, on: date) -> Mrz:
    number, number_right = _number(zone, layout)
    surname, _, given = zone[slice(*layout.name)].partition("<<")
    born = _birth_date(zone[slice(*layout.birth)], on)
    expires = _expiry_date(zone[slice(*layout.expiry)], on)
    wrong = {
        "document_code": zone[0] not in _CODES[layout.format],
        "issuer": not _is_state(zone[2:5]),
        "nationality": not _is_state(zone[slice(*layout.nationality)]),
        "name": re.fullmatch("[A-Z<]*", surname + given) is None or not surname.strip("<"),
        "sex": zone[layout.sex] not in "MFX<",
        "number_check": not number_right,
        "birth_check": not _checked(zone, layout.birth),
        "birth_date": born is None,
        "expiry_check": not _checked(zone, layout.expiry),
        "expiry_date": expires is None,
        "optional_check": not _optional_right(zone, layout),
        "composite_check": not _composite_right(zone, layout),
    }
    return Mrz(
        format=layout.format,
        document_code=zone[:2].rstrip("<"),
        issuer=zone[2:5].rstrip("<"),
        number=number,
        surname=_spaced(surname),
        given_names=_spaced(given),
        nationality=zone[slice(*layout.nationality)].rstrip("<"),
        sex=zone[layout.sex] if zone[layout.sex] in "MF" else "",
        born=born,
        expires=expires,
        optional=tuple(zone[slice(*span)].strip("<") for span in layout.optional),
        errors=tuple(word for word, is_wrong in wrong.items() if is_wrong),
    )


def _number(zone: str, layout: _Layout) -> tuple[str, bool]:
    start, end = layout.number
    principal, check = zone[start:end], zone[end]
    rest = zone[slice(*layout.optional[0])].partition("<")[0]
    if check == "<" and layout.format is not MrzFormat.TD3 and len(rest) > 1:
        # Part 5, note j: a longer number goes on in the optional field, its check digit last.
        return principal + rest[:-1], check_digit(principal + rest[:-1]) == rest[-1]
    return principal.rstrip("<"), check_digit(principal) == check


def _checked(zone: str, span: Span) -> bool:
    return check_digit(zone[slice(*span)]) == zone[span[1]]


def _optional_right(zone: str, layout: _Layout) -> bool:
    if layout.optional_check is None:
        return True
    text, check = zone[slice(*layout.optional[0])], zone[layout.optional_check]
    # Part 4: over an empty field the digit may be left out.
    return check_digit(text) == check or (check == "<" and not text.strip("<"))


def _composite_right(zone: str, layout: _Layout) -> bool:
    covered = "".join(zone[slice(*span)] for span in layout.composite)
    return check_digit(covered) == zone[layout.composite_check]


def _is_state(text: str) -> bool:
    # Germany's D<< is the one code that is shorter than three letters.
    return re.fullmatch(r"[A-Z]{3}|[A-Z]{1,2}<{1,2}", text) is not None


def _spaced(text: str) -> str:
    return " ".join(text.replace("<", " ").split())


def _birth_date(text: str, on: date) -> date | None:
    days = [day for day in _days(text, on) if day <= on]
    return max(days, default=None)


def _expiry_date(text: str, on: date) -> date | None:
    days = _days(text, on)
    return min(days, key=lambda day: abs((day - on).days), default=None)


def _days(text: str, on: date) -> list[date]:
    if not (text.isascii() and text.isdigit()):
        return []
    year, month, day = int(text[:2]), int(text[2:4]), int(text[4:])
    found = []
    for century in range(on.year // 100 - 1, on.year // 100 + 2):
        try:
            found.append(date(100 * century + year, month, day))
        except ValueError:
            continue
    return found


# What recognisers make of the filler.
_FILLERS = str.maketrans(dict.fromkeys("《〈«‹＜く{[(（【", "<"))
_TO_DIGIT = str.maketrans("OQDUILZSGTB", "00001125678")
_TO_LETTER = str.maketrans("0125678", "OIZSGTB")
_ALIKE = {
    "0": "OQD", "O": "0QD", "Q": "0O", "D": "0O", "1": "IJ", "I": "1J", "J": "1I", "2": "Z", "Z": "2",
    "5": "S", "S": "5", "6": "G", "G": "6", "8": "B", "B": "8",
}  # fmt: skip
# LI<<LEI<<< is the shortest line that is worth a try: recognisers drop fillers at the end.
_LINE_MIN = 8


def find_mrz(texts: Sequence[str], on: date) -> Mrz | None:
    """Return the zone among recognised lines ``texts``, given from top to bottom.

    Fillers that were miscounted are put right in the longest run of each line; a letter read where only
    a digit can stand becomes one and the other way round. In the document number one
    character is exchanged for one that looks alike, and only when its check digit and the composite are
    both wrong and just one such exchange makes both right. The word ``number_repaired`` then tells it to
    a person: one in ten wrong exchanges fits by chance.
    """
    lines = [line for line in map(_zone_line, texts) if len(line) >= _LINE_MIN and "<" in line]
    doubtful: Mrz | None = None
    # TD3 and TD2 begin their second lines alike: the one that needs fewer fillers moved is meant, unless
    # only the other is free of errors.
    for _, zone, layout in sorted(_candidates(lines), key=lambda one: one[0]):
        found = _repaired(zone, layout, on)
        if found is not None and not found.errors:
            return found
        doubtful = doubtful or found
    return doubtful


def _candidates(lines: Sequence[str]) -> Iterator[tuple[int, str, _Layout]]:
    """Yield each run of lines that can be fitted to a layout, with how many characters that moves."""
    for layout in _LAYOUTS:
        for start in range(len(lines) - layout.lines + 1):
            part = lines[start : start + layout.lines]
            fitted = [_fitted(line, layout.width) for line in part]
            if all(len(line) == layout.width for line in fitted):
                yield sum(abs(layout.width - len(line)) for line in part), "".join(fitted), layout


def _zone_line(text: str) -> str:
    narrow = unicodedata.normalize("NFKC", text).upper().translate(_FILLERS).replace("|", "I")
    return re.sub(r"[^A-Z0-9<]", "", narrow)


def _fitted(line: str, width: int) -> str:
    runs = sorted(re.finditer("<+", line), key=lambda run: run.end() - run.start())
    longest = runs[-1] if runs else None
    missing = width - len(line)
    if longest is None or longest.end() - longest.start() + missing < 1:
        return line
    fillers = "<" * (longest.end() - longest.start() + missing)
    return line[: longest.start()] + fillers + line[longest.end() :]


def _repaired(zone: str, layout: _Layout, on: date) -> Mrz | None:
    characters = list(zone)
    for place in layout.digits:
        characters[place] = characters[place].translate(_TO_DIGIT)
    for place in layout.letters:
        characters[place] = characters[place].translate(_TO_LETTER)
    zone = "".join(characters)
    found = _parsed(zone, layout, on)
    if {"number_check", "composite_check"} <= {*found.errors}:
        right = [other for other in _number_variants(zone, layout) if _number_proved(other, layout)]
        if len(right) == 1:
            repaired = _parsed(right[0], layout, on)
            found = replace(repaired, errors=("number_repaired", *repaired.errors))
    # Two long lines of anything are no zone: something in it must have proved itself.
    proved = {"number_check", "birth_check", "expiry_check"} - {*found.errors}
    return found if len(proved) >= 2 else None


def _number_proved(zone: str, layout: _Layout) -> bool:
    return _number(zone, layout)[1] and _composite_right(zone, layout)


def _number_variants(zone: str, layout: _Layout) -> Iterator[str]:
    check = layout.number[1]
    for place in range(*layout.number):
        for alike in _ALIKE.get(zone[place], ""):
            other = zone[:place] + alike + zone[place + 1 :]
            yield other[:check] + other[check].translate(_TO_DIGIT) + other[check + 1 :]
