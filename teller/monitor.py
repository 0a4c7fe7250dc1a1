"""What a machine may ask about the service's health: ``/healthz`` and ``/metrics``."""

import asyncio
import math

import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest

from contract.errors import StorageError
from contract.ports import AuditQueue, Clock
from media.pool import Pool
from media.worker_figures import Merged

_log = structlog.get_logger(__name__)

WAITING = Gauge("teller_audit_waiting", "Cases that wait for an auditor, of all banks.")
OVERDUE = Gauge("teller_audit_overdue", "Cases that wait for an auditor and were due before now.")

LOOKS = Gauge(
    "teller_audit_second_looks", "Cases of all banks with two verdicts given unseen.", ["first", "second"]
)

# Whoever passes a request on says so in one of these.
_PASSED_ON = ("Forwarded", "Via", "X-Forwarded-For")


class Monitor:
    """Handlers of both addresses."""

    def __init__(self, pool: Pool, audits: AuditQueue, clock: Clock) -> None:
        self._pool, self._audits, self._clock = pool, audits, clock

    async def health(self, request: web.Request) -> web.Response:
        """Say that the loop runs and how many media workers do; 503 when calls cannot be taken."""
        alive = self._pool.alive
        told = {"status": "ok" if alive else "no_media", "media_workers": alive}
        return web.json_response(told, status=200 if alive else 503)

    async def metrics(self, request: web.Request) -> web.Response:
        """Give the figures of the server and its media workers to this machine alone."""
        if request.remote not in ("127.0.0.1", "::1") or any(name in request.headers for name in _PASSED_ON):
            raise web.HTTPNotFound
        await self._count_audits()
        # In a thread: figures of the process are read from files under /proc.
        text = await asyncio.to_thread(generate_latest, Merged(await self._pool.figures()))
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _count_audits(self) -> None:
        try:
            load, looks = await self._audits.load(self._clock.now()), await self._audits.looks()
        except StorageError as error:
            # No figure is better than an old one; the others are still told.
            _log.error("waiting audits cannot be counted", pii_error=str(error))
            WAITING.set(math.nan)
            OVERDUE.set(math.nan)
        else:
            WAITING.set(load.waiting)
            OVERDUE.set(load.overdue)
            LOOKS.clear()
            for count in looks:
                LOOKS.labels(count.first, count.second).inc(count.cases)
