"""What every part of the call machine stands on: its state, its phases, what it shows and arranges. Pure.

Methods change the machine and collect effects; ``take`` hands them over. A method that raises has
changed nothing. What screens see (``call_state``, ``script``) is told by ``take`` when it has changed.
"""

from dataclasses import replace

import structlog

from contract.errors import TellerError, WrongPhase
from contract.facts import (
    CallAdvanced,
    CaptureChanged,
    CaseAdvanced,
    Fact,
    PartyJoined,
    PartyLeft,
    SeatModeChanged,
    StepMarked,
)
from contract.ids import AccountId, CallId, CaseId, SeatId
from contract.phases import (
    CallEnd,
    CallPhase,
    CaseEnd,
    CasePhase,
    Role,
    SeatMode,
    advance_call,
    advance_case,
)
from contract.ports import Party, SeatRoute
from contract.wire import CallState, Failed, Script, StepSeen
from signaling.arrangement import Stance, place, routes
from signaling.changes import Change, Changes
from signaling.checks import Checks
from signaling.effects import Append, Arrange, Effect, Moment, Send
from signaling.identity import Identity
from signaling.identity_effects import TellLive
from signaling.invitation import Invitation
from signaling.memory import Memory
from signaling.script import ScriptPlan, Standing, evaluate, script_of
from signaling.seats import Seat, Table
from signaling.seen import parties_for, sharing_for
from signaling.settings import CallLimits
from signaling.sheet import Sheet
from signaling.tracks import Tracks

_log = structlog.get_logger(__name__)

# The phases in which there is a conversation, and those of them that media was let through in.
TALKING = frozenset({CallPhase.CONNECTING, CallPhase.ACTIVE, CallPhase.HELD, CallPhase.RECONNECTING})
FLOWING = TALKING - {CallPhase.CONNECTING}


class Machine:
    """One call of one case, from joining the queue to the queued merge."""

    def __init__(
        self,
        call: CallId,
        case: CaseId,
        customer: Party,
        consent: frozenset[str],
        limits: CallLimits,
        plan: ScriptPlan,
        memory: Memory | None = None,
    ) -> None:
        self.call = call
        self.case = case
        self.phase: CallPhase | None = None
        self.case_phase = CasePhase.PRE_CALL
        self.reason: CallEnd | None = None
        # True when nothing more will happen and the owner may forget the call.
        self.closed = False
        self.checks = Checks()
        memory = memory or Memory()
        self.identity = Identity(plan.identity, memory)
        self.sheet = Sheet(plan.identity.worksheet)
        # What the customer gave in self-service is there already.
        for fact in memory.entered:
            self.checks.noted(fact)
        self._table = Table(Seat(customer))
        self._consent = consent
        self._limits = limits
        self._plan = plan
        self._marks: dict[str, StepMarked] = {}
        self._tracks = Tracks()
        self._changes = Changes()
        self._held = False
        # The hold ends by itself as soon as the new host's media is there.
        self._hold_ends = False
        self._invited: Invitation | None = None
        self._joined = False
        self._gate_open = False
        self._routes: tuple[SeatRoute, ...] | None = None
        self._comparing = False
        self._checks_until: float | None = None
        self._wound_up = False
        self._undecided = False
        self._deadline: float | None = None
        self._active_at: float | None = None
        self._ended_at: float | None = None
        self._stale = False
        self._now = Moment(0.0, 0.0)
        self._out: list[Effect] = []

    # --- what the owner may ask ---

    def take(self) -> tuple[Effect, ...]:
        """Hand over the collected effects, oldest first; last what screens are to see."""
        if self._stale:
            self._stale = False
            self._tell()
        effects, self._out = tuple(self._out), []
        return effects

    @property
    def customer(self) -> Party:
        """The customer."""
        return self._table.customer.party

    @property
    def host(self) -> AccountId | None:
        """Who leads the conversation, and owes the result when it is over."""
        return self._table.host

    @property
    def staff(self) -> tuple[Party, ...]:
        """The staff who are seated, in the order of coming; at the end as it was then."""
        return tuple(seat.party for seat in self._table.staff)

    def rung(self, role: Role) -> Party | None:
        """Return the agent who is rung for this part in the call."""
        seat = self._table.rung.get(role)
        return seat.party if seat else None

    def seat_of(self, account: AccountId | None) -> SeatId | None:
        """Return the seat of an account, rung or seated; None stands for the customer."""
        seat = self._table.of(account)
        return seat.seat if seat else None

    def mode_of(self, seat: SeatId) -> SeatMode | None:
        """Return how far a seated party takes part; None for who is not seated (any more, or yet)."""
        known = self._table.find(seat)
        return known.mode if known and known not in self._table.rung.values() else None

    @property
    def waiting(self) -> bool:
        """True while the customer stands in the queue."""
        return self.case_phase is CasePhase.QUEUED and self.reason is None

    @property
    def recorded(self) -> bool:
        """True when there is something to merge."""
        return self._tracks.any

    @property
    def undecided(self) -> bool:
        """True while a call that was hung up waits for the host's result."""
        return self._undecided

    def owes(self, account: AccountId) -> bool:
        """Tell whether this account still owes the result of this call, which is over."""
        return self._undecided and account == self.host

    @property
    def kyc_unlocked(self) -> bool:
        """True in an active call while microphone and camera of customer and host are on and on disk."""
        led = self.phase is CallPhase.ACTIVE and self._table.leading is not None
        return led and self._tracks.on_disk(self._table.needed)

    def state(self, seat: SeatId, moment: Moment) -> CallState | None:
        """Return the call as ``seat`` is to see it; None while it has no phase, and for unknown seats."""
        reader = self._table.find(seat)
        if reader is None or self.phase is None:
            return None
        if reader in self._table.rung.values():
            return self._ringing(reader)
        return self._timed(self._timeless(reader, self.phase), moment)

    def _ringing(self, seat: Seat) -> CallState:
        return CallState(self.call, self.case, CallPhase.RINGING, "", 0.0, False, False, seat=seat.seat)

    def _timed(self, state: CallState, moment: Moment) -> CallState:
        return replace(state, active_s=self._active_s(moment), grace_s=self._grace_left(moment))

    def _timeless(self, reader: Seat, phase: CallPhase) -> CallState:
        staff = reader is not self._table.customer
        leading, stance = self._table.leading, self._stance()
        other = self._table.customer if staff else leading
        return CallState(
            call=self.call,
            case=self.case,
            phase=phase,
            peer=other.party.name if other and self._joined else "",
            active_s=0.0,
            recording=self._tracks.recording(),
            kyc_unlocked=self.kyc_unlocked,
            reason=self.reason,
            grace_s=self._grace_until(),
            seat=reader.seat,
            host=leading.seat if leading else None,
            sharing=sharing_for(reader, self._screens(), stance),
            inviting=self._inviting() if staff else "",
            parties=parties_for(reader, self._table, stance if self.reason is None else None),
            peer_number=other.party.number if other and self._joined else "",
        )

    def script(self) -> Script:
        """Return the script as it stands."""
        return script_of(self.call, self._plan, self._steps())

    # --- inside: telling ---

    def _fact(self, fact: Fact) -> None:
        self._out.append(Append(fact))
        self._stale = True

    def _tell(self) -> None:
        if self.phase is None:
            return
        for seat in (self._table.customer, *self._table.staff):
            self._tell_state(seat, self._timeless(seat, self.phase))
        if self._table.staff and not self.closed:
            script = self.script()
            for seat in self._table.staff:
                if seat.script != script:
                    seat.script = script
                    self._out.append(Send(seat.party.account, script))

    def _tell_state(self, seat: Seat, timeless: CallState) -> None:
        # Two states that differ only in the passing of time are the same: a message of its own would
        # tell the customer that something happened which he is not to know.
        if seat.shown != timeless:
            seat.shown = timeless
            self._out.append(Send(seat.party.account, self._timed(timeless, self._now)))

    def _inviting(self) -> str:
        if self._invited is None:
            return ""
        rung = self.rung(self._invited.role)
        return rung.name if rung else self._invited.whom

    def _steps(self) -> tuple[StepSeen, ...]:
        lock = "" if self.kyc_unlocked else "recording" if self.phase is CallPhase.ACTIVE else "call"
        found = self.checks.found(self._consent, comparing=self._comparing)
        found |= self.identity.found() | self.sheet.found()
        by_hand = "" if self._undecided else lock
        faceless = bool(self._consent) and "biometrics" not in self._consent
        return evaluate(self._plan, self._marks, Standing(found, lock, by_hand, faceless))

    # --- inside: phases ---

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

    def _settle(self) -> None:
        if self.phase not in FLOWING:
            return
        away = any(seat.gone_until is not None for seat in self._table.needed)
        steady = CallPhase.HELD if self._held else CallPhase.ACTIVE
        to = CallPhase.RECONNECTING if away else steady
        if to is not self.phase:
            self._set_phase(to)

    def _require(self, allowed: bool, code: str | None = None) -> None:
        if not allowed:
            raise WrongPhase("not now", code=code)

    def _active_s(self, moment: Moment) -> float:
        until = moment.mono if self._ended_at is None else self._ended_at
        return 0.0 if self._active_at is None else until - self._active_at

    def _grace_until(self) -> float | None:
        ends = [seat.gone_until for seat in self._table.needed if seat.gone_until is not None]
        return min(ends) if ends and self.reason is None else None

    def _grace_left(self, moment: Moment) -> float | None:
        until = self._grace_until()
        return None if until is None else max(0.0, until - moment.mono)

    # --- inside: media ---

    def _stance(self) -> Stance:
        return Stance(self._held, {seat.seat: seat.mode for seat in self._table.staff})

    def _screens(self) -> tuple[SeatId, ...]:
        known = {seat.seat for seat in (self._table.customer, *self._table.staff)}
        return tuple(seat for seat in self._tracks.screens() if seat in known)

    def _arrange(self, *changes: Change) -> None:
        """Let media go the ways that are wanted now; ``changes`` hold once it does."""
        wanted = self._changes.wanted(self._stance())
        place(self._table, wanted)
        self._stale = True
        if not self._gate_open:
            return
        leading = self._table.leading
        # Whoever leads may begin to share at any moment: its first picture is not to wait.
        screens = (*self._screens(), leading.seat) if leading else self._screens()
        ways = routes(self._table, wanted, screens)
        if ways != self._routes or changes:
            self._routes = ways
            self._changes.ask()
            self._out.append(Arrange(self.call, ways))

    def _change(self, change: Change) -> None:
        """Let ``change`` be, once media was rearranged for it."""
        if self._gate_open:
            self._changes.want(change)
            self._arrange(change)
        else:
            self._commit(change)
            self._arrange()

    def arranged(self, error: TellerError | None, moment: Moment) -> None:
        """The oldest arrangement that was asked for holds, or ``error`` says why not."""
        self._now = moment
        if error is None:
            for change in self._changes.hold():
                self._commit(change)
            return
        for change in self._changes.fail(moment.mono):
            if self.reason is None:
                self._out.append(Send(change.by, Failed("media", "media could not do this", change.about)))

    def _commit(self, change: Change) -> None:
        if self.reason is not None:
            return
        seat = self._table.find(change.seat) if change.seat else None
        if seat is not None and change.mode is not None:
            self._set_mode(seat, change.mode)
        if change.held is not None:
            self._held = change.held
            if self._held and self.identity.running is not None:
                # Who is held is asked nothing, and nobody looks at what he does.
                self._out.append(TellLive(self.identity.running, "stop"))
            self._settle()
        self._stale = True

    def _set_mode(self, seat: Seat, mode: SeatMode) -> None:
        was, seat.mode = seat.mode, mode
        if was is mode:
            return
        self._fact(SeatModeChanged(self.call, seat.seat, was, mode))
        if mode is SeatMode.TALKING:
            self._introduce(seat)
        elif was is SeatMode.TALKING:
            seat.missed = False
            self._fact(PartyLeft(self.call, seat.seat))

    def _introduce(self, seat: Seat) -> None:
        party = seat.party
        self._fact(PartyJoined(self.call, party.seat, party.role, party.name, party.account))
        if len(seat.promised) < 2:
            self._tell_capture(seat)

    def _tell_capture(self, seat: Seat) -> None:
        self._fact(CaptureChanged(self.call, seat.seat, seat.microphone, seat.camera))
