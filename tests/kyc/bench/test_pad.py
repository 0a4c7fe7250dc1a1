"""Passive liveness measured on a small generated set: the attacks are simulations."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from contract.errors import UserError
from kyc.bench.pad import bench_pad
from kyc.bench.rates import Targets
from kyc.calibration import faults
from kyc.images import encode_jpeg
from kyc.models import Models
from kyc.packs import find_pack

MADE = "2026-11-22", "a test"
TARGETS = Targets(0.05, 0.2)
BLANK = encode_jpeg(np.full((480, 640, 3), 127, np.uint8))


@pytest.fixture
def few(pad_set: Path, tmp_path: Path) -> Path:
    """Return two live people, one on a screen and one on paper."""
    for name in ("live/person-0--phone", "live/person-5--phone"):
        shutil.copytree(pad_set / name, tmp_path / name)
    for name in ("attack/screen/person-0--tablet", "attack/print/person-1--paper"):
        shutil.copytree(pad_set / name, tmp_path / name)
    shutil.copytree(pad_set / "references", tmp_path / "references")
    return tmp_path


def rows(report_rows: tuple[tuple[str, ...], ...]) -> dict[tuple[str, str], str]:
    """Return counts by rate and part."""
    return {(row[0], row[1]): row[2] for row in report_rows}


@pytest.mark.models
@pytest.mark.slow
def test_rates_are_counted_by_species(models: Models, few: Path) -> None:
    """APCER for each, BPCER, and with recognition IAPAR, FRR and their sum."""
    report = bench_pad(models, few, TARGETS, MADE)
    accept = rows(report.tables[0].rows)
    assert set(accept) == {("APCER", "print"), ("APCER", "screen"), ("BPCER", "live people")}
    assert accept["APCER", "screen"] == "0 of 1"
    full = rows(report.tables[2].rows)
    assert set(full) == {("IAPAR", "print"), ("IAPAR", "screen"), ("FRR", "live people")}
    assert dict(report.facts)["RIAPAR"].endswith("100 %)")
    silent = rows(report.tables[3].rows)
    assert silent["BPNRR", "live people"] == "0 of 2"
    assert "accept stays at 0.5" in report.warnings[0]
    assert "only these species were tried: print, screen" in report.warnings[-1]
    assert report.card is not None
    assert faults(report.card) == ()
    assert set(report.card.sha256) == {model.sha256 for model in models.pack.of(report.card.task)}


@pytest.mark.models
def test_what_shows_no_face_is_non_response(models: Models, few: Path) -> None:
    """An attack that shows nothing is neither stopped nor let through; a still has too few frames."""
    shutil.rmtree(few / "references")
    shutil.rmtree(few / "live" / "person-5--phone")
    shutil.rmtree(few / "attack" / "print")
    (few / "attack" / "screen" / "dark.jpg").write_bytes(BLANK)
    shutil.copy(few / "live" / "person-0--phone" / "03.jpg", few / "live" / "still.jpg")
    report = bench_pad(models, few, TARGETS, MADE)
    assert rows(report.tables[0].rows)["APCER", "screen"] == "0 of 1"
    silent = rows(report.tables[-1].rows)
    assert (silent["APNRR", "screen"], silent["BPNRR", "live people"]) == ("1 of 2", "0 of 2")
    assert any("1 instruments show no single face" in warning for warning in report.warnings)
    assert any("have less than 10 frames" in warning for warning in report.warnings)
    assert "RIAPAR" not in dict(report.facts)


@pytest.mark.models
@pytest.mark.parametrize("missing", ["live", "attack/screen"])
def test_both_sides_are_wanted(models: Models, pad_set: Path, tmp_path: Path, missing: str) -> None:
    """Without the living or without attacks there is no rate."""
    shutil.copytree(pad_set / "live/person-0--phone", tmp_path / "live/a")
    shutil.copytree(pad_set / "attack/screen/person-0--tablet", tmp_path / "attack/screen/a")
    shutil.rmtree(tmp_path / missing)
    with pytest.raises(UserError) as caught:
        bench_pad(models, tmp_path, TARGETS, MADE)
    assert caught.value.code == "dataset"


@pytest.mark.models
def test_a_reference_shows_one_face(models: Models, few: Path) -> None:
    """Otherwise nobody knows whom it is to be compared with."""
    (few / "references" / "person-0.jpg").write_bytes(BLANK)
    with pytest.raises(UserError, match="0 were found"):
        bench_pad(models, few, TARGETS, MADE)


def test_the_base_pack_has_none(pad_set: Path) -> None:
    """It says so."""
    with pytest.raises(UserError) as caught:
        bench_pad(Models(find_pack(None)), pad_set, TARGETS, MADE)
    assert caught.value.code == "no_model"
