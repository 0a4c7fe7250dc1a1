"""Processor time and memory of a process and its children, as Linux counts them."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

# Above ordinary processes; these are not starved, since no measurement uses a core fully for long.
_NICE = -15
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """``cpu`` in seconds, user and system together; memory in bytes, ``pss`` shares what is shared."""

    cpu: float
    rss: int
    pss: int
    threads: int
    files: int


def tree(pid: int) -> list[int]:
    """Return ``pid`` and everything below it."""
    found = [pid]
    for task in _listed(Path(f"/proc/{pid}/task")):
        children = _read(Path(f"/proc/{pid}/task/{task}/children"))
        for child in children.split():
            found += tree(int(child))
    return found


def usage(pid: int) -> Usage:
    """Add up what the processes of the tree use; those that just ended count nothing."""
    parts = [_one(each) for each in tree(pid)]
    return Usage(*(sum(column) for column in zip(*parts, strict=True)))


def alone(pid: int) -> Usage:
    """Return what this process uses, without those below it."""
    return Usage(*_one(pid))


def go_ahead(pid: int) -> None:
    """Let a process run ahead of others on this machine, where that is allowed."""
    with suppress(PermissionError, FileNotFoundError):
        os.setpriority(os.PRIO_PROCESS, pid, _NICE)
        # With autogrouping, niceness counts among the processes of one session only (sched(7)).
        if os.getsid(pid) == pid:
            Path(f"/proc/{pid}/autogroup").write_text(str(_NICE))


def cpu_seconds(pid: int) -> float:
    """Return the processor time of the tree so far."""
    return sum(_cpu(each)[0] for each in tree(pid))


def core_seconds(core: int) -> tuple[float, float]:
    """Return how long this core has worked, for whomever, and how long the hypervisor kept it away.

    The second is nothing but 0 on a real machine (proc_stat(5), ``steal``).
    """
    for line in _read(Path("/proc/stat")).splitlines():
        name, *fields = line.split()
        if name == f"cpu{core}":
            return sum(int(fields[i]) for i in (0, 1, 2, 5, 6)) / _TICKS, int(fields[7]) / _TICKS
    raise ValueError(f"no core {core}")


def _cpu(pid: int) -> tuple[float, int]:
    # proc_pid_stat(5); fields are counted behind the command's closing bracket.
    fields = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return ((int(fields[11]) + int(fields[12])) / _TICKS, int(fields[17])) if fields else (0.0, 0)


def _one(pid: int) -> tuple[float, int, int, int, int]:
    memory = dict(
        line.split()[:2] for line in _read(Path(f"/proc/{pid}/smaps_rollup")).splitlines()[1:] if line
    )
    if not memory:
        return 0.0, 0, 0, 0, 0
    cpu, threads = _cpu(pid)
    files = len(_listed(Path(f"/proc/{pid}/fd")))
    return cpu, int(memory["Rss:"]) * 1_024, int(memory["Pss:"]) * 1_024, threads, files


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _listed(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in folder.iterdir()]
    except (FileNotFoundError, ProcessLookupError):
        return []
