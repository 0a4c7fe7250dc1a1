"""What screens are told without asking: places in the queue, presences, the wallboard.

Everybody's place is told once a tick, for one that changes changes hundreds; only who is new is told at
once. A changed presence is told at once, its reason and the length of the queue once a tick.
"""

from collections.abc import Iterable

from prometheus_client import Gauge

from contract.ids import CallId, TenantId
from contract.phases import Role
from contract.wire import PresenceSet, QueuePosition
from signaling.actions import Action, AskDesk, DeskView, SupervisorCame, Tick
from signaling.desk import Desk
from signaling.hall import Hall
from signaling.people import Staff
from signaling.wallboard import wallboard

_waiting = Gauge("teller_signaling_waiting", "Customers who wait")
_calls = Gauge("teller_signaling_calls", "Calls that are not closed")

# Newcomers between two ticks who are told their place at once: each costs a look at the whole row.
_NEWCOMERS = 20
# A wallboard may be two seconds old; one is worth this much time between two.
_BOARD_S = 1.0


class Notices:
    """Tells what has changed in the hall."""

    def __init__(self, hall: Hall) -> None:
        self._hall = hall
        self._newcomers = 0

    def after(self, action: Action) -> None:
        """Tell what ``action`` has changed."""
        ticked = isinstance(action, Tick)
        if ticked:
            self._newcomers = 0
            self._hall.unplaced.clear()
            self._count()
            for desk in self._hall.desks.values():
                self._show_places(desk, desk.places())
        elif self._hall.unplaced and self._newcomers < _NEWCOMERS:
            self._newcomers += 1
            new, self._hall.unplaced = self._hall.unplaced, []
            for visit in new:
                if visit.call is not None:
                    self._show_places(self._hall.desk(visit.who.tenant), [visit.call.call])
        for who in self._hall.staff.values():
            if who.line is not None and who.account.role is Role.AGENT:
                self._show_presence(who, ticked)
        if ticked or isinstance(action, SupervisorCame):
            self._show_boards()

    def answer_desk(self, action: AskDesk) -> None:
        """Tell what a newcomer would find at a desk."""
        if action.reply.cancelled():
            return
        desk = self._hall.desk(action.tenant)
        places = desk.places()
        longest = max(places.values(), key=lambda place: place.position, default=None)
        wait_s = longest.estimated_wait_s if longest else (0.0 if desk.agents_ready() else None)
        action.reply.set_result(DeskView(desk.waiting(), wait_s))

    def _count(self) -> None:
        _calls.set(len(self._hall.calls))
        _waiting.set(sum(desk.waiting() for desk in self._hall.desks.values()))

    def _show_places(self, desk: Desk, calls: Iterable[CallId]) -> None:
        places, ready = desk.places(), desk.agents_ready()
        for call in calls:
            place = places.get(call)
            visit = self._hall.visits[self._hall.calls[call].case] if place else None
            if place is None or visit is None or visit.line is None:
                continue
            shown = QueuePosition(call, place.position, place.estimated_wait_s, ready)
            if visit.place != shown:
                visit.place = shown
                visit.line.send(shown)

    def _show_presence(self, who: Staff, ticked: bool) -> None:
        desk, was = self._hall.desk(who.account.tenant), who.shown
        # Everybody is looked at after every action; what changes without the presence waits for the tick.
        if not ticked and was is not None and was.presence is desk.presence(who.me):
            return
        status = desk.status(who.me, self._hall.mono())
        waiting = desk.waiting()
        shown = PresenceSet(status.presence, waiting, status.reason, status.since_s, status.ends_in_s)
        if was is None or _told(was) != _told(shown):
            who.shown = shown
            if who.line is not None:
                who.line.send(shown)

    def _show_boards(self) -> None:
        now = self._hall.mono()
        due: dict[TenantId, list[Staff]] = {}
        for who in self._hall.staff.values():
            late = who.board_at is None or who.board_at + _BOARD_S <= now
            if late and who.line is not None and who.account.role is Role.SUPERVISOR:
                who.board_at = now
                due.setdefault(who.account.tenant, []).append(who)
        for tenant, supervisors in due.items():
            board = wallboard(self._hall, tenant)
            for who in supervisors:
                if who.line is not None:
                    who.line.send(board)


def _told(shown: PresenceSet) -> tuple[object, ...]:
    # What time alone changes is counted by the console itself.
    return shown.presence, shown.reason, shown.waiting, shown.ends_in_s is None
