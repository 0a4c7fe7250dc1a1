"""The call machine: messages, facts and ticks in; effects out. Pure.

::

    (waiting) → RINGING → CONNECTING → ACTIVE ⇄ RECONNECTING → ENDED(reason)

    RINGING     at the first ring; stays while the desk looks for an agent
    CONNECTING  an agent accepted; the gate opens when both connections are up
    ACTIVE      microphone and camera of both sides have arrived
    ENDED       media closes, the recording is finished, the agent decides, the merge is queued

Methods change the machine and collect effects; ``take`` hands them over. A method that raises has
changed nothing.
"""

import structlog

from contract.errors import Busy, NotFound, WrongPhase
from contract.facts import (
    WORKER_LOST,
    AgentDecided,
    CallAdvanced,
    CallEnded,
    CaseAdvanced,
    ChatSaid,
    Fact,
    MediaConnected,
    MediaLost,
    MediaMissing,
    PartyDropped,
    PartyJoined,
    PartyLeft,
    PartyReturned,
    RecorderTroubled,
    RecordingStarted,
    RingEnded,
    RingStarted,
    StillRequested,
    TrackEnded,
    TrackStarted,
)
from contract.ids import AccountId, CallId, CaseId, EvidenceId, SeatId, new_evidence_id
from contract.phases import (
    CallEnd,
    CallPhase,
    CaseEnd,
    CasePhase,
    EvidenceKind,
    Outcome,
    RingEnd,
    Role,
    advance_call,
    advance_case,
)
from contract.ports import Party
from contract.wire import (
    CallState,
    Chat,
    CheckIdNumber,
    Failed,
    Finish,
    MatchFaces,
    Message,
    Offer,
    Playback,
    Reoffer,
    RequestStill,
    RingOver,
    StillWanted,
)
from signaling.checks import Checks, require_from_phone
from signaling.effects import (
    AnswerOffer,
    Append,
    CheckNumber,
    CompareFaces,
    DropSeat,
    Effect,
    FreeAgent,
    Moment,
    OpenGate,
    OpenMedia,
    QueueMerge,
    Send,
    WindUp,
)
from signaling.seats import Seat, Tracks
from signaling.settings import CallLimits

_log = structlog.get_logger(__name__)

_TALKING = frozenset({CallPhase.CONNECTING, CallPhase.ACTIVE, CallPhase.RECONNECTING})
_LOST = {Role.CUSTOMER: CallEnd.CUSTOMER_LOST, Role.AGENT: CallEnd.AGENT_LOST}
_HUNG_UP = {Role.CUSTOMER: CallEnd.CUSTOMER_HUNG_UP, Role.AGENT: CallEnd.AGENT_HUNG_UP}
# Endings that nobody chose close the case; after a hang-up the agent decides.
_CASE_ENDS = {
    CallEnd.CUSTOMER_LOST: CaseEnd.CUSTOMER_LEFT,
    CallEnd.SERVER_STOPPED: CaseEnd.SERVER_LOST,
}
# An ended call waits so long for a picture on its way to the disk and for a running comparison.
_CHECKS_S = 10.0


class Call:
    """One call of one case, from joining the queue to the queued merge."""

    def __init__(
        self, call: CallId, case: CaseId, customer: Party, consent: frozenset[str], limits: CallLimits
    ) -> None:
        self.call = call
        self.case = case
        self.phase: CallPhase | None = None
        self.case_phase = CasePhase.PRE_CALL
        self.reason: CallEnd | None = None
        # True when nothing more will happen and the owner may forget the call.
        self.closed = False
        self.checks = Checks()
        self._customer = Seat(customer)
        self._agent: Seat | None = None
        self._consent = consent
        self._limits = limits
        self._tracks = Tracks()
        self._joined = False
        self._gate_open = False
        self._comparing = False
        self._checks_until: float | None = None
        self._wound_up = False
        self._undecided = False
        self._deadline: float | None = None
        self._active_at: float | None = None
        self._out: list[Effect] = []

    # --- what the owner may ask ---

    def take(self) -> tuple[Effect, ...]:
        """Hand over the collected effects, oldest first."""
        effects, self._out = tuple(self._out), []
        return effects

    @property
    def agent(self) -> Party | None:
        """The agent who is rung or seated."""
        return self._agent.party if self._agent else None

    @property
    def waiting(self) -> bool:
        """True while the customer stands in the queue."""
        return self.case_phase is CasePhase.QUEUED and self.reason is None

    @property
    def undecided(self) -> bool:
        """True while a call that was hung up waits for the agent's result."""
        return self._undecided

    @property
    def kyc_unlocked(self) -> bool:
        """True in an active call while every mandatory track is on disk."""
        return self.phase is CallPhase.ACTIVE and self._tracks.on_disk()

    def state(self, role: Role, moment: Moment) -> CallState | None:
        """Return the call as ``role`` is to see it; None while it has no phase."""
        if self.phase is None:
            return None
        other = self._agent if role is Role.CUSTOMER else self._customer
        return CallState(
            call=self.call,
            case=self.case,
            phase=self.phase,
            peer=other.party.name if other and self._joined else "",
            active_s=self._active_s(moment),
            recording=self._tracks.recording(),
            kyc_unlocked=self.kyc_unlocked,
            reason=self.reason,
            grace_s=self._grace_left(moment),
        )

    # --- the queue ---

    def open(self) -> None:
        """Prepare media; the queue is joined when that is done."""
        self._out.append(OpenMedia(self.call))

    def media_opened(self) -> None:
        """Media is prepared: the customer now stands in the queue."""
        if self.reason is None:
            self._advance_case(CasePhase.QUEUED)

    def rang(self, agent: Party, moment: Moment) -> None:
        """The desk rings at ``agent``'s console."""
        self._agent = Seat(agent)
        if self.phase is None:
            self._set_phase(CallPhase.RINGING)
        self._fact(RingStarted(self.call, _account(agent)))
        self._show(moment)

    def ring_over(self, how: RingEnd) -> None:
        """The ring ended without an answer; ignored when nobody is rung."""
        if self._agent is None or self._joined:
            return
        agent = _account(self._agent.party)
        self._fact(RingEnded(self.call, agent, how))
        self._out.append(Send(agent, RingOver(self.call, how)))
        self._out.append(DropSeat(self.call, self._agent.party.seat))
        self._agent = None

    def accepted(self, moment: Moment) -> None:
        """The rung agent answered."""
        if self._agent is None:
            raise WrongPhase("nobody is rung", code="ring_over")
        agent = _account(self._agent.party)
        self._joined = True
        self._fact(RingEnded(self.call, agent, RingEnd.ACCEPTED))
        self._out.append(Send(agent, RingOver(self.call, RingEnd.ACCEPTED)))
        self._advance_case(CasePhase.IN_CALL)
        self._set_phase(CallPhase.CONNECTING)
        for party in (self._customer.party, self._agent.party):
            self._fact(PartyJoined(self.call, party.seat, party.role, party.name, party.account))
        self._deadline = moment.mono + self._limits.connect_s
        self._try_gate()
        self._show(moment)

    def leave_queue(self, moment: Moment) -> None:
        """The customer no longer waits; he may join again."""
        if not self.waiting:
            raise WrongPhase("not waiting")
        self._end(CallEnd.CUSTOMER_HUNG_UP, moment)

    # --- messages of the two parties ---

    def got(self, role: Role, message: Message, moment: Moment) -> None:
        """Take a message of the customer or the seated agent.

        Raises:
            WrongPhase: not now; ``kyc_locked`` while a mandatory track is not on disk.
            NotFound: another call, or pictures that are not there.
            UserError: ``checks_incomplete``, ``consent_missing``.
            Busy: a comparison is running, or the seat's last offer is still being answered.
        """
        match message:
            case Offer():
                self._got_offer(self._seat(role), message)
            case Playback() if self.phase in _TALKING and message.call == self.call:
                if report := self._seat(role).report(message, moment.mono):
                    self._fact(report)
            case Playback():
                pass  # a page goes on reporting until it hears of the end
            case Chat():
                self._require(self.phase in _TALKING)
                self._fact(ChatSaid(self.call, self._seat(role).party.seat, role, message.text))
            case RequestStill():
                self._require_kyc()
                require_from_phone(message.kind)
                self._fact(StillRequested(self.call, new_evidence_id(), message.kind))
            case CheckIdNumber():
                self._require_kyc()
                self._out.append(CheckNumber(message.number, self._agent_account()))
            case MatchFaces():
                self._got_match_faces(message)
            case Finish():
                self._got_finish(message, moment)
            case _:
                self._got_hang_up(role, moment)

    def claim_upload(self, seat: SeatId, request: EvidenceId) -> EvidenceKind:
        """Begin the one upload of ``request``; return what it is to show. Raises NotFound or WrongPhase."""
        self._require_upload(seat)
        return self.checks.claim_upload(request)

    def confirm_upload(self, seat: SeatId, request: EvidenceId) -> EvidenceKind:
        """The claimed picture is about to be stored, if it still may be. Raises NotFound or WrongPhase."""
        self._require_upload(seat)
        return self.checks.confirm_upload(request)

    def release_upload(self, request: EvidenceId) -> None:
        """The upload is over, well or not."""
        self.checks.release_upload(request)
        self._try_close()

    def compared(self) -> None:
        """The running comparison is over, well or not."""
        self._comparing = False
        self._try_close()

    def answered(self, seat_id: SeatId) -> None:
        """The seat's offer is no longer being answered, well or not."""
        seat = self._seat_with(seat_id)
        if seat is not None:
            seat.answering = False

    # --- facts of the journal ---

    def noted(self, fact: Fact, moment: Moment) -> None:
        """Take a fact of this case."""
        self.checks.noted(fact)
        unlocked = self.kyc_unlocked
        match fact:
            case StillRequested():
                self._out.append(Send(None, StillWanted(fact.request, fact.kind)))
            case MediaConnected():
                self._media_connected(fact.seat, moment)
            case MediaLost():
                self._media_lost(fact, moment)
            case MediaMissing():
                if self.phase in _TALKING:
                    self._end(CallEnd.MEDIA_TIMEOUT, moment)
            case RecorderTroubled():
                self._recorder_troubled(fact, moment)
            case TrackStarted():
                self._track_started(fact, moment)
            case RecordingStarted():
                self._tracks.recorded.add(fact.track)
            case TrackEnded():
                self._tracks.started.pop(fact.track, None)
            case _:
                return
        if self.kyc_unlocked is not unlocked:
            self._show(moment)

    # --- sockets and time ---

    def dropped(self, role: Role, moment: Moment) -> None:
        """A party's socket is lost; its seat is kept for the time of grace."""
        seat = self._seat_of(role)
        if seat is not None and self.reason is None:
            seat.here = False
            self._watch(seat, moment)

    def returned(self, role: Role, moment: Moment) -> None:
        """A party's socket is back. Media that is still missing gets the time of grace again."""
        seat = self._seat_of(role)
        if seat is None or self.reason is not None:
            return
        seat.here = True
        if seat.media_lost:
            seat.gone_until = moment.mono + self._limits.grace_s
        self._ask_offer(seat)
        self._watch(seat, moment)

    def tick(self, moment: Moment) -> None:
        """Act on what has lasted too long."""
        if self.reason is None:
            self._tick_seats(moment)
        if self._checks_until is not None and self._checks_until <= moment.mono:
            self._give_up_checks()
        if self._deadline is None or self._deadline > moment.mono:
            return
        self._deadline = None
        if self.reason is None:
            self._end(CallEnd.MEDIA_TIMEOUT, moment)
        else:
            self._abandon(CaseEnd.CALL_FAILED)

    def stop(self, reason: CallEnd, moment: Moment) -> None:
        """End the call for a reason that is nobody's choice; a hung-up case is closed too."""
        if self.reason is None:
            self._end(reason, moment)
        elif self._undecided:
            self._abandon(_CASE_ENDS.get(reason, CaseEnd.CALL_FAILED))

    def wound_up(self) -> None:
        """Media is closed and every segment is sealed."""
        self._wound_up = True
        self._try_close()

    # --- inside ---

    def _fact(self, fact: Fact) -> None:
        self._out.append(Append(fact))

    def _set_phase(self, to: CallPhase) -> None:
        was = self.phase
        if was is not None:
            advance_call(was, to)
        _log.info("call phase", call=self.call, case=self.case, was=was, now=to)
        self.phase = to
        self._fact(CallAdvanced(self.call, was, to))

    def _advance_case(self, to: CasePhase, reason: CaseEnd | None = None) -> None:
        was, self.case_phase = self.case_phase, advance_case(self.case_phase, to)
        self._fact(CaseAdvanced(was, to, reason))

    def _show(self, moment: Moment) -> None:
        for seat in (self._customer, self._agent):
            state = self.state(seat.party.role, moment) if seat else None
            if seat is not None and state is not None:
                self._out.append(Send(seat.party.account, state))

    def _seat_of(self, role: Role) -> Seat | None:
        return self._customer if role is Role.CUSTOMER else self._agent

    def _seat(self, role: Role) -> Seat:
        seat = self._seat_of(role)
        if seat is None:
            raise WrongPhase("no seat in this call")
        return seat

    def _seat_with(self, seat: SeatId) -> Seat | None:
        seats = (self._customer, self._agent)
        return next((known for known in seats if known and known.party.seat == seat), None)

    def _agent_account(self) -> AccountId:
        return _account(self._seat(Role.AGENT).party)

    def _require(self, allowed: bool, code: str | None = None) -> None:
        if not allowed:
            raise WrongPhase("not now", code=code)

    def _require_kyc(self) -> None:
        self._require(self.phase in _TALKING)
        self._require(self.kyc_unlocked, "kyc_locked")

    def _require_upload(self, seat: SeatId) -> None:
        if seat != self._customer.party.seat:
            raise NotFound("another seat was asked for this picture")
        self._require(self.phase is CallPhase.ACTIVE)

    def _got_offer(self, seat: Seat, message: Offer) -> None:
        if message.call != self.call:
            raise NotFound("no such call")
        self._require(self.reason is None)
        if seat.answering:
            raise Busy("the last offer is still being answered")
        seat.answering, seat.reoffer = True, False
        self._out.append(AnswerOffer(self.call, seat.party, message.sdp, message.number))

    def _got_match_faces(self, message: MatchFaces) -> None:
        self._require_kyc()
        if "biometrics" not in self._consent:
            raise WrongPhase("the customer did not agree to biometrics", code="consent_missing")
        self.checks.require_pair(message.card, message.still)
        if self._comparing:
            raise Busy("a comparison is running")
        self._comparing = True
        self._out.append(CompareFaces(message.card, message.still, self._agent_account()))

    def _got_finish(self, message: Finish, moment: Moment) -> None:
        self._require(self.phase in _TALKING or self._undecided)
        if message.outcome is Outcome.PASSED:
            self.checks.require_complete(self._consent)
        agent = self._agent_account()
        self._fact(AgentDecided(agent, message.outcome, message.reason, message.note))
        if self.reason is None:
            self._end(CallEnd.AGENT_HUNG_UP, moment)
        self._undecided, self._deadline = False, None
        self._advance_case(CasePhase.AGENT_DONE)
        self._try_close()

    def _got_hang_up(self, role: Role, moment: Moment) -> None:
        if role is Role.CUSTOMER and self.waiting:
            self.leave_queue(moment)
            return
        self._require(self.phase in _TALKING)
        self._fact(PartyLeft(self.call, self._seat(role).party.seat))
        self._end(_HUNG_UP[role], moment)

    def _media_connected(self, seat_id: SeatId, moment: Moment) -> None:
        seat = self._seat_with(seat_id)
        if seat is None or self.reason is not None:
            return
        seat.media, seat.media_lost = True, False
        self._watch(seat, moment)
        self._try_gate()

    def _media_lost(self, fact: MediaLost, moment: Moment) -> None:
        seat = self._seat_with(fact.seat)
        if seat is None or self.reason is not None:
            return
        seat.media = False
        seat.media_lost = self._active_at is not None
        seat.reoffer = fact.reason == WORKER_LOST
        self._ask_offer(seat)
        self._watch(seat, moment)

    def _ask_offer(self, seat: Seat) -> None:
        if seat.reoffer:
            self._out.append(Send(seat.party.account, Reoffer(self.call)))

    def _try_gate(self) -> None:
        agent = self._agent
        if self._gate_open or agent is None or self.phase is not CallPhase.CONNECTING:
            return
        if self._customer.media and agent.media:
            self._gate_open = True
            self._out.append(OpenGate(self.call))

    def _track_started(self, fact: TrackStarted, moment: Moment) -> None:
        self._tracks.any = True
        self._tracks.started[fact.track] = (fact.role, fact.source)
        if self.phase is CallPhase.CONNECTING and self._tracks.arrived():
            self._deadline, self._active_at = None, moment.mono
            self._set_phase(CallPhase.ACTIVE)
            self._settle(moment)
            self._show(moment)

    def _recorder_troubled(self, fact: RecorderTroubled, moment: Moment) -> None:
        # Checks stay locked until the recorder says that this track is on disk again.
        self._tracks.recorded.discard(fact.track)
        if fact.what == "failed" and self.phase in _TALKING:
            self._end(CallEnd.RECORDER_FAILED, moment)

    def _watch(self, seat: Seat, moment: Moment) -> None:
        if seat.away and seat.gone_until is None:
            seat.gone_until = moment.mono + self._limits.grace_s
            if self._joined:
                until = moment.at + self._limits.grace_s
                self._fact(PartyDropped(self.call, seat.party.seat, until))
        elif not seat.away and seat.gone_until is not None:
            seat.gone_until = None
            if self._joined:
                self._fact(PartyReturned(self.call, seat.party.seat))
        else:
            return
        self._settle(moment)
        self._show(moment)

    def _settle(self, moment: Moment) -> None:
        away = self._grace_left(moment) is not None
        if away and self.phase is CallPhase.ACTIVE:
            self._set_phase(CallPhase.RECONNECTING)
        elif not away and self.phase is CallPhase.RECONNECTING:
            self._set_phase(CallPhase.ACTIVE)

    def _tick_seats(self, moment: Moment) -> None:
        for seat in (self._customer, self._agent):
            if seat and seat.gone_until is not None and seat.gone_until <= moment.mono:
                self._end(CallEnd.MEDIA_FAILED if seat.here else _LOST[seat.party.role], moment)
                return

    def _end(self, reason: CallEnd, moment: Moment) -> None:
        self.ring_over(RingEnd.CUSTOMER_LEFT)
        self.reason = reason
        seconds = self._active_s(moment)
        self._active_at, self._deadline = None, None
        self._checks_until = moment.mono + _CHECKS_S
        if self.phase is not None:
            self._set_phase(CallPhase.ENDED)
            self._fact(CallEnded(self.call, reason, seconds))
        self._out.append(WindUp(self.call))
        if self._agent is None:
            self._end_waiting(reason)
        else:
            self._end_talking(reason, seconds, moment)
        self._show(moment)

    def _end_waiting(self, reason: CallEnd) -> None:
        if reason is not CallEnd.CUSTOMER_HUNG_UP:
            self._advance_case(CasePhase.ABORTED, _CASE_ENDS.get(reason, CaseEnd.CALL_FAILED))
        else:
            self._advance_case(CasePhase.PRE_CALL)

    def _end_talking(self, reason: CallEnd, seconds: float, moment: Moment) -> None:
        self._out.append(FreeAgent(self._agent_account(), seconds))
        if reason in _HUNG_UP.values():
            self._undecided = True
            self._deadline = moment.mono + self._limits.wrap_up_s
        else:
            self._advance_case(CasePhase.ABORTED, _CASE_ENDS.get(reason, CaseEnd.CALL_FAILED))

    def _abandon(self, end: CaseEnd) -> None:
        self._undecided, self._deadline = False, None
        self._advance_case(CasePhase.ABORTED, end)
        self._try_close()

    def _give_up_checks(self) -> None:
        self._comparing, self._checks_until = False, None
        self.checks.forget_uploads()
        self._try_close()

    def _try_close(self) -> None:
        # What a check finds belongs into the record before the record is handed on.
        checking = self._comparing or self.checks.storing
        if not self._wound_up or self._undecided or self.closed or checking:
            return
        self.closed = True
        if self._tracks.any or self.case_phase is CasePhase.AGENT_DONE:
            self._out.append(QueueMerge())

    def _active_s(self, moment: Moment) -> float:
        return 0.0 if self._active_at is None else moment.mono - self._active_at

    def _grace_left(self, moment: Moment) -> float | None:
        if self.reason is not None:
            return None
        ends = [s.gone_until for s in (self._customer, self._agent) if s and s.gone_until is not None]
        return max(0.0, min(ends) - moment.mono) if ends else None

    def failed(self, code: str) -> None:
        """Media could not be prepared: tell the customer; the call never was."""
        self.reason = CallEnd.MEDIA_FAILED
        self.closed = True
        self._out.append(Send(None, Failed(code, "the call could not be prepared", "join_queue")))


def _account(party: Party) -> AccountId:
    if party.account is None:
        raise ValueError("an agent's party has an account")
    return party.account
