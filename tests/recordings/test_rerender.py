"""Archived tracks rendered again: the same bytes by the same template, another film by another."""

from pathlib import Path

import pytest

from contract.errors import NotFound, StorageError
from contract.facts import Fact, MergeCompleted, RenderCompleted
from contract.ids import new_job_id
from contract.phases import Template
from recordings.case_files import files_of
from recordings.rerender import source_of, template_of, workshop
from recordings.spool import Spool
from recordings.verify import FileReport, FileVerdict, verify_archive
from tests.recordings.bench import Bench, staged_bench
from tests.recordings.desk import TENANT


async def _rendered(bench: Bench, template: Template) -> RenderCompleted | None:
    await bench.pipeline().run_one(await bench.job(f"render_{template}"))
    done: list[Fact] = await bench.facts(RenderCompleted)
    last = done[-1] if done else None
    return last if isinstance(last, RenderCompleted) else None


async def test_a_film_is_made_again_from_the_archive(tmp_path: Path) -> None:
    """Bit by bit, or with another layout beside the record, which stays whole; once, however often asked."""
    bench = await staged_bench(tmp_path)
    assert await bench.pipeline().run_one(await bench.job())
    before = bench.archived()
    [merged] = await bench.facts(MergeCompleted)
    assert isinstance(merged, MergeCompleted)

    same = await _rendered(bench, Template.ROLES)
    assert same is not None
    assert (same.file, same.sha256, same.bytes) == (merged.file, merged.sha256, merged.bytes)
    assert bench.archived() == before

    other = await _rendered(bench, Template.SHARE_FIRST)
    assert other == await _rendered(bench, Template.SHARE_FIRST)
    assert len(await bench.facts(RenderCompleted)) == 2
    assert other is not None and other.sha256 != merged.sha256
    assert bench.archived() == before | {"merged-share_first.mp4"}
    assert files_of(await bench.journal.read(bench.case))["merged-share_first.mp4"].sha256 == other.sha256
    assert [path.name for path in bench.staged.spool.root.iterdir()] == []
    await bench.pipeline().run_one(await bench.job("archive_journal"))
    assert (await verify_archive(bench.archive, TENANT, bench.case)).intact

    (tmp_path / "archive" / TENANT / bench.case / "merged-share_first.mp4").unlink()
    report = await verify_archive(bench.archive, TENANT, bench.case)
    assert FileReport("merged-share_first.mp4", FileVerdict.MISSING) in report.files


async def test_altered_tracks_are_not_rendered(tmp_path: Path) -> None:
    """What is not as the manifest says makes no film, and the journal says why."""
    bench = await staged_bench(tmp_path)
    assert await bench.pipeline().run_one(await bench.job())
    segment = next((tmp_path / "archive" / TENANT / bench.case).rglob("*.mkv"))
    segment.chmod(0o600)
    segment.write_bytes(segment.read_bytes()[:-1] + b"!")

    assert await _rendered(bench, Template.CUSTOMER_ONLY) is None
    assert [job.error for job in bench.jobs.jobs.values()][-1] == "archive_differs"
    assert not list(bench.staged.spool.root.glob("render-*"))


def test_what_is_no_render() -> None:
    """A word that is no template, and a case without a film."""
    with pytest.raises(StorageError):
        template_of("render_upside_down")
    with pytest.raises(NotFound):
        source_of([])


def test_a_dead_workers_leftovers_go(tmp_path: Path) -> None:
    """The next attempt begins with an empty folder."""
    spool, job = Spool(tmp_path / "spool"), new_job_id()
    with workshop(spool, job) as folder:
        (folder / "half").write_bytes(b"x")
        with workshop(spool, job) as again:
            assert list(again.iterdir()) == []
    assert not folder.exists()
