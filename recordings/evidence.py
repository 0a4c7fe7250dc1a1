"""Evidence: pictures and shared files, written once, hashed, synced; pictures are journaled here too."""

import asyncio
import errno
import hashlib
from pathlib import Path

from contract.errors import NotFound, StorageError, WrongPhase
from contract.facts import EvidenceStored, FileShared
from contract.ids import CaseId, EvidenceId, is_id
from contract.phases import EvidenceKind
from contract.ports import Evidence, ImageFinding, Journal
from recordings.spool import Spool, create_synced, make_dirs

_SUFFIXES = {"image/jpeg": ".jpg", "image/png": ".png", "application/json": ".json"}
_SHARED_SUFFIXES = frozenset({".jpg", ".png", ".webp", ".pdf", ".txt"})
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class FileEvidence:
    """Implements ``contract.ports.EvidenceStore`` in the cases' ``evidence`` folders of the spool."""

    def __init__(self, spool: Spool, journal: Journal) -> None:
        self._spool = spool
        self._journal = journal

    async def store(
        self,
        case: CaseId,
        evidence: EvidenceId,
        kind: EvidenceKind,
        data: bytes,
        image: ImageFinding,
        source: str,
    ) -> Evidence:
        """See the port. A picture whose fact could not be journaled is not kept."""
        path = self._path(case, evidence, _SUFFIXES.get(image.media_type, ""))
        sha256 = await asyncio.to_thread(self._write, path, data)
        name = self._spool.name_of(case, path)
        fact = EvidenceStored(
            evidence=evidence,
            kind=kind,
            file=name,
            media_type=image.media_type,
            sha256=sha256,
            bytes=len(data),
            width=image.width,
            height=image.height,
            sharpness=image.sharpness,
            source=source,
        )
        try:
            await self._journal.append(case, fact)
        except StorageError:
            await asyncio.to_thread(path.unlink)
            raise
        return Evidence(evidence, case, kind, name, image.media_type, sha256, len(data))

    async def store_file(
        self, case: CaseId, evidence: EvidenceId, data: bytes, media_type: str, suffix: str
    ) -> Evidence:
        """See the port."""
        path = self._path(case, evidence, suffix if suffix in _SHARED_SUFFIXES else "")
        sha256 = await asyncio.to_thread(self._write, path, data)
        name = self._spool.name_of(case, path)
        return Evidence(evidence, case, EvidenceKind.SHARED_FILE, name, media_type, sha256, len(data))

    async def withdraw(self, case: CaseId, evidence: EvidenceId) -> None:
        """See the port."""
        await asyncio.to_thread(self._remove, self._path(case, evidence, ".*"))

    async def read(self, case: CaseId, evidence: EvidenceId) -> bytes:
        """See the port."""
        for entry in await self._journal.read(case):
            if isinstance(entry.fact, EvidenceStored | FileShared) and entry.fact.evidence == evidence:
                return await asyncio.to_thread(_read, self._spool.file(case, entry.fact.file), entry.fact)
        raise NotFound("no such evidence")

    def _path(self, case: CaseId, evidence: EvidenceId, suffix: str) -> Path:
        if not is_id(evidence) or not suffix:
            raise ValueError("not an evidence id, or not a type that is kept")
        return self._spool.evidence_dir(case) / (evidence + suffix)

    def _write(self, path: Path, data: bytes) -> str:
        try:
            make_dirs(path.parent, self._spool.root)
            if any(path.parent.glob(f"{path.stem}.*")):
                raise WrongPhase("this evidence was stored before", code="evidence_stored")
            create_synced(path, data)
        except FileExistsError as error:
            raise WrongPhase("this evidence was stored before", code="evidence_stored") from error
        except OSError as error:
            full = "disk_full" if error.errno in _FULL else None
            raise StorageError(f"evidence cannot be written: {error.strerror}", code=full) from error
        return hashlib.sha256(data).hexdigest()

    def _remove(self, pattern: Path) -> None:
        try:
            for path in pattern.parent.glob(pattern.name):
                path.unlink()
        except OSError as error:
            raise StorageError(f"evidence cannot be removed: {error.strerror}") from error


def _read(path: Path, fact: EvidenceStored | FileShared) -> bytes:
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise NotFound("this evidence is no longer here") from error
    except OSError as error:
        raise StorageError(f"evidence cannot be read: {error.strerror}") from error
    if hashlib.sha256(data).hexdigest() != fact.sha256:
        raise StorageError("evidence is not what was stored", code="evidence_altered")
    return data
