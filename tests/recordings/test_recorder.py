"""The recorder: what it is handed is on disk, sealed and journaled; nothing it meets stops it."""

import asyncio
import hashlib
import itertools
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import av
import pytest
from blockbuster import blockbuster_ctx
from prometheus_client import REGISTRY

from contract.errors import InternalError, ProtocolError, StorageError
from contract.facts import (
    Entry,
    Fact,
    PartyJoined,
    PartyLeft,
    RecorderTroubled,
    RecordingStarted,
    RecordingStopped,
    SegmentSealed,
)
from contract.ids import CallId, CaseId, new_call_id
from contract.phases import Role
from contract.ports import ClockSample, EncodedFrame, TrackInfo
from recordings import recorder as recorder_module
from recordings.bitstream import nal_units
from recordings.disk import DiskThread
from recordings.journal import FileJournal
from recordings.recorder import Recorder
from recordings.segments import StoredFrame, read_frames, read_track
from recordings.spool import Spool
from recordings.track_writer import RecorderSettings, TrackWriter
from tests.recordings.encoded import BASE, START, MovedClock, frames_of, picture_frames, track_info
from tests.recordings.packets import feed


def stored(spool: Spool, info: TrackInfo) -> list[StoredFrame]:
    """Return every frame of a track as it lies on disk."""
    track = read_track(spool.track_dir(info.case, info.call, info.track))
    return [frame for segment in track.segments for frame in read_frames(track, segment)]


def facts_of(entries: tuple[Entry, ...], kind: type[Fact]) -> list[Fact]:
    return [entry.fact for entry in entries if isinstance(entry.fact, kind)]


def same_bytes(codec: str, was: bytes, now: bytes) -> bool:
    """Tell whether a frame was kept; H.264 by its NAL units, behind parameter sets if it begins a segment."""
    if codec != "H264":
        return was == now
    before, after = list(nal_units(was)), list(nal_units(now))
    return after[len(after) - len(before) :] == before


async def until(is_so: Callable[[], bool], what: str) -> None:
    """Wait for a condition; say what is missing when it does not come."""
    try:
        async with asyncio.timeout(60):
            while not is_so():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    except TimeoutError:
        pytest.fail(f"still waiting for {what}")


async def record(recorder: Recorder, info: TrackInfo, frames: tuple[EncodedFrame, ...]) -> None:
    """Hand the frames of one track to the recorder and finish its call."""
    sink = feed(recorder, info)
    for frame in frames:
        sink.push_frame(frame)
    sink.close()
    await recorder.finish(info.call)


@pytest.mark.parametrize("codec", ["VP8", "H264", "opus"])
async def test_frames_come_back_as_they_went_in(
    codec: str, spool: Spool, journal: FileJournal, clock: MovedClock, case: CaseId, call: CallId
) -> None:
    """Every frame is stored with its bytes, its timestamp to half a millisecond and its keyframe flag."""
    info = track_info(case, call, codec)
    frames = frames_of(codec, 9)
    async with Recorder(spool, journal, clock) as recorder:
        await record(recorder, info, frames)
    kept = stored(spool, info)
    assert len(kept) == len(frames)
    for was, now in zip(frames, kept, strict=True):
        assert abs(was.timestamp - now.timestamp) <= info.clock_rate / 2_000
        assert was.keyframe == now.keyframe
        assert same_bytes(codec, was.data, now.data)


@pytest.mark.parametrize("codec", ["VP8", "H264", "opus"])
async def test_each_file_is_media_that_any_player_can_open(
    codec: str, spool: Spool, journal: FileJournal, clock: MovedClock, case: CaseId, call: CallId
) -> None:
    """FFmpeg opens every segment and decodes it; pictures across segments when they are put together."""
    info = track_info(case, call, codec)
    async with Recorder(spool, journal, clock) as recorder:
        await record(recorder, info, frames_of(codec, 9))
    track = read_track(spool.track_dir(case, call, info.track))
    assert len(track.segments) == 3
    decoded = 0
    decoder = av.CodecContext.create("opus" if codec == "opus" else codec.lower(), "r")
    assert isinstance(decoder, av.AudioCodecContext | av.VideoCodecContext)
    for segment in track.segments:
        with av.open(str(segment.path)) as container:
            assert container.streams[0].codec_context.name.startswith(codec.lower())
            assert sum(1 for packet in container.demux() if packet.size) > 0
        for frame in read_frames(track, segment):
            decoded += len(decoder.decode(av.Packet(frame.data)))
    decoded += len(decoder.decode(None))
    assert decoded == len(frames_of(codec, 9))


async def test_the_journal_tells_of_every_segment(
    spool: Spool, journal: FileJournal, clock: MovedClock, case: CaseId, call: CallId
) -> None:
    """The recorder joins, starts, seals each segment with its true hash, stops and leaves."""
    info = track_info(case, call, "opus")
    async with Recorder(spool, journal, clock) as recorder:
        await record(recorder, info, frames_of("opus", 9))
    entries = await journal.read(case)
    assert [entry.name for entry in entries] == [
        "PartyJoined", "RecordingStarted", "SegmentSealed", "SegmentSealed", "SegmentSealed",
        "RecordingStopped", "PartyLeft",
    ]  # fmt: skip
    joined = entries[0].fact
    assert isinstance(joined, PartyJoined)
    assert (joined.role, joined.name) == (Role.SYSTEM, "recorder")
    for fact in facts_of(entries, SegmentSealed):
        assert isinstance(fact, SegmentSealed)
        content = spool.file(case, fact.file).read_bytes()
        assert (fact.sha256, fact.bytes) == (hashlib.sha256(content).hexdigest(), len(content))
        assert fact.last_at - fact.first_at < 4.0
        assert not fact.recovered
    assert facts_of(entries, RecordingStopped) == [RecordingStopped(call, info.track, 3, 450, 0)]
    assert isinstance(entries[-1].fact, PartyLeft)


async def test_several_tracks_are_recorded_side_by_side(
    spool: Spool, journal: FileJournal, clock: MovedClock, case: CaseId, call: CallId
) -> None:
    """Four tracks of a call, handed over in turns, are each whole; the recorder joins and leaves once."""
    infos = [track_info(case, call, codec) for codec in ("VP8", "H264", "opus", "opus")]
    async with Recorder(spool, journal, clock) as recorder:
        sinks = [feed(recorder, info) for info in infos]
        for turn in itertools.zip_longest(*(frames_of(info.codec) for info in infos)):
            for sink, frame in zip(sinks, turn, strict=True):
                if frame is not None:
                    sink.push_frame(frame)
                    sink.push_clock(ClockSample(frame.arrived_at, frame.timestamp, frame.arrived_at))
        await recorder.finish(call)
    for info in infos:
        assert len(stored(spool, info)) == len(frames_of(info.codec))
    names = [entry.name for entry in await journal.read(case)]
    assert names.count("RecordingStopped") == 4
    assert (names[0], names[-1]) == ("PartyJoined", "PartyLeft")


async def test_finishing_is_idempotent(
    spool: Spool, journal: FileJournal, clock: MovedClock, case: CaseId, call: CallId
) -> None:
    """A call may be finished twice at once, again later, or without ever having been recorded."""
    async with Recorder(spool, journal, clock) as recorder:
        sink = feed(recorder, track_info(case, call, "opus"))
        for frame in frames_of("opus"):
            sink.push_frame(frame)
        await asyncio.gather(recorder.finish(call), recorder.finish(call))
        before = await journal.read(case)
        await recorder.finish(call)
        await recorder.finish(new_call_id())
        sink.push_frame(frames_of("opus")[0])
        sink.push_clock(ClockSample(START, BASE, START))
        sink.close()
    assert await journal.read(case) == before


async def test_a_track_behind_the_end_is_not_recorded(
    spool: Spool, journal: FileJournal, clock: MovedClock, case: CaseId, call: CallId
) -> None:
    """A call that is being finished takes nothing more; what is pushed is let go without a word."""
    late = track_info(case, call, "opus")
    async with Recorder(spool, journal, clock) as recorder, asyncio.TaskGroup() as tasks:
        feed(recorder, track_info(case, call, "opus")).push_frame(frames_of("opus")[0])
        tasks.create_task(recorder.finish(call))
        await asyncio.sleep(0)
        sink = feed(recorder, late)
        sink.push_frame(frames_of("opus")[0])
    assert not spool.track_dir(case, call, late.track).exists()
    assert "RecorderTroubled" not in [entry.name for entry in await journal.read(case)]


async def test_leaving_finishes_every_call(
    spool: Spool, journal: FileJournal, clock: MovedClock, case: CaseId
) -> None:
    """A server that stops in good order leaves no ``.part`` behind."""
    infos = [track_info(case, new_call_id(), "opus") for _ in range(2)]
    async with Recorder(spool, journal, clock) as recorder:
        for info in infos:
            sink = feed(recorder, info)
            for frame in frames_of("opus"):
                sink.push_frame(frame)
    assert [len(stored(spool, info)) for info in infos] == [250, 250]
    assert not list(spool.root.rglob("*.part"))


async def test_only_ids_become_folders(
    spool: Spool, journal: FileJournal, clock: MovedClock, case: CaseId
) -> None:
    """A track of a call that is named by a path is refused where it is opened."""
    async with Recorder(spool, journal, clock) as recorder:
        with pytest.raises(ValueError, match="not an id"):
            feed(recorder, track_info(case, CallId("../outside")))


# --- too much, and too broken --------------------------------------------------------------------


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Hold the writing thread, as a stalled disk would, until the gate is opened."""
    gate = threading.Event()
    write = TrackWriter.write

    def held(self: TrackWriter, frames: Iterable[EncodedFrame], lost: int) -> None:
        assert gate.wait(30)
        write(self, frames, lost)

    monkeypatch.setattr(TrackWriter, "write", held)
    return gate


@pytest.mark.parametrize(
    "settings",
    [
        RecorderSettings(queue_packets=20),
        RecorderSettings(queue_bytes=6_000),
        RecorderSettings(held_bytes=6_000),
    ],
)
async def test_a_full_queue_loses_the_newest_sound(
    settings: RecorderSettings,
    gate: threading.Event,
    spool: Spool,
    journal: FileJournal,
    clock: MovedClock,
    case: CaseId,
    call: CallId,
) -> None:
    """While the disk stalls, what is queued stays and what comes is dropped, counted and told."""
    info = track_info(case, call, "opus")
    frames = frames_of("opus")
    async with Recorder(spool, journal, clock, settings) as recorder:
        sink = feed(recorder, info)
        for frame in frames:
            sink.push_frame(frame)
        gate.set()
        await recorder.finish(call)
    kept = stored(spool, info)
    assert 0 < len(kept) <= 21
    assert [frame.data for frame in kept] == [frame.data for frame in frames[: len(kept)]]
    entries = await journal.read(case)
    assert facts_of(entries, RecorderTroubled) == [RecorderTroubled(call, info.track, "queue_full", 0, 1)]
    assert facts_of(entries, RecordingStopped) == [
        RecordingStopped(call, info.track, 1, len(kept), 0, 250 - len(kept))
    ]


async def test_a_hung_disk_is_told_while_it_hangs(
    gate: threading.Event, spool: Spool, journal: FileJournal, clock: MovedClock, case: CaseId, call: CallId
) -> None:
    """The first lost frame is told though the writing thread is stuck, and again only after five seconds."""
    info = track_info(case, call, "opus")
    async with Recorder(spool, journal, clock, RecorderSettings(queue_packets=20)) as recorder:
        sink = feed(recorder, info)
        async with asyncio.timeout(60), journal.follow(case) as entries:
            for frame in frames_of("opus")[:40]:
                sink.push_frame(frame)
            assert [type((await anext(entries)).fact) for _ in range(2)] == [PartyJoined, RecorderTroubled]
            clock.pass_s(5.0)
            # One of them may still find the place of the frame that the thread is stuck with.
            for frame in frames_of("opus")[40:42]:
                sink.push_frame(frame)
            again = (await anext(entries)).fact
        assert not gate.is_set()
        gate.set()
        await recorder.finish(call)
    assert isinstance(again, RecorderTroubled)
    assert again.what == "queue_full"
    assert sink.sink.skipped - 1 <= again.dropped_packets <= sink.sink.skipped
    stopped = facts_of(await journal.read(case), RecordingStopped)[0]
    assert isinstance(stopped, RecordingStopped)
    assert stopped.frames + stopped.dropped_packets == 42


async def test_recording_is_told_again_once_the_disk_keeps_up(
    gate: threading.Event, spool: Spool, journal: FileJournal, clock: MovedClock, case: CaseId, call: CallId
) -> None:
    """Behind frames that were lost, and five seconds without another loss, the track has started again."""
    info = track_info(case, call, "opus")
    frames = iter(frames_of("opus", 9))
    gate.set()
    async with (
        Recorder(spool, journal, clock, RecorderSettings(queue_packets=20)) as recorder,
        asyncio.timeout(30),
        journal.follow(case) as entries,
    ):
        sink = feed(recorder, info)

        async def told(kind: type[Fact]) -> Fact:
            async for entry in entries:
                if isinstance(entry.fact, kind):
                    return entry.fact
            raise AssertionError("the journal ended")

        async def told_meanwhile(kind: type[Fact]) -> Fact:
            """Let a second pass with each frame, but none in which the disk still has one to keep."""
            waiting = asyncio.create_task(told(kind))
            while not waiting.done():
                sink.push_frame(replace(next(frames), arrived_at=clock.now()))
                await until(lambda: sink.is_empty and sink.sink.undurable_at is None, "the disk")
                clock.pass_s(1.0)
            return await waiting

        started = await told_meanwhile(RecordingStarted)
        gate.clear()
        # More than the queue holds beside what the thread may have taken before it stood still.
        for _ in range(60):
            sink.push_frame(replace(next(frames), arrived_at=clock.now()))
        await told(RecorderTroubled)
        gate.set()
        await until(lambda: sink.is_empty, "the queue to be empty")
        assert await told_meanwhile(RecordingStarted) == started


async def test_what_comes_behind_a_full_queue_is_kept_and_marked(
    gate: threading.Event, spool: Spool, journal: FileJournal, clock: MovedClock, case: CaseId, call: CallId
) -> None:
    """Pictures behind the gap are evidence too; the first of them says that something is missing."""
    info = track_info(case, call)
    frames = picture_frames("VP8", 6, keyframe_every=50)
    async with Recorder(spool, journal, clock, RecorderSettings(queue_packets=20)) as recorder:
        sink = feed(recorder, info)
        for frame in frames[:40]:
            sink.push_frame(frame)
        gate.set()
        await until(lambda: sink.is_empty, "the queue to be empty")
        for frame in frames[40:60]:
            sink.push_frame(frame)
        await recorder.finish(call)
    kept = stored(spool, info)
    before = len(kept) - 20
    assert before in (20, 21)
    assert [frame.data for frame in kept[before:]] == [frame.data for frame in frames[40:60]]
    assert [number for number, frame in enumerate(kept) if frame.after_loss] == [before]
    sealed = facts_of(await journal.read(case), SegmentSealed)
    assert sum(fact.lost for fact in sealed if isinstance(fact, SegmentSealed)) == 40 - before


async def test_what_the_network_lost_is_told(
    spool: Spool, journal: FileJournal, clock: MovedClock, case: CaseId, call: CallId
) -> None:
    """Each segment says how many packets never came while it was written; the place is marked."""
    info = track_info(case, call, "opus")
    frames = frames_of("opus", 9)
    missing = (50, 51, 250, 449)
    async with Recorder(spool, journal, clock) as recorder:
        sink = feed(recorder, info)
        for number, frame in enumerate(frames):
            if number in missing:
                sink.lose(frame)
            else:
                sink.push_frame(frame)
        await recorder.finish(call)
    kept = stored(spool, info)
    whole = [frame for number, frame in enumerate(frames) if number not in missing]
    assert [frame.data for frame in kept] == [frame.data for frame in whole]
    marked = [frame.timestamp for frame in kept if frame.after_loss]
    assert marked == [frames[number].timestamp for number in (52, 251)]
    entries = await journal.read(case)
    assert [fact.lost for fact in facts_of(entries, SegmentSealed) if isinstance(fact, SegmentSealed)] == [
        2, 1, 0
    ]  # fmt: skip


async def test_a_track_that_fails_leaves_the_others_alone(
    spool: Spool,
    journal: FileJournal,
    clock: MovedClock,
    case: CaseId,
    call: CallId,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A mistake of ours in one track is told as trouble; the other track is whole, the call ends well."""
    bad, good = track_info(case, call, "VP8"), track_info(case, call, "opus")
    write = TrackWriter.write

    def failing(self: TrackWriter, frames: Sequence[EncodedFrame], lost: int) -> None:
        if frames and frames[0].data == frames_of("VP8")[3].data:
            raise RuntimeError("a mistake")
        write(self, frames, lost)

    monkeypatch.setattr(TrackWriter, "write", failing)
    async with Recorder(spool, journal, clock) as recorder:
        for info in (bad, good):
            sink = feed(recorder, info)
            for frame in frames_of(info.codec):
                sink.push_frame(frame)
        await recorder.finish(call)
    assert len(stored(spool, good)) == 250
    assert [frame.data for frame in stored(spool, bad)] == [frame.data for frame in frames_of("VP8")[:3]]
    entries = await journal.read(case)
    [trouble] = facts_of(entries, RecorderTroubled)
    assert isinstance(trouble, RecorderTroubled)
    assert (trouble.track, trouble.what) == (bad.track, "failed")
    assert RecordingStopped(call, bad.track, 1, 3, 0) in facts_of(entries, RecordingStopped)


async def test_facts_wait_for_a_journal_that_refuses(
    spool: Spool,
    journal: FileJournal,
    clock: MovedClock,
    case: CaseId,
    call: CallId,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A journal that is away for a while gets every fact in order; finishing waits for that."""
    monkeypatch.setattr(recorder_module, "_JOURNAL_RETRY_S", 0.01)
    append, refusals = FileJournal.append, iter(range(3))

    async def refusing(self: FileJournal, case: CaseId, fact: Fact) -> Entry:
        if next(refusals, None) is not None:
            raise StorageError("journal is away")
        return await append(self, case, fact)

    monkeypatch.setattr(FileJournal, "append", refusing)
    async with Recorder(spool, journal, clock) as recorder:
        await record(recorder, track_info(case, call, "opus"), frames_of("opus"))
    names = [entry.name for entry in await journal.read(case)]
    assert names == [
        "PartyJoined", "RecordingStarted", "SegmentSealed", "SegmentSealed", "RecordingStopped", "PartyLeft"
    ]  # fmt: skip


@pytest.mark.parametrize("unforeseen", [InternalError("ValueError"), ProtocolError("bad"), ValueError("bad")])
async def test_a_fact_that_the_journal_cannot_take_is_counted_and_passed_over(
    unforeseen: Exception,
    spool: Spool,
    journal: FileJournal,
    clock: MovedClock,
    case: CaseId,
    call: CallId,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever the journal answers, the recorder and its calls live; only this fact is missing."""
    append = FileJournal.append

    async def moody(self: FileJournal, case: CaseId, fact: Fact) -> Entry:
        if isinstance(fact, RecordingStarted):
            raise unforeseen
        return await append(self, case, fact)

    monkeypatch.setattr(FileJournal, "append", moody)
    lost = REGISTRY.get_sample_value("teller_recordings_lost_facts_total", {"why": "journal"}) or 0.0
    async with asyncio.timeout(60), Recorder(spool, journal, clock) as recorder:
        await record(recorder, track_info(case, call, "opus"), frames_of("opus"))
    now = REGISTRY.get_sample_value("teller_recordings_lost_facts_total", {"why": "journal"})
    assert now == lost + 1
    names = [entry.name for entry in await journal.read(case)]
    assert names == ["PartyJoined", "SegmentSealed", "SegmentSealed", "RecordingStopped", "PartyLeft"]


async def test_a_recorder_whose_thread_broke_is_left_at_once(
    spool: Spool, journal: FileJournal, clock: MovedClock, case: CaseId, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for what will never be sealed, no track is taken any more, and the mistake comes out."""

    def broken(self: DiskThread) -> None:
        raise RuntimeError("a mistake")

    monkeypatch.setattr(DiskThread, "start", broken)
    with pytest.raises(ExceptionGroup) as raised:
        async with asyncio.timeout(60), Recorder(spool, journal, clock) as recorder:
            info = track_info(case, new_call_id(), "opus")
            feed(recorder, info)
            try:
                await recorder.finish(info.call)
            finally:
                with pytest.raises(RuntimeError, match="gone"):
                    feed(recorder, track_info(case, new_call_id(), "opus"))
    assert raised.group_contains(RuntimeError, match="a mistake")


async def test_leaving_gives_up_on_a_journal_that_goes_on_refusing(
    spool: Spool,
    journal: FileJournal,
    clock: MovedClock,
    case: CaseId,
    call: CallId,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The server can stop; recovery finds on disk what was not journaled."""
    monkeypatch.setattr(recorder_module, "_JOURNAL_RETRY_S", 0.01)

    async def refusing(self: FileJournal, case: CaseId, fact: Fact) -> Entry:
        raise StorageError("journal is away")

    monkeypatch.setattr(FileJournal, "append", refusing)
    info = track_info(case, call, "opus")
    async with Recorder(spool, journal, clock) as recorder:
        sink = feed(recorder, info)
        for frame in frames_of("opus"):
            sink.push_frame(frame)
    assert len(stored(spool, info)) == 250


async def test_leaving_wastes_no_time_on_a_dead_journal(
    spool: Spool,
    journal: FileJournal,
    clock: MovedClock,
    case: CaseId,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However long the pause between two tries is and however many facts wait: leaving takes no pause."""
    monkeypatch.setattr(recorder_module, "_JOURNAL_RETRY_S", 3600.0)
    refused = asyncio.Event()

    async def refusing(self: FileJournal, case: CaseId, fact: Fact) -> Entry:
        refused.set()
        raise StorageError("journal is away")

    monkeypatch.setattr(FileJournal, "append", refusing)
    async with asyncio.timeout(60), Recorder(spool, journal, clock) as recorder:
        for _ in range(3):
            sink = feed(recorder, track_info(case, new_call_id(), "opus"))
            for frame in frames_of("opus"):
                sink.push_frame(frame)
        await refused.wait()


async def test_facts_behind_a_dead_journal_are_bounded(
    gate: threading.Event,
    spool: Spool,
    journal: FileJournal,
    clock: MovedClock,
    case: CaseId,
    call: CallId,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While the journal is away no more than the bound waits; the oldest are kept, the rest counted."""
    monkeypatch.setattr(recorder_module, "_FACTS_MAX", 3)
    monkeypatch.setattr(recorder_module, "_JOURNAL_RETRY_S", 0.01)
    append, away, refused = FileJournal.append, asyncio.Event(), asyncio.Event()
    away.set()

    async def refusing(self: FileJournal, case: CaseId, fact: Fact) -> Entry:
        if away.is_set():
            refused.set()
            raise StorageError("journal is away")
        return await append(self, case, fact)

    monkeypatch.setattr(FileJournal, "append", refusing)
    settings = RecorderSettings(queue_packets=1)
    lost = REGISTRY.get_sample_value("teller_recordings_lost_facts_total", {"why": "queue_full"}) or 0.0
    async with Recorder(spool, journal, clock, settings) as recorder:
        sink = feed(recorder, track_info(case, call, "opus"))
        await refused.wait()
        for frame in frames_of("opus")[:7]:
            sink.push_frame(frame)
            clock.pass_s(settings.trouble_s)
        now = REGISTRY.get_sample_value("teller_recordings_lost_facts_total", {"why": "queue_full"})
        away.clear()
        gate.set()
        await recorder.finish(call)
    assert now is not None
    assert now - lost == 3
    names = [entry.name for entry in await journal.read(case)]
    assert names[:4] == ["PartyJoined", *["RecorderTroubled"] * 3]


async def test_the_event_loop_is_never_blocked(
    spool: Spool, journal: FileJournal, clock: MovedClock, case: CaseId, call: CallId
) -> None:
    """Opening, pushing, finishing and journaling do no blocking call in the event loop."""
    with blockbuster_ctx():
        async with Recorder(spool, journal, clock) as recorder:
            await record(recorder, track_info(case, call), frames_of("VP8"))
