"""A ticket is used once, whoever asks."""

import asyncio

from contract.ids import TicketId
from store import Database
from store.tickets import KEPT_AFTER_EXPIRY_S
from tests.store.clock import MovedClock

TICKET = TicketId("ticket-1")


async def test_ticket_is_redeemed_once(database: Database, clock: MovedClock) -> None:
    """The second time is refused, another ticket is not."""
    assert await database.tickets.redeem(TICKET, clock.now() + 60)
    assert not await database.tickets.redeem(TICKET, clock.now() + 60)
    assert await database.tickets.redeem(TicketId("ticket-2"), clock.now() + 60)


async def test_one_of_many_wins(database: Database, url: str, clock: MovedClock) -> None:
    """Of twenty attempts at once, over two separate connections pools, one is granted."""
    async with Database(url, clock) as other:
        ledgers = [database.tickets, other.tickets] * 10
        granted = await asyncio.gather(*(ledger.redeem(TICKET, clock.now() + 60) for ledger in ledgers))
    assert sum(granted) == 1


async def test_redemption_outlives_the_process(url: str, clock: MovedClock) -> None:
    """After a restart the ticket is still used."""
    async with Database(url, clock) as before:
        assert await before.tickets.redeem(TICKET, clock.now() + 60)
    async with Database(url, clock) as after:
        assert not await after.tickets.redeem(TICKET, clock.now() + 60)


async def test_long_expired_tickets_are_forgotten(database: Database, clock: MovedClock) -> None:
    """A day after expiry, and not before, the row goes when another ticket comes."""
    expires_at = clock.now() + 60
    assert await database.tickets.redeem(TICKET, expires_at)
    clock.at = expires_at + KEPT_AFTER_EXPIRY_S
    assert not await database.tickets.redeem(TICKET, expires_at)
    clock.at += 1
    assert await database.tickets.redeem(TicketId("ticket-2"), clock.now())
    assert await database.tickets.redeem(TICKET, expires_at)
