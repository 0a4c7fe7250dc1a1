"""Is this archive untouched? What can be told without the key of its record.

``sealed.json`` names every object of the day on which the record was archived, with the hash of its
ciphertext. What came later (grown journals, other renderings) is not in it and is not judged; whoever has
the key judges all with ``recordings.verify``.
"""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path

from contract.errors import StorageError
from contract.ids import CaseId, TenantId
from contract.ports import Archive
from recordings.cipher import MAGIC
from recordings.erasure import load_certificate
from recordings.manifest import MANIFEST, ManifestFile
from recordings.papers import CERTIFICATE, PLAIN_PAPERS, SEALED, SealedList, load_sealed
from recordings.spool import sha256_of
from recordings.verify import FileReport, FileVerdict, Found, Report, SignatureReport, found_in


def judge_sealed(case: CaseId, sealed: bytes | None, found: Mapping[str, Found]) -> Report:
    """Return the verdict on objects as they lie there; ``found`` maps names to what they are. Pure.

    ``problems``: ``sealed_missing``, ``sealed_of_another_case``, or as :func:`load_sealed` raises.
    """
    if sealed is None:
        return Report(problems=("sealed_missing",))
    try:
        told, key = load_sealed(sealed)
    except StorageError as error:
        return Report(problems=(error.code,))
    problems = () if told.case == case else ("sealed_of_another_case",)
    signed = SignatureReport(SEALED, key, 0, told.made_at)
    return Report(told.manifest_sha256, 0, tuple(_files(told, found)), problems, (signed,))


def judge_certificate(case: CaseId | None, paper: bytes, found: Mapping[str, Found]) -> Report:
    """Return the verdict on a certificate of deletion and on what still lies there. Pure.

    ``case`` is the one that was asked for, None for a certificate by itself. ``problems``:
    ``certificate_of_another_case``, or as :func:`load_certificate` raises.
    """
    try:
        told, key = load_certificate(paper)
    except StorageError as error:
        return Report(problems=(error.code,))
    problems = () if case in {None, told.case} else ("certificate_of_another_case",)
    listed = {one.path: one for one in told.objects}
    files = tuple(_left(name, listed.get(name), found[name]) for name in sorted(found.keys() - PLAIN_PAPERS))
    signed = SignatureReport(CERTIFICATE, key, 0, told.erased_at)
    return Report("", 0, files, problems, (signed,), certificate=told)


def _left(name: str, certified: ManifestFile | None, found: Found) -> FileReport:
    return FileReport(name, _verdict(certified, found) if certified else FileVerdict.EXTRA)


def _files(told: SealedList, found: Mapping[str, Found]) -> Iterator[FileReport]:
    return (FileReport(one.path, _verdict(one, found.get(one.path))) for one in told.objects)


def _verdict(listed: ManifestFile, found: Found | None) -> FileVerdict:
    if found is None:
        return FileVerdict.MISSING
    if found == Found(listed.sha256, listed.bytes):
        return FileVerdict.INTACT
    return FileVerdict.TRUNCATED if found.bytes < listed.bytes else FileVerdict.ALTERED


def is_sealed_folder(folder: Path) -> bool:
    """Tell whether ``folder`` is a copy of a record as the archive holds it, encrypted or erased. Blocks."""
    manifest = folder / MANIFEST
    if not manifest.is_file():
        return any((folder / name).is_file() for name in PLAIN_PAPERS)
    with manifest.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def verify_sealed_folder(folder: Path, case: CaseId) -> Report:
    """Return the verdict on such a folder, or on what was left of it by an erasure. Blocks."""
    paper, certificate = folder / SEALED, folder / CERTIFICATE
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    found = {path.relative_to(folder).as_posix(): Found(*sha256_of(path)) for path in files}
    if certificate.is_file():
        return judge_certificate(case, certificate.read_bytes(), found)
    return judge_sealed(case, paper.read_bytes() if paper.is_file() else None, found)


async def verify_erased_archive(below: Archive, tenant: TenantId, case: CaseId, certificate: bytes) -> Report:
    """Return the verdict on a certificate and on what still lies there of its case; all is read."""
    prefix = f"{tenant}/{case}/"
    found = {key.removeprefix(prefix): await found_in(below, key) for key in await below.keys(prefix)}
    return await asyncio.to_thread(judge_certificate, case, certificate, found)


async def verify_sealed_archive(below: Archive, tenant: TenantId, case: CaseId) -> Report:
    """Return the verdict on a record in the archive below the encryption; every byte is read."""
    prefix = f"{tenant}/{case}/"
    keys = await below.keys(prefix)
    paper = b"".join([b async for b in below.read(prefix + SEALED)]) if prefix + SEALED in keys else None
    found = {key.removeprefix(prefix): await found_in(below, key) for key in keys}
    return await asyncio.to_thread(judge_sealed, case, paper, found)
