"""The code of each still, as it is burnt into the merged picture at its second. Pure.

A code is the first eight digits of the SHA-256 that journal and manifest name the still by: the film shows
which file was taken at this moment.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from contract.facts import Entry, EvidenceStored
from contract.phases import EvidenceKind

# What a camera took; what was cut from these or came from elsewhere was not seen at this moment.
_STILLS = frozenset(
    {
        EvidenceKind.ID_CARD,
        EvidenceKind.ID_CARD_BACK,
        EvidenceKind.PASSPORT,
        EvidenceKind.FACE_STILL,
        EvidenceKind.SCENE,
        EvidenceKind.CARD_TILT,
    }
)
# As long as a viewer needs to read one.
SHOWN_S = 5.0
_DIGITS = 8
# What the strip has room for.
_MOST = 2


@dataclass(frozen=True, slots=True)
class StillCodes:
    """The codes of a case's stills with the times at which they were stored (seconds UTC), in that order."""

    stored: tuple[tuple[float, str], ...] = ()

    def at(self, second: float) -> str:
        """Return what is shown during the second that begins at ``second``; empty where there is nothing."""
        running = [code for at, code in self.stored if second - SHOWN_S < at < second + 1]
        return f"SHA {' '.join(running[-_MOST:])}" if running else ""


def still_codes(entries: Iterable[Entry]) -> StillCodes:
    """Return the codes of all stills that a case's journal tells of."""
    stored = [
        (entry.at, entry.fact.sha256[:_DIGITS])
        for entry in entries
        if isinstance(entry.fact, EvidenceStored) and entry.fact.kind in _STILLS
    ]
    return StillCodes(tuple(sorted(stored)))
