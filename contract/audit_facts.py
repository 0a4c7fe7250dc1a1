"""Facts of the audit, beside the signature itself; read them through ``contract.facts``."""

from dataclasses import dataclass

from contract.fact import Fact
from contract.ids import AccountId
from contract.phases import Verdict


@dataclass(frozen=True, slots=True)
class OverrideProposed(Fact):
    """An auditor would approve although ``grounds`` speak against it; a second one must confirm.

    The grounds are words of ``signaling.sign_off``.
    """

    auditor: AccountId
    pii_reason: str
    grounds: tuple[str, ...]
    manifest_sha256: str


@dataclass(frozen=True, slots=True)
class AuditReopened(Fact):
    """A signed case goes back to the auditors; ``was`` is the verdict that no longer stands."""

    auditor: AccountId
    pii_reason: str
    was: Verdict
