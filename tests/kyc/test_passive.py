"""Passive liveness on simulated attacks and real pictures; what is known not to be stopped, too."""

from pathlib import Path

import numpy as np
import pytest

from contract.phases import CheckVerdict
from kyc.models import Models
from kyc.packs import find_pack
from kyc.passive import surroundings
from kyc.passive_verdict import FRAMES_MIN, passive_verdict
from kyc.registry import Task
from kyc.tracing import find_faces, load_passive
from teller.demo.pictures import astronaut, other_person
from tests.kyc.attacks import Held, Picture, on_screen, printed
from tests.kyc.clips import CLIP_FPS, DELIVERIES, at_rate, clip_of, delivered, intel_clip, media_dir

FILMED_FPS = 30


def test_surroundings_stay_inside_and_keep_their_scale_when_they_can() -> None:
    picture = np.zeros((480, 640, 3), np.uint8)
    picture[:, 320:] = 255
    inside = surroundings(picture, (300.0, 220.0, 40.0, 40.0), 4.0)
    assert inside.shape == (80, 80, 3) and inside[:, :38].max() == 0 and inside[:, 42:].min() == 255
    # A face at the edge: moved inside, so white begins where it does in the picture.
    edge = surroundings(picture, (-10.0, 220.0, 100.0, 100.0), 4.0)
    assert edge[:, :62].max() == 0 and edge[:, 66:].min() == 255
    # Larger than the picture: as much as there is.
    assert surroundings(picture, (100.0, 40.0, 400.0, 400.0), 4.0)[:, 45:].min() == 255


@pytest.mark.models
@pytest.mark.parametrize("attack", [printed, on_screen])
def test_prints_and_screens_with_edges_do_not_pass(open_models_dir: Path, attack: object) -> None:
    models = Models(find_pack(open_models_dir))
    assert callable(attack)
    for n, photograph in enumerate((astronaut().image, other_person(0).image)):
        still = clip_of(models.faces, [photograph])[0]
        frames = [attack(still, 10 * n + k) for k in range(10)]
        assert finding(models, frames)[0] is not CheckVerdict.PASSED


@pytest.mark.models
def test_a_camera_picture_passes_and_so_does_one_that_is_injected(open_models_dir: Path) -> None:
    """The same pixels: nothing here can tell them apart, which is why other checks go with it."""
    models = Models(find_pack(open_models_dir))
    still = clip_of(models.faces, [other_person(3).image])[0]
    rng = np.random.default_rng(1)
    frames = [np.clip(still + rng.normal(0, 2, still.shape), 0, 255).astype(np.uint8) for _ in range(10)]
    assert finding(models, frames) == (CheckVerdict.PASSED, "")


@pytest.mark.models
@pytest.mark.clips
@pytest.mark.parametrize(("codec", "kbps", "fps"), DELIVERIES)
def test_what_a_call_delivers_is_judged_alike(
    open_models_dir: Path, filmed: dict[str, list[Picture]], codec: str, kbps: int, fps: int
) -> None:
    """A real head passes, and the print and the screen in a hand do not, whatever the line leaves of them."""
    models = Models(find_pack(open_models_dir))
    for name, pictures in filmed.items():
        seen = delivered(at_rate(pictures, FILMED_FPS, fps), codec, kbps, fps)
        # The first frames of a call are mud.
        looks = seen[len(seen) // 6 :: max(1, len(seen) // 14)]
        assert len(looks) >= FRAMES_MIN
        assert (finding(models, looks)[0] is CheckVerdict.PASSED) is (name == "head"), name


@pytest.fixture(name="filmed", scope="module")
def _filmed(open_models_dir: Path) -> dict[str, list[Picture]]:
    """Return two seconds of a head, of a print of a face, and of a screen with it."""
    folder = media_dir()
    if folder is None:
        raise pytest.UsageError('no clips: set TEST_MEDIA_DIR, or run with -m "not clips"')
    faces = Models(find_pack(open_models_dir)).faces
    still = clip_of(faces, [astronaut().image])[0]
    head = at_rate(clip_of(faces, intel_clip(folder, "male")), CLIP_FPS, FILMED_FPS)
    held = [
        Held(fill=0.85, yaw=3 * float(np.sin(n / 11)), shift=(0.01 * float(np.sin(n / 7)), 0.0))
        for n in range(2 * FILMED_FPS)
    ]
    return {
        "head": head[: 2 * FILMED_FPS],
        "print": [printed(still, 5, one) for one in held],
        "screen": [on_screen(still, 5, one) for one in held],
    }


def finding(models: Models, frames: list[Picture]) -> tuple[CheckVerdict, str]:
    passive = models.once(load_passive)
    assert passive is not None
    found = [(faces[0], frame) for frame in frames if (faces := find_faces(models.faces, frame))]
    scores = [passive.score(frame, face) for face, frame in found]
    shares = [face.box[2] / frame.shape[1] for face, frame in found]
    verdict = passive_verdict(scores, shares, models.pack.card(Task.PASSIVE))
    return verdict.verdict, verdict.reason
