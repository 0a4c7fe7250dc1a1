"""Who hears and sees whom in a call: from seats to routes. Pure.

The customer gets who is TALKING, and nothing while held. Staff get each other, but nothing of who only
monitors; they get the customer unless held, or PRIVATE. Who is PRIVATE talks only while the customer is
held. Nobody's line is ever another's while he stays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from contract.ids import SeatId
from contract.phases import SeatMode
from contract.ports import SeatRoute, Slot
from signaling.seats import Seat, Table


@dataclass(frozen=True, slots=True)
class Stance:
    """How far everybody takes part: staff by ``modes``, the customer ``held`` or not."""

    held: bool
    modes: Mapping[SeatId, SeatMode]

    def gets(self, reader: SeatId, sender: SeatId) -> bool:
        """Tell whether ``reader`` hears and sees ``sender``; who has no mode is the customer."""
        mine, other = self.modes.get(reader), self.modes.get(sender)
        if mine is None:
            return other is SeatMode.TALKING and not self.held
        if other is None:
            return mine is not SeatMode.PRIVATE and not self.held
        if SeatMode.PRIVATE in (mine, other) and not self.held:
            # The customer would hear the other half of a private talk.
            return False
        return other is not SeatMode.MONITOR

    def recorded(self, seat: SeatId) -> bool:
        """Tell whether this seat's tracks belong into the recording."""
        mode = self.modes.get(seat)
        return mode is None or (mode is SeatMode.TALKING and not self.held)


def keep_lines(lines: Sequence[SeatId | None], present: Sequence[SeatId]) -> tuple[SeatId | None, ...]:
    """Return the lines with a place for everybody ``present``; who has one keeps it."""
    kept = [seat if seat in present else None for seat in lines]
    for seat in present:
        if seat not in kept:
            kept[kept.index(None)] = seat
    return tuple(kept)


def place(table: Table, stance: Stance) -> None:
    """Give every reader a line for everybody whom it may ever get as things stand."""
    customer = table.customer
    talking = [seat for seat in table.staff if stance.modes[seat.seat] is SeatMode.TALKING]
    talking.sort(key=lambda seat: seat.account != table.host)
    customer.lines = keep_lines(customer.lines, [seat.seat for seat in talking])
    for reader in table.staff:
        others = [seat.seat for seat in (customer, *table.staff) if seat is not reader]
        reader.lines = keep_lines(reader.lines, others)


def routes(table: Table, stance: Stance, screens: Sequence[SeatId]) -> tuple[SeatRoute, ...]:
    """Return the routes of everybody seated; of ``screens`` each gets the first that it may see."""
    return tuple(_route(seat, stance, screens) for seat in (table.customer, *table.staff))


def _route(reader: Seat, stance: Stance, screens: Sequence[SeatId]) -> SeatRoute:
    me = reader.seat
    recorded = stance.recorded(me)
    return SeatRoute(
        seat=me,
        publishes=stance.modes.get(me) is not SeatMode.MONITOR,
        recorded=recorded,
        promises=reader.promised if recorded else (),
        slots=tuple(Slot(seat) if seat and stance.gets(me, seat) else None for seat in reader.lines),
        screen=next((seat for seat in screens if seat != me and stance.gets(me, seat)), None),
    )


def slot_of(reader: Seat, seat: SeatId, stance: Stance) -> int | None:
    """Return the line on which ``reader`` gets ``seat`` now."""
    if seat in reader.lines and stance.gets(reader.seat, seat):
        return reader.lines.index(seat)
    return None
