"""The directory archive: what is particular to files."""

import asyncio
import errno
import os
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx

from contract.errors import NotFound, StorageError
from recordings import archive_directory
from recordings.archive_directory import DirectoryArchive


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "archive"


@pytest.fixture
def archive(root: Path) -> DirectoryArchive:
    return DirectoryArchive(root)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(b"a record")
    return path


async def test_files_are_read_only_and_alone(archive: DirectoryArchive, root: Path, source: Path) -> None:
    """One file per key, mode 0444, and nothing temporary beside it."""
    await archive.put("t/case/a", source)
    assert [path.name for path in (root / "t/case").iterdir()] == ["a"]
    assert (root / "t/case/a").stat().st_mode & 0o777 == 0o444


async def test_the_event_loop_is_never_blocked(archive: DirectoryArchive, source: Path) -> None:
    """Every file operation runs in a thread."""
    with blockbuster_ctx():
        await archive.put("t/case/a", source)
        await archive.put("t/case/a", source)
        assert [block async for block in archive.read("t/case/a", 2, 3)] == [b"rec"]
        assert await archive.stat("t/case/a") is not None
        assert await archive.keys("") == ("t/case/a",)
        await archive.probe()


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../a", "t/../a", "t//a", "./a", "t/"])
async def test_no_key_leads_out_of_the_archive(archive: DirectoryArchive, source: Path, key: str) -> None:
    """A key that climbs or is not in its plain form is a mistake of the caller."""
    with pytest.raises(ValueError, match="not a key"):
        await archive.put(key, source)
    with pytest.raises(ValueError, match="not a key"):
        await archive.stat(key)


async def test_of_two_writers_one_wins(archive: DirectoryArchive, source: Path, tmp_path: Path) -> None:
    """Two processes put different contents at once: one is stored, the other told; equal ones agree."""
    other = tmp_path / "other"
    other.write_bytes(b"another!")
    results = await asyncio.gather(
        *(archive.put("t/case/a", path) for path in (source, source, other, other)), return_exceptions=True
    )
    assert (
        sorted(str(result) for result in results if isinstance(result, Exception))
        == ["archive holds another content under this key"] * 2
    )


async def test_a_name_taken_in_the_last_moment_is_seen(
    archive: DirectoryArchive, root: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between looking and naming another writer came first: its content stays, the temporary file goes."""
    link = os.link

    def late(part: Path, target: Path) -> None:
        target.write_bytes(b"was first")
        link(part, target)

    monkeypatch.setattr(os, "link", late)
    with pytest.raises(StorageError) as caught:
        await archive.put("t/case/a", source)
    assert caught.value.code == "archive_conflict"
    assert [path.read_bytes() for path in (root / "t/case").iterdir()] == [b"was first"]


def killed_at(step: str, root: Path, source: Path) -> None:
    """Put in a process of its own that dies when it would call this function of ``os``."""
    child = os.fork()
    if child == 0:
        setattr(os, step, lambda *_: os._exit(9))
        DirectoryArchive(root)._put("t/case/a", source)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


@pytest.mark.parametrize("step", ["fchmod", "link", "unlink"])
async def test_a_killed_writer_leaves_nothing_for_ever(
    archive: DirectoryArchive, root: Path, source: Path, step: str
) -> None:
    """Wherever it died, the next one that puts the file tidies up; so does who removes the record."""
    await asyncio.to_thread(killed_at, step, root, source)
    [part] = (root / "t/case").glob(".*")
    assert await archive.keys("") == (("t/case/a",) if step == "unlink" else ())
    await archive.put("t/case/a", source)
    assert [path.name for path in (root / "t/case").iterdir()] == ["a"]
    part.write_bytes(b"left")
    assert await archive.remove("t/case/", frozenset()) == ()
    assert not (root / "t/case").exists() or not list((root / "t/case").iterdir())


async def test_who_still_writes_is_left_alone(
    archive: DirectoryArchive, root: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second writer of the same file takes nothing away from the first."""
    link = os.link

    def second_first(part: Path, target: Path) -> None:
        monkeypatch.setattr(os, "link", link)
        DirectoryArchive(root)._put("t/case/a", source)
        link(part, target)

    monkeypatch.setattr(os, "link", second_first)
    await archive.put("t/case/a", source)
    assert [path.name for path in (root / "t/case").iterdir()] == ["a"]


async def test_a_full_disk_leaves_nothing(
    archive: DirectoryArchive, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The upload fails, and may be tried again."""

    def full(descriptor: int, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(archive_directory, "write_all", full)
        with pytest.raises(StorageError, match="No space left"):
            await archive.put("t/case/a", source)
    assert await archive.keys("") == ()
    await archive.put("t/case/a", source)


async def test_a_folder_is_no_object(archive: DirectoryArchive, source: Path) -> None:
    """A key that is the beginning of others holds nothing itself, and nothing lies below a file."""
    await archive.put("t/case/a", source)
    with pytest.raises(NotFound):
        await anext(archive.read("t/case"))
    with pytest.raises(NotFound):
        await anext(archive.read("t/case/a/b"))
    assert await archive.stat("t/case") is None
    assert await archive.stat("t/case/a/b") is None


async def test_a_disk_that_forgets_is_found_out(
    archive: DirectoryArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The probe compares what it reads with what it wrote."""
    monkeypatch.setattr(Path, "read_bytes", lambda self: b"")
    with pytest.raises(StorageError, match="other bytes"):
        await archive.probe()


async def test_a_root_that_is_a_file_is_explained(tmp_path: Path, source: Path) -> None:
    """The probe says that the directory cannot be used, before a record depends on it."""
    archive = DirectoryArchive(source)
    with pytest.raises(StorageError, match="not usable"):
        await archive.probe()
    with pytest.raises(StorageError):
        await archive.put("t/case/a", source)


async def test_a_failing_disk_is_a_storage_error(
    archive: DirectoryArchive, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading that fails in the middle is not the end of the file."""
    await archive.put("t/case/a", source)

    def broken(*arguments: object) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", broken)
        with pytest.raises(StorageError, match="Input/output"):
            await anext(archive.read("t/case/a"))
    with monkeypatch.context() as patch:
        patch.setattr(Path, "stat", broken)
        with pytest.raises(StorageError, match="Input/output"):
            await archive.stat("t/case/a")
