"""Changes of a call that hold only once media was rearranged. Pure.

Every arrangement that is asked for carries the changes that came with it. Media answers in order. What
an arrangement that failed carried goes to the next one under way, whose routes contain it too; so what
is committed is always what media really does.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from contract.ids import AccountId, SeatId
from contract.phases import SeatMode
from signaling.arrangement import Stance

# Media that refused is asked again after this: a worker is started anew in about a second.
_AGAIN_S = 1.0


@dataclass(frozen=True, slots=True)
class Change:
    """The customer ``held`` or no longer, and ``seat`` in another ``mode``; None changes nothing.

    ``by`` asked for it with the message ``about`` and is told when it fails; what nobody asked for is
    tried until media does it.
    """

    held: bool | None = None
    seat: SeatId | None = None
    mode: SeatMode | None = None
    by: AccountId | None = None
    about: str = ""


class Changes:
    """The changes under way."""

    def __init__(self) -> None:
        self._flights: deque[tuple[Change, ...]] = deque()
        self._due: tuple[Change, ...] = ()
        self.again_at: float | None = None
        self.failing_since: float | None = None

    def __iter__(self) -> Iterator[Change]:
        """Yield what is not committed yet, oldest first."""
        for flight in self._flights:
            yield from flight
        yield from self._due

    def wanted(self, stance: Stance) -> Stance:
        """Return ``stance`` as it will be when all goes well."""
        modes = dict(stance.modes)
        for change in self:
            if change.held is not None:
                stance = replace(stance, held=change.held)
            if change.seat in modes and change.mode is not None:
                modes[change.seat] = change.mode
        return replace(stance, modes=modes)

    def want(self, change: Change) -> None:
        """Take in what the next arrangement is to contain."""
        self._due = (*self._due, change)

    def ask(self) -> None:
        """An arrangement is asked for that contains everything wanted."""
        self._flights.append(self._due)
        self._due, self.again_at = (), None

    def hold(self) -> tuple[Change, ...]:
        """The oldest arrangement asked for holds: return what is different now.

        What it carried from arrangements that failed, and was overtaken since, never was.
        """
        self.failing_since = None
        carried = self._flights.popleft() if self._flights else ()
        modes = {change.seat: Change(seat=change.seat, mode=change.mode) for change in carried if change.mode}
        held = [Change(held=change.held) for change in carried if change.held is not None]
        return (*modes.values(), *held[-1:])

    def fail(self, mono: float) -> tuple[Change, ...]:
        """The oldest arrangement asked for failed: return what is given up."""
        carried = self._flights.popleft() if self._flights else ()
        if self.failing_since is None:
            self.failing_since = mono
        if self._flights:
            self._flights[0] = carried + self._flights[0]
            return ()
        self.again_at = mono + _AGAIN_S
        self._due = tuple(change for change in carried if change.by is None)
        return tuple(change for change in carried if change.by is not None)

    def forget(self, seat: SeatId) -> None:
        """What was wanted of this seat no longer matters, nor a hold that was to begin or end with it.

        Media that is at it already may do the latter before it hears better, so it is committed and undone.
        """
        flown = [one for flight in self._flights for one in flight if one.held is not None]
        self._flights = deque(tuple(_without(seat, flight, held=True)) for flight in self._flights)
        self._due = tuple(_without(seat, self._due, held=False))
        if flown and flown[-1].seat == seat and all(one.held is None for one in self._due):
            self.want(Change(held=not flown[-1].held))


def _without(seat: SeatId, changes: Iterable[Change], *, held: bool) -> Iterator[Change]:
    """Yield what is left without this seat; with ``held`` what its changes say of the hold."""
    for change in changes:
        if change.seat != seat:
            yield change
        elif held and change.held is not None:
            yield Change(held=change.held, by=change.by, about=change.about)
