"""Whether each step of the policy was recorded whole."""

import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.facts import (
    GENESIS,
    CallAdvanced,
    CallEnded,
    ConsentGiven,
    Entry,
    EvidenceStored,
    FacesCompared,
    Fact,
    IdNumberChecked,
    PartyJoined,
    QualityMeasured,
    StepMarked,
    seal_entry,
)
from contract.identity_facts import (
    ChallengeEnded,
    CodeTried,
    DocumentJudged,
    ExternalAnswered,
    LivenessStarted,
    PortraitsCompared,
    QuestionJudged,
)
from contract.ids import (
    AccountId,
    SeatId,
    new_call_id,
    new_case_id,
    new_check_id,
    new_evidence_id,
)
from contract.phases import (
    CallEnd,
    CallPhase,
    CheckVerdict,
    Completeness,
    EvidenceKind,
    LivenessKind,
    Role,
    StepResult,
    TrackSource,
)
from recordings.completeness import (
    CallAccount,
    RecordRules,
    WatchedStep,
    accounted,
    dump_accounts,
    judge,
)
from recordings.ledger import Lane, State, Stretch
from recordings.stays import Span, attend
from recordings.timeline import Axis, Timeline

T0 = 1_800_000_000.0
CASE, CALL = new_case_id(), new_call_id()
CUSTOMER, AGENT, GUEST = (SeatId(name) for name in ("customer", "agent", "guest"))
ANNA = AccountId("anna")
MIC, CAM = TrackSource.MICROPHONE, TrackSource.CAMERA
SECONDS = 60.0

Told = tuple[float, Fact]


def _entries(*told: Told) -> list[Entry]:
    return [seal_entry(i + 1, T0 + at, CASE, fact, GENESIS) for i, (at, fact) in enumerate(told)]


def _call(*told: Told, ends: CallEnd = CallEnd.AGENT_HUNG_UP, ended_at: float = SECONDS) -> list[Entry]:
    """Return the journal of a call of a minute; facts that lie outside of it stand where they lie."""
    frame: list[Told] = [
        (0, CallAdvanced(CALL, CallPhase.CONNECTING, CallPhase.ACTIVE)),
        (0, PartyJoined(CALL, CUSTOMER, Role.CUSTOMER, "")),
        (0, PartyJoined(CALL, AGENT, Role.AGENT, "")),
        (0, PartyJoined(CALL, GUEST, Role.GUEST, "")),
        (ended_at, CallEnded(CALL, ends, ended_at)),
    ]
    return _entries(*sorted([*frame, *told], key=lambda one: one[0]))


def _account(entries: list[Entry], *lost: tuple[SeatId, TrackSource, float, float]) -> CallAccount:
    """Return the account of the call, in which only these stretches are missing."""
    lanes = [
        Lane(seat, Role.CUSTOMER, source, (Stretch(since, until, State.LOST),))
        for seat, source, since, until in lost
    ]
    laid = Timeline(CALL, Axis(T0, T0 + SECONDS), (), (), attend(entries, CALL, T0, SECONDS))
    return CallAccount(laid, tuple(lanes))


def _mark(step: str, result: StepResult = StepResult.PASSED) -> Fact:
    return StepMarked(step, result, "", "", ANNA)


RULES = RecordRules(
    tuple(WatchedStep(name, "", True) for name in ("greeting", "purpose", "goodbye")), loss_s=2.0
)


def _kept(entries: list[Entry], *lost: tuple[SeatId, TrackSource, float, float]) -> dict[str, Any]:
    steps = judge(entries, {CALL: _account(entries, *lost)}, RULES)
    return {step.step: step for step in steps}


def test_what_is_lost_belongs_to_the_step_that_was_settled_next() -> None:
    """Time runs from one settling to the next; of two lanes that were lost together a second counts once."""
    entries = _call((10, _mark("greeting")), (20, _mark("purpose")), (30, _mark("goodbye")))
    kept = _kept(entries, (CUSTOMER, CAM, 12.0, 14.5), (CUSTOMER, MIC, 13.0, 15.0), (AGENT, MIC, 29.0, 33.0))

    assert [(step.kept, step.lost_s) for step in kept.values()] == [
        (Completeness.COMPLETE, 0.0),
        (Completeness.INCOMPLETE, 3.0),
        (Completeness.COMPLETE, 1.0),
    ]
    assert (kept["purpose"].since_at, kept["purpose"].until_at) == (T0 + 10, T0 + 20)


def test_a_guest_is_not_needed() -> None:
    """Without a third party the conversation goes on."""
    entries = _call((10, _mark("greeting")))

    assert _kept(entries, (GUEST, MIC, 0.0, 10.0))["greeting"].kept is Completeness.COMPLETE


def test_a_step_that_is_settled_again_has_both_stretches() -> None:
    """A repetition does not make up for what was lost at first."""
    entries = _call((10, _mark("greeting")), (20, _mark("purpose")), (30, _mark("greeting")))
    kept = _kept(entries, (CUSTOMER, CAM, 8.0, 9.5), (CUSTOMER, CAM, 21.0, 22.0))

    assert (kept["greeting"].kept, kept["greeting"].lost_s) == (Completeness.INCOMPLETE, 2.5)
    assert (kept["greeting"].since_at, kept["greeting"].until_at) == (T0, T0 + 30)


def test_what_did_not_happen_in_a_call_is_told_so() -> None:
    """Before any call, waived, or never."""
    entries = _call((-5, _mark("greeting")), (10, _mark("purpose", StepResult.WAIVED)))
    kept = _kept(entries)

    assert [(step.kept, step.since_at) for step in kept.values()] == [
        (Completeness.OUTSIDE, None),
        (Completeness.OUTSIDE, None),
        (Completeness.NOT_DONE, None),
    ]


def test_what_is_marked_behind_the_call_was_done_in_it() -> None:
    """An agent who settles a step after hanging up tells of the conversation; a check does not."""
    rules = replace(RULES, steps=(*RULES.steps, WatchedStep("list", "external_list", True)))
    asked = ExternalAnswered(None, new_check_id(), "list", CheckVerdict.PASSED, "", "", None)
    entries = _call((10, _mark("greeting")), (SECONDS + 9, _mark("goodbye")), (SECONDS + 12, asked))
    goodbye, looked_up = judge(entries, {CALL: _account(entries, (CUSTOMER, MIC, 50.0, SECONDS))}, rules)[2:]

    assert (goodbye.since_at, goodbye.until_at) == (T0 + 10, T0 + SECONDS)
    assert (goodbye.kept, goodbye.lost_s) == (Completeness.INCOMPLETE, 10.0)
    assert looked_up.kept is Completeness.OUTSIDE


def test_what_a_crash_took_is_lost() -> None:
    """What was settled behind the last frame that was kept has no recording."""
    entries = _call((SECONDS + 4, _mark("goodbye")), ends=CallEnd.SERVER_LOST, ended_at=SECONDS + 90)

    assert _kept(entries)["goodbye"].lost_s == pytest.approx(4.0)


def test_a_call_of_which_nothing_was_recorded_is_lost() -> None:
    """No account of a call means that nothing of it is there."""
    entries = _call((10, _mark("greeting")))
    [greeting, *_] = judge(entries, {}, RULES)

    assert (greeting.kept, greeting.lost_s) == (Completeness.INCOMPLETE, 10.0)


def test_another_call_begins_anew() -> None:
    """A second call's first step does not reach back into the first; another's end ends nothing."""
    second = new_call_id()
    entries = _entries(
        (0, CallAdvanced(CALL, CallPhase.CONNECTING, CallPhase.ACTIVE)),
        (1, CallEnded(new_call_id(), CallEnd.AGENT_HUNG_UP, 1)),
        (5, _mark("greeting")),
        (6, CallAdvanced(CALL, CallPhase.RECONNECTING, CallPhase.ACTIVE)),
        (10, CallEnded(CALL, CallEnd.INTERRUPTED, 10)),
        (100, CallAdvanced(second, CallPhase.CONNECTING, CallPhase.ACTIVE)),
        (107, _mark("purpose")),
    )
    greeting, purpose, _ = judge(entries, {}, RULES)

    assert (greeting.lost_s, purpose.lost_s) == (5.0, 7.0)


def _picture(kind: EvidenceKind) -> Fact:
    return EvidenceStored(new_evidence_id(), kind, "a.jpg", "image/jpeg", "", 1, 1, 1, 1.0, "phone")


_RUN = new_check_id()


@pytest.mark.parametrize(
    ("check", "facts"),
    [
        ("consent", [ConsentGiven(("recording",), "1", "en")]),
        ("evidence_id_card", [_picture(EvidenceKind.ID_CARD)]),
        ("evidence_face_still", [_picture(EvidenceKind.FACE_STILL)]),
        ("id_number", [IdNumberChecked(new_check_id(), "", CheckVerdict.PASSED, (), "", "", ANNA)]),
        (
            "face_match",
            [
                FacesCompared(
                    new_check_id(), new_evidence_id(), new_evidence_id(), None, "", "", "", None, 0.5, 0.4,
                    CheckVerdict.REVIEW, "", ANNA,
                )
            ],
        ),
        ("document", [DocumentJudged(CALL, new_check_id(), CheckVerdict.PASSED, (), ())]),
        (
            "portraits",
            [
                PortraitsCompared(
                    CALL, new_check_id(), new_evidence_id(), new_evidence_id(), None, None, (), 1, (), 0.5,
                    0.4, "", (), CheckVerdict.PASSED, "", ANNA,
                )
            ],
        ),
        (
            "gestures",
            [
                LivenessStarted(CALL, _RUN, LivenessKind.GESTURES, 1, False, ANNA),
                ChallengeEnded(CALL, _RUN, CheckVerdict.PASSED, ""),
            ],
        ),
        ("questions", [QuestionJudged(CALL, new_check_id(), CheckVerdict.PASSED, "", ANNA)]),
        ("code", [CodeTried(CALL, new_check_id(), False, 2), CodeTried(CALL, new_check_id(), True, 1)]),
        (
            "external_registry",
            [ExternalAnswered(CALL, new_check_id(), "registry", CheckVerdict.PASSED, "", "", None)],
        ),
    ],
)  # fmt: skip
def test_each_check_settles_its_step(check: str, facts: list[Fact]) -> None:
    """The last of these facts settles the step, and nothing else does."""
    rules = RecordRules((WatchedStep("it", check, False), WatchedStep("other", "passive", True)))
    told = [(10.0 + at, fact) for at, fact in enumerate(facts)]
    noise = QualityMeasured(CALL, CUSTOMER, 1, None, 0, 0, 0, 0, 0, 0, 0, 0, 0, None, 0)
    entries = _call(*told, (3, noise), (20, ChallengeEnded(CALL, new_check_id(), CheckVerdict.PASSED, "")))
    it, other = judge(entries, {CALL: _account(entries)}, rules)

    assert (it.kept, it.mandatory) == (Completeness.COMPLETE, False)
    assert it.until_at == T0 + 10 + len(facts) - 1
    assert other.kept is Completeness.NOT_DONE


_moments = st.floats(0.0, SECONDS, allow_nan=False)


@given(
    st.lists(_moments, min_size=1, max_size=6).map(sorted),
    st.lists(st.tuples(st.sampled_from([CUSTOMER, AGENT]), _moments, _moments), max_size=4),
)
def test_every_lost_second_before_the_last_settling_is_counted_once(
    settled: list[float], lost: list[tuple[SeatId, float, float]]
) -> None:
    """The steps' losses add up to what is lost up to the last settling."""
    rules = RecordRules(tuple(WatchedStep(f"s{i}", "", True) for i in range(len(settled))))
    entries = _call(*((at, _mark(f"s{i}")) for i, at in enumerate(settled)))
    spans = [(seat, min(a, b), max(a, b)) for seat, a, b in lost]
    found = _account(entries, *((seat, MIC, a, b) for seat, a, b in spans))
    total = sum(step.lost_s for step in judge(entries, {CALL: found}, rules))

    edges = sorted({0.0, settled[-1], *(e for _, a, b in spans for e in (a, b) if e < settled[-1])})
    missing = [Span(a, b) for _, a, b in spans]
    expected = sum(b - a for a, b in pairwise(edges) if any(one.holds(a) for one in missing))
    assert total == pytest.approx(expected, abs=0.001 * len(settled))


def test_file_and_fact_say_the_same() -> None:
    """The journal has the sums of what the file has the stretches of."""
    entries = _call((10, _mark("greeting")))
    call = _account(entries, (CUSTOMER, CAM, 2.0, 3.5))
    steps = judge(entries, {CALL: call}, RULES)
    content = dump_accounts([call], steps, RULES.loss_s)
    fact = accounted("gaps.json", "f" * 64, len(content), [call], steps, RULES.loss_s)
    told = json.loads(content)

    [lane] = told["calls"][CALL]["lanes"]
    assert lane["stretches"] == [{"since_s": 2.0, "until_s": 3.5, "state": "lost"}]
    assert (fact.lanes[0].lost_s, fact.lanes[0].media_s, fact.lanes[0].seat) == (1.5, 0.0, CUSTOMER)
    assert [step["step"] for step in told["steps"]] == [step.step for step in fact.steps]
    assert (told["loss_s"], fact.loss_s, fact.steps) == (2.0, 2.0, steps)
