"""How long one frame takes, beside the plain library calls on the same frame: nothing but the networks.

Both sides are run in turn and counted in processor time of the one thread that does it all, so that a busy
machine spoils neither::

    python -m benchmarks.liveness.speed MODELS_DIR
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import cv2
import numpy as np

from kyc.faces import Face
from kyc.images import Picture
from kyc.landmarks import head_pose
from kyc.models import Models
from kyc.nets import blob
from kyc.packs import find_pack
from kyc.passive import surroundings
from kyc.registry import Model, Task
from kyc.tracing import find_faces, load_passive, load_tracer
from teller.demo.pictures import FaceVideo, astronaut

Call = Callable[[], object]


def passive_calls(models: Models, picture: Picture) -> tuple[Call, Call]:
    """Return one frame's passive liveness, and the six network runs that are in it."""
    passive = models.once(load_passive)
    if passive is None:
        raise SystemExit("the pack has no networks for passive liveness")
    face = find_faces(models.faces, picture)[0]
    plain = [_prepared(models, model, picture, face) for model in models.pack.of(Task.PASSIVE)] * 3
    return lambda: passive.score(picture, face), lambda: [run() for run in plain]


def _prepared(models: Models, model: Model, picture: Picture, face: Face) -> Call:
    assert model.input is not None
    net = cv2.dnn.readNetFromONNX(str(models.path(model)))
    batch = blob(model.input, surroundings(picture, face.box, model.input.crop))

    def run() -> object:
        net.setInput(batch)
        return net.forward()

    return run


def gesture_calls(models: Models, picture: Picture) -> tuple[Call, Call]:
    """Return one frame's trace, detection included, and detector, mesh, eyes and pose alone."""
    tracer = models.once(load_tracer)
    if tracer is None:
        raise SystemExit("the pack has no face mesh")
    scale = 320 / max(picture.shape[:2])
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    detector = cv2.FaceDetectorYN.create(str(models.path(models.pack.detector)), "", small.shape[1::-1], 0.7)
    face = find_faces(models.faces, picture)[0]
    points = tracer.mesh.landmarks(picture, face)
    assert points is not None
    mesh, eye = models.nets(Task.MESH)[0], models.nets(Task.EYE)[0]
    crops = [np.zeros((side, side, 3), np.uint8) for side in (256, 32)]

    def plain() -> object:
        detector.detect(small)
        return mesh(crops[0]), eye(crops[1]), eye(crops[1]), head_pose(points)

    return lambda: tracer.trace(picture, find_faces(models.faces, picture), 0.0), plain


def in_turn(ours: Call, plain: Call, rounds: int = 60) -> tuple[float, float, float, float]:
    """Return milliseconds of processor time: our median and best, the plain median and best."""
    taken: tuple[list[float], list[float]] = ([], [])
    for n in range(rounds + 5):
        for side, call in zip(taken, (ours, plain), strict=True):
            began = time.thread_time()
            call()
            if n >= 5:
                side.append((time.thread_time() - began) * 1000)
    return median(taken[0]), min(taken[0]), median(taken[1]), min(taken[1])


def main() -> None:
    """Print both comparisons."""
    cv2.setNumThreads(1)
    models = Models(find_pack(Path(sys.argv[1])))
    picture = FaceVideo(astronaut()).frame(3)
    for name, calls in (("passive, one frame", passive_calls), ("gesture, one frame", gesture_calls)):
        ours, best, plain, plain_best = in_turn(*calls(models, picture))
        print(f"{name}: {ours:.1f} ms (best {best:.1f}), plain {plain:.1f} ms (best {plain_best:.1f})")


if __name__ == "__main__":
    main()
