"""Who may sign what: the rules by themselves, and over random histories."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import facts
from contract.errors import TellerError
from contract.facts import GENESIS, AuditSigned, Entry, Fact, OverrideProposed, seal_entry
from contract.identity_facts import Decided, SelfChecked
from contract.ids import AccountId, CallId, CaseId, CheckId, SeatId
from contract.phases import CaseEnd, CasePhase, CheckVerdict, Completeness, Outcome, Role, SeatMode, Verdict
from contract.record_facts import StepKept
from signaling.sign_off import Look, against, awaits, reopen, sign, signature, took_part, withheld
from signaling.turns import phase_of

AGENT, GUEST, WATCHER, HOST = (AccountId(f"acct-{name}") for name in ("agent", "guest", "watcher", "host"))
ANN, BEN, CAT = (AccountId(f"acct-{name}") for name in ("ann", "ben", "cat"))
DUE = 86_400.0
CALL, SEAT = CallId("call-1"), SeatId("seat-1")
PASSED = facts.AgentDecided(AGENT, Outcome.PASSED, "", "")
VERIFIED = facts.ArchiveVerified("m", 3, 10)
AUDIT = facts.CaseAdvanced(CasePhase.AGENT_DONE, CasePhase.UNDER_AUDIT)


def _id_number(verdict: CheckVerdict) -> Fact:
    return facts.IdNumberChecked(CheckId("check-1"), "1", verdict, (), "", "", AGENT)


def _decided(verdict: CheckVerdict) -> Fact:
    return Decided(verdict, None, (), (), "default", 1, "00")


def _gaps(kept: Completeness, mandatory: bool = True) -> Fact:
    step = StepKept("consent", mandatory, kept, 1.0, 2.0, 3.0)
    return facts.GapsAccounted("gaps.json", "ab", 1, 2.0, (), (step,))


def _journal(*told: Fact) -> list[Entry]:
    return [seal_entry(seq, float(seq), CaseId("case-1"), fact, GENESIS) for seq, fact in enumerate(told, 1)]


SOUND = (PASSED, VERIFIED, AUDIT)
DOUBTFUL = (PASSED, VERIFIED, _id_number(CheckVerdict.FAILED), AUDIT)


def _refusal(
    *told: Fact, auditor: AccountId = ANN, verdict: Verdict = Verdict.APPROVED, reason: str = "ok"
) -> str:
    with pytest.raises(TellerError) as refused:
        sign(_journal(*told), auditor, verdict, reason, "m")
    return refused.value.code


def test_a_sound_case_wants_one_auditor() -> None:
    """An approval and a rejection are signed at once, bound to the record."""
    for verdict in Verdict:
        assert sign(_journal(*SOUND), ANN, verdict, "ok", "m") == AuditSigned(ANN, verdict, "ok", "m")


def test_nobody_audits_his_own_work() -> None:
    """Not the agent, not who led for a while, not a guest, not who only listened."""
    story = (
        facts.PartyJoined(CALL, SEAT, Role.CUSTOMER, "王芳"),
        facts.PartyJoined(CALL, SEAT, Role.GUEST, "Zhao", GUEST),
        facts.ObserverJoined(CALL, SEAT, Role.SUPERVISOR, "Sue", WATCHER, SeatMode.MONITOR),
        facts.HostChanged(CALL, None, HOST, "Li"),
        *SOUND,
    )
    assert took_part(_journal(*story)) == {AGENT, GUEST, WATCHER, HOST}
    for insider in (AGENT, GUEST, WATCHER, HOST):
        assert _refusal(*story, auditor=insider, verdict=Verdict.REJECTED) == "same_person"
        with pytest.raises(TellerError, match="took part"):
            reopen(_journal(*story), insider, "why", DUE)


def test_a_verdict_has_a_reason_and_its_time() -> None:
    """Blanks are no reason; a case that is not under audit is not signed."""
    assert _refusal(*SOUND, reason=" \n") == "reason_missing"
    assert _refusal(PASSED, VERIFIED) == "wrong_phase"
    assert phase_of(_journal(PASSED)) is CasePhase.CREATED


@pytest.mark.parametrize(
    ("told", "allowed"),
    [
        ((facts.AgentDecided(AGENT, Outcome.FAILED, "prompting", ""),), False),
        ((), False),
        ((SelfChecked(CheckId("check-1"), CheckVerdict.REVIEW, 1),), False),
        ((SelfChecked(CheckId("check-1"), CheckVerdict.PASSED, 1),), False),
        ((SelfChecked(CheckId("check-1"), CheckVerdict.PASSED, 1), _decided(CheckVerdict.REVIEW)), False),
        ((SelfChecked(CheckId("check-1"), CheckVerdict.PASSED, 1), _decided(CheckVerdict.PASSED)), True),
    ],
)
def test_the_checker_is_not_the_maker(told: tuple[Fact, ...], allowed: bool) -> None:
    """What neither an agent nor self-service let pass can only be rejected."""
    story = (*told, VERIFIED, AUDIT)
    if allowed:
        assert isinstance(sign(_journal(*story), ANN, Verdict.APPROVED, "ok", "m"), AuditSigned)
    else:
        assert _refusal(*story) == "outcome_not_passed"
    assert isinstance(sign(_journal(*story), ANN, Verdict.REJECTED, "no", "m"), AuditSigned)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ((VERIFIED,), ()),
        ((), ("record_not_verified",)),
        ((VERIFIED, facts.ArchiveWritten("s3", "n", 1, 1)), ("record_not_verified",)),
        ((facts.ArchiveWritten("s3", "m", 1, 1), VERIFIED), ()),
        ((VERIFIED, _id_number(CheckVerdict.FAILED)), ("check_failed",)),
        ((VERIFIED, _id_number(CheckVerdict.FAILED), _id_number(CheckVerdict.PASSED)), ()),
        ((VERIFIED, _decided(CheckVerdict.FAILED)), ("decision_failed",)),
        ((VERIFIED, _decided(CheckVerdict.REVIEW)), ()),
        ((VERIFIED, _gaps(Completeness.INCOMPLETE)), ("step_incomplete",)),
        ((VERIFIED, _gaps(Completeness.INCOMPLETE, mandatory=False)), ()),
        ((VERIFIED, _gaps(Completeness.INCOMPLETE), _gaps(Completeness.COMPLETE)), ()),
    ],
)
def test_what_speaks_against_an_approval(told: tuple[Fact, ...], words: tuple[str, ...]) -> None:
    """The newest of each kind counts."""
    assert against(_journal(*told)) == words


def test_an_override_wants_two_people() -> None:
    """The first proposes with his grounds, the second confirms; neither can do both, and one can refuse."""
    proposed = sign(_journal(*DOUBTFUL), ANN, Verdict.APPROVED, "a typing error", "m")
    assert proposed == OverrideProposed(ANN, "a typing error", ("check_failed",), "m")
    story = (*DOUBTFUL, proposed)
    assert _refusal(*story) == "second_wanted"
    assert sign(_journal(*story), BEN, Verdict.APPROVED, "seen", "m") == AuditSigned(
        BEN, Verdict.APPROVED, "seen", "m", ANN
    )
    assert sign(_journal(*story), BEN, Verdict.REJECTED, "no", "m") == AuditSigned(
        BEN, Verdict.REJECTED, "no", "m"
    )


def test_a_proposal_counts_for_what_it_knew() -> None:
    """Another record, or more that speaks against it, wants a new proposal."""
    proposed = OverrideProposed(ANN, "a typing error", ("check_failed",), "m")
    story = (*DOUBTFUL, proposed)
    assert isinstance(sign(_journal(*story), BEN, Verdict.APPROVED, "seen", "other"), OverrideProposed)
    worse = (*story, _gaps(Completeness.INCOMPLETE))
    again = sign(_journal(*worse), BEN, Verdict.APPROVED, "seen", "m")
    assert isinstance(again, OverrideProposed)
    assert again.grounds == ("check_failed", "step_incomplete")


def test_a_signed_case_is_reopened_by_reason_and_signed_by_somebody_else() -> None:
    """The signature of before stands no longer, and who gave it does not give the next."""
    signed = AuditSigned(ANN, Verdict.APPROVED, "ok", "m")
    story = (*SOUND, signed, facts.CaseAdvanced(CasePhase.UNDER_AUDIT, CasePhase.APPROVED))
    with pytest.raises(TellerError) as refused:
        reopen(_journal(*story), BEN, " ", DUE)
    assert refused.value.code == "reason_missing"
    reopened = reopen(_journal(*story), BEN, "a complaint came", DUE)
    assert reopened == facts.AuditReopened(BEN, "a complaint came", Verdict.APPROVED, DUE)
    # Cut off before the case was moved: the same wish moves it, and nothing is said twice.
    assert reopen(_journal(*story, reopened), BEN, "a complaint came", DUE) is None
    again = (*story, reopened, facts.CaseAdvanced(CasePhase.APPROVED, CasePhase.UNDER_AUDIT))
    assert signature(_journal(*again)) is None
    assert _refusal(*again, auditor=ANN, verdict=Verdict.REJECTED) == "same_signer"
    assert isinstance(sign(_journal(*again), BEN, Verdict.REJECTED, "no", "m"), AuditSigned)
    with pytest.raises(TellerError, match="only a case with an outcome"):
        reopen(_journal(*again), CAT, "again", DUE)


def test_what_was_not_drawn_is_reopened_as_what_it_was() -> None:
    """Nobody signed it, so anybody from outside may sign it now."""
    left_out = facts.CaseAdvanced(CasePhase.AGENT_DONE, CasePhase.APPROVED, CaseEnd.NOT_DRAWN)
    reopened = reopen(_journal(PASSED, VERIFIED, left_out), ANN, "a complaint came", DUE)
    assert reopened == facts.AuditReopened(ANN, "a complaint came", Verdict.APPROVED, DUE)
    again = (PASSED, VERIFIED, left_out, reopened)
    assert reopen(_journal(*again), ANN, "a complaint came", DUE) is None
    audited = (*again, facts.CaseAdvanced(CasePhase.APPROVED, CasePhase.UNDER_AUDIT))
    assert isinstance(sign(_journal(*audited), ANN, Verdict.REJECTED, "no", "m"), AuditSigned)


def test_a_case_waits_for_those_who_may_say_something_new() -> None:
    """Not for who took part, who proposed, or who gave the signature that was taken back; nor once signed."""
    assert awaits(_journal(*SOUND), ANN)
    assert not awaits(_journal(*SOUND), AGENT)
    assert not awaits(_journal(PASSED, VERIFIED), ANN)
    proposed = sign(_journal(*DOUBTFUL), ANN, Verdict.APPROVED, "ok", "m")
    assert [awaits(_journal(*DOUBTFUL, proposed), who) for who in (ANN, BEN)] == [False, True]
    signed = (
        AuditSigned(ANN, Verdict.APPROVED, "ok", "m"),
        facts.CaseAdvanced(CasePhase.UNDER_AUDIT, CasePhase.APPROVED),
    )
    assert not awaits(_journal(*SOUND, *signed), BEN)
    reopened = facts.AuditReopened(BEN, "why", Verdict.APPROVED)
    again = _journal(*SOUND, *signed, reopened, facts.CaseAdvanced(CasePhase.APPROVED, CasePhase.UNDER_AUDIT))
    assert [awaits(again, who) for who in (ANN, BEN)] == [False, True]


LOOK = Look(0.05, "0f")


def _signed(*told: Fact, auditor: AccountId, verdict: Verdict = Verdict.APPROVED, record: str = "m") -> Fact:
    return sign(_journal(*told), auditor, verdict, "ok", record, LOOK)


def test_two_who_agree_unseen_sign_and_a_third_settles_what_two_do_not() -> None:
    """Either way at first; who has given his verdict gives no other, and nobody is asked twice."""
    for verdict in Verdict:
        first = _signed(*SOUND, auditor=ANN, verdict=verdict)
        assert first == facts.VerdictGiven(ANN, verdict, "ok", "m", 0.05, "0f")
        agreed = _signed(*SOUND, first, auditor=BEN, verdict=verdict)
        assert agreed == AuditSigned(BEN, verdict, "ok", "m", None, ANN)
        with pytest.raises(TellerError) as refused:
            _signed(*SOUND, first, auditor=ANN, verdict=verdict)
        assert refused.value.code == "second_wanted"
        other = Verdict.REJECTED if verdict is Verdict.APPROVED else Verdict.APPROVED
        second = _signed(*SOUND, first, auditor=BEN, verdict=other)
        assert second == facts.VerdictGiven(BEN, other, "ok", "m", 0.05, "0f", verdict)
        assert [awaits(_journal(*SOUND, first, second), who) for who in (ANN, BEN, CAT)] == [
            False,
            False,
            True,
        ]
        for last_word in Verdict:
            third = _signed(*SOUND, first, second, auditor=CAT, verdict=last_word)
            assert third == AuditSigned(CAT, last_word, "ok", "m")


def test_a_second_look_that_began_goes_on_without_its_draw() -> None:
    """A share that was lowered since changes nothing for the case."""
    first = _signed(*SOUND, auditor=ANN)
    assert sign(_journal(*SOUND, first), BEN, Verdict.REJECTED, "no", "m") == facts.VerdictGiven(
        BEN, Verdict.REJECTED, "no", "m", 0.05, "0f", Verdict.APPROVED
    )


def test_only_what_one_could_decide_either_way_is_looked_at_again() -> None:
    """Not an override, which wants two anyway, nor what can only be rejected."""
    assert isinstance(_signed(*DOUBTFUL, auditor=ANN), OverrideProposed)
    assert isinstance(_signed(*DOUBTFUL, auditor=ANN, verdict=Verdict.REJECTED), AuditSigned)
    failed = facts.AgentDecided(AGENT, Outcome.FAILED, "prompting", "")
    told = (failed, VERIFIED, AUDIT)
    assert isinstance(_signed(*told, auditor=ANN, verdict=Verdict.REJECTED), AuditSigned)


def test_a_verdict_on_another_record_or_before_a_reopening_counts_no_more() -> None:
    """The next one is the first again."""
    first = _signed(*SOUND, auditor=ANN)
    again = _signed(*SOUND, first, auditor=ANN, record="another")
    assert again == facts.VerdictGiven(ANN, Verdict.APPROVED, "ok", "another", 0.05, "0f")
    reopened = facts.AuditReopened(BEN, "why", Verdict.APPROVED)
    assert isinstance(_signed(*SOUND, first, reopened, auditor=CAT), facts.VerdictGiven)


def test_a_verdict_is_withheld_from_whoever_has_not_given_his() -> None:
    """Until the case is signed; then the whole story is told."""
    first = _signed(*SOUND, auditor=ANN)
    told = (*SOUND, first)
    assert [withheld(_journal(*told), who) for who in (ANN, BEN, AGENT)] == [set(), {4}, {4}]
    second = _signed(*told, auditor=BEN, verdict=Verdict.REJECTED)
    assert [withheld(_journal(*told, second), who) for who in (ANN, BEN, CAT)] == [set(), set(), {4, 5}]
    third = _signed(*told, second, auditor=CAT)
    assert withheld(_journal(*told, second, third), AGENT) == set()


_MOVES = st.tuples(
    st.sampled_from((AGENT, ANN, BEN, CAT)),
    st.sampled_from(("approved", "rejected", "reopen")),
    st.sampled_from("ok "),
)


@given(st.sampled_from((SOUND, DOUBTFUL)), st.sampled_from((None, LOOK)), st.lists(_MOVES, max_size=12))
def test_whatever_people_try_two_sign_what_is_doubtful(
    begun: tuple[Fact, ...], look: Look | None, moves: list[tuple[AccountId, str, str]]
) -> None:
    """Over any order of attempts: no insider, no empty reason, no override by one, nobody twice in a row,
    and what is drawn for a second look is signed by nobody alone."""
    told = list(begun)
    signatures: list[AuditSigned] = []
    for who, what, reason in moves:
        entries = _journal(*told)
        try:
            if what == "reopen":
                reopened = reopen(entries, who, reason, DUE)
                assert reopened is not None
                told += [reopened, facts.CaseAdvanced(phase_of(entries), CasePhase.UNDER_AUDIT)]
                continue
            if signature(entries) is not None:
                continue
            fact = sign(entries, who, Verdict(what), reason, "m", look)
        except TellerError:
            continue
        told.append(fact)
        assert (who, reason) != (AGENT, " ")
        if isinstance(fact, AuditSigned):
            told.append(facts.CaseAdvanced(CasePhase.UNDER_AUDIT, CasePhase(what)))
            signatures.append(fact)
    for signed in signatures:
        assert signed.auditor != AGENT
        assert signed.pii_reason.strip()
        if signed.verdict is Verdict.APPROVED and begun is DOUBTFUL:
            assert signed.proposed_by not in (None, signed.auditor)
        if look and begun is SOUND:
            assert {fact.auditor for fact in told if isinstance(fact, facts.VerdictGiven)} - {signed.auditor}
    for earlier, later in pairwise(signatures):
        assert earlier.auditor != later.auditor
