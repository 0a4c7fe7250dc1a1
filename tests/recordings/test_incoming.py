"""A track's own timeline: it grows, and never far from the time that passes."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from contract.ports import ClockSample, EncodedFrame
from recordings.incoming import Timeline
from tests.recordings.encoded import BASE, START

RATE = 48_000


def placed(moments: Iterable[tuple[float, float]]) -> list[float | None]:
    """Return where frames go that are (sent, arrived) so long after the start; in seconds, None if late."""
    timeline = Timeline(RATE)
    kept = []
    for sent, arrived in moments:
        frame = timeline.place(EncodedFrame(b"x", BASE + round(sent * RATE), True, START + arrived))
        kept.append(None if frame is None else round((frame.timestamp - BASE) / RATE, 3))
    return kept


def test_timestamps_that_run_away_are_taken_back() -> None:
    """A sender that adds five seconds at each frame stays where the clock is."""
    assert placed((5.0 * n, 0.02 * n) for n in range(100)) == [round(0.02 * n, 3) for n in range(100)]


@given(st.lists(st.tuples(st.floats(-10, 10), st.floats(0, 1)), min_size=1, max_size=300))
def test_no_timestamps_lead_far(steps: list[tuple[float, float]]) -> None:
    """Whatever a sender says, a minute before the arrivals is the most; and time never falls."""
    moments = [(0.0, 0.0)]
    for sent, passed in steps:
        moments.append((moments[-1][0] + sent, moments[-1][1] + passed))
    kept = [
        (at, arrived) for at, (_, arrived) in zip(placed(moments), moments, strict=True) if at is not None
    ]
    assert all(at - arrived <= 60.01 for at, arrived in kept)
    assert [at for at, _ in kept] == sorted(at for at, _ in kept)


def test_small_steps_lead_by_a_minute_at_most() -> None:
    """Steps that jitter could explain are believed, until they add up to more than a stall ever did."""
    at = placed((1.9 * n, 0.0) for n in range(1_000))[-1]
    assert at is not None
    assert 57 < at <= 60


def test_a_long_mute_stays_in_the_timestamps() -> None:
    """Nothing was sent for ten minutes: the gap is kept."""
    assert placed([(0.0, 0.0), (600.0, 600.0), (600.02, 600.02)]) == [0.0, 600.0, 600.02]


def test_what_comes_in_one_go_behind_a_stall_keeps_its_times() -> None:
    """Ten seconds in which nothing came, then all of it at once, the middle of it lost."""
    behind = [*(n / 50 for n in range(1, 50)), *(n / 50 for n in range(450, 500))]
    assert placed([(0.0, 0.0), *((at, 10.0) for at in behind)]) == [0.0, *behind]


def test_a_late_frame_is_no_restart() -> None:
    """Up to a second behind the last it is left out, and changes nothing."""
    assert placed([(0.0, 0.0), (1.0, 1.0), (0.5, 1.0), (1.02, 1.02)]) == [0.0, 1.0, None, 1.02]


def test_a_report_before_the_first_frame_tells_nothing() -> None:
    """How often its timestamp has wrapped is not known."""
    assert Timeline(RATE).map(ClockSample(START, BASE, START)) is None
