"""The evidence bundle: whole ones are intact, and whatever is done to one is found."""

import random
import tarfile
from collections.abc import AsyncIterator, Callable, Mapping
from itertools import combinations
from pathlib import Path

import pytest

from contract.errors import StorageError
from contract.facts import Entry, RecordExported
from contract.ids import CallId, CaseId
from recordings.bundle import Content, verify_bundle, write_bundle
from recordings.journal import FileJournal, load_chain
from recordings.manifest import JournalHead, manifest_sha256
from recordings.marked import MARKED_FILE
from recordings.signature import EXPORT_SIGNATURE, Signer, Statement, open_signer
from recordings.spool import sha256_of
from recordings.verify import FileReport, FileVerdict, Report, verify_folder
from tests.recordings.encoded import START, MovedClock
from tests.recordings.small_record import FILES, LAST_ENTRY, SIGNED_ENTRY, TENANT, small_record

MADE_AT = START + 86_400.5
MARKED = b"marked film"
IN_BUNDLE = sorted([*FILES, MARKED_FILE])


class Case:
    """A record and what is to go into its bundle."""

    def __init__(self, root: Path, case: CaseId, folder: Path, signer: Signer) -> None:
        self.root, self.case, self.folder, self.signer = root, case, folder, signer
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        self.parts = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
        self.parts[EXPORT_SIGNATURE] = signer.sign(self.statement())

    @property
    def entries(self) -> tuple[Entry, ...]:
        return load_chain(self.parts["journal.jsonl"], self.case)[0]

    def statement(self) -> Statement:
        last, sha256 = self.entries[-1], manifest_sha256(self.parts["manifest.json"])
        return Statement(1, TENANT, self.case, sha256, JournalHead(last.seq, last.hash), MADE_AT)

    async def bundle(self, parts: Mapping[str, bytes] | None = None, name: str = "bundle.tar") -> Path:
        path = self.root / name
        path.unlink(missing_ok=True)
        contents = {name: _content(data) for name, data in (parts or self.parts).items()}
        await write_bundle(path, self.case, contents, MADE_AT)
        return path

    async def judged(self, **changed: bytes | None) -> Report:
        """Return the verdict on a bundle with these parts instead; None leaves one out."""
        names = {name.replace("/", "_").replace(".", "_"): name for name in self.parts}
        parts = self.parts | {names[key]: data for key, data in changed.items() if data is not None}
        for key in (key for key, data in changed.items() if data is None):
            del parts[names[key]]
        return verify_bundle(await self.bundle(parts))[1]


def _content(data: bytes) -> Content:
    async def blocks() -> AsyncIterator[bytes]:
        yield data[:3]
        yield data[3:]

    return blocks


@pytest.fixture(name="made")
async def _made(tmp_path: Path, case: CaseId, call: CallId, clock: MovedClock) -> Case:
    signer = open_signer(tmp_path / "records.pem")
    folder = await small_record(tmp_path, case, call, clock, signer)
    (folder / MARKED_FILE).write_bytes(MARKED)
    manifest = manifest_sha256((folder / "manifest.json").read_bytes())
    exported = RecordExported("Anna", "court", manifest, MARKED_FILE, *sha256_of(folder / MARKED_FILE))
    journal = FileJournal(tmp_path / "journal", clock)
    await journal.append(case, exported)
    (folder / "journal.jsonl").write_bytes((tmp_path / "journal" / f"{case}.jsonl").read_bytes())
    return Case(tmp_path, case, folder, signer)


async def test_a_whole_bundle_is_intact(made: Case) -> None:
    """Every file is judged, and both signatures tell over how much of the journal they stand."""
    path = await made.bundle()
    case, report = verify_bundle(path)
    assert case == made.case
    assert report.intact, report
    assert report.files == tuple(FileReport(name, FileVerdict.INTACT) for name in IN_BUNDLE)
    assert {one.key for one in report.signatures} == {made.signer.key}
    assert [one.entries for one in report.signatures] == [LAST_ENTRY + 1, SIGNED_ENTRY]
    assert path.stat().st_mode & 0o777 == 0o600


async def test_the_same_record_gives_the_same_bytes(made: Case) -> None:
    """And the writer tells their hash."""
    path = await made.bundle()
    contents = {name: _content(data) for name, data in made.parts.items()}
    written = await write_bundle(made.root / "again.tar", made.case, contents, MADE_AT)
    assert (written.sha256, written.bytes) == sha256_of(path)
    assert written.files == len(made.parts)


async def test_any_tar_unpacks_it(made: Case) -> None:
    """Into a folder that is named after the case."""
    with tarfile.open(await made.bundle()) as tar:
        tar.extractall(made.root / "unpacked", filter="data")
    unpacked = made.root / "unpacked" / made.case
    assert (unpacked / "merged.mp4").read_bytes() == FILES["merged.mp4"]
    assert verify_folder(unpacked, made.case).intact


async def test_one_flipped_bit_anywhere_is_found(made: Case) -> None:
    """In a file, the journal, a signature, a header, or the nothing between files."""
    path = await made.bundle()
    content = path.read_bytes()
    places = random.Random(5).sample(range(len(content)), 250)
    for at in [*places, 0, 100, 156, len(content) - 1]:
        flipped = bytearray(content)
        flipped[at] ^= 1 << at % 8
        path.write_bytes(flipped)
        try:
            assert not verify_bundle(path)[1].intact, at
        except StorageError as error:
            assert error.code == "bundle_damaged", at


async def test_a_cut_off_bundle_is_found(made: Case) -> None:
    """Wherever it ends."""
    path = await made.bundle()
    content = path.read_bytes()
    for length in (0, 1, 511, 512, 700, len(content) // 2, len(content) - 512, len(content) - 1):
        path.write_bytes(content[:length])
        try:
            assert not verify_bundle(path)[1].intact, length
        except StorageError as error:
            assert error.code == "bundle_damaged", length


@pytest.mark.parametrize("name", IN_BUNDLE)
async def test_each_kind_of_file_is_held(made: Case, name: str) -> None:
    """Altered, shortened, missing or added, it is named."""
    key = name.replace("/", "_").replace(".", "_")
    longer, shorter = b"another content" * 2, made.parts[name][:-1]
    changes = [(longer, FileVerdict.ALTERED), (shorter, FileVerdict.TRUNCATED), (None, FileVerdict.MISSING)]
    # Of a file that is empty nothing can be cut off.
    for data, verdict in (change for change in changes if change[0] != made.parts[name]):
        report = await made.judged(**{key: data})
        assert [file for file in report.files if file.verdict is not FileVerdict.INTACT] == [
            FileReport(name, verdict)
        ]
        assert not report.intact
    added = made.parts | {"evidence/x.jpg": b"planted"}
    report = verify_bundle(await made.bundle(added))[1]
    assert FileReport("evidence/x.jpg", FileVerdict.EXTRA) in report.files


async def test_any_two_swapped_files_are_found(made: Case) -> None:
    """Of every pair both are named; where one is a paper, the record is not sound."""
    for one, other in combinations(sorted(made.parts), 2):
        swapped = made.parts | {one: made.parts[other], other: made.parts[one]}
        report = verify_bundle(await made.bundle(swapped))[1]
        named = {file.path for file in report.files if file.verdict is not FileVerdict.INTACT}
        if {one, other} <= {*IN_BUNDLE}:
            assert (named, report.problems) == ({one, other}, ()), (one, other)
        else:
            assert report.problems, (one, other)


async def test_a_fact_that_is_dropped_or_moved_is_found_with_its_line(made: Case) -> None:
    """The chain holds the order, wherever it is broken: the first line that does not follow is named."""
    lines = made.parts["journal.jsonl"].splitlines(keepends=True)
    assert len(lines) == LAST_ENTRY + 1
    for at in range(len(lines) - 1):
        dropped = b"".join(lines[:at] + lines[at + 1 :])
        moved = b"".join([*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]])
        for journal in (dropped, moved):
            report = await made.judged(journal_jsonl=journal)
            assert "journal_damaged" in report.problems, at
            assert report.damaged_line == at + 1


async def test_facts_that_are_cut_off_are_found(made: Case) -> None:
    """What is left is a whole chain: the signature holds the end."""
    lines = made.parts["journal.jsonl"].splitlines(keepends=True)
    report = await made.judged(journal_jsonl=b"".join(lines[:-1]))
    assert report.problems == ("signature_of_another_record", "export_not_signed")
    assert report.damaged_line == 0


async def test_a_bundle_that_was_put_together_anew_is_not_signed(made: Case, tmp_path: Path) -> None:
    """Who has no key can leave the export's signature out or sign with his own; the key's name tells."""
    assert "export_not_signed" in (await made.judged(export_json=None)).problems
    stranger = open_signer(tmp_path / "stranger.pem")
    report = await made.judged(export_json=stranger.sign(made.statement()))
    assert {one.key for one in report.signatures} == {made.signer.key, stranger.key}


@pytest.mark.parametrize(
    "change",
    [
        lambda member: setattr(member, "type", tarfile.SYMTYPE),
        lambda member: setattr(member, "name", "elsewhere/manifest.json"),
        lambda member: setattr(member, "name", "/etc/passwd"),
        lambda member: setattr(member, "name", member.name.replace("/", "/../", 1)),
    ],
)
async def test_members_that_are_no_files_of_a_record_are_refused(
    made: Case, change: Callable[[tarfile.TarInfo], None]
) -> None:
    """Links, and paths that lead elsewhere."""
    path = made.root / "foreign.tar"
    with tarfile.open(await made.bundle()) as source, tarfile.open(path, "w") as tar:
        first, *others = source.getmembers()
        change(first)
        for member in (first, *others):
            tar.addfile(member, source.extractfile(member) if member.isreg() else None)
    with pytest.raises(StorageError) as caught:
        verify_bundle(path)
    assert caught.value.code == "bundle_damaged"


async def test_a_file_that_is_there_twice_is_refused(made: Case) -> None:
    """Tools take the last one, and we judged the first."""
    path = made.root / "twice.tar"
    with tarfile.open(await made.bundle()) as source, tarfile.open(path, "w") as tar:
        for member in (*source.getmembers(), source.getmembers()[0]):
            tar.addfile(member, source.extractfile(member))
    with pytest.raises(StorageError, match="twice"):
        verify_bundle(path)


async def test_nothing_is_left_of_a_bundle_that_cannot_be_written(made: Case) -> None:
    """A taken name stays what it was; a part that cannot be read leaves no half of a bundle."""
    taken = await made.bundle()
    before = taken.read_bytes()
    with pytest.raises(FileExistsError):
        await write_bundle(taken, made.case, {"a": _content(b"a")}, MADE_AT)
    assert taken.read_bytes() == before

    async def broken() -> AsyncIterator[bytes]:
        yield b"half"
        raise StorageError("the archive is away")

    with pytest.raises(StorageError, match="away"):
        await write_bundle(made.root / "half.tar", made.case, {"a": broken}, MADE_AT)
    assert not (made.root / "half.tar").exists()
