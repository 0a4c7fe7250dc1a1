"""Who may still write into the spool: a media worker outlives a killed server until it has sealed.

Each holds a shared lock on one file for as long as it runs; whoever seals what others left waits for all
of them to be gone. The kernel lets a lock go when its process ends, however it ends.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

# An orphan seals within a second; one that hangs in its disk must not keep the service down for ever.
WAIT_S = 30.0
_LOOK_S = 0.1


@contextmanager
def writing(data_dir: Path) -> Iterator[None]:
    """Be known as a writer of the spool."""
    descriptor = _open(data_dir)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def wait_for_writers(data_dir: Path, seconds: float = WAIT_S) -> bool:
    """Return True when nobody writes any more, False when somebody still does after ``seconds``. Blocks."""
    deadline = time.monotonic() + seconds
    with closing(os.fdopen(_open(data_dir))) as file:
        while not _locked(file.fileno()):
            if time.monotonic() > deadline:
                return False
            time.sleep(_LOOK_S)
    return True


def _open(data_dir: Path) -> int:
    return os.open(data_dir / "spool.lock", os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
