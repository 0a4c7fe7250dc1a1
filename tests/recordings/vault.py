"""An archive with keys, as the service composes it, over any store."""

import secrets
from pathlib import Path

from contract.ids import CaseId, TenantId
from contract.ports import Archive, Keeping, WrappedKey
from recordings.archive_sealed import SealedArchive
from recordings.case_keys import CaseKeys, MasterKey


class KeyTable:
    """A key store in memory."""

    def __init__(self) -> None:
        self.rows: dict[CaseId, Keeping] = {}

    async def keeping(self, case: CaseId) -> Keeping | None:
        """Return the row."""
        return self.rows.get(case)

    async def add_key(self, case: CaseId, tenant: TenantId, key: WrappedKey) -> Keeping:
        """Keep the first key."""
        return self.rows.setdefault(case, Keeping(case, tenant, key))


def sealed(below: Archive, root: Path, table: KeyTable | None = None) -> SealedArchive:
    """Return ``below`` with encryption on top."""
    keys = CaseKeys(MasterKey(secrets.token_bytes(32)), table or KeyTable())
    return SealedArchive(below, keys, root / "sealing")


async def content(archive: Archive, key: str, offset: int = 0, length: int | None = None) -> bytes:
    """Return what an archive gives."""
    return b"".join([block async for block in archive.read(key, offset, length)])
