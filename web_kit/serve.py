"""Serves the web apps: assets that never change under their address, pages that are never stale.

Everything is read once, at start. ``build`` is a digest over all of it and stands in every asset's
address, so a browser may keep an asset for ever and relative imports need no rewriting.
"""

import gzip
import hashlib
import html
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog
from aiohttp import web

_log = structlog.get_logger(__name__)

_CONTENT_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}
_PAGES = {"/": "web_kit", "/c/": "customer_h5", "/agent/": "agent_console", "/audit/": "player"}
_CUSTOMER_PAGE = "/c/"
_EMBED_SCRIPT = ("customer_h5", "embed.js")
_IMMUTABLE = "public, max-age=31536000, immutable"
# The bank's page names embed.js without a build id; five minutes bound how long an old one lives.
_SHORT_LIVED = "public, max-age=300"
_SMALLEST_GZIP = 512
_IMPORT = re.compile(r"""^(?:import|export)\b[^"';]*?["'](\.{1,2}/[^"']+\.js)["']""", re.MULTILINE)
_ENTRY = re.compile(r"""<script type="module" src="/s/\{\{build\}\}/([^"]+)">""")
_HOST = re.compile(r"[A-Za-z0-9.\-\[\]:]{1,255}")
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-]{1,253}(?::\d{1,5})?")
_YEAR_S = 31_536_000


@dataclass(frozen=True, slots=True)
class Asset:
    """A file in memory. ``gzipped`` is None where compression does not pay."""

    body: bytes
    gzipped: bytes | None
    content_type: str


def _asset(body: bytes, content_type: str) -> Asset:
    packed = gzip.compress(body, 9, mtime=0) if len(body) >= _SMALLEST_GZIP else body
    return Asset(body, packed if len(packed) < len(body) else None, content_type)


def _read_app(root: Path) -> Iterator[tuple[str, Asset]]:
    for path in sorted(root.rglob("*")):
        kind = _CONTENT_TYPES.get(path.suffix)
        if kind and path.is_file():
            yield path.relative_to(root).as_posix(), _asset(path.read_bytes(), kind)


class WebKit:
    """The pages and assets of the web apps, with their security headers.

    ``apps`` maps an app's name in addresses to its folder; ``web_kit`` itself is added. An app that
    is missing from it has no page. ``https``: browsers come by HTTPS, even when a proxy makes requests look
    plain; it adds HSTS. ``embed_origins`` are the origins
    (``https://bank.example``) whose pages may frame the customer's page. ``bank`` is the name on the
    customer's first screen, before the socket has told the tenant's own.

    Raises:
        ValueError: a module imports a file that is not there, or an embed origin is not an origin.
    """

    def __init__(
        self,
        apps: Mapping[str, Path],
        *,
        https: bool = False,
        embed_origins: tuple[str, ...] = (),
        bank: str = "",
    ) -> None:
        for origin in embed_origins:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(f"not an origin: {origin}")
        self._https = https
        self._embed_origins = embed_origins
        self._bank = bank
        roots = {"web_kit": Path(__file__).parent, **apps}
        self._assets = {
            f"{app}/{path}": asset for app, root in roots.items() for path, asset in _read_app(root)
        }
        sources = {
            route: (roots[app] / "index.html").read_text("utf-8")
            for route, app in _PAGES.items()
            if app in roots and (roots[app] / "index.html").is_file()
        }
        self.build = self._digest(sources)
        self._pages = {route: self._page(text) for route, text in sources.items()}
        _log.info("web assets loaded", build=self.build, files=len(self._assets), pages=len(self._pages))

    def _digest(self, sources: Mapping[str, str]) -> str:
        digest = hashlib.sha256()
        parts = {key: asset.body for key, asset in self._assets.items()}
        parts |= {route: text.encode() for route, text in sources.items()}
        for key in sorted(parts):
            digest.update(f"{key}\0{len(parts[key])}\0".encode() + parts[key])
        return digest.hexdigest()[:16]

    def module_graph(self, entry: str) -> tuple[str, ...]:
        """Return ``entry`` and every module that it statically imports, breadth first.

        Names are ``app/path``. Raises ValueError for a module that is not there.
        """
        found = [entry]
        for name in found:
            if name not in self._assets:
                raise ValueError(f"no such module: {name}")
            for target in _IMPORT.findall(self._assets[name].body.decode("utf-8")):
                module = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
                if module not in found:
                    found.append(module)
        return tuple(found)

    def _page(self, source: str) -> Asset:
        modules = [name for entry in _ENTRY.findall(source) for name in self.module_graph(entry)]
        links = "".join(
            f'<link rel="modulepreload" href="/s/{self.build}/{html.escape(name)}">\n' for name in modules
        )
        text = source.replace("</head>", f"{links}</head>").replace("{{build}}", self.build)
        text = text.replace("{{embed_origins}}", html.escape(" ".join(self._embed_origins)))
        text = text.replace("{{bank}}", html.escape(self._bank))
        return _asset(text.encode(), "text/html; charset=utf-8")

    def install(self, app: web.Application) -> None:
        """Add the routes to ``app`` and the headers to every response of it, errors included."""
        app.router.add_get("/s/{build}/{name:.+}", self._got_asset_request)
        for route in self._pages:
            app.router.add_get(route, self._got_page_request)
            if route != "/":
                app.router.add_get(route.rstrip("/"), self._got_slashless_request)
        for route in ("/favicon.ico", "/favicon.svg"):
            app.router.add_get(route, self._got_icon_request)
        if "/".join(_EMBED_SCRIPT) in self._assets:
            app.router.add_get("/embed.js", self._got_embed_request)
        # Not a middleware function: a streamed response sends its headers before a middleware sees it.
        app.on_response_prepare.append(self._set_headers)

    async def _got_asset_request(self, request: web.Request) -> web.Response:
        asset = self._assets.get(request.match_info["name"])
        if asset is None or request.match_info["build"] != self.build:
            raise web.HTTPNotFound
        return _respond(request, asset, _IMMUTABLE)

    async def _got_page_request(self, request: web.Request) -> web.Response:
        return _respond(request, self._pages[request.path], "no-cache")

    async def _got_slashless_request(self, request: web.Request) -> web.Response:
        query = f"?{request.query_string}" if request.query_string else ""
        raise web.HTTPFound(f"{request.path}/{query}")

    async def _got_icon_request(self, request: web.Request) -> web.Response:
        return _respond(request, self._assets["web_kit/icon.svg"], _SHORT_LIVED)

    async def _got_embed_request(self, request: web.Request) -> web.Response:
        response = _respond(request, self._assets["/".join(_EMBED_SCRIPT)], _SHORT_LIVED)
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return response

    async def _set_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        headers = response.headers
        # Who hands out a stranger's file brings a stricter one.
        if "Content-Security-Policy" not in headers:
            headers["Content-Security-Policy"] = self.content_policy(
                request.path, request.host, secure=request.secure or self._https
            )
        headers["Permissions-Policy"] = "camera=(self), microphone=(self), geolocation=(self)"
        headers["Referrer-Policy"] = "no-referrer"
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        headers.setdefault("Cache-Control", "no-store")
        if self._https:
            headers["Strict-Transport-Security"] = f"max-age={_YEAR_S}"

    def content_policy(self, path: str, host: str, *, secure: bool) -> str:
        """Return the Content-Security-Policy of a response to ``path``, asked for at ``host``."""
        scheme = "wss" if secure else "ws"
        # Older Safari does not count the socket's scheme as 'self'.
        socket = f" {scheme}://{host}" if _HOST.fullmatch(host) else ""
        framed = path == _CUSTOMER_PAGE and self._embed_origins
        ancestors = " ".join(self._embed_origins) if framed else "'none'"
        return "; ".join(
            [
                "default-src 'none'",
                "script-src 'self'",
                "style-src 'self'",
                "img-src 'self' blob: data:",
                "media-src 'self' blob:",
                f"connect-src 'self'{socket}",
                "font-src 'self'",
                "base-uri 'none'",
                "form-action 'none'",
                f"frame-ancestors {ancestors}",
                "require-trusted-types-for 'script'",
                "trusted-types 'none'",
            ]
        )


def _respond(request: web.Request, asset: Asset, cache: str) -> web.Response:
    headers = {"Content-Type": asset.content_type, "Cache-Control": cache, "Vary": "Accept-Encoding"}
    if asset.gzipped is not None and "gzip" in request.headers.get("Accept-Encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return web.Response(body=asset.gzipped, headers=headers)
    return web.Response(body=asset.body, headers=headers)
