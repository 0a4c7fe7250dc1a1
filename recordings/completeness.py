"""Was each step of the policy recorded whole? Pure.

No fact tells when a step began, so the time of a call is shared out by what was settled: the stretch of a
step runs from the moment at which anything was settled before it, or from the call's start, to the moment
at which the step itself was. A step that was settled again has several stretches. Within them every second
counts as lost in which microphone or camera of the customer, or of who led, should have been recorded and
was not.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from contract import codec
from contract.facts import (
    CallAdvanced,
    CallEnded,
    ConsentGiven,
    Entry,
    EvidenceStored,
    FacesCompared,
    Fact,
    GapsAccounted,
    IdNumberChecked,
    StepMarked,
)
from contract.identity_facts import (
    ChallengeDecided,
    ChallengeEnded,
    CodeTried,
    DocumentJudged,
    ExternalAnswered,
    LightMeasured,
    LivenessMeasured,
    LivenessStarted,
    PortraitsCompared,
    QuestionJudged,
)
from contract.ids import CallId, CheckId
from contract.phases import CallPhase, Completeness, StepResult
from contract.record_facts import LaneKept, StepKept
from contract.worksheet_facts import FeatureTicked
from recordings.ledger import Lane, State
from recordings.stays import Span, joined, within
from recordings.timeline import Gap, Timeline


@dataclass(frozen=True, slots=True)
class WatchedStep:
    """A step of the policy: ``check`` is the word of what settles it, empty when it is settled by hand."""

    id: str
    check: str
    mandatory: bool


@dataclass(frozen=True, slots=True)
class RecordRules:
    """What a policy demands of a recording: of no step more than ``loss_s`` seconds may be lost."""

    steps: tuple[WatchedStep, ...] = ()
    loss_s: float = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class CallAccount:
    """A call that was laid on its axis, with the account of its lanes and the gaps that were found."""

    laid: Timeline
    lanes: tuple[Lane, ...]
    gaps: tuple[Gap, ...] = ()

    def lost(self, since: float, until: float) -> float:
        """Return how much of this time (seconds UTC) is lost; outside of the axis all of it is."""
        axis = self.laid.axis
        inside = Span(max(since, axis.start) - axis.start, min(until, axis.end) - axis.start)
        outside = (until - since) - max(0.0, inside.until_s - inside.since_s)
        return outside + sum(span.until_s - span.since_s for span in within(self._missing(), [inside]))

    def _missing(self) -> tuple[Span, ...]:
        """Return when anything was missing of those without whom there is no call."""
        attendance = self.laid.attendance
        return joined(
            span
            for lane in self.lanes
            for span in within(lane.missing(), attendance.expected(lane.seat, lane.source, ()))
        )


@dataclass(slots=True)
class _Calls:
    """When which call was active, as the facts tell so far; seconds UTC."""

    began: dict[CallId, float] = field(default_factory=dict)
    ended: dict[CallId, float] = field(default_factory=dict)
    running: CallId | None = None
    last: CallId | None = None
    settled_at: float = 0.0

    def noted(self, entry: Entry) -> None:
        match entry.fact:
            case CallAdvanced(call=call, now=CallPhase.ACTIVE) if call not in self.began:
                self.began[call] = self.settled_at = entry.at
                self.running = self.last = call
            case CallEnded(call=call) if call == self.running:
                self.ended[call] = entry.at
                self.running = None
            case _:
                return

    def stretch(self, at: float, by_hand: bool) -> tuple[CallId, float, float] | None:
        """Return the time that led to a settling at ``at``; what is marked behind a call belongs to it."""
        call = self.running or (self.last if by_hand else None)
        if call is None:
            return None
        until = min(at, self.ended.get(call, at))
        since, self.settled_at = min(self.settled_at, until), until
        return call, since, until


def judge(
    entries: Sequence[Entry], calls: Mapping[CallId, CallAccount], rules: RecordRules
) -> tuple[StepKept, ...]:
    """Return for every step of the policy, in its order, whether it was recorded whole.

    ``calls`` are those of which anything was recorded; of any other call all is lost.
    """
    stretches: dict[str, list[tuple[CallId, float, float]]] = {}
    settled: set[str] = set()
    watch, course, runs = _by_word(rules.steps), _Calls(), dict[CheckId, str]()
    for entry in entries:
        course.noted(entry)
        if isinstance(entry.fact, LivenessStarted):
            runs[entry.fact.check] = entry.fact.kind
        step = _settles(entry.fact, watch, runs)
        if step is None:
            continue
        settled.add(step)
        found = course.stretch(entry.at, isinstance(entry.fact, StepMarked))
        if found is not None and not _is_waiver(entry.fact):
            stretches.setdefault(step, []).append(found)
    return tuple(
        _kept(step, stretches.get(step.id, []), step.id in settled, calls, rules) for step in rules.steps
    )


def _by_word(steps: Iterable[WatchedStep]) -> dict[str, str]:
    """Return the steps by the word that settles them: of a check, or ``by hand`` and the step's own."""
    words = {f"by hand {step.id}": step.id for step in steps}
    return words | {step.check: step.id for step in steps if step.check}


def _settles(fact: Fact, watch: Mapping[str, str], runs: Mapping[CheckId, str]) -> str | None:
    match fact:
        case StepMarked(step=step):
            return watch.get(f"by hand {step}")
        case EvidenceStored(kind=kind):
            return watch.get(f"evidence_{kind}")
        case LivenessMeasured() | ChallengeEnded() | LightMeasured() | ChallengeDecided():
            return watch.get(runs.get(fact.check, ""))
        case CodeTried(right=right):
            return watch.get("code") if right else None
        case ExternalAnswered(service=service):
            return watch.get(f"external_{service}")
        case _:
            return watch.get(_WORDS.get(type(fact), ""))


_WORDS: dict[type[Fact], str] = {
    ConsentGiven: "consent",
    IdNumberChecked: "id_number",
    FacesCompared: "face_match",
    DocumentJudged: "document",
    PortraitsCompared: "portraits",
    QuestionJudged: "questions",
    FeatureTicked: "features",
}


def _is_waiver(fact: Fact) -> bool:
    return isinstance(fact, StepMarked) and fact.result is StepResult.WAIVED


def _kept(
    step: WatchedStep,
    stretches: Sequence[tuple[CallId, float, float]],
    settled: bool,
    calls: Mapping[CallId, CallAccount],
    rules: RecordRules,
) -> StepKept:
    if not stretches:
        how = Completeness.OUTSIDE if settled else Completeness.NOT_DONE
        return StepKept(step.id, step.mandatory, how, None, None, 0.0)
    lost = sum(
        calls[call].lost(since, until) if call in calls else until - since for call, since, until in stretches
    )
    how = Completeness.INCOMPLETE if lost > rules.loss_s else Completeness.COMPLETE
    return StepKept(step.id, step.mandatory, how, stretches[0][1], stretches[-1][2], round(lost, 3))


# --- file and fact -----------------------------------------------------------------------------


def dump_accounts(calls: Sequence[CallAccount], steps: Sequence[StepKept], loss_s: float) -> bytes:
    """Return the gap ledger as it is kept: canonical JSON, times in seconds from each call's ``start``."""
    accounts = {
        call.laid.call: {
            "start": call.laid.axis.start,
            "seconds": call.laid.axis.seconds,
            "lanes": codec.dump(call.lanes),
            "gaps": codec.dump(call.gaps),
        }
        for call in calls
    }
    return codec.canonical({"loss_s": loss_s, "calls": accounts, "steps": codec.dump(tuple(steps))})


def accounted(
    file: str, sha256: str, size: int, calls: Iterable[CallAccount], steps: Sequence[StepKept], loss_s: float
) -> GapsAccounted:
    """Return what the journal is told of the ledger in ``file``."""
    lanes = tuple(_lane_kept(call.laid.call, lane) for call in calls for lane in call.lanes)
    return GapsAccounted(file, sha256, size, loss_s, lanes, tuple(steps))


def _lane_kept(call: CallId, lane: Lane) -> LaneKept:
    spent = {state: round(lane.seconds(state), 3) for state in State}
    return LaneKept(
        call,
        lane.seat,
        lane.role,
        lane.source,
        spent[State.MEDIA],
        spent[State.MUTED],
        spent[State.HELD],
        spent[State.CAMERA_OFF],
        spent[State.LOST],
        spent[State.RECONNECTING],
        spent[State.ABSENT],
    )
