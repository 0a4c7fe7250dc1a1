"""What a call would lose with its worker, as the facts that passed tell it. Pure."""

from contract.facts import (
    WORKER_LOST,
    Fact,
    MediaConnected,
    MediaLost,
    PartyJoined,
    PartyLeft,
    SegmentSealed,
    TrackEnded,
    TrackStarted,
)
from contract.ids import CallId, SeatId, TrackId
from contract.phases import Role


class Standing:
    """Connected seats, running tracks and the recorder's place in one call."""

    def __init__(self, call: CallId) -> None:
        self._call = call
        self._seats: dict[SeatId, None] = {}
        self._tracks: dict[TrackId, int] = {}
        self._recorders: dict[SeatId, None] = {}

    @property
    def seats(self) -> int:
        """Return how many seats have a connection."""
        return len(self._seats)

    def has(self, seat: SeatId) -> bool:
        """Tell whether the seat has a connection."""
        return seat in self._seats

    def seat(self, seat: SeatId) -> None:
        """Note that a seat's offer was answered: it has a connection, if only a beginning one."""
        self._seats[seat] = None

    def unseat(self, *seats: SeatId) -> None:
        """Note that these seats gave their connection up; without any, that all did."""
        for seat in seats or tuple(self._seats):
            self._seats.pop(seat, None)

    def noted(self, fact: Fact) -> None:
        """Take a fact of the call."""
        match fact:
            case MediaConnected(seat=seat):
                self.seat(seat)
            case MediaLost(seat=seat):
                self.unseat(seat)
            case TrackStarted(track=track):
                self._tracks[track] = 0
            case SegmentSealed(track=track, frames=frames) if track in self._tracks:
                self._tracks[track] += frames
            case TrackEnded(track=track):
                self._tracks.pop(track, None)
            case PartyJoined(seat=seat, role=Role.SYSTEM):
                self._recorders[seat] = None
            case PartyLeft(seat=seat):
                self._recorders.pop(seat, None)
            case _:
                return

    def losses(self) -> tuple[Fact, ...]:
        """Return how everything came to its end when the worker died; nothing stands afterwards.

        Of a track's frames only those in sealed segments are known.
        """
        lost = (
            *(MediaLost(self._call, seat, WORKER_LOST) for seat in self._seats),
            *(TrackEnded(self._call, track, frames) for track, frames in self._tracks.items()),
            *(PartyLeft(self._call, seat) for seat in self._recorders),
        )
        for kept in (self._seats, self._tracks, self._recorders):
            kept.clear()
        return lost
