"""The recorder's end on the event loop: keeps packets until the writing thread comes for them."""

from collections import deque
from collections.abc import Callable

from contract.facts import Fact, RecorderTroubled
from contract.ports import Clock, ClockSample, TrackInfo
from recordings.track_writer import RecorderSettings

# Beside its own bytes a packet costs the head of its object, a tuple, a float and a place in the deque.
PACKET_BESIDE = 128


class Room:
    """What all sinks of a process may hold together, in bytes. ``taken`` belongs to the writing thread."""

    __slots__ = ("bytes_max", "pushed", "taken")

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self.pushed = self.taken = 0


class Sink:
    """Implements ``contract.ports.TrackSink`` for one track.

    ``packets`` is filled by the loop and emptied by the thread, and appending wakes nobody: that would
    cost more than all else a packet meets here. ``taken_bytes`` belongs to the thread, the other numbers
    to the loop; both count ``PACKET_BESIDE`` for each packet. ``undurable_at``, the thread's too, is when
    the oldest frame came that it has taken and that is not on disk; ``behind`` counts the looks that found
    this too long ago. When the bound of the track or of all tracks is reached the newest packets are
    dropped and counted; what reads the packets sees their numbers missing, as it does after a loss on the
    network.
    """

    __slots__ = (
        "_bytes_max",
        "_clock",
        "_note",
        "_packets_max",
        "_settings",
        "_troubled_at",
        "behind",
        "closed",
        "info",
        "packets",
        "pushed_bytes",
        "room",
        "samples",
        "skipped",
        "taken_bytes",
        "undurable_at",
    )

    def __init__(
        self,
        info: TrackInfo,
        settings: RecorderSettings,
        clock: Clock,
        note: Callable[[Fact], None],
        room: Room,
    ) -> None:
        self.info = info
        self.room = room
        self.packets: deque[tuple[bytes, float]] = deque()
        self.samples: deque[ClockSample] = deque()
        self.closed = False
        self.pushed_bytes = self.taken_bytes = self.skipped = self.behind = 0
        self.undurable_at: float | None = None
        self._settings = settings
        self._bytes_max = settings.queue_bytes
        self._packets_max = settings.queue_packets
        self._clock = clock
        self._note = note
        self._troubled_at = float("-inf")

    def push_packet(self, packet: bytes, arrived_at: float) -> None:
        """See ``contract.ports.TrackSink``."""
        size = len(packet) + PACKET_BESIDE
        pushed = self.pushed_bytes + size
        room = self.room
        of_all = room.pushed + size
        if (
            pushed - self.taken_bytes > self._bytes_max
            or of_all - room.taken > room.bytes_max
            or len(self.packets) >= self._packets_max
        ):
            self._skip()
            return
        self.pushed_bytes = pushed
        room.pushed = of_all
        self.packets.append((packet, arrived_at))

    def push_clock(self, sample: ClockSample) -> None:
        """See ``contract.ports.TrackSink``."""
        if len(self.samples) < self._packets_max:
            self.samples.append(sample)

    def close(self) -> None:
        """See ``contract.ports.TrackSink``."""
        # Nothing fits any more, which costs an open sink nothing to find out.
        self._packets_max = 0
        self.closed = True

    def look(self) -> None:
        """Tell when what came is kept too late; called in the loop, which a slow disk does not stop."""
        oldest_at = self._oldest_at()
        if self.closed or oldest_at is None:
            return
        if self._clock.now() - oldest_at > self._settings.behind_s:
            self.behind += 1
            self._tell("behind")

    def _oldest_at(self) -> float | None:
        """Return when the oldest came of what is not on disk: what the thread has, or has still to take."""
        if self.undurable_at is not None:
            return self.undurable_at
        try:
            return self.packets[0][1]
        except IndexError:
            return None

    def _skip(self) -> None:
        if self.closed:
            return
        self.skipped += 1
        self._tell("queue_full")

    def _tell(self, what: str) -> None:
        now = self._clock.monotonic()
        if now - self._troubled_at >= self._settings.trouble_s:
            self._troubled_at = now
            self._note(RecorderTroubled(self.info.call, self.info.track, what, 0, self.skipped))
