"""The recorder's end on the event loop: keeps packets until the writing thread comes for them."""

from collections import deque
from collections.abc import Callable

from contract.facts import Fact, RecorderTroubled
from contract.ports import Clock, ClockSample, TrackInfo
from recordings.track_writer import RecorderSettings


class Sink:
    """Implements ``contract.ports.TrackSink`` for one track.

    ``packets`` is filled by the loop and emptied by the thread, and appending wakes nobody: that would
    cost more than all else a packet meets here. ``taken_bytes`` belongs to the thread, the other numbers
    to the loop. When the bound is reached the newest packets are dropped and counted; what reads the
    packets sees their numbers missing, as it does after a loss on the network.
    """

    __slots__ = (
        "_bytes_max",
        "_clock",
        "_note",
        "_packets_max",
        "_settings",
        "_troubled_at",
        "closed",
        "info",
        "packets",
        "pushed_bytes",
        "samples",
        "skipped",
        "taken_bytes",
    )

    def __init__(
        self, info: TrackInfo, settings: RecorderSettings, clock: Clock, note: Callable[[Fact], None]
    ) -> None:
        self.info = info
        self.packets: deque[tuple[bytes, float]] = deque()
        self.samples: deque[ClockSample] = deque()
        self.closed = False
        self.pushed_bytes = self.taken_bytes = self.skipped = 0
        self._settings = settings
        self._bytes_max = settings.queue_bytes
        self._packets_max = settings.queue_packets
        self._clock = clock
        self._note = note
        self._troubled_at = float("-inf")

    def push_packet(self, packet: bytes, arrived_at: float) -> None:
        """See ``contract.ports.TrackSink``."""
        pushed = self.pushed_bytes + len(packet)
        if pushed - self.taken_bytes > self._bytes_max or len(self.packets) >= self._packets_max:
            self._skip()
            return
        self.pushed_bytes = pushed
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

    def _skip(self) -> None:
        if self.closed:
            return
        self.skipped += 1
        now = self._clock.monotonic()
        if now - self._troubled_at >= self._settings.trouble_s:
            self._troubled_at = now
            self._note(RecorderTroubled(self.info.call, self.info.track, "queue_full", self.skipped))
