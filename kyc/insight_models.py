"""The insightface pack: detector and recogniser of a folder, through the insightface library's own loader.

As a program, ``python -m kyc.insight_models FOLDER`` prints which file that loader takes for what.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from insightface.app import FaceAnalysis

from contract.errors import ModelError
from kyc.faces import Face, Vector, align, largest_first
from kyc.images import Picture
from kyc.models import Models
from kyc.nets import session_options
from kyc.registry import CPU, Task

# What the library calls our tasks.
_TASKS = {Task.DETECTION: "detection", Task.EMBEDDING: "recognition"}


class InsightModels:
    """The loaded insightface pack; implements :class:`kyc.faces.FaceModels`."""

    # Not measured for these detectors, and no score exceeds 1: every quarter turn is tried.
    upright_score = 1.01

    def __init__(self, models: Models) -> None:
        detector, embedder = (models.path(model) for model in (models.pack.detector, models.pack.embedder))
        self._analysis = open_folder(embedder.parent, models.providers)
        if files_of(self._analysis) != {Task.DETECTION: str(detector), Task.EMBEDDING: str(embedder)}:
            raise ModelError(f"InsightFace would load other files than {detector.name} and {embedder.name}")

    def detect(self, picture: Picture) -> tuple[Face, ...]:
        """Return the faces in ``picture``, largest first."""
        boxes, points = self._analysis.det_model.detect(picture, max_num=0, metric="default")
        return largest_first([_face(box, five) for box, five in zip(boxes, points, strict=True)])

    def embed(self, picture: Picture, face: Face) -> Vector:
        """Return the embedding of ``face``."""
        recogniser = self._analysis.models[_TASKS[Task.EMBEDDING]]
        # Aligned here: theirs is the same template by a function that scikit-image is taking away.
        vector = recogniser.get_feat(align(picture, face.points)).ravel()
        return np.asarray(vector / np.linalg.norm(vector), np.float32)

    def score(self, one: Vector, other: Vector) -> float:
        """Return the cosine, -1 to 1."""
        return float(one @ other)


def _face(row: Any, points: Any) -> Face:
    left, top, right, bottom, score = (float(value) for value in row[:5])
    return Face((left, top, right - left, bottom - top), np.asarray(points, np.float32), score)


def open_folder(folder: Path, providers: tuple[str, ...] = (CPU,)) -> Any:
    """Load detector and recogniser of ``folder``, an existing directory.

    Only such a path is handed to the library: a name it does not find it would fetch from the network.

    Raises:
        ModelError: there is no such folder, or it lacks one of the two.
    """
    if not folder.is_dir():
        raise ModelError(f"{folder.name} is no folder")
    try:
        analysis = FaceAnalysis(
            name=str(folder.resolve()),
            allowed_modules=list(_TASKS.values()),
            providers=list(providers),
            sess_options=session_options(),
        )
    except Exception as error:
        # A folder without a detector is an AssertionError there, a broken file one of several classes.
        raise ModelError(f"{folder.name}: {type(error).__name__}, is there a detector in it?") from error
    recogniser = analysis.models.get(_TASKS[Task.EMBEDDING])
    if recogniser is None or tuple(recogniser.input_size) != (112, 112):
        raise ModelError(f"{folder.name} has no recogniser for 112 x 112 pixels")
    analysis.prepare(ctx_id=0)
    return analysis


def files_of(analysis: Any) -> dict[str, str]:
    """Return the file of each task."""
    return {task: str(Path(analysis.models[name].model_file).resolve()) for task, name in _TASKS.items()}


def main() -> None:
    """Print the files of the folder named on the command line as JSON, on a line of its own at the end."""
    with os.fdopen(os.dup(1), "w") as answer:
        # The library prints while it loads.
        os.dup2(2, 1)
        try:
            print(json.dumps(files_of(open_folder(Path(sys.argv[1])))), file=answer)
        except ModelError as error:
            sys.exit(str(error))


if __name__ == "__main__":
    main()
