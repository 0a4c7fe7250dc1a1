"""Unwrapping counters."""

from hypothesis import given
from hypothesis import strategies as st

from media.unwrap import Unwrapper


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(-20_000, 30_000), max_size=60))
def test_unwrapping_follows_the_counter(start: int, steps: list[int]) -> None:
    """Whatever the wraps, unwrapped values differ exactly as the counter did."""
    unwrapper, value, first = Unwrapper(32), start, None
    for step in steps:
        value += step
        got = unwrapper.unwrap(value % 2**32)
        first = got - value if first is None else first
        assert got - value == first


def test_near_leaves_no_trace() -> None:
    """``near`` reads around the last value and does not move it."""
    unwrapper = Unwrapper(16)
    assert unwrapper.near(7) == 7
    assert unwrapper.unwrap(65_530) == 65_530
    assert unwrapper.near(4) == 65_540
    assert unwrapper.near(65_500) == 65_500
    assert unwrapper.unwrap(4) == 65_540
