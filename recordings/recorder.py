"""The recorder: a party of kind ``system`` that writes every track of a call as it comes.

The event loop only puts frames into a queue; one thread per call writes them. A track's share of the
queue is bounded in bytes and frames. When it is full, sound loses its newest packet and a picture loses
everything up to the next keyframe; both are counted and journaled as ``RecorderTroubled``, from the
event loop, since the thread may be stuck in a disk that hangs.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Self

import structlog
from prometheus_client import Counter

from contract.errors import StorageError
from contract.facts import Fact, PartyJoined, PartyLeft, RecorderTroubled
from contract.ids import CallId, CaseId, new_seat_id
from contract.phases import Role, TrackKind
from contract.ports import Clock, ClockSample, EncodedFrame, Journal, TrackInfo
from recordings.spool import Spool
from recordings.track_writer import RecorderSettings, TrackWriter

_log = structlog.get_logger(__name__)
_LOST_FACTS = Counter("teller_recordings_lost_facts", "Recorder's facts that were never journaled", ["why"])

# More calls than one machine can forward; a call behind this bound would not be recorded.
_CALLS_MAX = 256
# How often a thread without frames looks whether something must be synced or sealed.
_TICK_S = 0.2
# A journal that refuses is tried again after this long; a fact is never passed over by a later one.
_JOURNAL_RETRY_S = 1.0
# A call tells about one fact a second: behind this many the journal has been away for a quarter of an
# hour. Newer facts are then dropped; recovery makes those of segments again from what lies on disk.
_FACTS_MAX = 1_000

_DEFAULTS = RecorderSettings()


@dataclass(frozen=True, slots=True)
class _Opened:
    sink: "_Sink"


@dataclass(frozen=True, slots=True)
class _Closed:
    sink: "_Sink"


@dataclass(frozen=True, slots=True)
class _Over:
    """No track of this call is written any more."""


_Item = tuple["_Sink", EncodedFrame | ClockSample] | _Opened | _Closed | _Over


class _Sink:
    """One track's end of the queue. ``pushed_*`` belong to the loop, ``taken_*`` to the thread."""

    def __init__(
        self,
        info: TrackInfo,
        settings: RecorderSettings,
        queue: SimpleQueue[_Item],
        clock: Clock,
        note: Callable[[Fact], None],
    ) -> None:
        self.info = info
        self._settings = settings
        self._queue = queue
        self._clock = clock
        self._note = note
        self._closed = False
        self._troubled_at = float("-inf")
        self._skipping_since: float | None = None
        self.pushed_bytes = self.pushed_frames = self.skipped = 0
        self.taken_bytes = self.taken_frames = 0

    def push_frame(self, frame: EncodedFrame) -> None:
        """See ``contract.ports.TrackSink``."""
        if self._closed:
            return
        if self._is_full(len(frame.data)) or self._skips(frame):
            self.skipped += 1
            if self._skipping_since is None:
                self._skipping_since = frame.arrived_at
            self._tell_trouble()
            return
        self._skipping_since = None
        self.pushed_bytes += len(frame.data)
        self.pushed_frames += 1
        self._queue.put((self, frame))

    def push_clock(self, sample: ClockSample) -> None:
        """See ``contract.ports.TrackSink``."""
        if not self._closed and not self._is_full(0):
            self._queue.put((self, sample))

    def close(self) -> None:
        """See ``contract.ports.TrackSink``."""
        if not self._closed:
            self._closed = True
            self._queue.put(_Closed(self))

    def _tell_trouble(self) -> None:
        now = self._clock.monotonic()
        if now - self._troubled_at >= self._settings.trouble_s:
            self._troubled_at = now
            self._note(RecorderTroubled(self.info.call, self.info.track, "queue_full", self.skipped))

    def _skips(self, frame: EncodedFrame) -> bool:
        if self._skipping_since is None or frame.keyframe or self.info.kind is TrackKind.AUDIO:
            return False
        return frame.arrived_at - self._skipping_since < self._settings.keyframe_patience_s

    def _is_full(self, more: int) -> bool:
        return (
            self.pushed_bytes - self.taken_bytes + more > self._settings.queue_bytes
            or self.pushed_frames - self.taken_frames >= self._settings.queue_frames
        )


class _CallThread:
    """The blocking half of one call: takes items from the queue until it is told that all is over."""

    def __init__(
        self, spool: Spool, settings: RecorderSettings, clock: Clock, emit: Callable[[Fact], None]
    ) -> None:
        self.queue: SimpleQueue[_Item] = SimpleQueue()
        self._spool = spool
        self._settings = settings
        self._clock = clock
        self._emit = emit
        self._writers: dict[_Sink, TrackWriter] = {}
        self._skipped: dict[_Sink, int] = {}

    def run(self) -> None:
        """Write until the call is over; a failing track never takes the others with it."""
        over = False
        ticked_at = time.monotonic()
        while not over:
            try:
                item = self.queue.get(timeout=_TICK_S)
                over = isinstance(item, _Over)
                self._take(item)
            except Empty:
                pass
            if time.monotonic() - ticked_at >= _TICK_S:
                ticked_at = time.monotonic()
                for sink in tuple(self._writers):
                    self._guarded(sink, self._tick)
        for sink in tuple(self._writers):
            self._guarded(sink, self._end)

    def _take(self, item: _Item) -> None:
        match item:
            case _Opened(sink):
                self._writers[sink] = TrackWriter(
                    self._spool, sink.info, self._settings, self._clock, self._emit
                )
            case _Closed(sink):
                self._guarded(sink, self._end)
            case (sink, EncodedFrame() as frame):
                sink.taken_bytes += len(frame.data)
                sink.taken_frames += 1
                self._guarded(sink, lambda writer, _: writer.write(frame))
            case (sink, ClockSample() as sample):
                self._guarded(sink, lambda writer, _: writer.note_clock(sample))
            case _Over():
                pass

    def _tick(self, writer: TrackWriter, sink: _Sink) -> None:
        skipped = sink.skipped - self._skipped.get(sink, 0)
        if skipped:
            self._skipped[sink] = sink.skipped
            writer.note_gap(skipped, "queue_full")
        writer.tick()

    def _end(self, writer: TrackWriter, sink: _Sink) -> None:
        self._tick(writer, sink)
        del self._writers[sink]
        writer.close()

    def _guarded(self, sink: _Sink, work: Callable[[TrackWriter, _Sink], None]) -> None:
        writer = self._writers.get(sink)
        if writer is None:
            return
        try:
            work(writer, sink)
        except Exception as error:
            _log.exception("recording a track failed", track=sink.info.track, pii_error=str(error))
            self._writers.pop(sink, None)
            dropped = sink.skipped + sink.pushed_frames - writer.frames
            self._emit(RecorderTroubled(sink.info.call, sink.info.track, "failed", dropped))
            # What was recorded so far is sealed, if it can be.
            with contextlib.suppress(Exception):
                writer.close()


class _CallRecording:
    """One call: its thread, its facts on their way to the journal, and its end."""

    def __init__(
        self, case: CaseId, call: CallId, spool: Spool, settings: RecorderSettings, clock: Clock
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.case = case
        self.call = call
        self.seat = new_seat_id()
        self.facts: asyncio.Queue[Fact | None] = asyncio.Queue()
        self.over = asyncio.Event()
        self.sinks: list[_Sink] = []
        self.thread = _CallThread(spool, settings, clock, self._note_from_thread)

    def note(self, fact: Fact) -> None:
        """Put a fact in line for the journal; called in the event loop."""
        if self.facts.qsize() < _FACTS_MAX:
            self.facts.put_nowait(fact)
        else:
            _lose(self.case, fact, "queue_full")

    def _note_from_thread(self, fact: Fact) -> None:
        self._loop.call_soon_threadsafe(self.note, fact)

    def end(self) -> None:
        for sink in self.sinks:
            sink.close()
        self.thread.queue.put(_Over())


class Recorder:
    """Implements ``contract.ports.CallRecorder``; an async context manager.

    On the first track of a call the recorder joins it (``PartyJoined``, role ``system``); after
    :meth:`finish` it has left. Leaving the context finishes every call.
    """

    def __init__(
        self, spool: Spool, journal: Journal, clock: Clock, settings: RecorderSettings = _DEFAULTS
    ) -> None:
        self._spool = spool
        self._journal = journal
        self._clock = clock
        self._settings = settings
        self._tasks = asyncio.TaskGroup()
        self._pool = ThreadPoolExecutor(_CALLS_MAX, thread_name_prefix="recorder")
        self._calls: dict[CallId, _CallRecording] = {}
        self._closing = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        for recording in tuple(self._calls.values()):
            recording.end()
        await self._tasks.__aexit__(None, None, None)
        self._pool.shutdown(wait=False)

    def open_track(self, track: TrackInfo) -> _Sink:
        """See ``contract.ports.MediaReceiver``."""
        self._spool.track_dir(track.case, track.call, track.track)
        recording = self._calls.get(track.call) or self._join(track)
        queue = recording.thread.queue
        sink = _Sink(track, self._settings, queue, self._clock, recording.note)
        recording.sinks.append(sink)
        queue.put(_Opened(sink))
        return sink

    async def finish(self, call: CallId) -> None:
        """See ``contract.ports.CallRecorder``."""
        recording = self._calls.get(call)
        if recording is not None:
            recording.end()
            await recording.over.wait()

    def _join(self, track: TrackInfo) -> _CallRecording:
        recording = _CallRecording(track.case, track.call, self._spool, self._settings, self._clock)
        recording.note(PartyJoined(track.call, recording.seat, Role.SYSTEM, "recorder"))
        self._calls[track.call] = recording
        self._tasks.create_task(self._record(recording), name=f"record {track.call}")
        return recording

    async def _record(self, recording: _CallRecording) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tell(recording))
            await asyncio.get_running_loop().run_in_executor(self._pool, recording.thread.run)
            recording.note(PartyLeft(recording.call, recording.seat))
            recording.facts.put_nowait(None)
        del self._calls[recording.call]
        recording.over.set()

    async def _tell(self, recording: _CallRecording) -> None:
        """Journal the facts in order; a journal that refuses is tried until it takes them, or all closes."""
        while (fact := await recording.facts.get()) is not None:
            while not await self._told(recording.case, fact):
                if self._closing.is_set():
                    _lose(recording.case, fact, "journal")
                    break

    async def _told(self, case: CaseId, fact: Fact) -> bool:
        try:
            await self._journal.append(case, fact)
        except StorageError as error:
            _log.error("recorder's fact not journaled yet", case=case, pii_error=str(error))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), _JOURNAL_RETRY_S)
            return False
        return True


def _lose(case: CaseId, fact: Fact, why: str) -> None:
    _LOST_FACTS.labels(why).inc()
    _log.error("recorder's fact is lost", case=case, fact=type(fact).__name__, why=why)
