"""The wallboard of one tenant, put together from its desk, its figures and its calls."""

from contract.ids import TenantId
from contract.phases import CallPhase
from contract.wire import BoardAgent, BoardCall, BoardWaiting, Wallboard
from signaling.call import Call
from signaling.desk import QueueRow
from signaling.hall import Hall

# Nobody reads further down, and a row is two hundred bytes every second.
_ROWS_MAX = 200
_TALKING = frozenset({CallPhase.CONNECTING, CallPhase.ACTIVE, CallPhase.HELD, CallPhase.RECONNECTING})


def wallboard(hall: Hall, tenant: TenantId) -> Wallboard:
    """Return what the supervisors of ``tenant`` see now."""
    desk, board, now = hall.desk(tenant), hall.board(tenant), hall.mono()
    queue = [row for row in desk.queue(now) if not row.demand.summons]
    longest_s = max((row.waited_s for row in queue), default=0.0)
    calls = [
        call for call in hall.calls.values() if call.phase in _TALKING and hall.tenant_of(call) == tenant
    ]
    figures = board.figures(now)
    return Wallboard(
        waiting=len(queue),
        longest_wait_s=longest_s,
        in_call=len(calls),
        answered=figures.answered,
        abandoned=figures.abandoned,
        handle_s=figures.handle_s,
        service_level=figures.service_level,
        target_s=board.rules.target_s,
        alarms=(
            *hall.house_alarms,
            *board.alarms(len(queue), desk.agents_ready(), longest_s, now),
        ),
        agents=_agents(hall, tenant),
        queue=tuple(_waiting(hall, row) for row in queue[:_ROWS_MAX]),
        calls=tuple(_talking(hall, call) for call in calls[:_ROWS_MAX]),
    )


def _agents(hall: Hall, tenant: TenantId) -> tuple[BoardAgent, ...]:
    board, now = hall.board(tenant), hall.mono()
    rows: list[BoardAgent] = []
    for row in hall.desk(tenant).agents():
        who, tally = hall.staff[row.agent], board.tally(row.agent, now)
        rows.append(
            BoardAgent(
                row.agent,
                who.account.name,
                row.presence,
                row.reason,
                now - row.since,
                who.call.call if who.call else None,
                tally.answered,
                tally.refused,
            )
        )
    return tuple(rows)


def _waiting(hall: Hall, row: QueueRow) -> BoardWaiting:
    demand = row.demand
    who = hall.visits[hall.calls[demand.call].case].who
    return BoardWaiting(
        demand.call,
        who.case,
        who.name,
        demand.skill,
        demand.language,
        demand.vip,
        row.waited_s,
        row.ringing,
        row.only,
    )


def _talking(hall: Hall, call: Call) -> BoardCall:
    state = call.state(call.customer.seat, hall.now())
    # The customer's view knows of no observer; the supervisors' row counts those too.
    parties = 1 + len(call.staff)
    active_s = state.active_s if state else 0.0
    phase = call.phase or CallPhase.RINGING
    return BoardCall(
        call.call, call.case, call.customer.name, call.host, phase, active_s, parties, _trouble(hall, call)
    )


def _trouble(hall: Hall, call: Call) -> str:
    """Return what is wrong with a call, in a word; empty when nothing is."""
    if call.phase is CallPhase.RECONNECTING:
        return "away"
    if call.host is None:
        return "no_host"
    state = call.state(call.customer.seat, hall.now())
    if call.phase is CallPhase.ACTIVE and state is not None and not state.recording:
        return "not_recording"
    return ""
