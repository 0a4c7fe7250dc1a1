"""What a call knows of its tracks. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from contract.facts import (
    RecorderTroubled,
    RecordingStarted,
    TrackEnded,
    TrackResumed,
    TrackStalled,
    TrackStarted,
)
from contract.ids import SeatId, TrackId
from contract.phases import Capture, TrackSource
from signaling.seats import Seat

TrackFact = TrackStarted | RecordingStarted | RecorderTroubled | TrackStalled | TrackResumed | TrackEnded

_OF_A_PERSON = (TrackSource.MICROPHONE, TrackSource.CAMERA)


@dataclass(slots=True)
class Tracks:
    """Which tracks have started and which of them are on disk."""

    started: dict[TrackId, tuple[SeatId, TrackSource]] = field(default_factory=dict)
    recorded: set[TrackId] = field(default_factory=set)
    stalled: set[TrackId] = field(default_factory=set)
    any: bool = False

    def noted(self, fact: TrackFact) -> None:
        """Learn from a fact of the journal."""
        match fact:
            case TrackStarted():
                self.any = True
                self.started[fact.track] = (fact.seat, fact.source)
            case RecordingStarted():
                self.recorded.add(fact.track)
            case RecorderTroubled():
                # Checks stay locked until the recorder says that this track is on disk again.
                self.recorded.discard(fact.track)
            case TrackStalled():
                self.stalled.add(fact.track)
            case TrackResumed():
                self.stalled.discard(fact.track)
            case _:
                self.started.pop(fact.track, None)

    def arrived(self, seats: Iterable[Seat]) -> bool:
        """Tell whether everything that these seats promise has started."""
        started = set(self.started.values())
        return all((seat.seat, source) in started for seat in seats for source in seat.promised)

    def recording(self) -> bool:
        """Tell whether any started track is on disk."""
        return bool(self.recorded & self.started.keys())

    def on_disk(self, seats: Iterable[Seat]) -> bool:
        """Tell whether microphone and camera of these seats are on, come, and are on disk."""
        kept = {self.started[track] for track in (self.recorded - self.stalled) & self.started.keys()}
        return all(
            seat.microphone is seat.camera is Capture.ON and (seat.seat, source) in kept
            for seat in seats
            for source in _OF_A_PERSON
        )

    def screens(self) -> tuple[SeatId, ...]:
        """Return the seats that share a screen, the latest first."""
        return tuple(seat for seat, source in reversed(self.started.values()) if source is TrackSource.SCREEN)
