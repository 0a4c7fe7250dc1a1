"""What every archive must do, on a directory, on moto, and on a real Ceph gateway with object lock."""

import hashlib
import random
import secrets
import time
from pathlib import Path

import pytest

from contract.errors import NotFound, StorageError
from contract.ports import Archive, ArchivedObject
from recordings.archive_directory import DirectoryArchive
from recordings.archive_s3 import S3Archive
from tests.recordings.ceph import Gateway
from tests.recordings.encoded import MovedClock
from tests.recordings.s3_servers import settings_for
from tests.recordings.vault import sealed

# Three parts at 5 MiB, the last one short.
_BIG = random.Random(7).randbytes((11 << 20) + 17)


@pytest.fixture(params=["directory", "sealed", "moto", pytest.param("ceph", marks=pytest.mark.ceph)])
async def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Archive:
    if request.param in ("directory", "sealed"):
        below = DirectoryArchive(tmp_path / "archive")
        return below if request.param == "directory" else sealed(below, tmp_path)
    gateway: Gateway = request.getfixturevalue(f"{request.param}_server")
    locked = None if request.param == "moto" else 1
    bucket = f"archive-{secrets.token_hex(4)}"
    clock = MovedClock(wall=time.time())
    made = S3Archive(settings_for(gateway, bucket, object_lock_days=locked), clock)
    await made.prepare()
    return made


@pytest.fixture
def big(tmp_path: Path) -> Path:
    path = tmp_path / "merged.mp4"
    path.write_bytes(_BIG)
    return path


async def _content(archive: Archive, key: str, offset: int = 0, length: int | None = None) -> bytes:
    return b"".join([block async for block in archive.read(key, offset, length)])


async def test_what_was_put_is_read_back(archive: Archive, big: Path) -> None:
    """A file larger than a part comes back byte for byte, and ``stat`` tells its size."""
    await archive.put("t/case/视频 1.mp4", big)
    assert (
        hashlib.sha256(await _content(archive, "t/case/视频 1.mp4")).digest() == hashlib.sha256(_BIG).digest()
    )
    assert await archive.stat("t/case/视频 1.mp4") == ArchivedObject("t/case/视频 1.mp4", len(_BIG))


async def test_any_stretch_can_be_read(archive: Archive, big: Path) -> None:
    """Offset and length are honoured; nothing comes from behind the end or for length 0."""
    await archive.put("t/case/a", big)
    assert await _content(archive, "t/case/a", 5_000_000, 3_000_000) == _BIG[5_000_000:8_000_000]
    assert await _content(archive, "t/case/a", len(_BIG) - 5) == _BIG[-5:]
    assert await _content(archive, "t/case/a", len(_BIG) - 5, 100) == _BIG[-5:]
    assert await _content(archive, "t/case/a", len(_BIG) + 5, 100) == b""
    assert await _content(archive, "t/case/a", 3, 0) == b""


async def test_putting_the_same_again_changes_nothing(archive: Archive, big: Path) -> None:
    """An upload that is repeated after a crash is harmless."""
    await archive.put("t/case/a", big)
    await archive.put("t/case/a", big)
    assert await archive.keys("t/case/") == ("t/case/a",)


async def test_another_content_is_refused(archive: Archive, big: Path, tmp_path: Path) -> None:
    """What is archived stays: another content under the same key is an error, and is not stored."""
    other = tmp_path / "other"
    other.write_bytes(_BIG[:-1] + b"x")
    await archive.put("t/case/a", big)
    with pytest.raises(StorageError) as caught:
        await archive.put("t/case/a", other)
    assert caught.value.code == "archive_conflict"
    assert await _content(archive, "t/case/a", len(_BIG) - 1) == _BIG[-1:]


async def test_keys_are_listed_by_prefix_in_order(archive: Archive, tmp_path: Path) -> None:
    """Keys come sorted, at any depth, and only those with the prefix."""
    small = tmp_path / "small"
    small.write_bytes(b"small")
    for key in ("t/case-b/z", "t/case-a/x/00001.mkv", "t/case-a/x/00000.mkv", "t/case-ab/y"):
        await archive.put(key, small)
    assert await archive.keys("t/case-a/") == ("t/case-a/x/00000.mkv", "t/case-a/x/00001.mkv")
    assert len(await archive.keys("t/")) == 4
    assert await archive.keys("t/case-c/") == ()


async def test_what_is_not_there_is_not_found(archive: Archive) -> None:
    """A missing object has no size, and reading it raises NotFound."""
    assert await archive.stat("t/case/none") is None
    with pytest.raises(NotFound):
        await _content(archive, "t/case/none")


async def test_an_empty_file_is_a_file(archive: Archive, tmp_path: Path) -> None:
    """Zero bytes are stored and read as zero bytes."""
    (tmp_path / "empty").touch()
    await archive.put("t/case/empty", tmp_path / "empty")
    assert await archive.stat("t/case/empty") == ArchivedObject("t/case/empty", 0)
    assert await _content(archive, "t/case/empty") == b""


async def test_the_probe_passes_and_leaves_the_record_alone(archive: Archive) -> None:
    """A usable archive probes well, again and again, and shows no case in its listing."""
    await archive.probe()
    await archive.probe()
    assert await archive.keys("t/") == ()


async def test_a_file_that_is_gone_is_a_storage_error(archive: Archive, tmp_path: Path) -> None:
    """Putting a file that does not exist says so as StorageError."""
    with pytest.raises(StorageError):
        await archive.put("t/case/a", tmp_path / "nowhere")
