"""Messages between browser and server, protocol version 1.

One JSON object per WebSocket text frame: ``{"type": tag, ...fields}``. ``CLIENT_MESSAGES`` and
``SERVER_MESSAGES`` map tags to classes. The prose is in ``docs/protocol.md``; ``web_kit`` generates
``wire.d.ts`` from these classes.
"""

import json
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from contract import codec
from contract.codec import Number, Text
from contract.errors import ProtocolError
from contract.facts import Entry, dump_entry, load_entry
from contract.ids import CallId, CaseId, EvidenceId, SeatId
from contract.phases import CallPhase, CasePhase, EvidenceKind, Outcome, Presence, RingEnd, Role

VERSION = 1
# An offer with eight m-lines and candidates is about 12 kB; nothing legitimate is larger than this.
MESSAGE_MAX_BYTES = 131_072


@dataclass(frozen=True, slots=True)
class Message:
    """Base of all messages; ``tag`` is the value of ``type`` on the wire."""

    tag: ClassVar[str] = ""


# --- browser to server -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hello(Message):
    """First message on every socket.

    A customer sends ``ticket`` (first time) or ``resume`` (after a drop); an agent, whose session
    cookie came with the upgrade request, sends ``csrf``.
    """

    tag: ClassVar[str] = "hello"
    version: int
    ticket: Annotated[str, Text(4096)] | None = None
    resume: Annotated[str, Text(256)] | None = None
    csrf: Annotated[str, Text(256)] | None = None
    language: Annotated[str, Text(16)] = "zh-CN"


@dataclass(frozen=True, slots=True)
class Consent(Message):
    """The customer's answer to the consent texts, before any capture."""

    tag: ClassVar[str] = "consent"
    recording: bool
    biometrics: bool
    text_version: Annotated[str, Text(32)]
    language: Annotated[str, Text(16)]


@dataclass(frozen=True, slots=True)
class JoinQueue(Message):
    """The customer wants to be answered."""

    tag: ClassVar[str] = "join_queue"


@dataclass(frozen=True, slots=True)
class LeaveQueue(Message):
    """The customer no longer waits."""

    tag: ClassVar[str] = "leave_queue"


@dataclass(frozen=True, slots=True)
class SetPresence(Message):
    """The agent is ready, on a break, or done with wrap-up."""

    tag: ClassVar[str] = "set_presence"
    presence: Presence


@dataclass(frozen=True, slots=True)
class Accept(Message):
    """The agent answers the ring."""

    tag: ClassVar[str] = "accept"
    call: CallId


@dataclass(frozen=True, slots=True)
class Refuse(Message):
    """The agent passes the ring on."""

    tag: ClassVar[str] = "refuse"
    call: CallId


@dataclass(frozen=True, slots=True)
class Offer(Message):
    """SDP offer of the sender's one peer connection; a new offer replaces the old connection.

    The answer carries ``number`` again, so that a page knows which of its offers it belongs to.
    """

    tag: ClassVar[str] = "offer"
    call: CallId
    sdp: Annotated[str, Text(65_536, min=1)]
    number: Annotated[int, Number(0, 1e9)] = 0


@dataclass(frozen=True, slots=True)
class Chat(Message):
    """A chat line."""

    tag: ClassVar[str] = "chat"
    text: Annotated[str, Text(2_000, min=1)]


@dataclass(frozen=True, slots=True)
class RequestStill(Message):
    """The agent asks the customer's phone for a picture at sensor resolution."""

    tag: ClassVar[str] = "request_still"
    kind: EvidenceKind


@dataclass(frozen=True, slots=True)
class CheckIdNumber(Message):
    """The agent sends the number read from the card."""

    tag: ClassVar[str] = "check_id_number"
    number: Annotated[str, Text(32, min=1)]


@dataclass(frozen=True, slots=True)
class MatchFaces(Message):
    """The agent asks to compare the card's portrait with the live still."""

    tag: ClassVar[str] = "match_faces"
    card: EvidenceId
    still: EvidenceId


@dataclass(frozen=True, slots=True)
class Finish(Message):
    """The agent's result; ends the conversation's work, not the connection."""

    tag: ClassVar[str] = "finish"
    outcome: Outcome
    reason: Annotated[str, Text(64)] = ""
    note: Annotated[str, Text(2_000)] = ""


@dataclass(frozen=True, slots=True)
class HangUp(Message):
    """Either side ends the call."""

    tag: ClassVar[str] = "hang_up"


@dataclass(frozen=True, slots=True)
class Playback(Message):
    """How the others were seen and heard on this page over the last ``interval_s``.

    ``freezes`` and ``frozen_s`` as W3C webrtc-stats counts them; ``concealed_s`` is sound that was made
    up because it did not come in time; ``fps`` the pictures a second of the first other person.
    """

    tag: ClassVar[str] = "playback"
    call: CallId
    # A page in the background measures once a minute or less.
    interval_s: Annotated[float, Number(0.5, 600)]
    fps: Annotated[float, Number(0, 240)]
    freezes: Annotated[int, Number(0, 10_000)]
    frozen_s: Annotated[float, Number(0, 1_800)]
    concealed_s: Annotated[float, Number(0, 1_800)]


@dataclass(frozen=True, slots=True)
class Ping(Message):
    """Heartbeat of the page; ``sent_at`` comes back in ``pong``."""

    tag: ClassVar[str] = "ping"
    sent_at: Annotated[float, Number(0, 1e15)]


# --- server to browser -------------------------------------------------------------------------


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
    """The agent's presence as the desk holds it, with the length of the queue."""

    tag: ClassVar[str] = "presence_set"
    presence: Presence
    waiting: int


@dataclass(frozen=True, slots=True)
class Ring(Message):
    """A customer is offered to this agent until ``expires_in_s`` has passed."""

    tag: ClassVar[str] = "ring"
    call: CallId
    case: CaseId
    purpose: str
    customer_name: str
    waited_s: float
    language: str
    expires_in_s: float


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
class CallState(Message):
    """The call as it stands; ``peer`` is the other person's display name.

    ``kyc_unlocked`` is true once every mandatory track is on disk. ``reason`` is a CallEnd word when
    ``phase`` is ``ended``. ``grace_s`` is the time left for a dropped party, None when nobody is.
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


@dataclass(frozen=True, slots=True)
class StillWanted(Message):
    """To the customer: take this picture and upload it under this id."""

    tag: ClassVar[str] = "still_wanted"
    request: EvidenceId
    kind: EvidenceKind


@dataclass(frozen=True, slots=True)
class FactNoted(Message):
    """A journal entry of the case, as the journal holds it."""

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


CLIENT_MESSAGES: dict[str, type[Message]] = {
    cls.tag: cls
    for cls in (
        Hello, Consent, JoinQueue, LeaveQueue, SetPresence, Accept, Refuse, Offer, Chat, RequestStill,
        CheckIdNumber, MatchFaces, Finish, HangUp, Playback, Ping,
    )
}  # fmt: skip
SERVER_MESSAGES: dict[str, type[Message]] = {
    cls.tag: cls
    for cls in (
        Welcome, QueuePosition, PresenceSet, Ring, RingOver, Answer, Reoffer, CallState, StillWanted,
        FactNoted, Pong, Failed, Bye,
    )
}  # fmt: skip

ClientMessage = (
    Hello | Consent | JoinQueue | LeaveQueue | SetPresence | Accept | Refuse | Offer | Chat
    | RequestStill | CheckIdNumber | MatchFaces | Finish | HangUp | Playback | Ping
)  # fmt: skip


def parse(text: str | bytes, table: dict[str, type[Message]]) -> Message:
    """Return the message in ``text``.

    Raises:
        ProtocolError: not JSON, too large, unknown tag, or a field that does not fit.
    """
    if len(text) > MESSAGE_MAX_BYTES:
        raise ProtocolError("message too large")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("not JSON") from error
    if not isinstance(data, dict) or not isinstance(data.get("type"), str):
        raise ProtocolError("a message is an object with a type")
    cls = table.get(data.pop("type"))
    if cls is None:
        raise ProtocolError("unknown message type")
    if cls is FactNoted:
        return FactNoted(load_entry(data.get("entry")))
    return codec.load(cls, data)


def dump(message: Message) -> str:
    """Return the text frame of ``message``."""
    if isinstance(message, FactNoted):
        body: Any = {"entry": json.loads(dump_entry(message.entry))}
    else:
        body = codec.dump(message)
    return json.dumps({"type": message.tag, **body}, ensure_ascii=False, separators=(",", ":"))
