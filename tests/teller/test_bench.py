"""``teller bench`` from its words to its files."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kyc.calibration import read_card
from teller.cli import main
from teller.demo import sets
from teller.demo.sets import NAMES
from tests.kyc.conftest import open_models_dir

__all__ = ["open_models_dir"]


def told(folder: Path, *words: str) -> Result:
    """Run ``teller bench``."""
    return CliRunner(env={"COLUMNS": "200"}).invoke(main, ["--data", str(folder), "bench", *words])


@pytest.mark.models
@pytest.mark.slow
def test_a_measurement_is_printed_and_written(
    tmp_path: Path, open_models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counts, warnings and files; the card carries the given name."""
    sets.write_sets(tmp_path / "sets", 1, ("match",))
    monkeypatch.chdir(tmp_path)
    words = ("--set", f'kyc.models_dir="{open_models_dir}"', "bench", "match", "sets/match", "--by", "Li Na")
    ran = CliRunner(env={"COLUMNS": "200"}).invoke(main, ["--data", str(tmp_path), *words])
    assert ran.exit_code == 0, ran.output
    assert "pairs: 21 of one person, 126 of strangers" in ran.output
    assert "! FMR 0.0001 cannot be claimed" in ran.output
    names = {path.name for path in (tmp_path / "bench-match").iterdir()}
    (card,) = names - {"report.html", "report.json", "det.png", "scores.png"}
    assert read_card(tmp_path / "bench-match" / card).by == "Li Na"


def test_another_shape_is_one_line(tmp_path: Path) -> None:
    """No traceback, and an exit code."""
    (tmp_path / "empty").mkdir()
    ran = told(tmp_path, "match", str(tmp_path / "empty"), "--out", str(tmp_path / "out"))
    assert ran.exit_code == 1
    assert "dataset: pairs of one person and of strangers are wanted" in ran.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("rates", [("0", "0.1"), ("0.2", "0.1"), ("0.1", "1")])
def test_targets_that_are_none_are_refused(tmp_path: Path, rates: tuple[str, str]) -> None:
    """Both are rates, and review is the looser one."""
    ran = told(tmp_path, "match", str(tmp_path), "--fmr", rates[0], "--review-fmr", rates[1])
    assert ran.exit_code == 1
    assert ran.output.startswith("targets:")


def test_a_sample_has_every_shape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same seed writes the same; every document has its truth beside it."""
    for name, few in (("_DOCUMENTS", 2), ("_TIMED_DOCUMENTS", 1), ("_FRAMES", 1)):
        monkeypatch.setattr(sets, name, few)
    ran = told(tmp_path, "sample", str(tmp_path / "a"), "--seed", "7")
    assert ran.exit_code == 0, ran.output
    assert [Path(line).name for line in ran.output.splitlines()] == [*NAMES]
    files = {path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file()}
    cards = {Path("match/person-6/card.jpg"), Path("speed/cards/0-front-clean.jpg")}
    assert {Path("match/groups.csv"), *cards} < files
    assert Path("pad/attack/screen/person-0--tablet/00.jpg") in files
    truth = json.loads((tmp_path / "a" / "ocr" / "front" / "00.json").read_text())
    assert (truth["condition"], len(truth["fields"])) == ("clean", 6)
    sets.write_sets(tmp_path / "b", 7, ("pad", "ocr"))
    again = {path.relative_to(tmp_path / "b") for path in (tmp_path / "b").rglob("*") if path.is_file()}
    assert all((tmp_path / "a" / path).read_bytes() == (tmp_path / "b" / path).read_bytes() for path in again)
