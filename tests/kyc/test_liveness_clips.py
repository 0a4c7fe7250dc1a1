"""Gestures on pictures that went through a call: VP8 and H.264, 250 to 800 kbit/s."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from kyc.gestures import judge, judge_step
from kyc.models import Models
from kyc.packs import find_pack
from kyc.registry import Task
from kyc.traces import Gesture, Trace, TraceFrames
from kyc.tracing import find_faces, load_passive, load_tracer, trace_frames
from kyc.voice import hear
from teller.demo.pictures import astronaut, other_person
from tests.kyc.attacks import looped, shaken, tilted
from tests.kyc.clips import (
    CLIP_FPS,
    DELIVERIES,
    Picture,
    at_rate,
    clip_of,
    intel_clip,
    media_dir,
    sent,
    traced,
    traces_of,
)
from tests.kyc.encoding import BASE
from tests.kyc.puppet import Move, Puppet, alive, blinking, there_and_back
from tests.kyc.talking import digits, mouth_of, said

pytestmark = [pytest.mark.models, pytest.mark.clips]
FPS = 25
VISIBLE = [gesture for gesture in Gesture if gesture is not Gesture.SAY_DIGITS]


@pytest.fixture(scope="module")
def models(open_models_dir: Path) -> Models:
    return Models(find_pack(open_models_dir))


@pytest.fixture(scope="module")
def clips() -> Callable[[str], list[Picture]]:
    folder = media_dir()
    if folder is None:
        raise pytest.UsageError('no clips: set TEST_MEDIA_DIR, or run with -m "not clips"')
    return cache(lambda name: intel_clip(folder, name))


@pytest.fixture(scope="module")
def puppet(models: Models) -> Puppet:
    return puppet_of(models, astronaut().image)


def puppet_of(models: Models, photograph: Picture) -> Puppet:
    picture = clip_of(models.faces, [photograph])[0]
    tracer = models.once(load_tracer)
    assert tracer is not None
    points = tracer.mesh.landmarks(picture, find_faces(models.faces, picture)[0])
    canonical = models.file(Task.GEOMETRY)
    assert points is not None and canonical is not None
    return Puppet(picture, points, canonical)


def sights(traces: tuple[Trace, ...]) -> set[Gesture]:
    return {gesture for gesture in VISIBLE if judge(gesture, traces).seen}


def both_turns(models: Models, frames: list[Picture]) -> list[Picture]:
    """Return the woman from facing us to her right, back, to her left, and back."""
    front, end = [frames[9]] * 6, [frames[19]] * 6
    return clip_of(models.faces, [*front, *frames[8:0:-1], *frames[:20], *end])


@pytest.mark.parametrize(("codec", "kbps", "fps"), DELIVERIES)
def test_a_real_head_that_turns(
    models: Models, clips: Callable[[str], list[Picture]], codec: str, kbps: int, fps: int
) -> None:
    pictures = at_rate(both_turns(models, clips("female")), CLIP_FPS, fps)
    found = traced(models, pictures, codec, kbps, fps).traces
    assert len(found) == len(pictures)
    assert sights(found) == {Gesture.TURN_LEFT, Gesture.TURN_RIGHT}
    assert judge_step(Gesture.TURN_RIGHT, found).seen
    assert judge_step(Gesture.TURN_LEFT, found).reason == "wrong_gesture"


def test_a_real_head_that_smiles_does_nothing(models: Models, clips: Callable[[str], list[Picture]]) -> None:
    pictures = clip_of(models.faces, clips("male")[:50])
    assert sights(traces_of(models, pictures, 12)) == set()


def test_a_real_head_that_leans_only_blinks(models: Models, clips: Callable[[str], list[Picture]]) -> None:
    """His eyes are shut in two pictures of 56: at 12 a second, rounding decides whether that is found."""
    half = [np.ascontiguousarray(picture[:, 240:]) for picture in clips("female-and-male")]
    found = traces_of(models, clip_of(models.faces, half), 12)
    assert sights(found) <= {Gesture.BLINK}
    blink = judge(Gesture.BLINK, found)
    assert not blink.seen or blink.at == pytest.approx(3.8, abs=0.5)


@pytest.mark.parametrize(
    ("gesture", "moves"),
    [
        (Gesture.TURN_LEFT, there_and_back(Move(yaw=-26.0), FPS)),
        (Gesture.TURN_RIGHT, there_and_back(Move(yaw=26.0), FPS)),
        (Gesture.NOD, there_and_back(Move(pitch=22.0), FPS)),
        (Gesture.BLINK, blinking(FPS)),
        (Gesture.OPEN_MOUTH, there_and_back(Move(mouth=0.35), FPS, way_s=0.3)),
    ],
)
@pytest.mark.parametrize(("codec", "kbps"), [("VP8", 250), ("H264", 500)])
def test_an_animated_photograph_shows_each_gesture(
    models: Models, puppet: Puppet, gesture: Gesture, moves: list[Move], codec: str, kbps: int
) -> None:
    """It is what a person looks like to the checks, and what they do not stop."""
    pictures = [puppet.frame(move) for move in alive(moves, FPS, 7)]
    found = traced(models, pictures, codec, kbps, FPS).traces
    assert sights(found) == {gesture}


def test_an_animated_photograph_that_reads_digits_is_in_step(models: Models, puppet: Puppet) -> None:
    rng = np.random.default_rng(11)
    spoken, others = digits(rng), digits(rng, begins=1.5)
    opened = mouth_of(spoken, np.arange(0, 5, 1 / 15), rng)
    found = traces_of(models, [puppet.frame(Move(mouth=0.5 * float(m))) for m in opened], 15)
    assert judge_step(Gesture.SAY_DIGITS, found, hear(said(spoken, rng))).seen
    assert judge_step(Gesture.SAY_DIGITS, found, hear(said(others, rng))).reason == "not_in_step"


def test_a_still_in_a_hand_shows_no_gesture(models: Models) -> None:
    for number, photograph in enumerate((astronaut().image, other_person(1).image)):
        still = clip_of(models.faces, [photograph])[0]
        found = traces_of(models, shaken(still, 45, number), 12)
        assert sights(found) == set()
        assert np.ptp([trace.yaw for trace in found if trace.face_count]) < 15


def test_a_flat_print_that_is_tilted_shows_no_gesture(models: Models) -> None:
    for number, photograph in enumerate((astronaut().image, other_person(1).image)):
        still = clip_of(models.faces, [photograph])[0]
        assert sights(traces_of(models, tilted(still, 48, number), 12)) == set()


def test_a_looped_clip_shows_no_gesture(models: Models, clips: Callable[[str], list[Picture]]) -> None:
    pictures = looped(both_turns(models, clips("female")), 2)
    found = traces_of(models, [*pictures, *pictures[:8]], 12)
    assert {judge(gesture, found).reason for gesture in VISIBLE} == {"repeats"}


def test_a_dark_room_or_nobody_has_no_face(models: Models) -> None:
    empty = [np.full((480, 640, 3), 20, np.uint8)] * 6
    found = traced(models, empty, "VP8", 500, 10)
    assert [trace.face_count for trace in found.traces] == [0] * 6
    assert found.looks == ()


def test_frames_before_the_stretch_are_only_decoded(models: Models) -> None:
    pictures = clip_of(models.faces, [astronaut().image]) * 8
    frames = sent(pictures, "VP8", 500, 10)
    found = trace_frames(models, TraceFrames("VP8", frames, BASE, BASE + 5 * 9_000))
    assert [trace.at for trace in found.traces] == pytest.approx([0.5, 0.6, 0.7])
    assert len(found.looks) == 1


def test_a_pack_without_a_mesh_gives_nothing(base: object) -> None:
    models = Models(find_pack(None))
    assert models.once(load_tracer) is None and models.once(load_passive) is None
    frames = sent([astronaut().image] * 2, "VP8", 500, 10)
    found = trace_frames(models, TraceFrames("VP8", frames, BASE, BASE))
    assert (found.traces, found.looks) == ((), ())
