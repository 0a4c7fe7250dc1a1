"""TURN as browsers are told of it: the servers' URIs and credentials that end by themselves.

The credentials follow draft-uberti-behave-turn-rest-00, which coturn calls ``use-auth-secret``: the TURN
server knows the secret too, so nothing has to be registered there and nothing can be used for long.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import Literal, Self

from contract.wire import IceServer

# RFC 7065, with the host as RFC 3986 writes it: a name, an IPv4 address or an IPv6 address in brackets.
_URI = re.compile(
    r"(?P<scheme>turns?):(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>\d{1,5}))?"
    r"(?:\?transport=(?P<transport>\w+))?"
)
_PORTS = {"turn": 3478, "turns": 5349}


@dataclass(frozen=True, slots=True)
class TurnUri:
    """One way to a TURN server. ``host`` is without brackets."""

    text: str
    host: str
    port: int
    transport: Literal["udp", "tcp", "tls"]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the parts of a ``turn:`` or ``turns:`` URI (RFC 7065).

        Raises:
            ValueError: it is none, or one that browsers do not speak.
        """
        found = _URI.fullmatch(text)
        if found is None:
            raise ValueError("turn:host:3478?transport=udp or turns:host:443?transport=tcp is wanted")
        scheme, port = found["scheme"], int(found["port"] or _PORTS[found["scheme"]])
        if not 0 < port < 65_536:
            raise ValueError("a port is 1 to 65535")
        return cls(text, found["host"].strip("[]"), port, _transport(scheme, found["transport"]))


def _transport(scheme: str, named: str | None) -> Literal["udp", "tcp", "tls"]:
    match scheme, named:
        case "turn", None | "udp":
            return "udp"
        case "turn", "tcp":
            return "tcp"
        case "turns", None | "tcp":
            return "tls"
        case "turns", "udp":
            raise ValueError("browsers speak turns: over tcp only")
        case _:
            raise ValueError("transport is udp or tcp")


@dataclass(frozen=True, slots=True)
class Turn:
    """The TURN servers in use. ``ttl_s`` is how long (seconds) a credential can open new relays."""

    uris: tuple[TurnUri, ...]
    secret: str = field(repr=False)
    ttl_s: float

    def servers(self, party: str, now: float) -> tuple[IceServer, ...]:
        """Return what ``party`` (a seat's or account's id) is told at ``now`` (UTC); nothing without URIs."""
        if not self.uris:
            return ()
        username = f"{int(now + self.ttl_s)}:{party}"
        digest = hmac.digest(self.secret.encode(), username.encode(), hashlib.sha1)
        credential = base64.b64encode(digest).decode()
        return (IceServer(tuple(uri.text for uri in self.uris), username, credential),)
