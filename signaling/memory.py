"""What earlier cases tell of a customer's checks: what was asked before, and how often it was tried. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from contract.fact import Fact
from contract.facts import Entry, FacesCompared
from contract.identity_facts import (
    ChallengeDrawn,
    CodeSent,
    DocumentRead,
    LivenessStarted,
    PortraitsCompared,
    QuestionDrawn,
    SelfCheckStarted,
)

Order = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Memory:
    """``gestures`` and ``questions`` are orders of before, one a try or call; ``tries`` are times (UTC).

    The kinds of tries are ``passive``, ``gestures``, ``light``, ``document``, ``portraits``, ``code`` and
    ``self_check``. ``entered`` are the facts of this very case before its first call.
    """

    gestures: tuple[Order, ...] = ()
    questions: tuple[Order, ...] = ()
    tries: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    entered: tuple[Fact, ...] = ()


def kind_of_try(fact: object) -> str | None:
    """Return which kind of check a fact is a try of, None for all others."""
    match fact:
        case LivenessStarted():
            return fact.kind.value
        case DocumentRead():
            return "document"
        case PortraitsCompared() | FacesCompared():
            return "portraits"
        case CodeSent():
            return "code"
        case SelfCheckStarted():
            return "self_check"
        case _:
            return None


def remember(journals: Iterable[Iterable[Entry]]) -> Memory:
    """Return what the journals of a customer's cases tell."""
    gestures: list[Order] = []
    questions: list[Order] = []
    tries: dict[str, tuple[float, ...]] = {}
    for journal in journals:
        order: Order = ()
        for entry in journal:
            kind = kind_of_try(entry.fact)
            if kind is not None:
                tries[kind] = (*tries.get(kind, ()), entry.at)
            if isinstance(entry.fact, ChallengeDrawn):
                gestures.append(entry.fact.steps)
            elif isinstance(entry.fact, QuestionDrawn):
                order = (*order, entry.fact.question)
        questions += [order] if order else []
    return Memory(tuple(gestures), tuple(questions), tries)


def locked_until(tries: Iterable[float], most: int, cool_down_s: float, now: float) -> float | None:
    """Return when (UTC) the next try is allowed, None when it is now.

    At most ``most`` tries fall into any ``cool_down_s``.
    """
    recent = sorted(at for at in tries if at + cool_down_s > now)
    return recent[-most] + cool_down_s if len(recent) >= most else None
