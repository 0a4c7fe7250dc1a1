"""A case rendered once more, out of the archive and with any template.

What is rendered is what the first merge rendered: the archived tracks, checked against the manifest, the
facts up to that merge, its local time and its chapters. So the same template gives the same bytes.
"""

import json
import shutil
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from contract import codec
from contract.errors import NotFound, StorageError
from contract.facts import Entry, MergeCompleted, MergeStarted
from contract.ids import CaseId, JobId, is_id
from contract.phases import Template
from recordings import merge
from recordings.beside import CHAPTERS_FILE
from recordings.chapters import Chapter
from recordings.manifest import MANIFEST, ManifestFile, load_manifest
from recordings.spool import Spool, make_dirs, sha256_of

KIND = "render_"
# Writes the archive's file of this name to this path.
Fetch = Callable[[str, Path], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Source:
    """The first merge of a case, and the facts that it was made from."""

    merged: MergeCompleted
    entries: tuple[Entry, ...]


def source_of(entries: Sequence[Entry]) -> Source:
    """Return what is to be rendered again. Raises NotFound where nothing was merged."""
    found = [n for n, entry in enumerate(entries) if isinstance(entry.fact, MergeStarted | MergeCompleted)]
    done = next((n for n in reversed(found) if isinstance(entries[n].fact, MergeCompleted)), None)
    merged = entries[done].fact if done is not None else None
    if done is None or not isinstance(merged, MergeCompleted):
        raise NotFound("nothing was merged")
    begun = max((n for n in found if n < done), default=done)
    return Source(merged, tuple(entries[:begun]))


def template_of(kind: str) -> Template:
    """Return the template that a job of this kind renders. Raises StorageError for none."""
    try:
        return Template(kind.removeprefix(KIND))
    except ValueError as error:
        raise StorageError("no such template", code="unknown_job") from error


@contextmanager
def workshop(spool: Spool, job: JobId) -> Iterator[Path]:
    """Give this job an empty folder on the disk of the spool for a while; what a dead worker left goes."""
    folder = spool.root / f"render-{job}"
    shutil.rmtree(folder, ignore_errors=True)
    make_dirs(folder, spool.root)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def fetch_tracks(fetch: Fetch, case: CaseId, folder: Path) -> None:
    """Bring the tracks of a case and its chapters into ``folder``.

    Raises:
        StorageError: ``archive_differs`` where a file is not what the manifest says.
    """
    manifest = folder / MANIFEST
    await fetch(MANIFEST, manifest)
    for file in load_manifest(manifest.read_bytes()).files:
        if is_id(file.path.split("/", 1)[0]) or file.path == CHAPTERS_FILE:
            path = folder / case / file.path
            make_dirs(path.parent, folder)
            await fetch(file.path, path)
            _require_same(path, file)


def _require_same(path: Path, file: ManifestFile) -> None:
    if sha256_of(path) != (file.sha256, file.bytes):
        raise StorageError("the archive gives back another content", code="archive_differs")


def plan_again(source: Source, case: CaseId, folder: Path, template: Template) -> merge.MergePlan:
    """Return what is to be rendered of the tracks in ``folder``. Blocks."""
    plan = merge.plan_merge(
        Spool(folder), case, source.entries, source.merged.utc_offset_s, template=template
    )
    told = folder / case / CHAPTERS_FILE
    if not told.is_file():
        return plan
    chapters = json.loads(told.read_bytes())["chapters"]
    return replace(plan, chapters=tuple(codec.load(Chapter, chapter) for chapter in chapters))
