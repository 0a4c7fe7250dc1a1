"""The light challenge on really encoded pictures of a simulated scene; see tests.kyc.light_scene."""

import functools
import time
from collections.abc import Sequence

import numpy as np
import pytest

from contract.phases import CheckVerdict
from contract.ports import EncodedFrame
from kyc.light import correlate
from kyc.light_sampling import (
    Box,
    Detect,
    judge_light,
    sample_frames,
    sample_light,
    sample_patches,
)
from kyc.light_sequence import (
    JudgeLight,
    LightFinding,
    LightSample,
    LightSequence,
    SampleLight,
    draw_sequence,
)
from kyc.models import Models
from teller.demo.pictures import astronaut, other_person
from tests.kyc.conftest import Loaded
from tests.kyc.encoding import START, Picture, encoded
from tests.kyc.light_scene import LEAD_S, Attack, Scene

NONCE = bytes(range(32))
STARTED = START + LEAD_S


def recompute(
    codec: str, frames: Sequence[EncodedFrame], detect: Detect, nonce: bytes, started_at: float
) -> LightFinding:
    """Judge whole frames at once."""
    return correlate(draw_sequence(nonce), sample_frames(codec, frames, detect).samples, started_at)


@functools.cache
def scene(attack: Attack = Attack.NONE, person: int = -1) -> Scene:
    portrait = astronaut() if person < 0 else other_person(person)
    return Scene(portrait, attack=attack, seed=person + 4)


@functools.cache
def clip(codec: str, fps: int, kbps: int, attack: Attack, person: int) -> tuple[EncodedFrame, ...]:
    """Return the challenge of NONCE as it arrives."""
    pictures = scene(attack, person).pictures(draw_sequence(NONCE), fps)
    return tuple(encoded(codec, pictures, fps, kbps))


def known_boxes(attack: Attack, person: int, fps: int) -> Detect:
    """Return a detector that knows where the scene put the face in each frame after the other."""
    number = -1

    def detect(_: Picture) -> Box:
        nonlocal number
        number += 1
        return scene(attack, person).box_at(number / fps)

    return detect


def found(
    codec: str, fps: int, kbps: int, attack: Attack = Attack.NONE, person: int = -1, nonce: bytes = NONCE
) -> LightFinding:
    frames = clip(codec, fps, kbps, attack, person)
    return recompute(codec, frames, known_boxes(attack, person, fps), nonce, STARTED)


@pytest.mark.parametrize(
    ("codec", "fps", "kbps", "person"), [("VP8", 10, 250, -1), ("VP8", 15, 500, 0), ("H264", 12, 400, 1)]
)
def test_a_face_passes_through_every_codec(codec: str, fps: int, kbps: int, person: int) -> None:
    """Light of 8 % of what is there, after an encoder at call rates."""
    finding = found(codec, fps, kbps, person=person)

    assert (finding.verdict, finding.reason) == (CheckVerdict.PASSED, "")
    assert finding.gain > 0.03
    assert finding.background_share < 0.5


@pytest.mark.parametrize(
    ("attack", "codec", "reason"),
    [(Attack.DARK, "VP8", "inconclusive"), (Attack.GLASS, "H264", "flat_reflection")],
)
def test_what_is_no_face_in_the_light_does_not_pass(attack: Attack, codec: str, reason: str) -> None:
    """A picture that the light never met, or that a pane throws back as a whole; colours move behind."""
    assert found(codec, 10, 250, attack, 3).reason == reason


def test_a_recorded_challenge_is_another_sequence() -> None:
    """Genuine light that answers to other nonces fails each time."""
    findings = [found("VP8", 15, 500, person=0, nonce=bytes([n]) * 16) for n in range(3)]

    assert [finding.reason for finding in findings] == ["wrong_sequence"] * 3


def seconds_of(frames: tuple[EncodedFrame, ...]) -> list[tuple[EncodedFrame, ...]]:
    """Return ``frames`` as they are there after each second, and when all are."""
    ends = [n for n in range(1, len(frames)) if n % 15 == 0]
    return [frames[:end] for end in ends] + [frames]


def test_seconds_one_by_one_are_the_whole() -> None:
    """What is sampled while the challenge runs is what an auditor gets from the record."""
    frames = clip("VP8", 15, 500, Attack.NONE, 0)
    whole = sample_frames("VP8", frames, known_boxes(Attack.NONE, 0, 15))
    detect, since = known_boxes(Attack.NONE, 0, 15), frames[0].timestamp
    samples: list[LightSample] = []
    for there in seconds_of(frames):
        stretch = sample_frames("VP8", there, detect, origin=frames[0].timestamp, since=since)
        samples += stretch.samples
        since = there[-1].timestamp + 1

    assert tuple(samples) == whole.samples
    assert len(samples) == len(frames)
    again = recompute("VP8", frames, known_boxes(Attack.NONE, 0, 15), NONCE, STARTED)
    assert correlate(draw_sequence(NONCE), samples, STARTED) == again


def test_frames_without_a_face_are_counted() -> None:
    """A detector that finds nobody gives no samples, and no verdict on them."""
    frames = clip("VP8", 10, 250, Attack.NONE, -1)
    sampled = sample_frames("VP8", frames, lambda _: None)

    assert (sampled.samples, sampled.without_face) == ((), len(frames))
    assert recompute("VP8", frames, lambda _: None, NONCE, STARTED).reason == "too_few_frames"


def grey(level: int = 128) -> Picture:
    return np.full((240, 320, 3), level, np.uint8)


def test_patches_are_linear_light() -> None:
    """Mid grey of sRGB is a fifth of white; red stays red."""
    picture = grey()
    picture[90:150, 130:190] = (20, 40, 200)
    patches = sample_patches(picture, (120, 80, 80, 80))

    assert patches is not None
    assert patches[1] == pytest.approx((0.2158,) * 3, abs=1e-3)
    red, green, blue = patches[0]
    assert red > 10 * green > 20 * blue


@pytest.mark.parametrize(
    "box", [(0, 0, 320, 240), (400, 300, 50, 50), (-500, -500, 90, 90), (5, 5, 0, 0), (100, 80, 4, 4)]
)
def test_no_patch_where_there_is_nothing_to_see(box: Box) -> None:
    """A face that fills the picture has no background, one outside or too small no pixels."""
    assert sample_patches(grey(), box) is None


@pytest.mark.parametrize("level", [0, 255])
def test_black_and_burnt_out_pixels_have_no_colour(level: int) -> None:
    """They are left out, and so is the frame when no others are left."""
    assert sample_patches(grey(level), (120, 80, 80, 80)) is None


def sampled_live(models: Models, frames: tuple[EncodedFrame, ...]) -> tuple[LightFinding, float]:
    """Return the finding of the jobs as the server asks for them, and the CPU seconds after the end."""
    samples: list[LightSample] = []
    since, began = frames[0].timestamp, 0.0
    for there in seconds_of(frames):
        began = time.process_time()
        stretch = sample_light(models, SampleLight("VP8", there, frames[0].timestamp, since))
        samples += stretch.samples
        since = there[-1].timestamp + 1
    finding = judge_light(models, JudgeLight(draw_sequence(NONCE), tuple(samples), STARTED))
    return finding, time.process_time() - began


@pytest.mark.models
def test_the_verdict_is_there_within_a_second(opened: Loaded) -> None:
    """With YuNet in every frame: it passes, and what is left to do at the end takes less than a second."""
    models = Models(opened.pack)
    frames = clip("VP8", 15, 500, Attack.NONE, 0)
    sampled_live(models, frames[:3])
    finding, seconds = sampled_live(models, frames)

    assert finding.verdict is CheckVerdict.PASSED
    assert seconds < 1.0


@pytest.mark.models
def test_the_base_pack_without_a_face_says_so(base: Loaded) -> None:
    """A wall has no face."""
    wall = tuple(encoded("VP8", [grey()] * 3))
    sampled = sample_light(Models(base.pack), SampleLight("VP8", wall, wall[0].timestamp, 0))

    assert sampled.without_face == 3
    assert judge_light(Models(base.pack), JudgeLight(LightSequence("RG"), (), 0.0)).reason == "too_few_frames"
