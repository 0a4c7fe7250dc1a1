"""Signs that the card in a photo is a screen or a paper copy. Advisory: they inform a person, never decide.

A screen's grid and a printer's raster repeat over the whole card and stand as sharp peaks in its spectrum;
text, portrait and a card's own fine lines are local or curved. Measured on our own renderings only: a
raster finer than the photo's pixels leaves no trace, and a good photographic print none at all.
"""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from kyc.card_jobs import CopySigns
from kyc.card_photo import Corners
from kyc.images import Picture

_TILE = 256
# On larger photos the tiles stand further apart, not closer.
_TILES_ACROSS = 9
# Text fills half of the tiles of a card with a machine-readable zone; a raster fills all.
_QUANTILE = 0.25
# With fewer tiles one line of text would speak for the whole card.
_TILES_MIN = 8
# Cycles per pixel: text and its regular spacing lie below, the sensor's own grid above.
_BAND = (0.1, 0.47)
# JPEG's blocks of 8 pixels make peaks of their own at whole eighths, two bins wide under this window.
_EIGHTHS = 0.1
# Highest peak over its surroundings, in decades of power: what becomes 0 and what becomes 1. Rendered
# cards have 0.7 to 1.2, rendered screens and prints 1.4 to 4.5.
_PEAK = (1.0, 1.6)
# Deviation of the colours in Lab: grey copies have 0.2 to 1.2, cards at least 3.5.
_COLOUR = (1.5, 3.0)


def copy_signs(photo: Picture, corners: Corners) -> CopySigns | None:
    """Return the signs on the card at ``corners``, None when it is too small in the photo to tell.

    The photo is taken as it came: scaling would blur a raster away or make one of its own.
    """
    left, top = np.floor(corners.min(axis=0)).astype(int).clip(0)
    right, bottom = np.ceil(corners.max(axis=0)).astype(int)
    lab = cv2.cvtColor(photo[top:bottom, left:right], cv2.COLOR_BGR2Lab)
    inside = np.zeros(lab.shape[:2], np.uint8)
    cv2.fillConvexPoly(inside, (corners - (left, top)).astype(np.int32), 1)
    spectra = [_power(tile) for tile in _tiles(np.asarray(lab[:, :, 0], np.uint8), inside)]
    if len(spectra) < _TILES_MIN:
        return None
    raster = _highest_peak(np.quantile(np.stack(spectra), _QUANTILE, axis=0))
    _, deviation = cv2.meanStdDev(lab, mask=inside)
    colour = float(np.hypot(*deviation.ravel()[1:]))
    return CopySigns(raster=_ramp(raster, _PEAK), grey=round(1 - _ramp(colour, _COLOUR), 3))


def _ramp(value: float, ends: tuple[float, float]) -> float:
    return round(float(np.clip((value - ends[0]) / (ends[1] - ends[0]), 0, 1)), 3)


def _tiles(plane: NDArray[np.uint8], inside: NDArray[np.uint8]) -> Iterator[NDArray[np.float32]]:
    """Yield the tiles that lie on the card altogether."""
    step = max(_TILE // 2, (max(plane.shape) - _TILE) // _TILES_ACROSS)
    for top in range(0, plane.shape[0] - _TILE + 1, step):
        for left in range(0, plane.shape[1] - _TILE + 1, step):
            place = slice(top, top + _TILE), slice(left, left + _TILE)
            if inside[place].min():
                yield plane[place].astype(np.float32)


def _power(tile: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the logarithm of the power spectrum, zero frequency in the middle."""
    window = np.outer(np.hanning(_TILE), np.hanning(_TILE))
    power = np.abs(np.fft.fft2((tile - tile.mean()) * window)) ** 2
    return np.asarray(np.fft.fftshift(np.log10(power + 1e-6)), np.float32)


def _highest_peak(spectrum: NDArray[np.float64]) -> float:
    """Return the highest peak of a raster, in decades over its surroundings."""
    peak = spectrum - cv2.blur(spectrum, (17, 17))
    across = np.fft.fftshift(np.fft.fftfreq(_TILE))
    x, y = np.meshgrid(across, across)
    radius = np.hypot(x, y)
    blocks = (np.abs(8 * x - np.rint(8 * x)) < _EIGHTHS) & (np.abs(8 * y - np.rint(8 * y)) < _EIGHTHS)
    return float(peak[(radius > _BAND[0]) & (radius < _BAND[1]) & ~blocks].max())
