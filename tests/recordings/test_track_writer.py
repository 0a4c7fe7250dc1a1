"""One track's writer, without its thread: when segments end, what is dropped, what a full disk does."""

import dataclasses
import errno
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.facts import (
    Fact,
    RecorderTroubled,
    RecordingStarted,
    RecordingStopped,
    SegmentSealed,
)
from contract.ids import CallId, CaseId
from contract.ports import ClockSample, EncodedFrame, TrackInfo
from recordings import matroska, segment_writer, track_files
from recordings import spool as spool_module
from recordings.disk import Settling, Volume, settle
from recordings.segments import RecordedTrack, StoredFrame, read_frames, read_track
from recordings.spool import Spool
from recordings.track_files import is_being_written
from recordings.track_writer import RecorderSettings, TrackWriter
from tests.recordings.encoded import (
    BASE,
    START,
    MovedClock,
    picture_frames,
    sound_frames,
    track_info,
)


class InlineDisk:
    """Does at once what another thread would do, or keeps it until it is let go."""

    def __init__(self, root: Path) -> None:
        self.held = False
        self._volume = Volume(root)
        self._kept: list[Settling] = []

    def ask(self, item: Settling) -> None:
        self._kept.append(item)
        if not self.held:
            self.let_go()

    def let_go(self) -> None:
        """Do what was kept."""
        self.held = False
        kept, self._kept = self._kept, []
        settle(kept, self._volume)
        self._volume.close()


class Rig:
    """A writer with its clock and the facts it told; ``lost`` is what its depacketiser missed so far."""

    def __init__(self, spool: Spool, info: TrackInfo, clock: MovedClock) -> None:
        self.spool = spool
        self.info = info
        self.clock = clock
        self.facts: list[Fact] = []
        self.lost = 0
        self.disk = InlineDisk(spool.root)
        self.writer = TrackWriter(spool, info, RecorderSettings(), clock, self.facts.append, self.disk)

    def write(self, *frames: EncodedFrame) -> None:
        """Write frames at the pace of their arrival, with the recorder's ticks in between."""
        for frame in frames:
            self.clock.pass_s(max(0.0, frame.arrived_at - self.clock.wall))
            self.writer.write((frame,), self.lost)
            self.writer.flush()
            self.writer.tick()

    def told(self, kind: type[Fact]) -> list[Fact]:
        return [fact for fact in self.facts if isinstance(fact, kind)]

    @property
    def folder(self) -> Path:
        return self.spool.track_dir(self.info.case, self.info.call, self.info.track)

    @property
    def track(self) -> RecordedTrack:
        return read_track(self.folder)

    def frames(self) -> list[StoredFrame]:
        track = self.track
        return [frame for segment in track.segments for frame in read_frames(track, segment)]


@pytest.fixture
def camera(spool: Spool, clock: MovedClock, case: CaseId, call: CallId) -> Rig:
    return Rig(spool, track_info(case, call), clock)


@pytest.fixture
def h264(spool: Spool, clock: MovedClock, case: CaseId, call: CallId) -> Rig:
    return Rig(spool, track_info(case, call, "H264"), clock)


@pytest.fixture
def microphone(spool: Spool, clock: MovedClock, case: CaseId, call: CallId) -> Rig:
    return Rig(spool, track_info(case, call, "opus"), clock)


def later(frame: EncodedFrame, seconds: float, clock_rate: int = 90_000) -> EncodedFrame:
    return dataclasses.replace(
        frame,
        timestamp=frame.timestamp + round(seconds * clock_rate),
        arrived_at=frame.arrived_at + seconds,
    )


# --- where segments end --------------------------------------------------------------------------


def test_a_segment_never_spans_four_seconds(camera: Rig) -> None:
    """Without a keyframe it is cut anyway; every segment is shorter than the bound."""
    camera.write(*picture_frames("VP8", 9))
    camera.writer.close()
    for fact in camera.told(SegmentSealed):
        assert isinstance(fact, SegmentSealed)
        assert fact.last_at - fact.first_at < 4.0
    assert len(camera.told(SegmentSealed)) == 3
    assert len(camera.frames()) == 225


def test_a_keyframe_in_the_second_half_begins_a_segment(camera: Rig) -> None:
    """Keyframes every second: the one at two seconds is taken, so each segment can be shown alone."""
    camera.write(*picture_frames("VP8", 6, keyframe_every=25))
    camera.writer.close()
    track = camera.track
    assert len(track.segments) == 3
    assert all(next(read_frames(track, segment)).keyframe for segment in track.segments)


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_a_new_picture_size_begins_a_segment(
    codec: str, spool: Spool, clock: MovedClock, case: CaseId, call: CallId
) -> None:
    """A phone that is turned sends a keyframe of another size; no file holds two sizes."""
    rig = Rig(spool, track_info(case, call, codec), clock)
    rig.write(*picture_frames(codec, 1))
    rig.write(*(later(frame, 1.0) for frame in picture_frames(codec, 1, (120, 160))))
    rig.writer.close()
    assert [fact.frames for fact in rig.facts if isinstance(fact, SegmentSealed)] == [25, 25]


@pytest.mark.parametrize("jump_s", [1.9, 4.0, 5.0, 3_600.0])
def test_timestamps_do_not_decide_how_many_files_there_are(microphone: Rig, jump_s: float) -> None:
    """A sender that jumps at each packet gets a segment a second, and every frame is kept."""
    frames = sound_frames(5)
    microphone.write(
        *(
            dataclasses.replace(frame, timestamp=BASE + round(number * jump_s * 48_000))
            for number, frame in enumerate(frames)
        )
    )
    microphone.writer.close()
    assert len(microphone.told(SegmentSealed)) <= 5
    assert len(microphone.frames()) == 250


def test_picture_sizes_do_not_decide_how_many_files_there_are(camera: Rig) -> None:
    """Keyframes of two sizes in turn are kept, and begin a segment a second at most."""
    sizes = picture_frames("VP8", 3)[:1] + picture_frames("VP8", 1, (120, 160))[:1]
    camera.write(
        *(
            dataclasses.replace(
                sizes[number % 2], timestamp=BASE + number * 3_600, arrived_at=START + number / 25
            )
            for number in range(75)
        )
    )
    camera.writer.close()
    assert len(camera.told(SegmentSealed)) == 3
    assert len(camera.frames()) == 75


def test_a_segment_grows_while_too_many_wait_for_the_disk(microphone: Rig) -> None:
    """A hung disk costs sixteen descriptors a track, no frame, and is caught up with."""
    frames = sound_frames(100)
    microphone.disk.held = True
    microphone.write(*frames[:4_500])
    assert len(list(microphone.folder.glob("*.part"))) == 17
    microphone.disk.let_go()
    microphone.write(*frames[4_500:])
    microphone.writer.close()
    assert [frame.data for frame in microphone.frames()] == [frame.data for frame in frames]


def test_a_kill_while_the_disk_is_busy_leaves_no_hole(microphone: Rig) -> None:
    """What one turn wrote on both sides of a segment's end is in the kernel's hands on both sides."""
    frames = sound_frames(5)
    microphone.disk.held = True
    microphone.writer.write(frames, 0)
    microphone.writer.flush()
    parts = sorted(microphone.folder.glob("*.part"))
    found = [block.data for part in parts for block in matroska.blocks(part.read_bytes())]
    assert len(parts) == 2
    assert [bytes(data) for data in found] == [frame.data for frame in frames]


def test_a_track_that_falls_silent_is_sealed_all_the_same(microphone: Rig) -> None:
    """Time passes without a frame: the open segment is sealed when it is four seconds old."""
    microphone.write(*sound_frames(1))
    microphone.clock.pass_s(2.9)
    microphone.writer.tick()
    assert not microphone.told(SegmentSealed)
    microphone.clock.pass_s(0.2)
    microphone.writer.tick()
    assert len(microphone.told(SegmentSealed)) == 1
    assert list(microphone.folder.glob("*.part")) == []


@pytest.mark.parametrize("pause", [60, 120])
def test_silence_in_between_stays_in_the_timestamps(microphone: Rig, pause: int) -> None:
    """A pause of minutes is a gap between two segments, not a shorter recording."""
    microphone.write(*sound_frames(1))
    microphone.write(*(later(frame, pause, 48_000) for frame in sound_frames(1)))
    microphone.writer.close()
    frames = microphone.frames()
    assert frames[50].timestamp - frames[0].timestamp == pause * 48_000


# --- what is told --------------------------------------------------------------------------------


def test_recording_has_started_once_a_frame_is_on_disk(microphone: Rig) -> None:
    """The fact comes with the first synced frame, well before the first segment is sealed, and once."""
    microphone.disk.held = True
    microphone.write(*sound_frames(1)[:5])
    assert not microphone.told(RecordingStarted)
    microphone.disk.let_go()
    microphone.write(*sound_frames(1)[5:])
    assert len(microphone.told(RecordingStarted)) == 1
    assert not microphone.told(SegmentSealed)
    [part] = microphone.folder.glob("*.part")
    assert part.stat().st_size > 1_000


def test_a_track_of_one_frame_is_a_recording(microphone: Rig) -> None:
    """It is started, sealed and stopped, in this order."""
    microphone.write(sound_frames(1)[0])
    microphone.writer.close()
    assert [type(fact) for fact in microphone.facts] == [RecordingStarted, SegmentSealed, RecordingStopped]


def test_a_track_without_a_frame_leaves_no_file(microphone: Rig) -> None:
    """It is told that nothing came."""
    microphone.writer.note_clock(ClockSample(START, BASE, START))
    microphone.writer.tick()
    microphone.writer.close()
    info = microphone.info
    assert microphone.facts == [RecordingStopped(info.call, info.track, 0, 0, 0)]
    assert not microphone.folder.exists()


def test_the_clock_file_maps_rtp_to_wall_time(microphone: Rig) -> None:
    """Each segment's first frame and each sender report has its line; a torn last line is left out."""
    frames = sound_frames(5)
    microphone.write(*frames[:10])
    microphone.writer.note_clock(ClockSample(START + 0.5, BASE + 24_000, START + 0.52))
    microphone.write(*frames[10:])
    microphone.writer.close()
    path = microphone.folder / "clock.jsonl"
    assert len([json.loads(line) for line in path.read_text().splitlines()]) == 3
    with path.open("a") as file:
        file.write('{"ntp_at":1')
    track = microphone.track
    assert track.clock == (ClockSample(START + 0.5, BASE + 24_000, START + 0.52),)
    assert [(arrival.timestamp, arrival.arrived_at) for arrival in track.arrivals] == [
        (BASE, START), (BASE + 4 * 48_000, START + 4.0)
    ]  # fmt: skip


# --- what comes in strange -----------------------------------------------------------------------


def test_pictures_before_the_first_keyframe_are_counted_and_left_out(camera: Rig) -> None:
    """Nothing could ever show them."""
    camera.write(*picture_frames("VP8", 2, keyframe_every=25)[1:])
    camera.writer.close()
    assert len(camera.frames()) == 25
    stopped = camera.facts[-1]
    assert isinstance(stopped, RecordingStopped)
    assert stopped.dropped_frames == 24


def test_empty_and_late_frames_are_counted_and_left_out(microphone: Rig) -> None:
    """A frame without bytes, and one that comes after its successors, change nothing."""
    frames = sound_frames(1)
    microphone.write(*frames[:20], dataclasses.replace(frames[20], data=b""), *frames[21:], frames[5])
    microphone.writer.close()
    assert len(microphone.frames()) == 49
    stopped = microphone.facts[-1]
    assert isinstance(stopped, RecordingStopped)
    assert stopped.dropped_frames == 2


@pytest.mark.parametrize("jump", [-5.0, -40_000.0, 3_600.0])
def test_a_sender_that_restarts_its_clock_goes_on_behind_itself(microphone: Rig, jump: float) -> None:
    """A jump far back, or far ahead of the time that passed, is taken out; sender reports follow it."""
    frames = sound_frames(2)
    microphone.write(*frames[:50])
    moved = [
        dataclasses.replace(frame, timestamp=frame.timestamp + round(jump * 48_000)) for frame in frames[50:]
    ]
    microphone.write(*moved)
    microphone.writer.note_clock(ClockSample(START + 2, moved[-1].timestamp, START + 2))
    microphone.writer.close()
    kept = [frame.timestamp for frame in microphone.frames()]
    assert kept == pytest.approx([frame.timestamp for frame in frames], abs=48)
    assert microphone.track.clock[0].timestamp == pytest.approx(frames[-1].timestamp, abs=48)


def test_bytes_that_are_no_video_do_not_stop_the_track(h264: Rig) -> None:
    """A keyframe without parameter sets cannot begin; damaged ones in between are written as they came."""
    frames = picture_frames("H264", 2)
    noise = dataclasses.replace(frames[0], data=b"\0\0\1\x65noise")
    h264.write(noise, *(later(frame, 0.1) for frame in frames[:20]))
    h264.write(later(dataclasses.replace(frames[20], data=b"no start code at all"), 0.1))
    h264.write(*(later(frame, 0.1) for frame in frames[21:]))
    h264.writer.close()
    assert len(h264.frames()) >= 49


# --- a disk that refuses -------------------------------------------------------------------------


class FullDisk:
    """Lets some bytes through, then is full until room is made."""

    def __init__(self, room: int) -> None:
        self.room = room

    def write_all(self, descriptor: int, data: bytes | memoryview) -> None:
        fits = bytes(data)[: self.room]
        self.room -= len(fits)
        spool_module.write_all(descriptor, fits)
        if len(fits) < len(data):
            raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[FullDisk]:
    disk = FullDisk(1 << 40)
    monkeypatch.setattr(segment_writer, "write_all", disk.write_all)
    monkeypatch.setattr(track_files, "write_all", disk.write_all)
    yield disk


def test_what_fitted_is_sealed_and_recording_goes_on_when_there_is_room(
    microphone: Rig, disk: FullDisk
) -> None:
    """The full disk is told once, what is whole is kept, and after the next try a new segment begins."""
    frames = sound_frames(5)
    microphone.write(*frames[:50])
    disk.room = 2_000
    microphone.write(*frames[50:150])
    disk.room = 1 << 40
    microphone.write(*frames[150:])
    microphone.writer.close()
    kept = microphone.frames()
    stopped = microphone.facts[-1]
    assert isinstance(stopped, RecordingStopped)
    assert stopped.frames == len(kept)
    assert stopped.frames + stopped.dropped_frames == 250
    assert len(kept) > 100
    sealed = [fact for fact in microphone.facts if isinstance(fact, SegmentSealed)]
    assert [microphone.spool.file(microphone.info.case, fact.file).stat().st_size for fact in sealed] == [
        fact.bytes for fact in sealed
    ]
    troubles = [fact for fact in microphone.facts if isinstance(fact, RecorderTroubled)]
    assert [fact.what for fact in troubles] == ["disk_full"]
    assert list(microphone.folder.glob("*.part")) == []


def test_a_track_that_recovers_is_told_to_be_recorded_again(microphone: Rig, disk: FullDisk) -> None:
    """Once no frame was refused for five seconds, the track has started again; not before, and once."""
    frames = sound_frames(16)
    microphone.write(*frames[:50])
    disk.room = 0
    microphone.write(*frames[50:100])
    disk.room = 1 << 40
    microphone.write(*frames[100:300])
    assert len(microphone.told(RecordingStarted)) == 1
    microphone.write(*frames[300:])
    told = [type(fact) for fact in microphone.facts if not isinstance(fact, SegmentSealed)]
    assert told == [RecordingStarted, RecorderTroubled, RecordingStarted]


def test_a_track_that_fails_right_behind_its_start_is_told(microphone: Rig, disk: FullDisk) -> None:
    """However short ago trouble was told: whoever was told of a start is told that it is over."""
    frames = sound_frames(3)
    disk.room = 0
    microphone.write(*frames[:5])
    disk.room = 1 << 40
    microphone.write(*frames[5:80])
    disk.room = 0
    microphone.write(*frames[80:100])
    told = [type(fact) for fact in microphone.facts if not isinstance(fact, SegmentSealed)]
    assert told == [RecorderTroubled, RecordingStarted, RecorderTroubled]


def test_a_picture_behind_a_full_disk_is_kept_and_marked(camera: Rig, disk: FullDisk) -> None:
    """What comes is evidence; that it follows something missing stands beside it."""
    frames = picture_frames("VP8", 6, keyframe_every=50)
    camera.write(*frames[:10])
    disk.room = 0
    camera.write(*frames[10:20])
    disk.room = 1 << 40
    camera.write(*frames[20:])
    camera.writer.close()
    kept = camera.frames()
    marked = [number for number, frame in enumerate(kept) if frame.after_loss]
    assert marked == [10]
    assert not kept[10].keyframe
    assert kept[-1].timestamp == frames[-1].timestamp
    assert len(camera.track.segments) >= 2


def test_a_loss_is_marked_once_and_a_further_one_again(camera: Rig) -> None:
    """Every picture up to the next keyframe comes marked; only where packets were lost it is written."""
    frames = picture_frames("VP8", 4, keyframe_every=50)
    camera.write(*frames[:20])
    for lost, since, until in ((3, 20, 30), (4, 30, 50)):
        camera.lost = lost
        camera.write(*(dataclasses.replace(frame, after_loss=True) for frame in frames[since:until]))
    camera.write(*frames[50:])
    camera.lost = 6
    camera.writer.write((), camera.lost)
    camera.writer.close()
    base = camera.track.base_timestamp
    losses = [((loss.timestamp - base) * 25 // 90_000, loss.packets) for loss in camera.track.losses]
    assert losses == [(20, 3), (30, 1)]
    assert [number for number, frame in enumerate(camera.frames()) if frame.after_loss] == [20, 30]
    sealed = [fact.lost for fact in camera.facts if isinstance(fact, SegmentSealed)]
    assert sum(sealed) == 6
    assert sealed[-1] == 2


def test_a_report_is_put_where_the_frames_are(microphone: Rig) -> None:
    """Frames count on where RTP timestamps wrap; a sender report carries 32 bits of that."""
    frames = [later(frame, (1 << 32) / 48_000, 48_000) for frame in sound_frames(1)]
    microphone.writer.note_clock(ClockSample(START, BASE, START))
    microphone.write(*frames)
    microphone.writer.note_clock(ClockSample(START, BASE + 24_000, START))
    microphone.writer.close()
    assert [sample.timestamp for sample in microphone.track.clock] == [(1 << 32) + BASE + 24_000]


def test_a_sync_that_hangs_is_trouble(microphone: Rig) -> None:
    """Later than promised nothing can be said to be on disk; once it is, the track has started again."""
    frames = sound_frames(20)
    microphone.write(*frames[:60])
    microphone.disk.held = True
    microphone.write(*frames[60:360])
    assert len(microphone.told(RecorderTroubled)) == 1
    microphone.disk.let_go()
    microphone.write(*frames[360:])
    microphone.writer.close()
    told = [type(fact) for fact in microphone.facts if not isinstance(fact, SegmentSealed)]
    assert told == [RecordingStarted, RecorderTroubled, RecordingStarted, RecordingStopped]
    assert len(microphone.frames()) == 1_000
    sealed = [fact for fact in microphone.facts if isinstance(fact, SegmentSealed)]
    assert [fact.index for fact in sealed] == list(range(5))


def test_the_oldest_frame_that_is_not_durable_is_known(microphone: Rig) -> None:
    """By its arrival: through a sync and a seal that wait for the disk, until both are done."""
    frames = sound_frames(20)
    microphone.write(*frames[:100])
    microphone.disk.held = True
    since = microphone.writer.undurable_at
    assert since is not None and microphone.clock.now() - since <= 1.1
    microphone.write(*frames[100:450])
    assert microphone.writer.undurable_at == since
    microphone.disk.let_go()
    microphone.write(frames[450])
    assert (microphone.writer.undurable_at or START) >= frames[449].arrived_at - 1.1
    microphone.writer.close()
    assert microphone.writer.undurable_at is None


def test_what_a_failed_sync_was_to_bring_to_disk_is_not_durable(
    microphone: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes with the segment that is sealed instead, and is as old as it was."""
    frames = sound_frames(5)
    microphone.write(*frames[:50])
    microphone.disk.held = True
    microphone.write(*frames[50:120])
    since = microphone.writer.undurable_at

    def gone(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("os.fdatasync", gone)
        patch.setattr(Volume, "sync", lambda self: False)
        microphone.disk.let_go()
    microphone.disk.held = True
    microphone.writer.tick()
    assert microphone.told(RecorderTroubled)
    assert microphone.writer.undurable_at == since


def test_a_track_is_over_when_the_disk_has_all(microphone: Rig) -> None:
    """Closing waits for nothing; the track is closed when its last segment is sealed."""
    microphone.disk.held = True
    microphone.write(*sound_frames(1))
    microphone.writer.close()
    assert not microphone.writer.closed
    assert is_being_written(microphone.folder)
    microphone.disk.let_go()
    microphone.writer.tick()
    assert microphone.writer.closed
    assert not is_being_written(microphone.folder)


def test_nothing_is_opened_while_too_many_wait_for_the_disk(microphone: Rig, disk: FullDisk) -> None:
    """A disk that refuses writes as it hangs leaves no more than the bound behind."""
    microphone.disk.held = True
    disk.room = 0
    microphone.write(*sound_frames(30))
    assert len(list(microphone.folder.glob("*.part"))) == 17
    microphone.disk.let_go()
    microphone.writer.close()


def test_a_disk_that_stays_full_is_told_again_but_not_at_every_frame(microphone: Rig, disk: FullDisk) -> None:
    """Trouble is told at most every five seconds; the writer lives."""
    disk.room = 0
    microphone.write(*sound_frames(12))
    microphone.writer.close()
    assert len(microphone.told(RecorderTroubled)) == 3
    stopped = microphone.facts[-1]
    assert isinstance(stopped, RecordingStopped)
    assert (stopped.segments, stopped.frames, stopped.dropped_frames) == (0, 0, 600)


def test_a_sync_that_fails_is_trouble_too(microphone: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """fsync may be what tells that the disk is gone; the frames that are whole in the file stay."""
    frames = sound_frames(5)
    microphone.write(*frames[:50])

    def gone(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("os.fdatasync", gone)
        patch.setattr(Volume, "sync", lambda self: False)
        microphone.write(*frames[50:120])
    microphone.write(*frames[120:])
    microphone.writer.close()
    assert microphone.told(RecorderTroubled)
    assert len(microphone.frames()) > 80
