"""Policy packs: what a case of one kind must go through, as data in YAML.

Packs that come along lie in ``policies/``; ``[policy] pack`` names one of them or the path of a file.
Loading is strict: an unknown key, a step without its check or a doubled name is an error.
``python -m teller.policy`` prints the JSON schema that stands in ``policies/schema.json``.
"""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Literal, Self

from pydantic import ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from contract.phases import AbortedKeeps, Outcome
from contract.wire import Choice
from kyc.decision import DecisionRules
from recordings.completeness import RecordRules, WatchedStep
from recordings.retention import Fate, Rule, Since
from signaling.sampling import AuditPlan
from signaling.script import AbortReason, PlannedStep, ScriptPlan
from teller.config import ConfigError
from teller.policy_identity import Check, Decision, Identity, decision_rules, identity_plan
from teller.policy_parts import Part, Source, Title, Word, read_part, refuse_doubles

FOLDER = Path(__file__).resolve().parent.parent / "policies"


class Answer(Part):
    """A word with its text."""

    id: Word
    title: Title


class Step(Part):
    """One line of the agent's script.

    Fulfilled by its check, or settled by hand when it has none. ``when`` names an answer of an earlier
    step without which this one is skipped.
    """

    id: Word
    title: Title
    check: Check | None = None
    mandatory: bool = False
    waivable: bool = False
    without_face: bool = False
    answers: tuple[Answer, ...] = ()
    when: dict[Word, Word] = Field(default={})
    source: Source

    @model_validator(mode="after")
    def _settled_one_way(self) -> Self:
        refuse_doubles("answers", (answer.id for answer in self.answers))
        if self.check is not None and self.answers:
            raise ValueError(f"step {self.id} has a check and answers")
        if self.waivable and not self.mandatory:
            raise ValueError(f"step {self.id} can be waived but need not be done")
        return self


class AfterInterruption(StrEnum):
    """What a customer comes back to who was dropped: the call of before, or a fresh one."""

    RESUME = "resume"
    FRESH_CALL = "fresh_call"


class Limits(Part):
    """Bounds, in seconds, and what becomes of a call when one of them was needed."""

    ring_s: float = Field(gt=0, le=600)
    grace_s: float = Field(gt=0, le=600)
    transfer_s: float = Field(gt=0, le=1_800)
    wrap_up_s: float = Field(gt=0, le=3_600)
    max_loss_s: float = Field(gt=0, le=5)
    # The server takes one a minute.
    location_s: float = Field(default=300, ge=60, le=3_600)
    # Of a step's recording; with more the step is incomplete.
    step_loss_s: float = Field(default=2, ge=0, le=600)
    after_interruption: AfterInterruption = AfterInterruption.RESUME


class Retention(Part):
    """How long one kind of object is kept at least; ``since`` is ``from`` in the file.

    ``cases`` and ``purposes`` say for which cases; empty: for all. A record is one whole: it is kept for as
    long as the longest of the rules that apply to its case.
    """

    object: Word
    years: int = Field(default=0, ge=0, le=100)
    months: int = Field(default=0, ge=0, le=1200)
    since: Since = Field(alias="from")
    cases: tuple[Literal[Fate.OPENED, Fate.REFUSED, Fate.ABORTED], ...] = ()
    purposes: tuple[Word, ...] = ()
    source: Source


class Aborted(Part):
    """What remains of a case that came to no result; the rest is deleted before anything is archived."""

    keeps: AbortedKeeps = AbortedKeeps.EVERYTHING
    source: Source = "our own rule: everything is kept unless a regime says otherwise"


class Reason(Part):
    """A coded reason for which the agent ends the conversation, and the outcome that it forces."""

    id: Word
    title: Title
    outcome: Literal[Outcome.FAILED, Outcome.INCOMPLETE]
    source: Source


class WrapUp(Part):
    """What the agent may note after the conversation."""

    tags: tuple[Answer, ...] = ()
    next_actions: tuple[Answer, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        refuse_doubles("tags", (tag.id for tag in self.tags))
        refuse_doubles("next_actions", (action.id for action in self.next_actions))
        return self


# As ``Policy`` refuses it, for editors that check packs by the schema.
_SAMPLED_ONLY_WITHOUT_ACCOUNTS: JsonDict = {
    "if": {
        "properties": {"audit": {"properties": {"share": {"exclusiveMaximum": 1}}, "required": ["share"]}},
        "required": ["audit"],
    },
    "then": {"properties": {"opens_account": {"const": False}}, "required": ["opens_account"]},
}


class Audit(Part):
    """How many cases are audited, and by the end of which working day after the agent is done with one."""

    share: float = Field(default=1, ge=0, le=1)
    due_days: int = Field(default=1, ge=0, le=30)
    # Of what one auditor could sign alone, so much is looked at by another one, who does not see the first.
    second_look: float = Field(default=0.05, ge=0, le=1)
    source: Source = "our own rule: every case, by the end of the next working day"


class Policy(Part):
    """A whole pack. One that opens no account says so, and only then may fewer cases be audited than all."""

    model_config = ConfigDict(json_schema_extra=_SAMPLED_ONLY_WITHOUT_ACCOUNTS)

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=64)
    version: int = Field(ge=1)
    title: Title
    steps: tuple[Step, ...] = Field(min_length=1)
    limits: Limits
    retention: tuple[Retention, ...] = Field(min_length=1)
    aborted: Aborted = Aborted()
    abort_reasons: tuple[Reason, ...] = Field(min_length=1)
    wrap_up: WrapUp = WrapUp()
    identity: Identity = Identity()
    # Without it nothing is decided by rule, and all is left to agent and auditor.
    decision: Decision | None = None
    opens_account: bool = True
    audit: Audit = Audit()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        refuse_doubles("steps", (step.id for step in self.steps))
        refuse_doubles("retention", (rule.object for rule in self.retention))
        refuse_doubles("abort_reasons", (reason.id for reason in self.abort_reasons))
        refuse_doubles("checks", (step.check for step in self.steps if step.check))
        _refuse_wrong_branches(self.steps)
        looked_for = any(step.check is Check.FEATURES for step in self.steps)
        if looked_for and not self.identity.worksheet.categories:
            raise ValueError("a step looks for features, and the worksheet wants none: identity.worksheet")
        if self.opens_account and self.audit.share < 1:
            raise ValueError("every case that may open an account is audited: audit.share is 1")
        if not self.opens_account and self.decision is not None:
            raise ValueError("a decision names classes of accounts, and this pack opens none")
        return self


def _refuse_wrong_branches(steps: tuple[Step, ...]) -> None:
    before: dict[str, set[str]] = {}
    for step in steps:
        for earlier, answer in step.when.items():
            if answer not in before.get(earlier, ()):
                raise ValueError(f"step {step.id}: no step before it is {earlier} with the answer {answer}")
        before[step.id] = {one.id for one in step.answers}


def load_policy(pack: str) -> Policy:
    """Return the pack of this name, or in the YAML file of this path.

    Raises:
        ConfigError: there is none, or it is not a pack; one line per fault.
    """
    file = Path(pack) if pack.endswith((".yaml", ".yml")) else FOLDER / f"{pack}.yaml"
    return read_part(Policy, file, "policy")


class Packs:
    """The packs of cases: each keeps the one that it began under, for as long as that comes along."""

    def __init__(self, configured: str) -> None:
        """Load the configured pack. Blocks. Raises ConfigError."""
        self._configured = load_policy(configured)
        self._loaded = {self._configured.name: self._configured}

    def of(self, name: str) -> Policy:
        """Return the pack of this name, or the configured one when there is none of it here. Blocks."""
        if name not in self._loaded:
            try:
                self._loaded[name] = load_policy(name)
            except ConfigError:
                self._loaded[name] = self._configured
        return self._loaded[name]


def script_plan(policy: Policy) -> ScriptPlan:
    """Return what the conversation needs of the pack."""
    return ScriptPlan(
        tuple(map(_planned, policy.steps)),
        tuple(AbortReason(_choice(reason), reason.outcome) for reason in policy.abort_reasons),
        tuple(map(_choice, policy.wrap_up.tags)),
        tuple(map(_choice, policy.wrap_up.next_actions)),
        identity_plan(policy.identity),
    )


def retention_rules(policy: Policy) -> tuple[Rule, ...]:
    """Return how long records of cases under this pack are kept."""
    return tuple(
        Rule(
            one.object, one.years * 12 + one.months, one.since,
            frozenset(one.cases), frozenset(one.purposes),
        )
        for one in policy.retention
    )  # fmt: skip


def record_rules(policy: Policy) -> RecordRules:
    """Return what the pack demands of a recording."""
    steps = (WatchedStep(step.id, step.check or "", step.mandatory) for step in policy.steps)
    return RecordRules(tuple(steps), policy.limits.step_loss_s)


def audit_plan(policy: Policy) -> AuditPlan:
    """Return which cases under this pack are audited, and by when."""
    return AuditPlan(
        policy.name, policy.version, policy.audit.share, policy.audit.due_days, policy.audit.second_look
    )


def rules_of(policy: Policy) -> DecisionRules | None:
    """Return what decides cases under this pack, None when it leaves all to people."""
    if policy.decision is None:
        return None
    return decision_rules(policy.name, policy.version, policy.identity, policy.decision)


def lists_of(policy: Policy) -> tuple[str, ...]:
    """Return the services that are asked about every customer before a case under this pack is decided."""
    listed = policy.decision.screening if policy.decision else ()
    return tuple(check.removeprefix("external_") for check in listed)


def _planned(step: Step) -> PlannedStep:
    return PlannedStep(
        id=step.id,
        zh=step.title.zh_cn,
        en=step.title.en,
        check=step.check or "",
        mandatory=step.mandatory,
        waivable=step.waivable,
        without_face=step.without_face,
        answers=tuple(map(_choice, step.answers)),
        when=tuple(step.when.items()),
    )


def _choice(said: Answer | Reason) -> Choice:
    return Choice(said.id, said.title.zh_cn, said.title.en)


def schema() -> str:
    """Return the JSON schema of a pack."""
    return json.dumps(Policy.model_json_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema())
