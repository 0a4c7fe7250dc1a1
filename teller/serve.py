"""``teller serve``: the web application, its addresses, and the merge worker beside it."""

import asyncio
import os
import signal
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
from aiohttp import web

from contract.errors import MediaError, UserError
from teller.certificate import ensure_certificate
from teller.clock_watch import ClockWatch
from teller.compose import House, open_house
from teller.config import Config
from teller.monitor import Monitor
from teller.parent import following_parent
from teller.relays import watch_relays
from teller.spool_watch import watch_spool
from web_kit.serve import WebKit

_log = structlog.get_logger(__name__)

_HERE = Path(__file__).resolve().parent.parent
APPS = {
    "customer_h5": _HERE / "customer_h5",
    "agent_console": _HERE / "agent_console",
    "player": _HERE / "recordings" / "player",
}
# A worker that dies at once is started again after this pause, so that it cannot spin.
WORKER_PAUSE_S = 2.0
# Open requests get this long when the service stops; sockets were told before.
SHUTDOWN_S = 5.0
# A merge step notices SIGTERM within one beat of its lease.
WORKER_STOP_S = 10.0


def make_app(config: Config, house: House) -> web.Application:
    """Return the application with every route and the headers on every response."""
    # HSTS with the self-made certificate would lock a browser out, for it lets nobody click through.
    kit = WebKit(APPS, https=config.https, embed_origins=config.http.embed_origins)
    app = web.Application()
    kit.install(app)
    house.signaling.add_to(app)
    app.add_routes(house.playback.routes())
    monitor = Monitor(house.media, house.base.database.audits, house.base.clock)
    app.router.add_get("/healthz", monitor.health)
    app.router.add_get("/metrics", monitor.metrics)
    return app


async def serve(config: Config, arguments: tuple[str, ...], *, parent: int | None) -> int:
    """Serve until SIGINT or SIGTERM; ``arguments`` stand before the worker's subcommand.

    Or until the process that started this one is gone; see ``following_parent``.
    """
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        async with open_house(config, arguments) as house, listening(config, house) as urls:
            _log.info("ready", urls=urls, recovered_cases=house.recovered)
            with following_parent(stop, parent):
                async with asyncio.TaskGroup() as group:
                    watch = watch_spool(
                        house.base.spool.root,
                        round(config.recording.spool_free_gb * 2**30),
                        house.base.clock.now,
                        house.signaling.show_alarms,
                    )
                    clock_watch = ClockWatch(house.clock, house.base.journal, house.media.recorded)
                    works = (_keep_worker(arguments), watch_relays(config), watch, clock_watch.run())
                    jobs = [group.create_task(job) for job in works]
                    await stop.wait()
                    _log.info("stopping")
                    for job in jobs:
                        job.cancel()
    except MediaError:
        # Who stops the service may stop its media workers in the same moment, before they took any call.
        if not stop.is_set():
            raise
    return 0


@asynccontextmanager
async def listening(config: Config, house: House) -> AsyncIterator[list[str]]:
    """Listen at the configured addresses; yield their URLs.

    Raises:
        UserError: an address cannot be had.
    """
    app = await asyncio.to_thread(make_app, config, house)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    try:
        tls = await asyncio.to_thread(_tls, config)
        await _listen(runner, config.http.host, config.http.port, tls)
        if config.http.local_port >= 0:
            await _listen(runner, "127.0.0.1", config.http.local_port, None)
        yield [site.name for site in runner.sites]
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, host: str, port: int, tls: ssl.SSLContext | None) -> None:
    try:
        await web.TCPSite(runner, host, port, ssl_context=tls).start()
    except OSError as error:
        raise UserError(f"{host}:{port}: {error.strerror}", code="cannot_listen") from error


def _tls(config: Config) -> ssl.SSLContext | None:
    if config.http.tls == "off":
        return None
    cert, key = config.http.cert, config.http.key
    if config.http.tls == "auto" or cert is None or key is None:
        made = ensure_certificate(config.certs_dir)
        cert, key = made.cert, made.key
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(cert, key)
    return context


async def _keep_worker(arguments: tuple[str, ...]) -> None:
    while True:
        words = ("-m", "teller", *arguments, "worker", "--with-parent", str(os.getpid()))
        try:
            # Out of the terminal's reach: Ctrl-C is for the server, which stops the worker in its turn.
            process = await asyncio.create_subprocess_exec(sys.executable, *words, start_new_session=True)
        except OSError as error:
            _log.error("worker_not_started", pii_error=str(error))
            await asyncio.sleep(WORKER_PAUSE_S)
            continue
        try:
            code = await process.wait()
            _log.warning("worker_ended", code=code)
        finally:
            if process.returncode is None:
                process.terminate()
                await _reap(process)
        await asyncio.sleep(WORKER_PAUSE_S)


async def _reap(process: asyncio.subprocess.Process) -> None:
    try:
        await asyncio.wait_for(process.wait(), WORKER_STOP_S)
    except TimeoutError:
        process.kill()
        await process.wait()
