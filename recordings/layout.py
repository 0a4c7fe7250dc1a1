"""Where people and a shared screen stand in the merged picture of 1280x720, by template. Pure.

``ROLES``: two people stand side by side; of three the customer keeps the left half and the others share
the right one; four have a quarter each. A shared screen takes the main area and puts people into a column
beside it. A strip above is for case and time; under every place is one for who it is. No call has more
than four people; should facts tell of more, the rows grow, for a record that cannot be merged is none.

``SIDE_BY_SIDE``: everybody and the screen have the same room. ``CUSTOMER_ONLY``: the customer has the whole
picture. ``SHARE_FIRST``: the main area is the screen's from the first second, also while nothing is shared,
and the column beside it has room for a third party, so that nobody ever moves.
"""

from dataclasses import dataclass

from contract.phases import Template

WIDTH, HEIGHT = 1280, 720
# One line of text, even so that chroma rows divide.
STRIP = 40
PANE_WIDTH, PANE_HEIGHT = WIDTH // 2, HEIGHT - 2 * STRIP
# A 16:9 screen is 960x540 then, in which 12 pt text of a 1080p desktop can still be read.
MAIN_WIDTH = 960
PEOPLE_MAX = 4
# Customer, agent and a third party.
_RESERVED = 3


@dataclass(frozen=True, slots=True)
class Place:
    """Where a picture goes, in pixels, all even; its caption stands in the STRIP below."""

    left: int
    top: int
    width: int
    height: int


def places(people: int, shared: bool, template: Template = Template.ROLES) -> tuple[Place, ...]:
    """Return the places of ``people``, the customer's first, then the screen's if ``shared``.

    ``CUSTOMER_ONLY`` has one person and no screen, every other template two people or more.
    """
    if template is Template.CUSTOMER_ONLY:
        return _column(0, WIDTH, people)
    if template is Template.SIDE_BY_SIDE:
        return _grid(people + shared)
    if shared or template is Template.SHARE_FIRST:
        main = (Place(0, STRIP, MAIN_WIDTH, PANE_HEIGHT),) if shared else ()
        rows = max(people, _RESERVED) if template is Template.SHARE_FIRST else people
        return (*_column(MAIN_WIDTH, WIDTH - MAIN_WIDTH, rows)[:people], *main)
    if people > 3:
        return _grid(people)
    return (Place(0, STRIP, PANE_WIDTH, PANE_HEIGHT), *_column(PANE_WIDTH, PANE_WIDTH, people - 1))


def _grid(count: int) -> tuple[Place, ...]:
    """Return places of the same size in two columns, row by row."""
    rows = (count + 1) // 2
    left, right = _column(0, PANE_WIDTH, rows), _column(PANE_WIDTH, PANE_WIDTH, rows)
    return tuple(place for row in zip(left, right, strict=True) for place in row)[:count]


def _column(left: int, width: int, count: int) -> tuple[Place, ...]:
    """Return ``count`` places of the same height, one below the other, down to the lower edge."""
    step = (HEIGHT - STRIP) // count // 2 * 2
    tops = [STRIP + number * step for number in range(count)]
    return tuple(Place(left, top, width, step - STRIP) for top in tops)
