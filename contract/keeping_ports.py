"""Ports of what is kept and for how long: case keys, holds, due times; see ``contract.ports``."""

from dataclasses import dataclass, field
from typing import Protocol

from contract.ids import CaseId, TenantId


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A case's data key, encrypted by the master key of this name."""

    master: str
    wrapped: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Keeping:
    """How one case is kept.

    ``key`` is None before anything was archived under it, and for ever after ``erased_at``. ``due_at``
    (seconds UTC) is when its retention ends, None while that is not known. ``settled`` tells whether the
    archive was told of what stands here. ``certificate`` is the signed proof of deletion, empty until then.
    """

    case: CaseId
    tenant: TenantId
    key: WrappedKey | None = None
    held: bool = False
    due_at: float | None = None
    settled: bool = False
    erased_at: float | None = None
    certificate: str = ""


class KeyStore(Protocol):
    """The wrapped keys of cases."""

    async def keeping(self, case: CaseId) -> Keeping | None:
        """Return how the case is kept, None when nothing was noted yet."""
        ...

    async def add_key(self, case: CaseId, tenant: TenantId, key: WrappedKey) -> Keeping:
        """Give the case its key, unless it has one or was erased; return what stands then."""
        ...


class KeepingStore(KeyStore, Protocol):
    """One row a case, which outlives all others of it."""

    async def note(
        self, case: CaseId, tenant: TenantId, *, held: bool, due_at: float | None, settled_at: float | None
    ) -> None:
        """Note what the case's journal says of its keeping; nothing changes of an erased case but settled.

        ``settled_at`` is when the archive was told of it, None while it was not.
        """
        ...

    async def unsettled(self, limit: int) -> tuple[Keeping, ...]:
        """Return cases of whose keeping the archive was not told yet."""
        ...

    async def undated(self, before: float, limit: int) -> tuple[Keeping, ...]:
        """Return cases without a date whose archive was last told ``before``, the longest ago first."""
        ...

    async def due(self, now: float, limit: int) -> tuple[Keeping, ...]:
        """Return the cases that are neither held nor erased and were due before ``now``, the oldest first."""
        ...

    async def erase(self, case: CaseId, certificate: str, at: float) -> Keeping:
        """Destroy the case's key and every row of it but this one, in one step; return what stands then.

        A case that was erased before keeps its first certificate.

        Raises:
            NotFound: nothing was ever noted of this case.
        """
        ...
