"""What is written: page, charts, numbers, card."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from kyc.bench.report import RATE_HEAD, Report, Table, limits_text, rate_row, share, write_report
from kyc.calibration import SHIPPED, Rate, faults, read_card

CARD = read_card(SHIPPED / "mobilefacenet-lfw.json")
RATE = Rate.counted("FMR", "all", 3, 1000)
REPORT = Report(
    title="Recognition",
    facts=(("folder", "<script>alert(1)</script>"),),
    tables=(Table("accept: 0.5", RATE_HEAD, (rate_row(RATE),)),),
    warnings=("too few & too alike",),
    charts=(("det", np.full((20, 30, 3), 90, np.uint8)),),
    rates=(RATE,),
    card=CARD,
)


def test_everything_is_written(tmp_path: Path) -> None:
    """The page holds its charts; the card is read back; a second run replaces the first."""
    write_report(REPORT, tmp_path / "out")
    written = write_report(REPORT, tmp_path / "out")
    assert [path.name for path in written] == [
        "report.html",
        "det.png",
        "report.json",
        "mobilefacenet-lfw.json",
    ]
    picture = cv2.imread(str(written[1]))
    assert picture is not None
    assert picture.shape == (20, 30, 3)
    numbers = json.loads(written[2].read_text())
    assert numbers["rates"] == [
        {"name": "FMR", "on": "all", "errors": 3, "trials": 1000, "low": RATE.low, "high": RATE.high}
    ]
    assert read_card(written[3]) == CARD
    page = written[0].read_text()
    assert "data:image/png;base64," in page
    assert "3 of 1000" in page


def test_names_of_files_are_no_markup(tmp_path: Path) -> None:
    """A folder may be named as it likes."""
    page = write_report(replace(REPORT, card=None), tmp_path)[0].read_text()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "too few &amp; too alike" in page
    assert "http" not in page


def test_rates_are_told_for_people() -> None:
    """Per cent with three figures, and bounds."""
    assert share(0.000123) == "0.0123 %"
    assert rate_row(RATE) == ("FMR", "all", "3 of 1000", "0.3 %", "0.0619 % to 0.874 %")


def test_limits_fit_on_a_card() -> None:
    """Many warnings are cut, and the card with them is one."""
    assert limits_text(["one thing", "another"]) == "One thing. Another."
    long = limits_text(["a" * 900] * 3)
    assert len(long) == 2000
    assert long.endswith("…")
    assert faults(replace(CARD, limits=long)) == ()
