"""Pictures of a card being tilted: where it changes, and whether light moves over it."""

import numpy as np
import pytest

from contract.errors import UserError
from contract.identity_facts import Signal
from contract.identity_ports import TiltFinding
from kyc.card_jobs import MeasureTilt
from kyc.images import Picture, decode
from kyc.tilt import PICTURES_MIN, answer_measure_tilt, measure_tilt
from teller.demo.card import cut_portrait, render_card, specimen
from teller.demo.copies import on_paper
from teller.demo.pictures import astronaut
from teller.demo.tilting import SIZE, shifting_place, tilted


@pytest.fixture(scope="module")
def card() -> Picture:
    """Return the front of the specimen."""
    return render_card(cut_portrait(astronaut()), specimen())


def measured(card: Picture, seed: int, *, glossy: bool, shifting: bool) -> TiltFinding:
    return measure_tilt([decode(one) for one in tilted(card, seed, glossy=glossy, shifting=shifting)])


def matte(found: TiltFinding) -> float:
    (sign,) = found.advisory
    assert sign.name == "matte"
    return sign.score


def test_light_moves_over_a_laminated_card_and_not_over_a_print(card: Picture) -> None:
    """Neither shading nor a rough print is taken for it."""
    assert matte(measured(card, 1, glossy=True, shifting=True)) == 0.0
    print_of_it = on_paper(card, np.random.default_rng(1))
    assert measured(print_of_it, 1, glossy=False, shifting=False).advisory == (
        Signal("matte", 1.0, "no_moving_light"),
    )


def test_the_pictures_in_which_it_changes_are_proposed(card: Picture) -> None:
    """Each another one, at places apart; a matte copy changes nowhere."""
    found = measured(card, 2, glossy=True, shifting=True)
    assert found.cards == 10
    assert len(found.places) == 3
    assert len({place.picture for place in found.places}) == 3
    assert [place.change for place in found.places] == sorted((p.change for p in found.places), reverse=True)
    for place in found.places:
        assert 0 <= place.left <= place.left + place.width <= 1
        assert 0 <= place.top <= place.top + place.height <= 1
    assert measured(card, 2, glossy=False, shifting=False).places == ()


def test_a_patch_that_shifts_its_colour_is_found_without_a_reflection(card: Picture) -> None:
    """Where it is: the place is proposed that holds most of it."""
    pictures = [decode(one) for one in tilted(card, 3, glossy=False, shifting=True)]
    (place,) = measure_tilt(pictures).places[:1]
    x, y = shifting_place(3)
    assert place.left - 0.13 < x < place.left + place.width + 0.13
    assert place.top - 0.2 < y < place.top + place.height + 0.2


def test_a_card_that_is_seldom_found_says_nothing(card: Picture) -> None:
    """Three pictures have no usual to differ from; empty tables count for none."""
    few = [decode(one) for one in tilted(card, 4, count=PICTURES_MIN - 1)]
    desk = np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)
    assert measure_tilt([*few, desk, desk]) == TiltFinding((), PICTURES_MIN - 1, ())
    assert measure_tilt([]) == TiltFinding((), 0, ())


def test_the_pictures_keep_their_numbers(card: Picture) -> None:
    """One on which no card is found takes its place in the row all the same."""
    pictures = [decode(one) for one in tilted(card, 2)]
    desk = np.full_like(pictures[0], 90)
    whole, behind = measure_tilt(pictures), measure_tilt([desk, *pictures])
    assert [place.picture + 1 for place in whole.places] == [place.picture for place in behind.places]


def test_as_a_job_of_the_model_process(card: Picture) -> None:
    """JPEG in, finding out; what is no picture is refused."""
    job = MeasureTilt(tuple(tilted(card, 5, count=4)))
    assert answer_measure_tilt(None, job).cards == 4  # type: ignore[arg-type]
    assert decode(job.pictures[0]).shape[:2] == SIZE[::-1]
    with pytest.raises(UserError):
        answer_measure_tilt(None, MeasureTilt((b"no picture",)))  # type: ignore[arg-type]
