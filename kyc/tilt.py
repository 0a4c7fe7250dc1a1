"""Pictures of a document being tilted: where it changes with the angle, and whether light moves over it.

It spares the agent looking through all pictures, and says that a matte copy may be shown. Advisory: it
informs a person and never decides.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from contract.identity_facts import Signal
from contract.identity_ports import TiltChange, TiltFinding
from kyc.card_jobs import MeasureTilt
from kyc.card_photo import Corners, find_corners
from kyc.images import Picture, decode
from kyc.models import Models

# Of a card 85.6 mm wide a cell is a square of 10.7 mm: smaller than a hologram, larger than the error of the
# corners, which is up to 1 % of the width.
_ACROSS, _DOWN = 8, 5
_CELL = 40
# A tilted card is found in most pictures; over fewer there is no usual to differ from.
PICTURES_MIN = 4
# A cell that is brighter than usual by this share shows the lamp rather than ink.
_OUTSHONE = 0.1
# Lab units by which a cell differs; shading of a matte card and its shaky corners make up to 4.
_CHANGE_MIN = 6.0
# The upper quartile over the pictures of how much brighter (as a share) the brightest cell is than usual.
# What becomes 1 and what becomes 0: see docs/identity.md for what rendered cards and copies have.
_SHEEN = (0.03, 0.1)


def measure_tilt(pictures: Sequence[Picture]) -> TiltFinding:
    """Return what changes over ``pictures``; nothing when the card is found in fewer than four of them."""
    found = [(at, corners) for at, one in enumerate(pictures) if (corners := find_corners(one)) is not None]
    if len(found) < PICTURES_MIN:
        return TiltFinding((), len(found), ())
    cells = np.stack([_cells(pictures[at], corners) for at, corners in found])
    # How bright and how warm the whole of a picture is, the camera decides anew for each.
    light = cells[..., 0] / np.median(cells[..., 0], axis=(1, 2), keepdims=True)
    colour = cells[..., 1:] - np.median(cells[..., 1:], axis=(1, 2), keepdims=True)
    brighter = _local(light / np.median(light, axis=0) - 1)
    shifted = np.linalg.norm(colour - np.median(colour, axis=0), axis=-1)
    change = np.hypot(100 * brighter, shifted)
    # Ink that shifts its colour would be outshone by the lamp: one place is found by colour alone.
    colours = np.where(np.abs(brighter) < _OUTSHONE, shifted, 0.0)
    places = _places((colours, change, change), [at for at, _ in found])
    peaks = brighter.max(axis=(1, 2))
    return TiltFinding(places, len(found), _advisory(float(np.quantile(peaks, 0.75))))


def _cells(picture: Picture, corners: Corners) -> NDArray[np.float64]:
    """Return the mean of each cell of the card in CIE Lab (L 0 to 100), rows x columns x 3."""
    size = (_ACROSS * _CELL, _DOWN * _CELL)
    target = np.array(((0, 0), (size[0], 0), size, (0, size[1])), np.float32)
    matrix = cv2.getPerspectiveTransform(corners, target)
    flat = cv2.warpPerspective(picture, matrix, size, flags=cv2.INTER_AREA).astype(np.float32) / 255
    lab = cv2.cvtColor(flat, cv2.COLOR_BGR2Lab)
    return np.asarray(lab.reshape(_DOWN, _CELL, _ACROSS, _CELL, 3).mean(axis=(1, 3)), np.float64)


def _local(brighter: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what is left of each picture without the slope that a lamp throws over a matte card as well."""
    down, across = np.mgrid[:_DOWN, :_ACROSS].reshape(2, -1)
    slope = np.stack((np.ones(_DOWN * _ACROSS), across, down), axis=1)
    flat = brighter.reshape(len(brighter), -1).T
    fitted = slope @ np.linalg.lstsq(slope, flat, rcond=None)[0]
    return np.asarray((flat - fitted).T.reshape(brighter.shape), np.float64)


def _places(layers: Sequence[NDArray[np.float64]], names: Sequence[int]) -> tuple[TiltChange, ...]:
    """Return of each layer the cell that differs most, on another picture and apart from the others."""
    free = np.ones(layers[0].shape, bool)
    chosen: list[TiltChange] = []
    for layer in layers:
        left = np.where(free, layer, 0.0)
        picture, row, column = (int(one) for one in np.unravel_index(left.argmax(), left.shape))
        most = round(float(left[picture, row, column]), 1)
        if most < _CHANGE_MIN:
            continue
        chosen.append(TiltChange(names[picture], column / _ACROSS, row / _DOWN, 1 / _ACROSS, 1 / _DOWN, most))
        free[picture] = False
        free[:, max(0, row - 1) : row + 2, max(0, column - 1) : column + 2] = False
    return tuple(sorted(chosen, key=lambda one: one.change, reverse=True))


def _advisory(peak: float) -> tuple[Signal, ...]:
    """Return the sign of a matte copy, whose score is 0 where light moves as over a laminated card."""
    low, high = _SHEEN
    score = round(float(np.clip((high - peak) / (high - low), 0, 1)), 3)
    return (Signal("matte", score, "no_moving_light" if score else ""),)


def answer_measure_tilt(_: Models, job: MeasureTilt) -> TiltFinding:
    """Answer a :class:`kyc.card_jobs.MeasureTilt`. Raises UserError as :func:`kyc.images.decode`."""
    return measure_tilt([decode(one) for one in job.pictures])
