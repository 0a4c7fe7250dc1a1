"""Which models exist: their files, what they cost in law, and what goes in and comes out.

A model's weights are never part of this project. ``sha256`` is what a file must have before it is used;
``source`` is where its publisher offers it, empty when nobody offers this file under an address of its own.
Figures are in the calibration cards (:mod:`kyc.calibration`), never here.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

# ONNX Runtime's name for running on processors.
CPU = "CPUExecutionProvider"


class Task(StrEnum):
    """What a model is for."""

    DETECTION = "detection"
    EMBEDDING = "embedding"
    PASSIVE = "passive liveness"
    MESH = "face mesh"
    EYE = "closed eyes"
    GEOMETRY = "face geometry"
    OCR = "text"


# What these say decides about a person, so none of them is used in production without a calibration card.
# What finds faces, and the geometry of a head, tells where to look and nothing of who or what is there.
DECISIVE = frozenset({Task.EMBEDDING, Task.PASSIVE, Task.MESH, Task.EYE, Task.OCR})


@dataclass(frozen=True, slots=True)
class Input:
    """How a picture is handed to a model.

    ``size`` is (width, height); None: any. Values of 0 to 255 in ``order`` become
    ``(value - mean) / deviation`` per channel. ``crop`` says how much is cut out, as a factor of what
    ``of`` names; ``template`` names the five points that an aligned face lies on.
    """

    size: tuple[int, int] | None
    order: Literal["BGR", "RGB"] = "BGR"
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    deviation: tuple[float, float, float] = (1.0, 1.0, 1.0)
    crop: float = 1.0
    of: Literal["picture", "face box", "longer side of the face box", "distance of the eyes", "template"] = (
        "picture"
    )
    template: Literal["", "arcface_112"] = ""


@dataclass(frozen=True, slots=True)
class Model:
    """One model file.

    ``package`` is the PyPI package that it comes in, empty when it is fetched into the models folder.
    ``member`` is the file inside a bundle. ``bytes`` is None where nobody here has seen the file.
    ``output`` says what comes out. ``runtime`` is what ran it fastest on one processor core;
    "library" stands for a model that only its own library loads.
    """

    file: str
    task: Task
    sha256: str
    bytes: int | None
    licence: str
    source: str
    input: Input | None
    output: str
    runtime: Literal["opencv", "onnxruntime", "library"]
    package: str = ""
    member: str = ""
    card: str = ""
    caveat: str = ""


_RGB_UNIT = (255.0, 255.0, 255.0)
# Mean and deviation of ImageNet in RGB, which this export of MobileFaceNet was trained with.
_IMAGENET_MEAN = (0.485 * 255, 0.456 * 255, 0.406 * 255)
_IMAGENET_DEVIATION = (0.229 * 255, 0.224 * 255, 0.225 * 255)
_PAD_CAVEAT = "training data undocumented; the licence is that of its repository: ask a lawyer"
_PAD_SOURCE = "https://raw.githubusercontent.com/yakhyo/face-anti-spoofing/c175efef505bc275f7835cc9aa2aecab305ac184/weights/"
_FACE_RECOGNITION_MODELS = "https://pypi.org/project/face-recognition-models/0.3.0/"
_RAPIDOCR = "https://pypi.org/project/rapidocr/3.10.0/"

YUNET = Model(
    file="face_detection_yunet_2023mar.onnx",
    task=Task.DETECTION,
    sha256="8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
    bytes=232_589,
    licence="MIT",
    source="https://github.com/opencv/opencv_zoo/raw/main/models/face_detection_yunet/"
    "face_detection_yunet_2023mar.onnx",
    input=Input(size=None),
    output="boxes, 5 points (subject's right eye first), score",
    runtime="library",
)
MOBILEFACENET = Model(
    file="MobileFaceNet_foamliu.onnx",
    task=Task.EMBEDDING,
    sha256="b7120c095d60094f28a4a54ba6a8bf51b297a6273fb40ef6350dfec1f63d9507",
    bytes=3_998_070,
    licence="Apache-2.0",
    source="https://raw.githubusercontent.com/foamliu/MobileFaceNet/"
    "a6cc9032a659b615f477833e1a70b5e7931bcccc/weights/MobileFaceNet.onnx",
    input=Input(
        (112, 112), "RGB", _IMAGENET_MEAN, _IMAGENET_DEVIATION, of="template", template="arcface_112"
    ),
    output="128 numbers; cosine",
    runtime="onnxruntime",
    card="mobilefacenet-lfw",
    caveat="trained on refined MS-Celeb-1M, a dataset its publisher has withdrawn: ask a lawyer",
)
MINIFASNET_V2 = Model(
    file="MiniFASNetV2.onnx",
    task=Task.PASSIVE,
    sha256="4eed38f0bde33c9b805942a5f25e42ce1161e2bda545254be622be957727794e",
    bytes=1_743_561,
    licence="Apache-2.0",
    source=_PAD_SOURCE + "MiniFASNetV2.onnx",
    input=Input((80, 80), crop=2.7, of="face box"),
    output="3 logits; softmax, the second is live",
    runtime="opencv",
    card="minifasnet-pair",
    caveat=_PAD_CAVEAT,
)
MINIFASNET_V1SE = Model(
    file="MiniFASNetV1SE.onnx",
    task=Task.PASSIVE,
    sha256="d819a69bac6b9ade2a0f4d9b60b618e1260f7bf3ba1fddff6c5d82131cb1083f",
    bytes=1_742_315,
    licence="Apache-2.0",
    source=_PAD_SOURCE + "MiniFASNetV1SE.onnx",
    input=Input((80, 80), crop=4.0, of="face box"),
    output="3 logits; softmax, the second is live",
    runtime="opencv",
    card="minifasnet-pair",
    caveat=_PAD_CAVEAT,
)
FACE_MESH = Model(
    file="face_landmarker.task",
    task=Task.MESH,
    sha256="64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff",
    bytes=3_758_596,
    licence="Apache-2.0",
    source="https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker/float16/1/"
    "face_landmarker.task",
    input=Input((256, 256), "RGB", deviation=_RGB_UNIT, crop=1.5, of="longer side of the face box"),
    output="478 points, x y z in pixels of the input",
    runtime="opencv",
    member="face_landmarks_detector.tflite",
    card="facemesh-turns",
    caveat="OpenCV reaches the points alone, not whether there is a face",
)
OPEN_CLOSED_EYE = Model(
    file="open-closed-eye.onnx",
    task=Task.EYE,
    sha256="4daa100034482525a26c9afb9297c16580a531189e66e3d2b2ac7d32becfd593",
    bytes=46_164,
    licence="Apache-2.0",
    source="https://storage.openvinotoolkit.org/repositories/open_model_zoo/public/2022.1/"
    "open-closed-eye-0001/open_closed_eye.onnx",
    input=Input((32, 32), mean=(127.0,) * 3, deviation=_RGB_UNIT, crop=0.7, of="distance of the eyes"),
    output="probabilities of closed and of open",
    runtime="onnxruntime",
    card="open-closed-eye-blinks",
    caveat="its publisher's text names the two outputs the other way round; measured as told here",
)
CANONICAL_FACE = Model(
    file="canonical_face_model.obj",
    task=Task.GEOMETRY,
    sha256="8bac80443397e113f41a8b565ea72c59390bc031d9defab289dba7bc0c54e618",
    bytes=45_999,
    licence="Apache-2.0",
    source="https://raw.githubusercontent.com/google/mediapipe/33d683c67100ef3db37d9752fcf65d30bea440c4/"
    "mediapipe/modules/face_geometry/data/canonical_face_model.obj",
    input=None,
    output="468 points of a face in centimetres, for the head's pose",
    runtime="library",
)
SFACE = Model(
    file="face_recognition_sface_2021dec.onnx",
    task=Task.EMBEDDING,
    sha256="0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79",
    bytes=38_696_353,
    licence="Apache-2.0",
    source="https://github.com/opencv/opencv_zoo/raw/main/models/face_recognition_sface/"
    "face_recognition_sface_2021dec.onnx",
    input=Input((112, 112), "RGB", of="template", template="arcface_112"),
    output="128 numbers; cosine",
    runtime="onnxruntime",
    caveat="hash and size as its publisher states them; not measured here and in no pack",
)
AURAFACE = Model(
    file="glintr100.onnx",
    task=Task.EMBEDDING,
    sha256="a7933ea5330113b01c9b60351d8f4c33003f145d8470ac5f0e52ee2effe25c60",
    bytes=None,
    licence="Apache-2.0",
    source="https://huggingface.co/fal/AuraFace-v1/resolve/main/glintr100.onnx",
    input=Input((112, 112), "RGB", (127.5,) * 3, (127.5,) * 3, of="template", template="arcface_112"),
    output="512 numbers; cosine",
    runtime="onnxruntime",
    caveat="hash as others pin it; not measured, in no pack; the detector beside it is non-commercial",
)
DLIB_LANDMARKS = Model(
    file="shape_predictor_5_face_landmarks.dat",
    task=Task.DETECTION,
    sha256="c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
    bytes=9_150_489,
    licence="CC0-1.0",
    source=_FACE_RECOGNITION_MODELS,
    input=Input(size=None, order="RGB"),
    output="4 eye corners and the nose in a given box",
    runtime="library",
    package="face_recognition_models",
)
DLIB_RESNET = Model(
    file="dlib_face_recognition_resnet_model_v1.dat",
    task=Task.EMBEDDING,
    sha256="55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
    bytes=22_466_066,
    licence="CC0-1.0",
    source=_FACE_RECOGNITION_MODELS,
    input=Input((150, 150), "RGB", of="template"),
    output="128 numbers; Euclidean distance",
    runtime="library",
    package="face_recognition_models",
    card="dlib-lfw",
    caveat="takes 39.9 % of pairs of different East-Asian people for one at its usual distance 0.6",
)
OCR_DETECTION = Model(
    file="PP-OCRv6_det_small.onnx",
    task=Task.OCR,
    sha256="090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
    bytes=9_929_594,
    licence="Apache-2.0",
    source=_RAPIDOCR,
    input=None,
    output="lines of text",
    runtime="library",
    package="rapidocr",
    card="rapidocr-fronts",
)
OCR_RECOGNITION = Model(
    file="PP-OCRv6_rec_small.onnx",
    task=Task.OCR,
    sha256="6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
    bytes=21_234_383,
    licence="Apache-2.0",
    source=_RAPIDOCR,
    input=None,
    output="the characters of a line",
    runtime="library",
    package="rapidocr",
    card="rapidocr-fronts",
    caveat="one model for simplified and traditional characters: it mixes the forms",
)
OCR_DIRECTION = Model(
    file="ch_ppocr_mobile_v2.0_cls_mobile.onnx",
    task=Task.OCR,
    sha256="e47acedf663230f8863ff1ab0e64dd2d82b838fceb5957146dab185a89d6215c",
    bytes=585_532,
    licence="Apache-2.0",
    source=_RAPIDOCR,
    input=None,
    output="whether a line stands on its head",
    runtime="library",
    package="rapidocr",
    card="rapidocr-fronts",
)

OCR_MODELS = (OCR_DETECTION, OCR_RECOGNITION, OCR_DIRECTION)
BASE_MODELS = (DLIB_LANDMARKS, DLIB_RESNET, *OCR_MODELS)
# What is fetched for the open pack; the text models come along with a package.
OPEN_FILES = (
    YUNET,
    MOBILEFACENET,
    MINIFASNET_V2,
    MINIFASNET_V1SE,
    FACE_MESH,
    OPEN_CLOSED_EYE,
    CANONICAL_FACE,
)
OPEN_MODELS = (*OPEN_FILES, *OCR_MODELS)
# Known by name and hash, for a bank that measures them itself.
OTHER_MODELS = (SFACE, AURAFACE)
FETCHED = (*OPEN_FILES, *OTHER_MODELS)
