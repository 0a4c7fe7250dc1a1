"""The desk: who waits for an agent on one side, agents on the other. Pure; times are arguments.

Rows are demands: a customer's own, an invitation, a transfer; ``routing`` says who may be rung and who
first. An agent who lets it ring for too long goes on a break, an agent who refuses goes to the end of
the agents' row. An agent is rung for one demand at a time and never in a call. One desk serves one
tenant. After every change the desk pairs only what the change freed: a demand that found nobody is not
tried again with the same agents before a timer says so.
"""

import heapq
import math
import secrets
from collections.abc import Callable, Mapping

from contract.errors import NotFound, WrongPhase
from contract.ids import AccountId, CallId
from contract.phases import Presence, RingEnd, Role
from signaling.desk_events import AgentRow, DeskEvent, GaveUp, QueueRow, Rang, RangOut, Status
from signaling.places import MeanLength, Place, estimate_places
from signaling.routing import (
    FREE,
    ON_DUTY,
    Demand,
    DeskRules,
    Draw,
    Member,
    Profile,
    Row,
    anybody_left,
    candidates,
)
from signaling.rows import Rows, by_order

__all__ = [
    "AgentRow", "Demand", "Desk", "DeskEvent", "DeskRules", "Draw", "GaveUp", "Place", "Profile",
    "QueueRow", "Rang", "RangOut", "Status",
]  # fmt: skip

NO_ANSWER = "no_answer"
TRAINING_EXPIRED = "training_expired"
# A customer waits for one agent who is not on duty for two rings at most, then for anybody.
_ALONE_RINGS = 2


class Desk:
    """The queue of one tenant. Every change returns what follows from it, rings included.

    ``draw`` returns fresh random hexadecimal digits; it is asked only under ``rules.random``.
    """

    def __init__(self, rules: DeskRules, draw: Callable[[], str] = secrets.token_hex) -> None:
        self._rules = rules
        self._draw = draw
        self._rows = Rows()
        self._members: dict[AccountId, Member] = {}
        self._timers: list[tuple[float, int, Row | Member]] = []
        # What the next pairing has to look at, and nothing else.
        self._fresh: set[Row] = set()
        self._free: dict[AccountId, Member] = {}
        self._training_ends = math.inf
        self._number = 0
        self._mean = MeanLength()
        self._places: Mapping[CallId, Place] | None = None

    # --- demands ---

    def join(self, demand: Demand, now: float) -> list[DeskEvent]:
        """Put a demand at its place in the row.

        Raises:
            WrongPhase: it is there already, or ``only`` cannot be asked (see :meth:`reassign`).
            NotFound: code ``no_such_agent``: ``only`` is not here.
        """
        if demand.only is not None:
            self._named(demand, demand.only, now)
        self._number += 1
        row = Row.of(demand, self._number, self._rules, now)
        self._rows.add(row)
        self._places = None
        self._fresh.add(row)
        self._wake_at(row.ends, row)
        if row.soft > now:
            self._wake_at(row.soft, row)
        if row.passed:
            self._wake_at(now + self._rules.again_s, row)
        return self._pair(now)

    def leave(self, call: CallId, role: Role, now: float) -> list[DeskEvent]:
        """Take a demand out of the row, wherever it stands; a ring for it is over. Unknown ones: nothing."""
        row = self._rows.find(call, role)
        if row is None:
            return []
        self._remove(row)
        if row.agent is None:
            return []
        self._ready(self._members[row.agent], now)
        how = RingEnd.WITHDRAWN if row.demand.summons else RingEnd.CUSTOMER_LEFT
        return [RangOut(call, role, row.agent, how), *self._pair(now)]

    def step_out(self, call: CallId) -> None:
        """The customer's socket is lost: he keeps his place and is not offered meanwhile."""
        row = self._rows.customer(call)
        if row is not None:
            row.here = False

    def step_in(self, call: CallId, now: float) -> list[DeskEvent]:
        """The customer is back."""
        row = self._rows.customer(call)
        if row is None:
            return []
        row.here = True
        self._fresh.add(row)
        return self._pair(now)

    def move_up(self, call: CallId, now: float) -> list[DeskEvent]:
        """Put a customer before all others. Raises NotFound when he does not wait."""
        row = self._rows.require_customer(call)
        self._number += 1
        row.moved = self._number
        self._reorder(row)
        return self._pair(now)

    def reassign(self, call: CallId, agent: AccountId | None, now: float) -> list[DeskEvent]:
        """Give a customer to one agent, whose next ring he is; None gives him back to all.

        He goes back to all by himself when that agent refuses, does not answer, goes home, is no longer
        trained, or takes a break for two rings.

        Raises:
            NotFound: he does not wait, or code ``no_such_agent``: the agent is not here.
            WrongPhase: he is being rung for; ``not_skilled``, ``training_expired``: so is the agent;
                ``not_ready``: the agent is on a break.
        """
        row = self._rows.require_customer(call)
        if row.agent is not None:
            raise WrongPhase("an agent is being rung")
        if agent is not None:
            self._named(row.demand, agent, now)
            if self._members[agent].presence not in ON_DUTY:
                raise WrongPhase("the agent is on a break", code="not_ready")
            row.passed.pop(agent, None)
        row.only = agent
        self._reorder(row)
        self._fresh.add(row)
        return self._pair(now)

    # --- agents ---

    def presence(self, agent: AccountId) -> Presence:
        """Return what the agent is doing."""
        known = self._members.get(agent)
        return known.presence if known else Presence.OFFLINE

    def status(self, agent: AccountId, now: float) -> Status:
        """Return what the agent is doing, why and since when."""
        known = self._members.get(agent)
        if known is None:
            return Status(Presence.OFFLINE)
        ends = known.presence is Presence.WRAP_UP and known.until < math.inf
        left = max(0.0, known.until - now) if ends else None
        return Status(known.presence, known.reason, max(0.0, now - known.since), left)

    def arrive(self, agent: AccountId, profile: Profile, now: float) -> None:
        """An agent's console connected; who was here already keeps the presence, with this profile."""
        known = self._members.setdefault(agent, Member(agent, profile, now))
        known.profile = profile
        self._training_ends = min(self._training_ends, profile.training_ends)
        if known.presence is Presence.READY:
            self._free[agent] = known
        for row in self._rows.waiting_for(agent):
            self._wake_at(now, row)
        self._places = None

    def depart(self, agent: AccountId, now: float) -> list[DeskEvent]:
        """An agent is gone; the ring at his console goes to the next one, and who waited for him to all."""
        known = self._members.pop(agent, None)
        if known is None:
            return []
        self._free.pop(agent, None)
        self._places = None
        over = self._pass_on(known.row, known, RingEnd.AGENT_LEFT, now) if known.row else []
        for row in self._rows.waiting_for(agent):
            over += self._unnamed(row)
        return over + self._pair(now)

    def set_presence(self, agent: AccountId, presence: Presence, reason: str, now: float) -> list[DeskEvent]:
        """Set READY, or BREAK with a ``reason``.

        Raises:
            NotFound: no such agent here.
            WrongPhase: another presence is asked for, or the agent rings or talks; code
                ``training_expired``: the agent is not trained (any more).
        """
        known = self._known(agent)
        if presence not in {Presence.READY, Presence.BREAK}:
            raise WrongPhase("only ready and break can be chosen")
        if known.presence in {Presence.RINGING, Presence.BUSY}:
            raise WrongPhase(f"not while {known.presence}")
        if presence is Presence.BREAK:
            self._set(known, presence, reason, now)
        elif not known.profile.trained(now):
            raise WrongPhase("the training has run out", code=TRAINING_EXPIRED)
        elif known.presence is not Presence.READY:
            known.idle_since = now
            self._ready(known, now)
        return self._pair(now)

    def accept(self, agent: AccountId, call: CallId, now: float) -> RangOut:
        """The agent answers. Raises WrongPhase ``ring_over`` when this call does not ring there."""
        known, row = self._ringing(agent, call)
        self._set(known, Presence.BUSY, "", now)
        known.row = None
        self._remove(row)
        return RangOut(call, row.demand.role, agent, RingEnd.ACCEPTED)

    def refuse(self, agent: AccountId, call: CallId, now: float) -> list[DeskEvent]:
        """The agent passes the ring on. Raises WrongPhase ``ring_over`` when it does not ring there."""
        known, row = self._ringing(agent, call)
        over = self._pass_on(row, known, RingEnd.REFUSED, now)
        known.idle_since = now
        self._ready(known, now)
        return over + self._pair(now)

    def wrap_up(self, agent: AccountId, talked_s: float, now: float, owes: bool = False) -> None:
        """The agent's call is over after ``talked_s`` seconds; ignored when he is gone.

        Who ``owes`` the result does not become ready by time before :meth:`decided`.
        """
        known = self._members.get(agent)
        if known is None or known.presence is not Presence.BUSY:
            return
        self._set(known, Presence.WRAP_UP, "", now)
        known.call, known.owes = None, owes
        known.until = math.inf if self._rules.wrap_up_s is None else now + self._rules.wrap_up_s
        self._wake_at(known.until, known)
        self._mean.add(talked_s)

    def break_off(self, agent: AccountId, now: float, *, keep: bool) -> list[DeskEvent]:
        """The agent's conversation was broken off: ready at once; ignored when gone.

        With ``keep`` he is rung for one ring's time only for whoever asks for him by name.
        """
        known = self._members.get(agent)
        if known is None or known.presence is not Presence.BUSY:
            return []
        known.idle_since = now
        if keep:
            known.kept_until = now + self._rules.ring_s
            self._wake_at(known.kept_until, known)
        self._ready(known, now)
        return self._pair(now)

    def decided(self, agent: AccountId, now: float) -> None:
        """The agent's result is there; who is gone is ignored."""
        known = self._members.get(agent)
        if known is not None and known.owes:
            known.owes = False
            self._wake_at(max(now, known.until), known)

    # --- both ---

    def tick(self, now: float) -> list[DeskEvent]:
        """End what lasted too long: rings, wrap-ups, trainings, summonses; begin what may begin."""
        over: list[DeskEvent] = []
        while self._timers and self._timers[0][0] <= now:
            what = heapq.heappop(self._timers)[2]
            over += self._wake_row(what, now) if isinstance(what, Row) else self._wake_member(what, now)
        if self._training_ends <= now:
            over += self._end_trainings(now)
        return over + self._pair(now)

    def waiting(self) -> int:
        """Return how many customers wait, those who are rung for included."""
        return self._rows.customers

    def agents_ready(self) -> int:
        """Return how many agents are ready or ringing."""
        return sum(known.presence in FREE for known in self._members.values())

    def places(self) -> Mapping[CallId, Place]:
        """Return the customers' places, first first."""
        if self._places is None:
            self._places = estimate_places(self._rows, self._members.values(), self._mean.seconds)
        return self._places

    def rings(self) -> dict[tuple[CallId, Role], AccountId]:
        """Return who is rung for which demand."""
        return {(row.demand.call, row.demand.role): row.agent for row in self._rows if row.agent is not None}

    def agents(self) -> list[AgentRow]:
        """Return who is here, in the order of coming."""
        return [
            AgentRow(m.account, m.profile, m.presence, m.reason, m.since, m.call)
            for m in self._members.values()
        ]

    def queue(self, now: float) -> list[QueueRow]:
        """Return every demand, first first."""
        return [QueueRow(row.demand, now - row.since, row.agent, row.only) for row in self._rows]

    # --- rows ---

    def _reorder(self, row: Row) -> None:
        self._rows.reorder(row)
        self._places = None

    def _remove(self, row: Row) -> None:
        self._rows.remove(row)
        self._places = None
        self._fresh.discard(row)

    def _give_up(self, row: Row) -> list[DeskEvent]:
        self._remove(row)
        return [GaveUp(row.demand.call, row.demand.role)]

    def _unnamed(self, row: Row) -> list[DeskEvent]:
        """The one agent whom ``row`` waits for does not come."""
        if row.demand.summons:
            return self._give_up(row)
        row.only = None
        self._reorder(row)
        self._fresh.add(row)
        return []

    def _wake_row(self, row: Row, now: float) -> list[DeskEvent]:
        if not self._rows.holds(row) or row.agent is not None:
            return []
        if row.ends <= now:
            return self._give_up(row)
        if row.only is not None and self._misses(row, self._members[row.only], now):
            return self._unnamed(row)
        self._fresh.add(row)
        return []

    def _misses(self, row: Row, known: Member, now: float) -> bool:
        """Tell whether ``row`` need no longer wait for the one whom it waits for."""
        profile = known.profile
        resting = known.presence not in ON_DUTY and known.since + self._alone_s <= now
        able = profile.trained(now) and profile.skilled(row.demand.skill)
        return not able or (resting and not row.demand.summons)

    @property
    def _alone_s(self) -> float:
        return _ALONE_RINGS * self._rules.ring_s

    # --- members ---

    def _known(self, agent: AccountId) -> Member:
        if agent not in self._members:
            raise NotFound("no such agent at this desk", code="no_such_agent")
        return self._members[agent]

    def _named(self, demand: Demand, agent: AccountId, now: float) -> None:
        known = self._known(agent)
        if agent in demand.but:
            raise NotFound("already there", code="no_such_agent")
        if not known.profile.skilled(demand.skill):
            raise WrongPhase("the agent lacks the skill", code="not_skilled")
        if not known.profile.trained(now):
            raise WrongPhase("the agent's training has run out", code=TRAINING_EXPIRED)

    def _ringing(self, agent: AccountId, call: CallId) -> tuple[Member, Row]:
        known = self._known(agent)
        if known.row is None or known.row.demand.call != call:
            raise WrongPhase("this call does not ring here", code="ring_over")
        return known, known.row

    def _set(self, known: Member, presence: Presence, reason: str, now: float) -> None:
        if (known.presence, known.reason) != (presence, reason):
            known.presence, known.reason, known.since = presence, reason, now
            self._places = None
            if presence not in ON_DUTY:
                for row in self._rows.waiting_for(known.account):
                    self._wake_at(now + self._alone_s, row)

    def _ready(self, known: Member, now: float) -> None:
        known.row = known.call = None
        if known.profile.trained(now):
            self._set(known, Presence.READY, "", now)
            self._free[known.account] = known
        else:
            self._set(known, Presence.BREAK, TRAINING_EXPIRED, now)

    def _wake_member(self, known: Member, now: float) -> list[DeskEvent]:
        if self._members.get(known.account) is not known or known.until > now:
            return []
        over: list[DeskEvent] = []
        if known.row is not None:
            over = self._pass_on(known.row, known, RingEnd.TIMED_OUT, now)
            self._set(known, Presence.BREAK, NO_ANSWER, now)
        elif known.presence is Presence.WRAP_UP and not known.owes:
            known.idle_since = now
            self._ready(known, now)
        elif known.presence is Presence.READY and known.kept_until <= now:
            self._free[known.account] = known
        return over

    def _end_trainings(self, now: float) -> list[DeskEvent]:
        over: list[DeskEvent] = []
        self._training_ends = math.inf
        for agent, known in self._members.items():
            if known.profile.trained(now):
                self._training_ends = min(self._training_ends, known.profile.training_ends)
                continue
            if known.presence is Presence.READY:
                self._set(known, Presence.BREAK, TRAINING_EXPIRED, now)
            for row in self._rows.waiting_for(agent):
                over += self._wake_row(row, now)
        return over

    # --- rings ---

    def _pass_on(self, row: Row, known: Member, how: RingEnd, now: float) -> list[DeskEvent]:
        row.agent = known.row = known.call = None
        over: list[DeskEvent] = [RangOut(row.demand.call, row.demand.role, known.account, how)]
        again = math.inf if row.demand.summons else now + self._rules.again_s
        row.passed[known.account] = again
        self._wake_at(again, row)
        if row.demand.summons and (row.ends <= now or not anybody_left(row, self._members.values())):
            return over + self._give_up(row)
        if row.only is not None:
            return over + self._unnamed(row)
        self._fresh.add(row)
        return over

    def _pair(self, now: float) -> list[DeskEvent]:
        """Ring for what the last changes freed: fresh rows with anybody, others with who became free."""
        fresh, free = self._fresh, self._free
        self._fresh, self._free = set(), {}
        rang: list[DeskEvent] = []
        for row in self._rows if free else sorted(fresh, key=by_order):
            among = self._members if row in fresh else free
            fresh.discard(row)
            ring = self._ring(row, among, now) if row.here and row.agent is None else None
            if ring is not None:
                free.pop(ring.agent, None)
                rang.append(ring)
            if not free and not fresh:
                break
        return rang

    def _ring(self, row: Row, among: Mapping[AccountId, Member], now: float) -> Rang | None:
        able = candidates(row, among.values(), now)
        if not able:
            return None
        chance = None
        if self._rules.random and row.only is None:
            chance = Draw(tuple(sorted(member.account for member in able)), self._draw())
        chosen = self._members[chance.chosen] if chance else able[0]
        self._set(chosen, Presence.RINGING, "", now)
        chosen.kept_until = now
        chosen.row, chosen.call, chosen.until = row, row.demand.call, now + self._rules.ring_s
        row.agent = chosen.account
        self._wake_at(chosen.until, chosen)
        return Rang(row.demand.call, row.demand.role, chosen.account, chance)

    def _wake_at(self, at: float, what: Row | Member) -> None:
        if at < math.inf:
            self._number += 1
            heapq.heappush(self._timers, (at, self._number, what))
