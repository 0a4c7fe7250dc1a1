"""The whole floor without sockets: random people, rooms that answer when the dice say so, one clock.

Commands are kept in the order in which the real ones run: one lane a case, and beside it. What a room
does not answer yet is answered at some later throw.
"""

import random
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from contract import facts, wire
from contract.errors import MediaError, TellerError
from contract.facts import GENESIS, Entry, Fact, seal_entry
from contract.identity_facts import ChallengeEnded
from contract.ids import (
    AccountId,
    CallId,
    CaseId,
    SeatId,
    TenantId,
    TrackId,
    new_case_id,
    new_seat_id,
    new_track_id,
)
from contract.phases import (
    CallPhase,
    Capture,
    CaseEnd,
    CasePhase,
    CheckVerdict,
    CodeChannel,
    EvidenceKind,
    LivenessKind,
    Outcome,
    Presence,
    Role,
    SeatMode,
    TrackKind,
    TrackSource,
)
from contract.ports import Account, SeatRoute
from contract.wire import Message
from signaling import actions
from signaling import effects as fx
from signaling.ending import GOES_ON
from signaling.floor import Floor
from signaling.identity_effects import (
    AskOutside,
    Beside,
    Decide,
    RunLiveness,
    TellLive,
    TextCode,
    WatchCustomer,
)
from signaling.people import Staff, Visit
from signaling.settings import SignalingSettings
from tests.signaling.fakes import FakeClock

BANK, RIVAL = TenantId("tenant-1"), TenantId("tenant-2")
SETTINGS = SignalingSettings(
    secret=b"s" * 32, policy="default", walk_in_ticket_s=900.0, link_ticket_s=900.0,
    upload_token_s=900.0, ring_s=30.0, grace_s=20.0, heartbeat_s=5.0, absolute_s=43_200.0,
    pre_call_grace_s=60.0, wrap_up_s=120.0, desk_wrap_up_s=45.0,
)  # fmt: skip


class Wire:
    """A line: what was sent on it, and the word with which it was ended."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.ended = ""

    def send(self, *messages: Message) -> None:
        self.sent.extend(messages)

    def end(self, code: str) -> None:
        self.ended = self.ended or code

    def last(self, cls: type[Any]) -> Any:
        return next((message for message in reversed(self.sent) if isinstance(message, cls)), None)


class Rooms:
    """Takes commands as ``signaling.commands.Commands`` does; ``step`` lets one of them be done."""

    def __init__(self, dice: random.Random, clock: FakeClock) -> None:
        self._dice, self._clock = dice, clock
        self._lanes: dict[CaseId, deque[tuple[CallId | None, fx.Effect]]] = {}
        self._beside: deque[Callable[[], None]] = deque()
        self._opened: set[CallId] = set()
        self._routes: dict[CallId, dict[SeatId, SeatRoute]] = {}
        self.parties: dict[CallId, dict[SeatId, Role]] = {}
        self._tracks: dict[tuple[CallId, SeatId], list[TrackId]] = {}
        self.cases: dict[CallId, CaseId] = {}
        self.journal: dict[CaseId, list[Entry]] = {}
        self.posted: deque[actions.Action] = deque()
        self.merges: Counter[CaseId] = Counter()

    def submit(self, case: CaseId, call: CallId | None, effect: fx.Effect) -> None:
        early = isinstance(effect, fx.Arrange) and effect.call not in self._opened
        if early or isinstance(effect, fx.OpenGate | fx.AnswerOffer | fx.CompareFaces | Beside | TellLive):
            if isinstance(effect, fx.OpenGate):
                self._opened.add(effect.call)
            self._beside.append(lambda: self._do(case, call, effect))
        else:
            self._lanes.setdefault(case, deque()).append((call, effect))

    def read_history(self, line: Wire, case: CaseId) -> None:
        entries = tuple(self.journal.get(case, ()))
        self._beside.append(lambda: self.posted.append(actions.HistoryRead(line, case, entries)))

    def backlog(self, case: CaseId) -> int:
        return 0

    def stuck(self, case: CaseId) -> bool:
        return False

    @property
    def idle(self) -> bool:
        return not (self._beside or any(self._lanes.values()) or self.posted)

    def step(self) -> None:
        """Do the next command of some lane, or of those beside."""
        lanes = [case for case, lane in self._lanes.items() if lane]
        if self._beside and (not lanes or self._dice.random() < 0.5):
            self._beside.popleft()()
        elif lanes:
            case = self._dice.choice(lanes)
            self._do(case, *self._lanes[case].popleft())

    def _note(self, case: CaseId, fact: Fact) -> None:
        entries = self.journal.setdefault(case, [])
        prev = entries[-1].hash if entries else GENESIS
        entry = seal_entry(len(entries) + 1, self._clock.now(), case, fact, prev)
        entries.append(entry)
        self.posted.append(actions.Noted(entry))

    def _error(self) -> TellerError | None:
        return MediaError("no") if self._dice.random() < 0.05 else None

    def _do(self, case: CaseId, call: CallId | None, effect: fx.Effect) -> None:
        match effect:
            case fx.Append():
                self._note(case, effect.fact)
            case fx.OpenMedia():
                self.cases[effect.call] = case
                self.parties[effect.call] = {}
                self.posted.append(actions.MediaOpened(effect.call, self._error()))
            case fx.AnswerOffer():
                self._answer(case, effect)
            case fx.Arrange():
                self._arrange(case, effect)
            case fx.OpenGate():
                self._follow(case, effect.call)
            case fx.DropSeat():
                self.parties.get(effect.call, {}).pop(effect.seat, None)
                self._silence(case, effect.call, effect.seat)
            case fx.WindUp():
                self.parties[effect.call] = {}
                self.posted.append(actions.WoundUp(effect.call))
            case fx.QueueMerge():
                self.merges[case] += 1
            case fx.CompareFaces() if call:
                self.posted.append(actions.Compared(call))
            case fx.CheckNumber():
                pass
            case _:
                self._identify(case, call, effect)

    def _identify(self, case: CaseId, call: CallId | None, effect: fx.Effect) -> None:
        match effect:
            case RunLiveness():
                ended = ChallengeEnded(effect.run.call, effect.run.check, CheckVerdict.REVIEW, "timeout")
                self._beside.append(lambda: self._note(case, ended))
            case TextCode() | AskOutside() if call:
                self.posted.append(actions.IdentityDone(call, effect.what, self._error() is None))
            case WatchCustomer() | TellLive() | Decide():
                pass
            case _:
                raise AssertionError(f"no room does {effect}")

    def _answer(self, case: CaseId, effect: fx.AnswerOffer) -> None:
        party = effect.party
        self.posted.append(actions.AnswerOver(effect.call, party.seat))
        if effect.call not in self.parties or self._error():
            error = MediaError("no")
            self.posted.append(actions.CommandRefused(effect.call, party.account, "offer", error))
            return
        self.parties[effect.call][party.seat] = party.role
        self.posted.append(actions.OfferAnswered(effect.call, party.account, "v=0", effect.number))
        self._note(case, facts.MediaConnected(effect.call, party.seat))
        self._follow(case, effect.call)

    def _arrange(self, case: CaseId, effect: fx.Arrange) -> None:
        error = self._error()
        if error is None:
            self._routes[effect.call] = {route.seat: route for route in effect.routes}
            self._follow(case, effect.call)
        self.posted.append(actions.Arranged(effect.call, error))

    def _follow(self, case: CaseId, call: CallId) -> None:
        for seat, role in self.parties.get(call, {}).items() if call in self._opened else ():
            route = self._routes.get(call, {}).get(seat)
            if route is None or not (route.publishes and route.recorded):
                self._silence(case, call, seat)
            elif (call, seat) not in self._tracks:
                self._start(case, call, seat, role)

    def _start(self, case: CaseId, call: CallId, seat: SeatId, role: Role) -> None:
        kept = self._tracks[call, seat] = []
        for kind, source in (
            (TrackKind.AUDIO, TrackSource.MICROPHONE),
            (TrackKind.VIDEO, TrackSource.CAMERA),
        ):
            track = new_track_id()
            kept.append(track)
            self._note(case, facts.TrackStarted(call, track, seat, role, kind, source, "opus", 48_000))
            self._note(case, facts.RecordingStarted(call, track, role, kind))

    def _silence(self, case: CaseId, call: CallId, seat: SeatId) -> None:
        for track in self._tracks.pop((call, seat), []):
            self._note(case, facts.TrackEnded(call, track, 1))

    def lose(self, call: CallId, seat: SeatId) -> None:
        """The network takes a connection away."""
        if seat in self.parties.get(call, {}):
            del self.parties[call][seat]
            self._note(self.cases[call], facts.MediaLost(call, seat, "timeout"))
            self._silence(self.cases[call], call, seat)


class Game:
    """People at random on one floor; ``throw`` lets one thing happen and looks whether all is well."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.clock = FakeClock()
        self.rooms = Rooms(self.dice, self.clock)
        settings = replace(SETTINGS, fresh_call=seed % 2 == 1)
        self.floor = Floor(settings, self.clock, self.rooms, lambda case, seat: "upload")  # type: ignore[arg-type]
        self.hall = self.floor._hall
        self.accounts = {
            name: Account(AccountId(f"acct-{name}"), tenant, name, name.title(), role, "", skills=skills)
            for name, tenant, role, skills in (
                ("anna", BANK, Role.AGENT, ()),
                ("ben", BANK, Role.AGENT, ("wealth",)),
                ("carl", BANK, Role.AGENT, ("wealth",)),
                ("sue", BANK, Role.SUPERVISOR, ()),
                ("sam", BANK, Role.SUPERVISOR, ()),
                ("rita", RIVAL, Role.AGENT, ()),
                ("rolf", RIVAL, Role.SUPERVISOR, ()),
            )
        }
        self.consoles: dict[str, Wire] = {}
        self.phones: dict[CaseId, Wire] = {}
        for name in self.accounts:
            self._staff_comes(name)
        for _ in range(3):
            self._customer_comes()

    # --- one throw ---

    def throw(self) -> None:
        """Let one thing happen."""
        moves: tuple[tuple[int, Callable[[], None]], ...] = (
            (30, self._rooms_work), (12, self._customer), (24, self._staff), (3, self._time_passes),
            (4, self._come), (1, self._go), (1, self._lose_media),
        )  # fmt: skip
        self.dice.choices([move for _, move in moves], [weight for weight, _ in moves])[0]()
        self.look()

    def post(self, action: actions.Action) -> None:
        self.floor.handle(action)

    def _rooms_work(self) -> None:
        for _ in range(self.dice.randint(1, 6)):
            self.rooms.step()
            while self.rooms.posted and self.dice.random() < 0.9:
                self.post(self.rooms.posted.popleft())

    def _time_passes(self) -> None:
        self.clock.advance(self.dice.choice((0.3, 1, 1, 1, 3, 3, 6, 6, 21, 31, 61, 125)))
        self.post(actions.Tick())

    def _come(self) -> None:
        gone = [case for case, visit in self.hall.visits.items() if visit.line is None]
        away = [name for name in self.accounts if self._who(name) is None or self._who(name).line is None]  # type: ignore[union-attr]
        if self.dice.random() < 0.3 and len(self.hall.visits) < 5:
            self._customer_comes()
        elif gone and self.dice.random() < 0.7:
            self._customer_returns(self.dice.choice(gone))
        else:
            self._staff_comes(self.dice.choice(away if away else list(self.accounts)))

    def _who(self, name: str) -> Staff | None:
        return self.hall.staff.get(self.accounts[name].account)

    def _customer_comes(self) -> None:
        case, line = new_case_id(), Wire()
        skill = self.dice.choice(("", "", "wealth"))
        visitor = actions.Visitor(
            case, BANK, "Bank", "王小明", "open", "zh-CN", new_seat_id(), skill, self.dice.random() < 0.3
        )
        self.phones[case] = line
        self.post(actions.CustomerCame(line, visitor, "198.51.100.1"))
        self.say(line, wire.Consent(True, True, True, SETTINGS.consent_version, "zh-CN"))

    def _customer_returns(self, case: CaseId) -> None:
        welcome = self.phones[case].last(wire.Welcome)
        if welcome is not None:
            line = self.phones[case] = Wire()
            self.post(actions.CustomerResumed(line, welcome.resume, "zh-CN", "198.51.100.1"))

    def _staff_comes(self, name: str) -> None:
        account, line = self.accounts[name], Wire()
        self.consoles[name] = line
        came = actions.AgentCame if account.role is Role.AGENT else actions.SupervisorCame
        self.post(came(line, account, "Bank"))

    def _go(self) -> None:
        lines = [*self.phones.values(), *self.consoles.values()]
        if lines:
            self.post(actions.Lost(self.dice.choice(lines)))

    def _lose_media(self) -> None:
        calls = [call for call in self.hall.calls.values() if call.reason is None]
        if calls:
            call = self.dice.choice(calls)
            seats = [call.customer.seat, *(party.seat for party in call.staff)]
            self.rooms.lose(call.call, self.dice.choice(seats))

    # --- what people say ---

    def say(self, line: Wire, message: Message) -> None:
        self.post(actions.Got(line, message))

    def _a_call(self) -> CallId:
        lively = [call.call for call in self.hall.calls.values() if call.staff and call.reason is None]
        if lively and self.dice.random() < 0.6:
            return self.dice.choice(lively)
        return self.dice.choice([*self.hall.calls, CallId("call-0")])

    def _capture(self) -> Capture:
        return self.dice.choice((Capture.ON, Capture.ON, Capture.OFF, Capture.INTERRUPTED))

    def _customer(self) -> None:
        if not self.phones:
            return
        case = self.dice.choice(list(self.phones))
        visit = self.hall.visits.get(case)
        call = visit.call.call if visit and visit.call else CallId("call-0")
        common: list[Message] = [self._customers_wish(visit, call)]
        rare: list[Message] = [
            wire.LeaveQueue(), wire.Chat("x"), wire.HangUp(), wire.RequestCallback("13800138000"),
            wire.CaptureState(call, self._capture(), self._capture()), wire.Location(1, 1, 1),
        ]  # fmt: skip
        self.say(self.phones[case], self.dice.choice(common if self.dice.random() < 0.93 else rare))

    def _customers_wish(self, visit: Visit | None, call: CallId) -> Message:
        if visit is None or visit.call is None:
            return wire.JoinQueue()
        connected = visit.who.seat in self.rooms.parties.get(call, {})
        return wire.Chat("x") if connected else wire.Offer(call, "v=0")

    def _staff(self) -> None:
        if not self.consoles:
            return
        sitting = [name for name in self.consoles if (who := self._who(name)) and who.seated]
        name = self.dice.choice(sitting if sitting and self.dice.random() < 0.5 else list(self.consoles))
        line, agent = self.consoles[name], self.accounts[name].role is Role.AGENT
        who = self._who(name)
        call = who.call.call if who and who.call else self._a_call()
        sensible = self._sensible(who) if self.dice.random() < 0.6 else None
        if sensible is not None:
            self.say(line, sensible)
        elif self.dice.random() < 0.5:
            self.say(line, self._in_the_call(call))
        else:
            self.say(line, self._at_the_desk(call) if agent else self._as_supervisor(call))

    def _sensible(self, who: Staff | None) -> Message | None:
        """What brings things forward, or None."""
        if who is None or who.account.role is not Role.AGENT:
            return None
        call = who.call
        if who.ring is not None:
            offer = wire.Offer(who.ring.call, "v=0")
            return self.dice.choice((offer, wire.Accept(who.ring.call)))
        if call is None:
            return wire.SetPresence(Presence.READY)
        seat = call.seat_of(who.me)
        connected = seat in self.rooms.parties.get(call.call, {})
        return None if connected else wire.Offer(call.call, "v=0")

    def _at_the_desk(self, call: CallId) -> Message:
        ready = wire.SetPresence(Presence.READY)
        rare: list[Message] = [wire.SetPresence(Presence.BREAK, "lunch"), wire.Refuse(call)]
        return self.dice.choice([ready, wire.Accept(call), wire.Accept(call), self.dice.choice(rare)])

    def _in_the_call(self, call: CallId) -> Message:
        outcome = self.dice.choice((Outcome.FAILED, Outcome.INCOMPLETE))
        reason = {Outcome.FAILED: "checks", Outcome.INCOMPLETE: "picture"}[outcome]
        often: list[Message] = [
            wire.Hold(True), wire.Hold(False), self._invite(), self._invite(), wire.Admit(), wire.Chat("x"),
        ]  # fmt: skip
        rare: list[Message] = [
            wire.Offer(call, "v=0"), wire.Leave(), wire.WithdrawInvite(), wire.HangUp(), wire.WrapUp(),
            wire.Finish(outcome, reason), wire.CaptureState(call, self._capture(), self._capture()),
            wire.RequestStill(EvidenceKind.SCENE), wire.AskColleagues(),
        ]  # fmt: skip
        checks: list[Message] = [
            wire.StartLiveness(LivenessKind.GESTURES), wire.SendCode(CodeChannel.SMS),
            wire.AskExternal("police"),
        ]  # fmt: skip
        return self.dice.choice(self.dice.choices((often, rare, checks), (0.76, 0.19, 0.05))[0])

    def _invite(self) -> Message:
        agent = self.dice.choice([None, *self.accounts.values()])
        private = self.dice.random() < 0.5
        return wire.Invite(
            agent.account if agent else None,
            skill=self.dice.choice(("", "wealth")),
            private=private,
            transfer=not private and self.dice.random() < 0.4,
        )

    def _as_supervisor(self, call: CallId) -> Message:
        agent = self.dice.choice([None, *self.accounts.values()])
        mode = self.dice.choice(list(SeatMode))
        return self.dice.choice([
            wire.Watch(self._a_call()), wire.Watch(self._a_call()), wire.SetMode(mode), wire.SetMode(mode),
            wire.TakeOver(), wire.Leave(), wire.MoveUp(self._a_call()),
            wire.Reassign(self._a_call(), agent.account if agent else None),
            wire.ForceEnd(call, "because") if self.dice.random() < 0.2 else wire.Leave(),
        ])  # fmt: skip

    # --- is all well? ---

    def look(self) -> None:
        """Look whether every customer and every member of staff is where they belong."""
        self._look_at_customers()
        self._look_at_calls()
        self._look_at_staff()

    def _look_at_customers(self) -> None:
        rows = {(row.demand.call, row.demand.role) for row in self.hall.desk(BANK).queue(self.clock.mono)}
        for visit in self.hall.visits.values():
            call = visit.call
            if call is not None and call.waiting:
                assert (call.call, Role.AGENT) in rows, "a waiting customer stands in no row"
        for call_id, _ in rows:
            call = self.hall.calls[call_id]
            assert call.reason is None, "somebody is wanted for a call that is over"

    def _look_at_calls(self) -> None:
        sitting = Counter[AccountId]()
        rings, queue = self.hall.desk(BANK).rings(), self.hall.desk(BANK).queue(self.clock.mono)
        asked = {(row.demand.call, row.demand.role) for row in queue if row.demand.summons}
        for call in self.hall.calls.values():
            if call.reason is not None:
                continue
            invited = {(call.call, call._invited.role)} if call._invited else set()
            assert invited == {key for key in asked if key[0] == call.call}, "the desk asks for somebody else"
            staff = call.staff
            sitting.update(party.account for party in staff if party.account)
            roles = Counter(party.role for party in staff if party.account != call.host)
            assert roles[Role.SUPERVISOR] <= 1
            assert roles[Role.AGENT] + roles[Role.GUEST] <= 1, f"two agents beside the host: {staff}"
            for role in (Role.AGENT, Role.GUEST):
                rung = call.rung(role)
                assert rings.get((call.call, role)) == (rung.account if rung else None), "a stale ring"
        assert all(count == 1 for count in sitting.values()), f"in two calls at once: {sitting}"

    def _look_at_staff(self) -> None:
        for who in self.hall.staff.values():
            call = who.call
            presence = self.hall.desk(who.account.tenant).presence(who.me)
            assert (who.ring is not None) == (presence is Presence.RINGING), f"{who.me} {presence}"
            if who.account.tenant == RIVAL:
                assert call is None, "a stranger in our call"
            if call is None:
                assert presence not in {Presence.BUSY, Presence.RINGING}, f"{who.me} is stuck: {presence}"
            elif who.seated and call.reason is None and who.account.role is Role.AGENT:
                assert presence is Presence.BUSY, f"{who.me} sits in a call and is {presence}"
            elif call.reason is not None:
                assert call.owes(who.me), f"{who.me} is kept by a call that is over"
        for line in self.phones.values():
            state = line.last(wire.CallState)
            assert state is None or all(party.mode is SeatMode.TALKING for party in state.parties)

    # --- the end ---

    def serve_who_was_cut_off(self) -> None:
        """Whose call ended without their doing come back, every agent works, and each of them is rung for."""
        visits = self.hall.visits
        owed = {case for case in visits if visits[case].first and visits[case].phase is CasePhase.PRE_CALL}
        for case in owed:
            if visits[case].line is None:
                self._customer_returns(case)
        for _ in range(60):
            owed -= {call.case for call in self.hall.calls.values() if call.rung(Role.AGENT)}
            if not owed:
                return
            for case in owed:
                self.say(self.phones[case], wire.JoinQueue())
            for name in self.accounts:
                self._work(name, owed)
            self._settle_down()
        raise AssertionError(f"never rung for again: {owed}")

    def _work(self, name: str, owed: set[CaseId]) -> None:
        who, line = self._who(name), self.consoles[name]
        if who is None or who.line is None:
            self._staff_comes(name)
        elif who.account.role is Role.SUPERVISOR:
            for call in list(self.hall.calls.values()):
                if call.case not in owed:
                    self.say(line, wire.ForceEnd(call.call, "make room"))
        elif who.call is not None and who.call.owes(who.me):
            self.say(line, wire.Finish(Outcome.INCOMPLETE, "picture"))
        else:
            self.say(line, wire.SetPresence(Presence.READY))

    def _settle_down(self) -> None:
        while not self.rooms.idle:
            self.rooms.step()
            while self.rooms.posted:
                self.post(self.rooms.posted.popleft())
        self.clock.advance(5)
        self.post(actions.Tick())
        self.look()

    def finish(self) -> None:
        """Let everybody go home, and time pass until nothing is left to be done."""
        for line in (*self.phones.values(), *self.consoles.values()):
            self.post(actions.Lost(line))
        for _ in range(40):
            while not self.rooms.idle:
                self.rooms.step()
                while self.rooms.posted:
                    self.post(self.rooms.posted.popleft())
            self.clock.advance(25)
            self.post(actions.Tick())
            self.look()
        assert not self.hall.calls, f"calls that do not end: {[c.phase for c in self.hall.calls.values()]}"
        assert not self.hall.visits, "cases that nobody closes"
        desk = self.hall.desk(BANK)
        assert desk.waiting() == 0
        assert not desk.agents(), "agents who cannot go home"
        self._look_at_journals()

    def _look_at_journals(self) -> None:
        for case, entries in self.rooms.journal.items():
            last = [entry.fact.now for entry in entries if isinstance(entry.fact, facts.CaseAdvanced)]
            assert last, "a case without a phase"
            assert str(last[-1]) in {"aborted", "agent_done"}, f"{case} ended as {last[-1]}"
            self._look_at_who_was_cut_off(entries)
            ended = Counter(entry.fact.call for entry in entries if isinstance(entry.fact, facts.CallEnded))
            assert all(count == 1 for count in ended.values())
            active = any(getattr(entry.fact, "now", None) is CallPhase.ACTIVE for entry in entries)
            assert self.rooms.merges[case] >= active, "a recording that is never merged"

    def _look_at_who_was_cut_off(self, entries: list[Entry]) -> None:
        """Whose call ended without their doing may queue again, and only they themselves end the case."""
        moves = [
            entry.fact for entry in entries if isinstance(entry.fact, facts.CallEnded | facts.CaseAdvanced)
        ]
        for at, ended in enumerate(moves):
            if not isinstance(ended, facts.CallEnded) or ended.reason not in GOES_ON:
                continue
            assert len(moves) > at + 2, "the case of a customer who was cut off is never closed"
            moved, then = moves[at + 1 : at + 3]
            assert isinstance(moved, facts.CaseAdvanced)
            assert (moved.was, moved.now) == (CasePhase.IN_CALL, CasePhase.PRE_CALL)
            assert isinstance(then, facts.CaseAdvanced)
            left = {CaseEnd.CUSTOMER_LEFT, CaseEnd.CALLBACK_REQUESTED}
            assert then.now is CasePhase.QUEUED or then.reason in left, f"the customer was lost: {then}"
