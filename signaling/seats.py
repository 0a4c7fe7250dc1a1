"""Who sits in a call, and how each of them is there. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from contract.facts import PlaybackReported
from contract.ids import AccountId, SeatId
from contract.phases import Capture, Role, SeatMode, TrackSource
from contract.ports import Party
from contract.wire import CallState, Playback, Script

# Receiving lines of every page for the sound and picture of others: a call has at most four people.
LINES = 3
# Pages report every five seconds; what comes faster than this is not worth a journal's line.
_REPORT_S = 3.0


@dataclass(slots=True, eq=False)
class Seat:
    """One party's place. Times are monotonic seconds.

    ``gone_until`` is None while nobody is missed; ``missed`` once the others were told. ``lines`` are
    the seats that this one's receiving lines are kept for. ``shown`` and ``script`` were sent last.
    """

    party: Party
    came_at: float = 0.0
    mode: SeatMode = SeatMode.TALKING
    microphone: Capture = Capture.ON
    camera: Capture = Capture.ON
    here: bool = True
    media: bool = False
    media_lost: bool = False
    # Media was lost with its worker, and no offer has come since.
    reoffer: bool = False
    gone_until: float | None = None
    missed: bool = False
    answering: bool = False
    reported_at: float | None = None
    lines: tuple[SeatId | None, ...] = (None,) * LINES
    shown: CallState | None = None
    script: Script | None = None

    @property
    def seat(self) -> SeatId:
        """The id of this place."""
        return self.party.seat

    @property
    def account(self) -> AccountId:
        """Who of the staff sits here. Raises ValueError for a party without an account."""
        if self.party.account is None:
            raise ValueError("an agent's party has an account")
        return self.party.account

    @property
    def away(self) -> bool:
        """True while the socket or the media of this seat is lost."""
        return not self.here or self.media_lost

    @property
    def talking(self) -> bool:
        """True when everybody may know of this party."""
        return self.mode is SeatMode.TALKING

    @property
    def promised(self) -> tuple[TrackSource, ...]:
        """What this party's devices send at the moment, as it says."""
        states = ((TrackSource.MICROPHONE, self.microphone), (TrackSource.CAMERA, self.camera))
        return tuple(source for source, state in states if state is Capture.ON)

    def report(self, told: Playback, mono: float) -> PlaybackReported | None:
        """Return what this seat's page told as a fact; None when the last one was a moment ago."""
        if self.reported_at is not None and mono - self.reported_at < _REPORT_S:
            return None
        self.reported_at = mono
        return PlaybackReported(
            told.call, self.seat, told.interval_s, told.fps, told.freezes, told.frozen_s, told.concealed_s
        )


@dataclass(slots=True)
class Table:
    """The seats of a call: ``staff`` in the order of coming; ``rung`` have not answered yet."""

    customer: Seat
    staff: list[Seat] = field(default_factory=list)
    rung: dict[Role, Seat] = field(default_factory=dict)
    # Whom the conversation is led by, and after its end who owes the result.
    host: AccountId | None = None

    def __iter__(self) -> Iterator[Seat]:
        """Yield everybody who has a seat, the customer first, those who are rung last."""
        yield self.customer
        yield from self.staff
        yield from self.rung.values()

    def find(self, seat: SeatId) -> Seat | None:
        """Return the seat of this id."""
        return next((known for known in self if known.seat == seat), None)

    def of(self, account: AccountId | None) -> Seat | None:
        """Return an account's seat, answered or not; None stands for the customer."""
        return next((known for known in self if known.party.account == account), None)

    def ringing(self, account: AccountId) -> Seat | None:
        """Return the seat that this account is rung for."""
        return next((seat for seat in self.rung.values() if seat.party.account == account), None)

    @property
    def leading(self) -> Seat | None:
        """The host's seat."""
        return next((seat for seat in self.staff if seat.account == self.host), None)

    @property
    def guest(self) -> Seat | None:
        """The agent beside the host."""
        return self._beside(supervisor=False)

    @property
    def supervisor(self) -> Seat | None:
        """The supervisor beside the host."""
        return self._beside(supervisor=True)

    def _beside(self, *, supervisor: bool) -> Seat | None:
        for seat in self.staff:
            if seat.account != self.host and (seat.party.role is Role.SUPERVISOR) is supervisor:
                return seat
        return None

    @property
    def heir(self) -> Seat | None:
        """Who leads when the host leaves: the other agent, if known to the customer."""
        guest = self.guest
        return guest if guest is not None and guest.talking else None

    @property
    def needed(self) -> tuple[Seat, ...]:
        """The seats without which the conversation stands still."""
        leading = self.leading
        return (self.customer,) if leading is None else (self.customer, leading)
