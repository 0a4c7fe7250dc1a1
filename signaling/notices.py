"""What screens are told without asking: places in the queue and presences, on every change."""

from collections.abc import Collection, Mapping

from prometheus_client import Gauge

from contract.ids import CallId, CaseId
from contract.wire import FactNoted, PresenceSet, QueuePosition
from signaling.actions import Line
from signaling.call import Call
from signaling.desk import Desk
from signaling.people import Agent, Visit

_waiting = Gauge("teller_signaling_waiting", "Customers who wait")
_calls = Gauge("teller_signaling_calls", "Calls that are not closed")


def show_places(
    desks: Collection[Desk], visits: Mapping[CaseId, Visit], calls: Mapping[CallId, Call]
) -> None:
    """Tell each waiting customer the place, when it has changed; count who waits and talks."""
    _calls.set(len(calls))
    _waiting.set(sum(desk.waiting() for desk in desks))
    for desk in desks:
        for call, place in desk.places().items():
            visit = visits[calls[call].case]
            shown = QueuePosition(call, place.position, place.estimated_wait_s, desk.agents_ready())
            if visit.line is not None and visit.place != shown:
                visit.place = shown
                visit.line.send(shown)


def show_presence(agent: Agent, desk: Desk) -> None:
    """Tell the agent's console the presence and the length of the queue, when they have changed."""
    presence = PresenceSet(desk.presence(agent.account.account), desk.waiting())
    if agent.line is not None and agent.shown != presence:
        agent.shown = presence
        agent.line.send(presence)


def show_facts(line: Line, facts: list[FactNoted]) -> None:
    """Send the facts in one place of the outbox."""
    if facts:
        line.send(*facts)
