"""Charts: where lines and bars are drawn."""

import numpy as np
import pytest

from kyc.bench.charts import histograms, trade_off
from kyc.images import Picture

BLUE, VERMILION = (178, 114, 0), (0, 94, 213)
# Between the axes.
INSIDE = slice(90, 770), slice(130, 1240)


def pixels(picture: Picture, colour: tuple[int, int, int], left_of: int = 840) -> tuple[list[int], list[int]]:
    """Return rows and columns of a colour in the plot, the legend at its right left out."""
    rows, columns = np.nonzero((picture == colour).all(axis=2))
    plot = columns < left_of
    return sorted(set(rows[plot].tolist())), sorted(set(columns[plot].tolist()))


def test_a_trade_off_goes_through_its_points() -> None:
    """10 % and 10 % lie on the diagonal; a rate of nothing is drawn at the edge."""
    picture = trade_off("t", ("FMR", "FNMR"), {"all": [(0.1, 0.0), (0.1, 0.1), (0.0, 0.1)]})
    rows, columns = pixels(picture, BLUE)
    assert picture.shape == (880, 1280, 3)
    assert columns[0] == pytest.approx(130, abs=3)
    assert columns[-1] == pytest.approx(690, abs=4)
    assert rows[0] == pytest.approx(427, abs=4)
    assert rows[-1] == pytest.approx(770, abs=3)


def test_each_part_has_its_colour() -> None:
    """The second line is drawn in another one."""
    picture = trade_off(
        "t", ("A", "B"), {"one": [(0.001, 0.5), (0.002, 0.4)], "two": [(0.05, 0.2), (0.1, 0.1)]}
    )
    assert pixels(picture, BLUE)[1][-1] < pixels(picture, VERMILION)[1][0]


def test_histograms_lie_where_their_scores_are() -> None:
    """Low scores at the left, high ones at the right, the threshold between them."""
    chance = np.random.default_rng(1)
    low, high = np.sort(chance.uniform(0, 0.3, 50)), np.sort(chance.uniform(0.7, 1, 20))
    picture = histograms("t", "s", {"low": low, "high": high}, {"accept": 0.5, "review": 0.5})
    # Filled lightly: three quarters of white.
    light = (236, 220, 191)
    columns = np.nonzero((np.abs(picture.astype(int) - light) <= 2).all(axis=2))[1]
    assert columns.max() < 520
    dashes = picture[90:102, 650:720].min(axis=(0, 2))
    assert (dashes < 100).any()


@pytest.mark.parametrize("scores", [[0.4], [0.4] * 50, []])
def test_one_value_alone_is_drawn(scores: list[float]) -> None:
    """No spread is no error; a group without scores is left out."""
    picture = histograms("t", "s", {"all": np.array(scores), "none": np.array([])}, {"accept": 0.4})
    assert picture[INSIDE].min() < 255
