"""A record on its way to an S3 server that answers 500, late, or later than anybody waits."""

from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from contract.facts import ArchiveVerified, MergeFailed
from contract.ids import new_id
from recordings.archive_s3 import S3Archive
from recordings.verify import verify_archive
from tests.recordings.bench import staged_bench
from tests.recordings.ceph import Gateway
from tests.recordings.desk import TENANT
from tests.recordings.encoded import MovedClock
from tests.recordings.s3_servers import client_of, settings_for
from tests.recordings.troubled_s3 import troubled


async def test_errors_and_delays_cost_time_and_nothing_else(tmp_path: Path, moto_server: Gateway) -> None:
    """While it answers 500 the record waits on the spool, told once; late answers will do."""
    bucket = new_id("faults")
    client_of(settings_for(moto_server, bucket)).make_bucket(bucket_name=bucket)
    bench = await staged_bench(tmp_path)
    async with AsyncExitStack() as stack:
        proxy, settings = await stack.enter_async_context(troubled(moto_server, bucket))
        archive = S3Archive(settings, MovedClock())
        pipeline = bench.pipeline(archive=archive, retry_first_s=0.0)
        proxy.fails = True
        for _ in range(4):
            assert not await pipeline.run_one(await bench.job())
        failures = await bench.facts(MergeFailed)
        assert proxy.refused >= 4
        assert [fact.will_retry for fact in failures if isinstance(fact, MergeFailed)] == [True]
        assert (bench.folder / "merged.mp4").is_file(), "let go before it was archived"

        proxy.fails, proxy.late_s = False, 0.3
        assert await pipeline.run_one(await bench.job())
        proxy.late_s = 0.0
        assert len(await bench.facts(ArchiveVerified)) == 1
        assert not bench.folder.exists()
        report = await verify_archive(archive, TENANT, bench.case)
        assert report.intact, report


@pytest.mark.parametrize(
    ("retries", "failures"),
    [
        pytest.param(1, [], id="the-client-sends-it-again"),
        pytest.param(0, ["archive_unreachable"], id="the-job-is-tried-again"),
    ],
)
async def test_an_answer_that_nobody_waits_for_costs_a_second_attempt(
    retries: int, failures: list[str], tmp_path: Path, moto_server: Gateway
) -> None:
    """An upload arrives and its answer does not within the read timeout: it is tried again, and arrives."""
    bucket, read_s = new_id("faults"), 3.0
    client_of(settings_for(moto_server, bucket)).make_bucket(bucket_name=bucket)
    bench = await staged_bench(tmp_path)
    async with troubled(moto_server, bucket) as (proxy, settings):
        archive = S3Archive(replace(settings, read_s=read_s, retries=retries), MovedClock())
        pipeline = bench.pipeline(archive=archive, retry_first_s=0.0)
        proxy.withholds = True
        for _ in failures:
            assert not await pipeline.run_one(await bench.job())
            assert (bench.folder / "merged.mp4").is_file(), "let go before it was archived"
        assert await pipeline.run_one(await bench.job())

        assert read_s * 0.9 < proxy.waited_s
        told = await bench.facts(MergeFailed)
        assert [fact.reason for fact in told if isinstance(fact, MergeFailed)] == failures
        assert len(await bench.facts(ArchiveVerified)) == 1
        assert not bench.folder.exists()
        report = await verify_archive(archive, TENANT, bench.case)
        assert report.intact, report
