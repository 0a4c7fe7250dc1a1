"""What supervisors do: watch the desk, come into calls, move and give away who waits. Nothing waits."""

from contract.errors import ProtocolError, WrongPhase
from contract.facts import SupervisorActed
from contract.ids import AccountId, CallId
from contract.phases import Role
from contract.wire import ForceEnd, Message, MoveUp, Reassign, SetMode, TakeOver, Watch
from signaling.actions import SupervisorCame
from signaling.agents import back_in_call, dropped_from_call, got_from_staff, got_in_call
from signaling.hall import Hall
from signaling.people import Staff, staff_welcome


class Supervisors:
    """Acts on the hall for supervisors. Calls of another tenant are not there for them."""

    def __init__(self, hall: Hall) -> None:
        self._hall = hall

    def came(self, action: SupervisorCame) -> None:
        """A console connected; its supervisor is back in the call where he sat."""
        hall, account = self._hall, action.account
        who = hall.staff.setdefault(account.account, Staff(account, action.bank))
        who.account, who.board_at = account, None
        hall.seat_line(who, action.line)
        action.line.send(staff_welcome(who, hall.settings, hall.clock.now()))
        back_in_call(hall, who)

    def lost(self, who: Staff) -> None:
        """The line is closed; a seat in a call is kept as anybody's."""
        who.line = None
        dropped_from_call(self._hall, who)

    def got(self, who: Staff, message: Message) -> None:
        """Take a supervisor's message. Raises ProtocolError when it is not one, and UserErrors."""
        match message:
            case Watch():
                self._watch(who, message.call)
            case SetMode() | TakeOver():
                got_in_call(self._hall, who, message)
            case ForceEnd():
                self._force_end(who, message)
            case MoveUp():
                self._move_up(who, message.call)
            case Reassign():
                self._reassign(who, message)
            case _:
                if not got_from_staff(self._hall, who, message):
                    raise ProtocolError("not a supervisor's message")

    def _watch(self, who: Staff, call_id: CallId) -> None:
        hall = self._hall
        call = hall.call_for(who, call_id)
        if who.call is not None:
            raise WrongPhase("in a call already")
        call.watch(who.party(Role.SUPERVISOR), hall.now())
        who.call, who.last = call, None
        hall.show_history(who, call.case)
        hall.run(call)

    def _force_end(self, who: Staff, message: ForceEnd) -> None:
        hall = self._hall
        call = hall.call_for(who, message.call)
        call.force_end(who.me, message.reason, hall.now())
        hall.run(call)

    def _move_up(self, who: Staff, call_id: CallId) -> None:
        hall = self._hall
        call = hall.call_for(who, call_id)
        desk = hall.desk_of(call)
        events = desk.move_up(call_id, hall.mono())
        self._acted(who, call_id, "moved_up", None)
        hall.follow(desk, events)

    def _reassign(self, who: Staff, message: Reassign) -> None:
        hall = self._hall
        call = hall.call_for(who, message.call)
        if message.agent is not None:
            hall.colleague(who, message.agent)
        desk = hall.desk_of(call)
        events = desk.reassign(message.call, message.agent, hall.mono())
        self._acted(who, message.call, "reassigned", message.agent)
        hall.follow(desk, events)

    def _acted(self, who: Staff, call: CallId, action: str, target: AccountId | None) -> None:
        case = self._hall.calls[call].case
        self._hall.append(case, SupervisorActed(call, who.me, action, target, ""))
