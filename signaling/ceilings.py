"""How often a customer may try what: counted in the journals of all his cases, at each try.

A call knows what there was when its customer came; meanwhile the same customer may try in another case.
"""

from collections.abc import Sequence

from contract.errors import Busy
from contract.facts import CaseCreated, Entry
from contract.identity_facts import ChecksLocked
from contract.ids import CaseId, CheckId
from contract.ports import CaseStore, Clock, Journal
from signaling.identity_plan import IdentityPlan
from signaling.memory import kind_of_try, locked_until


class Ceilings:
    """Reads, and tells in a journal that its customer used a kind of check up elsewhere."""

    def __init__(self, journal: Journal, cases: CaseStore, clock: Clock, plan: IdentityPlan) -> None:
        self._journal = journal
        self._cases = cases
        self._clock = clock
        self._plan = plan

    async def journals(self, case: CaseId) -> tuple[Sequence[Entry], ...]:
        """Return the journals of ``case`` and of its customer's cases in which a try may count."""
        own = await self._journal.read(case)
        created = next((entry.fact for entry in own if isinstance(entry.fact, CaseCreated)), None)
        if created is None:
            return (own,)
        since = self._clock.now() - self._plan.cool_down_s
        ref = created.pii_customer_ref
        recent = await self._cases.customer_cases(created.tenant, ref, newest=0, since=since)
        return (own, *[await self._journal.read(one) for one in recent if one != case])

    async def require(self, case: CaseId, kind: str, but: CheckId | None = None) -> None:
        """Raise Busy ``checks_used_up`` when the customer tried ``kind`` too often, not counting ``but``."""
        most = self._plan.tries.get(kind)
        if most is None:
            return
        journals = await self.journals(case)
        tries = [
            entry.at
            for journal in journals
            for entry in journal
            if kind_of_try(entry.fact) == kind and (but is None or getattr(entry.fact, "check", None) != but)
        ]
        until = locked_until(tries, most, self._plan.cool_down_s, self._clock.now())
        if until is not None:
            await self._tell(case, ChecksLocked(kind, until), journals[0])
            raise Busy("tried too often", code="checks_used_up")

    async def _tell(self, case: CaseId, lock: ChecksLocked, own: Sequence[Entry]) -> None:
        """Journal a lock, unless one of its kind still holds by the journal."""
        told = (entry.fact for entry in own if isinstance(entry.fact, ChecksLocked))
        if not any(fact.kind == lock.kind and fact.until > self._clock.now() for fact in told):
            await self._journal.append(case, lock)
