"""Chapters of a merged file, as the facts tell them: what the conversation was about when. Pure.

A chapter begins where a step of the script is first asked for or settled, and where the call itself turns:
held, broken off, taken up again, joined, handed over, decided. Titles stand in both scripts.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from contract.facts import (
    AgentDecided,
    CallAdvanced,
    ConsentGiven,
    Entry,
    FacesCompared,
    Fact,
    HostChanged,
    IdNumberChecked,
    PartyJoined,
    StepMarked,
    StillRequested,
)
from contract.identity_facts import (
    CodeSent,
    DocumentRead,
    ExternalAsked,
    LivenessStarted,
    PortraitsCompared,
    QuestionDrawn,
)
from contract.ids import CallId
from contract.phases import CallPhase, EvidenceKind, Role
from contract.worksheet_facts import TiltRequested
from recordings.timeline import Axis

# Facts closer together than this are one moment of the conversation.
MOMENT_S = 1.0


@dataclass(frozen=True, slots=True)
class ScriptStep:
    """A step of the policy's script; ``check`` is the word of what fulfils it, empty when a person does.

    ``when`` pairs an earlier step with an answer: the step is asked for only where every pair fits.
    """

    id: str
    zh: str
    en: str
    check: str = ""
    mandatory: bool = True
    when: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Chapter:
    """A stretch of the merged file, in seconds of it."""

    since_s: float
    until_s: float
    zh: str
    en: str

    @property
    def title(self) -> str:
        """Return the title in both scripts."""
        return f"{self.zh} / {self.en}"


_BEGINS = ("通话开始", "The call begins")
_PHASES = {
    CallPhase.HELD: ("通话保持", "On hold"),
    CallPhase.RECONNECTING: ("重新连接", "Reconnecting"),
    CallPhase.ACTIVE: ("通话继续", "The call goes on"),
}
_JOINS = ("第三方加入", "A third party joins")
_HANDED = ("更换坐席", "Another agent leads")
_DECIDED = ("坐席结论", "The agent's result")
_STILL = ("拍摄照片", "A picture is taken")
_CHECKS = {
    "consent": ("客户同意", "Consent"),
    "evidence_id_card": ("拍摄身份证", "Picture of the card"),
    "id_number": ("核对证件号码", "Identity number"),
    "evidence_face_still": ("拍摄现场人像", "Picture of the customer"),
    "face_match": ("人证比对", "Face against card"),
    "document": ("识读证件", "The document is read"),
    "features": ("核验证件防伪特征", "Features of the document"),
    "portraits": ("人像比对", "Portraits compared"),
    "passive": ("活体检测", "Liveness"),
    "gestures": ("动作活体检测", "Liveness by gestures"),
    "light": ("炫彩活体检测", "Liveness by light"),
    "questions": ("核实问题", "Questions"),
    "code": ("短信验证码", "One-time code"),
}
_STILLS = {
    EvidenceKind.ID_CARD: "evidence_id_card",
    EvidenceKind.ID_CARD_BACK: "evidence_id_card",
    EvidenceKind.FACE_STILL: "evidence_face_still",
}


def chapters(
    entries: Sequence[Entry], calls: Sequence[tuple[CallId, Axis]], script: Sequence[ScriptStep]
) -> tuple[Chapter, ...]:
    """Return the chapters of ``calls``, which the merged file shows one after another, without a hole."""
    found: list[Chapter] = []
    before = 0.0
    for call, axis in calls:
        own = _of_call(entries, call, axis, script)
        found += (replace(c, since_s=before + c.since_s, until_s=before + c.until_s) for c in own)
        before += axis.seconds
    return tuple(found)


def _of_call(
    entries: Iterable[Entry], call: CallId, axis: Axis, script: Sequence[ScriptStep]
) -> Iterator[Chapter]:
    begun: list[tuple[float, list[tuple[str, str]]]] = [(0.0, [_BEGINS])]
    for entry in entries:
        at = entry.at - axis.start
        title = _title(entry.fact, call, script) if 0 < at < axis.seconds else None
        if title is None or title == begun[-1][1][-1]:
            continue
        if at - begun[-1][0] <= MOMENT_S:
            begun[-1][1].append(title)
        else:
            begun.append((at, [title]))
    ends = [at for at, _ in begun[1:]] + [axis.seconds]
    for (since, titles), until in zip(begun, ends, strict=True):
        told = dict.fromkeys(titles)
        yield Chapter(since, until, " · ".join(zh for zh, _ in told), " · ".join(en for _, en in told))


def _title(fact: Fact, call: CallId, script: Sequence[ScriptStep]) -> tuple[str, str] | None:
    if getattr(fact, "call", None) not in (None, call):
        return None
    match fact:
        case CallAdvanced(was=was, now=now):
            return _PHASES.get(now) if was is not CallPhase.CONNECTING else None
        case PartyJoined(role=role):
            return _JOINS if role not in (Role.CUSTOMER, Role.AGENT) else None
        case HostChanged():
            return _HANDED
        case AgentDecided():
            return _DECIDED
        case StepMarked(step=step):
            return next(((one.zh, one.en) for one in script if one.id == step), (step, step))
        case _:
            return _of_check(fact, script)


def _of_check(fact: Fact, script: Sequence[ScriptStep]) -> tuple[str, str] | None:
    check = _check(fact)
    if check is None:
        return None
    own = next(((one.zh, one.en) for one in script if one.check == check), None)
    return own or _CHECKS.get(check, _STILL if isinstance(fact, StillRequested) else (check, check))


def _check(fact: Fact) -> str | None:
    """Return the script's word for the check that this fact begins or settles."""
    match fact:
        case ConsentGiven():
            return "consent"
        case StillRequested(kind=kind):
            return _STILLS.get(kind, "still")
        case IdNumberChecked():
            return "id_number"
        case FacesCompared():
            return "face_match"
        case DocumentRead():
            return "document"
        case TiltRequested():
            return "features"
        case PortraitsCompared():
            return "portraits"
        case LivenessStarted(kind=kind):
            return kind.value
        case QuestionDrawn():
            return "questions"
        case CodeSent():
            return "code"
        case ExternalAsked(service=service):
            return f"external_{service}"
        case _:
            return None
