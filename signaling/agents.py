"""What staff do at their consoles: agents at the desk, and everybody who sits in a call."""

from contextlib import suppress
from dataclasses import replace

from contract.errors import Busy, NotFound, ProtocolError, WrongPhase
from contract.facts import WrapUpNoted
from contract.ids import CallId
from contract.phases import Presence, Role
from contract.wire import (
    Accept,
    Admit,
    AskColleagues,
    AskExternal,
    CaptureState,
    Chat,
    CheckIdNumber,
    Colleague,
    Colleagues,
    ComparePortraits,
    CorrectField,
    DecideChallenge,
    DrawQuestion,
    Finish,
    HangUp,
    Hold,
    Invite,
    JudgeQuestion,
    Leave,
    MarkStep,
    MatchFaces,
    Message,
    NoteEvidence,
    Offer,
    Playback,
    ReadDocument,
    Refuse,
    RequestStill,
    RequestTilt,
    SendCode,
    SetPresence,
    StartLiveness,
    TickFeature,
    WithdrawInvite,
    WrapUp,
)
from signaling.actions import AgentCame
from signaling.desk import Profile
from signaling.hall import Hall, require
from signaling.people import Past, Staff, staff_welcome
from signaling.routing import ON_DUTY

# More than anybody reads under a picture.
_TAGS_MAX = 16
# Who thinks again writes a few; each is a line of the journal for good.
_FORMS_MAX = 20
# What any member of staff in a call may say; the call knows who leads.
_IN_CALL = (
    Offer | Chat | CaptureState | Playback | HangUp | Leave | Hold | WithdrawInvite | Admit | RequestStill
    | CheckIdNumber | MatchFaces | NoteEvidence | MarkStep | Finish | ReadDocument | CorrectField
    | ComparePortraits | StartLiveness | DecideChallenge | DrawQuestion | JudgeQuestion | SendCode
    | AskExternal
    | RequestTilt
    | TickFeature
)  # fmt: skip


class Agents:
    """Acts on the hall for agents."""

    def __init__(self, hall: Hall) -> None:
        self._hall = hall

    # --- coming and going ---

    def came(self, action: AgentCame) -> None:
        """A console connected: its agent is back in a call, in the presence of before, or on a break."""
        hall, account = self._hall, action.account
        who = hall.staff.setdefault(account.account, Staff(account, action.bank))
        who.account, who.shown, who.wrap_up_until = account, None, None
        hall.seat_line(who, action.line)
        desk = hall.desk(account.tenant)
        desk.arrive(who.me, self._profile(who), hall.mono())
        action.line.send(staff_welcome(who, hall.settings, hall.clock.now()))
        if who.ready_until is not None and who.ready_until > hall.mono():
            # Unless the training ran out meanwhile.
            with suppress(WrongPhase):
                hall.expect(desk, desk.set_presence(who.me, Presence.READY, "", hall.mono()))
        who.ready_until = None
        back_in_call(hall, who)
        hall.follow()

    def _profile(self, who: Staff) -> Profile:
        account, moment = who.account, self._hall.now()
        ends = account.trained_until
        # The desk counts in seconds that never go back.
        trained_until = None if ends is None else ends - moment.at + moment.mono
        return Profile(frozenset(account.skills), frozenset(account.languages), trained_until)

    def lost(self, who: Staff) -> None:
        """The line is closed. A seat in a call is kept; a ring goes to the next agent."""
        hall = self._hall
        who.line = None
        desk = hall.desk(who.account.tenant)
        presence, back_until = desk.presence(who.me), hall.mono() + hall.settings.grace_s
        if presence in {Presence.READY, Presence.RINGING}:
            who.ready_until = back_until
        if who.seated:
            dropped_from_call(hall, who)
        elif who.call is None and presence is Presence.WRAP_UP:
            who.wrap_up_until = back_until
        elif who.call is None or who.ring is not None:
            hall.expect(desk, desk.depart(who.me, hall.mono()))
        hall.follow()

    def forget_gone(self, mono: float) -> None:
        """Let those go home who left in wrap-up: after the grace, or as soon as they would be rung again.

        To be called at ``mono`` before the desk is told of that time.
        """
        hall = self._hall
        for who in hall.staff.values():
            if who.wrap_up_until is None:
                continue
            desk = hall.desk(who.account.tenant)
            ends_in_s = desk.status(who.me, mono).ends_in_s
            over = ends_in_s is not None and ends_in_s <= 0
            if over or who.wrap_up_until <= mono:
                who.ready_until, who.wrap_up_until = who.wrap_up_until if over else None, None
                hall.expect(desk, desk.depart(who.me, mono))
        hall.follow()

    # --- messages ---

    def got(self, who: Staff, message: Message) -> None:
        """Take an agent's message. Raises ProtocolError when it is not an agent's, and UserErrors."""
        hall = self._hall
        match message:
            case SetPresence():
                self._set_presence(who, message)
            case Accept():
                self._accept(who, message.call)
            case Refuse():
                desk = hall.desk(who.account.tenant)
                hall.follow(desk, desk.refuse(who.me, message.call, hall.mono()))
            case _:
                if not got_from_staff(hall, who, message):
                    raise ProtocolError("not an agent's message")

    def _set_presence(self, who: Staff, message: SetPresence) -> None:
        hall = self._hall
        if who.call is not None and who.call.owes(who.me) and who.call.reason is not None:
            raise WrongPhase("the result is missing", code="finish_first")
        desk = hall.desk(who.account.tenant)
        events = desk.set_presence(who.me, message.presence, message.reason, hall.mono())
        who.last = None
        hall.follow(desk, events)

    def _accept(self, who: Staff, call_id: CallId) -> None:
        hall = self._hall
        over = hall.desk(who.account.tenant).accept(who.me, call_id, hall.mono())
        call = hall.calls[call_id]
        hall.answered(who, call, over.role)
        hall.show_history(who, call.case)
        call.accepted(who.me, hall.now())
        hall.run(call)


def got_from_staff(hall: Hall, who: Staff, message: Message) -> bool:
    """Take what any member of staff may say; False when it is nothing of that. Raises UserErrors."""
    match message:
        case AskColleagues():
            _ask_colleagues(hall, who)
        case WrapUp():
            _wrap_up(hall, who, message)
        case Invite():
            _require_invitable(hall, who, message)
            got_in_call(hall, who, message)
        case NoteEvidence() if len(message.tags) > _TAGS_MAX:
            raise ProtocolError("too many tags")
        case _ if isinstance(message, _IN_CALL):
            got_in_call(hall, who, message)
        case _:
            return False
    return True


def got_in_call(hall: Hall, who: Staff, message: Message) -> None:
    """Hand a message to the call in which ``who`` sits. Raises WrongPhase when there is none."""
    call = who.call
    seat = call.seat_of(who.me) if call else None
    if call is None or seat is None:
        raise WrongPhase("no call")
    hall.require_room(call.case, who.me, message)
    hall.hand(call, seat, message)


def _wrap_up(hall: Hall, who: Staff, message: WrapUp) -> None:
    past = who.last if who.call is None else None
    call = past.call if past else who.call
    if call is None:
        raise WrongPhase("no call")
    if who.formed != call.call:
        who.formed, who.forms = call.call, 0
    if who.forms >= _FORMS_MAX:
        raise Busy("the form was sent too often")
    if past is None:
        got_in_call(hall, who, message)
    else:
        _wrap_up_after(hall, who, past, message)
    who.forms += 1


def _wrap_up_after(hall: Hall, who: Staff, past: Past, message: WrapUp) -> None:
    call, seconds = past.call, hall.mono() - past.since
    if who.account.role is Role.AGENT:
        in_wrap_up = hall.desk(who.account.tenant).presence(who.me) is Presence.WRAP_UP
    else:
        # No desk counts a supervisor's time.
        ends = hall.settings.desk_wrap_up_s
        in_wrap_up = seconds <= (hall.settings.wrap_up_s if ends is None else ends)
    require(in_wrap_up, "wrap-up is over")
    hall.require_room(call.case, who.me, message)
    hall.settings.plan.require_words(message)
    fact = WrapUpNoted(who.me, message.tags, message.next_action, message.note, seconds)
    hall.append(call.case, fact)


def _require_invitable(hall: Hall, who: Staff, message: Invite) -> None:
    # Whoever transfers leaves at once: what cannot succeed is refused before.
    others = _others(hall, who)
    if message.transfer:
        desk = hall.desk(who.account.tenant)
        others = [other for other in others if desk.presence(other.me) in ON_DUTY]
    if message.agent is not None:
        other = hall.colleague(who, message.agent)
        require(other is not who, "nobody invites himself")
        require(_able(other, message.skill), "the agent lacks the skill", code="not_skilled")
        require(_trained(hall, other), "the agent's training has run out", code="training_expired")
        others = [known for known in others if known is other]
    if not any(_able(other, message.skill) and _trained(hall, other) for other in others):
        raise NotFound("nobody who can do this is there", code="no_such_agent")


def _able(who: Staff, skill: str) -> bool:
    return not skill or skill in who.account.skills


def _trained(hall: Hall, who: Staff) -> bool:
    ends = who.account.trained_until
    return ends is None or ends > hall.clock.now()


def _others(hall: Hall, who: Staff) -> list[Staff]:
    desk = hall.desk(who.account.tenant)
    crew = hall.crew(who.account.tenant, Role.AGENT)
    return [other for other in crew if other is not who and desk.presence(other.me) is not Presence.OFFLINE]


def _ask_colleagues(hall: Hall, who: Staff) -> None:
    desk = hall.desk(who.account.tenant)
    others = _others(hall, who)
    agents = tuple(
        Colleague(other.me, other.account.name, desk.presence(other.me), other.account.skills)
        for other in sorted(others, key=lambda other: other.account.name)
    )
    skills = sorted({skill for other in others for skill in other.account.skills})
    if who.line is not None:
        who.line.send(Colleagues(agents, tuple(skills)))


def back_in_call(hall: Hall, who: Staff) -> None:
    """Show a console that is back its ring, or the call that it sits in or owes the result of."""
    call = who.call
    if call is None or who.line is None:
        return
    if who.ring is not None:
        left_s = max(0.0, who.rings_until - hall.mono())
        who.line.send(replace(who.ring, expires_in_s=left_s))
        return
    hall.show_history(who, call.case)
    seat = call.seat_of(who.me)
    if seat is not None:
        call.returned(seat, hall.now())
    hall.run(call)
    hall.show_call(call, who)


def dropped_from_call(hall: Hall, who: Staff) -> None:
    """The line of somebody who sits in a call is lost."""
    call = who.call
    seat = call.seat_of(who.me) if call else None
    if call is not None and seat is not None:
        call.dropped(seat, hall.now())
        hall.run(call)
