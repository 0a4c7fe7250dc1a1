"""Facts about where the customer is, as device and network tell; read them through ``contract.facts``."""

from dataclasses import dataclass

from contract.fact import Fact
from contract.ids import SeatId
from contract.phases import NetworkKind


@dataclass(frozen=True, slots=True)
class LocationTold(Fact):
    """Where the customer's device says that it is: WGS 84 degrees, radius in metres."""

    pii_latitude: float
    pii_longitude: float
    accuracy_m: float


@dataclass(frozen=True, slots=True)
class NetworkSeen(Fact):
    """The customer's page came from this address.

    ``country`` is ISO 3166-1 alpha-2, empty when unknown; ``operator`` is whose network it is, as far as a
    database names it. ``source`` names the databases that were asked, each with its build date. ``doubts``
    are advice for people, empty when there are none: ``abroad`` (no home country of the bank),
    ``anonymiser``, ``hosting``, and ``changed`` (another country than before in this visit, or into or
    out of an anonymiser).
    """

    seat: SeatId
    pii_address: str
    country: str
    kind: NetworkKind
    operator: str
    doubts: tuple[str, ...]
    source: tuple[str, ...]
