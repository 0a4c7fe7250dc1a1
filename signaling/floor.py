"""The floor: takes one action at a time and lets customers, agents, supervisors and calls act on the hall.

Nothing here waits. What takes time is submitted to the commands and comes back as an action.
"""

from contract.errors import ProtocolError, UserError
from contract.facts import ConsentGiven
from contract.ids import CaseId
from contract.phases import CallEnd, Role
from contract.ports import Clock
from contract.wire import Answer, FactNoted, Message
from signaling.actions import (
    Action,
    AgentCame,
    AnswerOver,
    Arranged,
    AskDesk,
    AskSeated,
    AskSharer,
    ClaimStill,
    CommandRefused,
    Compared,
    ConfirmStill,
    CustomerCame,
    CustomerResumed,
    GateStuck,
    Got,
    HistoryRead,
    IdentityDone,
    JournalFailed,
    Line,
    Lost,
    MediaOpened,
    Noted,
    OfferAnswered,
    ReleaseStill,
    Stop,
    SupervisorCame,
    Tick,
    WoundUp,
)
from signaling.agents import Agents
from signaling.call import Call
from signaling.commands import Commands
from signaling.customers import Customers, IssueUpload
from signaling.hall import Hall
from signaling.notices import Notices
from signaling.people import Staff, Visit
from signaling.settings import SignalingSettings
from signaling.supervisors import Supervisors
from signaling.uploads import answer_seated, answer_sharer, answer_upload

_Came = CustomerCame | CustomerResumed | AgentCame | SupervisorCame
_Result = (
    MediaOpened
    | OfferAnswered
    | AnswerOver
    | CommandRefused
    | Compared
    | Arranged
    | GateStuck
    | WoundUp
    | IdentityDone
)


class Floor:
    """Owns the state; ``issue_upload`` makes the upload token for a customer's welcome."""

    def __init__(
        self, settings: SignalingSettings, clock: Clock, commands: Commands, issue_upload: IssueUpload
    ) -> None:
        self._hall = Hall(settings, clock, commands)
        self._customers = Customers(self._hall, issue_upload)
        self._agents = Agents(self._hall)
        self._supervisors = Supervisors(self._hall)
        self._notices = Notices(self._hall)

    @property
    def calls(self) -> int:
        """Return how many calls are not closed."""
        return len(self._hall.calls)

    @property
    def stopping(self) -> bool:
        """True once the server stops."""
        return self._hall.stopping

    def show_alarms(self, words: tuple[str, ...]) -> None:
        """Show these on every wallboard until told otherwise."""
        self._hall.house_alarms = words

    def knows(self, case: CaseId) -> bool:
        """Tell whether entries of this case matter here."""
        return case in self._hall.visits

    def handle(self, action: Action) -> None:
        """Act on one action; never waits."""
        match action:
            case Got():
                self._got(action.line, action.message)
            case Noted():
                self._noted(action)
            case Tick():
                self._tick()
            case CustomerCame() | CustomerResumed() | AgentCame() | SupervisorCame():
                self._came(action)
            case Lost():
                self._lost(action.line)
            case HistoryRead():
                self._history_read(action)
            case JournalFailed():
                self._journal_failed(action.case)
            case Stop():
                self._stop()
            case _:
                self._asked(action)
        self._notices.after(action)

    def _asked(
        self, action: _Result | ClaimStill | ConfirmStill | ReleaseStill | AskSharer | AskSeated | AskDesk
    ) -> None:
        visits = self._hall.visits
        match action:
            case ClaimStill() | ConfirmStill():
                answer_upload(visits.get(action.case), action)
            case ReleaseStill():
                self._release_still(action)
            case AskSharer():
                answer_sharer(visits.get(action.case), action)
            case AskSeated():
                answer_seated(visits.get(action.case), action)
            case AskDesk():
                self._notices.answer_desk(action)
            case _:
                self._call_result(action)

    # --- coming, going, saying ---

    def _came(self, action: _Came) -> None:
        if self._hall.stopping:
            action.line.end("server_stopped")
            return
        match action:
            case CustomerCame():
                self._customers.came(action)
            case CustomerResumed():
                self._customers.resumed(action)
            case AgentCame():
                self._agents.came(action)
            case SupervisorCame():
                self._supervisors.came(action)

    def _lost(self, line: Line) -> None:
        match self._hall.lines.pop(line, None):
            case Visit() as visit:
                self._customers.lost(visit)
            case Staff() as who if who.account.role is Role.SUPERVISOR:
                self._supervisors.lost(who)
            case Staff() as who:
                self._agents.lost(who)
            case None:
                pass

    def _got(self, line: Line, message: Message) -> None:
        who = self._hall.lines.get(line)
        if who is None:
            return
        with self._hall.answering(line, message.tag):
            if isinstance(who, Visit):
                self._customers.got(who, message)
            elif who.account.role is Role.SUPERVISOR:
                self._supervisors.got(who, message)
            else:
                self._agents.got(who, message)

    # --- results of commands ---

    def _call_result(self, action: _Result) -> None:
        call = self._hall.calls.get(action.call)
        if call is None:
            return
        match action:
            case MediaOpened():
                self._media_opened(call, action)
            case OfferAnswered():
                line = self._hall.line_of(call, action.agent)
                if line is not None:
                    line.send(Answer(call.call, action.sdp, action.number))
            case AnswerOver():
                call.answered(action.seat)
            case CommandRefused():
                self._command_refused(call, action)
            case Compared():
                call.compared()
            case IdentityDone():
                call.identity_done(action.what, well=action.well)
            case Arranged():
                call.arranged(action.error, self._hall.now())
            case GateStuck():
                call.stop(CallEnd.MEDIA_FAILED, self._hall.now())
            case WoundUp():
                call.wound_up()
        self._hall.run(call)

    def _media_opened(self, call: Call, action: MediaOpened) -> None:
        if action.error is not None:
            call.failed(action.error.code)
            return
        call.media_opened()
        self._hall.run(call)
        if call.waiting:
            self._customers.take_in(call)

    def _command_refused(self, call: Call, action: CommandRefused) -> None:
        line, error = self._hall.line_of(call, action.agent), action.error
        if isinstance(error, ProtocolError):
            if line is not None:
                line.end(error.code)
        elif call.reason is None:
            if isinstance(error, UserError):
                self._hall.refuse(line, error, action.about)
            else:
                self._hall.fail(line, error.code, action.about)

    # --- facts, time, the end ---

    def _noted(self, action: Noted) -> None:
        entry, hall = action.entry, self._hall
        visit = hall.visits.get(entry.case)
        if visit is None:
            return
        if isinstance(entry.fact, ConsentGiven):
            self._customers.consented(visit, entry.fact)
        call = visit.call
        if call is not None and getattr(entry.fact, "call", None) in {None, call.call}:
            call.noted(entry.fact, hall.now())
            hall.run(call)
        screens: list[Visit | Staff] = [visit, *hall.staff.values()]
        for who in screens:
            if who.feed is not None and who.feed.case == entry.case and who.line is not None:
                _show_facts(who.line, who.feed.live(entry))

    def _history_read(self, action: HistoryRead) -> None:
        who = self._hall.lines.get(action.line)
        if who is not None and who.feed is not None and who.feed.case == action.case:
            _show_facts(action.line, who.feed.history(action.entries))

    def _tick(self) -> None:
        hall = self._hall
        now = hall.now()
        self._agents.forget_gone(now.mono)
        for desk in hall.desks.values():
            hall.follow(desk, desk.tick(now.mono))
        for call in list(hall.calls.values()):
            call.tick(now)
            hall.run(call)
        hall.hand_late()
        self._customers.forget_gone()

    def _journal_failed(self, case: CaseId) -> None:
        hall = self._hall
        visit = hall.visits.get(case)
        if visit is None:
            return
        if visit.call is not None:
            visit.call.stop(CallEnd.RECORDER_FAILED, hall.now())
            hall.run(visit.call)
        if visit.line is not None:
            visit.line.end("internal")

    def _release_still(self, action: ReleaseStill) -> None:
        visit = self._hall.visits.get(action.case)
        if visit is not None and visit.call is not None:
            visit.call.release_upload(action.request)
            self._hall.run(visit.call)

    def _stop(self) -> None:
        hall = self._hall
        hall.stopping = True
        for call in list(hall.calls.values()):
            call.stop(CallEnd.SERVER_STOPPED, hall.now())
            hall.run(call)
        for line in list(hall.lines):
            line.end("server_stopped")


def _show_facts(line: Line, facts: list[FactNoted]) -> None:
    # In one place of the outbox: a long history does not count as a slow consumer.
    if facts:
        line.send(*facts)
