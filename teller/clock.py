"""The machine's clock, behind the contract's port; and one that nobody can set while calls run."""

import time
from collections.abc import Callable

# Clocks that are slewed stay within this; what sets a clock (NTP's step, an administrator, a leap second, a
# machine that was asleep) moves it further.
STEP_S = 0.25
# How often both clocks are read to find a moment at which nothing came between.
_READINGS = 3


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        """Return seconds UTC."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return time.monotonic()


class AnchoredClock:
    """Seconds UTC as they were at its making, counted on by the clock that cannot be set.

    Slewing moves both clocks of the machine alike, so this one stays right until somebody sets the wall
    clock; then it stays where it was until told to follow.
    """

    def __init__(
        self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._wall, self._steady = wall, steady
        self.offset = self._measured()

    def now(self) -> float:
        """Return seconds UTC that never jump."""
        return self._steady() + self.offset

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return self._steady()

    def stepped(self) -> float:
        """Return by how many seconds the machine's clock was set since; 0 for less than a step."""
        off = self._measured() - self.offset
        return off if abs(off) >= STEP_S else 0.0

    def follow(self, offset: float | None = None) -> None:
        """Go by the machine's clock as it is now, or by ``offset``, another process's of this machine."""
        self.offset = self._measured() if offset is None else offset

    def _measured(self) -> float:
        """Return the wall clock less the steady one, read when they were closest together."""
        readings = [(self._steady(), self._wall(), self._steady()) for _ in range(_READINGS)]
        before, wall, after = min(readings, key=lambda reading: reading[2] - reading[0])
        return wall - (before + after) / 2
