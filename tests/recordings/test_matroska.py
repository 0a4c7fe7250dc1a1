"""Reading Matroska: what the recorder writes, cut anywhere, and noise."""

from pathlib import Path

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.ids import new_call_id, new_case_id
from recordings.matroska import blocks
from recordings.muxer import opus_head
from tests.recordings.encoded import frames_of, seal, segment_writer, track_info


def segment(folder: Path, codec: str) -> bytes:
    """Return the bytes of a segment of one second."""
    info = track_info(new_case_id(), new_call_id(), codec)
    writer = segment_writer(folder / f"{codec}.mkv", info)
    for frame in frames_of(codec, 1):
        writer.write(frame, frame.data)
    sealed = seal(writer)
    assert sealed is not None
    return sealed.path.read_bytes()


@pytest.fixture(scope="module", params=["VP8", "H264", "opus"])
def content(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return segment(tmp_path_factory.mktemp("segments"), request.param)


def test_frames_are_those_that_ffmpeg_sees(content: bytes, tmp_path: Path) -> None:
    """Our walk and FFmpeg's demuxer agree on every frame's time, size and keyframe flag."""
    path = tmp_path / "a.mkv"
    path.write_bytes(content)
    with av.open(str(path)) as container:
        seen = [(p.pts, p.size, p.is_keyframe) for p in container.demux() if p.size]
    assert [(b.pts_ms, len(b.data), b.keyframe) for b in blocks(content)] == seen


def test_the_last_frame_ends_the_file(content: bytes) -> None:
    """Nothing stands behind it: cutting there cuts nothing off."""
    assert list(blocks(content))[-1].end == len(content)


@settings(max_examples=60)
@given(st.data())
def test_a_file_cut_anywhere_yields_the_frames_before_the_cut(content: bytes, data: st.DataObject) -> None:
    """A torn file is a shorter file, never an error; what is yielded is whole."""
    cut = data.draw(st.integers(0, len(content)))
    whole = list(blocks(content))
    assert list(blocks(content[:cut])) == [block for block in whole if block.end <= cut]


@given(st.binary(max_size=300))
def test_noise_is_never_an_error(noise: bytes) -> None:
    """Bytes that are no Matroska yield some frames or none, all within the bytes."""
    for data in (noise, opus_head() + b"\x1f\x43\xb6\x75\xff" + noise):
        assert all(block.end <= len(data) for block in blocks(data))


def test_a_group_without_a_block_is_stepped_over() -> None:
    """A foreign group, or one whose block is torn inside, holds no frame."""
    assert list(blocks(b"\xa0\x82\xe7\x80")) == []
    assert list(blocks(b"\xa0\x82\xa1\x85")) == []
    assert list(blocks(b"\xa0\x80")) == []
    assert list(blocks(b"\xa3\x81\0")) == []
    assert list(blocks(b"\xa3")) == []


def test_sound_carries_its_opus_head(tmp_path: Path) -> None:
    """FFmpeg finds version, two channels, no pre-skip and 48 kHz; every sample is decoded."""
    path = tmp_path / "a.mkv"
    path.write_bytes(segment(tmp_path, "opus"))
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        head = stream.codec_context.extradata
        assert head is not None
        assert (head[:8], head[8], head[9], head[10:12]) == (b"OpusHead", 1, 2, b"\0\0")
        assert stream.codec_context.sample_rate == 48_000
        assert sum(frame.samples for frame in container.decode(stream)) == 48_000
