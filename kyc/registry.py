"""Which models exist, what they cost in law and in pixels, and which pack is in use.

A pack is a detector and an embedder with the thresholds that were measured for exactly these files.
No file is used before its SHA-256 was compared.
"""

import hashlib
import importlib.util
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from contract.errors import ModelError


@dataclass(frozen=True, slots=True)
class Model:
    """One model file. ``contract`` says what goes in and what comes out."""

    file: str
    task: str
    sha256: str
    bytes: int
    licence: str
    source: str
    contract: str
    caveat: str = ""


@dataclass(frozen=True, slots=True)
class Pack:
    """A set of models in ``directory`` with its decision rule.

    ``threshold`` and ``review_threshold`` are scores, higher is more alike. A ``demo_only`` pack never
    gives ``passed``. For ``base`` the detector's file is its landmark model: the HOG detector itself
    is code inside dlib.
    """

    name: str
    demo_only: bool
    directory: Path
    detector: Model
    embedder: Model
    threshold: float
    review_threshold: float

    @property
    def models(self) -> tuple[Model, Model]:
        """Return every model of the pack."""
        return self.detector, self.embedder


YUNET = Model(
    file="face_detection_yunet_2023mar.onnx",
    task="face detection with 5 landmarks",
    sha256="8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
    bytes=232_589,
    licence="MIT",
    source="https://github.com/opencv/opencv_zoo/raw/main/models/face_detection_yunet/"
    "face_detection_yunet_2023mar.onnx",
    contract="BGR 0..255 -> boxes, 5 points (subject's right eye first), score; through cv2.FaceDetectorYN",
)
MOBILEFACENET = Model(
    file="MobileFaceNet_foamliu.onnx",
    task="face embedding, 128 numbers",
    sha256="b7120c095d60094f28a4a54ba6a8bf51b297a6273fb40ef6350dfec1f63d9507",
    bytes=3_998_070,
    licence="Apache-2.0",
    source="https://raw.githubusercontent.com/foamliu/MobileFaceNet/"
    "a6cc9032a659b615f477833e1a70b5e7931bcccc/weights/MobileFaceNet.onnx",
    contract="RGB/255, ImageNet normalised, NCHW 112x112 on the ArcFace template -> 128; cosine",
    caveat="trained on refined MS-Celeb-1M, a dataset its publisher has withdrawn: ask a lawyer",
)
DLIB_LANDMARKS = Model(
    file="shape_predictor_5_face_landmarks.dat",
    task="5 landmarks for dlib's HOG detector",
    sha256="c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
    bytes=9_150_489,
    licence="CC0-1.0",
    source="https://pypi.org/project/face-recognition-models/0.3.0/",
    contract="RGB 0..255 and a box -> 4 eye corners, nose",
)
DLIB_RESNET = Model(
    file="dlib_face_recognition_resnet_model_v1.dat",
    task="face embedding, 128 numbers",
    sha256="55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
    bytes=22_466_066,
    licence="CC0-1.0",
    source="https://pypi.org/project/face-recognition-models/0.3.0/",
    contract="RGB 150x150 chip -> 128; Euclidean distance",
    caveat="takes 39.9 % of pairs of different East-Asian people for one at its usual distance 0.6",
)

OPEN_MODELS = (YUNET, MOBILEFACENET)
BASE_MODELS = (DLIB_LANDMARKS, DLIB_RESNET)

# Measured on 30.7 million LFW pairs: at 0.48 one in 210,000 different pairs passes (one in 12,700 among
# East-Asian people) and 95 % of genuine East-Asian pairs do; at 0.36 one in 270 and 99 %.
OPEN_THRESHOLD, OPEN_REVIEW = 0.48, 0.36
# 1 - distance. 0.42 lets one in 256 pairs of different East-Asian people through: good for a demo only.
BASE_THRESHOLD, BASE_REVIEW = 1 - 0.42, 1 - 0.55


def find_pack(models_dir: Path | None) -> Pack:
    """Return the best pack there is, every file verified: ``open`` from ``models_dir``, else ``base``.

    Raises:
        ModelError: a file is missing from a started set, or its content is not what the registry
            names; the text names the file.
    """
    if models_dir is not None and any((models_dir / model.file).exists() for model in OPEN_MODELS):
        return _verified(Pack("open", False, models_dir, *OPEN_MODELS, OPEN_THRESHOLD, OPEN_REVIEW))
    return _verified(Pack("base", True, _dlib_models_dir(), *BASE_MODELS, BASE_THRESHOLD, BASE_REVIEW))


def _dlib_models_dir() -> Path:
    # Only located, never imported: the package's __init__ needs pkg_resources, which is gone.
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or spec.origin is None:
        raise ModelError("face-recognition-models is not installed")
    return Path(spec.origin).parent / "models"


def _verified(pack: Pack) -> Pack:
    for model in pack.models:
        verify_model(pack.directory / model.file, model)
    return pack


def verify_model(path: Path, model: Model) -> None:
    """Compare the file at ``path`` with the registry.

    Raises:
        ModelError: it is missing, unreadable, or has another SHA-256; the text names the file.
    """
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{model.file} cannot be read: {error.strerror}") from error
    if digest != model.sha256:
        raise ModelError(f"{model.file} has SHA-256 {digest}, wanted {model.sha256}")


def import_models(source_dir: Path, models_dir: Path) -> tuple[Path, ...]:
    """Copy the files of the open pack from ``source_dir``; return where they now lie.

    All are verified before the first is put into place, each by one rename.

    Raises:
        ModelError: a file is missing or has another SHA-256; ``models_dir`` is left as it was.
    """
    models_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".import-", dir=models_dir) as name:
        staging = Path(name)
        for model in OPEN_MODELS:
            _copy(source_dir / model.file, staging / model.file, model)
        placed = tuple(models_dir / model.file for model in OPEN_MODELS)
        for target in placed:
            os.replace(staging / target.name, target)
    return placed


def _copy(source: Path, target: Path, model: Model) -> None:
    try:
        content = source.read_bytes()
    except OSError as error:
        raise ModelError(f"{model.file} cannot be read: {error.strerror}") from error
    with target.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    verify_model(target, model)
