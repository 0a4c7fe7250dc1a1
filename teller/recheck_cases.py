"""``teller recheck``: one case, or many one after another, from the house's own records.

One case is in memory at a time, and one that fails does not stop those behind it.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog

from contract.errors import NotFound, StorageError, TellerError
from contract.fact import Fact
from contract.facts import Entry, EvidenceStored
from contract.identity_facts import ChallengeEnded, LightMeasured, LivenessMeasured
from contract.ids import CaseId, EvidenceId
from contract.ports import CaseSummary
from kyc.calibration import Card
from kyc.decision import DecisionRules
from kyc.engine import Engine
from kyc.registry import Task
from recordings.evidence import FileEvidence
from recordings.manifest import MANIFEST, load_manifest
from recordings.verify import FileVerdict, verify_archive
from teller.compose import Base, open_base
from teller.config import Config
from teller.documents import Documents
from teller.live.gestures import JUDGES
from teller.models import configured_pack
from teller.policy import load_policy, rules_of
from teller.recheck import ALTERED, Read, Recheck, Today, recheck
from teller.recheck_told import Told, Totals
from teller.recorded_track import Fetch
from teller.regesture import Regestured, regesture
from teller.relight import Relit, relight
from teller.relook import Relooked, relook

_log = structlog.get_logger(__name__)
_ERASED = "erased"

AS_IT_WAS, OTHERWISE, UNSOUND = 0, 1, 3
"""How ``teller recheck`` ends; 2 is a wrong command line. ``OTHERWISE`` also when a case failed."""


async def recheck_case(config: Config, case: str, told: Told, *, quick: bool = False) -> int:
    """Print what became of a case's checks; return how it ended.

    Raises:
        NotFound: there is no such case, or ``erased``.
    """
    async with _open(config, quick=quick) as house:
        report = await house.recheck(CaseId(case))
    told.case(CaseId(case), report)
    return UNSOUND if not report.sound else AS_IT_WAS if report.same else OTHERWISE


async def recheck_cases(
    config: Config, cases: Sequence[str], since: datetime | None, told: Told, *, quick: bool = False
) -> int:
    """Print a line for each of ``cases``, or of all that are over and began ``since`` then, and a summary.

    Return how it ended: the worst that any case came to.
    """
    totals = Totals()
    async with _open(config, quick=quick) as house:
        listed = house.base.database.cases
        from_when = since.timestamp() if since else 0.0
        of = len(cases) or await listed.count_since(from_when)
        found = _named(cases) if cases else listed.over_since(from_when)
        async for case in found:
            totals.cases += 1
            try:
                report = await house.recheck(case)
            except (TellerError, OSError, ValueError) as error:
                code = error.code if isinstance(error, TellerError) else type(error).__name__
                if code == _ERASED:
                    totals.erased += 1
                else:
                    totals.failed += 1
                    _log.warning("case not looked at again", case=case, pii_error=str(error))
                    told.failed(case, code)
            else:
                totals.add(report)
                told.one_of_many(case, report)
            told.progress(totals.cases, max(of, totals.cases))
    told.summary(totals)
    if totals.unsound:
        return UNSOUND
    return AS_IT_WAS if totals.as_they_were + totals.erased == totals.cases else OTHERWISE


async def _named(cases: Sequence[str]) -> AsyncIterator[CaseId]:
    for case in cases:
        yield CaseId(case)


@asynccontextmanager
async def _open(config: Config, *, quick: bool) -> AsyncIterator["_House"]:
    rules = rules_of(load_policy(config.policy.pack))
    async with open_base(config) as base, Engine(configured_pack(config)) as engine:
        yield _House(base, engine, rules, quick)


@dataclass(frozen=True, slots=True)
class _House:
    """Records, models and rules of today. ``quick``: of a record only what is scored is hashed."""

    base: Base
    engine: Engine
    rules: DecisionRules | None
    quick: bool
    evidence: FileEvidence = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "evidence", FileEvidence(self.base.spool, self.base.journal))

    async def recheck(self, case: CaseId) -> Recheck:
        """Verify the record, then score it. Raises NotFound, StorageError."""
        kept = await self.base.database.keepings.keeping(case)
        if kept is not None and kept.erased_at is not None:
            raise NotFound("the record was erased", code=_ERASED)
        found = await self.base.database.cases.case(case)
        entries = await self.base.journal.read(case)
        problems = await self._problems(found, entries)
        report = await recheck(entries, self._today(found, entries), self.rules)
        return replace(report, problems=problems)

    async def _problems(self, found: CaseSummary, entries: Sequence[Entry]) -> tuple[str, ...]:
        """Verify what the archive holds; of a case on its way there pictures are hashed as they are read."""
        archive, prefix = self.base.archive, f"{found.tenant}/{found.case}/"
        if not found.archived:
            return ()
        told: list[str] = []
        try:
            if not self.quick:
                report = await verify_archive(archive, found.tenant, found.case)
                damaged = (file for file in report.files if file.verdict is not FileVerdict.INTACT)
                told += [*report.problems, *(f"{file.verdict} {file.path}" for file in damaged)]
            paper = b"".join([block async for block in archive.read(prefix + MANIFEST)])
            head = load_manifest(paper).journal
            if head.seq > len(entries) or entries[head.seq - 1].hash != head.hash:
                told.append("journal_rewritten")
        except StorageError as error:
            if error.code not in ALTERED:
                raise
            told.append(error.code)
        except NotFound:
            told.append("manifest_missing")
        return tuple(dict.fromkeys(told))

    def _today(self, found: CaseSummary, entries: Sequence[Entry]) -> Today:
        engine, fetch = self.engine, self._fetch(found)
        pack = engine.pack
        card: Card | None = pack.card(Task.PASSIVE)

        async def light(facts: Sequence[Fact], was: LightMeasured) -> Relit:
            return await relight(facts, was, engine, fetch, demo_only=pack.demo_only)

        async def look(journal: Sequence[Entry], was: LivenessMeasured) -> Relooked:
            return await relook(journal, was, engine, fetch, card, demo_only=pack.demo_only)

        async def gestures(journal: Sequence[Entry], was: ChallengeEnded) -> Regestured:
            return await regesture(journal, was, engine, fetch, pack)

        return Today(
            identity=engine,
            documents=Documents(engine),
            read=self._read(found, entries, fetch),
            relight=light,
            relook=look,
            regesture=gestures,
            threshold=card.point("accept").threshold if card else None,
            liveness=pack.used(Task.DETECTION, Task.PASSIVE),
            light=pack.used(Task.DETECTION),
            gestures=pack.used(*JUDGES),
        )

    def _read(self, found: CaseSummary, entries: Sequence[Entry], fetch: Fetch) -> Read:
        stored = {one.fact.evidence: one.fact for one in entries if isinstance(one.fact, EvidenceStored)}

        async def read(wanted: EvidenceId) -> bytes:
            with suppress(NotFound):
                return await self.evidence.read(found.case, wanted)
            fact = stored.get(wanted)
            if fact is None:
                raise NotFound("no such picture in this case")
            data = await fetch(fact.file)
            if hashlib.sha256(data).hexdigest() != fact.sha256:
                raise NotFound("the archive holds another picture", code="altered")
            return data

        return read

    def _fetch(self, found: CaseSummary) -> Fetch:
        async def fetch(file: str) -> bytes:
            path = self.base.spool.case_dir(found.case) / file
            with suppress(FileNotFoundError):
                return await asyncio.to_thread(path.read_bytes)
            key = f"{found.tenant}/{found.case}/{file}"
            return b"".join([block async for block in self.base.archive.read(key)])

        return fetch
