"""A clock that tests move."""


class MovedClock:
    """Stands at ``at`` until told otherwise."""

    def __init__(self, at: float = 1_800_000_000.0) -> None:
        self.at = at

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at
