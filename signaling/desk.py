"""The desk: waiting customers on one side, agents on the other. Pure; times are arguments.

First come, first served; the agent who has been ready for longest is rung first. An agent who lets
it ring for too long goes on a break, an agent who refuses goes to the end of the row; neither is rung
again for the same customer while another agent is ready. One desk serves one tenant.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from contract.errors import NotFound, WrongPhase
from contract.ids import AccountId, CallId
from contract.phases import Presence, RingEnd

# Before the first call was measured: the middle of the 3 to 10 minutes that identification takes.
_FIRST_GUESS_S = 300.0
# Weight of the newest call in the mean length.
_NEWEST = 0.2
# A sole agent who refused is rung again for the same customer after this pause.
_AGAIN_S = 5.0
_NO_CALL = CallId("")


@dataclass(frozen=True, slots=True)
class Rang:
    """The console of ``agent`` is to ring for ``call``."""

    call: CallId
    agent: AccountId


@dataclass(frozen=True, slots=True)
class RangOut:
    """The ring of ``call`` at ``agent`` is over."""

    call: CallId
    agent: AccountId
    how: RingEnd


@dataclass(frozen=True, slots=True)
class Place:
    """A customer's place in the row; ``position`` counts from 1."""

    position: int
    estimated_wait_s: float | None


@dataclass(slots=True)
class _Waiting:
    call: CallId
    since: float
    here: bool = True
    agent: AccountId | None = None
    passed: dict[AccountId, float] = field(default_factory=dict)


@dataclass(slots=True)
class _Agent:
    presence: Presence
    since: float
    call: CallId = _NO_CALL
    rings_until: float = 0.0


class Desk:
    """The queue of one tenant. Every change returns what follows from it, rings included."""

    def __init__(self, ring_s: float) -> None:
        self._ring_s = ring_s
        self._waiting: dict[CallId, _Waiting] = {}
        self._agents: dict[AccountId, _Agent] = {}
        self._mean_s = _FIRST_GUESS_S

    # --- customers ---

    def join(self, call: CallId, now: float) -> list[Rang | RangOut]:
        """Put a customer at the end of the row. Raises WrongPhase when already there."""
        if call in self._waiting:
            raise WrongPhase("already waiting")
        self._waiting[call] = _Waiting(call, now)
        return self._pair(now)

    def leave(self, call: CallId, now: float) -> list[Rang | RangOut]:
        """Take a customer out of the row, wherever he stands; a ring for him is over."""
        waiting = self._waiting.pop(call, None)
        if waiting is None or waiting.agent is None:
            return []
        agent = waiting.agent
        self._ready(agent, self._agents[agent].since)
        return [RangOut(call, agent, RingEnd.CUSTOMER_LEFT), *self._pair(now)]

    def step_out(self, call: CallId) -> None:
        """The customer's socket is lost: he keeps his place and is not offered meanwhile."""
        if call in self._waiting:
            self._waiting[call].here = False

    def step_in(self, call: CallId, now: float) -> list[Rang | RangOut]:
        """The customer is back."""
        if call not in self._waiting:
            return []
        self._waiting[call].here = True
        return self._pair(now)

    # --- agents ---

    def presence(self, agent: AccountId) -> Presence:
        """Return what the agent is doing."""
        known = self._agents.get(agent)
        return known.presence if known else Presence.OFFLINE

    def arrive(self, agent: AccountId, now: float) -> None:
        """An agent's console connected; who was here already keeps his presence."""
        self._agents.setdefault(agent, _Agent(Presence.BREAK, now))

    def depart(self, agent: AccountId, now: float) -> list[Rang | RangOut]:
        """An agent is gone; a ring at his console goes to the next one."""
        known = self._agents.pop(agent, None)
        if known is None or known.presence is not Presence.RINGING:
            return []
        return [self._pass_on(known, agent, RingEnd.AGENT_LEFT, now), *self._pair(now)]

    def set_presence(self, agent: AccountId, presence: Presence, now: float) -> list[Rang | RangOut]:
        """Set READY or BREAK.

        Raises:
            NotFound: no such agent here.
            WrongPhase: another presence is asked for, or the agent rings or talks.
        """
        known = self._known(agent)
        if presence not in {Presence.READY, Presence.BREAK}:
            raise WrongPhase("only ready and break can be chosen")
        if known.presence in {Presence.RINGING, Presence.BUSY}:
            raise WrongPhase(f"not while {known.presence}")
        if known.presence is not presence:
            known.presence, known.since = presence, now
        return self._pair(now)

    def accept(self, agent: AccountId, call: CallId) -> RangOut:
        """The agent answers. Raises WrongPhase when this call does not ring there (any more)."""
        known = self._ringing(agent, call)
        known.presence = Presence.BUSY
        del self._waiting[call]
        return RangOut(call, agent, RingEnd.ACCEPTED)

    def refuse(self, agent: AccountId, call: CallId, now: float) -> list[Rang | RangOut]:
        """The agent passes the ring on. Raises WrongPhase when this call does not ring there."""
        known = self._ringing(agent, call)
        over = self._pass_on(known, agent, RingEnd.REFUSED, now)
        self._ready(agent, now)
        return [over, *self._pair(now)]

    def wrap_up(self, agent: AccountId, talked_s: float) -> None:
        """The agent's call is over after ``talked_s`` seconds; ignored when he is gone."""
        known = self._agents.get(agent)
        if known is None or known.presence is not Presence.BUSY:
            return
        known.presence, known.call = Presence.WRAP_UP, _NO_CALL
        self._mean_s += _NEWEST * (talked_s - self._mean_s)

    # --- both ---

    def tick(self, now: float) -> list[Rang | RangOut]:
        """End the rings that lasted too long, begin those that may begin."""
        over: list[Rang | RangOut] = []
        for agent, known in self._agents.items():
            if known.presence is Presence.RINGING and known.rings_until <= now:
                over.append(self._pass_on(known, agent, RingEnd.TIMED_OUT, now))
                known.presence, known.since, known.call = Presence.BREAK, now, _NO_CALL
        return over + self._pair(now)

    def waiting(self) -> int:
        """Return how many customers wait, those who are rung for included."""
        return len(self._waiting)

    def agents_ready(self) -> int:
        """Return how many agents are ready or ringing."""
        return self._count(Presence.READY, Presence.RINGING)

    def places(self) -> dict[CallId, Place]:
        """Return everybody's place. The estimate is None when nobody is on duty."""
        on_duty = self._count(Presence.READY, Presence.RINGING, Presence.BUSY, Presence.WRAP_UP)
        free = self.agents_ready()
        places: dict[CallId, Place] = {}
        for position, call in enumerate(self._waiting, start=1):
            ahead = max(0, position - free)
            places[call] = Place(position, ahead * self._mean_s / on_duty if on_duty else None)
        return places

    def rings(self) -> dict[CallId, AccountId]:
        """Return who is rung for which call."""
        return {call: waiting.agent for call, waiting in self._waiting.items() if waiting.agent}

    def _count(self, *presences: Presence) -> int:
        return sum(known.presence in presences for known in self._agents.values())

    def _known(self, agent: AccountId) -> _Agent:
        if agent not in self._agents:
            raise NotFound("no such agent at this desk")
        return self._agents[agent]

    def _ringing(self, agent: AccountId, call: CallId) -> _Agent:
        known = self._known(agent)
        if known.presence is not Presence.RINGING or known.call != call:
            raise WrongPhase("this call does not ring here", code="ring_over")
        return known

    def _ready(self, agent: AccountId, since: float) -> None:
        known = self._agents[agent]
        known.presence, known.since, known.call = Presence.READY, since, _NO_CALL

    def _pass_on(self, known: _Agent, agent: AccountId, how: RingEnd, now: float) -> RangOut:
        waiting = self._waiting[known.call]
        waiting.agent = None
        waiting.passed[agent] = now + _AGAIN_S
        return RangOut(known.call, agent, how)

    def _pair(self, now: float) -> list[Rang | RangOut]:
        rang: list[Rang | RangOut] = []
        for waiting in self._waiting.values():
            agent = self._next_agent(waiting, now) if waiting.here and waiting.agent is None else None
            if agent is None:
                continue
            waiting.agent = agent
            known = self._agents[agent]
            known.presence, known.call = Presence.RINGING, waiting.call
            known.rings_until = now + self._ring_s
            rang.append(Rang(waiting.call, agent))
        return rang

    def _next_agent(self, waiting: _Waiting, now: float) -> AccountId | None:
        ready = sorted(self._candidates(waiting, now))
        return ready[0][2] if ready else None

    def _candidates(self, waiting: _Waiting, now: float) -> Iterator[tuple[bool, float, AccountId]]:
        for agent, known in self._agents.items():
            again = agent in waiting.passed
            if known.presence is Presence.READY and waiting.passed.get(agent, now) <= now:
                yield again, known.since, agent
