"""The registry's entries."""

import json
from pathlib import Path

import pytest

from kyc.registry import BASE_MODELS, DECISIVE, FETCHED, OPEN_FILES, OPEN_MODELS, OTHER_MODELS, Task

EVERYTHING = tuple(dict.fromkeys((*FETCHED, *BASE_MODELS)))


@pytest.mark.models
def test_it_agrees_with_the_manifest(open_models_dir: Path) -> None:
    """Hash, size, licence and source are those that stand beside the files."""
    listed = json.loads((open_models_dir / "MANIFEST.json").read_text())["models"]
    known = {entry["name"]: entry for entry in listed}
    for model in OPEN_FILES:
        entry = known[model.file]
        stated = (entry["sha256"], entry["bytes"], entry["licence"])
        assert stated == (model.sha256, model.bytes, model.licence)
        assert (open_models_dir / model.file).stat().st_size == model.bytes


def test_every_model_says_where_it_is_from() -> None:
    """Licence, source, output and a whole hash are stated for each file, and no name twice."""
    for model in EVERYTHING:
        assert model.licence
        assert model.source.startswith("https://")
        assert model.output
        assert len(bytes.fromhex(model.sha256)) == 32
    assert len({model.file for model in EVERYTHING}) == len(EVERYTHING)


def test_what_is_fetched_is_in_no_package() -> None:
    """A file is either fetched or comes along with a package."""
    assert not any(model.package for model in FETCHED)
    assert all(model.package for model in BASE_MODELS)


def test_the_open_pack_can_do_everything() -> None:
    """It has a model for every task; what decides names its card; entries that nobody measured do not."""
    assert {model.task for model in OPEN_MODELS} == set(Task)
    assert all(model.card for model in (*OPEN_MODELS, *BASE_MODELS) if model.task in DECISIVE)
    assert not any(model.card for model in OTHER_MODELS)
