"""How an answer is given, from the sound of customer and agent in numbers: how long it takes to come, and
whether all of it is the customer's voice. Pure.

Everything here errs towards saying nothing: what was not heard for certain, because packets were lost or a
microphone was off, is no sign of anything.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from contract.phases import VoiceWord
from kyc.answer_jobs import DISTANCE_MAX, AnswerFinding, HeardSound, JudgeAnswer
from kyc.voice import HOP_S, Numbers, Sound, are_voiced, flatness_of, in_frames, level_of
from kyc.voice_profile import FEATURES, PROFILE_MIN, distance, features

Rows = NDArray[np.float32]
"""(n, COLUMNS), one row for each 20 ms."""
Turn = tuple[int, int]
"""The first frame of a turn and that behind its last."""

KNOWN, LEVEL, FLATNESS, CLEAN, PITCH = range(5)
COLUMNS = PITCH + FEATURES
# Above 0.97 of full scale a converter cuts; five samples of a frame there change its spectrum.
_FULL, _CUT_MAX = 0.97, 5
# What stands behind a loss is still being put together by the decoder.
_AFTER_HOLE = 2
# A microphone that is switched off by the page sends zeros, of which Opus makes one unit at most. No room is
# so still.
_MUTE = 1.5 / 32768
# Opus sends a packet each 400 ms of silence where it is allowed to save (DTX); longer holes are losses.
_HOLE_MAX = 22
# Between two words of one turn.
_PAUSE_MAX = 15
# A short yes; a click or a cough has less of a voice.
_TURN_MIN = 10
# A second voice is compared by pieces of 0.8 s and more: fewer sounds than that do not tell whose they are.
_PIECE = 40
# Where the customer's phone plays the agent aloud, he is heard in the customer's microphone: there and back
# through network and buffers, within a second.
_ECHO = 50
# Who answers may come in before the last syllable is over.
_OVERLAP = 10


def describe(sound: Sound, known: NDArray[np.bool_]) -> Rows:
    """Return the frames of ``sound`` in numbers.

    Whether it came, level in dBFS, flatness, whether it is not cut, and :func:`kyc.voice_profile.features`.
    """
    frames = in_frames(sound)
    rows = np.zeros((len(frames), COLUMNS), np.float32)
    if len(frames):
        came = known[: frames.size].reshape(frames.shape).all(axis=1)
        rows[:, KNOWN] = came & (np.abs(frames).max(axis=1) > _MUTE)
        rows[:, LEVEL], rows[:, FLATNESS] = level_of(frames), flatness_of(frames)
        rows[:, CLEAN] = (np.abs(frames) >= _FULL).sum(axis=1) <= _CUT_MAX
        rows[:, PITCH:] = features(sound)
    return rows


def voice_seconds(rows: Rows) -> float:
    """Return for how long there is a voice."""
    return float(_voiced(rows).sum()) * HOP_S


def judge_answer(job: JudgeAnswer) -> AnswerFinding:
    """Do the job; see :class:`kyc.answer_jobs.JudgeAnswer`."""
    customer, agent = (_on_axis(heard, job.put_at, job.until) for heard in (job.customer, job.agent))
    profile = [_voice_of(rows_of(one)) for one in job.earlier]
    voice = other_voice(np.concatenate([*profile, np.zeros((0, FEATURES))]), customer, agent)
    return AnswerFinding(answer_after(customer, agent), *voice)


def other_voice(profile: Numbers, customer: Rows, agent: Rows) -> tuple[VoiceWord, float, float]:
    """Return whether the customer's ``profile`` was compared, for how many seconds another voice was heard in
    the customer's microphone, and at which distance.

    Pieces of 0.8 s that are further from the profile than DISTANCE_MAX are another one's; the greatest
    distance counts, that of the piece most unlike it. What may be the agent's echo is left out.
    """
    if len(profile) < PROFILE_MIN:
        return VoiceWord.TOO_LITTLE, 0.0, 0.0
    usable = _usable(customer) & ~_echoes(agent)
    pieces = [
        piece for begin, end in _turns(customer) for piece in _pieces(customer[begin:end], usable[begin:end])
    ]
    if not pieces:
        return VoiceWord.NOT_HEARD, 0.0, 0.0
    apart = [(distance(profile, piece), len(piece)) for piece in pieces]
    others = sum(count for one, count in apart if one > DISTANCE_MAX)
    return VoiceWord.COMPARED, round(others * HOP_S, 2), round(max(apart)[0], 3)


def _pieces(rows: Rows, usable: NDArray[np.bool_]) -> list[Numbers]:
    """Return what can be compared of a turn, in pieces of 0.8 to 1.6 s."""
    kept = rows[usable, PITCH:].astype(np.float64)
    count = len(kept) // _PIECE
    return np.array_split(kept, count) if count else []


def _voice_of(rows: Rows) -> Numbers:
    return rows[_usable(rows), PITCH:].astype(np.float64)


def _usable(rows: Rows) -> NDArray[np.bool_]:
    """Tell which frames say whose voice it is: voiced, with a pitch, not cut, and not patched up."""
    known = rows[:, KNOWN] > 0
    return _voiced(rows) & (rows[:, PITCH] > 0) & (rows[:, CLEAN] > 0) & ~_followed(~known, _AFTER_HOLE)


def _echoes(agent: Rows) -> NDArray[np.bool_]:
    """Tell in which frames the agent may be heard on the customer's side."""
    missing = np.zeros(len(agent), np.bool_)
    for first, last, count in _runs(np.flatnonzero(agent[:, KNOWN] == 0), 1):
        missing[first : last + 1] = count > _HOLE_MAX
    # Who was never heard has no track, and no echo either.
    return _followed(_voiced(agent) | (missing & ~missing.all()), _ECHO)


def _followed(frames: NDArray[np.bool_], count: int) -> NDArray[np.bool_]:
    """Return ``frames`` and the ``count`` behind each."""
    # One more in front, as there may be none at all.
    return np.convolve(np.pad(frames, (1, 0)), np.ones(count + 1))[1 : len(frames) + 1] > 0


def answer_after(customer: Rows, agent: Rows) -> float | None:
    """Return how long after the agent's last word before it the customer's first turn came, in seconds.

    Both begin when the question was put; from there it counts when the agent says nothing. None when there
    was no answer, or when either was not heard all the time between.
    """
    asked = _turns(agent)
    for begin, _ in _turns(customer):
        ends = [end for _, end in asked if end <= begin + _OVERLAP]
        # Who speaks while the agent still asks listens, and does not answer yet.
        talked_over = any(first < begin and end > begin + _OVERLAP for first, end in asked)
        if talked_over or (asked and not ends):
            continue
        since = max(ends, default=0)
        heard = _without_holes(customer[since:begin]) and (not asked or _without_holes(agent[since:begin]))
        return round(max(0, begin - since) * HOP_S, 2) if heard else None
    return None


def _on_axis(heard: Sequence[HeardSound], put_at: float, until: float) -> Rows:
    """Return ``heard`` as rows from ``put_at`` to ``until``; what is missing is not known."""
    axis = np.zeros((max(0, round((until - put_at) / HOP_S)), COLUMNS), np.float32)
    for one in heard:
        rows = rows_of(one)
        first = round((one.began_at - put_at) / HOP_S)
        rows, first = rows[max(0, -first) :], max(0, first)
        part = axis[first : first + len(rows)]
        part[:] = rows[: len(part)]
    return axis


def rows_of(heard: HeardSound) -> Rows:
    """Return the numbers in ``heard``."""
    return np.frombuffer(heard.rows, np.float32).reshape(-1, COLUMNS)


def _voiced(rows: Rows) -> NDArray[np.bool_]:
    known = rows[:, KNOWN] > 0
    voiced = np.zeros(len(rows), np.bool_)
    if known.any():
        level, flatness = (rows[known, column].astype(np.float64) for column in (LEVEL, FLATNESS))
        voiced[known] = are_voiced(level, flatness)
    return voiced


def _turns(rows: Rows) -> list[Turn]:
    """Return the turns in which somebody speaks."""
    return [
        (first, last + 1)
        for first, last, count in _runs(np.flatnonzero(_voiced(rows)), _PAUSE_MAX)
        if count >= _TURN_MIN
    ]


def _runs(places: NDArray[np.intp], apart_max: int) -> list[tuple[int, int, int]]:
    """Return first, last and count of the runs in rising ``places`` that are no further apart."""
    cuts = np.flatnonzero(np.diff(places) > apart_max) + 1
    return [(int(run[0]), int(run[-1]), len(run)) for run in np.split(places, cuts) if len(run)]


def _without_holes(rows: Rows) -> bool:
    missing = np.flatnonzero(rows[:, KNOWN] == 0)
    return all(count <= _HOLE_MAX for _, _, count in _runs(missing, 1))
