"""The verdict over several frames' passive scores."""

from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.phases import CheckVerdict
from kyc.calibration import SHIPPED, read_card
from kyc.passive_verdict import FRAMES_MIN, passive_verdict

CARD = read_card(SHIPPED / "minifasnet-pair.json")
PASSED, REVIEW, FAILED = CheckVerdict.PASSED, CheckVerdict.REVIEW, CheckVerdict.FAILED
scores = st.lists(st.floats(0, 1), min_size=FRAMES_MIN, max_size=60)


@pytest.mark.parametrize(
    ("values", "share", "verdict", "reason"),
    [
        ([0.9] * 10, 0.3, PASSED, ""),
        ([0.9] * 9, 0.3, REVIEW, "too_few_frames"),
        ([], 0.3, REVIEW, "too_few_frames"),
        ([0.4] * 10, 0.3, REVIEW, "score_in_doubt"),
        ([0.1] * 10, 0.3, FAILED, "score_too_low"),
        ([0.9] * 10, 0.19, REVIEW, "face_too_small"),
        ([0.9] * 10, 0.46, REVIEW, "face_too_large"),
        ([0.1] * 10, 0.46, REVIEW, "face_too_large"),
        ([0.9] * 8 + [0.1] * 2, 0.3, REVIEW, "scores_scattered"),
        ([0.5] * 10, 0.3, PASSED, ""),
        ([0.25] * 10, 0.3, REVIEW, "score_in_doubt"),
    ],
)
def test_verdicts(values: list[float], share: float, verdict: CheckVerdict, reason: str) -> None:
    found = passive_verdict(values, [share] * len(values), CARD)
    assert (found.verdict, found.reason) == (verdict, reason)


def test_without_a_card_nothing_is_decided() -> None:
    assert passive_verdict([0.9] * 20, [0.3] * 20, None)[:2] == (REVIEW, "no_model")


@given(scores)
def test_one_frame_never_decides(values: list[float]) -> None:
    found = passive_verdict(values, [0.3] * len(values), CARD)
    assert found.median == pytest.approx(median(values))
    assert 0 <= found.spread <= 1
    if found.verdict is PASSED:
        assert sum(value >= 0.5 for value in values) >= len(values) / 2
    if found.verdict is FAILED:
        assert sum(value < 0.25 for value in values) >= len(values) / 2


@given(scores, st.floats(0, 0.5))
def test_better_scores_never_make_it_worse(values: list[float], more: float) -> None:
    rank = [FAILED, REVIEW, PASSED]
    shares = [0.3] * len(values)
    better = [min(1.0, value + more) for value in values]
    before, after = passive_verdict(values, shares, CARD), passive_verdict(better, shares, CARD)
    assert rank.index(after.verdict) >= rank.index(before.verdict)
