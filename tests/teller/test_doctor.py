"""What the doctor finds about media workers and their ports."""

import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from teller.config import Config
from teller.doctor import CHECKS, Mark


@asynccontextmanager
async def service(tmp_path: Path, answer: str, workers: int = 2) -> AsyncIterator[Config]:
    """Yield the configuration of a service whose health is ``answer``."""

    async def health(_: web.Request) -> web.Response:
        return web.Response(text=answer, content_type="application/json", status=200)

    app = web.Application()
    app.router.add_get("/healthz", health)
    async with TestServer(app, host="127.0.0.1") as server:
        yield _config(tmp_path, {"local_port": server.port}, {"workers": workers})


def _config(tmp_path: Path, http: dict[str, Any], media: dict[str, Any]) -> Config:
    return Config(data_dir=tmp_path, http=http, media=media)  # type: ignore[arg-type]


@pytest.mark.parametrize(("alive", "mark"), [(2, Mark.GOOD), (1, Mark.WARNING), (0, Mark.BAD)])
async def test_missing_workers_are_found(tmp_path: Path, alive: int, mark: Mark) -> None:
    """A running service says how many of its media workers live."""
    async with service(tmp_path, json.dumps({"status": "ok", "media_workers": alive})) as config:
        finding = await CHECKS["workers"](config)
    assert finding.mark is mark
    assert finding.text == f"{alive} of 2 media workers alive"
    assert bool(finding.advice) is (alive < 2)


@pytest.mark.parametrize("answer", ["", "[]", '{"status": "ok"}', '{"media_workers": null}'])
async def test_another_program_is_no_service(tmp_path: Path, answer: str) -> None:
    """Whatever answers there, the doctor goes on."""
    async with service(tmp_path, answer) as config:
        finding = await CHECKS["workers"](config)
    assert (finding.mark, finding.text) == (Mark.GOOD, "the service is not running")


async def test_a_service_that_does_not_run_is_no_fault(tmp_path: Path) -> None:
    """Nobody listens, or nobody may be asked."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        finding = await CHECKS["workers"](_config(tmp_path, {"local_port": probe.getsockname()[1]}, {}))
    assert finding.text == "the service is not running"
    off = await CHECKS["workers"](_config(tmp_path, {"local_port": -1}, {}))
    assert (off.mark, off.text) == (Mark.GOOD, "not asked: http.local_port is off")


async def test_a_taken_media_port_is_named(tmp_path: Path) -> None:
    """One of the workers' UDP ports belongs to another program."""
    with socket.socket(type=socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        media = {"port": port - 1, "workers": 2}
        finding = await CHECKS["ports"](_config(tmp_path, {"port": 0, "local_port": -1}, media))
    assert finding.mark is Mark.WARNING
    assert f"{port}/udp" in finding.text
