"""Places in the row and how long they last. Pure."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from contract.ids import CallId
from contract.phases import Presence
from signaling.routing import Member, Row

# Before the first call was measured: the middle of the 3 to 10 minutes that identification takes.
_FIRST_GUESS_S = 300.0
# Weight of the newest call in the mean length.
_NEWEST = 0.2
_FREE = frozenset({Presence.READY, Presence.RINGING})
_ON_DUTY = _FREE | {Presence.BUSY, Presence.WRAP_UP}


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


def estimate_places(order: Iterable[Row], members: Collection[Member], mean_s: float) -> dict[CallId, Place]:
    """Return the customers' places for rows in this order.

    Who stands n-th waits until n agents were free, and as long as the n-th of those who need the same
    skill waits for the agents who have it.
    """
    free = [known.profile for known in members if known.presence in _FREE]
    on_duty = [known.profile for known in members if known.presence in _ON_DUTY]
    ahead: Counter[str] = Counter()
    position = total = 0
    places: dict[CallId, Place] = {}
    rates: dict[str, tuple[int, int]] = {}
    for row in order:
        total += 1
        skill = row.demand.skill
        ahead[skill] += 1
        if row.demand.summons:
            continue
        position += 1
        if skill not in rates:
            rates[skill] = (
                sum(profile.skilled(skill) for profile in free),
                sum(profile.skilled(skill) for profile in on_duty),
            )
        among_all = _turns(total, len(free), len(on_duty))
        turns = max(among_all, _turns(ahead[skill], *rates[skill])) if rates[skill][1] else None
        places[row.demand.call] = Place(position, None if turns is None else turns * mean_s)
    return places


def _turns(position: int, free: int, on_duty: int) -> float:
    return max(0, position - free) / max(1, on_duty)
