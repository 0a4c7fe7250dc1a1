"""Ports: what one room asks of another, as Protocols. Commands go down through these.

Every awaited method may be given a deadline by its caller (``asyncio.timeout``) and must then leave
nothing half done. Times are seconds UTC (``float``) unless a name says otherwise. Errors are those of
``contract.errors``.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Protocol

from contract.facts import Entry, Fact
from contract.ids import (
    AccountId,
    CallId,
    CaseId,
    EvidenceId,
    JobId,
    SeatId,
    TenantId,
    TicketId,
    TrackId,
)
from contract.phases import (
    CasePhase,
    CheckVerdict,
    EvidenceKind,
    Role,
    TrackKind,
    TrackSource,
)


class Clock(Protocol):
    """Time, injected so that tests can move it."""

    def now(self) -> float:
        """Return seconds UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        ...


# --- the journal -------------------------------------------------------------------------------


class Journal(Protocol):
    """The append-only, hash-chained facts of each case. Several processes may append."""

    async def append(self, case: CaseId, fact: Fact) -> Entry:
        """Append and sync ``fact``; when this returns it is on disk and projected.

        Raises:
            StorageError: it could not be written; nothing was appended.
        """
        ...

    async def read(self, case: CaseId, after: int = 0) -> tuple[Entry, ...]:
        """Return the entries with ``seq > after``, whoever appended them; empty when none.

        Raises:
            StorageError: the chain does not verify.
        """
        ...

    def follow(self, case: CaseId | None = None) -> AbstractAsyncContextManager[AsyncIterator[Entry]]:
        """Yield entries that this process appends from now on, of one case or of all, in order.

        A follower that falls 10,000 entries behind gets a StorageError from its iterator.
        """
        ...


# --- media -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Party:
    """Someone in a call."""

    seat: SeatId
    role: Role
    name: str
    account: AccountId | None = None


class MediaPlane(Protocol):
    """Packets in, packets out. Facts about them go to the journal."""

    async def open_call(self, case: CaseId, call: CallId) -> None:
        """Prepare a call with its gate shut: media is accepted and dropped."""
        ...

    async def answer(self, call: CallId, party: Party, offer: str) -> str:
        """Answer ``party``'s SDP offer; replaces the connection that the seat had before.

        Raises:
            ProtocolError: the offer is not SDP or not the planned m-lines.
            NotFound: no such call.
            MediaError: the connection could not be prepared.
        """
        ...

    async def open_gate(self, call: CallId) -> None:
        """From now on forward media and hand it to the receivers; keyframes are asked for."""
        ...

    async def drop_seat(self, call: CallId, seat: SeatId) -> None:
        """Close the seat's connection and end its tracks. Unknown seats are ignored."""
        ...

    async def close_call(self, call: CallId) -> None:
        """Close everything of the call; sinks are closed when this returns. Idempotent."""
        ...


@dataclass(frozen=True, slots=True)
class TrackInfo:
    """One published stream. ``codec`` is ``VP8``, ``H264`` or ``opus``; ``clock_rate`` in Hz."""

    case: CaseId
    call: CallId
    track: TrackId
    seat: SeatId
    role: Role
    kind: TrackKind
    source: TrackSource
    codec: str
    clock_rate: int


@dataclass(frozen=True, slots=True)
class EncodedFrame:
    """One frame as it came: a whole VP8 frame, an Annex B access unit, or an Opus packet.

    ``timestamp`` is the RTP timestamp, unwrapped so that it only grows within a track (ticks of
    ``clock_rate``); ``arrived_at`` is the server's wall clock when its last packet came. ``after_loss``
    tells that something between this frame and the one before it never came: a picture cannot be
    trusted from here to the next keyframe.
    """

    data: bytes
    timestamp: int
    keyframe: bool
    arrived_at: float
    after_loss: bool = False


@dataclass(frozen=True, slots=True)
class ClockSample:
    """One RTCP sender report: the sender's wall clock ``ntp_at`` at RTP time ``timestamp``."""

    ntp_at: float
    timestamp: int
    arrived_at: float


class Depacketiser(Protocol):
    """Puts one track's RTP packets in order and makes whole frames of them.

    Belongs to whoever was handed it, to be called from one thread of theirs.
    """

    lost: int
    """Packets that the sender numbered and that never came, as far as given up."""

    def push(self, packet: bytes, arrived_at: float) -> Sequence[EncodedFrame]:
        """Take a packet as ``TrackSink.push_packet`` got it; return the frames that are now complete."""
        ...

    def finish(self) -> Sequence[EncodedFrame]:
        """Return the complete frames that were held back behind a gap; no packet comes after this."""
        ...


class TrackSink(Protocol):
    """Takes one track. Calls never block; the sink has its own bound and policy when full.

    It is called on the media path: it keeps a reference and does its work in a thread of its own.
    """

    def push_packet(self, packet: bytes, arrived_at: float) -> None:
        """Take one RTP packet as it came, decrypted; in order of arrival, without duplicates."""
        ...

    def push_clock(self, sample: ClockSample) -> None:
        """Take one clock mapping."""
        ...

    def close(self) -> None:
        """No more packets will come. Idempotent."""
        ...


class MediaReceiver(Protocol):
    """A party of kind ``system`` that is handed every track of a call."""

    def open_track(self, track: TrackInfo, depacketiser: Depacketiser) -> TrackSink:
        """Return the sink for a track that just started; ``depacketiser`` reads its packets."""
        ...


# --- recordings --------------------------------------------------------------------------------


class RecordedCalls(Protocol):
    """The recordings of calls as signaling sees them."""

    async def finish(self, call: CallId) -> None:
        """Return when every segment of the call is sealed and journaled. Idempotent."""
        ...


class CallRecorder(MediaReceiver, RecordedCalls, Protocol):
    """The recorder: takes every track, and brings a call's recording to its end."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """An immutable file of a case; ``file`` is relative to the case's folder, ``/``-separated."""

    evidence: EvidenceId
    case: CaseId
    kind: EvidenceKind
    file: str
    media_type: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class ImageFinding:
    """What a picture is; ``sharpness`` is the variance of the Laplacian at 8 bit grey."""

    media_type: str
    width: int
    height: int
    sharpness: float


class EvidenceStore(Protocol):
    """Writes pictures once, hashed and journaled (``EvidenceStored``)."""

    async def store(
        self,
        case: CaseId,
        evidence: EvidenceId,
        kind: EvidenceKind,
        data: bytes,
        image: ImageFinding,
        source: str,
    ) -> Evidence:
        """Write ``data`` under ``evidence``'s id.

        Raises:
            WrongPhase: this id was stored before.
            StorageError: the disk refused.
        """
        ...

    async def read(self, case: CaseId, evidence: EvidenceId) -> bytes:
        """Return the bytes, hash checked. Raises NotFound or StorageError."""
        ...


@dataclass(frozen=True, slots=True)
class ArchivedObject:
    """An object as the archive reports it."""

    key: str
    bytes: int


class Archive(Protocol):
    """Where records live for years: a directory or an S3 store. Keys are ``tenant/case/path``."""

    name: str

    async def put(self, key: str, path: Path) -> None:
        """Upload the file. An object of the same key and content is left alone.

        Raises:
            StorageError: not stored, or another content has this key.
        """
        ...

    async def stat(self, key: str) -> ArchivedObject | None:
        """Return the object's size, None when there is none."""
        ...

    def read(self, key: str, offset: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """Yield ``length`` bytes from ``offset`` in blocks. Raises NotFound or StorageError."""
        ...

    async def keys(self, prefix: str) -> tuple[str, ...]:
        """Return the keys under ``prefix``, sorted."""
        ...

    async def probe(self) -> None:
        """Write, read back and remove a small object. Raises StorageError with the likely cause."""
        ...


# --- kyc ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class IdNumberFinding:
    """GB 11643 applied to a number. ``failures`` are machine words; ``number`` is normalised."""

    number: str
    verdict: CheckVerdict
    failures: tuple[str, ...]
    region: str
    birth_date: date | None


@dataclass(frozen=True, slots=True)
class FaceFinding:
    """Card portrait against live still.

    ``score`` is higher for more alike, None when a face was missing (``reason``: ``no_face_on_card``,
    ``no_face_on_still``, ``several_faces_on_still``, ``portrait_too_small``). ``portrait`` is the
    JPEG that was cut from the card. ``demo_only`` packs never give ``passed``.
    """

    pack: str
    demo_only: bool
    detector_sha256: str
    model_sha256: str
    score: float | None
    threshold: float
    review_threshold: float
    verdict: CheckVerdict
    reason: str
    portrait: bytes | None
    portrait_image: ImageFinding | None
    seconds: float


class IdentityChecks(Protocol):
    """Pixels to evidence to verdict. Work runs off the event loop behind a bounded queue."""

    async def inspect_image(self, data: bytes) -> ImageFinding:
        """Decode a JPEG or PNG and describe it.

        Raises:
            UserError: ``not_an_image``, ``image_too_small`` or ``image_too_large``.
            Busy: the queue is full.
        """
        ...

    async def check_id_number(self, number: str, on: date) -> IdNumberFinding:
        """Apply GB 11643: form, region, date not after ``on``, check digit."""
        ...

    async def match_faces(self, card: bytes, still: bytes) -> FaceFinding:
        """Compare the portrait on the card with the face on the still.

        Raises:
            UserError: one of the pictures is not an image.
            Busy: the queue is full.
            ModelError: the model failed.
        """
        ...


# --- store -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tenant:
    """A bank or branch organisation. ``code`` stands in links, ``walk_in`` opens the front door."""

    tenant: TenantId
    code: str
    name: str
    walk_in: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """A person who works here."""

    account: AccountId
    tenant: TenantId
    login: str
    name: str
    role: Role
    password_hash: str
    failed_logins: int = 0
    locked_until: float = 0.0
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """A logged-in browser. Only the hash of its token is stored (SHA-256, hex)."""

    token_sha256: str
    account: AccountId
    created_at: float
    seen_at: float
    expires_at: float


class AccountStore(Protocol):
    """Tenants, accounts and sessions."""

    async def add_tenant(self, tenant: Tenant) -> None:
        """Add or replace a tenant."""
        ...

    async def tenant(self, tenant: TenantId) -> Tenant:
        """Return a tenant. Raises NotFound."""
        ...

    async def tenant_by_code(self, code: str) -> Tenant:
        """Return a tenant by its link code. Raises NotFound."""
        ...

    async def add_account(self, account: Account) -> None:
        """Add an account. Raises UserError ``login_taken``."""
        ...

    async def account(self, account: AccountId) -> Account:
        """Return an account. Raises NotFound."""
        ...

    async def account_by_login(self, login: str) -> Account | None:
        """Return the account that logs in with ``login`` (case-insensitive)."""
        ...

    async def note_login(self, account: AccountId, failed_logins: int, locked_until: float) -> None:
        """Store the outcome of a login attempt."""
        ...

    async def note_failed_login(self, account: AccountId, lock_after: int, lock_until: float) -> int:
        """Count one failure atomically, lock at the ``lock_after``-th; return the count."""
        ...

    async def set_password_hash(self, account: AccountId, password_hash: str) -> None:
        """Replace the password hash."""
        ...

    async def add_session(self, session: Session) -> None:
        """Store a session."""
        ...

    async def session(self, token_sha256: str, now: float) -> Session | None:
        """Return a session that has not expired at ``now``, and note it as seen."""
        ...

    async def drop_session(self, token_sha256: str) -> None:
        """Forget a session."""
        ...


class TicketLedger(Protocol):
    """Remembers which tickets were used."""

    async def redeem(self, ticket: TicketId, expires_at: float) -> bool:
        """Return True the first time only, for all processes together."""
        ...


@dataclass(frozen=True, slots=True)
class CaseSummary:
    """A case as lists and searches show it: a projection of its journal."""

    case: CaseId
    tenant: TenantId
    phase: CasePhase
    purpose: str
    policy: str
    pii_customer_name: str
    created_at: float
    updated_at: float
    last_seq: int
    agent: AccountId | None = None
    agent_name: str = ""
    call: CallId | None = None
    call_end: str = ""
    call_s: float | None = None
    outcome: str = ""
    case_end: str = ""
    face_verdict: str = ""
    face_score: float | None = None
    id_verdict: str = ""
    gap_s: float | None = None
    merged_file: str = ""
    manifest_sha256: str = ""
    archived: bool = False
    spool_released: bool = False
    audit_verdict: str = ""
    auditor: AccountId | None = None


class CaseStore(Protocol):
    """The search projection of all journals."""

    async def project(self, entry: Entry) -> None:
        """Fold one entry into its case's row; an entry already folded is ignored."""
        ...

    async def case(self, case: CaseId) -> CaseSummary:
        """Return one case. Raises NotFound."""
        ...

    async def cases(
        self,
        tenant: TenantId,
        *,
        text: str = "",
        phases: tuple[CasePhase, ...] = (),
        agent: AccountId | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> tuple[CaseSummary, ...]:
        """Return cases, newest first, whose id, customer or agent name contains ``text``.

        With ``agent`` only those that this account handled last.
        """
        ...

    async def open_cases(self) -> tuple[CaseSummary, ...]:
        """Return every case in PRE_CALL, QUEUED, IN_CALL or AGENT_DONE: what a crash leaves behind."""
        ...


@dataclass(frozen=True, slots=True)
class Job:
    """A long piece of work. ``state`` is ready, running, done or dead; ``progress`` is 0 to 1."""

    job: JobId
    kind: str
    case: CaseId
    state: str
    attempt: int
    max_attempts: int
    progress: float
    note: str
    error: str
    queued_at: float
    worker: str = ""
    started_at: float | None = None
    finished_at: float | None = None
    args: Mapping[str, str] = field(default_factory=dict)


class LeaseLost(Exception):
    """Another worker has taken the job over; stop working on it."""


class JobQueue(Protocol):
    """Leased jobs in the database: a crashed worker's job is taken over after its lease."""

    async def enqueue(self, kind: str, case: CaseId, args: Mapping[str, str] | None = None) -> JobId:
        """Add a job; a job of the same kind and case that is not dead is returned instead."""
        ...

    async def claim(self, worker: str, lease_s: float) -> Job | None:
        """Take the oldest ready or abandoned job."""
        ...

    async def beat(self, job: Job, progress: float, note: str, lease_s: float) -> None:
        """Report progress and extend the lease. Raises LeaseLost."""
        ...

    async def complete(self, job: Job) -> None:
        """Mark as done. Raises LeaseLost."""
        ...

    async def fail(self, job: Job, error: str, retry_in_s: float) -> bool:
        """Note the failure; return whether the job will be tried again. Raises LeaseLost."""
        ...

    async def for_case(self, case: CaseId) -> tuple[Job, ...]:
        """Return the jobs of a case, oldest first."""
        ...
