"""The machine's clock, behind the contract's port."""

import time


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        """Return seconds UTC."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return time.monotonic()
