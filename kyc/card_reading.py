"""Documents are read here: RapidOCR with PP-OCRv6, whose models lie in its wheel, from pixels to lines.

Nothing is downloaded: the models are taken by path. What the lines mean is told by :mod:`kyc.card_fields`.
"""

import time
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import opencc
import rapidocr

from contract.errors import ModelError
from kyc.card_fields import CardReading, Line, Side, read_fields
from kyc.card_jobs import CardRead, ReadCard
from kyc.card_photo import ID_1, ID_3, described, inspect_card, rectify, upright
from kyc.copies import copy_signs
from kyc.images import Picture, decode, encode_jpeg
from kyc.models import Models

_FOLDER = Path(rapidocr.__file__).parent / "models"
_FILES = {
    "Det": "PP-OCRv6_det_small.onnx",
    "Rec": "PP-OCRv6_rec_small.onnx",
}
ENGINE = f"rapidocr {version('rapidocr')} {_FILES['Rec'].removesuffix('.onnx')}"
_SETTINGS: dict[str, Any] = {
    "Global.log_level": "critical",
    # It takes the second line of many machine-readable zones for upside down. Whole pictures are turned.
    "Global.use_cls": False,
    # One thread: the pools of several sessions slow each other down threefold.
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
    # By default small pictures are enlarged; this halves the time and misses nothing on a card.
    "Det.limit_type": "max",
    "Det.limit_side_len": 640,
    # Several lines at once are all made as wide as the widest; on one thread that only costs.
    "Rec.rec_batch_num": 1,
}
_TURNS = (None, cv2.ROTATE_180, cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_90_COUNTERCLOCKWISE)


class CardReader:
    """A loaded recogniser; not to be used by two threads at once. Raises ModelError without its models."""

    def __init__(self) -> None:
        missing = [name for name in _FILES.values() if not (_FOLDER / name).exists()]
        if missing:
            raise ModelError(f"rapidocr comes without {', '.join(missing)}")
        paths = {f"{part}.model_path": str(_FOLDER / name) for part, name in _FILES.items()}
        self._ocr = rapidocr.RapidOCR(params=_SETTINGS | paths)
        self._simplified = opencc.OpenCC("t2s")

    def lines(self, picture: Picture) -> list[Line]:
        """Return what is written in ``picture``, in simplified characters, from top to bottom."""
        # The type depends on which of its three models are asked for: here on two.
        read: Any = self._ocr(picture)
        if read.boxes is None:
            return []
        return [
            _line(self._simplified.convert(text), float(score), box / picture.shape[1])
            for box, text, score in zip(read.boxes, read.txts, read.scores, strict=True)
        ]

    def read(self, picture: Picture, on: date) -> tuple[Picture, CardReading]:
        """Read one side of a document; return it upright, too.

        A picture that says nothing is read on its head, then lying on either side.
        """
        for turn in _TURNS:
            turned = picture if turn is None else _turned(picture, turn)
            lines = self.lines(turned)
            reading = read_fields(lines, on)
            if reading.side is not Side.UNKNOWN and not _lie(lines):
                return turned, reading
        return picture, CardReading(Side.UNKNOWN, {})


def _lie(lines: list[Line]) -> bool:
    """Tell whether most lines run up or down: RapidOCR reads those too."""
    long = [line for line in lines if len(line.text) > 3]
    return 2 * sum(line.height > line.width for line in long) > len(long)


def _turned(picture: Picture, turn: int) -> Picture:
    return np.asarray(cv2.rotate(picture, turn), np.uint8)


def _line(text: str, score: float, box: Any) -> Line:
    """Return a line; ``box`` are its corners, 4 x 2, from the upper left, in shares of the width."""
    across, down = box[1] - box[0], box[3] - box[0]
    x, y = box.mean(axis=0)
    width, height = np.linalg.norm(across), np.linalg.norm(down)
    tilt = np.degrees(np.arctan2(across[1], across[0]))
    return Line("".join(text.split()), score, *map(float, (x, y, width, height, tilt)))


def load_reader(_: Models) -> CardReader:
    """Load the reader; for :meth:`kyc.models.Models.once`."""
    return CardReader()


def answer_read_card(models: Models, job: ReadCard) -> CardRead:
    """Answer a :class:`kyc.card_jobs.ReadCard`.

    Raises UserError as :func:`kyc.images.decode`, ModelError when a model is missing.
    """
    began = time.perf_counter()
    photo = decode(job.data)
    found = inspect_card(photo)
    card = photo
    if found.corners is not None:
        card = upright(models.faces, rectify(photo, found.corners, ID_3 if job.page else ID_1))
    card, reading = models.once(load_reader).read(card, job.on)
    return CardRead(
        inspected=described(found),
        reading=reading,
        copy=None if found.corners is None else copy_signs(photo, found.corners),
        picture=encode_jpeg(card),
        engine=ENGINE,
        seconds=round(time.perf_counter() - began, 4),
    )
