"""Copying models from a folder, as into a bank's network without a way out."""

import os
import shutil
from pathlib import Path

import pytest

from contract.errors import ModelError
from kyc.install import import_models
from kyc.packs import find_pack
from kyc.registry import OPEN_FILES, SFACE, Model


@pytest.mark.models
def test_import_copies_and_verifies(open_models_dir: Path, tmp_path: Path) -> None:
    """An import leaves exactly the pack's files behind, and may be repeated."""
    target = tmp_path / "data" / "models"
    import_models(open_models_dir, target)
    placed = import_models(open_models_dir, target)
    assert sorted(placed) == sorted(target.iterdir())
    assert [path.name for path in placed] == [model.file for model in OPEN_FILES]
    assert find_pack(target).name == "open"


@pytest.mark.models
def test_what_is_there_already_counts(open_models_dir: Path, tmp_path: Path) -> None:
    """A folder with the missing files alone completes the pack; a damaged file is not taken for present."""
    source, target = tmp_path / "source", tmp_path / "models"
    source.mkdir()
    import_models(open_models_dir, target)
    lost, damaged = OPEN_FILES[2], OPEN_FILES[3]
    (target / lost.file).unlink()
    (target / damaged.file).write_bytes(b"damaged")
    shutil.copy(open_models_dir / lost.file, source)
    with pytest.raises(ModelError, match=damaged.file):
        import_models(source, target)
    shutil.copy(open_models_dir / damaged.file, source)
    assert len(import_models(source, target)) == 2
    assert find_pack(target).name == "open"


@pytest.mark.models
@pytest.mark.parametrize("altered", [OPEN_FILES[-1], SFACE], ids=lambda model: model.file)
def test_a_failed_import_changes_nothing(open_models_dir: Path, tmp_path: Path, altered: Model) -> None:
    """When one file is bad, none of the others is put into place either."""
    source, target = tmp_path / "source", tmp_path / "models"
    source.mkdir()
    for model in OPEN_FILES:
        os.symlink(open_models_dir / model.file, source / model.file)
    name = altered.file
    (source / name).unlink(missing_ok=True)
    (source / name).write_bytes(b"altered")
    with pytest.raises(ModelError, match=f"{name} has SHA-256"):
        import_models(source, target)
    assert list(target.iterdir()) == []


def test_import_from_an_empty_directory_names_every_file(tmp_path: Path) -> None:
    """Importing what is not there says which files are wanted."""
    with pytest.raises(ModelError) as caught:
        import_models(tmp_path, tmp_path / "models")
    assert all(model.file in str(caught.value) for model in OPEN_FILES)
    assert not (tmp_path / "models").exists()


@pytest.mark.models
def test_a_place_that_cannot_be_written_is_named(open_models_dir: Path, tmp_path: Path) -> None:
    """A file where the folder should be is an error with its path, not a traceback."""
    (tmp_path / "models").write_text("in the way")
    with pytest.raises(ModelError, match="models"):
        import_models(open_models_dir, tmp_path / "models")
