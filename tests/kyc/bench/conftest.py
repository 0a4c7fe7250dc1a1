"""Small data sets, drawn once."""

from pathlib import Path

import pytest

from kyc.models import Models
from kyc.packs import find_pack
from teller.demo import sets
from teller.demo.sets import write_sets
from tests.kyc.conftest import open_models_dir

__all__ = ["open_models_dir"]


def _written(folder: Path, name: str) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        # Fourteen specimens take ten seconds to draw, and one shows all.
        patch.setattr(sets, "_DOCUMENTS", 1)
        patch.setattr(sets, "_TIMED_DOCUMENTS", 1)
        (written,) = write_sets(folder, 1, (name,))
    return written


@pytest.fixture(scope="session")
def match_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return seven people with a card and three live pictures each; nobody writes into it."""
    return _written(tmp_path_factory.mktemp("sets"), "match")


@pytest.fixture(scope="session")
def pad_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return seven people, each live, on a screen and on paper; nobody writes into it."""
    return _written(tmp_path_factory.mktemp("sets"), "pad")


@pytest.fixture(scope="session")
def ocr_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return one clean front; nobody writes into it."""
    return _written(tmp_path_factory.mktemp("sets"), "ocr")


@pytest.fixture(scope="session")
def speed_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return seven faces and a card; nobody writes into it."""
    return _written(tmp_path_factory.mktemp("sets"), "speed")


@pytest.fixture(scope="session")
def models(open_models_dir: Path) -> Models:
    """Return the open pack's models."""
    return Models(find_pack(open_models_dir))
