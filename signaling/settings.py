"""What signaling is told by the configuration; every number has its reason beside it."""

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from contract.wire import IceServer

Network = IPv4Network | IPv6Network
# What a party (a seat's or account's id) is told at a time (UTC), with credentials of its own.
IceServers = Callable[[str, float], tuple[IceServer, ...]]


def no_ice_servers(party: str, now: float) -> tuple[IceServer, ...]:
    """Return none: every browser reaches the server by itself."""
    return ()


@dataclass(frozen=True, slots=True)
class CallLimits:
    """How long a call waits, in seconds: for a dropped party, for media, for the agent's result."""

    grace_s: float
    connect_s: float
    wrap_up_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalingSettings:
    """Settings of the front door. Times are seconds, sizes are bytes; what has no default is configured.

    ``secret`` (at least 32 bytes) signs tickets and upload tokens and derives CSRF tokens.
    ``origins`` are extra origins (``https://bank.example``) that may connect, beside the own host.
    ``trusted_proxies`` are networks whose ``X-Forwarded-For`` is believed.
    ``https``: browsers come by HTTPS even when a request looks plain, because a proxy terminates TLS.
    ``ice_servers`` is asked at every welcome.
    ``public_url`` (``https://video.bank.example``) starts the links for customers; empty gives bare paths.
    """

    secret: bytes
    https: bool = False
    origins: tuple[str, ...] = ()
    trusted_proxies: tuple[Network, ...] = ()
    public_url: str = ""
    ice_servers: IceServers = no_ice_servers
    consent_version: str = "2026-1"
    policy: str
    purpose: str = "open_account"

    walk_in_ticket_s: float
    link_ticket_s: float
    upload_token_s: float

    ring_s: float
    grace_s: float
    # Before a call a phone may be away longer: fetching the card, switching apps.
    pre_call_grace_s: float = 600.0
    connect_s: float = 30.0
    wrap_up_s: float = 15 * 60
    tick_s: float = 0.25

    hello_s: float = 5.0
    # aiohttp closes when no pong came after half of this: a dead socket is noticed in one and a half.
    heartbeat_s: float
    outbox_max: int = 256
    # A page sends a few messages a minute; a burst of candidates and chat stays far below.
    messages_per_s: float = 50.0
    messages_burst: float = 100.0
    # One command down a port may take this long.
    command_s: float = 30.0

    idle_s: float = 30 * 60
    absolute_s: float
    lock_after: int = 5
    lock_s: float = 15 * 60
    # Requests of one address: walk-ins and logins are each refilled at this rate.
    per_ip_per_minute: float = 20.0
    per_ip_burst: float = 20.0

    body_max: int = 65_536
    # 12 MiB at 2 Mbit/s take 50 s; a slower phone is told to send it again.
    body_s: float = 60.0
    still_max: int = 12 * 1024 * 1024

    def __post_init__(self) -> None:
        if len(self.secret) < 32:
            raise ValueError("the signing secret needs at least 32 bytes")
