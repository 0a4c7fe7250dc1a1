"""How far auditors agree who judged the same cases without sight of each other. Pure.

The bound on the share is exact (Clopper and Pearson, 1934). Kappa is Cohen's (1960), the agreement beyond
that of chance; its bound takes the agreement of chance as it was counted, as Cohen's own error does, and the
exact bound on the share, so that it stays wide where nobody disagreed yet.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from contract.phases import Verdict
from contract.ports import LookCount
from kyc.bounds import clopper_pearson

# With fewer the bound on the share is wider than 15 points even where all agree nine times of ten.
PAIRS_MIN = 50


@dataclass(frozen=True, slots=True)
class Agreement:
    """``agreed`` of ``pairs``; rates 0 to 1, bounds at 95 %.

    ``kappa`` is from -1 to 1, None with its bounds where chance alone would always agree: without pairs, or
    where every verdict was the same.
    """

    pairs: int
    agreed: int
    share: float | None
    share_bounds: tuple[float, float]
    kappa: float | None
    kappa_bounds: tuple[float, float] | None

    @property
    def is_small(self) -> bool:
        """Tell whether there are too few pairs to conclude anything."""
        return self.pairs < PAIRS_MIN


def agreement(counts: Iterable[LookCount]) -> Agreement:
    """Return how far first and second verdicts agree."""
    table = dict.fromkeys(((one, other) for one in Verdict for other in Verdict), 0)
    for count in counts:
        table[count.first, count.second] += count.cases
    pairs, agreed = sum(table.values()), sum(table[one, one] for one in Verdict)
    bounds = clopper_pearson(agreed, pairs)
    if not pairs:
        return Agreement(0, 0, None, bounds, None, None)
    share, chance = agreed / pairs, _chance(table, pairs)
    if chance == 1:
        return Agreement(pairs, agreed, share, bounds, None, None)
    low, kappa, high = (max(-1.0, (rate - chance) / (1 - chance)) for rate in (bounds[0], share, bounds[1]))
    return Agreement(pairs, agreed, share, bounds, kappa, (low, high))


def _chance(table: dict[tuple[Verdict, Verdict], int], pairs: int) -> float:
    """Return how often two would agree who give their verdicts as often, and blindly."""
    first = {one: sum(table[one, other] for other in Verdict) for one in Verdict}
    second = {one: sum(table[other, one] for other in Verdict) for one in Verdict}
    return sum(first[one] * second[one] for one in Verdict) / pairs**2
