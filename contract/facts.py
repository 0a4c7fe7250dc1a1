"""Facts: what happened in a case, in the past tense, append only.

Each fact becomes an :class:`Entry` of the case's journal with a sequence number, a time and the
SHA-256 of the entry before it. ``FACTS`` maps the tag that stands in the file to the class.
"""

import hashlib
from dataclasses import dataclass
from typing import Any, ClassVar

from contract import codec
from contract.errors import ProtocolError
from contract.ids import (
    AccountId,
    CallId,
    CaseId,
    CheckId,
    EvidenceId,
    JobId,
    SeatId,
    TenantId,
    TicketId,
    TrackId,
)
from contract.phases import (
    CallEnd,
    CallPhase,
    CaseEnd,
    CasePhase,
    CheckVerdict,
    EvidenceKind,
    Outcome,
    RingEnd,
    Role,
    TrackKind,
    TrackSource,
    Verdict,
)

# The hash "before" the first entry of every journal.
GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class Fact:
    """Base of all facts. ``customer_visible`` facts are also sent to the customer's page."""

    customer_visible: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class CaseCreated(Fact):
    """A case was opened for a customer."""

    tenant: TenantId
    purpose: str
    policy: str
    pii_customer_name: str


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
    """The customer agreed; ``subjects`` such as ``recording``, ``biometrics``."""

    customer_visible: ClassVar[bool] = True
    subjects: tuple[str, ...]
    text_version: str
    language: str


@dataclass(frozen=True, slots=True)
class CaseAdvanced(Fact):
    """The case moved to another phase. ``reason`` is set for endings only."""

    customer_visible: ClassVar[bool] = True
    was: CasePhase
    now: CasePhase
    reason: CaseEnd | None = None


@dataclass(frozen=True, slots=True)
class RingStarted(Fact):
    """An agent's console began to ring for this case."""

    call: CallId
    agent: AccountId


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
class MediaConnected(Fact):
    """ICE and DTLS of a seat's peer connection are up."""

    call: CallId
    seat: SeatId


# The reason of a MediaLost whose seat may offer again at once: another worker will take it.
WORKER_LOST = "worker_lost"


@dataclass(frozen=True, slots=True)
class MediaLost(Fact):
    """A seat's peer connection failed or closed without being asked to; ``reason`` is a machine word."""

    call: CallId
    seat: SeatId
    reason: str


@dataclass(frozen=True, slots=True)
class MediaMissing(Fact):
    """Promised media did not arrive in time; ``missing`` as ``microphone`` or ``camera``."""

    call: CallId
    seat: SeatId
    missing: tuple[str, ...]
    waited_s: float


@dataclass(frozen=True, slots=True)
class TrackStarted(Fact):
    """The first frame of a track passed the open gate."""

    call: CallId
    track: TrackId
    seat: SeatId
    role: Role
    kind: TrackKind
    source: TrackSource
    codec: str
    clock_rate: int


@dataclass(frozen=True, slots=True)
class TrackEnded(Fact):
    """No more packets of this track will come. ``lost`` counts those that were given up."""

    call: CallId
    track: TrackId
    frames: int
    lost: int = 0


@dataclass(frozen=True, slots=True)
class QualityMeasured(Fact):
    """Transport quality of a seat over the last interval. Loss is a fraction of 0 to 1.

    ``up`` is from the seat to the server. ``lost_up`` packets stayed lost after every retransmission.
    A freeze is a picture that stood longer than its rhythm (W3C webrtc-stats ``freezeCount``).
    ``limit_kbps`` is what the slowest receiver of this seat's picture says that it can take.
    """

    call: CallId
    seat: SeatId
    interval_s: float
    rtt_ms: float | None
    loss_up: float
    loss_down: float
    jitter_ms: float
    kbps_up: float
    kbps_down: float
    fps_up: float
    freezes_up: int
    frozen_s_up: float
    lost_up: int
    limit_kbps: float | None
    dropped_packets: int


@dataclass(frozen=True, slots=True)
class PlaybackReported(Fact):
    """How this seat's page showed and played the others, in its own words; see ``wire.Playback``."""

    call: CallId
    seat: SeatId
    interval_s: float
    fps: float
    freezes: int
    frozen_s: float
    concealed_s: float


@dataclass(frozen=True, slots=True)
class RecordingStarted(Fact):
    """The first frame of this track is on disk, synced."""

    call: CallId
    track: TrackId
    role: Role
    kind: TrackKind


@dataclass(frozen=True, slots=True)
class SegmentSealed(Fact):
    """A segment got its final name. Times are seconds UTC of its first and last frame.

    ``lost`` counts the packets that never came while it was written.
    """

    call: CallId
    track: TrackId
    index: int
    file: str
    sha256: str
    bytes: int
    frames: int
    first_at: float
    last_at: float
    lost: int = 0
    recovered: bool = False


@dataclass(frozen=True, slots=True)
class RecordingStopped(Fact):
    """Every segment of this track is sealed.

    ``dropped_frames`` came whole but were not recorded; ``dropped_packets`` found no room in the recorder,
    so nobody knows how many frames they were.
    """

    call: CallId
    track: TrackId
    segments: int
    frames: int
    dropped_frames: int
    dropped_packets: int = 0


@dataclass(frozen=True, slots=True)
class RecorderTroubled(Fact):
    """The recorder could not keep up or could not write; ``what`` is a machine word.

    Dropped is what :class:`RecordingStopped` counts, so far; ``queue_full`` tells of packets alone.
    """

    call: CallId
    track: TrackId
    what: str
    dropped_frames: int
    dropped_packets: int = 0


@dataclass(frozen=True, slots=True)
class CaseRecovered(Fact):
    """After a crash: what was found on disk was sealed and the call was closed."""

    call: CallId
    segments: int
    seconds_kept: float


@dataclass(frozen=True, slots=True)
class ChatSaid(Fact):
    """A chat line."""

    customer_visible: ClassVar[bool] = True
    call: CallId
    seat: SeatId
    role: Role
    pii_text: str


@dataclass(frozen=True, slots=True)
class StillRequested(Fact):
    """The agent asked the customer's phone for a picture."""

    customer_visible: ClassVar[bool] = True
    call: CallId
    request: EvidenceId
    kind: EvidenceKind


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


@dataclass(frozen=True, slots=True)
class MergeQueued(Fact):
    """The recording waits for a worker."""

    job: JobId


@dataclass(frozen=True, slots=True)
class MergeStarted(Fact):
    """A worker took the recording."""

    job: JobId
    worker: str
    attempt: int


@dataclass(frozen=True, slots=True)
class MergeFailed(Fact):
    """An attempt failed; ``will_retry`` tells whether another follows."""

    job: JobId
    attempt: int
    reason: str
    will_retry: bool


@dataclass(frozen=True, slots=True)
class MergeCompleted(Fact):
    """One seekable file holds the call.

    ``gap_s`` is the sum over tracks of time without media inside the call; ``speed`` is recorded
    seconds per second of work.
    """

    job: JobId
    file: str
    sha256: str
    bytes: int
    seconds: float
    gap_s: float
    speed: float


@dataclass(frozen=True, slots=True)
class ArchiveWritten(Fact):
    """Every file of the manifest was uploaded."""

    archive: str
    manifest_sha256: str
    objects: int
    bytes: int


@dataclass(frozen=True, slots=True)
class ArchiveVerified(Fact):
    """Every object was read back and its SHA-256 compared."""

    manifest_sha256: str
    objects: int
    bytes: int


@dataclass(frozen=True, slots=True)
class SpoolReleased(Fact):
    """The local copy was deleted, after verification only."""

    bytes: int


@dataclass(frozen=True, slots=True)
class RecordViewed(Fact):
    """Somebody opened a file of the record."""

    account: AccountId
    file: str


@dataclass(frozen=True, slots=True)
class AuditSigned(Fact):
    """An auditor, who was not the agent, gave the verdict on the record with this manifest."""

    auditor: AccountId
    verdict: Verdict
    pii_reason: str
    manifest_sha256: str


FACTS: dict[str, type[Fact]] = {cls.__name__: cls for cls in Fact.__subclasses__()}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a journal. ``at`` is seconds UTC, rounded to a microsecond."""

    seq: int
    at: float
    case: CaseId
    fact: Fact
    prev: str
    hash: str

    @property
    def name(self) -> str:
        """Return the fact's tag."""
        return type(self.fact).__name__


def _body(seq: int, at: float, case: CaseId, fact: Fact, prev: str) -> dict[str, Any]:
    return {
        "seq": seq,
        "at": at,
        "case": case,
        "name": type(fact).__name__,
        "fact": codec.dump(fact),
        "prev": prev,
    }


def seal_entry(seq: int, at: float, case: CaseId, fact: Fact, prev: str) -> Entry:
    """Return the entry that follows the entry with hash ``prev``."""
    at = round(at, 6)
    digest = hashlib.sha256(codec.canonical(_body(seq, at, case, fact, prev))).hexdigest()
    return Entry(seq, at, case, fact, prev, digest)


def dump_entry(entry: Entry) -> bytes:
    """Return the journal line of ``entry``, without the line feed."""
    body = _body(entry.seq, entry.at, entry.case, entry.fact, entry.prev)
    return codec.canonical(body | {"hash": entry.hash})


def load_entry(data: Any) -> Entry:
    """Return the entry that a parsed journal line holds; its hash is checked against its content.

    Raises:
        ProtocolError: unknown fact, wrong form, or the hash does not fit.
    """
    if not isinstance(data, dict) or data.get("name") not in FACTS:
        raise ProtocolError("journal line: not a known fact")
    try:
        fact = codec.load(FACTS[data["name"]], data["fact"])
        entry = seal_entry(data["seq"], data["at"], data["case"], fact, data["prev"])
        claimed = data["hash"]
    except (KeyError, TypeError) as error:
        raise ProtocolError("journal line: wrong form") from error
    if entry.hash != claimed:
        raise ProtocolError(f"journal line {entry.seq}: its hash does not fit its content")
    return entry
