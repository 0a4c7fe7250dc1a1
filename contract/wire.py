"""Messages between browser and server, protocol version 1.

One JSON object per WebSocket text frame: ``{"type": tag, ...fields}``. ``CLIENT_MESSAGES`` and
``SERVER_MESSAGES`` map tags to classes, which are written in ``contract.wire_up``,
``contract.wire_down`` and ``contract.wire_identity``. The prose is in ``docs/protocol.md``; ``web_kit``
generates ``wire.d.ts`` from these classes.
"""

import json
from typing import Any

from contract import codec
from contract.errors import ProtocolError
from contract.facts import dump_entry, load_entry
from contract.message import Message
from contract.wire_down import (
    Answer,
    BoardAgent,
    BoardCall,
    BoardWaiting,
    Bye,
    CallState,
    Choice,
    Colleague,
    Colleagues,
    FactNoted,
    Failed,
    IceServer,
    PartySeen,
    Pong,
    PresenceSet,
    QueuePosition,
    Reoffer,
    Ring,
    RingOver,
    Script,
    StepSeen,
    StillWanted,
    Wallboard,
    Welcome,
)
from contract.wire_identity import (
    AskExternal,
    CameraClaim,
    ChallengeDeclined,
    ChallengeReady,
    ChallengeStep,
    ChallengeWanted,
    CheckOver,
    CodeWanted,
    ComparePortraits,
    CorrectField,
    DecideChallenge,
    DrawQuestion,
    EnterCode,
    JudgeQuestion,
    LightColours,
    LightSequence,
    LightShown,
    ReadDocument,
    RequestTilt,
    SendCode,
    StartLiveness,
    TickFeature,
    TiltOver,
    TiltWanted,
)
from contract.wire_up import (
    Accept,
    Admit,
    AskColleagues,
    CaptureState,
    Chat,
    CheckIdNumber,
    Consent,
    DeviceCheck,
    Finish,
    ForceEnd,
    HangUp,
    Hello,
    Hold,
    Invite,
    JoinQueue,
    Leave,
    LeaveQueue,
    Location,
    MarkStep,
    MatchFaces,
    MoveUp,
    NoteEvidence,
    Offer,
    Ping,
    Playback,
    Reassign,
    Refuse,
    RequestCallback,
    RequestStill,
    SetMode,
    SetPresence,
    TakeOver,
    Watch,
    WithdrawInvite,
    WrapUp,
)

__all__ = [
    "CLIENT_MESSAGES",
    "MESSAGE_MAX_BYTES",
    "SERVER_MESSAGES",
    "VERSION",
    "Accept",
    "Admit",
    "Answer",
    "AskColleagues",
    "AskExternal",
    "BoardAgent",
    "BoardCall",
    "BoardWaiting",
    "Bye",
    "CallState",
    "CameraClaim",
    "CaptureState",
    "ChallengeDeclined",
    "ChallengeReady",
    "ChallengeStep",
    "ChallengeWanted",
    "Chat",
    "CheckIdNumber",
    "CheckOver",
    "Choice",
    "ClientMessage",
    "CodeWanted",
    "Colleague",
    "Colleagues",
    "ComparePortraits",
    "Consent",
    "CorrectField",
    "DecideChallenge",
    "DeviceCheck",
    "DrawQuestion",
    "EnterCode",
    "FactNoted",
    "Failed",
    "Finish",
    "ForceEnd",
    "HangUp",
    "Hello",
    "Hold",
    "IceServer",
    "Invite",
    "JoinQueue",
    "JudgeQuestion",
    "Leave",
    "LeaveQueue",
    "LightColours",
    "LightSequence",
    "LightShown",
    "Location",
    "MarkStep",
    "MatchFaces",
    "Message",
    "MoveUp",
    "NoteEvidence",
    "Offer",
    "PartySeen",
    "Ping",
    "Playback",
    "Pong",
    "PresenceSet",
    "QueuePosition",
    "ReadDocument",
    "Reassign",
    "Refuse",
    "Reoffer",
    "RequestCallback",
    "RequestStill",
    "RequestTilt",
    "Ring",
    "RingOver",
    "Script",
    "SendCode",
    "SetMode",
    "SetPresence",
    "StartLiveness",
    "StepSeen",
    "StillWanted",
    "TakeOver",
    "TickFeature",
    "TiltOver",
    "TiltWanted",
    "Wallboard",
    "Watch",
    "Welcome",
    "WithdrawInvite",
    "WrapUp",
    "dump",
    "parse",
]

VERSION = 1
# An offer with ten m-lines and candidates is about 14 kB; nothing legitimate is larger than this.
MESSAGE_MAX_BYTES = 131_072

CLIENT_MESSAGES: dict[str, type[Message]] = {
    cls.tag: cls
    for cls in (
        Hello, Consent, JoinQueue, LeaveQueue, SetPresence, Accept, Refuse, Offer, Chat, RequestStill,
        CheckIdNumber, MatchFaces, Finish, HangUp, Playback, Ping, DeviceCheck, Location, RequestCallback,
        CaptureState, Hold, AskColleagues, Invite, WithdrawInvite, Admit, Leave, Watch, SetMode, TakeOver,
        ForceEnd, MoveUp, Reassign, NoteEvidence, MarkStep, WrapUp, ReadDocument, CorrectField,
        ComparePortraits, StartLiveness, DecideChallenge, DrawQuestion, JudgeQuestion, SendCode, AskExternal,
        ChallengeReady, ChallengeDeclined, LightShown, EnterCode, CameraClaim, RequestTilt, TickFeature,
        TiltOver,
    )
}  # fmt: skip
SERVER_MESSAGES: dict[str, type[Message]] = {
    cls.tag: cls
    for cls in (
        Welcome, QueuePosition, PresenceSet, Ring, RingOver, Answer, Reoffer, CallState, StillWanted,
        Script, Colleagues, Wallboard, FactNoted, Pong, Failed, Bye, ChallengeWanted, ChallengeStep,
        LightSequence, LightColours, CodeWanted, CheckOver, TiltWanted,
    )
}  # fmt: skip
ClientMessage = (
    Hello | Consent | JoinQueue | LeaveQueue | SetPresence | Accept | Refuse | Offer | Chat | RequestStill
    | CheckIdNumber | MatchFaces | Finish | HangUp | Playback | Ping | DeviceCheck | Location |
    RequestCallback | CaptureState | Hold | AskColleagues | Invite | WithdrawInvite | Admit | Leave |
    Watch | SetMode | TakeOver | ForceEnd | MoveUp | Reassign | NoteEvidence | MarkStep | WrapUp |
    ReadDocument | CorrectField | ComparePortraits | StartLiveness | DecideChallenge | DrawQuestion |
    JudgeQuestion | SendCode | AskExternal | ChallengeReady | ChallengeDeclined | LightShown | EnterCode |
    CameraClaim | RequestTilt | TickFeature | TiltOver
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
