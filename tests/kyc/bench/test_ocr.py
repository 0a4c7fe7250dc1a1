"""Documents measured on a few specimens."""

import json
import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from contract.errors import UserError
from kyc.bench.ocr import bench_ocr
from kyc.images import encode_jpeg
from kyc.models import Models
from kyc.packs import find_pack

ON = date(2026, 11, 22)


@pytest.fixture(scope="module")
def reader() -> Models:
    """Return the base pack's models: text is read by the same ones in every pack."""
    return Models(find_pack(None))


@pytest.mark.slow
def test_fields_are_counted(reader: Models, ocr_set: Path, tmp_path: Path) -> None:
    """A clean front is read; a wrong truth, a field that is not there and a blank picture are errors."""
    for name in ("00.jpg", "00.json"):
        shutil.copy(ocr_set / "front" / name, tmp_path / name)
    truth = json.loads((tmp_path / "00.json").read_text())
    assert truth["condition"] == "clean"
    fields = len(truth["fields"])
    truth["fields"] |= {"name": "另一个人", "blood_group": "A"}
    (tmp_path / "00.json").write_text(json.dumps(truth))
    (tmp_path / "dark").mkdir()
    (tmp_path / "dark" / "1.jpg").write_bytes(encode_jpeg(np.full((480, 640, 3), 9, np.uint8)))
    (tmp_path / "dark" / "1.json").write_text('{"fields": {"number": "1"}}')
    (tmp_path / "dark" / "2.jpg").write_bytes(b"no picture")
    (tmp_path / "dark" / "2.json").write_text('{"fields": {"number": "2"}}')
    report = bench_ocr(reader, tmp_path, ON)
    counted = {rate.on: (rate.errors, rate.trials) for rate in report.rates}
    assert counted["clean"] == (2, fields + 1)
    assert counted["dark"] == (2, 2)
    assert counted["number"] == (2, 3)
    assert counted["name"] == counted["blood_group"] == (1, 1)
    assert dict(report.facts)["documents"] == "3"
    assert report.tables[2].head == ("", *sorted({*truth["fields"]}))
    assert report.tables[2].rows[1][0] == "dark"
    assert "3 documents are few" in report.warnings[0]
    assert "reader was 0.9 sure or more: 1 fields" in report.warnings[1]
    assert report.card is None
    assert [name for name, _ in report.charts] == ["confidence"]


def test_nothing_read_gives_no_chart(reader: Models, tmp_path: Path) -> None:
    """There is no confidence to draw."""
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    (tmp_path / "a.json").write_text('{"fields": {"number": "1"}}')
    report = bench_ocr(reader, tmp_path, ON)
    assert report.charts == ()
    assert len(report.warnings) == 1


@pytest.mark.parametrize(
    "truth",
    [None, "", "[]", "{}", '{"fields": []}', '{"fields": {}}', "[" * 100_000, '{"fields": null}', "\xff"],
)
def test_a_truth_of_another_shape_is_an_error(reader: Models, tmp_path: Path, truth: str | None) -> None:
    """The file is named."""
    (tmp_path / "a.jpg").write_bytes(encode_jpeg(np.full((480, 640, 3), 9, np.uint8)))
    if truth is not None:
        (tmp_path / "a.json").write_bytes(truth.encode("latin-1"))
    with pytest.raises(UserError, match=r"a\.json") as caught:
        bench_ocr(reader, tmp_path, ON)
    assert caught.value.code == "dataset"


@pytest.mark.parametrize("name", ["", "none"])
def test_no_document_is_an_error(reader: Models, tmp_path: Path, name: str) -> None:
    """An empty folder, or none."""
    with pytest.raises(UserError) as caught:
        bench_ocr(reader, tmp_path / name, ON)
    assert caught.value.code == "dataset"
