"""What one screen is shown of a case's journal: history first, then every new entry, each once. Pure."""

from collections.abc import Iterable

from contract.facts import Entry, EvidenceStored, Fact
from contract.ids import CaseId
from contract.wire import FactNoted


class Feed:
    """Orders history and live entries. A customer is shown what concerns her and no check's result."""

    def __init__(self, case: CaseId, *, everything: bool) -> None:
        self.case = case
        self._everything = everything
        self._last_seq: int | None = None
        self._early: list[Entry] = []

    def history(self, entries: Iterable[Entry]) -> list[FactNoted]:
        """Return what to show of the past, and of what happened while it was read."""
        self._last_seq = -1
        early, self._early = self._early, []
        return self._new([*entries, *early])

    def live(self, entry: Entry) -> list[FactNoted]:
        """Return what to show of a new entry; nothing before the history has come."""
        if self._last_seq is None:
            self._early.append(entry)
            return []
        return self._new([entry])

    def _new(self, entries: Iterable[Entry]) -> list[FactNoted]:
        shown: list[FactNoted] = []
        for entry in entries:
            if self._last_seq is not None and entry.seq > self._last_seq:
                self._last_seq = entry.seq
                if self._everything or _concerns_customer(entry.fact):
                    shown.append(FactNoted(entry))
        return shown


def _concerns_customer(fact: Fact) -> bool:
    # A derived picture, the portrait found on the card, tells a part of the comparison's result.
    derived = isinstance(fact, EvidenceStored) and fact.source == "derived"
    return fact.customer_visible and not derived
