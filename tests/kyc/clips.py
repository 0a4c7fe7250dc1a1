"""Clips of real heads, and how a call delivers them.

The three head-pose clips of Intel's sample videos (CC-BY 4.0) are no part of the project: they lie in the
folder that TEST_MEDIA_DIR names, or in ``shared/media`` beside the checkout. 480 x 270, 12 frames a second.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from contract.ports import EncodedFrame
from kyc.faces import Face, FaceModels
from kyc.frames import decode_frames
from kyc.models import Models
from kyc.traces import Trace, Traced, TraceFrames
from kyc.tracing import find_faces, trace_frames
from tests.kyc.encoding import BASE, encoded

Picture = NDArray[np.uint8]

_BESIDE = Path(__file__).parents[2].parent / "shared" / "media"
CLIP_FPS = 12.0
# (codec, kbit/s, frames a second): what a call in a bad network, a usual one and a good one delivers.
DELIVERIES = (
    ("VP8", 250, 15),
    ("VP8", 500, 25),
    ("VP8", 800, 30),
    ("H264", 250, 10),
    ("H264", 500, 25),
    ("H264", 800, 30),
)


def media_dir() -> Path | None:
    """Return the folder with the media, None when there is none."""
    place = Path(os.environ.get("TEST_MEDIA_DIR", _BESIDE))
    return place if place.is_dir() else None


def intel_clip(folder: Path, name: str) -> list[Picture]:
    """Return the frames of ``female``, ``male`` or ``female-and-male``."""
    with av.open(str(folder / "intel" / f"head-pose-face-detection-{name}.gif")) as clip:
        return [np.asarray(frame.to_ndarray(format="bgr24"), np.uint8) for frame in clip.decode(video=0)]


def close_up(pictures: Sequence[Picture], face: Face, share: float = 0.3) -> list[Picture]:
    """Cut ``pictures`` to 640 x 480 so that ``face`` takes ``share`` of the width, as before a phone."""
    x, y, width, height = face.box
    wide = width / share
    tall = wide * 0.75
    left, top = x + width / 2 - wide / 2, y + height / 2 - tall * 0.48
    scale = 640 / wide
    place = np.array(((scale, 0.0, -left * scale), (0.0, scale, -top * scale)))
    return [
        np.asarray(
            cv2.warpAffine(p, place, (640, 480), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE),
            np.uint8,
        )
        for p in pictures
    ]


def clip_of(models: FaceModels, pictures: Sequence[Picture], share: float = 0.3) -> list[Picture]:
    """Cut ``pictures`` to the largest face of the one in the middle."""
    return close_up(pictures, find_faces(models, pictures[len(pictures) // 2])[0], share)


def at_rate(pictures: Sequence[Picture], fps: float, wanted: float) -> list[Picture]:
    """Return what a camera of ``wanted`` frames a second takes of a clip of ``fps``."""
    count = int(len(pictures) / fps * wanted)
    return [pictures[min(len(pictures) - 1, int(n / wanted * fps + 1e-6))] for n in range(count)]


def sent(pictures: Sequence[Picture], codec: str, kbps: int, fps: int) -> tuple[EncodedFrame, ...]:
    """Return ``pictures`` as the server receives them."""
    return tuple(encoded(codec, pictures, fps, kbps))


def delivered(pictures: Sequence[Picture], codec: str, kbps: int, fps: int) -> list[Picture]:
    """Return ``pictures`` as the server decodes them."""
    return [timed.picture for timed in decode_frames(codec, sent(pictures, codec, kbps, fps))]


def traced(models: Models, pictures: Sequence[Picture], codec: str, kbps: int, fps: int) -> Traced:
    """Return what the model process makes of ``pictures`` after the way through a call."""
    return trace_frames(models, TraceFrames(codec, sent(pictures, codec, kbps, fps), BASE, BASE))


def traces_of(models: Models, pictures: Sequence[Picture], fps: int = 25) -> tuple[Trace, ...]:
    """Return the traces of ``pictures`` by way of VP8 at 500 kbit/s."""
    return traced(models, pictures, "VP8", 500, fps).traces
