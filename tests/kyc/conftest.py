"""Real faces, real cards, and both packs.

The open pack's files are no part of the project. Tests marked ``models`` need them in the directory
that TEST_MODELS_DIR names, or in ``shared/models`` beside the checkout.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from kyc.faces import FaceModels
from kyc.models import Models
from kyc.packs import Pack, find_pack
from teller.demo.card import cut_portrait, photograph, render_card, specimen
from teller.demo.pictures import FaceVideo, Portrait, astronaut, jpeg, other_person

_BESIDE = Path(__file__).parents[2].parent / "shared" / "models"


@pytest.fixture(scope="session")
def open_models_dir() -> Path:
    """Return the directory of the open pack's files."""
    place = Path(os.environ.get("TEST_MODELS_DIR", _BESIDE))
    if not place.is_dir():
        raise pytest.UsageError(f'no models in {place}: set TEST_MODELS_DIR, or run with -m "not models"')
    return place


@dataclass(frozen=True, slots=True)
class Loaded:
    """A pack and its models in this process."""

    pack: Pack
    models: FaceModels


@pytest.fixture(scope="session")
def base() -> Loaded:
    """Return the base pack, loaded."""
    pack = find_pack(None)
    return Loaded(pack, Models(pack).faces)


@pytest.fixture(scope="session")
def opened(open_models_dir: Path) -> Loaded:
    """Return the open pack, loaded."""
    pack = find_pack(open_models_dir)
    return Loaded(pack, Models(pack).faces)


def card_of(portrait: Portrait, seed: int = 1) -> bytes:
    """Return the photograph of a specimen card that shows ``portrait``."""
    return photograph(render_card(cut_portrait(portrait), specimen()), seed)


@pytest.fixture(scope="session")
def own_card() -> bytes:
    """Return the astronaut's card as a phone uploads it."""
    return card_of(astronaut())


@pytest.fixture(scope="session")
def strange_card() -> bytes:
    """Return a card with somebody else's portrait."""
    return card_of(other_person(0))


@pytest.fixture(scope="session")
def still() -> bytes:
    """Return the astronaut as the phone's camera takes her."""
    return jpeg(FaceVideo(astronaut(), (1280, 960)).frame(77))
