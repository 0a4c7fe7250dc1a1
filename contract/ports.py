"""Ports: what one room asks of another, as Protocols. Commands go down through these.

Every awaited method may be given a deadline by its caller (``asyncio.timeout``) and must then leave
nothing half done. Times are seconds UTC (``float``) unless a name says otherwise. Errors are those of
``contract.errors``.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Protocol

from contract.audit_ports import AuditClaim, AuditLoad, AuditQueue, LookCount
from contract.facts import Entry, Fact
from contract.ids import (
    AccountId,
    CallId,
    CaseId,
    EvidenceId,
    SeatId,
    TrackId,
)
from contract.keeping_ports import Keeping, KeepingStore, KeyStore, WrappedKey
from contract.phases import (
    CheckVerdict,
    EvidenceKind,
    NetworkKind,
    Role,
    TrackKind,
    TrackSource,
)
from contract.store_ports import (
    Account,
    AccountStore,
    CaseFlag,
    CaseMark,
    CasePage,
    CaseQuery,
    CaseStore,
    CaseSummary,
    CustomerHistory,
    Job,
    JobQueue,
    LeaseLost,
    SavedView,
    Session,
    Tenant,
    TicketLedger,
    ViewStore,
)

__all__ = [
    "Account",
    "AccountStore",
    "Archive",
    "ArchivedObject",
    "AuditClaim",
    "AuditLoad",
    "AuditQueue",
    "CallRecorder",
    "CaseFlag",
    "CaseMark",
    "CasePage",
    "CaseQuery",
    "CaseStore",
    "CaseSummary",
    "Clock",
    "ClockSample",
    "CustomerHistory",
    "Depacketiser",
    "EncodedFrame",
    "Evidence",
    "EvidenceStore",
    "FaceFinding",
    "IdNumberFinding",
    "IdentityChecks",
    "ImageFinding",
    "Job",
    "JobQueue",
    "Journal",
    "Keeping",
    "KeepingStore",
    "KeyStore",
    "LeaseLost",
    "LookCount",
    "MediaPlane",
    "MediaReceiver",
    "NetworkFinding",
    "NetworkLookup",
    "Party",
    "RecordedCalls",
    "SavedView",
    "SeatRoute",
    "Session",
    "Slot",
    "Tenant",
    "TicketLedger",
    "TrackInfo",
    "TrackSink",
    "ViewStore",
    "WrappedKey",
]


class Clock(Protocol):
    """Time, injected so that tests can move it."""

    def now(self) -> float:
        """Return seconds UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        ...


# --- networks ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NetworkFinding:
    """What is known of an address.

    ``country`` is ISO 3166-1 alpha-2 and ``operator`` a name, both empty when unknown. ``source`` names
    the databases that were asked, with the dates on which they were built.
    """

    country: str = ""
    kind: NetworkKind = NetworkKind.UNKNOWN
    operator: str = ""
    source: tuple[str, ...] = ()


class NetworkLookup(Protocol):
    """Knows networks by heart: never waits, never raises."""

    def look_up(self, address: str) -> NetworkFinding:
        """Return what is known of an IP address; of anything else nothing is."""
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
    """Someone in a call; ``number`` is the bank's public number of a member of staff."""

    seat: SeatId
    role: Role
    name: str
    account: AccountId | None = None
    number: str = ""


@dataclass(frozen=True, slots=True)
class Slot:
    """Whose ``sound`` and ``picture`` one pair of a seat's receiving lines carries."""

    seat: SeatId
    sound: bool = True
    picture: bool = True


@dataclass(frozen=True, slots=True)
class SeatRoute:
    """What one seat may send and what it gets.

    ``publishes``: False drops at once whatever comes from this seat. ``recorded``: whether the receivers
    (recorder, sampler) are handed its tracks. ``promises``: the sources that must arrive in time.
    ``slots`` are the receiving lines in the order of the plan; a seat that is in nobody's slots is heard
    and seen by nobody. ``screen`` is the seat whose shared screen this one sees.
    """

    seat: SeatId
    publishes: bool
    recorded: bool
    promises: tuple[TrackSource, ...]
    slots: tuple[Slot | None, ...]
    screen: SeatId | None


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

    async def arrange(self, call: CallId, routes: Sequence[SeatRoute]) -> None:
        """Replace who sends what to whom; when this returns, no packet goes another way any more.

        A seat without a route sends and gets nothing; nor does anybody before the first arrangement. A
        track that is no longer recorded ends, and starts anew as another track when it is again.

        Raises:
            NotFound: no such call.
            MediaError: the call could not be rearranged; the former arrangement stands.
        """
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
    """Writes pictures and shared files once, hashed; ``store`` journals ``EvidenceStored``."""

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

    async def store_file(
        self, case: CaseId, evidence: EvidenceId, data: bytes, media_type: str, suffix: str
    ) -> Evidence:
        """Write a shared file; journaling is the caller's, who knows the call. ``suffix`` as ``.pdf``.

        Raises:
            WrongPhase: this id was stored before.
            StorageError: the disk refused.
        """
        ...

    async def withdraw(self, case: CaseId, evidence: EvidenceId) -> None:
        """Take back a shared file that no fact names, because it could not be journaled. Idempotent."""
        ...

    async def read(self, case: CaseId, evidence: EvidenceId) -> bytes:
        """Return the bytes, hash checked. Raises NotFound or StorageError."""
        ...


@dataclass(frozen=True, slots=True)
class ArchivedObject:
    """An object as it lies in the archive; ``sha256`` (hex) is known when it was just put."""

    key: str
    bytes: int
    sha256: str = ""


class Archive(Protocol):
    """Where records live for years: a directory or an S3 store. Keys are ``tenant/case/path``."""

    name: str

    async def put(self, key: str, path: Path) -> ArchivedObject:
        """Upload the file and return what lies there. An object of the same key and content is left alone.

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

    async def keep(self, prefix: str, until: float | None, *, held: bool) -> None:
        """Refuse from now on to delete what lies under ``prefix``: before ``until`` (seconds UTC; None: no
        date, the store's own shortest lock begins anew), and for as long as it is ``held``. A date never
        goes back. A store that cannot lock does what it can; see docs/records.md.
        """
        ...

    async def remove(self, prefix: str, but: frozenset[str]) -> tuple[str, ...]:
        """Delete what lies under ``prefix``, every version, except the keys in ``but``.

        Returns the keys that the store refuses to delete, because they are locked or held.
        """
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
        """Decode a JPEG, PNG or WebP and describe it.

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
