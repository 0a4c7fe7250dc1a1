"""Files up and down: proofs, progress, cancelling, and the server's word when it refuses."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser

from tests.browser import Watched, watched_page
from web_kit.serve import WebKit

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

_TELL = "return await %s.then((value) => value, ({ code, status }) => [code, status]);"


@dataclass
class Depot:
    """A server that takes and gives files as it is told; `open` lets requests be answered."""

    kit: WebKit = field(default_factory=lambda: WebKit({}))
    refusal: tuple[int, str] | None = None
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    watched: Watched | None = None

    async def got_request(self, request: web.Request) -> web.Response:
        """Keep what came; answer."""
        self.got.append(
            ({key.lower(): value for key, value in request.headers.items()}, await request.read())
        )
        await self.open.wait()
        if self.refusal:
            status, code = self.refusal
            return web.json_response({"code": code, "text": ""}, status=status)
        if request.method == "GET":
            return web.Response(body=b"%PDF-", content_type="application/pdf")
        return web.json_response({"evidence": "ev-1"}, status=201)

    async def run(self, body: str) -> Any:
        """Return what ``async (it) => { body }`` gives on the page, ``it`` being the module."""
        assert self.watched is not None
        code = f"async (url) => {{ const it = await import(url); {body} }}"
        return await self.watched.page.evaluate(code, f"/s/{self.kit.build}/web_kit/rest.js")


@pytest_asyncio.fixture(loop_scope="session")
async def depot(browser: Browser) -> AsyncIterator[Depot]:
    """A page of a running depot."""
    depot = Depot()
    depot.open.set()
    app = web.Application()
    depot.kit.install(app)
    app.router.add_route("*", "/files", depot.got_request)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with watched_page(browser, (800, 600)) as watched:
        depot.watched = watched
        await watched.page.goto(f"http://127.0.0.1:{runner.addresses[0][1]}", wait_until="networkidle")
        yield depot
    await runner.cleanup()


async def test_upload_with_a_token(depot: Depot) -> None:
    """The bytes go with the customer's token and their type; progress ends at one."""
    told = await depot.run(
        """const steps = [];
        const file = new Blob(["hello"], { type: "text/plain" });
        const onProgress = (fraction) => steps.push(fraction);
        const value = await it.upload("/files", file, { token: "t-1", onProgress });
        return [value, steps.at(-1)];"""
    )
    assert told == [{"evidence": "ev-1"}, 1]
    [(headers, body)] = depot.got
    assert (headers["authorization"], headers["content-type"]) == ("Bearer t-1", "text/plain")
    assert body == b"hello" and "x-csrf-token" not in headers


async def test_upload_of_a_logged_in_person(depot: Depot) -> None:
    """Without a token the session's CSRF token goes along; a refusal keeps the server's word."""
    depot.refusal = (415, "file_type")
    assert depot.watched is not None
    depot.watched.expected = ("415",)
    told = await depot.run('it.setCsrf("c-1");' + _TELL % 'it.upload("/files", new Blob(["x"]))')
    assert told == ["file_type", 415]
    [(headers, _body)] = depot.got
    assert headers["x-csrf-token"] == "c-1" and "authorization" not in headers
    assert headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize("call", ['upload("/files", new Blob(["x"]), %s)', 'download("/files", %s)'])
async def test_cancel(depot: Depot, call: str) -> None:
    """A signal ends a transfer under way, and one that was given too late, with `cancelled`."""
    depot.open.clear()
    told = await depot.run(
        "const stop = new AbortController(); const { signal } = stop;"
        f"const first = it.{call % '{ signal }'}.catch(({{ code }}) => code);"
        "stop.abort();"
        f"const second = it.{call % '{ signal }'}.catch(({{ code }}) => code);"
        "return [await first, await second];"
    )
    assert told == ["cancelled", "cancelled"]


async def test_download(depot: Depot) -> None:
    """A file comes as a blob with its type; a refusal keeps the server's word."""
    told = await depot.run(
        """const blob = await it.download("/files", { token: "t-1" });
        return [blob.type, await blob.text()];"""
    )
    assert told == ["application/pdf", "%PDF-"]
    assert depot.got[0][0]["authorization"] == "Bearer t-1"
    depot.refusal = (403, "upload_denied")
    assert depot.watched is not None
    depot.watched.expected = ("403",)
    assert await depot.run(_TELL % 'it.download("/files")') == ["upload_denied", 403]


async def test_keeping_a_file(depot: Depot) -> None:
    """A blob is saved under its name, under the page's security policy."""
    assert depot.watched is not None
    page = depot.watched.page
    async with page.expect_download() as keeping:
        await page.evaluate(
            """async (url) => {
                const { saveFile } = await import(url);
                saveFile(new Blob(["hello"]), "合同.txt");
            }""",
            f"/s/{depot.kit.build}/web_kit/files.js",
        )
    kept = await keeping.value
    assert kept.suggested_filename == "合同.txt"
    assert (await kept.path()).read_text() == "hello"


async def test_sizes_in_words(depot: Depot) -> None:
    """Sizes are told in two or three digits."""
    assert depot.watched is not None
    told = await depot.watched.page.evaluate(
        "async (url) => [1, 340000, 1258291].map((await import(url)).sizeInWords)",
        f"/s/{depot.kit.build}/web_kit/files.js",
    )
    assert told == ["1 KB", "332 KB", "1.2 MB"]
