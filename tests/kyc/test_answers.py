"""How long an answer takes, from sound that came, that came late, and that did not come."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from contract.phases import VoiceWord
from contract.ports import EncodedFrame
from kyc.answer_jobs import DISTANCE_MAX, AnswerFinding, HeardSound, HearSound, JudgeAnswer
from kyc.answers import COLUMNS, KNOWN, LEVEL, PITCH, Rows, answer_after, describe, judge_answer, other_voice
from kyc.models import Models
from kyc.packs import find_pack
from kyc.sound import answer_hear_sound, answer_judge_answer, decode_known
from kyc.voice import HOP_S, RATE, Sound
from tests.kyc.speakers import Speaker, speech
from tests.kyc.talking import Syllable, said
from tests.kyc.test_sound import packets

# One frame of 20 ms.
NEAR = 0.06


def spoken(*turns: tuple[float, float], seconds: float = 20.0, seed: int = 1) -> Sound:
    """Return somebody who speaks from each ``begin`` to ``end``, four syllables a second."""
    syllables = tuple(
        Syllable(float(at), 0.2, 0.3, number % 5)
        for begin, end in turns
        for number, at in enumerate(np.arange(begin, end - 0.1, 0.25))
    )
    return said(syllables, np.random.default_rng(seed), seconds)


def rows(*turns: tuple[float, float], seconds: float = 20.0) -> Rows:
    sound = spoken(*turns, seconds=seconds)
    return describe(sound, np.ones(len(sound), np.bool_))


def without(heard: Rows, begin: float, end: float) -> Rows:
    """Return ``heard`` as if its packets from ``begin`` to ``end`` had been lost."""
    cut = heard.copy()
    cut[round(begin / HOP_S) : round(end / HOP_S)] = 0
    return cut


@pytest.mark.parametrize(
    ("agent", "customer", "seconds"),
    [
        ([(1, 4)], [(5.5, 7)], 1.55),
        ([(1, 4)], [(14, 15)], 10.05),
        # Whoever is asked again answers what was asked last.
        ([(1, 4), (9, 11)], [(13, 15)], 2.05),
        # A short "yes" while the agent still speaks is no answer.
        ([(1, 6)], [(2, 2.5), (9, 10)], 3.05),
        # Nor is what is said before the agent has asked.
        ([(4, 6)], [(1, 2), (9, 10)], 3.05),
        # Coming in on the last syllable is quick, not early.
        ([(1, 4)], [(3.9, 6)], 0.0),
        # An agent who says nothing has asked when the question was put.
        ([], [(3, 4)], 3.0),
        ([(1, 4)], [], None),
        ([(1, 10)], [(3, 4)], None),
    ],
)
def test_an_answer_counts_from_the_agents_last_word(
    agent: list[tuple[float, float]], customer: list[tuple[float, float]], seconds: float | None
) -> None:
    found = answer_after(rows(*customer), rows(*agent))
    assert found == (None if seconds is None else pytest.approx(seconds, abs=NEAR))


def test_what_was_not_heard_is_not_waited_for() -> None:
    """Lost packets, of either, between question and answer: nobody knows how long it took."""
    agent, customer = rows((1, 4)), rows((14, 15))
    assert answer_after(without(customer, 8, 8.6), agent) is None
    assert answer_after(customer, without(agent, 8, 8.6)) is None
    # Silence that is sent sparingly, and single losses, are no holes.
    assert answer_after(without(customer, 8, 8.4), without(agent, 9, 9.4)) == pytest.approx(10.05, abs=NEAR)


def test_a_microphone_that_is_off_says_nothing() -> None:
    sound = spoken((14, 15))
    sound[: 10 * RATE] = np.random.default_rng(1).integers(-1, 2, 10 * RATE)
    muted = describe(sound, np.ones(len(sound), np.bool_))
    assert not muted[:499, KNOWN].any() and muted[501:, KNOWN].all()
    assert answer_after(muted, rows((1, 4))) is None
    assert answer_after(without(rows(), 0, 20), without(rows(), 0, 20)) is None
    assert answer_after(np.zeros((0, COLUMNS), np.float32), rows((1, 4))) is None


def test_a_click_is_no_answer() -> None:
    sound = spoken((14, 15))
    sound[6 * RATE : 6 * RATE + 2000] = 20_000
    assert answer_after(describe(sound, np.ones(len(sound), np.bool_)), rows((1, 4))) == pytest.approx(
        10.05, abs=NEAR
    )


def test_a_frame_counts_as_heard_when_all_of_it_came() -> None:
    sound = spoken((0, 1), seconds=1.0)
    known = np.ones(len(sound), np.bool_)
    known[5 * 960 + 3] = False
    described = describe(sound, known)
    assert described.shape == (50, COLUMNS)
    assert np.flatnonzero(described[:, KNOWN] == 0).tolist() == [5]
    assert described[:, LEVEL].max() > -30
    assert describe(sound[:0], known[:0]).shape == (0, COLUMNS)


def later(frames: tuple[EncodedFrame, ...], seconds: float) -> tuple[EncodedFrame, ...]:
    return tuple(replace(frame, arrived_at=frame.arrived_at + seconds) for frame in frames)


def heard(sound: NDArray[np.int16], at: float) -> tuple[HeardSound, ...]:
    """Return ``sound``, which began ``at`` a second and is described by stretches of 4 s."""
    models, sent = Models(find_pack(None)), list(packets(sound))
    found = []
    for begin in range(0, 1000, 200):
        lead = min(begin, 4)
        first, stretch = sent[begin - lead : begin - lead + 1], tuple(sent[begin - lead : begin + 200])
        if stretch:
            began = at + (first[0].timestamp - sent[0].timestamp) / RATE
            found.append(answer_hear_sound(models, HearSound(stretch, began, lead * HOP_S)))
    return tuple(found)


def test_after_opus_and_in_stretches_it_is_the_same() -> None:
    put_at = 5_000.0
    customer, agent = heard(spoken((9, 11)), put_at - 1), heard(spoken((2, 5), seed=2), put_at - 1)
    assert sum(one.voice_s for one in customer) == pytest.approx(1.6, abs=0.4)
    job = JudgeAnswer(put_at, put_at + 15, customer, agent)
    found = answer_judge_answer(Models(find_pack(None)), job)
    assert found == judge_answer(job)
    assert found.answer_s == pytest.approx(4.05, abs=0.1)
    # Of what came before and after the question nothing counts.
    assert judge_answer(replace(job, until=put_at + 7.5)).answer_s is None
    assert judge_answer(replace(job, until=put_at - 1)).answer_s is None


def test_what_was_lost_is_known_to_be_lost() -> None:
    sent = list(packets(spoken((0, 2), seconds=2.0)))
    del sent[7:9]
    sound, known = decode_known(sent)
    assert len(sound) == len(known)
    assert not known[7 * 960 : 9 * 960].any() and known[9 * 960 :].all()
    assert [len(part) for part in decode_known(())] == [0, 0]


CUSTOMER, OTHER = Speaker(120.0, 1.0), Speaker(205.0, 1.22)
PUT_AT = 5_000.0
QUIET = np.zeros(2 * RATE, np.int16)
EARLIER = speech(CUSTOMER, 16.0, seed=1)


def own(seconds: float = 3.0) -> Sound:
    return speech(CUSTOMER, seconds, seed=5)


def others(seconds: float = 3.0) -> Sound:
    return speech(OTHER, seconds, seed=6)


def voices(sound: Sound, *, agent: Sound = QUIET[:0], earlier: Sound = EARLIER) -> AnswerFinding:
    """Return what is found in a question's ``sound``, all of it by way of Opus."""
    before = heard(earlier, PUT_AT - 100)
    return judge_answer(JudgeAnswer(PUT_AT, PUT_AT + 20, heard(sound, PUT_AT), heard(agent, PUT_AT), before))


def test_another_voice_is_found_and_told_in_seconds() -> None:
    found = voices(np.concatenate([QUIET, own(), QUIET, others()]))
    assert found.voice is VoiceWord.COMPARED
    assert found.other_s == pytest.approx(2.2, abs=0.7) and found.distance > DISTANCE_MAX


def test_the_customers_own_voice_is_no_other() -> None:
    found = voices(np.concatenate([QUIET, own(), QUIET, own(4.0)]))
    assert (found.voice, found.other_s) == (VoiceWord.COMPARED, 0.0)
    assert 0 < found.distance < DISTANCE_MAX


@pytest.mark.parametrize(
    ("sound", "earlier", "word"),
    [
        (np.concatenate([QUIET, others()]), speech(CUSTOMER, 6.0, seed=1), VoiceWord.TOO_LITTLE),
        (np.concatenate([QUIET, others()]), QUIET[:0], VoiceWord.TOO_LITTLE),
        # A word of another one's is too short to tell.
        (np.concatenate([QUIET, others(0.7), QUIET]), EARLIER, VoiceWord.NOT_HEARD),
        (QUIET, EARLIER, VoiceWord.NOT_HEARD),
        (QUIET[:0], EARLIER, VoiceWord.NOT_HEARD),
    ],
)
def test_where_there_is_too_little_nothing_is_guessed(sound: Sound, earlier: Sound, word: VoiceWord) -> None:
    found = voices(sound, earlier=earlier)
    assert (found.voice, found.other_s, found.distance) == (word, 0.0, 0.0)


def test_a_voice_that_is_cut_is_not_compared() -> None:
    loud = np.clip(own(4.0).astype(np.int32) * 40, -32_768, 32_767).astype(np.int16)
    assert voices(np.concatenate([QUIET, loud])).other_s == 0


def test_the_agents_echo_is_not_another_voice() -> None:
    """A phone without echo cancellation plays the agent aloud, and hears him half a second later."""
    agent = np.concatenate([QUIET, others(), QUIET, QUIET])
    late = np.concatenate([QUIET, QUIET[: RATE // 2], others(), QUIET])
    assert voices(late, agent=agent).other_s == 0
    assert voices(late, agent=np.zeros_like(agent)).other_s > 0


def test_where_the_agent_was_lost_an_echo_is_not_ruled_out() -> None:
    sound = np.concatenate([QUIET, QUIET, others()])
    customer, profile = heard_rows(sound), heard_rows(EARLIER)[:, PITCH:].astype(np.float64)
    agent = rows(seconds=len(customer) * HOP_S)
    profile = profile[profile[:, 0] > 0]
    assert other_voice(profile, customer, agent)[1] > 0
    assert other_voice(profile, customer, without(agent, 3.5, 7.0))[1] == 0
    assert other_voice(profile, without(customer, 0, 7), agent)[0] is VoiceWord.NOT_HEARD


def heard_rows(sound: Sound) -> Rows:
    return describe(sound, np.ones(len(sound), np.bool_))
