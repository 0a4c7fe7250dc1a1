"""The light challenge on made-up traces: what passes, what does not, and why not."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.phases import CheckVerdict
from kyc.light import correlate
from kyc.light_sequence import (
    COLOURS,
    COUNT,
    COUNT_MIN,
    LAG_MAX_S,
    NONCE_BYTES_MIN,
    STEP_S,
    LightFinding,
    LightSample,
    LightSequence,
    draw_sequence,
)

STARTED = 1_700_000_000.0
NONCE = bytes(range(32))


def trace(
    sequence: LightSequence,
    *,
    gain: float = 0.08,
    wall: float = 0.15,
    lag: float = 0.13,
    fps: float = 15,
    noise: float = 0.003,
    drift: float = 0.1,
    seed: int = 1,
    skin: tuple[float, float, float] = (1.0, 1.0, 1.0),
) -> list[LightSample]:
    """Return samples of a face that sends back ``gain`` of the colours, and a wall that sends a share."""
    chance = np.random.default_rng(seed)
    samples = []
    for number in range(round((sequence.seconds + 2) * fps)):
        at = number / fps
        shown = at - 1 - lag
        symbol = int(shown // STEP_S)
        lit = 0 <= symbol < len(sequence.symbols)
        colour = np.array(COLOURS[sequence.symbols[symbol]] if lit else (0, 0, 0))
        balance = np.exp(drift * np.sin(at / np.array((1.0, 1.4, 1.9))))
        face = np.array((0.3, 0.2, 0.15)) * (1 + gain * colour * skin) * balance
        behind = np.array((0.3, 0.3, 0.3)) * (1 + gain * wall * colour) * balance
        seen = [part * np.exp(chance.normal(0, noise, 3)) for part in (face, behind)]
        red, green, blue = (float(value) for value in seen[0])
        # The network delays by 50 to 90 ms.
        arrived = STARTED - 1 + at + 0.05 + float(chance.uniform(0, 0.04))
        samples.append(LightSample(at, arrived, (red, green, blue), tuple(map(float, seen[1]))))  # type: ignore[arg-type]
    return samples


def judged(samples: list[LightSample], nonce: bytes = NONCE) -> LightFinding:
    return correlate(draw_sequence(nonce), samples, STARTED)


def test_the_derivation_is_the_documented_one() -> None:
    """An auditor who follows docs/identity.md gets these symbols; a change here breaks old records."""
    assert draw_sequence(NONCE).symbols == "RCRCBGBMYMCGYCBY"
    assert draw_sequence(bytes(16), COUNT_MIN).symbols == draw_sequence(bytes(16)).symbols[:COUNT_MIN]


@given(st.binary(min_size=NONCE_BYTES_MIN, max_size=64), st.integers(COUNT_MIN, 64))
def test_no_symbol_follows_itself(nonce: bytes, count: int) -> None:
    """Every nonce gives as many symbols as asked, each another than the one before."""
    symbols = draw_sequence(nonce, count).symbols

    assert len(symbols) == count
    assert set(symbols) <= set(COLOURS)
    assert all(one != other for one, other in itertools.pairwise(symbols))


def test_symbols_are_drawn_evenly() -> None:
    """Of 6,000 symbols each comes about 1,000 times first and after each other one 200 times."""
    drawn = [draw_sequence(number.to_bytes(16)).symbols for number in range(6_000)]
    first = [sum(symbols[0] == name for symbols in drawn) for name in COLOURS]
    pairs = [sum(symbols[:2] == a + b for symbols in drawn) for a in COLOURS for b in COLOURS if a != b]

    # Five standard deviations of a binomial.
    assert all(abs(count - 1_000) < 5 * math.sqrt(6_000 * 5 / 36) for count in first)
    assert all(abs(count - 200) < 5 * math.sqrt(200) for count in pairs)


@pytest.mark.parametrize(("nonce", "count"), [(bytes(15), COUNT), (bytes(16), COUNT_MIN - 1)])
def test_what_could_be_guessed_is_not_drawn(nonce: bytes, count: int) -> None:
    """A short nonce or a short sequence is a mistake."""
    with pytest.raises(ValueError, match="at least"):
        draw_sequence(nonce, count)


def test_it_flashes_less_than_harms() -> None:
    """WCAG 2.2, 2.3.1: at most three flashes a second, a flash being two changes. Here three changes."""
    changes = [number * STEP_S for number in range(COUNT + 1)]

    assert max(sum(start <= change < start + 1 for change in changes) for start in changes) == 3
    assert draw_sequence(NONCE).seconds == pytest.approx(6.4)


@pytest.mark.parametrize("gain", [0.03, 0.08, 0.2])
@pytest.mark.parametrize("lag", [0.02, 0.25, 0.45])
@pytest.mark.parametrize("fps", [10, 30])
def test_a_face_in_the_light_passes(gain: float, lag: float, fps: int) -> None:
    """Whatever the lag within bounds and the frame rate; gain and lag are what went in."""
    found = judged(trace(draw_sequence(NONCE), gain=gain, lag=lag, fps=fps))

    assert (found.verdict, found.reason) == (CheckVerdict.PASSED, "")
    assert found.r > 0.85
    # The wall's share is taken away, and log(1 + x) is less than x.
    assert found.gain == pytest.approx(gain * 0.85, rel=0.2)
    # The quickest network delay, 0.05 s, cannot be told from lag.
    assert found.lag_s == pytest.approx(min(lag + 0.05, LAG_MAX_S), abs=0.05)
    assert found.background_share < 0.5


@pytest.mark.parametrize("skin", [(1.0, 0.7, 0.5), (0.6, 1.0, 1.0), (1.0, 0.5, 1.0)])
def test_skin_answers_each_colour_in_its_own_way(skin: tuple[float, float, float]) -> None:
    """Strong light that comes back unevenly is still the right sequence."""
    assert judged(trace(draw_sequence(NONCE), gain=0.2, skin=skin)).verdict is CheckVerdict.PASSED


@pytest.mark.parametrize("seed", range(5))
def test_somebody_who_walks_by_behind_is_no_light(seed: int) -> None:
    """The background turns another colour for a second, three times as much as the light; it passes."""
    walked = [
        dataclasses.replace(sample, background=(sample.background[0] * 1.5, *sample.background[1:]))
        if 3 + seed / 3 < sample.at < 4 + seed / 3
        else sample
        for sample in trace(draw_sequence(NONCE), seed=seed, drift=0.03)
    ]
    assert judged(walked).verdict is CheckVerdict.PASSED


@pytest.mark.parametrize("seed", range(20))
def test_no_light_is_no_proof_of_anything(seed: int) -> None:
    """Sun outshines any screen: a person has to look, and nobody is accused."""
    found = judged(trace(draw_sequence(NONCE), gain=0, seed=seed))

    assert (found.verdict, found.reason) == (CheckVerdict.REVIEW, "inconclusive")


def test_light_too_faint_is_inconclusive() -> None:
    """The right sequence with a slope of 0.01 does not pass, however clear."""
    found = judged(trace(draw_sequence(NONCE), gain=0.012, noise=0.0005))

    assert found.r > 0.9
    assert (found.verdict, found.reason) == (CheckVerdict.REVIEW, "inconclusive")


def test_another_sequence_fails() -> None:
    """Forty recorded challenges with other nonces are called what they are."""
    sent = draw_sequence(NONCE)
    found = [judged(trace(sent, seed=n), n.to_bytes(16)) for n in range(40)]

    assert [one for one in found if one.verdict is CheckVerdict.PASSED] == []
    assert sum(one.reason == "wrong_sequence" for one in found) == 40
    assert {one.verdict for one in found if one.reason == "wrong_sequence"} == {CheckVerdict.FAILED}


@pytest.mark.parametrize("shift", [-0.8, 0.9])
def test_the_right_sequence_at_the_wrong_time_fails(shift: float) -> None:
    """A lag that no network has, or light before it was asked for, is another sequence."""
    moved = [
        dataclasses.replace(sample, arrived_at=sample.arrived_at + shift)
        for sample in trace(draw_sequence(NONCE))
    ]
    assert judged(moved).verdict is CheckVerdict.FAILED


@pytest.mark.parametrize("wall", [0.7, 1.0, 2.0])
def test_light_from_everywhere_is_for_a_person(wall: float) -> None:
    """A pane of glass, or a wall right behind the head, sends the light back like the face or more."""
    found = judged(trace(draw_sequence(NONCE), gain=0.1, wall=wall))

    assert (found.verdict, found.reason) == (CheckVerdict.REVIEW, "flat_reflection")
    assert found.background_share >= 0.5


@pytest.mark.parametrize("seed", range(10))
def test_a_head_that_turns_is_not_called_a_wrong_sequence(seed: int) -> None:
    """Smooth changes as large as the light's are inconclusive at worst."""
    dark = trace(draw_sequence(NONCE), gain=0, seed=seed)
    turning = [
        dataclasses.replace(
            sample,
            face=(sample.face[0] * (1 + 0.1 * math.sin(2.3 * sample.at + seed)), *sample.face[1:]),
        )
        for sample in dark
    ]
    assert judged(turning).verdict is not CheckVerdict.FAILED


def test_too_few_frames_prove_nothing() -> None:
    """Six a second, none at all, or the half of a challenge."""
    sequence = draw_sequence(NONCE)
    for samples in ([], trace(sequence, fps=6), trace(sequence)[:60], trace(sequence)[-40:]):
        found = judged(samples)
        assert (found.verdict, found.reason) == (CheckVerdict.REVIEW, "too_few_frames")


def test_samples_that_say_nothing_are_passed_over() -> None:
    """Black, burnt out to infinity, or without a time."""
    samples = trace(draw_sequence(NONCE))
    broken = [
        dataclasses.replace(samples[0], face=(0.0, 0.1, 0.1)),
        dataclasses.replace(samples[1], at=math.nan),
        dataclasses.replace(samples[2], arrived_at=math.inf),
        dataclasses.replace(samples[3], background=(math.inf, 0.1, 0.1)),
        dataclasses.replace(samples[4], face=(0.1, math.nan, 0.1)),
    ]
    assert judged(samples + broken).r == judged(samples).r


@pytest.mark.parametrize("colour", [(0.3, 0.2, 0.1), (0.3, 0.3, 0.3)])
def test_a_frozen_picture_is_inconclusive(colour: tuple[float, float, float]) -> None:
    """Nothing changes at all."""
    still = [LightSample(n / 15, STARTED + n / 15, colour, (0.3, 0.3, 0.3)) for n in range(120)]
    assert judged(still).reason == "inconclusive"


def test_bursts_accuse_nobody() -> None:
    """A line that brings most frames in a third of the time shows no steps, neither right nor wrong ones."""
    bursts = [
        sample
        for n, sample in enumerate(trace(draw_sequence(NONCE), fps=30))
        if n // 12 % 3 == 0 or n % 12 == 5
    ]
    assert judged(bursts, bytes([9]) * 16).verdict is CheckVerdict.REVIEW


def test_stamps_of_a_madman_cost_nothing() -> None:
    """Times that are years apart, or all the same."""
    samples = trace(draw_sequence(NONCE))
    years = [dataclasses.replace(sample, at=sample.at * 1e9) for sample in samples]
    once = [dataclasses.replace(sample, at=0.0, arrived_at=STARTED + 1) for sample in samples]

    assert judged(years).reason == judged(once).reason == "too_few_frames"


def test_one_impossible_arrival_moves_nothing() -> None:
    """The clocks are compared over the quickest tenth, not by the one quickest frame."""
    samples = trace(draw_sequence(NONCE))
    early = [
        dataclasses.replace(samples[9], arrived_at=samples[9].arrived_at - 5),
        *samples[:9],
        *samples[10:],
    ]

    assert judged(early).verdict is CheckVerdict.PASSED


@settings(max_examples=20)
@given(st.integers(0, 2**32))
def test_any_samples_give_a_finding(seed: int) -> None:
    """Noise of any colour, in any order: bounded numbers, a verdict, and the same when asked again."""
    rng = np.random.default_rng(seed)
    samples = [
        LightSample(float(at), STARTED + float(at), (a, b, c), (d, e, f))
        for at, (a, b, c, d, e, f) in zip(
            rng.uniform(-1, 9, 150), rng.uniform(1e-3, 1, (150, 6)).tolist(), strict=True
        )
    ]
    found = judged(samples)

    assert -1 <= found.r <= 1
    assert 0 <= found.lag_s <= LAG_MAX_S
    assert found == judged(samples[::-1])
    assert (found.reason == "") is (found.verdict is CheckVerdict.PASSED)
