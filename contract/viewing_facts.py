"""Facts about who looks at a record, why, and at how much of it; ``contract.facts`` lists their tags."""

from dataclasses import dataclass

from contract.fact import Fact
from contract.ids import AccountId
from contract.phases import ViewReason


@dataclass(frozen=True, slots=True)
class ViewingBegun(Fact):
    """Somebody said why he looks at the record, before anything was played or shown to him."""

    account: AccountId
    reason: ViewReason
    pii_note: str


@dataclass(frozen=True, slots=True)
class WatchedSpan:
    """A stretch of the merged recording, in seconds from its beginning."""

    since_s: float
    until_s: float


@dataclass(frozen=True, slots=True)
class RecordWatched(Fact):
    """What this person has played so far, all of it, at no more than twice the speed; the newest stands."""

    account: AccountId
    spans: tuple[WatchedSpan, ...]


@dataclass(frozen=True, slots=True)
class UnmaskAsked(Fact):
    """Somebody wants to see the card and its number. A reason is demanded."""

    account: AccountId
    pii_reason: str


@dataclass(frozen=True, slots=True)
class UnmaskAnswered(Fact):
    """A second person answered the request of entry ``asked``; granted, it holds until ``until``, UTC."""

    account: AccountId
    asked: int
    granted: bool
    until: float


@dataclass(frozen=True, slots=True)
class RecordDownloaded(Fact):
    """Somebody with the right to it took a file of the record away; why stands in his ViewingBegun."""

    account: AccountId
    file: str
