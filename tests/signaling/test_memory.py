"""What is remembered of a customer's earlier cases, and when enough is enough."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from contract.fact import Fact
from contract.facts import GENESIS, CaseAdvanced, Entry, FacesCompared, seal_entry
from contract.identity_facts import (
    ChallengeDrawn,
    CodeSent,
    DocumentRead,
    LivenessStarted,
    PortraitsCompared,
    QuestionDrawn,
    SelfCheckStarted,
)
from contract.ids import AccountId, CallId, CaseId, CheckId, EvidenceId
from contract.phases import CasePhase, CheckVerdict, CodeChannel, DocumentKind, LivenessKind
from signaling.memory import Memory, locked_until, remember

ANNA = AccountId("acct-a")
CALL, CHECK, EV = CallId("call-1"), CheckId("check-1"), EvidenceId("ev-1")


def journal(*facts: Fact, at: float = 10.0) -> list[Entry]:
    return [seal_entry(seq, at + seq, CaseId("case-1"), fact, GENESIS) for seq, fact in enumerate(facts)]


def drawn(*steps: str) -> Fact:
    return ChallengeDrawn(CALL, CHECK, 1, steps, "", "00", 20.0, 3)


def question(name: str) -> Fact:
    return QuestionDrawn(CALL, CHECK, name, (name,), "0", "", "", "")


def test_everything_is_remembered() -> None:
    """Orders by try and by case, tries by kind with their times."""
    first = journal(
        LivenessStarted(CALL, CHECK, LivenessKind.GESTURES, 1, False, AccountId("acct-a")),
        drawn("nod", "blink"),
        drawn("blink", "nod"),
        question("a"),
        question("b"),
        CodeSent(CALL, CHECK, CodeChannel.SMS, "", 0.0, 3, ""),
        CaseAdvanced(CasePhase.CREATED, CasePhase.PRE_CALL),
        FacesCompared(
            CHECK, EV, EV, None, "", "", "", 0.0, 0.0, 0.0, CheckVerdict.REVIEW, "", AccountId("acct-a")
        ),
    )
    second = journal(
        question("c"),
        DocumentRead(None, CHECK, EV, None, "front", DocumentKind.CN_ID, (), (), ()),
        SelfCheckStarted(CHECK, 1, ""),
        PortraitsCompared(
            None, CHECK, EV, EV, None, None, (), 1, (), 0.0, 0.0, "", (), CheckVerdict.REVIEW, "", None
        ),
        at=50.0,
    )
    assert remember([first, second, []]) == Memory(
        gestures=(("nod", "blink"), ("blink", "nod")),
        questions=(("a", "b"), ("c",)),
        tries={
            "gestures": (10.0,),
            "code": (15.0,),
            "document": (51.0,),
            "self_check": (52.0,),
            "portraits": (17.0, 53.0),
        },
    )


def test_locked_until() -> None:
    """Three in a day; the fourth a day after the first of them."""
    tries = [0.0, 100.0, 200.0, 300.0]
    assert locked_until(tries[:2], 3, 1_000.0, 400.0) is None
    assert locked_until(tries[:3], 3, 1_000.0, 400.0) == 1_000.0
    assert locked_until(tries, 3, 1_000.0, 400.0) == 1_100.0
    assert locked_until(tries[:3], 3, 1_000.0, 1_000.0) is None


@given(st.lists(st.floats(0, 10_000), max_size=20), st.integers(1, 5), st.floats(1, 5_000))
def test_never_more_than_allowed(tries: Iterable[float], most: int, cool_down_s: float) -> None:
    """Whoever keeps to it makes no more than ``most`` tries in any cool-down, and waits no longer."""
    made: list[float] = []
    for at in sorted(tries):
        if locked_until(made, most, cool_down_s, at) is None:
            made.append(at)
    for at in made:
        assert sum(one <= at < one + cool_down_s for one in made) <= most
    until = locked_until(made, most, cool_down_s, 10_000.0)
    if until is not None:
        assert 10_000.0 < until <= 10_000.0 + cool_down_s
        assert locked_until(made, most, cool_down_s, until) is None
