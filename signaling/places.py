"""Places in the row and how long they last. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from contract.ids import AccountId, CallId
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
        """Note a call; one in which nobody talked tells nothing."""
        if talked_s <= 0:
            return
        self.seconds += _NEWEST * (talked_s - self.seconds)


@dataclass(slots=True)
class _Lane:
    """Who needs the same skill, in order: ``length`` so far, the agents who have it, free and on duty."""

    free: int
    on_duty: int
    length: int = 0

    @classmethod
    def of(cls, skill: str, members: Collection[Member]) -> "_Lane":
        skilled = [known.presence for known in members if known.profile.skilled(skill)]
        free = sum(presence in FREE for presence in skilled)
        return cls(free, sum(presence in ON_DUTY for presence in skilled))

    def turns(self, position: int) -> float:
        """Return how many mean lengths the ``position``-th waits for ``on_duty`` agents, if there are any."""
        ahead = position - self.free
        return ahead / self.on_duty if ahead > 0 else 0.0


def estimate_places(order: Iterable[Row], members: Collection[Member], mean_s: float) -> dict[CallId, Place]:
    """Return the customers' places for rows in this order.

    Who stands n-th waits until n agents were free, and as long as the n-th of those who need the same
    skill waits for the agents who have it. Who waits for one agent waits for that one only.
    """
    everybody = _Lane.of("", members)
    lanes: dict[str, _Lane] = {}
    places: dict[CallId, Place] = {}
    for total, row in enumerate(order, start=1):
        demand = row.demand
        lane = lanes.get(demand.skill)
        if lane is None:
            lane = lanes[demand.skill] = _Lane.of(demand.skill, members)
        lane.length += 1
        if demand.summons:
            continue
        turns: float | None = None
        if row.only is not None:
            turns = _turns_of(row.only, members)
        elif lane.on_duty:
            turns = max(everybody.turns(total), lane.turns(lane.length))
        places[demand.call] = Place(len(places) + 1, None if turns is None else turns * mean_s)
    return places


def _turns_of(agent: AccountId, members: Iterable[Member]) -> float | None:
    presence = next(known.presence for known in members if known.account == agent)
    return float(presence not in FREE) if presence in ON_DUTY else None
