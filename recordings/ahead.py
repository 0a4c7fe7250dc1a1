"""An iterator that runs in a thread of its own, a bounded number of items ahead of who reads it."""

import contextlib
import queue
import threading
from collections.abc import Generator, Iterator
from typing import Generic, TypeVar

_T = TypeVar("_T")


class _Ended(Generic[_T]):
    """Stands behind the last item; ``error`` is what ended the source, if it did not end by itself."""

    __slots__ = ("error",)

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class _Source(Generic[_T]):
    """The thread's side: the source is asked, advanced and closed in the thread alone."""

    def __init__(self, items: Iterator[_T], most: int) -> None:
        self._items = items
        self._stopped = False
        self._room = threading.Semaphore(most)
        self._made: queue.SimpleQueue[_T | _Ended[_T]] = queue.SimpleQueue()

    def run(self) -> None:
        error: BaseException | None = None
        try:
            while self._has_room():
                self._made.put(next(self._items))
        except StopIteration:
            pass
        except BaseException as raised:
            error = raised
        finally:
            if isinstance(self._items, Generator):
                with contextlib.suppress(Exception):
                    self._items.close()
            self._made.put(_Ended(error))

    def take(self) -> _T | _Ended[_T]:
        made = self._made.get()
        self._room.release()
        return made

    def stop(self) -> None:
        self._stopped = True
        self._room.release()

    def _has_room(self) -> bool:
        self._room.acquire()
        return not self._stopped


def ahead(items: Iterator[_T], most: int) -> Generator[_T]:
    """Yield ``items``, at most ``most`` of them made before they are asked for, in a second thread.

    What the source raises is raised here behind the items before it. Closing the generator, or leaving
    it, waits until the thread has let go of the item it is at, and closes the source there.

    Raises:
        ValueError: ``most`` is less than 1.
    """
    if most < 1:
        raise ValueError("at least one item ahead")
    source = _Source(items, most)
    thread = threading.Thread(target=source.run, name="ahead", daemon=True)
    thread.start()
    try:
        while not isinstance(made := source.take(), _Ended):
            yield made
        if made.error is not None:
            raise made.error
    finally:
        source.stop()
        thread.join()
