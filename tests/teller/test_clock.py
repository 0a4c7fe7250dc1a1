"""The clock that nobody can set, and what is told and done when somebody sets the machine's."""

from collections.abc import Mapping

import pytest

from contract.facts import ClockStepped
from contract.ids import CallId, CaseId, new_call_id, new_case_id
from teller.clock import STEP_S, AnchoredClock
from teller.clock_watch import ClockWatch
from tests.media.scripted import ListJournal

NOON = 1_800_000_000.0
HOUR = 3_600.0


class Machine:
    """A machine's two clocks: ``set_by`` steps the wall clock, ``pass_s`` moves both."""

    def __init__(self) -> None:
        self.wall, self.steady = NOON, 50.0
        self.clock = AnchoredClock(lambda: self.wall, lambda: self.steady)

    def pass_s(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds

    def set_by(self, seconds: float) -> None:
        self.wall += seconds


class Watched:
    """A watch over calls that tests begin and end."""

    def __init__(self) -> None:
        self.machine = Machine()
        self.journal = ListJournal()
        self.calls: dict[CallId, CaseId] = {}
        self.watch = ClockWatch(self.machine.clock, self.journal, self._recorded)

    def _recorded(self) -> Mapping[CallId, CaseId]:
        return self.calls

    def begin(self) -> CallId:
        call = new_call_id()
        self.calls[call] = new_case_id()
        return call


@pytest.fixture
def watched() -> Watched:
    return Watched()


@pytest.mark.parametrize("step", [HOUR, -HOUR, 3.0, -3.0])
def test_a_set_clock_does_not_move_the_time(step: float) -> None:
    """Time goes on evenly; by how much the machine's was set is known, and followed only when told."""
    machine = Machine()
    machine.pass_s(10)
    machine.set_by(step)
    machine.pass_s(5)
    assert machine.clock.now() == NOON + 15
    assert machine.clock.stepped() == step
    machine.clock.follow()
    assert machine.clock.now() == NOON + 15 + step
    assert machine.clock.stepped() == 0


def test_what_is_less_than_a_step_is_none() -> None:
    """Readings are never exact."""
    machine = Machine()
    machine.set_by(STEP_S / 2)
    assert machine.clock.stepped() == 0
    machine.set_by(STEP_S / 2)
    assert machine.clock.stepped() == STEP_S


def test_another_process_can_be_followed() -> None:
    """Two clocks of one machine, one of them made after a step, agree once one has followed the other."""
    machine = Machine()
    machine.set_by(HOUR)
    late = AnchoredClock(lambda: machine.wall, lambda: machine.steady)
    assert late.now() == machine.clock.now() + HOUR
    late.follow(machine.clock.offset)
    machine.pass_s(2)
    assert late.now() == machine.clock.now() == NOON + 2


def test_the_anchor_is_the_reading_that_was_interrupted_least() -> None:
    """A process that loses the processor between two readings must not take that for a set clock."""
    pauses = iter([0.9, 0.9, 0.0] * 10)
    machine = Machine()

    def wall() -> float:
        machine.pass_s(next(pauses))
        return machine.wall

    clock = AnchoredClock(wall, lambda: machine.steady)
    for _ in range(3):
        assert clock.offset == pytest.approx(NOON - 50.0, abs=1e-3)
        assert clock.stepped() == 0


async def test_a_step_is_told_to_every_call_once_and_followed_when_none_is_left(watched: Watched) -> None:
    """Calls that run and those that begin later are told; the last one's end brings the right time back."""
    first = watched.begin()
    await watched.watch.look()
    assert watched.journal.facts == []
    watched.machine.set_by(-HOUR)
    for _ in range(3):
        await watched.watch.look()
    second = watched.begin()
    await watched.watch.look()
    assert watched.journal.facts == [ClockStepped(first, -HOUR), ClockStepped(second, -HOUR)]
    assert watched.machine.clock.now() == NOON
    watched.calls.clear()
    await watched.watch.look()
    assert watched.machine.clock.now() == NOON - HOUR
    watched.begin()
    await watched.watch.look()
    assert len(watched.journal.facts) == 2


async def test_a_clock_that_is_set_back_right_is_told_too(watched: Watched) -> None:
    """And then nothing is followed."""
    call = watched.begin()
    for step in (HOUR, -HOUR):
        watched.machine.set_by(step)
        await watched.watch.look()
    assert watched.journal.facts == [ClockStepped(call, HOUR), ClockStepped(call, 0.0)]
    assert watched.machine.clock.stepped() == 0


async def test_a_journal_that_refuses_is_told_at_the_next_look(watched: Watched) -> None:
    """Nothing ends because of it, and nothing is left out."""
    call = watched.begin()
    watched.machine.set_by(HOUR)
    watched.journal.broken = True
    await watched.watch.look()
    watched.journal.broken = False
    await watched.watch.look()
    assert watched.journal.facts == [ClockStepped(call, HOUR)]
