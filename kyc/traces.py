"""What a frame of a challenge says in numbers, and the jobs that get it. Loaded by the server too.

A trace is what a verdict is made of. None is kept: from the recorded track the same models make it again.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from contract.identity_facts import SpokenScores
from contract.ports import EncodedFrame
from kyc.pipes import Job


class Gesture(StrEnum):
    """What a customer can be asked to do; left and right are the customer's own."""

    TURN_LEFT = "turn_left"
    TURN_RIGHT = "turn_right"
    NOD = "nod"
    BLINK = "blink"
    OPEN_MOUTH = "open_mouth"
    SAY_DIGITS = "say_digits"


@dataclass(frozen=True, slots=True)
class Trace:
    """One frame in numbers. All but ``at`` and ``face_count`` mean something only with one face.

    ``at`` seconds; ``yaw``, ``pitch`` degrees; ``eye`` aspect ratio; ``eye_closed_p`` 0 to 1 that both
    eyes are shut; ``mouth`` inner lips' height over their usual width; ``face_width_share`` of the picture.
    """

    at: float
    yaw: float
    pitch: float
    eye: float
    eye_closed_p: float
    mouth: float
    face_count: int
    face_width_share: float


@dataclass(frozen=True, slots=True)
class GestureFinding:
    """Whether a gesture was ``seen``, when it was over (``at``, seconds), and if not, why.

    Reasons: ``too_few_frames``, ``no_face``, ``several_faces``, ``face_too_small``,
    ``not_facing_front``, ``repeats`` (the picture is a loop), ``wrong_gesture`` (another one came
    first), ``not_seen``; for digits also ``no_sound``, ``no_voice``, ``mouth_still``, ``not_in_step``.
    ``spoken`` is what digits were judged by.
    """

    seen: bool
    at: float | None
    reason: str
    spoken: SpokenScores | None = None


@dataclass(frozen=True, slots=True)
class PassiveLook:
    """How live one face looked ``at`` a second: ``score`` 0 to 1, ``share`` its width over the picture's."""

    at: float
    score: float
    share: float


@dataclass(frozen=True, slots=True)
class Traced:
    """What a stretch of frames gave. Both are empty when the pack has no models for it."""

    traces: tuple[Trace, ...]
    looks: tuple[PassiveLook, ...]


@dataclass(frozen=True, slots=True)
class TraceFrames(Job[Traced]):
    """Trace every frame from the RTP timestamp ``since`` on, and look at some for passive liveness.

    ``frames`` begin with a keyframe; those before ``since`` are only decoded. Times count from the RTP
    timestamp ``origin``. A second of 25 frames takes half a second: ask for no more at once.
    ``looks_only``: no gesture is wanted, and frames between two looks are only decoded.
    """

    HANDLER: ClassVar[str] = "kyc.tracing:trace_frames"
    codec: str
    frames: tuple[EncodedFrame, ...]
    origin: int
    since: int
    looks_only: bool = False


@dataclass(frozen=True, slots=True)
class JudgeStep(Job[GestureFinding]):
    """Judge one step of a challenge by :func:`kyc.gestures.judge_step`.

    ``sound`` are the Opus packets of the same stretch, wanted for ``say_digits`` only; ``sound_at`` is
    when the first of them was spoken, in seconds on the clock of ``traces``.
    """

    HANDLER: ClassVar[str] = "kyc.sound:answer_judge_step"
    asked: Gesture
    traces: tuple[Trace, ...]
    sound: tuple[EncodedFrame, ...] = ()
    sound_at: float = 0.0
