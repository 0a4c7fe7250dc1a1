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
from recordings.manifest import MANIFEST, ManifestFile
from recordings.papers import SEALED, SealedList, load_sealed
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


def _files(told: SealedList, found: Mapping[str, Found]) -> Iterator[FileReport]:
    return (FileReport(one.path, _verdict(one, found.get(one.path))) for one in told.objects)


def _verdict(listed: ManifestFile, found: Found | None) -> FileVerdict:
    if found is None:
        return FileVerdict.MISSING
    if found == Found(listed.sha256, listed.bytes):
        return FileVerdict.INTACT
    return FileVerdict.TRUNCATED if found.bytes < listed.bytes else FileVerdict.ALTERED


def is_sealed_folder(folder: Path) -> bool:
    """Tell whether ``folder`` is a copy of an encrypted record as the archive holds it. Blocks."""
    manifest = folder / MANIFEST
    if not manifest.is_file():
        return (folder / SEALED).is_file()
    with manifest.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def verify_sealed_folder(folder: Path, case: CaseId) -> Report:
    """Return the verdict on such a folder. Blocks."""
    paper = folder / SEALED
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    found = {path.relative_to(folder).as_posix(): Found(*sha256_of(path)) for path in files}
    return judge_sealed(case, paper.read_bytes() if paper.is_file() else None, found)


async def verify_sealed_archive(below: Archive, tenant: TenantId, case: CaseId) -> Report:
    """Return the verdict on a record in the archive below the encryption; every byte is read."""
    prefix = f"{tenant}/{case}/"
    keys = await below.keys(prefix)
    paper = b"".join([b async for b in below.read(prefix + SEALED)]) if prefix + SEALED in keys else None
    found = {key.removeprefix(prefix): await found_in(below, key) for key in keys}
    return await asyncio.to_thread(judge_sealed, case, paper, found)
