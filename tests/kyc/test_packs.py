"""Which pack is used, that no file is used unverified, and whether a pack may decide in earnest."""

import dataclasses
import shutil
from pathlib import Path

import pytest

from contract.errors import ModelError
from kyc import packs
from kyc.calibration import Card, OperatingPoint, write_card
from kyc.packs import PERMISSIVE, Pack, find_pack, objections, verify_model
from kyc.registry import BASE_MODELS, MOBILEFACENET, OPEN_FILES, OPEN_MODELS, Task


def copied(source: Path, target: Path) -> Path:
    """Copy the open pack's files, writable."""
    for model in OPEN_FILES:
        shutil.copyfile(source / model.file, target / model.file)
    return target


def own_card(threshold: float, date: str = "2027-01-01", name: str = "own") -> Card:
    """Return a bank's own card for the open pack's recogniser."""
    points = (OperatingPoint("accept", threshold, ()), OperatingPoint("review", threshold - 0.1, ()))
    return Card(
        name, Task.EMBEDDING, (MOBILEFACENET.sha256,), "cosine", "ours", "ours", points, date, "the bank"
    )


def test_without_models_the_base_pack_serves(tmp_path: Path) -> None:
    """No directory, an empty one and one that does not exist all give the demo pack."""
    for place in (None, tmp_path, tmp_path / "nowhere"):
        pack = find_pack(place)
        assert (pack.name, pack.demo_only) == ("base", True)
        assert pack.models == BASE_MODELS
        assert all(path.is_file() for path in pack.paths)


def test_base_files_are_verified(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An altered dlib file is refused by name, although it came from a package."""
    (tmp_path / "models").mkdir()
    for model in BASE_MODELS:
        (tmp_path / "models" / model.file).write_bytes(b"altered")
    monkeypatch.setattr(packs, "_package_folder", lambda _: tmp_path)
    with pytest.raises(ModelError, match=BASE_MODELS[0].file):
        find_pack(None)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package that carries dlib's files the error says what to install."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ModelError, match="face-recognition-models is not installed"):
        find_pack(None)


@pytest.mark.models
def test_open_files_give_the_open_pack(open_models_dir: Path) -> None:
    """Where the files are, the open pack is used, with the thresholds of its cards."""
    pack = find_pack(open_models_dir)
    assert (pack.name, pack.demo_only) == ("open", False)
    assert (pack.threshold, pack.review_threshold) == (0.48, 0.36)
    passive = pack.card(Task.PASSIVE)
    assert passive is not None
    assert (passive.point("accept").threshold, passive.point("review").threshold) == (0.5, 0.25)
    assert pack.models == OPEN_MODELS
    assert [model.file for model in pack.of(Task.PASSIVE)] == ["MiniFASNetV2.onnx", "MiniFASNetV1SE.onnx"]


@pytest.mark.models
def test_a_pack_may_be_named(open_models_dir: Path, tmp_path: Path) -> None:
    """Base is used beside the open files when it is named; open without its files is an error."""
    assert find_pack(open_models_dir, "base").name == "base"
    with pytest.raises(ModelError, match=OPEN_FILES[0].file):
        find_pack(tmp_path, "open")
    with pytest.raises(ModelError, match="no folder"):
        find_pack(None, "open")


@pytest.mark.models
def test_an_altered_file_is_refused_by_name(open_models_dir: Path, tmp_path: Path) -> None:
    """One flipped bit in a model is an error that names the file, not a fall back to another pack."""
    copied(open_models_dir, tmp_path)
    for altered in OPEN_FILES:
        content = bytearray((tmp_path / altered.file).read_bytes())
        content[len(content) // 2] ^= 1
        (tmp_path / altered.file).write_bytes(content)
        with pytest.raises(ModelError, match=f"{altered.file} has SHA-256"):
            find_pack(tmp_path)
        shutil.copyfile(open_models_dir / altered.file, tmp_path / altered.file)
    assert find_pack(tmp_path).name == "open"


@pytest.mark.models
def test_half_a_pack_is_an_error(open_models_dir: Path, tmp_path: Path) -> None:
    """A started set with missing files is refused, all of them named: the demo pack would be worse."""
    shutil.copy(open_models_dir / OPEN_FILES[0].file, tmp_path)
    with pytest.raises(ModelError) as caught:
        find_pack(tmp_path)
    assert all(model.file in str(caught.value) for model in OPEN_FILES[1:])


def test_a_directory_in_the_place_of_a_file_is_refused(tmp_path: Path) -> None:
    """What cannot be read as a file is a model error."""
    (tmp_path / OPEN_FILES[0].file).mkdir()
    with pytest.raises(ModelError, match="cannot be read"):
        verify_model(tmp_path / OPEN_FILES[0].file, OPEN_FILES[0])


@pytest.mark.models
def test_a_banks_own_card_wins(open_models_dir: Path, tmp_path: Path) -> None:
    """The newest of its cards gives the threshold; a card for another file does not count."""
    copied(open_models_dir, tmp_path)
    for card in (
        own_card(0.6, "2027-01-01", "older"),
        own_card(0.55, "2027-02-01", "newer"),
        dataclasses.replace(own_card(0.9, "2028-01-01", "another"), sha256=("0" * 64,)),
    ):
        write_card(card, tmp_path / "cards")
    pack = find_pack(tmp_path)
    assert (pack.threshold, round(pack.review_threshold, 6)) == (0.55, 0.45)
    shipped = {"minifasnet-pair", "facemesh-turns", "open-closed-eye-blinks", "rapidocr-fronts"}
    assert {card.name for card in pack.cards} == {"newer", *shipped}


@pytest.mark.models
def test_a_broken_card_stops_the_start(open_models_dir: Path, tmp_path: Path) -> None:
    """A card that cannot be read is not quietly left out: another threshold would be used."""
    copied(open_models_dir, tmp_path)
    (tmp_path / "cards").mkdir()
    (tmp_path / "cards" / "own.json").write_text("{")
    with pytest.raises(ModelError, match=r"own\.json"):
        find_pack(tmp_path)


# --- the gate ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def opened_pack(open_models_dir: Path) -> Pack:
    """Return the open pack."""
    return find_pack(open_models_dir)


@pytest.mark.models
def test_the_open_pack_may_decide(opened_pack: Pack) -> None:
    """Nothing speaks against permissive licences and calibrated models."""
    assert objections(opened_pack) == ()


def test_the_base_pack_may_not() -> None:
    """It is for demonstrations, whatever its licence and its card say."""
    assert objections(find_pack(None)) == ("the pack base is for demonstrations",)


@pytest.mark.models
def test_a_licence_that_is_not_allowed_is_named(opened_pack: Pack) -> None:
    """Each file with another licence is named, until the bank allows that licence."""
    strange = dataclasses.replace(opened_pack.models[1], licence="CC-BY-NC-4.0")
    pack = dataclasses.replace(opened_pack, models=(opened_pack.models[0], strange, *opened_pack.models[2:]))
    (text,) = objections(pack)
    assert "MobileFaceNet_foamliu.onnx has the licence CC-BY-NC-4.0" in text
    assert objections(pack, (*PERMISSIVE, "CC-BY-NC-4.0")) == ()
    assert len(objections(opened_pack, ("MIT",))) == len(OPEN_MODELS) - 1


@pytest.mark.models
@pytest.mark.parametrize("task", [Task.EMBEDDING, Task.PASSIVE, Task.MESH, Task.EYE, Task.OCR])
def test_what_decides_needs_a_card(opened_pack: Pack, task: Task) -> None:
    """Without the card of anything that judges the pack is refused, and says which files have none."""
    pack = dataclasses.replace(
        opened_pack, cards=tuple(card for card in opened_pack.cards if card.task is not task)
    )
    (text,) = objections(pack)
    assert all(model.file in text for model in opened_pack.of(task))


@pytest.mark.models
def test_without_a_card_no_score_decides(opened_pack: Pack) -> None:
    """Nothing was measured: every cosine is for a person to look at."""
    pack = dataclasses.replace(opened_pack, cards=())
    assert pack.review_threshold < -1.0
    assert pack.threshold > 1.0
