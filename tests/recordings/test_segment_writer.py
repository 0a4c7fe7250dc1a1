"""One segment: what is on disk when, what sealing leaves, and what a torn file becomes."""

import errno
import hashlib
from pathlib import Path

import av
import pytest

from contract.ids import new_call_id, new_case_id
from recordings import matroska, segment_writer
from recordings.segment_writer import SealedFile, SegmentWriter, seal_part
from recordings.spool import write_all
from tests.recordings.encoded import BASE, frames_of, track_info


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "00000.mkv"


def writer_of(path: Path, codec: str = "opus") -> SegmentWriter:
    info = track_info(new_case_id(), new_call_id(), codec)
    return SegmentWriter(path, info, BASE, None if codec == "opus" else (160, 120))


def fill(writer: SegmentWriter, codec: str = "opus", seconds: float = 1) -> None:
    for frame in frames_of(codec, seconds):
        writer.write(frame, frame.data)


@pytest.mark.parametrize("codec", ["VP8", "H264", "opus"])
def test_all_but_the_last_tenth_of_a_second_is_in_the_file(path: Path, codec: str) -> None:
    """Before anything is sealed or closed: that is what a kill leaves."""
    writer = writer_of(path, codec)
    fill(writer, codec)
    kept = list(matroska.blocks(path.with_name("00000.mkv.part").read_bytes()))
    assert kept[-1].pts_ms >= 1_000 - 100 - 100
    writer.seal()


def test_a_sync_tells_whether_a_frame_is_on_disk(path: Path) -> None:
    """The first frame is not there until its cluster is written."""
    writer = writer_of(path)
    frames = frames_of("opus", 1)
    writer.write(frames[0], frames[0].data)
    assert not writer.sync()
    for frame in frames[1:10]:
        writer.write(frame, frame.data)
    assert writer.sync()
    writer.seal()


def test_sealing_names_hashes_and_counts(path: Path) -> None:
    """The hash taken while writing is the file's; the temporary name is gone."""
    writer = writer_of(path)
    fill(writer)
    sealed = writer.seal()
    content = path.read_bytes()
    assert sealed == SealedFile(path, hashlib.sha256(content).hexdigest(), len(content), 50)
    assert [file.name for file in path.parent.iterdir()] == ["00000.mkv"]


def test_a_name_is_taken_once(path: Path) -> None:
    """Two writers cannot write the same segment."""
    writer = writer_of(path)
    with pytest.raises(FileExistsError):
        writer_of(path)
    writer.seal()


def test_a_segment_without_a_frame_is_not_sealed(path: Path) -> None:
    """Nothing was written: there is no segment, and its empty file is marked as such."""
    assert writer_of(path).seal() is None
    assert [file.name for file in path.parent.iterdir()] == ["00000.mkv.damaged"]


def test_what_is_whole_is_sealed_when_the_disk_is_full(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The write that did not fit raises; sealing keeps the frames before it, exactly."""
    writer = writer_of(path)
    fill(writer)
    rest = frames_of("opus", 2)[50:]

    def half(descriptor: int, data: bytes) -> None:
        write_all(descriptor, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(segment_writer, "write_all", half)
    with pytest.raises(OSError, match="No space left"):
        for frame in rest:
            writer.write(frame, frame.data)
    sealed = writer.seal()
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
    writer.seal()
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
    writer.seal()
    part = path.rename(path.with_name("00000.mkv.part"))
    part.write_bytes(part.read_bytes() + b"\x1f\x43")

    def full(self: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    sealed = seal_part(part)
    assert sealed is not None
    assert sealed.frames == 50
    assert [file.name for file in path.parent.iterdir()] == ["00000.mkv"]


def test_no_codec_is_opened(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each stream is muxed without a codec context, so there is nothing that could decode or encode."""
    contexts: list[object] = []
    opened = av.open

    class Watched:
        """Stands in for PyAV's container and notes the codec context of each stream made."""

        def __init__(self, *arguments: object, **named: object) -> None:
            self._container = opened(*arguments, **named)  # type: ignore[call-overload]

        def add_mux_stream(self, *arguments: object, **named: object) -> object:
            stream = self._container.add_mux_stream(*arguments, **named)
            contexts.append(stream.codec_context)
            return stream

        def __getattr__(self, name: str) -> object:
            return getattr(self._container, name)

    monkeypatch.setattr(av, "open", Watched)
    for codec in ("VP8", "H264", "opus"):
        writer = writer_of(path.with_name(f"{codec}.mkv"), codec)
        fill(writer, codec)
        assert writer.seal() is not None
    assert contexts == [None, None, None]
