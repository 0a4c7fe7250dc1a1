"""Which files the facts of a case name. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from contract.facts import (
    Entry,
    EvidenceStored,
    FileShared,
    GapsAccounted,
    MergeCompleted,
    RenderCompleted,
    SegmentSealed,
)

_TYPES = {
    ".mp4": "video/mp4",
    ".mkv": "video/x-matroska",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".json": "application/json",
    ".jsonl": "application/x-ndjson",
}


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A file that facts name: ``name`` relative to the case's folder."""

    name: str
    sha256: str
    bytes: int

    @property
    def media_type(self) -> str:
        """Return the Content-Type by the name's ending."""
        return _TYPES.get(PurePosixPath(self.name).suffix, "application/octet-stream")


def files_of(entries: Iterable[Entry]) -> dict[str, CaseFile]:
    """Return every file that the facts name, by name.

    A merge that was tried again leaves an older fact about the same file: the last one counts.
    """
    return {file.name: file for entry in entries for file in _named(entry)}


def _named(entry: Entry) -> Iterator[CaseFile]:
    match entry.fact:
        case (
            SegmentSealed(file=name, sha256=digest, bytes=size)
            | EvidenceStored(file=name, sha256=digest, bytes=size)
            | FileShared(file=name, sha256=digest, bytes=size)
            | RenderCompleted(file=name, sha256=digest, bytes=size)
            | GapsAccounted(file=name, sha256=digest, bytes=size)
        ):
            yield CaseFile(name, digest, size)
        case MergeCompleted() as fact:
            yield CaseFile(fact.file, fact.sha256, fact.bytes)
            yield from (CaseFile(made.file, made.sha256, made.bytes) for made in fact.files)
        case _:
            return
