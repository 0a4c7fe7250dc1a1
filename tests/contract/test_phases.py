"""Phases move only along the tables."""

import itertools

import pytest

from contract.errors import WrongPhase
from contract.phases import (
    CALL_TRANSITIONS,
    CASE_TRANSITIONS,
    CallPhase,
    CasePhase,
    advance_call,
    advance_case,
)


@pytest.mark.parametrize(("now", "to"), list(itertools.product(CasePhase, CasePhase)))
def test_case_moves_exactly_as_the_table_says(now: CasePhase, to: CasePhase) -> None:
    """A listed transition returns its goal, any other raises WrongPhase."""
    if to in CASE_TRANSITIONS[now]:
        assert advance_case(now, to) is to
    else:
        with pytest.raises(WrongPhase):
            advance_case(now, to)


@pytest.mark.parametrize(("now", "to"), list(itertools.product(CallPhase, CallPhase)))
def test_call_moves_exactly_as_the_table_says(now: CallPhase, to: CallPhase) -> None:
    """A listed transition returns its goal, any other raises WrongPhase."""
    if to in CALL_TRANSITIONS[now]:
        assert advance_call(now, to) is to
    else:
        with pytest.raises(WrongPhase):
            advance_call(now, to)


def test_every_open_case_can_expire_or_abort() -> None:
    """From anywhere but an ending a case can end early."""
    for phase, goals in CASE_TRANSITIONS.items():
        if goals - {CasePhase.UNDER_AUDIT} or phase is CasePhase.AGENT_DONE:
            assert {CasePhase.EXPIRED, CasePhase.ABORTED} <= goals, phase


def test_an_account_goes_live_only_from_audit() -> None:
    """APPROVED is reached from UNDER_AUDIT, and from AGENT_DONE where the sampling plan leaves a case out."""
    assert [now for now, goals in CASE_TRANSITIONS.items() if CasePhase.APPROVED in goals] == [
        CasePhase.AGENT_DONE,
        CasePhase.UNDER_AUDIT,
    ]


def test_every_open_call_can_end() -> None:
    """ENDED is reachable in one step from every other call phase."""
    for phase, goals in CALL_TRANSITIONS.items():
        assert phase is CallPhase.ENDED or CallPhase.ENDED in goals
