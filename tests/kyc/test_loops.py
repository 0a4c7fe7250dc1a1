"""Loops and still pictures, through an encoder, against somebody who moves."""

import functools
import itertools

import numpy as np
import pytest

from kyc.injection import FindLoop, Print, PrintFrames, Signal, duplicates, resolutions
from kyc.light_sequence import LightSequence
from kyc.loops import answer_find_loop, find_loop, print_frames, print_of
from kyc.models import Models
from kyc.packs import find_pack
from teller.demo.pictures import astronaut
from tests.kyc.encoding import Picture, encoded
from tests.kyc.light_scene import Attack, Scene

FPS = 8


@functools.cache
def recording(sway: float = 0.12) -> tuple[Picture, ...]:
    """Return 14 seconds of somebody who sways before the camera."""
    scene = Scene(astronaut(), (160, 120), sway=sway, attack=Attack.DARK, noise=3)
    return tuple(scene.pictures(LightSequence("RG" * 16), FPS))


@functools.cache
def models() -> Models:
    return Models(find_pack(None))


def prints(pictures: list[Picture]) -> tuple[Print, ...]:
    """Return the prints of ``pictures`` after their way through VP8 at 300 kbit/s."""
    frames = tuple(encoded("VP8", pictures, FPS, 300))
    return print_frames(models(), PrintFrames("VP8", frames, frames[0].timestamp, 0))


@pytest.mark.parametrize("sway", [0.04, 0.12])
def test_somebody_who_moves_is_no_loop(sway: float) -> None:
    """Much or little."""
    assert find_loop(prints(list(recording(sway)))) == Signal("loop", 0.0)


@pytest.mark.parametrize("seconds", [2.5, 4.0, 7.0])
def test_a_loop_is_found(seconds: float) -> None:
    """Whatever its length; encoded anew each time, and with the noise of another camera."""
    chance = np.random.default_rng(5)
    piece = recording()[: round(seconds * FPS)]
    looped = [
        np.clip(picture + chance.normal(0, 2, picture.shape), 0, 255).astype(np.uint8)
        for picture in itertools.islice(itertools.cycle(piece), 14 * FPS)
    ]
    assert answer_find_loop(models(), FindLoop(prints(looped))).reason == "loop"


@pytest.mark.parametrize("seconds", [2.5, 4.0])
def test_a_loop_is_found_across_gaps(seconds: float) -> None:
    """A challenge is not filmed between its tries; somebody who moves is no loop for that."""
    piece = list(recording()[: round(seconds * FPS)])
    looped = list(itertools.islice(itertools.cycle(piece), 14 * FPS))
    found = [prints(pictures) for pictures in (looped, list(recording()))]
    with_gaps = [tuple(one for one in some if not (3 < one.at < 5 or 8 < one.at < 10.5)) for some in found]
    assert [find_loop(some).reason for some in with_gaps] == ["loop", ""]


def test_a_photograph_never_moves() -> None:
    """One picture with the noise of a sensor, and light that comes and goes."""
    chance = np.random.default_rng(6)
    photograph = np.repeat(np.repeat(recording()[0], 2, axis=0), 2, axis=1)
    still = [
        np.clip(photograph * (1 + 0.05 * np.sin(n / 9)) + chance.normal(0, 3, photograph.shape), 0, 255)
        for n in range(60)
    ]
    assert find_loop(prints([picture.astype(np.uint8) for picture in still])).reason == "still_picture"


def test_prints_tell_pictures_apart() -> None:
    """Digests and sizes are those of the whole picture, before it was made small."""
    pictures = [*recording()[:40], *recording()[:40]]
    made = [print_of(picture, n / FPS) for n, picture in enumerate(pictures)]

    assert duplicates([one.digest for one in made]).score == 0.5
    assert {one.size for one in made} == {(160, 120)}
    assert resolutions([one.size for one in made]).score == 0


def test_few_pictures_say_nothing() -> None:
    """Under 40 of them."""
    one = print_of(recording()[0], 0.0)
    assert len(one.cells) == 32 * 24
    assert find_loop([one] * 39) == find_loop([]) == Signal("loop", 0.0)
