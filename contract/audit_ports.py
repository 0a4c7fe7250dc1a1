"""Port of the auditors' queue: what waits, and who has which case before him; see ``contract.ports``."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from contract.ids import AccountId, CaseId, TenantId
from contract.phases import Verdict


@dataclass(frozen=True, slots=True)
class AuditLoad:
    """How many cases wait for an auditor, of all banks, and how many of them were due before now."""

    waiting: int
    overdue: int


@dataclass(frozen=True, slots=True)
class AuditClaim:
    """An auditor has this case before him, and nobody else is handed it ``until`` (seconds UTC)."""

    case: CaseId
    account: AccountId
    until: float


@dataclass(frozen=True, slots=True)
class LookCount:
    """How many cases of a bank were given these two verdicts, the second without sight of the first."""

    tenant: TenantId
    first: Verdict
    second: Verdict
    cases: int


class AuditQueue(Protocol):
    """The cases under audit, and the claims on them. Times are seconds UTC."""

    async def load(self, now: float) -> AuditLoad:
        """Return how many cases wait at ``now``."""
        ...

    async def waiting(self, tenant: TenantId, account: AccountId, now: float) -> tuple[CaseId, ...]:
        """Return what waits and nobody but ``account`` has claimed, the first due first.

        What has no due time was handed over before there were any, and comes first.
        """
        ...

    async def claim(self, case: CaseId, account: AccountId, now: float, until: float) -> bool:
        """Claim a case, or claim it for longer; return False when somebody else has it.

        Nobody has two: what he claimed before is free again.
        """
        ...

    async def release(self, case: CaseId, account: AccountId | None = None) -> None:
        """Give a case back that ``account`` has, None for whoever has it."""
        ...

    async def claims(self, cases: Collection[CaseId], now: float) -> tuple[AuditClaim, ...]:
        """Return the claims on ``cases`` that hold at ``now``."""
        ...

    async def looks(self) -> tuple[LookCount, ...]:
        """Return how the pairs of verdicts given unseen are spread, by bank; each case's newest pair."""
        ...
