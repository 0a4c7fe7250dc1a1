"""What is posted to the front's inbox. Only the front changes calls and desks."""

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

from contract.errors import TellerError
from contract.facts import Entry
from contract.ids import AccountId, CallId, CaseId, EvidenceId, SeatId, TenantId
from contract.phases import EvidenceKind
from contract.ports import Account, Party
from contract.wire import Message
from signaling.memory import Memory


class Line(Protocol):
    """A browser's connection as the front sees it. Calls never block."""

    def send(self, *messages: Message) -> None:
        """Queue messages in one place of the outbox; a full outbox ends the line."""
        ...

    def end(self, code: str) -> None:
        """Say goodbye with this word and close."""
        ...


@dataclass(frozen=True, slots=True)
class Visitor:
    """A customer who came with a ticket; ``earlier`` and ``rejected`` count the customer's former cases.

    ``memory`` is what they and this case tell of checks.
    """

    case: CaseId
    tenant: TenantId
    bank: str
    name: str
    purpose: str
    language: str
    seat: SeatId
    skill: str = ""
    vip: bool = False
    earlier: int = 0
    rejected: int = 0
    memory: Memory = field(default_factory=Memory)


@dataclass(frozen=True, slots=True)
class CustomerCame:
    """A ticket was redeemed on this line; ``address`` is where it comes from."""

    line: Line
    visitor: Visitor
    address: str


@dataclass(frozen=True, slots=True)
class CustomerResumed:
    """A resume token was shown on this line; ``address`` is where it comes from."""

    line: Line
    token: str
    language: str
    address: str


@dataclass(frozen=True, slots=True)
class AgentCame:
    """A logged-in agent's console connected."""

    line: Line
    account: Account
    bank: str


@dataclass(frozen=True, slots=True)
class SupervisorCame:
    """A logged-in supervisor's console connected."""

    line: Line
    account: Account
    bank: str


@dataclass(frozen=True, slots=True)
class Got:
    """A message arrived."""

    line: Line
    message: Message


@dataclass(frozen=True, slots=True)
class Lost:
    """The line is closed, by whichever side."""

    line: Line


@dataclass(frozen=True, slots=True)
class Noted:
    """The journal holds a new entry."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


@dataclass(frozen=True, slots=True)
class Stop:
    """The server stops: end everything by name."""


@dataclass(frozen=True, slots=True)
class HistoryRead:
    """The entries of a case, asked for by a screen."""

    line: Line
    case: CaseId
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class MediaOpened:
    """Media is prepared, or ``error`` says why not."""

    call: CallId
    error: TellerError | None = None


@dataclass(frozen=True, slots=True)
class OfferAnswered:
    """Media answered an offer of the customer (``agent`` None) or of an agent."""

    call: CallId
    agent: AccountId | None
    sdp: str
    number: int = 0


@dataclass(frozen=True, slots=True)
class AnswerOver:
    """The offer of this seat is no longer being answered, well or not."""

    call: CallId
    seat: SeatId


@dataclass(frozen=True, slots=True)
class CommandRefused:
    """A party's request failed on its way through a port."""

    call: CallId
    agent: AccountId | None
    about: str
    error: TellerError


@dataclass(frozen=True, slots=True)
class Compared:
    """The face comparison of a call is over."""

    call: CallId


@dataclass(frozen=True, slots=True)
class IdentityDone:
    """A command for a call's identity checks is over; ``what`` names it as the effect did."""

    call: CallId
    what: str
    well: bool


@dataclass(frozen=True, slots=True)
class Arranged:
    """The last arrangement of a call's media holds, or ``error`` says why not."""

    call: CallId
    error: TellerError | None = None


@dataclass(frozen=True, slots=True)
class GateStuck:
    """The gate could not be opened."""

    call: CallId


@dataclass(frozen=True, slots=True)
class WoundUp:
    """Media is closed and the recording finished, as well as could be."""

    call: CallId


@dataclass(frozen=True, slots=True)
class JournalFailed:
    """A fact could not be written for several tries; the case's later facts wait behind it."""

    case: CaseId


@dataclass(frozen=True, slots=True)
class ClaimStill:
    """May this seat upload this picture now? ``reply`` gets the kind, or the error."""

    case: CaseId
    seat: SeatId
    request: EvidenceId
    reply: "asyncio.Future[EvidenceKind]"


@dataclass(frozen=True, slots=True)
class ConfirmStill:
    """May the picture that has come be stored? ``reply`` gets the kind, or the error."""

    case: CaseId
    seat: SeatId
    request: EvidenceId
    reply: "asyncio.Future[EvidenceKind]"


@dataclass(frozen=True, slots=True)
class ReleaseStill:
    """The upload is over."""

    case: CaseId
    request: EvidenceId


@dataclass(frozen=True, slots=True)
class Sharer:
    """Who shares a file, in which call."""

    call: CallId
    party: Party


@dataclass(frozen=True, slots=True)
class AskSharer:
    """May the customer in ``seat``, or this account, share a file now? ``reply`` gets who, or the error.

    The call waits for :class:`ReleaseStill` of what it ``holds``.
    """

    case: CaseId
    seat: SeatId | None
    account: AccountId | None
    holds: EvidenceId | None
    reply: "asyncio.Future[Sharer]"


@dataclass(frozen=True, slots=True)
class AskSeated:
    """Does this account sit in the case's call, in whatever mode?"""

    case: CaseId
    account: AccountId
    reply: "asyncio.Future[bool]"


@dataclass(frozen=True, slots=True)
class DeskView:
    """What a newcomer would find: how many wait, and how long the wait may be, None when unknown."""

    waiting: int
    estimated_wait_s: float | None


@dataclass(frozen=True, slots=True)
class AskDesk:
    """How long is the queue of this tenant?"""

    tenant: TenantId
    reply: "asyncio.Future[DeskView]"


Action = (
    CustomerCame | CustomerResumed | AgentCame | SupervisorCame | Got | Lost | Noted | Tick | Stop
    | HistoryRead | MediaOpened | OfferAnswered | AnswerOver | CommandRefused | Compared | Arranged
    | IdentityDone
    | GateStuck | WoundUp | JournalFailed | ClaimStill | ConfirmStill | ReleaseStill | AskSharer
    | AskSeated | AskDesk
)  # fmt: skip
