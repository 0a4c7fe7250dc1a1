"""Ports of the database: accounts, tickets, cases, jobs; read them through ``contract.ports``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from contract.facts import Entry
from contract.ids import AccountId, CallId, CaseId, JobId, TenantId, TicketId
from contract.phases import CasePhase, Role


@dataclass(frozen=True, slots=True)
class Tenant:
    """A bank or branch organisation. ``code`` stands in links, ``walk_in`` opens the front door."""

    tenant: TenantId
    code: str
    name: str
    walk_in: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """A person who works here."""

    account: AccountId
    tenant: TenantId
    login: str
    name: str
    role: Role
    password_hash: str
    failed_logins: int = 0
    locked_until: float = 0.0
    disabled: bool = False
    skills: tuple[str, ...] = ()
    # Tags as in BCP 47; empty: every language.
    languages: tuple[str, ...] = ()
    # Seconds UTC when the yearly training runs out, after which nobody is routed here; None: never.
    trained_until: float | None = None
    # The bank's own number for this person, as customers are told it; empty: none.
    number: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """A logged-in browser. Only the hash of its token is stored (SHA-256, hex)."""

    token_sha256: str
    account: AccountId
    created_at: float
    seen_at: float
    expires_at: float


class AccountStore(Protocol):
    """Tenants, accounts and sessions."""

    async def add_tenant(self, tenant: Tenant) -> None:
        """Add or replace a tenant."""
        ...

    async def tenant(self, tenant: TenantId) -> Tenant:
        """Return a tenant. Raises NotFound."""
        ...

    async def tenant_by_code(self, code: str) -> Tenant:
        """Return a tenant by its link code. Raises NotFound."""
        ...

    async def add_account(self, account: Account) -> None:
        """Add an account. Raises UserError ``login_taken``."""
        ...

    async def account(self, account: AccountId) -> Account:
        """Return an account. Raises NotFound."""
        ...

    async def account_by_login(self, login: str) -> Account | None:
        """Return the account that logs in with ``login`` (case-insensitive)."""
        ...

    async def staff(self, tenant: TenantId) -> tuple[Account, ...]:
        """Return everybody who works at a bank, by name."""
        ...

    async def set_routing(
        self,
        account: AccountId,
        skills: tuple[str, ...],
        languages: tuple[str, ...],
        trained_until: float | None,
    ) -> None:
        """Replace what routing knows of an account. Raises NotFound."""
        ...

    async def note_login(self, account: AccountId, failed_logins: int, locked_until: float) -> None:
        """Store the outcome of a login attempt."""
        ...

    async def note_failed_login(self, account: AccountId, lock_after: int, lock_until: float) -> int:
        """Count one failure atomically, lock at the ``lock_after``-th; return the count."""
        ...

    async def set_password_hash(self, account: AccountId, password_hash: str) -> None:
        """Replace the password hash."""
        ...

    async def add_session(self, session: Session) -> None:
        """Store a session."""
        ...

    async def session(self, token_sha256: str, now: float) -> Session | None:
        """Return a session that has not expired at ``now``, and note it as seen."""
        ...

    async def drop_session(self, token_sha256: str) -> None:
        """Forget a session."""
        ...


class TicketLedger(Protocol):
    """Remembers which tickets were used."""

    async def redeem(self, ticket: TicketId, expires_at: float) -> bool:
        """Return True the first time only, for all processes together."""
        ...


@dataclass(frozen=True, slots=True)
class CaseSummary:
    """A case as lists and searches show it: a projection of its journal."""

    case: CaseId
    tenant: TenantId
    phase: CasePhase
    purpose: str
    policy: str
    pii_customer_name: str
    created_at: float
    updated_at: float
    last_seq: int
    agent: AccountId | None = None
    agent_name: str = ""
    call: CallId | None = None
    call_end: str = ""
    call_s: float | None = None
    outcome: str = ""
    case_end: str = ""
    face_verdict: str = ""
    face_score: float | None = None
    id_verdict: str = ""
    gap_s: float | None = None
    merged_file: str = ""
    manifest_sha256: str = ""
    archived: bool = False
    spool_released: bool = False
    audit_verdict: str = ""
    auditor: AccountId | None = None
    pii_customer_ref: str = ""
    # Set while the customer waits to be called back, since ``callback_at`` (seconds UTC).
    pii_callback_phone: str = ""
    pii_callback_wish: str = ""
    callback_at: float | None = None
    # Why the conversation or the case ended without success, as a word of the policy or of ``CaseEnd``.
    reason: str = ""
    # Until when (seconds UTC) an auditor is to sign it; None when nobody is.
    due_at: float | None = None


class CaseFlag(StrEnum):
    """What a search may ask for beside the fields of a case."""

    # Media are missing for a second or more, over all tracks.
    GAPS = "gaps"
    # It was recorded, and the archive has not been read back.
    UNVERIFIED = "unverified"


@dataclass(frozen=True, slots=True)
class CaseMark:
    """A place in the list, newest first: behind the case of this time and id."""

    created_at: float
    case: CaseId


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseQuery:
    """What is searched for: everything given must hold; of several values one.

    ``text`` are words of the customer's name, telephone, identity number or reference, or a case's id.
    ``since`` and ``until`` (exclusive) are seconds UTC of the case's beginning; ``due_before`` finds what
    waits for an auditor and is due before it.
    ``after`` goes on behind a place; ``limit`` is 1 to 200.
    """

    tenant: TenantId
    text: str = ""
    phases: tuple[CasePhase, ...] = ()
    agent: AccountId | None = None
    outcomes: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    flags: tuple[CaseFlag, ...] = ()
    since: float | None = None
    until: float | None = None
    due_before: float | None = None
    after: CaseMark | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class CasePage:
    """One page of a search, newest first.

    ``count`` is how many there are in all, ``more`` tells that there are more than that; both are None
    and False behind the first page. ``next`` is where the next page begins, None on the last.
    """

    cases: tuple[CaseSummary, ...]
    count: int | None
    more: bool
    next: CaseMark | None


@dataclass(frozen=True, slots=True)
class CustomerHistory:
    """How often a customer was here before: cases that were begun, and those that ended in refusal."""

    earlier: int
    rejected: int


class CaseStore(Protocol):
    """The search projection of all journals."""

    async def project(self, entry: Entry) -> None:
        """Fold one entry into its case's row; an entry already folded is ignored."""
        ...

    async def case(self, case: CaseId) -> CaseSummary:
        """Return one case. Raises NotFound."""
        ...

    async def search(self, query: CaseQuery) -> CasePage:
        """Return one page of the cases that fit. Raises ValueError for a limit outside 1 to 200."""
        ...

    async def customer_history(self, tenant: TenantId, customer_ref: str, but: CaseId) -> CustomerHistory:
        """Count the cases of one customer of one tenant, without ``but``; none for an empty reference."""
        ...

    async def customer_cases(
        self, tenant: TenantId, customer_ref: str, *, newest: int, since: float
    ) -> tuple[CaseId, ...]:
        """Return a customer's ``newest`` cases and all in which anything happened since ``since``.

        The newest come first; none for an empty reference.
        """
        ...

    async def callbacks(self, tenant: TenantId) -> tuple[CaseSummary, ...]:
        """Return the cases whose customers asked to be called back and were not yet, oldest first."""
        ...

    async def open_cases(self) -> tuple[CaseSummary, ...]:
        """Return every case in PRE_CALL, QUEUED, IN_CALL or AGENT_DONE: what a crash leaves behind."""
        ...


@dataclass(frozen=True, slots=True)
class Job:
    """A long piece of work. ``state`` is ready, running, done or dead; ``progress`` is 0 to 1.

    ``lease_until`` (seconds UTC) is when another worker may take a running job over; each beat moves it on.
    """

    job: JobId
    kind: str
    case: CaseId
    state: str
    attempt: int
    max_attempts: int
    progress: float
    note: str
    error: str
    queued_at: float
    worker: str = ""
    started_at: float | None = None
    finished_at: float | None = None
    args: Mapping[str, str] = field(default_factory=dict)
    lease_until: float = 0.0


class LeaseLost(Exception):
    """Another worker has taken the job over; stop working on it."""


class JobQueue(Protocol):
    """Leased jobs in the database: a crashed worker's job is taken over after its lease."""

    async def enqueue(
        self, kind: str, case: CaseId, args: Mapping[str, str] | None = None, *, again: bool = False
    ) -> JobId:
        """Add a job; a job of the same kind and case that is not dead is returned instead.

        With ``again`` one that is done is made ready once more: there is new work of its kind.
        """
        ...

    async def claim(self, worker: str, lease_s: float) -> Job | None:
        """Take the oldest ready or abandoned job."""
        ...

    async def beat(self, job: Job, progress: float, note: str, lease_s: float) -> None:
        """Report progress and extend the lease. Raises LeaseLost."""
        ...

    async def complete(self, job: Job) -> None:
        """Mark as done. Raises LeaseLost."""
        ...

    async def fail(self, job: Job, error: str, retry_in_s: float) -> bool:
        """Note the failure; return whether the job will be tried again. Raises LeaseLost."""
        ...

    async def for_case(self, case: CaseId) -> tuple[Job, ...]:
        """Return the jobs of a case, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class SavedView:
    """A list of cases that somebody comes back to: filters under a name, as the page wrote them."""

    name: str
    filters: Mapping[str, object]


class ViewStore(Protocol):
    """The saved views of each person."""

    async def views(self, account: AccountId) -> tuple[SavedView, ...]:
        """Return somebody's views, by name."""
        ...

    async def save(self, account: AccountId, view: SavedView) -> None:
        """Keep a view, in place of the one with its name. Raises UserError ``too_many_views``."""
        ...

    async def drop(self, account: AccountId, name: str) -> None:
        """Forget a view; one that is not there is forgotten already."""
        ...
