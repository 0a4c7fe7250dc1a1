"""Which cases are audited: the draw by itself, what is drawn always, and where a case goes then."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import facts
from contract.facts import GENESIS, AuditDrawn, CaseAdvanced, Entry, Fact, seal_entry
from contract.identity_facts import Decided, SelfChecked
from contract.ids import AccountId, CaseId, CheckId, TenantId
from contract.phases import AccountClass, CaseEnd, CasePhase, CheckVerdict, Outcome
from signaling.sampling import AuditPlan, always_drawn, hand_over, is_drawn, lot, second_look
from signaling.sign_off import Look

KEY, AGENT, DUE = b"k" * 32, AccountId("acct-agent"), 90_000.0
CREATED = facts.CaseCreated(TenantId("tenant-1"), "advice", "service", "王芳")
PASSED = facts.AgentDecided(AGENT, Outcome.PASSED, "", "")
FAILED = facts.AgentDecided(AGENT, Outcome.FAILED, "prompting", "")
VERIFIED = facts.ArchiveVerified("m", 3, 10)
DONE = CaseAdvanced(CasePhase.IN_CALL, CasePhase.AGENT_DONE)
TO_AUDITORS = CaseAdvanced(CasePhase.AGENT_DONE, CasePhase.UNDER_AUDIT)
NONE, SOME, ALL = (AuditPlan("service", 3, share) for share in (0.0, 0.1, 1.0))


def _journal(*told: Fact, case: str = "case-1") -> list[Entry]:
    return [seal_entry(seq, float(seq), CaseId(case), fact, GENESIS) for seq, fact in enumerate(told, 1)]


def _decided(verdict: CheckVerdict, account_class: AccountClass | None = None) -> Decided:
    return Decided(verdict, account_class, (), (), "service", 3, "00")


def _drawn(*told: Fact, plan: AuditPlan = NONE, case: str = "case-1") -> AuditDrawn:
    draw = hand_over(_journal(CREATED, *told, DONE, case=case), plan, KEY, DUE)[0]
    assert isinstance(draw, AuditDrawn)
    return draw


def test_a_draw_says_why_and_until_when() -> None:
    """The whole of what a regulator asks stands in the journal, and the case moves with it."""
    entries = _journal(CREATED, PASSED, VERIFIED, DONE)
    draw, advanced = hand_over(entries, ALL, KEY, DUE)
    assert draw == AuditDrawn(True, 1.0, lot(KEY, "audit", CREATED, entries[0]), (), "service", 3, DUE)
    assert advanced == TO_AUDITORS


def test_what_is_not_drawn_keeps_the_agents_result() -> None:
    """Approved where he let the customer pass, else rejected; nobody has a time to keep."""
    for decision, phase in ((PASSED, CasePhase.APPROVED), (FAILED, CasePhase.REJECTED)):
        draw, advanced = hand_over(_journal(CREATED, decision, VERIFIED, DONE), NONE, KEY, DUE)
        assert isinstance(draw, AuditDrawn)
        assert (draw.drawn, draw.due_at) == (False, None)
        assert advanced == CaseAdvanced(CasePhase.AGENT_DONE, phase, CaseEnd.NOT_DRAWN)


@pytest.mark.parametrize(
    ("told", "grounds"),
    [
        ((VERIFIED,), ()),
        ((), ("record_not_verified",)),
        ((VERIFIED, _decided(CheckVerdict.FAILED)), ("decision_failed",)),
        ((VERIFIED, _decided(CheckVerdict.REVIEW)), ("in_doubt",)),
        ((VERIFIED, _decided(CheckVerdict.PASSED)), ()),
        ((VERIFIED, _decided(CheckVerdict.PASSED, AccountClass.III)), ("account_class",)),
        (
            (VERIFIED, facts.IdNumberChecked(CheckId("c"), "1", CheckVerdict.REVIEW, (), "", "", AGENT)),
            ("in_doubt",),
        ),
    ],
)
def test_what_speaks_against_a_case_draws_it(told: tuple[Fact, ...], grounds: tuple[str, ...]) -> None:
    """Whatever the share is; and so do a doubt, and an account."""
    draw = _drawn(PASSED, *told)
    assert (draw.drawn, draw.grounds) == (bool(grounds), grounds)
    assert always_drawn(_journal(CREATED, PASSED, *told)) == grounds


def test_a_visit_without_an_agent_is_drawn_like_others() -> None:
    """Self-service that passed lets pass as an agent does."""
    alone = SelfChecked(CheckId("check-1"), CheckVerdict.PASSED, 1)
    told = _journal(CREATED, alone, _decided(CheckVerdict.PASSED), VERIFIED, DONE)
    assert hand_over(told, NONE, KEY, DUE)[1] == CaseAdvanced(
        CasePhase.AGENT_DONE, CasePhase.APPROVED, CaseEnd.NOT_DRAWN
    )


def test_a_draw_that_was_cut_off_is_kept() -> None:
    """Whoever takes the work up moves the case, and draws no second time, with whatever plan."""
    entries = _journal(CREATED, PASSED, VERIFIED, DONE)
    draw, advanced = hand_over(entries, NONE, KEY, DUE)
    again = _journal(CREATED, PASSED, VERIFIED, DONE, draw)
    assert hand_over(again, ALL, KEY, DUE) == (advanced,)
    assert hand_over(_journal(CREATED, PASSED, VERIFIED, DONE, draw, advanced), ALL, KEY, DUE) == ()
    assert hand_over(_journal(CREATED), ALL, KEY, DUE) == ()


def test_a_journal_without_a_beginning_is_looked_at() -> None:
    """There is nothing to draw a lot of."""
    draw = hand_over(_journal(PASSED, VERIFIED, DONE), NONE, KEY, DUE)[0]
    assert isinstance(draw, AuditDrawn)
    assert (draw.drawn, draw.lot) == (True, "")


def test_lots_are_the_keys_the_cases_and_the_purposes_own() -> None:
    """The same asks give the same lot; another key, case, bank or purpose gives another."""
    entry, other = _journal(CREATED)[0], _journal(CREATED, case="case-2")[0]
    bank = facts.CaseCreated(TenantId("tenant-2"), "advice", "service", "")
    lots = [
        lot(KEY, "audit", CREATED, entry),
        lot(b"x" * 32, "audit", CREATED, entry),
        lot(KEY, "audit", CREATED, other),
        lot(KEY, "look", CREATED, entry),
        lot(KEY, "audit", bank, entry),
    ]
    assert len(set(lots)) == len(lots)
    assert lot(KEY, "audit", CREATED, entry) == lots[0]
    assert all(len(one) == 16 and int(one, 16) >= 0 for one in lots)


def test_so_many_are_drawn_as_the_plan_says() -> None:
    """Of 4,000 cases a tenth: 400, and with five standard deviations of 19 at most 95 more or less."""
    drawn = sum(_drawn(PASSED, VERIFIED, plan=SOME, case=f"case-{number}").drawn for number in range(4_000))
    assert abs(drawn - 400) < 95


@given(st.integers(0, 16**16 - 1))
def test_all_and_none_are_exact(number: int) -> None:
    """No lot escapes a share of 1, and none falls under 0."""
    assert is_drawn(f"{number:016x}", 1.0)
    assert not is_drawn(f"{number:016x}", 0.0)


def test_a_second_look_has_a_lot_of_its_own() -> None:
    """Whether a case is audited says nothing of whether it is looked at twice."""
    entries, twice = _journal(CREATED), AuditPlan("service", 3, second_look=1.0)
    drawn = lot(KEY, "second look", CREATED, entries[0])
    assert second_look(entries, twice, KEY) == Look(1.0, drawn)
    assert drawn != lot(KEY, "audit", CREATED, entries[0])
    assert second_look(entries, ALL, KEY) is None
    assert second_look(_journal(PASSED), twice, KEY) is None
