"""Messages from browser to server; read them through ``contract.wire``."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from contract.codec import Number, Text
from contract.ids import AccountId, CallId, EvidenceId
from contract.message import Message
from contract.phases import Capture, EvidenceKind, Outcome, Presence, SeatMode, StepResult


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
    location: bool
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
    """The agent is ready, on a break, or done with wrap-up; ``reason`` is a word that says why a break."""

    tag: ClassVar[str] = "set_presence"
    presence: Presence
    reason: Annotated[str, Text(32)] = ""


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
    """The agent asks the customer's phone for a picture at sensor resolution.

    ``at_once``: the phone takes it without asking the customer to frame it.
    """

    tag: ClassVar[str] = "request_still"
    kind: EvidenceKind
    at_once: bool = False


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


@dataclass(frozen=True, slots=True)
class DeviceCheck(Message):
    """What the customer's page found out about itself before the queue; ``problems`` are reason codes."""

    tag: ClassVar[str] = "device_check"
    camera: Annotated[str, Text(32)]
    microphone: Annotated[str, Text(32)]
    browser: Annotated[str, Text(64)]
    uplink_kbps: Annotated[float, Number(0, 1e7)] | None
    rtt_ms: Annotated[float, Number(0, 600_000)] | None
    problems: tuple[Annotated[str, Text(32)], ...]


@dataclass(frozen=True, slots=True)
class Location(Message):
    """Where the customer's device says that it is; only after consent."""

    tag: ClassVar[str] = "location"
    latitude: Annotated[float, Number(-90, 90)]
    longitude: Annotated[float, Number(-180, 180)]
    accuracy_m: Annotated[float, Number(0, 1e7)]


@dataclass(frozen=True, slots=True)
class RequestCallback(Message):
    """The customer leaves a number instead of waiting; ends the case."""

    tag: ClassVar[str] = "request_callback"
    phone: Annotated[str, Text(32, min=5)]
    wish: Annotated[str, Text(200)] = ""


@dataclass(frozen=True, slots=True)
class CaptureState(Message):
    """What the sender's microphone and camera do from now on."""

    tag: ClassVar[str] = "capture_state"
    call: CallId
    microphone: Capture
    camera: Capture


@dataclass(frozen=True, slots=True)
class Hold(Message):
    """The leading agent holds the customer, or goes on."""

    tag: ClassVar[str] = "hold"
    on: bool


@dataclass(frozen=True, slots=True)
class AskColleagues(Message):
    """Who could be invited? Answered by ``colleagues``."""

    tag: ClassVar[str] = "ask_colleagues"


@dataclass(frozen=True, slots=True)
class Invite(Message):
    """The leading agent asks for a second agent: ``agent`` by name, else by ``skill``, else anybody.

    ``private`` holds the customer and lets the two talk first. ``transfer`` (never with ``private``): the
    sender leaves at once, the customer waits on hold for the next one.
    """

    tag: ClassVar[str] = "invite"
    agent: AccountId | None = None
    skill: Annotated[str, Text(64)] = ""
    private: bool = False
    transfer: bool = False
    note: Annotated[str, Text(1_000)] = ""


@dataclass(frozen=True, slots=True)
class WithdrawInvite(Message):
    """The leading agent no longer wants the second one who has not answered yet."""

    tag: ClassVar[str] = "withdraw_invite"


@dataclass(frozen=True, slots=True)
class Admit(Message):
    """The leading agent lets the privately consulted one talk to the customer; ends the hold."""

    tag: ClassVar[str] = "admit"


@dataclass(frozen=True, slots=True)
class Leave(Message):
    """A member of staff leaves the call, which goes on. Who leads hands over to the other agent."""

    tag: ClassVar[str] = "leave"


@dataclass(frozen=True, slots=True)
class Watch(Message):
    """A supervisor takes a silent seat in a call."""

    tag: ClassVar[str] = "watch"
    call: CallId


@dataclass(frozen=True, slots=True)
class SetMode(Message):
    """A supervisor in a call: ``monitor``, ``whisper`` to staff, or ``talking`` as third party."""

    tag: ClassVar[str] = "set_mode"
    mode: SeatMode


@dataclass(frozen=True, slots=True)
class TakeOver(Message):
    """A supervisor in a call leads it from now on; the agent who led leaves."""

    tag: ClassVar[str] = "take_over"


@dataclass(frozen=True, slots=True)
class ForceEnd(Message):
    """A supervisor ends a call."""

    tag: ClassVar[str] = "force_end"
    call: CallId
    reason: Annotated[str, Text(200, min=1)]


@dataclass(frozen=True, slots=True)
class MoveUp(Message):
    """A supervisor puts a waiting customer first."""

    tag: ClassVar[str] = "move_up"
    call: CallId


@dataclass(frozen=True, slots=True)
class Reassign(Message):
    """A supervisor gives a waiting customer to one agent; None gives him back to all."""

    tag: ClassVar[str] = "reassign"
    call: CallId
    agent: AccountId | None


@dataclass(frozen=True, slots=True)
class NoteEvidence(Message):
    """The leading agent writes to a picture what it shows."""

    tag: ClassVar[str] = "note_evidence"
    evidence: EvidenceId
    note: Annotated[str, Text(500)]
    tags: tuple[Annotated[str, Text(32, min=1)], ...] = ()


@dataclass(frozen=True, slots=True)
class MarkStep(Message):
    """The leading agent settles a step of the script by hand; a waiver needs a ``reason``."""

    tag: ClassVar[str] = "mark_step"
    step: Annotated[str, Text(64, min=1)]
    result: StepResult
    answer: Annotated[str, Text(64)] = ""
    reason: Annotated[str, Text(500)] = ""


@dataclass(frozen=True, slots=True)
class WrapUp(Message):
    """The agent's form after the conversation; may be sent again while in wrap-up."""

    tag: ClassVar[str] = "wrap_up"
    tags: tuple[Annotated[str, Text(32, min=1)], ...] = ()
    next_action: Annotated[str, Text(64)] = ""
    note: Annotated[str, Text(2_000)] = ""
