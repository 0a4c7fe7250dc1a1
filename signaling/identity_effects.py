"""What identity checks want done, as values.

Starting a liveness check, judging a document and deciding keep the case's order; all else runs beside it.
"""

from dataclasses import dataclass

from contract.identity_ports import LivenessRun
from contract.ids import AccountId, CallId, CheckId, EvidenceId, SeatId
from contract.phases import CodeChannel
from contract.wire import CameraClaim
from signaling.codes import OneTimeCode
from signaling.questions import Question


@dataclass(frozen=True, slots=True)
class ReadPicture:
    """Read a document's picture, then judge the document."""

    evidence: EvidenceId
    agent: AccountId | None
    what: str = "document"


@dataclass(frozen=True, slots=True)
class JudgeDocument:
    """Judge the document again: a field of this reading was corrected."""

    check: CheckId


@dataclass(frozen=True, slots=True)
class ComparePictures:
    """Compare portrait, still and reference."""

    card: EvidenceId
    still: EvidenceId
    reference: EvidenceId | None
    agent: AccountId | None
    what: str = "portraits"


@dataclass(frozen=True, slots=True)
class RunLiveness:
    """Begin a liveness check whose start is on its way to the journal."""

    run: LivenessRun
    agent: AccountId | None


@dataclass(frozen=True, slots=True)
class TellLive:
    """The customer is ready or ``declined``, the light is shown, or (``stop``) the agent ends the check; or
    the answer to a question was ``judged``.

    ``sound``: who is ready has the microphone on.
    """

    check: CheckId
    what: str
    sound: bool = False


@dataclass(frozen=True, slots=True)
class TellCamera:
    """What the page says of its camera."""

    claim: CameraClaim


@dataclass(frozen=True, slots=True)
class AskQuestion:
    """Put the question that was drawn."""

    check: CheckId
    question: Question
    candidates: tuple[str, ...]
    random_hex: str
    agent: AccountId | None

    @property
    def what(self) -> str:
        """Return the name of this work."""
        return f"question:{self.question.id}"


@dataclass(frozen=True, slots=True)
class TextCode:
    """Send a one-time code."""

    check: CheckId
    channel: CodeChannel
    code: OneTimeCode
    agent: AccountId | None
    what: str = "code"


@dataclass(frozen=True, slots=True)
class AskOutside:
    """Ask an outside source about the customer."""

    service: str
    agent: AccountId | None

    @property
    def what(self) -> str:
        """Return the name of this work."""
        return f"external_{self.service}"


@dataclass(frozen=True, slots=True)
class MeasureBurst:
    """Look for what changes over the pictures of a burst that is over."""

    check: CheckId
    pictures: tuple[EvidenceId, ...]

    @property
    def what(self) -> str:
        """Return the name of this work."""
        return f"tilt:{self.check}"


@dataclass(frozen=True, slots=True)
class WatchCustomer:
    """Look at the customer from now on, until the call is wound up."""

    call: CallId
    seat: SeatId


@dataclass(frozen=True, slots=True)
class Decide:
    """Append the decision, and before it what the bank's books say of accounts."""


Beside = ReadPicture | ComparePictures | AskQuestion | TextCode | AskOutside
Live = RunLiveness | TellLive | TellCamera | WatchCustomer
IdentityEffect = Beside | MeasureBurst | Live | JudgeDocument | Decide
