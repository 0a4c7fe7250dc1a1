"""The identity checks as the rest of the house sees them: two lanes before one model process.

A process and not a thread: dlib's ResNet holds the interpreter's lock for 130 ms a face (measured),
which in the server process would stop every live call for as long. A native crash, too, costs one job
and not the calls.
"""

import asyncio
import os
import sys
from contextlib import suppress
from datetime import date
from types import TracebackType
from typing import Any, Self, TypeVar

import structlog
from prometheus_client import Counter, Gauge

from contract.errors import Busy, ModelError, UserError
from contract.ports import FaceFinding, IdNumberFinding, ImageFinding
from kyc.documents import check_id_number
from kyc.lanes import Lanes, Waiting
from kyc.limits import PIXELS_MAX
from kyc.packs import Pack
from kyc.pipes import (
    PREFIX,
    Broke,
    Inspect,
    Job,
    LiveJob,
    Load,
    Match,
    Ready,
    Refused,
    body_length,
    packed,
    unpacked,
)
from kyc.registry import CPU

_log = structlog.get_logger(__name__)

_JOBS = Counter("teller_kyc_jobs", "Identity jobs by outcome", ["kind", "outcome"])
_WAITING = Gauge("teller_kyc_waiting", "Identity jobs that wait for the model process")
_DROPPED = Counter("teller_kyc_looks_dropped", "Looks at calls that a newer one replaced", ["kind"])
_RESTARTS = Counter("teller_kyc_restarts", "Times the model process was started again")

# Importing and loading takes 0.7 s on an idle core; a full machine takes many times that.
_START_DEADLINE_S = 60.0
# Two pictures are up to 24 MB; handed over at once they would hold the event loop for several milliseconds.
_SLICE = 262_144
# Between attempts to start a model process that does not come up.
_RESTART_PAUSE_S = 1.0


_Reply = TypeVar("_Reply")


class Engine:
    """Implements :class:`contract.ports.IdentityChecks`; an async context manager.

    At most ``queue_max`` jobs wait; more are refused with ``Busy("kyc_busy")``. A job that takes the
    model process longer than ``deadline_s`` seconds, a look longer than ``look_deadline_s``, fails with
    ModelError and costs the process, which is started anew. A cancelled caller's job is skipped, or its
    result dropped. ``providers`` are ONNX Runtime's names, the best first.

    Entering raises ModelError when the models cannot be loaded.
    """

    def __init__(
        self,
        pack: Pack,
        queue_max: int = 8,
        *,
        providers: tuple[str, ...] = (CPU,),
        deadline_s: float = 30.0,
        look_deadline_s: float = 15.0,
    ) -> None:
        self.pack = pack
        self._providers = providers
        self._deadline_s = deadline_s
        self._look_deadline_s = look_deadline_s
        self._lanes = Lanes(queue_max)
        self._group = asyncio.TaskGroup()
        self._task: asyncio.Task[None] | None = None
        self._child: _Child | None = None

    async def __aenter__(self) -> Self:
        child = await self._start()
        self._child = child
        await self._group.__aenter__()
        self._task = self._group.create_task(self._run(child), name="kyc engine")
        _log.info("models loaded", pack=self.pack.name, demo_only=self.pack.demo_only, pid=child.pid)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None
        try:
            await self._group.__aexit__(None, None, None)
        finally:
            # Here and not in the task: a task cancelled before its first step runs no finally.
            self._fail_waiting("the engine was closed")
            if self._child is not None:
                await self._child.stop()

    async def inspect_image(self, data: bytes) -> ImageFinding:
        """Decode a picture and describe it. See the port for the errors."""
        return await self.ask(Inspect(data))

    async def check_id_number(self, number: str, on: date) -> IdNumberFinding:
        """Apply GB 11643; microseconds, so done on the spot."""
        return check_id_number(number, on)

    async def match_faces(self, card: bytes, still: bytes) -> FaceFinding:
        """Compare the portrait on the card with the face on the still. See the port for the errors."""
        return await self.ask(Match(card, still))

    async def ask(self, job: Job[_Reply]) -> _Reply:
        """Do a job, before looks but for the share of :mod:`kyc.lanes`.

        Raises:
            Busy: ``kyc_busy``, too many jobs wait.
            UserError: what was handed in is to blame.
            ModelError: the model failed, or the engine is not running.
        """
        self._require_running()
        try:
            waiting = self._lanes.put(job)
        except Busy:
            _JOBS.labels(type(job).__name__, "busy").inc()
            raise
        _WAITING.set(self._lanes.jobs)
        reply: _Reply = await waiting.answer
        return reply

    async def watch(self, look: LiveJob[_Reply]) -> _Reply | None:
        """Look at a call when no job waits, or after a few; None when a newer look took its place.

        Raises:
            ModelError: the model failed, or the engine is not running.
        """
        self._require_running()
        waiting, pushed = self._lanes.put_look(look)
        if pushed is not None:
            _DROPPED.labels(type(pushed.job).__name__).inc()
        reply: _Reply | None = await waiting.answer
        return reply

    def _require_running(self) -> None:
        if self._task is None:
            raise ModelError("the engine is not running")

    async def _start(self) -> "_Child":
        return await _Child.start(Load(self.pack, self._providers))

    async def _run(self, child: "_Child") -> None:
        while True:
            await self._relay(child)
            await child.stop()
            child = self._child = await self._restarted()

    async def _relay(self, child: "_Child") -> None:
        while True:
            waiting = await self._lanes.next()
            _WAITING.set(self._lanes.jobs)
            if waiting.answer.done():
                continue
            live = isinstance(waiting.job, LiveJob)
            try:
                async with asyncio.timeout(self._look_deadline_s if live else self._deadline_s):
                    reply = await child.ask(waiting.job)
            except asyncio.CancelledError:
                waiting.fail(ModelError("the engine was closed"))
                raise
            except (TimeoutError, OSError, EOFError) as error:
                _log.error("model process lost", job=type(waiting.job).__name__, cause=type(error).__name__)
                _JOBS.labels(type(waiting.job).__name__, "lost").inc()
                waiting.fail(ModelError("the model process was lost"))
                return
            _deliver(waiting, reply)

    async def _restarted(self) -> "_Child":
        while True:
            _RESTARTS.inc()
            try:
                return await self._start()
            except ModelError as error:
                _log.error("model process does not start", pii_error=str(error))
                self._fail_waiting("the model process does not start")
                await asyncio.sleep(_RESTART_PAUSE_S)

    def _fail_waiting(self, text: str) -> None:
        self._lanes.fail_all(text)
        _WAITING.set(0)


def _deliver(waiting: Waiting, reply: Any) -> None:
    outcome = "done"
    error: UserError | ModelError | None = None
    if isinstance(reply, Refused):
        outcome, error = "refused", UserError(reply.text, code=reply.code)
    elif isinstance(reply, Broke):
        outcome, error = "broke", ModelError(reply.text)
        _log.error("identity job broke", pii_error=reply.text)
    _JOBS.labels(type(waiting.job).__name__, outcome).inc()
    if error is None:
        waiting.done(reply)
    else:
        waiting.fail(error)


class _Child:
    """The model process and its pipes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        # Both are pipes, because start() asks for them.
        assert process.stdin is not None and process.stdout is not None  # noqa: S101
        self._process = process
        self._stdin, self._stdout = process.stdin, process.stdout
        self.pid = process.pid

    @classmethod
    async def start(cls, load: Load) -> Self:
        """Start a process and let it do ``load``. Raises ModelError."""
        # -P: what lies in the working directory must not be imported.
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", "kyc.child",
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=_environment(),
            )  # fmt: skip
        except OSError as error:
            raise ModelError(f"the model process cannot be started: {error.strerror}") from error
        child = cls(process)
        try:
            async with asyncio.timeout(_START_DEADLINE_S):
                reply = await child.ask(load)
        except BaseException as error:
            await child.stop()
            if isinstance(error, TimeoutError | OSError | EOFError):
                raise ModelError(f"the model process did not start: {type(error).__name__}") from error
            raise
        if not isinstance(reply, Ready):
            await child.stop()
            raise ModelError(reply.text if isinstance(reply, Broke) else "the model process is confused")
        return child

    async def ask(self, message: Load | Job[Any]) -> Any:
        """Send one message and return its reply. Raises OSError or EOFError when the process is gone."""
        data = memoryview(packed(message))
        for start in range(0, len(data), _SLICE):
            self._stdin.write(data[start : start + _SLICE])
            await self._stdin.drain()
        prefix = await self._stdout.readexactly(PREFIX)
        return unpacked(await self._stdout.readexactly(body_length(prefix)))

    async def stop(self) -> None:
        """Kill the process, which keeps nothing worth saving, and wait for its end."""
        self._stdin.close()
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()
        await self._process.wait()


def _environment() -> dict[str, str]:
    return os.environ | {
        # One job at a time on one core: the other cores belong to the calls.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "OPENCV_LOG_LEVEL": "ERROR",
        "OPENCV_IO_MAX_IMAGE_PIXELS": str(PIXELS_MAX),
    }
