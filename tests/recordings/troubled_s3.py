"""An S3 server that answers 500, late, or so late that nobody waits for it: a proxy before one that works."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from aiohttp import ClientSession, TCPConnector, web
from aiohttp.test_utils import TestServer

from recordings.archive_s3 import S3Settings
from tests.recordings.ceph import Gateway
from tests.recordings.s3_servers import settings_for

# What a proxy decides anew.
_OF_ONE_HOP = frozenset({"transfer-encoding", "connection", "content-encoding", "server", "date"})


class TroubledS3:
    """Passes requests on, ``late_s`` seconds later; while ``fails`` it answers 500 instead.

    With ``withholds`` the next upload is passed on, and its answer kept back until the client hangs up:
    ``waited_s`` tells how long it waited, -1 before.
    """

    def __init__(self, gateway: Gateway, session: ClientSession) -> None:
        self.fails = False
        self.late_s = 0.0
        self.withholds = False
        self.waited_s = -1.0
        self.refused = self.passed = 0
        self._url = f"https://{gateway.endpoint}"
        self._session = session

    async def answer(self, request: web.Request) -> web.Response:
        """Answer a request, or have it answered."""
        await asyncio.sleep(self.late_s)
        if self.fails:
            self.refused += 1
            return web.Response(status=500, text="<Error><Code>InternalError</Code></Error>")
        self.passed += 1
        response = await self._pass_on(request)
        if self.withholds and request.method == "PUT":
            self.withholds = False
            await self._wait_for_hanging_up()
        return response

    async def _wait_for_hanging_up(self) -> None:
        begun = time.monotonic()
        try:
            # The test server cancels whoever answers a client that is gone.
            await asyncio.Event().wait()
        finally:
            self.waited_s = time.monotonic() - begun

    async def _pass_on(self, request: web.Request) -> web.Response:
        body = await request.read()
        async with self._session.request(
            request.method, self._url + request.raw_path, headers=request.headers, data=body
        ) as came:
            headers = {k: v for k, v in came.headers.items() if k.lower() not in _OF_ONE_HOP}
            if request.method != "HEAD":
                headers.pop("Content-Length", None)
            return web.Response(status=came.status, headers=headers, body=await came.read())


@asynccontextmanager
async def troubled(gateway: Gateway, bucket: str) -> AsyncIterator[tuple[TroubledS3, S3Settings]]:
    """Yield the proxy and the settings that lead to it."""
    connector = TCPConnector(ssl=False)
    async with ClientSession(connector=connector, auto_decompress=False) as session:
        proxy = TroubledS3(gateway, session)
        app = web.Application(client_max_size=64 << 20)
        app.router.add_route("*", "/{path:.*}", proxy.answer)
        async with TestServer(app) as server:
            settings = settings_for(gateway, bucket)
            yield (
                proxy,
                replace(
                    settings, endpoint=f"127.0.0.1:{server.port}", secure=False, ca_bundle=None, retries=1
                ),
            )
