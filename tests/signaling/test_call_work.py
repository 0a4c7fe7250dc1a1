"""What the host does in a call: stills on demand, notes, the script, the form afterwards."""

import pytest

from contract import facts, wire
from contract.errors import NotFound
from contract.ids import EvidenceId
from contract.phases import CallPhase, Capture, CheckVerdict, EvidenceKind, Outcome, StepResult
from signaling import effects as fx
from tests.signaling.played import (
    AGENT,
    ANNA,
    CALL,
    CARD,
    CUSTOMER,
    FAIL,
    STILL,
    Played,
    refusal,
)


def script(played: Played) -> wire.Script:
    told = played.sent(ANNA, wire.Script)[-1]
    assert isinstance(told, wire.Script)
    return told


def states(played: Played) -> dict[str, tuple[str, str]]:
    return {step.id: (step.state, step.lock) for step in script(played).steps}


def test_a_scene_is_photographed_while_anything_is_recorded() -> None:
    """Checks may be locked; with nothing on disk there is no still. At once means at once."""
    played = Played().active()
    played.got(CUSTOMER, wire.CaptureState(CALL, Capture.OFF, Capture.ON))
    played.got(AGENT, wire.RequestStill(EvidenceKind.SCENE, at_once=True))
    request = played.facts(facts.StillRequested)[0]
    assert (request.kind, request.at_once) == (EvidenceKind.SCENE, True)
    played.note(request)
    assert played.sent(None, wire.StillWanted) == [
        wire.StillWanted(request.request, EvidenceKind.SCENE, at_once=True)
    ]
    played = Played().active(record=False)
    assert refusal(played, AGENT, wire.RequestStill(EvidenceKind.SCENE)) == "kyc_locked"
    assert refusal(Played().ringing(), AGENT, wire.RequestStill(EvidenceKind.SCENE)) == "wrong_phase"


def test_a_picture_that_was_asked_for_may_come_in_the_hold() -> None:
    """The customer is recorded throughout."""
    played = Played().active().settle()
    played.got(AGENT, wire.RequestStill(EvidenceKind.ID_CARD))
    request = played.facts(facts.StillRequested)[0]
    played.note(request)
    played.got(AGENT, wire.Hold(True))
    played.settle()
    assert played.call.claim_upload(CUSTOMER.seat, request.request) is EvidenceKind.ID_CARD


def test_no_picture_is_asked_for_in_the_hold() -> None:
    """Nor once it is on its way, nor while the line is lost: staff get nothing of who does not talk."""
    played = Played().active().settle()
    scene = wire.RequestStill(EvidenceKind.SCENE, at_once=True)
    played.call.dropped(AGENT.seat, played.time)
    assert refusal(played, AGENT, scene) == "wrong_phase"
    played.call.returned(AGENT.seat, played.time)
    played.got(AGENT, wire.Hold(True))
    assert refusal(played, AGENT, scene) == "held"
    played.settle()
    assert refusal(played, AGENT, scene) == "held"
    played.got(AGENT, wire.Hold(False))
    assert refusal(played, AGENT, scene) == "held"
    played.settle()
    played.got(AGENT, scene)
    assert len(played.facts(facts.StillRequested)) == 1


def test_notes_are_written_to_pictures_of_the_case() -> None:
    """Stills and shared files alike, during the call and while the result is owed."""
    played = Played().active()
    assert refusal(played, AGENT, wire.NoteEvidence(CARD, "front")) == "not_found"
    played.store(CARD)
    played.got(AGENT, wire.NoteEvidence(CARD, "front", ("card",)))
    shared = EvidenceId("ev-shared")
    played.note(
        facts.FileShared(
            CALL, CUSTOMER.seat, CUSTOMER.role, shared, "a.pdf", "shared/a.pdf", "application/pdf", "", 1
        )
    )
    played.got(CUSTOMER, wire.HangUp())
    played.got(AGENT, wire.NoteEvidence(shared, "statement"))
    assert played.facts(facts.EvidenceNoted) == [
        facts.EvidenceNoted(CARD, "front", ("card",), ANNA),
        facts.EvidenceNoted(shared, "statement", (), ANNA),
    ]
    with pytest.raises(NotFound):
        played.got(AGENT, wire.NoteEvidence(EvidenceId("ev-x"), ""))
    played.got(AGENT, FAIL)
    assert refusal(played, AGENT, wire.NoteEvidence(CARD, "late")) == "wrong_phase"


def test_the_script_is_told_whenever_it_changes() -> None:
    """On accepting, when checks are unlocked and done; not when nothing in it has changed."""
    played = Played().connecting()
    assert states(played)["card"] == ("locked", "call")
    assert states(played)["consent"] == ("passed", "")
    played.connect()
    played.start(record=False)
    assert states(played)["card"] == ("locked", "recording")
    played.start()
    assert states(played)["card"] == ("open", "")
    count = len(played.sent(ANNA, wire.Script))
    played.got(AGENT, wire.Chat("hello"))
    assert len(played.sent(ANNA, wire.Script)) == count
    played.got(AGENT, wire.RequestStill(EvidenceKind.ID_CARD))
    played.note(played.facts(facts.StillRequested)[0])
    assert states(played)["card"] == ("waiting", "")
    played.store(CARD, STILL)
    assert states(played)["faces"] == ("open", "")
    played.got(AGENT, wire.MatchFaces(CARD, STILL))
    assert states(played)["faces"] == ("waiting", "")
    played.call.compared()
    played.face(CheckVerdict.FAILED)
    played.number(CheckVerdict.PASSED)
    assert states(played)["faces"] == ("failed", "")
    assert not script(played).complete
    assert not played.sent(None, wire.Script)


def test_who_comes_back_is_told_the_script_again() -> None:
    """The page was reloaded; after the end too, while the result is owed."""
    played = Played().active()
    count = len(played.sent(ANNA, wire.Script))
    played.call.dropped(AGENT.seat, played.time)
    played.call.returned(AGENT.seat, played.time)
    assert len(played.sent(ANNA, wire.Script)) > count
    played.got(CUSTOMER, wire.HangUp())
    count = len(played.sent(ANNA, wire.Script))
    played.call.returned(AGENT.seat, played.time)
    assert len(played.sent(ANNA, wire.Script)) == count + 1


def test_a_step_is_settled_when_the_journal_says_so() -> None:
    """A waiver with its reason lets the call pass."""
    played = Played().active()
    played.store(CARD, STILL)
    played.number(CheckVerdict.PASSED)
    assert refusal(played, AGENT, wire.Finish(Outcome.PASSED)) == "checks_incomplete"
    played.got(AGENT, wire.MarkStep("faces", StepResult.WAIVED, reason="known customer"))
    marked = played.facts(facts.StepMarked)[0]
    assert marked == facts.StepMarked("faces", StepResult.WAIVED, "", "known customer", ANNA)
    assert states(played)["faces"] == ("open", "")
    played.note(marked)
    assert states(played)["faces"] == ("waived", "")
    assert script(played).complete
    played.got(AGENT, wire.Finish(Outcome.PASSED))
    assert played.facts(facts.AgentDecided)[0].outcome is Outcome.PASSED


def test_steps_are_refused_with_their_own_words() -> None:
    """And not at all once the result is given."""
    played = Played().active()
    assert refusal(played, AGENT, wire.MarkStep("x", StepResult.PASSED)) == "unknown_step"
    waiver = wire.MarkStep("card", StepResult.WAIVED, reason="x")
    assert refusal(played, AGENT, waiver) == "not_waivable"
    played.got(AGENT, FAIL)
    assert refusal(played, AGENT, waiver) == "wrong_phase"


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [(Outcome.FAILED, ""), (Outcome.FAILED, "light"), (Outcome.INCOMPLETE, "fraud"), (Outcome.FAILED, "x")],
)
def test_a_result_that_is_not_passed_needs_its_reason(outcome: Outcome, reason: str) -> None:
    """One of the plan's words, with the outcome that it forces."""
    played = Played().active()
    assert refusal(played, AGENT, wire.Finish(outcome, reason)) == "unknown_reason"
    assert played.phase() is CallPhase.ACTIVE


def test_the_form_is_taken_during_and_after_the_call() -> None:
    """Seconds count from the end; words are the plan's; only the host fills it in."""
    played = Played().active()
    played.got(AGENT, wire.WrapUp(("vip",), "call", "nice"))
    assert refusal(played, AGENT, wire.WrapUp(("x",))) == "unknown_answer"
    assert refusal(played, CUSTOMER, wire.WrapUp()) == "not_host"
    played.got(CUSTOMER, wire.HangUp())
    played.after(30)
    played.got(AGENT, wire.WrapUp())
    played.got(AGENT, FAIL)
    played.after(5)
    played.got(AGENT, wire.WrapUp())
    assert [fact.seconds for fact in played.facts(facts.WrapUpNoted)] == [0, 30, 35]
    assert played.facts(facts.WrapUpNoted)[0] == facts.WrapUpNoted(ANNA, ("vip",), "call", "nice", 0)
    assert refusal(Played().ringing(), AGENT, wire.WrapUp()) == "wrong_phase"


def test_a_file_on_its_way_holds_the_record_up() -> None:
    """As a still does; ten seconds at most."""
    played = Played().active()
    played.call.checks.hold(EvidenceId("ev-file"))
    played.got(AGENT, FAIL)
    played.call.wound_up()
    assert not played.call.closed
    played.call.release_upload(EvidenceId("ev-file"))
    assert played.call.closed
    assert played.all(fx.QueueMerge)
