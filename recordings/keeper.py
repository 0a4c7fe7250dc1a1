"""How long records are kept, and how they go: the archive told, what is due erased, certificates left.

What is true stands in the journal; rows in the database only say where to look. Everything here can be cut
off anywhere and is taken up again: the destruction of the key is the one step that counts, and what has to
follow it is done until it is done.
"""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog
from prometheus_client import Counter, Gauge

from contract.errors import NotFound, StorageError, TellerError, WrongPhase
from contract.facts import Entry
from contract.ids import CaseId, TenantId
from contract.ports import CaseStore, Clock, Keeping, KeepingStore
from recordings.archive_sealed import SealedArchive
from recordings.erasure import VERSION, Certificate, dump_certificate
from recordings.journal import FileJournal
from recordings.manifest import ManifestFile
from recordings.papers import CERTIFICATE, PLAIN_PAPERS, SEALED, listed, load_sealed
from recordings.retention import Retention, Rule, Subject, locked_until, retention, subject_of
from recordings.signature import Signer
from recordings.spool import Spool, create_synced
from recordings.verify import found_in

_log = structlog.get_logger(__name__)

ERASED = Counter("teller_records_erased", "Records whose key was destroyed.")
DUE = Gauge("teller_records_due", "Records whose retention has ended and that are still here.")

# Rows looked at in one turn; the rest waits for the next one.
_TURN = 200
# A record whose rules count from something that has not happened is locked as if that happened now, and is
# told so anew after this time; no archive's shortest lock should be shorter.
_RENEWED_S = 30 * 86_400.0

RulesOf = Callable[[str], Sequence[Rule]]


@dataclass(frozen=True, slots=True)
class KeeperSettings:
    """Seconds between two looks at what changed, and between two at what is due.

    ``erases`` lets the sweep erase what is due; otherwise it only tells of it.
    """

    look_s: float = 5.0
    sweep_s: float = 3_600.0
    erases: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """What a case's journal says of its keeping."""

    tenant: TenantId
    subject: Subject
    retention: Retention
    locked_until: float | None
    head: str


class Keeper:
    """Settles, sweeps and erases."""

    def __init__(
        self,
        spool: Spool,
        journal: FileJournal,
        cases: CaseStore,
        keepings: KeepingStore,
        archive: SealedArchive,
        clock: Clock,
        signer: Signer,
        rules_of: RulesOf,
        settings: KeeperSettings | None = None,
    ) -> None:
        """``rules_of`` returns the rules of a policy pack by the name that stands in the case."""
        self._spool, self._journal, self._cases = spool, journal, cases
        self._keepings, self._archive, self._clock = keepings, archive, clock
        self._signer, self._rules_of = signer, rules_of
        self._settings = settings or KeeperSettings()
        self._swept_at = float("-inf")

    async def run_forever(self, stop: asyncio.Event) -> None:
        """Look and sweep until ``stop`` is set."""
        while not stop.is_set():
            with _told("what is kept cannot be looked at"):
                await self.settle_all()
                if self._clock.monotonic() - self._swept_at >= self._settings.sweep_s:
                    self._swept_at = self._clock.monotonic()
                    await self.sweep()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._settings.look_s)

    async def settle_all(self) -> None:
        """Tell the archive of every case that changed; what fails is tried again at the next look."""
        await self._settle(await self._keepings.unsettled(_TURN))

    async def _settle(self, rows: Sequence[Keeping]) -> None:
        for row in rows:
            try:
                await self.settle(row.case)
            except TellerError as error:
                _log.error(
                    "a case's keeping is not settled", case=row.case, code=error.code, pii_error=str(error)
                )
                # An archive that is away is away for all; a damaged journal only for its case.
                if error.code.startswith("archive_"):
                    return

    async def sweep(self) -> tuple[CaseId, ...]:
        """Return what was due; it is erased when the settings say so. Locks without a date are renewed."""
        await self._settle(await self._keepings.undated(self._clock.now() - _RENEWED_S, _TURN))
        due = await self._keepings.due(self._clock.now(), _TURN)
        DUE.set(len(due))
        for row in due:
            _log.info("retention has ended", case=row.case, due_at=row.due_at)
            if self._settings.erases:
                with _told("a case that is due is not erased", row.case):
                    await self.erase(row.case, "teller", "retention has ended")
        return tuple(row.case for row in due)

    async def settle(self, case: CaseId) -> Keeping:
        """Note what the journal says of a case's keeping and tell the archive; finish an erasure.

        Raises:
            NotFound: there is no such case.
            StorageError: the archive does not answer.
        """
        row = await self._keepings.keeping(case)
        if row is not None and row.erased_at is not None:
            await self._finish(row)
        else:
            told = await self.standing(case)
            await self._note(case, told, None)
            prefix = f"{told.tenant}/{case}/"
            if await self._archive.keys(prefix):
                await self._archive.keep(prefix, told.locked_until, held=told.subject.held)
            await self._note(case, told, self._clock.now())
        found = await self._keepings.keeping(case)
        if found is None:
            raise NotFound("nothing was noted of this case")
        return found

    async def standing(self, case: CaseId) -> Standing:
        """Return what the journal says of a case's keeping. Raises NotFound."""
        entries = await self._journal.read(case)
        if not entries:
            raise NotFound("no such case")
        row = await self._cases.case(case)
        subject, rules = subject_of(entries), self._rules_of(row.policy)
        lock = locked_until(subject, rules, self._clock.now())
        return Standing(row.tenant, subject, retention(subject, rules), lock, _head(entries))

    async def erase(self, case: CaseId, by: str, reason: str) -> bytes:
        """Destroy the key of a case whose retention has ended; return the certificate.

        Erasing again finishes what was cut off and returns the first certificate.

        Raises:
            NotFound: there is no such case.
            WrongPhase: ``held`` or ``not_due``; nothing was done.
            StorageError: ``archive_locked``, what lies there plain cannot be deleted yet; or the archive
                does not answer. Once the key is gone the sweep goes on by itself.
        """
        row = await self._keepings.keeping(case)
        if row is None or row.erased_at is None:
            told = await self.standing(case)
            due_at = _require_due(told, self._clock.now())
            await self._note(case, told, None)
            row = await self._destroy(case, told, due_at, by, reason)
            ERASED.inc()
            _log.warning("record erased", case=case, due_at=due_at)
        await self._finish(row)
        return row.certificate.encode()

    async def _destroy(self, case: CaseId, told: Standing, due_at: float, by: str, reason: str) -> Keeping:
        prefix = f"{told.tenant}/{case}/"
        row = await self._keepings.keeping(case)
        encrypted = row is not None and row.key is not None
        objects = await self._objects(prefix)
        plain = () if encrypted else await self._archive.remove(prefix, frozenset({prefix + CERTIFICATE}))
        if plain:
            raise StorageError("the archive still locks what lies there plain", code="archive_locked")
        now = self._clock.now()
        certificate = Certificate(
            VERSION, told.tenant, case, now, by, reason, due_at, told.head, encrypted,
            told.retention.applied, objects,
        )  # fmt: skip
        paper = dump_certificate(certificate, self._signer)
        return await self._keepings.erase(case, paper.decode(), now)

    async def _objects(self, prefix: str) -> tuple[ManifestFile, ...]:
        """Return what lies under ``prefix``; what was listed when it was put is not read again."""
        keys = await self._archive.below.keys(prefix)
        known: dict[str, ManifestFile] = {}
        if prefix + SEALED in keys:
            paper = b"".join([block async for block in self._archive.below.read(prefix + SEALED)])
            known = {one.path: one for one in load_sealed(paper)[0].objects}
        names = (key.removeprefix(prefix) for key in keys)
        return listed(
            [
                known.get(name) or await self._object(prefix, name)
                for name in names
                if name not in PLAIN_PAPERS
            ]
        )

    async def _object(self, prefix: str, name: str) -> ManifestFile:
        found = await found_in(self._archive.below, prefix + name)
        return ManifestFile(name, found.sha256, found.bytes)

    async def _finish(self, row: Keeping) -> None:
        """Do what follows the destruction of a key: proof into the archive, the rest of the case away."""
        prefix = f"{row.tenant}/{row.case}/"
        with tempfile.TemporaryDirectory(prefix="proof-") as folder:
            path = Path(folder) / CERTIFICATE
            await asyncio.to_thread(create_synced, path, row.certificate.encode())
            await self._archive.put(prefix + CERTIFICATE, path)
        papers = frozenset(prefix + name for name in PLAIN_PAPERS)
        locked = await self._archive.remove(prefix, papers)
        if locked:
            _log.info("locked ciphertext stays, unreadable", case=row.case, objects=len(locked))
        await asyncio.to_thread(shutil.rmtree, self._spool.case_dir(row.case), True)
        await self._journal.forget(row.case)
        now = self._clock.now()
        await self._keepings.note(row.case, row.tenant, held=False, due_at=None, settled_at=now)

    async def _note(self, case: CaseId, told: Standing, settled_at: float | None) -> None:
        held, due_at = told.subject.held, told.retention.due_at
        await self._keepings.note(case, told.tenant, held=held, due_at=due_at, settled_at=settled_at)


def _require_due(told: Standing, now: float) -> float:
    due_at = told.retention.due_at
    if told.subject.held:
        raise WrongPhase("the record is held and may not be deleted", code="held")
    if due_at is None:
        raise WrongPhase("it is not known when retention of this record ends", code="not_due")
    if due_at > now:
        raise WrongPhase("the record must be kept for longer", code="not_due")
    return due_at


def _head(entries: Sequence[Entry]) -> str:
    return entries[-1].hash


@contextlib.contextmanager
def _told(what: str, case: CaseId | None = None) -> Iterator[None]:
    """Log a failure and go on: the next look tries again."""
    try:
        yield
    except TellerError as error:
        _log.error(what, case=case, code=error.code, pii_error=str(error))
