"""How fast documents are read: specimens in every condition, processor time.

``python -m benchmarks.document_speed [COUNT] [SEED]``, on one thread; beside it the plain call of RapidOCR
on the same photographs. COUNT specimens, 28 by default: every condition of every kind of document once.
"""

import sys
import time
from datetime import date

import cv2
import numpy as np
import rapidocr

from kyc.card_fields import CardReading
from kyc.card_photo import find_corners, inspect_card, rectify
from kyc.card_reading import CardReader
from kyc.images import Picture, decode
from teller.demo.specimens import specimens

ON = date(2026, 11, 22)


def read(reader: CardReader, photo: Picture) -> CardReading:
    """Find the card and read it, as the model process does."""
    corners = find_corners(photo)
    return reader.read(photo if corners is None else rectify(photo, corners), ON)[1]


def main(count: int, seed: int) -> None:
    """Print seconds."""
    cv2.setNumThreads(1)
    reader = CardReader()
    one_thread = {"EngineConfig.onnxruntime.intra_op_num_threads": 1, "Global.log_level": "critical"}
    plain = rapidocr.RapidOCR(params=one_thread)
    seconds: dict[str, list[float]] = {"find and judge": [], "find and read": [], "plain RapidOCR": []}
    for specimen in specimens(seed, count):
        photo = decode(specimen.picture)
        preview = np.asarray(cv2.resize(photo, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA), np.uint8)
        began = time.process_time()
        inspect_card(preview, 2.5)
        found = time.process_time()
        read(reader, photo)
        done = time.process_time()
        plain(photo)
        for name, spent in zip(
            seconds, (found - began, done - found, time.process_time() - done), strict=True
        ):
            seconds[name].append(spent)
    for name, times in seconds.items():
        print(f"{name:16} median {np.median(times):.3f} s, longest {max(times):.3f} s of processor time")


if __name__ == "__main__":
    arguments = [int(given) for given in sys.argv[1:]]
    main(*arguments, *(28, 1)[len(arguments) :])
