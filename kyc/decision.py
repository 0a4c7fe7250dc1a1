"""The decision on a case: its journal's facts and the bank's rules in, a verdict with reasons out. Pure.

Nothing else goes in, no clock and no configuration, so that anybody with the journal and the policy pack
comes to the same decision years later.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Final

from contract import codec
from contract.fact import LATER, Fact
from contract.facts import AgentDecided, AuditSigned, ConsentGiven, FacesCompared, IdNumberChecked
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
    SourceJudged,
)
from contract.identity_ports import Claim
from contract.ids import CheckId
from contract.phases import AccountClass, CheckVerdict, Outcome, Verdict, WatchEvent, severity
from contract.worksheet import doubts, judge
from contract.worksheet_facts import FeatureTicked
from kyc.consistency import Identity, claim_disagreements

# Five elements, by the notice of the People's Bank on personal accounts: an account of class II that is
# opened without a meeting is verified against the bank account that it is bound to.
FIVE_ELEMENTS: Final = frozenset({"name", "number", "phone", "account", "account_class"})
# In a document's failures: what an outside source said, or was asked, is of somebody else.
_CLAIMED: Final = ("_from_registry", "_from_query")
# Among the claims, which stand under the names of sources.
_OF_DOCUMENT: Final = ""
# What a picture of a living person rests on: more than an outcome is wanted to settle a doubt about it.
_LIVENESS: Final = frozenset({"passive", "gestures", "light"})

_Checked = (
    IdNumberChecked
    | DocumentJudged
    | FacesCompared
    | PortraitsCompared
    | LivenessMeasured
    | ChallengeEnded
    | LightMeasured
)
_INPUTS: Final = (
    AccountsCounted,
    AgentDecided,
    AuditSigned,
    ChallengeDecided,
    ChallengeEnded,
    CodeTried,
    ConsentGiven,
    DocumentJudged,
    ExternalAnswered,
    FacesCompared,
    FeatureTicked,
    IdNumberChecked,
    LightMeasured,
    LivenessMeasured,
    PersonWatched,
    PortraitsCompared,
    QuestionJudged,
    SourceJudged,
)
_SINGLE: Final[Mapping[type[Fact], str]] = {
    IdNumberChecked: "id_number",
    DocumentJudged: "document",
    FacesCompared: "face_match",
    PortraitsCompared: "portraits",
    LivenessMeasured: "passive",
    ChallengeEnded: "gestures",
    LightMeasured: "light",
}


@dataclass(frozen=True, slots=True)
class Need:
    """Something that must be shown, in one of several ``ways``: all checks of one way together do."""

    id: str
    ways: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class ClassRule:
    """What an account of one class takes beside the needs, and what it then may do.

    ``open_max`` counts the accounts of this class at the bank, the new one included.
    """

    account_class: AccountClass
    limits: tuple[Limit, ...]
    checks: tuple[str, ...] = ()
    on_site: bool = False
    five_elements: bool = False
    open_max: int = 5


@dataclass(frozen=True, slots=True)
class DecisionRules:
    """What a policy pack says of the decision; ``classes`` from the best to the least.

    ``veto``: checks that must not fail, whichever way a need was met. ``screening``: lists on which every
    customer is looked up; whatever is not clean, or was not asked, counts. ``agent_settles``: checks whose
    REVIEW the agent settles with the outcome, of liveness with a decision for a written reason alone;
    ``agent_overrules``: those whose FAILED an agent may overrule for a written reason.
    ``questions_right`` answers make the questions passed, one more wrong answer than
    ``questions_wrong_max`` makes them failed. ``watched`` are the events that hand the case to a person,
    and so does a score of ``source_review`` and more.
    ``self_service`` takes the place of ``needs`` where no call was; without it such a case never passes.
    ``feature_categories``: an agent must have seen features of so many different categories on one document,
    and what was looked for and not seen hands the case to a person; 0 wants none.
    """

    policy: str
    version: int
    needs: tuple[Need, ...]
    classes: tuple[ClassRule, ...]
    veto: tuple[str, ...] = ()
    screening: tuple[str, ...] = ()
    agent_settles: tuple[str, ...] = ()
    agent_overrules: tuple[str, ...] = ()
    questions_right: int = 2
    questions_wrong_max: int = 1
    watched: tuple[WatchEvent, ...] = (WatchEvent.DIFFERENT_PERSON, WatchEvent.SECOND_FACE)
    source_review: float = 0.8
    on_site: bool = False
    self_service: tuple[Need, ...] = ()
    feature_categories: int = field(default=0, metadata=LATER)


@dataclass(slots=True)
class _Evidence:
    """What the facts come to; of a check done twice the later result counts."""

    states: dict[str, CheckVerdict] = field(default_factory=dict)
    by_agent: set[str] = field(default_factory=set)
    of_check: dict[CheckId, str] = field(default_factory=dict)
    early: dict[CheckId, ChallengeDecided] = field(default_factory=dict)
    answers: list[CheckVerdict] = field(default_factory=list)
    elements: frozenset[str] = frozenset()
    counts: dict[str, int] | None = None
    signs: set[str] = field(default_factory=set)
    ticks: list[FeatureTicked] = field(default_factory=list)
    claims: dict[str, tuple[str, ...]] = field(default_factory=dict)
    outcome: AgentDecided | None = None
    approved: bool = False
    in_call: bool = False


def decide(facts: Iterable[Fact], rules: DecisionRules) -> Decided:
    """Return the decision on a case with these facts, in the journal's order.

    Reasons are machine words: ``agent_passed``, ``agent_failed``, ``agent_incomplete``, ``agent_missing``
    or, where the rules let a case pass without a call, ``self_service``; for each check that speaks
    against it or was settled by the agent ``<check>_failed``, ``<check>_review``, ``<check>_by_agent``;
    ``<need>_missing``, and the same of a list that was not asked and of ``features`` where the rules want
    them; ``feature_not_seen``, ``feature_doubtful``; ``watched_<event>``, ``source_signs``;
    words of :func:`kyc.consistency.claim_disagreements`, which hand the case to a person;
    ``auditor_approved`` where an auditor's signature settled the doubt, which of a failure it never does;
    and for each class that was not given ``class_<class>_<why>`` with ``on_site``, ``checks``,
    ``five_elements``, ``count`` or ``count_unknown``.
    """
    inputs: list[Fact] = [fact for fact in facts if isinstance(fact, _INPUTS)]
    evidence = _weigh(inputs, rules)
    verdict, reasons = _judge(evidence, rules)
    if verdict is CheckVerdict.REVIEW and evidence.approved:
        verdict = CheckVerdict.PASSED
        reasons.append("auditor_approved")
    rule = None
    if verdict is CheckVerdict.PASSED:
        rule, refused = _best_class(evidence, rules)
        reasons += refused
        if rule is None:
            # What the bank's books would say is not known to be against the customer.
            verdict = CheckVerdict.REVIEW if evidence.counts is None else CheckVerdict.FAILED
    return Decided(
        verdict=verdict,
        account_class=rule.account_class if rule else None,
        limits=rule.limits if rule else (),
        reasons=tuple(reasons),
        policy=rules.policy,
        policy_version=rules.version,
        inputs_sha256=_digest(inputs, rules),
    )


def _digest(inputs: Sequence[Fact], rules: DecisionRules) -> str:
    body = [_as_before(rules), [[type(fact).__name__, _as_before(fact)] for fact in inputs]]
    return hashlib.sha256(codec.canonical(body)).hexdigest()


def _as_before(one: Fact | DecisionRules) -> dict[str, object]:
    """Return a fact, or the rules, without the fields that came later and that say nothing."""
    idle = {part.name for part in fields(one) if part.metadata and getattr(one, part.name) == part.default}
    return {name: value for name, value in codec.dump(one).items() if name not in idle}


# --- what the facts come to --------------------------------------------------------------------


def _weigh(inputs: Sequence[Fact], rules: DecisionRules) -> _Evidence:
    evidence = _Evidence()
    for fact in inputs:
        _take(evidence, fact, rules)
        evidence.in_call |= _of_a_call(fact)
    _take_answers(evidence, rules)
    if evidence.outcome is not None and evidence.outcome.outcome is Outcome.PASSED:
        for check in rules.agent_settles:
            if evidence.states.get(check) is CheckVerdict.REVIEW and check not in _LIVENESS:
                _settle(evidence, check)
    return evidence


def _of_a_call(fact: Fact) -> bool:
    # Faces and numbers are compared for an agent only, and name no call.
    return isinstance(fact, FacesCompared | IdNumberChecked) or getattr(fact, "call", None) is not None


def _take(evidence: _Evidence, fact: Fact, rules: DecisionRules) -> None:
    if isinstance(fact, _Checked):
        _take_check(evidence, fact, rules)
        return
    match fact:
        case ConsentGiven():
            # To one's face being used nobody has to agree: what rests on it is then missing, not refused.
            agreed = "recording" in fact.subjects
            evidence.states["consent"] = CheckVerdict.PASSED if agreed else CheckVerdict.FAILED
        case ChallengeDecided():
            _overrule(evidence, fact, rules)
        case QuestionJudged():
            evidence.answers.append(fact.verdict)
        case FeatureTicked():
            evidence.ticks.append(fact)
        case CodeTried():
            _take_code(evidence, fact)
        case ExternalAnswered():
            _take_answer(evidence, fact)
        case AccountsCounted():
            evidence.counts = {count.name: count.amount for count in fact.counts}
        case PersonWatched() | SourceJudged() if sign := _sign(fact, rules):
            evidence.signs.add(sign)
        case AgentDecided():
            evidence.outcome = fact
        case AuditSigned():
            evidence.approved = fact.verdict is Verdict.APPROVED
        case _:
            pass


def _take_answer(evidence: _Evidence, fact: ExternalAnswered) -> None:
    evidence.states[f"external_{fact.service}"] = fact.verdict
    claim = Claim(fact.pii_asked_name, fact.pii_asked_number, fact.pii_name, fact.pii_number)
    evidence.claims[fact.service] = claim_disagreements(Identity(), claim)
    if fact.verdict is CheckVerdict.PASSED and not evidence.claims[fact.service]:
        evidence.elements |= frozenset(fact.matched)


def _sign(fact: PersonWatched | SourceJudged, rules: DecisionRules) -> str:
    """Return the sign's word, empty when it hands the case to nobody."""
    if isinstance(fact, PersonWatched):
        return f"watched_{fact.event}" if fact.event in rules.watched else ""
    return "source_signs" if fact.score >= rules.source_review else ""


def _take_check(evidence: _Evidence, fact: _Checked, rules: DecisionRules) -> None:
    check = _SINGLE[type(fact)]
    evidence.states[check] = fact.verdict
    evidence.by_agent.discard(check)
    evidence.of_check[fact.check] = check
    if isinstance(fact, DocumentJudged):
        evidence.claims[_OF_DOCUMENT] = tuple(word for word in fact.failures if word.endswith(_CLAIMED))
    if (early := evidence.early.get(fact.check)) is not None:
        _overrule(evidence, early, rules, found_since=True)


def _take_code(evidence: _Evidence, fact: CodeTried) -> None:
    if fact.right:
        evidence.states["code"] = CheckVerdict.PASSED
    elif fact.left == 0:
        evidence.states["code"] = CheckVerdict.FAILED


def _take_answers(evidence: _Evidence, rules: DecisionRules) -> None:
    right = evidence.answers.count(CheckVerdict.PASSED)
    if evidence.answers.count(CheckVerdict.FAILED) > rules.questions_wrong_max:
        evidence.states["questions"] = CheckVerdict.FAILED
    elif evidence.answers and right >= rules.questions_right:
        evidence.states["questions"] = CheckVerdict.PASSED


def _overrule(
    evidence: _Evidence, fact: ChallengeDecided, rules: DecisionRules, *, found_since: bool = False
) -> None:
    """Let the agent's word stand where the rules allow it; against the customer it always does.

    An agent who decides ends the check, so its end may stand behind the decision. What it found to be
    wrong then the agent did not know, and did not overrule.
    """
    check = evidence.of_check.get(fact.check)
    if check is None:
        evidence.early[fact.check] = fact
        return
    found = evidence.states[check]
    settles = found is CheckVerdict.REVIEW and check in rules.agent_settles
    overrules = found is CheckVerdict.FAILED and check in rules.agent_overrules and not found_since
    if fact.verdict is not CheckVerdict.PASSED:
        word = fact.verdict
        evidence.states[check] = max(found, word, key=severity) if found_since else word
        evidence.by_agent.discard(check)
    elif settles or overrules:
        _settle(evidence, check)


def _settle(evidence: _Evidence, check: str) -> None:
    evidence.states[check] = CheckVerdict.PASSED
    evidence.by_agent.add(check)


# --- what that means ---------------------------------------------------------------------------


def _judge(evidence: _Evidence, rules: DecisionRules) -> tuple[CheckVerdict, list[str]]:
    alone = bool(rules.self_service) and evidence.outcome is None and not evidence.in_call
    verdict, word = (CheckVerdict.PASSED, "self_service") if alone else _of_agent(evidence.outcome)
    worst, reasons = [verdict], [word]
    for check, state in evidence.states.items():
        if check in evidence.by_agent:
            reasons.append(f"{check}_by_agent")
        elif state is not CheckVerdict.PASSED:
            reasons.append(f"{check}_{state}")
    worst += [
        CheckVerdict.FAILED for check in rules.veto if evidence.states.get(check) is CheckVerdict.FAILED
    ]
    for check in rules.screening:
        if check not in evidence.states:
            reasons.append(f"{check}_missing")
        worst.append(evidence.states.get(check, CheckVerdict.REVIEW))
    for need in rules.self_service if alone else rules.needs:
        met = _met(need, evidence.states)
        if met is None:
            reasons.append(f"{need.id}_missing")
        worst.append(met or CheckVerdict.REVIEW)
    if rules.feature_categories and not alone:
        evidence.signs |= _of_features(evidence.ticks, rules.feature_categories)
    signs = evidence.signs | {word for words in evidence.claims.values() for word in words}
    reasons += sorted(signs)
    worst += [CheckVerdict.REVIEW for _ in signs]
    return max(worst, key=severity), reasons


def _of_features(ticks: Sequence[FeatureTicked], categories: int) -> set[str]:
    missing = {"features_missing"} if judge(ticks, categories) is None else set()
    return missing | set(doubts(ticks))


def _of_agent(outcome: AgentDecided | None) -> tuple[CheckVerdict, str]:
    if outcome is None:
        return CheckVerdict.REVIEW, "agent_missing"
    passed = outcome.outcome is Outcome.PASSED
    return CheckVerdict.PASSED if passed else CheckVerdict.FAILED, f"agent_{outcome.outcome}"


def _met(need: Need, states: Mapping[str, CheckVerdict]) -> CheckVerdict | None:
    """Return how well the best way was gone; None when none was gone to its end."""
    ends = [_end(way, states) for way in need.ways]
    return min((end for end in ends if end), key=severity, default=None)


def _end(way: Sequence[str], states: Mapping[str, CheckVerdict]) -> CheckVerdict | None:
    gone = [states[check] for check in way if check in states]
    worst = max(gone, key=severity, default=None)
    return worst if len(gone) == len(way) or worst is CheckVerdict.FAILED else None


def _best_class(evidence: _Evidence, rules: DecisionRules) -> tuple[ClassRule | None, list[str]]:
    refused: list[str] = []
    for rule in rules.classes:
        why = _against(rule, evidence, on_site=rules.on_site)
        if why is None:
            return rule, refused
        refused.append(f"class_{rule.account_class}_{why}")
    return None, refused


def _against(rule: ClassRule, evidence: _Evidence, *, on_site: bool) -> str | None:
    if rule.on_site and not on_site:
        return "on_site"
    if any(evidence.states.get(check) is not CheckVerdict.PASSED for check in rule.checks):
        return "checks"
    if rule.five_elements and not evidence.elements >= FIVE_ELEMENTS:
        return "five_elements"
    if evidence.counts is None:
        return "count_unknown"
    if evidence.counts.get(rule.account_class, 0) >= rule.open_max:
        return "count"
    return None
