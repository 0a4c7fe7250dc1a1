"""A further agent who was asked for and has not come yet. Pure."""

from dataclasses import dataclass

from contract.ids import AccountId
from contract.phases import Role


@dataclass(frozen=True, slots=True)
class Invitation:
    """``role`` is GUEST, or AGENT for a transfer, which fails at ``until`` (monotonic seconds)."""

    role: Role
    agent: AccountId | None
    skill: str
    private: bool
    until: float | None = None

    @property
    def whom(self) -> str:
        """Whom one waits for, as long as no name is known."""
        return self.agent or self.skill or "anybody"
