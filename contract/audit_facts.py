"""Facts of the audit, beside the signature itself; read them through ``contract.facts``."""

from dataclasses import dataclass

from contract.fact import Fact
from contract.ids import AccountId
from contract.phases import Verdict


@dataclass(frozen=True, slots=True)
class AuditDrawn(Fact):
    """The case left the agent, and by the policy's sampling plan it is audited or not.

    ``share`` (0 to 1) of all cases are drawn, by ``lot``: 16 hexadecimal digits of an HMAC-SHA-256 under a
    key of the house, read as a fraction of 2^64. What has ``grounds``, words of ``signaling.sampling``, is
    audited whatever the lot says. ``due_at`` (seconds UTC) is until when; None when nobody audits it.
    """

    drawn: bool
    share: float
    lot: str
    grounds: tuple[str, ...]
    policy: str
    policy_version: int
    due_at: float | None


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
    """A case that was signed, or not drawn, goes back to the auditors; ``was`` is what no longer stands.

    ``due_at`` (seconds UTC) is until when it is to be signed anew.
    """

    auditor: AccountId
    pii_reason: str
    was: Verdict
    due_at: float | None = None


@dataclass(frozen=True, slots=True)
class VerdictGiven(Fact):
    """A verdict on a case that was drawn for a second look; no signature yet.

    Whoever gives the next does not see this one. The second one is a signature where it is the same
    (``AuditSigned.agreed_with``), and else a fact of this kind with ``first``, the verdict that it
    contradicts; then a third auditor signs. ``share`` and ``lot`` are of the draw, see :class:`AuditDrawn`.
    """

    auditor: AccountId
    verdict: Verdict
    pii_reason: str
    manifest_sha256: str
    share: float
    lot: str
    first: Verdict | None = None
