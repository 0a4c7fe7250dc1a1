"""The challenge as a state machine, and its draws."""

from itertools import permutations
from math import perm

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.errors import UserError, WrongPhase
from kyc.challenge import (
    ELDER_PACE_S,
    PACE_S,
    TRIES_MAX,
    Challenge,
    ChallengePhase,
    Draw,
    _digits,
    ask,
    draw,
    judged,
    passed_time,
)
from kyc.traces import Gesture, GestureFinding

SEED = bytes(range(16))
SEEN = GestureFinding(True, 1.0, "")
NOT_YET = GestureFinding(False, None, "not_seen")
WRONG = GestureFinding(False, None, "wrong_gesture")
DRAWN = Draw(SEED, (Gesture.NOD, Gesture.SAY_DIGITS), "0417")
WITHOUT_SOUND = tuple(gesture for gesture in Gesture if gesture is not Gesture.SAY_DIGITS)
seeds = st.binary(min_size=16, max_size=32)


@given(seeds)
def test_a_draw_follows_from_its_seed(seed: bytes) -> None:
    drawn = draw(seed)
    assert drawn == draw(seed)
    assert len(set(drawn.order)) == 2
    digits = drawn.digits
    assert (len(digits) == 4 and digits.isdigit()) if Gesture.SAY_DIGITS in drawn.order else digits == ""


@pytest.mark.parametrize(
    ("number", "digits"),
    [(0, "0001"), (1_109, "1110"), (1_110, "1112"), (2_219, "2221"), (2_220, "2223"), (9_989, "9998")],
)
def test_digits_are_never_all_the_same(number: int, digits: str) -> None:
    assert _digits(number) == _digits(number + 9_990) == digits


def test_every_other_number_is_drawn_alike() -> None:
    drawn = {_digits(number) for number in range(9_990)}
    assert len(drawn) == 9_990 and not any(len(set(digits)) == 1 for digits in drawn)


def test_a_draw_is_the_same_in_ten_years() -> None:
    assert draw(SEED) == Draw(SEED, DRAW_OF_SEED, "")


DRAW_OF_SEED = (Gesture.TURN_LEFT, Gesture.NOD)


@given(st.lists(seeds, min_size=40, max_size=60, unique=True))
def test_no_customer_gets_an_order_twice(many: list[bytes]) -> None:
    former: list[tuple[Gesture, ...]] = []
    for seed in many:
        drawn = draw(seed, former)
        assert drawn.order not in former
        former.append(drawn.order)
    # 6 x 5 orders of two; what comes after is longer.
    assert {len(order) for order in former[:30]} == {2}
    assert {len(order) for order in former[30:]} == {3}


def test_the_last_order_left_is_the_one_drawn() -> None:
    orders = list(permutations(sorted(Gesture), 2))
    assert len(orders) == perm(6, 2)
    for left in orders:
        assert draw(SEED, [order for order in orders if order != left]).order == left


def test_orders_are_drawn_evenly() -> None:
    drawn = [draw(n.to_bytes(16), pool=WITHOUT_SOUND).order for n in range(2000)]
    counts = [drawn.count(order) for order in permutations(sorted(WITHOUT_SOUND), 2)]
    # 100 each on average; five standard deviations.
    assert len(counts) == 20 and min(counts) > 50 and max(counts) < 150


def test_a_pool_without_sound_never_asks_for_digits() -> None:
    assert all(draw(n.to_bytes(16), pool=WITHOUT_SOUND).digits == "" for n in range(50))


def test_all_orders_used_up() -> None:
    every = [order for length in range(2, 6) for order in permutations(WITHOUT_SOUND, length)]
    with pytest.raises(UserError) as caught:
        draw(SEED, every, WITHOUT_SOUND)
    assert caught.value.code == "challenges_used_up"


@pytest.mark.parametrize(("seed", "pool"), [(b"short", tuple(Gesture)), (SEED, WITHOUT_SOUND[:4])])
def test_too_little_to_draw_from(seed: bytes, pool: tuple[Gesture, ...]) -> None:
    with pytest.raises(ValueError, match="needs"):
        draw(seed, pool=pool)


# --- the machine -------------------------------------------------------------------------------


def test_both_gestures_in_time_pass() -> None:
    challenge = ask(Challenge(), DRAWN, 100.0)
    prompt = challenge.prompt
    assert prompt is not None
    assert (prompt.gesture, prompt.digits, prompt.step, prompt.steps) == (Gesture.NOD, "", 1, 2)
    assert prompt.until == 100 + PACE_S
    challenge = judged(challenge, NOT_YET, 105.0)
    challenge = judged(challenge, GestureFinding(False, None, "several_faces"), 106.0)
    challenge = judged(challenge, SEEN, 110.0)
    prompt = challenge.prompt
    assert prompt is not None
    assert (prompt.gesture, prompt.digits, prompt.step) == (Gesture.SAY_DIGITS, "0417", 2)
    assert prompt.until == 110 + PACE_S
    challenge = judged(challenge, SEEN, 129.0)
    assert challenge.phase is ChallengePhase.PASSED
    assert [(tried.passed, tried.step, tried.reason) for tried in challenge.tries] == [(True, 1, "")]
    assert challenge.prompt is None


def test_elderly_customers_have_longer() -> None:
    challenge = ask(Challenge(pace_s=ELDER_PACE_S), DRAWN, 0.0)
    assert passed_time(challenge, 29.9).phase is ChallengePhase.ASKING
    assert passed_time(challenge, 30.1).phase is ChallengePhase.READY


def test_time_over_ends_the_try() -> None:
    challenge = ask(Challenge(), DRAWN, 0.0)
    assert passed_time(challenge, PACE_S) == challenge
    late = judged(challenge, SEEN, PACE_S + 0.1)
    assert late.phase is ChallengePhase.READY
    assert late.tries[-1].reason == "timeout"


@pytest.mark.parametrize("reason", ["no_sound", "no_voice", "mouth_still", "not_in_step"])
def test_time_over_tells_what_was_wrong_with_the_voice(reason: str) -> None:
    """The last finding's reason, whether it came in time or after it; those of other gestures say nothing."""
    challenge = ask(Challenge(), DRAWN, 0.0)
    assert judged(challenge, GestureFinding(False, None, reason), 1.0) == challenge
    assert passed_time(challenge, PACE_S + 0.1, reason).tries[-1].reason == reason
    late = judged(challenge, GestureFinding(False, None, reason), PACE_S + 0.1)
    assert late.tries[-1].reason == reason
    assert passed_time(challenge, PACE_S + 0.1, "several_faces").tries[-1].reason == "timeout"


@pytest.mark.parametrize("reason", ["wrong_gesture", "repeats"])
def test_what_fails_a_try_at_once(reason: str) -> None:
    challenge = judged(ask(Challenge(), DRAWN, 0.0), GestureFinding(False, None, reason), 3.0)
    assert challenge.phase is ChallengePhase.READY
    assert [(tried.passed, tried.reason) for tried in challenge.tries] == [(False, reason)]


def test_after_three_tries_the_agent_decides() -> None:
    challenge = Challenge()
    for n in range(TRIES_MAX):
        challenge = judged(ask(challenge, DRAWN, 100.0 * n), WRONG, 100.0 * n + 1)
    assert challenge.phase is ChallengePhase.AGENT_DECIDES
    with pytest.raises(WrongPhase):
        ask(challenge, DRAWN, 999.0)


def test_no_second_try_while_one_runs() -> None:
    with pytest.raises(WrongPhase):
        ask(ask(Challenge(), DRAWN, 0.0), DRAWN, 1.0)


def test_a_finding_that_nobody_waits_for_changes_nothing() -> None:
    assert judged(Challenge(), SEEN, 1.0) == Challenge()
    passed = judged(judged(ask(Challenge(), DRAWN, 0.0), SEEN, 1.0), SEEN, 2.0)
    assert judged(passed, WRONG, 3.0) == passed


events = st.lists(
    st.tuples(st.sampled_from(["ask", "seen", "not yet", "wrong", "time"]), st.floats(0, 15)), max_size=40
)


@given(events)
def test_whatever_happens_it_passes_only_by_all_gestures_and_ends_after_three_tries(
    happened: list[tuple[str, float]],
) -> None:
    challenge, at, seen = Challenge(), 0.0, 0
    findings = {"seen": SEEN, "not yet": NOT_YET, "wrong": WRONG}
    for event, seconds in happened:
        at += seconds
        if event == "ask" and challenge.phase is ChallengePhase.READY:
            challenge, seen = ask(challenge, DRAWN, at), 0
        elif event in findings:
            in_time = challenge.draw is not None and at <= challenge.asked_at + PACE_S
            challenge = judged(challenge, findings[event], at)
            seen += event == "seen" and in_time
        else:
            challenge = passed_time(challenge, at)
        assert len(challenge.tries) <= TRIES_MAX
        assert (challenge.draw is None) == (challenge.phase is not ChallengePhase.ASKING)
        if challenge.phase is ChallengePhase.PASSED:
            assert seen == 2
            break
