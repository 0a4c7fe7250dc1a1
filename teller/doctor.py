"""``teller doctor``: tries what the service needs, in the order in which trouble is usually found."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from typing import NoReturn

from aiohttp import ClientError, ClientSession, ClientTimeout
from rich.console import Console
from rich.markup import escape

from contract.errors import MediaError, ModelError, TellerError
from contract.facts import GENESIS, Entry, Fact, seal_entry
from contract.ids import CaseId, new_call_id, new_case_id, new_seat_id
from contract.phases import Role
from contract.ports import Party
from kyc.packs import objections
from media.plane import Plane
from media.relay_probe import RelayError
from media.routes import everybody_talks
from store import Database
from teller.certificate import ensure_certificate
from teller.clock import SystemClock
from teller.compose import open_archive, open_turn
from teller.config import Config
from teller.demo.data import FPS, VIDEO_SIZE
from teller.demo.peer import WebRtcPeer, use_loopback
from teller.demo.pictures import FaceVideo, astronaut
from teller.demo.sound import Voice
from teller.media_worker import media_settings
from teller.models import configured_pack
from teller.networks import Networks
from teller.relays import try_relay
from teller.spool_watch import look
from teller.turn import TurnUri

LOOPBACK_S = 20.0
# A service on this machine answers at once, or does not run.
HEALTH_S = 3.0


class Mark(Enum):
    """How a check came out."""

    GOOD = "[green]✓[/]"
    WARNING = "[yellow]![/]"
    BAD = "[red]✗[/]"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, and what to do about it."""

    mark: Mark
    text: str
    advice: str = ""


Check = Callable[[Config], Awaitable[Finding]]


async def examine(config: Config, console: Console) -> int:
    """Print a line a check; return 1 when anything is bad, else 0."""
    worst = 0
    for name, check in (*CHECKS.items(), *_relays(config)):
        finding = await _run(check, config)
        console.print(f"{finding.mark.value} {name:<12} {escape(finding.text)}", highlight=False)
        if finding.advice:
            console.print(f"  {'':<12} [dim]{finding.advice}[/]", highlight=False)
        worst = max(worst, int(finding.mark is Mark.BAD))
    return worst


async def _run(check: Check, config: Config) -> Finding:
    try:
        return await check(config)
    except TellerError as error:
        return Finding(Mark.BAD, str(error))
    except OSError as error:
        return Finding(Mark.BAD, error.strerror or type(error).__name__)


async def _disk(config: Config) -> Finding:
    folder = config.data_dir
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK):
        return Finding(Mark.BAD, f"{folder} cannot be written", "give the service's user the folder")
    state = await asyncio.to_thread(look, folder / "spool", SystemClock().now())
    text = f"{state.free / 2**30:.0f} GB free in {folder.resolve()}"
    if state.cases:
        hours = (state.oldest_s or 0.0) / 3600
        text += (
            f"; {state.cases} cases, {state.bytes / 2**30:.1f} GB in the spool, the oldest for {hours:.1f} h"
        )
    if state.alarms(round(config.recording.spool_free_gb * 2**30)):
        return Finding(Mark.WARNING, text, "less than recording.spool_free_gb: is the archive away?")
    return Finding(Mark.GOOD, text)


async def _ports(config: Config) -> Finding:
    wanted = [(config.http.host, config.http.port)]
    if config.http.local_port >= 0:
        wanted.append(("127.0.0.1", config.http.local_port))
    taken = [f"{host}:{port}" for host, port in wanted if not _free(host, port, socket.SOCK_STREAM)]
    media = range(config.media.port, config.media.port + config.media.workers) if config.media.port else ()
    taken += [f"{port}/udp" for port in media if not _free("", port, socket.SOCK_DGRAM)]
    if taken:
        return Finding(
            Mark.WARNING, f"in use: {', '.join(taken)}", "by a running teller, or by another program"
        )
    had = [f"{host}:{port}" for host, port in wanted] + [f"{port}/udp" for port in media]
    return Finding(Mark.GOOD, f"{', '.join(had)} can be had")


def _free(host: str, port: int, kind: socket.SocketKind) -> bool:
    with closing(socket.socket(type=kind)) as probe:
        if kind is socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


async def _certificate(config: Config) -> Finding:
    if config.http.tls == "off":
        return Finding(Mark.WARNING, "off", "browsers open the camera over https or on localhost only")
    if config.http.tls == "files":
        return Finding(Mark.GOOD, f"{config.http.cert}")
    made = await asyncio.to_thread(ensure_certificate, config.certs_dir)
    return Finding(
        Mark.WARNING, f"self-made, {made.cert}", "browsers ask once; use your own CA in production"
    )


async def _database(config: Config) -> Finding:
    async with Database(config.database_url):
        return Finding(Mark.GOOD, "open, schema current")


async def _archive(config: Config) -> Finding:
    archive = open_archive(config)
    await archive.probe()
    return Finding(Mark.GOOD, f"{archive.name}: written, read back")


async def _models(config: Config) -> Finding:
    advice = "teller models pull, or teller models import DIR, brings the open pack"
    try:
        pack = await asyncio.to_thread(configured_pack, config)
    except ModelError as error:
        return Finding(Mark.BAD, str(error), advice)
    cards = ", ".join(card.name for card in pack.cards) or "none"
    text = f"pack {pack.name}, hashes verified, calibration cards: {cards}"
    against = objections(pack, config.kyc.licences)
    if not against:
        return Finding(Mark.GOOD, text)
    mark = Mark.BAD if config.kyc.production else Mark.WARNING
    outcome = "the service will not start" if config.kyc.production else "not for production"
    return Finding(mark, f"{text}; {outcome}: {'; '.join(against)}", advice)


async def _networks(config: Config) -> Finding:
    networks = await asyncio.to_thread(Networks.open, config.customer_network)
    settings = config.customer_network
    wanted = {"country_db": settings.country_db, "anonymous_db": settings.anonymous_db}
    missing = [f"customer_network.{name}" for name, path in wanted.items() if path is None]
    if not missing:
        return Finding(Mark.GOOD, ", ".join(networks.source))
    text = "; ".join(filter(None, (", ".join(networks.source), f"without {' and '.join(missing)}")))
    return Finding(Mark.WARNING, text, "what is not told there is unknown of customers' networks")


def _relays(config: Config) -> list[tuple[str, Check]]:
    ways: list[Check] = [partial(_relay, uri) for uri in map(TurnUri.parse, config.media.turn)]
    return [("turn", way) for way in ways or [_no_relay]]


async def _no_relay(config: Config) -> Finding:
    return Finding(
        Mark.WARNING, "none", "browsers that cannot send UDP to us cannot call; see deploy/README.md"
    )


async def _relay(uri: TurnUri, config: Config) -> Finding:
    try:
        seconds = await try_relay(config, open_turn(config), uri)
    except RelayError as error:
        return Finding(Mark.BAD, f"{uri.text}: {error}")
    return Finding(Mark.GOOD, f"{uri.text}: there and back in {seconds * 1000:.0f} ms")


async def _workers(config: Config) -> Finding:
    if config.http.local_port < 0:
        return Finding(Mark.GOOD, "not asked: http.local_port is off")
    url = f"http://127.0.0.1:{config.http.local_port}/healthz"
    try:
        async with ClientSession(timeout=ClientTimeout(HEALTH_S)) as http, http.get(url) as answer:
            alive = int((await answer.json())["media_workers"])
    except (ClientError, TimeoutError, ValueError, LookupError, TypeError):
        return Finding(Mark.GOOD, "the service is not running")
    text = f"{alive} of {config.media.workers} media workers alive"
    if alive < config.media.workers:
        advice = "its log says why one ended; it is started again after a pause"
        return Finding(Mark.WARNING if alive else Mark.BAD, text, advice)
    return Finding(Mark.GOOD, text)


class _NoJournal:
    """Takes the facts of the loopback call and keeps the last; nothing is written."""

    async def append(self, case: CaseId, fact: Fact) -> Entry:
        return seal_entry(1, 0.0, case, fact, GENESIS)

    async def read(self, case: CaseId, after: int = 0) -> tuple[Entry, ...]:
        return ()

    @asynccontextmanager
    async def follow(self, case: CaseId | None = None) -> AsyncIterator[AsyncIterator[Entry]]:
        yield _nothing()


async def _nothing() -> AsyncIterator[Entry]:
    return
    yield


async def _loopback(config: Config) -> Finding:
    use_loopback()
    loop = asyncio.get_running_loop()
    begun = loop.time()
    case, call = new_case_id(), new_call_id()
    # Beside a running service, whose port is taken.
    settings = replace(media_settings(config, 0), port=0)
    async with Plane(_NoJournal(), SystemClock(), settings) as plane:
        await plane.open_call(case, call)
        async with WebRtcPeer(FaceVideo(astronaut(), VIDEO_SIZE, FPS), Voice()) as one, WebRtcPeer() as two:
            parties = [Party(new_seat_id(), role, role) for role in (Role.CUSTOMER, Role.AGENT)]
            await plane.arrange(call, everybody_talks([party.seat for party in parties]))
            for peer, party in zip((one, two), parties, strict=True):
                await peer.accept(await plane.answer(call, party, await peer.offer()))
            await plane.open_gate(call)
            await _until_seen(two)
    told = ", ".join(map(str, config.media.advertised))
    untried = f"; not tried, for it cannot be from here: {told}" if told else ""
    return Finding(Mark.GOOD, f"picture and sound arrived after {loop.time() - begun:.1f} s{untried}")


async def _until_seen(peer: WebRtcPeer) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + LOOPBACK_S
    while not (peer.first_video_at and peer.first_audio_at):
        if loop.time() > deadline:
            _no_media(peer)
        await asyncio.sleep(0.05)


def _no_media(peer: WebRtcPeer) -> NoReturn:
    if not peer.connected.is_set():
        raise MediaError("no connection: is UDP on this machine blocked by a firewall?")
    raise MediaError("connected, but no media arrived")


CHECKS: dict[str, Check] = {
    "disk": _disk,
    "ports": _ports,
    "certificate": _certificate,
    "database": _database,
    "archive": _archive,
    "models": _models,
    "networks": _networks,
    "workers": _workers,
    "call": _loopback,
}
