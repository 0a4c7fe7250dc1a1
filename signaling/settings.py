"""What signaling is told by the configuration; every number has its reason beside it."""

from dataclasses import dataclass

from contract.wire import IceServer


@dataclass(frozen=True, slots=True)
class SignalingSettings:
    """Settings of the front door. Times are seconds, sizes are bytes.

    ``secret`` (at least 32 bytes) signs tickets and upload tokens and derives CSRF tokens.
    ``origins`` are extra origins (``https://bank.example``) that may connect, beside the own host.
    ``trusted_proxies`` are peer addresses whose ``X-Forwarded-For`` is believed.
    """

    secret: bytes
    https: bool = False
    origins: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    ice_servers: tuple[IceServer, ...] = ()
    consent_version: str = "2026-1"
    policy: str = "default"
    purpose: str = "open_account"

    # A walk-in taps at once; a link may be opened in the evening.
    walk_in_ticket_s: float = 15 * 60
    link_ticket_s: float = 24 * 3600
    # The longest call plus the time to return to it.
    upload_token_s: float = 4 * 3600

    ring_s: float = 30.0
    grace_s: float = 20.0
    # Before a call a phone may be away longer: fetching the card, switching apps.
    pre_call_grace_s: float = 600.0
    connect_s: float = 30.0
    wrap_up_s: float = 15 * 60
    tick_s: float = 0.25

    hello_s: float = 5.0
    # aiohttp closes when no pong came after half of this: a dead socket is noticed in 7.5 s.
    heartbeat_s: float = 5.0
    outbox_max: int = 256
    # A page sends a few messages a minute; a burst of candidates and chat stays far below.
    messages_per_s: float = 50.0
    messages_burst: float = 100.0
    # One command down a port may take this long.
    command_s: float = 30.0

    idle_s: float = 30 * 60
    absolute_s: float = 12 * 3600
    lock_after: int = 5
    lock_s: float = 15 * 60
    # Requests of one address: walk-ins and logins are each refilled at this rate.
    per_ip_per_minute: float = 20.0
    per_ip_burst: float = 20.0

    body_max: int = 65_536
    still_max: int = 12 * 1024 * 1024

    def __post_init__(self) -> None:
        if len(self.secret) < 32:
            raise ValueError("the signing secret needs at least 32 bytes")
