"""Models by their hashes, and which pack is used."""

import json
import shutil
from pathlib import Path

import pytest

from contract.errors import ModelError
from kyc import registry
from kyc.registry import BASE_MODELS, OPEN_MODELS, find_pack, import_models, verify_model


def test_without_models_the_base_pack_serves(tmp_path: Path) -> None:
    """No directory, an empty one and one that does not exist all give the demo pack."""
    for place in (None, tmp_path, tmp_path / "nowhere"):
        pack = find_pack(place)
        assert (pack.name, pack.demo_only) == ("base", True)
        assert pack.models == BASE_MODELS


def test_base_files_are_verified(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An altered dlib file is refused by name, although it came from a package."""
    for model in BASE_MODELS:
        (tmp_path / model.file).write_bytes(b"altered")
    monkeypatch.setattr(registry, "_dlib_models_dir", lambda: tmp_path)
    with pytest.raises(ModelError, match=BASE_MODELS[0].file):
        find_pack(None)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package that carries dlib's files the error says what to install."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ModelError, match="face-recognition-models is not installed"):
        find_pack(None)


@pytest.mark.models
def test_open_files_give_the_open_pack(open_models_dir: Path) -> None:
    """Where the files are, the open pack is used, with its measured thresholds."""
    pack = find_pack(open_models_dir)
    assert (pack.name, pack.demo_only) == ("open", False)
    assert (pack.threshold, pack.review_threshold) == (0.48, 0.36)
    assert [len(model.sha256) for model in pack.models] == [64, 64]


@pytest.mark.models
def test_an_altered_file_is_refused_by_name(open_models_dir: Path, tmp_path: Path) -> None:
    """One flipped bit in a model is an error that names the file, not a fall back to another pack."""
    for altered in OPEN_MODELS:
        for model in OPEN_MODELS:
            shutil.copy(open_models_dir / model.file, tmp_path / model.file)
        (tmp_path / altered.file).chmod(0o644)
        content = bytearray((tmp_path / altered.file).read_bytes())
        content[len(content) // 2] ^= 1
        (tmp_path / altered.file).write_bytes(content)
        with pytest.raises(ModelError, match=altered.file):
            find_pack(tmp_path)
        (tmp_path / altered.file).unlink()


@pytest.mark.models
def test_half_a_pack_is_an_error(open_models_dir: Path, tmp_path: Path) -> None:
    """A started set with a missing file is refused: silently using the demo pack would be worse."""
    shutil.copy(open_models_dir / OPEN_MODELS[0].file, tmp_path)
    with pytest.raises(ModelError, match=OPEN_MODELS[1].file):
        find_pack(tmp_path)


@pytest.mark.models
def test_import_copies_and_verifies(open_models_dir: Path, tmp_path: Path) -> None:
    """An import leaves exactly the pack's files behind, and may be repeated."""
    target = tmp_path / "data" / "models"
    for _ in range(2):
        placed = import_models(open_models_dir, target)
        assert sorted(placed) == sorted(target.iterdir())
    assert find_pack(target).name == "open"


@pytest.mark.models
def test_a_failed_import_changes_nothing(open_models_dir: Path, tmp_path: Path) -> None:
    """When the second file is bad, the first is not put into place either."""
    source, target = tmp_path / "source", tmp_path / "models"
    source.mkdir()
    shutil.copy(open_models_dir / OPEN_MODELS[0].file, source)
    (source / OPEN_MODELS[1].file).write_bytes(b"altered")
    with pytest.raises(ModelError, match=OPEN_MODELS[1].file):
        import_models(source, target)
    assert list(target.iterdir()) == []


def test_import_from_an_empty_directory_names_the_file(tmp_path: Path) -> None:
    """Importing what is not there says which file is wanted."""
    with pytest.raises(ModelError, match=OPEN_MODELS[0].file):
        import_models(tmp_path, tmp_path / "models")


@pytest.mark.models
def test_the_registry_agrees_with_the_manifest(open_models_dir: Path) -> None:
    """Hash, size and licence are those that stand beside the files."""
    listed = json.loads((open_models_dir / "MANIFEST.json").read_text())["models"]
    known = {entry["name"]: entry for entry in listed}
    for model in OPEN_MODELS:
        entry = known[model.file]
        assert (entry["sha256"], entry["bytes"], entry["licence"]) == (
            model.sha256,
            model.bytes,
            model.licence,
        )
        assert (open_models_dir / model.file).stat().st_size == model.bytes


def test_every_model_says_where_it_is_from() -> None:
    """Licence, source and input contract are stated for each file."""
    for model in OPEN_MODELS + BASE_MODELS:
        assert model.licence
        assert model.source.startswith("https://")
        assert "->" in model.contract


def test_a_directory_in_the_place_of_a_file_is_refused(tmp_path: Path) -> None:
    """What cannot be read as a file is a model error."""
    (tmp_path / OPEN_MODELS[0].file).mkdir()
    with pytest.raises(ModelError, match="cannot be read"):
        verify_model(tmp_path / OPEN_MODELS[0].file, OPEN_MODELS[0])
