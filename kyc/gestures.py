"""Gestures from traces: what a head did, told from numbers per frame. Pure.

A gesture is always an excursion: it starts from rest, goes far enough for long enough, and comes back.
So neither a still picture nor a picture of somebody who is already turned shows one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from contract.identity_facts import SpokenScores
from kyc.traces import Gesture, GestureFinding, Trace
from kyc.voice import Speech, in_step

Numbers = NDArray[np.float64]


# The operating point of the five excursions below, measured on 27 clips: every deliberate turn that was
# visible was found, and none in the 17 clips without one; nods in none of 16 clips without one; mouth 2
# of 2; blinks 3 of 3 and 4 of 4 at 25 frames a second, fewer below that.
TURN_DEG, TURN_REST_DEG, TURN_MIN_S = 15.0, 8.0, 0.2
NOD_DEG, NOD_REST_DEG, NOD_MIN_S = 10.0, 5.0, 0.2
MOUTH, MOUTH_REST, MOUTH_MIN_S = 0.35, 0.28, 0.15
# Over the person's usual: a smile on a print that was tilted aslant went from 0.25 to 0.39.
MOUTH_MORE, MOUTH_MORE_REST = 0.2, 0.08
BLINK_DEPTH, BLINK_REST, BLINK_MAX_S = 0.4, 0.25, 0.6
# Eyes measured on a turned or moving head close without being shut.
BLINK_YAW_DEG, BLINK_PITCH_DEG = 15.0, 6.0
# Looking up stretches a smile: 0.23 became 0.32 at 10 degrees.
MOUTH_YAW_DEG, MOUTH_PITCH_DEG = 25.0, 15.0
FRONT_DEG = 15.0
EYES_SHUT_P = 0.5
# The fastest turn on the measured clips was 160 degrees a second; a swapped picture jumps by 15 in one frame.
SPEED_MAX_DEG_S = 500.0
# Landmarks of a face 60 pixels wide (0.12 of 480) still followed every turn.
FACE_SHARE_MIN = 0.1
FRAMES_MIN = 5
# Turns, nods and mouths were found the same at 10 frames a second; a hole of half a second hides a turn.
INTERVAL_MAX_S = 0.15
GAP_MAX_S = 0.5
NO_FACE_SHARE_MAX, SEVERAL_FACES_SHARE_MAX = 0.3, 0.1

# What fails a try when it comes before the gesture that was asked. People blink all the time; speaking
# moves mouth and head, and a jaw that drops takes the head along.
_TURNS = frozenset({Gesture.TURN_LEFT, Gesture.TURN_RIGHT})
_WRONG: Mapping[Gesture, frozenset[Gesture]] = {
    Gesture.TURN_LEFT: frozenset({Gesture.TURN_RIGHT, Gesture.NOD, Gesture.OPEN_MOUTH}),
    Gesture.TURN_RIGHT: frozenset({Gesture.TURN_LEFT, Gesture.NOD, Gesture.OPEN_MOUTH}),
    Gesture.NOD: _TURNS | {Gesture.OPEN_MOUTH},
    Gesture.BLINK: _TURNS | {Gesture.NOD, Gesture.OPEN_MOUTH},
    Gesture.OPEN_MOUTH: _TURNS,
    Gesture.SAY_DIGITS: _TURNS,
}


@dataclass(frozen=True, slots=True, eq=False)
class _Columns:
    at: Numbers
    yaw: Numbers
    pitch: Numbers
    eye: Numbers
    shut: Numbers
    mouth: Numbers


def judge(gesture: Gesture, traces: Sequence[Trace], speech: Speech | None = None) -> GestureFinding:
    """Tell whether ``gesture`` is in ``traces`` (rising ``at``), whatever else is.

    ``speech`` is the sound of the same stretch on the same clock, needed for ``say_digits``.
    """
    columns = _read(traces)
    if isinstance(columns, str):
        return GestureFinding(False, None, columns)
    return _find(gesture, columns, speech)


def judge_step(asked: Gesture, traces: Sequence[Trace], speech: Speech | None = None) -> GestureFinding:
    """Tell whether ``asked`` is in ``traces`` and no wrong gesture was over before it."""
    columns = _read(traces)
    if isinstance(columns, str):
        return GestureFinding(False, None, columns)
    finding = _find(asked, columns, speech)
    until = np.inf if finding.at is None else finding.at
    if any(at < until for wrong in sorted(_WRONG[asked]) for at in _DETECTORS[wrong](columns)):
        return GestureFinding(False, None, "wrong_gesture")
    return finding


def _read(traces: Sequence[Trace]) -> _Columns | str:
    """Return ``traces`` by column, or why they cannot be judged."""
    problem = _problem(traces)
    if problem:
        return problem
    columns = _columns(traces)
    if columns is None:
        return "not_facing_front"
    return columns if repeats(traces) is None else "repeats"


def _find(gesture: Gesture, columns: _Columns, speech: Speech | None) -> GestureFinding:
    if gesture is Gesture.SAY_DIGITS:
        return _digits_said(columns, speech)
    at = next(_DETECTORS[gesture](columns), None)
    return GestureFinding(at is not None, at, "" if at is not None else "not_seen")


def _problem(traces: Sequence[Trace]) -> str:
    if len(traces) < FRAMES_MIN:
        return "too_few_frames"
    counts = np.array([trace.face_count for trace in traces])
    if (counts > 1).mean() > SEVERAL_FACES_SHARE_MAX:
        return "several_faces"
    if (counts == 0).mean() > NO_FACE_SHARE_MAX:
        return "no_face"
    if np.median(np.diff([trace.at for trace in traces])) > INTERVAL_MAX_S:
        return "too_few_frames"
    shares = [trace.face_width_share for trace in traces if trace.face_count == 1]
    return "face_too_small" if np.median(shares) < FACE_SHARE_MIN else ""


def _columns(traces: Sequence[Trace]) -> _Columns | None:
    rows = np.array(
        [(t.at, t.yaw, t.pitch, t.eye, t.eye_closed_p, t.mouth) for t in traces if t.face_count == 1], float
    )
    front = rows[np.abs(rows[:, 1]) < FRONT_DEG]
    if len(front) < FRAMES_MIN:
        return None
    at, yaw, pitch, eye, shut, mouth = rows.T
    # A phone is held low and to a side: angles count from how the head usually is.
    return _Columns(at, yaw - np.median(front[:, 1]), pitch - np.median(front[:, 2]), eye, shut, mouth)


def _excursions(values: Numbers, rest: float) -> Iterator[slice]:
    """Yield every stretch of ``values`` that leaves ``rest`` and comes back, both ends included."""
    at_rest = np.flatnonzero(values < rest)
    return (slice(a, b + 1) for a, b in pairwise(at_rest.tolist()) if b - a > 1)


def _seconds_above(at: Numbers, values: Numbers, level: float) -> float:
    """Return for how long ``values``, straight between its points, is above ``level``."""
    low, high = np.minimum(values[:-1], values[1:]), np.maximum(values[:-1], values[1:])
    share = np.clip((high - level) / np.maximum(high - low, 1e-9), 0.0, 1.0)
    return float((share * np.diff(at)).sum())


def _unbroken(at: Numbers, degrees: Numbers) -> bool:
    steps = np.diff(at)
    speed = np.abs(np.diff(degrees)) / np.maximum(steps, 1e-3)
    jumps = (speed > SPEED_MAX_DEG_S) & (np.abs(np.diff(degrees)) >= NOD_DEG)
    return bool(steps.max() <= GAP_MAX_S and not jumps.any())


def _turns(sign: float) -> Callable[[_Columns], Iterator[float]]:
    def found(columns: _Columns) -> Iterator[float]:
        turned = sign * columns.yaw
        for part in _excursions(turned, TURN_REST_DEG):
            at, values = columns.at[part], turned[part]
            if _seconds_above(at, values, TURN_DEG) >= TURN_MIN_S and _unbroken(at, values):
                yield float(at[-1])

    return found


def _nods(columns: _Columns) -> Iterator[float]:
    for part in _excursions(columns.pitch, NOD_REST_DEG):
        at, values = columns.at[part], columns.pitch[part]
        facing = np.abs(columns.yaw[part]).max() < FRONT_DEG
        if facing and _seconds_above(at, values, NOD_DEG) >= NOD_MIN_S and _unbroken(at, values):
            yield float(at[-1])


def _openings(columns: _Columns) -> Iterator[float]:
    usual = float(np.percentile(columns.mouth, 30))
    rest, level = max(MOUTH_REST, usual + MOUTH_MORE_REST), max(MOUTH, usual + MOUTH_MORE)
    for part in _excursions(columns.mouth, rest):
        at = columns.at[part]
        sideways, upwards = np.abs(columns.yaw[part]).max(), np.abs(columns.pitch[part]).max()
        facing = sideways < MOUTH_YAW_DEG and upwards < MOUTH_PITCH_DEG
        long_enough = _seconds_above(at, columns.mouth[part], level) >= MOUTH_MIN_S
        if facing and long_enough and np.diff(at).max() <= GAP_MAX_S:
            yield float(at[-1])


def _blinks(columns: _Columns) -> Iterator[float]:
    facing = np.abs(columns.yaw) < BLINK_YAW_DEG
    usual = float(np.percentile(columns.eye[facing], 80))
    depth = 1.0 - columns.eye / max(usual, 1e-6)
    for part in _excursions(depth, BLINK_REST):
        at = columns.at[part]
        steady = facing[part].all() and np.ptp(columns.pitch[part]) < BLINK_PITCH_DEG
        shut = depth[part].max() >= BLINK_DEPTH and columns.shut[part].max() >= EYES_SHUT_P
        short = _seconds_above(at, depth[part], BLINK_DEPTH) <= BLINK_MAX_S
        if steady and shut and short and np.diff(at).max() <= GAP_MAX_S:
            yield float(at[-1])


_DETECTORS: Mapping[Gesture, Callable[[_Columns], Iterator[float]]] = {
    Gesture.TURN_LEFT: _turns(-1.0),
    Gesture.TURN_RIGHT: _turns(1.0),
    Gesture.NOD: _nods,
    Gesture.BLINK: _blinks,
    Gesture.OPEN_MOUTH: _openings,
}


def _digits_said(columns: _Columns, speech: Speech | None) -> GestureFinding:
    if speech is None:
        return GestureFinding(False, None, "no_sound")
    found = in_step(speech, columns.at, columns.mouth)
    scores = SpokenScores(
        voice_s=round(found.voice_s, 2),
        bursts=found.bursts,
        moved=round(found.moved, 3),
        r=round(found.r, 3),
        lag_s=found.lag_s,
    )
    seen = not found.reason
    return GestureFinding(seen, speech.ends_at if seen else None, found.reason, scores)


# One degree and 0.02 are what the numbers of a still face vary by after VP8 at 250 kbps.
_NOISE = np.array((1.0, 1.0, 0.02, 0.02))
# A frame at 25 a second: a coarser grid misses the loop's beginning by more than the noise.
_GRID_S = 0.04
_PERIOD_MIN_S = 0.6
# A loop comes back to within 3 to 5 % of its motion; of 40 simulated people who did one turn three times
# the most even one came back to within 27 %.
_MOTION_MIN, _AWAY, _BACK = 2.0, 0.7, 0.15


def repeats(traces: Sequence[Trace]) -> float | None:
    """Return the period in seconds when the head does the very same again: a clip that is looped.

    The motion must be shown at least twice in ``traces``; longer loops are not found.
    """
    rows = np.array([(t.at, t.yaw, t.pitch, t.eye, t.mouth) for t in traces if t.face_count == 1], float)
    if len(rows) < FRAMES_MIN:
        return None
    grid = np.arange(rows[0, 0], rows[-1, 0], _GRID_S)
    moves = np.column_stack([np.interp(grid, rows[:, 0], rows[:, n]) for n in (1, 2, 3, 4)]) / _NOISE
    motion = np.abs(moves - np.median(moves, axis=0)).sum(axis=1)
    away = False
    for lag in range(round(_PERIOD_MIN_S / _GRID_S), len(grid) // 2 + 1):
        moved = motion[:-lag].mean()
        apart = np.abs(moves[lag:] - moves[:-lag]).sum(axis=1).mean()
        away = away or apart > _AWAY * moved
        if away and moved > _MOTION_MIN and apart < _BACK * moved:
            return lag * _GRID_S
    return None
