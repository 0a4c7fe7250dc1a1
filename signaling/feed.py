"""What one screen is shown of a case's journal: history first, then every new entry, each once. Pure."""

from collections.abc import Iterable
from dataclasses import replace

from contract.facts import GENESIS, Entry, EvidenceStored, Fact, PartyJoined, seal_entry
from contract.ids import CaseId
from contract.wire import FactNoted


class Feed:
    """Orders history and live entries. A customer is shown what concerns her and no check's result.

    Her entries have numbers and seals of their own: the journal's would tell how much she is not shown,
    and so who listens. Staff have names for her and no accounts.
    """

    def __init__(self, case: CaseId, *, everything: bool) -> None:
        self.case = case
        self._everything = everything
        self._last_seq: int | None = None
        self._shown = 0
        self._early: list[Entry] = []

    def history(self, entries: Iterable[Entry]) -> list[FactNoted]:
        """Return what to show of the past, and of what happened while it was read."""
        self._last_seq, self._shown = -1, 0
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
                if self._everything:
                    shown.append(FactNoted(entry))
                elif _concerns_customer(entry.fact):
                    shown.append(FactNoted(self._sealed_anew(entry)))
        return shown

    def _sealed_anew(self, entry: Entry) -> Entry:
        self._shown += 1
        return seal_entry(self._shown, entry.at, entry.case, _told(entry.fact), GENESIS)


def _told(fact: Fact) -> Fact:
    return replace(fact, account=None) if isinstance(fact, PartyJoined) else fact


def _concerns_customer(fact: Fact) -> bool:
    # A derived picture, the portrait found on the card, tells a part of the comparison's result.
    derived = isinstance(fact, EvidenceStored) and fact.source == "derived"
    return fact.customer_visible and not derived
