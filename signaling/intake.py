"""What comes with a request: bodies, proofs, how often. All of it is bounded."""

import asyncio
import json
from typing import Any, TypeVar

from aiohttp import web

from contract import codec
from contract.errors import Busy, NotFound, ProtocolError, Unproven
from signaling.buckets import Buckets
from signaling.rooms import Rooms
from signaling.settings import SignalingSettings
from signaling.tickets import UploadClaims

_T = TypeVar("_T")
_BLOCK = 65_536


class Intake:
    """Reads requests for the handlers."""

    def __init__(self, settings: SignalingSettings, rooms: Rooms) -> None:
        self._settings = settings
        self._rooms = rooms
        self._per_ip = Buckets(settings.per_ip_per_minute / 60, settings.per_ip_burst)

    async def body(self, request: web.Request, cls: type[_T]) -> _T:
        """Return the JSON body as a ``cls``. Raises ProtocolError when it does not fit."""
        if request.content_type != "application/json":
            raise ProtocolError("application/json is wanted")
        data = await self.read(request, self._settings.body_max)
        try:
            parsed: Any = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise ProtocolError("not JSON") from error
        return codec.load(cls, parsed)

    async def read(self, request: web.Request, bound: int, patience: float = 1.0) -> bytes:
        """Return the body, at most ``bound`` bytes of it.

        Raises:
            web.HTTPRequestEntityTooLarge: as soon as it passes ``bound``.
            web.HTTPRequestTimeout: it is not there after ``patience`` times the usual time.
        """
        body = bytearray()
        await self._take(request, bound, patience, body)
        return bytes(body)

    async def drain(self, request: web.Request, bound: int) -> int:
        """Return how many bytes the body has, keeping none. Raises as :meth:`read`."""
        return await self._take(request, bound, 1.0, None)

    async def _take(self, request: web.Request, bound: int, patience: float, into: bytearray | None) -> int:
        if (announced := request.content_length or 0) > bound:
            raise web.HTTPRequestEntityTooLarge(bound, announced)
        size = 0
        try:
            async with asyncio.timeout(self._settings.body_s * patience):
                async for block in request.content.iter_chunked(_BLOCK):
                    size += len(block)
                    if size > bound:
                        raise web.HTTPRequestEntityTooLarge(bound, size)
                    if into is not None:
                        into += block
        except TimeoutError as error:
            raise web.HTTPRequestTimeout from error
        return size

    def claims(self, request: web.Request) -> UploadClaims:
        """Return what the customer's upload token grants, for the case in the path.

        Raises:
            Unproven: ``upload_denied``.
            NotFound: a token of another case.
        """
        self._rooms.guard.require_origin(request)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer":
            raise Unproven("a bearer token is wanted", code="upload_denied")
        claims = self._rooms.tickets.check_upload(token)
        if claims.case != request.match_info["case"]:
            raise NotFound("no such case")
        return claims

    def slow_down(self, request: web.Request, what: str) -> None:
        """Raise Busy ``too_fast`` when this address asks for ``what`` too often."""
        source = f"{what} {self._rooms.guard.address(request)}"
        if not self._per_ip.take(source, self._rooms.clock.monotonic()):
            raise Busy("too many requests from this address", code="too_fast")
