"""The one thread of a process that writes every track of every call.

One thread and not one a call: the thread that forwards packets then never waits for more than one other
to let go of the interpreter. It never waits for the disk to sync; the thread that does holds the
interpreter for moments only. All tracks lie on one disk, so when writes themselves hang no number of
threads would help: packets then wait in their sinks, up to their bound.
"""

import contextlib
import threading
from collections import deque
from collections.abc import Callable
from typing import TypeVar

import structlog

from contract.facts import Fact, RecorderTroubled
from contract.ids import CallId
from contract.ports import Clock, Depacketiser
from recordings.disk import DiskThread, step_back
from recordings.sink import PACKET_BESIDE, Sink
from recordings.spool import Spool
from recordings.track_writer import RecorderSettings, TrackWriter

_T = TypeVar("_T")

_log = structlog.get_logger(__name__)

# What a kill loses at most beside a frame that is not whole yet. Half of it would cost a fifth more CPU:
# hashing and writing have a price for each time as well as for each byte.
_DRAIN_S = 0.2
# Packets that are taken between two writes, at each of which other threads get their turn: 1 ms.
_CHUNK = 128


class Line:
    """One track on its way from its sink to its files."""

    def __init__(
        self,
        sink: Sink,
        depacketiser: Depacketiser,
        writer: TrackWriter,
        emit: Callable[[Fact], None],
    ) -> None:
        self.sink = sink
        self.done = False
        self._depacketiser = depacketiser
        self._writer = writer
        self._emit = emit
        self._skipped = self._behind = 0
        self._ended = False

    def turn(self) -> None:
        """Write what has come; a mistake in one track never takes the others with it."""
        try:
            if not self._ended:
                self._drain()
            self._writer.tick()
            self.sink.undurable_at = self._writer.undurable_at
        except Exception as error:
            self._fail(error)
        self.done = self.done or self._writer.closed

    def _drain(self) -> None:
        sink, writer = self.sink, self._writer
        # Asked first: what was pushed before the end is there when the end is seen.
        closed = sink.closed
        if sink.skipped != self._skipped:
            writer.note_gap(sink.skipped - self._skipped)
            self._skipped = sink.skipped
        if sink.behind != self._behind:
            writer.note_behind()
            self._behind = sink.behind
        while sink.packets:
            self._take()
            writer.flush()
        while sink.samples:
            writer.note_clock(sink.samples.popleft())
        if closed:
            self._ended = True
            writer.write(self._depacketiser.finish(), self._depacketiser.lost)
            writer.close()

    def _take(self) -> None:
        packets, depacketiser, write = self.sink.packets, self._depacketiser, self._writer.write
        push = depacketiser.push
        count = min(len(packets), _CHUNK)
        taken = count * PACKET_BESIDE
        for _ in range(count):
            packet, arrived_at = packets.popleft()
            taken += len(packet)
            if frames := push(packet, arrived_at):
                write(frames, depacketiser.lost)
        self.sink.taken_bytes += taken
        self.sink.room.taken += taken

    def _fail(self, error: Exception) -> None:
        info = self.sink.info
        _log.error("recording a track failed", track=info.track, exc_info=error)
        if self._ended:
            self.done = True
            return
        self._ended = True
        self.sink.close()
        frames, packets = self._writer.dropped
        packets += len(self.sink.packets)
        self._let_go()
        self._emit(RecorderTroubled(info.call, info.track, "failed", frames, packets))
        # What was recorded so far is sealed, if it can be.
        with contextlib.suppress(Exception):
            self._writer.close()

    def _let_go(self) -> None:
        """Give back what a closed sink holds, also what was taken when the mistake came."""
        sink = self.sink
        sink.packets.clear()
        held, sink.taken_bytes = sink.pushed_bytes - sink.taken_bytes, sink.pushed_bytes
        sink.room.taken += held


class WritingThread:
    """All lines of a process. :meth:`run` is the thread; the other methods are called from the loop."""

    def __init__(self, spool: Spool, settings: RecorderSettings, clock: Clock) -> None:
        self._spool = spool
        self._settings = settings
        self._clock = clock
        self._wake = threading.Event()
        self._disk = DiskThread(spool.root, self._wake)
        self._opened: deque[Line] = deque()
        self._ended: deque[tuple[CallId, Callable[[], None]]] = deque()
        self._stopped = False

    def open(self, sink: Sink, depacketiser: Depacketiser, emit: Callable[[Fact], None]) -> None:
        """Write a track from now on; ``emit`` is called in the thread."""
        writer = TrackWriter(self._spool, sink.info, self._settings, self._clock, emit, self._disk)
        self._opened.append(Line(sink, depacketiser, writer, emit))
        self._wake.set()

    def end(self, call: CallId, then: Callable[[], None]) -> None:
        """Call ``then``, in the thread, once the tracks of ``call``, whose sinks are closed, are sealed."""
        self._ended.append((call, then))
        self._wake.set()

    def stop(self) -> None:
        """Let the thread go; what is not sealed is left as it is."""
        self._stopped = True
        self._wake.set()

    def run(self) -> None:
        """Write until stopped."""
        step_back()
        lines: list[Line] = []
        ending: list[tuple[CallId, Callable[[], None]]] = []
        while not self._stopped:
            self._wake.wait(_DRAIN_S if lines or ending else None)
            self._wake.clear()
            # Ends first: whoever ends a call has opened its tracks before.
            ending += _all_of(self._ended)
            lines += _all_of(self._opened)
            for line in lines:
                line.turn()
            self._disk.start()
            lines = [line for line in lines if not line.done]
            open_calls = {line.sink.info.call for line in lines}
            for call, then in ending:
                if call not in open_calls:
                    then()
            ending = [end for end in ending if end[0] in open_calls]
        self._disk.stop()


def _all_of(queue: deque[_T]) -> list[_T]:
    return [queue.popleft() for _ in range(len(queue))]
