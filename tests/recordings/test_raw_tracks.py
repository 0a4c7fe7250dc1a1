"""Tracks as they were recorded: one file each that can be sought in, placed on the axis of the call."""

import io
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.errors import StorageError
from contract.facts import SegmentSealed
from contract.ids import new_seat_id
from contract.phases import Role, TrackSource
from recordings import muxer
from recordings.archive_directory import DirectoryArchive
from recordings.raw_tracks import RawTracks, dump_calls, sealed_tracks
from recordings.woven import Piece, Woven, read_piece, weave
from tests.recordings.desk import TENANT
from tests.recordings.staged import (
    FPS,
    Stage,
    StagedTrack,
    film,
    read_number,
    stage,
    stage_call,
    voice,
)


async def whole(staged: Stage, track: str, archive: Path) -> bytes:
    """Return the file of a track."""
    raw = RawTracks(staged.spool, DirectoryArchive(archive))
    facts = next(facts for name, facts in sealed_tracks(staged.entries).items() if name == track)
    prefix = f"{TENANT}/{staged.case}"
    file, _ = await raw.index(prefix, staged.case, facts)
    data = b"".join([b async for b in raw.bytes_of(prefix, staged.case, file, 0, file.bytes)])
    middle = b"".join([b async for b in raw.bytes_of(prefix, staged.case, file, 150, file.bytes - 300)])
    assert middle == data[150:-150]
    assert len(data) == file.bytes
    return data


@pytest.mark.parametrize("codec", ["VP8", "H264"])
async def test_a_track_of_many_segments_is_one_file(tmp_path: Path, codec: str) -> None:
    """It has a length, and a seek lands on the frame of its second, whichever segment that lies in."""
    staged = stage(tmp_path / "spool")
    staged.begin()
    camera = StagedTrack(Role.CUSTOMER, TrackSource.CAMERA, codec, film(12, codec, (320, 240)), new_seat_id())
    track = staged.record(camera)
    data = await whole(staged, track, tmp_path / "archive")
    with av.open(io.BytesIO(data), "r") as file:
        assert file.duration == pytest.approx(12e6, abs=0.2e6)
        for second in (9.0, 2.0, 5.5, 11.0):
            file.seek(int(second * av.time_base))
            frame = next(one for one in file.decode(video=0) if one.time and one.time >= second - 1e-3)
            luma = frame.to_ndarray(format="gray")
            assert abs(read_number(np.asarray(luma, np.uint8)) - round(second * FPS)) <= 1


async def test_sound_is_one_file_and_comes_from_the_archive_too(tmp_path: Path) -> None:
    """Every packet of it, in order, byte for byte the same from either place."""
    staged = stage_call(tmp_path / "spool", 9.0)
    track = next(fact.track for fact in (e.fact for e in staged.entries) if isinstance(fact, SegmentSealed))
    here = await whole(staged, track, tmp_path / "archive")
    with av.open(io.BytesIO(here), "r") as file:
        times = [packet.pts for packet in file.demux(audio=0) if packet.pts is not None]
    assert times == sorted(times)
    assert len(times) == 9 * 50
    archive, folder = DirectoryArchive(tmp_path / "archive"), staged.spool.case_dir(staged.case)
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            await archive.put(f"{TENANT}/{staged.case}/{path.relative_to(folder).as_posix()}", path)
            path.unlink()
    assert await whole(staged, track, tmp_path / "archive") == here
    (call,) = await RawTracks(staged.spool, archive).calls(
        f"{TENANT}/{staged.case}", staged.case, staged.entries
    )
    assert len(call.tracks) == 4


async def test_tracks_are_placed_where_the_merge_places_them(tmp_path: Path) -> None:
    """A fast clock, a foreign clock and a late start: each run lies within two frames of the truth."""
    staged = stage(tmp_path / "spool")
    staged.begin()
    seat = new_seat_id()
    late = [frame for frame in film(12, "VP8", (320, 240)) if frame.taken_s >= 3]
    camera = StagedTrack(Role.CUSTOMER, TrackSource.CAMERA, "VP8", late, seat, 7.0, 100.0)
    sound = StagedTrack(Role.CUSTOMER, TrackSource.MICROPHONE, "opus", voice(12), seat, 7.0)
    first = staged.record(camera)
    second = staged.record(sound, joins=False)
    staged.end(12)
    raw = RawTracks(staged.spool, DirectoryArchive(tmp_path / "archive"))
    (call,) = await raw.calls("x", staged.case, staged.entries)
    placed = {one.track: one for one in call.tracks}
    (run,) = placed[first].runs
    assert run.at_s == pytest.approx(3.0, abs=0.08)
    assert run.media_s == 0
    assert run.seconds == pytest.approx(9.0, abs=0.2)
    assert placed[second].runs[0].at_s == pytest.approx(0.0, abs=0.08)
    (told,) = dump_calls((call,))
    assert (told["seconds"], told["offset_s"]) == (12, 0)


async def test_a_lost_segment_is_a_break(tmp_path: Path) -> None:
    """Two runs, and nothing where the segment was."""
    staged = stage(tmp_path / "spool")
    staged.begin()
    camera = StagedTrack(Role.CUSTOMER, TrackSource.CAMERA, "VP8", film(12, "VP8", (320, 240)), new_seat_id())
    staged.record(camera)
    gone = [e for e in staged.entries if isinstance(e.fact, SegmentSealed) and e.fact.index == 1]
    folder = next(staged.spool.case_dir(staged.case).rglob("clock.jsonl"))
    lines = folder.read_text().splitlines(keepends=True)
    arrivals = [line for line in lines if "first_arrived_at" in line]
    folder.write_text("".join(line for line in lines if line != arrivals[1]))
    entries = [entry for entry in staged.entries if entry not in gone]
    raw = RawTracks(staged.spool, DirectoryArchive(tmp_path / "archive"))
    (call,) = await raw.calls("x", staged.case, entries)
    first, second = call.tracks[0].runs
    assert first.at_s + first.seconds == pytest.approx(4.0, abs=0.1)
    assert second.at_s == pytest.approx(8.0, abs=0.1)
    assert second.media_s == pytest.approx(8.0, abs=0.05)


async def test_a_track_without_its_clock_is_left_out(tmp_path: Path) -> None:
    """Its place cannot be known; the others are still told."""
    staged = stage_call(tmp_path / "spool", 3.0)
    next(staged.spool.case_dir(staged.case).rglob("track.json")).unlink()
    raw = RawTracks(staged.spool, DirectoryArchive(tmp_path / "archive"))
    (call,) = await raw.calls("x", staged.case, staged.entries)
    assert len(call.tracks) == 3


def test_what_is_no_segment_is_named() -> None:
    """A file that is something else, and one that was cut off before its first frame."""
    head = muxer.vp8_head((640, 480))
    for beginning in (b"", b"rubbish", head, head + muxer.cluster_head(5)):
        with pytest.raises(StorageError):
            read_piece("a.mkv", 1000, beginning)
    block = head + muxer.cluster_head(5) + muxer.block_head(3, 100, True)
    piece, tracks = read_piece("a.mkv", 1000, block)
    assert (piece.skip, piece.bytes, piece.first_ms, piece.keyframe) == (len(head), 1000 - len(head), 8, True)
    assert tracks in head


_SIZES = st.lists(st.integers(1, 50), min_size=1, max_size=6)


@given(_SIZES, st.integers(0, 400), st.integers(1, 400))
def test_any_stretch_is_found(sizes: list[int], first: int, length: int) -> None:
    """The stretches of a range, put together, are that range of the whole."""
    sources = {str(n): bytes([n]) * (size + 3) for n, size in enumerate(sizes)}
    pieces = [
        Piece(name, 3, len(data) - 3, n * 4000, n % 2 == 0) for n, (name, data) in enumerate(sources.items())
    ]
    file: Woven = weave(pieces, b"tracks", 9000)
    everything = file.head + b"".join(data[3:] for data in sources.values())
    assert file.bytes == len(everything)
    first = min(first, file.bytes - 1)
    length = min(length, file.bytes - first)
    got = b"".join(
        (sources[one.name] if one.name else file.head)[one.first : one.first + one.length]
        for one in file.stretches(first, length)
    )
    assert got == everything[first : first + length]
