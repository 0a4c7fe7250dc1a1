"""Messages between the server process and its model process: length-prefixed pickles over two pipes.

Both ends are this package on this machine; nothing that came over a network is ever unpickled.

A kind of work is a frozen dataclass that derives from :class:`Job` or :class:`LiveJob` and names its
handler; nothing else lists it. Its module is loaded by the server and must load no model library;
the handler's module is loaded by the model process when the first such job comes.
"""

import pickle
import struct
from abc import ABC, abstractmethod
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from contract.ids import CallId, SeatId
from contract.ports import EncodedFrame, FaceFinding, ImageFinding
from kyc.packs import Pack

Reply_co = TypeVar("Reply_co", covariant=True)

_LENGTH = struct.Struct(">Q")
PREFIX = _LENGTH.size


class Job(Generic[Reply_co]):
    """Work that somebody waits for, answered by a ``Reply``: plain dataclasses, tuples and bytes.

    ``HANDLER`` is "module:function"; the function takes the :class:`kyc.models.Models` and the job.
    """

    __slots__ = ()
    HANDLER: ClassVar[str]


class LiveJob(Job[Reply_co], ABC):
    """Work that is worth something only while it is new: a newer one of the same ``key`` takes its place."""

    __slots__ = ()

    @property
    @abstractmethod
    def key(self) -> Hashable:
        """Return whose picture it is."""


@dataclass(frozen=True, slots=True)
class Inspect(Job[ImageFinding]):
    """Describe a picture."""

    HANDLER: ClassVar[str] = "kyc.matching:answer_inspect"
    data: bytes


@dataclass(frozen=True, slots=True)
class Match(Job[FaceFinding]):
    """Compare card and still."""

    HANDLER: ClassVar[str] = "kyc.matching:answer_match"
    card: bytes
    still: bytes


@dataclass(frozen=True, slots=True)
class CountFaces(Job[int]):
    """Tell how many faces a JPEG of a recording shows, small ones in the background left out."""

    HANDLER: ClassVar[str] = "kyc.matching:answer_count"
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class SeenFace:
    """A face in a frame: ``box`` is left, top, width, height in pixels; ``points`` as in Face."""

    box: tuple[float, float, float, float]
    points: tuple[tuple[float, float], ...]
    score: float


@dataclass(frozen=True, slots=True)
class Gaze:
    """Where a face looks, in degrees: ``across`` above 0 to the subject's right, ``down`` below the camera.

    Head and eyes together. ``openness`` of the eyes as in :func:`kyc.landmarks.eye_openness`.
    """

    across: float
    down: float
    openness: float


@dataclass(frozen=True, slots=True)
class Watched:
    """What the newest frame shows; ``arrived_at`` in seconds UTC, ``faces`` largest first.

    ``template`` describes the largest face and is of use only as a later ``reference``; ``likeness``
    is its score against the reference. Both are None without a face, the latter also without a reference.
    ``gaze`` is the largest face's, where it was asked for and the pack has a face mesh.
    """

    arrived_at: float
    width: int
    height: int
    sharpness: float
    faces: tuple[SeenFace, ...]
    template: bytes | None
    likeness: float | None
    gaze: Gaze | None = None


@dataclass(frozen=True, slots=True)
class Watch(LiveJob[Watched | None]):
    """Look at one party now: ``frames`` begin with a keyframe, the newest good picture counts.

    Answered by None when no frame could be decoded. ``reference`` is a former ``template`` of this call.
    ``gaze``: tell where the face looks, too, which takes a run of the face mesh more.
    """

    HANDLER: ClassVar[str] = "kyc.watching:watch"
    call: CallId
    seat: SeatId
    codec: str
    frames: tuple[EncodedFrame, ...]
    reference: bytes | None = None
    gaze: bool = False

    @property
    def key(self) -> Hashable:
        """Return call and seat."""
        return self.call, self.seat


@dataclass(frozen=True, slots=True)
class Load:
    """The first message: which models to load, and what ONNX Runtime may run them on, the best first."""

    pack: Pack
    providers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ready:
    """The models are loaded."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The picture's owner is to blame: ``code`` and ``text`` of a UserError."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Broke:
    """The models are to blame."""

    text: str


def packed(message: Any) -> bytes:
    """Return ``message`` as it goes into a pipe."""
    body = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(body)) + body


def body_length(prefix: bytes) -> int:
    """Return how many bytes follow a prefix of ``PREFIX`` bytes."""
    length: int = _LENGTH.unpack(prefix)[0]
    return length


def unpacked(body: bytes) -> Any:
    """Return the message in ``body``."""
    return pickle.loads(body)  # noqa: S301 - written by the other half of this package
