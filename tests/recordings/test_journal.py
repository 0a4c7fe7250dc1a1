"""The journal: what was appended is on disk, chained, followed and projected; nothing is half done."""

import asyncio
import errno
import json
import os
import sys
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx

from contract.errors import StorageError
from contract.facts import (
    GENESIS,
    CallEnded,
    Entry,
    Fact,
    RecordViewed,
    SpoolReleased,
    dump_entry,
    load_entry,
    seal_entry,
)
from contract.ids import CaseId, new_account_id, new_call_id, new_case_id
from contract.phases import CallEnd
from contract.ports import Journal
from recordings import journal as journal_module
from recordings.journal import FileJournal, Head, JournalDamaged, load_chain
from recordings.spool import make_dirs
from tests.recordings.encoded import START, MovedClock


def fact(number: int = 0) -> Fact:
    return SpoolReleased(number)


def numbers(entries: tuple[Entry, ...]) -> list[int]:
    return [entry.fact.bytes for entry in entries if isinstance(entry.fact, SpoolReleased)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "journal"


async def test_entries_are_numbered_timed_and_chained(
    journal: FileJournal, case: CaseId, clock: MovedClock
) -> None:
    """Each entry has the next number, the clock's time and the hash of the one before."""
    port: Journal = journal
    first = await port.append(case, fact(1))
    clock.pass_s(1.5)
    second = await port.append(case, fact(2))
    assert (first.seq, first.at, first.prev) == (1, START, GENESIS)
    assert (second.seq, second.at, second.prev) == (2, START + 1.5, first.hash)
    assert await port.read(case) == (first, second)
    assert await port.read(case, after=1) == (second,)
    assert await port.read(case, after=2) == ()


async def test_a_case_without_a_journal_reads_as_empty(journal: FileJournal, case: CaseId) -> None:
    """Nothing was appended: nothing is read, and no file comes to be."""
    assert await journal.read(case) == ()


async def test_the_file_holds_one_canonical_line_per_entry(
    journal: FileJournal, root: Path, case: CaseId
) -> None:
    """The line is what the contract dumps, ended by a line feed; only the owner may read it."""
    entry = await journal.append(case, RecordViewed(new_account_id(), "录像 \n.mp4"))
    path = root / f"{case}.jsonl"
    assert path.read_bytes() == dump_entry(entry) + b"\n"
    assert load_entry(json.loads(path.read_bytes())) == entry
    assert path.stat().st_mode & 0o077 == 0


async def test_a_whole_number_of_seconds_can_be_read_back(journal: FileJournal, case: CaseId) -> None:
    """An int in a float's place would have another hash once read; it is written as a float."""
    entry = await journal.append(case, CallEnded(new_call_id(), CallEnd.AGENT_HUNG_UP, 60))
    assert await journal.read(case) == (entry,)


async def test_a_fact_that_could_not_be_read_back_is_not_appended(journal: FileJournal, case: CaseId) -> None:
    """A value that JSON cannot hold would damage the journal for good."""
    with pytest.raises(ValueError, match="form"):
        await journal.append(case, CallEnded(new_call_id(), CallEnd.AGENT_HUNG_UP, float("nan")))
    assert await journal.read(case) == ()


@pytest.mark.parametrize("case", ["../../etc/passwd", "case-short", "", "case-ABCDEFGHJKMNPQRS"])
async def test_only_ids_become_file_names(journal: FileJournal, case: str) -> None:
    """What is not an id is refused before it touches a path."""
    with pytest.raises(ValueError, match="case id"):
        await journal.append(CaseId(case), fact())
    with pytest.raises(ValueError, match="case id"):
        await journal.read(CaseId(case))


async def test_many_at_once_make_one_chain(journal: FileJournal, case: CaseId) -> None:
    """Concurrent appends of one process come one behind the other; none is lost."""
    await asyncio.gather(*(journal.append(case, fact(number)) for number in range(50)))
    entries = await journal.read(case)
    assert [entry.seq for entry in entries] == list(range(1, 51))
    assert sorted(numbers(entries)) == list(range(50))


_APPENDER = """
import asyncio, sys
from pathlib import Path
from contract.facts import SpoolReleased
from recordings.journal import FileJournal
from tests.recordings.encoded import MovedClock

async def main():
    journal = FileJournal(Path(sys.argv[1]), MovedClock())
    for number in range(40):
        await journal.append(sys.argv[2], SpoolReleased(number))

asyncio.run(main())
"""


async def test_several_processes_append_to_one_journal(
    journal: FileJournal, root: Path, case: CaseId
) -> None:
    """Server and worker write the same case at the same time; the chain holds and has every entry."""
    command = [sys.executable, "-c", _APPENDER, str(root), case]
    others = [await asyncio.create_subprocess_exec(*command) for _ in range(2)]
    for number in range(40):
        await journal.append(case, fact(number))
    for other in others:
        assert await asyncio.wait_for(other.wait(), 60) == 0
    entries = await journal.read(case)
    assert [entry.seq for entry in entries] == list(range(1, 121))
    assert sorted(numbers(entries)) == sorted([*range(40)] * 3)


# --- what crashes and disks do -------------------------------------------------------------------


async def test_a_torn_line_is_moved_aside(
    journal: FileJournal, root: Path, case: CaseId, clock: MovedClock
) -> None:
    """Bytes without a line feed are not read, and the next append keeps them elsewhere and goes on."""
    first = await journal.append(case, fact(1))
    path = root / f"{case}.jsonl"
    with path.open("ab") as file:
        file.write(b'{"seq":2,"at"')
    assert await journal.read(case) == (first,)
    second = await FileJournal(root, clock).append(case, fact(2))
    assert second.prev == first.hash
    assert await journal.read(case) == (first, second)
    assert (root / f"{case}.torn").read_bytes() == b'{"seq":2,"at"\n'


async def test_a_torn_first_line_is_moved_aside(journal: FileJournal, root: Path, case: CaseId) -> None:
    """A crash during the very first append leaves a journal that can begin."""
    make_dirs(root, root)
    (root / f"{case}.jsonl").write_bytes(b"\0\0\0")
    assert (await journal.append(case, fact())).seq == 1


@pytest.mark.parametrize("read_before", [False, True])
@pytest.mark.parametrize("how", ["altered", "swapped", "left_out", "other_case", "respaced", "not_json"])
async def test_a_damaged_journal_is_neither_read_nor_continued(
    how: str, read_before: bool, journal: FileJournal, root: Path, case: CaseId, clock: MovedClock
) -> None:
    """Whatever is done to a line shows: reading fails, and so does appending by a process that comes new."""
    for number in range(1, 4):
        await journal.append(case, fact(number))
    if read_before:
        assert numbers(await journal.read(case)) == [1, 2, 3]
    path = root / f"{case}.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    other = await journal.append(new_case_id(), fact(2))
    path.write_bytes(b"".join({
        "altered": [lines[0], lines[1].replace(b'"bytes":2', b'"bytes":7'), lines[2]],
        "swapped": [lines[0], lines[2], lines[1]],
        "left_out": [lines[0], lines[2]],
        "other_case": [dump_entry(other) + b"\n"],
        "respaced": [lines[0], lines[1].replace(b'":', b'": '), lines[2]],
        "not_json": [lines[0], b"[" * 100_000 + b"\n"],
    }[how]))  # fmt: skip
    with pytest.raises(JournalDamaged) as caught:
        await journal.read(case)
    line = 1 if how == "other_case" else 2
    if read_before and how in {"respaced", "not_json"}:
        # The file is longer than it was: it is read on from there.
        line = 4
    assert (caught.value.code, caught.value.line) == ("journal_damaged", line)
    with pytest.raises(StorageError):
        await FileJournal(root, clock).append(case, fact(4))


async def test_a_journal_that_was_cut_is_not_continued(
    journal: FileJournal, root: Path, case: CaseId
) -> None:
    """A process that knows how long the journal was notices that entries are gone."""
    await journal.append(case, fact(1))
    await journal.append(case, fact(2))
    path = root / f"{case}.jsonl"
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    with pytest.raises(StorageError):
        await journal.append(case, fact(3))


async def test_what_was_read_is_not_read_again(
    journal: FileJournal, root: Path, case: CaseId, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what others added is parsed; what was cut off or deleted is read no more."""
    parsed: list[int] = []

    def counted(content: bytes, of: CaseId, head: Head) -> tuple[tuple[Entry, ...], Head]:
        entries, end = load_chain(content, of, head)
        parsed.append(len(entries))
        return entries, end

    other = FileJournal(root, clock)
    await other.append(case, fact(1))
    await other.append(case, fact(2))
    monkeypatch.setattr(journal_module, "load_chain", counted)
    assert [numbers(await journal.read(case)) for _ in range(2)] == [[1, 2], [1, 2]]
    await other.append(case, fact(3))
    assert numbers(await journal.read(case, after=1)) == [2, 3]
    assert parsed == [2, 0, 1]
    path = root / f"{case}.jsonl"
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    assert numbers(await journal.read(case)) == [1]
    path.unlink()
    assert await journal.read(case) == ()


async def test_what_was_read_longest_ago_is_let_go(
    root: Path, case: CaseId, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is bounded; the file that was read last is kept however long it is."""
    monkeypatch.setattr(journal_module, "_KEPT_BYTES", 1)
    journal, second = FileJournal(root, clock), new_case_id()
    await journal.append(case, fact(1))
    await journal.append(second, fact(2))
    for one in (case, second):
        await journal.read(one)
    lengths: list[int] = []

    def counted(content: bytes, of: CaseId, head: Head) -> tuple[tuple[Entry, ...], Head]:
        lengths.append(len(content))
        return load_chain(content, of, head)

    monkeypatch.setattr(journal_module, "load_chain", counted)
    await journal.read(second)
    assert numbers(await journal.read(case)) == [1]
    assert lengths[0] == 0 < lengths[1]


async def test_a_full_disk_leaves_nothing_half_appended(
    journal: FileJournal, root: Path, case: CaseId, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The append fails as StorageError, the file is as it was, and later appends go on from there."""
    first = await journal.append(case, fact(1))

    def half(descriptor: int, data: bytes) -> None:
        os.write(descriptor, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(journal_module, "write_all", half)
        with pytest.raises(StorageError, match="No space left"):
            await journal.append(case, fact(2))
    assert (root / f"{case}.jsonl").read_bytes() == dump_entry(first) + b"\n"
    assert (await journal.append(case, fact(3))).seq == 2


async def test_an_unreadable_journal_is_a_storage_error(
    journal: FileJournal, root: Path, case: CaseId
) -> None:
    """A folder in the file's place can be neither read nor written."""
    (root / f"{case}.jsonl").mkdir(parents=True)
    with pytest.raises(StorageError):
        await journal.read(case)
    with pytest.raises(StorageError):
        await journal.append(case, fact())


async def test_forgotten_heads_are_read_again(
    journal: FileJournal, case: CaseId, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More cases than heads are kept in memory: the chain goes on from the file."""
    monkeypatch.setattr(journal_module, "_HEADS_MAX", 1)
    await journal.append(case, fact(1))
    await journal.append(new_case_id(), fact(1))
    assert (await journal.append(case, fact(2))).seq == 2


# --- followers and projection --------------------------------------------------------------------


async def test_followers_see_what_comes_from_now_on(journal: FileJournal, case: CaseId) -> None:
    """One case or all of them, in order, each follower for itself, until it leaves."""
    other = new_case_id()
    await journal.append(case, fact(0))
    async with journal.follow(case) as of_case, journal.follow() as of_all:
        expected = [await journal.append(case, fact(1)), await journal.append(other, fact(2))]
        assert await anext(of_case) == expected[0]
        async for entry in of_all:
            assert entry == expected.pop(0)
            if not expected:
                break
        waiting = asyncio.ensure_future(anext(of_case))
        third = await journal.append(case, fact(3))
        assert await waiting == third


async def test_a_follower_that_stops_reading_is_told(
    journal: FileJournal, case: CaseId, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond its bound a follower gets an error instead of a gap; the others go on."""
    monkeypatch.setattr(journal_module, "FOLLOW_MAX", 2)
    async with journal.follow(case) as follower:
        for number in range(3):
            await journal.append(case, fact(number))
        with pytest.raises(StorageError) as caught:
            await anext(follower)
        assert caught.value.code == "follower_behind"
    assert len(await journal.read(case)) == 3


async def test_projection_sees_each_entry_in_order_once_it_is_on_disk(
    root: Path, clock: MovedClock, case: CaseId
) -> None:
    """When an entry is projected it can already be read; when append returns it is projected."""
    seen: list[Entry] = []

    async def project(entry: Entry) -> None:
        assert entry in await FileJournal(root, clock).read(case)
        seen.append(entry)

    journal = FileJournal(root, clock, project)
    appended = await asyncio.gather(*(journal.append(case, fact(number)) for number in range(5)))
    assert seen == sorted(appended, key=lambda entry: entry.seq)


async def test_a_failed_projection_is_made_up_for(root: Path, clock: MovedClock, case: CaseId) -> None:
    """The database fails twice: the entries stand, and all are projected, in order, as soon as it works."""
    seen: list[int] = []
    broken = True

    async def project(entry: Entry) -> None:
        if broken:
            raise StorageError("database is away")
        seen.append(entry.seq)

    journal = FileJournal(root, clock, project)
    await journal.append(case, fact(1))
    await journal.append(case, fact(2))
    broken = False
    await journal.append(case, fact(3))
    assert seen == [1, 2, 3]


async def test_the_last_entry_of_a_case_is_made_up_for_too(
    root: Path, clock: MovedClock, case: CaseId
) -> None:
    """No further entry comes: those whose projection failed are projected, in order, all the same."""
    seen: list[int] = []
    failures = iter(range(3))
    whole = asyncio.Event()

    async def project(entry: Entry) -> None:
        if next(failures, None) is not None:
            raise StorageError("database is away")
        seen.append(entry.seq)
        if entry.seq == 2:
            whole.set()

    async with asyncio.timeout(60), FileJournal(root, clock, project, retry_s=0.01) as journal:
        await journal.append(case, fact(1))
        await journal.append(case, fact(2))
        await whole.wait()
    assert seen == [1, 2]


async def test_leaving_does_not_wait_for_a_database_that_stays_away(
    root: Path, clock: MovedClock, case: CaseId
) -> None:
    """Trying again ends with the context; the entry stands in its file."""
    tried = asyncio.Semaphore(0)

    async def project(entry: Entry) -> None:
        tried.release()
        raise StorageError("database is away")

    async with asyncio.timeout(60), FileJournal(root, clock, project, retry_s=0.01) as journal:
        entry = await journal.append(case, fact(1))
        for _ in range(3):
            await tried.acquire()
    assert await journal.read(case) == (entry,)


async def test_a_caller_that_gives_up_leaves_a_whole_entry(
    root: Path, clock: MovedClock, case: CaseId
) -> None:
    """A cancelled append is done to the end all the same: on disk, projected and followed."""
    projecting, go_on = asyncio.Event(), asyncio.Event()
    seen: list[Entry] = []

    async def project(entry: Entry) -> None:
        projecting.set()
        await go_on.wait()
        seen.append(entry)

    async with FileJournal(root, clock, project) as journal, journal.follow(case) as follower:
        waiting = asyncio.ensure_future(journal.append(case, fact(1)))
        await projecting.wait()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        go_on.set()
        entry = await anext(follower)
    assert seen == [entry]
    assert await journal.read(case) == (entry,)


async def test_the_event_loop_is_never_blocked(journal: FileJournal, case: CaseId) -> None:
    """Appending and reading do their file work in threads."""
    with blockbuster_ctx():
        await journal.append(case, fact())
        await journal.read(case)


def test_a_chain_can_be_read_in_pieces(case: CaseId) -> None:
    """Reading goes on from a known head; what is behind the last line feed is not counted."""
    one = seal_entry(1, START, case, fact(1), GENESIS)
    two = seal_entry(2, START, case, fact(2), one.hash)
    _, head = load_chain(dump_entry(one) + b"\n", case)
    entries, head = load_chain(dump_entry(two) + b"\n{", case, head)
    assert entries == (two,)
    assert head.size == len(dump_entry(one)) + len(dump_entry(two)) + 2
