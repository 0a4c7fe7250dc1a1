"""The pictures of the documentation are small, and each of them is shown."""

from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from tests import shots
from tests.shots import page, shrink


def test_a_picture_becomes_narrow_and_keeps_its_colours(tmp_path: Path) -> None:
    """A wide, very long screen fits into the page, in a palette of its own."""
    screen = np.zeros((4_000, 1_920, 3), np.uint8)
    screen[:, 960:] = (40, 120, 200)
    cv2.imwrite(str(tmp_path / "wide.png"), screen)
    shrink(tmp_path / "wide.png", tmp_path / "small.png")

    with av.open(str(tmp_path / "small.png")) as file:
        assert file.streams.video[0].pix_fmt == "pal8"
    small = cv2.imread(str(tmp_path / "small.png"))
    assert small is not None
    assert small.shape == (800, 960, 3)
    assert np.abs(small[400, 700].astype(int) - (40, 120, 200)).max() < 8


def test_every_picture_stands_in_its_section() -> None:
    """Pages come in the order of a case; what belongs to none is left out."""
    text = page(["player-list", "customer-call-360", "agent-ring", "stray"])

    assert text.index("customer-call-360") < text.index("agent-ring") < text.index("player-list")
    assert 'src="images/customer-call-360.png" alt="call 360"' in text
    assert "stray" not in text


@pytest.mark.parametrize(
    ("anew", "left"), [(True, ["call", "customer-new"]), (False, ["call", "customer-new", "player-old"])]
)
def test_a_run_of_some_tests_adds_to_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anew: bool, left: list[str]
) -> None:
    """Only a whole run knows which pictures are of screens that are gone."""
    images, new = tmp_path / "images", tmp_path / "new"
    monkeypatch.setattr(shots, "IMAGES", images)
    monkeypatch.setattr(shots, "PAGE", tmp_path / "screens.md")
    for folder, name in ((images, "call"), (images, "player-old"), (new, "customer-new"), (new, "look-new")):
        folder.mkdir(exist_ok=True)
        cv2.imwrite(str(folder / f"{name}.png"), np.zeros((90, 60, 3), np.uint8))

    size = shots.publish(new, anew=anew)

    assert sorted(image.stem for image in images.glob("*.png")) == left
    assert size == sum(image.stat().st_size for image in images.iterdir())
    shown = (tmp_path / "screens.md").read_text(encoding="utf-8")
    assert ("player-old" in shown, "customer-new" in shown) == (not anew, True)
