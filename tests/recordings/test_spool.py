"""The spool: where things lie, and that what was written is there or not at all."""

import hashlib
import multiprocessing
import os
from pathlib import Path

import pytest

from contract.errors import NotFound
from contract.ids import CallId, CaseId, TrackId, new_track_id
from recordings import spool as spool_module
from recordings.spool import (
    Spool,
    create_first,
    create_synced,
    make_dirs,
    replace_synced,
    sha256_of,
    write_all,
)


def test_paths_follow_the_layout(spool: Spool, case: CaseId, call: CallId) -> None:
    """Case, call, track, evidence; and facts name files relative to the case."""
    track = new_track_id()
    folder = spool.track_dir(case, call, track)
    assert folder == spool.root / case / call / track
    assert spool.call_dir(case, call) == folder.parent
    assert spool.evidence_dir(case) == spool.root / case / "evidence"
    assert spool.name_of(case, folder / "00000.mkv") == f"{call}/{track}/00000.mkv"
    assert spool.file(case, f"{call}/{track}/00000.mkv") == folder / "00000.mkv"


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../other", "a/../../b", "a\0b", "."])
def test_no_name_leads_out_of_the_case(spool: Spool, case: CaseId, name: str) -> None:
    """Names come from the network: what climbs or is absolute is not found."""
    with pytest.raises(NotFound):
        spool.file(case, name)


@pytest.mark.parametrize("wrong", ["..", "", "case", "case-0000000000000000/.."])
def test_only_ids_become_folders(spool: Spool, wrong: str) -> None:
    """Ids are checked before they become paths."""
    with pytest.raises(ValueError, match="not an id"):
        spool.case_dir(CaseId(wrong))
    with pytest.raises(ValueError, match="not an id"):
        spool.track_dir(CaseId("case-0000000000000000"), CallId("call-0000000000000000"), TrackId(wrong))


def test_folders_are_made_for_the_owner_only(tmp_path: Path) -> None:
    """From the root down, whatever is missing, again and again."""
    root = tmp_path / "data" / "spool"
    for _ in range(2):
        make_dirs(root / "a" / "b", root)
    assert [path.stat().st_mode & 0o777 for path in (root, root / "a", root / "a" / "b")] == [0o700] * 3


def test_a_file_is_created_once(tmp_path: Path) -> None:
    """A taken name is an error, and the first content stays."""
    create_synced(tmp_path / "a", b"first")
    with pytest.raises(FileExistsError):
        create_synced(tmp_path / "a", b"second")
    assert (tmp_path / "a").read_bytes() == b"first"
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600


def test_a_failed_creation_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full in the middle: the name is free again."""

    def full(descriptor: int, data: bytes) -> None:
        write_all(descriptor, data[:2])
        raise OSError("full")

    monkeypatch.setattr(spool_module, "write_all", full)
    with pytest.raises(OSError, match="full"):
        create_synced(tmp_path / "a", b"content")
    assert list(tmp_path.iterdir()) == []


def test_replacing_shows_the_old_or_the_new(tmp_path: Path) -> None:
    """The content changes in one step, a remainder of an earlier try does not disturb."""
    (tmp_path / "a.part").write_bytes(b"from a crash")
    replace_synced(tmp_path / "a", b"first")
    replace_synced(tmp_path / "a", b"second")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"second"


def test_the_first_content_stays(tmp_path: Path) -> None:
    """Who comes later finds the file made."""
    for content in (b"first", b"second"):
        create_first(tmp_path / "key", content)
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
    assert (tmp_path / "key").read_bytes() == b"first"


@pytest.mark.parametrize("step", ["fsync", "replace", "link", "unlink"])
def test_a_killed_creation_leaves_no_second_name(tmp_path: Path, step: str) -> None:
    """Whatever a process was killed before: after the next start there is the file and nothing else."""
    child = multiprocessing.get_context("fork").Process(target=_die_at, args=(step, tmp_path / "key"))
    child.start()
    child.join()
    create_first(tmp_path / "key", b"next")
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
    assert (tmp_path / "key").read_bytes() == (b"next" if child.exitcode == _KILLED else b"first")


_KILLED = 9


def _die_at(step: str, path: Path) -> None:
    def die(*_: object, **__: object) -> None:
        os._exit(_KILLED)

    for module in (os, Path):
        if hasattr(module, step):
            setattr(module, step, die)
    create_first(path, b"first")
    os._exit(0)


def test_hash_and_size_are_of_the_whole_file(tmp_path: Path) -> None:
    """Across blocks, and for nothing at all."""
    for content in (b"", b"x" * ((1 << 20) + 1)):
        (tmp_path / "a").write_bytes(content)
        assert sha256_of(tmp_path / "a") == (hashlib.sha256(content).hexdigest(), len(content))
