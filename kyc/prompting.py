"""Signs that somebody tells the customer what to answer, in what was heard and seen of one question. Pure.

None of them shows that somebody prompts: who thinks, reads the question again or looks at a child does the
same. They are advice to the agent, and refuse nobody.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from contract.identity_facts import PromptingSign
from contract.phases import PromptingWord
from kyc.answer_jobs import DISTANCE_MAX, AnswerFinding
from kyc.continuity import LASTS_S
from kyc.pipes import Gaze

# A phone at arm's length is seen under 10 degrees to each side, a laptop under 20; who sits beside, or a
# paper on the table, is at 30 and more. See docs/identity.md for how sure the angles are.
AWAY_DEG = 20.0
# Of fewer looks a share says nothing; they come once a second.
LOOKS_MIN = 5
# Lids that are half shut hide where the eyes look: a blink.
_OPEN_MIN = 0.5


@dataclass(frozen=True, slots=True)
class PromptingLimits:
    """From where on it is a sign: seconds until the answer, and the share of looks that went elsewhere."""

    slow_answer_s: float = 8.0
    gaze_off_share: float = 0.5


@dataclass(frozen=True, slots=True)
class Spell:
    """A second face in the picture, in seconds UTC; ``ended`` is infinite while it is there."""

    began: float
    ended: float = math.inf


def gaze_off(usual: Sequence[Gaze], looks: Sequence[Gaze]) -> tuple[float, int] | None:
    """Return the share of ``looks`` that went elsewhere than the ``usual`` ones, and of how many.

    None when there are too few of either.
    """
    if len(usual) < LOOKS_MIN:
        return None
    openness = median(gaze.openness for gaze in usual)
    seen = [gaze for gaze in looks if gaze.openness >= _OPEN_MIN * openness]
    if len(seen) < LOOKS_MIN:
        return None
    across, down = median(gaze.across for gaze in usual), median(gaze.down for gaze in usual)
    away = sum(max(abs(gaze.across - across), abs(gaze.down - down)) > AWAY_DEG for gaze in seen)
    return round(away / len(seen), 3), len(seen)


def beside_s(spells: Sequence[Spell], began: float, ended: float) -> float:
    """Return how many seconds between ``began`` and ``ended`` a second face was there."""
    seconds = sum(max(0.0, min(spell.ended, ended) - max(spell.began, began)) for spell in spells)
    return round(seconds, 2)


def prompting_signs(
    answer: AnswerFinding, gaze: tuple[float, int] | None, face_s: float, limits: PromptingLimits
) -> tuple[PromptingSign, ...]:
    """Return what is over its limit."""
    found: list[PromptingSign] = []
    if answer.answer_s is not None and answer.answer_s > limits.slow_answer_s:
        found.append(PromptingSign(PromptingWord.SLOW_ANSWER, answer.answer_s, limits.slow_answer_s))
    if gaze is not None and gaze[0] >= limits.gaze_off_share:
        found.append(PromptingSign(PromptingWord.GAZE_OFF, gaze[0], limits.gaze_off_share, gaze[1]))
    if answer.other_s > 0:
        sign = PromptingWord.SECOND_VOICE
        found.append(PromptingSign(sign, answer.distance, DISTANCE_MAX, answer.other_s))
    if face_s > 0:
        found.append(PromptingSign(PromptingWord.SECOND_FACE, face_s, LASTS_S))
    return tuple(found)
