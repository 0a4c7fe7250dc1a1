"""The script: how a plan's steps stand after what happened, and what may be settled by hand."""

import pytest

from contract import facts
from contract.errors import UserError
from contract.ids import AccountId, CallId
from contract.phases import Outcome, StepResult
from contract.wire import Choice, MarkStep, StepSeen, WrapUp
from signaling.script import (
    AbortReason,
    PlannedStep,
    ScriptPlan,
    Standing,
    complete,
    evaluate,
    require_mark,
    script_of,
)

YES, NO = Choice("yes", "是", "Yes"), Choice("no", "否", "No")
OPEN = Standing({}, "", "")
PLAN = ScriptPlan(
    steps=(
        PlannedStep("card", "证件", "Card", "evidence_id_card"),
        PlannedStep("still", "人像", "Still", "evidence_face_still"),
        PlannedStep("faces", "比对", "Faces", "face_match", waivable=True),
        PlannedStep("abroad", "境外", "Tax abroad?", answers=(YES, NO)),
        PlannedStep("country", "国家", "Which country", when=(("abroad", "yes"),), waivable=True),
        PlannedStep("form", "表", "Form", when=(("abroad", "yes"), ("country", "")), waivable=True),
        PlannedStep("smile", "微笑", "Smile", mandatory=False),
    ),
    abort_reasons=(AbortReason(Choice("fraud", "欺诈", "Fraud"), Outcome.FAILED),),
    tags=(YES,),
    next_actions=(NO,),
)


def mark(step: str, result: StepResult = StepResult.PASSED, answer: str = "") -> facts.StepMarked:
    return facts.StepMarked(step, result, answer, "", AccountId("acct-anna"))


def seen(*marks: facts.StepMarked, standing: Standing = OPEN) -> dict[str, StepSeen]:
    steps = evaluate(PLAN, {fact.step: fact for fact in marks}, standing)
    return {step.id: step for step in steps}


def states(*marks: facts.StepMarked, standing: Standing = OPEN) -> dict[str, tuple[str, str]]:
    return {id_: (step.state, step.lock) for id_, step in seen(*marks, standing=standing).items()}


def test_nothing_done_yet() -> None:
    """Steps are open; the comparison waits for the pictures, a branch for its question."""
    assert states() == {
        "card": ("open", ""),
        "still": ("open", ""),
        "faces": ("locked", "card"),
        "abroad": ("open", ""),
        "country": ("locked", "abroad"),
        "form": ("locked", "abroad"),
        "smile": ("open", ""),
    }


def test_locks_of_the_call() -> None:
    """Checks say why they are locked; what is settled by hand has a lock of its own."""
    got = states(standing=Standing({}, "recording", "call"))
    assert got["card"] == got["faces"] == ("locked", "recording")
    assert got["abroad"] == ("locked", "call")
    assert got["country"] == ("locked", "abroad")


def test_who_keeps_the_face_to_himself_is_checked_otherwise() -> None:
    """Steps of the face are skipped, what stands in for them is mandatory; else it is not."""
    plan = ScriptPlan(
        (
            PlannedStep("still", "人像", "Still", "evidence_face_still"),
            PlannedStep("faces", "比对", "Faces", "face_match"),
            PlannedStep("light", "炫光活体", "Coloured light", "light", mandatory=False),
            PlannedStep("code", "验证码", "Code", "code", mandatory=False, without_face=True),
        ),
        (),
    )
    without = evaluate(plan, {}, Standing({}, "", "", faceless=True))
    assert [step.state for step in without] == ["skipped", "skipped", "skipped", "open"]
    assert [step.id for step in without if step.mandatory and step.state == "open"] == ["code"]
    assert not complete(without)
    assert complete(evaluate(plan, {}, Standing({"code": "passed"}, "", "", faceless=True)))
    assert not evaluate(plan, {}, OPEN)[3].mandatory


def test_what_was_found_stands() -> None:
    """Locked or not: a picture that is there is there. The comparison waits for the one that is not."""
    found = {"evidence_id_card": "passed", "evidence_face_still": "waiting"}
    got = states(standing=Standing(found, "", ""))
    assert (got["card"], got["still"], got["faces"]) == (("passed", ""), ("waiting", ""), ("locked", "still"))
    found = {"evidence_id_card": "passed", "evidence_face_still": "passed", "face_match": "review"}
    assert states(standing=Standing(found, "recording", ""))["faces"] == ("review", "")
    del found["face_match"]
    assert states(standing=Standing(found, "", ""))["faces"] == ("open", "")


def test_a_branch_is_taken_or_skipped_by_its_answers() -> None:
    """Every pair must fit; what hangs on a skipped step is skipped as well."""
    got = states(mark("abroad", answer="no"))
    assert (got["abroad"], got["country"], got["form"]) == (("passed", ""), ("skipped", ""), ("skipped", ""))
    got = states(mark("abroad", answer="yes"))
    assert (got["country"], got["form"]) == (("open", ""), ("open", ""))
    got = states(mark("abroad", StepResult.FAILED))
    assert (got["abroad"], got["country"]) == (("failed", ""), ("locked", "abroad"))


def test_an_answer_that_was_changed_changes_the_branch() -> None:
    """The newest mark stands; what was settled in the branch that is no longer taken does not count."""
    got = seen(mark("abroad", answer="no"), mark("country"))
    assert got["country"].state == "skipped"
    assert seen(mark("abroad", answer="yes"), mark("country"))["country"].state == "passed"
    assert got["abroad"].answer == "no"


def test_a_waiver_yields_to_a_check_that_passes() -> None:
    """But neither to one that failed nor to one that has not been made."""
    waived = mark("faces", StepResult.WAIVED)
    assert states(waived)["faces"] == ("waived", "")
    assert states(waived, standing=Standing({"face_match": "failed"}, "", ""))["faces"] == ("waived", "")
    assert states(waived, standing=Standing({"face_match": "passed"}, "", ""))["faces"] == ("passed", "")


def test_complete_wants_every_mandatory_step() -> None:
    """Passed, under review, waived or skipped; what is not mandatory may stay open or fail."""
    pictures = {"evidence_id_card": "passed", "evidence_face_still": "passed", "face_match": "review"}
    done = Standing(pictures, "call", "call")
    no, yes = mark("abroad", answer="no"), mark("abroad", answer="yes")
    assert complete(seen(no, standing=done).values())
    assert complete(seen(no, mark("smile", StepResult.FAILED), standing=done).values())
    assert not complete(seen(yes, standing=done).values())
    waived = mark("country", StepResult.WAIVED)
    assert complete(seen(yes, waived, mark("form", StepResult.WAIVED), standing=done).values())
    assert not complete(seen(no, standing=Standing(pictures | {"face_match": "failed"}, "", "")).values())
    assert not complete(seen(mark("abroad", StepResult.FAILED, "no"), standing=done).values())


def test_the_staff_are_told_the_words_of_the_plan() -> None:
    """Abort reasons carry the outcome that they force."""
    script = script_of(CallId("call-1"), PLAN, evaluate(PLAN, {}, OPEN))
    assert [step.id for step in script.steps] == [step.id for step in PLAN.steps]
    assert not script.complete
    assert script.abort_reasons == (Choice("fraud", "欺诈", "Fraud", Outcome.FAILED),)
    assert (script.tags, script.next_actions) == ((YES,), (NO,))


PASSED, FAILED, WAIVED = StepResult.PASSED, StepResult.FAILED, StepResult.WAIVED


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (MarkStep("nothing", PASSED), "unknown_step"),
        (MarkStep("card", PASSED), "unknown_step"),
        (MarkStep("card", WAIVED, reason="x"), "not_waivable"),
        (MarkStep("country", WAIVED, reason=" "), "reason_missing"),
        (MarkStep("country", WAIVED, reason="x"), "wrong_phase"),
        (MarkStep("country", PASSED), "wrong_phase"),
        (MarkStep("abroad", PASSED), "unknown_answer"),
        (MarkStep("abroad", PASSED, "maybe"), "unknown_answer"),
        (MarkStep("abroad", FAILED, "maybe"), "unknown_answer"),
        (MarkStep("smile", PASSED, "yes"), "unknown_answer"),
        (MarkStep("smile", FAILED, "yes"), "unknown_answer"),
        (MarkStep("faces", WAIVED, "yes", "x"), "wrong_phase"),
    ],
)
def test_marks_that_are_refused(message: MarkStep, code: str) -> None:
    """Unknown steps and words, waivers without right or reason, steps that are locked or skipped."""
    with pytest.raises(UserError) as caught:
        require_mark(seen().values(), message)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "message",
    [
        MarkStep("abroad", PASSED, "yes"),
        MarkStep("abroad", FAILED),
        MarkStep("abroad", FAILED, "no"),
        MarkStep("smile", PASSED),
    ],
)
def test_marks_that_are_taken(message: MarkStep) -> None:
    """With an answer where one is asked for; a failure needs none."""
    require_mark(seen().values(), message)


def test_a_waiver_does_not_wait_for_the_recording() -> None:
    """What cannot be recorded may be waived; it cannot be passed by hand."""
    locked = seen(standing=Standing({}, "recording", "recording")).values()
    require_mark(locked, MarkStep("faces", WAIVED, reason="no camera"))
    with pytest.raises(UserError) as caught:
        require_mark(locked, MarkStep("smile", PASSED))
    assert caught.value.code == "kyc_locked"
    skipped = seen(mark("abroad", answer="no")).values()
    for message in (MarkStep("country", WAIVED, reason="x"), MarkStep("country", PASSED)):
        with pytest.raises(UserError) as caught:
            require_mark(skipped, message)
        assert caught.value.code == "wrong_phase"
    with pytest.raises(UserError) as caught:
        require_mark(locked, MarkStep("faces", WAIVED, "yes", "no camera"))
    assert caught.value.code == "unknown_answer"


def test_the_form_knows_its_words() -> None:
    """Tags and the next action come from the plan; both may be left out."""
    PLAN.require_words(WrapUp())
    PLAN.require_words(WrapUp(("yes",), "no", "note"))
    for form in (WrapUp(("no",)), WrapUp(next_action="yes")):
        with pytest.raises(UserError) as caught:
            PLAN.require_words(form)
        assert caught.value.code == "unknown_answer"


@pytest.mark.parametrize(
    ("outcome", "reason"), [(Outcome.FAILED, "light"), (Outcome.INCOMPLETE, "fraud"), (Outcome.FAILED, "")]
)
def test_a_reason_forces_its_outcome(outcome: Outcome, reason: str) -> None:
    """No other outcome goes with it, and no other word with the outcome."""
    PLAN.require_reason(Outcome.FAILED, "fraud")
    with pytest.raises(UserError) as caught:
        PLAN.require_reason(outcome, reason)
    assert caught.value.code == "unknown_reason"
