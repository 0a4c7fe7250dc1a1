"""Commands: order within a case, deadlines, and failures that come back as actions."""

import asyncio
from typing import Any

import pytest

from contract.errors import Busy, StorageError
from contract.facts import ConsentGiven, Fact, IdNumberChecked, MergeQueued, MergeStarted
from contract.ids import AccountId, CallId, CaseId, JobId, SeatId
from contract.phases import Role
from contract.ports import Party, SeatRoute
from contract.wire import Message, Pong
from signaling import actions, effects
from signaling.ceilings import Ceilings
from signaling.commands import Commands, Ports
from signaling.identity_plan import IdentityPlan
from tests.signaling.fakes import (
    FakeCall,
    FakeClock,
    FakeIdentity,
    FakePlane,
    FakeRecorder,
    MemoryCases,
    MemoryEvidence,
    MemoryJobs,
    MemoryJournal,
)
from tests.signaling.house import until

CASE, CALL = CaseId("case-1"), CallId("call-1")
ANNA = AccountId("acct-anna")


class Workshop:
    """Commands over in-memory ports; what is posted is kept."""

    def __init__(self, deadline_s: float = 5.0, pauses_s: tuple[float, ...] = (0.002,) * 4) -> None:
        clock = FakeClock()
        self.journal = MemoryJournal(clock, lambda entry: None)
        self.media = FakePlane(self.journal)
        self.recorder = FakeRecorder()
        self.evidence = MemoryEvidence(self.journal)
        self.identity = FakeIdentity()
        self.jobs = MemoryJobs()
        self.posted: list[actions.Action] = []
        self.commands = Commands(
            Ports(
                self.journal, self.media, self.recorder, self.evidence, self.identity, self.jobs, clock,
                Ceilings(self.journal, MemoryCases(), clock, IdentityPlan()),
            ),
            deadline_s,
            self.post,
            pauses_s,
        )  # fmt: skip

    async def post(self, action: actions.Action) -> None:
        self.posted.append(action)

    def submit(self, *wanted: effects.Effect) -> None:
        for effect in wanted:
            self.commands.submit(CASE, CALL, effect)

    async def idle(self) -> None:
        await until(lambda: "" if self.commands.idle else f"the end of commands; posted {self.posted}")

    def facts(self) -> list[Fact]:
        return self.journal.facts(CASE)


class Screen:
    """A line that keeps what it is told."""

    def __init__(self) -> None:
        self.ended = ""

    def send(self, *messages: Message) -> None:
        raise AssertionError("commands send nothing")

    def end(self, code: str) -> None:
        self.ended = code


def said(number: int) -> ConsentGiven:
    return ConsentGiven((str(number),), "1", "en")


async def test_facts_of_a_case_keep_their_order() -> None:
    """However many are waiting."""
    shop = Workshop()
    async with shop.commands:
        shop.submit(*(effects.Append(said(number)) for number in range(50)))
        assert shop.commands.backlog(CASE) == 50
        await shop.idle()
    assert shop.facts() == [said(number) for number in range(50)]
    assert shop.commands.backlog(CASE) == 0


async def test_what_is_written_by_now_can_be_waited_for() -> None:
    """Until a deadline; a lane in which nothing is waits for nothing."""
    shop = Workshop(deadline_s=0.05)
    async with shop.commands:
        await shop.commands.settled(CASE)
        shop.submit(effects.Append(said(1)))
        await shop.commands.settled(CASE)
        assert shop.facts() == [said(1)]
        shop.journal.broken = True
        shop.submit(effects.Append(said(2)))
        with pytest.raises(Busy):
            await shop.commands.settled(CASE)
        shop.journal.broken = False
        await shop.idle()
    assert shop.facts() == [said(1), said(2)]


async def test_media_closes_before_the_recording_is_finished() -> None:
    """What the last packets bring is still sealed; the end is told once."""
    shop = Workshop()
    async with shop.commands:
        shop.submit(effects.OpenMedia(CALL), effects.WindUp(CALL), effects.QueueMerge())
        await shop.idle()
    assert shop.media.calls[CALL].closed
    assert shop.recorder.finished == [CALL]
    assert shop.posted == [actions.MediaOpened(CALL), actions.WoundUp(CALL)]
    assert [type(fact).__name__ for fact in shop.facts()] == ["MergeQueued"]


async def test_a_failed_wind_up_is_still_over() -> None:
    """A media plane that cannot close does not keep the recording from being finished."""
    shop = Workshop()
    async with shop.commands:
        shop.submit(effects.WindUp(CALL))
        await shop.idle()
    assert shop.recorder.finished == [CALL]
    assert shop.posted == [actions.WoundUp(CALL)]


async def test_a_command_has_a_deadline() -> None:
    """A room that hangs is reported like one that fails, and others go on."""
    shop = Workshop(deadline_s=0.05)

    async def hang(call: CallId) -> None:
        await asyncio.Event().wait()

    shop.media.open_gate = hang  # type: ignore[method-assign]
    async with shop.commands:
        shop.submit(effects.OpenGate(CALL), effects.Append(said(1)))
        await shop.idle()
    assert shop.posted == [actions.GateStuck(CALL)]
    assert shop.facts() == [said(1)]


async def test_the_gate_does_not_wait_for_the_disk() -> None:
    """While the facts of the answer are being synced, pictures flow already."""
    shop = Workshop()
    synced = asyncio.Event()
    append = shop.journal.append

    async def slow(case: CaseId, fact: Fact) -> Any:
        await synced.wait()
        return await append(case, fact)

    shop.journal.append = slow  # type: ignore[method-assign]
    async with shop.commands:
        shop.submit(effects.OpenMedia(CALL))
        await shop.idle()
        shop.submit(effects.Append(said(1)), effects.OpenGate(CALL))
        await until(lambda: "" if shop.media.calls[CALL].gate_open else "the open gate")
        assert shop.facts() == []
        synced.set()
        await shop.idle()
    assert shop.facts() == [said(1)]


def way(seat: str) -> tuple[SeatRoute, ...]:
    return (SeatRoute(SeatId(seat), True, True, (), (), None),)


async def test_the_first_arrangement_goes_before_the_gate_and_waits_for_no_disk() -> None:
    """Whoever leads the conversation is seen at once, and nobody before it is said who gets what."""
    shop = Workshop()
    synced, proceed = asyncio.Event(), asyncio.Event()
    append, arrange = shop.journal.append, shop.media.arrange

    async def slow(case: CaseId, fact: Fact) -> Any:
        await synced.wait()
        return await append(case, fact)

    async def slowly(call: CallId, routes: Any) -> None:
        await proceed.wait()
        await arrange(call, routes)

    async with shop.commands:
        shop.submit(effects.OpenMedia(CALL))
        await shop.idle()
        shop.journal.append = slow  # type: ignore[method-assign]
        shop.media.arrange = slowly  # type: ignore[method-assign]
        shop.submit(effects.Append(said(1)), effects.Arrange(CALL, way("a")), effects.OpenGate(CALL))
        await asyncio.sleep(0.01)
        assert not shop.media.calls[CALL].gate_open
        proceed.set()
        await until(lambda: "" if shop.media.calls[CALL].gate_open else "the open gate")
        assert list(shop.media.calls[CALL].routes) == ["a"]
        assert shop.facts() == []
        synced.set()
        await shop.idle()


async def test_later_arrangements_wait_for_the_facts_that_announce_them() -> None:
    """A supervisor hears nothing before it is on disk that he came; each answer is told in order."""
    shop = Workshop()
    synced = asyncio.Event()
    append = shop.journal.append

    async def slow(case: CaseId, fact: Fact) -> Any:
        await synced.wait()
        return await append(case, fact)

    async with shop.commands:
        shop.submit(effects.OpenMedia(CALL))
        await shop.idle()
        shop.submit(effects.Arrange(CALL, way("a")), effects.OpenGate(CALL))
        shop.journal.append = slow  # type: ignore[method-assign]
        shop.submit(effects.Append(said(1)), effects.Arrange(CALL, way("b")))
        await asyncio.sleep(0.01)
        assert list(shop.media.calls[CALL].routes) == ["a"]
        synced.set()
        await shop.idle()
        assert list(shop.media.calls[CALL].routes) == ["b"]
        shop.media.arrange_error = StorageError("no")
        shop.submit(effects.Arrange(CALL, way("c")))
        await shop.idle()
    told = [action.error is None for action in shop.posted if isinstance(action, actions.Arranged)]
    assert told == [True, True, False]


async def test_a_fact_that_fails_is_tried_again_before_the_next() -> None:
    """A disk that is full for a moment loses nothing and changes no order; nobody is told."""
    shop = Workshop()
    append, failures = shop.journal.append, iter([True, True, True, False, True])

    async def sometimes(case: CaseId, fact: Fact) -> Any:
        if next(failures, False):
            raise StorageError("the disk is full")
        return await append(case, fact)

    shop.journal.append = sometimes  # type: ignore[method-assign]
    async with shop.commands:
        shop.submit(*(effects.Append(said(number)) for number in range(3)))
        await shop.idle()
    assert shop.facts() == [said(0), said(1), said(2)]
    assert shop.posted == []


async def test_a_journal_that_keeps_failing_is_told_and_nothing_passes() -> None:
    """Told once; media is closed meanwhile, facts wait in order until the disk takes them."""
    shop = Workshop()
    shop.journal.broken = True
    early, late = CallId("call-early"), CallId("call-late")
    shop.media.calls |= {call: FakeCall(CASE) for call in (early, late)}
    async with shop.commands:
        shop.submit(effects.Append(said(1)), effects.WindUp(early), effects.Append(said(2)))
        await until(lambda: "" if shop.commands.stuck(CASE) else "the trouble")
        shop.submit(effects.WindUp(late), effects.QueueMerge())
        await until(lambda: "" if len(shop.recorder.finished) == 2 else "the ends of media")
        assert shop.facts() == []
        assert shop.commands.backlog(CASE) == 3
        shop.journal.broken = False
        await shop.idle()
    assert shop.posted == [actions.JournalFailed(CASE), actions.WoundUp(early), actions.WoundUp(late)]
    assert shop.facts()[:2] == [said(1), said(2)]
    assert [type(fact) for fact in shop.facts()[2:]] == [MergeQueued]
    assert not shop.commands.stuck(CASE)


async def test_a_fact_that_hangs_is_waited_for_and_not_written_twice() -> None:
    """A journal that took too long may have the fact all the same."""
    shop = Workshop(deadline_s=0.02)
    synced = asyncio.Event()
    append = shop.journal.append

    async def slow(case: CaseId, fact: Fact) -> Any:
        await synced.wait()
        return await append(case, fact)

    shop.journal.append = slow  # type: ignore[method-assign]
    async with shop.commands:
        shop.submit(effects.Append(said(1)), effects.Append(said(2)))
        await until(lambda: "" if shop.posted else "the trouble")
        synced.set()
        await shop.idle()
    assert shop.facts() == [said(1), said(2)]
    assert shop.posted == [actions.JournalFailed(CASE)]


async def test_a_merge_is_queued_however_often_it_fails() -> None:
    """A database that is away for a while does not leave a recording behind."""
    shop = Workshop()
    enqueue, tries = shop.jobs.enqueue, 0

    async def sometimes(kind: str, case: CaseId, args: Any = None) -> JobId:
        nonlocal tries
        tries += 1
        if tries < 9:
            raise StorageError("locked")
        return await enqueue(kind, case, args)

    shop.jobs.enqueue = sometimes  # type: ignore[method-assign, assignment]
    async with shop.commands:
        shop.submit(effects.QueueMerge())
        await shop.idle()
    assert shop.jobs.kinds(CASE) == ["merge"]
    assert [type(fact) for fact in shop.facts()] == [MergeQueued]
    assert shop.posted == [], "this is no trouble of the journal"


async def test_a_number_is_checked_in_the_order_of_facts() -> None:
    """Its result stands before what the agent decides next."""
    shop = Workshop()
    async with shop.commands:
        shop.submit(effects.CheckNumber("1", ANNA), effects.Append(said(1)))
        await shop.idle()
    assert [type(fact) for fact in shop.facts()] == [IdNumberChecked, ConsentGiven]


async def test_no_comparison_outlives_the_record() -> None:
    """When the merge is queued a comparison that still runs is given up: nothing is added later."""
    shop = Workshop()
    shop.identity.proceed.clear()
    shop.evidence.files |= {"ev-1": b"", "ev-2": b""}  # type: ignore[dict-item]
    async with shop.commands:
        shop.submit(effects.CompareFaces("ev-1", "ev-2", ANNA), effects.QueueMerge())  # type: ignore[arg-type]
        await shop.idle()
        shop.identity.proceed.set()
    assert [type(fact) for fact in shop.facts()] == [MergeQueued]
    assert shop.posted == []


async def test_a_long_comparison_holds_nothing_up() -> None:
    """Facts are appended while the model works; the comparison's end is told, failed or not."""
    shop = Workshop()
    shop.identity.proceed.clear()
    async with shop.commands:
        card = effects.CompareFaces("ev-1", "ev-2", ANNA)  # type: ignore[arg-type]
        shop.submit(card, effects.Append(said(1)))
        await until(lambda: "" if shop.facts() else "the fact")
        shop.identity.proceed.set()
        await shop.idle()
    refused, over = shop.posted
    assert isinstance(refused, actions.CommandRefused)
    assert (refused.about, refused.agent, refused.error.code) == ("match_faces", ANNA, "internal")
    assert over == actions.Compared(CALL)


async def test_an_offer_is_answered_to_its_party() -> None:
    """The customer has no account, the agent has."""
    shop = Workshop()
    agent = Party(SeatId("seat-a"), Role.AGENT, "Anna", ANNA)
    async with shop.commands:
        shop.submit(effects.OpenMedia(CALL))
        await shop.idle()
        shop.submit(effects.AnswerOffer(CALL, agent, "v=0"))
        shop.submit(effects.AnswerOffer(CALL, Party(SeatId("s"), Role.CUSTOMER, ""), "broken"))
        await shop.idle()
    answers = [a for a in shop.posted if isinstance(a, actions.OfferAnswered)]
    refusals = [a for a in shop.posted if isinstance(a, actions.CommandRefused)]
    assert answers == [actions.OfferAnswered(CALL, ANNA, "answer to v=0")]
    assert [(refusal.agent, refusal.error.code) for refusal in refusals] == [(None, "media")]
    over = [action.seat for action in shop.posted if isinstance(action, actions.AnswerOver)]
    assert sorted(over) == ["s", "seat-a"]
    assert shop.posted.index(actions.AnswerOver(CALL, agent.seat)) < shop.posted.index(answers[0])


async def test_a_history_that_cannot_be_read_ends_the_line() -> None:
    """The page comes back and asks again."""
    shop = Workshop()
    screen = Screen()

    async def broken(case: CaseId, after: int = 0) -> Any:
        raise StorageError("chain broken")

    await shop.journal.append(CASE, MergeStarted(JobId("j"), "w", 1))
    async with shop.commands:
        shop.commands.read_history(screen, CASE)
        await shop.idle()
        shop.journal.read = broken  # type: ignore[method-assign]
        shop.commands.read_history(screen, CASE)
        await shop.idle()
    (history,) = shop.posted
    assert isinstance(history, actions.HistoryRead)
    assert [entry.seq for entry in history.entries] == [1]
    assert screen.ended == "internal"


async def test_leaving_cancels_what_is_left() -> None:
    """Nothing outlives the service."""
    shop = Workshop()
    shop.identity.proceed.clear()
    shop.evidence.files |= {"ev-1": b"", "ev-2": b""}  # type: ignore[dict-item]
    async with shop.commands:
        shop.submit(effects.CompareFaces("ev-1", "ev-2", ANNA))  # type: ignore[arg-type]
        await asyncio.sleep(0)
    assert shop.commands.idle
    assert shop.posted == []


async def test_a_message_is_no_command() -> None:
    """Sending is the floor's; a mistake of the caller raises."""
    shop = Workshop()
    with pytest.raises(ExceptionGroup) as caught:
        async with shop.commands:
            shop.submit(effects.Send(None, Pong(1.0)))
            await asyncio.sleep(0.01)
    assert caught.group_contains(TypeError)
