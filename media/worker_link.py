"""Commands, answers and facts between the server and a media worker: JSON lines over a stream socket.

One object a line, both ways alike::

    {"id": 7, "do": "answer", "with": {...}}     a command
    {"id": 7, "done": ...}                       its answer
    {"id": 7, "failed": {"kind", "code", "text"}}  or an error of ``contract.errors``
    {"cancel": 7}                                nobody waits for 7 any more

A line that is too long, is not this, or is one command too many breaks the link: the other end is this
program, so it has lost its mind. Whatever waited for an answer then gets :class:`LinkLost`.
"""

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from types import MappingProxyType, TracebackType
from typing import Any, Self

import structlog

from contract import errors
from contract.errors import InternalError, MediaError, ProtocolError, TellerError

_log = structlog.get_logger(__name__)

# The figures of a worker are the longest line, about 40 kB; an SDP text has at most 64 kB.
LINE_MAX = 1 << 20
# The pool gives a worker at most 256 calls; each tells two facts at a time, its own and its recorder's. As
# many again are for the commands. A fact that finds no room is told again a second later.
UNDER_WAY_MAX = 1_024
# What is said of an error is for the log.
_TEXT_MAX = 500
# The last lines of a link that is closed in good order reach a healthy reader at once.
_CLOSE_S = 2.0

Handler = Callable[[dict[str, Any]], Awaitable[Any]]

_KINDS = {
    name: kind for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, TellerError)
}  # fmt: skip


class LinkLost(MediaError):
    """The other end is gone; whether the command was carried out is not known."""

    default_code = "media_unavailable"


class Link:
    """One end of a link; runs while entered.

    ``keeps_working``: commands that had come when the link was lost are carried out to their end,
    else they are cancelled.
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, keeps_working: bool
    ) -> None:
        self._reader, self._writer = reader, writer
        self._keeps_working = keeps_working
        self._handlers: Mapping[str, Handler] = MappingProxyType({})
        self._tasks = asyncio.TaskGroup()
        self._reading: asyncio.Task[None] | None = None
        self._sending = asyncio.Lock()
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._work: dict[int, asyncio.Task[None]] = {}
        self.lost = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._reading = self._tasks.create_task(self._read(), name="worker link")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.lost.is_set():
            await self._close()
        if self._reading is not None:
            self._reading.cancel()
        await self._tasks.__aexit__(None, None, None)

    def serve(self, handlers: Mapping[str, Handler]) -> None:
        """Carry out the other end's commands with these from now on."""
        self._handlers = handlers

    async def call(self, command: str, deadline_s: float | None = None, /, **values: Any) -> Any:
        """Return the other end's answer.

        Raises:
            LinkLost: there is no other end any more.
            MediaError: no answer within ``deadline_s``, or too many commands wait.
            TellerError: what the other end raised.
        """
        if self.lost.is_set():
            raise LinkLost(f"{command}: the worker is gone")
        if len(self._waiting) >= UNDER_WAY_MAX:
            raise MediaError("too many commands are under way")
        number = next(self._numbers)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            async with asyncio.timeout(deadline_s):
                await self._send({"id": number, "do": command, "with": values})
                return await answer
        except TimeoutError:
            raise MediaError(f"{command} took too long") from None
        finally:
            self._forget(number)

    def cut(self) -> None:
        """Give the other end up, at once. Idempotent."""
        if self.lost.is_set():
            return
        self.lost.set()
        self._writer.transport.abort()
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(LinkLost("the worker is gone"))
        if not self._keeps_working:
            for task in self._work.values():
                task.cancel()

    # --- inside ---

    def _forget(self, number: int) -> None:
        answer = self._waiting.pop(number)
        if answer.cancelled() and not self.lost.is_set():
            self._writer.write(_line({"cancel": number}))
        elif answer.done() and not answer.cancelled():
            # Fetched even when the caller has given up in the same moment.
            answer.exception()

    async def _close(self) -> None:
        self._writer.close()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(_CLOSE_S):
                await self._writer.wait_closed()
        self.cut()

    async def _read(self) -> None:
        try:
            while line := await self._reader.readline():
                self._got(line)
        except OSError as error:
            # The other end is gone, as when it closes; what it died of is told there.
            _log.info("a worker link was lost", pii_error=str(error))
        except (ValueError, ProtocolError) as error:
            if not self.lost.is_set():
                _log.error("a worker link broke", pii_error=str(error))
        finally:
            self.cut()

    def _got(self, line: bytes) -> None:
        match json.loads(line):
            case {"id": int(number), "do": str(command), "with": dict(values)}:
                self._begin(number, command, values)
            case {"id": int(number), "done": result}:
                self._settle(number, result, None)
            case {"id": int(number), "failed": {"kind": kind, "code": str(code), "text": str(text)}}:
                self._settle(number, None, _KINDS.get(kind, InternalError)(text, code=code))
            case {"cancel": int(number)}:
                if number in self._work:
                    self._work[number].cancel()
            case _:
                raise ProtocolError("not a line of this protocol")

    def _begin(self, number: int, command: str, values: dict[str, Any]) -> None:
        if len(self._work) >= UNDER_WAY_MAX or number in self._work:
            raise ProtocolError("a command too many")
        task = self._tasks.create_task(self._do(number, command, values), name=f"worker {command}")
        self._work[number] = task
        task.add_done_callback(lambda _: self._work.pop(number))

    def _settle(self, number: int, result: Any, error: TellerError | None) -> None:
        answer = self._waiting.get(number)
        if answer is None or answer.done():
            return
        if error is None:
            answer.set_result(result)
        else:
            answer.set_exception(error)

    async def _do(self, number: int, command: str, values: dict[str, Any]) -> None:
        reply = await self._outcome(command, values)
        with suppress(LinkLost):
            await self._send({"id": number} | reply)

    async def _outcome(self, command: str, values: dict[str, Any]) -> dict[str, Any]:
        try:
            if command not in self._handlers:
                raise ProtocolError(f"{command} is no command here")
            return {"done": await self._handlers[command](values)}
        except TellerError as error:
            return {"failed": _described(error)}
        except Exception as error:
            _log.exception("a worker command broke", command=command)
            return {"failed": _described(InternalError(type(error).__name__))}

    async def _send(self, value: dict[str, Any]) -> None:
        line = _line(value)
        # One at a time, and only when there is room: a reader that does not read holds up the senders, not
        # the memory, and a sender that gives up has sent nothing.
        async with self._sending:
            with suppress(OSError):
                await self._writer.drain()
            if self.lost.is_set():
                raise LinkLost("the worker is gone")
            self._writer.write(line)


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _described(error: TellerError) -> dict[str, str]:
    kind = next(base.__name__ for base in type(error).__mro__ if base.__name__ in _KINDS)
    return {"kind": kind, "code": error.code, "text": str(error)[:_TEXT_MAX]}
