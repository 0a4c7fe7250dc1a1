"""Looks whether somebody sets the machine's clock: told to the calls that run, followed when none does."""

import asyncio
from collections.abc import Callable, Mapping

import structlog
from prometheus_client import Counter

from contract.errors import StorageError
from contract.facts import ClockStepped
from contract.ids import CallId, CaseId
from contract.ports import Journal
from teller.clock import STEP_S, AnchoredClock

_log = structlog.get_logger(__name__)
_STEPS = Counter("teller_clock_steps", "Times the machine's clock was set while the service ran")

LOOK_S = 1.0


class ClockWatch:
    """``recorded`` returns the calls that are being recorded, and their cases."""

    def __init__(
        self, clock: AnchoredClock, journal: Journal, recorded: Callable[[], Mapping[CallId, CaseId]]
    ) -> None:
        self._clock, self._journal, self._recorded = clock, journal, recorded
        self._told: dict[CallId, float] = {}
        self._seen = 0.0

    async def run(self, every_s: float = LOOK_S) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(every_s)

    async def look(self) -> None:
        """Follow the machine's clock if nothing is recorded; else tell each call by how much it was set."""
        stepped, calls = self._clock.stepped(), dict(self._recorded())
        if abs(stepped - self._seen) >= STEP_S:
            self._seen = stepped
            _STEPS.inc()
            _log.warning("the machine's clock was set", seconds=round(stepped, 3), calls=len(calls))
        self._told = {call: told for call, told in self._told.items() if call in calls}
        if not calls:
            self._seen = 0.0
            if stepped:
                self._clock.follow()
            return
        for call, case in calls.items():
            if abs(stepped - self._told.get(call, 0.0)) >= STEP_S:
                await self._tell(case, call, stepped)

    async def _tell(self, case: CaseId, call: CallId, stepped: float) -> None:
        try:
            await self._journal.append(case, ClockStepped(call, round(stepped, 3)))
        except StorageError as error:
            # The next look tells it again.
            _log.error("a set clock is not journaled yet", case=case, pii_error=str(error))
        else:
            self._told[call] = stepped
