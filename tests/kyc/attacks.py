"""Presentation attacks, made from pictures that exist: prints, screens, stills, loops.

These are simulations. A print is a picture with less contrast, paper grain and edges, held before a
room; a screen is a picture through a sub-pixel grid that is sampled again, with bezel and reflection.
What a real print or a real screen does to a real camera has to be measured on real captures.
Everything is drawn from a seed; pictures are height x width x 3, BGR, 0 to 255.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Light = NDArray[np.float32]
SIZE = (640, 480)


@dataclass(frozen=True, slots=True)
class Held:
    """How an instrument is held before the camera. ``fill`` is its height over the frame's."""

    fill: float = 0.8
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    shift: tuple[float, float] = (0.0, 0.0)


def printed(picture: Picture, seed: int, held: Held | None = None) -> Picture:
    """Return ``picture`` as a matt print with a white edge, held before a room."""
    rng = np.random.default_rng(seed)
    paper = _light(picture)
    grey = paper.mean(axis=2, keepdims=True)
    # Inkjet on plain paper: less chroma, black at 15 % and white at 90 % of the light.
    grain = rng.normal(0, 0.02, (*paper.shape[:2], 1))
    paper = _f32(0.15 + 0.75 * (grey + 0.75 * (paper - grey)) + grain)
    edge = max(6, picture.shape[0] // 20)
    sheet = _framed(paper, edge, (0.88, 0.89, 0.9, 0.0))
    return _recaptured(sheet, held or _held(rng, 0.75, 0.95), rng)


def on_screen(
    picture: Picture, seed: int, held: Held | None = None, *, bezel: bool = True, moire: float = 0.12
) -> Picture:
    """Return ``picture`` replayed on a screen; ``moire`` is the contrast of the beat, 0 to 1."""
    rng = np.random.default_rng(seed)
    tint = np.array((1.08, 1.0, 0.96), np.float32)
    shown = _f32(
        0.04 + 0.96 * _light(picture) ** 0.9 * tint * _beat(picture.shape[:2], moire, rng)[..., None]
    )
    if bezel:
        edge = max(8, picture.shape[0] // 14)
        shown = _framed(shown, edge, (0.06, 0.06, 0.06, 0.0))
    return _recaptured(shown, held or _held(rng, 0.75, 0.95), rng)


def shaken(picture: Picture, frames: int, seed: int) -> list[Picture]:
    """Return a still as a hand holds it: ``frames`` pictures that slide, roll and come nearer."""
    rng = np.random.default_rng(seed)
    phases = rng.uniform(0, 2 * np.pi, 4)
    made = []
    for n in range(frames):
        slide = 0.06 * np.sin(2 * np.pi * n / 37 + phases[0]), 0.05 * np.sin(2 * np.pi * n / 29 + phases[1])
        roll = 14 * np.sin(2 * np.pi * n / 41 + phases[2])
        held = Held(1.15 + 0.15 * float(np.sin(2 * np.pi * n / 53 + phases[3])), 0.0, 0.0, float(roll), slide)
        made.append(_recaptured(_light(picture), held, rng))
    return made


def tilted(picture: Picture, frames: int, seed: int, degrees: float = 40.0) -> list[Picture]:
    """Return a flat print that is turned to both sides and up and down, to look as if a head turned."""
    rng = np.random.default_rng(seed)
    made = []
    for n in range(frames):
        yaw = degrees * float(np.sin(2 * np.pi * n / (frames / 2)))
        pitch = 0.7 * degrees * float(np.sin(2 * np.pi * n / (frames / 3)))
        made.append(_recaptured(_light(picture), Held(1.1, yaw, pitch), rng))
    return made


def looped(frames: Sequence[Picture], times: int) -> list[Picture]:
    """Return a clip that is played ``times`` times."""
    return list(frames) * times


def to_and_fro(frames: Sequence[Picture], times: int) -> list[Picture]:
    """Return a clip that is played forth and back ``times`` times."""
    return [*frames, *reversed(frames)] * times


SPECIES: dict[str, Callable[[Picture, int], Picture]] = {
    "print with edges": printed,
    "print filling the frame": lambda picture, seed: printed(picture, seed, Held(1.12)),
    "screen with bezel and moire": on_screen,
    "screen with bezel, no moire": lambda picture, seed: on_screen(picture, seed, moire=0.0),
    "screen filling the frame, moire": lambda picture, seed: on_screen(
        picture, seed, Held(1.12), bezel=False, moire=0.2
    ),
    "screen filling the frame, no moire": lambda picture, seed: on_screen(
        picture, seed, Held(1.12), bezel=False, moire=0.0
    ),
}
"""One function a species: (a picture of a face, seed) to the attack as the camera delivers it."""


def _light(picture: Picture) -> Light:
    return _f32(picture / 255)


def _f32(values: NDArray[Any]) -> Light:
    return np.asarray(values, np.float32)


def _framed(flat: Light, edge: int, colour: tuple[float, float, float, float]) -> Light:
    return _f32(cv2.copyMakeBorder(flat, edge, edge, edge, edge, cv2.BORDER_CONSTANT, value=colour))


def _held(rng: np.random.Generator, least: float, most: float) -> Held:
    yaw, pitch, roll = rng.uniform(-12, 12), rng.uniform(-8, 8), rng.uniform(-6, 6)
    return Held(float(rng.uniform(least, most)), float(yaw), float(pitch), float(roll))


def _beat(shape: tuple[int, int], contrast: float, rng: np.random.Generator) -> Light:
    # Two grids of nearly the same pitch beat with a period of 6 to 20 pixels, slightly turned.
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    wave = np.zeros(shape, np.float32)
    for angle in rng.uniform(0, np.pi, 2):
        period = rng.uniform(6, 20)
        wave += np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / period).astype(np.float32)
    return np.asarray(1 + contrast * wave / 2, np.float32)


def _recaptured(flat: Light, held: Held, rng: np.random.Generator) -> Picture:
    width, height = SIZE
    place = _projection(flat.shape[:2], held)
    room = _room(rng)
    seen = cv2.warpPerspective(flat, place, SIZE, flags=cv2.INTER_AREA)
    mask = cv2.warpPerspective(np.ones(flat.shape[:2], np.float32), place, SIZE)[..., None]
    sheen = np.linspace(0, float(rng.uniform(0, 0.06)), width, dtype=np.float32)[None, :, None]
    picture = (seen + sheen) * mask + room * (1 - mask)
    soft = cv2.GaussianBlur(picture, (0, 0), 0.8)
    noisy = soft + rng.normal(0, 0.008, (height, width, 3)).astype(np.float32)
    return np.asarray(np.clip(noisy * 255, 0, 255), np.uint8)


def _projection(shape: tuple[int, int], held: Held) -> NDArray[np.float64]:
    height, width = shape
    turn = _turn(held)
    # Seen from one and a half widths away: a sheet at arm's length.
    far = 1.5 * width
    corners = np.array(((0, 0), (width, 0), (width, height), (0, height)), np.float64)
    flat = np.column_stack((corners - (width / 2, height / 2), np.zeros(4))) @ turn.T
    scale = held.fill * SIZE[1] / height
    seen = flat[:, :2] / (flat[:, 2:] + far) * far * scale
    seen += (SIZE[0] * (0.5 + held.shift[0]), SIZE[1] * (0.5 + held.shift[1]))
    place = cv2.getPerspectiveTransform(corners.astype(np.float32), seen.astype(np.float32))
    return np.asarray(place, np.float64)


def _turn(held: Held) -> NDArray[np.float64]:
    axes = ((0.0, held.yaw, 0.0), (held.pitch, 0.0, 0.0), (0.0, 0.0, held.roll))
    yaw, pitch, roll = (cv2.Rodrigues(np.radians(np.array(axis)))[0] for axis in axes)
    return np.asarray(roll @ pitch @ yaw, np.float64)


def _room(rng: np.random.Generator) -> Light:
    small = _f32(rng.uniform(0.25, 0.7, (6, 8, 1)) + rng.uniform(-0.04, 0.04, (6, 8, 3)))
    return np.asarray(cv2.resize(small, SIZE, interpolation=cv2.INTER_CUBIC), np.float32)
