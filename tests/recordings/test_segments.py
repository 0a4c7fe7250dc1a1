"""Reading tracks back, whatever state their folder is in."""

import pytest

from contract.errors import StorageError
from contract.ids import CallId, CaseId
from contract.ports import ClockSample, TrackInfo
from recordings.segment_writer import SegmentWriter
from recordings.segments import (
    Arrival,
    dump_head,
    read_frames,
    read_track,
    read_tracks,
    segment_name,
    to_annex_b,
)
from recordings.spool import Spool
from tests.recordings.encoded import BASE, frames_of, seal, track_info


@pytest.fixture
def info(case: CaseId, call: CallId) -> TrackInfo:
    return track_info(case, call, "opus")


def leave(spool: Spool, info: TrackInfo) -> None:
    """Leave a track of two segments of one second, without the recorder."""
    folder = spool.track_dir(info.case, info.call, info.track)
    folder.mkdir(parents=True)
    (folder / "track.json").write_bytes(dump_head(info, BASE))
    frames = frames_of("opus", 2)
    for index in range(2):
        writer = SegmentWriter(folder / segment_name(index), info, BASE, None)
        for frame in frames[index * 50 : index * 50 + 50]:
            writer.write(frame, frame.data)
        seal(writer)


def test_a_track_is_read_with_its_segments_in_order(spool: Spool, info: TrackInfo) -> None:
    """Description, base timestamp, segments by index; what is unsealed or foreign is passed over."""
    leave(spool, info)
    folder = spool.track_dir(info.case, info.call, info.track)
    for name in ("00002.mkv.part", "00003.mkv.damaged", "notes.txt", "1.mkv"):
        (folder / name).touch()
    track = read_track(folder)
    assert (track.info, track.base_timestamp) == (info, BASE)
    assert [(segment.index, segment.path.name) for segment in track.segments] == [
        (0, "00000.mkv"), (1, "00001.mkv")
    ]  # fmt: skip
    frames = [frame for segment in track.segments for frame in read_frames(track, segment)]
    assert [frame.timestamp for frame in frames] == [BASE + 960 * number for number in range(100)]


def test_the_clock_is_read_as_far_as_it_goes(spool: Spool, info: TrackInfo) -> None:
    """Both kinds of lines; torn, damaged and foreign ones are left out."""
    leave(spool, info)
    folder = spool.track_dir(info.case, info.call, info.track)
    (folder / "clock.jsonl").write_bytes(
        b'{"first_arrived_at":5.5,"timestamp":7}\n{"ntp_at":1.0,"timestamp":2,"arrived_at":3.0}\n'
        b'not json\n{"other":1}\n[1]\n{"ntp_at":1.0,"times'
    )
    track = read_track(folder)
    assert track.arrivals == (Arrival(7, 5.5),)
    assert track.clock == (ClockSample(1.0, 2, 3.0),)


def test_a_track_without_a_clock_file_has_no_samples(spool: Spool, info: TrackInfo) -> None:
    """The file may be lost; the frames are not."""
    leave(spool, info)
    assert read_track(spool.track_dir(info.case, info.call, info.track)).clock == ()


@pytest.mark.parametrize("head", [None, b"", b"[]", b"{}", b'{"info":{},"base_timestamp":1}'])
def test_a_folder_without_a_sound_description_is_no_track(
    head: bytes | None, spool: Spool, info: TrackInfo
) -> None:
    """What a track was cannot be guessed."""
    folder = spool.track_dir(info.case, info.call, info.track)
    folder.mkdir(parents=True)
    if head is not None:
        (folder / "track.json").write_bytes(head)
    with pytest.raises(StorageError):
        read_track(folder)


def test_the_tracks_of_a_call_are_found(spool: Spool, case: CaseId, call: CallId) -> None:
    """All of them, by name; none where nothing was recorded."""
    assert read_tracks(spool.call_dir(case, call)) == ()
    infos = [track_info(case, call, "opus") for _ in range(2)]
    for info in infos:
        leave(spool, info)
    (spool.call_dir(case, call) / "empty").mkdir()
    found = [track.info.track for track in read_tracks(spool.call_dir(case, call))]
    assert found == sorted(info.track for info in infos)


def test_lengths_become_start_codes() -> None:
    """Each NAL unit gets a start code; a torn last one, or a torn length, is left out."""
    unit = b"\0\0\0\2ab\0\0\0\1c"
    assert to_annex_b(unit) == b"\0\0\0\1ab\0\0\0\1c"
    assert to_annex_b(unit + b"\0\0\0\5de") == b"\0\0\0\1ab\0\0\0\1c"
    assert to_annex_b(unit + b"\0\0") == b"\0\0\0\1ab\0\0\0\1c"
    assert to_annex_b(b"") == b""
