"""The floor: every desk, visit and call of this server, changed by one action at a time.

Nothing here waits. What takes time is submitted to the commands and comes back as an action.
"""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
from prometheus_client import Counter

from contract.errors import Busy, ProtocolError, UserError, WrongPhase
from contract.facts import CaseAdvanced, ConsentGiven
from contract.ids import AccountId, CallId, CaseId, SeatId, TenantId, new_call_id, new_seat_id
from contract.phases import CallEnd, CaseEnd, CasePhase, Presence, Role
from contract.ports import Clock, Party
from contract.wire import (
    Accept,
    Answer,
    Chat,
    CheckIdNumber,
    Consent,
    Failed,
    Finish,
    HangUp,
    JoinQueue,
    LeaveQueue,
    MatchFaces,
    Message,
    Offer,
    Playback,
    Refuse,
    RequestStill,
    SetPresence,
    StillWanted,
)
from signaling.actions import (
    Action,
    AgentCame,
    AnswerOver,
    ClaimStill,
    CommandRefused,
    Compared,
    ConfirmStill,
    CustomerCame,
    CustomerResumed,
    GateStuck,
    Got,
    HistoryRead,
    JournalFailed,
    Line,
    Lost,
    MediaOpened,
    Noted,
    OfferAnswered,
    ReleaseStill,
    Stop,
    Tick,
    WoundUp,
)
from signaling.buckets import Buckets
from signaling.call import Call
from signaling.commands import Commands
from signaling.desk import Desk, Rang, RangOut
from signaling.effects import Append, FreeAgent, Moment, Send
from signaling.feed import Feed
from signaling.notices import show_facts, show_places, show_presence
from signaling.people import Agent, Visit, agent_welcome, customer_welcome, resume_key, ring_of
from signaling.settings import CallLimits, SignalingSettings
from signaling.uploads import answer_upload

_log = structlog.get_logger(__name__)
_refusals = Counter("teller_signaling_refusals", "Requests that were not granted", ["code"])

# A page offers anew after a change of network, at most every few seconds; each answer costs a connection.
_OFFERS_PER_S = 1.0
_OFFERS_BURST = 5.0
# A case with this many unfinished commands takes no more requests.
_BACKLOG_MAX = 200

IssueUpload = Callable[[CaseId, SeatId], str]


class Floor:
    """Owns the state; ``issue_upload`` makes the upload token for a customer's welcome."""

    def __init__(
        self, settings: SignalingSettings, clock: Clock, commands: Commands, issue_upload: IssueUpload
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._commands = commands
        self._issue_upload = issue_upload
        self._limits = CallLimits(settings.grace_s, settings.connect_s, settings.wrap_up_s)
        self._desks: dict[TenantId, Desk] = {}
        self._visits: dict[CaseId, Visit] = {}
        self._resumes: dict[str, CaseId] = {}
        self._agents: dict[AccountId, Agent] = {}
        self._calls: dict[CallId, Call] = {}
        self._lines: dict[Line, Visit | Agent] = {}
        self._offers = Buckets(_OFFERS_PER_S, _OFFERS_BURST)
        self.stopping = False

    @property
    def calls(self) -> int:
        """Return how many calls are not closed."""
        return len(self._calls)

    def knows(self, case: CaseId) -> bool:
        """Tell whether entries of this case matter here."""
        return case in self._visits

    # --- actions ---

    def handle(self, action: Action) -> None:
        """Act on one action; never waits."""
        match action:
            case Got():
                self._got(action.line, action.message)
            case Noted():
                self._noted(action)
            case Tick():
                self._tick()
            case CustomerCame() | CustomerResumed() | AgentCame():
                self._came(action)
            case Lost():
                self._lost(action.line)
            case HistoryRead():
                self._history_read(action)
            case ClaimStill() | ConfirmStill():
                answer_upload(self._visits.get(action.case), action)
            case ReleaseStill():
                self._release_still(action)
            case JournalFailed():
                self._journal_failed(action.case)
            case Stop():
                self._stop()
            case _:
                self._call_result(action)

    def _call_result(
        self,
        action: MediaOpened | OfferAnswered | AnswerOver | CommandRefused | Compared | GateStuck | WoundUp,
    ) -> None:
        call = self._calls.get(action.call)
        if call is None:
            return
        match action:
            case MediaOpened():
                self._media_opened(call, action)
            case OfferAnswered():
                self._send(call, action.agent, Answer(call.call, action.sdp, action.number))
            case AnswerOver():
                call.answered(action.seat)
            case CommandRefused():
                self._command_refused(call, action)
            case Compared():
                call.compared()
            case GateStuck():
                call.stop(CallEnd.MEDIA_FAILED, self._now())
            case WoundUp():
                call.wound_up()
        self._run(call)

    def _media_opened(self, call: Call, action: MediaOpened) -> None:
        if action.error is not None:
            call.failed(action.error.code)
            return
        call.media_opened()
        self._run(call)
        if call.waiting:
            self._desk_events(self._desk_of(call), self._desk_of(call).join(call.call, self._mono()))

    def _command_refused(self, call: Call, action: CommandRefused) -> None:
        error = action.error
        if isinstance(error, ProtocolError):
            line = self._line(call, action.agent)
            if line is not None:
                line.end(error.code)
        elif call.reason is None:
            text = str(error) if isinstance(error, UserError) else "our fault"
            _refusals.labels(error.code).inc()
            self._send(call, action.agent, Failed(error.code, text, action.about))

    # --- coming and going ---

    def _came(self, action: CustomerCame | CustomerResumed | AgentCame) -> None:
        if self.stopping:
            action.line.end("server_stopped")
            return
        match action:
            case CustomerCame():
                self._customer_came(action)
            case CustomerResumed():
                self._customer_resumed(action)
            case AgentCame():
                self._agent_came(action)

    def _customer_came(self, action: CustomerCame) -> None:
        visit = Visit(action.visitor)
        self._visits[visit.who.case] = visit
        self._greet_customer(visit, action.line)

    def _customer_resumed(self, action: CustomerResumed) -> None:
        case = self._resumes.get(resume_key(action.token))
        visit = self._visits.get(case) if case else None
        if visit is None:
            action.line.end("resume_invalid")
            return
        self._replace(visit, action.line)
        self._greet_customer(visit, action.line)
        self._join_at_last(visit)
        if visit.call is not None:
            visit.call.returned(Role.CUSTOMER, self._now())
            desk = self._desk_of(visit.call)
            self._desk_events(desk, desk.step_in(visit.call.call, self._mono()))
            self._run(visit.call)
            self._show_call(visit.call, Role.CUSTOMER, action.line)

    def _greet_customer(self, visit: Visit, line: Line) -> None:
        visit.line, visit.gone_until, visit.place = line, None, None
        self._lines[line] = visit
        token = secrets.token_urlsafe(32)
        self._forget_resume(visit.resume_before)
        visit.resume_before, visit.resume = visit.resume, resume_key(token)
        self._resumes[visit.resume] = visit.who.case
        upload = self._issue_upload(visit.who.case, visit.who.seat)
        line.send(customer_welcome(visit, self._settings, token, upload, self._clock.now()))
        visit.feed = Feed(visit.who.case, everything=False)
        self._commands.read_history(line, visit.who.case)

    def _agent_came(self, action: AgentCame) -> None:
        agent = self._agents.setdefault(action.account.account, Agent(action.account, action.bank))
        self._replace(agent, action.line)
        agent.line, agent.shown = action.line, None
        self._lines[action.line] = agent
        desk = self._desk(action.account.tenant)
        desk.arrive(action.account.account, self._mono())
        action.line.send(agent_welcome(agent, self._settings, self._clock.now()))
        self._resume_presence(agent, desk)
        call = agent.call
        if call is None:
            return
        agent.feed = Feed(call.case, everything=True)
        self._commands.read_history(action.line, call.case)
        call.returned(Role.AGENT, self._now())
        self._run(call)
        self._show_call(call, Role.AGENT, action.line)

    def _resume_presence(self, agent: Agent, desk: Desk) -> None:
        if agent.ready_until is not None and agent.ready_until > self._mono():
            events = desk.set_presence(agent.account.account, Presence.READY, self._mono())
            self._desk_events(desk, events)
        agent.ready_until = None

    def _replace(self, who: Visit | Agent, line: Line) -> None:
        old = who.line
        if old is not None and old is not line:
            self._lines.pop(old, None)
            old.end("replaced")

    def _lost(self, line: Line) -> None:
        match self._lines.pop(line, None):
            case Visit() as visit:
                visit.line = None
                visit.gone_until = self._mono() + self._settings.pre_call_grace_s
                if visit.call is not None:
                    self._desk_of(visit.call).step_out(visit.call.call)
                    visit.call.dropped(Role.CUSTOMER, self._now())
                    self._run(visit.call)
            case Agent() as agent:
                self._agent_lost(agent)
            case None:
                pass

    def _agent_lost(self, agent: Agent) -> None:
        agent.line = None
        me = agent.account.account
        desk = self._desk(agent.account.tenant)
        presence = desk.presence(me)
        if presence in {Presence.READY, Presence.RINGING}:
            agent.ready_until = self._mono() + self._settings.grace_s
        if presence is Presence.BUSY and agent.call is not None:
            agent.call.dropped(Role.AGENT, self._now())
            self._run(agent.call)
        elif agent.call is None or presence is Presence.RINGING:
            self._desk_events(desk, desk.depart(me, self._mono()))

    # --- messages ---

    def _got(self, line: Line, message: Message) -> None:
        who = self._lines.get(line)
        if who is None:
            return
        with self._answering(line, message.tag):
            if isinstance(who, Visit):
                self._got_from_customer(who, message)
            else:
                self._got_from_agent(who, message)

    @contextmanager
    def _answering(self, line: Line, about: str) -> Iterator[None]:
        try:
            yield
        except ProtocolError as error:
            _refusals.labels(error.code).inc()
            line.end(error.code)
        except UserError as error:
            _refusals.labels(error.code).inc()
            line.send(Failed(error.code, str(error), about))

    def _got_from_customer(self, visit: Visit, message: Message) -> None:
        self._forget_resume(visit.resume_before)
        visit.resume_before = None
        if isinstance(message, LeaveQueue | HangUp):
            visit.joining = False
        self._require_room(visit.who.case, visit.who.seat, message)
        match message:
            case Consent():
                self._got_consent(visit, message)
            case JoinQueue():
                self._join_queue(visit)
            case LeaveQueue():
                call = _call_of(visit)
                call.leave_queue(self._now())
                self._run(call)
            case Offer() | Chat() | HangUp() | Playback():
                call = _call_of(visit)
                call.got(Role.CUSTOMER, message, self._now())
                self._run(call)
            case _:
                raise ProtocolError("not a customer's message")

    def _got_consent(self, visit: Visit, message: Consent) -> None:
        if visit.phase is not CasePhase.PRE_CALL or visit.call is not None:
            raise WrongPhase("consent is given before the call")
        if message.text_version != self._settings.consent_version:
            raise WrongPhase("the consent text has changed", code="consent_outdated")
        visit.language = message.language
        if not message.recording:
            self._advance(visit, CasePhase.ABORTED, CaseEnd.CONSENT_REFUSED)
            if visit.line is not None:
                visit.line.end("consent_refused")
            return
        subjects = ("recording", "biometrics") if message.biometrics else ("recording",)
        visit.consents_due += 1
        fact = ConsentGiven(subjects, message.text_version, message.language)
        self._commands.submit(visit.who.case, None, Append(fact))

    def _join_queue(self, visit: Visit) -> None:
        if visit.call is not None or visit.phase is not CasePhase.PRE_CALL:
            raise WrongPhase("not now")
        if visit.consents_due:
            visit.joining = True
            return
        if "recording" not in visit.consent:
            raise WrongPhase("consent comes first", code="consent_missing")
        if self.stopping:
            raise Busy("the server stops")
        who = visit.who
        customer = Party(who.seat, Role.CUSTOMER, who.name)
        visit.call = Call(new_call_id(), who.case, customer, visit.consent, self._limits)
        visit.joined_at = self._mono()
        self._calls[visit.call.call] = visit.call
        visit.call.open()
        self._run(visit.call)

    def _join_at_last(self, visit: Visit) -> None:
        if not visit.joining or visit.consents_due or visit.line is None:
            return
        visit.joining = False
        with self._answering(visit.line, JoinQueue.tag):
            self._join_queue(visit)

    def _got_from_agent(self, agent: Agent, message: Message) -> None:
        match message:
            case SetPresence():
                self._set_presence(agent, message.presence)
            case Accept():
                self._accept(agent, message.call)
            case Refuse():
                desk = self._desk(agent.account.tenant)
                events = desk.refuse(agent.account.account, message.call, self._mono())
                self._desk_events(desk, events)
            case Offer() | Chat() | HangUp() | Playback() | RequestStill():
                self._got_in_call(agent, message)
            case CheckIdNumber() | MatchFaces() | Finish():
                self._got_in_call(agent, message)
            case _:
                raise ProtocolError("not an agent's message")

    def _got_in_call(self, agent: Agent, message: Message) -> None:
        if agent.call is None:
            raise WrongPhase("no call")
        self._require_room(agent.call.case, agent.account.account, message)
        agent.call.got(Role.AGENT, message, self._now())
        self._run(agent.call)

    def _set_presence(self, agent: Agent, presence: Presence) -> None:
        if agent.call is not None and agent.call.undecided:
            raise WrongPhase("the result is missing", code="finish_first")
        desk = self._desk(agent.account.tenant)
        self._desk_events(desk, desk.set_presence(agent.account.account, presence, self._mono()))

    def _accept(self, agent: Agent, call_id: CallId) -> None:
        self._desk(agent.account.tenant).accept(agent.account.account, call_id)
        call = self._calls[call_id]
        agent.feed = Feed(call.case, everything=True)
        if agent.line is not None:
            self._commands.read_history(agent.line, call.case)
        call.accepted(self._now())
        self._run(call)

    def _require_room(self, case: CaseId, source: str, message: Message) -> None:
        full = self._commands.stuck(case) or self._commands.backlog(case) >= _BACKLOG_MAX
        # Nobody waits for the answer to a report, and its own pace bounds it.
        if full and not isinstance(message, Playback):
            raise Busy("too many requests are unfinished")
        if isinstance(message, Offer) and not self._offers.take(source, self._mono()):
            raise Busy("too many offers")

    # --- facts, time, results ---

    def _noted(self, action: Noted) -> None:
        entry = action.entry
        visit = self._visits.get(entry.case)
        if visit is None:
            return
        if isinstance(entry.fact, ConsentGiven):
            visit.consent = frozenset(entry.fact.subjects)
            visit.consents_due = max(0, visit.consents_due - 1)
            self._join_at_last(visit)
        call = visit.call
        if call is not None and getattr(entry.fact, "call", call.call) == call.call:
            call.noted(entry.fact, self._now())
            self._run(call)
        screens: list[Visit | Agent] = [visit, *self._agents.values()]
        for who in screens:
            if who.feed is not None and who.feed.case == entry.case and who.line is not None:
                show_facts(who.line, who.feed.live(entry))

    def _history_read(self, action: HistoryRead) -> None:
        who = self._lines.get(action.line)
        if who is not None and who.feed is not None and who.feed.case == action.case:
            show_facts(action.line, who.feed.history(action.entries))

    def _tick(self) -> None:
        now = self._now()
        for desk in self._desks.values():
            self._desk_events(desk, desk.tick(now.mono))
        for call in list(self._calls.values()):
            call.tick(now)
            self._run(call)
        for visit in list(self._visits.values()):
            if visit.gone_until is not None and visit.gone_until <= now.mono and not self._live(visit):
                self._forget(visit)

    def _live(self, visit: Visit) -> bool:
        return any(call.case == visit.who.case for call in self._calls.values())

    def _forget(self, visit: Visit) -> None:
        if visit.phase is CasePhase.PRE_CALL:
            self._advance(visit, CasePhase.ABORTED, CaseEnd.CUSTOMER_LEFT)
        self._forget_resume(visit.resume)
        self._forget_resume(visit.resume_before)
        del self._visits[visit.who.case]

    def _forget_resume(self, resume: str | None) -> None:
        if resume is not None:
            self._resumes.pop(resume, None)

    def _advance(self, visit: Visit, to: CasePhase, reason: CaseEnd) -> None:
        self._commands.submit(visit.who.case, None, Append(CaseAdvanced(visit.phase, to, reason)))
        visit.own_phase = to

    def _journal_failed(self, case: CaseId) -> None:
        visit = self._visits.get(case)
        if visit is None:
            return
        if visit.call is not None:
            visit.call.stop(CallEnd.RECORDER_FAILED, self._now())
            self._run(visit.call)
        if visit.line is not None:
            visit.line.end("internal")

    def _release_still(self, action: ReleaseStill) -> None:
        visit = self._visits.get(action.case)
        if visit is not None and visit.call is not None:
            visit.call.release_upload(action.request)
            self._run(visit.call)

    def _stop(self) -> None:
        self.stopping = True
        for call in list(self._calls.values()):
            call.stop(CallEnd.SERVER_STOPPED, self._now())
            self._run(call)
        for line in list(self._lines):
            line.end("server_stopped")

    # --- doing what the machines want ---

    def _run(self, call: Call) -> None:
        for effect in call.take():
            match effect:
                case Send():
                    self._send(call, effect.to, effect.message)
                case FreeAgent():
                    self._desk_of(call).wrap_up(effect.agent, effect.talked_s)
                case _:
                    self._commands.submit(call.case, call.call, effect)
        if call.reason is not None:
            self._settle(call)

    def _settle(self, call: Call) -> None:
        desk = self._desk_of(call)
        self._desk_events(desk, desk.leave(call.call, self._mono()))
        visit = self._visits[call.case]
        if visit.call is call:
            visit.own_phase = call.case_phase
            if call.case_phase is CasePhase.PRE_CALL:
                visit.call = None
        self._release_agent(call, desk)
        if call.closed:
            self._calls.pop(call.call, None)

    def _release_agent(self, call: Call, desk: Desk) -> None:
        if call.undecided:
            return
        for agent in self._agents.values():
            if agent.call is call:
                agent.call = None
                if agent.line is None:
                    self._desk_events(desk, desk.depart(agent.account.account, self._mono()))

    def _desk_events(self, desk: Desk, events: list[Rang | RangOut]) -> None:
        for event in events:
            call = self._calls.get(event.call)
            agent = self._agents.get(event.agent)
            if call is None or agent is None:
                continue
            if isinstance(event, Rang):
                self._rang(call, agent)
            else:
                agent.call = None
                call.ring_over(event.how)
                self._run(call)

    def _rang(self, call: Call, agent: Agent) -> None:
        account = agent.account
        agent.call = call
        call.rang(Party(new_seat_id(), Role.AGENT, account.name, account.account), self._now())
        self._run(call)
        visit = self._visits[call.case]
        if agent.line is not None:
            waited_s = self._mono() - visit.joined_at
            agent.line.send(ring_of(visit, call.call, waited_s, self._settings.ring_s))

    def _show_call(self, call: Call, role: Role, line: Line) -> None:
        state = call.state(role, self._now())
        if state is not None:
            line.send(state)
        if role is Role.CUSTOMER and call.reason is None:
            for request, kind in call.checks.wanted():
                line.send(StillWanted(request, kind))

    def publish(self) -> None:
        """Tell every screen its place and presence, when they have changed."""
        show_places(self._desks.values(), self._visits, self._calls)
        for agent in self._agents.values():
            show_presence(agent, self._desk(agent.account.tenant))

    def _send(self, call: Call, agent: AccountId | None, message: Message) -> None:
        line = self._line(call, agent)
        if line is not None:
            line.send(message)

    def _line(self, call: Call, agent: AccountId | None) -> Line | None:
        who = self._visits.get(call.case) if agent is None else self._agents.get(agent)
        return who.line if who else None

    def _desk(self, tenant: TenantId) -> Desk:
        return self._desks.setdefault(tenant, Desk(self._settings.ring_s))

    def _desk_of(self, call: Call) -> Desk:
        return self._desk(self._visits[call.case].who.tenant)

    def _mono(self) -> float:
        return self._clock.monotonic()

    def _now(self) -> Moment:
        return Moment(self._clock.now(), self._clock.monotonic())


def _call_of(visit: Visit) -> Call:
    if visit.call is None:
        raise WrongPhase("no call")
    return visit.call
