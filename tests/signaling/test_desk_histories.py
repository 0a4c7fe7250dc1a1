"""The desk's promises, held against ten thousand random histories and an independent book of them."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from contract.errors import NotFound, WrongPhase
from contract.ids import AccountId, CallId
from contract.phases import Presence, RingEnd, Role
from signaling.desk import Demand, Desk, DeskEvent, DeskRules, GaveUp, Profile, Rang, RangOut

HISTORIES = 10_000
# Each part ends long before a test may, also on a machine that has much else to do.
PARTS = 5
STEPS = 30
AGENTS = tuple(AccountId(f"acct-{name}") for name in ("anna", "ben", "cleo", "dan"))
ANYBODY = AccountId("acct-everybody")
SKILLS = ("", "", "loan", "sign")
LANGUAGES = ("", "zh-CN", "en")
Key = tuple[CallId, Role]


@dataclass
class Wanted:
    """A demand as the book knows it."""

    demand: Demand
    since: float
    number: int
    only: AccountId | None
    here: bool = True
    moved: int = 0
    passed: dict[AccountId, float] = field(default_factory=dict)


class Book:
    """Does random things to a desk and writes down what must follow."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.rules = DeskRules(
            ring_s=30.0,
            wrap_up_s=self.chance.choice([None, 20.0]),
            vip_head_start_s=50.0,
            random=seed % 3 == 0,
            give_up_s=45.0,
            language_s=25.0,
        )
        self.desk = Desk(self.rules, lambda: f"{self.chance.getrandbits(64):016x}")
        self.now = self.ticked = 100.0
        self.number = 0
        self.wanted: dict[Key, Wanted] = {}
        self.rings: dict[Key, tuple[AccountId, float]] = {}
        self.profiles: dict[AccountId, Profile] = {}
        self.presence: dict[AccountId, Presence] = {}
        self.wraps: dict[AccountId, float] = {}
        self.owes: set[AccountId] = set()
        self.joined = self.served = self.gone = 0

    # --- what can happen ---

    def step(self) -> None:
        """Let one thing happen, then compare."""
        self.now += self.chance.choice([0.0, 0.5, 3.0, 11.0])
        self.chance.choice(STEPS_OF_LIFE)(self)
        self.compare()

    def _agent(self) -> AccountId:
        return self.chance.choice(AGENTS)

    def _customer(self) -> CallId:
        calls = [key[0] for key, wanted in self.wanted.items() if not wanted.demand.summons]
        return self.chance.choice(calls) if calls else CallId("call-0")

    def join(self) -> None:
        self.number += 1
        summons = self.chance.random() < 0.3
        role = Role.GUEST if summons and self.chance.random() < 0.5 else Role.AGENT
        only = self._agent() if summons and self.chance.random() < 0.4 else None
        demand = Demand(
            CallId(f"call-{self.number}"),
            role,
            "" if only else self.chance.choice(SKILLS),
            self.chance.choice(LANGUAGES),
            self.chance.random() < 0.2,
            only,
            frozenset({self._agent()}) if summons else frozenset(),
            passed=frozenset({self._agent()}) if summons and self.chance.random() < 0.2 else frozenset(),
            goes_on=summons and role is Role.AGENT,
        )
        row = Wanted(demand, self.now, self.number, only)
        row.passed = dict.fromkeys(demand.passed, self.now + self.rules.again_s)
        key = demand.call, role
        self.wanted[key] = row
        self.joined += 1
        try:
            self.follow(self.desk.join(demand, self.now))
        except (NotFound, WrongPhase) as error:
            assert only is not None
            assert not self.may_be_named(row, only), error
            del self.wanted[key]
            self.joined -= 1

    def leave(self) -> None:
        key = self.chance.choice([*self.wanted, (CallId("call-0"), Role.AGENT)])
        wanted = self.wanted.pop(key, None)
        self.gone += wanted is not None
        ring = self.rings.pop(key, None)
        events = self.desk.leave(*key, self.now)
        if ring is not None:
            assert wanted is not None
            self.presence[ring[0]] = self.ready_or_break(ring[0])
            how = RingEnd.WITHDRAWN if wanted.demand.summons else RingEnd.CUSTOMER_LEFT
            assert events.pop(0) == RangOut(*key, ring[0], how)
        self.follow(events)

    def step_out(self) -> None:
        call = self._customer()
        self.desk.step_out(call)
        if (call, Role.AGENT) in self.wanted:
            self.wanted[call, Role.AGENT].here = False

    def step_in(self) -> None:
        call = self._customer()
        if (call, Role.AGENT) in self.wanted:
            self.wanted[call, Role.AGENT].here = True
        self.follow(self.desk.step_in(call, self.now))

    def move_up(self) -> None:
        wanted = self.wanted.get((self._customer(), Role.AGENT))
        if wanted is not None:
            self.number += 1
            wanted.moved = self.number
            self.follow(self.desk.move_up(wanted.demand.call, self.now))

    def reassign(self) -> None:
        wanted = self.wanted.get((self._customer(), Role.AGENT))
        if wanted is None:
            return
        agent = self.chance.choice([*AGENTS, None])
        before, wanted.only = wanted.only, agent
        passed = wanted.passed.pop(agent, None) if agent else None
        try:
            self.follow(self.desk.reassign(wanted.demand.call, agent, self.now))
        except (NotFound, WrongPhase):
            resting = agent is not None and self.presence.get(agent) is Presence.BREAK
            may = agent is None or self.may_be_named(wanted, agent)
            assert self.key(wanted) in self.rings or resting or not may
            wanted.only = before
            if agent and passed is not None:
                wanted.passed[agent] = passed

    def arrive(self) -> None:
        agent = self._agent()
        ends = self.chance.choice([None, None, None, self.now + 40, self.now - 1])
        skills = frozenset(self.chance.sample(("loan", "sign"), self.chance.choice([0, 1, 2])))
        languages = self.chance.choice([frozenset(), frozenset({"zh"}), frozenset({"en", "zh-CN"})])
        self.profiles[agent] = Profile(skills, languages, ends)
        self.presence.setdefault(agent, Presence.BREAK)
        self.desk.arrive(agent, self.profiles[agent], self.now)
        self.tick()

    def depart(self) -> None:
        agent = self._agent()
        here = agent in self.presence
        self.forget(agent)
        self.follow(self.desk.depart(agent, self.now))
        assert here or agent not in self.profiles

    def set_presence(self) -> None:
        agent = self._agent()
        presence = self.chance.choice([Presence.READY, Presence.READY, Presence.BREAK, Presence.BUSY])
        was = self.presence.get(agent)
        free = was not in {None, Presence.RINGING, Presence.BUSY} and presence is not Presence.BUSY
        if free and (presence is Presence.BREAK or self.profiles[agent].trained(self.now)):
            self.presence[agent] = presence
        else:
            free = False
        try:
            self.follow(self.desk.set_presence(agent, presence, "", self.now))
        except (NotFound, WrongPhase):
            assert not free
        else:
            assert free

    def answer(self) -> None:
        key = self.chance.choice([*self.rings, (CallId("call-0"), Role.AGENT)])
        agent = self.rings[key][0] if key in self.rings else self._agent()
        try:
            if self.chance.random() < 0.5:
                self.follow([self.desk.accept(agent, key[0], self.now)])
            else:
                self.follow(self.desk.refuse(agent, key[0], self.now))
        except (NotFound, WrongPhase):
            assert key not in self.rings

    def wrap_up(self) -> None:
        agent = self._agent()
        owes = self.chance.random() < 0.3
        self.desk.wrap_up(agent, self.chance.uniform(0, 600), self.now, owes)
        if self.presence.get(agent) is Presence.BUSY:
            self.presence[agent], self.wraps[agent] = Presence.WRAP_UP, self.now
            (self.owes.add if owes else self.owes.discard)(agent)

    def decided(self) -> None:
        agent = self._agent()
        self.desk.decided(agent, self.now)
        self.owes.discard(agent)

    def tick(self) -> None:
        if self.rules.wrap_up_s is not None:
            for agent, since in self.wraps.items():
                over = since + self.rules.wrap_up_s <= self.now and agent not in self.owes
                if self.presence[agent] is Presence.WRAP_UP and over:
                    self.presence[agent] = self.ready_or_break(agent)
        for agent, presence in self.presence.items():
            if presence is Presence.READY:
                self.presence[agent] = self.ready_or_break(agent)
        events, self.ticked = self.desk.tick(self.now), self.now
        for key, wanted in self.wanted.items():
            named = wanted.only if key not in self.rings and not wanted.demand.summons else None
            if named is not None and (self.rests(named) or not self.may_be_named(wanted, named)):
                wanted.only = None
        self.follow(events)
        self.nothing_is_overdue()

    # --- what follows ---

    def key(self, wanted: Wanted) -> Key:
        return wanted.demand.call, wanted.demand.role

    def ready_or_break(self, agent: AccountId) -> Presence:
        return Presence.READY if self.profiles[agent].trained(self.now) else Presence.BREAK

    def rests(self, agent: AccountId) -> bool:
        """Tell whether the agent is on a break for two rings."""
        since_s = self.desk.status(agent, self.now).since_s
        return self.presence.get(agent) is Presence.BREAK and since_s >= 2 * self.rules.ring_s

    def forget(self, agent: AccountId) -> None:
        """Nobody waits for who is gone; the ring at his console ends in :meth:`follow`."""
        self.presence.pop(agent, None)
        self.profiles.pop(agent, None)
        self.wraps.pop(agent, None)
        for wanted in self.wanted.values():
            if wanted.only == agent and not wanted.demand.summons:
                wanted.only = None

    def may_be_named(self, wanted: Wanted, agent: AccountId) -> bool:
        profile = self.profiles.get(agent)
        return (
            profile is not None
            and agent not in wanted.demand.but
            and (not wanted.demand.skill or wanted.demand.skill in profile.skills)
            and (profile.trained_until is None or profile.trained_until > self.now)
        )

    def may_ring(self, wanted: Wanted, agent: AccountId, at: float) -> bool:
        """Tell whether a ready ``agent`` may be rung at this time, by the words of the rules."""
        spoken = self.profiles[agent].languages
        language = wanted.demand.language
        understood = not language or not spoken or language.split("-")[0] in {s[:2] for s in spoken}
        waited = wanted.demand.summons or wanted.since + self.rules.language_s <= at
        return (
            self.may_be_named(wanted, agent)
            and wanted.only in {None, agent}
            and (understood or waited or wanted.only == agent)
            and wanted.passed.get(agent, -math.inf) <= at
            and wanted.here
        )

    def order(self, wanted: Wanted) -> tuple[float, ...]:
        came = wanted.since - (self.rules.vip_head_start_s if wanted.demand.vip else 0)
        if wanted.demand.summons:
            return 0, wanted.since, wanted.number
        if wanted.only is not None:
            return 1, came, wanted.number
        return (2, -wanted.moved, 0) if wanted.moved else (3, came, wanted.number)

    def follow(self, events: list[DeskEvent]) -> None:
        """Write down what the desk says, and check that it may say so."""
        rang = [event for event in events if isinstance(event, Rang)]
        for event in events:
            match event:
                case Rang():
                    self.rang(event)
                case RangOut():
                    self.rang_out(event)
                case GaveUp():
                    self.gave_up((event.call, event.role))
        for event in rang:
            self.was_first((event.call, event.role), event.agent)

    def rang(self, event: Rang) -> None:
        key, agent = (event.call, event.role), event.agent
        assert key in self.wanted, "rung for who is not waiting"
        assert key not in self.rings, "two agents for one demand"
        assert agent not in {other for other, _ in self.rings.values()}, "one agent rung twice"
        assert self.presence[agent] is Presence.READY, "rung without being ready"
        assert self.may_ring(self.wanted[key], agent, self.now), "rung against the rules"
        drawn = self.rules.random and self.wanted[key].only is None
        assert (event.draw is not None) == drawn
        if event.draw is not None:
            digits = int(event.draw.random_hex, 16)
            assert event.draw.candidates[digits % len(event.draw.candidates)] == agent
            assert all(self.may_ring(self.wanted[key], other, self.now) for other in event.draw.candidates)
        self.rings[key] = agent, self.now
        self.presence[agent] = Presence.RINGING

    def was_first(self, key: Key, agent: AccountId) -> None:
        """Nobody who comes before is left unrung, whom this agent could take since the last tick."""
        mine = self.order(self.wanted[key])
        for other, wanted in self.wanted.items():
            if other not in self.rings and self.order(wanted) < mine:
                assert not self.may_ring(wanted, agent, self.ticked), "served out of order"

    def rang_out(self, event: RangOut) -> None:
        key = event.call, event.role
        agent, since = self.rings.pop(key)
        assert agent == event.agent
        wanted = self.wanted[key]
        if event.how is RingEnd.ACCEPTED:
            self.presence[agent] = Presence.BUSY
            del self.wanted[key]
            self.served += 1
            return
        wanted.passed[agent] = math.inf if wanted.demand.summons else self.now + self.rules.again_s
        wanted.only = wanted.only if wanted.demand.summons else None
        if event.how is RingEnd.TIMED_OUT:
            assert since + self.rules.ring_s <= self.now
            self.presence[agent] = Presence.BREAK
        elif event.how is RingEnd.REFUSED:
            self.presence[agent] = self.ready_or_break(agent)
        else:
            assert event.how is RingEnd.AGENT_LEFT
            assert agent not in self.presence

    def gave_up(self, key: Key) -> None:
        wanted = self.wanted.pop(key)
        self.gone += 1
        assert wanted.demand.summons
        assert key not in self.rings
        left = [
            agent
            for agent, presence in self.presence.items()
            if presence is not Presence.BREAK
            and agent not in wanted.passed
            and wanted.only in {None, agent}
            and self.may_be_named(wanted, agent)
        ]
        assert wanted.since + self.rules.give_up_s <= self.now or not left, "given up too early"

    # --- what always holds ---

    def compare(self) -> None:
        """Nobody is lost: who came is at the desk, was served or left, and both books agree."""
        assert self.joined == len(self.wanted) + self.served + self.gone
        queue = self.desk.queue(self.now)
        assert [(row.demand.call, row.demand.role) for row in queue] == sorted(
            self.wanted, key=lambda key: self.order(self.wanted[key])
        )
        assert self.desk.rings() == {key: ring[0] for key, ring in self.rings.items()}
        assert {row.agent: row.presence for row in self.desk.agents()} == self.presence
        assert self.desk.waiting() == sum(not row.demand.summons for row in queue)
        self.estimates_grow()

    def estimates_grow(self) -> None:
        """Positions count from one; of two who need the same skill the later one waits no less."""
        places = self.desk.places()
        assert [place.position for place in places.values()] == [*range(1, self.desk.waiting() + 1)]
        longest: dict[str, float] = {}
        for call, place in places.items():
            wanted = self.wanted[call, Role.AGENT]
            if wanted.only is None and place.estimated_wait_s is not None:
                skill = wanted.demand.skill
                assert place.estimated_wait_s >= longest.get(skill, 0.0)
                longest[skill] = place.estimated_wait_s

    def nothing_is_overdue(self) -> None:
        """After a tick nobody is stuck, and nobody who could be rung for is left alone."""
        assert all(since + self.rules.ring_s > self.now for _, since in self.rings.values())
        for key, wanted in self.wanted.items():
            if key in self.rings:
                continue
            assert not wanted.demand.summons or wanted.since + self.rules.give_up_s > self.now
            for agent, presence in self.presence.items():
                assert presence is not Presence.READY or not self.may_ring(wanted, agent, self.now), (
                    "left alone"
                )

    def drain(self) -> None:
        """Everybody goes home but one who can do everything: all who wait are served, one by one."""
        for agent in AGENTS:
            self.forget(agent)
            self.follow(self.desk.depart(agent, self.now))
        for key in self.wanted:
            self.wanted[key].here = True
            self.follow(self.desk.step_in(key[0], self.now))
        self.profiles[ANYBODY] = Profile(frozenset(SKILLS))
        self.presence[ANYBODY] = Presence.READY
        self.desk.arrive(ANYBODY, self.profiles[ANYBODY], self.now)
        self.follow(self.desk.set_presence(ANYBODY, Presence.READY, "", self.now))
        while self.wanted:
            ((key, _),) = self.rings.items()
            self.follow([self.desk.accept(ANYBODY, key[0], self.now)])
            self.desk.wrap_up(ANYBODY, 60.0, self.now)
            self.presence[ANYBODY] = Presence.READY
            self.follow(self.desk.set_presence(ANYBODY, Presence.READY, "", self.now))
            self.compare()


_B = Book
STEPS_OF_LIFE: tuple[Callable[[Book], None], ...] = (
    *(_B.join,) * 6, *(_B.set_presence,) * 6, *(_B.answer,) * 4, *(_B.tick,) * 4, *(_B.arrive,) * 3,
    *(_B.wrap_up,) * 3, _B.leave, _B.step_out, _B.step_in, _B.move_up, *(_B.reassign,) * 2, _B.depart,
    _B.decided,
)  # fmt: skip


def live(seed: int) -> Book:
    """Return the book of one history; an error carries its seed."""
    book = Book(seed)
    try:
        for _ in range(STEPS):
            book.step()
        book.drain()
    except BaseException as error:
        error.add_note(f"seed {seed}")
        raise
    return book


@pytest.mark.parametrize("part", range(PARTS))
def test_ten_thousand_histories_lose_nobody_and_ring_nobody_twice(part: int) -> None:
    """Whatever happens in whatever order, everybody is served in turn, given up or gone, and counted."""
    joined = served = gone = 0
    for seed in range(part, HISTORIES, PARTS):
        book = live(seed)
        joined, served, gone = joined + book.joined, served + book.served, gone + book.gone
    assert joined == served + gone
    # The histories do reach what they are to test: most who come are served by somebody.
    assert served > 2 * HISTORIES // PARTS
    assert gone > HISTORIES // PARTS // 2
