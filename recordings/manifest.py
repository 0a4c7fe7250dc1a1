"""The manifest: every file of a record with its SHA-256, and the head of the journal it belongs to.

Pure. ``manifest.json`` is the canonical JSON of :class:`Manifest`, so that one record has one manifest
and one hash of it. The journal itself is not listed: it goes on growing (sign-off comes later) and is
held by its own chain from the head named here. Where nothing may be overwritten, it is added again as it
grows, as ``journal-<seq>.jsonl``; every version begins with the one before.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from contract import codec
from contract.errors import ProtocolError, StorageError
from contract.facts import Entry
from contract.ids import CaseId, TenantId

MANIFEST = "manifest.json"
JOURNAL = "journal.jsonl"
VERSION = 1
_JOURNAL_VERSION = re.compile(r"journal-\d{6,}\.jsonl")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """One file; ``path`` is relative to the case's folder, ``/``-separated."""

    path: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class JournalHead:
    """The journal's last entry when the manifest was made."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What belongs to the record. ``created_at`` in seconds UTC; ``files`` sorted by path."""

    version: int
    tenant: TenantId
    case: CaseId
    created_at: float
    journal: JournalHead
    files: tuple[ManifestFile, ...]


def journal_version(seq: int) -> str:
    """Return the archive's name for the journal as it stood after entry ``seq``."""
    return f"journal-{seq:06d}.jsonl"


def is_journal(name: str) -> bool:
    """Tell whether ``name`` is the journal or one of its versions."""
    return name == JOURNAL or _JOURNAL_VERSION.fullmatch(name) is not None


def make_manifest(
    tenant: TenantId, case: CaseId, created_at: float, last: Entry, files: tuple[ManifestFile, ...]
) -> Manifest:
    """Return the manifest of a record whose journal so far ends in ``last``."""
    ordered = tuple(sorted(files, key=lambda file: file.path))
    return Manifest(
        VERSION, tenant, case, round(float(created_at), 6), JournalHead(last.seq, last.hash), ordered
    )


def dump_manifest(manifest: Manifest) -> bytes:
    """Return the one byte form of a manifest."""
    return codec.canonical(codec.dump(manifest))


def manifest_sha256(content: bytes) -> str:
    """Return the hash that facts name the manifest by."""
    return hashlib.sha256(content).hexdigest()


def load_manifest(content: bytes) -> Manifest:
    """Return the manifest in ``content``.

    Raises:
        StorageError: not a manifest of this version, not in its one byte form, or a path in it is not
            a plain relative path listed once.
    """
    try:
        data = json.loads(content)
        files = data.pop("files")
        # The codec bounds lists for the wire; a long call has more files than that.
        manifest = codec.load(Manifest, data | {"files": []})
        listed = tuple(codec.load(ManifestFile, file) for file in files)
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError, ProtocolError) as error:
        raise StorageError("not a manifest", code="manifest_damaged") from error
    manifest = Manifest(
        manifest.version, manifest.tenant, manifest.case, manifest.created_at, manifest.journal, listed
    )
    if manifest.version != VERSION or dump_manifest(manifest) != content or not are_sound(listed):
        raise StorageError("not a manifest of this version", code="manifest_damaged")
    return manifest


def are_sound(files: tuple[ManifestFile, ...]) -> bool:
    """Tell whether these are plain relative paths, sorted, each once, with hashes and sizes."""
    paths = [file.path for file in files]
    return paths == sorted(set(paths)) and all(
        _is_plain(file.path) and _SHA256.fullmatch(file.sha256) is not None and file.bytes >= 0
        for file in files
    )


def _is_plain(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(parts) and "/".join(parts) == path and ".." not in parts and not path.startswith("/")
