"""Facts about media, the recording and what becomes of it; read them through ``contract.facts``."""

from dataclasses import dataclass

from contract.fact import Fact
from contract.ids import AccountId, CallId, JobId, SeatId, TrackId
from contract.phases import Completeness, Role, Template, TrackKind, TrackSource, Verdict


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
class TrackStalled(Fact):
    """No packet of a track that is promised came for ``still_s`` seconds, while its connection lives."""

    call: CallId
    track: TrackId
    seat: SeatId
    source: TrackSource
    still_s: float


@dataclass(frozen=True, slots=True)
class TrackResumed(Fact):
    """Packets of a track that was stalled come again, or it is no longer promised."""

    call: CallId
    track: TrackId
    seat: SeatId
    source: TrackSource


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
    """The recorder could not keep up or could not write. A ``RecordingStarted`` of the track ends it.

    ``what`` is ``disk_full``, ``disk_slow`` (a sync hangs), ``behind`` (what came three seconds ago is not
    on disk), ``write_failed``, ``queue_full``, or ``failed``: the track is given up.
    Dropped is what :class:`RecordingStopped` counts, so far; ``queue_full`` and ``behind`` tell of packets
    alone.
    """

    call: CallId
    track: TrackId
    what: str
    dropped_frames: int
    dropped_packets: int = 0


@dataclass(frozen=True, slots=True)
class ClockStepped(Fact):
    """The machine's clock was set while the call was recorded, whose times go on as before.

    It is ``seconds`` ahead of the record's now, behind for less than 0; 0 when it is right again.
    """

    call: CallId
    seconds: float


@dataclass(frozen=True, slots=True)
class CaseRecovered(Fact):
    """After a crash: what was found on disk was sealed and the call was closed."""

    call: CallId
    segments: int
    seconds_kept: float


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
class LaneKept:
    """How long one source of one seat was in which state; together that is the length of the call.

    ``seat`` is None where nothing tells who was missing; the states are those of ``recordings.ledger``.
    """

    call: CallId
    seat: SeatId | None
    role: Role
    source: TrackSource
    media_s: float
    muted_s: float
    held_s: float
    camera_off_s: float
    lost_s: float
    reconnecting_s: float
    absent_s: float


@dataclass(frozen=True, slots=True)
class StepKept:
    """Whether a step of the policy was recorded whole; ``lost_s`` is what is missing of its time.

    ``since_at`` and ``until_at``, seconds UTC, are None where nothing of it happened in a call.
    """

    step: str
    mandatory: bool
    kept: Completeness
    since_at: float | None
    until_at: float | None
    lost_s: float


@dataclass(frozen=True, slots=True)
class GapsAccounted(Fact):
    """Every moment of every track was accounted for; ``file`` has the stretches.

    Of no step more than ``loss_s`` seconds may be lost.
    """

    file: str
    sha256: str
    bytes: int
    loss_s: float
    lanes: tuple[LaneKept, ...]
    steps: tuple[StepKept, ...]


@dataclass(frozen=True, slots=True)
class MadeFile:
    """A file that was made beside the merged one; ``kind`` as in docs/records.md."""

    kind: str
    file: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class MergeCompleted(Fact):
    """One seekable file holds the call.

    ``gap_s`` is the sum over tracks of time without media inside the call; ``speed`` is recorded
    seconds per second of work. ``utc_offset_s`` is the local time that was burnt in, seconds east of UTC.
    """

    job: JobId
    file: str
    sha256: str
    bytes: int
    seconds: float
    gap_s: float
    speed: float
    template: Template = Template.ROLES
    utc_offset_s: int = 0
    files: tuple[MadeFile, ...] = ()


@dataclass(frozen=True, slots=True)
class RenderRequested(Fact):
    """Somebody wants the archived tracks rendered anew, with this template, for this reason."""

    account: AccountId
    template: Template
    pii_reason: str


@dataclass(frozen=True, slots=True)
class RenderCompleted(Fact):
    """The archived tracks were rendered anew; ``speed`` as in MergeCompleted.

    The same template gives the same bytes again: then ``file`` is the one that was there.
    """

    job: JobId
    template: Template
    file: str
    sha256: str
    bytes: int
    seconds: float
    speed: float


@dataclass(frozen=True, slots=True)
class ArchiveWritten(Fact):
    """Every file of the manifest was uploaded. ``signed_by`` names the key, as ``recordings.signature``."""

    archive: str
    manifest_sha256: str
    objects: int
    bytes: int
    signed_by: str = ""


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
class RecordExported(Fact):
    """The whole record was written into a bundle with the journal up to this fact. A reason is demanded.

    ``pii_by`` is who says so at the command line: a person with access to the machine, not an account.
    ``file`` is the film as it was added to the bundle, with who, when and why in its pictures; empty where
    the record has no film, and in journals of before.
    """

    pii_by: str
    pii_reason: str
    manifest_sha256: str
    file: str = ""
    sha256: str = ""
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class AuditSigned(Fact):
    """An auditor, who was not the agent, gave the verdict on the record with this manifest.

    ``proposed_by`` is who proposed an approval against which something speaks; this auditor confirmed it.
    ``agreed_with`` is who gave the same verdict before, which this auditor did not see.
    """

    auditor: AccountId
    verdict: Verdict
    pii_reason: str
    manifest_sha256: str
    proposed_by: AccountId | None = None
    agreed_with: AccountId | None = None
