"""Token buckets."""

from hypothesis import given
from hypothesis import strategies as st

from signaling.buckets import Bucket, Buckets


def test_a_bucket_empties_and_refills() -> None:
    """A burst, then the rate."""
    bucket = Bucket(2.0, 3.0, 0.0)
    assert [bucket.take(0.0) for _ in range(4)] == [True, True, True, False]
    assert not bucket.take(0.4)
    assert bucket.take(0.5)
    assert not bucket.take(0.6)
    assert [bucket.take(100.0) for _ in range(4)] == [True, True, True, False]


@given(st.lists(st.floats(0, 10), max_size=60))
def test_no_more_than_burst_and_rate_allow(gaps: list[float]) -> None:
    """Over any time, at most the burst plus what flowed in."""
    bucket, now, taken = Bucket(1.0, 5.0, 0.0), 0.0, 0
    for gap in gaps:
        now += gap
        taken += bucket.take(now)
        assert taken <= 5 + now + 1e-6


def test_sources_do_not_share() -> None:
    """One address that floods takes nothing from another."""
    buckets = Buckets(1.0, 1.0)
    assert buckets.take("a", 0.0)
    assert not buckets.take("a", 0.0)
    assert buckets.take("b", 0.0)


def test_memory_is_bounded() -> None:
    """The source idle for longest is forgotten; the others stay known."""
    buckets = Buckets(0.001, 1.0)
    buckets.take("first", 0.0)
    for number in range(10_000):
        buckets.take(str(number), 0.0)
    assert not buckets.take("9999", 0.0)
    assert buckets.take("first", 0.0)
