"""What each reader is to see of the people in a call. Pure."""

from contract.ids import SeatId
from contract.phases import Role
from contract.wire import PartySeen
from signaling.arrangement import Stance, slot_of
from signaling.seats import Seat, Table


def knows(reader: Seat, other: Seat) -> bool:
    """Tell whether ``reader`` may know that ``other`` is there: customers know who talks to them."""
    return reader.party.role is not Role.CUSTOMER or other.talking


def parties_for(reader: Seat, table: Table, stance: Stance | None) -> tuple[PartySeen, ...]:
    """Return the people whom ``reader`` may know of; without a ``stance`` nobody is heard any more."""
    seats = [seat for seat in (table.customer, *table.staff) if knows(reader, seat)]
    return tuple(_seen(reader, seat, stance) for seat in seats)


def _seen(reader: Seat, seat: Seat, stance: Stance | None) -> PartySeen:
    party = seat.party
    return PartySeen(
        seat=party.seat,
        role=party.role,
        name=party.name,
        mode=seat.mode,
        slot=slot_of(reader, party.seat, stance) if stance else None,
        microphone=seat.microphone,
        camera=seat.camera,
        present=not seat.away,
        account=None if reader.party.role is Role.CUSTOMER else party.account,
        number=party.number,
    )


def sharing_for(reader: Seat, screens: tuple[SeatId, ...], stance: Stance) -> SeatId | None:
    """Return whose screen is shared, as far as ``reader`` sees it or shares it itself."""
    me = reader.seat
    return next((seat for seat in screens if seat == me or stance.gets(me, seat)), None)
