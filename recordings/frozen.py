"""The spool's copy of a record, frozen before it is archived, and let go when it is home."""

import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from contract.facts import Entry, dump_entry
from contract.ids import TenantId
from recordings import merge
from recordings.manifest import (
    JOURNAL,
    MANIFEST,
    ManifestFile,
    dump_manifest,
    load_manifest,
    make_manifest,
    manifest_sha256,
)
from recordings.signature import RECORD_SIGNATURE, VERSION, Signer, Statement, check_signature
from recordings.spool import make_dirs, replace_synced, sha256_of

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Frozen:
    """A record that no longer changes: what to upload, in order, with each hash; the manifest comes last.

    ``sha256`` is the manifest's, ``signed_by`` the name of the key, ``signed_at`` the time (seconds UTC).
    """

    names: dict[str, str]
    sha256: str
    bytes: int
    signed_by: str
    signed_at: float


def journal_bytes(entries: Sequence[Entry]) -> bytes:
    """Return the journal's file."""
    return b"".join(dump_entry(entry) + b"\n" for entry in entries)


def freeze(folder: Path, tenant: TenantId, entries: Sequence[Entry], now: float, signer: Signer) -> Frozen:
    """Write the journal's copy, signature and manifest, once: what stands there is what was uploaded.

    ``now`` is seconds UTC. Blocks. Raises OSError, and StorageError for papers that are damaged.
    """
    if not (folder / MANIFEST).is_file():
        make_dirs(folder, folder.parent)
        replace_synced(folder / JOURNAL, journal_bytes(entries))
        manifest = make_manifest(tenant, entries[0].case, now, entries[-1], tuple(_listed(folder)))
        content = dump_manifest(manifest)
        sha256 = manifest_sha256(content)
        statement = Statement(VERSION, tenant, manifest.case, sha256, manifest.journal, manifest.created_at)
        # Before the manifest, whose being there says that the record is whole.
        replace_synced(folder / RECORD_SIGNATURE, signer.sign(statement))
        replace_synced(folder / MANIFEST, content)
    content, signature = ((folder / name).read_bytes() for name in (MANIFEST, RECORD_SIGNATURE))
    files = load_manifest(content).files
    names = {file.path: file.sha256 for file in files}
    names[JOURNAL], journal_size = sha256_of(folder / JOURNAL)
    names[RECORD_SIGNATURE] = hashlib.sha256(signature).hexdigest()
    names[MANIFEST] = manifest_sha256(content)
    size = sum(file.bytes for file in files) + journal_size + len(signature) + len(content)
    signed = check_signature(signature)
    return Frozen(names, names[MANIFEST], size, signed.key, signed.statement.signed_at)


def _listed(folder: Path) -> Iterator[ManifestFile]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if (
            path.is_file()
            and name not in {JOURNAL, MANIFEST, RECORD_SIGNATURE}
            and not merge.is_unfinished(path)
        ):
            yield ManifestFile(name, *sha256_of(path))


def delete_listed(folder: Path) -> None:
    """Delete what the manifest lists, then it; what else is there was never archived and stays. Blocks."""
    if (folder / MANIFEST).is_file():
        for file in load_manifest((folder / MANIFEST).read_bytes()).files:
            (folder / file.path).unlink(missing_ok=True)
        (folder / JOURNAL).unlink(missing_ok=True)
        (folder / RECORD_SIGNATURE).unlink(missing_ok=True)
        (folder / MANIFEST).unlink()
    for path in sorted((p for p in folder.rglob("*") if p.is_dir()), reverse=True):
        with contextlib.suppress(OSError):
            path.rmdir()
    with contextlib.suppress(OSError):
        folder.rmdir()
    if folder.exists():
        _log.error("files that were never archived stay behind", case=folder.name)
