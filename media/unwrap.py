"""Wrapping counters as integers that go on growing. Pure code."""


class Unwrapper:
    """Extends a wrapping counter of ``bits`` bits to integers that go on growing."""

    __slots__ = ("_half", "_last", "_span")

    def __init__(self, bits: int) -> None:
        self._span = 1 << bits
        self._half = self._span >> 1
        self._last: int | None = None

    def unwrap(self, value: int) -> int:
        """Return ``value`` plus the multiple of the span that puts it nearest to the highest seen."""
        if self._last is None:
            self._last = value
            return value
        result = self.near(value)
        self._last = max(self._last, result)
        return result

    def near(self, value: int) -> int:
        """As ``unwrap``, but leave no trace."""
        if self._last is None:
            return value
        step = (value - self._last) % self._span
        return self._last + (step if step < self._half else step - self._span)
