"""Who is at the front door: customers' visits and staff at consoles, as the front keeps them."""

import hashlib
from dataclasses import dataclass, field

from contract.ids import AccountId, CallId, new_seat_id
from contract.phases import CasePhase, Role
from contract.ports import Account, NetworkFinding, Party
from contract.wire import VERSION, PresenceSet, QueuePosition, Ring, Welcome
from signaling.actions import Line, Visitor
from signaling.call import Call
from signaling.effects import Summon
from signaling.feed import Feed
from signaling.memory import Memory
from signaling.settings import SignalingSettings


@dataclass(slots=True, eq=False)
class Visit:
    """A customer's visit. ``resume`` and ``resume_before`` are SHA-256 of resume tokens.

    The token before is honoured until a message proves that the new one has arrived. ``consent`` is
    what the journal holds, ``agreed`` what was said last, ``consents_due`` counts what is on its way
    there; ``joining`` waits for it. ``calls`` counts those which are not closed, earlier ones
    too. ``first``: the last call ended without the customer's doing, who goes before all others now,
    and to the agent of before ``again``. ``memory`` is what the next call is to know of checks.
    ``address`` is where the page came from last, ``network`` what was found of that.
    """

    who: Visitor
    language: str = field(init=False)
    memory: Memory = field(init=False)
    line: Line | None = None
    resume: str | None = None
    resume_before: str | None = None
    gone_until: float | None = None
    consent: frozenset[str] = frozenset()
    agreed: frozenset[str] = frozenset()
    consents_due: int = 0
    joining: bool = False
    own_phase: CasePhase = CasePhase.PRE_CALL
    call: Call | None = None
    calls: int = 0
    # A call of before was recorded, and nobody merges that yet.
    unmerged: bool = False
    first: bool = False
    again: AccountId | None = None
    joined_at: float = 0.0
    address: str = ""
    network: NetworkFinding | None = None
    place: QueuePosition | None = None
    feed: Feed | None = None

    def __post_init__(self) -> None:
        self.language = self.who.language
        self.memory = self.who.memory

    @property
    def phase(self) -> CasePhase:
        """Where the case stands."""
        return self.call.case_phase if self.call else self.own_phase


@dataclass(frozen=True, slots=True)
class Past:
    """A call that somebody sat in, and since when (monotonic seconds) it is over for him."""

    call: Call
    since: float


@dataclass(slots=True, eq=False)
class Staff:
    """An agent or supervisor who is or was connected.

    ``call`` is what he is rung for, sits in, or owes the result of; ``last`` the one after which he is
    in wrap-up. ``forms`` counts what he wrote about ``formed``. ``ready_until``: returns as ready when
    back before that; ``wrap_up_until``: is gone from wrap-up unless back before that. These,
    ``rings_until`` and ``board_at``, when the wallboard was last shown, are monotonic.
    """

    account: Account
    bank: str
    line: Line | None = None
    call: Call | None = None
    last: Past | None = None
    forms: int = 0
    formed: CallId | None = None
    ready_until: float | None = None
    wrap_up_until: float | None = None
    rings_until: float = 0.0
    ring: Ring | None = None
    shown: PresenceSet | None = None
    feed: Feed | None = None
    board_at: float | None = None

    @property
    def me(self) -> AccountId:
        """The account's id."""
        return self.account.account

    def party(self, role: Role) -> Party:
        """Return this person as a party of a call, in a seat of its own."""
        account = self.account
        return Party(new_seat_id(), role, account.name, account.account, account.number)

    @property
    def seated(self) -> bool:
        """True while he sits in a call that goes on."""
        call = self.call
        return call is not None and any(party.account == self.me for party in call.staff)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Why a ring goes to a further agent, and since when (monotonic seconds)."""

    summon: Summon
    since: float


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
        opens_at=settings.opens_at(now),
        location_s=settings.location_s,
    )


def staff_welcome(who: Staff, settings: SignalingSettings, now: float) -> Welcome:
    """Return what a console is greeted with at ``now`` (UTC)."""
    call = who.call if who.ring is None else None
    return Welcome(
        version=VERSION,
        role=who.account.role,
        name=who.account.name,
        bank=who.bank,
        case=call.case if call else None,
        phase=call.case_phase if call else None,
        seat=call.seat_of(who.me) if call else None,
        call=call.call if call else None,
        resume=None,
        upload=None,
        ice_servers=settings.ice_servers(who.me, now),
        grace_s=settings.grace_s,
        heartbeat_s=settings.heartbeat_s,
        consent_version=settings.consent_version,
        account=who.me,
        opens_at=settings.opens_at(now),
    )


def ring_of(
    visit: Visit, call: CallId, role: Role, wanted: Wanted | None, mono: float, expires_in_s: float
) -> Ring:
    """Return what an agent is told of the customer who is offered, or for whom help is ``wanted``."""
    who = visit.who
    summon = wanted.summon if wanted else None
    return Ring(
        call=call,
        case=who.case,
        purpose=who.purpose,
        customer_name=who.name,
        waited_s=mono - (wanted.since if wanted else visit.joined_at),
        language=visit.language,
        expires_in_s=expires_in_s,
        role=role,
        vip=who.vip,
        skill=summon.skill if summon else who.skill,
        earlier=who.earlier,
        rejected=who.rejected,
        invited_by=summon.invited_by if summon else "",
        note=summon.note if summon else "",
        private=summon.private if summon else False,
        transferred=summon is not None and role is Role.AGENT,
    )
