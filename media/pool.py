"""The media plane as the server has it: worker processes that each own whole calls.

A call goes to the worker with the fewest seats. When a worker dies, what it left of its calls is
journaled and sealed, and each call opens on another worker as soon as one of its seats offers again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import structlog
from prometheus_client import Counter, Gauge

from contract import codec
from contract.errors import MediaError, NotFound, StorageError, TellerError
from contract.facts import FACTS, Fact
from contract.ids import CallId, CaseId, SeatId
from contract.ports import Journal, Party, SeatRoute
from media.frame_relay import FrameTaker, unpacked
from media.standing import Standing
from media.worker_link import Link, LinkLost
from media.worker_process import Command, Dismissed, Worker, spawned

_log = structlog.get_logger(__name__)
_alive = Gauge("teller_media_workers", "Media workers that take calls")
_restarts = Counter("teller_media_worker_restarts", "Times a media worker was started again", ["worker"])
_hosted = Gauge("teller_media_worker_calls", "Calls that a media worker owns", ["worker"])

# Makes sealed, journaled segments of what a dead worker left of a call.
Seal = Callable[[CaseId, CallId], Awaitable[Any]]

# Just below the front's own 30 s, so that the error names the command.
_COMMAND_S = 25.0
# A process starts in one second, on a busy machine in many times that.
_START_S = 60.0
# Whom no worker can take after this long is told: a seat is kept for 20 s, and must still connect.
_AVAILABLE_S = 10.0
# Whoever collects figures waits ten seconds in all.
_FIGURES_S = 2.0
# Workers close every call and seal every segment before they end.
_STOP_S = 10.0
# Before a worker is started again; the first time at once, for callers wait. The last one repeats.
_PAUSES_S = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0)
# One that has lived so long begins with the first pause anew.
_STEADY_S = 60.0
# A journal that refuses is tried again after this long, as everywhere.
_JOURNAL_RETRY_S = 1.0
# Of one worker, those of waiting customers included, which cost no processor: two workers hold a queue of
# five hundred besides the calls they carry. A bound for what waits on the link.
_CALLS_MAX = 1_024
# An open call without connections yet will have two.
_SEATS_EXPECTED = 2


@dataclass(eq=False)
class _Ward:
    """A call in a worker's care. ``free`` is set while no worker, living or dead, has it."""

    case: CaseId
    call: CallId
    standing: Standing
    gate_open: bool = False
    routes: tuple[SeatRoute, ...] = ()
    closed: bool = False
    look_every_s: float | None = None
    host: Worker | None = None
    free: asyncio.Event = field(default_factory=asyncio.Event)
    changing: asyncio.Lock = field(default_factory=asyncio.Lock)


class Pool:
    """Implements ``contract.ports.MediaPlane`` and ``RecordedCalls``; an async context manager.

    Entering starts the workers. Leaving tells them to stop: they close and seal what is open. ``frames``
    takes what workers hand on of the customers' cameras. ``clock_offset``, the server's wall clock less its
    steady one, is what workers stamp their recordings by.
    """

    def __init__(
        self,
        journal: Journal,
        command: Command,
        seal: Seal,
        workers: int = 1,
        frames: FrameTaker | None = None,
        clock_offset: Callable[[], float] | None = None,
    ) -> None:
        self._frames = frames
        self._clock_offset = clock_offset
        self._journal, self._command, self._seal = journal, command, seal
        self.size = workers
        self._living: dict[int, Worker] = {}
        self._failures: dict[int, MediaError] = {}
        self._wards: dict[CallId, _Ward] = {}
        self._tasks = asyncio.TaskGroup()
        self._keeping: dict[int, asyncio.Task[None]] = {}
        self._stopping = asyncio.Event()
        self._changed = asyncio.Condition()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        for number in range(self.size):
            self._keeping[number] = self._tasks.create_task(self._keep(number), name="media worker")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def wait_ready(self) -> None:
        """Return when every worker takes calls or has failed to start once.

        Raises:
            MediaError: all of them failed.
        """
        async with self._changed:
            await self._changed.wait_for(lambda: len(self._living.keys() | self._failures) == self.size)
        if not self.alive:
            raise next(iter(self._failures.values()), MediaError("no media worker lives"))

    @property
    def alive(self) -> int:
        """Return how many workers take calls."""
        return sum(worker.alive for worker in self._living.values())

    def recorded(self) -> dict[CallId, CaseId]:
        """Return the calls whose gate is open, until all of them is sealed, and their cases."""
        return {ward.call: ward.case for ward in self._wards.values() if ward.gate_open}

    # --- commands ------------------------------------------------------------------------------

    async def open_call(self, case: CaseId, call: CallId) -> None:
        """Prepare a call, its gate shut, at the worker with the least load. Raises MediaError."""
        if call in self._wards:
            return
        ward = self._wards[call] = _Ward(case, call, Standing(call))
        ward.free.set()
        try:
            await self._host_of(ward)
        except BaseException:
            del self._wards[call]
            raise

    async def answer(self, call: CallId, party: Party, offer: str) -> str:
        """Answer ``party``'s SDP offer, on another worker when the call's own has died.

        Raises:
            ProtocolError: the offer is not SDP or not the planned m-lines.
            NotFound: no such call.
            MediaError: the connection could not be prepared; ``media_unavailable`` without a worker.
        """
        ward = self._wards.get(call)
        if ward is None:
            raise NotFound("no such call")
        host = await self._host_of(ward)
        connected = ward.standing.has(party.seat)
        # Noted before, so that a page whose offer died with the worker is told to offer again.
        ward.standing.seat(party.seat)
        try:
            values = {"call": call, "party": codec.dump(party), "offer": offer}
            return str(await host.link.call("answer", _COMMAND_S, **values))
        except LinkLost:
            # Not given to another worker by itself: an offer that kills workers must not meet them all.
            raise
        except BaseException:
            if not connected:
                ward.standing.unseat(party.seat)
            raise

    async def open_gate(self, call: CallId) -> None:
        """From now on forward and record, on this worker and on any later one. Raises NotFound."""
        ward = self._wards.get(call)
        if ward is None:
            raise NotFound("no such call")
        ward.gate_open = True
        await self._tell(ward, "open_gate", call=call, clock_offset=self._offset())

    async def arrange(self, call: CallId, routes: Sequence[SeatRoute]) -> None:
        """Replace who sends what to whom, on this worker and on any later one.

        Raises:
            NotFound: no such call.
            MediaError: it could not be rearranged; the former arrangement stands.
        """
        ward = self._wards.get(call)
        if ward is None or ward.closed:
            raise NotFound("no such call")
        former, ward.routes = ward.routes, tuple(routes)
        try:
            await self._tell(ward, "arrange", call=call, routes=codec.dump(ward.routes))
        except BaseException:
            ward.routes = former
            raise

    async def drop_seat(self, call: CallId, seat: SeatId) -> None:
        """Close the seat's connection and end its tracks. Unknown calls and seats are ignored."""
        ward = self._wards.get(call)
        if ward is not None:
            await self._tell(ward, "drop_seat", call=call, seat=seat)
            ward.standing.unseat(seat)

    async def close_call(self, call: CallId) -> None:
        """Close everything of the call; sinks are closed when this returns. Idempotent."""
        ward = self._wards.get(call)
        if ward is None:
            return
        ward.closed = True
        async with ward.changing:
            await self._tell(ward, "close_call", call=call)
        ward.standing.unseat()

    async def sample(self, call: CallId, every_s: float | None, all_s: float = 0.0) -> None:
        """Hand on a keyframe of the customer's camera so often, and every frame for the next ``all_s``.

        None ends both. The rate holds on any later worker; the rest is to be asked for again. An unknown
        call is ignored. Raises MediaError.
        """
        ward = self._wards.get(call)
        if ward is None or ward.closed:
            return
        ward.look_every_s = every_s
        await self._tell(ward, "sample", call=call, every_s=every_s, all_s=all_s)

    async def listen(self, call: CallId, seconds: float) -> None:
        """Hand on the sound of customer and agent for ``seconds``; a later worker is to be asked again.

        An unknown call is ignored. Raises MediaError.
        """
        ward = self._wards.get(call)
        if ward is not None and not ward.closed:
            await self._tell(ward, "listen", call=call, seconds=seconds)

    async def finish(self, call: CallId) -> None:
        """Return when every segment of the call is sealed and journaled. Idempotent."""
        ward = self._wards.get(call)
        if ward is None:
            return
        try:
            await self._tell(ward, "finish", call=call)
        finally:
            self._part(ward)
            self._wards.pop(call, None)

    async def figures(self) -> dict[str, Any]:
        """Return what each living worker measures, by its number, for ``media.worker_figures.Merged``."""
        told: dict[str, Any] = {}

        async def ask(worker: Worker) -> None:
            with suppress(TellerError):
                told[str(worker.number)] = await worker.link.call("figures", _FIGURES_S)

        async with asyncio.TaskGroup() as tasks:
            for worker in self._living.values():
                tasks.create_task(ask(worker))
        return told

    def _offset(self) -> float | None:
        return self._clock_offset() if self._clock_offset is not None else None

    # --- who has which call --------------------------------------------------------------------

    async def _tell(self, ward: _Ward, command: str, **values: Any) -> None:
        """Give a command; when the worker has died, return once what it left is taken care of."""
        host = ward.host
        if host is None:
            return
        try:
            await host.link.call(command, _COMMAND_S, **values)
        except LinkLost:
            await ward.free.wait()

    async def _host_of(self, ward: _Ward) -> Worker:
        async with ward.changing:
            while not ward.closed:
                if ward.host is None:
                    await self._entrust(ward, await self._choose())
                elif ward.host.alive:
                    return ward.host
                else:
                    await ward.free.wait()
        raise NotFound("the call is closed")

    async def _entrust(self, ward: _Ward, worker: Worker) -> None:
        ward.host = worker
        ward.free.clear()
        self._count()
        try:
            await worker.link.call("open_call", _COMMAND_S, case=ward.case, call=ward.call)
            if ward.routes:
                await worker.link.call("arrange", _COMMAND_S, call=ward.call, routes=codec.dump(ward.routes))
            if ward.gate_open:
                opened = {"call": ward.call, "clock_offset": self._offset()}
                await worker.link.call("open_gate", _COMMAND_S, **opened)
            if ward.look_every_s:
                every = {"every_s": ward.look_every_s, "all_s": 0.0}
                await worker.link.call("sample", _COMMAND_S, call=ward.call, **every)
        except LinkLost:
            return
        except BaseException:
            self._part(ward)
            raise

    def _part(self, ward: _Ward) -> None:
        ward.host = None
        ward.free.set()
        self._count()

    async def _choose(self) -> Worker:
        try:
            async with asyncio.timeout(_AVAILABLE_S), self._changed:
                await self._changed.wait_for(lambda: self.alive)
        except TimeoutError:
            raise MediaError("no media worker", code="media_unavailable") from None
        alive = [worker for worker in self._living.values() if worker.alive]
        able = [worker for worker in alive if len(self._hosted_by(worker)) < _CALLS_MAX]
        if not able:
            raise MediaError("every media worker has all the calls it may", code="media_unavailable")
        return min(able, key=self._load)

    def _load(self, worker: Worker) -> tuple[int, float]:
        seats = [max(ward.standing.seats, _SEATS_EXPECTED) for ward in self._hosted_by(worker)]
        return sum(seats), worker.cpu_share

    def _hosted_by(self, worker: Worker) -> list[_Ward]:
        return [ward for ward in self._wards.values() if ward.host is worker]

    def _count(self) -> None:
        for number in range(self.size):
            worker = self._living.get(number)
            _hosted.labels(str(number)).set(len(self._hosted_by(worker)) if worker else 0)

    # --- the workers' lives --------------------------------------------------------------------

    async def _keep(self, number: int) -> None:
        tries = 0
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            began = loop.time()
            try:
                await self._live(number)
            except Exception as error:
                # Whatever it is costs this worker alone: the task group would end them all.
                as_told = self._stopping.is_set() or isinstance(error, Dismissed)
                log = _log.info if as_told else _log.error
                log("media worker did not come up", worker=number, pii_error=repr(error))
                self._failures[number] = error if isinstance(error, MediaError) else MediaError(str(error))
                await self._tell_change()
            tries = 0 if loop.time() - began > _STEADY_S else tries + 1
            with suppress(TimeoutError):
                pause = _PAUSES_S[min(max(tries - 1, 0), len(_PAUSES_S) - 1)]
                await asyncio.wait_for(self._stopping.wait(), pause)
                return
            _restarts.labels(str(number)).inc()

    async def _live(self, number: int) -> None:
        """Run one process from its start to its end, and have what it left taken care of."""
        try:
            async with spawned(self._command, number) as (process, link):
                await self._until_ready(link, number)
                _log.info("media worker ready", worker=number, pid=process.pid)
                worker = self._living[number] = Worker(number, process, link)
                await self._tell_change()
                await worker.watch()
        finally:
            # The process is gone, and what it had told is in the journal.
            self._bury(self._living.pop(number, None))
            await self._tell_change()

    def _bury(self, worker: Worker | None) -> None:
        for ward in self._hosted_by(worker) if worker else ():
            self._tasks.create_task(self._mourn(ward), name=f"mourn {ward.call}")

    async def _until_ready(self, link: Link, number: int) -> None:
        ready = asyncio.Event()

        async def got_ready(_: dict[str, Any]) -> None:
            ready.set()

        link.serve({"append": self._append, "frames": self._took_frames, "ready": got_ready})
        async with asyncio.TaskGroup() as tasks:
            waiting = {tasks.create_task(event.wait()) for event in (ready, link.lost)}
            await asyncio.wait(waiting, timeout=_START_S, return_when=asyncio.FIRST_COMPLETED)
            for task in waiting:
                task.cancel()
        if not ready.is_set():
            raise MediaError(f"media worker {number} did not start", code="media_unavailable")

    async def _tell_change(self) -> None:
        _alive.set(self.alive)
        self._count()
        async with self._changed:
            self._changed.notify_all()

    async def _append(self, values: dict[str, Any]) -> dict[str, Any]:
        """Journal a worker's fact. Raises StorageError."""
        fact = codec.load(FACTS[values["name"]], values["fact"])
        entry = await self._journal.append(CaseId(values["case"]), fact)
        ward = self._wards.get(getattr(fact, "call", CallId("")))
        if ward is not None:
            ward.standing.noted(fact)
        return {"seq": entry.seq, "at": entry.at, "prev": entry.prev, "hash": entry.hash}

    async def _took_frames(self, values: dict[str, Any]) -> None:
        for call, seat, video, frame in unpacked(values):
            if self._frames is not None and call in self._wards:
                self._frames(call, seat, video, frame)

    async def _mourn(self, ward: _Ward) -> None:
        """Journal what the call lost with its worker and seal what that left, then let the call go on."""
        losses = ward.standing.losses()
        _log.error("a call lost its media worker", call=ward.call, facts=len(losses))
        for fact in losses:
            await self._insist(ward.case, fact)
        try:
            await self._seal(ward.case, ward.call)
        except Exception as error:
            _log.exception("a dead worker's segments are not sealed", call=ward.call, pii_error=str(error))
        self._part(ward)

    async def _insist(self, case: CaseId, fact: Fact) -> None:
        while True:
            try:
                await self._journal.append(case, fact)
                return
            except StorageError as error:
                _log.error("a loss is not journaled yet", fact=type(fact).__name__, pii_error=str(error))
            except Exception as error:
                _log.exception("a loss is not journaled", fact=type(fact).__name__, pii_error=str(error))
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _JOURNAL_RETRY_S)
                return

    async def _stop(self) -> None:
        self._stopping.set()
        async with asyncio.TaskGroup() as tasks:
            for number, keeping in self._keeping.items():
                tasks.create_task(self._dismiss(number, keeping))
        await self._tasks.__aexit__(None, None, None)

    async def _dismiss(self, number: int, keeping: asyncio.Task[None]) -> None:
        worker = self._living.get(number)
        if worker is not None:
            with suppress(TellerError):
                await worker.link.call("stop", _STOP_S)
                await asyncio.wait({keeping}, timeout=_STOP_S)
        keeping.cancel()
