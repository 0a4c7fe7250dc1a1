"""Pages and assets as a browser gets them."""

import gzip
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession, web

from web_kit.serve import WebKit

ROOT = Path(__file__).parents[2]
PAGE = (
    '<!doctype html><html><head><meta name="teller-embed-origins" content="{{embed_origins}}">'
    '<meta name="teller-bank" content="{{bank}}">'
    '<script type="module" src="/s/{{build}}/customer_h5/main.js"></script></head><body></body></html>'
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a small app: main → part → web_kit/dom, and a cycle back."""
    (tmp_path / "index.html").write_text(PAGE)
    (tmp_path / "main.js").write_text(
        'import {\n  a,\n} from "./deep/part.js";\n// {{build}}\nconst b = "./no.js";'
    )
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "part.js").write_text(
        '/** @import { X } from "./types.js" */\n'
        'import "../main.js";\nexport { h } from "../../web_kit/dom.js";'
    )
    (tmp_path / "secret.py").write_text("password")
    (tmp_path / "embed.js").write_text("// embed")
    (tmp_path / "big.css").write_text("a { color: red; }\n" * 200)
    return tmp_path


@pytest.fixture
def kit(folder: Path) -> WebKit:
    """Return the small app, served to two banks' pages."""
    return WebKit(
        {"customer_h5": folder}, embed_origins=("https://a.example", "https://b.example:8443"), bank='B "1"'
    )


@pytest.fixture
async def site(kit: WebKit) -> AsyncIterator[tuple[ClientSession, str]]:
    """Yield a client of a server with the kit and a few other routes."""
    app = web.Application()
    kit.install(app)

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"x")
        return response

    async def fail(request: web.Request) -> web.Response:
        raise web.HTTPForbidden

    async def strict(request: web.Request) -> web.Response:
        return web.Response(headers={"Content-Security-Policy": "sandbox"})

    app.router.add_get("/strict", strict)
    app.router.add_get("/stream", stream)
    app.router.add_get("/fail", fail)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with ClientSession(auto_decompress=False, headers={"Accept-Encoding": "identity"}) as client:
        yield client, f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_asset_is_immutable(site: tuple[ClientSession, str], kit: WebKit) -> None:
    """An asset under the present build may be kept for ever and has its exact type."""
    client, url = site
    async with client.get(f"{url}/s/{kit.build}/customer_h5/main.js") as got:
        assert got.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert got.headers["Content-Type"] == "text/javascript; charset=utf-8"
        assert b"{{build}}" in await got.read()


async def test_gzip(site: tuple[ClientSession, str], kit: WebKit) -> None:
    """Those who accept gzip get it where it pays; others get plain bytes."""
    client, url = site
    address = f"{url}/s/{kit.build}/customer_h5/big.css"
    async with client.get(address, headers={"Accept-Encoding": "gzip"}) as got:
        assert got.headers["Content-Encoding"] == "gzip"
        packed = await got.read()
    async with client.get(address, headers={"Accept-Encoding": "identity"}) as got:
        assert "Content-Encoding" not in got.headers and got.headers["Vary"] == "Accept-Encoding"
        assert gzip.decompress(packed) == await got.read()


@pytest.mark.parametrize(
    "path",
    [
        "/s/0000000000000000/customer_h5/main.js",
        "/s/{build}/customer_h5/secret.py",
        "/s/{build}/customer_h5/index.html",
        "/s/{build}/customer_h5/../customer_h5/secret.py",
        "/s/{build}/customer_h5/%2e%2e/secret.py",
        "/s/{build}/web_kit/serve.py",
        "/s/{build}/web_kit/wire.d.ts",
        "/s/{build}/nothing/main.js",
        "/agent/",
    ],
)
async def test_not_served(site: tuple[ClientSession, str], kit: WebKit, path: str) -> None:
    """Another build, other kinds of files, ways out of the folder and absent apps are not found."""
    client, url = site
    async with client.get(url + path.replace("{build}", kit.build)) as got:
        assert got.status == 404


async def test_page(site: tuple[ClientSession, str], kit: WebKit) -> None:
    """A page is revalidated each time, carries the build id, and preloads its whole module graph."""
    client, url = site
    async with client.get(f"{url}/c/?b=x") as got:
        assert got.headers["Cache-Control"] == "no-cache"
        text = await got.text()
    assert "{{" not in text
    assert re.findall(r'modulepreload" href="/s/\w+/([^"]+)"', text) == [
        "customer_h5/main.js",
        "customer_h5/deep/part.js",
        "web_kit/dom.js",
    ]
    assert 'teller-embed-origins" content="https://a.example https://b.example:8443"' in text
    assert 'teller-bank" content="B &quot;1&quot;"' in text


async def test_without_slash(site: tuple[ClientSession, str]) -> None:
    """/c?b=x leads to /c/?b=x."""
    client, url = site
    async with client.get(f"{url}/c?b=x", allow_redirects=False) as got:
        assert (got.status, got.headers["Location"]) == (302, "/c/?b=x")
    async with client.get(f"{url}/c", allow_redirects=False) as got:
        assert got.headers["Location"] == "/c/"


@pytest.mark.parametrize("path", ["/", "/c/", "/stream", "/fail", "/nowhere", "/favicon.ico", "/embed.js"])
async def test_headers_everywhere(site: tuple[ClientSession, str], path: str) -> None:
    """Pages, streams and errors alike carry the policy."""
    client, url = site
    async with client.get(url + path) as got:
        policy = got.headers["Content-Security-Policy"]
        assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
        assert "require-trusted-types-for 'script'; trusted-types 'none'" in policy
        assert "unsafe" not in policy
        assert got.headers["X-Content-Type-Options"] == "nosniff"
        assert got.headers["Referrer-Policy"] == "no-referrer"
        assert got.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert got.headers["Permissions-Policy"].startswith("camera=(self)")
        assert "Strict-Transport-Security" not in got.headers
        framed = "frame-ancestors https://a.example https://b.example:8443" in policy
        assert framed == (path == "/c/")
        shared = got.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert shared == (path == "/embed.js")


async def test_a_stricter_policy_stays(site: tuple[ClientSession, str]) -> None:
    """A response that brings its own policy keeps it, and gets the other headers."""
    client, url = site
    async with client.get(f"{url}/strict") as got:
        assert got.headers.getall("Content-Security-Policy") == ["sandbox"]
        assert got.headers["X-Content-Type-Options"] == "nosniff"


def test_socket_in_policy(folder: Path) -> None:
    """The own socket is named by scheme; a host that is no host is left out."""
    kit = WebKit({"customer_h5": folder}, https=True)
    assert "connect-src 'self' wss://teller.example:8443;" in kit.content_policy(
        "/", "teller.example:8443", secure=True
    )
    assert "connect-src 'self';" in kit.content_policy("/", "evil; script-src *", secure=True)
    assert "frame-ancestors 'none'" in kit.content_policy("/c/", "x", secure=False)


async def test_https_adds_hsts(folder: Path) -> None:
    """Under HTTPS browsers are told to stay there."""
    app = web.Application()
    WebKit({"customer_h5": folder}, https=True).install(app)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with ClientSession() as client, client.get(url) as got:
        assert got.headers["Strict-Transport-Security"] == "max-age=31536000"
    await runner.cleanup()


def test_build_follows_content(folder: Path) -> None:
    """The build id is stable, and any changed byte of an asset or page changes it."""
    first = WebKit({"customer_h5": folder}).build
    assert WebKit({"customer_h5": folder}).build == first
    (folder / "big.css").write_text("a { color: blue; }")
    second = WebKit({"customer_h5": folder}).build
    (folder / "index.html").write_text(PAGE + " ")
    assert len({first, second, WebKit({"customer_h5": folder}).build}) == 3


def test_missing_module_is_a_mistake(folder: Path) -> None:
    """An import of a file that is not there stops the start, not a customer's call."""
    (folder / "main.js").write_text('import "./gone.js";')
    with pytest.raises(ValueError, match="gone"):
        WebKit({"customer_h5": folder})


@pytest.mark.parametrize("origin", ["bank.example", "https://bank.example/path", "*", "https://a b"])
def test_embed_origin_must_be_one(folder: Path, origin: str) -> None:
    """A wrong origin in the configuration is an error, not a wider policy."""
    with pytest.raises(ValueError, match="origin"):
        WebKit({"customer_h5": folder}, embed_origins=(origin,))
