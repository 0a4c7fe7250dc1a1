"""The journal on disk: one file of JSON lines per case, each line chained to the one before by SHA-256.

Appending takes the file's lock (``flock``), so several processes may write one journal; what another
process added meanwhile is read and checked first. A line counts once it ends in a line feed and is
synced. A last line without one is what a crash left: it is moved to ``<case>.torn`` and cut off.
"""

import asyncio
import contextlib
import fcntl
import json
import os
import threading
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from weakref import WeakValueDictionary

import structlog
from prometheus_client import Counter

from contract import codec
from contract.errors import ProtocolError, StorageError
from contract.facts import GENESIS, Entry, Fact, dump_entry, load_entry, seal_entry
from contract.ids import CaseId, is_id
from contract.ports import Clock
from recordings.spool import make_dirs, sync_dir, write_all

_log = structlog.get_logger(__name__)
_APPENDED = Counter("teller_recordings_journal_entries", "Journal entries appended by this process")
_TORN = Counter("teller_recordings_journal_torn", "Torn journal lines moved aside")
_UNPROJECTED = Counter("teller_recordings_journal_unprojected", "Projections of entries that failed")

# A follower further behind than this has stopped reading.
FOLLOW_MAX = 10_000
# A projection that failed is tried again after this long, whether the case goes on or not.
_PROJECT_RETRY_S = 5.0
# Heads kept in memory; a case outside is read again from its file. One head is about 300 bytes.
_HEADS_MAX = 1_000
# Files whose entries are kept in memory, in all; parsed they take about four times as much. A call of half
# an hour writes 2 MB, which take a second to read, and a player asks for its film in hundreds of parts.
_KEPT_BYTES = 16 << 20

Projection = Callable[[Entry], Awaitable[None]]
_Locks = WeakValueDictionary[CaseId, asyncio.Lock]


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a verified chain: last sequence number and hash, and the length in bytes."""

    seq: int = 0
    hash: str = GENESIS
    size: int = 0


_START = Head()


class JournalDamaged(StorageError):
    """A line of a journal is altered, of another case, or does not follow; ``line`` counts from 1.

    Where a file is read on from where it was read to before, only lines from there on are looked at.
    """

    default_code = "journal_damaged"

    def __init__(self, line: int, what: str) -> None:
        self.line = line
        super().__init__(f"line {line} of the journal {what}")


def load_chain(content: bytes, case: CaseId, head: Head = _START) -> tuple[tuple[Entry, ...], Head]:
    """Return the entries in ``content``, which follows ``head``, and the new head.

    Bytes behind the last line feed are not part of the chain: the new ``size`` stops before them.

    Raises:
        JournalDamaged: the first line that is altered, of another case, or does not follow the one before.
    """
    entries: list[Entry] = []
    *lines, _torn = content.split(b"\n")
    for line in lines:
        entry = _load_line(line, case, head)
        entries.append(entry)
        head = Head(entry.seq, entry.hash, head.size + len(line) + 1)
    return tuple(entries), head


def _load_line(line: bytes, case: CaseId, head: Head) -> Entry:
    try:
        entry = load_entry(json.loads(line))
    except (ValueError, RecursionError, ProtocolError) as error:
        raise JournalDamaged(head.seq + 1, "is damaged") from error
    if (entry.case, entry.seq, entry.prev) != (case, head.seq + 1, head.hash) or dump_entry(entry) != line:
        raise JournalDamaged(head.seq + 1, "does not follow the one before")
    return entry


@dataclass(frozen=True, slots=True)
class _Chain:
    """What was read of a file, and by what it is told whether the file is still that one."""

    entries: tuple[Entry, ...]
    head: Head
    file: tuple[int, int]
    size: int
    changed_ns: int

    def still_begins(self, now: os.stat_result) -> bool:
        """Tell whether the file is this one, unchanged or with more behind it."""
        grown = now.st_size > self.size
        return self.file == (now.st_dev, now.st_ino) and (
            grown or (now.st_size, now.st_mtime_ns) == (self.size, self.changed_ns)
        )


class _KeptChains:
    """What was read last, up to ``most`` bytes of files and one file at least; for several threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._chains: OrderedDict[CaseId, _Chain] = OrderedDict()

    def get(self, case: CaseId, now: os.stat_result) -> tuple[tuple[Entry, ...], Head]:
        """Return what need not be read again of a file."""
        with self._lock:
            chain = self._chains.get(case)
        return (chain.entries, chain.head) if chain is not None and chain.still_begins(now) else ((), _START)

    def keep(self, case: CaseId, entries: tuple[Entry, ...], head: Head, seen: os.stat_result) -> None:
        """Keep what was read of a file that was ``seen`` before it was read."""
        file = (seen.st_dev, seen.st_ino)
        with self._lock:
            self._chains.pop(case, None)
            self._chains[case] = _Chain(entries, head, file, seen.st_size, seen.st_mtime_ns)
            while len(self._chains) > 1 and sum(one.size for one in self._chains.values()) > self._most:
                self._chains.popitem(last=False)

    def forget(self, case: CaseId) -> None:
        """Keep nothing of a case."""
        with self._lock:
            self._chains.pop(case, None)


class _Follower:
    """Entries on their way to one reader, in order, bounded."""

    def __init__(self, case: CaseId | None) -> None:
        self.case = case
        self._waiting: deque[Entry] = deque()
        self._news = asyncio.Event()
        self._behind = False

    def push_entry(self, entry: Entry) -> None:
        if self.case is not None and self.case != entry.case:
            return
        if len(self._waiting) >= FOLLOW_MAX:
            self._behind = True
        else:
            self._waiting.append(entry)
        self._news.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Entry:
        while not self._waiting and not self._behind:
            self._news.clear()
            await self._news.wait()
        if self._behind:
            raise StorageError("follower of the journal fell behind", code="follower_behind")
        return self._waiting.popleft()


class FileJournal:
    """Implements ``contract.ports.Journal`` on files ``<root>/<case>.jsonl``.

    ``project`` is awaited for each entry this process appends, in order, when it is on disk. If it
    fails, the entry stands all the same, and is projected again before the case's next one. Entered
    as a context, it also projects it again every ``retry_s`` seconds, and waits on leaving for appends
    whose callers have given up.
    """

    def __init__(
        self,
        root: Path,
        clock: Clock,
        project: Projection | None = None,
        *,
        retry_s: float = _PROJECT_RETRY_S,
    ) -> None:
        self._root = root
        self._clock = clock
        self._project = project
        self._files = _JournalFiles(root)
        self._writing: _Locks = WeakValueDictionary()
        self._reading: _Locks = WeakValueDictionary()
        self._unprojected: dict[CaseId, list[Entry]] = {}
        self._followers: list[_Follower] = []
        self._running: set[asyncio.Future[Entry]] = set()
        self._retry_s = retry_s
        self._tasks = asyncio.TaskGroup()
        self._retrying: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._retrying = self._tasks.create_task(self._project_again(), name="journal projections")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.gather(*self._running, return_exceptions=True)
        if self._retrying is not None:
            self._retrying.cancel()
        await self._tasks.__aexit__(None, None, None)

    async def append(self, case: CaseId, fact: Fact) -> Entry:
        """See the port. A cancelled call still appends, projects and tells followers, or does nothing.

        Raises:
            ValueError: the fact could not be read back: not finite, too long, or of a wrong type.
        """
        _check(case)
        running = asyncio.ensure_future(self._append(case, _normal(fact)))
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        return await asyncio.shield(running)

    async def read(self, case: CaseId, after: int = 0) -> tuple[Entry, ...]:
        """See the port."""
        _check(case)
        # One at a time, so that a long file is parsed once for a player's first requests.
        async with _lock_of(self._reading, case):
            entries = await asyncio.to_thread(self._files.read, case)
        return entries[after:]

    async def forget(self, case: CaseId) -> None:
        """Delete the case's journal for good; nothing may be appended any more. Idempotent.

        Raises:
            StorageError: the disk refused.
        """
        _check(case)
        async with _lock_of(self._writing, case):
            self._unprojected.pop(case, None)
            await asyncio.to_thread(self._files.forget, case)

    @contextlib.asynccontextmanager
    async def follow(self, case: CaseId | None = None) -> AsyncIterator[AsyncIterator[Entry]]:
        """See the port."""
        follower = _Follower(case)
        self._followers.append(follower)
        try:
            yield follower
        finally:
            self._followers.remove(follower)

    async def _append(self, case: CaseId, fact: Fact) -> Entry:
        async with _lock_of(self._writing, case):
            entry = await asyncio.to_thread(self._files.append, case, fact, self._clock.now())
            _APPENDED.inc()
            await self._project_due(case, entry)
            for follower in tuple(self._followers):
                follower.push_entry(entry)
        return entry

    async def _project_again(self) -> None:
        while True:
            await asyncio.sleep(self._retry_s)
            for case in tuple(self._unprojected):
                async with _lock_of(self._writing, case):
                    await self._project_due(case)

    async def _project_due(self, case: CaseId, *appended: Entry) -> None:
        if self._project is None:
            return
        due = [*self._unprojected.pop(case, ()), *appended]
        for index, waiting in enumerate(due):
            try:
                await self._project(waiting)
            except Exception as error:
                _UNPROJECTED.inc()
                self._unprojected[case] = due[index:]
                _log.exception("journal entry not projected", case=case, pii_error=str(error))
                return


def _lock_of(locks: _Locks, case: CaseId) -> asyncio.Lock:
    lock = locks.get(case)
    if lock is None:
        locks[case] = lock = asyncio.Lock()
    return lock


def _check(case: CaseId) -> None:
    if not is_id(case):
        raise ValueError("not a case id")


def _normal(fact: Fact) -> Fact:
    """Return the fact as it will be read back: an int where a float belongs has another hash."""
    try:
        return codec.load(type(fact), codec.dump(fact))
    except ProtocolError as error:
        raise ValueError("the fact does not fit its own form") from error


class _JournalFiles:
    """The blocking half: called in threads, one to read and one to write a case at a time in this process."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._heads: OrderedDict[CaseId, Head] = OrderedDict()
        self._chains = _KeptChains(_KEPT_BYTES)

    def read(self, case: CaseId) -> tuple[Entry, ...]:
        try:
            with (self._root / f"{case}.jsonl").open("rb") as file:
                seen = os.fstat(file.fileno())
                kept, head = self._chains.get(case, seen)
                file.seek(head.size)
                content = file.read()
        except FileNotFoundError:
            self._chains.forget(case)
            return ()
        except OSError as error:
            raise StorageError(f"journal cannot be read: {error.strerror}") from error
        added, head = load_chain(content, case, head)
        entries = kept + added
        self._chains.keep(case, entries, head, seen)
        return entries

    def append(self, case: CaseId, fact: Fact, at: float) -> Entry:
        try:
            with self._locked(case) as descriptor:
                head = self._head(descriptor, case)
                entry = seal_entry(head.seq + 1, at, case, fact, head.hash)
                line = dump_entry(entry) + b"\n"
                self._write(descriptor, line, head.size)
                if head.size == 0:
                    sync_dir(self._root)
                self._remember(case, Head(entry.seq, entry.hash, head.size + len(line)))
                return entry
        except OSError as error:
            raise StorageError(f"journal cannot be written: {error.strerror}") from error

    def forget(self, case: CaseId) -> None:
        try:
            for suffix in ("jsonl", "torn"):
                (self._root / f"{case}.{suffix}").unlink(missing_ok=True)
            if self._root.is_dir():
                sync_dir(self._root)
        except OSError as error:
            raise StorageError(f"journal cannot be deleted: {error.strerror}") from error
        self._heads.pop(case, None)
        self._chains.forget(case)

    @contextlib.contextmanager
    def _locked(self, case: CaseId) -> Iterator[int]:
        make_dirs(self._root, self._root)
        path = self._root / f"{case}.jsonl"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)

    def _head(self, descriptor: int, case: CaseId) -> Head:
        """Return the chain's end as it is now, having read what others added and cut off a torn line."""
        known = self._heads.get(case, _START)
        size = os.fstat(descriptor).st_size
        if size < known.size:
            raise StorageError("journal is shorter than it was", code="journal_damaged")
        if size == known.size:
            return known
        content = _pread(descriptor, size - known.size, known.size)
        _, head = load_chain(content, case, known)
        if head.size < size:
            self._cut_torn(descriptor, case, content[head.size - known.size :], head.size)
        return head

    def _cut_torn(self, descriptor: int, case: CaseId, torn: bytes, keep: int) -> None:
        aside = os.open(
            self._root / f"{case}.torn", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600
        )
        try:
            write_all(aside, torn + b"\n")
            os.fsync(aside)
        finally:
            os.close(aside)
        sync_dir(self._root)
        os.ftruncate(descriptor, keep)
        os.fsync(descriptor)
        _TORN.inc()
        _log.warning("torn journal line moved aside", case=case, bytes=len(torn))

    def _write(self, descriptor: int, line: bytes, size: int) -> None:
        try:
            write_all(descriptor, line)
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, size)
            raise

    def _remember(self, case: CaseId, head: Head) -> None:
        self._heads.pop(case, None)
        self._heads[case] = head
        if len(self._heads) > _HEADS_MAX:
            self._heads.popitem(last=False)


def _pread(descriptor: int, length: int, offset: int) -> bytes:
    parts: list[bytes] = []
    while length > 0 and (part := os.pread(descriptor, length, offset)):
        parts.append(part)
        length -= len(part)
        offset += len(part)
    return b"".join(parts)
