"""Who asks: cookies, CSRF tokens, origins and addresses of HTTP requests."""

from collections.abc import Awaitable, Callable
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

import structlog
from aiohttp import web
from prometheus_client import Counter

from contract.errors import Denied, InternalError, TellerError, Unproven
from contract.phases import Role
from signaling.accounts import Accounts, LoggedIn, require_csrf, require_role
from signaling.settings import SignalingSettings

_log = structlog.get_logger(__name__)
_refused = Counter("teller_signaling_http_refusals", "HTTP requests refused", ["code"])

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Guard:
    """Checks requests against the session and the settings."""

    def __init__(self, settings: SignalingSettings, accounts: Accounts) -> None:
        self._settings = settings
        self._accounts = accounts

    def cookie_name(self, request: web.Request) -> str:
        """Return the session cookie's name: ``__Host-`` binds it to this host, but needs HTTPS."""
        return "__Host-teller" if self._https(request) else "teller"

    def set_cookie(self, request: web.Request, response: web.Response, token: str) -> None:
        """Give the browser its session."""
        response.set_cookie(
            self.cookie_name(request),
            token,
            max_age=int(self._settings.absolute_s),
            path="/",
            secure=self._https(request),
            httponly=True,
            samesite="Strict",
        )

    def drop_cookie(self, request: web.Request, response: web.Response) -> None:
        """Take the session from the browser."""
        response.del_cookie(
            self.cookie_name(request),
            path="/",
            secure=self._https(request),
            httponly=True,
            samesite="Strict",
        )

    async def person(self, request: web.Request) -> LoggedIn:
        """Return who is logged in. Raises Unproven ``not_logged_in``."""
        token = request.cookies.get(self.cookie_name(request))
        if not token:
            raise Unproven("no session cookie")
        return await self._accounts.check(token)

    async def require(self, request: web.Request, *roles: Role) -> LoggedIn:
        """Return who is logged in, with one of ``roles``; a change also needs the CSRF token.

        Raises:
            Unproven: ``not_logged_in``.
            Denied: ``wrong_role``, ``csrf`` or ``origin``.
        """
        person = await self.person(request)
        require_role(person, *roles)
        if request.method not in {"GET", "HEAD"}:
            self.require_origin(request)
            require_csrf(person, request.headers.get("X-CSRF-Token"))
        return person

    def require_origin(self, request: web.Request) -> None:
        """Raise Denied ``origin`` for a page of another host; programs that are no browser send none."""
        origin = request.headers.get("Origin")
        if origin is None or origin in self._settings.origins:
            return
        parts = urlsplit(origin)
        if parts.scheme not in {"http", "https"} or parts.netloc.lower() != request.host.lower():
            raise Denied("a page of another origin", code="origin")

    def origin(self, request: web.Request) -> str:
        """Return our own origin as who asks knows it."""
        origin = request.headers.get("Origin", "")
        # Behind a proxy only the browser knows by which scheme it came.
        if urlsplit(origin).netloc.lower() == request.host.lower():
            return origin
        return f"{'https' if self._https(request) else 'http'}://{request.host}"

    def address(self, request: web.Request) -> str:
        """Return the client's address: the socket's, or what a trusted proxy says."""
        peer = request.remote or ""
        if not self._trusts(peer):
            return peer
        hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",")]
        foreign = [hop for hop in hops if hop and not self._trusts(hop)]
        return foreign[-1] if foreign else peer

    def _trusts(self, hop: str) -> bool:
        try:
            address = ip_address(hop)
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return any(address in network for network in self._settings.trusted_proxies)

    def _https(self, request: web.Request) -> bool:
        return self._settings.https or request.secure


def answering_errors(handler: Handler) -> Handler:
    """Wrap a handler so that errors are answered as JSON ``{"code", "text"}``."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPRequestEntityTooLarge:
            return _counted(413, "too_large", "the body is too large")
        except web.HTTPRequestTimeout:
            return _counted(408, "too_slow", "the body came too slowly")
        except TellerError as error:
            return _told(error)
        except TimeoutError:
            return _told(InternalError("a deadline has passed"))

    return answer


def _told(error: TellerError) -> web.Response:
    status = error.http_status
    if status >= 500:
        _log.error("a request failed", code=error.code, pii_error=str(error))
    else:
        _log.debug("a request was refused", code=error.code, pii_error=str(error))
    return _counted(status, error.code, str(error) if status < 500 else "our fault")


def _counted(status: int, code: str, text: str) -> web.Response:
    _refused.labels(code).inc()
    return web.json_response({"code": code, "text": text}, status=status)
