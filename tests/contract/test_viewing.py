"""Who may see how much of a record, and until when."""

from contract.facts import GENESIS, Entry, Fact, seal_entry
from contract.ids import AccountId, CaseId
from contract.phases import ViewReason
from contract.viewing import (
    ASKED_S,
    VIEWING_S,
    Viewer,
    open_requests,
    sees_cards,
    unmasked_until,
    viewing_until,
)
from contract.viewing_facts import RecordWatched, UnmaskAnswered, UnmaskAsked, ViewingBegun

CASE = CaseId("case-0000000000000001")
ANNA, BEN, CLEO = (AccountId(f"acct-000000000000000{n}") for n in (1, 2, 3))


def journal(*facts: Fact) -> tuple[Entry, ...]:
    """Return entries a second apart, the first at second 100 with number 0."""
    entries: list[Entry] = []
    for seq, fact in enumerate(facts):
        prev = entries[-1].hash if entries else GENESIS
        entries.append(seal_entry(seq, 100.0 + seq, CASE, fact, prev))
    return tuple(entries)


def test_a_reason_holds_for_a_while_and_for_its_own() -> None:
    """The last reason of this person counts; somebody else's says nothing."""
    begun = [ViewingBegun(ANNA, ViewReason.AUDIT, ""), ViewingBegun(ANNA, ViewReason.DISPUTE, "x")]
    entries = journal(*begun, RecordWatched(BEN, ()))
    assert viewing_until(entries, ANNA) == 101.0 + VIEWING_S
    assert viewing_until(entries, BEN) == 0.0


def test_a_card_is_seen_only_after_a_second_person_agreed() -> None:
    """Granted by another for a request of one's own; not by oneself, not for another's, not refused."""
    asked = UnmaskAsked(ANNA, "compare")
    assert unmasked_until(journal(asked, UnmaskAnswered(BEN, 0, True, 500.0)), ANNA) == 500.0
    assert unmasked_until(journal(asked, UnmaskAnswered(BEN, 0, True, 500.0)), CLEO) == 0.0
    assert unmasked_until(journal(asked, UnmaskAnswered(ANNA, 0, True, 500.0)), ANNA) == 0.0
    assert unmasked_until(journal(asked, UnmaskAnswered(BEN, 0, False, 500.0)), ANNA) == 0.0
    assert unmasked_until(journal(asked, UnmaskAnswered(BEN, 9, True, 500.0)), ANNA) == 0.0


def test_cards_are_shown_while_it_is_granted_and_to_who_is_at_work() -> None:
    """Before the granted time is over; the agent of the case always."""
    entries = journal(UnmaskAsked(ANNA, "compare"), UnmaskAnswered(BEN, 0, True, 500.0))
    assert sees_cards(entries, Viewer(ANNA), 499.0)
    assert not sees_cards(entries, Viewer(ANNA), 500.0)
    assert sees_cards(entries, Viewer(CLEO, at_work=True), 900.0)


def test_requests_wait_until_answered_or_old() -> None:
    """The oldest first; answered ones and those of yesterday are gone."""
    asked = UnmaskAsked(ANNA, "a"), UnmaskAsked(BEN, "b")
    entries = journal(*asked, UnmaskAnswered(CLEO, 0, False, 0.0), RecordWatched(CLEO, ()))
    (left,) = open_requests(entries, 110.0)
    assert (left.seq, left.account, left.pii_reason) == (1, BEN, "b")
    assert not list(open_requests(entries, 101.0 + ASKED_S))
