"""Who may see how much of a record now, as its facts tell it. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from contract.facts import Entry
from contract.ids import AccountId
from contract.viewing_facts import UnmaskAnswered, UnmaskAsked, ViewingBegun

# A reason covers a morning's work on a case; after that somebody else may sit at the screen.
VIEWING_S = 4 * 3600.0
# Long enough to compare a card with what was typed, too short to come back to.
UNMASKED_S = 15 * 60.0
# What nobody answered for a day is asked again.
ASKED_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks for a record. ``at_work``: its agent, or staff in its call, who sees it as it was shown.

    ``may_download``: may take files away.
    """

    account: AccountId
    at_work: bool = False
    may_download: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """An open request to see the card: entry ``seq``, made ``at`` seconds UTC."""

    seq: int
    at: float
    account: AccountId
    pii_reason: str


def viewing_until(entries: Iterable[Entry], account: AccountId) -> float:
    """Return until when (seconds UTC) this person's last reason covers what he looks at; 0 without one."""
    begun = (e.at for e in entries if isinstance(e.fact, ViewingBegun) and e.fact.account == account)
    return max((at + VIEWING_S for at in begun), default=0.0)


def sees_cards(entries: Iterable[Entry], viewer: Viewer, now: float) -> bool:
    """Tell whether cards and their numbers are shown as they are to this person now."""
    return viewer.at_work or unmasked_until(entries, viewer.account) > now


def unmasked_until(entries: Iterable[Entry], account: AccountId) -> float:
    """Return until when (seconds UTC) this person may see the card; 0 when nobody has granted it."""
    asked: set[int] = set()
    until = 0.0
    for entry in entries:
        match entry.fact:
            case UnmaskAsked(account=who) if who == account:
                asked.add(entry.seq)
            case UnmaskAnswered(account=other, asked=seq, granted=True) if seq in asked and other != account:
                until = max(until, entry.fact.until)
    return until


def open_requests(entries: Iterable[Entry], now: float) -> Iterator[Request]:
    """Yield the requests to see the card that nobody has answered, oldest first."""
    found: dict[int, Request] = {}
    for entry in entries:
        match entry.fact:
            case UnmaskAsked(account, reason):
                found[entry.seq] = Request(entry.seq, entry.at, account, reason)
            case UnmaskAnswered(asked=seq):
                found.pop(seq, None)
            case _:
                continue
    yield from (request for request in found.values() if now - request.at < ASKED_S)
