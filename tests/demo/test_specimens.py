"""Specimen documents: who is on them, what is printed, how they are photographed."""

from datetime import date

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.phases import CheckVerdict
from kyc.documents import check_id_number, read_validity, validity_failures
from kyc.mrz import parse_mrz
from teller.demo.card import (
    CARD_SIZE,
    Scene,
    card_corners,
    cut_portrait,
    photograph,
    render_back,
    render_card,
    specimen,
)
from teller.demo.pictures import astronaut
from teller.demo.specimens import CONDITIONS, SIZE, Kind, draw_holder, draw_issue, draw_traveller, specimens
from teller.demo.travel import PAGE_SIZE, card_zone, page_zone, render_card_zone, render_page

TODAY = date(2026, 11, 22)
seeds = st.integers(0, 2**32 - 1)


@given(seeds)
def test_residents_never_lived(seed: int) -> None:
    """Their numbers are sound, fit birth date and sex, and lie before 1890."""
    person = draw_holder(np.random.default_rng(seed))
    finding = check_id_number(person.number, TODAY)
    assert (finding.verdict, finding.birth_date) == (CheckVerdict.PASSED, person.born)
    assert date(1850, 1, 1) <= person.born < date(1890, 1, 1)
    assert person.sex == ("男" if int(person.number[16]) % 2 else "女")
    assert person.address.startswith(finding.region[:2])


@given(seeds)
def test_terms_are_as_the_law_has_them(seed: int) -> None:
    """What is printed is read back, and its length is a lawful one."""
    issue = draw_issue(np.random.default_rng(seed))
    term = read_validity(issue.term)
    assert term is not None
    assert (term.issued, term.expires) == (issue.issued, issue.expires)
    assert validity_failures(term, term.issued) == ()


@given(seeds)
def test_zones_are_sound(seed: int) -> None:
    """Card and page of every traveller are zones without an error, from Utopia."""
    person = draw_traveller(np.random.default_rng(seed))
    for lines in (card_zone(person), page_zone(person)):
        zone = parse_mrz("\n".join(lines), TODAY)
        assert (zone.errors, zone.issuer) == ((), "UTO")
        assert (zone.number, zone.surname, zone.given_names) == (
            person.number,
            person.surname,
            person.given_names,
        )
        assert (zone.born, zone.sex, zone.expires) == (person.born, person.sex, person.expires)


def red(picture: np.ndarray) -> int:
    """Return how many pixels the stamp's red covers."""
    return int(((picture[:, :, 2].astype(int) - picture[:, :, 1]) > 50).sum())


def test_every_document_is_marked() -> None:
    """The red words run across back, card and page."""
    chance = np.random.default_rng(1)
    person = draw_traveller(chance)
    back, card = render_back(draw_issue(chance)), render_card_zone(person)
    page = render_page(cut_portrait(astronaut()), person)
    assert (back.shape[1::-1], card.shape[1::-1], page.shape[1::-1]) == (CARD_SIZE, CARD_SIZE, PAGE_SIZE)
    assert all(red(picture[300:760, 400:]) > 5_000 for picture in (back, card, page))


def test_specimens_come_in_turn() -> None:
    """Every condition of one kind, then the next kind; each as a decodable picture with its truth."""
    row = list(specimens(1, 2 * len(CONDITIONS)))
    assert [one.condition for one in row] == [*CONDITIONS, *CONDITIONS]
    assert [one.kind for one in row] == [Kind.FRONT] * len(CONDITIONS) + [Kind.BACK] * len(CONDITIONS)
    assert {*row[0].truth} == {"name", "sex", "nation", "born", "address", "number"}
    assert {*row[-1].truth} == {"authority", "issued", "expires"}
    for one in row[:4]:
        shape = np.asarray(cv2.imdecode(np.frombuffer(one.picture, np.uint8), cv2.IMREAD_COLOR)).shape
        assert {*shape[:2]} == {*SIZE}


def test_specimens_depend_on_seed_and_place_only() -> None:
    """The same seed gives the same documents, a longer row begins like a shorter, another seed differs."""
    kinds, conditions = (Kind.TD1,), ("clean",)
    one = list(specimens(3, 2, kinds=kinds, conditions=conditions))
    assert one[:1] == list(specimens(3, 1, kinds=kinds, conditions=conditions))
    assert one[0].truth != one[1].truth
    assert one[0] not in list(specimens(4, 1, kinds=kinds, conditions=conditions))


@pytest.mark.parametrize("seed", range(4))
def test_the_corners_are_told(seed: int) -> None:
    """Inside the told corners the photo is bright, outside dark, in every position."""
    card = render_card(cut_portrait(astronaut()), specimen())
    scene = Scene(turned=True, desk=(20, 20, 20))
    size = (800, 600)
    photo = cv2.imdecode(np.frombuffer(photograph(card, seed, size, scene), np.uint8), cv2.IMREAD_GRAYSCALE)
    corners = card_corners(card, seed, size, scene)
    inside = np.zeros(np.asarray(photo).shape, np.uint8)
    cv2.fillConvexPoly(inside, corners.astype(np.int32), 1)
    assert np.asarray(photo)[inside == 0].mean() < 60
    edge = corners.mean(axis=0) + 0.9 * (corners - corners.mean(axis=0))
    assert all(np.asarray(photo)[int(y), int(x)] > 120 for x, y in edge)
