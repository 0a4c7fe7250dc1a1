"""The recorder: what it is handed is on disk, sealed and journaled; nothing it meets stops it."""

import hashlib

import av
import pytest
from blockbuster import blockbuster_ctx

from contract.facts import (
    Entry,
    Fact,
    PartyJoined,
    PartyLeft,
    RecordingStopped,
    SegmentSealed,
)
from contract.ids import CallId, CaseId
from contract.phases import Role
from contract.ports import CallRecorder, EncodedFrame, TrackInfo
from recordings.bitstream import nal_units
from recordings.journal import FileJournal
from recordings.recorder import Recorder
from recordings.segments import StoredFrame, read_frames, read_track
from recordings.spool import Spool
from tests.recordings.encoded import MovedClock, frames_of, track_info


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


async def record(recorder: CallRecorder, info: TrackInfo, frames: tuple[EncodedFrame, ...]) -> None:
    """Hand the frames of one track to the recorder and finish its call."""
    sink = recorder.open_track(info)
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


async def test_the_event_loop_is_never_blocked(
    spool: Spool, journal: FileJournal, clock: MovedClock, case: CaseId, call: CallId
) -> None:
    """Opening, pushing, finishing and journaling do no blocking call in the event loop."""
    with blockbuster_ctx():
        async with Recorder(spool, journal, clock) as recorder:
            await record(recorder, track_info(case, call), frames_of("VP8"))
