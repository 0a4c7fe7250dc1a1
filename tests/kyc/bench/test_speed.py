"""Processor time: what is measured, and against what."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from contract.errors import UserError
from kyc.bench import speed
from kyc.bench.speed import bench_speed
from kyc.images import encode_jpeg
from kyc.models import Models
from kyc.packs import find_pack


@pytest.fixture
def quick(speed_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return one face and one card, each step to be run once."""
    for name in ("_ROUNDS", "_LIGHT_ROUNDS", "_CARD_ROUNDS"):
        monkeypatch.setattr(speed, name, 1)
    monkeypatch.setattr(speed, "_WARM", 0)
    (tmp_path / "faces").mkdir()
    shutil.copy(speed_set / "faces" / "person-0.jpg", tmp_path / "faces")
    shutil.copytree(speed_set / "cards", tmp_path / "cards")
    return tmp_path


@pytest.mark.models
@pytest.mark.slow
def test_four_steps_beside_the_plain_calls(models: Models, quick: Path) -> None:
    """Each has a goal, ours, the slowest, the libraries' and the factor; no time is nothing."""
    report = bench_speed(models, quick)
    (table,) = report.tables
    assert [(row[0], row[1]) for row in table.rows] == [
        ("detect, align and embed a face", "50.0 ms"),
        ("passive liveness of a frame", "25.0 ms"),
        ("verdict on a light challenge", "1000.0 ms"),
        ("read a document", "3000.0 ms"),
    ]
    for row in table.rows:
        assert all(float(cell.split()[0]) > 0 for cell in row[2:])


@pytest.mark.slow
def test_the_base_pack_has_less_to_time(quick: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No passive liveness, and nothing plain beside dlib; a missed goal is a warning."""
    instant = speed.Step("read a document", 0.0, lambda: sum(range(100_000)), lambda: None)
    monkeypatch.setattr(speed, "_documents", lambda *_: instant)
    report = bench_speed(Models(find_pack(None)), quick)
    rows = {row[0]: row for row in report.tables[0].rows}
    assert "passive liveness of a frame" not in rows
    assert rows["detect, align and embed a face"][4:] == ("-", "-")
    assert "read a document: the goal is not reached on this machine" in report.warnings


def test_both_folders_are_wanted(quick: Path) -> None:
    """And each face picture shows one face."""
    models = Models(find_pack(None))
    (quick / "faces" / "blank.jpg").write_bytes(encode_jpeg(np.full((480, 640, 3), 9, np.uint8)))
    with pytest.raises(UserError, match="picture 1 in faces shows 0 faces"):
        bench_speed(models, quick)
    shutil.rmtree(quick / "cards")
    with pytest.raises(UserError, match="cards has no picture") as caught:
        bench_speed(models, quick)
    assert caught.value.code == "dataset"
