"""The decision: every reason has its case, every order of doubt its verdict, and nothing else counts."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.fact import Fact
from contract.facts import AgentDecided, AuditSigned, CallEnded, ConsentGiven, FacesCompared, IdNumberChecked
from contract.identity_facts import (
    AccountsCounted,
    ChallengeDecided,
    ChallengeEnded,
    CodeTried,
    Decided,
    DocumentJudged,
    ExternalAnswered,
    LightMeasured,
    Limit,
    LivenessMeasured,
    PersonWatched,
    PortraitsCompared,
    QuestionJudged,
    Signal,
    SourceJudged,
)
from contract.ids import AccountId, CallId, CheckId, EvidenceId, SeatId
from contract.phases import (
    AccountClass,
    CallEnd,
    CheckVerdict,
    EvidenceKind,
    FeatureCategory,
    FeatureSeen,
    Outcome,
    Verdict,
    WatchEvent,
)
from contract.worksheet_facts import FeatureTicked
from kyc.decision import FIVE_ELEMENTS, ClassRule, DecisionRules, Need, decide

PASSED, REVIEW, FAILED = CheckVerdict.PASSED, CheckVerdict.REVIEW, CheckVerdict.FAILED
CALL, SEAT, AGENT = CallId("call-0000000000000000"), SeatId("seat-0000000000000000"), AccountId("acct-a")
EV = EvidenceId("ev-0000000000000000")
II_LIMITS = (Limit("out_per_day", 10_000), Limit("out_per_year", 200_000))

RULES = DecisionRules(
    policy="test",
    version=3,
    needs=(
        Need("consent", (("consent",),)),
        Need("document", (("document",), ("id_number",))),
        Need("face", (("portraits",), ("face_match",), ("questions", "code"))),
        Need("liveness", (("gestures",), ("light",), ("passive", "questions"))),
    ),
    classes=(
        ClassRule(AccountClass.I, (), on_site=True, open_max=1),
        ClassRule(AccountClass.II, II_LIMITS, ("external_bound_card",), five_elements=True),
        ClassRule(AccountClass.III, (Limit("balance", 2_000),)),
    ),
    veto=("portraits", "face_match", "external_sanctions"),
    agent_settles=("portraits", "gestures"),
    agent_overrules=("gestures",),
)


def consent(*subjects: str) -> Fact:
    return ConsentGiven(subjects or ("recording", "biometrics"), "1", "zh-CN")


def document(verdict: CheckVerdict = PASSED) -> DocumentJudged:
    return DocumentJudged(CALL, CheckId("check-doc"), verdict, (), ())


def portraits(verdict: CheckVerdict = PASSED, check: str = "check-face") -> Fact:
    return PortraitsCompared(
        CALL, CheckId(check), EV, EV, None, None, (), 3, (), 0.48, 0.36, "", (), verdict, "", AGENT
    )


def gestures(verdict: CheckVerdict = PASSED) -> Fact:
    return ChallengeEnded(CALL, CheckId("check-gest"), verdict, "")


def decided_by_agent(verdict: CheckVerdict, check: str = "check-gest") -> Fact:
    return ChallengeDecided(CALL, CheckId(check), verdict, "cannot nod", AGENT)


def agent(outcome: Outcome = Outcome.PASSED) -> Fact:
    return AgentDecided(AGENT, outcome, "", "")


def answered(service: str, verdict: CheckVerdict = PASSED, matched: Sequence[str] = ()) -> ExternalAnswered:
    return ExternalAnswered(CALL, CheckId("check-ext"), service, verdict, "match", "", None, tuple(matched))


def question(verdict: CheckVerdict = PASSED) -> Fact:
    return QuestionJudged(CALL, CheckId("check-q"), verdict, "", AGENT)


def code(*, right: bool, left: int = 2) -> Fact:
    return CodeTried(CALL, CheckId("check-code"), right, left)


def watched(event: WatchEvent) -> Fact:
    return PersonWatched(CALL, SEAT, event, 1.0, None)


def source(score: float) -> Fact:
    return SourceJudged(CALL, SEAT, (Signal("label", score, "virtual"),), score)


def counted(**counts: int) -> Fact:
    return AccountsCounted(tuple(Limit(name, count) for name, count in counts.items()))


NUMBER = IdNumberChecked(CheckId("check-id"), "", PASSED, (), "", "", AGENT)
FACES = FacesCompared(CheckId("check-f"), EV, EV, None, "open", "", "", 0.6, 0.48, 0.36, PASSED, "", AGENT)
PASSIVE = LivenessMeasured(CALL, CheckId("check-p"), 10, 0.9, 0.1, 0.5, 0.25, PASSED, "", ())
LIGHT = LightMeasured(CALL, CheckId("check-l"), 1.0, 0.9, 0.1, 0.1, 0.1, 100, PASSED, "")
ALL_FIVE = answered("bound_card", matched=sorted(FIVE_ELEMENTS))
GOOD = [consent(), document(), portraits(), gestures(), counted(I=1, II=0, III=0), ALL_FIVE, agent()]


def told(facts: Sequence[Fact], rules: DecisionRules = RULES) -> tuple[CheckVerdict, set[str]]:
    found = decide(facts, rules)
    return found.verdict, set(found.reasons)


def without(*kinds: type[Fact]) -> list[Fact]:
    return [fact for fact in GOOD if not isinstance(fact, kinds)]


def test_a_source_that_speaks_of_another_person_is_named() -> None:
    """Whatever verdict it gives: a person looks, and what it confirmed does not count."""
    confirmed = replace(ALL_FIVE, pii_asked_name="张三", pii_name="张三")
    facts = [confirmed if fact is ALL_FIVE else fact for fact in GOOD]
    assert told(facts) == (PASSED, {"agent_passed", "class_I_on_site"})
    another = replace(confirmed, pii_name="李四")
    verdict, reasons = told([another if fact is ALL_FIVE else fact for fact in GOOD])
    assert (verdict, reasons) == (REVIEW, {"agent_passed", "name_differs_from_registry"})
    approved = [*(another if fact is ALL_FIVE else fact for fact in GOOD), signed()]
    assert "class_II_five_elements" in told(approved)[1]
    # The last answer of a source counts.
    assert told([another, *facts])[0] is PASSED


def test_a_document_against_a_source_is_named() -> None:
    """Until it was judged again without."""
    failures = ("back_missing", "number_differs_from_query")
    doubt = replace(document(REVIEW), failures=failures)
    assert told([*GOOD, doubt])[1] == {"agent_passed", "document_review", "number_differs_from_query"}
    assert told([*GOOD, doubt])[0] is REVIEW
    assert told([*GOOD, doubt, document()])[0] is PASSED


def test_a_field_that_came_later_leaves_older_hashes_alone() -> None:
    """Empty it says nothing; told it is an input as any other."""
    rules = DecisionRules("p", 1, (), ())
    was = ExternalAnswered(
        CallId("call-1"), CheckId("check-ext"), "bound_card", PASSED, "match", "", None, ("name",)
    )
    kept = "7a6a1ef9753f1c8c452d409804edb2524a5e73dda29f55c87839892900839bcd"
    assert decide([was], rules).inputs_sha256 == kept
    assert decide([replace(was, pii_asked_name="张三")], rules).inputs_sha256 != kept


def ticked(*categories: FeatureCategory, seen: FeatureSeen = FeatureSeen.SEEN) -> list[Fact]:
    return [
        FeatureTicked(CALL, EvidenceKind.ID_CARD, f"{seen} {one}", one, "", "", EV, seen, AGENT)
        for one in categories
    ]


THREE = ticked(FeatureCategory.OPTICAL, FeatureCategory.PRINTING, FeatureCategory.LAYOUT)
SHEETED = replace(RULES, feature_categories=3)


def test_features_that_were_not_ticked_hand_the_case_to_a_person() -> None:
    """Too few of them, too: and nothing of it in a pack without the sheet."""
    assert told([*GOOD, *THREE], SHEETED) == (PASSED, {"agent_passed", "class_I_on_site"})
    assert told(GOOD, SHEETED) == (REVIEW, {"agent_passed", "features_missing"})
    assert told([*GOOD, *THREE[:2]], SHEETED) == (REVIEW, {"agent_passed", "features_missing"})
    assert told(GOOD)[0] is PASSED
    assert told([*GOOD, signed()], SHEETED)[0] is PASSED


@pytest.mark.parametrize(
    ("seen", "word"),
    [(FeatureSeen.NOT_SEEN, "feature_not_seen"), (FeatureSeen.DOUBTFUL, "feature_doubtful")],
)
def test_a_feature_that_was_not_seen_is_never_a_silent_refusal(seen: FeatureSeen, word: str) -> None:
    """A person looks, whatever else was ticked; where the pack wants no features it says nothing."""
    facts = [*GOOD, *THREE, *ticked(FeatureCategory.CONDITION, seen=seen)]
    assert told(facts, SHEETED) == (REVIEW, {"agent_passed", word})
    assert told(facts)[0] is PASSED


def test_whoever_was_alone_is_not_asked_for_features() -> None:
    """In self-service nobody looks."""
    rules = replace(SHEETED, self_service=(Need("document", (("document",),)),))
    alone = [replace(document(), call=None), counted(I=0, II=0, III=0)]
    assert told(alone, rules)[0] is PASSED


def test_rules_without_features_keep_their_hash() -> None:
    """A decision of before is the same decision today; with them it is another."""
    assert decide(GOOD, RULES).inputs_sha256 != decide(GOOD, SHEETED).inputs_sha256


def test_all_is_well() -> None:
    """Everything shown: the best class that needs no meeting, with its limits."""
    found = decide(GOOD, RULES)
    assert (found.verdict, found.account_class, found.limits) == (PASSED, AccountClass.II, II_LIMITS)
    assert found.reasons == ("agent_passed", "class_I_on_site")
    assert (found.policy, found.policy_version) == ("test", 3)


def test_class_one_takes_staff_on_site() -> None:
    """The same evidence opens class I beside staff, unless the customer has one."""
    on_site = replace(RULES, on_site=True)
    assert decide([*GOOD, counted(I=0)], on_site).account_class is AccountClass.I
    found = decide([*GOOD, counted(I=1)], on_site)
    assert found.account_class is AccountClass.II
    assert "class_I_count" in found.reasons


@pytest.mark.parametrize(
    ("facts", "account_class", "reason"),
    [
        ([*without(ExternalAnswered)], AccountClass.III, "class_II_checks"),
        ([*without(ExternalAnswered), answered("bound_card", REVIEW)], AccountClass.III, "class_II_checks"),
        (
            [*without(ExternalAnswered), answered("bound_card", matched=["name", "number"])],
            AccountClass.III,
            "class_II_five_elements",
        ),
        ([*GOOD, counted(II=5)], AccountClass.III, "class_II_count"),
        ([*GOOD, counted(II=5, III=5)], None, "class_III_count"),
        ([*without(AccountsCounted)], None, "class_III_count_unknown"),
    ],
)
def test_what_a_class_takes(facts: list[Fact], account_class: AccountClass | None, reason: str) -> None:
    """A class that is refused says why, and the next one is looked at; without any, the case fails.

    Books that did not answer say nothing against the customer: a person looks.
    """
    found = decide(facts, RULES)
    assert found.account_class is account_class
    none = REVIEW if reason.endswith("unknown") else FAILED
    assert found.verdict is (PASSED if account_class else none)
    assert reason in found.reasons


def test_elements_of_a_failed_answer_count_for_nothing() -> None:
    """Only what a passed answer confirms is confirmed."""
    answer = answered("bound_card", FAILED, sorted(FIVE_ELEMENTS))
    assert "class_II_checks" in decide([*without(ExternalAnswered), answer], RULES).reasons


@pytest.mark.parametrize(
    ("facts", "verdict", "reason"),
    [
        ([*without(AgentDecided)], REVIEW, "agent_missing"),
        ([*GOOD, agent(Outcome.FAILED)], FAILED, "agent_failed"),
        ([*GOOD, agent(Outcome.INCOMPLETE)], FAILED, "agent_incomplete"),
        ([*without(ConsentGiven)], REVIEW, "consent_missing"),
        ([*GOOD, consent("biometrics")], FAILED, "consent_failed"),
        ([*without(DocumentJudged)], REVIEW, "document_missing"),
        ([*without(DocumentJudged), document(FAILED)], FAILED, "document_failed"),
        ([*GOOD, document(REVIEW)], REVIEW, "document_review"),
        ([*GOOD, portraits(FAILED)], FAILED, "portraits_failed"),
        ([*without(ChallengeEnded)], REVIEW, "liveness_missing"),
        ([*GOOD, gestures(FAILED)], FAILED, "gestures_failed"),
        ([*GOOD, answered("sanctions", FAILED)], FAILED, "external_sanctions_failed"),
        ([*GOOD, watched(WatchEvent.DIFFERENT_PERSON)], REVIEW, "watched_different_person"),
        ([*GOOD, source(0.8)], REVIEW, "source_signs"),
    ],
)
def test_what_speaks_against(facts: list[Fact], verdict: CheckVerdict, reason: str) -> None:
    """Each doubt goes to a person, each failure fails, and both say their word."""
    found, reasons = told(facts)
    assert found is verdict
    assert reason in reasons
    assert decide(facts, RULES).account_class is None


def test_advice_stays_advice() -> None:
    """Who only left the picture, and weak signs, change nothing."""
    assert told([*GOOD, watched(WatchEvent.LEFT_PICTURE), source(0.79)])[0] is PASSED


def signed(verdict: Verdict = Verdict.APPROVED) -> Fact:
    return AuditSigned(AGENT, verdict, "seen whole", "0" * 64)


def test_an_auditor_settles_what_is_in_doubt() -> None:
    """Class and limits follow from the signature; what failed stays failed, a rejection settles nothing."""
    doubt = [*GOOD, watched(WatchEvent.SECOND_FACE)]
    found = decide([*doubt, signed()], RULES)
    assert (found.verdict, found.account_class) == (PASSED, AccountClass.II)
    assert {"watched_second_face", "auditor_approved"} <= set(found.reasons)
    assert told([*doubt, signed(Verdict.REJECTED)])[0] is REVIEW
    assert told([*GOOD, portraits(FAILED), signed()])[0] is FAILED
    assert "auditor_approved" not in told([*GOOD, signed()])[1]


def test_the_way_without_a_face() -> None:
    """Questions and the code together do what faces do; one of them alone does not. Nobody has to agree to
    the use of his face, but that somebody lives is then for a person to say."""
    faceless = [consent("recording"), *without(ConsentGiven, PortraitsCompared, ChallengeEnded)]
    faceless += [question(), question(), code(right=True)]
    assert told(faceless) == (REVIEW, {"agent_passed", "liveness_missing"})
    assert told([*faceless, signed()])[0] is PASSED
    rest = [*without(PortraitsCompared), question(), question()]
    assert told([*rest, code(right=False), code(right=True)])[0] is PASSED
    assert told(rest) == (REVIEW, {"agent_passed", "face_missing"})
    assert told([*rest, code(right=False, left=0)]) == (FAILED, {"agent_passed", "code_failed"})


def test_a_veto_closes_every_other_way() -> None:
    """A face that is another's is not made good by answers and a code."""
    facts = [*GOOD, portraits(FAILED), question(), question(), code(right=True)]
    assert told(facts) == (FAILED, {"agent_passed", "portraits_failed"})
    lenient = replace(RULES, veto=())
    assert told(facts, lenient)[0] is PASSED


def test_answers_are_counted() -> None:
    """Two right ones pass, two wrong ones fail, and one of each is nothing yet."""
    rest = without(PortraitsCompared)
    assert "face_missing" in told([*rest, question(), question(FAILED), code(right=True)])[1]
    assert "questions_failed" in told([*rest, question(FAILED), question(FAILED), code(right=True)])[1]
    assert "face_missing" in told([*rest, question(REVIEW), question(), code(right=True)])[1]


def test_the_agent_settles_doubt() -> None:
    """A doubt that the rules leave to the agent is settled by the outcome, others are not."""
    assert told([*GOOD, portraits(REVIEW)]) == (
        PASSED,
        {"agent_passed", "portraits_by_agent", "class_I_on_site"},
    )
    assert told([*GOOD, document(REVIEW)])[0] is REVIEW
    assert told([*GOOD, portraits(REVIEW), agent(Outcome.FAILED)])[0] is FAILED


def test_liveness_takes_more_than_an_outcome() -> None:
    """Whatever it was that left it in doubt, measured or declined: without a reason in writing it stays."""
    assert told([*GOOD, gestures(REVIEW)]) == (REVIEW, {"agent_passed", "gestures_review"})
    assert told([*GOOD, gestures(REVIEW), decided_by_agent(PASSED)])[0] is PASSED


@pytest.mark.parametrize(
    ("end", "word", "verdict"),
    [
        (REVIEW, PASSED, PASSED), (REVIEW, FAILED, FAILED), (PASSED, FAILED, FAILED),
        (FAILED, PASSED, FAILED), (FAILED, REVIEW, FAILED), (PASSED, PASSED, PASSED),
    ],
)  # fmt: skip
def test_the_agents_word_may_come_before_the_end(
    end: CheckVerdict, word: CheckVerdict, verdict: CheckVerdict
) -> None:
    """It ends the check, whose fact follows; what was found to be wrong meanwhile it did not overrule."""
    assert told([*without(ChallengeEnded), decided_by_agent(word), gestures(end)])[0] is verdict


@pytest.mark.parametrize("found", [REVIEW, FAILED])
def test_the_agent_overrules_where_he_may(found: CheckVerdict) -> None:
    """Somebody who cannot nod is let through by the agent, who answers for it by name."""
    facts = [*GOOD, gestures(found), decided_by_agent(PASSED)]
    assert told(facts)[0] is PASSED
    assert "gestures_by_agent" in told(facts)[1]


def test_the_agent_does_not_overrule_a_face() -> None:
    """A failed face stays failed, whatever the agent says; an unknown check is nothing."""
    assert told([*GOOD, portraits(FAILED), decided_by_agent(PASSED, "check-face")])[0] is FAILED
    assert told([*GOOD, decided_by_agent(FAILED, "check-none")])[0] is PASSED


def test_the_agent_may_always_doubt() -> None:
    """Against the customer the agent's word stands, also after it was for him; a new check starts anew."""
    twice = [*GOOD, gestures(REVIEW), decided_by_agent(PASSED), decided_by_agent(FAILED)]
    assert told(twice)[0] is FAILED
    assert "gestures_by_agent" not in told(twice)[1]
    anew = [*twice, decided_by_agent(PASSED), gestures()]
    assert "gestures_by_agent" not in told(anew)[1]


def test_the_other_checks_count_as_ways() -> None:
    """Number and pairwise comparison, light and passive liveness are ways of their own."""
    facts = [*without(DocumentJudged, PortraitsCompared, ChallengeEnded), NUMBER, FACES]
    assert told([*facts, LIGHT])[0] is PASSED
    assert told([*facts, PASSIVE, question(), question()])[0] is PASSED
    assert "liveness_missing" in told([*facts, PASSIVE])[1]


_VERDICTS = st.sampled_from(CheckVerdict)
_FACTS = st.one_of(
    st.just(consent()),
    st.sampled_from(Verdict).map(signed),
    st.sampled_from([consent("recording"), consent("biometrics")]),
    _VERDICTS.map(document),
    _VERDICTS.map(portraits),
    _VERDICTS.map(gestures),
    _VERDICTS.map(question),
    _VERDICTS.map(decided_by_agent),
    _VERDICTS.map(lambda verdict: answered("sanctions", verdict)),
    st.sampled_from([code(right=True), code(right=False, left=0), NUMBER, FACES, PASSIVE, LIGHT, ALL_FIVE]),
    st.sampled_from(WatchEvent).map(watched),
    st.floats(0, 1).map(source),
    st.sampled_from(Outcome).map(agent),
    st.integers(0, 6).map(lambda count: counted(I=count, II=count, III=count)),
)
_CASES = st.lists(_FACTS, max_size=25)


SCREENED = replace(RULES, screening=("external_negative_list",))


@pytest.mark.parametrize(
    ("answers", "verdict", "reason"),
    [
        ([], REVIEW, "external_negative_list_missing"),
        ([answered("negative_list")], PASSED, ""),
        ([answered("negative_list", REVIEW)], REVIEW, "external_negative_list_review"),
        ([answered("negative_list", FAILED)], FAILED, "external_negative_list_failed"),
        ([answered("negative_list", FAILED), answered("negative_list")], PASSED, ""),
    ],
)
def test_everybody_is_looked_up(answers: list[Fact], verdict: CheckVerdict, reason: str) -> None:
    """Not asked is a doubt, and so is half an answer; who is on the list gets no account."""
    found = decide([*answers, *GOOD], SCREENED)
    assert found.verdict is verdict
    said = [word for word in found.reasons if word.startswith("external_negative_list")]
    assert said == ([reason] if reason else [])


SELF = replace(
    RULES,
    self_service=(Need("document", (("document",),)), Need("face", (("portraits",),))),
    screening=("external_negative_list",),
)


def of_no_call(fact: Any) -> Fact:
    made: Fact = replace(fact, call=None)
    return made


# As the bank's app sends it: no call, no agent, nobody who moved his head.
ALONE = [
    consent(),
    of_no_call(document()),
    of_no_call(portraits()),
    of_no_call(answered("negative_list")),
    counted(I=1),
]


def test_self_service_takes_the_word_of_the_pack() -> None:
    """What the pack wants there takes the place of the needs; without its word nothing passes."""
    found = decide(ALONE, SELF)
    assert (found.verdict, found.account_class, found.reasons[0]) == (
        PASSED,
        AccountClass.III,
        "self_service",
    )
    silent = decide(ALONE, replace(SELF, self_service=()))
    assert (silent.verdict, silent.reasons[0]) == (REVIEW, "agent_missing")


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ([document(REVIEW)], "document_review"),
        ([portraits(FAILED)], "portraits_failed"),
        ([answered("negative_list", REVIEW)], "external_negative_list_review"),
        ([NUMBER], "agent_missing"),
        ([FACES], "agent_missing"),
        ([watched(WatchEvent.SECOND_FACE)], "watched_second_face"),
        ([gestures()], "agent_missing"),
        ([agent(Outcome.INCOMPLETE)], "agent_incomplete"),
    ],
)
def test_what_keeps_self_service_from_passing(more: list[Fact], reason: str) -> None:
    """Whatever went wrong, and any call: an agent who was there and gave no result is no self-service."""
    found = decide([*ALONE, *more], SELF)
    assert found.verdict is not PASSED
    assert reason in found.reasons


@pytest.mark.parametrize("missing", range(1, len(ALONE)))
def test_self_service_takes_all_of_it(missing: int) -> None:
    """Document, face, list and count of accounts; consent is the pack's to name."""
    assert decide([fact for at, fact in enumerate(ALONE) if at != missing], SELF).verdict is not PASSED


@given(_CASES)
def test_the_same_facts_give_the_same_decision(facts: list[Fact]) -> None:
    """Decided again, and with facts between that say nothing of it, all is the same, the hash too."""
    noise: Fact = CallEnded(CALL, CallEnd.AGENT_HUNG_UP, 3.0)
    first = decide(facts, RULES)
    assert decide([*facts], RULES) == first
    assert decide([item for fact in facts for item in (noise, fact, first)], RULES) == first


@given(_CASES)
def test_the_hash_stands_for_the_inputs(facts: list[Fact]) -> None:
    """One fact more, or other rules, and it is another."""
    first = decide(facts, RULES).inputs_sha256
    assert decide([*facts, document()], RULES).inputs_sha256 != first
    assert decide(facts, replace(RULES, version=4)).inputs_sha256 != first


@given(_CASES, st.sampled_from([RULES, SCREENED]))
def test_an_account_takes_everything(facts: list[Fact], rules: DecisionRules) -> None:
    """Who gets an account has consent, document, face, life, a clean list, the agent's word and no veto."""
    found = decide(facts, rules)
    assert (found.account_class is not None) is (found.verdict is PASSED)
    if found.verdict is PASSED:
        last = {type(fact): fact for fact in facts}
        outcome = last.get(AgentDecided)
        assert isinstance(outcome, AgentDecided) or "auditor_approved" in found.reasons
        assert not isinstance(outcome, AgentDecided) or outcome.outcome is Outcome.PASSED
        doubts = [word for word in found.reasons if word.endswith(("_missing", "_review"))]
        doubts += [word for word in found.reasons if word.startswith(("watched_", "source_"))]
        assert not {f"{check}_failed" for check in RULES.veto} & set(found.reasons)
        assert "auditor_approved" in found.reasons or not [
            word for word in doubts if not word.startswith(("gestures", "external", "document"))
        ]


@given(_CASES, st.sampled_from([document(FAILED), portraits(FAILED), watched(WatchEvent.SECOND_FACE)]))
def test_worse_evidence_is_never_better(facts: list[Fact], worse: Fact) -> None:
    """A failure at the end never turns a decision to the better."""
    rank = [PASSED, REVIEW, FAILED]
    before, after = decide(facts, RULES), decide([*facts, worse], RULES)
    assert rank.index(after.verdict) >= rank.index(before.verdict)


def test_no_facts_no_account() -> None:
    """An empty journal is a case for a person."""
    found = decide([], RULES)
    assert isinstance(found, Decided)
    assert found.verdict is REVIEW
    assert found.account_class is None
