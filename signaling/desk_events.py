"""What the desk tells: events, and rows for wallboards."""

from dataclasses import dataclass

from contract.ids import AccountId, CallId
from contract.phases import Presence, RingEnd, Role
from signaling.routing import Demand, Draw, Profile


@dataclass(frozen=True, slots=True)
class Rang:
    """The console of ``agent`` is to ring for ``call``; ``draw`` is set when chance decided."""

    call: CallId
    role: Role
    agent: AccountId
    draw: Draw | None = None


@dataclass(frozen=True, slots=True)
class RangOut:
    """The ring of ``call`` at ``agent`` is over."""

    call: CallId
    role: Role
    agent: AccountId
    how: RingEnd


@dataclass(frozen=True, slots=True)
class GaveUp:
    """Nobody took the invitation or transfer; it is no longer at the desk."""

    call: CallId
    role: Role


DeskEvent = Rang | RangOut | GaveUp


@dataclass(frozen=True, slots=True)
class Status:
    """What an agent does since ``since_s`` seconds; ``ends_in_s`` is what is left of wrap-up, if it ends."""

    presence: Presence
    reason: str = ""
    since_s: float = 0.0
    ends_in_s: float | None = None


@dataclass(frozen=True, slots=True)
class AgentRow:
    """An agent who is here, since ``since`` (the desk's clock) in this presence; ``call`` rings or is on."""

    agent: AccountId
    profile: Profile
    presence: Presence
    reason: str
    since: float
    call: CallId | None


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A demand at the desk, with the agent who is rung for it and the one who alone may be."""

    demand: Demand
    waited_s: float
    ringing: AccountId | None
    only: AccountId | None
