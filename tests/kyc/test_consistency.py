"""What card, form, number and zone say of one person."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.identity_ports import Claim
from kyc.consistency import Identity, claim_disagreements, disagreements, mrz_disagreements
from kyc.documents import Validity
from kyc.mrz import parse_mrz

TODAY = date(2026, 11, 22)
CARD = Identity("样本人", "女", date(1949, 12, 31), "11010519491231002X")
ZONE = parse_mrz(
    "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10",
    date(2010, 1, 1),
)
ANNA = Identity("Eriksson Anna Maria", "F", date(1974, 8, 12), "L898902C3")


def test_a_card_that_fits() -> None:
    """Form, registry, number and term agree: nothing to say."""
    term = Validity(date(2010, 5, 10), None)
    assert disagreements(CARD, TODAY, form=CARD, validity=term) == ()
    assert disagreements(Identity(), TODAY) == ()


@pytest.mark.parametrize(
    ("other", "word"),
    [
        (replace(CARD, name="样本仁"), "name"),
        (replace(CARD, sex="男"), "sex"),
        (replace(CARD, sex="M"), "sex"),
        (replace(CARD, born=date(1949, 12, 30)), "birth"),
        (replace(CARD, number="440524188001010014"), "number"),
    ],
)
def test_each_difference_has_its_word(other: Identity, word: str) -> None:
    """The word names the field and the source that differs."""
    assert disagreements(CARD, TODAY, form=other) == (f"{word}_differs",)


@pytest.mark.parametrize(
    "form",
    [
        Identity(name=" 样 本人"),
        Identity(sex="F"),
        Identity(number="110105 19491231 002x"),
        Identity(sex="X"),
        Identity(),
    ],
)
def test_ways_of_saying_the_same(form: Identity) -> None:
    """Spaces, cases, letters for sexes and empty fields are no difference."""
    assert disagreements(CARD, TODAY, form=form) == ()


def test_middle_dots_are_all_alike() -> None:
    """买买提·艾力 is typed with many dots."""
    card = Identity(name="买买提·艾力")
    for dot in "·•‧・∙⋅. ":
        assert disagreements(card, TODAY, form=Identity(name=f"买买提{dot}艾力")) == ()


@pytest.mark.parametrize(
    ("card", "words"),
    [
        (replace(CARD, sex="男"), ("sex_differs_from_number",)),
        (replace(CARD, born=date(1949, 12, 1)), ("birth_differs_from_number",)),
        (replace(CARD, number="110105194912310021"), ("number_check_digit",)),
        (replace(CARD, number="1101051949123100"), ("number_form",)),
        (Identity(number="110105194913310024"), ("number_birth_date", "number_check_digit")),
        # Fifteen digits: a doubt of the number's own check, no disagreement.
        (replace(CARD, number="110105491231002"), ()),
    ],
)
def test_the_card_against_its_own_number(card: Identity, words: tuple[str, ...]) -> None:
    """Birth date and sex are in the number; a number of the wrong form proves nothing about them."""
    assert disagreements(card, TODAY) == words


def test_the_term_is_judged_with_the_age() -> None:
    """The back's term is held against the front's number."""
    ten_years = Validity(date(2012, 5, 10), date(2022, 5, 10))
    assert disagreements(CARD, TODAY, validity=ten_years) == ("expired", "term_unlike_age")


def test_a_zone_that_fits() -> None:
    """The printed page says the same as the zone."""
    on = date(2012, 4, 15)
    assert mrz_disagreements(ZONE, on, card=ANNA) == ()
    assert mrz_disagreements(ZONE, on, card=Identity(name="样本人")) == ()
    assert mrz_disagreements(ZONE, on) == ()


def test_a_zone_that_does_not_fit() -> None:
    """Its own errors, what differs from the page, and its last day."""
    zone = replace(ZONE, errors=("number_check",))
    card = Identity("Eriksson Anna", "M", date(1974, 8, 13), "L898902C4")
    assert mrz_disagreements(zone, date(2012, 4, 16), card=card) == (
        "mrz_number_check",
        "name_differs_from_mrz",
        "sex_differs_from_mrz",
        "birth_differs_from_mrz",
        "number_differs_from_mrz",
        "expired",
    )
    assert mrz_disagreements(replace(zone, expires=None, errors=()), TODAY) == ()


texts = st.text(max_size=12)
people = st.builds(Identity, texts, st.sampled_from("男女MF?"), st.none() | st.dates(), texts)


@given(people, people)
def test_any_texts_are_compared(card: Identity, form: Identity) -> None:
    """Nothing that was typed breaks the comparison, and who says the same never differs."""
    words = disagreements(card, TODAY, form=form)
    assert len(words) == len({*words})
    assert not any(word.endswith("_differs") for word in disagreements(card, TODAY, form=card))


HELD = Claim(CARD.name, CARD.number, CARD.name, CARD.number)


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        (HELD, ()),
        (Claim(), ()),
        (replace(HELD, name=" 样 本人", asked_number="110105 19491231 002x"), ()),
        (replace(HELD, name="样本仁"), ("name_differs_from_registry",)),
        (replace(HELD, number="440524188001010014"), ("number_differs_from_registry",)),
        (
            replace(HELD, asked_number="440524188001010014"),
            ("number_differs_from_registry", "number_differs_from_query"),
        ),
        (Claim("样本仁", CARD.number), ("name_differs_from_query",)),
        (Claim("Yangben Ren", CARD.number, "Yangben Ren", ""), ()),
    ],
)
def test_a_source_that_speaks_of_another_is_named(claim: Claim, words: tuple[str, ...]) -> None:
    """What it holds, and what it was asked about; scripts that cannot be compared say nothing."""
    assert claim_disagreements(CARD, claim) == words


def test_a_source_that_answers_of_another_than_it_was_asked_about() -> None:
    """Also where no document was read."""
    claim = Claim("张三", "1", "李四", "2")
    assert claim_disagreements(Identity(), claim) == (
        "name_differs_from_registry",
        "number_differs_from_registry",
    )
