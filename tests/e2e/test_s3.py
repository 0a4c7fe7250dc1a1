"""The archive is an S3 store over TLS."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from recordings.archive_s3 import S3Archive
from teller.clock import SystemClock
from teller.demo.caller import Rest
from teller.demo.data import LOGINS, make_props
from teller.demo.script import Play
from tests.e2e.server import Server, running
from tests.e2e.stage import Quiet
from tests.recordings.ceph import Gateway
from tests.recordings.s3_servers import client_of, running_moto, settings_for

pytestmark = [pytest.mark.server, pytest.mark.timeout(300)]
BUCKET = "records"


def s3_settings(gateway: Gateway) -> dict[str, str]:
    return {
        "archive.kind": "s3",
        "archive.endpoint": f"https://{gateway.endpoint}",
        "archive.bucket": BUCKET,
        "archive.region": gateway.region,
        "archive.access_key": gateway.access_key,
        "archive.secret_key": gateway.secret_key,
        "archive.ca_file": str(gateway.certificate.certificate),
    }


def test_a_case_is_archived_in_s3(tmp_path: Path, pack_settings: dict[str, str]) -> None:
    """Every file is in the bucket, the spool is released, the player reads from S3, verify passes."""
    with running_moto(tmp_path) as gateway:
        client_of(settings_for(gateway, BUCKET)).make_bucket(bucket_name=BUCKET)
        rights = {"audit.may_download": f'["{LOGINS.auditor[0]}"]'}
        server = Server(tmp_path / "data", {**pack_settings, **s3_settings(gateway), **rights})
        with running(server):
            script = Play(lambda: Rest(server.url), LOGINS, make_props(), Quiet(), talk_s=6.0)
            report = asyncio.run(script.run())
            merged = asyncio.run(_download(server, report.case))
        words = [sys.executable, "-m", "teller", *server.arguments, "verify", report.case]
        told = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path)
        keys = asyncio.run(S3Archive(settings_for(gateway, BUCKET), SystemClock()).keys(""))

    assert report.verdict == "approved"
    assert merged[4:8] == b"ftyp"
    assert told.returncode == 0, told.stdout + told.stderr
    assert any(key.endswith(f"{report.case}/merged.mp4") for key in keys)
    left = [path for path in (server.data / "spool").rglob("*") if path.is_file()]
    assert left == []


async def _download(server: Server, case: str) -> bytes:
    async with Rest(server.url) as auditor:
        await auditor.login(*LOGINS.auditor)
        return await auditor.file(case, "merged.mp4")
