"""Evidence: pictures written once, hashed, synced, and journaled."""

import asyncio
import hashlib
from pathlib import Path

from contract.errors import NotFound, StorageError, WrongPhase
from contract.facts import EvidenceStored
from contract.ids import CaseId, EvidenceId, is_id
from contract.phases import EvidenceKind
from contract.ports import Evidence, ImageFinding, Journal
from recordings.spool import Spool, create_synced, make_dirs

_SUFFIXES = {"image/jpeg": ".jpg", "image/png": ".png"}


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
        path = self._path(case, evidence, image.media_type)
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

    async def read(self, case: CaseId, evidence: EvidenceId) -> bytes:
        """See the port."""
        for entry in await self._journal.read(case):
            if isinstance(entry.fact, EvidenceStored) and entry.fact.evidence == evidence:
                return await asyncio.to_thread(_read, self._spool.file(case, entry.fact.file), entry.fact)
        raise NotFound("no such evidence")

    def _path(self, case: CaseId, evidence: EvidenceId, media_type: str) -> Path:
        if not is_id(evidence) or media_type not in _SUFFIXES:
            raise ValueError("not an evidence id, or not a picture")
        return self._spool.evidence_dir(case) / (evidence + _SUFFIXES[media_type])

    def _write(self, path: Path, data: bytes) -> str:
        try:
            make_dirs(path.parent, self._spool.root)
            if any(path.parent.glob(f"{path.stem}.*")):
                raise WrongPhase("this evidence was stored before", code="evidence_stored")
            create_synced(path, data)
        except FileExistsError as error:
            raise WrongPhase("this evidence was stored before", code="evidence_stored") from error
        except OSError as error:
            raise StorageError(f"evidence cannot be written: {error.strerror}") from error
        return hashlib.sha256(data).hexdigest()


def _read(path: Path, fact: EvidenceStored) -> bytes:
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise NotFound("this evidence is no longer here") from error
    except OSError as error:
        raise StorageError(f"evidence cannot be read: {error.strerror}") from error
    if hashlib.sha256(data).hexdigest() != fact.sha256:
        raise StorageError("evidence is not what was stored", code="evidence_altered")
    return data
