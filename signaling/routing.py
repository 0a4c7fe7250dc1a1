"""Who may be rung for whom, and who first. Pure; times are arguments, in the desk's clock.

Customers are served in the order of their waiting time plus head start. Both grow alike with time, so
that the order of two of them never changes and nobody starves. Skill is hard; language is hard at first
and becomes a wish after a stated wait.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from contract.ids import AccountId, CallId
from contract.phases import Presence, Role

FREE = frozenset({Presence.READY, Presence.RINGING})
ON_DUTY = FREE | {Presence.BUSY, Presence.WRAP_UP}


@dataclass(frozen=True, slots=True)
class Demand:
    """Somebody is wanted in ``call`` for this role.

    ``skill`` empty: anybody's. ``language`` is a BCP 47 tag, empty: any. ``only`` asks for one agent by
    name, ``but`` are never asked, who ``passed`` it on before only after a pause. ``goes_on``: the call
    goes on, a colleague asks for help or hands over; of a guest this is always so.
    """

    call: CallId
    role: Role = Role.AGENT
    skill: str = ""
    language: str = ""
    vip: bool = False
    only: AccountId | None = None
    but: frozenset[AccountId] = frozenset()
    passed: frozenset[AccountId] = frozenset()
    goes_on: bool = False

    @property
    def summons(self) -> bool:
        """Tell whether a colleague asks, not a customer."""
        return self.goes_on or self.role is Role.GUEST


@dataclass(frozen=True, slots=True)
class Profile:
    """What an agent can do. No ``languages``: all. ``trained_until`` is in the desk's clock, None: ever."""

    skills: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    trained_until: float | None = None

    @property
    def training_ends(self) -> float:
        """Return ``trained_until`` as a number."""
        return math.inf if self.trained_until is None else self.trained_until

    def trained(self, now: float) -> bool:
        """Tell whether the training holds."""
        return self.training_ends > now

    def skilled(self, skill: str) -> bool:
        """Tell whether the agent has this skill."""
        return not skill or skill in self.skills

    def speaks(self, language: str) -> bool:
        """Tell whether one of the agent's languages is, contains or belongs to this one."""
        if not language or not self.languages:
            return True
        return any(_related(own.lower(), language.lower()) for own in self.languages)


@dataclass(frozen=True, slots=True)
class DeskRules:
    """How a desk rings. All times are seconds.

    ``wrap_up_s`` None: wrap-up ends when the agent says so. ``random``: the agent is drawn, not the one
    who is idle for longest.
    """

    ring_s: float
    wrap_up_s: float | None = None
    # A VIP who comes now goes before whoever came in the last five minutes.
    vip_head_start_s: float = 300.0
    random: bool = False
    # Who refused is rung again for the same customer after this pause, when nobody else is free.
    again_s: float = 5.0
    # Two rings of 30 s: longer nobody leaves a customer alone with a colleague's request.
    give_up_s: float = 60.0
    # About as long as a customer waits for the own language rather than take another one.
    language_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Draw:
    """A random choice that anybody can do again."""

    candidates: tuple[AccountId, ...]
    random_hex: str

    @property
    def chosen(self) -> AccountId:
        """Return who was drawn."""
        return self.candidates[int(self.random_hex, 16) % len(self.candidates)]


@dataclass(slots=True, eq=False)
class Row:
    """A demand at the desk since ``since``, the ``number``-th of all.

    ``soft`` is when the language becomes a wish, ``ends`` when a summons is given up, ``moved`` greater
    than 0 for whom a supervisor put first. ``passed`` says when an agent may be rung again.
    """

    demand: Demand
    since: float
    number: int
    only: AccountId | None
    head_start_s: float
    soft: float
    ends: float
    here: bool = True
    moved: int = 0
    agent: AccountId | None = None
    passed: dict[AccountId, float] = field(default_factory=dict)
    order: tuple[int, float, int] = (0, 0.0, 0)

    @classmethod
    def of(cls, demand: Demand, number: int, rules: DeskRules, now: float) -> "Row":
        """Return the row of a new demand."""
        summons = demand.summons
        row = cls(
            demand,
            now,
            number,
            demand.only,
            head_start_s=rules.vip_head_start_s if demand.vip else 0.0,
            # A colleague's request is urgent, and who is wanted by name is wanted in any language.
            soft=now + (rules.language_s if demand.language and not summons else 0.0),
            ends=now + rules.give_up_s if summons else math.inf,
            passed=dict.fromkeys(demand.passed, now + rules.again_s),
        )
        row.place()
        return row

    def place(self) -> None:
        """Compute ``order`` anew: summonses, who waits for one agent, who was put first, everybody else."""
        if self.demand.summons:
            self.order = (0, self.since, self.number)
        elif self.only is not None:
            self.order = (1, self.since - self.head_start_s, self.number)
        elif self.moved:
            self.order = (2, -self.moved, self.number)
        else:
            self.order = (3, self.since - self.head_start_s, self.number)


@dataclass(slots=True, eq=False)
class Member:
    """An agent who is here. ``until`` ends a ring or wrap-up, ``idle_since`` orders who are ready.

    Before ``kept_until`` only whoever asks for this agent by name gets him.
    """

    account: AccountId
    profile: Profile
    since: float
    presence: Presence = Presence.BREAK
    reason: str = ""
    idle_since: float = 0.0
    until: float = 0.0
    row: Row | None = None
    call: CallId | None = None
    owes: bool = False
    kept_until: float = 0.0


def suits(row: Row, member: Member) -> bool:
    """Tell whether this agent is one of those who are asked, whatever they do at the moment."""
    demand = row.demand
    return (
        (row.only is None or row.only == member.account)
        and member.account not in demand.but
        and member.profile.skilled(demand.skill)
    )


def may_ring(row: Row, member: Member, now: float) -> bool:
    """Tell whether this agent can be rung for this demand now."""
    return (
        member.presence is Presence.READY
        and suits(row, member)
        and member.profile.trained(now)
        and (member.kept_until <= now or row.only is not None)
        and row.passed.get(member.account, now) <= now
        and (row.soft <= now or row.only is not None or member.profile.speaks(row.demand.language))
    )


def anybody_left(row: Row, members: Iterable[Member]) -> bool:
    """Tell whether an agent on duty could still be asked who has not passed this demand on."""
    return any(
        suits(row, member) and member.account not in row.passed and member.presence in ON_DUTY
        for member in members
    )


def candidates(row: Row, members: Iterable[Member], now: float) -> list[Member]:
    """Return the agents of the best kind who can be rung, who is idle for longest first.

    Fresh ones are better than who passed this demand on, then those who speak the language.
    """
    able = [member for member in members if may_ring(row, member, now)]
    if not able:
        return []
    best = min(_kind(row, member) for member in able)
    return sorted(
        (member for member in able if _kind(row, member) == best),
        key=lambda member: (member.idle_since, member.account),
    )


def _kind(row: Row, member: Member) -> tuple[bool, bool]:
    return member.account in row.passed, not member.profile.speaks(row.demand.language)


def _related(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}-") or other.startswith(f"{one}-")
