"""What a call knows of its two seats and of their tracks. Pure."""

from dataclasses import dataclass, field

from contract.facts import PlaybackReported
from contract.ids import TrackId
from contract.phases import Role, TrackSource
from contract.ports import Party
from contract.wire import Playback

_MANDATORY = frozenset(
    (role, source)
    for role in (Role.CUSTOMER, Role.AGENT)
    for source in (TrackSource.MICROPHONE, TrackSource.CAMERA)
)
# Pages report every five seconds; what comes faster than this is not worth a journal's line.
_REPORT_S = 3.0


@dataclass(slots=True)
class Seat:
    """One party's place. ``gone_until`` is monotonic seconds, None while nobody is missed."""

    party: Party
    here: bool = True
    media: bool = False
    media_lost: bool = False
    # Media was lost with its worker, and no offer has come since.
    reoffer: bool = False
    gone_until: float | None = None
    answering: bool = False
    reported_at: float | None = None

    @property
    def away(self) -> bool:
        """True while the socket or the media of this seat is lost."""
        return not self.here or self.media_lost

    def report(self, told: Playback, mono: float) -> PlaybackReported | None:
        """Return what this seat's page told as a fact; None when the last one was a moment ago."""
        if self.reported_at is not None and mono - self.reported_at < _REPORT_S:
            return None
        self.reported_at = mono
        return PlaybackReported(
            told.call,
            self.party.seat,
            told.interval_s,
            told.fps,
            told.freezes,
            told.frozen_s,
            told.concealed_s,
        )


@dataclass(slots=True)
class Tracks:
    """Which tracks have started and which of them are on disk."""

    started: dict[TrackId, tuple[Role, TrackSource]] = field(default_factory=dict)
    recorded: set[TrackId] = field(default_factory=set)
    any: bool = False

    def arrived(self) -> bool:
        """Tell whether every mandatory track has started."""
        return set(self.started.values()) >= _MANDATORY

    def recording(self) -> bool:
        """Tell whether any started track is on disk."""
        return bool(self.recorded & self.started.keys())

    def on_disk(self) -> bool:
        """Tell whether every mandatory track is on disk."""
        return {self.started[track] for track in self.recorded & self.started.keys()} >= _MANDATORY
