"""Whose turn it is with a case that no call holds: the customer's own link, or the bank's app beside it."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from contract.facts import CaseAdvanced, Entry
from contract.ids import CaseId
from contract.phases import CasePhase


class Turns:
    """A lock for each case, kept while somebody holds or awaits it.

    Who has the turn reads the journal first: what was read before the wait may not hold any more.
    """

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[CaseId, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, case: CaseId) -> AsyncIterator[None]:
        """Wait for the turn, and hold it."""
        lock = self._locks.setdefault(case, asyncio.Lock())
        async with lock:
            yield


def phase_of(entries: Iterable[Entry]) -> CasePhase:
    """Return the phase that a case is in by its journal, which the search lags behind."""
    phase = CasePhase.CREATED
    for entry in entries:
        if isinstance(entry.fact, CaseAdvanced):
            phase = entry.fact.now
    return phase
