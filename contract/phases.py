"""Phases of cases and calls, their legal transitions, and the name of every ending.

::

    case   CREATED → PRE_CALL → QUEUED → IN_CALL → AGENT_DONE → UNDER_AUDIT → APPROVED | REJECTED
           AGENT_DONE → APPROVED | REJECTED (not drawn for an audit; never where an account is opened)
           APPROVED | REJECTED → UNDER_AUDIT (reopened by an auditor)
           QUEUED → PRE_CALL (left the queue), IN_CALL → PRE_CALL (transfer failed, or a fresh call is due)
           CREATED → AGENT_DONE (passed in self-service, without a call)
           from any open phase → EXPIRED | ABORTED
    call   RINGING → CONNECTING → ACTIVE ⇄ HELD, both ⇄ RECONNECTING; from any open phase → ENDED
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from contract.errors import WrongPhase


class CasePhase(StrEnum):
    """Where a customer's application stands."""

    CREATED = "created"
    PRE_CALL = "pre_call"
    QUEUED = "queued"
    IN_CALL = "in_call"
    AGENT_DONE = "agent_done"
    UNDER_AUDIT = "under_audit"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    ABORTED = "aborted"


class CallPhase(StrEnum):
    """Where a connected media session stands."""

    RINGING = "ringing"
    CONNECTING = "connecting"
    ACTIVE = "active"
    HELD = "held"
    RECONNECTING = "reconnecting"
    ENDED = "ended"


class Role(StrEnum):
    """Who a party is. ``SYSTEM`` parties (recorder, face sampler) only receive.

    In a call ``AGENT`` is who answered the customer or was transferred to, ``GUEST`` a further agent who
    was invited, ``SUPERVISOR`` who came in from the wallboard. Only accounts have ``AUDITOR``, ``ADMIN``.
    """

    CUSTOMER = "customer"
    AGENT = "agent"
    GUEST = "guest"
    SUPERVISOR = "supervisor"
    AUDITOR = "auditor"
    ADMIN = "admin"
    SYSTEM = "system"


class Presence(StrEnum):
    """What an agent is doing."""

    OFFLINE = "offline"
    BREAK = "break"
    READY = "ready"
    RINGING = "ringing"
    BUSY = "busy"
    WRAP_UP = "wrap_up"


class SeatMode(StrEnum):
    """How far a member of staff takes part in a call.

    ``TALKING``: seen and heard by all. ``PRIVATE``: talks to staff only. ``WHISPER``: heard by staff only,
    hears all. ``MONITOR``: hears and sees all, and the server lets nothing through from there.
    """

    TALKING = "talking"
    PRIVATE = "private"
    WHISPER = "whisper"
    MONITOR = "monitor"


class NetworkKind(StrEnum):
    """What a customer's network is, as far as the bank's databases know.

    ``UNLISTED``: the database of anonymisers was asked and has nothing about it. ``UNKNOWN``: none was
    asked, or the address is none. ``PRIVATE``: an address of the house, or of this machine.
    """

    RESIDENTIAL = "residential"
    MOBILE = "mobile"
    HOSTING = "hosting"
    VPN = "vpn"
    PROXY = "proxy"
    TOR = "tor"
    PRIVATE = "private"
    UNLISTED = "unlisted"
    UNKNOWN = "unknown"


class Capture(StrEnum):
    """What a microphone or camera does: ``OFF`` by its owner's choice, ``INTERRUPTED`` by the device.

    ``STILLS``: the line is too weak for a moving picture, so the camera gives one every few seconds; what
    needs a moving picture has to wait, as with ``OFF``.
    """

    ON = "on"
    OFF = "off"
    INTERRUPTED = "interrupted"
    STILLS = "stills"


class StepResult(StrEnum):
    """How a member of staff settled a step of the script by hand."""

    PASSED = "passed"
    FAILED = "failed"
    WAIVED = "waived"


class Completeness(StrEnum):
    """Whether a step of the policy was recorded whole.

    ``OUTSIDE``: nothing of it happened in a call, as of a consent before it, or it was waived.
    """

    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    OUTSIDE = "outside"
    NOT_DONE = "not_done"


class TrackKind(StrEnum):
    """Sound or picture."""

    AUDIO = "audio"
    VIDEO = "video"


class TrackSource(StrEnum):
    """What a track shows or carries."""

    MICROPHONE = "microphone"
    CAMERA = "camera"
    SCREEN = "screen"


class CallEnd(StrEnum):
    """Every way in which a call can end.

    ``INTERRUPTED``: the customer was lost for a while and is back; the policy wants a fresh call.
    """

    CUSTOMER_HUNG_UP = "customer_hung_up"
    AGENT_HUNG_UP = "agent_hung_up"
    CUSTOMER_LOST = "customer_lost"
    AGENT_LOST = "agent_lost"
    MEDIA_TIMEOUT = "media_timeout"
    MEDIA_FAILED = "media_failed"
    RECORDER_FAILED = "recorder_failed"
    SUPERVISOR_ENDED = "supervisor_ended"
    TRANSFER_FAILED = "transfer_failed"
    INTERRUPTED = "interrupted"
    SERVER_STOPPED = "server_stopped"
    SERVER_LOST = "server_lost"


class RingEnd(StrEnum):
    """Every way in which a ring can end."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    TIMED_OUT = "timed_out"
    AGENT_LEFT = "agent_left"
    CUSTOMER_LEFT = "customer_left"
    WITHDRAWN = "withdrawn"


class CaseEnd(StrEnum):
    """Why a case ended without an audit verdict."""

    CUSTOMER_LEFT = "customer_left"
    TICKET_EXPIRED = "ticket_expired"
    CALL_FAILED = "call_failed"
    SERVER_LOST = "server_lost"
    CONSENT_REFUSED = "consent_refused"
    CALLBACK_REQUESTED = "callback_requested"
    # The agent's result stands: the sampling plan left the case out.
    NOT_DRAWN = "not_drawn"


class AbortedKeeps(StrEnum):
    """What remains of a case that was aborted."""

    EVERYTHING = "everything"
    # Stills and shared files, without sound and moving picture.
    PICTURES = "pictures"
    # The journal alone.
    LOG = "log"


class Relation(StrEnum):
    """What a case may begin, and from whose end retention may count."""

    RELATIONSHIP = "relationship"
    PRODUCT = "product"


class Outcome(StrEnum):
    """The agent's result at the end of the conversation."""

    PASSED = "passed"
    FAILED = "failed"
    INCOMPLETE = "incomplete"


class Verdict(StrEnum):
    """The auditor's decision."""

    APPROVED = "approved"
    REJECTED = "rejected"


class CheckVerdict(StrEnum):
    """The result of one identity check. ``REVIEW`` hands the doubt to a person."""

    PASSED = "passed"
    REVIEW = "review"
    FAILED = "failed"


def severity(verdict: CheckVerdict) -> int:
    """Return 0 for PASSED and more for what is worse: the key by which the worst verdict is found."""
    return (CheckVerdict.PASSED, CheckVerdict.REVIEW, CheckVerdict.FAILED).index(verdict)


class DocumentKind(StrEnum):
    """A resident identity card, or a document with a machine-readable zone (ICAO Doc 9303)."""

    CN_ID = "cn_id"
    TD1 = "td1"
    TD3 = "td3"
    UNKNOWN = "unknown"


class LivenessKind(StrEnum):
    """How it is shown that a living person is before the camera."""

    PASSIVE = "passive"
    GESTURES = "gestures"
    LIGHT = "light"


class WatchEvent(StrEnum):
    """What continuous looking at the customer finds, and that it is over."""

    LEFT_PICTURE = "left_picture"
    SECOND_FACE = "second_face"
    DIFFERENT_PERSON = "different_person"
    ENDED_LEFT_PICTURE = "ended_left_picture"
    ENDED_SECOND_FACE = "ended_second_face"
    ENDED_DIFFERENT_PERSON = "ended_different_person"


class PromptingWord(StrEnum):
    """What may mean that somebody tells the customer what to answer; none of it shows that somebody does."""

    SLOW_ANSWER = "slow_answer"
    GAZE_OFF = "gaze_off"
    SECOND_VOICE = "second_voice"
    SECOND_FACE = "second_face"


class VoiceWord(StrEnum):
    """Whether the voices of an answer were compared with the one that was heard in the call before."""

    COMPARED = "compared"
    TOO_LITTLE = "too_little_voice"
    NOT_HEARD = "not_heard"


class CodeChannel(StrEnum):
    """How a one-time code reaches the customer."""

    SMS = "sms"
    EMAIL = "email"


class CheckWord(StrEnum):
    """All that a customer is told of a check that is over: never what failed (NIST SP 800-63A, 3.2.1)."""

    THANKS = "thanks"
    AGAIN = "again"
    AGENT_HELPS = "agent_helps"


class AccountClass(StrEnum):
    """Classes of personal settlement accounts in mainland China."""

    I = "I"  # noqa: E741
    II = "II"
    III = "III"


class Template(StrEnum):
    """How a merged film is laid out; see ``recordings.layout``."""

    ROLES = "roles"
    SIDE_BY_SIDE = "side_by_side"
    CUSTOMER_ONLY = "customer_only"
    SHARE_FIRST = "share_first"


class FeatureCategory(StrEnum):
    """What kind of thing a document's feature is; a copy that has one kind seldom has the next as well.

    ``OPTICAL``: holograms and inks that change with the angle. ``PERSONAL``: how the holder's data and
    portrait were put in, as laser engraving or an overlap. ``BACKGROUND``: guilloches and tints.
    ``PRINTING``: the technique, as microprint. ``LAYOUT``: layout and fonts. ``CONDITION``: lamination,
    edges, wear.
    """

    OPTICAL = "optical"
    PERSONAL = "personal"
    BACKGROUND = "background"
    PRINTING = "printing"
    LAYOUT = "layout"
    CONDITION = "condition"


class FeatureSeen(StrEnum):
    """What an agent says of a document's feature after looking for it."""

    SEEN = "seen"
    NOT_SEEN = "not_seen"
    DOUBTFUL = "doubtful"


class TiltEnd(StrEnum):
    """Why no picture of a tilted document comes any more. ``REPLACED``: another burst was asked for."""

    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"
    REPLACED = "replaced"


class EvidenceKind(StrEnum):
    """What an immutable evidence file shows. ``SCENE`` is a still on demand, of whatever is in view.

    ``CARD_TILT`` is a document while it is tilted, one of a burst; ``DOCUMENT`` a document seen from straight
    above, cut out by the server; ``REFERENCE`` a portrait from a registry; ``ANSWER`` what an outside source
    said, as it came.
    """

    ID_CARD = "id_card"
    ID_CARD_BACK = "id_card_back"
    PASSPORT = "passport"
    DOCUMENT = "document"
    CARD_TILT = "card_tilt"
    REFERENCE = "reference"
    ANSWER = "answer"
    FACE_STILL = "face_still"
    ID_PORTRAIT = "id_portrait"
    SCENE = "scene"
    SHARED_FILE = "shared_file"


class ViewReason(StrEnum):
    """Why somebody looks at a record."""

    AUDIT = "audit"
    QUALITY = "quality"
    COMPLAINT = "complaint"
    DISPUTE = "dispute"
    INVESTIGATION = "investigation"
    AUTHORITY = "authority"
    OTHER = "other"


_C = CasePhase
_OPEN_CASE_ENDS = frozenset({_C.EXPIRED, _C.ABORTED})
CASE_TRANSITIONS: Mapping[CasePhase, frozenset[CasePhase]] = {
    _C.CREATED: frozenset({_C.PRE_CALL, _C.AGENT_DONE}) | _OPEN_CASE_ENDS,
    _C.PRE_CALL: frozenset({_C.QUEUED}) | _OPEN_CASE_ENDS,
    _C.QUEUED: frozenset({_C.PRE_CALL, _C.IN_CALL}) | _OPEN_CASE_ENDS,
    _C.IN_CALL: frozenset({_C.AGENT_DONE, _C.PRE_CALL}) | _OPEN_CASE_ENDS,
    _C.AGENT_DONE: frozenset({_C.UNDER_AUDIT, _C.APPROVED, _C.REJECTED}) | _OPEN_CASE_ENDS,
    _C.UNDER_AUDIT: frozenset({_C.APPROVED, _C.REJECTED}) | _OPEN_CASE_ENDS,
    _C.APPROVED: frozenset({_C.UNDER_AUDIT}),
    _C.REJECTED: frozenset({_C.UNDER_AUDIT}),
    _C.EXPIRED: frozenset(),
    _C.ABORTED: frozenset(),
}

_P = CallPhase
CALL_TRANSITIONS: Mapping[CallPhase, frozenset[CallPhase]] = {
    _P.RINGING: frozenset({_P.CONNECTING, _P.ENDED}),
    _P.CONNECTING: frozenset({_P.ACTIVE, _P.ENDED}),
    _P.ACTIVE: frozenset({_P.HELD, _P.RECONNECTING, _P.ENDED}),
    _P.HELD: frozenset({_P.ACTIVE, _P.RECONNECTING, _P.ENDED}),
    _P.RECONNECTING: frozenset({_P.ACTIVE, _P.HELD, _P.ENDED}),
    _P.ENDED: frozenset(),
}

_Phase = TypeVar("_Phase", CasePhase, CallPhase)


def advance(now: _Phase, to: _Phase, table: Mapping[_Phase, frozenset[_Phase]]) -> _Phase:
    """Return ``to`` if ``table`` allows going there from ``now``.

    Raises:
        WrongPhase: the transition is not in the table.
    """
    if to not in table[now]:
        raise WrongPhase(f"{now} cannot become {to}")
    return to


def advance_case(now: CasePhase, to: CasePhase) -> CasePhase:
    """Return ``to`` if a case may go there from ``now``; raise WrongPhase otherwise."""
    return advance(now, to, CASE_TRANSITIONS)


def advance_call(now: CallPhase, to: CallPhase) -> CallPhase:
    """Return ``to`` if a call may go there from ``now``; raise WrongPhase otherwise."""
    return advance(now, to, CALL_TRANSITIONS)
