"""The verdict on passive liveness over several frames. Pure, and without numpy: the server loads it.

The thresholds are those of the calibration card of exactly the models that scored.
"""

from collections.abc import Sequence
from statistics import median, quantiles
from typing import NamedTuple

from contract.phases import CheckVerdict
from kyc.calibration import Card

# What the card's figures were measured with.
FRAMES_MIN = 10
# Outside these shares of the picture's width the surroundings are not those the scores were measured with.
SHARE_MIN, SHARE_MAX = 0.20, 0.45


class PassiveFinding(NamedTuple):
    """The verdict; ``median`` and ``spread`` (10th to 90th percentile) of the scores, 0 to 1.

    Reasons, empty when passed: ``no_model`` (no calibration card), ``too_few_frames``,
    ``face_too_small``, ``face_too_large``, ``score_in_doubt``, ``scores_scattered`` (a tenth of the
    frames is below the review threshold), all REVIEW; ``score_too_low`` (FAILED).
    """

    verdict: CheckVerdict
    reason: str
    median: float
    spread: float


def passive_verdict(scores: Sequence[float], shares: Sequence[float], card: Card | None) -> PassiveFinding:
    """Judge ``scores`` of faces that are ``shares`` of the picture's width wide, one each a frame."""
    if card is None or len(scores) < FRAMES_MIN:
        reason = "no_model" if card is None else "too_few_frames"
        return PassiveFinding(CheckVerdict.REVIEW, reason, median(scores) if scores else 0.0, 0.0)
    tenths = quantiles(scores, n=10, method="inclusive")
    low, middle, high = tenths[0], median(scores), tenths[-1]
    verdict, reason = _judged(low, middle, median(shares), card)
    return PassiveFinding(verdict, reason, middle, high - low)


def _judged(low: float, middle: float, share: float, card: Card) -> tuple[CheckVerdict, str]:
    accept, review = card.point("accept").threshold, card.point("review").threshold
    if share < SHARE_MIN:
        return CheckVerdict.REVIEW, "face_too_small"
    if share > SHARE_MAX:
        return CheckVerdict.REVIEW, "face_too_large"
    if middle < review:
        return CheckVerdict.FAILED, "score_too_low"
    if middle < accept:
        return CheckVerdict.REVIEW, "score_in_doubt"
    return (CheckVerdict.REVIEW, "scores_scattered") if low < review else (CheckVerdict.PASSED, "")
