"""The two lanes: who goes next, who is refused, and who makes room."""

import asyncio
from collections.abc import Hashable
from dataclasses import dataclass
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.errors import Busy, ModelError
from kyc import lanes as lanes_module
from kyc.lanes import Lanes
from kyc.pipes import Job, LiveJob


@dataclass(frozen=True, slots=True)
class Work(Job[int]):
    HANDLER: ClassVar[str] = "nowhere:nothing"
    number: int


@dataclass(frozen=True, slots=True)
class Look(LiveJob[int]):
    HANDLER: ClassVar[str] = "nowhere:nothing"
    party: str
    number: int

    @property
    def key(self) -> Hashable:
        return self.party


async def drained(lanes: Lanes, count: int) -> list[Job[int]]:
    """Return what is next, ``count`` times."""
    return [(await lanes.next()).job for _ in range(count)]


async def test_jobs_go_before_looks() -> None:
    """In order of coming, and before a look that came earlier."""
    lanes = Lanes(8)
    lanes.put_look(Look("a", 1))
    lanes.put(Work(1))
    lanes.put(Work(2))
    assert lanes.jobs == 2
    assert await drained(lanes, 3) == [Work(1), Work(2), Look("a", 1)]


async def test_looks_have_their_turn_among_jobs_without_end() -> None:
    """Two challenges keep two jobs waiting; the parties are looked at in turn all the same."""
    lanes = Lanes(8)
    for party in "ab":
        lanes.put_look(Look(party, 1))
    lanes.put(Work(0))
    lanes.put(Work(1))
    served = []
    for number in range(2, 8):
        lanes.put(Work(number))
        served.append((await lanes.next()).job)
    a, b = Look("a", 1), Look("b", 1)
    assert served == [Work(0), Work(1), a, Work(2), Work(3), b]


async def test_only_the_newest_look_of_a_party_waits() -> None:
    """An older one is answered by None at once, and told to who asks for the count."""
    lanes = Lanes(8)
    first, pushed = lanes.put_look(Look("a", 1))
    assert pushed is None
    second, pushed = lanes.put_look(Look("a", 2))
    assert pushed is first
    assert first.answer.result() is None
    assert not second.answer.done()
    assert await drained(lanes, 1) == [Look("a", 2)]
    assert lanes.put_look(Look("a", 3))[1] is None


async def test_parties_take_turns() -> None:
    """A party with many frames neither goes before others nor loses its turn by them."""
    lanes = Lanes(8)
    for number in range(5):
        for party in "abc":
            lanes.put_look(Look(party, number))
    assert await drained(lanes, 2) == [Look("a", 4), Look("b", 4)]
    lanes.put_look(Look("a", 5))
    assert await drained(lanes, 2) == [Look("c", 4), Look("a", 5)]


async def test_too_many_jobs_are_refused() -> None:
    """The bound is on jobs alone."""
    lanes = Lanes(2)
    lanes.put_look(Look("a", 1))
    lanes.put(Work(1))
    lanes.put(Work(2))
    with pytest.raises(Busy) as caught:
        lanes.put(Work(3))
    assert caught.value.code == "kyc_busy"
    await lanes.next()
    lanes.put(Work(3))


async def test_too_many_parties_push_out_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks are bounded too; who waited longest is answered by None."""
    monkeypatch.setattr(lanes_module, "_KEYS_MAX", 2)
    lanes = Lanes(8)
    first, _ = lanes.put_look(Look("a", 1))
    lanes.put_look(Look("b", 1))
    assert lanes.put_look(Look("c", 1))[1] is first
    assert first.answer.result() is None
    assert await drained(lanes, 2) == [Look("b", 1), Look("c", 1)]


async def test_who_waits_for_work_is_woken() -> None:
    """Next returns as soon as something comes, whichever lane it takes."""
    lanes = Lanes(8)
    for put in (lambda: lanes.put(Work(1)), lambda: lanes.put_look(Look("a", 1))):
        waiting = asyncio.create_task(lanes.next())
        await asyncio.sleep(0)
        assert not waiting.done()
        put()
        assert (await waiting).job in (Work(1), Look("a", 1))


async def test_everything_fails_together() -> None:
    """Who is gone already is left alone."""
    lanes = Lanes(8)
    waiting = [lanes.put(Work(1)), lanes.put(Work(2)), lanes.put_look(Look("a", 1))[0]]
    waiting[1].answer.cancel()
    lanes.fail_all("closed")
    assert lanes.jobs == 0
    assert waiting[1].answer.cancelled()
    for number in (0, 2):
        with pytest.raises(ModelError, match="closed"):
            await waiting[number].answer


async def test_an_answer_that_nobody_wants_is_dropped() -> None:
    """A caller who left gets neither reply nor error."""
    waiting = Lanes(1).put(Work(1))
    waiting.answer.cancel()
    waiting.done(5)
    waiting.fail(ModelError("late"))
    assert waiting.answer.cancelled()


def test_a_look_must_name_its_key() -> None:
    """A kind of look without a key cannot wait."""
    with pytest.raises(TypeError, match="key"):
        LiveJob()  # type: ignore[abstract]


Event = tuple[str, int]


@settings(max_examples=50)
@given(st.lists(st.tuples(st.sampled_from(("job", "a", "b", "take")), st.integers(0, 99)), max_size=40))
def test_nothing_is_lost_and_nothing_done_twice(events: list[Event]) -> None:
    """Every job is done once in order; of looks what is not done was replaced by a newer one."""

    async def play() -> None:
        lanes, put, taken = Lanes(100), [], []
        for kind, number in events:
            if kind == "job":
                put.append(lanes.put(Work(number)))
            elif kind != "take":
                put.append(lanes.put_look(Look(kind, number))[0])
            elif any(not one.answer.done() and one not in taken for one in put):
                taken.append(await lanes.next())
        left = [one for one in put if one not in taken and not one.answer.done()]
        taken += [await lanes.next() for _ in left]
        jobs = [one for one in put if isinstance(one.job, Work)]
        assert [one for one in taken if isinstance(one.job, Work)] == jobs
        replaced = [one for one in put if one.answer.done()]
        assert {id(one) for one in taken}.isdisjoint(map(id, replaced))
        assert len(taken) + len(replaced) == len(put)

    asyncio.run(play())
