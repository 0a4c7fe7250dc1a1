"""Recognition measured on a small generated set."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from contract.errors import UserError
from kyc.bench import match
from kyc.bench.match import bench_match
from kyc.bench.rates import Targets
from kyc.calibration import Rate, faults, find_card, write_card
from kyc.images import encode_jpeg
from kyc.models import Models
from kyc.packs import Pack

MADE = "2026-11-22", "a test"
STRICT = Targets(1e-4, 5e-3)
BLANK = encode_jpeg(np.full((480, 640, 3), 127, np.uint8))


def named(rates: tuple[Rate, ...], name: str) -> dict[str, tuple[int, int]]:
    """Return errors and trials at accept, by part."""
    found: dict[str, tuple[int, int]] = {}
    for rate in rates:
        if rate.name == name:
            found.setdefault(rate.on, (rate.errors, rate.trials))
    return found


@pytest.mark.models
@pytest.mark.slow
def test_cards_are_compared_with_live_pictures(models: Models, match_set: Path, tmp_path: Path) -> None:
    """Seven people: 21 pairs of one, 126 of strangers, by group too; the card is one and is found."""
    report = bench_match(models, match_set, STRICT, MADE, 1)
    assert named(report.rates, "FNMR") == {"all pairs": (0, 21), "group one": (0, 9), "group other": (0, 12)}
    assert named(report.rates, "FMR") == {"all pairs": (0, 126), "group one": (0, 18), "group other": (0, 36)}
    assert "takes 36887 trials" in report.warnings[0]
    assert "accept stays at 0.48" in report.warnings[0]
    assert any("of 7 people at most 3 pairs" in warning for warning in report.warnings)
    assert [name for name, _ in report.charts] == ["det", "scores"]
    assert report.card is not None
    assert faults(report.card) == ()
    write_card(report.card, tmp_path)
    own = find_card(report.card.task, (models.pack.embedder.sha256,), tmp_path)
    assert own == report.card
    assert report.card.limits.startswith("FMR 0.0001 cannot be claimed")


@pytest.mark.models
@pytest.mark.slow
def test_a_modest_claim_is_carried(models: Models, match_set: Path) -> None:
    """126 pairs prove 10 %, not less: the threshold is then the sample's own."""
    report = bench_match(models, match_set, Targets(0.1, 0.3), MADE, 1)
    assert report.card is not None
    assert not any("cannot be claimed" in warning and "all pairs" in warning for warning in report.warnings)


@pytest.mark.models
def test_without_cards_all_are_compared_with_all(models: Models, match_set: Path, tmp_path: Path) -> None:
    """Two people, three pictures each: 6 pairs of one person, 9 of strangers; the rest is told."""
    for person in ("person-0", "person-1"):
        shutil.copytree(match_set / person, tmp_path / person)
        (tmp_path / person / "card.jpg").unlink()
    (tmp_path / "person-1" / "blank.jpg").write_bytes(BLANK)
    (tmp_path / "person-1" / "broken.jpg").write_bytes(BLANK[:-99])
    report = bench_match(models, tmp_path, STRICT, MADE, 1)
    assert named(report.rates, "FMR") == {"all pairs": (0, 9)}
    assert named(report.rates, "FNMR") == {"all pairs": (0, 6)}
    assert report.tables[-1].rows == (("no_face", "1"), ("not_an_image", "1"))
    assert any("2 pictures gave no face" in warning for warning in report.warnings)


@pytest.mark.models
def test_too_many_pairs_are_drawn(
    models: Models, match_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same seed draws the same; no more than the bound, and of strangers only."""
    for person in ("person-0", "person-1"):
        shutil.copytree(match_set / person, tmp_path / person)
        (tmp_path / person / "card.jpg").unlink()
    monkeypatch.setattr(match, "PAIRS_MAX", 7)
    one, same, other = (bench_match(models, tmp_path, STRICT, MADE, seed) for seed in (1, 1, 2))
    assert named(one.rates, "FMR") == {"all pairs": (0, 7)}
    assert named(one.rates, "FNMR") == {"all pairs": (0, 6)}
    assert (one.charts[1][1] == same.charts[1][1]).all()
    assert not (one.charts[1][1] == other.charts[1][1]).all()


@pytest.mark.models
def test_models_without_a_card_get_none_from_a_small_sample(
    models: Models, match_set: Path, tmp_path: Path
) -> None:
    """There is no threshold to keep; the charts are there all the same."""
    for person in ("person-0", "person-1"):
        shutil.copytree(match_set / person, tmp_path / person)
    pack = models.pack
    bare = Models(Pack(pack.name, True, pack.models, pack.paths, ()))
    report = bench_match(bare, tmp_path, STRICT, MADE, 1)
    assert (report.card, report.rates) == (None, ())
    assert report.warnings[0].endswith("no card is written")
    assert any("never approve" in warning for warning in report.warnings)
    assert len(report.charts) == 2


@pytest.mark.models
@pytest.mark.parametrize("people", [[], ["person-0"]])
def test_nothing_to_compare_is_an_error(
    models: Models, match_set: Path, tmp_path: Path, people: list[str]
) -> None:
    """Nobody, or one person alone."""
    for person in people:
        shutil.copytree(match_set / person, tmp_path / person)
    with pytest.raises(UserError) as caught:
        bench_match(models, tmp_path, STRICT, MADE, 1)
    assert caught.value.code == "dataset"


@pytest.mark.models
@pytest.mark.parametrize("content", [b"person-0\n", b"a,b,c\n", b"\xff\xfe\x00"])
def test_groups_of_another_shape_are_an_error(
    models: Models, match_set: Path, tmp_path: Path, content: bytes
) -> None:
    """Lines of person and group are wanted."""
    for person in ("person-0", "person-1"):
        shutil.copytree(match_set / person, tmp_path / person)
    (tmp_path / "groups.csv").write_bytes(content)
    with pytest.raises(UserError, match=r"groups\.csv") as caught:
        bench_match(models, tmp_path, STRICT, MADE, 1)
    assert caught.value.code == "dataset"
