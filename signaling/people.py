"""Who is at the front door: a customer's visit and an agent at the console, as the front keeps them."""

import hashlib
from dataclasses import dataclass, field

from contract.ids import CallId
from contract.phases import CasePhase, Role
from contract.ports import Account
from contract.wire import VERSION, PresenceSet, QueuePosition, Ring, Welcome
from signaling.actions import Line, Visitor
from signaling.call import Call
from signaling.feed import Feed
from signaling.settings import SignalingSettings


@dataclass(slots=True, eq=False)
class Visit:
    """A customer's visit. ``resume`` and ``resume_before`` are SHA-256 of resume tokens.

    The token before is honoured until a message proves that the new one has arrived. ``consent`` is
    what the journal holds, ``consents_due`` counts what is on its way there; ``joining`` waits for it.
    """

    who: Visitor
    language: str = field(init=False)
    line: Line | None = None
    resume: str | None = None
    resume_before: str | None = None
    gone_until: float | None = None
    consent: frozenset[str] = frozenset()
    consents_due: int = 0
    joining: bool = False
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


def resume_key(token: str) -> str:
    """Return the SHA-256 (hex) under which a resume token is known; the token itself is not kept."""
    return hashlib.sha256(token.encode()).hexdigest()


def customer_welcome(
    visit: Visit, settings: SignalingSettings, resume: str, upload: str, now: float
) -> Welcome:
    """Return what a customer's page is greeted with at ``now`` (UTC); ``resume`` and ``upload`` are its
    secrets."""
    who = visit.who
    return Welcome(
        version=VERSION,
        role=Role.CUSTOMER,
        name=who.name,
        bank=who.bank,
        case=who.case,
        phase=visit.phase,
        seat=who.seat,
        call=visit.call.call if visit.call and visit.call.reason is None else None,
        resume=resume,
        upload=upload,
        ice_servers=settings.ice_servers(who.seat, now),
        grace_s=settings.grace_s,
        heartbeat_s=settings.heartbeat_s,
        consent_version=settings.consent_version,
    )


def agent_welcome(agent: Agent, settings: SignalingSettings, now: float) -> Welcome:
    """Return what an agent's console is greeted with at ``now`` (UTC)."""
    call = agent.call
    return Welcome(
        version=VERSION,
        role=Role.AGENT,
        name=agent.account.name,
        bank=agent.bank,
        case=call.case if call else None,
        phase=call.case_phase if call else None,
        seat=call.agent.seat if call and call.agent else None,
        call=call.call if call else None,
        resume=None,
        upload=None,
        ice_servers=settings.ice_servers(agent.account.account, now),
        grace_s=settings.grace_s,
        heartbeat_s=settings.heartbeat_s,
        consent_version=settings.consent_version,
    )


def ring_of(visit: Visit, call: CallId, waited_s: float, expires_in_s: float) -> Ring:
    """Return what an agent is told of the customer who is offered. Times are seconds."""
    return Ring(
        call=call,
        case=visit.who.case,
        purpose=visit.who.purpose,
        customer_name=visit.who.name,
        waited_s=waited_s,
        language=visit.language,
        expires_in_s=expires_in_s,
    )
