"""The archive as an S3 bucket, through the ``minio`` client.

Objects carry their SHA-256 as ``x-amz-meta-sha256``; ETags are not looked at, since a multipart ETag is
no hash of the content. With ``object_lock_days`` every object is locked in COMPLIANCE mode, three times
over, because servers differ in what they honour: the bucket's default retention, an explicit retention
after each upload (Ceph RGW 16 and 18 ignore retention headers of multipart uploads, silently), and a
probe that tries to delete a locked object before anything is stored as locked.
"""

import asyncio
import io
import secrets
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import structlog
import urllib3
from minio import Minio
from minio.commonconfig import COMPLIANCE
from minio.error import InvalidResponseError, MinioException, S3Error, ServerError
from minio.objectlockconfig import DAYS, YEARS, ObjectLockConfig
from minio.retention import Retention
from minio.sse import Sse, SseKMS, SseS3
from urllib3.exceptions import HTTPError, MaxRetryError, SSLError

from contract.errors import NotFound, StorageError
from contract.ports import ArchivedObject, Clock
from recordings.spool import BLOCK_BYTES, sha256_of

_log = structlog.get_logger(__name__)

_SHA256 = "x-amz-meta-sha256"
_PROBE = ".teller-probe/"
_CANARY = ".teller-probe/locked"
# Our retention may not end before the default one, which counts by the server's clock: that would be a
# shortening, and is refused. S3 servers accept clocks that are up to 15 minutes apart.
_SKEW = timedelta(hours=1)
_MISSING = frozenset({"NoSuchKey", "NoSuchObject", "NoSuchVersion"})
# What servers answer to whoever deletes a locked version.
_LOCKED = frozenset({"AccessDenied", "InvalidRequest", "ObjectLocked"})
_CAUSES = {
    "SignatureDoesNotMatch": ("archive_denied", "the secret key is wrong"),
    "InvalidAccessKeyId": ("archive_denied", "the access key is unknown"),
    "AccessDenied": ("archive_denied", "the keys do not have the right to do this"),
    "NoSuchBucket": ("archive_no_bucket", "the bucket does not exist"),
    "RequestTimeTooSkewed": ("archive_clock", "this machine's clock or the server's is wrong"),
    "AuthorizationHeaderMalformed": ("archive_region", "the region is not the bucket's"),
    "QuotaExceeded": ("archive_full", "the bucket's quota is used up"),
    "XMinioStorageFull": ("archive_full", "the server's disks are full"),
}

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class S3Settings:
    """Where the bucket is. ``endpoint`` is ``host:port``; ``ca_bundle`` a PEM file, None for the system's.

    ``object_lock_days`` None means no lock. ``part_bytes`` is 5 MiB to 5 GiB (S3 multipart limits).
    """

    endpoint: str
    bucket: str
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    region: str = "us-east-1"
    secure: bool = True
    ca_bundle: Path | None = None
    # 16 MiB times S3's 10,000 parts are 156 GiB; one part in memory per upload.
    part_bytes: int = 16 << 20
    connect_s: float = 5.0
    read_s: float = 60.0
    retries: int = 3
    object_lock_days: int | None = None
    # None; SseS3 for keys of the server; SseKMS for a named key of its key store.
    sse: Sse | None = None


class S3Archive:
    """Implements ``contract.ports.Archive``; ``name`` is ``s3``. Blocking calls run in threads."""

    name = "s3"

    def __init__(self, settings: S3Settings, clock: Clock) -> None:
        self._settings = settings
        self._bucket = settings.bucket
        self._clock = clock
        self._lock_proven = threading.Event()
        self._lock_days = settings.object_lock_days or 0
        self._client = Minio(
            settings.endpoint,
            access_key=settings.access_key,
            secret_key=settings.secret_key,
            secure=settings.secure,
            region=settings.region,
            http_client=_pool(settings),
        )

    @property
    def write_once(self) -> bool:
        """Tell whether a probe has shown that this bucket refuses to delete what is locked."""
        return self._lock_proven.is_set()

    async def prepare(self) -> None:
        """Make the bucket if there is none, with object lock and default retention if configured.

        Raises:
            StorageError: the server refused.
        """
        await _off_loop(self._prepare)

    async def put(self, key: str, path: Path) -> ArchivedObject:
        """See the port."""
        return await _off_loop(lambda: self._put(key, path))

    async def stat(self, key: str) -> ArchivedObject | None:
        """See the port."""
        return await _off_loop(lambda: self._stat(key))

    async def read(self, key: str, offset: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """See the port."""
        if length == 0:
            return
        response = await _off_loop(lambda: self._get(key, offset, length))
        if response is None:
            return
        try:
            while block := await _off_loop(lambda: response.read(BLOCK_BYTES)):
                yield block
        finally:
            await asyncio.to_thread(_release, response)

    async def keys(self, prefix: str) -> tuple[str, ...]:
        """See the port."""
        return await _off_loop(lambda: self._keys(prefix))

    async def keep(self, prefix: str, until: float | None, *, held: bool) -> None:
        """See the port. Without ``object_lock_days`` the bucket locks nothing, and nothing is done."""
        if self._settings.object_lock_days is not None:
            await _off_loop(lambda: self._keep(prefix, until, held))

    async def remove(self, prefix: str, but: frozenset[str]) -> tuple[str, ...]:
        """See the port."""
        return await _off_loop(lambda: self._remove(prefix, but))

    async def probe(self) -> None:
        """See the port. With object lock, also prove that a locked object cannot be deleted."""
        await _off_loop(self._probe)

    # --- in threads ----------------------------------------------------------------------------

    def _prepare(self) -> None:
        days = self._settings.object_lock_days
        if not self._client.bucket_exists(bucket_name=self._bucket):
            self._client.make_bucket(bucket_name=self._bucket, object_lock=days is not None)
        if days is not None:
            self._client.set_object_lock_config(
                bucket_name=self._bucket, config=ObjectLockConfig(COMPLIANCE, days, DAYS)
            )

    def _put(self, key: str, path: Path) -> ArchivedObject:
        if self._settings.object_lock_days is not None and not self._lock_proven.is_set():
            self._prove_lock()
        sha256, size = sha256_of(path)
        version = self._same_version(key, sha256, size)
        if version is None:
            stored = self._client.fput_object(
                bucket_name=self._bucket,
                object_name=key,
                file_path=str(path),
                metadata={"sha256": sha256},
                part_size=self._settings.part_bytes,
                num_parallel_uploads=1,
                sse=self._settings.sse,
            )
            version = stored.version_id or ""
        self._lock(key, version)
        return ArchivedObject(key, size, sha256)

    def _same_version(self, key: str, sha256: str, size: int) -> str | None:
        """Return the version that holds this content already, None when the key is free."""
        try:
            found = self._client.stat_object(bucket_name=self._bucket, object_name=key)
        except S3Error as error:
            if error.code in _MISSING:
                return None
            raise
        if (found.size, (found.metadata or {}).get(_SHA256)) != (size, sha256):
            raise StorageError("archive holds another content under this key", code="archive_conflict")
        return found.version_id or ""

    def _lock(self, key: str, version: str) -> None:
        if self._settings.object_lock_days is None:
            return
        until = datetime.fromtimestamp(self._clock.now(), UTC) + timedelta(days=self._lock_days) + _SKEW
        self._client.set_object_retention(
            bucket_name=self._bucket,
            object_name=key,
            version_id=version or None,
            config=Retention(COMPLIANCE, until.replace(microsecond=0)),
        )

    def _stat(self, key: str) -> ArchivedObject | None:
        try:
            found = self._client.stat_object(bucket_name=self._bucket, object_name=key)
        except S3Error as error:
            if error.code in _MISSING:
                return None
            raise
        return ArchivedObject(key, found.size or 0)

    def _get(self, key: str, offset: int, length: int | None) -> urllib3.BaseHTTPResponse | None:
        try:
            return self._client.get_object(
                bucket_name=self._bucket, object_name=key, offset=offset, length=length or 0
            )
        except S3Error as error:
            if error.code in _MISSING:
                raise NotFound("no such object in the archive") from error
            if error.code == "InvalidRange":
                return None
            raise

    def _keys(self, prefix: str) -> tuple[str, ...]:
        found = self._client.list_objects(bucket_name=self._bucket, prefix=prefix, recursive=True)
        return tuple(sorted(item.object_name for item in found if item.object_name))

    def _versions(self, prefix: str) -> Iterator[tuple[str, str | None, bool]]:
        """Yield name, version and whether it is but a delete marker, of everything under ``prefix``."""
        found = self._client.list_objects(
            bucket_name=self._bucket, prefix=prefix, recursive=True, include_version=True
        )
        for item in found:
            if item.object_name:
                yield item.object_name, item.version_id, bool(item.is_delete_marker)

    def _keep(self, prefix: str, until: float | None, held: bool) -> None:
        # An earlier date than the bucket's default is refused as a shortening, and locks nothing longer.
        first = self._clock.now() + timedelta(days=self._lock_days).total_seconds() + _SKEW.total_seconds()
        # Without a date the default begins anew: a case may be open for longer than that.
        wanted = first + _SKEW.total_seconds() if until is None else until
        date = datetime.fromtimestamp(int(wanted), UTC) if wanted > first else None
        for key, version, is_marker in self._versions(prefix):
            if is_marker:
                continue
            if date is not None:
                self._lengthen(key, version, date)
            hold = self._client.enable_object_legal_hold if held else self._client.disable_object_legal_hold
            hold(bucket_name=self._bucket, object_name=key, version_id=version)

    def _lengthen(self, key: str, version: str | None, date: datetime) -> None:
        """Lock a version until ``date``, unless it is locked for longer, as of a case that was reopened."""
        found = self._client.stat_object(bucket_name=self._bucket, object_name=key, version_id=version)
        told = (found.metadata or {}).get("x-amz-object-lock-retain-until-date")
        if told is None or datetime.fromisoformat(told) < date:
            self._client.set_object_retention(
                bucket_name=self._bucket,
                object_name=key,
                version_id=version,
                config=Retention(COMPLIANCE, date),
            )

    def _remove(self, prefix: str, but: frozenset[str]) -> tuple[str, ...]:
        left = set()
        for key, version, _ in list(self._versions(prefix)):
            if key in but:
                continue
            try:
                self._client.remove_object(bucket_name=self._bucket, object_name=key, version_id=version)
            except S3Error as error:
                if error.code not in _LOCKED:
                    raise
                left.add(key)
        return tuple(sorted(left))

    def _probe(self) -> None:
        if self._settings.object_lock_days is not None:
            self._prove_lock()
            return
        key, content = _PROBE + secrets.token_hex(8), secrets.token_bytes(32)
        self._client.put_object(
            bucket_name=self._bucket, object_name=key, data=io.BytesIO(content), length=len(content)
        )
        response = self._get(key, 0, None)
        same = response is not None and response.read() == content
        if response is not None:
            _release(response)
        self._client.remove_object(bucket_name=self._bucket, object_name=key)
        if not same:
            raise StorageError("archive returns other bytes than were written")

    def _prove_lock(self) -> None:
        """Try to delete a locked object; one canary is kept for all probes, since it cannot be removed."""
        self._check_default_retention()
        versions = [
            item.version_id
            for item in self._client.list_objects(
                bucket_name=self._bucket, prefix=_CANARY, include_version=True
            )
            if item.version_id and not item.is_delete_marker
        ]
        if not any(self._refuses_to_delete(version) for version in versions):
            stored = self._client.put_object(
                bucket_name=self._bucket, object_name=_CANARY, data=io.BytesIO(b"canary"), length=6
            )
            self._lock(_CANARY, stored.version_id or "")
            if not stored.version_id or not self._refuses_to_delete(stored.version_id):
                raise StorageError("archive deletes objects that are locked", code="archive_not_locked")
        _log.info("archive proved to be write-once", bucket=self._bucket)
        self._lock_proven.set()

    def _check_default_retention(self) -> None:
        wanted = self._settings.object_lock_days or 0
        try:
            config = self._client.get_object_lock_config(bucket_name=self._bucket)
        except S3Error as error:
            if error.code != "ObjectLockConfigurationNotFoundError":
                raise
            raise StorageError("the bucket has no object lock", code="archive_not_locked") from error
        days = (config.duration or 0) * (365 if config.duration_unit == YEARS else 1)
        if config.mode != COMPLIANCE or days < wanted:
            raise StorageError(
                f"the bucket's default retention is not COMPLIANCE for {wanted} days or more",
                code="archive_not_locked",
            )
        self._lock_days = days

    def _refuses_to_delete(self, version: str) -> bool:
        try:
            self._client.remove_object(bucket_name=self._bucket, object_name=_CANARY, version_id=version)
        except S3Error as error:
            if error.code in _LOCKED:
                return True
            raise
        return False


def server_side(word: str) -> Sse | None:
    """Return how the server is asked to encrypt: ``none``, ``s3`` or ``kms:KEY``. Raises ValueError."""
    if word == "none":
        return None
    if word == "s3":
        return SseS3()
    kind, _, key = word.partition(":")
    if kind != "kms" or not key:
        raise ValueError("none, s3 or kms:KEY is wanted")
    return SseKMS(key, {})


def _pool(settings: S3Settings) -> urllib3.PoolManager:
    return urllib3.PoolManager(
        timeout=urllib3.Timeout(connect=settings.connect_s, read=settings.read_s),
        retries=urllib3.Retry(
            total=settings.retries, backoff_factor=0.2, status_forcelist=(500, 502, 503, 504)
        ),
        cert_reqs="CERT_REQUIRED",
        ca_certs=str(settings.ca_bundle) if settings.ca_bundle else None,
        # Uploads and playback at once; more wait for a free connection.
        maxsize=16,
    )


def _release(response: urllib3.BaseHTTPResponse) -> None:
    response.close()
    response.release_conn()


async def _off_loop(work: Callable[[], _T]) -> _T:
    def guarded() -> _T:
        with _explained():
            return work()

    return await asyncio.to_thread(guarded)


@contextmanager
def _explained() -> Iterator[None]:
    """Turn what client and network raise into a StorageError that names the likely cause."""
    try:
        yield
    except S3Error as error:
        code, cause = _CAUSES.get(error.code or "", ("archive_failed", f"the server says {error.code}"))
        raise StorageError(f"archive: {cause}", code=code) from error
    except (InvalidResponseError, ServerError) as error:
        raise StorageError("archive: the endpoint does not speak S3", code="archive_not_s3") from error
    except MaxRetryError as error:
        if isinstance(error.reason, SSLError):
            raise StorageError(
                "archive: the server's certificate is not trusted", code="archive_certificate"
            ) from error
        raise StorageError("archive: the server cannot be reached", code="archive_unreachable") from error
    except (HTTPError, MinioException) as error:
        raise StorageError("archive: the connection broke", code="archive_unreachable") from error
    except OSError as error:
        raise StorageError(f"archive: {error.strerror}", code="archive_failed") from error
