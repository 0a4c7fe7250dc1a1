"""Pictures of cards from which neither number nor face can be read any more."""

import cv2
import numpy as np

from kyc.card_jobs import Veil
from kyc.images import Picture, decode
from kyc.models import Models

# A card's number has 18 signs over two thirds of its width: one and a half signs to a sample, and the
# portrait is five samples wide. Enlarging gives nothing back: what was averaged is gone.
_SAMPLES_ACROSS = 18
_SHOWN_PX = 480
_QUALITY = 80


def veil(picture: Picture) -> Picture:
    """Return ``picture`` as a blur of at most 18 samples a side, 480 pixels on its long side."""
    height, width = picture.shape[:2]
    long = max(height, width)
    few = (max(1, width * _SAMPLES_ACROSS // long), max(1, height * _SAMPLES_ACROSS // long))
    shown = (max(1, width * _SHOWN_PX // long), max(1, height * _SHOWN_PX // long))
    averaged = cv2.resize(picture, few, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(averaged, shown, interpolation=cv2.INTER_CUBIC), np.uint8)


def answer_veil(_: Models, job: Veil) -> bytes:
    """Answer a :class:`kyc.card_jobs.Veil` with a JPEG. Raises UserError as :func:`kyc.images.decode`."""
    done, data = cv2.imencode(".jpg", veil(decode(job.data)), (cv2.IMWRITE_JPEG_QUALITY, _QUALITY))
    if not done:
        raise ValueError("the picture could not be encoded")
    return bytes(data)
