"""What waits for the writing thread is bounded, for each track and for all, and is given back."""

from collections.abc import Sequence

import pytest

from contract.facts import Fact, RecorderTroubled
from contract.ids import CallId, CaseId
from contract.ports import EncodedFrame
from recordings.journal import FileJournal
from recordings.recorder import Recorder
from recordings.sink import PACKET_BESIDE, Room, Sink
from recordings.spool import Spool
from recordings.track_writer import RecorderSettings, TrackWriter
from tests.recordings.encoded import START, MovedClock, frames_of, track_info
from tests.recordings.packets import feed


def test_all_tracks_share_what_may_be_held(clock: MovedClock, case: CaseId, call: CallId) -> None:
    """One track may hold all of it; the other then has no room, and says so, until some is taken."""
    room, told = Room(10 * (100 + PACKET_BESIDE)), list[Fact]()
    first, second = (
        Sink(track_info(case, call, "opus"), RecorderSettings(), clock, told.append, room) for _ in range(2)
    )
    for _ in range(10):
        first.push_packet(bytes(100), START)
    second.push_packet(bytes(100), START)
    assert (len(first.packets), len(second.packets)) == (10, 0)
    assert told == [RecorderTroubled(call, second.info.track, "queue_full", 0, 1)]
    room.taken += 100 + PACKET_BESIDE
    second.push_packet(bytes(100), START)
    assert len(second.packets) == 1
    assert (first.skipped, second.skipped) == (0, 1)


async def test_what_is_written_gives_its_room_back(
    spool: Spool, journal: FileJournal, clock: MovedClock, case: CaseId, call: CallId
) -> None:
    """Of the process and of the track, to the byte."""
    async with Recorder(spool, journal, clock) as recorder:
        sink = feed(recorder, track_info(case, call, "opus"))
        for frame in frames_of("opus"):
            sink.push_frame(frame)
        await recorder.finish(call)
    assert sink.sink.pushed_bytes == sink.sink.taken_bytes == sink.sink.room.pushed > 0
    assert sink.sink.room.pushed == sink.sink.room.taken


async def test_a_track_that_fails_gives_its_room_back(
    spool: Spool,
    journal: FileJournal,
    clock: MovedClock,
    case: CaseId,
    call: CallId,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also what it was writing when it failed."""

    def failing(self: TrackWriter, frames: Sequence[EncodedFrame], lost: int) -> None:
        raise RuntimeError("a mistake")

    monkeypatch.setattr(TrackWriter, "write", failing)
    async with Recorder(spool, journal, clock) as recorder:
        sink = feed(recorder, track_info(case, call, "opus"))
        for frame in frames_of("opus"):
            sink.push_frame(frame)
        await recorder.finish(call)
    assert sink.sink.room.pushed == sink.sink.room.taken > 0
