"""``teller export``: a whole record in one file, for whoever must judge it without this service."""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import click

from contract.errors import NotFound, StorageError
from contract.facts import Entry, RecordExported, dump_entry
from contract.ids import CaseId
from contract.ports import Archive
from recordings.bundle import Content, Written, verify_bundle, write_bundle
from recordings.manifest import (
    JOURNAL,
    MANIFEST,
    JournalHead,
    is_journal,
    load_manifest,
    manifest_sha256,
)
from recordings.marked import MARKED_FILE, Mark, mark_film
from recordings.merge import MERGED_FILE
from recordings.papers import PLAIN_PAPERS
from recordings.signature import EXPORT_SIGNATURE, VERSION, Signer, Statement
from recordings.spool import sha256_of
from teller.compose import open_base, record_signer
from teller.config import Config

_BLOCK_BYTES = 1 << 20


async def export_case(config: Config, case: str, out: Path, by: str, reason: str) -> int:
    """Mark the film, journal the export, write the bundle, check what was written, and say what is in it.

    Return 0. How far the film is goes to standard error.

    Raises:
        NotFound: there is no such case, or it is not archived.
        StorageError: ``out`` is taken, the archive does not give the record, or it is not intact.
    """
    if await asyncio.to_thread(out.exists):
        raise StorageError(f"{out} is there already", code="exists")
    async with open_base(config) as base:
        found = await base.database.cases.case(CaseId(case))
        prefix = f"{found.tenant}/{found.case}/"
        names = [key.removeprefix(prefix) for key in await base.archive.keys(prefix)]
        if MANIFEST not in names:
            raise NotFound("the record of this case is not in the archive yet", code="not_archived")
        manifest = await _whole(base.archive, prefix + MANIFEST)
        signer = record_signer(config)
        now = base.clock.now()
        with ExitStack() as stack:
            fact, film = RecordExported(by, reason, manifest_sha256(manifest)), None
            if MERGED_FILE in names:
                # Beside the bundle: there is room for films, and whoever may read it may read them.
                beside = tempfile.TemporaryDirectory(prefix=".export-", dir=out.parent)
                folder, mark = Path(stack.enter_context(beside)), Mark(by, now, found.case, reason)
                film = await _marked(base.archive, prefix + MERGED_FILE, folder, mark)
            if film is not None:
                sha256, size = await asyncio.to_thread(sha256_of, film)
                fact = RecordExported(by, reason, fact.manifest_sha256, film.name, sha256, size)
            await base.journal.append(found.case, fact)
            await base.database.jobs.enqueue("archive_journal", found.case)
            entries = await base.journal.read(found.case)
            parts = _parts(base.archive, prefix, names, entries, _statement(manifest, entries, now, signer))
            if film is not None:
                parts[film.name] = partial(_blocks, film)
            try:
                written = await write_bundle(out, found.case, parts, now)
            except FileExistsError as error:
                raise StorageError(f"{out} is there already", code="exists") from error
    return await _told(out, written, signer)


async def _marked(archive: Archive, key: str, folder: Path, mark: Mark) -> Path | None:
    """Return the archive's film with the mark, None when it is damaged and cannot be shown."""
    film, out = folder / "film.mp4", folder / MARKED_FILE
    with film.open("xb") as file:
        async for block in archive.read(key):
            await asyncio.to_thread(file.write, block)
    try:
        await asyncio.to_thread(mark_film, film, out, mark, _progress)
    except StorageError as error:
        _end_progress()
        click.echo(f"the film cannot be marked, the bundle goes without the copy: {error}", err=True)
        return None
    _end_progress()
    await asyncio.to_thread(film.unlink)
    return out


def _progress(seconds: float) -> None:
    # A file of log lines has no line that can be written over.
    if sys.stderr.isatty():
        click.echo(f"\rmarking the film: {seconds:.0f} s", err=True, nl=False)


def _end_progress() -> None:
    if sys.stderr.isatty():
        click.echo("", err=True)


def _statement(manifest: bytes, entries: Sequence[Entry], now: float, signer: Signer) -> bytes:
    loaded, head = load_manifest(manifest), JournalHead(entries[-1].seq, entries[-1].hash)
    sha256 = manifest_sha256(manifest)
    return signer.sign(Statement(VERSION, loaded.tenant, loaded.case, sha256, head, now))


def _parts(
    archive: Archive, prefix: str, names: Sequence[str], entries: Sequence[Entry], statement: bytes
) -> dict[str, Content]:
    """Return what goes into the bundle, what judges it first."""
    journal = b"".join(dump_entry(entry) + b"\n" for entry in entries)
    parts: dict[str, Content] = {
        EXPORT_SIGNATURE: lambda: _one(statement),
        JOURNAL: lambda: _one(journal),
    }
    for name in sorted(names, key=lambda name: (name != MANIFEST, name)):
        if not is_journal(name) and name != EXPORT_SIGNATURE and name not in PLAIN_PAPERS:
            parts[name] = _reader(archive, prefix + name)
    return parts


def _reader(archive: Archive, key: str) -> Content:
    return lambda: archive.read(key)


async def _one(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def _blocks(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while block := await asyncio.to_thread(file.read, _BLOCK_BYTES):
            yield block


async def _whole(archive: Archive, key: str) -> bytes:
    return b"".join([block async for block in archive.read(key)])


async def _told(out: Path, written: Written, signer: Signer) -> int:
    _, report = await asyncio.to_thread(verify_bundle, out)
    click.echo(f"{out}: {written.files} files, {written.bytes / 1e6:.1f} MB, sha256 {written.sha256}")
    click.echo(f"signed with the key {signer.key}; verify with: teller verify {out}")
    if not report.intact:
        raise StorageError("what the archive holds is not intact: see teller verify", code="not_intact")
    return 0


async def show_key(config: Config) -> int:
    """Print the public key that records are signed with, as PEM; return 0."""
    signer = await asyncio.to_thread(record_signer, config)
    click.echo(signer.public_pem().decode("ascii"), nl=False)
    return 0
