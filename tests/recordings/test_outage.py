"""An S3 server that is really stopped, for a day of a simulated clock: nothing is lost, all arrives."""

import dataclasses
import time
from pathlib import Path

import pytest

from contract.facts import ArchiveVerified, CaseAdvanced, CaseCreated, MergeFailed, SpoolReleased
from contract.ids import CaseId, new_case_id, new_evidence_id
from contract.phases import CasePhase, EvidenceKind
from contract.ports import ImageFinding
from recordings.archive_s3 import S3Archive, S3Settings, server_side
from recordings.archive_sealed import SealedArchive
from recordings.case_keys import CaseKeys, open_master_key
from recordings.cipher import sealed_size
from recordings.evidence import FileEvidence
from recordings.journal import FileJournal
from recordings.pipeline import Pipeline, PipelineSettings
from recordings.signature import open_signer
from recordings.spool import Spool
from recordings.verify import verify_archive
from store import Database
from teller.spool_watch import look
from tests.recordings.ceph import free_port
from tests.recordings.desk import TENANT
from tests.recordings.encoded import MovedClock
from tests.recordings.s3_servers import client_of, moto_at, running_moto, settings_for
from tests.recordings.vault import content

_DAY_S = 86_400.0
_PICTURE = ImageFinding("image/jpeg", 1, 1, 1.0)
# Two parts at 5 MiB: goes up as multipart.
_BIG = 6 << 20


async def _record(case: CaseId, journal: FileJournal, spool: Spool) -> None:
    await journal.append(case, CaseCreated(TENANT, "account", "pack", "张三"))
    evidence = FileEvidence(spool, journal)
    big = case.encode() * (_BIG // len(case))
    await evidence.store(case, new_evidence_id(), EvidenceKind.ID_CARD, big, _PICTURE, "phone")
    await journal.append(case, CaseAdvanced(CasePhase.IN_CALL, CasePhase.AGENT_DONE))


async def _work_until(end: float, clock: MovedClock, database: Database, pipeline: Pipeline) -> list[float]:
    """Work as a worker does until the clock shows ``end``; return when each attempt was made."""
    tried: list[float] = []
    while clock.now() < end:
        job = await database.jobs.claim("worker-1", 60.0)
        if job is None:
            clock.pass_s(60.0)
        else:
            tried.append(clock.now())
            await pipeline.run_one(job)
    return tried


@pytest.mark.timeout(300)
async def test_a_day_without_the_archive(tmp_path: Path) -> None:
    """Records gather in the spool and are tried ever less often; the disk alarms; then all is home."""
    clock, port = MovedClock(wall=time.time()), free_port()
    with running_moto(tmp_path, port) as gateway:
        settings = dataclasses.replace(settings_for(gateway, "records"), retries=0)
    # The server is gone from here on; nothing listens on its port.
    spool, cases = Spool(tmp_path / "spool"), [new_case_id() for _ in range(2)]
    async with Database(f"sqlite+aiosqlite:///{tmp_path}/teller.db", clock) as database:
        journal = FileJournal(tmp_path / "journal", clock, database.cases.project)
        keys = CaseKeys(open_master_key(tmp_path / "archive.key"), database.keepings)
        archive = SealedArchive(S3Archive(settings, clock), keys, tmp_path / "sealing")
        pipeline = Pipeline(
            spool, journal, database.jobs, archive, database.cases, clock,
            open_signer(tmp_path / "records.pem"), "worker-1", PipelineSettings(),
        )  # fmt: skip
        for case in cases:
            await _record(case, journal, spool)
            await database.jobs.enqueue("merge", case)
        begun = clock.now()

        tried = await _work_until(begun + _DAY_S, clock, database, pipeline)
        state = look(spool.root, clock.now())
        assert state.cases == 2
        assert state.bytes > 2 * _BIG * 0.99
        assert state.alarms(state.free + 1) == ("disk_low",)
        assert state.alarms(state.free) == ()
        # A cap of a quarter of an hour for each case, and never more often than that late in the day.
        late = [at for at in tried if at > begun + _DAY_S / 2]
        assert _DAY_S / 2 / 960 * 2 * 0.8 < len(late) < _DAY_S / 2 / 900 * 2 * 1.4
        for case in cases:
            facts = [entry.fact for entry in await journal.read(case)]
            assert [fact.reason for fact in facts if isinstance(fact, MergeFailed)] == ["archive_unreachable"]
            assert not any(isinstance(fact, SpoolReleased) for fact in facts)

        with moto_at(port, gateway, tmp_path):
            client_of(settings).make_bucket(bucket_name="records")
            await _work_until(clock.now() + 1_800.0, clock, database, pipeline)
            for case in cases:
                facts = [entry.fact for entry in await journal.read(case)]
                order = [type(f) for f in facts if isinstance(f, ArchiveVerified | SpoolReleased)]
                assert order == [ArchiveVerified, SpoolReleased]
                assert (await verify_archive(archive, TENANT, case)).intact
                await _multipart(settings, archive, case)
            assert look(spool.root, clock.now()).cases == 0


async def _multipart(settings: S3Settings, archive: SealedArchive, case: CaseId) -> None:
    """The large object went up in parts, and comes back as one file of ciphertext."""
    key = next(key for key in await archive.keys(f"{TENANT}/{case}/") if key.endswith(".jpg"))
    found = client_of(settings).stat_object(bucket_name="records", object_name=key)
    assert (found.etag or "").endswith("-2")
    plain = await content(archive, key)
    assert found.size == sealed_size(len(plain))
    assert plain == case.encode() * (_BIG // len(case))


async def test_the_server_encrypts_besides(tmp_path: Path) -> None:
    """The store is asked to; it says that it did, and gives the file back."""
    with running_moto(tmp_path) as gateway:
        for word, says in (("s3", "AES256"), ("kms:teller", "aws:kms")):
            settings = dataclasses.replace(settings_for(gateway, word[:3].replace(":", "x") + "-sse"),
                                           sse=server_side(word))  # fmt: skip
            client_of(settings).make_bucket(bucket_name=settings.bucket)
            (tmp_path / "a").write_bytes(b"record")
            archive = S3Archive(settings, MovedClock(wall=time.time()))
            await archive.put("t/case/a", tmp_path / "a")
            found = client_of(settings).stat_object(bucket_name=settings.bucket, object_name="t/case/a")
            assert (found.metadata or {})["x-amz-server-side-encryption"] == says
            assert await content(archive, "t/case/a") == b"record"
    assert server_side("none") is None
    for wrong in ("kms:", "aes", ""):
        with pytest.raises(ValueError, match="wanted"):
            server_side(wrong)
