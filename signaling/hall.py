"""The hall: who is here and which calls run, and the doing of what the machines want. Nothing waits."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from prometheus_client import Counter

from contract.errors import Busy, NotFound, ProtocolError, UserError, WrongPhase
from contract.facts import AgentDrawn, Fact
from contract.ids import AccountId, CallId, CaseId, SeatId, TenantId
from contract.phases import CallEnd, CasePhase, Presence, RingEnd, Role
from contract.ports import Clock
from contract.wire import CaptureState, Failed, Message, Offer, Playback
from signaling.actions import Line
from signaling.board import Board
from signaling.buckets import Buckets
from signaling.call import Call
from signaling.commands import Commands
from signaling.desk import Demand, Desk, DeskEvent, DeskRules, GaveUp, Rang, RangOut
from signaling.effects import Append, Effect, FreeAgent, Moment, QueueMerge, Send, Summon, Unsummon
from signaling.ending import GOES_ON
from signaling.feed import Feed
from signaling.people import Past, Staff, Visit, Wanted, ring_of
from signaling.settings import CallLimits, SignalingSettings

_refusals = Counter("teller_signaling_refusals", "Requests that were not granted", ["code"])

# A page offers anew after a change of network, at most every few seconds; each answer costs a connection.
_OFFERS_PER_S = 1.0
_OFFERS_BURST = 5.0
# Switches are tapped a few times in a row; each change is a line of the journal and moves media.
_CAPTURES_PER_S = 1.0
_CAPTURES_BURST = 5.0
# A case with this many unfinished commands takes no more requests.
_BACKLOG_MAX = 200
# In these the case's record is complete.
_OVER = frozenset({CasePhase.AGENT_DONE, CasePhase.ABORTED})


class Hall:
    """Owns visits, staff, calls, lines and desks; customers', agents' and supervisors' parts act on them."""

    def __init__(self, settings: SignalingSettings, clock: Clock, commands: Commands) -> None:
        self.settings = settings
        self.clock = clock
        self.commands = commands
        self.limits = CallLimits(
            settings.grace_s,
            settings.connect_s,
            settings.wrap_up_s,
            settings.transfer_s,
            settings.fresh_call,
        )
        self.desks: dict[TenantId, Desk] = {}
        self.boards: dict[TenantId, Board] = {}
        self.visits: dict[CaseId, Visit] = {}
        self.staff: dict[AccountId, Staff] = {}
        self.calls: dict[CallId, Call] = {}
        self.lines: dict[Line, Visit | Staff] = {}
        # The calls whose customers nobody answered yet, since when (monotonic seconds).
        self.unanswered: dict[CallId, float] = {}
        # Who waits and was not told the place yet.
        self.unplaced: list[Visit] = []
        # What is wrong with the whole house, in words, for every wallboard.
        self.house_alarms: tuple[str, ...] = ()
        self.stopping = False
        self._wanted: dict[tuple[CallId, Role], Wanted] = {}
        self._offers = Buckets(_OFFERS_PER_S, _OFFERS_BURST)
        self._captures = Buckets(_CAPTURES_PER_S, _CAPTURES_BURST)
        # The newest change of each seat's devices that came too soon.
        self._late: dict[SeatId, tuple[Call, CaptureState]] = {}
        self._events: deque[tuple[Desk, DeskEvent]] = deque()
        self._following = False

    # --- looking around ---

    def now(self) -> Moment:
        """Return the present moment."""
        return Moment(self.clock.now(), self.clock.monotonic())

    def mono(self) -> float:
        """Return monotonic seconds."""
        return self.clock.monotonic()

    def desk(self, tenant: TenantId) -> Desk:
        """Return the desk of ``tenant``."""
        desk = self.desks.get(tenant)
        if desk is None:
            settings = self.settings
            rules = DeskRules(
                ring_s=settings.ring_s,
                wrap_up_s=settings.desk_wrap_up_s,
                vip_head_start_s=settings.vip_head_start_s,
                random=settings.random_assignment,
            )
            desk = self.desks[tenant] = Desk(rules)
        return desk

    def board(self, tenant: TenantId) -> Board:
        """Return the figures of ``tenant``."""
        return self.boards.setdefault(tenant, Board(self.settings.board))

    def tenant_of(self, call: Call) -> TenantId:
        """Return whose call this is."""
        return self.visits[call.case].who.tenant

    def desk_of(self, call: Call) -> Desk:
        """Return the desk at which this call's customer stood."""
        return self.desk(self.tenant_of(call))

    def call_for(self, who: Staff, call: CallId) -> Call:
        """Return a call of the tenant of ``who``. Raises NotFound, for another tenant's as for none."""
        found = self.calls.get(call)
        if found is None or self.tenant_of(found) != who.account.tenant:
            raise NotFound("no such call")
        return found

    def colleague(self, who: Staff, account: AccountId) -> Staff:
        """Return a signed-in agent of the tenant of ``who``. Raises NotFound ``no_such_agent``."""
        found = self.staff.get(account)
        if (
            found is None
            or found.account.tenant != who.account.tenant
            or found.account.role is not Role.AGENT
            or self.desk(found.account.tenant).presence(account) is Presence.OFFLINE
        ):
            raise NotFound("no such agent is signed in", code="no_such_agent")
        return found

    def crew(self, tenant: TenantId, role: Role) -> list[Staff]:
        """Return the tenant's staff of one role, whether here or away for a moment."""
        return [
            who for who in self.staff.values() if who.account.tenant == tenant and who.account.role is role
        ]

    def line_of(self, call: Call, account: AccountId | None) -> Line | None:
        """Return the line of a member of staff, or of the call's customer."""
        who = self.visits.get(call.case) if account is None else self.staff.get(account)
        return who.line if who else None

    # --- answering ---

    @contextmanager
    def answering(self, line: Line, about: str) -> Iterator[None]:
        """Tell ``line`` what was not granted inside; a broken protocol ends it. Both are counted."""
        try:
            yield
        except ProtocolError as error:
            _refusals.labels(error.code).inc()
            line.end(error.code)
        except UserError as error:
            self.refuse(line, error, about)

    def refuse(self, line: Line | None, error: UserError, about: str) -> None:
        """Tell ``line`` that ``about`` was not granted, and count it."""
        _refusals.labels(error.code).inc()
        if line is not None:
            line.send(Failed(error.code, str(error), about))

    def fail(self, line: Line | None, code: str, about: str) -> None:
        """Tell ``line`` that a fault of ours kept ``about`` from being done, and count it."""
        _refusals.labels(code).inc()
        if line is not None:
            line.send(Failed(code, "our fault", about))

    def require_room(self, case: CaseId, source: str, message: Message) -> None:
        """Raise Busy when too much of the case is unfinished, or ``source`` offers too often."""
        full = self.commands.stuck(case) or self.commands.backlog(case) >= _BACKLOG_MAX
        # Nobody waits for the answer to a report, and its own pace bounds it.
        if full and not isinstance(message, Playback):
            raise Busy("too many requests are unfinished")
        if isinstance(message, Offer) and not self._offers.take(source, self.mono()):
            raise Busy("too many offers")

    # --- lines ---

    def seat_line(self, who: Visit | Staff, line: Line) -> None:
        """Let ``who`` speak on ``line`` from now on; an older line is told and closed."""
        old, who.line = who.line, line
        self.lines[line] = who
        if old is not None and old is not line:
            self.lines.pop(old, None)
            old.end("replaced")

    def show_history(self, who: Visit | Staff, case: CaseId) -> None:
        """Show ``who`` the case's facts, past and to come."""
        who.feed = Feed(case, everything=isinstance(who, Staff))
        if who.line is not None:
            self.commands.read_history(who.line, case)

    def show_call(self, call: Call, who: Staff) -> None:
        """Show the console the call as it stands; its script is told by the call."""
        seat = call.seat_of(who.me)
        state = call.state(seat, self.now()) if seat else None
        if who.line is not None and state is not None:
            who.line.send(state)

    # --- what is said in calls ---

    def hand(self, call: Call, seat: SeatId, message: Message) -> None:
        """Hand a message to ``call``; a change of devices that comes too soon waits for its time.

        Raises what the call raises.
        """
        if isinstance(message, CaptureState):
            if not self._captures.take(seat, self.mono()):
                self._late[seat] = (call, message)
                return
            self._late.pop(seat, None)
        call.got(seat, message, self.now())
        self.run(call)

    def hand_late(self) -> None:
        """Hand over the newest change of every seat whose time has come."""
        for seat, (call, message) in list(self._late.items()):
            if self._captures.take(seat, self.mono()):
                del self._late[seat]
                # The call may be over, or the seat empty.
                with suppress(UserError):
                    call.got(seat, message, self.now())
                self.run(call)

    # --- doing what the machines want ---

    def append(self, case: CaseId, fact: Fact) -> None:
        """Append a fact to the case's journal, in order."""
        self.commands.submit(case, None, Append(fact))

    def run(self, call: Call) -> None:
        """Do what ``call`` wants."""
        effects = call.take()
        for effect in effects:
            self._do(call, effect)
        if effects:
            self._release(call)
        if call.reason is not None and call.call in self.calls:
            self._settle(call)
        self.follow()

    def _do(self, call: Call, effect: Effect) -> None:
        match effect:
            case Send():
                line = self.line_of(call, effect.to)
                if line is not None:
                    line.send(effect.message)
            case Summon():
                self._summon(call, effect)
            case Unsummon():
                self._wanted.pop((effect.call, effect.role), None)
                desk = self.desk_of(call)
                self.expect(desk, desk.leave(effect.call, effect.role, self.mono()))
            case FreeAgent():
                self._free(call, effect)
            case _:
                if isinstance(effect, QueueMerge):
                    # It takes in the case's earlier calls as well.
                    self.visits[call.case].unmerged = False
                self.commands.submit(call.case, call.call, effect)

    def _free(self, call: Call, effect: FreeAgent) -> None:
        now = self.mono()
        leads_last = call.reason is not None and effect.agent == call.host
        if not effect.wraps_up:
            desk = self.desk_of(call)
            self.expect(desk, desk.break_off(effect.agent, now, keep=leads_last))
            return
        # How long customers wait follows from whole conversations, not from parts of them.
        talked_s = effect.talked_s if leads_last else 0.0
        self.desk_of(call).wrap_up(effect.agent, talked_s, now, call.owes(effect.agent))
        who = self.staff.get(effect.agent)
        if who is not None:
            who.last = Past(call, now)
        if leads_last:
            self.board(self.tenant_of(call)).handled(effect.talked_s, now)

    def _summon(self, call: Call, wanted: Summon) -> None:
        self._wanted[wanted.call, wanted.role] = Wanted(wanted, self.mono())
        visit = self.visits[call.case]
        demand = Demand(
            wanted.call,
            wanted.role,
            skill=wanted.skill,
            language=visit.language,
            vip=visit.who.vip,
            only=wanted.agent,
            but=wanted.but,
            passed=wanted.passed,
            goes_on=True,
        )
        desk = self.desk_of(call)
        try:
            self.expect(desk, desk.join(demand, self.mono()))
        except UserError:
            # The one who is wanted has gone home, or is no longer trained.
            self.expect(desk, [GaveUp(wanted.call, wanted.role)])

    def _settle(self, call: Call) -> None:
        desk = self.desk_of(call)
        for role in (Role.AGENT, Role.GUEST):
            self._wanted.pop((call.call, role), None)
            self.expect(desk, desk.leave(call.call, role, self.mono()))
        since = self.unanswered.pop(call.call, None)
        if since is not None and not self.stopping:
            self.board(self.tenant_of(call)).abandoned(self.mono() - since, self.mono())
        visit = self.visits[call.case]
        if visit.call is call:
            visit.own_phase = call.case_phase
            if call.case_phase is CasePhase.PRE_CALL:
                visit.call, visit.memory = None, call.identity.memory()
            if call.reason in GOES_ON:
                visit.first = True
                visit.again = call.host if call.reason is CallEnd.INTERRUPTED else None
        if call.closed:
            del self.calls[call.call]
            visit.calls -= 1
            visit.unmerged = visit.unmerged or (call.recorded and call.case_phase is CasePhase.PRE_CALL)
            self.merge_at_last(visit)

    def merge_at_last(self, visit: Visit) -> None:
        """Let what earlier calls recorded be merged, when the case is over and none of its calls runs."""
        case = visit.who.case
        over = visit.phase in _OVER and not any(call.case == case for call in self.calls.values())
        if visit.unmerged and over:
            visit.unmerged = False
            self.commands.submit(case, None, QueueMerge())

    def _release(self, call: Call) -> None:
        for who in self.staff.values():
            if who.call is not call or _belongs(call, who):
                continue
            self._let_go(call, who)

    def _let_go(self, call: Call, who: Staff) -> None:
        desk = self.desk(who.account.tenant)
        # Observers have nothing to write about; who led has, a supervisor as well.
        wrote = who.ring is None and (who.account.role is Role.AGENT or call.host == who.me)
        before = who.last if who.last and who.last.call is call else Past(call, self.mono())
        who.call, who.ring = None, None
        who.last = before if wrote else None
        if call.reason is None:
            who.feed = None
        desk.decided(who.me, self.mono())
        if who.line is None:
            self.expect(desk, desk.depart(who.me, self.mono()))

    def answered(self, who: Staff, call: Call, role: Role) -> None:
        """The ring at ``who`` was answered."""
        who.ring = None
        self._wanted.pop((call.call, role), None)
        since = self.unanswered.pop(call.call, None)
        waited_s = None if since is None else self.mono() - since
        self.board(who.account.tenant).answered(who.me, waited_s, self.mono())

    # --- what the desk wants ---

    def expect(self, desk: Desk, events: list[DeskEvent]) -> None:
        """Keep what the desk wants for the next :meth:`follow`."""
        self._events.extend((desk, event) for event in events)

    def follow(self, desk: Desk | None = None, events: list[DeskEvent] | None = None) -> None:
        """Do what the desk wants, oldest first, what follows from it included."""
        if desk is not None and events:
            self.expect(desk, events)
        if self._following:
            return
        self._following = True
        try:
            while self._events:
                self._event(*self._events.popleft())
        finally:
            self._following = False

    def _event(self, desk: Desk, event: DeskEvent) -> None:
        call = self.calls.get(event.call)
        match event:
            case Rang():
                self._rang(desk, call, event)
            case RangOut():
                self._rang_out(call, event)
            case GaveUp():
                self._wanted.pop((event.call, event.role), None)
                if call is not None:
                    call.gave_up(event.role, self.now())
                    self.run(call)

    def _rang(self, desk: Desk, call: Call | None, rang: Rang) -> None:
        who = self.staff.get(rang.agent)
        if call is None or call.reason is not None or who is None:
            return
        try:
            call.rang(who.party(rang.role), self.now())
        except WrongPhase:
            # What the desk still offers is no longer wanted.
            self.expect(desk, desk.leave(rang.call, rang.role, self.mono()))
            return
        if rang.draw is not None:
            draw = rang.draw
            self.append(call.case, AgentDrawn(call.call, draw.candidates, rang.agent, draw.random_hex))
        who.call, who.last = call, None
        who.rings_until = self.mono() + self.settings.ring_s
        self.run(call)
        wanted = self._wanted.get((call.call, rang.role))
        visit = self.visits[call.case]
        who.ring = ring_of(visit, call.call, rang.role, wanted, self.mono(), self.settings.ring_s)
        if who.line is not None:
            who.line.send(who.ring)

    def _rang_out(self, call: Call | None, over: RangOut) -> None:
        who = self.staff.get(over.agent)
        if who is not None and who.ring is not None and who.ring.call == over.call:
            who.call, who.ring = None, None
            if over.how in {RingEnd.REFUSED, RingEnd.TIMED_OUT}:
                self.board(who.account.tenant).refused(who.me, self.mono())
        if call is not None:
            call.ring_over(over.agent, over.how, self.now())
            self.run(call)


def require(allowed: bool, text: str, *, code: str | None = None) -> None:
    """Raise WrongPhase unless ``allowed``."""
    if not allowed:
        raise WrongPhase(text, code=code)


def _belongs(call: Call, who: Staff) -> bool:
    if call.reason is not None:
        return call.owes(who.me)
    return call.seat_of(who.me) is not None
