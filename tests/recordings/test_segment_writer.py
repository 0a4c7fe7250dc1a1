"""One segment: what is on disk when, what sealing leaves, and what a torn file becomes."""

import errno
import hashlib
from dataclasses import replace
from pathlib import Path

import av
import pytest

from contract.ids import new_call_id, new_case_id
from recordings import matroska
from recordings.segment_writer import SealedFile, SegmentWriter, seal_part
from recordings.spool import write_all
from tests.recordings.encoded import BASE, frames_of, seal, segment_writer, track_info


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "00000.mkv"


def writer_of(path: Path, codec: str = "opus") -> SegmentWriter:
    info = track_info(new_case_id(), new_call_id(), codec)
    return segment_writer(path, info)


def fill(writer: SegmentWriter, codec: str = "opus", seconds: float = 1) -> None:
    for frame in frames_of(codec, seconds):
        writer.write(frame, frame.data)


@pytest.mark.parametrize("codec", ["VP8", "H264", "opus"])
def test_what_was_flushed_is_in_the_file(path: Path, codec: str) -> None:
    """Before anything is sealed or closed: that is what a kill leaves."""
    writer = writer_of(path, codec)
    fill(writer, codec)
    part = path.with_name("00000.mkv.part")
    assert part.stat().st_size == 0
    writer.flush()
    assert len(list(matroska.blocks(part.read_bytes()))) == len(frames_of(codec, 1))
    writer.flush()
    seal(writer)


def test_a_frame_is_there_once_it_is_flushed(path: Path) -> None:
    """Before, there is nothing that a sync could bring to disk."""
    writer = writer_of(path)
    frame = frames_of("opus", 1)[0]
    writer.flush()
    writer.write(frame, frame.data)
    assert not writer.has_frames
    writer.flush()
    writer.sync()
    assert writer.has_frames
    seal(writer)


def test_a_pause_begins_a_new_cluster(path: Path) -> None:
    """Blocks count their time from their cluster in sixteen bits; behind half a minute it is another one."""
    writer = writer_of(path)
    frame = frames_of("opus", 1)[0]
    for seconds in (0, 30, 60, 3600):
        writer.write(replace(frame, timestamp=BASE + seconds * 48_000), frame.data)
    seal(writer)
    content = path.read_bytes()
    assert [block.pts_ms for block in matroska.blocks(content)] == [0, 30_000, 60_000, 3_600_000]
    with av.open(str(path)) as container:
        assert [packet.pts for packet in container.demux() if packet.size] == [0, 30_000, 60_000, 3_600_000]


def test_sealing_names_hashes_and_counts(path: Path) -> None:
    """The hash taken while writing is the file's; the temporary name is gone."""
    writer = writer_of(path)
    fill(writer)
    sealed = seal(writer)
    content = path.read_bytes()
    assert sealed == SealedFile(path, hashlib.sha256(content).hexdigest(), len(content), 50)
    assert [file.name for file in path.parent.iterdir()] == ["00000.mkv"]


def test_a_name_is_taken_once(path: Path) -> None:
    """Two writers cannot write the same segment."""
    writer = writer_of(path)
    with pytest.raises(FileExistsError):
        writer_of(path)
    seal(writer)


def test_a_segment_without_a_frame_is_not_sealed(path: Path) -> None:
    """Nothing was written: there is no segment, and its empty file is marked as such."""
    assert seal(writer_of(path)) is None
    assert [file.name for file in path.parent.iterdir()] == ["00000.mkv.damaged"]


def test_what_is_whole_is_sealed_when_the_disk_is_full(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The write that did not fit raises; sealing keeps the frames before it, exactly."""
    writer = writer_of(path)
    fill(writer)
    writer.flush()
    rest = frames_of("opus", 2)[50:]

    def half(descriptor: int, data: bytes) -> None:
        write_all(descriptor, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("recordings.segment_writer.write_all", half)
    with pytest.raises(OSError, match="No space left"):
        for frame in rest:
            writer.write(frame, frame.data)
            writer.flush()
    sealed = seal(writer)
    assert sealed is not None
    content = path.read_bytes()
    frames = list(matroska.blocks(content))
    assert (sealed.frames, sealed.bytes) == (len(frames), len(content))
    assert sealed.sha256 == hashlib.sha256(content).hexdigest()
    assert frames[-1].end == len(content)
    with av.open(str(path)) as container:
        assert sum(1 for packet in container.demux() if packet.size) == sealed.frames


@pytest.mark.parametrize("codec", ["VP8", "H264", "opus"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_file_cut_anywhere_is_sealed_as_far_as_it_is_whole(path: Path, codec: str, share: float) -> None:
    """FFmpeg reads the sealed file without complaint; head and tail together are the torn file."""
    writer = writer_of(path, codec)
    fill(writer, codec)
    seal(writer)
    torn = path.read_bytes()[: round(path.stat().st_size * share)]
    part = path.rename(path.with_name("00000.mkv.part"))
    part.write_bytes(torn)
    sealed = seal_part(part)
    assert sealed is not None
    tail = path.with_name("00000.mkv.damaged")
    assert path.read_bytes() + (tail.read_bytes() if tail.exists() else b"") == torn
    with av.open(str(path)) as container:
        assert sum(1 for packet in container.demux() if packet.size) == sealed.frames


def test_a_tail_that_finds_no_room_is_let_go(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The frames count more than the torn bytes behind them."""
    writer = writer_of(path)
    fill(writer)
    seal(writer)
    part = path.rename(path.with_name("00000.mkv.part"))
    part.write_bytes(part.read_bytes() + b"\x1f\x43")

    def full(self: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    sealed = seal_part(part)
    assert sealed is not None
    assert sealed.frames == 50
    assert [file.name for file in path.parent.iterdir()] == ["00000.mkv"]
