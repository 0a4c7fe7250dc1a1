"""What customers do at the front door: come, consent, wait, leave a number, talk, go. Nothing waits."""

import re
import secrets
from collections.abc import Callable

from contract.errors import Busy, ProtocolError, UserError, WrongPhase
from contract.facts import CallbackRequested, CaseAdvanced, ConsentGiven, DeviceChecked, LocationTold
from contract.ids import CaseId, SeatId, new_call_id
from contract.phases import CaseEnd, CasePhase, Presence, Role
from contract.ports import Party
from contract.wire import (
    CameraClaim,
    CaptureState,
    ChallengeDeclined,
    ChallengeReady,
    Chat,
    Consent,
    DeviceCheck,
    EnterCode,
    HangUp,
    JoinQueue,
    LeaveQueue,
    LightShown,
    Location,
    Message,
    Offer,
    Playback,
    RequestCallback,
    TiltOver,
)
from signaling.actions import CustomerCame, CustomerResumed, Line
from signaling.buckets import Buckets
from signaling.call import Call
from signaling.desk import Demand
from signaling.hall import Hall, require
from signaling.networks import NetworkWatch
from signaling.people import Visit, customer_welcome, resume_key

IssueUpload = Callable[[CaseId, SeatId], str]

_OPEN = frozenset({CasePhase.PRE_CALL, CasePhase.QUEUED, CasePhase.IN_CALL})
# A customer tries a few times until the camera works, and thinks again about the consent; each time is a
# line of the journal.
_TRIES_PER_S = 0.2
_TRIES_BURST = 5.0
# More than a page has words for.
_PROBLEMS_MAX = 16
# What the page lets through as well; the shortest numbers that a bank would call have five digits.
_PHONE = re.compile(r"[+]?[0-9 ()-]{5,32}")
_DIGITS, _DIGITS_MIN = re.compile("[0-9]"), 5
# A journal of positions is not wanted, only where the customer was: before the queue, when the call begins,
# when the page is back, and every few minutes.
_LOCATIONS_PER_S = 1 / 60
_LOCATIONS_BURST = 3.0


class Customers:
    """Acts on the hall for customers; ``issue_upload`` makes the upload token for a welcome."""

    def __init__(self, hall: Hall, issue_upload: IssueUpload) -> None:
        self._hall = hall
        self._issue_upload = issue_upload
        self._networks = NetworkWatch(hall)
        self._resumes: dict[str, CaseId] = {}
        self._tries = Buckets(_TRIES_PER_S, _TRIES_BURST)
        self._consents = Buckets(_TRIES_PER_S, _TRIES_BURST)
        self._locations = Buckets(_LOCATIONS_PER_S, _LOCATIONS_BURST)

    # --- coming and going ---

    def came(self, action: CustomerCame) -> None:
        """A ticket was redeemed."""
        visit = Visit(action.visitor)
        self._hall.visits[visit.who.case] = visit
        self._greet(visit, action.line)
        self._networks.seen(visit, action.address)

    def resumed(self, action: CustomerResumed) -> None:
        """A resume token was shown; a wrong one ends the line."""
        hall = self._hall
        case = self._resumes.get(resume_key(action.token))
        visit = hall.visits.get(case) if case else None
        if visit is None:
            action.line.end("resume_invalid")
            return
        self._greet(visit, action.line)
        self._networks.seen(visit, action.address)
        self.join_at_last(visit)
        call = visit.call
        if call is None:
            return
        call.returned(visit.who.seat, hall.now())
        hall.run(call)
        if visit.call is not call:
            # It is over, and another may be had.
            return
        desk = hall.desk_of(call)
        hall.follow(desk, desk.step_in(call.call, hall.mono()))
        hall.unplaced.append(visit)
        self._show_call(visit, call, action.line)

    def lost(self, visit: Visit) -> None:
        """The line is closed; the seat waits for its customer."""
        hall = self._hall
        visit.line = None
        visit.gone_until = hall.mono() + hall.settings.pre_call_grace_s
        call = visit.call
        if call is not None:
            desk = hall.desk_of(call)
            desk.step_out(call.call)
            call.dropped(visit.who.seat, hall.now())
            hall.run(call)

    def forget_gone(self) -> None:
        """Forget the visits whose customers were gone for too long, and close their cases."""
        hall, now = self._hall, self._hall.mono()
        for visit in list(hall.visits.values()):
            if visit.gone_until is not None and visit.gone_until <= now and not visit.calls:
                self._forget(visit)

    def _forget(self, visit: Visit) -> None:
        if visit.phase is CasePhase.PRE_CALL:
            self._advance(visit, CasePhase.ABORTED, CaseEnd.CUSTOMER_LEFT)
        self._forget_resume(visit.resume)
        self._forget_resume(visit.resume_before)
        del self._hall.visits[visit.who.case]

    def _forget_resume(self, resume: str | None) -> None:
        if resume is not None:
            self._resumes.pop(resume, None)

    def _greet(self, visit: Visit, line: Line) -> None:
        hall = self._hall
        hall.seat_line(visit, line)
        visit.gone_until, visit.place = None, None
        token = secrets.token_urlsafe(32)
        self._forget_resume(visit.resume_before)
        visit.resume_before, visit.resume = visit.resume, resume_key(token)
        self._resumes[visit.resume] = visit.who.case
        upload = self._issue_upload(visit.who.case, visit.who.seat)
        line.send(customer_welcome(visit, hall.settings, token, upload, hall.clock.now()))
        hall.show_history(visit, visit.who.case)

    def _show_call(self, visit: Visit, call: Call, line: Line) -> None:
        state = call.state(visit.who.seat, self._hall.now())
        if state is not None:
            line.send(state)
        if call.reason is None:
            line.send(*call.checks.wanted(), *call.sheet.wanted())
            line.send(*call.identity.wanted(self._hall.clock.now()))

    # --- messages ---

    def got(self, visit: Visit, message: Message) -> None:
        """Take a customer's message. Raises ProtocolError when it is not a customer's, and UserErrors."""
        self._forget_resume(visit.resume_before)
        visit.resume_before = None
        if isinstance(message, LeaveQueue | HangUp | RequestCallback):
            visit.joining = False
        self._hall.require_room(visit.who.case, visit.who.seat, message)
        match message:
            case Consent():
                self._consent(visit, message)
            case DeviceCheck():
                self._device_check(visit, message)
            case Location():
                self._location(visit, message)
            case JoinQueue():
                self._join_queue(visit)
            case LeaveQueue():
                self._leave_queue(visit)
            case RequestCallback():
                self._request_callback(visit, message)
            case CameraClaim() if not self._tries.take(f"{visit.who.seat} camera", self._hall.mono()):
                pass
            case (
                Offer()
                | CaptureState()
                | Chat()
                | HangUp()
                | Playback()
                | ChallengeReady()
                | ChallengeDeclined()
                | LightShown()
                | EnterCode()
                | CameraClaim()
                | TiltOver()
            ):
                self._hall.hand(_call_of(visit), visit.who.seat, message)
            case _:
                raise ProtocolError("not a customer's message")

    def _consent(self, visit: Visit, message: Consent) -> None:
        require(visit.phase is CasePhase.PRE_CALL and visit.call is None, "consent is given before the call")
        if message.text_version != self._hall.settings.consent_version:
            raise WrongPhase("the consent text has changed", code="consent_outdated")
        if not self._consents.take(visit.who.seat, self._hall.mono()):
            raise Busy("too many consents")
        visit.language = message.language
        if not message.recording:
            self._end(visit, CaseEnd.CONSENT_REFUSED, "consent_refused")
            return
        answers = {name: getattr(message, name) for name in ("recording", "biometrics", "location")}
        subjects = tuple(name for name, agreed in answers.items() if agreed)
        refused = tuple(name for name, agreed in answers.items() if not agreed)
        visit.consents_due += 1
        visit.agreed = frozenset(subjects)
        fact = ConsentGiven(subjects, message.text_version, message.language, refused)
        self._hall.append(visit.who.case, fact)

    def consented(self, visit: Visit, fact: ConsentGiven) -> None:
        """The journal holds the consent; a wish to join that waited for it is granted."""
        visit.consent = frozenset(fact.subjects)
        visit.consents_due = max(0, visit.consents_due - 1)
        self.join_at_last(visit)

    def _device_check(self, visit: Visit, message: DeviceCheck) -> None:
        require(visit.phase in {CasePhase.PRE_CALL, CasePhase.QUEUED}, "the check is made before the call")
        if len(message.problems) > _PROBLEMS_MAX:
            raise ProtocolError("too many problems")
        if not self._tries.take(visit.who.seat, self._hall.mono()):
            raise Busy("too many checks")
        fact = DeviceChecked(
            message.camera,
            message.microphone,
            message.browser,
            message.uplink_kbps,
            message.rtt_ms,
            message.problems,
        )
        self._hall.append(visit.who.case, fact)

    def _location(self, visit: Visit, message: Location) -> None:
        require(visit.phase in _OPEN, "the case is over")
        # The consent may be on its way to the journal still, and then goes there first.
        require("location" in visit.agreed, "no consent to the location", code="consent_missing")
        if self._locations.take(visit.who.seat, self._hall.mono()):
            fact = LocationTold(message.latitude, message.longitude, message.accuracy_m)
            self._hall.append(visit.who.case, fact)

    # --- the queue ---

    def _join_queue(self, visit: Visit) -> None:
        hall = self._hall
        require(visit.call is None and visit.phase is CasePhase.PRE_CALL, "not now")
        if visit.consents_due:
            visit.joining = True
            return
        require("recording" in visit.consent, "consent comes first", code="consent_missing")
        if hall.stopping:
            raise Busy("the server stops")
        if hall.settings.opens_at(hall.clock.now()) is not None:
            raise WrongPhase("the desk is closed", code="desk_closed")
        who = visit.who
        customer = Party(who.seat, Role.CUSTOMER, who.name)
        call = Call(
            new_call_id(),
            who.case,
            customer,
            visit.consent,
            hall.limits,
            hall.settings.plan,
            visit.memory,
        )
        visit.call, visit.joined_at = call, hall.mono()
        hall.calls[call.call] = call
        visit.calls += 1
        call.open()
        hall.run(call)

    def join_at_last(self, visit: Visit) -> None:
        """Grant a wish to join that waited for the consent, if the customer is there."""
        if visit.joining and not visit.consents_due and visit.line is not None:
            visit.joining = False
            with self._hall.answering(visit.line, JoinQueue.tag):
                self._join_queue(visit)

    def take_in(self, call: Call) -> None:
        """Media is prepared: put the call's customer into the queue."""
        hall = self._hall
        visit = hall.visits[call.case]
        who, desk, now = visit.who, hall.desk_of(call), hall.mono()
        ready = visit.again is not None and desk.presence(visit.again) is Presence.READY
        only = visit.again if ready else None
        demand = Demand(call.call, skill=who.skill, language=visit.language, vip=who.vip, only=only)
        hall.expect(desk, desk.join(demand, now))
        if visit.first:
            hall.expect(desk, desk.move_up(call.call, now))
        visit.first, visit.again = False, None
        if visit.line is None:
            desk.step_out(call.call)
        hall.unplaced.append(visit)
        hall.unanswered[call.call] = visit.joined_at
        hall.follow()

    def _leave_queue(self, visit: Visit) -> None:
        call = _call_of(visit)
        call.leave_queue(self._hall.now())
        self._hall.run(call)

    def _request_callback(self, visit: Visit, message: RequestCallback) -> None:
        if not _PHONE.fullmatch(message.phone) or len(_DIGITS.findall(message.phone)) < _DIGITS_MIN:
            raise UserError("not a number to call", code="bad_phone")
        if visit.call is not None:
            self._leave_queue(visit)
        require(visit.phase is CasePhase.PRE_CALL, "not now")
        self._hall.append(visit.who.case, CallbackRequested(message.phone, message.wish))
        self._end(visit, CaseEnd.CALLBACK_REQUESTED, "callback_noted")

    def _end(self, visit: Visit, reason: CaseEnd, word: str) -> None:
        self._advance(visit, CasePhase.ABORTED, reason)
        if visit.line is not None:
            visit.line.end(word)

    def _advance(self, visit: Visit, to: CasePhase, reason: CaseEnd) -> None:
        self._hall.append(visit.who.case, CaseAdvanced(visit.phase, to, reason))
        visit.own_phase = to
        self._hall.merge_at_last(visit)


def _call_of(visit: Visit) -> Call:
    if visit.call is None:
        raise WrongPhase("no call")
    return visit.call
