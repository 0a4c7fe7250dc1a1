"""Waiting for the disk, in one thread, for all tracks at once.

What all tracks ask for during one turn of the writing thread is brought to disk together by syncfs(2):
for 40 open segments that took 0.5 ms of CPU here, against 8 ms for one fdatasync(2) each. While the disk
is slow requests gather, and the next sync serves them all.
"""

import contextlib
import ctypes
import functools
import os
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from recordings.segment_writer import SealedFile, SegmentWriter
from recordings.track_files import TrackFiles

# Steps of niceness. The kernel then gives the forwarding thread the processor as soon as a packet wakes it,
# and not after the slice of a thread that has 200 ms of time.
_STEPS_BACK = 10


@dataclass(slots=True, eq=False)
class Settling:
    """A segment on its way to disk.

    ``done`` tells whether a frame of it is there, or holds an OSError; ``sealed`` is set before it if the
    segment was given its name.
    """

    segment: SegmentWriter
    files: TrackFiles
    seals: bool = False
    urgent: bool = False
    sealed: SealedFile | None = None
    done: "Future[bool]" = field(default_factory=Future)


class Disk(Protocol):
    """Where a track writer sends its segments; asked from the writing thread."""

    def ask(self, item: Settling) -> None:
        """Settle ``item`` soon: behind the writing thread's turn."""
        ...


def step_back() -> None:
    """Give this thread's turn on the processor to the one that forwards, whenever that wants it."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + _STEPS_BACK)


class DiskThread(Disk):
    """Collects requests; all methods belong to the writing thread. ``wake`` is set behind urgent ones."""

    def __init__(self, root: Path, wake: threading.Event) -> None:
        self._volume = Volume(root)
        self._wake = wake
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="recorder-sync", initializer=step_back)
        self._waiting: list[Settling] = []
        self._running: Future[None] | None = None

    def ask(self, item: Settling) -> None:
        """See :class:`Disk`."""
        self._waiting.append(item)

    def start(self) -> None:
        """Begin with what was asked for, unless the disk is still busy; called at each turn's end."""
        if self._running is not None and not self._running.done():
            return
        batch, self._waiting = self._waiting, []
        if batch:
            self._running = self._pool.submit(settle, batch, self._volume)
            if any(item.urgent for item in batch):
                self._running.add_done_callback(lambda _: self._wake.set())

    def stop(self) -> None:
        """Let the thread go when it is done with what was started."""
        self._pool.submit(self._volume.close)
        self._pool.shutdown(wait=False)


class Volume:
    """The file system under a folder. Kept open: errors in writing back are told once to each opener."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder: int | None = None
        # Linux has it; elsewhere each file is synced by itself.
        self._syncfs = getattr(ctypes.CDLL(None), "syncfs", None)

    def sync(self) -> bool:
        """Bring everything on it to disk; return whether that went well. Blocks."""
        if self._syncfs is None:
            return False
        with contextlib.suppress(OSError):
            if self._folder is None:
                self._folder = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            return bool(self._syncfs(self._folder) == 0)
        return False

    def close(self) -> None:
        """Let go of the folder."""
        if self._folder is not None:
            os.close(self._folder)
            self._folder = None


def settle(batch: Sequence[Settling], volume: Volume) -> None:
    """Bring a batch to disk; each item's ``done`` tells what became of it. Blocks, raises nothing."""
    sealing = [item for item in batch if item.seals]
    has_frames = [item.segment.has_frames for item in batch]
    if not volume.sync():
        # Whose data it was that did not get there, only a sync of each file tells.
        for item in batch:
            _sync_alone(item)
    for item in sealing:
        _attempt(item, functools.partial(_give_name, item))
    if sealing and not volume.sync():
        for item in sealing:
            _attempt(item, item.files.sync_folder)
    for item, has in zip(batch, has_frames, strict=True):
        if not item.done.done():
            item.done.set_result(has)


def _sync_alone(item: Settling) -> None:
    for step in (item.segment.sync, item.files.sync):
        if item.seals:
            # What is not on disk is found out when it gets its name.
            with contextlib.suppress(OSError):
                step()
        else:
            _attempt(item, step)


def _give_name(item: Settling) -> None:
    item.sealed = item.segment.give_name()


def _attempt(item: Settling, step: Callable[[], None]) -> None:
    if item.done.done():
        return
    try:
        step()
    except OSError as error:
        item.done.set_exception(error)
