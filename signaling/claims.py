"""Which auditor has which case before him, as pages are told."""

from collections.abc import Collection

from contract import codec
from contract.ids import CaseId
from signaling.rooms import Rooms


async def claims_told(rooms: Rooms, cases: Collection[CaseId]) -> list[dict[str, str | float]]:
    """Return the claims on ``cases``: ``case``, ``account``, ``name``, ``until`` (seconds UTC)."""
    claims = await rooms.audits.claims(cases, rooms.clock.now())
    return [codec.dump(one) | {"name": (await rooms.people.account(one.account)).name} for one in claims]
