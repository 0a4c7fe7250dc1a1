"""Colour of face and background out of a call's frames, as the light challenge needs it.

Runs in the model process.
"""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from contract.ports import EncodedFrame
from kyc.frames import SECONDS_MAX, FrameDecoder
from kyc.images import Picture
from kyc.light import correlate
from kyc.light_sequence import (
    Colour,
    JudgeLight,
    LightFinding,
    LightSample,
    LightSampled,
    SampleLight,
)
from kyc.models import Models

Box = tuple[float, float, float, float]
"""Left, top, width, height in pixels."""

Detect = Callable[[Picture], Box | None]
"""Returns the box of the one face to look at, None without any."""

# A mean over thousands of pixels is no worse for being taken from a small picture, and a face of a tenth of
# its width is still found there.
_LONG_SIDE = 320
# Pixels at the ends of the scale say how bright they are no more, so neither what colour.
_DARK, _BRIGHT = 5, 250
# A tenth of a per cent of the small picture: fewer pixels are mostly edge.
_PIXELS_MIN = 80
# The longest challenge at 60 frames a second.
_FRAMES_MAX = int(60 * SECONDS_MAX)

# IEC 61966-2-1: from sRGB's 8 bits to linear light.
_CODE = np.arange(256) / 255
_LINEAR: NDArray[np.float32] = np.where(
    _CODE <= 0.04045, _CODE / 12.92, ((_CODE + 0.055) / 1.055) ** 2.4
).astype(np.float32)


def sample_light(models: Models, job: SampleLight) -> LightSampled:
    """Do the job; see :class:`kyc.light_sequence.SampleLight`."""

    def detect(picture: Picture) -> Box | None:
        faces = models.faces.detect(picture)
        return faces[0].box if faces else None

    return sample_frames(job.codec, job.frames, detect, origin=job.origin, since=job.since)


def judge_light(_: Models, job: JudgeLight) -> LightFinding:
    """Do the job; see :class:`kyc.light_sequence.JudgeLight`."""
    return correlate(job.sequence, job.samples, job.started_at)


def sample_frames(
    codec: str,
    frames: Sequence[EncodedFrame],
    detect: Detect,
    *,
    origin: int | None = None,
    since: int | None = None,
) -> LightSampled:
    """Sample the pictures of ``frames`` from the RTP timestamp ``since`` on; never raises on what they hold.

    ``detect`` is asked for the face in each picture, made small: long side 320 pixels at most.
    """
    decoder = FrameDecoder(codec, origin)
    samples: list[LightSample] = []
    without_face = 0
    for frame in frames[:_FRAMES_MAX]:
        timed = decoder.push(frame, show=since is None or frame.timestamp >= since)
        if timed is None:
            continue
        picture = _small(timed.picture)
        box = detect(picture)
        patches = sample_patches(picture, box) if box is not None else None
        without_face += box is None
        if patches is not None:
            samples.append(LightSample(timed.at, timed.arrived_at, *patches))
    return LightSampled(tuple(samples), without_face)


def sample_patches(picture: Picture, box: Box) -> tuple[Colour, Colour] | None:
    """Return the mean linear RGB of face and background; None where either cannot be seen.

    The face is the middle of its box; the background what is beside and above the head.
    """
    x, y, w, h = box
    face = _mean([_cut(picture, x + 0.2 * w, y + 0.2 * h, x + 0.8 * w, y + 0.85 * h)])
    above, below = y - 0.5 * h, y + 0.7 * h
    background = _mean(
        [
            _cut(picture, x - 1.5 * w, above, x - 0.5 * w, below),
            _cut(picture, x + 1.5 * w, above, x + 2.5 * w, below),
            _cut(picture, x - 0.5 * w, y - 1.5 * h, x + 1.5 * w, above),
        ]
    )
    return None if face is None or background is None else (face, background)


def _small(picture: Picture) -> Picture:
    scale = _LONG_SIDE / max(picture.shape[:2])
    if scale >= 1:
        return picture
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def _cut(picture: Picture, left: float, top: float, right: float, bottom: float) -> Picture:
    height, width = picture.shape[:2]
    x0, x1 = (int(np.clip(side, 0, width)) for side in (left, right))
    y0, y1 = (int(np.clip(side, 0, height)) for side in (top, bottom))
    return picture[y0:y1, x0:x1]


def _mean(patches: list[Picture]) -> Colour | None:
    """Return the mean of all pixels together that are neither black nor burnt out."""
    pixels = np.concatenate([patch.reshape(-1, 3) for patch in patches])
    pixels = pixels[(pixels.min(axis=1) >= _DARK) & (pixels.max(axis=1) <= _BRIGHT)]
    if len(pixels) < _PIXELS_MIN:
        return None
    blue, green, red = _LINEAR[pixels].mean(axis=0, dtype=np.float64)
    return float(red), float(green), float(blue)
