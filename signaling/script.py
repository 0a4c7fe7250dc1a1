"""The agent's script: the policy's steps, and how they stand after the facts of a case. Pure."""

from dataclasses import dataclass

from contract.phases import Outcome
from contract.wire import Choice


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step as the policy pack plans it.

    ``check`` is ``consent``, ``evidence_id_card``, ``id_number``, ``evidence_face_still`` or
    ``face_match``; empty when it is settled by hand, with one of ``answers`` if there are any. ``when``
    pairs an earlier step with an answer: the step is skipped unless every pair fits.
    """

    id: str
    zh: str
    en: str
    check: str = ""
    mandatory: bool = True
    waivable: bool = False
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
