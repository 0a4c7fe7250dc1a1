"""The active challenge: what is asked, in which order, and when it is over. Pure.

A draw follows from its seed alone, so an auditor draws it again from the journal.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import permutations

from contract.errors import UserError, WrongPhase
from kyc.traces import Gesture, GestureFinding

Order = tuple[Gesture, ...]

# Seconds for one gesture; the longer one is for elderly customers.
PACE_S, ELDER_PACE_S = 20.0, 30.0
TRIES_MAX = 3
GESTURES_MIN = 5
DIGITS = 4
SEED_BYTES = 16


class ChallengePhase(StrEnum):
    """Where a challenge is. ``READY`` waits for the next draw."""

    READY = "ready"
    ASKING = "asking"
    PASSED = "passed"
    AGENT_DECIDES = "agent_decides"


@dataclass(frozen=True, slots=True)
class Draw:
    """What was drawn from ``seed``; ``digits`` is empty unless they are asked."""

    seed: bytes
    order: Order
    digits: str


@dataclass(frozen=True, slots=True)
class Try:
    """A try that is over. ``reason`` is empty when it passed, else ``timeout`` or a finding's reason.

    For digits that were not said in time it is what was wrong with the voice.

    ``step`` is the index of the gesture at which it ended.
    """

    draw: Draw
    passed: bool
    step: int
    reason: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the page shows and speaks: the gesture as its word, which of how many, until when.

    ``digits`` is empty unless ``gesture`` is ``say_digits``; ``step`` counts from 1.
    """

    gesture: Gesture
    digits: str
    step: int
    steps: int
    until: float


@dataclass(frozen=True, slots=True)
class Challenge:
    """A customer's challenge; every function below returns the next one.

    Times are seconds on one clock of the caller's. ``draw`` is None unless ``phase`` is ASKING.
    """

    pace_s: float = PACE_S
    phase: ChallengePhase = ChallengePhase.READY
    tries: tuple[Try, ...] = ()
    draw: Draw | None = None
    step: int = 0
    asked_at: float = 0.0

    @property
    def prompt(self) -> Prompt | None:
        """Return what is asked now."""
        if self.draw is None:
            return None
        gesture = self.draw.order[self.step]
        digits = self.draw.digits if gesture is Gesture.SAY_DIGITS else ""
        return Prompt(gesture, digits, self.step + 1, len(self.draw.order), self.asked_at + self.pace_s)


def draw(
    seed: bytes, former: Collection[Order] = (), pool: Sequence[Gesture] = tuple(Gesture), count: int = 2
) -> Draw:
    """Draw ``count`` different gestures of ``pool`` in an order that is not in ``former``.

    ``seed`` is at least 16 bytes of the server's randomness. ``former`` are the orders that this
    customer was ever asked; when all of ``count`` are used up, one gesture more is drawn.

    Raises:
        ValueError: a short seed, or a pool of fewer than five different gestures.
        UserError: ``challenges_used_up``: no order of any length is left.
    """
    if len(seed) < SEED_BYTES or len(set(pool)) < GESTURES_MIN:
        raise ValueError(f"needs {SEED_BYTES} bytes and {GESTURES_MIN} gestures")
    orders = _orders_left(frozenset(former), sorted(set(pool)), count)
    order = orders[_number(seed, b"order") % len(orders)]
    return Draw(seed, order, _digits(_number(seed, b"digits")) if Gesture.SAY_DIGITS in order else "")


# Of every 1,111 numbers the first has four digits that are all the same.
_ALIKE = 1_111


def _digits(number: int) -> str:
    """Return four digits, not all the same."""
    ninth, rest = divmod(number % (10**DIGITS - 10), _ALIKE - 1)
    return f"{ninth * _ALIKE + 1 + rest:0{DIGITS}}"


def _orders_left(former: frozenset[Order], pool: Sequence[Gesture], count: int) -> list[Order]:
    for length in range(count, len(pool) + 1):
        orders = [order for order in permutations(pool, length) if order not in former]
        if orders:
            return orders
    raise UserError("every order of gestures was asked before", code="challenges_used_up")


def _number(seed: bytes, purpose: bytes) -> int:
    # 256 bits modulo at most 720 orders or 10,000 digits: the bias is below 2**-240.
    return int.from_bytes(hashlib.sha256(b"teller challenge 1 " + purpose + b" " + seed).digest())


def ask(challenge: Challenge, drawn: Draw, at: float) -> Challenge:
    """Begin a try with the first gesture of ``drawn``.

    Raises:
        WrongPhase: a try is running, or the challenge is over.
    """
    if challenge.phase is not ChallengePhase.READY:
        raise WrongPhase(f"the challenge is {challenge.phase}")
    return replace(challenge, phase=ChallengePhase.ASKING, draw=drawn, step=0, asked_at=at)


# What shows that the person does something else, or is none: the try is over at once. A second face
# for a moment is not among them: it only counts when it stays, and then the gesture is never seen.
_FATAL = frozenset({"wrong_gesture", "repeats"})


def judged(challenge: Challenge, finding: GestureFinding, at: float) -> Challenge:
    """Take the finding on the gesture that is asked, made at ``at``.

    A finding that comes after the gesture's time, or when nothing is asked, changes nothing else.
    """
    challenge = passed_time(challenge, at, finding.reason)
    if challenge.draw is None:
        return challenge
    if finding.seen:
        return _advanced(challenge, challenge.draw, at)
    return _failed(challenge, challenge.draw, finding.reason) if finding.reason in _FATAL else challenge


# What says more of a gesture whose time is over than that it is.
_TELLING = frozenset({"no_sound", "no_voice", "mouth_still", "not_in_step"})


def passed_time(challenge: Challenge, at: float, reason: str = "") -> Challenge:
    """End the try whose gesture's time is over at ``at``; ``reason`` is that of the last finding."""
    if challenge.draw is None or at <= challenge.asked_at + challenge.pace_s:
        return challenge
    return _failed(challenge, challenge.draw, reason if reason in _TELLING else "timeout")


def _advanced(challenge: Challenge, drawn: Draw, at: float) -> Challenge:
    if challenge.step + 1 < len(drawn.order):
        return replace(challenge, step=challenge.step + 1, asked_at=at)
    tries = (*challenge.tries, Try(drawn, True, challenge.step, ""))
    return replace(challenge, phase=ChallengePhase.PASSED, tries=tries, draw=None)


def _failed(challenge: Challenge, drawn: Draw, reason: str) -> Challenge:
    tries = (*challenge.tries, Try(drawn, False, challenge.step, reason))
    over = len(tries) >= TRIES_MAX
    phase = ChallengePhase.AGENT_DECIDES if over else ChallengePhase.READY
    return replace(challenge, phase=phase, tries=tries, draw=None)
