"""Executes effects against the ports, off the front's loop; results come back as actions.

What must keep its order within a case (facts, number checks, media, recording, merge) waits in the
case's lane; what takes long or may fail alone (answers, comparisons) runs beside it, and so do the
gate and the arrangements before it, one after another: the first picture does not wait for the facts of
the answer to be synced. Later arrangements wait in the lane: nobody sees or hears more before the fact
that says so is on disk. Every command has a deadline.

A fact that cannot be appended is tried again until it is on disk, and everything behind it waits: no
fact may pass an earlier one of its case. After a few tries the front is told, and from then on what
closes media runs beside the lane.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import Any, Self, TypeVar

import structlog
from prometheus_client import Counter

from contract.errors import Busy, InternalError, TellerError
from contract.facts import FacesCompared, IdNumberChecked, MergeQueued
from contract.ids import AccountId, CallId, CaseId, new_check_id, new_evidence_id
from contract.phases import EvidenceKind
from contract.ports import (
    Clock,
    EvidenceStore,
    FaceFinding,
    IdentityChecks,
    JobQueue,
    Journal,
    MediaPlane,
    RecordedCalls,
)
from signaling.actions import (
    Action,
    AnswerOver,
    Arranged,
    CommandRefused,
    Compared,
    GateStuck,
    HistoryRead,
    IdentityDone,
    JournalFailed,
    Line,
    MediaOpened,
    OfferAnswered,
    WoundUp,
)
from signaling.ceilings import Ceilings
from signaling.effects import (
    AnswerOffer,
    Append,
    Arrange,
    CheckNumber,
    CompareFaces,
    DropSeat,
    Effect,
    OpenGate,
    OpenMedia,
    QueueMerge,
    WindUp,
)
from signaling.equipment import Equipment
from signaling.identity_commands import IdentityCommands
from signaling.identity_effects import (
    AskOutside,
    AskQuestion,
    Beside,
    ComparePictures,
    Decide,
    JudgeDocument,
    MeasureBurst,
    ReadPicture,
    RunLiveness,
    TellCamera,
    TellLive,
    TextCode,
    WatchCustomer,
)

_log = structlog.get_logger(__name__)
_failures = Counter("teller_signaling_command_failures", "Commands that failed", ["command"])

# Pauses between the tries of what must not fail, in seconds: a call ends when its journal fails for
# about ten seconds. The last one is repeated for ever.
_PAUSES_S = (1.0, 2.0, 3.0, 4.0, 10.0)


# What the console asked for when it is told that it was refused.
_ABOUT: dict[type[Beside], str] = {
    ReadPicture: "read_document",
    ComparePictures: "compare_faces",
    AskQuestion: "draw_question",
    TextCode: "send_code",
    AskOutside: "ask_external",
}

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Settle:
    """Tell ``done`` that every command before this one is through."""

    done: asyncio.Event


_Queued = tuple[CallId | None, Effect | _Settle]


@dataclass(frozen=True, slots=True)
class Ports:
    """The rooms that commands go down to."""

    journal: Journal
    media: MediaPlane
    recorder: RecordedCalls
    evidence: EvidenceStore
    identity: IdentityChecks
    jobs: JobQueue
    clock: Clock
    ceilings: Ceilings
    equipment: Equipment = field(default_factory=Equipment)


class Commands:
    """Runs commands while entered; leaving cancels what is left."""

    def __init__(
        self,
        ports: Ports,
        deadline_s: float,
        post: Callable[[Action], Awaitable[None]],
        pauses_s: tuple[float, ...] = _PAUSES_S,
    ) -> None:
        self._ports = ports
        self._deadline_s = deadline_s
        self._post = post
        self._pauses_s = pauses_s
        self._group = asyncio.TaskGroup()
        self._lanes: dict[CaseId, deque[_Queued]] = {}
        self._stuck: set[CaseId] = set()
        self._identity = IdentityCommands(
            ports.journal, ports.evidence, ports.identity, ports.clock, ports.equipment, ports.ceilings
        )
        # What is found after the record was handed on must not change it: by call, to be cancelled.
        self._checks: dict[CallId, set[asyncio.Task[Any]]] = {}
        # The newest arrangement or opening beside the lane, of calls that were not wound up.
        self._gates: dict[CallId, asyncio.Task[None]] = {}
        self._opened: set[CallId] = set()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(self, *exc: Any) -> None:
        for task in self._tasks:
            task.cancel()
        await self._group.__aexit__(*exc)

    @property
    def idle(self) -> bool:
        """True when nothing runs or waits."""
        return not self._tasks

    def backlog(self, case: CaseId) -> int:
        """Return how many commands wait in the lane of ``case``."""
        return len(self._lanes.get(case, ()))

    def stuck(self, case: CaseId) -> bool:
        """Tell whether the journal of ``case`` takes nothing at the moment."""
        return case in self._stuck

    async def settled(self, case: CaseId) -> None:
        """Wait until what is in the lane of ``case`` by now is done. Raises Busy when that takes too long."""
        lane = self._lanes.get(case)
        if lane is None:
            return
        done = asyncio.Event()
        lane.append((None, _Settle(done)))
        try:
            async with asyncio.timeout(self._deadline_s):
                await done.wait()
        except TimeoutError:
            raise Busy("what was done before is not written yet") from None

    def submit(self, case: CaseId, call: CallId | None, effect: Effect) -> None:
        """Execute ``effect``, in order where order matters."""
        match effect:
            case AnswerOffer():
                self._start(self._answer(effect))
            case Arrange() if effect.call not in self._opened:
                self._beside_lane(effect.call, self._arrange(effect))
            case OpenGate():
                self._opened.add(effect.call)
                self._beside_lane(effect.call, self._open_gate(effect))
            case CompareFaces() if call:
                self._check_task(call, self._compare(case, call, effect))
            case ReadPicture() | ComparePictures() | AskQuestion() | TextCode() | AskOutside() if call:
                self._check_task(call, self._identify(case, call, effect))
            case MeasureBurst() if call:
                self._check_task(call, self._measure(case, call, effect))
            case TellLive() | TellCamera() if call:
                self._start(self._tell(call, effect))
            case WindUp() | DropSeat() if case in self._stuck:
                self._start(self._in_order(case, call, effect))
            case _:
                self._enqueue(case, call, effect)

    def read_history(self, line: Line, case: CaseId) -> None:
        """Read the case's journal for a screen."""
        self._start(self._read_history(line, case))

    def _beside_lane(self, call: CallId, work: Coroutine[Any, Any, None]) -> None:
        self._gates[call] = self._task(self._after(self._gates.get(call), work))

    async def _after(self, first: asyncio.Task[None] | None, work: Coroutine[Any, Any, None]) -> None:
        try:
            if first is not None:
                await asyncio.wait({first})
        except asyncio.CancelledError:
            work.close()
            raise
        await work

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        _ = self._task(work)

    def _task(self, work: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _enqueue(self, case: CaseId, call: CallId | None, effect: Effect) -> None:
        lane = self._lanes.get(case)
        if lane is not None:
            lane.append((call, effect))
            return
        self._lanes[case] = deque(((call, effect),))
        self._start(self._drain(case))

    async def _drain(self, case: CaseId) -> None:
        lane = self._lanes[case]
        try:
            while lane:
                call, effect = lane[0]
                if isinstance(effect, _Settle):
                    effect.done.set()
                else:
                    await self._in_order(case, call, effect)
                lane.popleft()
        finally:
            del self._lanes[case]

    async def _in_order(self, case: CaseId, call: CallId | None, effect: Effect) -> None:
        ports = self._ports
        match effect:
            case Append():
                await self._insist("append", partial(ports.journal.append, case, effect.fact), case)
                self._stuck.discard(case)
            case CheckNumber() if call:
                await self._beside(call, effect.agent, "check_id_number", self._check(case, effect))
            case OpenMedia():
                error = await self._try("open_call", ports.media.open_call(case, effect.call))
                await self._post(MediaOpened(effect.call, error))
            case Arrange():
                await self._after(self._gates.get(effect.call), self._arrange(effect))
            case DropSeat():
                await self._try("drop_seat", ports.media.drop_seat(effect.call, effect.seat))
            case RunLiveness():
                call = effect.run.call
                await self._beside(call, effect.agent, "start_liveness", self._identity.start(effect.run))
            case WatchCustomer():
                watching = self._identity.watch(case, effect.call, effect.seat)
                await self._try("watch_customer", watching)
            case JudgeDocument() if call:
                await self._try("judge_document", self._identity.judge(case, call, effect.check))
            case Decide():
                # What comes later has no part in the decision, and no place behind it.
                self._give_up_checks(call)
                await self._try("screen", self._identity.screen(case, call))
                await self._try("decide", self._identity.decide(case))
            case WindUp():
                await self._try("close_live", self._identity.close(effect.call))
                self._gates.pop(effect.call, None)
                self._opened.discard(effect.call)
                await self._try("close_call", ports.media.close_call(effect.call))
                await self._try("finish", ports.recorder.finish(effect.call))
                await self._post(WoundUp(effect.call))
            case QueueMerge():
                self._give_up_checks(call)
                await self._insist("enqueue", partial(self._queue_merge, case))
            case _:
                raise TypeError("not a command of the lane")

    async def _insist(
        self, command: str, work: Callable[[], Awaitable[Any]], blocked: CaseId | None = None
    ) -> None:
        """Do ``work`` however often it fails; ``blocked`` is stuck after a few tries, until it is done.

        A try that hangs is waited for and not repeated: it may succeed yet.
        """
        for tries in count(1):
            running = self._task(self._guarded(command, work()))
            done, _ = await asyncio.wait({running}, timeout=self._deadline_s)
            if not done:
                self._failed(command, InternalError(f"{command} takes too long"))
                await self._get_stuck(blocked)
            if await running is None:
                return
            if tries >= len(self._pauses_s):
                await self._get_stuck(blocked)
            await asyncio.sleep(self._pauses_s[min(tries, len(self._pauses_s)) - 1])

    async def _get_stuck(self, case: CaseId | None) -> None:
        if case is None or case in self._stuck:
            return
        self._stuck.add(case)
        lane = self._lanes[case]
        for call, effect in list(lane):
            if isinstance(effect, WindUp | DropSeat):
                lane.remove((call, effect))
                self._start(self._in_order(case, call, effect))
        await self._post(JournalFailed(case))

    async def _try(self, command: str, work: Awaitable[Any]) -> TellerError | None:
        try:
            async with asyncio.timeout(self._deadline_s):
                return await self._guarded(command, work)
        except TimeoutError:
            return self._failed(command, InternalError(f"{command} took too long"))

    async def _guarded(self, command: str, work: Awaitable[Any]) -> TellerError | None:
        try:
            await work
        except TellerError as error:
            return self._failed(command, error)
        except Exception as error:
            _log.exception("a command broke", command=command)
            return self._failed(command, InternalError(type(error).__name__))
        return None

    def _failed(self, command: str, error: TellerError) -> TellerError:
        _failures.labels(command).inc()
        _log.warning("a command failed", command=command, code=error.code, pii_error=str(error))
        return error

    async def _arrange(self, effect: Arrange) -> None:
        error = await self._try("arrange", self._ports.media.arrange(effect.call, effect.routes))
        await self._post(Arranged(effect.call, error))

    async def _open_gate(self, effect: OpenGate) -> None:
        if await self._try("open_gate", self._ports.media.open_gate(effect.call)):
            await self._post(GateStuck(effect.call))

    async def _answer(self, effect: AnswerOffer) -> None:
        answers: list[str] = []

        async def answer() -> None:
            answers.append(await self._ports.media.answer(effect.call, effect.party, effect.sdp))

        agent = effect.party.account
        error = await self._try("offer", answer())
        await self._post(AnswerOver(effect.call, effect.party.seat))
        if error is not None:
            await self._post(CommandRefused(effect.call, agent, "offer", error))
        else:
            await self._post(OfferAnswered(effect.call, agent, answers[0], effect.number))

    async def _beside(
        self, call: CallId, agent: AccountId | None, about: str, work: Coroutine[Any, Any, None]
    ) -> None:
        error = await self._try(about, work)
        if error is not None:
            await self._post(CommandRefused(call, agent, about, error))

    async def _check(self, case: CaseId, effect: CheckNumber) -> None:
        today = datetime.fromtimestamp(self._ports.clock.now(), UTC).date()
        found = await self._ports.identity.check_id_number(effect.number, today)
        fact = IdNumberChecked(
            check=new_check_id(),
            pii_number=found.number,
            verdict=found.verdict,
            failures=found.failures,
            region=found.region,
            birth_date=found.birth_date.isoformat() if found.birth_date else "",
            agent=effect.agent,
        )
        await self._ports.journal.append(case, fact)

    async def _compare(self, case: CaseId, call: CallId, effect: CompareFaces) -> None:
        await self._beside(call, effect.agent, "match_faces", self._compare_pictures(case, effect))
        await self._post(Compared(call))

    def _check_task(self, call: CallId, work: Coroutine[Any, Any, None]) -> None:
        running = self._checks.setdefault(call, set())
        task = self._task(work)
        running.add(task)
        task.add_done_callback(running.discard)

    def _give_up_checks(self, call: CallId | None) -> None:
        for task in self._checks.pop(call, set()) if call else ():
            task.cancel()

    async def _identify(self, case: CaseId, call: CallId, effect: Beside) -> None:
        error = await self._try(effect.what, self._identity.beside(case, call, effect))
        if error is not None:
            await self._post(CommandRefused(call, effect.agent, _ABOUT[type(effect)], error))
        await self._post(IdentityDone(call, effect.what, error is None))

    async def _measure(self, case: CaseId, call: CallId, effect: MeasureBurst) -> None:
        # Advice that nobody asked for: without it the agent looks through all pictures.
        error = await self._try("measure_tilt", self._identity.measure(case, call, effect))
        await self._post(IdentityDone(call, effect.what, error is None))

    async def _tell(self, call: CallId, effect: TellLive | TellCamera) -> None:
        await self._try("tell_live", self._identity.tell(call, effect))

    async def _compare_pictures(self, case: CaseId, effect: CompareFaces) -> None:
        ports = self._ports
        await ports.ceilings.require(case, "portraits")
        card = await ports.evidence.read(case, effect.card)
        still = await ports.evidence.read(case, effect.still)
        found = await ports.identity.match_faces(card, still)
        portrait = None
        if found.portrait is not None and found.portrait_image is not None:
            portrait = new_evidence_id()
            kind = EvidenceKind.ID_PORTRAIT
            await ports.evidence.store(case, portrait, kind, found.portrait, found.portrait_image, "derived")
        await ports.journal.append(case, _faces_compared(effect, found, portrait))

    async def _queue_merge(self, case: CaseId) -> None:
        job = await self._ports.jobs.enqueue("merge", case)
        await self._ports.journal.append(case, MergeQueued(job))

    async def _read_history(self, line: Line, case: CaseId) -> None:
        entries: list[Any] = []

        async def read() -> None:
            entries.extend(await self._ports.journal.read(case))

        if await self._try("read", read()):
            line.end("internal")
        else:
            await self._post(HistoryRead(line, case, tuple(entries)))


def _faces_compared(effect: CompareFaces, found: FaceFinding, portrait: Any) -> FacesCompared:
    return FacesCompared(
        check=new_check_id(),
        card=effect.card,
        still=effect.still,
        portrait=portrait,
        pack=found.pack,
        detector_sha256=found.detector_sha256,
        model_sha256=found.model_sha256,
        score=found.score,
        threshold=found.threshold,
        review_threshold=found.review_threshold,
        verdict=found.verdict,
        reason=found.reason,
        agent=effect.agent,
    )
