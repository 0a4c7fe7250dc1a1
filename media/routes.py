"""An arrangement: who may send, and whose sound and picture each receiving line carries. Pure code."""

from collections.abc import Sequence

from contract.errors import MediaError
from contract.ids import SeatId
from contract.phases import TrackKind, TrackSource
from contract.ports import SeatRoute, Slot
from media.plan import OTHERS_MAX, Line


class Arrangement:
    """The routes of a call. Seats without one, and so everybody in an empty one, send and get nothing.

    Raises:
        MediaError: two routes for a seat, or more slots than a connection has lines.
    """

    def __init__(self, routes: Sequence[SeatRoute] = ()) -> None:
        self._routes = {route.seat: route for route in routes}
        if len(self._routes) != len(routes):
            raise MediaError("a seat has two routes", code="bad_arrangement")
        if any(len(route.slots) > OTHERS_MAX for route in routes):
            raise MediaError(f"a seat hears at most {OTHERS_MAX} others", code="bad_arrangement")

    def publishes(self, seat: SeatId) -> bool:
        """Tell whether what comes from ``seat`` may pass to anybody."""
        route = self._routes.get(seat)
        return route is not None and route.publishes

    def records(self, seat: SeatId) -> bool:
        """Tell whether what comes from ``seat`` goes to the receivers."""
        route = self._routes.get(seat)
        return route is not None and route.publishes and route.recorded

    def may_limit(self, reader: SeatId, feeder: SeatId) -> bool:
        """Tell whether the line of ``reader`` may hold back what ``feeder`` sends.

        What is recorded is for the customer's eyes or from his camera: only those talk there who are
        recorded as well, and nobody else's line is to be noticed.
        """
        return self.records(reader) or (self.publishes(reader) and not self.records(feeder))

    def promises(self, seat: SeatId) -> tuple[TrackSource, ...]:
        """Return what ``seat`` must send in time."""
        route = self._routes.get(seat)
        return route.promises if route is not None and route.publishes else ()

    def feeder(self, seat: SeatId, line: Line) -> SeatId | None:
        """Return whose ``line.source`` the receiving ``line`` of ``seat`` carries; never its own."""
        route = self._routes.get(seat)
        if route is None:
            return None
        if line.source is TrackSource.SCREEN:
            feeder = route.screen
        else:
            slot = route.slots[line.other] if line.other < len(route.slots) else None
            feeder = slot.seat if slot is not None and _carries(slot, line) else None
        return feeder if feeder is not None and feeder != seat and self.publishes(feeder) else None


def _carries(slot: Slot, line: Line) -> bool:
    return slot.sound if line.kind is TrackKind.AUDIO else slot.picture


def everybody_talks(seats: Sequence[SeatId], sharing: SeatId | None = None) -> tuple[SeatRoute, ...]:
    """Return the routes of a plain conversation: all hear, see and are recorded, in the order of coming."""
    both = (TrackSource.MICROPHONE, TrackSource.CAMERA)
    return tuple(
        SeatRoute(
            seat=seat,
            publishes=True,
            recorded=True,
            promises=both,
            slots=tuple(Slot(other) for other in seats if other != seat)[:OTHERS_MAX],
            screen=None if sharing == seat else sharing,
        )
        for seat in seats
    )
