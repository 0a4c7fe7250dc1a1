"""The S3 archive: which cause it names when something is wrong, and what its lock is worth."""

import dataclasses
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import urllib3
from minio import Minio
from minio.commonconfig import COMPLIANCE, GOVERNANCE
from minio.error import S3Error
from minio.objectlockconfig import DAYS, ObjectLockConfig
from minio.retention import Retention

from contract.errors import StorageError
from recordings.archive_s3 import S3Archive, S3Settings
from tests.recordings.ceph import Gateway, free_port
from tests.recordings.certificates import make_certificate
from tests.recordings.encoded import MovedClock
from tests.recordings.s3_servers import client_of, settings_for

ceph = pytest.mark.ceph


@pytest.fixture
def bucket() -> str:
    return f"bucket-{secrets.token_hex(4)}"


@pytest.fixture
def wall() -> MovedClock:
    return MovedClock(wall=time.time())


@pytest.fixture
def record(tmp_path: Path) -> Path:
    path = tmp_path / "record"
    path.write_bytes(secrets.token_bytes(6 << 20))
    return path


async def code_of(archive: S3Archive) -> str:
    """Return the code with which a probe fails."""
    with pytest.raises(StorageError) as caught:
        await archive.probe()
    return caught.value.code


# --- causes --------------------------------------------------------------------------------------


async def test_a_dead_server_is_named(moto_server: Gateway, bucket: str, wall: MovedClock) -> None:
    """Nobody listens: the cause is the server, within the bounded number of tries."""
    dead = dataclasses.replace(settings_for(moto_server, bucket), endpoint=f"127.0.0.1:{free_port()}")
    assert await code_of(S3Archive(dead, wall)) == "archive_unreachable"


async def test_a_foreign_certificate_is_named(
    moto_server: Gateway, bucket: str, wall: MovedClock, tmp_path: Path
) -> None:
    """A server whose certificate our bundle does not vouch for gets no request."""
    foreign = make_certificate(tmp_path).certificate
    settings = dataclasses.replace(settings_for(moto_server, bucket), ca_bundle=foreign)
    assert await code_of(S3Archive(settings, wall)) == "archive_certificate"


async def test_a_missing_bucket_is_named(moto_server: Gateway, bucket: str, wall: MovedClock) -> None:
    """The bucket is not made by accident."""
    assert await code_of(S3Archive(settings_for(moto_server, bucket), wall)) == "archive_no_bucket"


def test_the_keys_are_not_shown() -> None:
    """Settings can be logged: the keys are not part of their text."""
    shown = repr(S3Settings("host:9000", "bucket", access_key="known-key", secret_key="known-secret"))
    assert "known" not in shown


# --- access, on the real server ------------------------------------------------------------------


@ceph
async def test_a_wrong_secret_is_refused(ceph_server: Gateway, bucket: str, wall: MovedClock) -> None:
    """The gateway checks the signature, and we say which key is wrong."""
    settings = settings_for(ceph_server, bucket)
    await S3Archive(settings, wall).prepare()
    wrong = dataclasses.replace(settings, secret_key="wrong" * 8)
    assert await code_of(S3Archive(wrong, wall)) == "archive_denied"


@ceph
async def test_an_unknown_key_is_refused(ceph_server: Gateway, bucket: str, wall: MovedClock) -> None:
    """So is an access key that does not exist."""
    settings = settings_for(ceph_server, bucket)
    await S3Archive(settings, wall).prepare()
    assert (
        await code_of(S3Archive(dataclasses.replace(settings, access_key="NOBODY"), wall)) == "archive_denied"
    )


@ceph
async def test_nobody_reads_without_a_key(
    ceph_server: Gateway, bucket: str, wall: MovedClock, record: Path
) -> None:
    """An archived record cannot be fetched or listed anonymously."""
    settings = settings_for(ceph_server, bucket)
    archive = S3Archive(settings, wall)
    await archive.prepare()
    await archive.put("t/case/a", record)
    pool = urllib3.PoolManager(ca_certs=str(settings.ca_bundle))
    for path in ("t/case/a", ""):
        answer = pool.request("GET", f"https://{settings.endpoint}/{bucket}/{path}")
        assert answer.status in (401, 403)


# --- the lock ------------------------------------------------------------------------------------


def tries_to_delete(settings: S3Settings, key: str) -> str:
    """Return the code with which the server refuses to delete the one version of ``key``."""
    client = client_of(settings)
    [version] = client.list_objects(bucket_name=settings.bucket, prefix=key, include_version=True)
    with pytest.raises(S3Error) as caught:
        client.remove_object(bucket_name=settings.bucket, object_name=key, version_id=version.version_id)
    return caught.value.code or ""


@pytest.fixture(params=["moto_server", pytest.param("ceph_server", marks=ceph)])
def lock_settings(request: pytest.FixtureRequest, bucket: str) -> S3Settings:
    gateway: Gateway = request.getfixturevalue(request.param)
    return settings_for(gateway, bucket, object_lock_days=1)


async def test_a_locked_record_cannot_be_deleted(
    lock_settings: S3Settings, wall: MovedClock, record: Path
) -> None:
    """A multipart upload is locked too; the lock is claimed only once the canary could not be deleted."""
    archive = S3Archive(lock_settings, wall)
    await archive.prepare()
    assert not archive.write_once
    await archive.put("t/case/a", record)
    assert archive.write_once
    assert tries_to_delete(lock_settings, "t/case/a") == "AccessDenied"


@ceph
async def test_a_longer_default_is_not_shortened(
    ceph_server: Gateway, bucket: str, wall: MovedClock, record: Path
) -> None:
    """Where the bucket keeps longer than we ask for, the bucket's time stands."""
    await S3Archive(settings_for(ceph_server, bucket, object_lock_days=9), wall).prepare()
    settings = settings_for(ceph_server, bucket, object_lock_days=2)
    await S3Archive(settings, wall).put("t/case/a", record)
    sooner = Retention(COMPLIANCE, datetime.now(UTC) + timedelta(days=8))
    with pytest.raises(S3Error):
        client_of(settings).set_object_retention(bucket_name=bucket, object_name="t/case/a", config=sooner)


@ceph
async def test_a_lock_cannot_be_shortened(
    ceph_server: Gateway, bucket: str, wall: MovedClock, record: Path
) -> None:
    """COMPLIANCE holds against the owner of the keys as well."""
    settings = settings_for(ceph_server, bucket, object_lock_days=2)
    archive = S3Archive(settings, wall)
    await archive.prepare()
    await archive.put("t/case/a", record)
    sooner = Retention(COMPLIANCE, datetime.now(UTC) + timedelta(minutes=5))
    with pytest.raises(S3Error):
        client_of(settings).set_object_retention(bucket_name=bucket, object_name="t/case/a", config=sooner)


async def test_a_lock_begins_anew_and_never_goes_back(
    lock_settings: S3Settings, wall: MovedClock, record: Path
) -> None:
    """A case that is open for longer than the shortest lock is locked again; a later date stands."""
    archive = S3Archive(lock_settings, wall)
    await archive.prepare()
    await archive.put("t/case/a", record)
    days = [lock_settings.object_lock_days or 0]
    for passed, until_days in ((5, None), (0, 900), (1, None), (0, 30)):
        wall.wall += passed * 86_400
        until = None if until_days is None else wall.now() + until_days * 86_400
        await archive.keep("t/case/", until, held=False)
        found = client_of(lock_settings).stat_object(bucket_name=lock_settings.bucket, object_name="t/case/a")
        told = datetime.fromisoformat((found.metadata or {})["x-amz-object-lock-retain-until-date"])
        days.append(round((told.timestamp() - wall.now()) / 86_400))
    assert days[1:] == [days[0], 900, 899, 899]


async def test_one_canary_serves_every_probe(lock_settings: S3Settings, wall: MovedClock) -> None:
    """Probing again, from another process too, leaves no second object that cannot be removed."""
    await S3Archive(lock_settings, wall).prepare()
    for _ in range(2):
        archive = S3Archive(lock_settings, wall)
        await archive.probe()
        assert archive.write_once
    versions = list(
        client_of(lock_settings).list_objects(
            bucket_name=lock_settings.bucket, include_version=True, recursive=True
        )
    )
    assert len(versions) == 1


def without_lock(client: Minio, bucket: str) -> None:
    client.make_bucket(bucket_name=bucket)


def without_default(client: Minio, bucket: str) -> None:
    client.make_bucket(bucket_name=bucket, object_lock=True)


def weaker_default(client: Minio, bucket: str) -> None:
    client.make_bucket(bucket_name=bucket, object_lock=True)
    client.set_object_lock_config(bucket_name=bucket, config=ObjectLockConfig(GOVERNANCE, 30, DAYS))


def shorter_default(client: Minio, bucket: str) -> None:
    client.make_bucket(bucket_name=bucket, object_lock=True)
    client.set_object_lock_config(bucket_name=bucket, config=ObjectLockConfig(COMPLIANCE, 1, DAYS))


@pytest.mark.parametrize("make", [without_lock, without_default, weaker_default, shorter_default])
async def test_a_bucket_that_does_not_lock_is_not_used(
    make: Callable[[Minio, str], None], moto_server: Gateway, bucket: str, wall: MovedClock, record: Path
) -> None:
    """Where a lock is demanded and the bucket does not give it for as long, nothing is stored."""
    settings = settings_for(moto_server, bucket, object_lock_days=2)
    make(client_of(settings), bucket)
    archive = S3Archive(settings, wall)
    assert await code_of(archive) == "archive_not_locked"
    with pytest.raises(StorageError):
        await archive.put("t/case/a", record)
    assert await archive.keys("") == ()
