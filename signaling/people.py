"""Who is at the front door: a customer's visit and an agent at the console, as the front keeps them."""

from dataclasses import dataclass, field

from contract.phases import CasePhase
from contract.ports import Account
from contract.wire import PresenceSet, QueuePosition
from signaling.actions import Line, Visitor
from signaling.call import Call
from signaling.feed import Feed


@dataclass(slots=True, eq=False)
class Visit:
    """A customer's visit. ``resume`` and ``resume_before`` are SHA-256 of resume tokens.

    The token before is honoured until a message proves that the new one has arrived.
    """

    who: Visitor
    language: str = field(init=False)
    line: Line | None = None
    resume: str | None = None
    resume_before: str | None = None
    gone_until: float | None = None
    consent: frozenset[str] = frozenset()
    own_phase: CasePhase = CasePhase.PRE_CALL
    call: Call | None = None
    joined_at: float = 0.0
    place: QueuePosition | None = None
    feed: Feed | None = None

    def __post_init__(self) -> None:
        self.language = self.who.language

    @property
    def phase(self) -> CasePhase:
        """Where the case stands."""
        return self.call.case_phase if self.call else self.own_phase


@dataclass(slots=True, eq=False)
class Agent:
    """An agent who is or was connected. ``ready_until``: returns as ready when back before that."""

    account: Account
    bank: str
    line: Line | None = None
    call: Call | None = None
    ready_until: float | None = None
    shown: PresenceSet | None = None
    feed: Feed | None = None
