"""What the server puts around the rooms: headers by how browsers come, and who may read the figures."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from teller.config import Config
from teller.serve import make_app

_FILES = {"tls": "files", "cert": "cert.pem", "key": "key.pem"}


class _Room:
    """A front door and a playback without routes."""

    def add_to(self, app: web.Application) -> None:
        """Add nothing."""

    async def handler(self, request: web.Request) -> web.Response:
        """Have nothing."""
        raise web.HTTPNotFound


@asynccontextmanager
async def _site(tmp_path: Path, **http: Any) -> AsyncIterator[tuple[ClientSession, str]]:
    config = Config(data_dir=tmp_path, http=http)  # type: ignore[arg-type]
    house = SimpleNamespace(signaling=_Room(), playback=_Room())
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
    tmp_path: Path, http: dict[str, str], strict: bool
) -> None:
    """With a certificate of the bank, here or at its proxy; the socket is then named as wss://."""
    host = {"Host": "video.bank.example"}
    async with _site(tmp_path, **http) as (client, url), client.get(f"{url}/agent/", headers=host) as answer:
        assert answer.status == 200
        assert ("Strict-Transport-Security" in answer.headers) is strict
        policy = answer.headers["Content-Security-Policy"]
    scheme = "wss" if strict else "ws"
    assert f"connect-src 'self' {scheme}://video.bank.example;" in policy


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
