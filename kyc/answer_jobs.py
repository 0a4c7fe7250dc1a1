"""What is heard while a question stands, as jobs of the model process. Loaded by the server too."""

from dataclasses import dataclass
from typing import ClassVar

from contract.phases import VoiceWord
from contract.ports import EncodedFrame
from kyc.pipes import Job

# From the customer's voice, as :func:`kyc.voice_profile.distance` has it; what is further is another one's.
# In fourteen synthetic voices the same one stayed under 2; see docs/identity.md.
DISTANCE_MAX = 2.5


@dataclass(frozen=True, slots=True)
class HeardSound:
    """A stretch of one microphone in numbers, from ``began_at`` on (seconds UTC); no sound can be made of it.

    ``rows`` are those of :func:`kyc.answers.describe`; ``voice_s`` seconds of them have a voice.
    """

    began_at: float
    rows: bytes
    voice_s: float


@dataclass(frozen=True, slots=True)
class HearSound(Job[HeardSound]):
    """Describe Opus ``packets``, the first of which was spoken ``at`` a second (UTC).

    The first ``lead_s`` seconds are only decoded: a decoder needs 80 ms to find in (RFC 7845, section 4.6).
    """

    HANDLER: ClassVar[str] = "kyc.sound:answer_hear_sound"
    packets: tuple[EncodedFrame, ...]
    at: float
    lead_s: float


@dataclass(frozen=True, slots=True)
class AnswerFinding:
    """How an answer was given. ``answer_s`` is None where it cannot be told.

    ``voice``: whether voices were compared; then ``other_s`` seconds were another one's, at ``distance``.
    """

    answer_s: float | None
    voice: VoiceWord
    other_s: float = 0.0
    distance: float = 0.0


@dataclass(frozen=True, slots=True)
class JudgeAnswer(Job[AnswerFinding]):
    """Judge the answer to a question that stood from ``put_at`` to ``until`` (seconds UTC).

    ``earlier``: what was heard of the customer when no question stood.
    """

    HANDLER: ClassVar[str] = "kyc.sound:answer_judge_answer"
    put_at: float
    until: float
    customer: tuple[HeardSound, ...]
    agent: tuple[HeardSound, ...]
    earlier: tuple[HeardSound, ...] = ()
