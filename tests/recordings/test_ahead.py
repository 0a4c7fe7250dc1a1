"""An iterator that runs ahead in a thread: order, bound, errors, and that nothing is left running."""

import threading
from collections.abc import Iterator

import pytest

from recordings.ahead import ahead

DEADLINE_S = 10.0


class Source:
    """Counts up to ``count``; says what was made, and in which thread it was closed."""

    def __init__(self, count: int) -> None:
        self.made = 0
        self.ran_in: set[threading.Thread] = set()
        self.closed_in: threading.Thread | None = None
        self.reached = threading.Semaphore(0)
        self._count = count

    def items(self) -> Iterator[int]:
        try:
            for number in range(self._count):
                self.ran_in.add(threading.current_thread())
                self.made += 1
                self.reached.release()
                yield number
        finally:
            self.closed_in = threading.current_thread()

    def wait_for(self, items: int) -> None:
        """Return when so many more were made."""
        for _ in range(items):
            assert self.reached.acquire(timeout=DEADLINE_S)


def test_everything_in_order_from_one_other_thread() -> None:
    """All items come, in order, made in a single thread that is gone afterwards."""
    source = Source(100)

    assert list(ahead(source.items(), 3)) == list(range(100))

    [made_in] = source.ran_in
    assert made_in is not threading.current_thread()
    assert source.closed_in is made_in
    assert not made_in.is_alive()


def test_runs_ahead_so_far_and_no_further() -> None:
    """With nobody reading on, the source makes what fits, and one more for each item that is taken."""
    source = Source(100)
    items = ahead(source.items(), 4)

    assert next(items) == 0
    source.wait_for(5)
    # Nothing tells when a thread does not go on; that it has room for no more is what the bound means.
    assert not source.reached.acquire(timeout=0.2)
    assert next(items) == 1
    source.wait_for(1)
    assert source.made == 6
    items.close()


def test_an_error_comes_behind_what_was_made_before_it() -> None:
    """What the source raises is raised to the reader, after the items before it."""

    ran_in: list[threading.Thread] = []

    def broken() -> Iterator[int]:
        ran_in.append(threading.current_thread())
        yield 1
        yield 2
        raise OSError("gone")

    items = ahead(broken(), 8)

    assert [next(items), next(items)] == [1, 2]
    with pytest.raises(OSError, match="gone"):
        next(items)
    [made_in] = ran_in
    assert not made_in.is_alive()


def test_closing_ends_the_thread_and_closes_the_source() -> None:
    """Who stops reading leaves no thread behind, also while it waits for room."""
    source = Source(100)
    items = ahead(source.items(), 2)
    assert next(items) == 0
    source.wait_for(3)

    items.close()

    [made_in] = source.ran_in
    assert source.closed_in is made_in
    assert not made_in.is_alive()
    assert source.made == 3


def test_nothing_ahead_is_a_mistake() -> None:
    """A bound of none could never hand anything over."""
    with pytest.raises(ValueError, match="at least one"):
        next(ahead(iter([1]), 0))
