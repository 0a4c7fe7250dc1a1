"""The parts of a policy pack about who the customer is: questions, tries, and what decides."""

from enum import StrEnum
from typing import Literal, Self

from pydantic import Field, model_validator

from contract.identity_facts import Limit
from contract.phases import AccountClass, WatchEvent
from kyc.decision import ClassRule, DecisionRules, Need
from kyc.prompting import PromptingLimits
from signaling.identity_plan import COOL_DOWN_S, RESEND_S, TRIES, IdentityPlan
from signaling.questions import Question
from teller.policy_parts import Part, Source, Title, Word, refuse_doubles
from teller.policy_worksheet import Worksheet, worksheet_plan


class Check(StrEnum):
    """What can be demanded of a case; each is fulfilled by a fact in its journal."""

    CONSENT = "consent"
    EVIDENCE_ID_CARD = "evidence_id_card"
    ID_NUMBER = "id_number"
    EVIDENCE_FACE_STILL = "evidence_face_still"
    FACE_MATCH = "face_match"
    DOCUMENT = "document"
    FEATURES = "features"
    PORTRAITS = "portraits"
    PASSIVE = "passive"
    GESTURES = "gestures"
    LIGHT = "light"
    QUESTIONS = "questions"
    CODE = "code"
    EXTERNAL_REGISTRY = "external_registry"
    EXTERNAL_BOUND_CARD = "external_bound_card"
    EXTERNAL_SANCTIONS = "external_sanctions"
    EXTERNAL_NEGATIVE_LIST = "external_negative_list"


PROMPTING = PromptingLimits()

# A picture by itself shows nothing; what is found of it does.
Weighed = Literal[
    "consent", "id_number", "face_match", "document", "portraits", "passive", "gestures", "light",
    "questions", "code", "external_registry", "external_bound_card", "external_sanctions",
    "external_negative_list",
]  # fmt: skip
Listed = Literal["external_sanctions", "external_negative_list"]
Kind = Literal["passive", "gestures", "light", "document", "portraits", "code", "self_check"]


class BankQuestion(Part):
    """A question; with ``about: transactions`` its texts hold ``{day}``, of a movement the bank knows."""

    id: Word
    title: Title
    about: Literal["", "transactions"] = ""
    source: Source

    @model_validator(mode="after")
    def _asks_for_its_day(self) -> Self:
        texts = (self.title.zh_cn, self.title.en)
        if any(("{day}" in text) is not (self.about == "transactions") for text in texts):
            raise ValueError(f"question {self.id}: {{day}} goes with transactions, and only with them")
        return self


class Questions(Part):
    """The bank of questions: how many make an order, pass and fail.

    An answer that takes longer than ``slow_answer_s`` seconds, and looks of which ``gaze_off_share`` go
    elsewhere, are told to the agent as signs that somebody prompts.
    """

    ask: int = Field(default=3, ge=1, le=10)
    right: int = Field(default=2, ge=1, le=10)
    wrong_max: int = Field(default=1, ge=0, le=10)
    slow_answer_s: float = Field(default=PROMPTING.slow_answer_s, ge=1, le=120)
    gaze_off_share: float = Field(default=PROMPTING.gaze_off_share, gt=0, le=1)
    bank: tuple[BankQuestion, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        refuse_doubles("questions", (one.id for one in self.bank))
        if self.bank and not self.right <= self.ask <= len(self.bank):
            raise ValueError("questions: right answers, asked ones and the bank must not grow less")
        return self


class Identity(Part):
    """How often what may be tried in ``cool_down_s``, by one customer over all cases; questions; features."""

    tries: dict[Kind, int] = Field(default_factory=dict)
    cool_down_s: float = Field(default=COOL_DOWN_S, ge=0, le=30 * 24 * 3600)
    resend_s: float = Field(default=RESEND_S, ge=10, le=3_600)
    questions: Questions = Questions()
    worksheet: Worksheet = Worksheet()

    @model_validator(mode="after")
    def _at_least_one(self) -> Self:
        if any(not 1 <= most <= 100 for most in self.tries.values()):
            raise ValueError("tries are 1 to 100")
        return self


class WantedNeed(Part):
    """Something that must be shown, in one of several ``ways``."""

    id: Word
    ways: tuple[tuple[Weighed, ...], ...] = Field(min_length=1)
    source: Source


class AccountRule(Part):
    """What an account of one class takes beside the needs, and its limits in yuan (or counts)."""

    account_class: AccountClass = Field(alias="class")
    limits: dict[Word, int] = Field(default_factory=dict)
    checks: tuple[Weighed, ...] = ()
    on_site: bool = False
    five_elements: bool = False
    open_max: int = Field(default=5, ge=1, le=100)
    source: Source


class Decision(Part):
    """What decides a case; see ``kyc.decision.DecisionRules``. Classes stand from the best to the least."""

    needs: tuple[WantedNeed, ...] = Field(min_length=1)
    classes: tuple[AccountRule, ...] = Field(min_length=1)
    veto: tuple[Weighed, ...] = ()
    screening: tuple[Listed, ...] = ()
    agent_settles: tuple[Weighed, ...] = ()
    agent_overrules: tuple[Weighed, ...] = ()
    watched: tuple[WatchEvent, ...] = (WatchEvent.DIFFERENT_PERSON, WatchEvent.SECOND_FACE)
    source_review: float = Field(default=0.8, gt=0, le=1)
    on_site: bool = False
    self_service: tuple[WantedNeed, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        refuse_doubles("self_service", (need.id for need in self.self_service))
        refuse_doubles("needs", (need.id for need in self.needs))
        refuse_doubles("classes", (rule.account_class for rule in self.classes))
        if any(not way for need in (*self.needs, *self.self_service) for way in need.ways):
            raise ValueError("a way holds a check at least")
        return self


def identity_plan(identity: Identity) -> IdentityPlan:
    """Return what conversations need of it."""
    questions = identity.questions
    return IdentityPlan(
        questions=tuple(Question(one.id, one.title.zh_cn, one.title.en, one.about) for one in questions.bank),
        questions_wanted=questions.ask,
        questions_right=questions.right,
        questions_wrong_max=questions.wrong_max,
        tries=dict(TRIES) | {str(kind): most for kind, most in identity.tries.items()},
        cool_down_s=identity.cool_down_s,
        resend_s=identity.resend_s,
        worksheet=worksheet_plan(identity.worksheet),
    )


def prompting_limits(identity: Identity) -> PromptingLimits:
    """Return from where on something is a sign that somebody prompts."""
    questions = identity.questions
    return PromptingLimits(questions.slow_answer_s, questions.gaze_off_share)


def decision_rules(name: str, version: int, identity: Identity, decision: Decision) -> DecisionRules:
    """Return the rules by which cases under this pack are decided."""
    return DecisionRules(
        policy=name,
        version=version,
        needs=tuple(Need(need.id, need.ways) for need in decision.needs),
        classes=tuple(map(_class_rule, decision.classes)),
        veto=decision.veto,
        screening=decision.screening,
        agent_settles=decision.agent_settles,
        agent_overrules=decision.agent_overrules,
        questions_right=identity.questions.right,
        questions_wrong_max=identity.questions.wrong_max,
        watched=decision.watched,
        source_review=decision.source_review,
        on_site=decision.on_site,
        self_service=tuple(Need(need.id, need.ways) for need in decision.self_service),
        feature_categories=identity.worksheet.categories,
    )


def _class_rule(rule: AccountRule) -> ClassRule:
    return ClassRule(
        account_class=rule.account_class,
        limits=tuple(Limit(name, amount) for name, amount in rule.limits.items()),
        checks=rule.checks,
        on_site=rule.on_site,
        five_elements=rule.five_elements,
        open_max=rule.open_max,
    )
