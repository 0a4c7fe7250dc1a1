"""``teller demo``: a server with demo data in its own process, and on request the scripted case.

The parent only prints, waits and plays the callers; the service is the ordinary ``teller serve``.
"""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import segno
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Table

from contract.errors import TellerError, UserError
from contract.phases import CheckVerdict
from contract.ports import Account
from signaling.accounts import PasswordHashes
from store import Database
from teller.certificate import lan_addresses
from teller.compose import open_sealed_archive
from teller.config import Config
from teller.demo.caller import Rest
from teller.demo.data import LOGINS, PASSWORD, PEOPLE, TENANT, make_props
from teller.demo.peer import use_loopback
from teller.demo.script import Play, Report

# A cold start imports OpenCV and ONNX Runtime and makes the database; ten seconds on two busy cores.
START_S = 60.0


@dataclass(frozen=True, slots=True)
class Server:
    """The demo's server: its command line, its address on this machine, its HTTPS port."""

    arguments: tuple[str, ...]
    url: str
    https_port: int


def free_port(wanted: int, host: str = "127.0.0.1") -> int:
    """Return ``wanted`` if nobody listens there, else a free port."""
    for port in (wanted, 0):
        with closing(socket.socket()) as probe:
            # As the server does, so that a port in TIME_WAIT counts as free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise UserError("no free port", code="no_port")


async def seed(config: Config) -> None:
    """Put the demo bank and its people into the database; what is there already stays."""
    config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    async with Database(config.database_url) as database:
        await database.accounts.add_tenant(TENANT)
        for person in PEOPLE:
            if await database.accounts.account_by_login(person.login) is None:
                account = Account(
                    person.account,
                    TENANT.tenant,
                    person.login,
                    person.name,
                    person.role,
                    await PasswordHashes().make(PASSWORD),
                    skills=person.skills,
                    languages=person.languages,
                    number=person.number,
                )
                await database.accounts.add_account(account)


@asynccontextmanager
async def running_server(arguments: tuple[str, ...], url: str) -> AsyncIterator[int]:
    """Run ``teller <arguments>`` until the block ends; yield its pid once ``url`` answers.

    Raises:
        UserError: it did not come up; its last output is on the terminal.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "teller",
        *arguments,
        # Out of the terminal's reach: Ctrl-C is for this process, which stops the server in its turn.
        start_new_session=True,
    )
    try:
        await _until_healthy(process, url)
        yield process.pid
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), 30)
            except TimeoutError:
                process.kill()
                await process.wait()


async def _until_healthy(process: asyncio.subprocess.Process, url: str) -> None:
    deadline = asyncio.get_running_loop().time() + START_S
    async with aiohttp.ClientSession() as http:
        while asyncio.get_running_loop().time() < deadline:
            if process.returncode is not None:
                raise UserError(f"the server ended with code {process.returncode}", code="no_server")
            try:
                async with http.get(url + "/healthz") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)
    raise UserError(f"the server did not answer within {START_S:.0f} s", code="no_server")


class ConsoleStage:
    """Shows steps and progress on the terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        columns = (
            TextColumn("  {task.description:<32}"),
            BarColumn(40),
            TextColumn("{task.percentage:>3.0f} %"),
        )
        self._progress = Progress(*columns, console=console, transient=True)
        self._task: TaskID | None = None

    def step(self, text: str, detail: str = "") -> None:
        """Print a finished step."""
        self.close()
        self._console.print(f"  [green]✓[/] {text}" + (f"  [dim]{detail}[/]" if detail else ""))

    def progress(self, note: str, fraction: float) -> None:
        """Draw the bar."""
        if self._task is None:
            self._progress = Progress(*self._progress.columns, console=self._console, transient=True)
            self._task = self._progress.add_task(note, total=1.0)
            self._progress.start()
        self._progress.update(self._task, description=note[:32], completed=fraction)

    def close(self) -> None:
        """Take the bar away."""
        if self._task is not None:
            self._progress.stop()
            self._task = None


async def host_demo(config: Config, server: Server, console: Console) -> int:
    """Serve until interrupted, with the links and logins on the screen."""
    await seed(config)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with running_server(server.arguments, server.url):
        print_doors(console, config, server)
        await stop.wait()
        console.print("\nstopping …")
    return 0


def print_doors(console: Console, config: Config, server: Server) -> None:
    """Print the three links, the logins, the QR code and where the data lies."""
    local = server.url.replace("127.0.0.1", "localhost")
    lan = [f"https://{address}:{server.https_port}" for address in lan_addresses() if ":" not in address]
    phone = f"{lan[0] if lan else local}/c/?b={TENANT.code}"
    console.print("\n[bold]Video Teller 视频柜员[/] is running. Open these in two browser windows:\n")
    table = Table.grid(padding=(0, 2))
    table.add_row("customer 客户", f"{local}/c/?b={TENANT.code}", "no login")
    table.add_row("agent 柜员", f"{local}/agent/", f"{LOGINS.agent[0]} / {PASSWORD}")
    table.add_row("second agent 第二柜员", f"{local}/agent/", f"agent2 / {PASSWORD}")
    table.add_row("supervisor 主管", f"{local}/agent/", f"supervisor / {PASSWORD}")
    table.add_row("auditor 审核", f"{local}/audit/", f"{LOGINS.auditor[0]} / {PASSWORD}")
    console.print(table)
    console.print(f"\nOn a phone in the same network (accept the self-made certificate): {phone}")
    segno.make(phone, error="l").terminal(out=sys.stdout, compact=True)
    console.print(f"Data lies in {config.data_dir.resolve()}. Ctrl-C stops.")


async def play_demo(config: Config, server: Server, console: Console, *, mismatch: bool) -> int:
    """Play the scripted case; return the exit code."""
    await seed(config)
    what = "another face on the card" if mismatch else "from tap to signature"
    console.print(f"[bold]Video Teller 视频柜员[/]: one case, {what}\n")
    use_loopback()
    async with running_server(server.arguments, server.url):
        console.print(f"  [green]✓[/] server up  [dim]{server.url}[/]")
        props = await asyncio.to_thread(lambda: make_props(mismatch=mismatch))
        stage = ConsoleStage(console)
        try:
            report = await Play(lambda: Rest(server.url), LOGINS, props, stage).run()
        except TellerError as error:
            stage.close()
            console.print(f"  [red]✗[/] {error}")
            return 1
    print_report(console, report, await _film(config, report))
    expected = {CheckVerdict.FAILED} if mismatch else {CheckVerdict.PASSED, CheckVerdict.REVIEW}
    return 0 if report.face_verdict in expected else 1


async def _film(config: Config, report: Report) -> Path:
    """Return a copy of the merged film to look at: what lies in the archive is encrypted."""
    copy = (config.data_dir / f"{report.case}.mp4").resolve()
    async with Database(config.database_url) as database:
        archive = await asyncio.to_thread(open_sealed_archive, config, database)
        with await asyncio.to_thread(copy.open, "wb") as file:
            async for block in archive.read(f"{TENANT.tenant}/{report.case}/{report.merged_file}"):
                await asyncio.to_thread(file.write, block)
    return copy


def print_report(console: Console, report: Report, film: Path) -> None:
    """Print what the case was and what was measured."""
    score = "-" if report.face_score is None else f"{report.face_score:.3f}"
    first = report.click_to_first_frame_s
    lines = {
        "case": report.case,
        "outcome": f"{report.verdict} (face check: {report.face_verdict})",
        "merged file": film,
        "tap to first remote frame": "-" if first is None else f"{first:.2f} s",
        "face score": f"{score} (threshold {report.face_threshold:.2f}, pack {report.pack})",
        "merge speed": f"{report.merge_speed:.1f} × real time ({report.merged_s:.1f} s of recording)",
        "gaps in the recording": f"{report.gap_s:.2f} s",
    }
    console.print()
    for name, value in lines.items():
        # Never wrapped, so that a path can be copied.
        console.print(f"{name:<27}{value}", highlight=False, soft_wrap=True)


async def run_demo(
    config: Config, arguments: tuple[str, ...], auto: str | None, ports: tuple[int, int], console: Console
) -> int:
    """Run ``teller demo``; ``arguments`` stand before ``serve``; ``ports``: HTTPS, HTTP."""
    https, http = (free_port(port) for port in ports)
    for wanted, got in zip(ports, (https, http), strict=True):
        if wanted not in (0, got):
            console.print(f"[yellow]Port {wanted} is taken, using {got}.[/]")
    settings = [f"http.port={https}", f"http.local_port={http}", "media.port=0", "kyc.production=false"]
    settings.append("kyc.outside=demo")
    if auto:
        # The scripted callers live on this machine: nothing needs to be reachable from outside.
        settings += ["http.host=127.0.0.1", 'media.bind=["127.0.0.1"]', "log.level=warning"]
    words = (*arguments, *(part for text in settings for part in ("--set", text)), "serve")
    words += ("--with-parent", str(os.getpid()))
    server = Server(words, f"http://127.0.0.1:{http}", https)
    if auto is None:
        return await host_demo(config, server, console)
    return await play_demo(config, server, console, mismatch=auto == "mismatch")
