"""Every check that a clause may name: met, not met for each reason, and not applicable."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from contract.fact import Fact
from contract.facts import (
    GENESIS,
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
    seal_entry,
)
from contract.identity_facts import (
    ChallengeDecided,
    ChallengeEnded,
    CodeSent,
    CodeTried,
    DocumentJudged,
    DocumentRead,
    ExternalAnswered,
    LivenessMeasured,
    LivenessStarted,
    PairScore,
    PersonWatched,
    PortraitsCompared,
    PromptingNoticed,
    PromptingSign,
    QuestionDrawn,
    QuestionJudged,
)
from contract.ids import AccountId, CallId, CaseId, CheckId, EvidenceId, JobId, SeatId, TenantId, TrackId
from contract.keeping_facts import MediaDiscarded, RecordTimestamped
from contract.phases import (
    AbortedKeeps,
    CallEnd,
    CallPhase,
    CasePhase,
    CheckVerdict,
    CodeChannel,
    DocumentKind,
    EvidenceKind,
    FeatureCategory,
    FeatureSeen,
    LivenessKind,
    NetworkKind,
    Outcome,
    PromptingWord,
    Role,
    StepResult,
    TrackKind,
    TrackSource,
    Verdict,
    VoiceWord,
    WatchEvent,
)
from contract.record_facts import LaneKept
from contract.worksheet_facts import FeatureTicked
from recordings.retention import Fate, Rule, Since
from teller.regime import Clause, Regime
from teller.regime_checks import Held, Pointer, State, hold, is_met

CALL, OTHER_CALL, SEAT = CallId("call-1"), CallId("call-2"), SeatId("seat-c")
AGENT, AUDITOR = AccountId("acct-a"), AccountId("acct-b")
CARD, STILL = EvidenceId("ev-card"), EvidenceId("ev-still")
PASSED, REVIEW, FAILED = CheckVerdict.PASSED, CheckVerdict.REVIEW, CheckVerdict.FAILED
CREATED = CaseCreated(TenantId("t-1"), "account", "cn-account-opening", "")
ACTIVE = CallAdvanced(CALL, CallPhase.CONNECTING, CallPhase.ACTIVE)
RINGING = CallAdvanced(CALL, None, CallPhase.RINGING)
ENDED = CallEnded(CALL, CallEnd.CUSTOMER_HUNG_UP, 60)
RESULT = AgentDecided(AGENT, Outcome.PASSED, "", "")
SIGNED = AuditSigned(AUDITOR, Verdict.APPROVED, "", "0")
JOINED = PartyJoined(CALL, SEAT, Role.CUSTOMER, "")


def advanced(now: CasePhase, was: CasePhase = CasePhase.IN_CALL) -> CaseAdvanced:
    return CaseAdvanced(was, now)


def clause(check: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    held = {"check": check} if check else {"left_to": {"zh-CN": "人", "en": "people"}}
    return {"id": "1", "text": {"zh-CN": "甲", "en": "a"}, "source": "ours", **held, **more}


def regime(*clauses: dict[str, Any]) -> Regime:
    title = {"zh-CN": "甲", "en": "a"}
    data = {"id": "ours", "title": title, "document": "ours", "ids": "ours", "clauses": clauses}
    return Regime.model_validate_json(json.dumps(data))


def stands(
    check: dict[str, Any] | None, *facts: Fact, rules: Sequence[Rule] = (), step_s: float = 1.0, **more: Any
) -> Held:
    """Return how a clause with this check stands when ``facts`` were journaled ``step_s`` apart."""
    entries = [
        seal_entry(seq, seq * step_s, CaseId("case-1"), fact, GENESIS) for seq, fact in enumerate(facts, 1)
    ]
    (held,) = hold(regime(clause(check, **more)), entries, rules)
    return held


def why(check: dict[str, Any], *facts: Fact, **more: Any) -> str:
    """Return the reason for which a clause is not met."""
    held = stands(check, *facts, **more)
    assert held.state is State.NOT_MET
    return held.why


def shown(held: Held) -> list[str]:
    """Return the facts that show that a clause is met."""
    assert (held.state, held.why) == (State.MET, "")
    return [pointer.name for pointer in held.shown]


def beside(check: dict[str, Any], *facts: Fact, **more: Any) -> str:
    """Return the reason for which a clause does not apply."""
    held = stands(check, *facts, **more)
    assert held.state is State.NOT_APPLICABLE
    return held.why


def test_what_no_machine_can_check_is_listed_and_not_met() -> None:
    """It neither counts as met, nor against the case."""
    held = stands(None, CREATED)
    assert (held.state, held.why, held.shown) == (State.NOT_HELD, "left_to_people", ())
    assert is_met([held])
    assert not is_met([held, stands({"kind": "faces"}, CREATED)])


def test_a_clause_about_other_cases_does_not_apply() -> None:
    check = {"kind": "film"}
    assert beside(check, CREATED, ACTIVE, purposes=["wealth_product"]) == "other_purpose"
    assert beside(check, ACTIVE, purposes=["wealth_product"]) == "other_purpose"
    assert why(check, CREATED, ACTIVE, purposes=["account"]) == "not_merged"


@pytest.mark.parametrize("more", [{"left_to": {"zh-CN": "人", "en": "people"}}, {"check": None}])
def test_a_clause_is_held_one_way(more: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="either a check or left_to"):
        Clause.model_validate_json(json.dumps(clause({"kind": "film"}) | more))


# --- the recording ---


def lane(role: Role, source: TrackSource, media_s: float = 60, lost_s: float = 0) -> LaneKept:
    return LaneKept(CALL, SEAT, role, source, media_s, 0, 0, 0, lost_s, 0, 0)


WHOLE = GapsAccounted("ledger.json", "0", 1, 2, tuple(
    lane(role, source) for role in (Role.CUSTOMER, Role.AGENT)
    for source in (TrackSource.MICROPHONE, TrackSource.CAMERA)
), ())  # fmt: skip


def test_recorded_whole() -> None:
    check = {"kind": "recorded_whole", "lost_s": 2}
    held = stands(check, ACTIVE, WHOLE)
    assert held.shown == (Pointer(2, "GapsAccounted", "ledger.json"),)
    assert beside(check, RINGING) == "no_call"
    assert why(check, ACTIVE) == "not_accounted"
    silent = replace(WHOLE, lanes=(*WHOLE.lanes[1:], lane(Role.CUSTOMER, TrackSource.MICROPHONE, 0)))
    assert why(check, ACTIVE, silent) == "no_microphone_of_customer"
    holed = replace(WHOLE, lanes=(*WHOLE.lanes, lane(Role.AGENT, TrackSource.CAMERA, 50, 2.1)))
    assert why(check, ACTIVE, holed) == "camera_of_agent_lost"
    assert stands({"kind": "recorded_whole", "lost_s": 3}, ACTIVE, holed).state is State.MET


def test_film() -> None:
    film = MergeCompleted(JobId("job-1"), "merged.mp4", "0", 1, 60, 0, 5)
    assert shown(stands({"kind": "film"}, ACTIVE, film)) == ["MergeCompleted"]
    assert beside({"kind": "film"}) == "no_call"


def test_archived() -> None:
    check = {"kind": "archived", "signed": True, "timestamped": True}
    written, verified = ArchiveWritten("s3", "m1", 3, 9, "key-1"), ArchiveVerified("m1", 3, 9)
    stamped = RecordTimestamped("tsa", 1.0, "0")
    facts = ["ArchiveWritten", "ArchiveVerified", "RecordTimestamped"]
    assert shown(stands(check, written, verified, stamped)) == facts
    assert shown(stands({"kind": "archived"}, replace(written, signed_by=""), verified)) == facts[:2]
    assert why(check) == why(check, written) == "not_archived"
    assert why(check, written, replace(verified, manifest_sha256="m2")) == "other_manifest"
    assert why(check, replace(written, signed_by=""), verified) == "not_signed"
    assert why(check, written, verified) == "not_timestamped"


def test_retention() -> None:
    check = {"kind": "retention", "months": 60, "from": "verdict"}
    over = (CREATED, advanced(CasePhase.APPROVED))

    def rule(months: int, since: Since, *fates: Fate) -> Rule:
        return Rule("recording", months, since, frozenset(fates))

    assert shown(stands(check, *over, rules=[rule(60, Since.VERDICT)])) == ["CaseCreated"]
    assert stands(check, *over, rules=[rule(60, Since.RELATIONSHIP)]).state is State.MET
    assert beside(check, CREATED, rules=[rule(60, Since.VERDICT)]) == "not_over"
    assert why(check, *over, rules=[rule(59, Since.VERDICT)]) == "kept_too_short"
    assert why(check, *over, rules=[rule(60, Since.VERDICT, Fate.REFUSED)]) == "kept_too_short"
    later = {"kind": "retention", "months": 60, "from": "end_of_relationship"}
    assert why(later, *over, rules=[rule(600, Since.VERDICT)]) == "kept_too_short"
    gone = MediaDiscarded(AbortedKeeps.LOG, 3, 9)
    aborted = (CREATED, advanced(CasePhase.ABORTED), gone)
    assert why(check, *aborted, rules=[rule(60, Since.VERDICT)]) == "media_discarded"


# --- who agreed, who the customer is ---


def test_consent_comes_first() -> None:
    check = {"kind": "consent", "subjects": ["recording", "biometrics"]}
    agreed = ConsentGiven(("recording",), "1", "zh-CN", ("biometrics",))
    recorded = RecordingStarted(CALL, TrackId("track-1"), Role.CUSTOMER, TrackKind.VIDEO)
    looked = LivenessStarted(CALL, CheckId("c"), LivenessKind.PASSIVE, 1, False, AGENT)
    assert shown(stands(check, agreed, recorded)) == ["ConsentGiven", "RecordingStarted"]
    assert beside(check, agreed) == "nothing_taken"
    assert why(check, recorded, agreed) == why(check, recorded) == "recording_before_consent"
    assert why(check, agreed, recorded, looked) == "biometrics_before_consent"
    both = replace(agreed, subjects=("recording", "biometrics"), refused=())
    assert len(shown(stands(check, both, recorded, looked))) == 3


READ = DocumentRead(CALL, CheckId("d"), CARD, None, "front", DocumentKind.CN_ID, (), (), ())
JUDGED = DocumentJudged(CALL, CheckId("d"), PASSED, (), ())
STORED = EvidenceStored(
    CARD, EvidenceKind.ID_CARD, "evidence/c.jpg", "image/jpeg", "0", 1, 1, 1, 1.0, "phone"
)


def test_document() -> None:
    check = {"kind": "document", "kinds": ["td1", "td3"]}
    passport = replace(READ, kind=DocumentKind.TD3)
    held = stands(check, STORED, passport, JUDGED)
    assert [(one.name, one.file) for one in held.shown] == [
        ("EvidenceStored", "evidence/c.jpg"), ("DocumentRead", ""), ("DocumentJudged", ""),
    ]  # fmt: skip
    assert why(check, READ) == "not_read"
    assert why(check, passport, replace(JUDGED, verdict=REVIEW)) == "document_review"
    assert why(check, READ, JUDGED) == "other_document"
    assert stands({"kind": "document"}, READ, JUDGED).state is State.MET


def test_id_number() -> None:
    """The newest word counts, of the number that was entered or of the card that was read."""
    check = {"kind": "id_number"}
    entered = IdNumberChecked(CheckId("n"), "1", FAILED, ("checksum",), "", "", AGENT)
    assert why(check) == "no_number"
    assert why(check, entered) == "number_wrong"
    assert shown(stands(check, entered, READ, JUDGED)) == ["DocumentJudged"]
    assert why(check, READ, JUDGED, entered) == "number_wrong"
    assert why(check, replace(READ, kind=DocumentKind.TD3), JUDGED) == "no_number"


def test_faces() -> None:
    check = {"kind": "faces"}
    faces = FacesCompared(
        CheckId("f"), CARD, STILL, None, "open", "", "m", 0.61, 0.48, 0.36, PASSED, "", AGENT
    )
    portraits = PortraitsCompared(
        CALL, CheckId("p"), CARD, STILL, None, None, (PairScore("still", "card", 0.6, PASSED, ""),), 1, (),
        0.48, 0.36, "", (), PASSED, "", AGENT,
    )  # fmt: skip
    assert shown(stands(check, STORED, faces)) == ["EvidenceStored", "FacesCompared"]
    assert shown(stands(check, replace(faces, verdict=FAILED), portraits)) == ["PortraitsCompared"]
    assert why(check) == "not_compared"
    below = "below_operating_point"
    assert why(check, portraits, replace(faces, verdict=REVIEW)) == below
    assert why(check, replace(faces, score=0.47)) == below
    assert why(check, replace(portraits, pairs=())) == below
    assert stands(check, replace(faces, score=0.48)).state is State.MET


def test_liveness() -> None:
    check = {"kind": "liveness", "any_of": ["gestures", "passive"]}
    gestures = ChallengeEnded(CALL, CheckId("g"), PASSED, "")
    passive = LivenessMeasured(CALL, CheckId("l"), 12, 0.9, 0.1, 0.5, 0.25, FAILED, "", ())
    doubted = replace(gestures, verdict=REVIEW)
    by_agent = ChallengeDecided(CALL, CheckId("g"), PASSED, "seen", AGENT)
    assert shown(stands(check, passive, gestures)) == ["ChallengeEnded"]
    assert why(check) == "not_tried"
    assert why(check, passive) == why(check, gestures, doubted) == "not_passed"
    assert shown(stands(check, doubted, by_agent)) == ["ChallengeEnded", "ChallengeDecided"]
    assert why(check, gestures, replace(by_agent, verdict=FAILED)) == "not_passed"
    assert why(check, by_agent, replace(gestures, verdict=FAILED)) == "not_passed"
    assert stands(check, by_agent, gestures).state is State.MET


def test_questions() -> None:
    check = {"kind": "questions", "asked": 2}
    first = QuestionDrawn(CALL, CheckId("q"), "b", ("a", "b"), "03", "", "", "")
    second = replace(first, question="c", candidates=("c",))
    judged = QuestionJudged(CALL, CheckId("q"), PASSED, "", AGENT)
    assert len(shown(stands(check, first, judged, second, judged))) == 4
    assert why(check, first, judged, first, judged) == "too_few_questions"
    assert why(check, first, second, judged) == "too_few_questions"
    chosen_by_hand = replace(first, question="a")
    assert why(check, chosen_by_hand, judged, second, judged) == "draw_does_not_follow"


def test_one_time_code() -> None:
    check = {"kind": "code", "valid_s": 600}
    sent = CodeSent(CALL, CheckId("o"), CodeChannel.SMS, "", 601.0, 3, "0")
    right = CodeTried(CALL, CheckId("o"), True, 2)
    assert shown(stands(check, sent, replace(right, right=False), right)) == ["CodeSent", "CodeTried"]
    assert why(check, sent, replace(right, right=False)) == "no_code_entered"
    assert why(check, sent, replace(right, check=CheckId("other"))) == "no_code_entered"
    assert why(check, replace(sent, call=None), right) == "no_code_entered"
    assert why(check, sent, right, step_s=400) == "no_code_entered"
    assert why(check, replace(sent, expires_at=700), right) == "valid_too_long"


def test_pictures() -> None:
    check = {"kind": "pictures", "kinds": ["id_card", "face_still"]}
    still = replace(STORED, evidence=STILL, kind=EvidenceKind.FACE_STILL)
    assert len(shown(stands(check, STORED, still))) == 2
    assert why(check, STORED) == "no_face_still"


def test_features() -> None:
    """Of different categories, on one document; of two ticks of a feature the later counts."""
    check = {"kind": "features", "categories": 2}
    wall, micro = (
        FeatureTicked(CALL, STORED.kind, name, category, "", "", CARD, FeatureSeen.SEEN, AGENT)
        for name, category in (("wall", FeatureCategory.OPTICAL), ("micro", FeatureCategory.PRINTING))
    )
    held = ["FeatureTicked", "FeatureTicked", "EvidenceStored"]
    assert sorted(shown(stands(check, STORED, wall, micro))) == sorted(held)
    assert why(check, STORED, wall) == why(check) == "too_few_features"
    doubtful = replace(wall, feature="letters", seen=FeatureSeen.DOUBTFUL)
    assert why(check, STORED, wall, micro, doubtful) == "feature_doubtful"
    cleared = replace(doubtful, seen=FeatureSeen.SEEN)
    assert stands(check, STORED, wall, micro, doubtful, cleared).state is State.MET


def test_outside_sources() -> None:
    check = {"kind": "outside_sources", "services": ["sanctions", "negative_list"]}
    clear = ExternalAnswered(CALL, CheckId("s"), "sanctions", PASSED, "none", "0", None)
    hit = replace(clear, service="negative_list", verdict=FAILED)
    assert why(check, clear, RESULT) == "negative_list_not_asked"
    assert why(check, clear, hit, RESULT) == "passed_against_negative_list"
    assert len(shown(stands(check, clear, hit, replace(RESULT, outcome=Outcome.FAILED)))) == 2
    assert stands(check, clear, hit).state is State.MET
    assert stands(check, clear, replace(hit, verdict=PASSED), RESULT).state is State.MET


# --- the call ---


def test_location_in_the_call() -> None:
    check = {"kind": "location"}
    told = LocationTold(1.0, 2.0, 10)
    assert shown(stands(check, ACTIVE, told)) == ["LocationTold"]
    assert stands(check, told, ACTIVE, told, ENDED).shown == (Pointer(3, "LocationTold"),)
    assert why(check, told, ACTIVE, ENDED, told) == "no_location_in_call"
    assert beside(check, told) == "no_call"


def test_networks() -> None:
    check = {"kind": "network", "countries": ["IN"]}
    home = NetworkSeen(SEAT, "192.0.2.1", "IN", NetworkKind.MOBILE, "", (), ())
    assert shown(stands(check, home, home)) == ["NetworkSeen"] * 2
    assert why(check) == "no_network_seen"
    assert why(check, home, replace(home, country="DE")) == "abroad"
    assert why(check, replace(home, country="")) == "country_unknown"
    assert why(check, replace(home, kind=NetworkKind.VPN), home) == "anonymiser"


def test_prompting() -> None:
    check = {"kind": "prompting", "reasons": ["prompting"]}
    second = PersonWatched(CALL, SEAT, WatchEvent.SECOND_FACE, 1.0, None)
    prompted = replace(RESULT, outcome=Outcome.FAILED, reason="prompting")
    assert beside(check, replace(second, event=WatchEvent.LEFT_PICTURE), RESULT) == "no_sign_of_it"
    assert why(check, second, RESULT) == "passed_all_the_same"
    assert why(check, second) == "no_ending"
    assert shown(stands(check, prompted)) == ["AgentDecided"]
    assert shown(stands(check, second, prompted)) == ["PersonWatched", "AgentDecided"]
    slow, heard = (
        PromptingSign(word, 9.0, 8.0) for word in (PromptingWord.SLOW_ANSWER, PromptingWord.SECOND_VOICE)
    )
    noticed = PromptingNoticed(CALL, CheckId("q-1"), SEAT, 1.0, 2.0, (slow, heard), VoiceWord.COMPARED)
    assert beside(check, replace(noticed, signs=(slow,)), RESULT) == "no_sign_of_it"
    assert why(check, noticed, RESULT) == "passed_all_the_same"
    assert shown(stands(check, noticed, prompted)) == ["PromptingNoticed", "AgentDecided"]
    for phase in (CasePhase.ABORTED, CasePhase.EXPIRED):
        assert shown(stands(check, second, advanced(phase))) == ["PersonWatched", "CaseAdvanced"]


def test_fresh_session_after_an_interruption() -> None:
    check = {"kind": "fresh_session"}
    dropped, back = PartyDropped(CALL, SEAT, 20.0), PartyReturned(CALL, SEAT)
    of_agent = replace(dropped, seat=SeatId("seat-a"))
    staff = PartyJoined(CALL, SeatId("seat-a"), Role.AGENT, "")
    broken = replace(ENDED, reason=CallEnd.INTERRUPTED)
    assert beside(check, JOINED, staff, of_agent) == "no_interruption"
    assert why(check, JOINED, dropped, back, ENDED) == "call_went_on"
    assert shown(stands(check, JOINED, dropped, back, broken)) == ["PartyDropped", "CallEnded"]
    assert shown(stands(check, JOINED, back, dropped, ENDED)) == ["PartyDropped"]
    elsewhere = replace(back, call=OTHER_CALL)
    assert stands(check, JOINED, dropped, elsewhere).state is State.MET


def test_step() -> None:
    check = {"kind": "step", "step": "purpose"}
    mark = StepMarked("purpose", StepResult.WAIVED, "", "", AGENT)
    assert why(check, replace(mark, step="risk_notice")) == "not_settled"
    assert why(check, mark) == "step_waived"
    assert stands(check, mark, replace(mark, result=StepResult.PASSED)).shown == (Pointer(2, "StepMarked"),)


# --- the staff ---


def test_agents_by_lot() -> None:
    check = {"kind": "agent_by_lot"}
    drawn = AgentDrawn(CALL, (AUDITOR, AGENT), AGENT, "01")
    assert shown(stands(check, drawn)) == ["AgentDrawn"]
    assert why(check) == "not_by_lot"
    assert why(check, drawn, replace(drawn, chosen=AUDITOR)) == "draw_does_not_follow"


def test_agent_named() -> None:
    check = {"kind": "agent_named"}
    joined = PartyJoined(CALL, SeatId("seat-a"), Role.AGENT, "", AGENT)
    assert shown(stands(check, JOINED, joined, RESULT)) == ["PartyJoined", "AgentDecided"]
    assert beside(check, joined) == "no_result"
    assert why(check, JOINED, RESULT) == "agent_not_in_call"


def test_audited_by_somebody_else() -> None:
    check = {"kind": "audited", "within_h": 24}
    approved = advanced(CasePhase.APPROVED)
    assert shown(stands(check, RESULT, SIGNED, approved)) == ["AgentDecided", "AuditSigned"]
    assert shown(stands(check, SIGNED)) == ["AuditSigned"]
    assert beside(check, advanced(CasePhase.ABORTED)) == "no_result"
    assert beside(check, advanced(CasePhase.EXPIRED)) == "no_result"
    assert why(check, RESULT) == "not_audited"
    reopened = AuditReopened(AUDITOR, "", Verdict.APPROVED)
    assert why(check, RESULT, SIGNED, approved, reopened) == "not_audited"
    assert stands(check, RESULT, SIGNED, approved, reopened, SIGNED).state is State.MET
    assert why(check, RESULT, approved, SIGNED) == "approved_before_audit"
    assert why(check, RESULT, replace(SIGNED, auditor=AGENT)) == "audited_by_the_agent"
    assert why(check, RESULT, SIGNED, step_s=86_401) == "audited_too_late"
    assert stands({"kind": "audited"}, RESULT, SIGNED, step_s=86_401).state is State.MET
