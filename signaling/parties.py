"""Further people in a call, and its hold: invitations, handing over, transfers, supervisors. Pure."""

from contract.errors import UserError, WrongPhase
from contract.facts import (
    HostChanged,
    ObserverJoined,
    ObserverLeft,
    PartyInvited,
    PartyLeft,
    RingStarted,
    SupervisorActed,
)
from contract.ids import AccountId
from contract.phases import CallPhase, CasePhase, RingEnd, Role, SeatMode
from contract.ports import Party
from contract.wire import CallState, Failed, Hold, Invite, SetMode
from signaling.changes import Change
from signaling.effects import DropSeat, Moment, OpenGate, Send, Summon
from signaling.ending import Endings
from signaling.identity_effects import WatchCustomer
from signaling.invitation import Invitation
from signaling.machine import FLOWING, TALKING
from signaling.seats import Seat


class Parties(Endings):
    """The part of the call machine that seats people and lets them go."""

    # --- rings ---

    def rang(self, agent: Party, moment: Moment) -> None:
        """The desk rings at ``agent``'s console, for the role of this party.

        Raises:
            WrongPhase: nobody is wanted in this role, or somebody is rung for it already.
            ValueError: the party has no account.
        """
        role = self._invited.role if self._invited else Role.AGENT if self.waiting else None
        self._require(role is agent.role and role not in self._table.rung)
        self._now = moment
        seat = Seat(agent)
        self._fact(RingStarted(self.call, seat.account, agent.role))
        self._table.rung[agent.role] = seat
        if self.phase is None:
            self._set_phase(CallPhase.RINGING)
        self._out.append(Send(seat.account, self._ringing(seat)))

    def accepted(self, account: AccountId, moment: Moment) -> None:
        """The rung agent answered. Raises WrongPhase ``ring_over`` when this account is not rung."""
        seat = self._table.ringing(account)
        if seat is None:
            raise WrongPhase("nobody is rung", code="ring_over")
        self._now = moment
        seat.came_at = moment.mono
        del self._table.rung[seat.party.role]
        self._table.staff.append(seat)
        if not self._joined:
            self._answered_first(seat, moment)
        elif seat.party.role is Role.AGENT:
            self._answered_transfer(seat, moment)
        else:
            self._answered_invitation(seat)

    def gave_up(self, role: Role, moment: Moment) -> None:
        """The desk found nobody for an invitation or a transfer; ignored when nobody is wanted."""
        if self._invited is None or self._invited.role is not role:
            return
        self._now = moment
        if role is Role.AGENT:
            # The customer waits for whoever comes, until the time of the transfer is over.
            self._invited, self._stale = self._invited.wider(), True
            self._out.append(self._invited.asked)
            return
        self._uninvite()
        self._out.append(Send(self.host, Failed("nobody_answered", "nobody took the invitation", "invite")))

    def _answered_first(self, seat: Seat, moment: Moment) -> None:
        self._joined = True
        self._table.host = seat.account
        self._deadline = moment.mono + self._limits.connect_s
        # Before the facts: the first picture is not to wait until they are on disk.
        self._try_gate()
        self._end_ring(seat, RingEnd.ACCEPTED)
        self._advance_case(CasePhase.IN_CALL)
        self._set_phase(CallPhase.CONNECTING)
        self._introduce(self._table.customer)
        self._introduce(seat)
        self._try_active(moment)

    def _answered_transfer(self, seat: Seat, moment: Moment) -> None:
        self._invited = None
        self._end_ring(seat, RingEnd.ACCEPTED)
        self._introduce(seat)
        self._lead(seat, moment)
        self._hold_ends = True
        self._arrange_lead()

    def _answered_invitation(self, seat: Seat) -> None:
        private = self._invited is not None and self._invited.asked.private
        self._invited = None
        self._end_ring(seat, RingEnd.ACCEPTED)
        if not private:
            self._introduce(seat)
            self._arrange()
            return
        seat.mode = SeatMode.PRIVATE
        self._observe(seat)
        # Whatever becomes of a hold that the host asked for: this one is tried until media does it.
        self._change(Change(held=True))

    # --- the gate ---

    def _try_gate(self) -> None:
        opens = not self._gate_open and all(seat.media for seat in self._table.needed)
        self._gate_open = self._gate_open or opens
        self._arrange()
        if opens:
            self._out.append(OpenGate(self.call))

    def _try_active(self, moment: Moment) -> None:
        arrived = self._gate_open and self._tracks.arrived(self._table.needed)
        if self.phase is CallPhase.CONNECTING and arrived:
            self._deadline, self._active_at = None, moment.mono
            self._set_phase(CallPhase.ACTIVE)
            self._settle()
            if "biometrics" in self._consent:
                self._out.append(WatchCustomer(self.call, self._table.customer.seat))

    # --- coming and going ---

    def _observe(self, seat: Seat) -> None:
        who = seat.party
        self._fact(ObserverJoined(self.call, who.seat, who.role, who.name, seat.account, seat.mode))

    def _lead(self, seat: Seat | None, moment: Moment) -> None:
        was = self._table.host
        now, name = (seat.account, seat.party.name) if seat else (None, "")
        self._table.host = now
        self._fact(HostChanged(self.call, was, now, name))
        lacking = seat is not None and not seat.media
        self._deadline = moment.mono + self._limits.connect_s if lacking else None
        self._settle()

    def _arrange_lead(self) -> None:
        """Arrange for whoever leads now; a hold that was for want of a host ends with its media."""
        leading = self._table.leading
        if self._hold_ends and leading is not None and leading.media:
            self._hold_ends = False
            self._change(Change(held=False))
        else:
            self._arrange()

    def _remove(self, seat: Seat, moment: Moment) -> None:
        left = PartyLeft if seat.talking else ObserverLeft
        self._fact(left(self.call, seat.seat))
        self._out.append(DropSeat(self.call, seat.seat))
        self._free(seat, moment)
        self._table.staff.remove(seat)
        self._changes.forget(seat.seat)
        self._out.append(Send(seat.account, self._farewell(moment)))

    def _farewell(self, moment: Moment) -> CallState:
        """Return the call as whoever has left it is to see it last: without a seat."""
        phase = self.phase or CallPhase.ENDED
        return CallState(self.call, self.case, phase, "", self._active_s(moment), False, False)

    def _go(self, seat: Seat, moment: Moment) -> None:
        """Let a member of staff go without ending the call, which somebody else leads on."""
        heir = self._table.heir if seat.account == self.host else None
        self._remove(seat, moment)
        if heir is not None:
            self._lead(heir, moment)
        self._arrange()

    def _got_leave(self, seat: Seat, moment: Moment) -> None:
        self._require(self.phase in TALKING)
        self._require(seat.account != self.host or self._table.heir is not None, "nobody_left")
        self._go(seat, moment)

    # --- hold, invitations ---

    def _got_hold(self, message: Hold) -> None:
        self._require(self.phase in FLOWING)
        held = self._changes.wanted(self._stance()).held
        self._require(message.on is not held, "held" if held else "not_held")
        self._require(message.on or not self._private_guest(), "held")
        self._hold_ends = False
        self._change(Change(held=message.on, by=self.host, about=message.tag))

    def _got_invite(self, seat: Seat, message: Invite, moment: Moment) -> None:
        self._require(self.phase in FLOWING and not (message.private and message.transfer))
        self._require(self._invited is None, "inviting")
        self._require(self._table.guest is None, "full")
        if message.agent is not None and self._table.of(message.agent) is not None:
            raise UserError("this agent is here already", code="no_such_agent")
        role = Role.AGENT if message.transfer else Role.GUEST
        until = moment.mono + self._limits.transfer_s if message.transfer else None
        me, agent, skill, private = seat.account, message.agent, message.skill, message.private
        self._fact(PartyInvited(self.call, me, agent, skill, private, message.transfer, message.note))
        here = frozenset(other.account for other in self._table.staff)
        name = seat.party.name
        self._ask(Summon(self.call, role, agent, skill, here, name, message.note, private), until)
        if message.transfer:
            self._leave_held(seat, moment)

    def _ask(self, summon: Summon, until: float | None) -> None:
        self._invited = Invitation(summon, until)
        self._out.append(summon)

    def _leave_held(self, host: Seat, moment: Moment) -> None:
        self._remove(host, moment)
        self._lead(None, moment)
        self._hold_ends = False
        self._change(Change(held=True))

    def _followed(self, host: Seat, moment: Moment) -> bool:
        """The host is lost: let the guest lead, or a supervisor and the desk; False when nobody is there."""
        guest = self._table.guest
        if guest is not None:
            self._remove(host, moment)
            self._changes.forget(guest.seat)
            self._set_mode(guest, SeatMode.TALKING)
            self._lead(guest, moment)
            self._arrange()
            return True
        if self._table.supervisor is None or self.phase not in FLOWING:
            return False
        self._uninvite()
        here = frozenset(other.account for other in self._table.staff if other is not host)
        summon = Summon(self.call, Role.AGENT, None, "", here, host.party.name, "", False)
        self._ask(summon, moment.mono + self._limits.transfer_s)
        self._leave_held(host, moment)
        return True

    def _got_withdraw(self) -> None:
        self._require(self._invited is not None)
        self._uninvite()

    def _got_admit(self) -> None:
        guest = self._private_guest()
        if guest is None or self.phase not in FLOWING:
            raise WrongPhase("nobody is to be admitted")
        self._change(Change(False, guest.seat, SeatMode.TALKING, self.host, "admit"))

    def _private_guest(self) -> Seat | None:
        """The guest, if not talking to the customer and not about to."""
        guest = self._table.guest
        modes = self._changes.wanted(self._stance()).modes
        return guest if guest is not None and modes[guest.seat] is SeatMode.PRIVATE else None

    # --- supervisors ---

    def watch(self, supervisor: Party, moment: Moment) -> None:
        """A supervisor takes a silent seat.

        Raises:
            WrongPhase: there is no conversation, this account is in it already; ``full`` when another
                supervisor is there.
            ValueError: the party has no account.
        """
        seat = Seat(supervisor, moment.mono, SeatMode.MONITOR)
        self._require(self.phase in TALKING and self._table.of(seat.account) is None)
        self._require(self._table.supervisor is None, "full")
        self._now = moment
        self._table.staff.append(seat)
        self._observe(seat)
        self._arrange()

    def _got_set_mode(self, seat: Seat, message: SetMode) -> None:
        beside = seat is self._table.supervisor and message.mode is not SeatMode.PRIVATE
        self._require(self.phase in TALKING and beside)
        if self._changes.wanted(self._stance()).modes[seat.seat] is not message.mode:
            change = Change(seat=seat.seat, mode=message.mode, by=seat.account, about=message.tag)
            self._change(change)

    def _got_take_over(self, seat: Seat, moment: Moment) -> None:
        self._require(self.phase in FLOWING and seat is self._table.supervisor)
        leading = self._table.leading
        self._fact(SupervisorActed(self.call, seat.account, "took_over", self.host, ""))
        self._changes.forget(seat.seat)
        self._set_mode(seat, SeatMode.TALKING)
        if leading is not None:
            self._remove(leading, moment)
        else:
            self._uninvite()
            self._hold_ends = True
        self._lead(seat, moment)
        self._arrange_lead()
