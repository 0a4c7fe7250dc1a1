"""What the server puts around the rooms: headers by how browsers come, and who may read the figures."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from teller.clock import SystemClock
from teller.config import Config
from teller.serve import make_app
from tests.signaling.fakes import MemoryAudits, MemoryCases

_FILES = {"tls": "files", "cert": "cert.pem", "key": "key.pem"}


class _Room:
    """A front door and a playback without routes."""

    def add_to(self, app: web.Application) -> None:
        """Add nothing."""

    def routes(self) -> list[web.RouteDef]:
        """Have none."""
        return []


class _Workers:
    """Media workers of which ``alive`` live; the second tells one figure that this process has too."""

    def __init__(self, alive: int) -> None:
        self.alive = alive

    async def figures(self) -> dict[str, Any]:
        """Return figures as they come over the link."""
        return {"1": [["process_open_fds", "Files", "gauge", [["process_open_fds", {}, "7.0"]]]]}


@asynccontextmanager
async def _site(tmp_path: Path, alive: int = 1, **http: Any) -> AsyncIterator[tuple[ClientSession, str]]:
    config = Config(data_dir=tmp_path, http=http)  # type: ignore[arg-type]
    database = SimpleNamespace(audits=MemoryAudits(MemoryCases()))
    base = SimpleNamespace(database=database, clock=SystemClock())
    house = SimpleNamespace(signaling=_Room(), playback=_Room(), media=_Workers(alive), base=base)
    async with TestServer(make_app(config, house)) as server, ClientSession() as client:  # type: ignore[arg-type]
        yield client, str(server.make_url("/")).rstrip("/")


@pytest.mark.parametrize(
    ("http", "strict"),
    [
        (_FILES, True),
        ({"tls": "off", "public_url": "https://video.bank.example"}, True),
        ({"tls": "off", "public_url": "http://video.bank.example"}, False),
        ({"tls": "off"}, False),
        ({"tls": "auto", "public_url": "https://video.bank.example"}, False),
    ],
)
async def test_https_is_promised_where_browsers_trust_it(
    tmp_path: Path, http: dict[str, Any], strict: bool
) -> None:
    """With a certificate of the bank, here or at its proxy; the socket is then named as wss://."""
    host = {"Host": "video.bank.example"}
    async with _site(tmp_path, **http) as (client, url), client.get(f"{url}/agent/", headers=host) as answer:
        assert answer.status == 200
        assert ("Strict-Transport-Security" in answer.headers) is strict
        policy = answer.headers["Content-Security-Policy"]
    scheme = "wss" if strict else "ws"
    assert f"connect-src 'self' {scheme}://video.bank.example;" in policy


async def test_figures_of_all_processes_are_told_apart(tmp_path: Path) -> None:
    """Each family stands once; a worker's samples carry its number."""
    async with _site(tmp_path) as (client, url), client.get(f"{url}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    assert lines.count("# TYPE process_open_fds gauge") == 1
    assert 'process_open_fds{worker="1"} 7.0' in lines
    assert any(line.startswith("process_open_fds ") for line in lines)


@pytest.mark.parametrize(("alive", "status", "word"), [(2, 200, "ok"), (0, 503, "no_media")])
async def test_health_is_told_to_anybody(tmp_path: Path, alive: int, status: int, word: str) -> None:
    """Without a media worker no call can be taken, and a balancer should know."""
    async with _site(tmp_path, alive) as (client, url), client.get(f"{url}/healthz") as answer:
        assert answer.status == status
        assert await answer.json() == {"status": word, "media_workers": alive}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"X-Forwarded-For": "198.51.100.7"}, 404),
        ({"Forwarded": "for=198.51.100.7"}, 404),
        ({"Via": "1.1 proxy"}, 404),
    ],
)
async def test_figures_are_for_this_machine_alone(
    tmp_path: Path, headers: dict[str, str], status: int
) -> None:
    """What a proxy on this machine passes on comes from elsewhere."""
    async with _site(tmp_path) as (client, url), client.get(f"{url}/metrics", headers=headers) as answer:
        assert answer.status == status
        assert (b"teller_" in await answer.read()) is (status == 200)
