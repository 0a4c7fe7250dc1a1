"""The manifest: one byte form, one hash, and nothing in it that could name a file outside the record."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.errors import StorageError
from contract.facts import GENESIS, SpoolReleased, seal_entry
from contract.ids import CaseId, TenantId, new_case_id
from recordings.manifest import (
    Manifest,
    ManifestFile,
    dump_manifest,
    is_journal,
    journal_version,
    load_manifest,
    make_manifest,
    manifest_sha256,
)
from tests.recordings.encoded import START

_TENANT = TenantId("tenant-0000000000000000")
_CASE = new_case_id()
_HASH = hashlib.sha256(b"").hexdigest()


def manifest_of(*files: ManifestFile, case: CaseId = _CASE) -> Manifest:
    return make_manifest(_TENANT, case, START, seal_entry(3, START, case, SpoolReleased(0), GENESIS), files)


def altered(**changes: object) -> bytes:
    """Return a manifest's bytes with some top-level values changed, in the canonical form."""
    data = json.loads(dump_manifest(manifest_of(ManifestFile("a", _HASH, 0)))) | changes
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


_names = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/"), min_size=1).filter(
    lambda name: name not in (".", "..")
)
_paths = st.lists(_names, min_size=1, max_size=3).map("/".join)
_files = st.builds(
    ManifestFile,
    _paths,
    st.binary(max_size=4).map(lambda data: hashlib.sha256(data).hexdigest()),
    st.integers(0, 2**50),
)


@given(st.lists(_files, max_size=5, unique_by=lambda file: file.path), st.randoms())
def test_any_manifest_comes_back_and_has_one_form(files: list[ManifestFile], order: object) -> None:
    """Whatever order the files were found in, the bytes and the hash are the same, and load back."""
    manifest = manifest_of(*files)
    content = dump_manifest(manifest)
    assert load_manifest(content) == manifest
    assert dump_manifest(manifest_of(*reversed(files))) == content
    assert manifest_sha256(content) == hashlib.sha256(content).hexdigest()


def test_versions_of_the_journal_are_told_from_other_files() -> None:
    """The journal is not listed, under none of the names it is archived by."""
    assert is_journal("journal.jsonl")
    assert is_journal(journal_version(7))
    assert not is_journal("journal-7.jsonl")
    assert not is_journal("call/journal.jsonl")


def test_a_long_call_has_many_files() -> None:
    """A manifest may list more files than a wire message may list things."""
    files = [ManifestFile(f"call/track/{index:05d}.mkv", _HASH, 1) for index in range(3_000)]
    assert len(load_manifest(dump_manifest(manifest_of(*files))).files) == 3_000


@pytest.mark.parametrize("path", ["/etc/passwd", "../other", "a/../b", "a//b", "./a", "a/", ""])
def test_a_path_out_of_the_record_is_refused(path: str) -> None:
    """Only plain relative paths name files."""
    with pytest.raises(StorageError) as caught:
        load_manifest(altered(files=[{"path": path, "sha256": _HASH, "bytes": 0}]))
    assert caught.value.code == "manifest_damaged"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b"[" * 100_000,
        altered(version=2),
        altered(files=None),
        altered(files=[1]),
        altered(extra=1),
        altered(files=[{"path": "a", "sha256": "short", "bytes": 0}]),
        altered(files=[{"path": "a", "sha256": _HASH, "bytes": -1}]),
        altered(files=[{"path": "a", "sha256": _HASH, "bytes": 0}] * 2),
        altered(files=[{"path": name, "sha256": _HASH, "bytes": 0} for name in "ba"]),
        altered() + b"\n",
        json.dumps(json.loads(altered())).encode(),
    ],
)
def test_what_is_not_in_the_one_form_is_refused(content: bytes) -> None:
    """Other bytes would have another hash, so they are no manifest, even if they say the same."""
    with pytest.raises(StorageError) as caught:
        load_manifest(content)
    assert caught.value.code == "manifest_damaged"
