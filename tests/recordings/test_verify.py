"""Verification: an intact record is intact, and whatever is done to a record is found and named."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx

from contract.ids import (
    CallId,
    CaseId,
    new_case_id,
)
from recordings.archive_directory import DirectoryArchive
from recordings.manifest import (
    ManifestFile,
    dump_manifest,
    journal_version,
    load_manifest,
    manifest_sha256,
)
from recordings.signature import RECORD_SIGNATURE, check_signature, open_signer
from recordings.spool import sha256_of
from recordings.verify import (
    FileReport,
    FileVerdict,
    Report,
    SignatureReport,
    judge,
    verify_archive,
    verify_folder,
)
from tests.recordings.encoded import START, MovedClock
from tests.recordings.small_record import (
    FILES,
    JOURNALED,
    LAST_ENTRY,
    SIGNED_ENTRY,
    TENANT,
    small_record,
)


@pytest.fixture
async def record(tmp_path: Path, case: CaseId, call: CallId, clock: MovedClock) -> Path:
    """A record without a signature."""
    return await small_record(tmp_path, case, call, clock)


@pytest.fixture
async def signed(tmp_path: Path, case: CaseId, call: CallId, clock: MovedClock) -> Path:
    """A record that was signed when it was archived."""
    return await small_record(tmp_path, case, call, clock, open_signer(tmp_path / "records.pem"))


def test_a_signed_record_tells_by_whom(signed: Path, case: CaseId, tmp_path: Path) -> None:
    """And how much of the journal is under the signature."""
    report = verify_folder(signed, case)
    assert report.intact
    key = open_signer(tmp_path / "records.pem").key
    assert report.signatures == (SignatureReport(RECORD_SIGNATURE, key, SIGNED_ENTRY, START),)


def test_a_signature_that_is_gone_altered_or_foreign_is_named(
    signed: Path, case: CaseId, tmp_path: Path
) -> None:
    """The journal remembers that the record was signed, and with which key."""
    path = signed / RECORD_SIGNATURE
    content = path.read_bytes()
    statement = check_signature(content).statement
    stranger = open_signer(tmp_path / "stranger.pem")

    def problems(data: bytes) -> tuple[str, ...]:
        path.write_bytes(data)
        return verify_folder(signed, case).problems

    assert problems(stranger.sign(statement)) == ("signature_of_another_key",)
    assert problems(content.replace(b'"seq":10', b'"seq":11')) == ("signature_wrong",)
    assert problems(b"") == ("signature_damaged",)
    elsewhere = replace(statement, case=new_case_id())
    assert problems(open_signer(tmp_path / "records.pem").sign(elsewhere)) == ("signature_of_another_record",)
    path.unlink()
    assert verify_folder(signed, case).problems == ("signature_missing",)
    assert problems(content) == ()


def test_an_intact_record_is_intact(record: Path, case: CaseId) -> None:
    """Every file is judged, and the journal may be longer than the manifest's head."""
    report = verify_folder(record, case)
    assert report.intact
    assert report.entries == LAST_ENTRY
    assert report.manifest_sha256 == manifest_sha256((record / "manifest.json").read_bytes())
    assert report.files == tuple(FileReport(name, FileVerdict.INTACT) for name in sorted(FILES))


@pytest.mark.parametrize(
    ("name", "content", "verdict"),
    [
        ("merged.mp4", b"fil", FileVerdict.TRUNCATED),
        ("merged.mp4", b"fiIm", FileVerdict.ALTERED),
        ("merged.mp4", b"film and more", FileVerdict.ALTERED),
        ("evidence/e.jpg", None, FileVerdict.MISSING),
        ("evidence/f.jpg", b"another", FileVerdict.EXTRA),
    ],
)
def test_what_became_of_a_file_is_named(
    name: str, content: bytes | None, verdict: FileVerdict, record: Path, case: CaseId
) -> None:
    """Exactly the file that was touched is reported, with what was done to it."""
    if content is None:
        (record / name).unlink()
    else:
        (record / name).write_bytes(content)
    report = verify_folder(record, case)
    assert not report.intact
    assert [file for file in report.files if file.verdict is not FileVerdict.INTACT] == [
        FileReport(name, verdict)
    ]
    assert report.problems == ()


def _lines(record: Path) -> list[bytes]:
    return (record / "journal.jsonl").read_bytes().splitlines(keepends=True)


def without_manifest(record: Path) -> None:
    (record / "manifest.json").unlink()


def damaged_manifest(record: Path) -> None:
    (record / "manifest.json").write_bytes((record / "manifest.json").read_bytes() + b" ")


def without_journal(record: Path) -> None:
    (record / "journal.jsonl").unlink()


def damaged_journal(record: Path) -> None:
    (record / "journal.jsonl").write_bytes(b"".join(_lines(record)).replace(b"approved", b"rejected"))


def torn_journal(record: Path) -> None:
    (record / "journal.jsonl").write_bytes(b"".join(_lines(record)) + b"{")


def short_journal(record: Path) -> None:
    (record / "journal.jsonl").write_bytes(b"".join(_lines(record)[: SIGNED_ENTRY - 1]))


@pytest.mark.parametrize(
    ("harm", "problems", "line"),
    [
        (without_manifest, ("manifest_missing",), 0),
        (damaged_manifest, ("manifest_damaged",), 0),
        (without_journal, ("journal_missing", "head_not_in_journal"), 0),
        # The verdict is the last but one; what is behind it is not read.
        (damaged_journal, ("journal_damaged", "head_not_in_journal"), LAST_ENTRY - 1),
        (torn_journal, ("journal_torn",), 0),
        (short_journal, ("head_not_in_journal", "file_not_as_journaled"), 0),
    ],
)
def test_harm_to_manifest_or_journal_is_named(
    harm: Callable[[Path], None], problems: tuple[str, ...], line: int, record: Path, case: CaseId
) -> None:
    """A record without its papers, or with altered ones, is not intact."""
    harm(record)
    report = verify_folder(record, case)
    assert (report.problems, report.damaged_line) == (problems, line)
    assert not report.intact


def rewritten(record: Path, *files: ManifestFile) -> None:
    """Write a new manifest as a forger would: well formed, with other files."""
    old = load_manifest((record / "manifest.json").read_bytes())
    kept = [file for file in old.files if file.path not in {new.path for new in files}]
    listed = tuple(sorted([*kept, *(new for new in files if new.sha256)], key=lambda file: file.path))
    forged = type(old)(old.version, old.tenant, old.case, old.created_at, old.journal, listed)
    (record / "manifest.json").write_bytes(dump_manifest(forged))


def test_a_forged_file_with_a_forged_manifest_is_found(record: Path, case: CaseId) -> None:
    """File and manifest agree, but the journal remembers both hashes otherwise."""
    (record / "merged.mp4").write_bytes(b"fake")
    rewritten(record, ManifestFile("merged.mp4", *sha256_of(record / "merged.mp4")))
    report = verify_folder(record, case)
    assert all(file.verdict is FileVerdict.INTACT for file in report.files)
    assert report.problems == ("file_not_as_journaled", "manifest_not_as_journaled")


@pytest.mark.parametrize("name", JOURNALED)
def test_a_file_taken_out_of_record_and_manifest_is_found(name: str, record: Path, case: CaseId) -> None:
    """The journal knows that there was such a file."""
    (record / name).unlink()
    rewritten(record, ManifestFile(name, "", 0))
    assert "journaled_file_not_listed" in verify_folder(record, case).problems


def test_another_case_s_record_is_not_this_one(record: Path) -> None:
    """A whole record in the wrong place proves nothing."""
    problems = verify_folder(record, new_case_id()).problems
    assert problems == ("manifest_of_another_case", "journal_damaged", "head_not_in_journal")


def test_earlier_versions_of_the_journal_are_held_to_the_last(record: Path, case: CaseId) -> None:
    """Each version that was ever archived must be how the longest begins."""
    earlier = record / journal_version(4)
    earlier.write_bytes(b"".join(_lines(record)[:4]))
    assert verify_folder(record, case).intact
    earlier.write_bytes(earlier.read_bytes().replace(b"00000.mkv", b"00001.mkv"))
    assert verify_folder(record, case).problems == ("journal_rewritten",)


def test_the_journal_may_lie_elsewhere(record: Path, case: CaseId, tmp_path: Path) -> None:
    """A spool folder is checked against the live journal."""
    (record / "journal.jsonl").unlink()
    assert verify_folder(record, case, tmp_path / "journal" / f"{case}.jsonl").intact


def test_nothing_at_all_is_not_intact(case: CaseId) -> None:
    """An empty folder is a record that is missing."""
    assert judge(case, None, [], {}, {}) == Report(problems=("manifest_missing", "journal_missing"))


async def test_an_archived_record_is_read_back_and_judged(record: Path, case: CaseId, tmp_path: Path) -> None:
    """The same verdicts come from the archive, without blocking the loop."""
    archive = DirectoryArchive(tmp_path / "archive")
    for name in (*FILES, "manifest.json", "journal.jsonl"):
        await archive.put(f"{TENANT}/{case}/{name}", record / name)
    with blockbuster_ctx():
        report = await verify_archive(archive, TENANT, case)
    assert report == verify_folder(record, case)
    assert report.intact
    merged = tmp_path / "archive" / TENANT / case / "merged.mp4"
    merged.chmod(0o600)
    merged.write_bytes(b"fake")
    report = await verify_archive(archive, TENANT, case)
    assert FileReport("merged.mp4", FileVerdict.ALTERED) in report.files
