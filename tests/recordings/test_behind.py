"""A disk that does not keep up is told within the promise: by the age of what came and is not on it."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from contract.facts import Entry, Fact, RecorderTroubled, RecordingStarted
from contract.ids import CallId, CaseId
from recordings import recorder as recorder_module
from recordings.disk import Volume
from recordings.journal import FileJournal
from recordings.recorder import Recorder
from recordings.sink import Room, Sink
from recordings.spool import Spool
from recordings.track_writer import RecorderSettings
from tests.recordings.encoded import START, MovedClock, frames_of, track_info
from tests.recordings.packets import Feed, feed

WAIT_S = 20


class HeldDisk:
    """Stands before the volume's sync: while ``held`` is set no sync returns."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._free, sync = threading.Event(), Volume.sync
        self._free.set()

        def slow(volume: Volume) -> bool:
            return self._free.wait(WAIT_S) and sync(volume)

        monkeypatch.setattr(Volume, "sync", slow)

    def hold(self) -> None:
        self._free.clear()

    def let_go(self) -> None:
        self._free.set()


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> HeldDisk:
    monkeypatch.setattr(recorder_module, "_LOOK_S", 0.02)
    return HeldDisk(monkeypatch)


@pytest.fixture
def sink(clock: MovedClock, case: CaseId, call: CallId) -> tuple[Sink, list[Fact]]:
    told: list[Fact] = []
    settings = RecorderSettings()
    return Sink(track_info(case, call, "opus"), settings, clock, told.append, Room(1 << 20)), told


class Playing:
    """Sound that arrives as the clock passes, a frame at a time."""

    def __init__(self, sink: Feed, clock: MovedClock) -> None:
        self._frames, self._sink, self._clock = iter(frames_of("opus", 40)), sink, clock

    def pass_s(self, seconds: float) -> None:
        for _ in range(round(seconds * 50)):
            self._clock.pass_s(0.02)
            self._sink.push_frame(next(self._frames))

    async def until_told(self, entries: AsyncIterator[Entry], kind: type[Fact]) -> Fact:
        """Return the next fact of this kind; sound goes on meanwhile."""
        reading = asyncio.ensure_future(self._next(entries, kind))
        while not reading.done():
            self.pass_s(0.1)
            await asyncio.wait([reading], timeout=0.05)
        return reading.result()

    async def _next(self, entries: AsyncIterator[Entry], kind: type[Fact]) -> Fact:
        async for entry in entries:
            if isinstance(entry.fact, kind):
                return entry.fact
        raise AssertionError("the journal ended")


async def test_what_is_not_on_disk_after_three_seconds_is_told(
    disk: HeldDisk, spool: Spool, journal: FileJournal, clock: MovedClock, case: CaseId, call: CallId
) -> None:
    """Told between three and five seconds after the disk stopped, while it stands; over when it goes on."""
    info = track_info(case, call, "opus")
    async with (
        Recorder(spool, journal, clock) as recorder,
        asyncio.timeout(60),
        journal.follow(case) as entries,
    ):
        playing = Playing(feed(recorder, info), clock)
        started = await playing.until_told(entries, RecordingStarted)
        stopped_at = clock.now()
        disk.hold()
        troubled = await playing.until_told(entries, RecorderTroubled)
        told_at = clock.now()
        disk.let_go()
        again = await playing.until_told(entries, RecordingStarted)
        await recorder.finish(call)
    assert troubled == RecorderTroubled(call, info.track, "behind", 0, 0)
    # What came up to a second before the disk stopped was not on it yet.
    assert 1.9 <= told_at - stopped_at < RecorderSettings().late_s
    assert again == started
    assert clock.now() - told_at >= RecorderSettings().trouble_s


def test_what_waits_for_the_thread_is_behind_too(
    sink: tuple[Sink, list[Fact]], clock: MovedClock, call: CallId
) -> None:
    """A thread that gets no processor takes no packet; told at once, and again only after five seconds."""
    one, told = sink
    one.push_packet(bytes(100), START)
    clock.pass_s(3.0)
    one.look()
    assert told == []
    clock.pass_s(0.1)
    one.look()
    one.look()
    assert told == [RecorderTroubled(call, one.info.track, "behind", 0, 0)]
    assert one.behind == 2
    clock.pass_s(5.0)
    one.look()
    assert len(told) == 2


def test_nothing_is_behind_when_all_is_on_disk(sink: tuple[Sink, list[Fact]], clock: MovedClock) -> None:
    """However long ago the last frame came; and of a track that is over nothing is told any more."""
    one, told = sink
    clock.pass_s(60.0)
    one.look()
    one.undurable_at = START
    one.close()
    one.look()
    assert told == []
    assert one.behind == 0
