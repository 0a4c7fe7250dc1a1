"""A card that somebody tilts before a phone: laminated, with ink that shifts its colour, or a matte copy."""

from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from teller.demo.card import Scene, photograph
from teller.demo.pictures import Picture

SIZE = (1280, 960)
# Left, right, up and down once, as the customer's page asks for it; each within a third of a radian.
_SWING = 0.33
# By which a matte surface is lighter towards the lamp, for each radian (Lambert, the lamp at 40 degrees).
_SHADE = 0.25


def tilted(
    card: Picture, seed: int, count: int = 10, *, glossy: bool = True, shifting: bool = True
) -> Iterator[bytes]:
    """Yield ``count`` photographs of ``card`` as JPEG while it is tilted once all round.

    ``glossy``: a lamp is seen in the laminate and moves over it with the angle. ``shifting``: a patch
    changes its colour with the angle.
    """
    chance = np.random.default_rng(seed)
    patch = _patch(chance)
    lamp = chance.uniform(-0.5, 0.5, 2)
    strength = chance.uniform(0.25, 0.8)
    turn = chance.uniform(0, 2 * np.pi)
    scene = Scene(share=0.7, quality=88, light=chance.uniform(0.6, 0.93))
    # One room for all pictures: table, lamp and noise stay, the card's corners stray with the angle.
    room = int(chance.integers(1 << 32))
    for at in range(count):
        angle = turn + 2 * np.pi * at / count
        pose = _SWING * np.array((np.cos(angle), np.sin(angle))) + chance.normal(0, 0.03, 2)
        seen = card.astype(np.float32)
        if shifting:
            seen = _shifted(seen, patch, float(pose[0]))
        seen *= 1 + _SHADE * _slope(card, pose)[:, :, None]
        if glossy:
            seen += 255 * strength * _highlight(card, lamp + 1.6 * pose)[:, :, None]
        shown = np.asarray(np.clip(seen, 0, 255), np.uint8)
        strays = {"tilt": 4 * (1 + np.sin(angle)), "skew": 0.012 * (1 + np.cos(angle))}
        yield photograph(
            shown, room, SIZE, replace(scene, light=scene.light * chance.uniform(0.95, 1), **strays)
        )


def shifting_place(seed: int) -> tuple[float, float]:
    """Return the middle of the patch that :func:`tilted` draws, in shares of the card's width and height."""
    x, y = _patch(np.random.default_rng(seed))
    return float(x), float(y)


def _patch(chance: np.random.Generator) -> NDArray[np.float64]:
    return chance.uniform((0.15, 0.2), (0.85, 0.8))


def _grid(card: Picture) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return where each pixel lies, -1 to 1 from the left and from the top."""
    down = np.linspace(-1, 1, card.shape[0], dtype=np.float32)[:, None]
    across = np.linspace(-1, 1, card.shape[1], dtype=np.float32)[None, :]
    return across, down


def _slope(card: Picture, pose: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return how much lighter each place is: as a whole by the angle, and a little towards the near side."""
    across, down = _grid(card)
    return np.asarray(pose.sum() + 0.3 * (pose[0] * across + pose[1] * down), np.float32)


def _highlight(card: Picture, place: NDArray[np.float64]) -> NDArray[np.float32]:
    across, down = _grid(card)
    away = ((across - place[0]) / 0.3) ** 2 + ((down - place[1]) / 0.4) ** 2
    return np.asarray(np.exp(-away), np.float32)


def _shifted(card: NDArray[np.float32], place: NDArray[np.float64], angle: float) -> NDArray[np.float32]:
    """Turn the colour of a patch with the angle: green from straight above, copper from aside."""
    height, width = card.shape[:2]
    mask = np.zeros((height, width), np.float32)
    centre = (round(place[0] * width), round(place[1] * height))
    cv2.ellipse(mask, centre, (round(0.08 * width), round(0.1 * height)), 0, 0, 360, 1.0, -1)
    share = np.clip(0.5 + angle / (2 * _SWING), 0, 1)
    ink = (1 - share) * np.array((96, 150, 70), np.float32) + share * np.array((60, 110, 190), np.float32)
    blend = 0.6 * mask[:, :, None]
    return np.asarray(card * (1 - blend) + ink * blend, np.float32)
