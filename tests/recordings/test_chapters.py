"""Chapters out of facts, without a film."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from contract.facts import (
    GENESIS,
    AgentDecided,
    CallAdvanced,
    ConsentGiven,
    Entry,
    FacesCompared,
    Fact,
    HostChanged,
    IdNumberChecked,
    PartyJoined,
    PartyLeft,
    StepMarked,
    StillRequested,
    seal_entry,
)
from contract.identity_facts import (
    CodeSent,
    DocumentRead,
    ExternalAsked,
    LivenessStarted,
    PortraitsCompared,
    QuestionDrawn,
)
from contract.ids import (
    CallId,
    new_account_id,
    new_call_id,
    new_case_id,
    new_check_id,
    new_evidence_id,
    new_seat_id,
)
from contract.phases import (
    CallPhase,
    CheckVerdict,
    CodeChannel,
    DocumentKind,
    EvidenceKind,
    LivenessKind,
    Outcome,
    Role,
    StepResult,
)
from contract.worksheet_facts import TiltRequested
from recordings.chapters import MOMENT_S, Chapter, ScriptStep, chapters
from recordings.timeline import Axis

CALL, AGENT, CHECK = new_call_id(), new_account_id(), new_check_id()
SCRIPT = (
    ScriptStep("purpose", "询问用途", "Purpose"),
    ScriptStep("card", "请出示身份证", "The card, please", "evidence_id_card"),
)
_REVIEW = CheckVerdict.REVIEW
FACTS: dict[str, Fact] = {
    "On hold": CallAdvanced(CALL, CallPhase.ACTIVE, CallPhase.HELD),
    "Reconnecting": CallAdvanced(CALL, CallPhase.ACTIVE, CallPhase.RECONNECTING),
    "The call goes on": CallAdvanced(CALL, CallPhase.HELD, CallPhase.ACTIVE),
    "A third party joins": PartyJoined(CALL, new_seat_id(), Role.GUEST, "王五"),
    "Another agent leads": HostChanged(CALL, None, AGENT),
    "The agent's result": AgentDecided(AGENT, Outcome.PASSED, "", ""),
    "Purpose": StepMarked("purpose", StepResult.PASSED, "", "", AGENT),
    "of another script": StepMarked("of another script", StepResult.PASSED, "", "", AGENT),
    "Consent": ConsentGiven(("recording",), "1", "zh-CN"),
    "The card, please": StillRequested(CALL, new_evidence_id(), EvidenceKind.ID_CARD_BACK),
    "Picture of the customer": StillRequested(CALL, new_evidence_id(), EvidenceKind.FACE_STILL),
    "A picture is taken": StillRequested(CALL, new_evidence_id(), EvidenceKind.SCENE),
    "Identity number": IdNumberChecked(CHECK, "", _REVIEW, (), "", "", AGENT),
    "Face against card": FacesCompared(
        CHECK, new_evidence_id(), new_evidence_id(), None, "", "", "", None, 0.5, 0.4, _REVIEW, "", AGENT
    ),
    "The document is read": DocumentRead(
        CALL, CHECK, new_evidence_id(), None, "front", DocumentKind.CN_ID, (), (), ()
    ),
    "Features of the document": TiltRequested(CALL, CHECK, EvidenceKind.ID_CARD, (), 4.0, 3, AGENT),
    "Portraits compared": PortraitsCompared(
        CALL, CHECK, new_evidence_id(), new_evidence_id(), None, None, (), 1, (), 0.5, 0.4, "", (), _REVIEW,
        "", None,
    ),
    "Liveness by light": LivenessStarted(CALL, CHECK, LivenessKind.LIGHT, 1, False, AGENT),
    "Questions": QuestionDrawn(CALL, CHECK, "q", (), "", "", "", ""),
    "One-time code": CodeSent(CALL, CHECK, CodeChannel.SMS, "", 0, 3, ""),
    "external_registry": ExternalAsked(CALL, CHECK, "registry"),
}  # fmt: skip


def _entries(*told: tuple[float, Fact]) -> list[Entry]:
    case = new_case_id()
    return [seal_entry(n + 1, at, case, fact, GENESIS) for n, (at, fact) in enumerate(told)]


def _titles(*told: tuple[float, Fact], call: CallId = CALL) -> list[tuple[float, str]]:
    return [(c.since_s, c.en) for c in chapters(_entries(*told), [(call, Axis(100, 200))], SCRIPT)]


def test_every_kind_of_turn_begins_a_chapter() -> None:
    """Steps have the script's titles, checks outside it our own, and unknown ones their word."""
    told = [(110.0 + 4 * number, fact) for number, fact in enumerate(FACTS.values())]

    assert _titles(*told) == [(0.0, "The call begins"), *((at - 100, en) for (at, _), en in zip(told, FACTS))]  # noqa: B905


def test_other_facts_begin_none() -> None:
    """Nor do those of another call, outside of the call, of the call's begin, or of the two it is of."""
    for at, fact in (
        (150.0, PartyLeft(CALL, new_seat_id())),
        (150.0, CallAdvanced(new_call_id(), CallPhase.ACTIVE, CallPhase.HELD)),
        (150.0, PartyJoined(CALL, new_seat_id(), Role.AGENT, "")),
        (150.0, CallAdvanced(CALL, CallPhase.CONNECTING, CallPhase.ACTIVE)),
        (150.0, CallAdvanced(CALL, CallPhase.ACTIVE, CallPhase.ENDED)),
        (99.0, FACTS["Consent"]),
        (200.0, FACTS["Consent"]),
    ):
        assert _titles((at, fact)) == [(0.0, "The call begins")]


def test_one_moment_is_one_chapter() -> None:
    """Facts within a second share a chapter, each title once; the same again is no new chapter."""
    held, goes_on = FACTS["On hold"], FACTS["The call goes on"]
    told = _titles((150, held), (150.5, goes_on), (150.8, held), (160, held))

    assert told == [(0.0, "The call begins"), (50.0, "On hold · The call goes on")]


@given(st.lists(st.tuples(st.floats(0, 400), st.sampled_from(list(FACTS.values()))), max_size=30))
def test_chapters_cover_the_film(told: list[tuple[float, Fact]]) -> None:
    """Of whatever facts: chapters follow each other from the first second to the last, none too short."""
    other = new_call_id()
    calls = [(CALL, Axis(0, 150)), (other, Axis(200, 300))]
    found = chapters(_entries(*sorted(told, key=lambda one: one[0])), calls, SCRIPT)

    assert (found[0].since_s, found[-1].until_s) == (0.0, 250.0)
    assert [c.until_s for c in found[:-1]] == [c.since_s for c in found[1:]]
    assert all(c.until_s > c.since_s and c.zh and c.en for c in found)
    assert {c.since_s for c in found} >= {0.0, 150.0}
    starts = [c.since_s for c in found]
    gaps = [b - a for a, b in itertools.pairwise(starts) if b != 150.0]
    assert all(gap > MOMENT_S - 1e-9 for gap in gaps)


def test_title_has_both_scripts() -> None:
    """As it stands in the film."""
    assert Chapter(0, 1, "客户同意", "Consent").title == "客户同意 / Consent"
