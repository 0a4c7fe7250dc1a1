"""A further agent who was asked for and has not come yet. Pure."""

from dataclasses import dataclass, replace

from contract.ids import AccountId
from contract.phases import Role
from signaling.effects import Summon


@dataclass(frozen=True, slots=True)
class Invitation:
    """What the desk was asked; a transfer fails at ``until`` (monotonic seconds)."""

    asked: Summon
    until: float | None = None

    @property
    def role(self) -> Role:
        """GUEST, or AGENT for a transfer."""
        return self.asked.role

    @property
    def whom(self) -> str:
        """Whom one waits for, as long as no name is known."""
        return self.asked.agent or self.asked.skill or "anybody"

    def passed_on(self, account: AccountId) -> "Invitation":
        """Return this after ``account`` did not take it."""
        return replace(self, asked=replace(self.asked, passed=self.asked.passed | {account}))

    def wider(self) -> "Invitation":
        """Return this asked of more people: not by name only, then of any skill."""
        if self.asked.agent is not None:
            return replace(self, asked=replace(self.asked, agent=None))
        return replace(self, asked=replace(self.asked, skill=""))
