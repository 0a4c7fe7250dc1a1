"""Liveness checks and continuous looking for all calls: ``contract.identity_ports.LiveChecks``."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import structlog

from contract.errors import Busy, MediaError, ModelError, WrongPhase
from contract.fact import Fact
from contract.identity_facts import (
    ChallengeEnded,
    LightMeasured,
    LivenessMeasured,
    SourceJudged,
    SourceSummed,
)
from contract.identity_ports import LivenessRun
from contract.ids import CallId, CaseId, CheckId, SeatId
from contract.phases import CheckVerdict, LivenessKind
from contract.ports import Clock, EncodedFrame, Journal
from kyc.injection import FindLoop, Signal
from kyc.prompting import PromptingLimits
from kyc.registry import Task
from teller.live.answering import Answering, Listen
from teller.live.chain import FrameChain
from teller.live.gestures import run_gestures
from teller.live.hearing import CODEC
from teller.live.light import run_light
from teller.live.line import FactLine
from teller.live.passive import run_passive
from teller.live.run import Models, Over, Run
from teller.live.source import SourceSigns
from teller.live.watching import Watcher

_log = structlog.get_logger(__name__)

Sample = Callable[[CallId, float | None, float], Awaitable[None]]
"""Asks for a keyframe of a call's camera so often (None: for nothing), and for so long for every frame.

Raises MediaError.
"""

# How often time is looked at while nothing comes.
TICK_S = 0.2
# Three tries of five gestures, 30 s each, and three times two minutes until the customer is ready: whatever
# goes wrong, no run lasts longer.
RUN_MAX_S = 900.0
# A media worker that hangs is noticed in five seconds; a check's own time does not wait for that.
_SAMPLE_S = 2.0
# Pages that tell of their camera before anybody looks at it.
_CLAIMS_MAX = 512
# What the models were asked last when a call ended is waited for so long; a look takes 30 ms.
LAST_S = 2.0
# Calls that are over, of which a command that was held up may still come.
_OVER_MAX = 512

_NEEDED: Mapping[LivenessKind, tuple[Task, ...]] = {
    LivenessKind.PASSIVE: (Task.PASSIVE,),
    LivenessKind.GESTURES: (Task.MESH, Task.EYE),
    LivenessKind.LIGHT: (Task.DETECTION,),
}
_RUNS: Mapping[LivenessKind, Callable[[Run], Coroutine[Any, Any, Fact]]] = {
    LivenessKind.PASSIVE: run_passive,
    LivenessKind.GESTURES: run_gestures,
    LivenessKind.LIGHT: run_light,
}


@dataclass(slots=True, eq=False)
class _Running:
    """A run that is not over; ``stopped`` gets the reason when somebody ends it."""

    run: Run
    stopped: asyncio.Future[str]
    over: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True, eq=False)
class _Call:
    """A call that is looked at."""

    case: CaseId
    call: CallId
    seat: SeatId
    chain: FrameChain
    watcher: Watcher
    answering: Answering
    signs: SourceSigns
    line: FactLine
    every_s: float
    running: _Running | None = None
    told: tuple[Any, ...] = ()
    closing: bool = False
    under_way: set[asyncio.Task[None]] = field(default_factory=set)


class LiveChecks:
    """Implements the port; an async context manager. Frames come by ``take``."""

    def __init__(
        self,
        journal: Journal,
        models: Models,
        sample: Sample,
        listen: Listen,
        clock: Clock,
        limits: PromptingLimits,
        tick_s: float = TICK_S,
    ) -> None:
        self._journal, self._models, self._sample, self._clock = journal, models, sample, clock
        self._listen, self._limits, self._tick_s = listen, limits, tick_s
        self._calls: dict[CallId, _Call] = {}
        self._claims: OrderedDict[CallId, Mapping[str, Any]] = OrderedDict()
        self._over: OrderedDict[CallId, None] = OrderedDict()
        self._tasks = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        left = [task for looked in self._calls.values() for task in looked.under_way]
        await asyncio.gather(*map(self.close, tuple(self._calls)))
        for task in left:
            task.cancel()
        await self._tasks.__aexit__(None, None, None)

    def take(self, call: CallId, seat: SeatId, codec: str, frame: EncodedFrame) -> None:
        """Take what came of customer and agent; of a call that nobody watches it is dropped."""
        looked = self._calls.get(call)
        if looked is None or looked.closing:
            return
        if codec == CODEC:
            looked.answering.take(seat, frame)
        self._hear(looked)
        if seat == looked.seat:
            self._take_own(looked, codec, frame)

    def _take_own(self, looked: _Call, codec: str, frame: EncodedFrame) -> None:
        if codec == CODEC:
            if looked.running is not None and looked.running.run.wanted.kind is LivenessKind.GESTURES:
                looked.running.run.hearing.push(frame)
            return
        looked.chain.push(codec, frame)
        if looked.running is not None:
            looked.running.run.came.set()
        else:
            looked.chain.forget(frame.timestamp)
        if looked.watcher.begin():
            self._begin(looked, self._look(looked))

    async def watch(self, case: CaseId, call: CallId, seat: SeatId) -> None:
        """See the port."""
        if call in self._calls or call in self._over:
            return
        chain, line = FrameChain(), FactLine(self._journal, case)
        answering = Answering(call, seat, self._models, self._clock, line.note, self._ask_sound, self._limits)
        watcher = Watcher(call, seat, chain, self._models, self._clock, line.note, answering)
        every_s = watcher.continuity.next_look_s
        looked = _Call(case, call, seat, chain, watcher, answering, SourceSigns(), line, every_s)
        self._calls[call] = looked
        self._start(line.run())
        claim = self._claims.pop(call, None)
        if claim is not None:
            self.claims(call, claim)
        await self._ask_frames(looked, 0.0)
        self._hear(looked)

    async def start(self, run: LivenessRun) -> None:
        """See the port."""
        missing = [task for task in _NEEDED[run.kind] if not self._models.pack.of(task)]
        if missing:
            raise ModelError(f"the pack {self._models.pack.name} has no {missing[0]}", code="no_model")
        await self.watch(run.case, run.call, run.seat)
        looked = self._calls.get(run.call)
        if looked is None or looked.closing:
            raise WrongPhase("the call is over", code="call_ended")
        if looked.running is not None:
            raise Busy("a liveness check of this call is not over")

        async def ask_frames(seconds: float) -> None:
            await self._ask_frames(looked, seconds)

        going = Run(
            run, looked.chain, self._models, self._clock, looked.line.note, ask_frames, looked.signs,
            self._tick_s,
        )  # fmt: skip
        looked.running = _Running(going, asyncio.get_running_loop().create_future())
        self._begin(looked, self._go(looked, looked.running))

    async def ready(self, call: CallId, check: CheckId, *, sound: bool = False) -> None:
        """See the port."""
        running = self._running(call, check)
        if running is not None:
            running.run.got_ready(sound=sound)

    async def light_shown(self, call: CallId, check: CheckId) -> None:
        """See the port."""
        running = self._running(call, check)
        if running is not None:
            running.run.got_shown()

    async def stop(self, call: CallId, check: CheckId, reason: str) -> None:
        """See the port."""
        running = self._running(call, check)
        if running is not None:
            await _stop(running, reason)

    def seen(self, call: CallId) -> bytes:
        """See the port."""
        looked = self._calls.get(call)
        return looked.watcher.reference or b"" if looked is not None else b""

    def claims(self, call: CallId, claim: Mapping[str, str | int | float | bool]) -> None:
        """See the port."""
        looked = self._calls.get(call)
        if looked is not None:
            looked.signs.claims(claim)
            self._note_signs(looked)
            return
        self._claims[call] = claim
        self._claims.move_to_end(call)
        if len(self._claims) > _CLAIMS_MAX:
            self._claims.popitem(last=False)

    def question_put(self, call: CallId, check: CheckId) -> None:
        """See the port."""
        looked = self._calls.get(call)
        if looked is not None and not looked.closing:
            looked.answering.put(check)
            self._hear(looked)

    def question_judged(self, call: CallId, check: CheckId) -> None:
        """See the port."""
        looked = self._calls.get(call)
        if looked is not None and not looked.closing and looked.answering.judged(check):
            self._begin(looked, looked.answering.conclude())

    async def close(self, call: CallId) -> None:
        """See the port."""
        self._claims.pop(call, None)
        self._over[call] = None
        if len(self._over) > _OVER_MAX:
            self._over.popitem(last=False)
        looked = self._calls.get(call)
        if looked is None:
            return
        looked.closing = True
        if looked.running is not None:
            await _stop(looked.running, "call_ended")
        # Who sat there in the last second, and what a check that just ended says of the source.
        if looked.under_way:
            await asyncio.wait(looked.under_way, timeout=LAST_S)
        if (summed := looked.signs.summed()) is not None:
            looked.line.note(SourceSummed(looked.call, looked.seat, *summed))
        await looked.line.close()
        if self._calls.pop(call, None) is not None:
            await self._ask(call, None, 0.0)

    # --- inside ---

    def _running(self, call: CallId, check: CheckId) -> _Running | None:
        looked = self._calls.get(call)
        running = looked.running if looked is not None else None
        return running if running is not None and running.run.wanted.check == check else None

    def _hear(self, looked: _Call) -> None:
        if looked.answering.begin():
            self._begin(looked, looked.answering.work())

    async def _look(self, looked: _Call) -> None:
        await looked.watcher.look()
        before_s, looked.every_s = looked.every_s, looked.watcher.continuity.next_look_s
        # While a check runs every frame comes anyway, and it asks again now and then.
        if before_s != looked.every_s and looked.running is None and looked.call in self._calls:
            await self._ask_frames(looked, 0.0)

    async def _ask_frames(self, looked: _Call, seconds: float) -> None:
        await self._ask(looked.call, looked.every_s, seconds)

    async def _ask(self, call: CallId, every_s: float | None, all_s: float) -> None:
        try:
            async with asyncio.timeout(_SAMPLE_S):
                await self._sample(call, every_s, all_s)
        except (MediaError, TimeoutError) as error:
            _log.warning("a call's pictures were not asked for", call=call, pii_error=repr(error))

    async def _ask_sound(self, call: CallId, seconds: float) -> None:
        try:
            async with asyncio.timeout(_SAMPLE_S):
                await self._listen(call, seconds)
        except (MediaError, TimeoutError) as error:
            _log.warning("a call's sound was not asked for", call=call, pii_error=repr(error))

    async def _go(self, looked: _Call, running: _Running) -> None:
        """Run a check to its end, whatever comes, and journal it."""
        try:
            end = await self._outcome(running)
            await self._ask_frames(looked, 0.0)
            # Before the end is told: whoever hears of it may begin the next one.
            looked.running = None
            looked.line.note(end)
        finally:
            looked.running = None
            running.over.set()
        if not running.stopped.done():
            await self._judge_source(looked, running.run)

    async def _outcome(self, running: _Running) -> Fact:
        run = running.run
        work = asyncio.ensure_future(_RUNS[run.wanted.kind](run))
        either: set[asyncio.Future[Any]] = {work, running.stopped}
        try:
            await asyncio.wait(either, timeout=RUN_MAX_S, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return work.result()
            return unfinished(run, running.stopped.result() if running.stopped.done() else "timeout")
        except Over as over:
            return unfinished(run, over.reason)
        except Exception as error:
            _log.exception("a liveness check broke", check=run.wanted.check, pii_error=repr(error))
            return unfinished(run, "internal")
        finally:
            work.cancel()

    async def _judge_source(self, looked: _Call, run: Run) -> None:
        loop: Signal | None = None
        try:
            if looked.signs.prints:
                loop = await run.ask(FindLoop(tuple(looked.signs.prints)))
        except Exception as error:
            _log.warning("no loop was looked for", call=looked.call, pii_error=repr(error))
        self._note_signs(looked, loop)

    def _note_signs(self, looked: _Call, loop: Signal | None = None) -> None:
        signals, score = looked.signs.found(loop)
        # What was told before is not told again.
        if signals and (signals, score) != looked.told:
            looked.told = signals, score
            looked.line.note(SourceJudged(looked.call, looked.seat, signals, score))

    def _begin(self, looked: _Call, work: Coroutine[Any, Any, None]) -> None:
        """Start what the end of the call waits for."""
        task = self._tasks.create_task(_guarded(work))
        looked.under_way.add(task)
        task.add_done_callback(looked.under_way.discard)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.create_task(_guarded(work))


async def _guarded(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Exception as error:
        # The task group would end the looking at all calls.
        _log.exception("live checks broke", pii_error=repr(error))


async def _stop(running: _Running, reason: str) -> None:
    if not running.stopped.done():
        running.stopped.set_result(reason)
    await running.over.wait()


def unfinished(run: Run, reason: str) -> Fact:
    """Return the end of a run that came to none; its doubt is a person's."""
    wanted, review = run.wanted, CheckVerdict.REVIEW
    match wanted.kind:
        case LivenessKind.PASSIVE:
            return LivenessMeasured(wanted.call, wanted.check, 0, 0.0, 0.0, 0.0, 0.0, review, reason, ())
        case LivenessKind.GESTURES:
            return ChallengeEnded(wanted.call, wanted.check, review, reason)
        case LivenessKind.LIGHT:
            return LightMeasured(
                wanted.call, wanted.check, run.shown_at, 0.0, 0.0, 0.0, 0.0, 0, review, reason
            )
