"""A real server process for tests: free ports, its own data, stopped by its pid."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen, TimeoutExpired
from time import monotonic, sleep
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from contract.ids import CaseId
from store import Database
from teller.compose import open_sealed_archive
from teller.config import load
from teller.demo.run import free_port, seed

ROOT = Path(__file__).resolve().parents[2]
# A machine that runs other things too takes a minute.
START_S = 180.0
# What a healthy run may not write into its log.
ALARMS = ("Traceback", "BlockingError", "never awaited", "was destroyed but it is pending", "never retrieved")


def _nested(settings: Mapping[str, str]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for name, value in settings.items():
        section, _, key = name.rpartition(".")
        if section == "archive":
            nested.setdefault(section, {})[key] = value
    return nested


class Server:
    """``teller serve`` with demo data. ``arguments`` are further ``--set`` settings."""

    def __init__(
        self, data: Path, settings: Mapping[str, str] = {}, launcher: str = "tests.e2e.launch"
    ) -> None:
        self.data = data
        self.launcher = launcher
        self.port, self.https_port = free_port(0), free_port(0)
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = data.parent / f"{data.name}.log"
        self.settings = {
            "http.host": "127.0.0.1",
            "http.port": str(self.https_port),
            "http.local_port": str(self.port),
            "media.bind": '["127.0.0.1"]',
            "media.port": "0",
            "media.workers": "1",
            "log.format": "json",
            "kyc.production": "false",
            **settings,
        }
        self.process: Popen[bytes] | None = None

    @property
    def arguments(self) -> list[str]:
        """Return the words before the subcommand."""
        sets = [part for key, value in self.settings.items() for part in ("--set", f"{key}={value}")]
        return ["--data", str(self.data), *sets]

    def seed(self) -> None:
        """Put the demo bank into the database."""
        asyncio.run(seed(load(None, {"data_dir": str(self.data)})))

    def start(self) -> None:
        """Start and wait until it answers; the log is in the error when it does not."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith("TELLER_")}
        environment["PYTHONPATH"] = str(ROOT)
        with self.log.open("ab") as log:
            self.process = Popen(
                [sys.executable, "-m", self.launcher, *self.arguments, "serve"],
                stdout=log, stderr=log, cwd=self.data.parent, env=environment,
            )  # fmt: skip
        deadline = monotonic() + START_S
        while not self._answers():
            if self.process.poll() is not None or monotonic() > deadline:
                self.stop()
                raise AssertionError(f"the server did not come up:\n{self.log.read_text()[-4000:]}")
            sleep(0.05)

    def _answers(self) -> bool:
        try:
            with urlopen(f"{self.url}/healthz", timeout=2) as answer:  # noqa: S310 - our own loopback URL
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def archived(self, case: str, file: str = "merged.mp4") -> Path:
        """Return an archived file, decrypted with the service's own keys, as a copy of its own."""
        return asyncio.run(self.fetched(case, file))

    async def fetched(self, case: str, file: str = "merged.mp4") -> Path:
        """As :meth:`archived`, where an event loop runs already."""
        copy = self.data.parent / f"{self.data.name}-{case}-{Path(file).name}"
        config = load(None, _nested(self.settings) | {"data_dir": str(self.data)})
        async with Database(config.database_url) as database:
            tenant = (await database.cases.case(CaseId(case))).tenant
            archive = await asyncio.to_thread(open_sealed_archive, config, database)
            blocks = [block async for block in archive.read(f"{tenant}/{case}/{file}")]
        await asyncio.to_thread(copy.write_bytes, b"".join(blocks))
        return copy

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> int:
        """Ask it to stop, wait, return its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
                raise AssertionError(f"the server did not stop:\n{self.log.read_text()[-4000:]}") from None
        return self.process.returncode

    def media_workers(self) -> dict[int, int]:
        """Return the newest process of each media worker, as the log names them."""
        lines = [line for line in self.log.read_text().splitlines() if '"media worker ready"' in line]
        return {event["worker"]: event["pid"] for event in map(json.loads, lines)}

    def told(self, case: str, *names: str) -> list[dict[str, Any]]:
        """Return a case's facts of these names as its journal has them, and when (``at``), oldest first."""
        lines = (self.data / "journal" / f"{case}.jsonl").read_text("utf-8").splitlines()
        entries = [entry for entry in map(json.loads, lines) if entry["name"] in names]
        return [{"name": entry["name"], "at": entry["at"], **entry["fact"]} for entry in entries]

    def alarms(self) -> list[str]:
        """Return the lines of the log that no healthy run writes."""
        lines = self.log.read_text().splitlines()
        return [line for line in lines if any(alarm in line for alarm in ALARMS)]


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """Seed and run ``server``; it must stop cleanly and leave no alarm in its log."""
    server.seed()
    server.start()
    try:
        yield server
    finally:
        code = server.stop()
    assert code == 0, server.log.read_text()[-4000:]
    assert not server.alarms(), "\n".join(server.alarms()[:20])
