"""Finding a card in a photo, and what is wrong with the photo."""

import cv2
import numpy as np
import pytest

from kyc.card_photo import (
    ID_1,
    ID_3,
    WIDTH,
    Corners,
    described,
    find_corners,
    inspect_card,
    rectify,
    upright,
)
from kyc.images import Picture, decode
from teller.demo.card import (
    Issue,
    Scene,
    card_corners,
    cut_portrait,
    photograph,
    render_back,
    render_card,
    specimen,
)
from teller.demo.pictures import astronaut

SIZE = (1280, 960)
PALE = (206, 210, 214)


@pytest.fixture(scope="module")
def card() -> Picture:
    """Return the front of the specimen."""
    return render_card(cut_portrait(astronaut()), specimen())


def taken(card: Picture, seed: int, scene: Scene | None = None) -> Picture:
    """Return the photograph."""
    data = photograph(card, seed, SIZE, scene)
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), np.uint8)


def error(found: Corners | None, truth: np.ndarray) -> float:
    """Return the largest distance of a corner, in shares of the card's width; the start does not matter."""
    assert found is not None
    width = float(np.linalg.norm(truth[1] - truth[0]))
    turns = (np.roll(found, turn, axis=0) for turn in range(4))
    return min(float(np.linalg.norm(turn - truth, axis=1).max()) for turn in turns) / width


@pytest.mark.parametrize(
    "scene",
    [
        Scene(),
        Scene(desk=PALE),
        Scene(light=0.22, noise=7.0),
        Scene(blur=3.0),
        Scene(tilt=25.0, turned=True, share=0.6),
        Scene(skew=0.05, share=0.62),
        Scene(glare=0.9),
        Scene(quality=18),
    ],
    ids=["clean", "pale", "dark", "blurred", "turned", "skewed", "glare", "jpeg"],
)
def test_the_corners_are_found(card: Picture, scene: Scene) -> None:
    """Within 1.5 % of the card's width, rounded as they are."""
    assert error(find_corners(taken(card, 3, scene)), card_corners(card, 3, SIZE, scene)) < 0.015


def test_a_thumb_over_a_corner(card: Picture) -> None:
    """A covered corner is where the sides' lines meet."""
    photo, truth = taken(card, 4), card_corners(card, 4, SIZE)
    x, y = truth[2].astype(int)
    cv2.circle(photo, (x + 20, y + 20), 70, (120, 150, 205), -1)
    assert error(find_corners(photo), truth) < 0.03


@pytest.mark.parametrize("seed", range(3))
def test_no_card_no_corners(card: Picture, seed: int) -> None:
    """An empty desk, a plain picture and a face have no card's edge."""
    desk = taken(card, seed, Scene(share=0.05))
    assert find_corners(desk) is None
    assert find_corners(np.full((480, 640, 3), 60 * seed, np.uint8)) is None
    assert find_corners(astronaut().image) is None
    assert "no_edge" in inspect_card(desk).findings


@pytest.mark.parametrize(
    ("scene", "words"),
    [
        (Scene(), set()),
        (Scene(blur=4.0), {"blurred"}),
        (Scene(glare=0.95), {"glare"}),
        (Scene(light=0.2), {"too_dark"}),
        (Scene(light=1.3), {"too_bright"}),
        (Scene(share=0.45), {"too_small"}),
    ],
    ids=["good", "blurred", "glare", "dark", "bright", "small"],
)
def test_the_words(card: Picture, scene: Scene, words: set[str]) -> None:
    """Each fault is said, and nothing else."""
    assert {*inspect_card(taken(card, 5, scene)).findings} == words


def test_a_preview_counts_for_its_photo(card: Picture) -> None:
    """A small frame of a large photo is not too small."""
    frame = np.asarray(cv2.resize(taken(card, 6), (640, 480), interpolation=cv2.INTER_AREA), np.uint8)
    assert inspect_card(frame).findings == ("too_small",)
    assert inspect_card(frame, scale=4.0).findings == ()
    assert inspect_card(frame, scale=4.0).measures.width == pytest.approx(0.72 * 640 * 4, rel=0.08)


@pytest.mark.parametrize(("ratio", "height"), [(ID_1, 807), (ID_3, 901)])
def test_rectifying(card: Picture, ratio: float, height: int) -> None:
    """The card fills the picture, the portrait at its place."""
    flat = rectify(taken(card, 7), card_corners(card, 7, SIZE).astype(np.float32), ratio)
    assert flat.shape == (height, WIDTH, 3)
    wanted = cv2.resize(card, (WIDTH, height), interpolation=cv2.INTER_AREA)
    middle = np.s_[100 : height - 100, 100 : WIDTH - 100]
    grey, other = (cv2.cvtColor(picture[middle], cv2.COLOR_BGR2GRAY) for picture in (flat, wanted))
    assert np.corrcoef(grey.ravel(), other.ravel())[0, 1] > 0.95


class Stub:
    """A detector that sees a face in the card's right half only, surely or not."""

    upright_score = 0.9

    def __init__(self, card: Picture, score: float) -> None:
        self.card, self.score = card, score

    def detect(self, picture: Picture) -> tuple[object, ...]:
        """Find it when the picture stands."""
        if not self.score or not np.array_equal(picture, self.card):
            return ()
        return (type("Seen", (), {"score": self.score}),)


@pytest.mark.parametrize("score", [0.95, 0.8, 0.0])
def test_the_portrait_tells_what_is_up(card: Picture, score: float) -> None:
    """A card on its head is turned; one without a portrait is left."""
    turned = np.asarray(cv2.rotate(card, cv2.ROTATE_180), np.uint8)
    models = Stub(card, score)
    assert np.array_equal(upright(models, card), card)  # type: ignore[arg-type]
    assert np.array_equal(upright(models, turned), card if score else turned)  # type: ignore[arg-type]


def test_what_the_server_gets() -> None:
    """Plain numbers and words, of the corners too."""
    back = render_back(Issue("北京市公安局", specimen().born, None))
    found = described(inspect_card(decode(photograph(back, 1, SIZE))))
    assert (found.findings, len(found.corners)) == ((), 4)
    assert all(isinstance(number, float) for corner in found.corners for number in corner)
