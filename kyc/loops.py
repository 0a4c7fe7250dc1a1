"""Videos that repeat, and pictures that never move. Runs in the model process.

A loop shows the same frames again at the same distance in time, to the last of an encoder's errors; a
person comes back to a place, but never by the same way at the same pace.
"""

import hashlib
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from kyc.frames import FrameDecoder
from kyc.images import Picture
from kyc.injection import FindLoop, Print, PrintFrames, Signal
from kyc.models import Models

# Cells of 20 x 20 pixels of a 640 x 480 picture: an encoder's errors vanish in their means, a nod does not.
_GRID = (32, 24)
# Shorter loops are a wave of the hand.
_LAG_MIN_S = 1.5
# The frames next to where a lag points are looked at too: at five a second this misses none.
_LAG_STEP_S = 0.1
# Frames a lag apart in a loop against frames at any distance, rms of grey levels.
_ALIKE = 0.35
# Rms of grey levels over all cells: a photograph of 320 x 240 with the noise of a sensor makes 0.4, somebody
# who sways by a fiftieth of a face's width 17 (simulated, through VP8 at 300 kbit/s).
_MOVES_MIN = 1.0
_PRINTS_MIN = 40
# Of the frames that have another so far before them.
_SHARE_MIN = 0.8
# A challenge has gaps, between tries and where the models did not keep up: what would have to be like a frame
# that is missing says nothing, as long as that is not most.
_NEAR_S = 0.25
_SEEN_MIN = 0.5
# 40 s at 30 frames a second.
_PRINTS_MAX = 1_200


def print_frames(_: Models, job: PrintFrames) -> tuple[Print, ...]:
    """Do the job; see :class:`kyc.injection.PrintFrames`."""
    decoder = FrameDecoder(job.codec, job.origin)
    shown = (decoder.push(frame, show=frame.timestamp >= job.since) for frame in job.frames[:_PRINTS_MAX])
    return tuple(print_of(timed.picture, timed.at) for timed in shown if timed is not None)


def answer_find_loop(_: Models, job: FindLoop) -> Signal:
    """Do the job; see :class:`kyc.injection.FindLoop`."""
    return find_loop(job.prints)


def print_of(picture: Picture, at: float) -> Print:
    """Return the print of a BGR picture."""
    grey = cv2.resize(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), _GRID, interpolation=cv2.INTER_AREA)
    height, width = picture.shape[:2]
    digest = hashlib.blake2b(np.ascontiguousarray(picture).data, digest_size=16).digest()
    return Print(at, grey.tobytes(), digest, (width, height))


def find_loop(prints: Sequence[Print]) -> Signal:
    """Judge the prints of a stretch of at least five frames a second, in order.

    ``loop`` when at one lag nearly all frames are the same again (score 0.9), ``still_picture`` when
    nothing ever moves (0.7); a loop must be seen for one and a half of its lengths.
    """
    prints = prints[:_PRINTS_MAX]
    if len(prints) < _PRINTS_MIN:
        return Signal("loop", 0.0)
    at = np.array([one.at for one in prints])
    cells = np.array([np.frombuffer(one.cells, np.uint8) for one in prints], np.float32)
    apart = _distances(cells)
    usual = float(np.median(apart[np.triu_indices(len(prints), 1)]))
    if usual < _MOVES_MIN:
        return Signal("loop", 0.7, "still_picture")
    return Signal("loop", 0.9, "loop") if _best_share(at, apart, usual) >= _SHARE_MIN else Signal("loop", 0.0)


def _distances(cells: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the rms difference of every two prints, their brightness and contrast apart."""
    shapes = cells - cells.mean(axis=1, keepdims=True)
    norms = np.maximum(np.linalg.norm(shapes, axis=1), 1e-6)
    # Exposure scales a picture: all get the mean contrast, 0 to 2 apart by their angle.
    angles = np.maximum(0, 2 - 2 * (shapes / norms[:, None]) @ (shapes / norms[:, None]).T)
    return np.asarray(np.sqrt(angles / cells.shape[1]) * norms.mean(), np.float32)


def _best_share(at: NDArray[np.float64], apart: NDArray[np.float32], usual: float) -> float:
    """Return, for the best lag, the share of frames that are as one a lag before."""
    best = 0.0
    # Half a length must come again, so a loop is at most two thirds of what was seen.
    for lag in np.arange(_LAG_MIN_S, (at[-1] - at[0]) / 1.5, _LAG_STEP_S / 2):
        late = np.flatnonzero(at - at[0] >= lag)
        around = np.searchsorted(at, at[late] - lag)[:, None] + (-1, 0, 1)
        around = around.clip(0, len(at) - 1)
        near = np.abs(at[around] - (at[late] - lag)[:, None]) < _NEAR_S
        seen = near.any(axis=1)
        if seen.mean() < _SEEN_MIN:
            continue
        alike = np.where(near, apart[late[:, None], around], np.inf).min(axis=1)[seen]
        best = max(best, float((alike < _ALIKE * usual).mean()))
    return best
