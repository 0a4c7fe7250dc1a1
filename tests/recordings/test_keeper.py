"""Kept until due, held while disputed, erased for good: on real files, a real database, a real S3 server."""

import json
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from contract.errors import NotFound, StorageError, WrongPhase
from contract.facts import (
    CaseAdvanced,
    CaseCreated,
    EvidenceStored,
    SpoolReleased,
)
from contract.ids import CaseId, new_case_id, new_evidence_id
from contract.keeping_facts import HoldLifted, HoldSet, RelationEnded
from contract.phases import AbortedKeeps, CaseEnd, CasePhase, EvidenceKind, Relation
from contract.ports import Archive, ImageFinding
from recordings.archive_directory import DirectoryArchive
from recordings.archive_s3 import S3Archive
from recordings.archive_sealed import SealedArchive
from recordings.case_keys import CaseKeys, open_master_key
from recordings.erasure import load_certificate
from recordings.evidence import FileEvidence
from recordings.journal import FileJournal
from recordings.keeper import Keeper, KeeperSettings
from recordings.papers import CERTIFICATE, SEALED
from recordings.pipeline import Pipeline
from recordings.retention import Fate, Rule, Since, months_after
from recordings.signature import open_signer
from recordings.spool import Spool
from recordings.verify import verify_archive
from recordings.verify_sealed import judge_sealed, verify_sealed_archive
from store import Database
from tests.recordings.ceph import Gateway
from tests.recordings.desk import TENANT, MoodyArchive
from tests.recordings.encoded import MovedClock
from tests.recordings.s3_servers import client_of, settings_for
from tests.recordings.vault import content

_PICTURE = ImageFinding("image/jpeg", 1, 1, 1.0)
_RULES = (
    Rule("identity", 120, Since.RELATIONSHIP, frozenset({Fate.OPENED})),
    Rule("refused", 1, Since.VERDICT, frozenset({Fate.REFUSED})),
    Rule("dispute", 24, Since.DISPUTE),
)


@dataclass(slots=True)
class Vault:
    """Everything of the service that a record meets after its call."""

    root: Path
    clock: MovedClock
    database: Database
    journal: FileJournal
    spool: Spool
    below: MoodyArchive
    archive: SealedArchive
    case: CaseId

    def keeper(self, *, erases: bool = False) -> Keeper:
        return Keeper(
            self.spool, self.journal, self.database.cases, self.database.keepings, self.archive, self.clock,
            open_signer(self.root / "records.pem"), lambda policy: _RULES, KeeperSettings(erases=erases),
        )  # fmt: skip

    def pipeline(self, keeps: AbortedKeeps = AbortedKeeps.EVERYTHING) -> Pipeline:
        return Pipeline(
            self.spool, self.journal, self.database.jobs, self.archive, self.database.cases, self.clock,
            open_signer(self.root / "records.pem"), "worker-1", aborted_keeps=lambda policy: keeps,
        )  # fmt: skip

    @property
    def prefix(self) -> str:
        return f"{TENANT}/{self.case}/"

    async def begin(self, now: CasePhase, reason: CaseEnd | None = None) -> None:
        """A case with a picture, at its end."""
        await self.journal.append(self.case, CaseCreated(TENANT, "account", "pack", "张三"))
        evidence = FileEvidence(self.spool, self.journal)
        await evidence.store(
            self.case, new_evidence_id(), EvidenceKind.ID_CARD, "face of 張三".encode() * 9, _PICTURE, "phone"
        )
        await self.journal.append(self.case, CaseAdvanced(CasePhase.IN_CALL, now, reason))

    async def archive_it(self, keeps: AbortedKeeps = AbortedKeeps.EVERYTHING) -> None:
        await self.database.jobs.enqueue("merge", self.case)
        job = await self.database.jobs.claim("worker-1", 60.0)
        assert job is not None
        assert await self.pipeline(keeps).run_one(job)

    async def sign(self, phase: CasePhase) -> None:
        await self.journal.append(self.case, CaseAdvanced(CasePhase.UNDER_AUDIT, phase))


@pytest.fixture(params=["directory", "moto", pytest.param("ceph", marks=pytest.mark.ceph)])
async def vault(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Vault]:
    clock = MovedClock(wall=time.time())
    below: Archive = DirectoryArchive(tmp_path / "archive", clock.now)
    if request.param != "directory":
        gateway: Gateway = request.getfixturevalue(f"{request.param}_server")
        s3 = S3Archive(settings_for(gateway, f"vault-{secrets.token_hex(4)}", object_lock_days=1), clock)
        await s3.prepare()
        below = s3
    async with Database(f"sqlite+aiosqlite:///{tmp_path}/teller.db", clock) as database:
        moody = MoodyArchive(below)
        keys = CaseKeys(open_master_key(tmp_path / "archive.key"), database.keepings)
        yield Vault(
            tmp_path, clock, database, FileJournal(tmp_path / "journal", clock, database.cases.project),
            Spool(tmp_path / "spool"), moody, SealedArchive(moody, keys, tmp_path / "sealing"), new_case_id(),
        )  # fmt: skip


async def _refused(keeper: Keeper, case: CaseId) -> str:
    with pytest.raises(WrongPhase) as caught:
        await keeper.erase(case, "clerk", "asked for")
    return caught.value.code


async def test_a_record_lives_is_held_and_goes(vault: Vault) -> None:
    """From the archive to the certificate: nothing deletes it too early, nothing is left of it after."""
    keeper, case = vault.keeper(), vault.case
    await vault.begin(CasePhase.AGENT_DONE)
    await vault.archive_it()
    assert (await verify_archive(vault.archive, TENANT, case)).intact
    assert (await verify_sealed_archive(vault.below, TENANT, case)).intact
    picture = next(key for key in await vault.archive.keys(vault.prefix) if key.endswith(".jpg"))
    assert "張三".encode() in await content(vault.archive, picture)
    assert "張三".encode() not in await content(vault.below, picture)

    # An open case is kept without a date; then the auditor refuses, and somebody sues.
    assert await _refused(keeper, case) == "not_due"
    await vault.sign(CasePhase.REJECTED)
    signed_at = vault.clock.now()
    await vault.journal.append(case, HoldSet(None, "counsel", "suit 12/26"))
    await keeper.settle_all()
    row = await vault.database.keepings.keeping(case)
    assert row is not None
    assert (row.held, row.settled, row.due_at) == (True, True, months_after(signed_at, 1))
    vault.clock.wall = signed_at + 40 * 86_400
    assert await _refused(keeper, case) == "held"
    assert await vault.keeper(erases=True).sweep() == ()
    assert len(await vault.below.remove(vault.prefix, frozenset())) > 3

    # The dispute ends; its own rule keeps the record longer than the first one.
    await vault.journal.append(case, HoldLifted(None, "counsel", "settled"))
    await keeper.settle_all()
    assert await _refused(keeper, case) == "not_due"
    before = await vault.below.keys(vault.prefix)
    lifted_at = vault.clock.now()
    vault.clock.wall = months_after(lifted_at, 24) + 1
    assert await keeper.sweep() == (case,)
    assert await content(vault.archive, picture)
    assert await vault.keeper(erases=True).sweep() == (case,)

    # Nothing opens it, nothing tells of it, and who erased it and why can be proved.
    with pytest.raises(NotFound) as caught:
        await content(vault.archive, picture)
    assert caught.value.code in ("erased", "not_found")
    left = await vault.below.keys(vault.prefix)
    assert {vault.prefix + CERTIFICATE, vault.prefix + SEALED} <= set(left)
    for key in left:
        assert "張三".encode() not in await content(vault.below, key)
    certificate, signer = load_certificate(await content(vault.below, vault.prefix + CERTIFICATE))
    assert signer == open_signer(vault.root / "records.pem").key
    assert {one.path for one in certificate.objects} == {key.removeprefix(vault.prefix) for key in before} - {
        SEALED
    }
    assert [rule.what for rule in certificate.rules] == ["refused", "dispute"]
    assert (certificate.by, certificate.due_at) == ("teller", months_after(lifted_at, 24))
    assert not vault.spool.case_dir(case).exists()
    assert await vault.journal.read(case) == ()
    with pytest.raises(NotFound):
        await vault.database.cases.case(case)
    assert await vault.database.jobs.for_case(case) == ()
    traces = [p for p in vault.root.rglob("*") if p.is_file() and "張三".encode() in p.read_bytes()]
    traces += [p for p in vault.root.rglob("*") if p.is_file() and "张三".encode() in p.read_bytes()]
    assert traces == []

    # Again is the same as once.
    assert load_certificate(await keeper.erase(case, "somebody else", "again"))[0] == certificate


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Vault]:
    clock = MovedClock(wall=time.time())
    async with Database(f"sqlite+aiosqlite:///{tmp_path}/teller.db", clock) as database:
        moody = MoodyArchive(DirectoryArchive(tmp_path / "archive", clock.now))
        keys = CaseKeys(open_master_key(tmp_path / "archive.key"), database.keepings)
        yield Vault(
            tmp_path, clock, database, FileJournal(tmp_path / "journal", clock, database.cases.project),
            Spool(tmp_path / "spool"), moody, SealedArchive(moody, keys, tmp_path / "sealing"), new_case_id(),
        )  # fmt: skip


async def test_an_erasure_that_was_cut_off_is_finished(local: Vault) -> None:
    """The archive goes away behind the destruction of the key: it stays destroyed, the rest follows."""
    await local.begin(CasePhase.AGENT_DONE)
    await local.archive_it()
    await local.sign(CasePhase.REJECTED)
    await local.keeper().settle_all()
    local.clock.wall += 40 * 86_400
    dies = local.below.remove
    local.below.remove = _dead  # type: ignore[method-assign]
    with pytest.raises(StorageError):
        await local.keeper().erase(local.case, "clerk", "due")
    row = await local.database.keepings.keeping(local.case)
    assert row is not None
    assert row.key is None
    assert not row.settled
    assert json.loads(row.certificate)["statement"]["by"] == "clerk"

    local.below.remove = dies  # type: ignore[method-assign]
    await local.keeper().settle_all()
    row = await local.database.keepings.keeping(local.case)
    assert row is not None
    assert row.settled
    assert await local.journal.read(local.case) == ()
    assert await local.below.keys(local.prefix) == tuple(
        sorted((local.prefix + CERTIFICATE, local.prefix + SEALED))
    )


async def _dead(prefix: str, but: frozenset[str]) -> tuple[str, ...]:
    raise StorageError("away", code="archive_unreachable")


async def test_the_bank_says_when_the_relationship_ended(local: Vault) -> None:
    """Until then an opened account's record has no date; the lock is as if it ended now."""
    await local.begin(CasePhase.AGENT_DONE)
    await local.archive_it()
    await local.sign(CasePhase.APPROVED)
    await local.keeper().settle_all()
    row = await local.database.keepings.keeping(local.case)
    assert row is not None
    assert row.due_at is None
    terms = json.loads((local.root / "archive" / local.prefix / ".terms").read_bytes())
    assert terms == {"until": pytest.approx(months_after(local.clock.now(), 120)), "held": False}

    ended_at = local.clock.now() + 1_000.0
    await local.journal.append(local.case, RelationEnded(Relation.RELATIONSHIP, ended_at, "core system"))
    await local.keeper().settle_all()
    row = await local.database.keepings.keeping(local.case)
    assert row is not None
    assert row.due_at == months_after(ended_at, 120)


async def test_a_lock_without_a_date_is_renewed(local: Vault) -> None:
    """An account that lasts: every month the lock is again as if it ended now, until it has ended."""
    await local.begin(CasePhase.AGENT_DONE)
    await local.archive_it()
    await local.sign(CasePhase.APPROVED)
    keeper = local.keeper()
    await keeper.settle_all()
    first_at = local.clock.now()
    for days, told_at in ((29, first_at), (31, first_at + 31 * 86_400), (33, first_at + 31 * 86_400)):
        local.clock.wall = first_at + days * 86_400
        await keeper.sweep()
        terms = json.loads((local.root / "archive" / local.prefix / ".terms").read_bytes())
        assert terms["until"] == pytest.approx(months_after(told_at, 120)), days
    ended_at = local.clock.now()
    await local.journal.append(local.case, RelationEnded(Relation.RELATIONSHIP, ended_at, "core system"))
    await keeper.settle_all()
    local.clock.wall += 400 * 86_400
    await keeper.sweep()
    terms = json.loads((local.root / "archive" / local.prefix / ".terms").read_bytes())
    assert terms["until"] == pytest.approx(months_after(ended_at, 120))


async def test_an_archive_that_is_away_renews_later(local: Vault) -> None:
    """What could not be told is told at the next sweep."""
    await local.begin(CasePhase.AGENT_DONE)
    await local.archive_it()
    await local.sign(CasePhase.APPROVED)
    keeper = local.keeper()
    await keeper.settle_all()
    local.clock.wall += 31 * 86_400
    local.below.dead = True
    await keeper.sweep()
    row = await local.database.keepings.keeping(local.case)
    assert row is not None and not row.settled
    local.below.dead = False
    await keeper.settle_all()
    terms = json.loads((local.root / "archive" / local.prefix / ".terms").read_bytes())
    assert terms["until"] == pytest.approx(months_after(local.clock.now(), 120))


@pytest.mark.parametrize("keeps", list(AbortedKeeps))
async def test_an_aborted_case_keeps_what_its_policy_says(local: Vault, keeps: AbortedKeeps) -> None:
    """Everything, pictures, or the log alone; the record verifies in each case."""
    await local.begin(CasePhase.ABORTED, CaseEnd.CALL_FAILED)
    track = local.spool.case_dir(local.case) / "call" / "track" / "00000.mkv"
    track.parent.mkdir(parents=True)
    track.write_bytes(b"film")
    await local.archive_it(keeps)
    report = await verify_archive(local.archive, TENANT, local.case)
    assert report.intact, report
    kept = {Path(file.path).suffix for file in report.files}
    assert kept == {
        AbortedKeeps.EVERYTHING: {".jpg", ".mkv"}, AbortedKeeps.PICTURES: {".jpg"}, AbortedKeeps.LOG: set(),
    }[keeps]  # fmt: skip
    entries = await local.journal.read(local.case)
    assert any(isinstance(entry.fact, EvidenceStored) for entry in entries)
    assert any(isinstance(entry.fact, SpoolReleased) for entry in entries)
    assert not local.spool.case_dir(local.case).exists()


async def test_outsiders_name_what_was_altered(local: Vault) -> None:
    """Without any key: which object is gone, shortened or changed, and a list that is of another case."""
    await local.begin(CasePhase.AGENT_DONE)
    await local.archive_it()
    folder = local.root / "archive" / local.prefix
    victim = next(folder.rglob("*.jpg"))
    victim.chmod(0o600)
    victim.write_bytes(victim.read_bytes()[:-1])
    (folder / "journal.jsonl").unlink()
    report = await verify_sealed_archive(local.below, TENANT, local.case)
    wrong = {file.path: file.verdict.value for file in report.files if file.verdict.value != "intact"}
    assert wrong == {victim.relative_to(folder).as_posix(): "truncated", "journal.jsonl": "missing"}
    paper = (folder / SEALED).read_bytes()
    assert judge_sealed(new_case_id(), paper, {}).problems == ("sealed_of_another_case",)
    assert judge_sealed(local.case, None, {}).problems == ("sealed_missing",)
    assert judge_sealed(local.case, paper[:-2], {}).problems == ("signature_damaged",)


@pytest.mark.ceph
async def test_a_real_server_refuses_to_delete_what_is_locked_and_held(
    ceph_server: Gateway, tmp_path: Path
) -> None:
    """Ceph's gateway: a date lengthened past the bucket's default, then the hold; by an operator's client."""
    clock = MovedClock(wall=time.time())
    settings = settings_for(ceph_server, f"vault-{secrets.token_hex(4)}", object_lock_days=1)
    archive = S3Archive(settings, clock)
    await archive.prepare()
    (tmp_path / "a").write_bytes(b"record")
    await archive.put("t/case/a", tmp_path / "a")
    await archive.keep("t/case/", clock.now() + 40 * 86_400, held=True)
    await archive.keep("t/case/", clock.now() + 50 * 86_400, held=True)
    assert await archive.remove("t/case/", frozenset()) == ("t/case/a",)
    client = client_of(settings)
    assert client.is_object_legal_hold_enabled(bucket_name=settings.bucket, object_name="t/case/a")
    await archive.keep("t/case/", None, held=False)
    assert not client.is_object_legal_hold_enabled(bucket_name=settings.bucket, object_name="t/case/a")
