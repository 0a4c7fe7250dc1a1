"""Facts of one call on their way to the journal, in order."""

import asyncio
from contextlib import suppress

import structlog
from prometheus_client import Counter

from contract.errors import StorageError
from contract.fact import Fact
from contract.ids import CaseId
from contract.ports import Journal

_log = structlog.get_logger(__name__)
_LOST = Counter("teller_live_lost_facts", "Facts of live checks that were not journaled", ["why"])

# A challenge tells a dozen facts, a call that is watched two a second at the very most.
_FACTS_MAX = 256
# A journal that refuses is tried again after this long, as everywhere.
_RETRY_S = 1.0


class FactLine:
    """Journals facts in order; what the journal refuses is tried again until the line is closed."""

    def __init__(self, journal: Journal, case: CaseId) -> None:
        self._journal, self._case = journal, case
        self._facts: asyncio.Queue[Fact | None] = asyncio.Queue(_FACTS_MAX)
        self._closing, self._written = asyncio.Event(), asyncio.Event()

    def note(self, fact: Fact) -> None:
        """Journal ``fact`` soon; never waits."""
        if self._closing.is_set():
            return
        try:
            self._facts.put_nowait(fact)
        except asyncio.QueueFull:
            _LOST.labels("queue_full").inc()
            _log.error("a fact is lost because the journal does not keep up", fact=type(fact).__name__)

    async def run(self) -> None:
        """Write until ``close``."""
        try:
            while (fact := await self._facts.get()) is not None:
                await self._insist(fact)
        finally:
            self._written.set()

    async def close(self) -> None:
        """Return when what was noted is written, or was refused once more. Nothing is taken any more."""
        if not self._closing.is_set():
            self._closing.set()
            await self._facts.put(None)
        await self._written.wait()

    async def _insist(self, fact: Fact) -> None:
        while True:
            try:
                await self._journal.append(self._case, fact)
                return
            except StorageError as error:
                _log.error("a fact is not journaled yet", fact=type(fact).__name__, pii_error=str(error))
            except Exception as error:
                _log.exception("a fact is not journaled", fact=type(fact).__name__, pii_error=str(error))
                _LOST.labels("journal").inc()
                return
            if self._closing.is_set():
                _LOST.labels("journal").inc()
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), _RETRY_S)
