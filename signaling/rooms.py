"""The rooms that the handlers of requests ask."""

from dataclasses import dataclass

from contract.ports import (
    AccountStore,
    AuditQueue,
    CaseStore,
    Clock,
    EvidenceStore,
    IdentityChecks,
    JobQueue,
    Journal,
    ViewStore,
)
from signaling.accounts import Accounts
from signaling.ceilings import Ceilings
from signaling.front import Front
from signaling.guard import Guard
from signaling.tickets import Tickets
from signaling.turns import Turns


@dataclass(frozen=True, slots=True)
class Rooms:
    """What the handlers ask."""

    front: Front
    guard: Guard
    accounts: Accounts
    tickets: Tickets
    people: AccountStore
    cases: CaseStore
    audits: AuditQueue
    views: ViewStore
    journal: Journal
    evidence: EvidenceStore
    identity: IdentityChecks
    jobs: JobQueue
    clock: Clock
    turns: Turns
    ceilings: Ceilings
