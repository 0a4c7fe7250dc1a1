"""The rounds as a table, each figure with its spread."""

import statistics
from collections.abc import Callable

from benchmarks.desk.trial import Round, percentile

_ROWS: tuple[tuple[str, str, Callable[[Round], float]], ...] = (
    ("assignments", "", lambda r: r.assigned),
    ("assignments a second", "", lambda r: r.assigned / r.seconds),
    ("refusals", "", lambda r: r.refused),
    ("ready to ring, median", "ms", lambda r: percentile(r.later, 0.5) * 1e3),
    ("ready to ring, 95 %", "ms", lambda r: percentile(r.later, 0.95) * 1e3),
    ("ready to ring, 99 %", "ms", lambda r: percentile(r.later, 0.99) * 1e3),
    ("all at once, median", "ms", lambda r: percentile(r.first, 0.5) * 1e3),
    ("all at once, 95 %", "ms", lambda r: percentile(r.first, 0.95) * 1e3),
    ("all at once, 99 %", "ms", lambda r: percentile(r.first, 0.99) * 1e3),
    ("longest between wallboards", "s", lambda r: r.board_gap),
    ("oldest figures on arrival", "s", lambda r: r.board_age),
    ("server process", "cores", lambda r: r.server_cores),
    ("its media and merge workers", "cores", lambda r: r.others_cores),
    ("generator", "cores", lambda r: r.generator_cores),
    ("memory of the server process", "MB", lambda r: r.memory / 1e6),
    ("messages to pages a second", "", lambda r: r.messages / r.seconds),
    ("generator late, 99 %", "ms", lambda r: r.late * 1e3),
)


def table(rounds: list[Round]) -> str:
    """Return one line a figure: each round, and the median with the lowest and the highest."""
    lines = [f"{'':<36}" + "".join(f"{f'round {number + 1}':>10}" for number in range(len(rounds)))]
    for name, unit, figure in _ROWS:
        values = [figure(one) for one in rounds]
        label = f"{name}, {unit}" if unit else name
        spread = f"{_short(statistics.median(values))} ({_short(min(values))} to {_short(max(values))})"
        lines.append(f"{label:<36}" + "".join(f"{_short(value):>10}" for value in values) + f"   {spread}")
    return "\n".join(lines)


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"
