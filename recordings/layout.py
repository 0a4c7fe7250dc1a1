"""Where people and a shared screen stand in the merged picture of 1280x720. Pure.

Two people stand side by side. Of three the customer keeps the left half and the others share the right
one; four have a quarter each. A shared screen takes the main area and puts people into a column beside
it. A strip above is for case and time; under every place is one for who it is. No call has more than four
people; should facts tell of more, the rows grow, for a record that cannot be merged is none.
"""

from dataclasses import dataclass

WIDTH, HEIGHT = 1280, 720
# One line of text, even so that chroma rows divide.
STRIP = 40
PANE_WIDTH, PANE_HEIGHT = WIDTH // 2, HEIGHT - 2 * STRIP
# A 16:9 screen is 960x540 then, in which 12 pt text of a 1080p desktop can still be read.
MAIN_WIDTH = 960
PEOPLE_MAX = 4


@dataclass(frozen=True, slots=True)
class Place:
    """Where a picture goes, in pixels, all even; its caption stands in the STRIP below."""

    left: int
    top: int
    width: int
    height: int


def places(people: int, shared: bool) -> tuple[Place, ...]:
    """Return the places of two or more ``people``, the customer's first, then the screen's if ``shared``."""
    if shared:
        main = Place(0, STRIP, MAIN_WIDTH, PANE_HEIGHT)
        return (*_column(MAIN_WIDTH, WIDTH - MAIN_WIDTH, people), main)
    if people > 3:
        rows = (people + 1) // 2
        left, right = _column(0, PANE_WIDTH, rows), _column(PANE_WIDTH, PANE_WIDTH, rows)
        return tuple(place for row in zip(left, right, strict=True) for place in row)[:people]
    return (Place(0, STRIP, PANE_WIDTH, PANE_HEIGHT), *_column(PANE_WIDTH, PANE_WIDTH, people - 1))


def _column(left: int, width: int, count: int) -> tuple[Place, ...]:
    """Return ``count`` places of the same height, one below the other, down to the lower edge."""
    step = (HEIGHT - STRIP) // count // 2 * 2
    tops = [STRIP + number * step for number in range(count)]
    return tuple(Place(left, top, width, step - STRIP) for top in tops)
