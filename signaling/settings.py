"""What signaling is told by the configuration; every number has its reason beside it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from contract.phases import Outcome
from contract.ports import NetworkFinding, NetworkLookup
from contract.wire import Choice, IceServer
from signaling.board import BoardRules
from signaling.hours import Hours
from signaling.sampling import AuditPlan
from signaling.script import AbortReason, PlannedStep, ScriptPlan

Network = IPv4Network | IPv6Network
# What a party (a seat's or account's id) is told at a time (UTC), with credentials of its own.
IceServers = Callable[[str, float], tuple[IceServer, ...]]


def no_ice_servers(party: str, now: float) -> tuple[IceServer, ...]:
    """Return none: every browser reaches the server by itself."""
    return ()


class NoNetworks:
    """Stands in where the bank has no databases of networks."""

    def look_up(self, address: str) -> NetworkFinding:
        """Return that nothing is known."""
        return NetworkFinding()


# What a house without a policy's script goes by: the checks in their order.
DEFAULT_PLAN = ScriptPlan(
    steps=(
        PlannedStep("consent", "客户同意", "The customer agrees", "consent"),
        PlannedStep("card", "拍摄身份证", "Photograph the card", "evidence_id_card"),
        PlannedStep("number", "核对身份证号码", "Check the number", "id_number"),
        PlannedStep("still", "拍摄人脸照片", "Photograph the face", "evidence_face_still"),
        PlannedStep("faces", "人脸比对", "Compare the faces", "face_match"),
    ),
    abort_reasons=(
        AbortReason(Choice("prompting", "疑似他人提示", "Somebody prompts the customer"), Outcome.FAILED),
        AbortReason(Choice("checks", "核验未通过", "Checks not passed"), Outcome.FAILED),
        AbortReason(Choice("picture", "画面不清晰", "Picture too poor"), Outcome.INCOMPLETE),
        AbortReason(Choice("customer_left", "客户离开", "Customer left"), Outcome.INCOMPLETE),
    ),
    tags=(Choice("complaint", "投诉", "Complaint"),),
    next_actions=(Choice("call_back", "回访", "Call back"),),
)


@dataclass(frozen=True, slots=True)
class CallLimits:
    """How long a call waits, in seconds.

    For a dropped party, for media, for the agent's result, for the next agent of a transfer.
    """

    grace_s: float
    connect_s: float
    wrap_up_s: float
    # The customer is on hold meanwhile: longer than two rings, shorter than patience.
    transfer_s: float = 120.0
    # A customer who was dropped and is back gets a fresh call; else the same goes on.
    fresh_call: bool = False


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
    # Beside https, what a bank's app may have customers come back by.
    app_schemes: tuple[str, ...] = ()
    ice_servers: IceServers = no_ice_servers
    consent_version: str = "2026-3"
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
    transfer_s: float = 120.0
    # What the policy wants for a customer who was dropped and is back within the grace: another call.
    fresh_call: bool = False
    tick_s: float = 0.25

    # Customers who agreed tell their place this often during a call.
    location_s: float = 300.0
    # What is known of the networks that customers come from, and the countries in which that is no wonder.
    networks: NetworkLookup = field(default_factory=NoNetworks)
    home_countries: frozenset[str] = frozenset()

    # When the desk is open; None: always.
    hours: Hours | None = None
    # Agents are drawn by lot, and every draw is journaled, instead of who was idle for longest.
    random_assignment: bool = False
    # How much longer an ordinary customer has waited when he goes before an important one.
    vip_head_start_s: float = 300.0
    # An agent is ready again so long after a conversation; None: when he says so.
    desk_wrap_up_s: float | None = None
    # What supervisors see as the service level and its alarms.
    board: BoardRules = field(default_factory=BoardRules)
    plan: ScriptPlan = DEFAULT_PLAN

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

    # By the name of a case's policy: how its audit is planned. Blocks.
    audit_plan: Callable[[str], AuditPlan] = field(default=lambda name: AuditPlan(name, 1))
    # Second looks are drawn under it.
    audit_key: bytes = b""
    # Of these an auditor's time is made up.
    working_days: Hours = field(default_factory=lambda: Hours.parse("Mon-Sun 00:00-24:00", "UTC"))

    # Logins that may take files of records away; all others look at them in the page.
    may_download: frozenset[str] = frozenset()

    body_max: int = 65_536
    # 12 MiB at 2 Mbit/s take 50 s; a slower phone is told to send it again.
    body_s: float = 60.0
    still_max: int = 12 * 1024 * 1024

    def opens_at(self, now: float) -> float | None:
        """Return when the desk opens again (seconds UTC), None while it is open at ``now``."""
        return self.hours.opens_at(now) if self.hours else None

    def audit_due_at(self, policy: str, now: float) -> float:
        """Return until when (seconds UTC) a case under ``policy`` is to be signed. Blocks."""
        return self.working_days.day_ends_at(now, self.audit_plan(policy).due_days)

    def __post_init__(self) -> None:
        if len(self.secret) < 32:
            raise ValueError("the signing secret needs at least 32 bytes")
