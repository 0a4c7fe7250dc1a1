"""Is this record what was signed? Checks a folder or an archive against its manifest and journal.

Three things hold each other: the manifest lists the files, the journal's chain contains the manifest's
head, and the journal's facts (segments, evidence, merge, archive, audit) repeat the hashes of files and
manifest. To alter one file unseen, all three would have to be rewritten, every hash given out since would
differ, and the signature would have to be made again with the bank's key.
"""

import asyncio
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from cryptography.x509 import Certificate as Root

from contract.errors import StorageError
from contract.facts import (
    ArchiveVerified,
    ArchiveWritten,
    AuditSigned,
    Entry,
    RecordExported,
    RenderCompleted,
)
from contract.ids import CaseId, TenantId
from contract.keeping_facts import RecordTimestamped
from contract.ports import Archive
from recordings.case_files import files_of
from recordings.erasure import Certificate
from recordings.journal import JournalDamaged, load_chain
from recordings.manifest import MANIFEST, Manifest, ManifestFile, is_journal, load_manifest, manifest_sha256
from recordings.papers import PLAIN_PAPERS
from recordings.signature import (
    EXPORT_SIGNATURE,
    PAPERS,
    RECORD_SIGNATURE,
    SIGNATURES,
    TIMESTAMP,
    check_signature,
)
from recordings.spool import sha256_of
from recordings.timestamp import Stamped, check_timestamp


class FileVerdict(StrEnum):
    """What became of one file."""

    INTACT = "intact"
    MISSING = "missing"
    ALTERED = "altered"
    TRUNCATED = "truncated"
    EXTRA = "extra"


@dataclass(frozen=True, slots=True)
class FileReport:
    """One file's verdict; ``TRUNCATED`` is an altered file that is shorter than it was."""

    path: str
    verdict: FileVerdict


@dataclass(frozen=True, slots=True)
class SignatureReport:
    """A right signature over this record by the key of this name, over so many ``entries`` of its journal."""

    file: str
    key: str
    entries: int
    signed_at: float


@dataclass(frozen=True, slots=True)
class Found:
    """A file as it lies there."""

    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Report:
    """The whole verdict. ``problems`` are machine words about manifest and journal, empty when sound.

    ``manifest_missing``, ``manifest_damaged``, ``manifest_of_another_case``, ``journal_missing``,
    ``journal_damaged``, ``journal_torn``, ``journal_rewritten``, ``head_not_in_journal``,
    ``file_not_as_journaled``, ``journaled_file_not_listed``, ``manifest_not_as_journaled``,
    ``signature_missing``, ``signature_damaged``, ``signature_wrong``, ``signature_of_another_key``,
    ``signature_of_another_record``, ``timestamp_missing``, ``timestamp_damaged``, ``timestamp_wrong``,
    ``timestamp_of_another_record``. ``damaged_line`` is the journal's first line that is ``journal_damaged``,
    from 1; 0 where none is. Of an erased record there is its ``certificate``, and ``files`` are the
    objects that the archive did not let go.
    """

    manifest_sha256: str = ""
    entries: int = 0
    files: tuple[FileReport, ...] = ()
    problems: tuple[str, ...] = ()
    signatures: tuple[SignatureReport, ...] = ()
    stamped: Stamped | None = None
    certificate: Certificate | None = None
    damaged_line: int = 0

    @property
    def intact(self) -> bool:
        """Tell whether nothing at all is wrong."""
        return not self.problems and all(file.verdict is FileVerdict.INTACT for file in self.files)


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read of manifest and journal, and what was wrong with them."""

    manifest: Manifest | None
    manifest_sha256: str
    entries: tuple[Entry, ...]
    problems: list[str] = field(default_factory=list)
    damaged_line: int = 0


def judge(
    case: CaseId,
    manifest: bytes | None,
    journals: Sequence[bytes],
    found: Mapping[str, Found],
    signatures: Mapping[str, bytes],
    roots: Sequence[Root] = (),
) -> Report:
    """Return the verdict on a record; ``found`` maps every other file's path to what it is. Pure.

    ``journals`` are the versions of the journal in any order: the longest counts, and must begin with
    each of the others. ``signatures`` are the contents of signature files and of the timestamp by name;
    the timestamp is believed when one of ``roots`` vouches for it.
    """
    journal = max(journals, key=len, default=None)
    read = _read(case, manifest, journal)
    problems = read.problems
    if journal is not None and not all(journal.startswith(older) for older in journals):
        problems.append("journal_rewritten")
    if read.manifest is not None:
        problems += _chain_problems(read.manifest, read.entries)
        problems += _journaled_problems(read.manifest, read.manifest_sha256, read.entries)
    signed = tuple(_signatures(read, signatures, problems))
    problems += _signing_problems(read.entries, signatures, signed)
    stamped = _stamped(read.entries, signatures, roots, problems)
    files = tuple(_file_reports(read.manifest, found, read.entries, signed))
    told = tuple(dict.fromkeys(problems))
    return Report(
        read.manifest_sha256,
        len(read.entries),
        files,
        told,
        signed,
        stamped,
        damaged_line=read.damaged_line,
    )


def verify_folder(
    folder: Path, case: CaseId, journal: Path | None = None, roots: Sequence[Root] = ()
) -> Report:
    """Return the verdict on the record in ``folder``; the live journal may be named besides. Blocks."""
    versions = [path for path in folder.iterdir() if is_journal(path.name)] if folder.is_dir() else []
    journals = [*versions, journal] if journal else versions
    signatures = {name: data for name in PAPERS if (data := _content(folder / name)) is not None}
    own = {folder / MANIFEST, *journals, *(folder / name for name in (*signatures, *PLAIN_PAPERS))}
    others = sorted(path for path in folder.rglob("*") if path.is_file() and path not in own)
    found = {path.relative_to(folder).as_posix(): Found(*sha256_of(path)) for path in others}
    contents = [content for path in journals if (content := _content(path)) is not None]
    return judge(case, _content(folder / MANIFEST), contents, found, signatures, roots)


async def verify_archive(
    archive: Archive, tenant: TenantId, case: CaseId, roots: Sequence[Root] = ()
) -> Report:
    """Return the verdict on an archived record; every byte is read back."""
    prefix = f"{tenant}/{case}/"
    manifest: bytes | None = None
    journals: list[bytes] = []
    found: dict[str, Found] = {}
    signatures: dict[str, bytes] = {}
    for key in await archive.keys(prefix):
        name = key.removeprefix(prefix)
        if is_journal(name):
            journals.append(await _whole(archive, key))
        elif name in PAPERS:
            signatures[name] = await _whole(archive, key)
        elif name == MANIFEST:
            manifest = await _whole(archive, key)
        elif name not in PLAIN_PAPERS:
            found[name] = await found_in(archive, key)
    return await asyncio.to_thread(judge, case, manifest, journals, found, signatures, roots)


async def _whole(archive: Archive, key: str) -> bytes:
    return b"".join([block async for block in archive.read(key)])


async def found_in(archive: Archive, key: str) -> Found:
    """Return an object's hash and size; every byte is read."""
    digest, size = hashlib.sha256(), 0
    async for block in archive.read(key):
        await asyncio.to_thread(digest.update, block)
        size += len(block)
    return Found(digest.hexdigest(), size)


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _read(case: CaseId, manifest: bytes | None, journal: bytes | None) -> _Read:
    problems: list[str] = []
    loaded: Manifest | None = None
    entries: tuple[Entry, ...] = ()
    damaged_line = 0
    try:
        loaded = load_manifest(manifest) if manifest is not None else None
        problems += [] if loaded else ["manifest_missing"]
    except StorageError as error:
        problems.append(error.code)
    if loaded is not None and loaded.case != case:
        problems.append("manifest_of_another_case")
    try:
        entries, head = load_chain(journal or b"", case)
        problems += ["journal_torn"] if head.size < len(journal or b"") else []
        problems += [] if entries else ["journal_missing"]
    except JournalDamaged as error:
        problems.append(error.code)
        damaged_line = error.line
    return _Read(loaded, manifest_sha256(manifest or b"") if loaded else "", entries, problems, damaged_line)


def _chain_problems(manifest: Manifest, entries: tuple[Entry, ...]) -> Iterator[str]:
    head = manifest.journal
    if not 0 < head.seq <= len(entries) or entries[head.seq - 1].hash != head.hash:
        yield "head_not_in_journal"


def _journaled_problems(manifest: Manifest, sha256: str, entries: tuple[Entry, ...]) -> Iterator[str]:
    listed = {file.path: file.sha256 for file in manifest.files}
    for path, file in files_of(entries[: manifest.journal.seq]).items():
        if path not in listed:
            yield "journaled_file_not_listed"
        elif listed[path] != file.sha256:
            yield "file_not_as_journaled"
    for entry in entries[manifest.journal.seq :]:
        match entry.fact:
            case ArchiveWritten() | ArchiveVerified() | AuditSigned() as fact if (
                fact.manifest_sha256 != sha256
            ):
                yield "manifest_not_as_journaled"
            case _:
                continue


def _signatures(
    read: _Read, signatures: Mapping[str, bytes], problems: list[str]
) -> Iterator[SignatureReport]:
    """Yield the signatures that are right and about this record; add what is wrong to ``problems``."""
    for name, content in sorted(signatures.items()):
        if name not in SIGNATURES:
            continue
        try:
            signed = check_signature(content)
        except StorageError as error:
            problems.append(error.code)
            continue
        stated, head = signed.statement, signed.statement.journal
        manifest = read.manifest
        under = 0 < head.seq <= len(read.entries) and read.entries[head.seq - 1].hash == head.hash
        named = manifest is not None and (stated.tenant, stated.case) == (manifest.tenant, manifest.case)
        if under and named and stated.manifest_sha256 == read.manifest_sha256:
            yield SignatureReport(name, signed.key, head.seq, stated.signed_at)
        else:
            problems.append("signature_of_another_record")


def _stamped(
    entries: tuple[Entry, ...],
    papers: Mapping[str, bytes],
    roots: Sequence[Root],
    problems: list[str],
) -> Stamped | None:
    """Return what the timestamp says of the record's signature; add what is wrong to ``problems``."""
    token, signature = papers.get(TIMESTAMP), papers.get(RECORD_SIGNATURE)
    if token is None:
        told = any(isinstance(entry.fact, RecordTimestamped) for entry in entries)
        problems += ["timestamp_missing"] if told else []
        return None
    try:
        return check_timestamp(token, signature or b"", roots)
    except StorageError as error:
        problems.append(error.code)
        return None


def _signing_problems(
    entries: tuple[Entry, ...], signatures: Mapping[str, bytes], signed: Sequence[SignatureReport]
) -> Iterator[str]:
    """The journal tells which key signed the record when it was archived."""
    keys = [entry.fact.signed_by for entry in entries if isinstance(entry.fact, ArchiveWritten)]
    if not any(keys):
        return
    if RECORD_SIGNATURE not in signatures:
        yield "signature_missing"
    for report in signed:
        if report.file == RECORD_SIGNATURE and report.key != keys[-1]:
            yield "signature_of_another_key"


def _exported(entries: Sequence[Entry], signed: Sequence[SignatureReport]) -> Iterator[ManifestFile]:
    """Yield the marked film that goes with the signature of an export, by the last fact that it is over."""
    for report in signed:
        fact = entries[report.entries - 1].fact
        if report.file == EXPORT_SIGNATURE and isinstance(fact, RecordExported) and fact.file:
            yield ManifestFile(fact.file, fact.sha256, fact.bytes)


def _file_reports(
    manifest: Manifest | None,
    found: Mapping[str, Found],
    entries: Sequence[Entry],
    signed: Sequence[SignatureReport],
) -> Iterator[FileReport]:
    listed = {file.path: file for file in manifest.files} if manifest else {}
    if manifest is not None:
        # What was rendered since is held by the journal's chain alone.
        later = files_of(entry for entry in entries if isinstance(entry.fact, RenderCompleted))
        listed |= {n: ManifestFile(n, one.sha256, one.bytes) for n, one in later.items() if n not in listed}
        listed |= {file.path: file for file in _exported(entries, signed)}
    for path in sorted(listed.keys() | found.keys()):
        if path not in listed:
            verdict = FileVerdict.EXTRA
        elif path not in found:
            verdict = FileVerdict.MISSING
        elif found[path].bytes < listed[path].bytes:
            verdict = FileVerdict.TRUNCATED
        elif found[path] != Found(listed[path].sha256, listed[path].bytes):
            verdict = FileVerdict.ALTERED
        else:
            verdict = FileVerdict.INTACT
        yield FileReport(path, verdict)
