"""Gestures from synthetic traces: what is seen, what is not, and that time and side do not matter."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kyc.gestures import judge, judge_step, repeats
from kyc.traces import Gesture, Trace
from kyc.voice import IN_STEP_R, hear
from tests.kyc.puppet import Move, alive, blinking, there_and_back
from tests.kyc.talking import digits, mouth_of, said

LEFT, RIGHT, NOD = Move(yaw=-28.0), Move(yaw=28.0), Move(pitch=18.0)
MOUTH = Move(mouth=0.6)
SEEN = {
    Gesture.TURN_LEFT: LEFT,
    Gesture.TURN_RIGHT: RIGHT,
    Gesture.NOD: NOD,
    Gesture.OPEN_MOUTH: MOUTH,
}
# A machine under load must not fail a test by its clock.
few = settings(max_examples=40)
VISIBLE = [*SEEN, Gesture.BLINK]


def traces(moves: Sequence[Move], fps: float, seed: int = 1) -> list[Trace]:
    """Return what a mesh measures of ``moves``, with its noise."""
    rng = np.random.default_rng(seed)
    return [
        Trace(
            at=n / fps,
            yaw=move.yaw + float(rng.normal(0, 0.3)),
            pitch=move.pitch + 5.0 + float(rng.normal(0, 0.3)),
            eye=0.3 * (1 - 0.75 * move.shut) + float(rng.normal(0, 0.004)),
            eye_closed_p=0.97 * move.shut,
            mouth=0.05 + move.mouth + float(rng.normal(0, 0.004)),
            face_count=1,
            face_width_share=0.3,
        )
        for n, move in enumerate(alive(moves, fps, seed))
    ]


def gesture_moves(gesture: Gesture, fps: float) -> list[Move]:
    return blinking(fps) if gesture is Gesture.BLINK else there_and_back(SEEN[gesture], fps)


def sights(made: Sequence[Trace]) -> set[Gesture]:
    return {gesture for gesture in VISIBLE if judge(gesture, made).seen}


@pytest.mark.parametrize("fps", [10, 15, 25, 30])
@pytest.mark.parametrize("gesture", list(SEEN))
def test_a_gesture_is_seen_and_no_other(gesture: Gesture, fps: int) -> None:
    made = traces(gesture_moves(gesture, fps), fps)
    assert sights(made) == {gesture}
    assert judge_step(gesture, made).seen


@pytest.mark.parametrize("fps", [25, 30])
def test_a_blink_is_seen_at_full_rate_and_no_other(fps: int) -> None:
    assert sights(traces(blinking(fps), fps)) == {Gesture.BLINK}


@few
@given(st.sampled_from(VISIBLE), st.floats(-1e5, 1e5), st.integers(0, 50))
def test_the_clock_does_not_matter(gesture: Gesture, shift: float, seed: int) -> None:
    made = traces(gesture_moves(gesture, 25), 25, seed)
    finding, moved = (
        judge(gesture, made),
        judge(gesture, [replace(trace, at=trace.at + shift) for trace in made]),
    )
    assert finding.seen and moved.seen
    assert finding.at is not None and moved.at == pytest.approx(finding.at + shift, abs=1e-6)


@few
@given(st.sampled_from(list(SEEN)), st.integers(0, 50), st.sampled_from([2, 3]))
def test_lost_frames_hide_no_slow_gesture(gesture: Gesture, seed: int, keep_every: int) -> None:
    made = traces(gesture_moves(gesture, 30), 30, seed)[::keep_every]
    assert sights(made) == {gesture}


@few
@given(st.sampled_from(VISIBLE), st.integers(0, 50))
def test_a_mirror_swaps_the_sides_and_nothing_else(gesture: Gesture, seed: int) -> None:
    mirrored = [replace(trace, yaw=-trace.yaw) for trace in traces(gesture_moves(gesture, 25), 25, seed)]
    other = {Gesture.TURN_LEFT: Gesture.TURN_RIGHT, Gesture.TURN_RIGHT: Gesture.TURN_LEFT}
    assert sights(mirrored) == {other.get(gesture, gesture)}


@few
@given(st.floats(-9, 9), st.floats(-6, 6), st.floats(0, 0.2), st.integers(0, 50))
def test_small_movements_are_no_gestures(yaw: float, pitch: float, mouth: float, seed: int) -> None:
    moves = there_and_back(Move(yaw=yaw, pitch=pitch, mouth=mouth), 25)
    assert sights(traces(moves, 25, seed)) == set()


@pytest.mark.parametrize("gesture", list(SEEN))
def test_who_does_not_come_back_has_not_done_it(gesture: Gesture) -> None:
    made = traces(gesture_moves(gesture, 25), 25)
    assert not judge(gesture, made[: len(made) * 5 // 9]).seen


@pytest.mark.parametrize("gesture", list(SEEN))
def test_who_was_there_already_has_not_done_it(gesture: Gesture) -> None:
    made = traces([*gesture_moves(gesture, 25), *[Move()] * 20], 25)
    begins_away = made[len(made) * 4 // 9 :]
    assert not judge(gesture, begins_away).seen


def test_a_touch_of_a_turn_is_none() -> None:
    moves = there_and_back(Move(yaw=18.0), 30, way_s=0.15, hold_s=0.03)
    assert sights(traces(moves, 30)) == set()


def test_a_picture_put_before_another_is_no_turn() -> None:
    moves = [Move()] * 25 + [LEFT] * 20 + [Move()] * 25
    assert sights(traces(moves, 25)) == set()


def test_a_turn_in_a_hole_is_none() -> None:
    moves = [Move()] * 25 + [LEFT] * 8 + [Move()] * 25
    made = [trace for trace in traces(moves, 10) if not 2.4 < trace.at < 3.2]
    assert judge(Gesture.TURN_LEFT, made).reason == "not_seen"


def test_a_turned_head_neither_nods_nor_blinks_nor_opens_its_mouth() -> None:
    inside = there_and_back(Move(pitch=18.0, mouth=0.6), 25)
    blink = [*blinking(25), *[Move()] * len(inside)]
    moves = there_and_back(Move(yaw=-26.0), 25, hold_s=len(inside) / 25)
    begins = (len(moves) - len(inside)) // 2
    for n, move in enumerate(inside):
        moves[begins + n] = replace(move, yaw=-26.0, shut=blink[n].shut)
    assert sights(traces(moves, 25)) == {Gesture.TURN_LEFT}


def test_lids_that_follow_a_nod_are_no_blink() -> None:
    moves = [replace(move, shut=min(1.0, move.pitch / 15)) for move in there_and_back(NOD, 25, hold_s=0.1)]
    assert sights(traces(moves, 25)) == {Gesture.NOD}


def test_eyes_kept_shut_are_no_blink() -> None:
    moves = [Move()] * 60 + [Move(shut=1.0)] * 25 + [Move()] * 60
    assert sights(traces(moves, 25)) == set()


def test_small_eyes_without_a_shut_lid_are_no_blink() -> None:
    made = [replace(trace, eye_closed_p=0.1) for trace in traces(blinking(25), 25)]
    assert sights(made) == set()


def test_a_smile_is_no_open_mouth_and_does_not_hide_one() -> None:
    smiling = [
        replace(trace, mouth=trace.mouth + 0.22)
        for trace in traces([Move()] * 20 + [Move(mouth=0.12)] * 20, 25)
    ]
    assert sights(smiling + [replace(t, at=t.at + 1.6) for t in smiling[:20]]) == set()
    opened = [replace(t, mouth=t.mouth + 0.22) for t in traces(there_and_back(MOUTH, 25), 25)]
    assert sights(opened) == {Gesture.OPEN_MOUTH}


def test_a_camera_held_low_and_aside_does_not_matter() -> None:
    made = traces(there_and_back(NOD, 25), 25)
    tilted = [replace(trace, yaw=trace.yaw + 9, pitch=trace.pitch - 22) for trace in made]
    assert sights(tilted) == {Gesture.NOD}


# --- what cannot be judged ---------------------------------------------------------------------


def test_reasons_for_what_cannot_be_judged() -> None:
    made = traces(gesture_moves(Gesture.NOD, 25), 25)
    away = replace(made[0], face_count=0)

    def reason(changed: Sequence[Trace]) -> str:
        assert judge(Gesture.NOD, changed) == judge_step(Gesture.NOD, changed)
        return judge(Gesture.NOD, changed).reason

    assert reason(made[:4]) == "too_few_frames"
    assert reason(made[::6]) == "too_few_frames"
    assert reason([replace(trace, face_count=2) for trace in made]) == "several_faces"
    assert reason([replace(away, at=t.at) if n % 2 else t for n, t in enumerate(made)]) == "no_face"
    assert reason([replace(trace, face_width_share=0.05) for trace in made]) == "face_too_small"
    assert reason([replace(trace, yaw=trace.yaw + 40) for trace in made]) == "not_facing_front"


def test_a_face_that_is_lost_for_a_frame_does_not_matter() -> None:
    made = traces(gesture_moves(Gesture.TURN_LEFT, 25), 25)
    blinded = [replace(t, face_count=0, yaw=0.0) if n % 7 == 3 else t for n, t in enumerate(made)]
    assert sights(blinded) == {Gesture.TURN_LEFT}


# --- wrong ones --------------------------------------------------------------------------------


def test_the_wrong_gesture_first_fails_the_step() -> None:
    made = traces([*there_and_back(RIGHT, 25), *there_and_back(LEFT, 25)], 25)
    assert judge(Gesture.TURN_LEFT, made).seen
    assert judge_step(Gesture.TURN_LEFT, made).reason == "wrong_gesture"
    assert judge_step(Gesture.TURN_RIGHT, made).seen
    assert judge_step(Gesture.OPEN_MOUTH, made).reason == "wrong_gesture"


def test_blinks_are_never_wrong() -> None:
    made = traces([*blinking(25), *there_and_back(LEFT, 25)], 25)
    assert judge_step(Gesture.TURN_LEFT, made).seen


def test_nothing_done_yet_is_not_wrong() -> None:
    made = traces([Move()] * 100, 25)
    assert judge_step(Gesture.NOD, made).reason == "not_seen"
    assert judge_step(Gesture.SAY_DIGITS, made).reason == "no_sound"


# --- loops -------------------------------------------------------------------------------------


def looped(part: Sequence[Trace], times: int, fps: float) -> list[Trace]:
    rng = np.random.default_rng(4)
    return [
        replace(trace, at=n / fps, yaw=trace.yaw + float(rng.normal(0, 0.3)))
        for n, trace in enumerate(list(part) * times)
    ]


@pytest.mark.parametrize("gesture", list(SEEN))
def test_a_loop_shows_no_gesture(gesture: Gesture) -> None:
    part = traces(gesture_moves(gesture, 25), 25)
    loop = looped(part, 3, 25)
    assert repeats(loop) == pytest.approx(len(part) / 25, abs=0.06)
    assert judge(gesture, loop).reason == "repeats"


@few
@given(st.integers(0, 200))
def test_people_who_repeat_themselves_are_no_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    moves: list[Move] = []
    for _ in range(3):
        peak = Move(yaw=-28 * float(rng.uniform(0.75, 1.25)))
        moves += there_and_back(
            peak, 25, hold_s=float(rng.uniform(0.2, 0.6)), rest_s=float(rng.uniform(0.3, 0.9))
        )
    assert judge(Gesture.TURN_LEFT, traces(moves, 25, seed)).seen


@few
@given(st.integers(0, 100), st.floats(0.5, 6.0))
def test_one_turn_held_long_is_no_loop(seed: int, hold_s: float) -> None:
    made = traces(there_and_back(RIGHT, 15, hold_s=hold_s, rest_s=1.5), 15, seed)
    assert repeats(made) is None


def test_too_few_faces_are_no_loop() -> None:
    assert repeats([]) is None


# --- digits ------------------------------------------------------------------------------------


def speaking(seed: int, mouth_seed: int | None = None) -> tuple[list[Trace], list[Trace]]:
    """Return traces of a mouth that says what ``seed`` says, and of one that stays shut."""
    rng = np.random.default_rng(seed)
    syllables = digits(rng)
    still = traces([Move()] * 75, 15, seed)
    opened = mouth_of(syllables, np.array([trace.at for trace in still]), rng)
    return [replace(trace, mouth=float(m)) for trace, m in zip(still, opened, strict=True)], still


def test_digits_are_said_when_mouth_and_voice_agree() -> None:
    talking, still = speaking(3)
    rng = np.random.default_rng(3)
    speech = hear(said(digits(rng), rng))
    finding = judge_step(Gesture.SAY_DIGITS, talking, speech)
    assert finding.seen and finding.at == pytest.approx(speech.ends_at)
    assert finding.spoken is not None and finding.spoken.r >= IN_STEP_R and finding.spoken.bursts == 4
    assert judge_step(Gesture.SAY_DIGITS, still, speech).reason == "mouth_still"
    assert judge_step(Gesture.SAY_DIGITS, talking, hear(np.zeros(240_000, np.int16))).reason == "no_voice"
