"""One browser's WebSocket: one reader, one writer; the front is the loop between them.

Every bound has a policy: a full outbox or a send that takes too long closes 1013, a flood 1008, a
broken protocol 1002, a silent newcomer 1008. Each is counted.
"""

import asyncio
import contextlib
from typing import Final

import structlog
from aiohttp import WSCloseCode, WSMsgType, web
from prometheus_client import Counter

from contract import wire
from contract.errors import Busy, Denied, ProtocolError, UserError
from contract.ports import Clock
from contract.wire import CLIENT_MESSAGES, MESSAGE_MAX_BYTES, Bye, Hello, Message
from signaling.buckets import Bucket
from signaling.settings import SignalingSettings

_log = structlog.get_logger(__name__)
_bad_input = Counter("teller_signaling_bad_input", "Sockets closed for what they sent", ["code"])
_slow = Counter("teller_signaling_slow_consumers", "Sockets closed because they read too slowly")

# A frame that a healthy phone does not take in this time means that it is gone or stuck.
_SEND_S: Final = 10.0
# Time for the goodbye to a slow consumer before the line is cut.
_CUT_S: Final = 1.0
# The closing handshake; then the connection is cut.
_CLOSE_S: Final = 4.0
_CLOSE_CODES: Final = {
    "protocol": WSCloseCode.PROTOCOL_ERROR,
    "version": WSCloseCode.PROTOCOL_ERROR,
    "bad_sdp": WSCloseCode.PROTOCOL_ERROR,
    "bad_offer": WSCloseCode.PROTOCOL_ERROR,
    "wrong_plan": WSCloseCode.PROTOCOL_ERROR,
    "no_common_codec": WSCloseCode.PROTOCOL_ERROR,
    "too_fast": WSCloseCode.POLICY_VIOLATION,
    "hello_missing": WSCloseCode.POLICY_VIOLATION,
    "server_stopped": WSCloseCode.GOING_AWAY,
    "internal": WSCloseCode.INTERNAL_ERROR,
    "slow_consumer": WSCloseCode.TRY_AGAIN_LATER,
    "busy": WSCloseCode.TRY_AGAIN_LATER,
    "replaced": WSCloseCode.OK,
    "consent_refused": WSCloseCode.OK,
    "callback_noted": WSCloseCode.OK,
    "logged_out": WSCloseCode.OK,
}
_GONE: Final = frozenset({WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR})
_BAD: Final = frozenset(
    {code for code, close in _CLOSE_CODES.items() if close == WSCloseCode.PROTOCOL_ERROR}
    | {"too_fast", "hello_missing"}
)


def close_code(code: str) -> int:
    """Return the WebSocket close code (RFC 6455) that goes with a machine word; 1008 for refusals."""
    return _CLOSE_CODES.get(code, WSCloseCode.POLICY_VIOLATION)


def word_of(error: BaseException) -> str:
    """Return the machine word that an error is told as: never more than ``internal`` about our faults."""
    if isinstance(error, ProtocolError | UserError):
        return error.code
    return "internal"


class Socket:
    """A connected browser; implements ``signaling.actions.Line``."""

    def __init__(
        self,
        ws: web.WebSocketResponse,
        transport: asyncio.Transport | None,
        settings: SignalingSettings,
        clock: Clock,
    ) -> None:
        self._ws = ws
        self._transport = transport
        self._settings = settings
        self._clock = clock
        self._outbox: asyncio.Queue[tuple[Message, ...]] = asyncio.Queue(settings.outbox_max)
        self._bucket = Bucket(settings.messages_per_s, settings.messages_burst, clock.monotonic())
        self._ended: str | None = None

    def send(self, *messages: Message) -> None:
        """Queue messages in one place of the outbox; when it is full the socket is closed."""
        if self._ended is not None:
            return
        try:
            self._outbox.put_nowait(messages)
        except asyncio.QueueFull:
            _log.warning("outbox full", bound=self._settings.outbox_max)
            self._give_up()

    def end(self, code: str) -> None:
        """Say goodbye with this word after what is queued, and close."""
        if self._ended is None:
            self._ended = code
            if code in _BAD:
                _bad_input.labels(code).inc()
            with contextlib.suppress(asyncio.QueueFull):
                self._outbox.put_nowait((Bye(code),))

    async def hello(self) -> Hello:
        """Return the first message.

        Raises:
            ProtocolError: it is not a hello, or of another version (``version``).
            Denied: it did not come in time (``hello_missing``), or the socket closed.
        """
        try:
            async with asyncio.timeout(self._settings.hello_s):
                message = await self.receive()
        except TimeoutError as error:
            raise Denied("no hello in time", code="hello_missing") from error
        if message is None:
            raise Denied("closed before hello", code="hello_missing")
        if not isinstance(message, Hello):
            raise ProtocolError("hello comes first")
        if message.version != wire.VERSION:
            raise ProtocolError("another protocol version", code="version")
        return message

    async def receive(self) -> Message | None:
        """Return the next message, None when the socket is closed.

        Raises:
            ProtocolError: not a text frame or not a known message.
            Busy: ``too_fast``.
        """
        frame = await self._ws.receive()
        if frame.type in _GONE:
            if self._ws.close_code == WSCloseCode.MESSAGE_TOO_BIG:
                _bad_input.labels("too_large").inc()
            return None
        if not self._bucket.take(self._clock.monotonic()):
            raise Busy("too many messages", code="too_fast")
        if frame.type is not WSMsgType.TEXT:
            raise ProtocolError("text frames only")
        return wire.parse(frame.data, CLIENT_MESSAGES)

    async def write(self) -> None:
        """Send what is queued, until the goodbye is sent or the browser does not take it."""
        try:
            while self._ended is None or not self._outbox.empty():
                for message in await self._outbox.get():
                    async with asyncio.timeout(_SEND_S):
                        await self._ws.send_str(wire.dump(message))
        except TimeoutError:
            self._give_up()
        except ConnectionError:
            self._ended = self._ended or "gone"
        await self._close()

    def _give_up(self) -> None:
        _slow.inc()
        self._ended = "slow_consumer"
        if self._transport is not None:
            # The writer may be stuck in a frame that nobody takes; cutting the line frees it.
            asyncio.get_running_loop().call_later(_CUT_S, self._transport.abort)
        while not self._outbox.empty():
            self._outbox.get_nowait()
        self._outbox.put_nowait((Bye("slow_consumer"),))

    async def _close(self) -> None:
        try:
            async with asyncio.timeout(_CLOSE_S):
                await self._ws.close(code=close_code(self._ended or "gone"))
        except TimeoutError:
            if self._transport is not None:
                self._transport.abort()


async def prepare(request: web.Request, settings: SignalingSettings) -> web.WebSocketResponse:
    """Upgrade the request; a dead peer is noticed by the WebSocket heartbeat."""
    ws = web.WebSocketResponse(
        heartbeat=settings.heartbeat_s, max_msg_size=MESSAGE_MAX_BYTES, timeout=2.0, compress=False
    )
    await ws.prepare(request)
    return ws
