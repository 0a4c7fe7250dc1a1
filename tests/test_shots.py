"""The pictures of the documentation are small, and each of them is shown."""

from pathlib import Path

import av
import cv2
import numpy as np

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
