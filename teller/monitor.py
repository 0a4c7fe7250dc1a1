"""What a machine may ask about the service's health: ``/healthz`` and ``/metrics``."""

import asyncio

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from media.pool import Pool
from media.worker_figures import Merged

# Whoever passes a request on says so in one of these.
_PASSED_ON = ("Forwarded", "Via", "X-Forwarded-For")


class Monitor:
    """Handlers of both addresses."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def health(self, request: web.Request) -> web.Response:
        """Say that the loop runs and how many media workers do; 503 when calls cannot be taken."""
        alive = self._pool.alive
        told = {"status": "ok" if alive else "no_media", "media_workers": alive}
        return web.json_response(told, status=200 if alive else 503)

    async def metrics(self, request: web.Request) -> web.Response:
        """Give the figures of the server and its media workers to this machine alone."""
        if request.remote not in ("127.0.0.1", "::1") or any(name in request.headers for name in _PASSED_ON):
            raise web.HTTPNotFound
        # In a thread: figures of the process are read from files under /proc.
        text = await asyncio.to_thread(generate_latest, Merged(await self._pool.figures()))
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})
