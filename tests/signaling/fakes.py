"""In-memory rooms behind the ports, and a clock that tests move."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date

from contract.errors import MediaError, NotFound, ProtocolError, StorageError, UserError, WrongPhase
from contract.facts import (
    GENESIS,
    AgentDecided,
    AuditDrawn,
    AuditReopened,
    AuditSigned,
    CallbackMade,
    CallbackRequested,
    CaseAdvanced,
    CaseCreated,
    Entry,
    EvidenceStored,
    Fact,
    HostChanged,
    MediaConnected,
    PartyJoined,
    RecordingStarted,
    TrackEnded,
    TrackStarted,
    seal_entry,
)
from contract.ids import (
    AccountId,
    CallId,
    CaseId,
    EvidenceId,
    JobId,
    SeatId,
    TenantId,
    TicketId,
    TrackId,
    new_job_id,
    new_track_id,
)
from contract.phases import CasePhase, CheckVerdict, EvidenceKind, Role, TrackKind, TrackSource
from contract.ports import (
    Account,
    AuditClaim,
    AuditLoad,
    CaseMark,
    CasePage,
    CaseQuery,
    CaseSummary,
    CustomerHistory,
    Depacketiser,
    Evidence,
    FaceFinding,
    IdNumberFinding,
    ImageFinding,
    Job,
    LookCount,
    Party,
    SavedView,
    SeatRoute,
    Session,
    Tenant,
    TrackInfo,
    TrackSink,
)


class FakeClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.at = 1_800_000_000.0
        self.mono = 1_000.0

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.mono

    def advance(self, seconds: float) -> None:
        self.at += seconds
        self.mono += seconds


class MemoryCases:
    """The projection, as far as signaling asks it."""

    def __init__(self) -> None:
        self.rows: dict[CaseId, CaseSummary] = {}

    async def project(self, entry: Entry) -> None:
        fact = entry.fact
        if isinstance(fact, CaseCreated):
            self.rows[entry.case] = CaseSummary(
                entry.case, fact.tenant, CasePhase.CREATED, fact.purpose, fact.policy,
                fact.pii_customer_name, entry.at, entry.at, entry.seq,
                pii_customer_ref=fact.pii_customer_ref,
            )  # fmt: skip
            return
        row = self.rows[entry.case]
        if isinstance(fact, CaseAdvanced):
            row = replace(row, phase=fact.now, case_end=fact.reason or "")
        elif isinstance(fact, PartyJoined) and fact.role is Role.AGENT:
            row = replace(row, agent=fact.account, agent_name=fact.name)
        elif isinstance(fact, AgentDecided):
            row = replace(row, outcome=fact.outcome)
        elif isinstance(fact, AuditDrawn):
            row = replace(row, due_at=fact.due_at)
        elif isinstance(fact, AuditReopened):
            row = replace(row, audit_verdict="", auditor=None, due_at=fact.due_at)
        elif isinstance(fact, AuditSigned):
            row = replace(row, audit_verdict=fact.verdict, auditor=fact.auditor)
        elif isinstance(fact, HostChanged) and fact.now is not None:
            row = replace(row, agent=fact.now, agent_name=fact.name)
        elif isinstance(fact, CallbackRequested):
            row = replace(
                row,
                pii_callback_phone=fact.pii_phone,
                pii_callback_wish=fact.pii_wish,
                callback_at=entry.at,
            )
        elif isinstance(fact, CallbackMade):
            row = replace(row, pii_callback_phone="", pii_callback_wish="", callback_at=None)
        self.rows[entry.case] = replace(row, last_seq=entry.seq, updated_at=entry.at)

    async def case(self, case: CaseId) -> CaseSummary:
        if case not in self.rows:
            raise NotFound("no such case")
        return self.rows[case]

    async def search(self, query: CaseQuery) -> CasePage:
        """Look at every row; the words are looked for anywhere in a name."""
        found = [
            row
            for row in reversed(self.rows.values())
            if row.tenant == query.tenant
            and (not query.phases or row.phase in query.phases)
            and (not query.outcomes or row.outcome in query.outcomes)
            and query.agent in (None, row.agent)
            and query.text in row.pii_customer_name
        ]
        ids = [row.case for row in found]
        rest = found[ids.index(query.after.case) + 1 :] if query.after else found
        last = rest[: query.limit][-1] if len(rest) > query.limit else None
        return CasePage(
            tuple(rest[: query.limit]), None if query.after else len(found), False,
            CaseMark(last.created_at, last.case) if last else None,
        )  # fmt: skip

    async def customer_history(self, tenant: TenantId, customer_ref: str, but: CaseId) -> CustomerHistory:
        rows = [
            row
            for row in self.rows.values()
            if customer_ref
            and (row.tenant, row.pii_customer_ref) == (tenant, customer_ref)
            and row.case != but
        ]
        return CustomerHistory(len(rows), sum(row.phase is CasePhase.REJECTED for row in rows))

    async def customer_cases(
        self, tenant: TenantId, customer_ref: str, *, newest: int, since: float
    ) -> tuple[CaseId, ...]:
        found = [
            row
            for row in reversed(self.rows.values())
            if customer_ref and (row.tenant, row.pii_customer_ref) == (tenant, customer_ref)
        ]
        return tuple(
            row.case for number, row in enumerate(found) if number < newest or row.updated_at >= since
        )

    async def callbacks(self, tenant: TenantId) -> tuple[CaseSummary, ...]:
        return tuple(row for row in self.rows.values() if row.tenant == tenant and row.pii_callback_phone)

    async def open_cases(self) -> tuple[CaseSummary, ...]:
        return ()


class MemoryJournal:
    """Hash-chained entries in lists, with followers. ``broken`` makes appends fail."""

    def __init__(self, clock: FakeClock, project: Callable[[Entry], object]) -> None:
        self._clock = clock
        self._project = project
        self.entries: dict[CaseId, list[Entry]] = {}
        self.broken = False
        self._followers: list[asyncio.Queue[Entry]] = []

    async def append(self, case: CaseId, fact: Fact) -> Entry:
        await asyncio.sleep(0)
        if self.broken:
            raise StorageError("the disk is full")
        chain = self.entries.setdefault(case, [])
        prev = chain[-1].hash if chain else GENESIS
        entry = seal_entry(len(chain) + 1, self._clock.now(), case, fact, prev)
        chain.append(entry)
        done = self._project(entry)
        if asyncio.iscoroutine(done):
            await done
        for queue in self._followers:
            queue.put_nowait(entry)
        return entry

    async def read(self, case: CaseId, after: int = 0) -> tuple[Entry, ...]:
        await asyncio.sleep(0)
        return tuple(entry for entry in self.entries.get(case, []) if entry.seq > after)

    @asynccontextmanager
    async def follow(self, case: CaseId | None = None) -> AsyncIterator[AsyncIterator[Entry]]:
        queue: asyncio.Queue[Entry] = asyncio.Queue()
        self._followers.append(queue)

        async def entries() -> AsyncIterator[Entry]:
            while True:
                entry = await queue.get()
                if case is None or entry.case == case:
                    yield entry

        try:
            yield entries()
        finally:
            self._followers.remove(queue)

    def facts(self, case: CaseId) -> list[Fact]:
        return [entry.fact for entry in self.entries.get(case, [])]


@dataclass
class FakeCall:
    """One media call as the fake plane keeps it."""

    case: CaseId
    parties: dict[SeatId, Party] = field(default_factory=dict)
    routes: dict[SeatId, SeatRoute] = field(default_factory=dict)
    tracks: dict[SeatId, list[TrackId]] = field(default_factory=dict)
    gate_open: bool = False
    closed: bool = False

    def heard(self, reader: SeatId) -> set[SeatId]:
        """Whose sound goes to ``reader``."""
        route = self.routes.get(reader)
        slots = [slot for slot in route.slots if slot and slot.sound] if route else []
        return {slot.seat for slot in slots if (sender := self.routes.get(slot.seat)) and sender.publishes}


class FakePlane:
    """Answers offers at once; behind an open gate it starts and records what is routed so."""

    def __init__(self, journal: MemoryJournal) -> None:
        self._journal = journal
        self.calls: dict[CallId, FakeCall] = {}
        self.dropped: list[SeatId] = []
        self.open_error: Exception | None = None
        self.gate_error: Exception | None = None
        self.arrange_error: Exception | None = None
        self.records = True
        self.starts_media = True

    async def open_call(self, case: CaseId, call: CallId) -> None:
        if self.open_error:
            raise self.open_error
        self.calls[call] = FakeCall(case)

    async def answer(self, call: CallId, party: Party, offer: str) -> str:
        if offer == "not sdp":
            raise ProtocolError("not SDP")
        if offer == "broken":
            raise MediaError("no ports left: 10.0.0.1")
        if offer == "crash":
            raise KeyError("a bug")
        state = self.calls[call]
        state.parties[party.seat] = party
        await self._journal.append(state.case, MediaConnected(call, party.seat))
        await self._follow_routes(call)
        return f"answer to {offer}"

    async def arrange(self, call: CallId, routes: Sequence[SeatRoute]) -> None:
        if self.arrange_error:
            raise self.arrange_error
        self.calls[call].routes = {route.seat: route for route in routes}
        await self._follow_routes(call)

    async def open_gate(self, call: CallId) -> None:
        if self.gate_error:
            raise self.gate_error
        self.calls[call].gate_open = True
        await self._follow_routes(call)

    async def _follow_routes(self, call: CallId) -> None:
        state = self.calls[call]
        if not state.gate_open or not self.starts_media:
            return
        for seat, party in list(state.parties.items()):
            route = state.routes.get(seat)
            kept = route is not None and route.publishes and route.recorded
            if kept and seat not in state.tracks:
                state.tracks[seat] = []
                await self.start_tracks(call, party)
            elif not kept:
                await self._end_tracks(call, seat)

    async def _end_tracks(self, call: CallId, seat: SeatId) -> None:
        state = self.calls[call]
        for track in state.tracks.pop(seat, []):
            await self._journal.append(state.case, TrackEnded(call, track, 1))

    async def start_tracks(self, call: CallId, party: Party) -> None:
        case = self.calls[call].case
        for kind, source in (
            (TrackKind.AUDIO, TrackSource.MICROPHONE),
            (TrackKind.VIDEO, TrackSource.CAMERA),
        ):
            track = new_track_id()
            codec, rate = ("opus", 48_000) if kind is TrackKind.AUDIO else ("VP8", 90_000)
            started = TrackStarted(call, track, party.seat, party.role, kind, source, codec, rate)
            self.calls[call].tracks.setdefault(party.seat, []).append(track)
            await self._journal.append(case, started)
            if self.records:
                await self._journal.append(case, RecordingStarted(call, track, party.role, kind))

    async def drop_seat(self, call: CallId, seat: SeatId) -> None:
        self.dropped.append(seat)
        if call in self.calls:
            self.calls[call].parties.pop(seat, None)
            await self._end_tracks(call, seat)

    async def close_call(self, call: CallId) -> None:
        self.calls[call].closed = True


class FakeRecorder:
    """Remembers which calls were finished."""

    def __init__(self) -> None:
        self.finished: list[CallId] = []

    def open_track(self, track: TrackInfo, depacketiser: Depacketiser) -> TrackSink:
        raise AssertionError("signaling hands no tracks over")

    async def finish(self, call: CallId) -> None:
        self.finished.append(call)


class MemoryEvidence:
    """Evidence in a dict."""

    def __init__(self, journal: MemoryJournal) -> None:
        self._journal = journal
        self.files: dict[EvidenceId, bytes] = {}

    async def store(
        self,
        case: CaseId,
        evidence: EvidenceId,
        kind: EvidenceKind,
        data: bytes,
        image: ImageFinding,
        source: str,
    ) -> Evidence:
        if evidence in self.files:
            raise WrongPhase("stored before")
        self.files[evidence] = data
        file, digest = f"evidence/{evidence}.jpg", hashlib.sha256(data).hexdigest()
        await self._journal.append(
            case,
            EvidenceStored(
                evidence, kind, file, image.media_type, digest, len(data), image.width, image.height,
                image.sharpness, source,
            ),
        )  # fmt: skip
        return Evidence(evidence, case, kind, file, image.media_type, digest, len(data))

    async def store_file(
        self, case: CaseId, evidence: EvidenceId, data: bytes, media_type: str, suffix: str
    ) -> Evidence:
        if evidence in self.files:
            raise WrongPhase("stored before")
        self.files[evidence] = data
        file, digest = f"evidence/{evidence}{suffix}", hashlib.sha256(data).hexdigest()
        return Evidence(evidence, case, EvidenceKind.SHARED_FILE, file, media_type, digest, len(data))

    async def withdraw(self, case: CaseId, evidence: EvidenceId) -> None:
        self.files.pop(evidence, None)

    async def read(self, case: CaseId, evidence: EvidenceId) -> bytes:
        return self.files[evidence]


class FakeIdentity:
    """Says what it was told to say."""

    def __init__(self) -> None:
        self.number_verdict = CheckVerdict.PASSED
        self.face_verdict = CheckVerdict.REVIEW
        self.face_error: Exception | None = None
        self.proceed = asyncio.Event()
        self.proceed.set()

    async def inspect_image(self, data: bytes) -> ImageFinding:
        if not data.startswith(b"\xff\xd8"):
            raise UserError("not an image", code="not_an_image")
        return ImageFinding("image/jpeg", 1920, 1080, 123.5)

    async def check_id_number(self, number: str, on: date) -> IdNumberFinding:
        return IdNumberFinding(number, self.number_verdict, (), "北京市", date(1990, 1, 1))

    async def match_faces(self, card: bytes, still: bytes) -> FaceFinding:
        await self.proceed.wait()
        if self.face_error:
            raise self.face_error
        image = ImageFinding("image/jpeg", 112, 112, 50.0)
        return FaceFinding(
            "base", True, "d" * 64, "m" * 64, 0.61, 0.58, 0.5, self.face_verdict, "", b"\xff\xd8face",
            image, 0.1,
        )  # fmt: skip


class MemoryAudits:
    """The auditors' queue over the rows of a MemoryCases."""

    def __init__(self, cases: MemoryCases) -> None:
        self.cases = cases
        self.held: dict[CaseId, AuditClaim] = {}

    async def load(self, now: float) -> AuditLoad:
        due = [row.due_at for row in self.cases.rows.values() if row.phase is CasePhase.UNDER_AUDIT]
        return AuditLoad(len(due), sum(at is not None and at < now for at in due))

    async def waiting(self, tenant: TenantId, account: AccountId, now: float) -> tuple[CaseId, ...]:
        taken = {one.case for one in self.held.values() if one.account != account and one.until > now}
        rows = [row for row in self.cases.rows.values() if row.phase is CasePhase.UNDER_AUDIT]
        rows.sort(key=lambda row: (row.due_at or 0.0, row.created_at, row.case))
        return tuple(row.case for row in rows if row.tenant == tenant and row.case not in taken)

    async def claim(self, case: CaseId, account: AccountId, now: float, until: float) -> bool:
        standing = self.held.get(case)
        if standing is not None and standing.account != account and standing.until > now:
            return False
        self.held = {one: claim for one, claim in self.held.items() if claim.account != account}
        self.held[case] = AuditClaim(case, account, until)
        return True

    async def release(self, case: CaseId, account: AccountId | None = None) -> None:
        if case in self.held and account in (None, self.held[case].account):
            del self.held[case]

    async def claims(self, cases: Collection[CaseId], now: float) -> tuple[AuditClaim, ...]:
        return tuple(one for one in self.held.values() if one.case in cases and one.until > now)

    async def looks(self) -> tuple[LookCount, ...]:
        return ()


class MemoryViews:
    """Saved views in a dict."""

    def __init__(self) -> None:
        self.kept: dict[AccountId, dict[str, SavedView]] = {}

    async def views(self, account: AccountId) -> tuple[SavedView, ...]:
        return tuple(self.kept.get(account, {}).values())

    async def save(self, account: AccountId, view: SavedView) -> None:
        self.kept.setdefault(account, {})[view.name] = view

    async def drop(self, account: AccountId, name: str) -> None:
        self.kept.get(account, {}).pop(name, None)


class MemoryAccounts:
    """Tenants, accounts and sessions in dicts."""

    def __init__(self) -> None:
        self.tenants: dict[TenantId, Tenant] = {}
        self.accounts: dict[AccountId, Account] = {}
        self.sessions: dict[str, Session] = {}

    async def add_tenant(self, tenant: Tenant) -> None:
        self.tenants[tenant.tenant] = tenant

    async def tenant(self, tenant: TenantId) -> Tenant:
        return self.tenants[tenant]

    async def tenant_by_code(self, code: str) -> Tenant:
        for tenant in self.tenants.values():
            if tenant.code == code:
                return tenant
        raise NotFound("no such bank")

    async def add_account(self, account: Account) -> None:
        self.accounts[account.account] = account

    async def account(self, account: AccountId) -> Account:
        return self.accounts[account]

    async def account_by_login(self, login: str) -> Account | None:
        found = (a for a in self.accounts.values() if a.login.casefold() == login.casefold())
        return next(found, None)

    async def staff(self, tenant: TenantId) -> tuple[Account, ...]:
        return tuple(one for one in self.accounts.values() if one.tenant == tenant)

    async def set_routing(
        self,
        account: AccountId,
        skills: tuple[str, ...],
        languages: tuple[str, ...],
        trained_until: float | None,
    ) -> None:
        self._change(account, skills=skills, languages=languages, trained_until=trained_until)

    async def note_login(self, account: AccountId, failed_logins: int, locked_until: float) -> None:
        self._change(account, failed_logins=failed_logins, locked_until=locked_until)

    async def note_failed_login(self, account: AccountId, lock_after: int, lock_until: float) -> int:
        count = self.accounts[account].failed_logins + 1
        self._change(account, failed_logins=count)
        if count >= lock_after:
            self._change(account, locked_until=lock_until)
        return count

    async def set_password_hash(self, account: AccountId, password_hash: str) -> None:
        self._change(account, password_hash=password_hash)

    async def add_session(self, session: Session) -> None:
        self.sessions[session.token_sha256] = session

    async def session(self, token_sha256: str, now: float) -> Session | None:
        session = self.sessions.get(token_sha256)
        if session is None or session.expires_at <= now:
            return None
        self.sessions[token_sha256] = replace(session, seen_at=now)
        return session

    async def drop_session(self, token_sha256: str) -> None:
        self.sessions.pop(token_sha256, None)

    def disable(self, account: AccountId) -> None:
        self._change(account, disabled=True)

    def _change(self, account: AccountId, **values: object) -> None:
        self.accounts[account] = replace(self.accounts[account], **values)  # type: ignore[arg-type]


class MemoryLedger:
    """Tickets used so far."""

    def __init__(self) -> None:
        self.used: set[TicketId] = set()

    async def redeem(self, ticket: TicketId, expires_at: float) -> bool:
        first = ticket not in self.used
        self.used.add(ticket)
        return first


class MemoryJobs:
    """Jobs that nobody works on."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    async def enqueue(
        self, kind: str, case: CaseId, args: Mapping[str, str] | None = None, *, again: bool = False
    ) -> JobId:
        for known in self.jobs:
            if (known.kind, known.case) == (kind, case):
                self.jobs[self.jobs.index(known)] = replace(known, attempt=known.attempt + again)
                return known.job
        job = Job(new_job_id(), kind, case, "ready", 0, 3, 0.0, "", "", 0.0)
        self.jobs.append(job)
        return job.job

    async def claim(self, worker: str, lease_s: float) -> Job | None:
        return None

    async def beat(self, job: Job, progress: float, note: str, lease_s: float) -> None: ...

    async def complete(self, job: Job) -> None: ...

    async def fail(self, job: Job, error: str, retry_in_s: float) -> bool:
        return False

    async def for_case(self, case: CaseId) -> tuple[Job, ...]:
        return tuple(job for job in self.jobs if job.case == case)

    def kinds(self, case: CaseId) -> list[str]:
        return [job.kind for job in self.jobs if job.case == case]
