"""How much waits in the spool, and whether the disk holds out until the archive takes it.

Looked at in the server, whose figures `/metrics` shows and whose supervisors see alarms: while the archive is
away records gather in the spool, which is the only place where they are.
"""

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog
from prometheus_client import Gauge

_log = structlog.get_logger(__name__)

WAITING = Gauge("teller_spool_cases", "Cases of which something lies in the spool.")
BYTES = Gauge("teller_spool_bytes", "Bytes in the spool.")
FREE = Gauge("teller_spool_free_bytes", "Bytes free on the spool's disk.")
OLDEST = Gauge("teller_spool_oldest_seconds", "Age of the oldest case in the spool, since it last grew.")
LOW = Gauge("teller_spool_disk_low", "1 while less is free than [recording] spool_free_gb asks for.")

LOOK_S = 30.0
DISK_LOW = "disk_low"


@dataclass(frozen=True, slots=True)
class SpoolState:
    """What lies there; ``oldest_s`` is None when nothing does."""

    cases: int
    bytes: int
    free: int
    oldest_s: float | None

    def alarms(self, least_free: int) -> tuple[str, ...]:
        """Return the words of what is wrong: ``disk_low``."""
        return (DISK_LOW,) if self.free < least_free else ()


def look(spool: Path, now: float) -> SpoolState:
    """Return what lies in the folder ``spool`` at ``now`` (seconds UTC). Blocks."""
    spool.mkdir(mode=0o700, parents=True, exist_ok=True)
    cases, size, oldest = 0, 0, None
    for folder in (path for path in spool.iterdir() if path.is_dir()):
        grown, held = _grown(folder)
        cases, size = cases + 1, size + held
        oldest = grown if oldest is None else min(oldest, grown)
    return SpoolState(cases, size, shutil.disk_usage(spool).free, None if oldest is None else now - oldest)


def _grown(folder: Path) -> tuple[float, int]:
    """Return when a case's folder last grew, and how many bytes it holds."""
    grown, held = folder.stat().st_mtime, 0
    for path in folder.rglob("*"):
        try:
            found = path.stat()
        except FileNotFoundError:
            # Released in this moment.
            continue
        if path.is_file():
            grown, held = max(grown, found.st_mtime), held + found.st_size
    return grown, held


async def watch_spool(
    spool: Path, least_free: int, now: Callable[[], float], tell: Callable[[tuple[str, ...]], None]
) -> None:
    """Look for ever; ``tell`` is called with the alarms whenever they change."""
    told: tuple[str, ...] = ()
    while True:
        try:
            state = await asyncio.to_thread(look, spool, now())
            alarms = state.alarms(least_free)
            show(state, alarms)
            if alarms != told:
                told = alarms
                tell(alarms)
                say = _log.error if alarms else _log.info
                say("spool_disk", alarms=alarms, free=state.free, waiting=state.cases)
        except OSError as error:
            _log.error("the spool cannot be looked at", pii_error=str(error))
        await asyncio.sleep(LOOK_S)


def show(state: SpoolState, alarms: tuple[str, ...]) -> None:
    """Set the figures."""
    WAITING.set(state.cases)
    BYTES.set(state.bytes)
    FREE.set(state.free)
    OLDEST.set(state.oldest_s or 0.0)
    LOW.set(float(DISK_LOW in alarms))
