"""The specimen card and its photograph."""

from datetime import date

import cv2
import numpy as np
import pytest

from contract.phases import CheckVerdict
from kyc.documents import check_id_number
from teller.demo.card import (
    CARD_SIZE,
    Holder,
    cut_portrait,
    other_specimen,
    photograph,
    render_card,
    specimen,
)
from teller.demo.pictures import Picture, astronaut, other_person


def decoded(data: bytes) -> Picture:
    """Return a JPEG's picture."""
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), np.uint8)


@pytest.mark.parametrize("holder", [specimen(), other_specimen()])
def test_the_specimens_number_is_sound(holder: Holder) -> None:
    """The number passes GB 11643, and birth date and sex on the card are those in the number."""
    finding = check_id_number(holder.number, date(2026, 11, 22))
    assert finding.verdict is CheckVerdict.PASSED
    assert finding.birth_date == holder.born
    assert holder.sex == ("男" if int(holder.number[16]) % 2 else "女")


def test_the_specimen_belongs_to_nobody() -> None:
    """One number is the standard's example, the other's holder was born before 1890."""
    assert specimen().number == "11010519491231002X"
    assert other_specimen().born < date(1890, 1, 1)


def test_the_card_shows_portrait_text_and_stamp() -> None:
    """The portrait stands at the right, ink in every line, and the red stamp across."""
    portrait = cut_portrait(astronaut())
    card = render_card(portrait, specimen())
    assert card.shape == (CARD_SIZE[1], CARD_SIZE[0], 3)
    assert np.array_equal(card[128:598, 836:1216], portrait)
    dark = card.max(axis=2) < 90
    for top, bottom in ((110, 165), (205, 260), (300, 355), (400, 505), (670, 730)):
        assert dark[top:bottom, 200:830].sum() > 300
    red = (card[:, :, 2].astype(int) - card[:, :, 1]) > 50
    assert red[460:650, 150:830].sum() > 5_000


def test_names_and_numbers_are_really_printed() -> None:
    """Another name, another address or another digit changes the card just there."""
    portrait = cut_portrait(astronaut())
    one, other = render_card(portrait, specimen()), render_card(portrait, other_specimen())
    changed = np.abs(one.astype(int) - other).max(axis=2) > 60
    assert changed[110:165, 200:400].any()
    assert changed[670:730, 360:1160].any()
    assert not changed[128:598, 836:1216].any()


def test_cut_portraits_have_the_asked_size() -> None:
    """Every person's head and shoulders fill the portrait's place."""
    for person in (astronaut(), other_person(0), other_person(5)):
        cut = cut_portrait(person, (190, 235))
        assert cut.shape == (235, 190, 3)
        assert cut.std() > 20


def test_a_photograph_is_as_large_as_a_phones() -> None:
    """The picture is at least 1600 wide, a few hundred kB, and the card is tilted on a desk."""
    data = photograph(render_card(cut_portrait(astronaut()), specimen()))
    picture = decoded(data)
    assert picture.shape == (1500, 2000, 3)
    assert 100_000 < len(data) < 2_000_000
    bright = picture.mean(axis=2) > 170
    assert 0.3 < bright.mean() < 0.6
    assert not bright[:120].any()
    assert bright[700:800, 900:1100].mean() > 0.5


def test_seeds_choose_the_photograph() -> None:
    """The same seed gives the same bytes, another seed another view."""
    card = render_card(cut_portrait(astronaut()), specimen())
    small = (1600, 1200)
    assert photograph(card, 1, small) == photograph(card, 1, small)
    assert photograph(card, 1, small) != photograph(card, 2, small)
    assert decoded(photograph(card, 2, small)).shape == (1200, 1600, 3)
