"""What a bad line does to packets: loses, delays, holds back. Pure; seeded, so that runs are alike."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """The line of one party, each way. ``loss`` is a fraction of 0 to 1, independent for each packet.

    ``rtt_ms`` is halved between the ways; ``jitter_ms`` is the most that is added to a packet's delay,
    order kept. ``kbps`` bounds each way; what would wait longer than ``queue_ms`` for it is lost.
    """

    loss: float = 0.0
    rtt_ms: float = 20.0
    jitter_ms: float = 0.0
    kbps: float | None = None
    queue_ms: float = 300.0


class Lane:
    """One way of one party's line."""

    def __init__(self, line: Line, seed: str) -> None:
        self.line = line
        self._random = random.Random(seed)
        self._free_at = 0.0
        self._last_due = 0.0

    def due(self, now: float, size: int) -> float | None:
        """Return when a packet of ``size`` bytes that enters at ``now`` (seconds) leaves; None: never."""
        line = self.line
        if self._random.random() < line.loss:
            return None
        sent_at = now
        if line.kbps is not None:
            sent_at = max(now, self._free_at)
            if sent_at - now > line.queue_ms / 1e3:
                return None
            self._free_at = sent_at = sent_at + size * 8 / (line.kbps * 1e3)
        delay = line.rtt_ms / 2e3 + self._random.random() * line.jitter_ms / 1e3
        self._last_due = max(self._last_due, sent_at + delay)
        return self._last_due
