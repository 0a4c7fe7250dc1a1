"""The call machine in ten thousand histories of chance: what must hold whatever happens."""

import pickle
from itertools import pairwise
from random import Random

import pytest

from contract import facts, wire
from contract.errors import UserError
from contract.facts import Fact
from contract.ids import SeatId
from contract.phases import (
    CALL_TRANSITIONS,
    CASE_TRANSITIONS,
    CallEnd,
    CallPhase,
    CasePhase,
    Role,
    SeatMode,
)
from signaling import effects as fx
from signaling import machine
from signaling.effects import Effect
from signaling.identity_effects import Decide
from tests.signaling.played import CUSTOMER
from tests.signaling.world import World

_HISTORIES = 10_000
# So many steps pass through two or three changes of seats.
_STEPS = 30
# Comparing the whole state costs as much as five steps: every so manyth history does it.
_COMPARED = 40
_BATCHES = 10


class _Silence:
    """Ten thousand histories are not to be read."""

    def info(self, event: str, **fields: object) -> None:
        """Say nothing."""


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_log", _Silence())


@pytest.mark.parametrize("batch", range(_BATCHES))
def test_whatever_happens(batch: int) -> None:
    """Phases are legal, nobody is seated twice or forgotten, and who is hidden or held stays so."""
    for number in range(_HISTORIES // _BATCHES):
        seed = batch * _HISTORIES + number
        try:
            _play(World(Random(seed)), compared=number % _COMPARED == 0)
        except Exception as error:
            raise AssertionError(f"history {seed}: {error}") from error


def _play(world: World, *, compared: bool) -> None:
    world.begin()
    lines = _Lines()
    _check(world, world.gather(), lines)
    for _ in range(_STEPS):
        before = _frozen(world) if compared else b""
        try:
            wanted = world.step()
        except UserError:
            assert not compared or _frozen(world) == before, "a refused request changed something"
            assert world.gather() == (), "a refused request had effects"
            continue
        _check(world, wanted, lines)
        if world.call.closed:
            break
    world.finish()
    _check_end(world)


def _frozen(world: World) -> bytes:
    state = {name: value for name, value in vars(world.call).items() if name != "_now"}
    return pickle.dumps(state)


class _Lines:
    """On which line each reader had each other, as long as both are there."""

    def __init__(self) -> None:
        self._kept: dict[tuple[SeatId, SeatId], int] = {}

    def check(self, world: World) -> None:
        table = world.call._table
        now: dict[tuple[SeatId, SeatId], int] = {}
        for reader in (table.customer, *table.staff):
            there = [seat for seat in reader.lines if seat]
            assert len(there) == len(set(there)), "somebody has two lines"
            assert reader.seat not in there
            now |= {(reader.seat, seat): reader.lines.index(seat) for seat in there}
        moved = {pair for pair, line in now.items() if self._kept.get(pair, line) != line}
        assert not moved, "somebody was moved to another line"
        self._kept = now


def _check(world: World, wanted: tuple[Effect, ...], lines: _Lines) -> None:
    _check_seats(world)
    _check_media(world)
    _check_customer(world, wanted)
    if world.call.reason is None:
        lines.check(world)


def _check_seats(world: World) -> None:
    call = world.call
    accounts = [party.account for party in call.staff]
    assert len(set(accounts)) == len(accounts) <= 3
    agents = [party for party in call.staff if party.role is not Role.SUPERVISOR]
    assert len(agents) <= 2, "more than two agents"
    assert call.host is None or call.host in accounts, "the host is not there"
    leading = call.seat_of(call.host) if call.host else None
    assert leading is None or call.mode_of(leading) is SeatMode.TALKING, "the host is hidden"
    if call.phase in {CallPhase.CONNECTING, CallPhase.ACTIVE} and call.host is None:
        # A transfer: the customer is about to be held.
        assert call._invited is not None
    assert sum(call.owes(account) for account in world.seated) <= 1
    if call.undecided:
        assert call.phase is CallPhase.ENDED
        assert call.case_phase is CasePhase.IN_CALL
    assert call.mode_of(CUSTOMER.seat) is SeatMode.TALKING


def _check_media(world: World) -> None:
    """What media really does at this moment, whatever is still under way to it."""
    call = world.call
    if call.reason is not None:
        return
    modes = {party.seat: call.mode_of(party.seat) for party in call.staff}
    held = call.phase is CallPhase.HELD or call._held
    for seat, route in world.media.items():
        heard = [slot.seat for slot in route.slots if slot]
        assert len(heard) == len(set(heard)), "one seat on two lines"
        gets = {*heard, *([route.screen] if route.screen else [])}
        assert seat not in gets
        if seat == CUSTOMER.seat:
            hidden = {other for other in gets & modes.keys() if modes[other] is not SeatMode.TALKING}
            assert not hidden, "the customer gets somebody who does not talk to him"
            assert not (held and gets & modes.keys()), "the held customer gets staff"
            assert route.recorded
        elif seat in modes:
            assert not (held and CUSTOMER.seat in gets), "staff get the held customer"
            assert not (route.recorded and (held or modes[seat] is not SeatMode.TALKING))
            assert modes[seat] is not SeatMode.MONITOR or not route.publishes
        in_private = seat in modes and any(modes.get(other) is SeatMode.PRIVATE for other in {seat, *gets})
        talks = in_private and bool(gets & modes.keys())
        assert not (talks and _heard(world) & modes.keys()), "the customer hears half of a private talk"
    if not world.told and not world.failing and world.media:
        assert {CUSTOMER.seat, *modes} == world.media.keys(), "media knows other seats"
        assert held or _talking(world) == _heard(world), "the customer does not hear who talks"


def _talking(world: World) -> set[SeatId]:
    call = world.call
    return {party.seat for party in call.staff if call.mode_of(party.seat) is SeatMode.TALKING}


def _heard(world: World) -> set[SeatId]:
    return {slot.seat for slot in world.media[CUSTOMER.seat].slots if slot}


def _check_customer(world: World, wanted: tuple[Effect, ...]) -> None:
    visible: list[Fact] = []
    for effect in wanted:
        if isinstance(effect, fx.Append) and effect.fact.customer_visible:
            visible.append(effect.fact)
        elif isinstance(effect, fx.Send) and effect.to is None:
            assert not isinstance(effect.message, wire.Script)
            assert not world.hidden, "the customer was told something because of an observer"
            if isinstance(effect.message, wire.CallState):
                _check_state(world, effect.message)
    assert not (world.hidden and visible), "a fact for the customer because of an observer"


def _check_state(world: World, state: wire.CallState) -> None:
    assert {party.seat for party in state.parties} <= {CUSTOMER.seat} | _talking(world)
    assert all(party.account is None for party in state.parties)
    assert not state.inviting
    assert state.host is None or state.host in _talking(world)


def _check_end(world: World) -> None:
    call = world.call
    assert call.closed
    assert not call.undecided
    assert call.reason is not None
    assert world.freed == world.seated, "who was seated is freed once"
    if call.reason is CallEnd.INTERRUPTED:
        assert world.fresh_call, "the policy wants the same call to go on"
        assert call.case_phase is CasePhase.PRE_CALL, "the customer cannot come back"
        assert world.facts(facts.PartyReturned)[-1].seat == CUSTOMER.seat
    calls = [(fact.was, fact.now) for fact in world.facts(facts.CallAdvanced)]
    for (_, before), (was, now) in zip([(None, None), *calls], calls, strict=False):
        assert was == before
        assert was is None or now in CALL_TRANSITIONS[was]
    moves = [(fact.was, fact.now) for fact in world.facts(facts.CaseAdvanced)]
    assert all(now in CASE_TRANSITIONS[was] for was, now in moves)
    assert [fact.reason for fact in world.facts(facts.CallEnded)] == ([call.reason] if calls else [])
    assert len(world.all(fx.WindUp)) == 1
    assert len(world.all(fx.QueueMerge)) <= 1
    handed_on = [type(effect) for effect in world.effects if isinstance(effect, Decide | fx.QueueMerge)]
    assert handed_on in ([], [fx.QueueMerge], [Decide, fx.QueueMerge]), (
        "decided after the record was handed on"
    )
    assert (Decide in handed_on) is (call.case_phase is CasePhase.AGENT_DONE)
    assert not call.identity.working, "closed before a check was over"
    assert len(world.facts(facts.RingStarted)) == len(world.facts(facts.RingEnded))
    hosts = [(fact.was, fact.now) for fact in world.facts(facts.HostChanged)]
    assert all(now == was for (_, now), (was, _) in pairwise(hosts)), "two hosts"
