"""Looking at a case again: the same models say the same, others may not, and nothing is written."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from contract.errors import NotFound, StorageError
from contract.fact import Fact
from contract.facts import GENESIS, AgentDecided, ConsentGiven, Entry, FacesCompared, seal_entry
from contract.identity_facts import (
    AccountsCounted,
    ChallengeEnded,
    LightMeasured,
    Limit,
    ModelUsed,
    PairScore,
    PortraitsCompared,
)
from contract.ids import AccountId, CallId, CaseId, CheckId, EvidenceId
from contract.phases import CheckVerdict, Outcome
from contract.ports import FaceFinding
from kyc.decision import decide
from teller.policy import load_policy, rules_of
from teller.recheck import Recheck, _told, recheck
from teller.relight import Relit
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


class Today(FakeIdentity):
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


async def looked_at(
    facts: Sequence[Fact], identity: Today, documents: FakeDocuments | None = None
) -> Recheck:
    return await recheck(journal(facts), identity, documents or FakeDocuments(), read, RULES, as_then)


def decided(*facts: Fact) -> tuple[Fact, ...]:
    assert RULES is not None
    return (*facts, decide(facts, RULES))


async def test_the_same_models_say_the_same() -> None:
    """To the decision's hash."""
    report = await looked_at(decided(*FACTS), Today(PASSED))
    assert report.same
    assert report.reproduced
    assert [(one.score_then, one.score_now) for one in report.rescored] == [(0.61, 0.61), (0.6, 0.6)]
    assert "as it was" in _told(report)
    assert "the same model" in _told(report)


async def test_what_the_video_showed_stands() -> None:
    """No template of a face is kept, so that pair is not scored again; its verdict is still the case's."""
    pair = PairScore("still", "video", 0.1, FAILED, "score_too_low")
    unlike = replace(PORTRAITS, pairs=(*PORTRAITS.pairs, pair), verdict=FAILED, reason="score_too_low")
    facts = [unlike if fact is PORTRAITS else fact for fact in FACTS]
    report = await looked_at(decided(*facts), Today(PASSED))
    assert report.same
    assert FAILED in [one.verdict_now for one in report.rescored]


async def test_other_models_may_say_otherwise() -> None:
    """The report says where, and what the decision would be; the one of then is still what it was."""
    report = await looked_at(decided(*FACTS), Today(FAILED, "model-2"), FakeDocuments([FAILED]))
    assert not report.same
    assert report.reproduced
    assert report.now is FAILED
    assert "portraits_failed" in report.reasons
    assert "NOT as it was" in _told(report)
    assert "another model" in _told(report)


async def test_a_decision_that_does_not_follow_is_found() -> None:
    """Somebody wrote another reason into it, or decided by other rules."""
    assert RULES is not None
    forged = replace(decide(FACTS, RULES), reasons=("agent_passed",))
    report = await looked_at((*FACTS, forged), Today(PASSED))
    assert report.reproduced is False
    assert "ANOTHER" in _told(report)


async def test_pictures_that_are_gone_count_as_they_did() -> None:
    """What was released is no alteration: it is said why they were not scored."""

    async def gone(evidence: EvidenceId) -> bytes:
        raise NotFound("released")

    report = await recheck(journal(decided(*FACTS)), Today(FAILED), FakeDocuments(), gone, RULES, as_then)
    assert report.same
    assert {one.why for one in report.rescored} == {"not_found"}
    assert "not made again: not_found" in _told(report)


@pytest.mark.parametrize("why", ["altered", "evidence_altered", "no_nonce", "other_colours"])
async def test_altered_evidence_is_not_as_it_was(why: str) -> None:
    """A picture or segment whose hash is another, a nonce that is gone or gives other colours."""
    lit = LightMeasured(CALL, CheckId("check-l"), 1.0, 0.9, 0.1, 0.1, 0.1, 90, PASSED, "")

    async def other_picture(evidence: EvidenceId) -> bytes:
        raise StorageError("another picture", code=why)

    async def other_track(facts: Sequence[Fact], was: LightMeasured) -> Relit:
        return Relit(was.verdict, None, why)

    pictures = await recheck(
        journal(decided(*FACTS)), Today(PASSED), FakeDocuments(), other_picture, RULES, as_then
    )
    track = await recheck(
        journal(decided(*FACTS, lit)), Today(PASSED), FakeDocuments(), read, RULES, other_track
    )
    for report in (pictures, track):
        assert report.reproduced
        assert report.then is report.now
        assert not report.same
        assert f"ALTERED: {why}" in _told(report)
        assert "NOT as it was" in _told(report)


@pytest.mark.parametrize(
    ("score", "sha256", "same"),
    [(0.61, "model-1", True), (0.6105, "model-1", True), (0.70, "model-1", False), (0.70, "model-2", True)],
)
async def test_one_model_scores_one_picture_one_way(score: float, sha256: str, same: bool) -> None:
    """Another score of the same model means another picture or model file; another model may differ."""
    report = await looked_at(decided(*FACTS), Today(PASSED, sha256, score))
    assert report.then is report.now
    assert report.same is same
    assert ("ANOTHER RESULT" in _told(report)) is not same


async def test_a_score_that_there_was_not_is_another_result() -> None:
    """Of the pair of card and still, which then had no score under this very model."""
    used = (ModelUsed("reader", "0" * 64),)
    before = replace(PORTRAITS, pairs=(), models=used)
    documents = FakeDocuments(models=used)
    assert not (await looked_at((before,), Today(PASSED), documents)).same
    assert (await looked_at((replace(PORTRAITS, models=used),), Today(PASSED), documents)).same


async def test_a_case_without_a_decision() -> None:
    """Its comparisons are made again, and no more is said; one without any says so."""
    report = await looked_at(FACTS, Today(PASSED))
    assert (report.reproduced, report.then, report.now, report.same) == (None, None, None, True)
    empty = await looked_at((), Today(PASSED))
    assert "no comparison" in _told(empty)
    without_rules = await recheck(
        journal(decided(*FACTS)), Today(PASSED), FakeDocuments(), read, None, as_then
    )
    assert without_rules.reproduced is None


async def test_a_light_challenge_is_judged_again() -> None:
    """From the recorded track; what comes of it counts in today's decision, not in the one of then."""
    lit = LightMeasured(CALL, CheckId("check-l"), 1.0, 0.9, 0.1, 0.1, 0.1, 90, PASSED, "")

    async def dark(facts: Sequence[Fact], was: LightMeasured) -> Relit:
        return Relit(FAILED, 0.02)

    entries = journal(decided(*FACTS, lit))
    report = await recheck(entries, Today(PASSED), FakeDocuments(), read, RULES, dark)
    assert report.reproduced
    assert not report.same
    assert report.rescored[-1].verdict_now is FAILED
    assert "check-l: 0.900 passed then, 0.020 failed now, light, from the recorded track" in _told(report)
    same = await recheck(entries, Today(PASSED), FakeDocuments(), read, RULES, as_then)
    assert same.same
