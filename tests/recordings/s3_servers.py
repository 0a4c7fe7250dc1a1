"""S3 servers for the tests: moto, which starts in a second but checks no keys, and Ceph, which is real."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import urllib3
from minio import Minio

from recordings.archive_s3 import S3Settings
from tests.recordings.ceph import Gateway, free_port, listens, wait_until
from tests.recordings.certificates import make_certificate


@contextlib.contextmanager
def running_moto(root: Path, port: int | None = None) -> Iterator[Gateway]:
    """Start moto's server over TLS in a process of its own, and stop it."""
    port = port or free_port()
    certificate = make_certificate(root)
    gateway = Gateway(f"127.0.0.1:{port}", "moto", "moto-secret", certificate, "us-east-1")
    with moto_at(port, gateway, root):
        yield gateway


@contextlib.contextmanager
def moto_at(port: int, gateway: Gateway, root: Path) -> Iterator[None]:
    """Start moto's server, empty, on this port and with the certificate of ``gateway``, and stop it."""
    certificate = gateway.certificate
    command = [
        sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port),
        "-c", str(certificate.certificate), "-k", str(certificate.key),
    ]  # fmt: skip
    with (root / "moto.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, env=os.environ | {"PYTHONWARNINGS": "ignore"}
        )
    try:
        wait_until("moto's port", lambda: listens(port), 40)
        yield
    finally:
        process.terminate()
        process.wait(10)


def settings_for(gateway: Gateway, bucket: str, object_lock_days: int | None = None) -> S3Settings:
    """Return settings that reach a bucket of the gateway; small parts, so that uploads are multipart."""
    return S3Settings(
        endpoint=gateway.endpoint,
        bucket=bucket,
        access_key=gateway.access_key,
        secret_key=gateway.secret_key,
        region=gateway.region,
        ca_bundle=gateway.certificate.certificate,
        part_bytes=5 << 20,
        connect_s=5,
        read_s=60,
        retries=2,
        object_lock_days=object_lock_days,
    )


def client_of(settings: S3Settings) -> Minio:
    """Return a client of our own beside the archive's, as an intruder or operator would have it."""
    pool = urllib3.PoolManager(ca_certs=str(settings.ca_bundle), retries=False)
    return Minio(
        settings.endpoint,
        access_key=settings.access_key,
        secret_key=settings.secret_key,
        region=settings.region,
        http_client=pool,
    )
