"""Folding facts into a row: what each says, and that order and repetition do not matter."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import facts
from contract.facts import GENESIS, Entry, Fact, seal_entry
from contract.identity_facts import PairScore, PortraitsCompared
from contract.ids import (
    AccountId,
    CallId,
    CaseId,
    CheckId,
    EvidenceId,
    JobId,
    SeatId,
    TenantId,
)
from contract.keeping_facts import HoldLifted, HoldSet, RelationEnded
from contract.phases import (
    CallEnd,
    CallPhase,
    CaseEnd,
    CasePhase,
    CheckVerdict,
    Outcome,
    Relation,
    RingEnd,
    Role,
    Verdict,
)
from store.folding import BLANK, Row, changes, changes_keeping, fold

CASE, CALL, AGENT, JOB = CaseId("case-1"), CallId("call-1"), AccountId("acct-1"), JobId("job-1")
CREATED = facts.CaseCreated(TenantId("tenant-1"), "account", "cn-account-opening", "王芳", "c-77")
ENDED = facts.CallEnded(CALL, CallEnd.CUSTOMER_HUNG_UP, 61.5)
FACES = facts.FacesCompared(
    CheckId("check-1"), EvidenceId("ev-1"), EvidenceId("ev-2"), None, "base", "d", "m", 0.7, 0.6, 0.5,
    CheckVerdict.REVIEW, "", AGENT,
)  # fmt: skip


def _entry(seq: int, fact: Fact) -> Entry:
    return seal_entry(seq, 1000.0 + seq, CASE, fact, GENESIS)


def _folded(entries: list[Entry]) -> Row:
    row: Row = BLANK
    for entry in entries:
        row = fold(row, entry)
    return row


STORY: list[Fact] = [
    CREATED,
    facts.CaseAdvanced(CasePhase.CREATED, CasePhase.PRE_CALL),
    facts.CaseAdvanced(CasePhase.PRE_CALL, CasePhase.QUEUED),
    facts.CallAdvanced(CALL, None, CallPhase.RINGING),
    facts.RingEnded(CALL, AccountId("acct-9"), RingEnd.REFUSED),
    facts.RingEnded(CALL, AGENT, RingEnd.ACCEPTED),
    facts.CallbackRequested("13800138000", "mornings"),
    facts.CaseAdvanced(CasePhase.QUEUED, CasePhase.IN_CALL),
    facts.PartyJoined(CALL, SeatId("seat-1"), Role.CUSTOMER, "王芳"),
    facts.PartyJoined(CALL, SeatId("seat-2"), Role.AGENT, "李娜", AGENT),
    facts.PartyJoined(CALL, SeatId("seat-3"), Role.GUEST, "赵雷", AccountId("acct-3")),
    facts.HostChanged(CALL, AGENT, None),
    facts.HostChanged(CALL, None, AGENT, "李娜"),
    facts.IdNumberChecked(CheckId("check-0"), "1", CheckVerdict.PASSED, (), "", "", AGENT),
    FACES,
    facts.AgentDecided(AGENT, Outcome.PASSED, "prompting", ""),
    ENDED,
    facts.CaseAdvanced(CasePhase.IN_CALL, CasePhase.AGENT_DONE),
    facts.MergeCompleted(JOB, "merged.mp4", "ab", 10, 61.5, 0.25, 4.0),
    facts.ArchiveWritten("directory", "cd", 3, 10),
    facts.ArchiveVerified("cd", 3, 10),
    facts.SpoolReleased(10),
    facts.AuditDrawn(True, 1.0, "00", (), "cn-account-opening", 1, 9_000.0),
    facts.CaseAdvanced(CasePhase.AGENT_DONE, CasePhase.UNDER_AUDIT),
    facts.VerdictGiven(AccountId("acct-5"), Verdict.APPROVED, "", "cd", 0.05, "00"),
    facts.AuditSigned(AccountId("acct-2"), Verdict.APPROVED, "", "cd", None, AccountId("acct-5")),
    facts.CaseAdvanced(CasePhase.UNDER_AUDIT, CasePhase.APPROVED),
    facts.CallbackMade(AccountId("acct-4"), CaseId("case-2")),
]
JOURNAL = [_entry(seq, fact) for seq, fact in enumerate(STORY, 1)]


def test_story_becomes_its_row() -> None:
    """A whole case leaves exactly this."""
    row = dict(_folded(JOURNAL))
    set_by = row.pop("set_by")
    # Told apart from the columns, under the house's key.
    assert row.pop("words") is None
    assert row == {
        "tenant": "tenant-1",
        "phase": "approved",
        "purpose": "account",
        "policy": "cn-account-opening",
        "pii_customer_name": "王芳",
        "pii_customer_ref": "c-77",
        "pii_callback_phone": "",
        "pii_callback_wish": "",
        "callback_at": None,
        "created_at": 1001.0,
        "updated_at": 1000.0 + len(STORY),
        "last_seq": len(STORY),
        "agent": "acct-1",
        "agent_name": "李娜",
        "call": "call-1",
        "call_end": "customer_hung_up",
        "call_s": 61.5,
        "outcome": "passed",
        "case_end": "",
        "face_verdict": "review",
        "face_score": 0.7,
        "id_verdict": "passed",
        "gap_s": 0.25,
        "merged_file": "merged.mp4",
        "manifest_sha256": "cd",
        "archived": True,
        "spool_released": True,
        "audit_verdict": "approved",
        "auditor": "acct-2",
        "reason": "prompting",
        "due_at": None,
        "second_look": "approved approved",
    }
    assert set_by["phase"] == len(STORY) - 1
    assert set(set_by) | {"updated_at", "last_seq"} == set(row)


@pytest.mark.parametrize(("second", "score"), [("still", 0.61), ("reference", None)])
def test_three_pictures_count_as_a_face_match(second: str, score: float | None) -> None:
    """The verdict is of all pairs, the score that of card and still; without that pair there is none."""
    fact = PortraitsCompared(
        call=None, check=CheckId("check-1"), card=EvidenceId("ev-1"), still=EvidenceId("ev-2"),
        reference=None, portrait=None, pairs=(PairScore("card", second, 0.61, CheckVerdict.PASSED, ""),),
        frames=1, quality=(), threshold=0.48, review_threshold=0.36, operating_point="", models=(),
        verdict=CheckVerdict.REVIEW, reason="", agent=None,
    )  # fmt: skip
    assert changes(_entry(1, fact)) == {"face_verdict": "review", "face_score": score}


@given(st.lists(st.sampled_from(JOURNAL), max_size=40), st.randoms())
def test_order_and_repetition_do_not_matter(extra: list[Entry], chance: random.Random) -> None:
    """Every entry at least once, in any order, gives the row of the journal's order."""
    entries = JOURNAL + extra
    chance.shuffle(entries)
    assert _folded(entries) == _folded(JOURNAL)


@given(st.sets(st.sampled_from(JOURNAL)), st.randoms())
def test_missing_entries_are_filled_in_by_a_rebuild(known: set[Entry], chance: random.Random) -> None:
    """Whatever was folded before, folding the whole journal once more completes the row."""
    before = list(known)
    chance.shuffle(before)
    assert _folded(before + JOURNAL) == _folded(JOURNAL)


@pytest.mark.parametrize(
    ("fact", "said"),
    [
        (
            facts.CaseAdvanced(CasePhase.QUEUED, CasePhase.ABORTED, CaseEnd.CUSTOMER_LEFT),
            {"phase": "aborted", "case_end": "customer_left", "reason": "customer_left"},
        ),
        (facts.CallAdvanced(CALL, CallPhase.RINGING, CallPhase.CONNECTING), {}),
        (facts.ArchiveWritten("s3", "ef", 1, 1), {"manifest_sha256": "ef", "archived": False}),
        (facts.PartyJoined(CALL, SeatId("seat-3"), Role.SYSTEM, "recorder"), {}),
        (facts.PartyJoined(CALL, SeatId("seat-3"), Role.GUEST, "赵雷", AccountId("acct-3")), {}),
        (facts.RingEnded(CALL, AccountId("acct-3"), RingEnd.ACCEPTED), {}),
        (
            facts.HostChanged(CALL, AGENT, AccountId("acct-3"), "赵雷"),
            {"agent": "acct-3", "agent_name": "赵雷"},
        ),
        (facts.HostChanged(CALL, AGENT, None), {}),
        (
            facts.CaseAdvanced(CasePhase.AGENT_DONE, CasePhase.APPROVED, CaseEnd.NOT_DRAWN),
            {"phase": "approved", "case_end": "not_drawn", "reason": "not_drawn"},
        ),
        (
            facts.CaseAdvanced(CasePhase.AGENT_DONE, CasePhase.REJECTED, CaseEnd.NOT_DRAWN),
            {"phase": "rejected", "case_end": "not_drawn"},
        ),
        (facts.VerdictGiven(AGENT, Verdict.REJECTED, "", "m", 0.05, "00"), {}),
        (
            facts.VerdictGiven(AGENT, Verdict.REJECTED, "", "m", 0.05, "00", Verdict.APPROVED),
            {"second_look": "approved rejected"},
        ),
        (facts.AuditDrawn(True, 0.1, "00", (), "service", 1, 7.5), {"due_at": 7.5}),
        (
            facts.AuditReopened(AGENT, "", Verdict.APPROVED, 8.5),
            {"auditor": None, "audit_verdict": "", "due_at": 8.5},
        ),
        (facts.MergeQueued(JOB), {}),
    ],
)
def test_fact_sets_these_columns(fact: Fact, said: dict[str, Any]) -> None:
    """Facts that are told in the list set their columns; others set none."""
    assert changes(_entry(1, fact)) == said


def test_second_call_clears_the_first() -> None:
    """While the next call runs, the end of the one before is not shown as its own."""
    again = facts.CallAdvanced(CallId("call-2"), None, CallPhase.RINGING)
    row = _folded([*JOURNAL, _entry(50, again)])
    assert (row["call"], row["call_end"], row["call_s"]) == ("call-2", "", None)


def test_what_may_change_how_long_a_case_is_kept() -> None:
    """Holds, ends, the release of the spool, and the phases in which a case rests."""
    told = (
        HoldSet(None, "counsel", "suit"), HoldLifted(None, "counsel", "over"),
        RelationEnded(Relation.RELATIONSHIP, 9.5, "bank"), facts.SpoolReleased(7),
        facts.CaseAdvanced(CasePhase.UNDER_AUDIT, CasePhase.APPROVED),
    )  # fmt: skip
    assert all(changes_keeping(_entry(1, fact)) for fact in told)
    for fact in (facts.CaseAdvanced(CasePhase.QUEUED, CasePhase.IN_CALL), facts.ServiceRated(5, "")):
        assert not changes_keeping(_entry(1, fact))


def test_folding_leaves_the_row_it_was_given() -> None:
    """The row before can be kept."""
    fold(BLANK, JOURNAL[0])
    assert BLANK["tenant"] == ""
    assert BLANK["set_by"] == {}
