"""The call machine: messages, facts and ticks in; effects out. Pure.

::

    (waiting) → RINGING → CONNECTING → ACTIVE ⇄ HELD, both ⇄ RECONNECTING → ENDED(reason)

    RINGING     at the first ring; stays while the desk looks for an agent
    CONNECTING  an agent accepted; the gate opens when both connections are up
    ACTIVE      what customer and host promise (microphone, camera) has arrived
    HELD        media does as it was told: nothing passes between customer and staff
    ENDED       media closes, the recording is finished, the host decides, the merge is queued

It stands on ``machine`` (state, screens, arrangements), ``ending``, ``parties`` (everybody beside the
customer and the first agent), ``work`` (the script and its checks) and ``identify``.
"""

from contract.errors import Busy, NotFound, WrongPhase
from contract.facts import (
    WORKER_LOST,
    ChatSaid,
    Fact,
    MediaConnected,
    MediaLost,
    MediaMissing,
    PartyDropped,
    PartyLeft,
    PartyReturned,
    RecorderTroubled,
    RecordingStarted,
    StepMarked,
    StillRequested,
    TrackEnded,
    TrackResumed,
    TrackStalled,
    TrackStarted,
)
from contract.ids import SeatId
from contract.phases import CallEnd, CallPhase, CaseEnd, CasePhase, Role
from contract.wire import (
    Admit,
    CameraClaim,
    CaptureState,
    ChallengeDeclined,
    ChallengeReady,
    Chat,
    EnterCode,
    Failed,
    Finish,
    HangUp,
    Hold,
    Invite,
    Leave,
    LightShown,
    Message,
    Offer,
    Playback,
    Reoffer,
    SetMode,
    StillWanted,
    TakeOver,
    TiltOver,
    WithdrawInvite,
    WrapUp,
)
from contract.worksheet_facts import TiltEnded
from signaling.effects import AnswerOffer, Moment, OpenMedia, Send
from signaling.identify import Identify
from signaling.machine import FLOWING, TALKING
from signaling.seats import Seat

_LOST = {Role.CUSTOMER: CallEnd.CUSTOMER_LOST}
_HUNG_UP = {Role.CUSTOMER: CallEnd.CUSTOMER_HUNG_UP}


class Call(Identify):
    """One call of one case, from joining the queue to the queued merge."""

    # --- the queue ---

    def open(self) -> None:
        """Prepare media; the queue is joined when that is done."""
        self._out.append(OpenMedia(self.call))

    def media_opened(self) -> None:
        """Media is prepared: the customer now stands in the queue."""
        if self.reason is None:
            self._advance_case(CasePhase.QUEUED)

    def failed(self, code: str) -> None:
        """Media could not be prepared: tell the customer; the call never was."""
        self.reason = CallEnd.MEDIA_FAILED
        self.closed = True
        self._out.append(Send(None, Failed(code, "the call could not be prepared", "join_queue")))

    def leave_queue(self, moment: Moment) -> None:
        """The customer no longer waits; he may join again."""
        self._require(self.waiting)
        self._now = moment
        self._end(CallEnd.CUSTOMER_HUNG_UP, moment)

    # --- messages ---

    def got(self, seat: SeatId, message: Message, moment: Moment) -> None:
        """Take a message of the customer, a seated member of staff or a rung agent.

        Raises:
            WrongPhase: not now, or not from this seat; with the codes ``not_host``, ``kyc_locked``,
                ``consent_missing``, ``held``, ``not_held``, ``inviting``, ``full``, ``nobody_left``.
            NotFound: another call, or pictures that are not there.
            UserError: ``checks_incomplete``, ``unknown_reason``, ``unknown_answer``, ``unknown_step``,
                ``not_waivable``, ``reason_missing``, ``no_such_agent``, ``no_features``.
            Busy: a comparison is running, or the seat's last offer is still being answered.
        """
        sender = self._table.find(seat)
        if sender is None:
            raise WrongPhase("no seat in this call")
        self._now = moment
        match message:
            case Offer():
                self._got_offer(sender, message)
            case CaptureState():
                self._got_capture(sender, message, moment)
            case Playback():
                self._got_playback(sender, message, moment)
            case HangUp() if sender is self._table.customer and self.waiting:
                self.leave_queue(moment)
            case _ if sender is self._table.customer:
                self._got_from_customer(sender, message, moment)
            case _:
                self._require(sender in self._table.staff)
                self._got_from_staff(sender, message, moment)

    def _got_from_customer(self, sender: Seat, message: Message, moment: Moment) -> None:
        match message:
            case Chat():
                self._got_chat(sender, message)
            case HangUp():
                self._got_hang_up(sender, moment)
            case (
                ChallengeReady()
                | ChallengeDeclined()
                | LightShown()
                | EnterCode()
                | CameraClaim()
                | TiltOver()
            ):
                self._got_answer(message)
            case _:
                raise WrongPhase("this is for staff", code="not_host")

    def _got_from_staff(self, sender: Seat, message: Message, moment: Moment) -> None:
        match message:
            case Chat():
                self._got_chat(sender, message)
            case Leave():
                self._got_leave(sender, moment)
            case SetMode():
                self._got_set_mode(sender, message)
            case TakeOver():
                self._got_take_over(sender, moment)
            case _:
                self._require(sender.account == self.host, "not_host")
                self._got_from_host(sender, message, moment)

    def _got_from_host(self, host: Seat, message: Message, moment: Moment) -> None:
        match message:
            case Hold():
                self._got_hold(message)
            case Invite():
                self._got_invite(host, message, moment)
            case WithdrawInvite():
                self._got_withdraw()
            case Admit():
                self._got_admit()
            case Finish():
                self._got_finish(host, message, moment)
            case WrapUp():
                self._got_wrap_up(host, message, moment)
            case HangUp():
                self._got_hang_up(host, moment)
            case _:
                self._got_work(host, message)

    def _got_offer(self, seat: Seat, message: Offer) -> None:
        if message.call != self.call:
            raise NotFound("no such call")
        self._require(self.reason is None)
        if seat.answering:
            raise Busy("the last offer is still being answered")
        seat.answering, seat.reoffer = True, False
        self._out.append(AnswerOffer(self.call, seat.party, message.sdp, message.number))

    def _got_capture(self, seat: Seat, message: CaptureState, moment: Moment) -> None:
        if message.call != self.call:
            raise NotFound("no such call")
        self._require(self.reason is None)
        if (seat.microphone, seat.camera) == (message.microphone, message.camera):
            return
        seat.microphone, seat.camera = message.microphone, message.camera
        self._stale = True
        seated = seat not in self._table.rung.values()
        if self._joined and seated and seat.talking:
            self._tell_capture(seat)
        if self._joined:
            self._arrange()
        self._try_active(moment)

    def _got_playback(self, seat: Seat, message: Playback, moment: Moment) -> None:
        # A page goes on reporting until it hears of the end.
        seated = seat not in self._table.rung.values()
        if seated and self.phase in TALKING and message.call == self.call:
            report = seat.report(message, moment.mono)
            if report is not None:
                self._fact(report)

    def _got_chat(self, seat: Seat, message: Chat) -> None:
        # A line reaches everybody, the customer too: observers have none.
        self._require(self.phase in TALKING and seat.talking)
        self._require(seat is self._table.customer or not self._held, "held")
        self._fact(ChatSaid(self.call, seat.seat, seat.party.role, message.text))

    def _got_hang_up(self, seat: Seat, moment: Moment) -> None:
        self._require(self.phase in TALKING)
        self._fact(PartyLeft(self.call, seat.seat))
        self._end(_HUNG_UP.get(seat.party.role, CallEnd.AGENT_HUNG_UP), moment)

    def answered(self, seat_id: SeatId) -> None:
        """The seat's offer is no longer being answered, well or not."""
        seat = self._table.find(seat_id)
        if seat is not None:
            seat.answering = False

    # --- facts of the journal ---

    def noted(self, fact: Fact, moment: Moment) -> None:
        """Take a fact of this case."""
        self._now = moment
        self.checks.noted(fact)
        self._out.extend(Send(None, message) for message in self.identity.noted(fact, moment.at))
        self._out.extend(Send(None, message) for message in self.sheet.noted(fact))
        lock = self.identity.lock_by(fact, moment.at)
        if lock is not None:
            self._fact(lock)
        self._stale = True
        match fact:
            case StillRequested():
                self._out.append(Send(None, StillWanted(fact.request, fact.kind, fact.at_once)))
            case TiltEnded():
                self._tilt_over(fact.check)
            case StepMarked():
                self._marks[fact.step] = fact
            case MediaConnected():
                self._media_connected(fact.seat, moment)
            case MediaLost():
                self._media_lost(fact, moment)
            case MediaMissing():
                self._media_missing(fact, moment)
            case (
                TrackStarted()
                | RecordingStarted()
                | RecorderTroubled()
                | TrackStalled()
                | TrackResumed()
                | TrackEnded()
            ):
                self._tracks.noted(fact)
                self._track_noted(fact, moment)
            case _:
                pass

    def _track_noted(self, fact: Fact, moment: Moment) -> None:
        if isinstance(fact, RecorderTroubled):
            if fact.what == "failed" and self.phase in TALKING:
                self._end(CallEnd.RECORDER_FAILED, moment)
        elif isinstance(fact, TrackStarted | TrackEnded) and self.phase in TALKING:
            self._arrange()
            self._try_active(moment)

    def _media_connected(self, seat_id: SeatId, moment: Moment) -> None:
        seat = self._table.find(seat_id)
        if seat is None or self.reason is not None:
            return
        seat.media, seat.media_lost = True, False
        self._watch_over(seat, moment)
        if self.phase is CallPhase.CONNECTING:
            self._try_gate()
            self._try_active(moment)
        elif self.phase in FLOWING:
            if seat is self._table.leading:
                self._deadline = None
            self._arrange_lead()

    def _media_lost(self, fact: MediaLost, moment: Moment) -> None:
        seat = self._table.find(fact.seat)
        if seat is None or self.reason is not None:
            return
        seat.media = False
        seat.media_lost = self._active_at is not None and seat not in self._table.rung.values()
        seat.reoffer = fact.reason == WORKER_LOST
        self._ask_offer(seat)
        self._watch_over(seat, moment)

    def _media_missing(self, fact: MediaMissing, moment: Moment) -> None:
        """What customer and host still promise is needed; a guest without a camera is not."""
        for seat in self._table.needed:
            if seat.seat == fact.seat and self.phase in TALKING and set(fact.missing) & set(seat.promised):
                self._end(CallEnd.MEDIA_TIMEOUT, moment)
                return

    def _ask_offer(self, seat: Seat) -> None:
        if seat.reoffer:
            self._out.append(Send(seat.party.account, Reoffer(self.call)))

    # --- sockets and time ---

    def dropped(self, seat_id: SeatId, moment: Moment) -> None:
        """A party's socket is lost; its seat is kept for the time of grace."""
        seat = self._table.find(seat_id)
        if seat is None or self.reason is not None or seat in self._table.rung.values():
            return
        self._now = moment
        seat.here = False
        self._watch_over(seat, moment)

    def returned(self, seat_id: SeatId, moment: Moment) -> None:
        """A party's socket is back. Media that is still missing gets the time of grace again."""
        seat = self._table.find(seat_id)
        if seat is None:
            return
        self._now, self._stale = moment, True
        seat.script = None
        if self.reason is not None:
            return
        seat.here = True
        if self._broke_off(seat, moment):
            return
        if seat.media_lost:
            seat.gone_until = moment.mono + self._limits.grace_s
        self._ask_offer(seat)
        self._watch_over(seat, moment)

    def _watch_over(self, seat: Seat, moment: Moment) -> None:
        self._stale = True
        told = self._joined and seat.talking
        if seat.away and seat.gone_until is None:
            seat.gone_until = moment.mono + self._limits.grace_s
            if told:
                seat.missed = True
                self._fact(PartyDropped(self.call, seat.seat, moment.at + self._limits.grace_s))
        elif not seat.away and seat.gone_until is not None and not self._broke_off(seat, moment):
            self._back(seat)
        self._settle()

    def _back(self, seat: Seat) -> None:
        seat.gone_until = None
        if seat.missed:
            seat.missed = False
            self._fact(PartyReturned(self.call, seat.seat))

    def _broke_off(self, seat: Seat, moment: Moment) -> bool:
        """End the call of a customer who was counted as dropped, where the policy wants a fresh one.

        While nobody leads there was no conversation to break: a transfer goes on.
        """
        led = self.phase in FLOWING and self._table.leading is not None
        if not (self._limits.fresh_call and led and seat is self._table.customer and seat.missed):
            return False
        self._back(seat)
        self._end(CallEnd.INTERRUPTED, moment)
        return True

    def tick(self, moment: Moment) -> None:
        """Act on what has lasted too long."""
        self._now = moment
        if self.reason is None:
            self._tick_seats(moment)
        if self.reason is None:
            self._tick_media(moment)
        if self._checks_until is not None and self._checks_until <= moment.mono:
            self._give_up_checks()
        if self._deadline is None or self._deadline > moment.mono:
            return
        self._deadline = None
        if self.reason is None:
            self._end(CallEnd.MEDIA_TIMEOUT, moment)
        else:
            self._abandon(CaseEnd.CALL_FAILED)

    def _tick_seats(self, moment: Moment) -> None:
        for seat in (self._table.customer, *self._table.staff):
            if self.reason is None and seat.gone_until is not None and seat.gone_until <= moment.mono:
                self._lost(seat, moment)
        until = self._invited.until if self._invited else None
        if self.reason is None and until is not None and until <= moment.mono:
            self._end(CallEnd.TRANSFER_FAILED, moment)

    def _lost(self, seat: Seat, moment: Moment) -> None:
        if seat not in self._table.needed:
            self._go(seat, moment)
        elif seat is not self._table.leading or not self._followed(seat, moment):
            lost = _LOST.get(seat.party.role, CallEnd.AGENT_LOST)
            self._end(CallEnd.MEDIA_FAILED if seat.here else lost, moment)

    def _tick_media(self, moment: Moment) -> None:
        since = self._changes.failing_since
        if since is not None and since + self._limits.grace_s <= moment.mono:
            self._end(CallEnd.MEDIA_FAILED, moment)
        elif self._changes.again_at is not None and self._changes.again_at <= moment.mono:
            self._routes = None
            self._arrange()
