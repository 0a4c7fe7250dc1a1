"""One case held against a regime: each clause with the facts and files that show how it stands. Pure.

What is shown is what the journal says; whether the record was altered is for ``teller verify`` to tell.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeVar

from contract.fact import Fact
from contract.facts import (
    AgentDecided,
    AgentDrawn,
    ArchiveVerified,
    ArchiveWritten,
    AuditReopened,
    AuditSigned,
    CallAdvanced,
    CallEnded,
    CaseAdvanced,
    CaseCreated,
    ConsentGiven,
    Entry,
    EvidenceStored,
    FacesCompared,
    GapsAccounted,
    IdNumberChecked,
    LocationTold,
    MergeCompleted,
    NetworkSeen,
    PartyDropped,
    PartyJoined,
    PartyReturned,
    RecordingStarted,
    StepMarked,
    TrackStarted,
)
from contract.identity_facts import (
    ChallengeDecided,
    ChallengeEnded,
    CodeSent,
    CodeTried,
    DocumentJudged,
    DocumentRead,
    ExternalAnswered,
    LightMeasured,
    LivenessMeasured,
    LivenessStarted,
    PersonWatched,
    PortraitsCompared,
    PromptingNoticed,
    QuestionDrawn,
    QuestionJudged,
)
from contract.ids import EvidenceId
from contract.keeping_facts import MediaDiscarded, RecordTimestamped
from contract.phases import (
    CallEnd,
    CallPhase,
    CasePhase,
    CheckVerdict,
    DocumentKind,
    LivenessKind,
    NetworkKind,
    Outcome,
    PromptingWord,
    Role,
    StepResult,
    TrackSource,
    WatchEvent,
    severity,
)
from contract.worksheet import doubts, judge, latest
from contract.worksheet_facts import FeatureTicked
from recordings.retention import Fate, Rule, Since, retention, subject_of
from signaling.questions import chosen
from teller.regime import (
    AgentByLot,
    AgentNamed,
    Archived,
    Audited,
    Clause,
    CodeEntered,
    Consented,
    DocumentPassed,
    FacesAlike,
    FeaturesSeen,
    Filmed,
    FreshSession,
    Kept,
    Living,
    Located,
    Networks,
    NumberPassed,
    Pictures,
    PromptingEnds,
    QuestionsVaried,
    RecordedWhole,
    Regime,
    SourcesAsked,
    StepSettled,
)


class State(StrEnum):
    """How a clause stands. Only ``MET`` counts as met; what the service does not hold is listed as such."""

    MET = "met"
    NOT_MET = "not_met"
    NOT_APPLICABLE = "not_applicable"
    NOT_HELD = "not_held_by_the_service"


@dataclass(frozen=True, slots=True)
class Pointer:
    """What shows it: the journal's entry ``seq``, the fact's ``name``, and its ``file`` if it has one."""

    seq: int
    name: str
    file: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """A clause and how it stands. ``why`` is a machine word, empty when met."""

    clause: Clause
    state: State
    why: str = ""
    shown: tuple[Pointer, ...] = ()


def hold(regime: Regime, entries: Sequence[Entry], rules: Sequence[Rule]) -> tuple[Held, ...]:
    """Return how each clause of ``regime`` stands in the journal of one case.

    ``rules`` are the retention rules of the case's policy.
    """
    case = _Case(tuple(entries), tuple(rules))
    return tuple(_held(clause, case) for clause in regime.clauses)


def is_met(held: Iterable[Held]) -> bool:
    """Tell whether nothing that the service can check is not met."""
    return all(one.state is not State.NOT_MET for one in held)


_F = TypeVar("_F", bound=Fact)


@dataclass(frozen=True, slots=True)
class _Case:
    entries: tuple[Entry, ...]
    rules: tuple[Rule, ...]

    def of(self, kind: type[_F]) -> list[tuple[Entry, _F]]:
        """Return every fact of a kind with its entry, in order."""
        return [(entry, entry.fact) for entry in self.entries if isinstance(entry.fact, kind)]

    def last(self, kind: type[_F]) -> tuple[Entry, _F] | None:
        """Return the newest fact of a kind."""
        return next(reversed(self.of(kind)), None)

    def first(self, kinds: tuple[type[Fact], ...]) -> Entry | None:
        """Return the first fact of any of these kinds."""
        return next((entry for entry in self.entries if isinstance(entry.fact, kinds)), None)

    def went(self, phase: CasePhase) -> Entry | None:
        """Return when the case first came into a phase."""
        return next((entry for entry, fact in self.of(CaseAdvanced) if fact.now is phase), None)

    def active(self) -> Entry | None:
        """Return when a call first was active."""
        return next((entry for entry, fact in self.of(CallAdvanced) if fact.now is CallPhase.ACTIVE), None)

    def passed(self) -> bool:
        """Tell whether the agent's result is to pass."""
        decided = self.last(AgentDecided)
        return decided is not None and decided[1].outcome is Outcome.PASSED

    def pictures(self, *wanted: EvidenceId) -> list[Entry]:
        """Return where these pictures were stored."""
        return [entry for entry, fact in self.of(EvidenceStored) if fact.evidence in wanted]


@dataclass(frozen=True, slots=True)
class _Found:
    state: State
    why: str = ""
    entries: tuple[Entry, ...] = ()


def _met(*entries: Entry) -> _Found:
    return _Found(State.MET, "", entries)


def _not_met(why: str, *entries: Entry) -> _Found:
    return _Found(State.NOT_MET, why, entries)


def _beside(why: str, *entries: Entry) -> _Found:
    return _Found(State.NOT_APPLICABLE, why, entries)


def _held(clause: Clause, case: _Case) -> Held:
    if clause.check is None:
        return Held(clause, State.NOT_HELD, "left_to_people")
    created = case.last(CaseCreated)
    if clause.purposes and (created is None or created[1].purpose not in clause.purposes):
        return Held(clause, State.NOT_APPLICABLE, "other_purpose")
    found = _CHECKS[type(clause.check)](case, clause.check)
    shown = {entry.seq: _pointer(entry) for entry in found.entries}
    return Held(clause, found.state, found.why, tuple(shown[seq] for seq in sorted(shown)))


def _pointer(entry: Entry) -> Pointer:
    return Pointer(entry.seq, entry.name, getattr(entry.fact, "file", ""))


# --- the recording -----------------------------------------------------------------------------

_LANES: Final = tuple(
    (role, source)
    for role in (Role.CUSTOMER, Role.AGENT)
    for source in (TrackSource.MICROPHONE, TrackSource.CAMERA)
)


def _recorded_whole(case: _Case, check: RecordedWhole) -> _Found:
    if case.active() is None:
        return _beside("no_call")
    accounted = case.last(GapsAccounted)
    if accounted is None:
        return _not_met("not_accounted")
    entry, fact = accounted
    for role, source in _LANES:
        lanes = [lane for lane in fact.lanes if (lane.role, lane.source) == (role, source)]
        if not any(lane.media_s > 0 for lane in lanes):
            return _not_met(f"no_{source}_of_{role}", entry)
        if any(lane.lost_s > check.lost_s for lane in lanes):
            return _not_met(f"{source}_of_{role}_lost", entry)
    return _met(entry)


def _filmed(case: _Case, check: Filmed) -> _Found:
    if case.active() is None:
        return _beside("no_call")
    merged = case.last(MergeCompleted)
    return _met(merged[0]) if merged else _not_met("not_merged")


def _archived(case: _Case, check: Archived) -> _Found:
    written, verified = case.last(ArchiveWritten), case.last(ArchiveVerified)
    if written is None or verified is None:
        return _not_met("not_archived")
    if written[1].manifest_sha256 != verified[1].manifest_sha256:
        return _not_met("other_manifest", written[0], verified[0])
    if check.signed and not written[1].signed_by:
        return _not_met("not_signed", written[0])
    stamped = case.last(RecordTimestamped)
    if check.timestamped and stamped is None:
        return _not_met("not_timestamped", written[0])
    return _met(written[0], verified[0], *([stamped[0]] if stamped else ()))


# What happens later than an event keeps a record longer than the event itself does.
_COVERED_BY: Final[Mapping[Since, frozenset[Since]]] = {
    Since.VERDICT: frozenset({Since.VERDICT, Since.RELATIONSHIP, Since.PRODUCT, Since.DISPUTE}),
    Since.RELATIONSHIP: frozenset({Since.RELATIONSHIP}),
    Since.PRODUCT: frozenset({Since.PRODUCT}),
    Since.DISPUTE: frozenset({Since.DISPUTE}),
}


def _kept(case: _Case, check: Kept) -> _Found:
    subject = subject_of(case.entries)
    if subject.fate is Fate.OPEN:
        return _beside("not_over")
    discarded = case.last(MediaDiscarded)
    if discarded is not None:
        return _not_met("media_discarded", discarded[0])
    applied = retention(subject, case.rules).applied
    long_enough = any(one.months >= check.months and one.since in _COVERED_BY[check.since] for one in applied)
    created = [entry for entry, _ in case.of(CaseCreated)]
    return _met(*created) if long_enough else _not_met("kept_too_short", *created)


# --- who agreed, who the customer is -----------------------------------------------------------

_TAKEN: Final[Mapping[str, tuple[type[Fact], ...]]] = {
    "recording": (TrackStarted, RecordingStarted),
    "biometrics": (FacesCompared, PortraitsCompared, LivenessStarted, PersonWatched),
    "location": (LocationTold,),
}


def _consented(case: _Case, check: Consented) -> _Found:
    shown: list[Entry] = []
    for subject in check.subjects:
        taken = case.first(_TAKEN[subject])
        if taken is None:
            continue
        agreed = next((entry for entry, fact in case.of(ConsentGiven) if subject in fact.subjects), None)
        if agreed is None or agreed.seq > taken.seq:
            return _not_met(f"{subject}_before_consent", taken)
        shown += (agreed, taken)
    return _met(*shown) if shown else _beside("nothing_taken")


def _document(case: _Case, check: DocumentPassed) -> _Found:
    judged = case.last(DocumentJudged)
    if judged is None:
        return _not_met("not_read")
    entry, fact = judged
    if fact.verdict is not CheckVerdict.PASSED:
        return _not_met(f"document_{fact.verdict}", entry)
    reads = [(read, one) for read, one in case.of(DocumentRead) if one.check == fact.check]
    if check.kinds and not any(one.kind in check.kinds for _, one in reads):
        return _not_met("other_document", entry)
    return _met(entry, *(read for read, _ in reads), *case.pictures(*(one.evidence for _, one in reads)))


def _number(case: _Case, check: NumberPassed) -> _Found:
    cards = {fact.check for _, fact in case.of(DocumentRead) if fact.kind is DocumentKind.CN_ID}
    checked = [(entry, fact.verdict) for entry, fact in case.of(IdNumberChecked)]
    judged = [(entry, fact.verdict) for entry, fact in case.of(DocumentJudged) if fact.check in cards]
    found = max((*checked, *judged), key=lambda one: one[0].seq, default=None)
    if found is None:
        return _not_met("no_number")
    return _met(found[0]) if found[1] is CheckVerdict.PASSED else _not_met("number_wrong", found[0])


def _faces(case: _Case, check: FacesAlike) -> _Found:
    compared: list[tuple[Entry, FacesCompared | PortraitsCompared]] = []
    compared += case.of(FacesCompared)
    compared += case.of(PortraitsCompared)
    newest = max(compared, key=lambda one: one[0].seq, default=None)
    if newest is None:
        return _not_met("not_compared")
    entry, fact = newest
    score = fact.score if isinstance(fact, FacesCompared) else _of_card(fact)
    if fact.verdict is not CheckVerdict.PASSED or score is None or score < fact.threshold:
        return _not_met("below_operating_point", entry)
    return _met(entry, *case.pictures(fact.card, fact.still))


def _of_card(fact: PortraitsCompared) -> float | None:
    return next((pair.score for pair in fact.pairs if {pair.first, pair.second} == {"card", "still"}), None)


_ENDS: Final[Mapping[LivenessKind, type[ChallengeEnded | LightMeasured | LivenessMeasured]]] = {
    LivenessKind.GESTURES: ChallengeEnded,
    LivenessKind.LIGHT: LightMeasured,
    LivenessKind.PASSIVE: LivenessMeasured,
}


def _living(case: _Case, check: Living) -> _Found:
    decided = {fact.check: (entry, fact.verdict) for entry, fact in case.of(ChallengeDecided)}
    tried: list[Entry] = []
    for kind in check.any_of:
        ended = case.last(_ENDS[kind])
        if ended is None:
            continue
        entry, fact = ended
        by_agent, verdict = decided.get(fact.check, (entry, fact.verdict))
        if by_agent.seq < entry.seq:
            # What was found behind the agent's word was not known when it was given.
            verdict = max(verdict, fact.verdict, key=severity)
        if verdict is CheckVerdict.PASSED:
            return _met(entry, by_agent)
        tried += (entry, by_agent)
    return _not_met("not_passed" if tried else "not_tried", *tried)


def _questions(case: _Case, check: QuestionsVaried) -> _Found:
    drawn = case.of(QuestionDrawn)
    judged = [entry for entry, _ in case.of(QuestionJudged)]
    if len({fact.question for _, fact in drawn}) < check.asked or len(judged) < check.asked:
        return _not_met("too_few_questions", *judged)
    for entry, fact in drawn:
        if chosen(fact.candidates, fact.random_hex) != fact.question:
            return _not_met("draw_does_not_follow", entry)
    return _met(*(entry for entry, _ in drawn), *judged)


def _code(case: _Case, check: CodeEntered) -> _Found:
    sent = [(entry, fact) for entry, fact in case.of(CodeSent) if fact.call is not None]
    right = [(entry, fact) for entry, fact in case.of(CodeTried) if fact.right]
    for entry, fact in sent:
        tried = next((one for one, other in right if other.check == fact.check), None)
        if tried is None or tried.at > fact.expires_at:
            continue
        if fact.expires_at - entry.at <= check.valid_s + _ROUNDED_S:
            return _met(entry, tried)
        return _not_met("valid_too_long", entry, tried)
    return _not_met("no_code_entered", *(entry for entry, _ in sent))


# The time of a fact is that of its writing, a moment behind what it tells.
_ROUNDED_S: Final = 1.0


def _pictures(case: _Case, check: Pictures) -> _Found:
    stored = {fact.kind: entry for entry, fact in case.of(EvidenceStored)}
    for kind in check.kinds:
        if kind not in stored:
            return _not_met(f"no_{kind}")
    return _met(*(stored[kind] for kind in check.kinds))


def _features(case: _Case, check: FeaturesSeen) -> _Found:
    ticked = case.of(FeatureTicked)
    entries, ticks = [entry for entry, _ in ticked], latest(fact for _, fact in ticked)
    if judge(ticks, check.categories) is None:
        return _not_met("too_few_features", *entries)
    for doubt in doubts(ticks):
        return _not_met(doubt, *entries)
    return _met(*entries, *case.pictures(*(one.evidence for one in ticks)))


def _sources(case: _Case, check: SourcesAsked) -> _Found:
    answered = {fact.service: (entry, fact.verdict) for entry, fact in case.of(ExternalAnswered)}
    for service in check.services:
        if service not in answered:
            return _not_met(f"{service}_not_asked")
        entry, verdict = answered[service]
        if verdict is not CheckVerdict.PASSED and case.passed():
            return _not_met(f"passed_against_{service}", entry)
    return _met(*(answered[service][0] for service in check.services))


# --- the call ----------------------------------------------------------------------------------


def _located(case: _Case, check: Located) -> _Found:
    began = case.active()
    if began is None:
        return _beside("no_call")
    ended = case.last(CallEnded)
    until = ended[0].seq if ended else float("inf")
    told = [entry for entry, _ in case.of(LocationTold) if began.seq < entry.seq < until]
    return _met(*told) if told else _not_met("no_location_in_call")


_HIDDEN: Final = frozenset({NetworkKind.VPN, NetworkKind.PROXY, NetworkKind.TOR})


def _networks(case: _Case, check: Networks) -> _Found:
    seen = case.of(NetworkSeen)
    for entry, fact in seen:
        if fact.kind in _HIDDEN:
            return _not_met("anonymiser", entry)
        if fact.country not in check.countries:
            return _not_met("abroad" if fact.country else "country_unknown", entry)
    return _met(*(entry for entry, _ in seen)) if seen else _not_met("no_network_seen")


# Somebody who thinks before he answers was not prompted.
_HEARD_OR_SEEN: Final = frozenset({PromptingWord.SECOND_VOICE, PromptingWord.SECOND_FACE})


def _prompting(case: _Case, check: PromptingEnds) -> _Found:
    signs = [entry for entry, fact in case.of(PersonWatched) if fact.event is WatchEvent.SECOND_FACE]
    signs += [
        entry
        for entry, fact in case.of(PromptingNoticed)
        if any(one.sign in _HEARD_OR_SEEN for one in fact.signs)
    ]
    signs += [entry for entry, fact in case.of(AgentDecided) if fact.reason in check.reasons]
    if not signs:
        return _beside("no_sign_of_it")
    decided = case.last(AgentDecided)
    if decided is not None:
        found = _not_met("passed_all_the_same", *signs, decided[0])
        return found if case.passed() else _met(*signs, decided[0])
    ended = case.went(CasePhase.ABORTED) or case.went(CasePhase.EXPIRED)
    return _met(*signs, ended) if ended else _not_met("no_ending", *signs)


def _fresh_session(case: _Case, check: FreshSession) -> _Found:
    customers = {(fact.call, fact.seat) for _, fact in case.of(PartyJoined) if fact.role is Role.CUSTOMER}
    drops = [(entry, fact) for entry, fact in case.of(PartyDropped) if (fact.call, fact.seat) in customers]
    broken = {fact.call for _, fact in case.of(CallEnded) if fact.reason is CallEnd.INTERRUPTED}
    shown = [entry for entry, _ in drops]
    for entry, dropped in drops:
        back = next((
            one for one, fact in case.of(PartyReturned)
            if one.seq > entry.seq and (fact.call, fact.seat) == (dropped.call, dropped.seat)
        ), None)  # fmt: skip
        if back is not None and dropped.call not in broken:
            return _not_met("call_went_on", entry, back)
    ends = [entry for entry, fact in case.of(CallEnded) if fact.call in broken]
    return _met(*shown, *ends) if drops else _beside("no_interruption")


def _step(case: _Case, check: StepSettled) -> _Found:
    marks = [(entry, fact) for entry, fact in case.of(StepMarked) if fact.step == check.step]
    if not marks:
        return _not_met("not_settled")
    entry, fact = marks[-1]
    return _met(entry) if fact.result is StepResult.PASSED else _not_met(f"step_{fact.result}", entry)


# --- the staff ---------------------------------------------------------------------------------


def _by_lot(case: _Case, check: AgentByLot) -> _Found:
    drawn = case.of(AgentDrawn)
    for entry, fact in drawn:
        if chosen(fact.candidates, fact.random_hex) != fact.chosen:
            return _not_met("draw_does_not_follow", entry)
    return _met(*(entry for entry, _ in drawn)) if drawn else _not_met("not_by_lot")


def _named(case: _Case, check: AgentNamed) -> _Found:
    decided = case.last(AgentDecided)
    if decided is None:
        return _beside("no_result")
    entry, fact = decided
    joined = [one for one, party in case.of(PartyJoined) if party.account == fact.agent]
    return _met(*joined, entry) if joined else _not_met("agent_not_in_call", entry)


def _audited(case: _Case, check: Audited) -> _Found:
    signed, decided = case.last(AuditSigned), case.last(AgentDecided)
    if case.went(CasePhase.ABORTED) or case.went(CasePhase.EXPIRED):
        return _beside("no_result")
    reopened = case.last(AuditReopened)
    if signed is None or (reopened is not None and reopened[0].seq > signed[0].seq):
        return _not_met("not_audited")
    approved = case.went(CasePhase.APPROVED)
    if approved is not None and approved.seq < case.of(AuditSigned)[0][0].seq:
        return _not_met("approved_before_audit", approved, signed[0])
    if decided is None:
        return _met(signed[0])
    if signed[1].auditor == decided[1].agent:
        return _not_met("audited_by_the_agent", signed[0])
    late_s = signed[0].at - decided[0].at
    if check.within_h is not None and late_s > check.within_h * 3600:
        return _not_met("audited_too_late", decided[0], signed[0])
    return _met(decided[0], signed[0])


_CHECKS: Final[Mapping[type, Callable[[_Case, Any], _Found]]] = {
    RecordedWhole: _recorded_whole,
    Filmed: _filmed,
    Consented: _consented,
    DocumentPassed: _document,
    NumberPassed: _number,
    FacesAlike: _faces,
    Living: _living,
    QuestionsVaried: _questions,
    Located: _located,
    Networks: _networks,
    PromptingEnds: _prompting,
    FreshSession: _fresh_session,
    SourcesAsked: _sources,
    StepSettled: _step,
    Pictures: _pictures,
    CodeEntered: _code,
    FeaturesSeen: _features,
    AgentByLot: _by_lot,
    AgentNamed: _named,
    Audited: _audited,
    Archived: _archived,
    Kept: _kept,
}
