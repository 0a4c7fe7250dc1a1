"""What a desk achieved in the last 24 hours, and what is wrong now. Pure; times are arguments."""

from collections import Counter, deque
from dataclasses import dataclass

from contract.ids import AccountId

_WINDOW_S = 24 * 3600.0
# What is counted leaves the window in steps of this length, so that at most 289 steps are kept.
_STEP_S = 300.0
# A level of fewer customers says nothing.
_LEVEL_MIN = 10


@dataclass(frozen=True, slots=True)
class BoardRules:
    """What a desk promises: ``level`` (0 to 1) of its customers are answered within ``target_s``.

    The defaults are what call centres commonly promise: four of five within 20 s. Somebody who waited
    for longer than ``long_wait_s`` raises an alarm.
    """

    target_s: float = 20.0
    level: float = 0.8
    long_wait_s: float = 120.0


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts and means of 24 hours.

    ``handle_s`` is the mean length of conversations, ``service_level`` the share (0 to 1) of customers who
    were answered in time; each None before the first. Who left before the target was reached does not
    count for the level.
    """

    answered: int
    abandoned: int
    handle_s: float | None
    service_level: float | None


@dataclass(frozen=True, slots=True)
class Tally:
    """How many rings an agent answered, and how many were refused or not answered."""

    answered: int
    refused: int


class Board:
    """Counts one desk. ``now`` never goes back; memory is bounded by the number of agents."""

    def __init__(self, rules: BoardRules) -> None:
        self.rules = rules
        self._steps: deque[tuple[float, Counter[str]]] = deque()
        self._total: Counter[str] = Counter()

    def answered(self, agent: AccountId, waited_s: float | None, now: float) -> None:
        """An agent answered a customer who waited so long; None: a colleague."""
        self._count(now, f"answered {agent}")
        if waited_s is not None:
            self._count(now, "answered")
            self._count(now, "in time" if waited_s <= self.rules.target_s else "late")

    def refused(self, agent: AccountId, now: float) -> None:
        """An agent refused a ring or let it time out."""
        self._count(now, f"refused {agent}")

    def abandoned(self, waited_s: float, now: float) -> None:
        """A customer left unanswered after so long."""
        self._count(now, "abandoned")
        if waited_s > self.rules.target_s:
            self._count(now, "late")

    def handled(self, talked_s: float, now: float) -> None:
        """A conversation of this length is over."""
        self._count(now, "handled")
        # Whole milliseconds add up and subtract without rest.
        self._count(now, "handled ms", round(talked_s * 1000))

    def figures(self, now: float) -> Figures:
        """Return what was achieved."""
        self._forget(now)
        total = self._total
        rated = total["in time"] + total["late"]
        return Figures(
            total["answered"],
            total["abandoned"],
            total["handled ms"] / total["handled"] / 1000 if total["handled"] else None,
            total["in time"] / rated if rated else None,
        )

    def tally(self, agent: AccountId, now: float) -> Tally:
        """Return an agent's rings."""
        self._forget(now)
        return Tally(self._total[f"answered {agent}"], self._total[f"refused {agent}"])

    def alarms(self, waiting: int, ready: int, longest_wait_s: float, now: float) -> tuple[str, ...]:
        """Return what is wrong, in words.

        ``nobody_ready``: customers wait and no agent is ready or ringing. ``long_wait``: somebody waits
        for too long. ``service_level``: too many were answered late.
        """
        level = self.figures(now).service_level
        enough = self._total["in time"] + self._total["late"] >= _LEVEL_MIN
        wrong = {
            "nobody_ready": waiting > 0 and ready == 0,
            "long_wait": longest_wait_s > self.rules.long_wait_s,
            "service_level": enough and level is not None and level < self.rules.level,
        }
        return tuple(word for word, holds in wrong.items() if holds)

    def _count(self, now: float, what: str, by: int = 1) -> None:
        self._forget(now)
        begins = now - now % _STEP_S
        if not self._steps or self._steps[-1][0] < begins:
            self._steps.append((begins, Counter()))
        self._steps[-1][1][what] += by
        self._total[what] += by

    def _forget(self, now: float) -> None:
        while self._steps and self._steps[0][0] + _WINDOW_S <= now:
            # The difference of counters keeps no zeros: an agent who left is forgotten.
            self._total -= self._steps.popleft()[1]
