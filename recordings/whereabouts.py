"""Where the customer's device said to be when, as it is burnt into the merged picture. Pure."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

from contract.facts import ConsentGiven, Entry, LocationTold


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Texts, each from its time (seconds UTC, ascending) to the next; empty where nothing is to be shown."""

    times: tuple[float, ...] = ()
    pii_texts: tuple[str, ...] = ()

    def at(self, second: float) -> str:
        """Return what was told last before ``second``."""
        index = bisect_right(self.times, second)
        return self.pii_texts[index - 1] if index else ""


def whereabouts(entries: Iterable[Entry]) -> Whereabouts:
    """Return what a case's journal tells; nothing where the consent to it is missing, or was taken back."""
    agreed, told = False, [(0.0, "")]
    for entry in entries:
        match entry.fact:
            case ConsentGiven(subjects=subjects):
                agreed = "location" in subjects
                if not agreed:
                    told.append((entry.at, ""))
            case LocationTold() as fact if agreed:
                told.append((entry.at, place_text(fact)))
    # Entries of two processes may carry clocks that differ a little.
    told.sort(key=lambda one: one[0])
    return Whereabouts(tuple(at for at, _ in told), tuple(text for _, text in told))


def place_text(fact: LocationTold) -> str:
    """Return coordinates with their radius: ``31.2304°N 121.4737°E ±20 m``. Four places are 11 m."""
    north, east = fact.pii_latitude, fact.pii_longitude
    metres = ceil(fact.accuracy_m)
    radius = f"±{metres} m" if metres < 1_000 else f"±{ceil(metres / 1_000)} km"
    return f"{abs(north):.4f}°{'S' if north < 0 else 'N'} {abs(east):.4f}°{'W' if east < 0 else 'E'} {radius}"
