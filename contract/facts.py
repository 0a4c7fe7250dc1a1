"""Facts: what happened in a case, in the past tense, append only.

Each fact becomes an :class:`Entry` of the case's journal with a sequence number, a time and the
SHA-256 of the entry before it. ``FACTS`` maps the tag that stands in the file to the class. The facts
of ``contract.record_facts`` and ``contract.place_facts`` belong here as well; those of
``contract.identity_facts``, ``contract.keeping_facts``, ``contract.viewing_facts`` and
``contract.worksheet_facts`` are listed in ``FACTS`` and read from there.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, ClassVar

# All but the codec are named for their facts, which stand in FACTS.
from contract import codec, identity_facts, keeping_facts, viewing_facts, worksheet_facts  # noqa: F401
from contract.audit_facts import AuditDrawn, AuditReopened, OverrideProposed, VerdictGiven
from contract.errors import ProtocolError
from contract.fact import Fact
from contract.ids import AccountId, CallId, CaseId, CheckId, EvidenceId, SeatId, TenantId, TicketId
from contract.phases import (
    CallEnd,
    CallPhase,
    Capture,
    CaseEnd,
    CasePhase,
    CheckVerdict,
    EvidenceKind,
    Outcome,
    RingEnd,
    Role,
    SeatMode,
    StepResult,
)
from contract.place_facts import LocationTold, NetworkSeen
from contract.record_facts import (
    WORKER_LOST,
    ArchiveVerified,
    ArchiveWritten,
    AuditSigned,
    CaseRecovered,
    ClockStepped,
    GapsAccounted,
    MediaConnected,
    MediaLost,
    MediaMissing,
    MergeCompleted,
    MergeFailed,
    MergeQueued,
    MergeStarted,
    PlaybackReported,
    QualityMeasured,
    RecorderTroubled,
    RecordExported,
    RecordingStarted,
    RecordingStopped,
    RecordViewed,
    RenderCompleted,
    RenderRequested,
    SegmentSealed,
    SpoolReleased,
    TrackEnded,
    TrackResumed,
    TrackStalled,
    TrackStarted,
)

__all__ = [
    "FACTS", "GENESIS", "WORKER_LOST", "AgentDecided", "AgentDrawn", "ArchiveVerified", "ArchiveWritten",
    "AuditDrawn", "AuditReopened", "AuditSigned", "CallAdvanced", "CallEnded", "CallbackMade",
    "CallbackRequested", "CaptureChanged", "CaseAdvanced", "CaseCreated", "CaseRecovered", "ChatSaid",
    "ClockStepped",
    "ConsentGiven", "DeviceChecked", "Entry", "EvidenceNoted", "EvidenceStored", "FacesCompared", "Fact",
    "FileShared", "GapsAccounted", "HostChanged", "IdNumberChecked", "LocationTold",
    "MediaConnected", "MediaLost", "MediaMissing", "MergeCompleted", "MergeFailed", "MergeQueued",
    "MergeStarted", "NetworkSeen", "ObserverJoined", "ObserverLeft", "OverrideProposed", "PartyDropped",
    "PartyInvited", "PartyJoined", "PartyLeft", "PartyReturned", "PlaybackReported", "QualityMeasured",
    "RecordExported", "RecordViewed", "RecorderTroubled", "RecordingStarted", "RecordingStopped",
    "RenderCompleted", "RenderRequested", "RingEnded", "RingStarted", "SeatModeChanged", "SegmentSealed",
    "ServiceRated", "SpoolReleased", "StepMarked", "StillRequested", "SupervisorActed",
    "TicketIssued", "TicketRedeemed", "TrackEnded", "TrackResumed", "TrackStalled", "TrackStarted",
    "VerdictGiven", "WrapUpNoted", "dump_entry", "load_entry", "seal_entry",
]  # fmt: skip

# The hash "before" the first entry of every journal.
GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class CaseCreated(Fact):
    """A case was opened for a customer."""

    tenant: TenantId
    purpose: str
    policy: str
    pii_customer_name: str
    # The bank's own name for the customer; cases of one customer share it.
    pii_customer_ref: str = ""
    skill: str = ""
    vip: bool = False


@dataclass(frozen=True, slots=True)
class TicketIssued(Fact):
    """A right to take the customer's seat was handed out. ``expires_at`` in seconds UTC."""

    ticket: TicketId
    expires_at: float


@dataclass(frozen=True, slots=True)
class TicketRedeemed(Fact):
    """The ticket was used, once, for this seat."""

    ticket: TicketId
    seat: SeatId


@dataclass(frozen=True, slots=True)
class ConsentGiven(Fact):
    """The customer answered the consents one by one: ``recording``, ``biometrics``, ``location``."""

    customer_visible: ClassVar[bool] = True
    subjects: tuple[str, ...]
    text_version: str
    language: str
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseAdvanced(Fact):
    """The case moved to another phase. ``reason`` is set for endings only."""

    customer_visible: ClassVar[bool] = True
    was: CasePhase
    now: CasePhase
    reason: CaseEnd | None = None


@dataclass(frozen=True, slots=True)
class DeviceChecked(Fact):
    """The customer's page tried camera, microphone, browser and way to the server before the queue.

    ``problems`` are reason codes, empty when all is well. Rates in kbit/s, round trip in ms.
    """

    camera: str
    microphone: str
    browser: str
    uplink_kbps: float | None
    rtt_ms: float | None
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CallbackRequested(Fact):
    """The customer would rather be called back than wait."""

    pii_phone: str
    pii_wish: str


@dataclass(frozen=True, slots=True)
class CallbackMade(Fact):
    """A member of staff takes the request to be called back; the conversation is to be in ``follow_up``."""

    agent: AccountId
    follow_up: CaseId


@dataclass(frozen=True, slots=True)
class AgentDrawn(Fact):
    """An agent was chosen at random: ``candidates[int(random_hex, 16) % len(candidates)]``."""

    call: CallId
    candidates: tuple[AccountId, ...]
    chosen: AccountId
    random_hex: str


@dataclass(frozen=True, slots=True)
class RingStarted(Fact):
    """An agent's console began to ring for this case; ``role`` is the part to be taken in the call."""

    call: CallId
    agent: AccountId
    role: Role = Role.AGENT


@dataclass(frozen=True, slots=True)
class RingEnded(Fact):
    """The ring ended."""

    call: CallId
    agent: AccountId
    how: RingEnd


@dataclass(frozen=True, slots=True)
class CallAdvanced(Fact):
    """The call moved to another phase; ``was`` is None when the call came to be."""

    customer_visible: ClassVar[bool] = True
    call: CallId
    was: CallPhase | None
    now: CallPhase


@dataclass(frozen=True, slots=True)
class CallEnded(Fact):
    """The call is over. ``seconds`` counts from ACTIVE to the end, 0 when it never was active."""

    customer_visible: ClassVar[bool] = True
    call: CallId
    reason: CallEnd
    seconds: float


@dataclass(frozen=True, slots=True)
class PartyJoined(Fact):
    """A party took its seat in the call; the recorder too, with role ``system``."""

    customer_visible: ClassVar[bool] = True
    call: CallId
    seat: SeatId
    role: Role
    name: str
    account: AccountId | None = None


@dataclass(frozen=True, slots=True)
class PartyLeft(Fact):
    """A party gave up its seat."""

    customer_visible: ClassVar[bool] = True
    call: CallId
    seat: SeatId


@dataclass(frozen=True, slots=True)
class PartyDropped(Fact):
    """A party's socket was lost; its seat is kept until ``grace_ends_at`` (seconds UTC)."""

    customer_visible: ClassVar[bool] = True
    call: CallId
    seat: SeatId
    grace_ends_at: float


@dataclass(frozen=True, slots=True)
class PartyReturned(Fact):
    """A dropped party is back in its seat."""

    customer_visible: ClassVar[bool] = True
    call: CallId
    seat: SeatId


@dataclass(frozen=True, slots=True)
class PartyInvited(Fact):
    """A second agent was asked for: by name (``target``), by ``skill``, or anybody.

    ``private``: talks to staff first, the customer on hold. ``transfer``: the one who asks leaves at once.
    """

    call: CallId
    by: AccountId
    target: AccountId | None
    skill: str
    private: bool
    transfer: bool
    pii_note: str


@dataclass(frozen=True, slots=True)
class ObserverJoined(Fact):
    """A member of staff came in whom the customer neither sees nor hears, or not yet."""

    call: CallId
    seat: SeatId
    role: Role
    name: str
    account: AccountId
    mode: SeatMode


@dataclass(frozen=True, slots=True)
class ObserverLeft(Fact):
    """A member of staff who was not talking to the customer left."""

    call: CallId
    seat: SeatId


@dataclass(frozen=True, slots=True)
class SeatModeChanged(Fact):
    """A member of staff takes part otherwise; to ``TALKING`` a :class:`PartyJoined` follows."""

    call: CallId
    seat: SeatId
    was: SeatMode
    now: SeatMode


@dataclass(frozen=True, slots=True)
class HostChanged(Fact):
    """Somebody else leads the conversation: runs the script and decides. None: nobody at the moment.

    ``name`` is that of ``now``.
    """

    call: CallId
    was: AccountId | None
    now: AccountId | None
    name: str = ""


@dataclass(frozen=True, slots=True)
class CaptureChanged(Fact):
    """A party's microphone or camera is on, off, or was taken away by the device."""

    customer_visible: ClassVar[bool] = True
    call: CallId
    seat: SeatId
    microphone: Capture
    camera: Capture


@dataclass(frozen=True, slots=True)
class SupervisorActed(Fact):
    """A supervisor intervened: ``moved_up``, ``reassigned``, ``force_ended`` or ``took_over``."""

    call: CallId
    supervisor: AccountId
    action: str
    target: AccountId | None
    pii_reason: str


@dataclass(frozen=True, slots=True)
class ChatSaid(Fact):
    """A chat line."""

    customer_visible: ClassVar[bool] = True
    call: CallId
    seat: SeatId
    role: Role
    pii_text: str


@dataclass(frozen=True, slots=True)
class FileShared(Fact):
    """A party sent a file; ``file`` is relative to the case's folder, ``media_type`` what it really is."""

    customer_visible: ClassVar[bool] = True
    call: CallId
    seat: SeatId
    role: Role
    evidence: EvidenceId
    pii_name: str
    file: str
    media_type: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class EvidenceNoted(Fact):
    """An agent wrote to a picture what it shows; the newest note stands."""

    evidence: EvidenceId
    pii_note: str
    tags: tuple[str, ...]
    agent: AccountId


@dataclass(frozen=True, slots=True)
class StepMarked(Fact):
    """A step of the script was settled by hand; ``answer`` is one of the step's words, if it asks."""

    step: str
    result: StepResult
    answer: str
    pii_reason: str
    agent: AccountId


@dataclass(frozen=True, slots=True)
class WrapUpNoted(Fact):
    """The agent's form after the conversation; ``seconds`` from the end of the call."""

    agent: AccountId
    tags: tuple[str, ...]
    next_action: str
    pii_note: str
    seconds: float


@dataclass(frozen=True, slots=True)
class ServiceRated(Fact):
    """The customer's opinion afterwards: 1 to 5 stars."""

    stars: int
    pii_comment: str


@dataclass(frozen=True, slots=True)
class StillRequested(Fact):
    """The agent asked the customer's phone for a picture."""

    customer_visible: ClassVar[bool] = True
    call: CallId
    request: EvidenceId
    kind: EvidenceKind
    at_once: bool = False


@dataclass(frozen=True, slots=True)
class EvidenceStored(Fact):
    """An immutable picture is on disk, bound to this second of the call by its hash.

    ``source`` is ``phone``, ``stream`` or ``derived``; ``sharpness`` the variance of the Laplacian.
    """

    customer_visible: ClassVar[bool] = True
    evidence: EvidenceId
    kind: EvidenceKind
    file: str
    media_type: str
    sha256: str
    bytes: int
    width: int
    height: int
    sharpness: float
    source: str


@dataclass(frozen=True, slots=True)
class IdNumberChecked(Fact):
    """GB 11643 rules were applied to a number. ``failures`` are machine words, empty when passed."""

    check: CheckId
    pii_number: str
    verdict: CheckVerdict
    failures: tuple[str, ...]
    region: str
    birth_date: str
    agent: AccountId


@dataclass(frozen=True, slots=True)
class FacesCompared(Fact):
    """Portrait and live still were compared. ``score`` is higher for more alike.

    ``score`` is None when no comparison was possible; ``reason`` then says why.
    """

    check: CheckId
    card: EvidenceId
    still: EvidenceId
    portrait: EvidenceId | None
    pack: str
    detector_sha256: str
    model_sha256: str
    score: float | None
    threshold: float
    review_threshold: float
    verdict: CheckVerdict
    reason: str
    agent: AccountId


@dataclass(frozen=True, slots=True)
class AgentDecided(Fact):
    """The agent closed the conversation with a result."""

    agent: AccountId
    outcome: Outcome
    reason: str
    pii_note: str


FACTS: dict[str, type[Fact]] = {cls.__name__: cls for cls in Fact.__subclasses__()}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a journal. ``at`` is seconds UTC, rounded to a microsecond.

    ``written`` is the fact's canonical JSON where an earlier version of it stands in the line, without
    fields that came later: the hash is of what was written, not of what it would be today.
    """

    seq: int
    at: float
    case: CaseId
    fact: Fact
    prev: str
    hash: str
    written: bytes | None = None

    @property
    def name(self) -> str:
        """Return the fact's tag."""
        return type(self.fact).__name__


def _body(seq: int, at: float, case: CaseId, name: str, fact: Any, prev: str) -> dict[str, Any]:
    return {"seq": seq, "at": at, "case": case, "name": name, "fact": fact, "prev": prev}


def seal_entry(seq: int, at: float, case: CaseId, fact: Fact, prev: str) -> Entry:
    """Return the entry that follows the entry with hash ``prev``."""
    at = round(at, 6)
    body = _body(seq, at, case, type(fact).__name__, codec.dump(fact), prev)
    return Entry(seq, at, case, fact, prev, hashlib.sha256(codec.canonical(body)).hexdigest())


def dump_entry(entry: Entry) -> bytes:
    """Return the journal line of ``entry``, without the line feed."""
    fact = codec.dump(entry.fact) if entry.written is None else json.loads(entry.written)
    body = _body(entry.seq, entry.at, entry.case, entry.name, fact, entry.prev)
    return codec.canonical(body | {"hash": entry.hash})


def load_entry(data: Any) -> Entry:
    """Return the entry that a parsed journal line holds; its hash is checked against its content.

    A fact may lack fields that have a default: they were added after it was written.

    Raises:
        ProtocolError: unknown fact, wrong form, or the hash does not fit.
    """
    if not isinstance(data, dict) or data.get("name") not in FACTS:
        raise ProtocolError("journal line: not a known fact")
    try:
        fact = codec.load(FACTS[data["name"]], data["fact"])
        body = _body(data["seq"], data["at"], data["case"], data["name"], data["fact"], data["prev"])
        digest = hashlib.sha256(codec.canonical(body)).hexdigest()
        written = codec.canonical(data["fact"])
        is_as_today = written == codec.canonical(codec.dump(fact))
        seq, at, case, prev = data["seq"], round(data["at"], 6), data["case"], data["prev"]
        entry = Entry(seq, at, case, fact, prev, data["hash"], None if is_as_today else written)
    except (KeyError, TypeError) as error:
        raise ProtocolError("journal line: wrong form") from error
    if (entry.hash, entry.at) != (digest, data["at"]):
        raise ProtocolError(f"journal line {entry.seq}: its hash does not fit its content")
    return entry
