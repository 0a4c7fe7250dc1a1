"""Facts about how long a record is kept; read them through ``contract.facts``."""

from dataclasses import dataclass

from contract.fact import Fact
from contract.ids import AccountId
from contract.phases import AbortedKeeps, Relation


@dataclass(frozen=True, slots=True)
class HoldSet(Fact):
    """The record may not be deleted until further notice, whatever its retention: a dispute, a court.

    ``account`` is who set it on a page; at the command line it is None and ``pii_by`` says who it was.
    """

    account: AccountId | None
    pii_by: str
    pii_reason: str


@dataclass(frozen=True, slots=True)
class HoldLifted(Fact):
    """The hold is over; see :class:`HoldSet`."""

    account: AccountId | None
    pii_by: str
    pii_reason: str


@dataclass(frozen=True, slots=True)
class RelationEnded(Fact):
    """The bank says since when (seconds UTC) what the case began is over; retention counts from there."""

    relation: Relation
    ended_at: float
    pii_by: str


@dataclass(frozen=True, slots=True)
class MediaDiscarded(Fact):
    """The case was aborted, and the policy keeps only ``keeps`` of it; so much was deleted for good."""

    keeps: AbortedKeeps
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class RecordTimestamped(Fact):
    """A time authority put its time (seconds UTC) on the record's signature; ``sha256`` is its token's."""

    authority: str
    stamped_at: float
    sha256: str
