"""What really happened, as the generator knows it, and what contradicts it. Pure; times are arguments.

The server is judged by what it told: to agents who rings, to customers who has answered and which place
they have, to the supervisor the wallboard. Times are seconds of one clock that never goes back.
"""

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any


@dataclass(slots=True)
class Period:
    """What one round brought: seconds each; ``boards`` are the times at which wallboards came."""

    began: float
    first_rings: list[float] = field(default_factory=list)
    later_rings: list[float] = field(default_factory=list)
    boards: list[float] = field(default_factory=list)
    board_ages: list[float] = field(default_factory=list)
    assigned: int = 0
    refused: int = 0
    messages: int = 0

    def board_gap(self, end: float) -> float:
        """Return the longest time without a wallboard between the beginning and ``end``."""
        times = [self.began, *self.boards, end]
        return max(later - earlier for earlier, later in pairwise(times))


class Ledger:
    """Owns the truth; ``problems`` holds a sentence for every contradiction."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.places: dict[str, int] = {}
        self.period = Period(0.0)
        self._ringing: dict[str, str] = {}
        self._answered: dict[str, str] = {}
        self._served: Counter[str] = Counter()
        # When the answers were asked for and granted: between the two the figures may say either.
        self._asked: list[float] = []
        self._granted: list[float] = []

    @property
    def answered(self) -> int:
        """Return how many customers were answered so far."""
        return len(self._answered)

    def begin(self, now: float) -> None:
        """A round begins."""
        self.period = Period(now)

    def problem(self, text: str) -> None:
        """Keep a contradiction."""
        self.problems.append(text)

    # --- customers ---

    def placed(self, call: str, position: int) -> None:
        """A customer was told a place."""
        if call in self._served:
            self.problem(f"{call} was told a place after it was answered")
        self.places[call] = position

    def served(self, call: str) -> None:
        """A customer was told that somebody has answered."""
        self.places.pop(call, None)
        self._served[call] += 1

    # --- agents ---

    def rang(self, agent: str, call: str, after_s: float | None, *, first: bool) -> None:
        """A customer rings at ``agent``, ``after_s`` seconds after he said that he is ready (None: refused
        one before)."""
        other = self._ringing.setdefault(call, agent)
        if other != agent:
            self.problem(f"{call} rings at {agent} and at {other}")
        if call in self._answered:
            self.problem(f"{call} rings at {agent}, but {self._answered[call]} has answered it")
        if after_s is not None:
            (self.period.first_rings if first else self.period.later_rings).append(after_s)

    def refuses(self, call: str) -> None:
        """An agent says that he does not want this customer; from now on it may ring elsewhere."""
        self.period.refused += 1
        self._ringing.pop(call, None)

    def accepts(self, now: float) -> None:
        """An agent asks for a customer who rings."""
        self._asked.append(now)

    def accepted(self, agent: str, call: str, now: float) -> None:
        """An agent was given the customer."""
        other = self._answered.setdefault(call, agent)
        if other != agent:
            self.problem(f"{call} was given to {agent} and to {other}")
        self._ringing.pop(call, None)
        self._granted.append(now)
        self.period.assigned += 1

    # --- the supervisor ---

    def board(self, board: dict[str, Any], now: float) -> None:
        """A wallboard has come at ``now``."""
        period, answered = self.period, int(board["answered"])
        period.boards.append(now)
        if answered > bisect_right(self._asked, now):
            self.problem(f"the wallboard tells {answered} answered, which is too many")
        # It was made before the first answer that it does not know was granted.
        missing = self._granted[answered] if answered < len(self._granted) else now
        period.board_ages.append(max(0.0, now - missing))

    # --- at rest ---

    def unlike(self, board: dict[str, Any], agents: int) -> list[str]:
        """Return in which figures a wallboard differs from the truth while nobody does anything."""
        row = sorted(self.places, key=self.places.__getitem__)
        shown = [waiting["call"] for waiting in board["queue"]]
        truth = {
            "waiting": (board["waiting"], len(row)),
            "in_call": (board["in_call"], 0),
            "answered": (board["answered"], self.answered),
            "abandoned": (board["abandoned"], 0),
            "queue": (shown, row[: len(shown)]),
            "presences": (
                Counter(agent["presence"] for agent in board["agents"]),
                Counter({"break": agents}),
            ),
        }
        return [f"{name}: {told}, not {real}" for name, (told, real) in truth.items() if told != real]

    def check(self, joined: int) -> None:
        """Look for lost and doubled customers while nobody does anything; ``joined`` wanted to wait."""
        if sorted(self.places.values()) != list(range(1, len(self.places) + 1)):
            self.problem("the places of those who wait are not 1, 2, 3 ...")
        if joined != len(self.places) + len(self._served):
            self.problem(f"{joined} joined, {len(self.places)} wait and {len(self._served)} were served")
        if set(self._served) != set(self._answered):
            self.problem("other customers were told of an answer than agents have answered")
        for call, times in self._served.items():
            if times > 1:
                self.problem(f"{call} was answered {times} times")
        if self._ringing:
            self.problem(f"{len(self._ringing)} rings never ended")
