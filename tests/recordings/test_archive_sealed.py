"""Encryption on top of an archive: what lies below, what comes out, and what a destroyed key means."""

import dataclasses
import os
import random
import secrets
from pathlib import Path

import pytest

from contract.errors import NotFound, StorageError
from contract.ids import CaseId, new_case_id
from recordings.archive_directory import DirectoryArchive
from recordings.case_keys import CaseKeys, MasterKey, open_master_key
from recordings.cipher import CHUNK_BYTES, MAGIC, sealed_size
from recordings.papers import CERTIFICATE, SEALED
from recordings.spool import sha256_of
from tests.recordings.desk import TENANT, MoodyArchive
from tests.recordings.vault import KeyTable, content, sealed

_BIG = random.Random(11).randbytes(5 * CHUNK_BYTES + 17)


@pytest.fixture
def big(tmp_path: Path) -> Path:
    path = tmp_path / "merged.mp4"
    path.write_bytes(_BIG)
    return path


@pytest.fixture
def key(case: CaseId) -> str:
    return f"{TENANT}/{case}/merged.mp4"


async def test_ciphertext_below_and_the_file_above(tmp_path: Path, big: Path, key: str) -> None:
    """The store holds no byte of it as it was; what is told of the object is what lies there."""
    archive = sealed(DirectoryArchive(tmp_path / "archive"), tmp_path)
    stored = await archive.put(key, big)
    lies = tmp_path / "archive" / key

    assert await content(archive, key) == _BIG
    assert await content(archive, key, 3 * CHUNK_BYTES - 5, 10) == _BIG[3 * CHUNK_BYTES - 5 :][:10]
    found = await archive.stat(key)
    assert found is not None
    assert found.bytes == len(_BIG)
    assert (stored.sha256, stored.bytes) == sha256_of(lies)
    assert stored.bytes == sealed_size(len(_BIG))
    assert lies.read_bytes().startswith(MAGIC)
    assert _BIG[:64] not in lies.read_bytes()
    assert await archive.put(key, big) == stored
    assert not list((tmp_path / "sealing").iterdir())


async def test_a_range_fetches_its_own_chunks_only(tmp_path: Path, big: Path, key: str) -> None:
    """Seeking in a long film does not read what lies before."""
    below = MoodyArchive(DirectoryArchive(tmp_path / "archive"))
    archive = sealed(below, tmp_path)
    await archive.put(key, big)
    below.fetched.clear()
    await content(archive, key, 4 * CHUNK_BYTES + 3, 100)
    await content(archive, key, 4 * CHUNK_BYTES + 300, 100)
    assert [length for _, _, length in below.fetched] == [32, CHUNK_BYTES + 16, CHUNK_BYTES + 16]


async def test_an_altered_object_is_not_played(tmp_path: Path, big: Path, key: str) -> None:
    """One bit, anywhere: the stretch that holds it does not come, others do."""
    archive = sealed(DirectoryArchive(tmp_path / "archive"), tmp_path)
    await archive.put(key, big)
    lies = tmp_path / "archive" / key
    lies.chmod(0o600)
    data = bytearray(lies.read_bytes())
    data[2 * CHUNK_BYTES] ^= 4
    lies.write_bytes(data)
    assert await content(archive, key, 4 * CHUNK_BYTES, 9) == _BIG[4 * CHUNK_BYTES :][:9]
    with pytest.raises(StorageError) as caught:
        await content(archive, key)
    assert caught.value.code == "archive_altered"


async def test_a_destroyed_key_opens_nothing_from_then_on(
    tmp_path: Path, big: Path, key: str, case: CaseId
) -> None:
    """Also not in the process that had read before; nothing new is put either."""
    table = KeyTable()
    archive = sealed(DirectoryArchive(tmp_path / "archive"), tmp_path, table)
    await archive.put(key, big)
    assert await content(archive, key, 0, 5) == _BIG[:5]
    table.rows[case] = dataclasses.replace(table.rows[case], key=None, erased_at=1.0)
    with pytest.raises(NotFound) as caught:
        await content(archive, key, 0, 5)
    assert caught.value.code == "erased"
    with pytest.raises(NotFound):
        await archive.put(f"{TENANT}/{case}/b", big)


async def test_papers_and_old_records_are_read_as_they_lie(tmp_path: Path, big: Path, case: CaseId) -> None:
    """Without any key."""
    below = DirectoryArchive(tmp_path / "archive")
    archive = sealed(below, tmp_path)
    old, paper = f"{TENANT}/{case}/old.mp4", f"{TENANT}/{case}/{SEALED}"
    await below.put(old, big)
    await archive.put(paper, big)
    proof = f"{TENANT}/{case}/{CERTIFICATE}"
    await archive.put(proof, big)
    for name in (old, paper):
        assert await content(archive, name, 7, 9) == _BIG[7:16]
        assert await archive.stat(name) == await below.stat(name)
    assert (tmp_path / "archive" / paper).read_bytes() == _BIG
    assert await archive.stat(f"{TENANT}/{case}/none") is None
    assert await archive.keys(f"{TENANT}/{case}/") == tuple(
        sorted((old, paper, f"{TENANT}/{case}/{CERTIFICATE}"))
    )


async def test_a_file_that_changes_while_it_is_read_is_not_stored(
    tmp_path: Path, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two contents under one salt would give their difference away."""
    path = tmp_path / "growing"
    path.write_bytes(b"one")
    archive = sealed(DirectoryArchive(tmp_path / "archive"), tmp_path)
    monkeypatch.setattr("recordings.archive_sealed.sha256_of", lambda path: ("00" * 32, 3))
    with pytest.raises(StorageError) as caught:
        await archive.put(key, path)
    assert caught.value.code == "file_changed"
    assert await archive.keys("") == ()


async def test_a_wrapped_key_is_bound_to_its_case_and_master(tmp_path: Path, case: CaseId) -> None:
    """Moved to another case, damaged, or under another master key it opens nothing."""
    table = KeyTable()
    master = open_master_key(tmp_path / "keys" / "archive.key")
    made = await CaseKeys(master, table).of_writer(TENANT, case)
    again = CaseKeys(open_master_key(tmp_path / "keys" / "archive.key"), table)
    assert await again.of_writer(TENANT, case) == await again.of_reader(TENANT, case) == made
    assert made not in (table.rows[case].key or pytest.fail("no key")).wrapped

    other = new_case_id()
    table.rows[other] = table.rows[case]
    with pytest.raises(StorageError) as caught:
        await again.of_reader(TENANT, other)
    assert caught.value.code == "case_key_damaged"
    with pytest.raises(StorageError) as caught:
        await CaseKeys(MasterKey(secrets.token_bytes(32)), table).of_reader(TENANT, case)
    assert caught.value.code == "master_key_other"
    with pytest.raises(NotFound):
        await again.of_reader(TENANT, new_case_id())


def test_the_master_key_is_ours_alone_and_whole(tmp_path: Path) -> None:
    """Owner only; a file that holds something else is refused."""
    path = tmp_path / "keys" / "archive.key"
    open_master_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(path.parent) == ["archive.key"]
    path.write_bytes(b"short")
    with pytest.raises(StorageError) as caught:
        open_master_key(path)
    assert caught.value.code == "key_unusable"
    with pytest.raises(StorageError):
        open_master_key(path / "below-a-file")
