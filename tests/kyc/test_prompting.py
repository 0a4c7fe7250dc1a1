"""What counts as a sign that somebody prompts, and what does not."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.identity_facts import PromptingSign
from contract.phases import PromptingWord, VoiceWord
from kyc.answer_jobs import DISTANCE_MAX, AnswerFinding
from kyc.pipes import Gaze
from kyc.prompting import AWAY_DEG, PromptingLimits, Spell, beside_s, gaze_off, prompting_signs

LIMITS = PromptingLimits(slow_answer_s=8.0, gaze_off_share=0.5)
QUIET = AnswerFinding(1.0, VoiceWord.NOT_HEARD)
AHEAD, ASIDE = Gaze(3.0, 9.0, 0.3), Gaze(3.0 + AWAY_DEG + 1, 9.0, 0.3)
USUAL = [AHEAD] * 6


def test_nothing_is_no_sign() -> None:
    assert prompting_signs(QUIET, (0.49, 9), 0.0, LIMITS) == ()
    assert prompting_signs(replace(QUIET, answer_s=None), None, 0.0, LIMITS) == ()
    assert prompting_signs(replace(QUIET, answer_s=8.0), None, 0.0, LIMITS) == ()


def test_each_sign_tells_its_number_and_limit() -> None:
    late = replace(QUIET, answer_s=9.5)
    late = replace(late, voice=VoiceWord.COMPARED, other_s=1.4, distance=3.2)
    assert prompting_signs(late, (0.75, 8), 2.5, LIMITS) == (
        PromptingSign(PromptingWord.SLOW_ANSWER, 9.5, 8.0),
        PromptingSign(PromptingWord.GAZE_OFF, 0.75, 0.5, 8),
        PromptingSign(PromptingWord.SECOND_VOICE, 3.2, DISTANCE_MAX, 1.4),
        PromptingSign(PromptingWord.SECOND_FACE, 2.5, 2.0),
    )


@pytest.mark.parametrize(
    ("looks", "found"),
    [
        ([AHEAD] * 5, (0.0, 5)),
        ([ASIDE] * 3 + [AHEAD] * 3, (0.5, 6)),
        ([replace(AHEAD, across=3.0 - AWAY_DEG - 1)] * 5, (1.0, 5)),
        ([replace(AHEAD, down=9.0 + AWAY_DEG + 1)] * 5, (1.0, 5)),
        ([ASIDE] * 4, None),
        # Who blinks looks nowhere.
        ([ASIDE] * 4 + [replace(ASIDE, openness=0.1)] * 4, None),
    ],
)
def test_looks_are_held_against_the_usual_one(looks: list[Gaze], found: tuple[float, int] | None) -> None:
    assert gaze_off(USUAL, looks) == found


def test_without_a_usual_look_nothing_is_elsewhere() -> None:
    assert gaze_off([AHEAD] * 4, [ASIDE] * 20) is None


@given(
    st.floats(-40, 40), st.floats(-40, 40), st.floats(-19.9, 19.9), st.floats(-19.9, 19.9), st.integers(5, 30)
)
def test_whoever_always_looks_aside_is_not_flagged(
    across: float, down: float, more: float, lower: float, count: int
) -> None:
    """A phone beside a screen, or eyes of another shape: what is usual for one is no sign."""
    looks = [Gaze(across + more, down + lower, 0.2)] * count
    assert gaze_off([Gaze(across, down, 0.2)] * 7, looks) == (0.0, count)


@pytest.mark.parametrize(
    ("spells", "seconds"),
    [
        ([], 0.0),
        ([Spell(1.0, 9.0)], 0.0),
        ([Spell(31.0)], 0.0),
        ([Spell(8.0, 12.5)], 2.5),
        ([Spell(12.0, 14.0), Spell(28.0)], 4.0),
        ([Spell(0.0)], 20.0),
    ],
)
def test_a_second_face_counts_while_the_question_stands(spells: list[Spell], seconds: float) -> None:
    assert beside_s(spells, 10.0, 30.0) == seconds
