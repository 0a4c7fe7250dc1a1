"""Signs of a copy: a raster all over, or no colour."""

import cv2
import numpy as np
import pytest

from kyc.card_jobs import CopySigns
from kyc.copies import copy_signs
from kyc.images import Picture
from teller.demo.card import Scene, card_corners, cut_portrait, photograph, render_card, specimen
from teller.demo.copies import on_paper, on_screen
from teller.demo.pictures import astronaut
from teller.demo.specimens import SIZE


@pytest.fixture(scope="module")
def card() -> Picture:
    """Return the front of the specimen."""
    return render_card(cut_portrait(astronaut()), specimen())


def signs(
    card: Picture, seed: int, size: tuple[int, int] = SIZE, scene: Scene | None = None
) -> CopySigns | None:
    """Return the signs on the photograph of ``card``."""
    data = photograph(card, seed, size, scene)
    photo = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return copy_signs(np.asarray(photo, np.uint8), card_corners(card, seed, size, scene).astype(np.float32))


@pytest.mark.parametrize("scene", [Scene(), Scene(quality=60)], ids=["best", "compressed"])
def test_a_card_shows_neither(card: Picture, scene: Scene) -> None:
    """Text, portrait, fine lines and JPEG's own blocks are no raster."""
    found = signs(card, 1, scene=scene)
    assert found is not None
    assert found.raster < 0.5
    assert found.grey == 0.0


def test_a_screen_has_a_raster(card: Picture) -> None:
    """Pixels of a screen, or their moire, stand out."""
    found = signs(on_screen(card, np.random.default_rng(2)), 2)
    assert found is not None
    assert found.raster > 0.5


def test_a_print_has_a_raster(card: Picture) -> None:
    """So do a printer's dots; a grey copy has no colour either."""
    coloured = signs(on_paper(card, np.random.default_rng(3)), 3)
    assert coloured is not None
    assert coloured.raster > 0.5
    assert coloured.grey < 0.5
    grey = signs(on_paper(card, np.random.default_rng(3), grey=True), 3)
    assert grey is not None
    assert (grey.raster > 0.5, grey.grey > 0.9) == (True, True)


def test_too_small_to_tell(card: Picture) -> None:
    """Few pixels hold no raster, and none is denied."""
    assert signs(card, 4, (640, 480)) is None
