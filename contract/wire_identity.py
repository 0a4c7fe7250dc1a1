"""Messages about identity checks, both ways; read them through ``contract.wire``.

``check`` names the check that a message belongs to, so that one that comes late means no other.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from contract.codec import Number, Text
from contract.ids import CheckId, EvidenceId
from contract.message import Message
from contract.phases import (
    CheckVerdict,
    CheckWord,
    CodeChannel,
    EvidenceKind,
    FeatureSeen,
    LivenessKind,
    TiltEnd,
)

# --- from staff --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReadDocument(Message):
    """Read the fields of a document's picture."""

    tag: ClassVar[str] = "read_document"
    evidence: EvidenceId


@dataclass(frozen=True, slots=True)
class CorrectField(Message):
    """The document ``check`` read a field wrong, or not at all: it says ``value``."""

    tag: ClassVar[str] = "correct_field"
    check: CheckId
    field: Annotated[str, Text(32, min=1)]
    value: Annotated[str, Text(200)]


@dataclass(frozen=True, slots=True)
class ComparePortraits(Message):
    """Compare the card's portrait, the live still and, where there is one, the reference picture."""

    tag: ClassVar[str] = "compare_faces"
    card: EvidenceId
    still: EvidenceId
    reference: EvidenceId | None = None


@dataclass(frozen=True, slots=True)
class StartLiveness(Message):
    """Begin a liveness check; ``elder`` gives more time for each gesture."""

    tag: ClassVar[str] = "start_liveness"
    kind: LivenessKind
    elder: bool = False


@dataclass(frozen=True, slots=True)
class DecideChallenge(Message):
    """The agent ends or overrules a liveness check, for a written reason."""

    tag: ClassVar[str] = "decide_challenge"
    check: CheckId
    verdict: CheckVerdict
    reason: Annotated[str, Text(500, min=1)]


@dataclass(frozen=True, slots=True)
class DrawQuestion(Message):
    """Let the server draw the next question of the bank."""

    tag: ClassVar[str] = "draw_question"


@dataclass(frozen=True, slots=True)
class JudgeQuestion(Message):
    """How the customer answered the question that was drawn as ``check``."""

    tag: ClassVar[str] = "judge_question"
    check: CheckId
    verdict: CheckVerdict
    note: Annotated[str, Text(500)] = ""


@dataclass(frozen=True, slots=True)
class SendCode(Message):
    """Send the customer a one-time code, to where the bank knows him."""

    tag: ClassVar[str] = "send_code"
    channel: CodeChannel


@dataclass(frozen=True, slots=True)
class AskExternal(Message):
    """Ask an outside source about the customer; ``service`` as the script names it."""

    tag: ClassVar[str] = "ask_external"
    service: Annotated[str, Text(64, min=1)]


@dataclass(frozen=True, slots=True)
class RequestTilt(Message):
    """Ask the customer's phone for pictures of ``document`` while it is tilted."""

    tag: ClassVar[str] = "request_tilt"
    document: EvidenceKind


@dataclass(frozen=True, slots=True)
class TickFeature(Message):
    """What was seen of a feature, as the script's worksheet names it, on one picture of a burst."""

    tag: ClassVar[str] = "tick_feature"
    document: EvidenceKind
    feature: Annotated[str, Text(64, min=1)]
    evidence: EvidenceId
    seen: FeatureSeen


# --- from the customer -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ChallengeReady(Message):
    """The customer is ready for the challenge that was announced."""

    tag: ClassVar[str] = "challenge_ready"
    check: CheckId


@dataclass(frozen=True, slots=True)
class ChallengeDeclined(Message):
    """The customer wishes to show in another way who he is; the liveness check that runs ends undecided."""

    tag: ClassVar[str] = "challenge_declined"
    check: CheckId


@dataclass(frozen=True, slots=True)
class LightShown(Message):
    """The first colour is on the screen; ``started_at`` is the page's own clock, for the record only."""

    tag: ClassVar[str] = "light_shown"
    check: CheckId
    started_at: Annotated[float, Number(0, 1e15)]


@dataclass(frozen=True, slots=True)
class EnterCode(Message):
    """The code that the customer received; spaces are no part of it."""

    tag: ClassVar[str] = "enter_code"
    check: CheckId
    code: Annotated[str, Text(16, min=1)]


@dataclass(frozen=True, slots=True)
class CameraClaim(Message):
    """What ``MediaStreamTrack`` says of the camera in use: label, settings, capabilities.

    ``facing`` is ``user``, ``environment`` or empty; maxima are 0 when the browser does not tell.
    """

    tag: ClassVar[str] = "camera_claim"
    label: Annotated[str, Text(200)]
    facing: Annotated[str, Text(16)]
    width: Annotated[int, Number(0, 100_000)]
    height: Annotated[int, Number(0, 100_000)]
    frame_rate: Annotated[float, Number(0, 100_000)]
    width_max: Annotated[int, Number(0, 1e9)] = 0
    height_max: Annotated[int, Number(0, 1e9)] = 0
    frame_rate_max: Annotated[float, Number(0, 1e9)] = 0.0
    phone: bool = False


@dataclass(frozen=True, slots=True)
class TiltOver(Message):
    """No picture of this burst comes any more; what was taken is uploaded by now."""

    tag: ClassVar[str] = "tilt_over"
    check: CheckId
    reason: TiltEnd


# --- to the customer ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ChallengeWanted(Message):
    """A liveness check begins: explain it, and send ``challenge_ready`` (not for ``passive``)."""

    tag: ClassVar[str] = "challenge_wanted"
    check: CheckId
    kind: LivenessKind
    elder: bool


@dataclass(frozen=True, slots=True)
class ChallengeStep(Message):
    """Do this now: ``step`` is a gesture's word, the ``index``-th (from 1) of ``of``, for ``seconds``.

    ``digits`` are to be read aloud for ``say_digits``. A new ``attempt`` (from 1) begins with index 1.
    """

    tag: ClassVar[str] = "challenge_step"
    check: CheckId
    step: str
    index: int
    of: int
    seconds: float
    attempt: int
    digits: str


@dataclass(frozen=True, slots=True)
class LightSequence(Message):
    """Fill the screen with ``count`` colours (``#rrggbb``), ``seconds_each``, ``starts_in_s`` from now.

    ``colours`` are the first of them; the others come in ``light_colours``, shortly before they are due.
    Send ``light_shown`` when the first one is painted.
    """

    tag: ClassVar[str] = "light_sequence"
    check: CheckId
    colours: tuple[str, ...]
    count: int
    seconds_each: float
    starts_in_s: float


@dataclass(frozen=True, slots=True)
class LightColours(Message):
    """The next colours of the sequence that is shown; the first of them is its ``index``-th (from 1).

    One that comes after its time is left out: the screen is neutral instead.
    """

    tag: ClassVar[str] = "light_colours"
    check: CheckId
    colours: tuple[str, ...]
    index: int


@dataclass(frozen=True, slots=True)
class CodeWanted(Message):
    """Ask for the code of ``digits`` that came by ``channel``; ``left`` attempts, ``seconds`` to enter it."""

    tag: ClassVar[str] = "code_wanted"
    check: CheckId
    digits: int
    channel: CodeChannel
    left: int
    seconds: float


@dataclass(frozen=True, slots=True)
class TiltWanted(Message):
    """Take pictures over ``seconds`` while ``document`` is tilted, upload each under one of these ids.

    Then send ``tilt_over``.
    """

    tag: ClassVar[str] = "tilt_wanted"
    check: CheckId
    document: EvidenceKind
    pictures: tuple[EvidenceId, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class CheckOver(Message):
    """What was asked for is over; ``word`` is all that the customer is told."""

    tag: ClassVar[str] = "check_over"
    check: CheckId
    word: CheckWord
