"""The recorder: a party of kind ``system`` that writes every track of a call as it comes.

The event loop only keeps packets; one thread makes frames of them and writes these. What a track keeps,
and what all tracks of a process keep together, is bounded; what is dropped there is counted and journaled
as ``RecorderTroubled``, from the event loop, since the thread may be stuck in a disk that hangs.
"""

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Protocol, Self

import structlog
from prometheus_client import Counter

from contract.errors import StorageError
from contract.facts import Fact, PartyJoined, PartyLeft
from contract.ids import CallId, CaseId, new_seat_id
from contract.phases import Role
from contract.ports import Clock, Depacketiser, TrackInfo
from recordings.sink import Room, Sink
from recordings.spool import Spool
from recordings.track_writer import RecorderSettings
from recordings.writing import WritingThread

_log = structlog.get_logger(__name__)
_LOST_FACTS = Counter("teller_recordings_lost_facts", "Recorder's facts that were never journaled", ["why"])

# A journal that refuses is tried again after this long; a fact is never passed over by a later one.
_JOURNAL_RETRY_S = 1.0
# How often it is looked whether the disk keeps up; what is told then is seconds old anyway.
_LOOK_S = 0.5
# A call tells about one fact a second: behind this many the journal has been away for a quarter of an
# hour. Newer facts are then dropped; recovery makes those of segments again from what lies on disk.
_FACTS_MAX = 1_000

_DEFAULTS = RecorderSettings()


class FactTaker(Protocol):
    """Where facts go: a ``contract.ports.Journal``, or the way to one in another process."""

    async def append(self, case: CaseId, fact: Fact) -> object:
        """Append ``fact``; when this returns it lasts. Raises StorageError."""
        ...


class _CallRecording:
    """One call: its sinks, its facts on their way to the journal, and its end."""

    def __init__(self, case: CaseId, call: CallId, thread: WritingThread) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = thread
        self._sinks: list[Sink] = []
        self._ended = False
        self.case = case
        self.call = call
        self.seat = new_seat_id()
        self.facts: asyncio.Queue[Fact | None] = asyncio.Queue()
        self.sealed = asyncio.Event()
        self.over = asyncio.Event()

    def note(self, fact: Fact) -> None:
        """Put a fact in line for the journal; called in the event loop."""
        if self.facts.qsize() < _FACTS_MAX:
            self.facts.put_nowait(fact)
        else:
            _lose(self.case, fact, "queue_full")

    def open(self, sink: Sink, depacketiser: Depacketiser) -> None:
        """Record a track; one that comes behind the end of the call is not recorded."""
        if self._ended:
            sink.close()
            return
        self._sinks.append(sink)
        self._thread.open(sink, depacketiser, self._note_from_thread)

    def look(self) -> None:
        """Tell of every track whose disk does not keep up."""
        for sink in self._sinks:
            sink.look()

    def end(self) -> None:
        """Take nothing more; ``sealed`` is set when all is on disk. Idempotent."""
        if self._ended:
            return
        self._ended = True
        for sink in self._sinks:
            sink.close()
        self._thread.end(self.call, self._sealed_from_thread)

    def _sealed_from_thread(self) -> None:
        self._loop.call_soon_threadsafe(self.sealed.set)

    def _note_from_thread(self, fact: Fact) -> None:
        self._loop.call_soon_threadsafe(self.note, fact)


class Recorder:
    """Implements ``contract.ports.CallRecorder``; an async context manager.

    On the first track of a call the recorder joins it (``PartyJoined``, role ``system``); after
    :meth:`finish` it has left. Leaving the context finishes every call.
    """

    def __init__(
        self, spool: Spool, journal: FactTaker, clock: Clock, settings: RecorderSettings = _DEFAULTS
    ) -> None:
        self._spool = spool
        self._journal = journal
        self._clock = clock
        self._settings = settings
        self._room = Room(settings.held_bytes)
        self._tasks = asyncio.TaskGroup()
        self._thread = WritingThread(spool, settings, clock)
        self._calls: dict[CallId, _CallRecording] = {}
        self._closing = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None
        self._writes = True

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._tasks.create_task(self._write(), name="recorder")
        self._looking = self._tasks.create_task(self._look(), name="recorder looks")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        try:
            for recording in tuple(self._calls.values()):
                recording.end()
            for recording in tuple(self._calls.values()):
                await recording.over.wait()
        finally:
            self._thread.stop()
            if self._looking is not None:
                self._looking.cancel()
            await self._tasks.__aexit__(None, None, None)

    def open_track(self, track: TrackInfo, depacketiser: Depacketiser) -> Sink:
        """See ``contract.ports.MediaReceiver``. Raises RuntimeError when nothing is written any more."""
        if not self._writes:
            raise RuntimeError("the recorder is gone")
        self._spool.track_dir(track.case, track.call, track.track)
        recording = self._calls.get(track.call) or self._join(track)
        sink = Sink(track, self._settings, self._clock, recording.note, self._room)
        recording.open(sink, depacketiser)
        return sink

    async def finish(self, call: CallId) -> None:
        """See ``contract.ports.CallRecorder``."""
        recording = self._calls.get(call)
        if recording is not None:
            recording.end()
            await recording.over.wait()

    def _join(self, track: TrackInfo) -> _CallRecording:
        recording = _CallRecording(track.case, track.call, self._thread)
        recording.note(PartyJoined(track.call, recording.seat, Role.SYSTEM, "recorder"))
        self._calls[track.call] = recording
        task = self._tasks.create_task(self._record(recording), name=f"record {track.call}")
        # However it ends, also before it has begun: whoever finishes the call waits for this.
        task.add_done_callback(lambda _: self._end(recording))
        return recording

    def _end(self, recording: _CallRecording) -> None:
        del self._calls[recording.call]
        recording.over.set()

    async def _write(self) -> None:
        pool = ThreadPoolExecutor(1, thread_name_prefix="recorder")
        try:
            await asyncio.get_running_loop().run_in_executor(pool, self._thread.run)
        finally:
            self._writes = False
            pool.shutdown(wait=False)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            for recording in self._calls.values():
                recording.look()

    async def _record(self, recording: _CallRecording) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tell(recording))
            await recording.sealed.wait()
            recording.note(PartyLeft(recording.call, recording.seat))
            recording.facts.put_nowait(None)

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
        except Exception as error:
            _log.error("recorder's fact could not be journaled", case=case, pii_error=repr(error))
            _lose(case, fact, "journal")
        return True


def _lose(case: CaseId, fact: Fact, why: str) -> None:
    _LOST_FACTS.labels(why).inc()
    _log.error("recorder's fact is lost", case=case, fact=type(fact).__name__, why=why)
