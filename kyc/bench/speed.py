"""``teller bench speed``: processor time of each step beside the plain library calls on the same pictures.

The folder: ``faces`` with pictures of one face each, ``cards`` with photographs of documents. Both sides take
turns, so that a busy machine slows both alike; processor time counts, which other programs do not add to.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from pathlib import Path
from statistics import median
from typing import TypeVar

import av
import cv2
import numpy as np
import rapidocr

from contract.errors import UserError
from contract.ports import EncodedFrame
from kyc.bench.pictures import pictures, read_bytes, read_picture, refuse
from kyc.bench.report import Report, Table, pack_facts
from kyc.card_jobs import ReadCard
from kyc.card_reading import answer_read_card
from kyc.faces import align
from kyc.frames import decode_frames
from kyc.images import Picture, decode
from kyc.light import correlate
from kyc.light_sampling import sample_light
from kyc.light_sequence import COUNT, LightSample, SampleLight, draw_sequence
from kyc.models import Models
from kyc.nets import Net, blob, load_net
from kyc.passive import surroundings
from kyc.registry import YUNET, Task
from kyc.tracing import load_passive

_LONG_SIDE = 640
_PICTURES_MAX = 8
_ROUNDS, _LIGHT_ROUNDS, _CARD_ROUNDS = 20, 3, _PICTURES_MAX
# Loading and first runs are not what a call waits for.
_WARM = 2
_FPS = 30

Call = Callable[[], object]
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Step:
    """A step and its goal in seconds on one core; ``plain`` is None where no library does the like."""

    name: str
    goal: float
    ours: Call
    plain: Call | None
    rounds: int = _ROUNDS


@dataclass(frozen=True, slots=True)
class Timed:
    """Medians in seconds of processor time; ``slowest`` is ours."""

    step: Step
    ours: float
    slowest: float
    plain: float | None


def bench_speed(models: Models, folder: Path) -> Report:
    """Time every step on ``folder``; OpenCV is set to one thread for good.

    Raises:
        UserError: ``dataset``: no picture in ``faces`` shows a face, or there is none in ``cards``.
    """
    cv2.setNumThreads(1)
    faces = [_shrunk(read_picture(path)) for path in _some(folder / "faces")]
    cards = [read_bytes(path) for path in _some(folder / "cards")]
    timed = [_measure(step) for step in _steps(models, faces, cards)]
    slow = [one.step.name for one in timed if one.ours > one.step.goal]
    return Report(
        title="Speed",
        facts=(
            ("folder", folder.name),
            *pack_facts(models.pack, *Task),
            ("pictures", f"{len(faces)} faces at {_LONG_SIDE} pixels, {len(cards)} documents"),
        ),
        tables=(Table("Processor time on one core", _HEAD, tuple(map(_row, timed))),),
        warnings=tuple(f"{name}: the goal is not reached on this machine" for name in slow),
        charts=(),
        rates=(),
    )


_HEAD = ("step", "goal", "median", "slowest", "plain library calls", "times plain")


def _row(timed: Timed) -> tuple[str, ...]:
    plain = (
        ("-", "-")
        if timed.plain is None
        else (_ms(timed.plain), f"{timed.ours / max(timed.plain, 1e-9):.2f}")
    )
    return timed.step.name, _ms(timed.step.goal), _ms(timed.ours), _ms(timed.slowest), *plain


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms"


def _some(folder: Path) -> list[Path]:
    found = pictures(folder)[:_PICTURES_MAX] if folder.is_dir() else []
    if not found:
        raise refuse(f"{folder} has no picture")
    return found


def _shrunk(picture: Picture) -> Picture:
    scale = _LONG_SIDE / max(picture.shape[:2])
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def _measure(step: Step) -> Timed:
    ours: list[float] = []
    plain: list[float] = []
    for round_ in range(_WARM + step.rounds):
        for call, taken in ((step.ours, ours), (step.plain, plain)):
            began = time.process_time()
            if call is not None:
                call()
            if round_ >= _WARM:
                taken.append(time.process_time() - began)
    return Timed(step, median(ours), max(ours), median(plain) if step.plain else None)


def _steps(models: Models, faces: Sequence[Picture], cards: Sequence[bytes]) -> Iterator[Step]:
    for n, picture in enumerate(faces):
        found = models.faces.detect(picture)
        if len(found) != 1:
            raise refuse(f"picture {n + 1} in faces shows {len(found)} faces")
    yield _recognition(models, faces)
    if models.nets(Task.PASSIVE):
        yield _passive(models, faces)
    yield _light(models, faces[0])
    yield _documents(models, cards)


def _each(items: Sequence[_T], call: Callable[[_T], object]) -> Call:
    """Return what calls ``call`` with one of ``items`` after the other."""
    place = iter(range(1 << 62))
    return lambda: call(items[next(place) % len(items)])


def _recognition(models: Models, faces: Sequence[Picture]) -> Step:
    def ours(picture: Picture) -> object:
        return models.faces.embed(picture, models.faces.detect(picture)[0])

    plain = _plain_recognition(models, faces) if models.pack.name == "open" else None
    return Step("detect, align and embed a face", 0.050, _each(faces, ours), plain)


def _plain_recognition(models: Models, faces: Sequence[Picture]) -> Call:
    """Return OpenCV's detector and the network alone, each on what it needs, prepared before."""
    detector = cv2.FaceDetectorYN.create(str(models.path(YUNET)), "", (320, 320), 0.7)
    net = load_net(models.pack.embedder, models.path(models.pack.embedder))
    crop = align(faces[0], models.faces.detect(faces[0])[0].points)

    def run(picture: Picture) -> object:
        detector.setInputSize(picture.shape[1::-1])
        return detector.detect(picture), net(crop)

    return _each(faces, run)


def _passive(models: Models, faces: Sequence[Picture]) -> Step:
    passive = models.once(load_passive)
    if passive is None:
        raise UserError(f"the pack {models.pack.name} has no passive liveness", code="no_model")
    boxes = {id(picture): models.faces.detect(picture)[0] for picture in faces}
    runs = [_prepared(net, models, faces[0]) for net in models.nets(Task.PASSIVE)]
    # Three boxes a frame, as the service looks at.
    return Step(
        "passive liveness of a frame",
        0.025,
        _each(faces, lambda picture: passive.score(picture, boxes[id(picture)])),
        lambda: [run() for run in runs * 3],
    )


def _prepared(net: Net, models: Models, picture: Picture) -> Call:
    """Return the network alone in OpenCV, its input made before."""
    wanted = net.model.input
    if wanted is None:
        raise UserError(f"{net.model.file} takes no picture", code="no_model")
    plain = cv2.dnn.readNetFromONNX(str(models.path(net.model)))
    batch = blob(wanted, surroundings(picture, models.faces.detect(picture)[0].box, wanted.crop))

    def run() -> object:
        plain.setInput(batch)
        return plain.forward()

    return run


def _light(models: Models, picture: Picture) -> Step:
    """Return what is left to do when a light challenge is over: sample its last second, and judge."""
    sequence = draw_sequence(bytes(32), COUNT)
    frames = _encoded([picture] * _FPS)
    chance = np.random.default_rng(1)
    samples = [
        LightSample(n / _FPS, n / _FPS, _colour(chance), _colour(chance))
        for n in range(int((sequence.seconds + 1) * _FPS))
    ]

    def ours() -> object:
        last = sample_light(models, SampleLight("VP8", frames, frames[0].timestamp, frames[0].timestamp))
        return last, correlate(sequence, samples, 1.0)

    return Step(
        "verdict on a light challenge", 1.0, ours, lambda: decode_frames("VP8", frames), _LIGHT_ROUNDS
    )


def _colour(chance: np.random.Generator) -> tuple[float, float, float]:
    red, green, blue = chance.uniform(0.2, 0.3, 3).tolist()
    return red, green, blue


def _encoded(shown: Sequence[Picture]) -> tuple[EncodedFrame, ...]:
    """Return ``shown`` as a call delivers it, VP8 at 500 kbit/s."""
    height, width = (side // 2 * 2 for side in shown[0].shape[:2])
    encoder = av.CodecContext.create("libvpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base, encoder.bit_rate = Fraction(1, _FPS), 500_000
    encoder.options = {"deadline": "realtime", "cpu-used": "8"}
    packets = []
    for place, picture in enumerate((*shown, None)):
        frame = None if picture is None else av.VideoFrame.from_ndarray(picture[:height, :width], "bgr24")
        if frame is not None:
            frame.pts = place
        packets += encoder.encode(frame)
    return tuple(
        EncodedFrame(bytes(packet), (packet.pts or 0) * 90_000 // _FPS, packet.is_keyframe, n / _FPS)
        for n, packet in enumerate(packets)
    )


def _documents(models: Models, cards: Sequence[bytes]) -> Step:
    plain = rapidocr.RapidOCR(
        params={
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            "Global.log_level": "critical",
        }
    )
    photos = [decode(card) for card in cards]
    today = date.today()

    def ours(card: bytes) -> object:
        return answer_read_card(models, ReadCard(card, today))

    return Step("read a document", 3.0, _each(cards, ours), _each(photos, plain), _CARD_ROUNDS)
