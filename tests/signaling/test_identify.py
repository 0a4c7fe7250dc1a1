"""Identity checks in a call: what the host may ask, what the customer's page is told, what it costs."""

from dataclasses import replace
from typing import Any

import pytest

from contract import facts, wire
from contract.fact import Fact
from contract.identity_facts import (
    ChallengeAsked,
    ChallengeDecided,
    ChallengeDrawn,
    ChallengeEnded,
    ChallengeTried,
    ChecksLocked,
    CodeSent,
    CodeTried,
    DocumentJudged,
    DocumentRead,
    ExternalAnswered,
    ExternalAsked,
    FieldCorrected,
    LightAsked,
    LightDrawn,
    LightMeasured,
    LivenessMeasured,
    LivenessStarted,
    PortraitsCompared,
    QuestionDrawn,
    QuestionJudged,
    ReadField,
)
from contract.ids import CheckId, EvidenceId
from contract.phases import (
    CheckVerdict,
    CheckWord,
    CodeChannel,
    DocumentKind,
    EvidenceKind,
    LivenessKind,
    Outcome,
)
from signaling.identity import COLOURS
from signaling.identity_effects import (
    AskOutside,
    AskQuestion,
    ComparePictures,
    Decide,
    JudgeDocument,
    ReadPicture,
    RunLiveness,
    TellCamera,
    TellLive,
    TextCode,
    WatchCustomer,
)
from signaling.identity_plan import IdentityPlan
from signaling.memory import Memory
from signaling.questions import Question
from signaling.script import PlannedStep
from tests.signaling.played import AGENT, ANNA, CALL, CARD, CUSTOMER, FAIL, PLAN, STILL, Played, refusal

PASSED, REVIEW, FAILED = CheckVerdict.PASSED, CheckVerdict.REVIEW, CheckVerdict.FAILED
CHECK = CheckId("check-1")
QUESTIONS = tuple(Question(name, f"{name}?", f"{name}?") for name in "abc")
STEPS = tuple(
    PlannedStep(word, word, word, word, mandatory=False)
    for word in (
        "document",
        "portraits",
        "passive",
        "gestures",
        "light",
        "questions",
        "code",
        "external_police",
    )
)
IDENTITY = replace(PLAN, steps=(*PLAN.steps, *STEPS), identity=IdentityPlan(questions=QUESTIONS))
START = wire.StartLiveness(LivenessKind.GESTURES)


def begun(**changes: Any) -> Played:
    """Return an active call with both pictures."""
    played = Played(plan=replace(IDENTITY, identity=replace(IDENTITY.identity, **changes))).active()
    played.store(CARD, STILL)
    return played


def state(played: Played, word: str) -> str:
    told = played.sent(ANNA, wire.Script)[-1]
    assert isinstance(told, wire.Script)
    return next(step.state for step in told.steps if step.id == word)


def start(played: Played, message: wire.StartLiveness = START) -> CheckId:
    played.got(AGENT, message)
    fact = played.facts(LivenessStarted)[-1]
    played.note(fact)
    return fact.check


def last(played: Played) -> wire.Message:
    """Return what the customer's page was told last."""
    words = (
        wire.ChallengeWanted, wire.ChallengeStep, wire.LightSequence, wire.LightColours, wire.CodeWanted,
        wire.CheckOver,
    )  # fmt: skip
    return [one for one in played.sent(None, wire.Message) if isinstance(one, words)][-1]


def drawn(check: CheckId, *steps: str) -> Fact:
    return ChallengeDrawn(CALL, check, 1, steps, "", "00", 20.0, 3)


def ended(kind: LivenessKind, check: CheckId, verdict: CheckVerdict) -> Fact:
    if kind is LivenessKind.PASSIVE:
        return LivenessMeasured(CALL, check, 10, 0.9, 0.1, 0.5, 0.25, verdict, "", ())
    if kind is LivenessKind.GESTURES:
        return ChallengeEnded(CALL, check, verdict, "")
    return LightMeasured(CALL, check, 1.0, 0.9, 0.1, 0.1, 0.1, 100, verdict, "")


def test_who_agreed_is_watched_from_the_first_picture() -> None:
    """Once a call; who did not agree to biometrics is not looked at."""
    assert begun().all(WatchCustomer) == [WatchCustomer(CALL, CUSTOMER.seat)]
    assert not Played(frozenset({"recording"})).active().all(WatchCustomer)


# --- liveness ---


def test_gestures_from_start_to_end() -> None:
    """The page is led step by step, and told nothing but thanks; the console sees the script move."""
    played = begun()
    check = start(played)
    assert last(played) == wire.ChallengeWanted(check, LivenessKind.GESTURES, elder=False)
    run = played.all(RunLiveness)[0].run
    assert (run.check, run.seat, run.kind, run.former) == (check, CUSTOMER.seat, LivenessKind.GESTURES, ())
    assert state(played, "gestures") == "waiting"
    played.got(CUSTOMER, wire.ChallengeReady(check))
    assert played.all(TellLive) == [TellLive(check, "ready", sound=True)]
    played.note(drawn(check, "nod", "say_digits"))
    played.note(ChallengeAsked(CALL, check, 1, "say_digits", 2, 2, 20.0, "4711"))
    assert last(played) == wire.ChallengeStep(check, "say_digits", 2, 2, 20.0, 1, "4711")
    played.note(ChallengeEnded(CALL, check, PASSED, ""))
    assert last(played) == wire.CheckOver(check, CheckWord.THANKS)
    assert state(played, "gestures") == "passed"
    assert start(played) != check
    assert played.all(RunLiveness)[1].run.former == (("nod", "say_digits"),)
    assert [fact.attempt for fact in played.facts(LivenessStarted)] == [1, 2]


def test_another_try_is_offered_but_not_after_the_last() -> None:
    """The last one's end says that the agent helps."""
    played = begun()
    check = start(played)
    played.note(drawn(check, "nod", "blink"))
    played.note(ChallengeTried(CALL, check, 1, "nod", True, ""))
    assert isinstance(last(played), wire.ChallengeWanted)
    played.note(ChallengeTried(CALL, check, 1, "blink", False, "timeout"))
    assert last(played) == wire.CheckOver(check, CheckWord.AGAIN)
    told = len(played.sent(None, wire.CheckOver))
    played.note(ChallengeTried(CALL, check, 3, "blink", False, "timeout"))
    assert len(played.sent(None, wire.CheckOver)) == told
    played.note(ChallengeEnded(CALL, check, REVIEW, "tries"))
    assert last(played) == wire.CheckOver(check, CheckWord.AGENT_HELPS)


def test_the_light() -> None:
    """Letters become colours, piece by piece as asked; the page's word that it shows them goes down."""
    played = begun()
    check = start(played, wire.StartLiveness(LivenessKind.LIGHT, elder=True))
    played.note(LightDrawn(CALL, check, "00", "RGBCMY", 0.4))
    assert isinstance(last(played), wire.ChallengeWanted)
    played.note(LightAsked(CALL, check, 1, "RGBC"))
    shown = tuple(COLOURS.values())
    assert last(played) == wire.LightSequence(check, shown[:4], 6, 0.4, 0.5)
    played.note(LightAsked(CALL, check, 5, "MY"))
    assert last(played) == wire.LightColours(check, shown[4:], 5)
    played.note(LightAsked(CALL, CheckId("another"), 1, "MY"))
    assert last(played) == wire.LightColours(check, shown[4:], 5)
    played.got(CUSTOMER, wire.LightShown(check, 5.0))
    assert played.all(TellLive) == [TellLive(check, "light_shown")]


@pytest.mark.parametrize("kind", LivenessKind)
@pytest.mark.parametrize("verdict", CheckVerdict)
def test_the_page_is_never_told_what_failed(kind: LivenessKind, verdict: CheckVerdict) -> None:
    """A doubt and a failure look the same there, and of a passive look it is told nothing at all."""
    played = begun()
    check = start(played, wire.StartLiveness(kind))
    played.note(ended(kind, check, verdict))
    well = verdict is PASSED or kind is LivenessKind.PASSIVE
    assert last(played) == wire.CheckOver(check, CheckWord.THANKS if well else CheckWord.AGENT_HELPS)
    assert state(played, kind) == verdict


def test_a_hold_ends_the_check_that_runs() -> None:
    """Who is held is asked nothing; without a check there is nothing to end."""
    played = begun()
    check = start(played)
    played.got(AGENT, wire.Hold(True))
    assert not played.all(TellLive)
    assert played.settle().all(TellLive) == [TellLive(check, "stop")]
    played.note(ended(LivenessKind.GESTURES, check, REVIEW))
    played.got(AGENT, wire.Hold(False))
    played.settle().got(AGENT, wire.Hold(True))
    assert played.settle().all(TellLive) == [TellLive(check, "stop")]


def test_the_next_call_of_the_visit_knows_what_was_tried() -> None:
    """A call that is broken off is no fresh luck: tries, orders of gestures and of questions are kept."""
    entered = (LivenessMeasured(CALL, CHECK, 1, 0.5, 0.1, 0.5, 0.2, REVIEW, "", ()),)
    before = Memory(
        gestures=(("blink", "nod"),), questions=(("c",),), tries={"code": (1.0,)}, entered=entered
    )
    untouched = Played(plan=IDENTITY, memory=before).active()
    assert untouched.call.identity.memory() == before
    played = Played(plan=IDENTITY, memory=before).active()
    for _ in range(3):
        check = start(played)
        played.note(drawn(check, "nod", "blink"))
        played.note(ended(LivenessKind.GESTURES, check, REVIEW))
    played.note(QuestionDrawn(CALL, CHECK, "a", ("a",), "00", "", "", ""))
    after = played.call.identity.memory()
    assert after.gestures == (("blink", "nod"), *[("nod", "blink")] * 3)
    assert after.questions == (("c",), ("a",))
    assert {kind: len(times) for kind, times in after.tries.items()} == {"code": 1, "gestures": 3}
    assert after.entered == entered
    again = Played(plan=IDENTITY, memory=after).active()
    assert refusal(again, AGENT, START) == "checks_used_up"


def test_one_at_a_time_and_three_a_day() -> None:
    """Then not for a day, over all of the customer's cases; other kinds have their own count."""
    played = begun()
    for _ in range(3):
        check = start(played)
        assert refusal(played, AGENT, START) in {"busy", "checks_used_up"}
        assert refusal(played, AGENT, wire.StartLiveness(LivenessKind.LIGHT)) == "busy"
        played.note(ChallengeEnded(CALL, check, REVIEW, ""))
        played.after(60)
    assert refusal(played, AGENT, START) == "checks_used_up"
    (lock,) = played.facts(ChecksLocked)
    first = played.call.identity.memory().tries["gestures"][0]
    assert (lock.kind, lock.until) == ("gestures", first + 24 * 3600)
    played.got(AGENT, wire.StartLiveness(LivenessKind.LIGHT))
    played.note(ended(LivenessKind.LIGHT, played.facts(LivenessStarted)[-1].check, PASSED))
    played.after(24 * 3600)
    played.got(AGENT, START)


def test_earlier_cases_count() -> None:
    """What is remembered of them is spent, and its orders are not drawn again."""
    memory = Memory(gestures=(("nod", "blink"),), tries={"gestures": (900.0, 950.0)})
    played = Played(plan=IDENTITY, memory=memory).active()
    start(played)
    assert played.all(RunLiveness)[0].run.former == (("nod", "blink"),)
    played.note(ChallengeEnded(CALL, played.facts(LivenessStarted)[0].check, REVIEW, ""))
    assert refusal(played, AGENT, START) == "checks_used_up"


def test_two_faces_are_compared_as_often_as_three() -> None:
    """Both ways of comparing a face are tries of one kind, also when earlier cases used them up."""
    played = begun(tries={"portraits": 2})
    played.face(REVIEW)
    played.got(AGENT, wire.MatchFaces(CARD, STILL))
    played.face(REVIEW)
    played.call.compared()
    assert refusal(played, AGENT, wire.MatchFaces(CARD, STILL)) == "checks_used_up"
    assert refusal(played, AGENT, wire.ComparePortraits(CARD, STILL)) == "checks_used_up"
    played.after(24 * 3600)
    played.got(AGENT, wire.MatchFaces(CARD, STILL))


def test_what_comes_too_late_is_passed_over() -> None:
    """An answer to another check, or to one that is over, does nothing."""
    played = begun()
    check = start(played)
    played.got(CUSTOMER, wire.ChallengeReady(CHECK))
    played.got(CUSTOMER, wire.ChallengeDeclined(CHECK))
    played.got(CUSTOMER, wire.LightShown(CHECK, 1.0))
    played.note(ChallengeEnded(CALL, check, PASSED, ""))
    played.got(CUSTOMER, wire.ChallengeReady(check))
    played.got(CUSTOMER, wire.ChallengeDeclined(check))
    played.note(LivenessMeasured(CALL, CHECK, 0, 0, 0, 0, 0, PASSED, "", ()))
    assert not played.all(TellLive)
    assert state(played, "passive") == "open"


def test_the_agent_decides_a_challenge() -> None:
    """With a reason; one that runs is stopped, one that is over is overruled."""
    played = begun()
    check = start(played)
    assert refusal(played, AGENT, wire.DecideChallenge(check, PASSED, " ")) == "reason_missing"
    assert refusal(played, AGENT, wire.DecideChallenge(CHECK, PASSED, "x")) == "not_found"
    played.got(AGENT, wire.DecideChallenge(check, PASSED, "cannot nod"))
    assert played.all(TellLive) == [TellLive(check, "stop")]
    # The word ends the check, and so stands before its end.
    played.note(played.facts(ChallengeDecided)[0])
    played.note(ChallengeEnded(CALL, check, REVIEW, "agent"))
    assert state(played, "gestures") == "passed"
    played.got(AGENT, wire.DecideChallenge(check, FAILED, "changed my mind"))
    assert len(played.all(TellLive)) == 1
    assert played.facts(ChallengeDecided)[1] == ChallengeDecided(CALL, check, FAILED, "changed my mind", ANNA)
    played.note(ChallengeDecided(CALL, CHECK, FAILED, "of another call", ANNA))


@pytest.mark.parametrize("kind", [LivenessKind.GESTURES, LivenessKind.LIGHT])
def test_the_customer_declines_a_challenge(kind: LivenessKind) -> None:
    """It is stopped and ends in doubt, the page is told that the agent helps, and the next one may begin."""
    played = begun()
    check = start(played, wire.StartLiveness(kind))
    played.got(CUSTOMER, wire.ChallengeDeclined(check))
    assert played.all(TellLive) == [TellLive(check, "declined")]
    played.note(ended(kind, check, REVIEW))
    assert last(played) == wire.CheckOver(check, CheckWord.AGENT_HELPS)
    assert state(played, kind) == "review"
    assert start(played, wire.StartLiveness(LivenessKind.PASSIVE)) != check


def test_only_the_customer_declines_and_only_in_a_call() -> None:
    """Staff end a check for a reason of their own; before the call there is none."""
    played = begun()
    declined = wire.ChallengeDeclined(start(played))
    assert refusal(played, AGENT, declined) == "wrong_phase"
    assert not played.all(TellLive)
    assert refusal(Played().queued(), CUSTOMER, declined) == "wrong_phase"


def test_liveness_needs_consent_record_and_presence() -> None:
    """Nobody is tested who did not agree, is not recorded, or is on hold."""
    assert refusal(Played(frozenset({"recording"}), IDENTITY).active(), AGENT, START) == "consent_missing"
    assert refusal(Played(plan=IDENTITY).active(record=False), AGENT, START) == "kyc_locked"
    played = begun().settle()
    played.got(AGENT, wire.Hold(True))
    assert refusal(played, AGENT, START) in {"held", "kyc_locked"}


def test_a_page_that_is_back_goes_on() -> None:
    """It is told the check that runs and the code that is wanted, and nothing when there is none."""
    played = begun()
    assert played.call.identity.wanted(played.time.at) == ()
    check = start(played)
    assert played.call.identity.wanted(played.time.at) == (
        wire.ChallengeWanted(check, LivenessKind.GESTURES, elder=False),
    )


def test_the_camera_is_told() -> None:
    """What the page says of it goes down as it is; before the call it is not heard."""
    claim = wire.CameraClaim("front", "user", 1280, 720, 30.0)
    played = begun()
    played.got(CUSTOMER, claim)
    assert played.all(TellCamera) == [TellCamera(claim)]
    assert refusal(Played().queued(), CUSTOMER, claim) == "wrong_phase"


# --- documents and faces ---


def reading(*fields: ReadField) -> DocumentRead:
    return DocumentRead(CALL, CHECK, CARD, None, "front", DocumentKind.CN_ID, fields, (), ())


def test_a_document_is_read_corrected_and_judged() -> None:
    """What was read and what the agent makes of it both stay in the journal."""
    played = begun()
    played.got(AGENT, wire.ReadDocument(CARD))
    assert played.all(ReadPicture) == [ReadPicture(CARD, ANNA)]
    assert state(played, "document") == "waiting"
    assert refusal(played, AGENT, wire.ReadDocument(CARD)) == "busy"
    played.note(reading(ReadField("name", "王小朋", 0.8)))
    played.note(DocumentJudged(CALL, CHECK, REVIEW, ("name_differs",), ()))
    played.call.identity_done("document", well=True)
    assert state(played, "document") == "review"
    played.got(AGENT, wire.CorrectField(CHECK, "name", "王小明"))
    played.note(played.facts(FieldCorrected)[0])
    played.got(AGENT, wire.CorrectField(CHECK, "sex", "男"))
    assert [(one.pii_before, one.pii_after) for one in played.facts(FieldCorrected)] == [
        ("王小朋", "王小明"),
        ("", "男"),
    ]
    assert played.all(JudgeDocument) == [JudgeDocument(CHECK), JudgeDocument(CHECK)]
    assert refusal(played, AGENT, wire.CorrectField(CheckId("check-x"), "name", "")) == "not_found"


def test_only_documents_are_read_and_faces_compared() -> None:
    """A face is no document, a document no face, and a reference comes from a registry."""
    played = begun()
    reference = EvidenceId("ev-ref")
    assert refusal(played, AGENT, wire.ReadDocument(STILL)) == "not_found"
    assert refusal(played, AGENT, wire.ComparePortraits(STILL, CARD)) == "not_found"
    assert refusal(played, AGENT, wire.ComparePortraits(CARD, STILL, reference)) == "not_found"
    played.note(
        facts.EvidenceStored(reference, EvidenceKind.REFERENCE, "", "image/jpeg", "", 1, 1, 1, 1.0, "derived")
    )
    played.got(AGENT, wire.ComparePortraits(CARD, STILL, reference))
    assert played.all(ComparePictures) == [ComparePictures(CARD, STILL, reference, ANNA)]
    assert state(played, "portraits") == "waiting"
    played.note(
        PortraitsCompared(
            CALL, CHECK, CARD, STILL, None, None, (), 3, (), 0.48, 0.36, "", (), PASSED, "", ANNA
        )
    )
    played.call.identity_done("portraits", well=True)
    played.got(AGENT, wire.ComparePortraits(CARD, STILL))
    assert played.all(ComparePictures)[1:] == [ComparePictures(CARD, STILL, None, ANNA)]
    played.call.identity_done("portraits", well=False)
    assert state(played, "portraits") == "passed"


# --- questions ---


def ask(played: Played) -> AskQuestion:
    played.got(AGENT, wire.DrawQuestion())
    effect = played.all(AskQuestion)[-1]
    played.note(
        QuestionDrawn(
            CALL, effect.check, effect.question.id, effect.candidates, effect.random_hex, "?", "?", ""
        )
    )
    played.call.identity_done(effect.what, well=True)
    return effect


def test_questions_are_drawn_and_judged() -> None:
    """One after another, none twice; two right ones pass."""
    played = begun()
    first = ask(played)
    assert (first.candidates, state(played, "questions")) == (("a", "b", "c"), "waiting")
    assert refusal(played, AGENT, wire.DrawQuestion()) == "busy"
    assert refusal(played, AGENT, wire.JudgeQuestion(CHECK, PASSED)) == "not_found"
    played.got(AGENT, wire.JudgeQuestion(first.check, PASSED, "knew it"))
    assert refusal(played, AGENT, wire.JudgeQuestion(first.check, PASSED)) == "wrong_phase"
    played.note(played.facts(QuestionJudged)[0])
    assert played.all(TellLive) == [TellLive(first.check, "judged")]
    second = ask(played)
    assert first.question.id not in second.candidates
    played.got(AGENT, wire.JudgeQuestion(second.check, PASSED))
    played.note(played.facts(QuestionJudged)[1])
    assert state(played, "questions") == "passed"


def test_two_wrong_answers_fail() -> None:
    """One may be forgotten."""
    played = begun()
    for wanted in ("open", "failed"):
        drawn_question = ask(played)
        played.got(AGENT, wire.JudgeQuestion(drawn_question.check, FAILED))
        played.note(played.facts(QuestionJudged)[-1])
        assert state(played, "questions") == wanted


def test_a_question_that_cannot_be_put_is_left_out() -> None:
    """While it is on its way no other is drawn; with none left there is a word for it."""
    played = begun()
    played.got(AGENT, wire.DrawQuestion())
    assert refusal(played, AGENT, wire.DrawQuestion()) == "busy"
    for left in (2, 1, 0):
        effect = played.all(AskQuestion)[-1]
        played.call.identity_done(effect.what, well=False)
        if left:
            played.got(AGENT, wire.DrawQuestion())
            assert len(played.all(AskQuestion)[-1].candidates) == left
    assert refusal(played, AGENT, wire.DrawQuestion()) == "no_questions"


# --- the code ---


def sent_code(played: Played) -> tuple[CheckId, str]:
    played.got(AGENT, wire.SendCode(CodeChannel.SMS))
    effect = played.all(TextCode)[-1]
    code = effect.code
    played.note(CodeSent(CALL, effect.check, effect.channel, "138****5678", code.expires_at, 3, code.hmac))
    played.call.identity_done("code", well=True)
    return effect.check, code.digits


def enter(played: Played, check: CheckId, code: str) -> None:
    before = len(played.facts(CodeTried))
    played.got(CUSTOMER, wire.EnterCode(check, code))
    for fact in played.facts(CodeTried)[before:]:
        played.note(fact)


def test_a_code_is_wanted_and_entered() -> None:
    """Wrong once, then right; what was entered stands nowhere."""
    played = begun()
    check, digits = sent_code(played)
    assert last(played) == wire.CodeWanted(check, 6, CodeChannel.SMS, 3, 600.0)
    assert played.call.identity.wanted(played.time.at) == (last(played),)
    assert state(played, "code") == "waiting"
    wrong = "999999" if digits != "999999" else "000000"
    enter(played, check, wrong)
    assert last(played) == wire.CodeWanted(check, 6, CodeChannel.SMS, 2, 600.0)
    enter(played, check, f" {digits} ")
    assert last(played) == wire.CheckOver(check, CheckWord.THANKS)
    # Pressed twice: a code that is used up is no wrong one.
    enter(played, check, digits)
    assert [fact.right for fact in played.facts(CodeTried)] == [False, True]
    assert state(played, "code") == "passed"
    assert [(one.right, one.left) for one in played.facts(CodeTried)] == [(False, 2), (True, 0)]
    assert digits not in repr(played.effects)


def test_three_wrong_codes() -> None:
    """Then the agent helps, and the code is worth nothing; what is entered for another check neither."""
    played = begun()
    check, digits = sent_code(played)
    enter(played, CHECK, digits)
    assert not played.facts(CodeTried)
    for _ in range(3):
        enter(played, check, "x")
    assert last(played) == wire.CheckOver(check, CheckWord.AGENT_HELPS)
    enter(played, check, digits)
    assert not [one for one in played.facts(CodeTried) if one.right]
    assert state(played, "code") == "failed"
    assert played.call.identity.wanted(played.time.at) == ()


def test_a_code_expires() -> None:
    """After ten minutes the right one is wrong."""
    played = begun()
    check, digits = sent_code(played)
    played.after(600)
    enter(played, check, digits)
    assert played.facts(CodeTried) == [CodeTried(CALL, check, False, 0)]


def test_codes_are_not_sent_one_after_another() -> None:
    """Once a minute, three times a day, one on its way; the old one is dead once a new one goes out."""
    played = begun()
    check, digits = sent_code(played)
    assert refusal(played, AGENT, wire.SendCode(CodeChannel.SMS)) == "busy"
    played.after(60)
    played.got(AGENT, wire.SendCode(CodeChannel.EMAIL))
    enter(played, check, digits)
    assert not played.facts(CodeTried)
    assert refusal(played, AGENT, wire.SendCode(CodeChannel.SMS)) == "busy"
    played.call.identity_done("code", well=False)
    played.after(60)
    sent_code(played)
    played.after(60)
    sent_code(played)
    played.after(60)
    assert refusal(played, AGENT, wire.SendCode(CodeChannel.SMS)) == "checks_used_up"


# --- outside sources, the end ---


def test_a_source_is_asked() -> None:
    """Once at a time; when it fails the step is open again."""
    played = begun()
    played.got(AGENT, wire.AskExternal("police"))
    assert played.all(AskOutside) == [AskOutside("police", ANNA)]
    assert refusal(played, AGENT, wire.AskExternal("police")) == "busy"
    played.note(ExternalAsked(CALL, CHECK, "police"))
    assert state(played, "external_police") == "waiting"
    played.call.identity_done("external_police", well=False)
    played.take()
    assert state(played, "external_police") == "open"
    played.got(AGENT, wire.AskExternal("police"))
    played.note(ExternalAnswered(CALL, CHECK, "police", PASSED, "match", "", None))
    assert state(played, "external_police") == "passed"


def test_the_case_is_decided_when_all_is_in() -> None:
    """Behind a check that is out, before the merge; without a result nothing is decided."""
    played = begun()
    played.got(AGENT, wire.AskExternal("police"))
    played.got(AGENT, wire.Finish(Outcome.FAILED, "fraud"))
    played.call.wound_up()
    assert not played.all(Decide)
    played.call.identity_done("external_police", well=True)
    assert played.all(Decide)
    names = [type(one).__name__ for one in played.effects]
    assert names.index("Decide") < names.index("QueueMerge")


def test_a_source_that_never_answers_holds_nothing_up() -> None:
    """Ten seconds after the end the record goes on without it."""
    played = begun()
    played.got(AGENT, wire.AskExternal("police"))
    played.got(AGENT, FAIL)
    played.call.wound_up()
    played.call.tick(played.after(11))
    assert played.all(Decide)


def test_customers_do_not_ask() -> None:
    """Nor do staff answer for them."""
    played = begun()
    assert refusal(played, CUSTOMER, START) == "not_host"
    assert refusal(played, AGENT, wire.EnterCode(CHECK, "123456")) == "wrong_phase"
