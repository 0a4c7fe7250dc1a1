"""What the pure machines want done: commands, facts and messages, as values.

The floor executes them: sends at once, everything else of one case in order. :class:`AnswerOffer`,
:class:`OpenGate` and :class:`CompareFaces` run beside that order.
"""

from dataclasses import dataclass

from contract.facts import Fact
from contract.ids import AccountId, CallId, EvidenceId, SeatId
from contract.phases import Role
from contract.ports import Party, SeatRoute
from contract.wire import Message
from signaling.identity_effects import IdentityEffect


@dataclass(frozen=True, slots=True)
class Moment:
    """Now: ``at`` in seconds UTC for facts, ``mono`` in seconds that never go back for deadlines."""

    at: float
    mono: float


@dataclass(frozen=True, slots=True)
class Append:
    """Append this fact to the case's journal; nothing of the case is appended before it is there."""

    fact: Fact


@dataclass(frozen=True, slots=True)
class Send:
    """Send this message to an agent, or to the case's customer (None), if connected."""

    to: AccountId | None
    message: Message


@dataclass(frozen=True, slots=True)
class OpenMedia:
    """Prepare the media call with its gate shut; answered by ``Call.media_opened``."""

    call: CallId


@dataclass(frozen=True, slots=True)
class AnswerOffer:
    """Let media answer the offer; the answer goes back to ``party``, then ``Call.answered``."""

    call: CallId
    party: Party
    sdp: str
    number: int = 0


@dataclass(frozen=True, slots=True)
class Arrange:
    """Let media go these ways from now on; answered by ``Call.arranged``."""

    call: CallId
    routes: tuple[SeatRoute, ...]


@dataclass(frozen=True, slots=True)
class Summon:
    """Let the desk ring a further agent for this call: ``agent`` by name, else by ``skill``, else anybody.

    ``role`` is GUEST for an invitation, AGENT for a transfer. ``but`` are not asked, who ``passed`` it on
    before only after a pause. The rest is for the ring's card.
    """

    call: CallId
    role: Role
    agent: AccountId | None
    skill: str
    but: frozenset[AccountId]
    invited_by: str
    note: str
    private: bool
    passed: frozenset[AccountId] = frozenset()


@dataclass(frozen=True, slots=True)
class Unsummon:
    """The further agent is no longer wanted; a ring for this role is over as withdrawn."""

    call: CallId
    role: Role


@dataclass(frozen=True, slots=True)
class OpenGate:
    """Forward and record from now on."""

    call: CallId


@dataclass(frozen=True, slots=True)
class DropSeat:
    """Close one seat's connection."""

    call: CallId
    seat: SeatId


@dataclass(frozen=True, slots=True)
class WindUp:
    """Close the media call, then finish its recording; answered by ``Call.wound_up``."""

    call: CallId


@dataclass(frozen=True, slots=True)
class QueueMerge:
    """Hand the recording to the worker; a comparison that still runs is given up."""


@dataclass(frozen=True, slots=True)
class CheckNumber:
    """Apply the ID number rules."""

    number: str
    agent: AccountId


@dataclass(frozen=True, slots=True)
class CompareFaces:
    """Compare the card's portrait with the still; answered by ``Call.compared``."""

    card: EvidenceId
    still: EvidenceId
    agent: AccountId


@dataclass(frozen=True, slots=True)
class FreeAgent:
    """The agent's conversation is over after ``talked_s`` seconds; wrap-up begins.

    The call may go on without this agent. Without ``wraps_up`` he is ready at once: the same customer
    comes back with a fresh call.
    """

    agent: AccountId
    talked_s: float
    wraps_up: bool = True


Effect = (
    Append | Send | OpenMedia | AnswerOffer | Arrange | Summon | Unsummon | OpenGate | DropSeat | WindUp
    | QueueMerge | CheckNumber | CompareFaces | FreeAgent | IdentityEffect
)  # fmt: skip
