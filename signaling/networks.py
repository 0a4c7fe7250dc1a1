"""What customers' networks give to think about. Advice for people, never a refusal."""

from contract.facts import NetworkSeen
from contract.phases import CasePhase, NetworkKind
from contract.ports import NetworkFinding
from signaling.buckets import Buckets
from signaling.hall import Hall
from signaling.people import Visit

ANONYMISERS = frozenset({NetworkKind.VPN, NetworkKind.PROXY, NetworkKind.TOR})
_OPEN = frozenset({CasePhase.PRE_CALL, CasePhase.QUEUED, CasePhase.IN_CALL})
# A phone goes from the flat's network to the street's and back; each time is a line of the journal.
_CHANGES_PER_S = 0.1
_CHANGES_BURST = 10.0
# The longest IPv6 address with an IPv4 one in it has 45 characters; a proxy may forward anything.
_ADDRESS_MAX = 45


class NetworkWatch:
    """Notes from where a customer's page comes: first, and whenever it is another address."""

    def __init__(self, hall: Hall) -> None:
        self._hall = hall
        self._changes = Buckets(_CHANGES_PER_S, _CHANGES_BURST)

    def seen(self, visit: Visit, address: str) -> None:
        """The customer's socket has come from ``address``."""
        hall, seat, address = self._hall, visit.who.seat, address[:_ADDRESS_MAX]
        if address == visit.address or visit.phase not in _OPEN:
            return
        if not self._changes.take(seat, hall.mono()):
            return
        settings, before = hall.settings, visit.network
        found = settings.networks.look_up(address)
        doubts = doubts_about(found, before, settings.home_countries)
        visit.address, visit.network = address, found
        fact = NetworkSeen(seat, address, found.country, found.kind, found.operator, doubts, found.source)
        hall.append(visit.who.case, fact)


def doubts_about(
    found: NetworkFinding, before: NetworkFinding | None, home: frozenset[str]
) -> tuple[str, ...]:
    """Return what to think about at a network, as the words of ``NetworkSeen``; ``home`` empty: anywhere.

    From a flat's network to a mobile one nothing of note has changed.
    """
    doubts = {
        "abroad": bool(home and found.country and found.country not in home),
        "anonymiser": found.kind in ANONYMISERS,
        "hosting": found.kind is NetworkKind.HOSTING,
        "changed": before is not None and _elsewhere(found, before),
    }
    return tuple(word for word, holds in doubts.items() if holds)


def _elsewhere(found: NetworkFinding, before: NetworkFinding) -> bool:
    moved = bool(found.country and before.country and found.country != before.country)
    return moved or (found.kind in ANONYMISERS) != (before.kind in ANONYMISERS)
