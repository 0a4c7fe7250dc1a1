"""Messages from server to browser; read them through ``contract.wire``."""

from dataclasses import dataclass
from typing import ClassVar

from contract.facts import Entry
from contract.ids import AccountId, CallId, CaseId, EvidenceId, SeatId
from contract.message import Message
from contract.phases import (
    CallPhase,
    Capture,
    CasePhase,
    EvidenceKind,
    Outcome,
    Presence,
    RingEnd,
    Role,
    SeatMode,
)
from contract.worksheet import Worksheet


@dataclass(frozen=True, slots=True)
class IceServer:
    """As in RTCIceServer."""

    urls: tuple[str, ...]
    username: str | None = None
    credential: str | None = None


@dataclass(frozen=True, slots=True)
class Welcome(Message):
    """The socket is accepted.

    ``resume`` takes the seat again within ``grace_s`` after a drop. ``upload`` authorises uploads of
    stills by this party. ``call`` is set when a call is to be rejoined.
    """

    tag: ClassVar[str] = "welcome"
    version: int
    role: Role
    name: str
    bank: str
    case: CaseId | None
    phase: CasePhase | None
    seat: SeatId | None
    call: CallId | None
    resume: str | None
    upload: str | None
    ice_servers: tuple[IceServer, ...]
    grace_s: float
    heartbeat_s: float
    consent_version: str
    account: AccountId | None = None
    # Seconds UTC at which the desk opens again; None while it is open.
    opens_at: float | None = None
    # How often a customer's page tells its place during a call; None for staff.
    location_s: float | None = None


@dataclass(frozen=True, slots=True)
class QueuePosition(Message):
    """Sent on every change while the customer waits; ``position`` counts from 1.

    ``call`` names the media session to prepare by an offer meanwhile.
    """

    tag: ClassVar[str] = "queue_position"
    call: CallId
    position: int
    estimated_wait_s: float | None
    agents_ready: int


@dataclass(frozen=True, slots=True)
class PresenceSet(Message):
    """The agent's presence as the desk holds it, with the length of the queue.

    ``since_s`` ago it began; ``ends_in_s`` is what is left of wrap-up, None elsewhere.
    """

    tag: ClassVar[str] = "presence_set"
    presence: Presence
    waiting: int
    reason: str = ""
    since_s: float = 0.0
    ends_in_s: float | None = None


@dataclass(frozen=True, slots=True)
class Ring(Message):
    """A customer is offered to this agent until ``expires_in_s`` has passed.

    ``role`` is ``agent``, or ``guest`` when ``invited_by`` asks for help; ``transferred`` then means that
    the call is to be taken over. ``earlier`` and ``rejected`` count the customer's former cases.
    """

    tag: ClassVar[str] = "ring"
    call: CallId
    case: CaseId
    purpose: str
    customer_name: str
    waited_s: float
    language: str
    expires_in_s: float
    role: Role = Role.AGENT
    vip: bool = False
    skill: str = ""
    earlier: int = 0
    rejected: int = 0
    invited_by: str = ""
    note: str = ""
    private: bool = False
    transferred: bool = False


@dataclass(frozen=True, slots=True)
class RingOver(Message):
    """The ring ended."""

    tag: ClassVar[str] = "ring_over"
    call: CallId
    how: RingEnd


@dataclass(frozen=True, slots=True)
class Answer(Message):
    """SDP answer to the offer of this ``number``."""

    tag: ClassVar[str] = "answer"
    call: CallId
    sdp: str
    number: int = 0


@dataclass(frozen=True, slots=True)
class Reoffer(Message):
    """The connection was lost on the server's side: offer again at once, in the same seat."""

    tag: ClassVar[str] = "reoffer"
    call: CallId


@dataclass(frozen=True, slots=True)
class PartySeen:
    """A party of the call as the reader of the message is to see it.

    ``slot`` numbers the reader's receiving lines on which this party's sound and picture come, None for
    the reader itself and for whoever the reader neither hears nor sees now. ``account`` is not told to
    customers; ``number`` is the bank's public number of a member of staff, empty when there is none.
    """

    seat: SeatId
    role: Role
    name: str
    mode: SeatMode
    slot: int | None
    microphone: Capture
    camera: Capture
    present: bool
    account: AccountId | None = None
    number: str = ""


@dataclass(frozen=True, slots=True)
class CallState(Message):
    """The call as it stands; ``peer`` is the name of the person that the reader mainly talks to.

    ``peer_number`` is the bank's public number of that person, empty for customers.
    ``kyc_unlocked`` is true once every mandatory track is on disk. ``reason`` is a CallEnd word when
    ``phase`` is ``ended``. ``grace_s`` is the time left for a dropped party, None when nobody is.
    ``parties`` are the people whom the reader may know of, itself included, in the order of coming.
    ``host`` leads the conversation, ``sharing`` shows its screen; ``inviting`` names whom a ring goes to
    that was not answered yet (an agent's name, a skill, or ``anybody``), empty when nobody. ``seat`` is the
    reader's; None tells staff that they have left, whatever becomes of the call.
    """

    tag: ClassVar[str] = "call_state"
    call: CallId
    case: CaseId
    phase: CallPhase
    peer: str
    active_s: float
    recording: bool
    kyc_unlocked: bool
    reason: str | None = None
    grace_s: float | None = None
    seat: SeatId | None = None
    host: SeatId | None = None
    sharing: SeatId | None = None
    inviting: str = ""
    parties: tuple[PartySeen, ...] = ()
    peer_number: str = ""


@dataclass(frozen=True, slots=True)
class StillWanted(Message):
    """To the customer: take this picture and upload it under this id; ``at_once`` without framing."""

    tag: ClassVar[str] = "still_wanted"
    request: EvidenceId
    kind: EvidenceKind
    at_once: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """A word with its text in both languages; ``outcome`` is what a reason to abort forces."""

    id: str
    zh: str
    en: str
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class StepSeen:
    """A step of the script as it stands.

    ``state`` is ``open``, ``locked``, ``waiting`` (for the phone or a check), ``passed``, ``review``,
    ``failed``, ``waived`` or ``skipped`` (its branch was not taken). ``lock`` says why it is locked:
    ``recording``, ``call`` or the id of a step that comes first. ``check`` is the word of the check that
    fulfils it, empty when it is settled by hand with one of ``answers``, or plainly when there are none.
    """

    id: str
    zh: str
    en: str
    state: str
    lock: str
    check: str
    mandatory: bool
    waivable: bool
    answers: tuple[Choice, ...]
    answer: str


@dataclass(frozen=True, slots=True)
class Script(Message):
    """To the staff of a call: the policy's script as it stands, after every change.

    ``complete``: every mandatory step is passed, under review, waived or skipped, so that ``passed`` may
    be decided. ``worksheet``: the features of documents that are looked for, None where none are.
    """

    tag: ClassVar[str] = "script"
    call: CallId
    steps: tuple[StepSeen, ...]
    complete: bool
    abort_reasons: tuple[Choice, ...]
    tags: tuple[Choice, ...]
    next_actions: tuple[Choice, ...]
    worksheet: Worksheet | None = None


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody who could be invited."""

    account: AccountId
    name: str
    presence: Presence
    skills: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Colleagues(Message):
    """The other agents of the tenant who are signed in, and the skills that one can ask for."""

    tag: ClassVar[str] = "colleagues"
    agents: tuple[Colleague, ...]
    skills: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BoardAgent:
    """An agent on the wallboard."""

    account: AccountId
    name: str
    presence: Presence
    reason: str
    since_s: float
    call: CallId | None
    answered: int
    refused: int


@dataclass(frozen=True, slots=True)
class BoardWaiting:
    """A waiting customer on the wallboard."""

    call: CallId
    case: CaseId
    name: str
    skill: str
    language: str
    vip: bool
    waited_s: float
    ringing: AccountId | None
    only: AccountId | None


@dataclass(frozen=True, slots=True)
class BoardCall:
    """A conversation on the wallboard."""

    call: CallId
    case: CaseId
    customer: str
    host: AccountId | None
    phase: CallPhase
    active_s: float
    parties: int
    trouble: str


@dataclass(frozen=True, slots=True)
class Wallboard(Message):
    """To supervisors, at most 2 s old. Counts and means are of the last 24 hours.

    ``service_level`` is the share (0 to 1) of customers answered within ``target_s``, None before the
    first. ``alarms`` are machine words.
    """

    tag: ClassVar[str] = "wallboard"
    waiting: int
    longest_wait_s: float
    in_call: int
    answered: int
    abandoned: int
    handle_s: float | None
    service_level: float | None
    target_s: float
    alarms: tuple[str, ...]
    agents: tuple[BoardAgent, ...]
    queue: tuple[BoardWaiting, ...]
    calls: tuple[BoardCall, ...]


@dataclass(frozen=True, slots=True)
class FactNoted(Message):
    """A journal entry of the case: for staff as the journal holds it, for customers sealed anew.

    Theirs are numbered from 1 without a gap, the same at every return, and hang on no other entry.
    """

    tag: ClassVar[str] = "fact"
    entry: Entry


@dataclass(frozen=True, slots=True)
class Pong(Message):
    """Answer to ``ping``."""

    tag: ClassVar[str] = "pong"
    sent_at: float


@dataclass(frozen=True, slots=True)
class Failed(Message):
    """A request was not granted; ``code`` is the machine word that the page translates."""

    tag: ClassVar[str] = "error"
    code: str
    text: str
    about: str | None = None


@dataclass(frozen=True, slots=True)
class Bye(Message):
    """Last message before the server closes the socket."""

    tag: ClassVar[str] = "bye"
    code: str
