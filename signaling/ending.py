"""How a call ends, and what is still owed then: the result, the record, the wrap-up. Pure."""

from contract.errors import UserError
from contract.facts import AgentDecided, CallEnded, RingEnded, SupervisorActed, WrapUpNoted
from contract.ids import AccountId
from contract.phases import CallEnd, CallPhase, CaseEnd, CasePhase, Outcome, RingEnd
from contract.wire import Failed, Finish, RingOver, WrapUp
from signaling.effects import DropSeat, FreeAgent, Moment, QueueMerge, Send, Unsummon, WindUp
from signaling.identity_effects import Decide
from signaling.machine import TALKING, Machine
from signaling.script import complete
from signaling.seats import Seat

# After these, which somebody chose, the host decides; every other ending closes the case.
_DECIDED = frozenset({CallEnd.CUSTOMER_HUNG_UP, CallEnd.AGENT_HUNG_UP, CallEnd.SUPERVISOR_ENDED})
# The customer did nothing wrong and may queue again at once, before all others.
GOES_ON = frozenset({CallEnd.TRANSFER_FAILED, CallEnd.INTERRUPTED})
_CASE_ENDS = {
    CallEnd.CUSTOMER_HUNG_UP: CaseEnd.CUSTOMER_LEFT,
    CallEnd.CUSTOMER_LOST: CaseEnd.CUSTOMER_LEFT,
    CallEnd.SERVER_STOPPED: CaseEnd.SERVER_LOST,
}
# An ended call waits so long for a picture on its way to the disk and for a running comparison.
_CHECKS_S = 10.0


class Endings(Machine):
    """The part of the call machine that brings calls to their end."""

    def stop(self, reason: CallEnd, moment: Moment) -> None:
        """End the call for a reason that is nobody's choice; a hung-up case is closed too."""
        self._now = moment
        if self.reason is None:
            self._end(reason, moment)
        elif self._undecided:
            self._abandon(_CASE_ENDS.get(reason, CaseEnd.CALL_FAILED))

    def force_end(self, supervisor: AccountId, reason: str, moment: Moment) -> None:
        """A supervisor ends the call, seated in it or not. Raises WrongPhase when it is over."""
        self._require(self.reason is None and self.case_phase is not CasePhase.PRE_CALL)
        self._now = moment
        self._fact(SupervisorActed(self.call, supervisor, "force_ended", self.host, reason))
        self._end(CallEnd.SUPERVISOR_ENDED, moment)

    def wound_up(self) -> None:
        """Media is closed and every segment is sealed."""
        self._wound_up = True
        self._try_close()

    def ring_over(self, account: AccountId, how: RingEnd, moment: Moment) -> None:
        """The ring ended without an answer; ignored for an account that is not rung."""
        self._now = moment
        seat = self._table.ringing(account)
        if seat is not None:
            self._end_ring(seat, how)
            if self._invited is not None:
                self._invited = self._invited.passed_on(account)

    def _end_ring(self, seat: Seat, how: RingEnd) -> None:
        self._table.rung = {role: rung for role, rung in self._table.rung.items() if rung is not seat}
        self._fact(RingEnded(self.call, seat.account, how))
        self._out.append(Send(seat.account, RingOver(self.call, how)))
        if how is not RingEnd.ACCEPTED:
            self._out.append(DropSeat(self.call, seat.seat))

    def _uninvite(self) -> None:
        """Nobody further is wanted any more."""
        if self._invited is None:
            return
        self._out.append(Unsummon(self.call, self._invited.role))
        self._invited, self._stale = None, True
        for seat in list(self._table.rung.values()):
            self._end_ring(seat, RingEnd.WITHDRAWN)

    # --- the end ---

    def _end(self, reason: CallEnd, moment: Moment) -> None:
        self._uninvite()
        for seat in list(self._table.rung.values()):
            self._end_ring(seat, RingEnd.CUSTOMER_LEFT)
        self.reason = reason
        seconds = self._active_s(moment)
        self._deadline, self._checks_until = None, moment.mono + _CHECKS_S
        self._ended_at = moment.mono
        if self.phase is not None:
            self._set_phase(CallPhase.ENDED)
            self._fact(CallEnded(self.call, reason, seconds))
        self._out.append(WindUp(self.call))
        if self._joined:
            self._end_talking(reason, moment)
        else:
            self._end_waiting(reason)

    def _end_waiting(self, reason: CallEnd) -> None:
        if reason is CallEnd.CUSTOMER_HUNG_UP:
            self._advance_case(CasePhase.PRE_CALL)
        else:
            if self.phase is None:
                # No screen of the call tells the customer that it is over.
                self._out.append(Send(None, Failed(reason.value, "the waiting is over", "join_queue")))
            self._advance_case(CasePhase.ABORTED, _CASE_ENDS.get(reason, CaseEnd.CALL_FAILED))

    def _end_talking(self, reason: CallEnd, moment: Moment) -> None:
        for seat in self._table.staff:
            self._free(seat, moment, wraps_up=reason is not CallEnd.INTERRUPTED)
        if reason in _DECIDED and self.host is not None:
            self._undecided = True
            self._deadline = moment.mono + self._limits.wrap_up_s
        elif reason in GOES_ON:
            self._advance_case(CasePhase.PRE_CALL)
        else:
            self._advance_case(CasePhase.ABORTED, _CASE_ENDS.get(reason, CaseEnd.CALL_FAILED))

    def _free(self, seat: Seat, moment: Moment, *, wraps_up: bool = True) -> None:
        since = None if self._active_at is None else max(self._active_at, seat.came_at)
        talked_s = 0.0 if since is None else moment.mono - since
        self._out.append(FreeAgent(seat.account, talked_s, wraps_up))

    def _abandon(self, end: CaseEnd) -> None:
        self._undecided, self._deadline = False, None
        self._advance_case(CasePhase.ABORTED, end)
        self._try_close()

    # --- what the host owes ---

    def _got_finish(self, host: Seat, message: Finish, moment: Moment) -> None:
        self._require(self.phase in TALKING or self._undecided)
        if message.outcome is not Outcome.PASSED:
            self._plan.require_reason(message.outcome, message.reason)
        elif not complete(self._steps()):
            raise UserError("the script does not allow this outcome", code="checks_incomplete")
        self._fact(AgentDecided(host.account, message.outcome, message.reason, message.note))
        if self.reason is None:
            self._end(CallEnd.AGENT_HUNG_UP, moment)
        self._undecided, self._deadline = False, None
        self._advance_case(CasePhase.AGENT_DONE)
        self._try_close()

    def _got_wrap_up(self, host: Seat, message: WrapUp, moment: Moment) -> None:
        self._require(self.phase in TALKING or self.phase is CallPhase.ENDED)
        self._plan.require_words(message)
        seconds = 0.0 if self._ended_at is None else moment.mono - self._ended_at
        self._fact(WrapUpNoted(host.account, message.tags, message.next_action, message.note, seconds))

    # --- the record ---

    def _give_up_checks(self) -> None:
        self._comparing, self._checks_until = False, None
        self.identity.working.clear()
        self.checks.forget_uploads()
        self._try_close()

    def _try_close(self) -> None:
        # What a check finds belongs into the record before the record is handed on.
        checking = self._comparing or self.checks.storing or self.identity.working
        if not self._wound_up or self._undecided or self.closed or checking:
            return
        self.closed = True
        if self.case_phase is CasePhase.PRE_CALL:
            # What was recorded is merged when the case is over, with the calls that may follow.
            return
        if self.case_phase is CasePhase.AGENT_DONE:
            self._out.append(Decide())
        if self._tracks.any or self.case_phase is CasePhase.AGENT_DONE:
            self._out.append(QueueMerge())
