"""The agent's script: the policy's steps, and how they stand after the facts of a case. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from contract.errors import UserError, WrongPhase
from contract.facts import StepMarked
from contract.ids import CallId
from contract.phases import Outcome, StepResult
from contract.wire import Choice, MarkStep, Script, StepSeen, WrapUp
from signaling.identity_plan import IdentityPlan

# The states after which a step needs nothing any more.
_SETTLED = frozenset({"passed", "review", "waived", "skipped"})
# What the comparison of faces compares.
_PICTURES = ("evidence_id_card", "evidence_face_still")
_COMPARISONS = ("face_match", "portraits")
# What needs the customer's face; to that nobody has to agree.
_OF_THE_FACE = frozenset({"evidence_face_still", *_COMPARISONS, "passive", "gestures", "light"})


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step as the policy pack plans it.

    ``check`` is ``consent``, ``evidence_id_card``, ``id_number``, ``evidence_face_still``, ``face_match``,
    ``document``, ``features``, ``portraits``, ``passive``, ``gestures``, ``light``, ``questions``, ``code``
    or ``external_`` with a service; empty when it is settled by hand, with one of ``answers`` if there are
    any. ``without_face``: it is mandatory where the customer did not agree to face recognition, and the
    steps that need a face are skipped. ``when`` pairs an earlier step with an answer: the step is skipped
    unless every pair fits.
    """

    id: str
    zh: str
    en: str
    check: str = ""
    mandatory: bool = True
    waivable: bool = False
    without_face: bool = False
    answers: tuple[Choice, ...] = ()
    when: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class AbortReason:
    """A coded reason to end without ``passed``, and the outcome that it forces."""

    choice: Choice
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class ScriptPlan:
    """What the policy pack says about the conversation."""

    steps: tuple[PlannedStep, ...]
    abort_reasons: tuple[AbortReason, ...]
    tags: tuple[Choice, ...] = ()
    next_actions: tuple[Choice, ...] = ()
    identity: IdentityPlan = field(default_factory=IdentityPlan)

    def require_reason(self, outcome: Outcome, reason: str) -> None:
        """Raise UserError ``unknown_reason`` unless ``reason`` leads to this ``outcome``."""
        if not any(known.choice.id == reason and known.outcome is outcome for known in self.abort_reasons):
            raise UserError("this reason does not lead to this outcome", code="unknown_reason")

    def require_words(self, form: WrapUp) -> None:
        """Raise UserError ``unknown_answer`` for a tag or a next action that is not planned."""
        tags_known = set(form.tags) <= _ids(self.tags)
        if not tags_known or form.next_action not in _ids(self.next_actions) | {""}:
            raise UserError("the form has no such word", code="unknown_answer")


@dataclass(frozen=True, slots=True)
class Standing:
    """What the steps depend on beside the marks.

    ``found`` is the state of each check's word as far as it is more than open. ``lock`` says why no check
    can be done now (``recording`` or ``call``), ``lock_by_hand`` why nothing can be settled by hand; empty
    when it can. ``faceless``: the customer did not agree to face recognition.
    """

    found: Mapping[str, str]
    lock: str
    lock_by_hand: str
    faceless: bool = False


def evaluate(plan: ScriptPlan, marks: Mapping[str, StepMarked], standing: Standing) -> tuple[StepSeen, ...]:
    """Return the steps in the plan's order as they stand; of each step's marks the newest is given."""
    seen: dict[str, StepSeen] = {}
    for step in plan.steps:
        mark = marks.get(step.id)
        if standing.faceless and step.check in _OF_THE_FACE:
            state, lock = "skipped", ""
        else:
            state, lock = _branch(step, seen) or _state(step, mark, seen, standing)
        mandatory = step.mandatory or (standing.faceless and step.without_face)
        answer = mark.answer if mark else ""
        seen[step.id] = StepSeen(
            step.id, step.zh, step.en, state, lock, step.check, mandatory, step.waivable, step.answers,
            answer,
        )  # fmt: skip
    return tuple(seen.values())


def _branch(step: PlannedStep, seen: Mapping[str, StepSeen]) -> tuple[str, str] | None:
    waits = ""
    for before, answer in step.when:
        decided = seen[before]
        if decided.answer != answer or decided.state == "skipped":
            if decided.answer or decided.state in _SETTLED:
                return "skipped", ""
            waits = waits or before
    return ("locked", waits) if waits else None


def _state(
    step: PlannedStep, mark: StepMarked | None, seen: Mapping[str, StepSeen], standing: Standing
) -> tuple[str, str]:
    found = standing.found.get(step.check, "") if step.check else _by_hand(mark)
    if mark is not None and mark.result is StepResult.WAIVED and found not in _SETTLED:
        return "waived", ""
    if found:
        return found, ""
    lock = standing.lock if step.check else standing.lock_by_hand
    lock = lock or (_missing_picture(seen) if step.check in _COMPARISONS else "")
    return ("locked", lock) if lock else ("open", "")


def _by_hand(mark: StepMarked | None) -> str:
    return "" if mark is None else mark.result.value


def _missing_picture(seen: Mapping[str, StepSeen]) -> str:
    pictures = (step for step in seen.values() if step.check in _PICTURES)
    return next((step.id for step in pictures if step.state not in _SETTLED), "")


def complete(steps: Collection[StepSeen]) -> bool:
    """Tell whether the outcome may be ``passed``."""
    return all(step.state in _SETTLED for step in steps if step.mandatory)


def script_of(call: CallId, plan: ScriptPlan, steps: tuple[StepSeen, ...]) -> Script:
    """Return what the staff of a call is told."""
    reasons = tuple(replace(reason.choice, outcome=reason.outcome) for reason in plan.abort_reasons)
    sheet = plan.identity.worksheet
    return Script(
        call, steps, complete(steps), reasons, plan.tags, plan.next_actions,
        sheet if sheet.categories else None,
    )  # fmt: skip


def require_mark(steps: Collection[StepSeen], message: MarkStep) -> None:
    """Raise unless this step may be settled so by hand now.

    Raises:
        UserError: ``unknown_step`` (or one that only a check settles), ``not_waivable``,
            ``reason_missing``, ``unknown_answer``.
        WrongPhase: ``kyc_locked`` while nothing is recorded, ``wrong_phase`` when skipped or not reached.
    """
    step = next((step for step in steps if step.id == message.step), None)
    if step is None or (step.check and message.result is not StepResult.WAIVED):
        raise UserError("no such step to be settled by hand", code="unknown_step")
    if message.result is StepResult.WAIVED:
        _require_waiver(step, message)
    elif step.lock == "recording":
        raise WrongPhase("the recording comes first", code="kyc_locked")
    elif step.state in {"locked", "skipped"}:
        raise WrongPhase("this step is locked or skipped")
    _require_answer(step, message)


def _require_waiver(step: StepSeen, message: MarkStep) -> None:
    if not step.waivable:
        raise UserError("this step cannot be waived", code="not_waivable")
    if not message.reason.strip():
        raise UserError("a waiver needs a reason", code="reason_missing")
    # A lock that is lifted by itself is no reason to wait: what cannot be recorded may be waived.
    if step.state == "skipped" or (step.state == "locked" and step.lock not in {"recording", "call"}):
        raise WrongPhase("this step is locked or skipped")


def _require_answer(step: StepSeen, message: MarkStep) -> None:
    known = _ids(step.answers)
    if not known or message.result is not StepResult.PASSED:
        known = known | {""} if message.result is StepResult.FAILED else {""}
    if message.answer not in known:
        raise UserError("the step has no such answer", code="unknown_answer")


def _ids(choices: Collection[Choice]) -> set[str]:
    return {choice.id for choice in choices}
