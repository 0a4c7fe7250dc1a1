"""The templates' places, as numbers."""

from itertools import pairwise

import numpy as np
import pytest

from contract.ids import SeatId, new_call_id
from contract.phases import Role, Template
from recordings.layout import HEIGHT, MAIN_WIDTH, STRIP, WIDTH, Place, places
from recordings.scene import Scene
from recordings.stays import Attendance, Span, Stay
from recordings.timeline import Axis, Timeline
from tests.recordings.test_scene import _Canvas


@pytest.mark.parametrize("template", Template)
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("people", [2, 3, 4])
def test_places_are_apart_and_even(template: Template, shared: bool, people: int) -> None:
    """Of any template: inside the picture below the strip, none over another, captions included."""
    if template is Template.CUSTOMER_ONLY:
        people, shared = 1, False
    found = places(people, shared, template)
    taken = np.zeros((HEIGHT, WIDTH), np.uint8)
    for place in found:
        taken[place.top : place.top + place.height + STRIP, place.left : place.left + place.width] += 1
        assert place.top >= STRIP and place.top + place.height + STRIP <= HEIGHT
        assert not any(side % 2 for side in (place.left, place.top, place.width, place.height))

    assert len(found) == people + shared and taken.max() == 1


def test_nobody_moves_where_the_share_comes_first() -> None:
    """The main area is the screen's; the column has room for a third party before it comes."""
    two, three, with_share = (
        places(people, shared, Template.SHARE_FIRST) for people, shared in ((2, False), (3, False), (3, True))
    )

    assert two == three[:2] and three == with_share[:3]
    assert with_share[3] == Place(0, STRIP, MAIN_WIDTH, HEIGHT - 2 * STRIP)
    assert {place.left for place in three} == {MAIN_WIDTH}


def test_side_by_side_gives_everybody_the_same_room() -> None:
    """Two in two halves; three and a screen in four quarters."""
    for count, shared in ((2, False), (3, False), (3, True)):
        sizes = {(place.width, place.height) for place in places(count, shared, Template.SIDE_BY_SIDE)}
        assert len(sizes) == 1
    rows = [place.top for place in places(3, True, Template.SIDE_BY_SIDE)]
    assert all(a <= b for a, b in pairwise(rows)) and len(set(rows)) == 2


def test_customer_only_shows_nobody_else() -> None:
    """The agent is heard and not seen."""
    stays = [Stay(role, Span(0, 9), str(role), SeatId(role)) for role in (Role.AGENT, Role.CUSTOMER)]
    canvas, laid = _Canvas(), Timeline(new_call_id(), Axis(0, 9), (), (), Attendance(tuple(stays)))
    scene = Scene(canvas, laid, [], Template.CUSTOMER_ONLY)
    scene.paint(1.0)

    assert [one.pii_name for one in canvas.people] == ["customer"]
    assert [one.stay for one in scene.seen] == [stays[1]]
    assert places(1, False, Template.CUSTOMER_ONLY) == (Place(0, STRIP, WIDTH, HEIGHT - 2 * STRIP),)
