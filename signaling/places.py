"""Places in the row and how long they last. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from contract.ids import CallId
from signaling.routing import FREE, ON_DUTY, Member, Row

# Before the first call was measured: the middle of the 3 to 10 minutes that identification takes.
_FIRST_GUESS_S = 300.0
# Weight of the newest call in the mean length.
_NEWEST = 0.2


@dataclass(frozen=True, slots=True)
class Place:
    """A customer's place in the row; ``position`` counts from 1.

    The estimate is None when nobody on duty has the skill that is asked for.
    """

    position: int
    estimated_wait_s: float | None


class MeanLength:
    """The mean length of calls, in seconds; newer ones weigh more."""

    def __init__(self) -> None:
        self.seconds = _FIRST_GUESS_S

    def add(self, talked_s: float) -> None:
        """Note a call."""
        self.seconds += _NEWEST * (talked_s - self.seconds)


class _Rates:
    """How many agents are free and on duty, for each skill and by name."""

    def __init__(self, members: Collection[Member]) -> None:
        self._presences = {known.account: known.presence for known in members}
        self._free = [known.profile for known in members if known.presence in FREE]
        self._on_duty = [known.profile for known in members if known.presence in ON_DUTY]
        self._known: dict[str, tuple[int, int]] = {}

    def of(self, skill: str) -> tuple[int, int]:
        """Return how many agents with this skill are free, and on duty."""
        if skill not in self._known:
            free = sum(profile.skilled(skill) for profile in self._free)
            self._known[skill] = free, sum(profile.skilled(skill) for profile in self._on_duty)
        return self._known[skill]

    def turns(self, row: Row, total: int, alike: int) -> float | None:
        """Return how many mean lengths the ``total``-th row waits, the ``alike``-th of its skill."""
        if row.only is not None:
            presence = self._presences.get(row.only)
            return float(presence not in FREE) if presence in ON_DUTY else None
        free, on_duty = self.of(row.demand.skill)
        if not on_duty:
            return None
        return max(0, (total - len(self._free)) / len(self._on_duty), (alike - free) / on_duty)


def estimate_places(order: Iterable[Row], members: Collection[Member], mean_s: float) -> dict[CallId, Place]:
    """Return the customers' places for rows in this order.

    Who stands n-th waits until n agents were free, and as long as the n-th of those who need the same
    skill waits for the agents who have it.
    """
    rates = _Rates(members)
    alike: dict[str, int] = {}
    places: dict[CallId, Place] = {}
    for total, row in enumerate(order, start=1):
        demand = row.demand
        alike[demand.skill] = same = alike.get(demand.skill, 0) + 1
        if not demand.summons:
            turns = rates.turns(row, total, same)
            places[demand.call] = Place(len(places) + 1, None if turns is None else turns * mean_s)
    return places
