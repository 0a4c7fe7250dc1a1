"""The media plane: calls by their id, behind the contract's port."""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from prometheus_client import Counter, Gauge

from contract.errors import NotFound, ProtocolError
from contract.ids import CallId, CaseId, SeatId
from contract.ports import Clock, Journal, MediaReceiver, Party, SeatRoute
from media.call import Call
from media.endpoint import Endpoint
from media.settings import MediaSettings

_calls = Gauge("teller_media_calls", "Calls whose media is open")
_bad_offers = Counter("teller_media_bad_offers", "Offers that were refused", ["code"])


class Plane:
    """Implements ``contract.ports.MediaPlane`` in this process; used as an async context manager.

    ``receivers`` (recorder, face sampler) are handed every track. Media facts go to ``journal``. All
    calls share one UDP port, which is known as ``port`` inside the context.
    """

    def __init__(
        self, journal: Journal, clock: Clock, settings: MediaSettings, receivers: Sequence[MediaReceiver] = ()
    ) -> None:
        self._journal, self._clock, self._settings = journal, clock, settings
        self._receivers = tuple(receivers)
        self._calls: dict[CallId, Call] = {}
        self._endpoint = Endpoint(settings)
        self._tasks = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        """Bind.

        Raises:
            MediaError: an address is not ours, or the port is taken.
        """
        await self._endpoint.__aenter__()
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            for call in tuple(self._calls):
                await self.close_call(call)
            # Every call is closed, so there is nothing to cancel, and ``error`` goes on as it is.
            await self._tasks.__aexit__(None, None, None)
        finally:
            await self._endpoint.__aexit__(kind, error, trace)

    @property
    def port(self) -> int:
        """The UDP port of all connections."""
        return self._endpoint.port

    async def open_call(self, case: CaseId, call: CallId) -> None:
        """Prepare a call with its gate shut; an open one is left alone."""
        if call in self._calls:
            return
        opened = Call(case, call, self._journal, self._clock, self._settings, self._receivers, self._endpoint)
        self._calls[call] = opened
        _calls.inc()
        self._tasks.create_task(opened.run())
        await opened.wait_started()

    async def answer(self, call: CallId, party: Party, offer: str) -> str:
        """Answer ``party``'s SDP offer; replaces the connection that the seat had before.

        Raises:
            ProtocolError: the offer is not SDP or not the planned m-lines.
            NotFound: no such call.
            MediaError: the connection could not be prepared, or ``no_common_codec`` with the others.
        """
        try:
            return await self._find(call).answer(party, offer)
        except ProtocolError as error:
            _bad_offers.labels(error.code).inc()
            raise

    async def open_gate(self, call: CallId) -> None:
        """From now on forward media and hand it to the receivers. Raises NotFound."""
        self._find(call).open_gate()

    async def arrange(self, call: CallId, routes: Sequence[SeatRoute]) -> None:
        """Replace who sends what to whom; when this returns, no packet goes another way any more.

        Raises:
            NotFound: no such call.
            MediaError: the call is closing, or these are no routes; the former arrangement stands.
        """
        self._find(call).arrange(routes)

    async def drop_seat(self, call: CallId, seat: SeatId) -> None:
        """Close the seat's connection and end its tracks. Unknown calls and seats are ignored."""
        if call in self._calls:
            await self._calls[call].drop_seat(seat)

    def request_keyframe(self, call: CallId, seat: SeatId) -> None:
        """Ask a seat's camera for a keyframe, for a receiver. Unknown calls and seats are ignored."""
        if call in self._calls:
            self._calls[call].request_keyframe(seat)

    async def close_call(self, call: CallId) -> None:
        """Close everything of the call; sinks are closed when this returns. Idempotent."""
        closing = self._calls.get(call)
        if closing is None:
            return
        await closing.close()
        if self._calls.pop(call, None) is not None:
            _calls.dec()

    def _find(self, call: CallId) -> Call:
        if call not in self._calls:
            raise NotFound("no such call")
        return self._calls[call]
