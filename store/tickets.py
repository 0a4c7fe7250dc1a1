"""Which tickets were used."""

import sqlalchemy as sa

from contract.ids import TicketId
from contract.ports import Clock
from store.engine import Engine
from store.schema import TICKETS

# An expired ticket is refused by its own signature; its row is kept a day longer against clocks that
# were set back.
KEPT_AFTER_EXPIRY_S = 86_400.0


class Tickets:
    """The TicketLedger of ``contract.ports``."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def redeem(self, ticket: TicketId, expires_at: float) -> bool:
        """Return True the first time only, for all processes together."""
        insert = self._engine.insert(TICKETS).values(ticket=ticket, expires_at=expires_at)
        stale = TICKETS.c.expires_at < self._clock.now() - KEPT_AFTER_EXPIRY_S
        async with self._engine.write() as connection:
            added = await connection.execute(insert.on_conflict_do_nothing(index_elements=["ticket"]))
            await connection.execute(sa.delete(TICKETS).where(stale))
        return added.rowcount == 1
