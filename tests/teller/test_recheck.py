"""Looking at a case again: the same models say the same, others may not, and nothing is written."""

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
from rich.console import Console

from contract.errors import NotFound, StorageError
from contract.fact import Fact
from contract.facts import (
    GENESIS,
    AgentDecided,
    ConsentGiven,
    Entry,
    FacesCompared,
    IdNumberChecked,
    seal_entry,
)
from contract.identity_facts import (
    AccountsCounted,
    ChallengeEnded,
    DocumentJudged,
    DocumentRead,
    FieldCorrected,
    LightMeasured,
    Limit,
    LivenessMeasured,
    ModelUsed,
    PairScore,
    PortraitsCompared,
    ReadField,
    SelfCheckStarted,
    Signal,
    SpokenScores,
    StillJudged,
    StillQuality,
)
from contract.ids import AccountId, CallId, CaseId, CheckId, EvidenceId, SeatId
from contract.phases import CheckVerdict, DocumentKind, Outcome
from contract.ports import FaceFinding
from kyc.decision import DecisionRules, decide
from teller.policy import load_policy, rules_of
from teller.recheck import Outlook, Read, Recheck, Regesture, Relight, Relook, Today, recheck
from teller.recheck_told import Told
from teller.regesture import Regestured, StepAgain
from teller.relight import Relit
from teller.relook import Relooked
from tests.signaling.equipped import FakeDocuments
from tests.signaling.fakes import FakeIdentity

CARD, STILL, AGENT = EvidenceId("ev-card"), EvidenceId("ev-still"), AccountId("acct-a")
CALL = CallId("call-1")
PASSED, FAILED = CheckVerdict.PASSED, CheckVerdict.FAILED
RULES = rules_of(load_policy("cn-account-opening"))
FACES = FacesCompared(
    CheckId("check-f"), CARD, STILL, None, "open", "", "model-1", 0.61, 0.48, 0.36, PASSED, "", AGENT
)
PORTRAITS = PortraitsCompared(
    CALL, CheckId("check-p"), CARD, STILL, None, None, (PairScore("card", "still", 0.6, PASSED, ""),), 1, (),
    0.48, 0.36, "", (), PASSED, "", AGENT,
)  # fmt: skip
FACTS: tuple[Fact, ...] = (
    ConsentGiven(("recording", "biometrics"), "1", "zh-CN"),
    FACES,
    PORTRAITS,
    ChallengeEnded(CALL, CheckId("check-g"), PASSED, ""),
    AccountsCounted((Limit("I", 1),)),
    AgentDecided(AGENT, Outcome.PASSED, "", ""),
)


class Judges(FakeIdentity):
    """Models of today: they give this verdict."""

    def __init__(self, verdict: CheckVerdict, sha256: str = "model-1", score: float = 0.61) -> None:
        super().__init__()
        self.verdict, self.sha256, self.score = verdict, sha256, score

    async def match_faces(self, card: bytes, still: bytes) -> FaceFinding:
        found = await super().match_faces(card, still)
        return replace(found, verdict=self.verdict, score=self.score, model_sha256=self.sha256)


def journal(facts: Sequence[Fact]) -> list[Entry]:
    return [seal_entry(seq, 1.0, CaseId("case-1"), fact, GENESIS) for seq, fact in enumerate(facts)]


async def read(evidence: EvidenceId) -> bytes:
    return b"picture"


async def as_then(facts: Sequence[Fact], was: LightMeasured) -> Relit:
    return Relit(was.verdict, was.r)


async def looked_then(entries: Sequence[Entry], was: LivenessMeasured) -> Relooked:
    return Relooked(was.verdict, was.median)


async def gestured_then(entries: Sequence[Entry], was: ChallengeEnded) -> Regestured:
    return Regestured(was.verdict)


async def looked_at(
    facts: Sequence[Fact],
    identity: Judges,
    documents: FakeDocuments | None = None,
    read: Read = read,
    relight: Relight = as_then,
    relook: Relook = looked_then,
    regesture: Regesture = gestured_then,
    rules: DecisionRules | None = RULES,
) -> Recheck:
    today = Today(identity, documents or FakeDocuments(), read, relight, relook, regesture, threshold=0.5)
    return await recheck(journal(facts), today, rules)


def told(report: Recheck, *, as_json: bool = False) -> str:
    """Return what is printed, with single spaces."""
    console = Console(width=1_000)
    with console.capture() as printed:
        Told(console).case(CaseId("case-1"), report)
    return " ".join(printed.get().split())


def decided(*facts: Fact) -> tuple[Fact, ...]:
    assert RULES is not None
    return (*facts, decide(facts, RULES))


async def test_the_same_models_say_the_same() -> None:
    """To the decision's hash."""
    report = await looked_at(decided(*FACTS), Judges(PASSED))
    assert report.same
    assert report.reproduced
    assert [(one.then.score, one.now.score) for one in report.rescored[:2]] == [(0.61, 0.61), (0.6, 0.6)]
    assert "as it was" in told(report)
    assert "0.610 of 0.480 passed model-1 0.610 of 0.580 passed model-1 would still pass" in told(report)


async def test_all_stills_that_were_looked_at_are_compared_again() -> None:
    """In the order of then; a fact of before names one."""
    quality = StillQuality(1, (), 70.0, 5.0, None, 90.0, 120.0, 0.6)
    other = EvidenceId("ev-still-2")
    stills = (StillJudged(STILL, quality), StillJudged(other, replace(quality, rank=2)))
    documents = FakeDocuments()

    async def named(evidence: EvidenceId) -> bytes:
        return evidence.encode()

    facts = (PORTRAITS, replace(PORTRAITS, stills=stills))
    await looked_at(facts, Judges(PASSED), documents, read=named)
    assert documents.stills == [(b"ev-still",), (b"ev-still", b"ev-still-2")]


async def test_what_the_video_showed_stands() -> None:
    """No template of a face is kept, so that pair is not scored again; its verdict is still the case's."""
    pair = PairScore("still", "video", 0.1, FAILED, "score_too_low")
    unlike = replace(PORTRAITS, pairs=(*PORTRAITS.pairs, pair), verdict=FAILED, reason="score_too_low")
    facts = [unlike if fact is PORTRAITS else fact for fact in FACTS]
    report = await looked_at(decided(*facts), Judges(PASSED))
    assert report.same
    assert FAILED in [one.now.verdict for one in report.rescored]


async def test_other_models_may_say_otherwise() -> None:
    """The report says where, and what the decision would be; the one of then is still what it was."""
    report = await looked_at(decided(*FACTS), Judges(FAILED, "model-2"), FakeDocuments([FAILED]))
    assert not report.same
    assert report.reproduced
    assert report.now is FAILED
    assert "portraits_failed" in report.reasons
    assert "NOT as it was" in told(report)
    assert "model-1 0.610 of 0.580 failed model-2 would now fail" in told(report)


async def test_a_decision_that_does_not_follow_is_found() -> None:
    """Somebody wrote another reason into it, or decided by other rules."""
    assert RULES is not None
    forged = replace(decide(FACTS, RULES), reasons=("agent_passed",))
    report = await looked_at((*FACTS, forged), Judges(PASSED))
    assert report.reproduced is False
    assert "ANOTHER" in told(report)


async def test_pictures_that_are_gone_count_as_they_did() -> None:
    """What was released is no alteration: it is said why they were not scored."""

    async def gone(evidence: EvidenceId) -> bytes:
        raise NotFound("released")

    report = await looked_at(decided(*FACTS), Judges(FAILED), read=gone)
    assert report.same
    assert [one.why for one in report.rescored] == ["not_found", "not_found", ""]
    assert "cannot be rescored because not_found" in told(report)


@pytest.mark.parametrize(
    "why", ["altered", "evidence_altered", "archive_altered", "no_nonce", "other_colours"]
)
async def test_altered_evidence_is_not_as_it_was(why: str) -> None:
    """A picture or segment whose hash is another, a nonce that is gone or gives other colours."""
    lit = LightMeasured(CALL, CheckId("check-l"), 1.0, 0.9, 0.1, 0.1, 0.1, 90, PASSED, "")

    async def other_picture(evidence: EvidenceId) -> bytes:
        raise StorageError("another picture", code=why)

    async def other_track(facts: Sequence[Fact], was: LightMeasured) -> Relit:
        return Relit(was.verdict, None, why)

    pictures = await looked_at(decided(*FACTS), Judges(PASSED), read=other_picture)
    track = await looked_at(decided(*FACTS, lit), Judges(PASSED), relight=other_track)
    for report in (pictures, track):
        assert report.reproduced
        assert report.then is report.now
        assert not report.same
        assert f"EVIDENCE ALTERED: {why}" in told(report)
        assert "NOT as it was" in told(report)


@pytest.mark.parametrize(
    ("score", "sha256", "same"),
    [(0.61, "model-1", True), (0.6105, "model-1", True), (0.70, "model-1", False), (0.70, "model-2", True)],
)
async def test_one_model_scores_one_picture_one_way(score: float, sha256: str, same: bool) -> None:
    """Another score of the same model means another picture or model file; another model may differ."""
    report = await looked_at(decided(*FACTS), Judges(PASSED, sha256, score))
    assert report.then is report.now
    assert report.same is same
    assert ("another score of the same model" in told(report)) is not same


async def test_a_score_that_there_was_not_is_another_result() -> None:
    """Of the pair of card and still, which then had no score under this very model."""
    used = (ModelUsed("reader", "0" * 64),)
    before = replace(PORTRAITS, pairs=(), models=used)
    documents = FakeDocuments(models=used)
    assert not (await looked_at((before,), Judges(PASSED), documents)).same
    assert (await looked_at((replace(PORTRAITS, models=used),), Judges(PASSED), documents)).same


async def test_a_case_without_a_decision() -> None:
    """Its comparisons are made again, and no more is said; one without any says so."""
    report = await looked_at(FACTS, Judges(PASSED))
    assert (report.reproduced, report.then, report.now, report.same) == (None, None, None, True)
    empty = await looked_at((), Judges(PASSED))
    assert "no check" in told(empty)
    without_rules = await looked_at(decided(*FACTS), Judges(PASSED), rules=None)
    assert without_rules.reproduced is None


async def test_a_light_challenge_is_judged_again() -> None:
    """From the recorded track; what comes of it counts in today's decision, not in the one of then."""
    lit = LightMeasured(CALL, CheckId("check-l"), 1.0, 0.9, 0.1, 0.1, 0.1, 90, PASSED, "")

    async def dark(facts: Sequence[Fact], was: LightMeasured) -> Relit:
        return Relit(FAILED, 0.02)

    facts = decided(*FACTS, lit)
    report = await looked_at(facts, Judges(PASSED), relight=dark)
    assert report.reproduced
    assert not report.same
    assert report.rescored[-1].now.verdict is FAILED
    assert "light check-l 0.900 passed - 0.020 failed - would now fail" in told(report)
    assert (await looked_at(facts, Judges(PASSED))).same


# --- documents, liveness, and what is printed ---

CHECKED = CheckId("check-d")
READ = DocumentRead(
    CALL, CHECKED, CARD, None, "front", DocumentKind.CN_ID,
    (ReadField("name", "王小明", 0.9),), (), (ModelUsed("reader", "1" * 64),),
)  # fmt: skip
JUDGED = DocumentJudged(CALL, CHECKED, PASSED, (), (Signal("raster", 0.1, "repeating_pattern"),))


async def test_a_document_is_read_and_judged_again() -> None:
    """By what is read today, with the corrections of then; its verdict counts in the decision."""
    facts = decided(*FACTS, READ, JUDGED)
    documents = FakeDocuments(documents=[FAILED], name="王小朋")
    report = await looked_at(facts, Judges(PASSED), documents)
    (one,) = (row for row in report.rescored if row.kind == "document")
    assert documents.judged == [([{"name": "王小朋"}], {})]
    assert (one.then.verdict, one.now.verdict) == (PASSED, FAILED)
    assert (one.then.score, one.now.score, one.now.threshold) == (0.9, 0.9, 0.8)
    assert (one.then.model, one.now.model) == ("1" * 64, "0" * 64)
    assert one.outlook is Outlook.NOW_FAILS
    assert report.reproduced
    assert "document_failed" in report.reasons
    assert "would now fail, back_missing" in told(report)

    corrected = FieldCorrected(CALL, CHECKED, SeatId("seat-a"), "name", "王小明", "王晓明")
    documents = FakeDocuments(name="王小朋")
    again = replace(JUDGED, advisory=())
    report = await looked_at((READ, JUDGED, corrected, again), Judges(PASSED), documents)
    assert report.same
    assert [read for read, _ in documents.judged] == [[{"name": "王小朋"}], [{"name": "王晓明"}]]


async def test_signs_of_a_copy_are_told_and_advise_alone() -> None:
    """Side by side, whatever they are now."""
    report = await looked_at((READ, JUDGED), Judges(PASSED))
    (sign,) = (row for row in report.rescored if row.kind == "raster")
    assert (sign.then.score, sign.now.score, sign.outlook) == (0.1, 0.0, Outlook.ADVICE)
    assert report.same


async def test_a_document_whose_picture_is_gone_is_not_judged_again() -> None:
    """Half of it from today and half from then would be neither; another try has its own pictures."""

    async def gone(evidence: EvidenceId) -> bytes:
        raise NotFound("released")

    documents = FakeDocuments(documents=[FAILED])
    report = await looked_at((READ, JUDGED), Judges(PASSED), documents, read=gone)
    assert [(row.outlook, row.why) for row in report.rescored] == [(Outlook.CANNOT, "not_found")]

    async def first_gone(evidence: EvidenceId) -> bytes:
        return await (gone if evidence == CARD else read)(evidence)

    second = replace(READ, evidence=EvidenceId("ev-2"), side="back")
    tries = (READ, JUDGED, SelfCheckStarted(CheckId("check-s"), 2, ""), second, JUDGED)
    report = await looked_at(tries, Judges(PASSED), documents, read=first_gone)
    verdicts = [row.now.verdict for row in report.rescored if row.kind == "document"]
    assert verdicts == [PASSED, FAILED]


async def test_passive_liveness_is_looked_at_again() -> None:
    """The track gives another score of other frames of the same seconds; the verdict is what counts."""
    passive = LivenessMeasured(CALL, CheckId("check-v"), 12, 0.9, 0.1, 0.5, 0.25, PASSED, "", ())

    async def flat(entries: Sequence[Entry], was: LivenessMeasured) -> Relooked:
        return Relooked(FAILED, 0.1)

    report = await looked_at((passive,), Judges(PASSED), relook=flat)
    assert report.passes_no_more
    assert "passive check-v 0.900 of 0.500 passed - 0.100 of 0.500 failed - would now fail" in told(report)
    assert (await looked_at((passive,), Judges(PASSED))).same


async def test_gestures_are_judged_again() -> None:
    """From the recorded track; each that was asked stands below, and the verdict counts in the decision."""
    then = SpokenScores(1.2, 4, 0.2, 0.81, 0.04)

    async def other_gesture(entries: Sequence[Entry], was: ChallengeEnded) -> Regestured:
        steps = (
            StepAgain("say_digits", "seen", "not_in_step", then, replace(then, r=0.11)),
            StepAgain("turn_left", "seen", "wrong_gesture"),
        )
        return Regestured(CheckVerdict.REVIEW, "wrong_gesture", steps)

    report = await looked_at(decided(*FACTS), Judges(PASSED), regesture=other_gesture)
    assert not report.same
    assert report.reproduced
    gestures, digits, turn = report.rescored[2:]
    assert (gestures.outlook, gestures.now.verdict) == (Outlook.NOW_IN_DOUBT, CheckVerdict.REVIEW)
    assert (digits.outlook, digits.then.score, digits.now.score) == (Outlook.ADVICE, 0.81, 0.11)
    printed = told(report)
    assert "would now be in doubt, wrong_gesture, frames_may_differ" in printed
    assert "say_digits check-g 0.810 of 0.600 seen - 0.110 of 0.600 not_in_step - advice" in printed
    assert (turn.then.words, turn.now.words) == (("seen",), ("wrong_gesture",))
    assert (await looked_at(decided(*FACTS), Judges(PASSED))).same


async def test_gestures_that_cannot_be_judged_again_say_why() -> None:
    """Their result of then counts."""

    async def with_a_hole(entries: Sequence[Entry], was: ChallengeEnded) -> Regestured:
        return Regestured(was.verdict, why="not_covered")

    report = await looked_at(decided(*FACTS), Judges(PASSED), regesture=with_a_hole)
    assert report.same
    assert "cannot be rescored because not_covered" in told(report)


async def test_a_number_is_checked_again() -> None:
    """By today's rules, on the day of then."""
    number = IdNumberChecked(CheckId("check-n"), "1", FAILED, ("form",), "", "", AGENT)
    report = await looked_at((number,), Judges(PASSED))
    assert [row.outlook for row in report.rescored] == [Outlook.NOW_PASSES]


async def test_json_has_all_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Scores, thresholds, models and what each would come to."""
    report = replace(await looked_at(FACTS, Judges(FAILED, "model-2")), problems=("journal_rewritten",))
    Told(Console(), as_json=True).case(CaseId("case-1"), report)
    found = json.loads(capsys.readouterr().out)
    assert (found["case"], found["same"], found["sound"], found["passes_no_more"]) == (
        "case-1", False, False, True,
    )  # fmt: skip
    assert found["rescored"][0]["now"] == {
        "verdict": "failed", "score": 0.61, "threshold": 0.58, "model": "model-2", "words": [],
    }  # fmt: skip
    assert found["rescored"][0]["outlook"] == "would_now_fail"
    assert "NOT sound: journal_rewritten" in told(report)
