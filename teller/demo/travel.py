"""Specimens of travel documents by ICAO Doc 9303: a TD1 card's back and a TD3 data page.

Their issuer is Utopia, UTO, the state that the standard itself invents for specimens.
"""

from dataclasses import dataclass
from datetime import date

import cv2

from kyc.mrz import check_digit
from teller.demo.card import CARD_SIZE, INK, LABEL_INK, background, stamp, write
from teller.demo.pictures import Picture

# Doc 9303 part 4: 125 mm x 88 mm; at 12 pixels per millimetre.
PAGE_SIZE = (1500, 1056)
# Part 3 section 4.5: OCR-B with 10 characters to the inch, lines 6.35 mm apart; here at 15 and 12
# pixels per millimetre, in the font at hand.
_CARD_PITCH, _CARD_LEADING = 38.1, 95
_PAGE_PITCH, _PAGE_LEADING = 30.5, 76
_STATE = "UTO"


@dataclass(frozen=True, slots=True)
class Traveller:
    """What is printed on a travel document; names A to Z with single spaces, ``sex`` ``M`` or ``F``."""

    surname: str
    given_names: str
    number: str
    born: date
    sex: str
    expires: date


def _field(text: str, width: int) -> str:
    return text.replace(" ", "<")[:width].ljust(width, "<")


def _checked(text: str) -> str:
    return text + check_digit(text)


def card_zone(person: Traveller) -> tuple[str, str, str]:
    """Return the three lines of a TD1 card (Doc 9303 part 5)."""
    first = f"I<{_STATE}{_checked(_field(person.number, 9))}{'<' * 15}"
    birth, expiry = _checked(f"{person.born:%y%m%d}"), _checked(f"{person.expires:%y%m%d}")
    optional = "<" * 11
    composite = check_digit(first[5:] + birth + expiry + optional)
    second = f"{birth}{person.sex}{expiry}{_STATE}{optional}{composite}"
    return first, second, _field(f"{person.surname}<<{person.given_names}", 30)


def page_zone(person: Traveller) -> tuple[str, str]:
    """Return the two lines of a passport (Doc 9303 part 4)."""
    first = _field(f"P<{_STATE}{person.surname}<<{person.given_names}", 44)
    number, optional = _checked(_field(person.number, 9)), _checked("<" * 14)
    birth, expiry = _checked(f"{person.born:%y%m%d}"), _checked(f"{person.expires:%y%m%d}")
    composite = check_digit(number + birth + expiry + optional)
    return first, f"{number}{_STATE}{birth}{person.sex}{expiry}{optional}{composite}"


def render_card_zone(person: Traveller) -> Picture:
    """Return the back of a TD1 card, 1284 x 810, BGR."""
    card = background(CARD_SIZE)
    write(card, "UTOPIA IDENTITY CARD", (80, 110), 48, LABEL_INK)
    _rows(card, (("Sex", person.sex), ("Date of birth", _printed(person.born))), (80, 200))
    stamp(card, (520, 400))
    _print_zone(card, card_zone(person), 580, _CARD_PITCH, _CARD_LEADING)
    return card


def render_page(portrait: Picture, person: Traveller) -> Picture:
    """Return a passport's data page, 1500 x 1056, BGR, with ``portrait`` in its place."""
    page = background(PAGE_SIZE)
    write(page, "PASSPORT   UTOPIA", (80, 100), 56, LABEL_INK)
    page[150:700, 70:490] = cv2.resize(portrait, (420, 550), interpolation=cv2.INTER_AREA)
    rows = (
        ("Surname", person.surname),
        ("Given names", person.given_names),
        ("Passport No.", person.number),
        ("Nationality", "UTOPIAN"),
        ("Date of birth", _printed(person.born)),
        ("Sex", person.sex),
        ("Date of expiry", _printed(person.expires)),
    )
    _rows(page, rows, (540, 200))
    stamp(page, (760, 740))
    _print_zone(page, page_zone(person), 930, _PAGE_PITCH, _PAGE_LEADING)
    return page


def _printed(day: date) -> str:
    return f"{day:%d %b %Y}".upper()


def _rows(picture: Picture, rows: tuple[tuple[str, str], ...], at: tuple[int, int]) -> None:
    for row, (label, text) in enumerate(rows):
        write(picture, label, (at[0], at[1] + 76 * row), 22, LABEL_INK)
        write(picture, text, (at[0], at[1] + 76 * row + 38), 34, INK)


def _print_zone(picture: Picture, lines: tuple[str, ...], top: int, pitch: float, leading: int) -> None:
    left, size = (picture.shape[1] - pitch * len(lines[0])) / 2, round(1.25 * pitch)
    for row, line in enumerate(lines):
        for place, character in enumerate(line):
            # The font is not of one width: every character stands in the middle of its cell.
            _, _, wide, _ = cv2.getTextSize((0, 0), character, (0, 0), cv2.FontFace("uni"), size, 500)
            x = left + pitch * place + (pitch - wide) / 2
            write(picture, character, (round(x), top + leading * row), size, INK)
