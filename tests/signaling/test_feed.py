"""What a screen is shown of a journal."""

import json

from hypothesis import given
from hypothesis import strategies as st

from contract.facts import (
    GENESIS,
    ConsentGiven,
    Entry,
    EvidenceStored,
    MergeStarted,
    PartyJoined,
    dump_entry,
    load_entry,
    seal_entry,
)
from contract.ids import AccountId, CallId, CaseId, EvidenceId, JobId, SeatId
from contract.phases import EvidenceKind, Role
from signaling.feed import Feed

CASE = CaseId("case-1")


def chain(length: int) -> list[Entry]:
    """Entries that the customer may see alternate with those she may not."""
    entries: list[Entry] = []
    for seq in range(1, length + 1):
        fact = ConsentGiven((), "1", "en") if seq % 2 else MergeStarted(JobId("j"), "w", 1)
        entries.append(seal_entry(seq, 0.0, CASE, fact, entries[-1].hash if entries else GENESIS))
    return entries


@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 20))
def test_every_entry_is_shown_once_and_in_order(length: int, follows_from: int, read_up_to: int) -> None:
    """However reading the past and following the present overlap, nothing is doubled or lost."""
    entries = chain(length)
    read_up_to = min(read_up_to, length)
    follows_from = min(follows_from, read_up_to)
    feed = Feed(CASE, everything=True)
    shown = [m for entry in entries[follows_from:read_up_to] for m in feed.live(entry)]
    assert shown == []
    shown += feed.history(entries[:read_up_to])
    shown += [m for entry in entries[read_up_to:] for m in feed.live(entry)]
    assert [message.entry for message in shown] == entries


def test_a_customer_is_shown_what_concerns_her() -> None:
    """Facts that are not ``customer_visible`` never reach the phone."""
    feed = Feed(CASE, everything=False)
    entries = chain(6)
    shown = feed.history(entries[:3]) + [m for entry in entries[3:] for m in feed.live(entry)]
    assert {message.entry.name for message in shown} == {"ConsentGiven"}
    assert len(shown) == 3


def test_a_customer_cannot_count_what_she_is_not_shown() -> None:
    """Numbers and seals are hers alone, whoever else is written about; the same at every return."""
    entries = chain(6)
    alone = [entry for entry in entries if entry.seq % 2]
    for shown_of in (entries, alone):
        feed = Feed(CASE, everything=False)
        shown = feed.history(shown_of[:3]) + [m for entry in shown_of[3:] for m in feed.live(entry)]
        assert [message.entry.seq for message in shown] == [1, 2, 3]
        assert {message.entry.prev for message in shown} == {GENESIS}
        assert [load_entry(json.loads(dump_entry(m.entry))) for m in shown] == [m.entry for m in shown]
        assert Feed(CASE, everything=False).history(shown_of) == shown


def test_a_customer_is_told_names_and_no_accounts() -> None:
    """Whom she talks to has a name; the bank's own id of that person is not hers to know."""
    joined = PartyJoined(CallId("call-1"), SeatId("seat-1"), Role.AGENT, "Anna", AccountId("acct-1"))
    entry = seal_entry(1, 0.0, CASE, joined, GENESIS)
    (told,) = Feed(CASE, everything=False).history([entry])
    assert told.entry.fact == PartyJoined(CallId("call-1"), SeatId("seat-1"), Role.AGENT, "Anna", None)
    assert Feed(CASE, everything=True).history([entry])[0].entry == entry


def test_a_picture_cut_from_the_card_is_no_news_for_the_customer() -> None:
    """That a portrait was found tells how the comparison went; her own pictures are shown."""
    shown: list[str] = []
    for everything in (False, True):
        feed = Feed(CASE, everything=everything)
        feed.history([])
        for seq, source in enumerate(("phone", "derived", "stream"), start=1):
            fact = EvidenceStored(
                EvidenceId("ev-1"), EvidenceKind.ID_PORTRAIT, "f", "image/jpeg", "", 1, 1, 1, 1.0, source
            )
            shown += [source for _ in feed.live(seal_entry(seq, 0.0, CASE, fact, GENESIS))]
    assert shown == ["phone", "stream", "phone", "derived", "stream"]


def test_what_happens_while_the_history_is_read_waits_for_it() -> None:
    """Early entries come after the past, once, even when the reading saw them too."""
    feed = Feed(CASE, everything=True)
    entries = chain(5)
    assert feed.live(entries[2]) == []
    assert feed.live(entries[3]) == []
    assert [message.entry.seq for message in feed.history(entries[:3])] == [1, 2, 3, 4]
    assert [message.entry.seq for message in feed.live(entries[4])] == [5]
