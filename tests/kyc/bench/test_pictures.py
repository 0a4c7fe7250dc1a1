"""Folders that somebody else made: clips, pictures, and what is neither."""

from pathlib import Path

import av
import numpy as np
import pytest

from contract.errors import UserError
from kyc.bench import pictures
from kyc.bench.pictures import folders, read_bytes, read_frames, read_picture
from kyc.images import encode_jpeg
from kyc.limits import BYTES_MAX


def write_clip(path: Path, frames: int, size: tuple[int, int] = (64, 48)) -> None:
    """Write a clip whose n-th frame has the grey 4 n."""
    with av.open(str(path), "w") as clip:
        stream = clip.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = *size, "bgr0"
        for n in range(frames):
            shown = np.full((size[1], size[0], 3), 4 * n, np.uint8)
            clip.mux(stream.encode(av.VideoFrame.from_ndarray(shown, "bgr24")))
        clip.mux(stream.encode(None))


def grey(picture: np.ndarray) -> int:
    """Return the grey of a flat picture."""
    return round(float(picture.mean()))


def test_frames_are_spread_over_a_clip(tmp_path: Path) -> None:
    """First, last and evenly between; of a short one all."""
    write_clip(tmp_path / "a.mkv", 21)
    assert [grey(frame) for frame in read_frames(tmp_path / "a.mkv", 5)] == [0, 20, 40, 60, 80]
    write_clip(tmp_path / "b.mkv", 3)
    assert [grey(frame) for frame in read_frames(tmp_path / "b.mkv", 5)] == [0, 4, 8]
    assert [grey(frame) for frame in read_frames(tmp_path / "b.mkv", 1)] == [0]


def test_an_endless_clip_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands behind the bound is not looked at."""
    monkeypatch.setattr(pictures, "_CLIP_FRAMES", 11)
    write_clip(tmp_path / "a.mkv", 40)
    assert [grey(frame) for frame in read_frames(tmp_path / "a.mkv", 2)] == [0, 40]


def test_a_folder_of_frames_is_a_clip(tmp_path: Path) -> None:
    """By name; what is no picture does not count."""
    for n in range(7):
        (tmp_path / f"{n}.jpg").write_bytes(encode_jpeg(np.full((400, 400, 3), 10 * n, np.uint8)))
    (tmp_path / "notes.txt").write_text("hello")
    assert [grey(frame) for frame in read_frames(tmp_path, 3)] == [0, 30, 60]
    assert len(read_frames(tmp_path / "3.jpg", 10)) == 1


@pytest.mark.parametrize("content", [b"", b"hello", bytes(5000), b"\x1aE\xdf\xa3" + bytes(99)])
def test_what_is_no_clip_is_refused(tmp_path: Path, content: bytes) -> None:
    """By one word, and the file's name."""
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"a\.mp4") as caught:
        read_frames(path, 10)
    assert caught.value.code == "not_a_clip"


def test_a_huge_clip_is_refused(tmp_path: Path) -> None:
    """A call has two million pixels at most."""
    write_clip(tmp_path / "a.mkv", 1, (2048, 1024))
    with pytest.raises(UserError) as caught:
        read_frames(tmp_path / "a.mkv", 10)
    assert caught.value.code == "not_a_clip"


def test_a_bad_picture_is_named(tmp_path: Path) -> None:
    """Its code is that of the decoder."""
    path = tmp_path / "card.jpg"
    path.write_bytes(b"\xff\xd8\xff")
    with pytest.raises(UserError, match=r"card\.jpg") as caught:
        read_picture(path)
    assert caught.value.code == "not_an_image"


def test_only_as_much_is_read_as_a_picture_may_have(tmp_path: Path) -> None:
    """A file of any size costs bounded memory."""
    path = tmp_path / "a.jpg"
    with path.open("wb") as file:
        file.truncate(10 * BYTES_MAX)
    assert len(read_bytes(path)) == BYTES_MAX + 1
    with pytest.raises(UserError) as caught:
        read_picture(path)
    assert caught.value.code == "image_too_large"


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    """As the shape's fault; a file that vanished too. Hidden folders do not count."""
    for read in (folders, read_bytes):
        with pytest.raises(UserError) as caught:
            read(tmp_path / "none")
        assert caught.value.code == "dataset"
    (tmp_path / ".git").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "a").mkdir()
    assert [path.name for path in folders(tmp_path)] == ["a", "b"]
