"""What remains of a case that was aborted, as its policy says."""

from collections.abc import Iterable
from pathlib import Path

from contract.phases import AbortedKeeps
from recordings.spool import sync_dir

_EVIDENCE = "evidence"


def discardable(folder: Path, keeps: AbortedKeeps) -> tuple[Path, ...]:
    """Return the files below a case's folder that are not kept. Blocks."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return tuple(path for path in found if not _is_kept(path.relative_to(folder), keeps))


def discard(folder: Path, files: Iterable[Path]) -> None:
    """Delete ``files`` below ``folder``, and the folders that are empty then. Blocks.

    Raises:
        OSError: the disk refused; what is gone by then stays gone, and the rest goes at the next try.
    """
    for path in files:
        path.unlink(missing_ok=True)
    for path in sorted((p for p in folder.rglob("*") if p.is_dir()), reverse=True):
        if not any(path.iterdir()):
            path.rmdir()
    if folder.is_dir():
        sync_dir(folder)


def _is_kept(path: Path, keeps: AbortedKeeps) -> bool:
    return keeps is AbortedKeeps.EVERYTHING or (keeps is AbortedKeeps.PICTURES and path.parts[0] == _EVIDENCE)
