"""What the demo begins with: one bank, its people, and what the scripted callers show.

The passwords are printed on the screen and in the README: a data directory of the demo is for the demo.
"""

from dataclasses import dataclass

from contract.ids import AccountId, TenantId
from contract.phases import Role
from contract.ports import Tenant
from teller.demo.card import cut_portrait, photograph, render_card, specimen
from teller.demo.pictures import FaceVideo, astronaut, jpeg, other_person
from teller.demo.script import Logins, Props
from teller.demo.sound import Speaker, Voice

TENANT = Tenant(TenantId("tenant-d3m0bank00000001"), "demo", "示范银行 Demo Bank", walk_in=True)
PASSWORD = "teller-demo"  # noqa: S105 - printed in the README
# The camera of a phone held upright would be 3:4; 640x480 keeps two software encoders and two
# decoders of the scripted call within two cores.
VIDEO_SIZE = (640, 480)
FPS = 15
STILL_SIZE = (1600, 1200)


@dataclass(frozen=True, slots=True)
class Person:
    """An account of the demo bank."""

    account: AccountId
    login: str
    name: str
    role: Role
    number: str = ""
    skills: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()


PEOPLE = (
    Person(AccountId("acct-d3m0agent0000001"), "agent", "李敏 Li Min", Role.AGENT, "8001", ("accounts",)),
    Person(
        AccountId("acct-d3m0agent0000002"),
        "agent2",
        "王芳 Wang Fang",
        Role.AGENT,
        "8002",
        ("accounts", "wealth"),
    ),
    Person(
        AccountId("acct-d3m0agent0000003"), "agent3", "James Zhou", Role.AGENT, "8003", ("wealth",), ("en",)
    ),
    Person(AccountId("acct-d3m0ch1ef0000001"), "supervisor", "赵磊 Zhao Lei", Role.SUPERVISOR, "8000"),
    Person(AccountId("acct-d3m0check0000001"), "auditor", "陈静 Chen Jing", Role.AUDITOR),
)
LOGINS = Logins(agent=("agent", PASSWORD), auditor=("auditor", PASSWORD))


def make_props(*, mismatch: bool = False) -> Props:
    """Return what the scripted callers show; with ``mismatch`` the card carries somebody else's face."""
    customer, agent = astronaut(), other_person(0)
    on_card = other_person(2) if mismatch else customer
    card = render_card(cut_portrait(on_card), specimen())
    still = FaceVideo(customer, STILL_SIZE, FPS).frame(7)
    return Props(
        person=specimen(),
        card=photograph(card),
        still=jpeg(still),
        customer=(FaceVideo(customer, VIDEO_SIZE, FPS), Voice(Speaker.CUSTOMER)),
        agent=(FaceVideo(agent, VIDEO_SIZE, FPS, agent=True), Voice(Speaker.AGENT)),
    )
